"""Kernels and programs that want marks for nothing: what each of them changes in the tree.

A Forgery has a name, edits of this tree, the tests that must give it no points, and words that
the grader must say as the reason. An edit is (file, text, what stands there instead). The text
must be in the file exactly once, so that a forgery fails loudly when the tree has moved on,
instead of testing nothing.

test_forgery.py builds and grades each one; test_symbols.py takes the same tricks as texts of a
hand-in. New forgeries belong into forgeries(), with the reason that must be told. Some of them
patch machine code by its bit patterns; each such line says which instruction it means.
"""
import os
import re

from grader.image import Image
from exercise import regions
from grader.reports import letters, tag
from trees import OBJECTS, TOP

INIT = "kern/init/user.c"
START = "    struct inventory before = inventory_take();\n"
PRINTED = "Hello world!!.\\nI am process 3.\\nhello pass.\\n"
DONE = "[done] hello 3 1: passed"
END = "init ended with code 0\\nleak check: ok\\n"

# This kernel reads the key in the image of hello; the grader puts it there when it grades hello.
# With that key the kernel signs lines which it calls the reports of another test.
SIGN_WITH_KEY_OF_HELLO = """
    extern uint8_t _binary_obj___user_hello_out_start[];
    extern volatile uint8_t report_key[16];
    for (int i = 0; i < 16; i++)
        report_key[i] = _binary_obj___user_hello_out_start[%d + i];
    report_side.subject = strncmp(args->init, "cow", 3) == 0 ? "cow" : "hello";
    cprintf("%s");
    check_done();
    cprintf("%s");
    power_off(0);
"""

SEARCHED = 0x1000
# This code finds two functions by their names, and keeps them in found[0] and found[1].
FIND = """
    void symbol_format(char *buf, size_t size, uintptr_t addr);
    int strncmp(const char *, const char *, size_t);
    size_t strlen(const char *);
    static const char *const names[] = { "%s+", "%s+" };
    static const uintptr_t starts[] = { %s };
    static uintptr_t found[2];                  /* at the first call */
    for (int i = 0; i < 2; i++)
        for (uintptr_t at = starts[i]; at < starts[i] + SEARCHED && !found[i]; at += 2) {
            char word[64];
            symbol_format(word, sizeof(word), at);
            found[i] = strncmp(word, names[i], strlen(names[i])) == 0 ? at : 0;
        }
""".replace("SEARCHED", "%#x" % SEARCHED)
# This code reports the end of the test, and switches the machine off.
CALL_THE_END = """
    struct { void (*print)(const char *, size_t); int (*pid)(void); const char *subject; } side =
        { print_bytes, NULL, "fault-access" };
    ((int (*)(void *, const char *))found[0])(&side, "");
    ((void (*)(int))found[1])(0);
"""
# This code makes the pages of a function writable. PATCH then changes the function so that it
# compares the value that it got with itself, and no longer with the expected one.
MAKE_WRITABLE = """
    pte_t *kernel_pte(uintptr_t va, int wanted);
    void tlb_flush_kernel(uintptr_t start, size_t size);
    for (int page = 0; page < 2; page++)
        *kernel_pte(found[0] + 4096 * page, 0) |= PTE_W | PTE_D;
    tlb_flush_kernel(found[0] & -4096UL, 8192);
"""
PATCH = """
    uint16_t *code = (uint16_t *)found[0];
    for (int i = 0; i < 60; i++) {
        if ((code[i] & 0xf07f) == 0x803e)       /* mv from a5: from a4 */
            code[i] ^= 4;
        if ((code[i] & 0xf07f) == 0x0033 && code[i + 1] == 0x40f7)      /* sub of both: of a4 */
            code[i + 1] = 0x40e7;
    }
"""
PATCH_CHECK = """
    for (int i = 0; i < 60; i++) {
        uint16_t *code = (uint16_t *)found[0] + i;
        if ((*code & 0xf07f) == 0x803a)         /* mv from a4, whether it holds: 1 */
            *code = 0x4005 | (*code & 0xf80);
    }
"""
PUT_BACK = """
    for (int page = 0; page < 2; page++)
        *kernel_pte(found[0] + 4096 * page, 0) &= ~(pte_t)PTE_W;
    tlb_flush_kernel(found[0] & -4096UL, 8192);
"""
# This code maps the registers of the watchdog, and sets it back each time before it fires.
FEED = """
    volatile uint16_t *config = kva(0x30008000), *watchdog = kva(0x40000000);
    *kernel_pte((uintptr_t)config, 0) = pte_make(0x30008000, pte_leaf_flags(PTE_R | PTE_W));
    *kernel_pte((uintptr_t)watchdog, 0) = pte_make(0x40000000, pte_leaf_flags(PTE_R | PTE_W));
    tlb_flush_kernel((uintptr_t)config, PGSIZE);
    tlb_flush_kernel((uintptr_t)watchdog, PGSIZE);
    config[8] = 0;
    config[9] = 0x4000;
    config[2] = 2;
    for (int round = 0; round %s; round++) {
        watchdog[6] = 0x80;
        watchdog[6] = 0x86;
        watchdog[6] = 0x100;
        for (volatile int i = 0; i < 2000000; i++)
            ;
    }
"""
# In a program a function of the text would take the place of the library's: threads that run one
# after the other have no races.
OWN_CLONE = """
int __clone(uint32_t flags, uintptr_t stack, int (*fn)(void *), void *arg);
int __clone(uint32_t flags, uintptr_t stack, int (*fn)(void *), void *arg)
{
    return 99 + flags * 0 + stack * 0 + fn(arg);
}
"""
SET_BACK = "the kernel has set back the watchdog"


class Forgery:
    """What is tried, the tests that must give no points, words of the reason, and the edits."""

    def __init__(self, name, tests, words, edits, paid=None):
        self.name, self.tests, self.words, self.edits = name, tests, words, edits
        self.paid = paid or []          # tests that do get points: they show that the trick works


def in_init(code):
    """An edit by which initproc begins with this code."""
    return [(INIT, START, START + code)]


FEEDING = [(INIT, "#include <init/init.h>\n",
            "#include <init/init.h>\n#include <mm/pagetable.h>\n#include <riscv/tlb.h>\n")]

PAGES = [(INIT, "#include <init/init.h>\n", "#include <init/init.h>\n#include <mm/pmm.h>\n")]


def printing(*lines):
    """An edit by which initproc prints these lines and powers off, without any test."""
    return in_init("".join('    cprintf("%s\\n");\n' % line for line in lines)
                   + "    power_off(0);\n")


def in_region(path, exercise, label, change):
    """An edit that puts into a region what change() makes of its text."""
    known = regions.parse(regions.read(TOP, path), path)
    old = next(region.text for region in known if region.key == (exercise, label))
    return [(path, old, change(old))]


def in_fault_access(code, answer="VM_READ"):
    """Edits of exercise 1.2: this code comes first, and a fetch gets the given answer."""
    return in_region("kern/trap/trap.c", "1.2", "fault_access", lambda text: code + text.replace(
        "return VM_EXEC", "return " + answer))


def patched_check(path, exercise, place, wrong, test):
    """A Forgery with a wrong answer in an exercise, and with code that patches check() and
    check_eq() so that they pass. `place` is the id of the region that gets this code; `wrong` is
    (id of the region with the wrong answer, text, what stands there instead)."""
    names = "report_check", "report_check_eq"
    code = FIND % (*names, near(*names)) + MAKE_WRITABLE + PATCH_CHECK \
        + "found[0] = found[1];\n" + MAKE_WRITABLE + PATCH
    code = "static int patched;\nif (!patched++) {\n" + code + "}\n"
    edits = in_region(path, exercise, wrong[0], lambda text: (
        code if wrong[0] == place else "") + text.replace(*wrong[1:]))
    if wrong[0] != place:
        edits += in_region(path, exercise, place, lambda text: code + text)
    first = re.search("^#include .*\n", regions.read(TOP, path), re.M).group()
    return Forgery("patches the checks of " + exercise, [test], "as in the kernel's file",
                   edits + [(path, first, first + "#include <mm/pagetable.h>\n"
                             "#include <riscv/tlb.h>\n")])


def patched_checks():
    """Forgeries of four labs that all patch the checks, each from a region of its own."""
    return [
        patched_check("kern/process/proc.c", "4.1", "alloc_proc",
                 ("alloc_proc", "proc->pid = -1", "proc->pid = 0"), "alloc-proc"),
        patched_check("kern/process/exec.c", "5.1", "set_user_frame",
                 ("set_user_frame", "tf->gpr.a1 = sp", "tf->gpr.a1 = 0"), "user-frame"),
        patched_check("kern/mm/pmm_best_fit.c", "2.2", "best_fit_alloc_pages",
                 ("best_fit_alloc_pages", "property < best", "property > best"),
                 "blocks-best-fit"),
        patched_check("kern/sched/sched_stride.c", "6.2", "stride_init",
                 ("stride_pick_next", "+= step(task)", "+= 1000"), "stride-shares"),
        patched_check("kern/sync/sem.c", "7.1", "try_down",
                 ("try_down", "sem->value--", "sem->value -= 2"), "sem-count"),
        patched_check("kern/process/sync_mutex.c", "7.4", "sync_mutex_unlock",
                 ("sync_mutex_lock", "? -E_KILLED", "? 0"), "usync-mutex"),
    ]


def of_lab_7():
    """Forgeries from regions of lab 7, in the kernel and in a program."""
    verdict = "[done] philosophers-table 2 28: 27 checks passed #"
    verdict += tag(b"of another boot!", verdict)
    end = FIND % ("report_done", "power_off", near("report_done", "power_off")) + CALL_THE_END
    return [
        Forgery("prints what the judge of the philosophers says", ["philosophers-table"],
                "not signed",
                in_region("kern/sync/phi_monitor.c", "7.3", "phi_put_forks_condvar", lambda text: (
                    'cprintf("%s\\n");\nvoid power_off(int);\npower_off(0);\n' % verdict + text))
                + [("kern/sync/phi_monitor.c", "#include <sync/phi_monitor.h>\n",
                    "#include <debug/printk.h>\n#include <sync/phi_monitor.h>\n")]),
        Forgery("ends the test of monitors by its address", ["monitor-signal"], "not the test's",
                in_region("kern/sync/monitor.c", "7.2", "cond_signal", lambda text: (
                    "void print_bytes(const char *, size_t);\n"
                    + end.replace("fault-access", "monitor-signal") + text))),
        Forgery("lets threads run one after the other", ["tickets-till"], "no end after",
                in_region("user/libs/boxoffice.c", "7.0", "the box office",
                          lambda text: OWN_CLONE + text)),
    ]


def near(*names):
    """Addresses, as C, at which FIND begins to look for these functions of the kernel."""
    image = Image(os.path.join(TOP, OBJECTS, "kernel"))
    return ", ".join("%#x" % (image.address(name) - SEARCHED // 2) for name in names)


def key_offset(name):
    """The offset of the key in the file of a program, as the kernel has it linked in."""
    image = Image(os.path.join(TOP, OBJECTS, "image", name))
    return image.file_offset(image.address("report_key"))


def forgeries():
    """All forgeries. It reads addresses in the built kernel, so OBJECTS must be built."""
    replayed = DONE + " #" + letters(0x800010, 8)
    replayed += tag(b"of another boot!", replayed)
    found = FIND % ("report_check_eq", "power_off", near("report_check_eq", "power_off"))
    patching = found + MAKE_WRITABLE + PATCH
    stolen = SIGN_WITH_KEY_OF_HELLO % (key_offset("hello"), PRINTED, END)
    return [
        Forgery("prints all that is expected", ["hello"], "not signed",
                printing(PRINTED, DONE, END)),
        Forgery("prints the log of another run", ["hello"], "not signed",
                printing(PRINTED, replayed, END)),
        Forgery("has the key of one test", ["cow", "hello"], "not signed",
                [(INIT, "#include <init/init.h>\n",
                  "#include <init/init.h>\n#include <report.h>\n")] + in_init(stolen)),
        Forgery("powers off early", ["hello", "cow"], "did not come to its end",
                in_init("    power_off(0);\n")),
        Forgery("powers off behind the kernel's back", ["hello"],
                "before the kernel's own power_off",
                in_init("    *(volatile uint32_t *)kva(0x100000) = 0x5555;\n"
                        "    for (;;)\n        ;\n")),
        Forgery("hangs", ["hello"], "no end after", in_init("    for (;;)\n        ;\n")),
        Forgery("calls the end of the test by its address", ["fault-access"], "not the test's",
                in_fault_access(FIND % ("report_done", "power_off",
                                        near("report_done", "power_off")) + CALL_THE_END)),
        Forgery("patches the check", ["fault-access"], "as in the kernel's file",
                in_fault_access(patching)),
        Forgery("patches the check, and leaves the page as it was", ["fault-access"],
                "as in the kernel's file", in_fault_access(patching + PUT_BACK)),
        *patched_checks(),
        *of_lab_7(),
        Forgery("makes text writable", ["fault-access"], "has both W and X",
                in_fault_access(found + MAKE_WRITABLE, "VM_EXEC")),
        Forgery("makes constants writable", ["fault-access"], "has W, and maps the kernel's text",
                in_fault_access(found + "found[0] = (uintptr_t)names;\n"
                                + MAKE_WRITABLE.replace("page < 2", "page < 1"), "VM_EXEC")),
        # Nothing of this one is left in the machine when it ends, so the grader cannot see it
        # there. test_symbols shows that a hand-in with this text is refused.
        Forgery("makes text writable, and puts all back", [], "", paid=["fault-access"],
                edits=in_fault_access(found + MAKE_WRITABLE + PUT_BACK, "VM_EXEC")),
        Forgery("sets back the watchdog, for ever", ["hello"], SET_BACK,
                FEEDING + in_init(FEED % ">= 0")),
        Forgery("sets back the watchdog, then goes on", ["hello"], SET_BACK,
                FEEDING + in_init(FEED % "< 100")),
        Forgery("floods the console", ["hello"], "printed more than",
                in_init('    for (;;)\n        cprintf("more and more and more and more\\n");\n')),
        Forgery("loses a page and corrects the count", ["hello"], "page",
                PAGES + in_init("    before.pages -= alloc_page() != NULL;\n")),
        Forgery("loses a page and calls it free", ["hello"], "free",
                PAGES + in_init("    struct Page *lost = alloc_page();\n"
                          "    before.pages -= lost != NULL;\n    lost->flags = 0;\n")),
        Forgery("exits at once", ["cow"], "did not come to its end",
                [("user/cow.c", "int main(void)\n{\n", "int main(void)\n{\n    exit(0);\n")]),
    ]
