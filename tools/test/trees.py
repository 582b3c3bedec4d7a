"""What several tests of the grader need: a copy of this tree that can be changed, and its marks."""
import json
import os
import shutil
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OBJECTS = os.environ.get("RVLAB_OBJECTS", "obj/unknown-elf")
SOURCES = ("Makefile", "kern", "libs", "user", "tools")


def copy_tree(folder):
    """This tree with what is built of it; times are kept, so that only changes are built again."""
    for name in SOURCES:
        source, target = os.path.join(TOP, name), os.path.join(folder, name)
        if os.path.isdir(source):
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)
    shutil.copytree(os.path.join(TOP, OBJECTS), os.path.join(folder, OBJECTS),
                    ignore=shutil.ignore_patterns("grade", "mended"))


class Edited:
    """Edits in a tree, undone at the end: with Edited(tree, edits): ..."""

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
    return "make -r -f tools/build.mk TC=%s -j2" % os.path.basename(OBJECTS)


def run_grader(tree, *arguments, **more):
    """tools/grade.py of this tree in a folder; its exit status and all that it printed."""
    result = subprocess.run(
        [sys.executable, os.path.join(TOP, "tools", "grade.py"), "--objects", OBJECTS]
        + list(arguments), cwd=tree, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, **more)
    return result.returncode, result.stdout.decode("utf-8", "replace")


def grade(tree, *tests):
    """Build and grade a tree: {name of a test: its result, as --json gives it}, and the output."""
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
