"""Tests of the built reference that tools/lab grade keeps, to save the next grading its build.

A toy tree plays the kernel: its make writes into a log what it makes. A test changes a source, the
compiler, an option, the clock or the kept files themselves, and then compares the kernel that comes
out and the log. Too much in the log is lost time; too little is worse, because hand-ins would be
graded with an old or damaged kernel. Several gradings at once must wait for one build.

Needs make and a shell; nothing of this tree is built.
Run alone: python3 tools/test/test_kept.py
"""
import errno
import json
import multiprocessing
import os
import shutil
import sys
import tempfile
import unittest
from unittest import mock

TOOLS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, TOOLS)

from exercise import kept
from exercise.workshop import Workshop, WorkshopError
from grader import sandbox

PROBE = """mkdir -p obj/toy
printf 'CC := %%s\\nARCH := -march=x\\n' '%s' >obj/toy/config.mk
echo toy
"""
BUILD = """O := obj/$(TC)
all: $(O)/a.o $(O)/kernel
$(O)/a.o: kern/a.c $(O)/config.mk
\tcp $< $@; echo a >>%(log)s
$(O)/kernel: $(O)/a.o kern/b.c
\t! grep -q WRONG kern/a.c
\tcat $^ >$@; echo kernel >>%(log)s; sleep %(sleep)s
"""


class Tree(unittest.TestCase):
    """A base class for tests with a toy tree."""

    sleep = "0"

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        # The toy compiler writes its log beside the tree, which no sandbox would let it do.
        no_box = mock.patch.object(sandbox, "why_not", lambda: "no sandbox: for this test")
        no_box.start()
        self.addCleanup(no_box.stop)
        self.root, self.log = self.path("tree"), self.path("log")
        self.tool, self.count = self.path("toy-gcc"), 0
        for name in ("kern", "libs", "user", "tools", "obj/toy"):
            os.makedirs(self.path("tree", name))
        self.put(self.tool, "v1")
        self.write("Makefile", "")
        self.write("kern/a.c", "a1 ")
        self.write("kern/b.c", "b1")
        self.write("tools/probe.sh", PROBE % self.tool)
        self.write("tools/build.mk", BUILD % {"log": self.log, "sleep": self.sleep})

    def path(self, *names):
        return os.path.join(self.folder, *names)

    @staticmethod
    def put(path, text):
        with open(path, "w") as file:
            file.write(text)

    def write(self, name, text, time=None):
        self.put(self.path("tree", name), text)
        if time:
            os.utime(self.path("tree", name), (time, time))

    def read(self, *names):
        if not os.path.exists(self.path(*names)):
            return ""
        with open(self.path(*names)) as file:
            return file.read()

    def prepare(self):
        """Ask for the built tree: (the kernel that comes out, what make had to make for it)."""
        self.put(self.log, "")
        self.count += 1
        target = "copy%d" % self.count
        self.assertEqual(kept.prepare(self.root, self.path(target), "", 1), "toy")
        return self.read(target, "obj", "toy", "kernel"), self.read("log").split()

    ALL = ["a", "kernel"]


class Kept(Tree):
    """The cases in which the kept tree is used as it is, and those in which it is built again."""

    def test_built_once(self):
        self.assertEqual(self.prepare(), ("a1 b1", self.ALL))
        self.assertEqual(self.prepare(), ("a1 b1", []))

    def test_what_lies_in_the_tree_is_not_taken(self):
        for name in ("a.o", "kernel"):
            self.write("obj/toy/" + name, "of whoever built here", 1 << 33)
        self.assertEqual(self.prepare(), ("a1 b1", self.ALL))

    def test_content_counts_and_not_time(self):
        self.prepare()
        self.write("kern/b.c", "b2", 1000)
        self.assertEqual(self.prepare(), ("a1 b2", ["kernel"]))
        self.write("kern/b.c", "b2", 1 << 33)
        self.assertEqual(self.prepare(), ("a1 b2", []))
        self.write("kern/c.c", "c")
        self.assertEqual(self.prepare()[1], [])
        self.assertTrue(os.path.exists(self.path(self.root, kept.FOLDER, "toy", "kern", "c.c")))
        os.remove(self.path("tree", "kern", "c.c"))
        self.prepare()
        self.assertFalse(os.path.exists(self.path(self.root, kept.FOLDER, "toy", "kern", "c.c")))

    def test_tools_and_options(self):
        self.prepare()
        self.put(self.tool, "v2 is longer")
        self.assertEqual(self.prepare()[1], self.ALL)
        self.write("tools/probe.sh", PROBE.replace("-march=x", "-march=y") % self.tool)
        self.assertEqual(self.prepare()[1], self.ALL)
        self.assertEqual(self.prepare()[1], [])

    def test_damage(self):
        for name in ("kernel", "a.o"):
            self.prepare()
            self.put(self.path(self.root, kept.FOLDER, "toy", "obj", "toy", name), "damaged")
            self.assertEqual(self.prepare(), ("a1 b1", self.ALL))
        for text in ("", "{}", "[" * 100000, '{"files": 1}'):
            self.put(self.path(self.root, kept.FOLDER, "toy.json"), text)
            self.assertEqual(self.prepare(), ("a1 b1", self.ALL))

    def test_a_build_that_did_not_end(self):
        self.prepare()
        self.write("kern/a.c", "WRONG")
        with self.assertRaisesRegex(WorkshopError, "does not build"):
            self.prepare()
        self.write("kern/a.c", "a1 ")
        self.assertEqual(self.prepare(), ("a1 b1", self.ALL))

    def test_a_clock_that_was_put_back(self):
        self.prepare()
        about = self.path(self.root, kept.FOLDER, "toy.json")
        told = json.loads(self.read(about))
        for path in ("obj/toy/a.o", "obj/toy/kernel"):
            os.utime(self.path(self.root, kept.FOLDER, "toy", path), (1 << 33, 1 << 33))
            told["files"][path][0] = (1 << 33) * 10 ** 9
        self.put(about, json.dumps(told))
        self.write("kern/a.c", "a2 ")
        self.assertEqual(self.prepare(), ("a2 b1", self.ALL))

    def test_a_grading_shares_the_files(self):
        """And has them as they were, when what is kept is built again meanwhile."""
        self.prepare()
        self.assertTrue(os.path.samefile(
            self.path("copy1", "kern", "b.c"), self.path(self.root, kept.FOLDER, "toy/kern/b.c")))
        os.mkdir(self.path(self.root, kept.FOLDER, "toy.old"))     # left by one that was killed
        self.write("kern/b.c", "b2")
        self.assertEqual(self.prepare(), ("a1 b2", ["kernel"]))
        self.assertEqual(self.read("copy1", "kern", "b.c"), "b1")
        self.assertEqual(self.read("copy1", "obj", "toy", "kernel"), "a1 b1")
        self.assertEqual(sorted(os.listdir(self.path(self.root, kept.FOLDER))),
                         ["toy", "toy.json", "toy.lock"])

    def test_another_file_system(self):
        with mock.patch.object(os, "link", side_effect=OSError(errno.EXDEV, "another disk")):
            self.assertEqual(self.prepare(), ("a1 b1", self.ALL))
            self.assertEqual(self.prepare(), ("a1 b1", []))

    def test_a_hand_in_leaves_nothing(self):
        self.prepare()
        shop = Workshop(self.path("copy1"), self.path("shop"), "toy")
        with shop.variant({"kern/a.c": "of a student"}) as built:
            self.assertTrue(built.succeeded)
            self.assertEqual(self.read("shop", "obj", "toy", "kernel"), "of a studentb1")
        self.assertEqual(self.prepare(), ("a1 b1", []))

    def test_a_tree_that_cannot_be_written(self):
        os.rmdir(self.path("tree", "obj", "toy"))
        self.write("obj/kept", "no folder")
        self.assertEqual(self.prepare(), ("a1 b1", self.ALL))
        self.assertEqual(sorted(os.listdir(self.path("tree", "obj"))), ["kept"])

    def test_an_editor_s_lock(self):
        os.symlink("nobody@nowhere", self.path("tree", "kern", ".#a.c"))
        self.assertEqual(self.prepare(), ("a1 b1", self.ALL))


class AtOnce(Tree):
    """Several gradings begin while nothing is kept yet."""

    sleep = "0.3"

    def test_gradings_at_the_same_time_wait_for_one_build(self):
        others = [multiprocessing.Process(target=kept.prepare, args=(
            self.root, self.path("other%d" % number), "", 1)) for number in range(4)]
        for other in others:
            other.start()
        for other in others:
            other.join()
            self.assertEqual(other.exitcode, 0)
        self.assertEqual(self.read("log").split(), self.ALL)
        for number in range(4):
            self.assertEqual(self.read("other%d" % number, "obj", "toy", "kernel"), "a1 b1")


if __name__ == "__main__":
    unittest.main()
