"""What the tests of a whole course's grading need: tools/lab as a function, without a machine.

A test class that has Desk as its base grades by marks.Examiner as ever, but the workshop is
test_lab_grade.Shop: `verdict(text, exercise)` says what becomes of each test. So marks, tables and
reports are those of the real tools, and a course takes a second.

lab("grade a.txt --lab 5") is the command; files are put into the test's folder by put().
"""
import contextlib
import io
import os
import shlex
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from test_lab_grade import REFERENCE, ROOT, Folder, Shop

from exercise import gradebook, marks, pool, provenance
from grader.model import Verdict

MADE = {"version": "0123456789ab-89abcdef", "toolchain": "gcc 0", "qemu": "QEMU 0"}
LAB = os.path.join(ROOT, "tools", "lab")


class Stub:
    """In place of a Pool: it does the jobs one after the other."""

    def __init__(self, begin, shop):
        self.do = begin(shop)

    def run(self, jobs):
        for key, work in jobs:
            yield key, self.do(work)


class Desk(Folder):
    """The command line of tools/lab, with a stub for the machines."""

    def setUp(self):
        super().setUp()
        self.verdict = lambda text, exercise: Verdict.OK
        self.reference, self.shops = REFERENCE, []
        self.put_in_place(gradebook, "Reference", lambda *_: self.reference)
        self.put_in_place(gradebook, "qemu_is_there", lambda name: True)
        self.put_in_place(provenance, "made_by", lambda *_: dict(MADE))
        self.put_in_place(pool, "shops", self.stub)
        self.put_in_place(marks.Examiner, "foreign", lambda *_: {})

    def put_in_place(self, owner, name, value):
        """Set an attribute until the end of the test."""
        self.addCleanup(setattr, owner, name, getattr(owner, name))
        setattr(owner, name, value)

    @contextlib.contextmanager
    def stub(self, name, root, options, begin):
        self.shops.append(Shop(lambda text, exercise: self.verdict(text, exercise)))
        yield Stub(begin, self.shops[-1])

    def lab(self, line):
        """(exit status, output) of `tools/lab LINE`; paths in it are below the test's folder."""
        words, before = shlex.split(line), os.getcwd()
        names = {"__name__": "lab", "__file__": LAB}
        with open(LAB, encoding="utf-8") as file:
            exec(compile(file.read(), LAB, "exec"), names)
        out, argv, sys.argv = io.StringIO(), sys.argv, [LAB] + words
        os.chdir(self.folder)
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
                try:
                    status = names["main"]()
                except (names["UserError"], ValueError) as error:
                    status = 2
                    print(error)
                except SystemExit as end:
                    status = end.code
        finally:
            os.chdir(before)
            sys.argv = argv
        return status, out.getvalue()

    def text(self, name):
        """The text of a file in the test's folder."""
        with open(self.path(name), encoding="utf-8", newline="") as file:
            return file.read()
