"""Tests of check_singles.py: it tells of a test that needs what is blank, and of one that passes
with it.

Two kernels are built and two tests run in each. Which exercises and tests are tried is looked at
without a machine. What the check finds in this tree .ci/run shows.

Needs the built objects, their compiler and QEMU.
Run alone: python3 tools/test/test_singles.py
"""
import hashlib
import os
import re
import sys
import unittest
from unittest import mock

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from exercise import blanked, check_singles, marks, regions, workshop
from labs.catalogue import LabError, load
from trees import TOP, ShopTest


class Singles(ShopTest):
    """What is found in a kernel that is built."""

    def test_found(self):
        here = os.getcwd()
        os.chdir(self.shop.folder)              # as a worker does
        self.addCleanup(os.chdir, here)
        single = check_singles.Single(self.shop).single
        blank = marks.Reference(TOP, load(), "").variant({}, {"1.3"})
        first, = single(blank, ["backtrace-calls", "ticks"], [])
        self.assertRegex(first, "^backtrace-calls, .*not written")
        self.assertEqual(single({}, ["ticks"], ["backtrace-calls"]),
                         ["it is blank, but passes the test backtrace-calls"])
        wrong, = single({"kern/sync/sem.c": "no C\n"}, ["ticks"], [])
        self.assertIn("it does not compile", wrong)


class Kept(ShopTest):
    """Objects and kernels of variants that are not made again: workshop.Compiled, again()."""

    HEADER, SOURCE = "kern/process/sync_detect.h", "kern/process/sync_detect.c"

    def build(self, **texts):
        """(the files that are compiled, a digest of the kernel) of a variant in which these files
        have more text behind their own."""
        names = {"header": self.HEADER, "source": self.SOURCE}
        changed = {}
        for name, more in texts.items():
            with open(os.path.join(TOP, names[name]), encoding="utf-8") as file:
                changed[names[name]] = file.read() + more
        with self.shop.variant(changed, self.compiled) as built:
            self.assertTrue(built.succeeded, built.output)
            with open(os.path.join(self.shop.objects, "kernel"), "rb") as file:
                kernel = hashlib.sha256(file.read()).hexdigest()
        return set(re.findall(r"  CC    (\S+)", built.output)), kernel

    def test_only_what_is_new_is_compiled(self):
        self.compiled = workshop.Compiled()
        one = "\nint one(void);\nint one(void) { return 1; }\n"
        compiled, first = self.build(source=one)
        self.assertEqual(compiled, {self.SOURCE})
        self.assertEqual(self.build(source=one), (set(), first))
        compiled, other = self.build(source=one.replace("1", "2"))
        self.assertEqual(compiled, {self.SOURCE})
        self.assertNotEqual(other, first)
        self.assertEqual(self.build(source=one), (set(), first))

    def test_a_header_is_a_source_too(self):
        self.compiled = workshop.Compiled()
        one = "\nint one(void);\nint one(void) { return ONE; }\n"
        compiled, first = self.build(source=one, header="\n#define ONE 1\n")
        self.assertIn(self.SOURCE, compiled)
        again, other = self.build(source=one, header="\n#define ONE 2\n")
        self.assertEqual(again, compiled)
        self.assertNotEqual(other, first)
        self.assertEqual(self.build(source=one, header="\n#define ONE 1\n"), (set(), first))

    def test_a_blank_header_is_compiled_once_and_nothing_of_a_student_is_kept(self):
        reference = marks.Reference(TOP, load(), "")
        headers = blanked.Headers(reference, self.shop)
        self.compiled, = headers.compiled({"7.C", "7.1"})
        objects = {name: len(each) for name, each in self.compiled.kept.items()}
        self.assertIn("kobj/kern/process/sync_donate.c", objects)
        self.assertEqual(headers.compiled({"7.C"}), [self.compiled])
        self.assertEqual(headers.compiled({"7.1"}), [])
        more = "\nint one(void);\nint one(void) { return 1; }\n"
        texts = reference.variant({}, {"7.C"})
        texts[self.SOURCE] = regions.read(TOP, self.SOURCE) + more
        for _ in range(2):
            with self.shop.variant(texts, self.compiled) as built:
                self.assertTrue(built.succeeded, built.output)
            self.assertEqual(re.findall(r"  CC    (\S+)", built.output), [self.SOURCE])
        self.assertEqual({name: len(each) for name, each in self.compiled.kept.items()}, objects)

    def test_an_object_that_only_a_text_tells_of(self):
        """A text can make the compiler print lines of its own, and so can name any file."""
        told = "".join("  CC    %s\n" % path for path in (
            self.SOURCE, "no-such.c", "../../../../Makefile", "/etc/passwd"))
        self.compiled = workshop.Compiled()
        self.compiled.take(self.shop.objects, {}, told, self.shop.known)
        self.assertEqual(list(self.compiled.kept), ["kobj/" + self.SOURCE])

    def test_what_no_build_needs_is_not_in_a_workshop(self):
        for path in workshop.UNUSED:
            self.assertEqual((os.path.isdir(os.path.join(TOP, path)),
                              os.path.exists(os.path.join(self.shop.folder, path))), (True, False))

    def test_without_a_box(self):
        shop = workshop.Workshop(self.pristine, self.shop.folder + "-open", self.shop.toolchain,
                                 boxed=False)
        with mock.patch.object(workshop.sandbox, "run", side_effect=AssertionError("a box")):
            with shop.variant({self.SOURCE: "no C\n"}) as built:
                self.assertFalse(built.succeeded)
                self.assertIn("error: ", built.problem)
            with shop.variant({}) as built:
                self.assertTrue(built.succeeded)
        self.assertEqual((shop.host().boxed, self.shop.host().boxed), (False, True))

    def test_a_kernel_again(self):
        def kernel():
            with open(os.path.join(self.shop.objects, "kernel"), "rb") as file:
                return hashlib.sha256(file.read()).hexdigest()

        with open(os.path.join(TOP, self.SOURCE), encoding="utf-8") as file:
            texts = {self.SOURCE: file.read() + "\nint one(void);\nint one(void) { return 1; }\n"}
        before, first = workshop.files(self.shop.folder), kernel()
        with self.shop.variant(texts):
            products, other = self.shop.products(), kernel()
            self.assertNotEqual(other, first)
        with mock.patch.object(workshop, "make", side_effect=AssertionError("it is built")):
            with self.shop.again(texts, products):
                self.assertEqual(kernel(), other)
                self.assertEqual(regions.read(self.shop.folder, self.SOURCE), texts[self.SOURCE])
        self.assertEqual((workshop.files(self.shop.folder), kernel()), (before, first))
        with self.shop.variant(texts):
            os.mkdir(os.path.join(self.shop.objects, "folder"))
            self.assertIsNone(self.shop.products())
        with self.shop.again(texts, None):
            self.assertEqual(kernel(), other)


class Jobs(unittest.TestCase):
    """What is tried."""

    def test_all(self):
        labs = load()
        found = dict(check_singles.jobs(labs, check_singles.choose([], labs)))
        labs = [lab for lab in labs if lab.exercises]
        for lab in labs:
            for exercise in lab.exercises:
                titles = ["%s, labs behind it %s" % (exercise.number, word)
                          for word in ("blank", "solved") if lab.number or word == "solved"]
                if lab is labs[-1]:
                    titles = [exercise.number + ", the last lab"]
                for title in titles:
                    self.assertIn(title, found)
        self.assertEqual([title for title in found if title.startswith("0.") and "blank" in title],
                         [], "lab 0 needs a kernel with all labs")
        method, texts, before, own = found["5.4, labs behind it blank"]
        self.assertIn("kern/sched/sched_rr.c", texts)
        self.assertIn("fork", " ".join(before))
        self.assertNotIn("hello", before)
        self.assertIn("cow", own)
        self.assertEqual(list(found["5.1, labs behind it solved"][1]), ["kern/process/exec.c"])

    def test_bodies_of_functions_are_blank_together(self):
        """5.4 has the value of a variable: a blank there is more than a call that panics."""
        labs = load()
        found = dict(check_singles.jobs(labs, check_singles.choose(["5"], labs)))
        method, texts, before, own = found["5.1 5.2 5.3 5.5, labs behind it solved"]
        self.assertEqual(sorted(texts), ["kern/mm/pagetable.c", "kern/process/exec.c",
                                         "kern/process/exit.c", "kern/syscall/syscall.c"])
        self.assertIn("fork", " ".join(before))
        self.assertEqual(own, [])
        for number in ("5.1", "5.4"):
            method, texts, alone, own = found[number + ", labs behind it solved"]
            self.assertEqual(alone, before if number == "5.4" else [])
            self.assertNotEqual(own, [])

    def test_helpers_of_bodies_are_blank_with_them(self):
        """Static functions of 7.1 and 7.3 are used by their bodies alone; 7.C has fields, too."""
        labs = load()
        found = dict(check_singles.jobs(labs, check_singles.choose(["7"], labs)))
        method, texts, before, own = found["7.1 7.2 7.3 7.4 7.5, labs behind it solved"]
        self.assertIn("kern/sync/phi_monitor.c", texts)
        for number in ("7.0", "7.C", "7.1"):
            method, texts, alone, own = found[number + ", labs behind it solved"]
            self.assertEqual(alone, [] if number == "7.1" else before)

    def test_what_is_no_helper(self):
        """Whatever somebody else may see, or name, is none."""
        text = "int more(void)\n{\n    return %s;\n}\n"
        for wanted, extra, more in (
                (True, "#define TWO 2\nstatic int one(int a,\n        int b)\n{\n    b = a;\n}\n",
                 "1 /* one */"),
                (True, "static int one, two[2], c = 3;\nstatic struct p {\n    int a;\n} p;\n",
                 "4"),
                (False, "static int one(void)\n{\n    return 1;\n}\n", "one()"),
                (False, "static int one, two[2];\n", "two[1]"),
                (False, "#define TWO 2\n", "TWO"),
                (False, "int one(void)\n{\n    return 1;\n}\n", "1"),
                (False, "static int one __attribute__((used));\n", "1"),
                (False, "    two = 2;\n", "1"),
                (False, "static int one;\nint two;\n", "1")):
            with self.subTest(extra=extra, more=more):
                region = regions.Region("7.1", "helpers", "extra", "kern/sync/some.c", 2)
                whole = "%s\n%s%s\n%s" % (region.begin, extra, region.end, text % more)
                own = regions.parse(whole, region.path)
                self.assertEqual(len(own), 1)
                self.assertIs(check_singles.are_helpers(own[0], own, whole), wanted)
        own[0].form, own[0].text = "extra", "static int one;\n"
        own[0].path = "kern/sync/some.h"
        self.assertFalse(check_singles.are_helpers(own[0], own, whole))

    def test_words(self):
        labs = load()
        self.assertEqual(check_singles.choose(["1", "5.4"], labs), ["1.1", "1.2", "1.3", "5.4"])
        with self.assertRaises(LabError):
            check_singles.choose(["9.9"], labs)


if __name__ == "__main__":
    unittest.main()
