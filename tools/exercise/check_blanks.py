#!/usr/bin/env python3
"""Check that the kernel compiles without a warning, whatever exercises are blank.

    python3 tools/exercise/check_blanks.py [--toolchains unknown-elf,linux-gnu,clang] [SET...]

A SET is an exercise (5.3), a lab (5), several of these (5.3+6), or "all". Without a SET it tries
each exercise alone, each lab and all with the first compiler, and all with the others.

A student must not get a warning, or an error, for what is not written yet. A parameter or a static
function that only the solution uses makes one: regions.unused() finds these, and the text of a
blank region names them. A fault shows here if it misses one. .ci/run runs it.

What this tree has built already is taken over, so only what a blank changes is compiled. Objects of
a build that was not without warnings are no use: make compiles them again, see build.mk. A blank
has its hint, so these are the texts of handouts, and .ci/run compiles what both have only once.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import cli
import scratch
from exercise import regions
from exercise.workshop import WorkshopError, toolchain_of
from labs import catalogue

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def write(tree, texts):
    """Give files of the tree these texts. A file that has its text already keeps its time, so that
    make does not compile it again."""
    for path, text in texts.items():
        if regions.read(tree, path) != text:
            with open(os.path.join(tree, path), "w", encoding="utf-8", newline="\n") as file:
                file.write(text)


def build(tree, toolchain, *words):
    """Build the kernel, or what these words tell make to build: None if that succeeds without a
    warning, else the compiler's words."""
    words = words or ("TOOLCHAIN=" + toolchain,)
    result = subprocess.run(["make", "-s", "WERROR=1", *words], cwd=tree,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)
    text = result.stdout.decode("utf-8", "replace")
    lines = [line for line in text.split("\n")
             if re.search(": error: |warning: |undefined reference", line)]
    return "\n".join(lines[:8] or ["make failed"]) if result.returncode or lines else None


def known_tools(toolchain):
    """Words for make: this tree has found the tools already."""
    return "-r", "-f", "tools/build.mk", "TC=" + toolchain


def take_objects(source, tree, toolchain):
    """Copy what a tree has built with this toolchain, if it has; times are kept."""
    objects = os.path.join("obj", toolchain)
    if os.path.isdir(os.path.join(source, objects)):
        shutil.copytree(os.path.join(source, objects), os.path.join(tree, objects),
                        ignore=shutil.ignore_patterns("grade", "mended", "lock"))


def members(word, exercises):
    """The exercises that a SET names."""
    chosen = [exercise for exercise in exercises
              for part in word.split("+") if part in ("all", exercise, exercise.split(".")[0])]
    if not chosen:
        sys.exit("check_blanks.py: %s is no exercise, lab, or \"all\"; there are %s"
                 % (word, " ".join(exercises)))
    return chosen


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--toolchains", default="unknown-elf,linux-gnu,clang")
    parser.add_argument("sets", nargs="*", metavar="SET", help="5.3, 5, 5.3+6, all")
    options = parser.parse_args()
    found = regions.parse_tree(ROOT)
    exercises = sorted({region.exercise for region in found})
    labs = sorted({exercise.split(".")[0] for exercise in exercises})
    texts = {region.path: regions.read(ROOT, region.path) for region in found}
    given = regions.load_given(ROOT)
    hints = {exercise.number: exercise.hint for lab in catalogue.load()
             for exercise in lab.exercises}
    first, *others = options.toolchains.split(",")
    jobs = [(first, word) for word in options.sets or exercises + labs + ["all"]]
    jobs += [(other, word) for other in others for word in options.sets or ["all"]]
    failures = 0
    with scratch.folder("blanks") as folder:
        tree = os.path.join(folder, "tree")
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns("obj", ".git", "__pycache__"))
        for toolchain in [first] + others:
            take_objects(ROOT, tree, toolchain)
            toolchain_of(tree, toolchain)
        for toolchain, word in jobs:
            chosen = members(word, exercises)
            write(tree, {path: regions.blank(text, path, chosen, hints, given)
                         for path, text in texts.items()})
            problem = build(tree, toolchain, *(() if word == "all" else known_tools(toolchain)))
            failures += problem is not None
            print("%-12s %-6s %s" % (toolchain, word, "ok" if problem is None else problem),
                  flush=True)
    print("%d sets of blanks, %d that do not compile" % (len(jobs), failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(cli.run("check_blanks", main, (WorkshopError,)))
