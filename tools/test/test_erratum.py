"""Tests of errata: a handout that is out is mended while students work in it.

The trees are those of ucore's lab 3. A copy of this tree is mended, as a teacher would; the patch
comes into a tree in which all regions are written, and makes of it what a new handout is. What a
region asks may not change in silence. Nothing here needs a machine or a compiler; test_corpus.py
shows that hand-ins of earlier versions keep their marks.
"""
import copy
import os
import shutil
import subprocess
import sys
import unittest

TOOLS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, TOOLS)
sys.path.insert(0, os.path.join(TOOLS, "test"))

from exercise import handin, handout, manifest, mend, regions, syllabus
from labs import catalogue
from test_carry import ROOT, Trees, fill, put

LABS = catalogue.load()
UCORE = syllabus.read(ROOT, "ucore", LABS)
WHY = "a wrong comment"


def edit(tree, path, old, new):
    """Replace a text that is there once."""
    text = regions.read(tree, path)
    assert text.count(old) == 1, (path, old, text.count(old))
    put(tree, path, text.replace(old, new))


class Errata(Trees):
    """One erratum, and what goes wrong with others."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = os.path.join(cls.folder, "source")
        shutil.copytree(ROOT, cls.source, ignore=shutil.ignore_patterns(
            "obj", ".git", "__pycache__", "ERRATA", "mutants", "corpus"))

    def setUp(self):
        self.old, self.labs = self.handout("old", 2), LABS
        self.source = self.path("edited")
        shutil.rmtree(self.source, ignore_errors=True)
        shutil.copytree(type(self).source, self.source)

    def new(self):
        """The handout of the edited tree."""
        shutil.rmtree(self.path("new"), ignore_errors=True)
        handout.make(self.source, handout.CoursePlan(self.labs, UCORE, UCORE.assignments[2]),
                     self.path("new"))
        return self.path("new")

    def lab(self, tree, *words):
        """Run tools/lab of a tree: (exit status, what it printed)."""
        done = subprocess.run([sys.executable, os.path.join(tree, "tools", "lab"), *words],
                              cwd=tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout.decode()

    def erratum(self, *more):
        """Make the patch of the edited tree."""
        return self.lab(self.source, "erratum", self.old, self.new(), "--why", WHY,
                        "-o", self.path("x.patch"), *more)

    def mend_some(self):
        """Edit before the first region of a file and behind the last one, and add a file."""
        edit(self.source, "kern/mm/fault.c", "#include <error.h>\n",
             "/* Mended. */\n#include <error.h>\n")
        text = regions.read(self.source, "kern/mm/swap_clock.c")
        put(self.source, "kern/mm/swap_clock.c", text + "/* And here. */\n")
        put(self.source, "kern/mm/mended.h", "/* A new file. */\n")

    def test_a_tree_that_is_out(self):
        self.mend_some()
        status, text = self.erratum()
        self.assertEqual((status, "note: " in text), (0, False), text)
        self.assertLess(os.path.getsize(self.path("x.patch")), 10000)
        self.damaged(regions.read(self.folder, "x.patch").split("\n"))
        work = self.path("work")
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(self.old, work)
        fill(work, UCORE.assignments[2].exercises + ["1.1", "3.1"])
        put(work, handin.STUDENT, "name: Ada\n")
        status, text = self.lab(work, "mend", self.path("x.patch"))
        self.assertEqual(status, 0, text)
        expected = self.path("new")
        fill(expected, UCORE.assignments[2].exercises + ["1.1", "3.1"])
        put(expected, handin.STUDENT, "name: Ada\n")
        for full, path in handout.files_below(expected):
            with open(full, "rb") as one, open(os.path.join(work, path), "rb") as other:
                self.assertEqual(one.read(), other.read(), path)
        self.assertEqual(manifest.changes(manifest.load(work), work), [])
        line = regions.read(work, mend.ERRATA)
        self.assertRegex(line, "^[0-9a-f]{12}, mended as [0-9a-f]{12}: a wrong comment\n$")
        self.assertEqual(regions.read(self.source, mend.ERRATA), line)
        self.assertTrue(os.path.exists(os.path.join(work, "kern/mm/fault.c.~1~")))
        status, text = self.lab(work, "mend", self.path("x.patch"))
        self.assertEqual((status, "has this change already" in text), (2, True), text)

    def test_a_handout_that_was_edited_by_hand(self):
        """The teacher's tree still has the fault, and that is told."""
        edited = self.path("by-hand")
        shutil.copytree(self.old, edited)
        edit(edited, "kern/mm/fault.c", "#include <error.h>\n",
             "/* Mended. */\n#include <error.h>\n")
        status, text = self.lab(self.source, "erratum", self.old, edited, "--why", WHY, "-o",
                                self.path("x.patch"))
        self.assertEqual(status, 0, text)
        self.assertIn("so it was not made from a mended tree: mend this tree,", text)

    def damaged(self, lines):
        """A patch that does not end as it must, or has a line of something else in it, is refused
        as a whole."""
        middle = lines.index("+/* Mended. */")
        for more in (lines[:-2], lines[:middle] + ["On Monday Bob wrote:"] + lines[middle:]):
            with self.assertRaisesRegex(mend.MendError, r"line \d+: this erratum is damaged, or n"):
                mend.parse("\n".join(more))

    def test_a_line_that_looks_like_a_head(self):
        part, = mend.parse("--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n--- old\n+++ new\n same\n")
        self.assertEqual(part.hunks, [(1, ["-- old", "same"], ["++ new", "same"])])

    def test_mail_took_spaces_away(self):
        part, = mend.parse("--- a/x\n+++ b/x\n@@ -1,3 +1,2 @@\n same\n\n-old\n")
        self.assertEqual(part.hunks, [(1, ["same", "", "old"], ["same", ""])])

    def test_lines_that_a_student_has_changed(self):
        """It is told where, and nothing is written."""
        self.mend_some()
        self.assertEqual(self.erratum()[0], 0)
        edit(self.old, "kern/mm/fault.c", "#include <error.h>\n", "/* Mine. */\n")
        before = {path: regions.read(self.old, path) for path in regions.source_files(self.old)}
        status, text = self.lab(self.old, "mend", self.path("x.patch"))
        self.assertEqual(status, 2)
        self.assertRegex(text, r"kern/mm/fault.c:\d+: the lines are not as they were handed out")
        self.assertEqual(before, {path: regions.read(self.old, path)
                                  for path in regions.source_files(self.old)})
        self.assertFalse(os.path.exists(os.path.join(self.old, mend.ERRATA)))

    def test_a_contract(self):
        """The hint of a region; only exercises that change can be named."""
        self.labs = copy.deepcopy(LABS)
        self.labs[3].exercises[3].hint += "\nvma_rights: Nothing.\n"
        put(self.source, "kern/mm/mended.h", "/* A new file. */\n")
        status, text = self.erratum()
        self.assertEqual(status, 2)
        self.assertIn("exercise 3.4 says something else to its student: what a student must write "
                      "changes", text)
        self.assertEqual(self.erratum("--changes", "3.4,3.3")[0], 2)
        status, text = self.erratum("--changes", "3.4")
        self.assertEqual((status, "it changes what is asked in 3.4" in text), (0, True), text)

    def test_code_around_a_region(self):
        region = next(each for each in regions.parse_tree(self.source)
                      if each.key == ("3.4", "do_pgfault"))
        lines = regions.read(self.source, region.path).split("\n")
        end = lines.index("}", region.last)
        put(self.source, region.path, "\n".join(lines[:end] + ["    /* Or not. */"] + lines[end:]))
        self.assertIn("do_pgfault of exercise 3.4 has other code or another comment around it",
                      self.erratum()[1])

    def test_trees_that_are_none(self):
        self.assertIn("is no handout", self.lab(self.source, "erratum", self.source, self.old,
                                                "--why", "x")[1])
        self.assertIn("different labs", self.lab(
            self.source, "erratum", self.old, self.handout("lab4", 3), "--why", "x")[1])
        self.assertIn("nothing outside of the regions differs", self.erratum()[1])
        put(self.folder, "y.patch", "--- a/../x\n+++ b/../x\n@@ -1,1 +1,1 @@\n-a\n+b\n")
        self.assertIn("line 1: this is no file", self.lab(self.old, "mend",
                                                          self.path("y.patch"))[1])
        put(self.folder, "y.patch", "hello\n")
        self.assertIn("this is no erratum", self.lab(self.old, "mend", self.path("y.patch"))[1])


if __name__ == "__main__":
    unittest.main()
