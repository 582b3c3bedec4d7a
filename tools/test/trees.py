"""What several tests of the grader need: a copy of this tree that can be changed, and its marks.

copy_tree() copies the sources and what is built of them, Edited changes files for the time of a
`with`, and grade() builds and grades the copy. The tree itself is never changed by a test, because
other tests and users may build in it at the same time.

RVLAB_OBJECTS names the folder with the built objects, obj/unknown-elf if it is not set. Paths in
it are relative to the top of the tree, so that they are right in a copy too.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OBJECTS = os.environ.get("RVLAB_OBJECTS", "obj/unknown-elf")
BUSY = [sys.executable, "-c", "while True: pass"]       # a command that loads the host
SOURCES = ("Makefile", "disk", "kern", "libs", "user", "tools")


def copy_tree(folder):
    """Copy this tree with what is built of it. Times are kept, so that only changes are built."""
    for name in SOURCES:
        source, target = os.path.join(TOP, name), os.path.join(folder, name)
        if os.path.isdir(source):
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)
    shutil.copytree(os.path.join(TOP, OBJECTS), os.path.join(folder, OBJECTS),
                    ignore=shutil.ignore_patterns("grade", "mended"))


def guard_of(seconds, kill, *arguments):
    """A timer, started, that kills what hangs; to be cancelled when that has ended. Who interrupts
    the tests does not wait for it."""
    timer = threading.Timer(seconds, kill, arguments)
    timer.daemon = True
    timer.start()
    return timer


class TreeTest(unittest.TestCase):
    """A base class of tests that share one copy of the tree; each test leaves it as it was.

    tree    its path, with the name NAME, in a folder of its own
    folder  that folder, which is removed at the end
    """
    NAME = "tree"

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="rvlab-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder, cls.tree = folder.name, os.path.join(folder.name, cls.NAME)
        os.mkdir(cls.tree)
        copy_tree(cls.tree)


class ShopTest(unittest.TestCase):
    """A base class of tests that build variants of the tree in one workshop, `shop`."""

    @classmethod
    def setUpClass(cls):
        from exercise import workshop       # the tests that use it have tools/ in their path
        folder, toolchain = tempfile.TemporaryDirectory(prefix="rvlab-"), os.path.basename(OBJECTS)
        cls.addClassCleanup(folder.cleanup)
        cls.pristine = workshop.prepare(TOP, os.path.join(folder.name, "pristine"), toolchain)
        cls.shop = workshop.Workshop(cls.pristine, os.path.join(folder.name, "shop"), toolchain)


class Edited:
    """Edits in a tree that are undone at the end: with Edited(tree, edits): ...

    An edit is (file, old text, new text). The old text must be in the file exactly once, or else
    the test would no longer test what it says."""

    def __init__(self, tree, edits):
        self.tree, self.edits, self.before = tree, edits, []

    def __enter__(self):
        for name, old, new in self.edits:
            path = os.path.join(self.tree, name)
            with open(path, encoding="utf-8") as file:
                text = file.read()
            if text.count(old) != 1:
                raise AssertionError("%s: the edit's text is there %d times: %r"
                                     % (name, text.count(old), old))
            self.before.append((path, text))
            with open(path, "w", encoding="utf-8") as file:
                file.write(text.replace(old, new))

    def __exit__(self, *ignored):
        for path, text in reversed(self.before):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)


def build_command():
    """The command of a shell that builds a tree, for --build of the grader."""
    return "make -r -f tools/build.mk TC=%s -j2" % os.path.basename(OBJECTS)


def run_grader(tree, *arguments, **more):
    """Run tools/grade.py of this tree in a folder: (exit status, all that it printed)."""
    result = subprocess.run(
        [sys.executable, os.path.join(TOP, "tools", "grade.py"), "--objects", OBJECTS]
        + list(arguments), cwd=tree, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, **more)
    return result.returncode, result.stdout.decode("utf-8", "replace")


def grade(tree, *tests):
    """Build and grade a tree: ({name of a test: its result, as --json gives it}, the output)."""
    path = os.path.join(tree, "results.json")
    if os.path.exists(path):
        os.remove(path)
    status, output = run_grader(tree, "--build", build_command(), "--json", path, *tests)
    if not os.path.exists(path):
        raise AssertionError("no results, exit status %d:\n%s" % (status, output))
    with open(path, encoding="utf-8") as file:
        results = json.load(file)
    return {test["name"]: test for lab in results["labs"] for exercise in lab["exercises"]
            for test in exercise["tests"]}, output
