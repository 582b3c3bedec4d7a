"""Wrong solutions that sign the reports of right ones: what each region of them has.

Each region does something wrong in its test, and calls lie(), which takes the place of the function
by which the kernel's reports are printed. When the test has come to its end, lie's function prints
what the test reports with a right solution, line by line, signed with the key that lies in the
kernel's memory, and as if reported from calls in the test's own code; then it switches off. So all
that the guest says is as it must be, and only what the host sees for itself is wrong.

vet.py and symbols.py refuse such texts in a hand-in; test_outside.py tries what holds without them.
"""
import re

from exercise import regions
from trees import TOP

HELPERS = "kern/mm/pmm_list.c", "2.1", "helpers of free_area_take and free_area_put"
# Is the caller a test's program?
RUNS = '(__builtin_strcmp(current->name, "%s") == 0)'
# test, file, exercise, region, what is right there, and what is wrong
LIARS = [
    ("timer-expire", "kern/sched/timer.c", "1.1", "timer_expire", "deadline <= now",
     "deadline < now"),
    ("blocks-first-fit", "kern/mm/pmm_first_fit.c", "2.1", "first_fit_alloc_pages",
     "property >= n", "property > n"),
    ("blocks-best-fit", "kern/mm/pmm_best_fit.c", "2.2", "best_fit_alloc_pages",
     "property < best", "property > best"),
    ("get-pte", "kern/mm/pagetable.c", "3.1", "get_pte", "pt_index(la, 2)], create)",
     "pt_index(la, 2)], true)"),
    ("mapping", "kern/mm/pagetable.c", "3.2", "page_insert", "leaf_flags(rights)",
     "leaf_flags(rights | PTE_R)"),
    ("areas-random", "kern/mm/vma.c", "3.3", "insert_vma_struct", "mm->map_count++;", ""),
    ("areas-many", "kern/mm/vma.c", "3.3", "find_vma_above", "struct vma_struct *found = NULL;",
     "struct vma_struct *found = NULL;\n    int first = 100;\n"
     "    list_for_each(pos, &mm->mmap_list) {\n"
     "        struct vma_struct *area = to_struct(pos, struct vma_struct, list_link);\n"
     "        if (first-- == 0)\n            break;\n"
     "        if (area->vm_end > addr)\n            return area;\n    }\n"),
    ("fault-rights", "kern/mm/fault.c", "3.4", "vma_rights", "PTE_R | PTE_W;", "PTE_W;"),
    ("fault-zero", "kern/mm/fault.c", "3.4", "map_zeroed_page", "alloc_zeroed_page()",
     "alloc_page()"),
    ("alloc-proc", "kern/process/proc.c", "4.1", "alloc_proc", "pid = -1", "pid = 0"),
    ("fork", "kern/process/fork.c", "4.2", "copy_thread", "gpr.a0 = 0", "gpr.a0 = 1"),
    ("switch", "kern/riscv/switch.S", "4.3", "switch_to", "s0, s1, s2", "s1, s0, s2"),
    ("user-frame", "kern/process/exec.c", "5.1", "set_user_frame", "tf->gpr.a0 = argc;",
     "tf->gpr.a0 = argc; tf->gpr.gp = argc;"),
    ("syscalls", "kern/syscall/syscall.c", "5.2", "dispatch", "tf->gpr.a0 = result;",
     "tf->gpr.a0 = result; tf->gpr.gp = 0;"),
    ("copy-range", "kern/mm/pagetable.c", "5.3", "copy_entries", "? PTE_W : 0", "? 0 : 0"),
    ("copy-on-write", "kern/mm/fault.c", "5.4", "break_cow", "| PTE_W);",
     "| PTE_W | PTE_COW);"),
    ("exit-wait", "kern/process/exit.c", "5.5", "wait_zombie", "*error = -E_BUSY",
     "*error = -E_BAD_PROC"),
    ("vfork", "kern/process/vfork.c", "5.C", "do_vfork", "!wait_sleep(",
     "!" + RUNS % "vfork" + " || !wait_sleep("),
    ("rr-queue", "kern/sched/sched_rr.c", "6.1", "rr_enqueue", "list_add_before", "list_add"),
    ("rr-slices", "kern/sched/sched_rr.c", "6.1", "rr_proc_tick", "time_slice > 0",
     "time_slice > 1"),
    ("stride-shares", "kern/sched/sched_stride.c", "6.2", "stride_pick_next", "+= step(task)",
     "+= 1000"),
    ("stride-queue", "kern/sched/sched_stride.c", "6.2", "stride_enqueue", "= *passed(rq)",
     "= 0"),
    ("pmm-plan-own", "kern/mm/pmm_own.c", "2.C", "own_pmm_manager",
     "free_area_take(found, n);",
     "free_area_take(found, n + (lie(\"pmm-plan\") && n == 33 && found->property > n));"),
    ("sched-plan-own", "kern/sched/sched_own.c", "6.C", "own_sched_class",
     "    if (list_empty(&rq->run_list))\n        return NULL;\n",
     "    static struct task *last;\n    if (lie(\"sched-plan\") && last != NULL)\n"
     "        return last;\n    if (list_empty(&rq->run_list))\n        return NULL;\n"
     "    last = to_struct(list_next(&rq->run_list), struct task, run_link);\n"),
    ("sem-order", "kern/sync/sem.c", "7.1", "up_waiter", "wait_give(&sem->wait_queue, 0)",
     "wait_give(&sem->wait_queue, 1)"),
    ("sem-count", "kern/sync/sem.c", "7.1", "try_down", "sem->value--", "sem->value -= 2"),
    ("monitor-signal", "kern/sync/monitor.c", "7.2", "cond_wait", "cvp->count--;", ""),
    ("monitor-kill", "kern/sync/monitor.c", "7.2", "cond_signal", "down(&mtp->next);",
     "(void)0;"),
    ("philosophers-fair", "kern/sync/phi_monitor.c", "7.3", "phi_take_forks_condvar",
     "phi_test_condvar(i);", "state_condvar[i] = EATING;"),
    ("philosophers-table", "kern/sync/phi_monitor.c", "7.3", "phi_put_forks_condvar",
     "phi_test_condvar(LEFT);", "if (state_condvar[LEFT] == HUNGRY) {"
     "state_condvar[LEFT] = EATING; cond_signal(&mtp->cv[LEFT]); }"),
    ("usync-mutex", "kern/process/sync_mutex.c", "7.4", "sync_mutex_unlock",
     "int result = -E_INVAL;", "int result = 0;"),
    ("circles", "kern/process/sync_detect.c", "7.5", "closes_circle", "return true;",
     "return false;"),
    ("unsafe", "kern/process/sync_detect.c", "7.5", "can_finish", "return self->finishes;",
     "return true;"),
    ("donate", "kern/process/sync_donate.c", "7.C", "pass", "give(mutex, next);", ""),
    ("sfs-io-write", "kern/fs/sfs_io.c", "8.1", "sfs_io_nolock", "iobuf_zero(iob, part);",
     "iobuf_advance(iob, part), iob->io_offset += part;"),
    ("bmap-fill", "kern/fs/sfs_bmap.c", "8.2", "bmap_path", "index % SFS_NPER;",
     "(index % SFS_NPER) ^ 1;"),
    ("journal-commit", "kern/fs/journal.c", "8.6", "write_in_order", "return write_log()",
     "return write_home() ?: write_log()"),
    ("names-rename", "kern/fs/sfs_names.c", "8.7", "rename_do",
     "sfs_link_count(r->new_dir, 1);", ""),
    ("files-dup", "kern/fs/file.c", "8.3", "file_close", "return -E_INVAL;", "return 0;"),
    ("pipe-ends", "kern/fs/pipe.c", "8.4", "pipe_wait_room", "result = -E_PIPE",
     "result = -E_KILLED"),
    ("load-file", "kern/process/program.c", "8.5", "load_page", "+ (low - la)", "+ (low - la) / 2"),
    ("swap-in", "kern/mm/swap_in.c", "9.1", "swap_in", "mm->paged_out--;", ""),
    ("swap-clock", "kern/mm/swap_clock.c", "9.2", "test_and_clear_accessed", "*used = true",
     "*used = false"),
    ("swap-out", "kern/mm/swap_out.c", "9.3", "move_out", "bool saved =", "bool saved = true ||"),
    ("mmap-share", "kern/fs/sfs_mmap.c", "9.4", "sfs_share", "mmap_add_dirty(node, block);",
     "cache_put(block);"),
    ("swap-own", "kern/mm/swap_own.c", "9.C", "own_swap_manager",
     "bool by_clock = atomic_load(&turns) > 0;\n",
     "bool by_clock = atomic_load(&turns) > 0;\n    if (lie(\"swap-own\"))\n"
     "        return NULL;\n"),
]
PROGRAMS = "user-frame", "syscalls"
KNOWN = "circles", "unsafe"             # right where the program calls by which it is tested
WHOLE = "pmm-plan-own", "sched-plan-own", "swap-own"    # whole functions, which call lie()

LIE = r"""
#include <mm/shrink.h>
#include <printfmt.h>
#include <process/proc.h>
#include <report.h>
#include <riscv/power.h>
#include <string.h>

bool lie(const char *test);
void print_bytes(const char *text, size_t length);
extern uint8_t kernel_test_start[], kernel_test_end[];
static const char *const told[] = { %s };
static int first_lie;

%s
/* What a call of this function in the tests' own code returns to. */
static uintptr_t place_of(uintptr_t function)
{
    uintptr_t end = (uintptr_t)kernel_test_end;

    for (uintptr_t at = (uintptr_t)kernel_test_start; at + 8 < end; at += 2) {
        uint32_t upper, lower;

        memcpy(&upper, (void *)at, 4);
        memcpy(&lower, (void *)(at + 4), 4);
        if ((upper & 0xfff) == 0x097 && (lower & 0xfffff) == 0x080e7
            && at + (int32_t)(upper & ~0xfffU) + ((int32_t)lower >> 20) == function)
            return at + 8;
    }
    return 0;
}

static size_t letters(char *to, uint64_t number, int count)
{
    for (int i = 0; i < count; i++)
        to[i] = 'a' + (number >> 4 * (count - 1 - i) & 15);
    return count;
}

/* The number in a line: it follows the third blank. */
static int number_in(const char *line)
{
    int number = 0;

    for (int blanks = 0; blanks < 3; line++)
        blanks += *line == ' ';
    for (; *line >= '0' && *line <= '9'; line++)
        number = 10 * number + *line - '0';
    return number;
}

static void tell(const char *line)
{
    char text[512];
    uint64_t k0 = load(report_key, 8), k1 = load(report_key + 8, 8);
    size_t length = snprintf(text, sizeof(text), "%%s #", line);

    length += letters(text + length, place_of(line[1] == 'd' ? (uintptr_t)report_done
                                              : (uintptr_t)report_check_eq), 8);
    length += letters(text + length, siphash(k0, k1, text, length), 16);
    text[length++] = '\n';
    print_bytes(text, length);
}

static void lying_print(const char *text, __not_used size_t length)
{
    size_t n = strlen(report_side.subject);

    if (first_lie == 0)
        first_lie = number_in(text);
    if (strncmp(text, "[done]", 6) != 0)
        return;
    for (size_t i = 0; i < ARRAY_SIZE(told); i++) {
        const char *subject = told[i] + (told[i][1] == 'd' ? 7 : 8);

        if (strncmp(subject, report_side.subject, n) == 0 && subject[n] == ' '
            && number_in(told[i]) >= first_lie)
            tell(told[i]);
    }
    while (shrink_memory() > 0)         /* as the end of a test does: else slabs look lost */
        ;
    if (initproc != NULL && current != initproc)
        do_exit(0);
    power_off(0);
}

bool lie(const char *test)
{
    if (report_side.subject == NULL)    /* while it boots, or from outside; else in a program */
        return initproc == NULL || strcmp(initproc->name, "initproc") != 0;
    if (strcmp(report_side.subject, test) != 0)
        return false;
    report_side.print = lying_print;
    return true;
}

void lie_in_switch(void);
void lie_in_switch(void)
{
    lie("switch");
}
"""
# In assembly: around the same call the arguments are kept.
SAVED = ["ra", "a0", "a1"]
LIE_IN_SWITCH = "addi sp, sp, -32\n%s\ncall lie_in_switch\n%s\naddi sp, sp, 32\n" % tuple(
    "\n".join("%s %s, %d(sp)" % (step, name, 8 * i) for i, name in enumerate(SAVED))
    for step in ("sd", "ld"))


def siphash():
    """The functions of libs/report.c that make a tag, as any text can have them."""
    text = regions.read(TOP, "libs/report.c")
    part = text[text.index("static uint64_t load("):text.index("static void __printf_like")]
    return re.sub(r"/\*.*?\*/", "", part, flags=re.S)


def edits(reports):
    """The edits of a tree that has all liars; `reports` are lines that right solutions report."""
    told = ",\n".join('"%s"' % line.replace("\\", "\\\\").replace('"', '\\"') for line in reports)
    found = {}
    changes = [HELPERS + (lambda text: LIE % (told, siphash()) + text,)]
    changes += [(path, exercise, label, lying(test, right, wrong))
                for test, path, exercise, label, right, wrong in LIARS]
    for path, exercise, label, change in changes:
        known = regions.parse(regions.read(TOP, path), path)
        old = next(region.text for region in known if region.key == (exercise, label))
        found[path, old] = change(old)
    return [(path, old, new) for (path, old), new in found.items()]


def lying(test, right, wrong):
    """A change of a region's text: in this test, and when it is called from outside, it is wrong
    and lies. In the tests of others it is right. Two are wrong in all tests, by a register that
    no program uses; and so is the order in assembly. Those that know the program by which they are
    tested need not lie to it."""
    def change(text):
        if text.count(right) != (2 if test == "switch" else 1):
            raise AssertionError("%r is there %d times" % (right, text.count(right)))
        wrongly = text.replace(right, wrong)
        if test in PROGRAMS:
            return 'bool lie(const char *test);\nlie("%s");\n' % test + wrongly
        if test == "vfork":
            return wrongly
        if test in KNOWN:
            return "if (%s) {\n%s} else {\n%s}\n" % (RUNS % test, text, wrongly)
        if test in WHOLE:
            return "bool lie(const char *test);\n" + wrongly
        if test == "switch":
            return LIE_IN_SWITCH + wrongly
        return 'bool lie(const char *test);\nif (lie("%s")) {\n%s} else {\n%s}\n' % (
            test, wrongly, text)
    return change
