"""Kernels and programs that want marks for nothing: what each changes in the tree.

An edit is (file, text, what stands there instead); the text must be there, so that a
forgery cannot decay unnoticed.
"""
import os

from grader.image import Image
from grader.reports import tag
from trees import OBJECTS, TOP

INIT = "kern/init/user.c"
START = "    struct inventory before = inventory_take();\n"
PRINTED = "Hello world!!.\\nI am process 3.\\nhello pass.\\n"
DONE = "[done] hello 3 1: passed"
END = "init ended with code 0\\nleak check: ok\\n"

# A kernel that takes the key out of the image of hello, where the grader puts it when hello is
# graded, and signs with it what it calls the report of another test.
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


class Forgery:
    """What is tried, the tests that must give nothing, words of the reason, and the edits."""

    def __init__(self, name, tests, words, edits, paid=None):
        self.name, self.tests, self.words, self.edits = name, tests, words, edits
        self.paid = paid or []          # tests that do get points, to show that the trick works


def in_init(code):
    """An edit: initproc begins with this code."""
    return [(INIT, START, START + code)]


def printing(*lines):
    return in_init("".join('    cprintf("%s\\n");\n' % line for line in lines)
                   + "    power_off(0);\n")


def key_offset(name):
    image = Image(os.path.join(TOP, OBJECTS, "image", name))
    return image.file_offset(image.address("report_key"))


def forgeries():
    replayed = DONE + " #" + tag(b"of another boot!", DONE)
    stolen = SIGN_WITH_KEY_OF_HELLO % (key_offset("hello"), PRINTED, END)
    return [
        Forgery("prints all that is expected", ["hello"], "not signed",
                printing(PRINTED, DONE, END)),
        Forgery("prints the log of another run", ["hello"], "not signed",
                printing(PRINTED, replayed, END)),
        Forgery("has the key of one test", ["cow"], "not signed",
                [(INIT, "#include <init/init.h>\n",
                  "#include <init/init.h>\n#include <report.h>\n")] + in_init(stolen),
                paid=["hello"]),
        Forgery("powers off early", ["hello", "cow"], "did not come to its end",
                in_init("    power_off(0);\n")),
        Forgery("powers off behind the kernel's back", ["hello"],
                "before the kernel's own power_off",
                in_init("    *(volatile uint32_t *)kva(0x100000) = 0x5555;\n"
                        "    for (;;)\n        ;\n")),
        Forgery("hangs", ["hello"], "no end after", in_init("    for (;;)\n        ;\n")),
        Forgery("floods the console", ["hello"], "printed more than",
                in_init('    for (;;)\n        cprintf("more and more and more and more\\n");\n')),
        Forgery("loses a page and corrects the count", ["hello"], "page",
                [("kern/init/init.h", "struct inventory {", "#include <mm/pmm.h>\n"
                  "struct inventory {")]
                + in_init("    before.pages -= alloc_page() != NULL;\n")),
        Forgery("loses a page and calls it free", ["hello"], "free",
                [("kern/init/init.h", "struct inventory {", "#include <mm/pmm.h>\n"
                  "struct inventory {")]
                + in_init("    struct Page *lost = alloc_page();\n"
                          "    before.pages -= lost != NULL;\n    lost->flags = 0;\n")),
        Forgery("exits at once", ["cow"], "did not come to its end",
                [("user/cow.c", "int main(void)\n{\n", "int main(void)\n{\n    exit(0);\n")]),
    ]
