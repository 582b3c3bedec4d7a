#!/usr/bin/env python3
"""Check the handouts of all labs by machines: what is blank gets no point, what is solved gets all.

    python3 tools/exercise/check_handouts.py [--each] [--toolchain unknown-elf] [LAB ...]

For each lab, and once more with its parts of their own, if it has any: the handout compiles
without a warning, with each compiler. Each blank exercise of its labs has 0 points, and each test
of it fails. Each solved exercise has full points. If the reference's regions are put in, its
kernel is the reference byte for byte, and all its exercises have full points. With --each it also
tries the handouts in which one exercise of the lab is blank and the lab's others are solved: there
that one has 0 points, and the labs before have all.

.ci/run runs it without --each. It takes some minutes for each lab.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import cli
import scratch
from exercise import handout, regions
from exercise.check_blanks import build
from exercise.workshop import WorkshopError, toolchain_of
from labs import catalogue

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def seed(tree, objects):
    """Give the handout the objects of the reference. Files that are equal in both get the same
    time, so that make does not compile them again."""
    for full, path in handout.files_below(tree):
        original = os.path.join(ROOT, path)
        if os.path.isfile(original):
            with open(original, "rb") as first, open(full, "rb") as second:
                if first.read() == second.read():
                    times = os.stat(original)
                    os.utime(full, ns=(times.st_atime_ns, times.st_mtime_ns))
    if os.path.isdir(os.path.join(ROOT, objects)):
        shutil.copytree(os.path.join(ROOT, objects), os.path.join(tree, objects),
                        ignore=shutil.ignore_patterns("grade", "mended", "lock"))


def grade(tree, toolchain, qemu):
    """({exercise: its result, as --json gives it}, all that was printed) of a tree's own grader."""
    path = os.path.join(tree, "obj", "results.json")
    if os.path.exists(path):
        os.remove(path)
    result = subprocess.run(
        [sys.executable, "tools/grade.py", "--objects", "obj/" + toolchain, "--qemu", qemu,
         "--build", "make -r -f tools/build.mk TC=%s -j2" % toolchain, "--json", path], cwd=tree,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = result.stdout.decode("utf-8", "replace")
    if not os.path.exists(path):
        return {}, output
    with open(path, encoding="utf-8") as file:
        found = json.load(file)
    return {exercise["number"]: exercise for lab in found["labs"]
            for exercise in lab["exercises"]}, output


def wrong_marks(found, blank, full):
    """Sentences about exercises whose points are not what they must be."""
    for number in sorted(blank | full):
        entry = found.get(number)
        if entry is None:
            yield "%s was not graded" % number
        elif number in blank:
            for test in entry["tests"]:
                if test["verdict"] == "ok":
                    yield "%s is blank, but passes the test %s" % (number, test["name"])
        elif entry["points"] != entry["max"]:
            failed = ["%s (%s)" % (test["name"], "; ".join([test["verdict"]] + test["reasons"][:1]))
                      for test in entry["tests"] if test["verdict"] != "ok"]
            yield "%s is solved, but fails %s" % (number, ", ".join(failed))


def solve(tree):
    """Put the reference's regions into a handout: sentences about what is different then."""
    reference = regions.parse_tree(ROOT)
    own = {region.key: region.text for region in reference}
    for path in sorted({region.path for region in reference}):
        text = regions.replace(regions.read(tree, path), path, own)
        with open(os.path.join(tree, path), "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    for path in regions.source_files(ROOT):
        other = os.path.join(tree, path)
        if not os.path.exists(other):
            if not path.startswith("kern/test/"):
                yield "%s is not in the handout" % path
            continue
        with open(os.path.join(ROOT, path), "rb") as first, open(other, "rb") as second:
            if first.read() != second.read():
                yield "%s differs from the reference with its regions put in" % path


def numbers(labs):
    """The exercises of these labs."""
    return {exercise.number for lab in labs for exercise in lab.exercises}


def choices(lab, each):
    """(what is printed of it, the exercises that are named) of the handouts of a lab."""
    yield "", None
    if any(exercise.apart for exercise in lab.exercises):
        yield ", with parts of their own", [exercise.number for exercise in lab.exercises]
    for exercise in lab.exercises if each else ():
        yield ", only %s blank" % exercise.number, [exercise.number]


def check(plan, folder, options, whole):
    """Sentences about what is wrong with one handout. If `whole` is true it is also solved, and
    graded again."""
    tree = os.path.join(folder, "tree")
    shutil.rmtree(tree, ignore_errors=True)
    handout.make(ROOT, plan, tree)
    for other in options.compilers.split(","):
        seed(tree, os.path.join("obj", other))
        problem = build(tree, other) if other != options.toolchain else None
        if problem:
            yield "it does not compile as it should with %s: %s" % (other, problem)
    found, output = grade(tree, options.toolchain, options.qemu)
    lines = [line for line in output.split("\n") if "warning:" in line or "error:" in line]
    if lines or not found:
        yield "it does not compile as it should: %s" % "; ".join(lines[:3] or [output[-400:]])
        return
    blank = set(plan.blank) & numbers(plan.labs)
    others = numbers(plan.labs if whole else plan.labs[:-1]) - blank
    yield from wrong_marks(found, blank, others)
    if whole:
        yield from solve(tree)
        found, _ = grade(tree, options.toolchain, options.qemu)
        yield from wrong_marks(found, set(), numbers(plan.labs))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("labs", nargs="*", type=int, metavar="LAB", help="only these")
    add("--each", action="store_true", help="also each exercise alone blank")
    add("--toolchain", default="unknown-elf", help="to grade with; %(default)s")
    add("--compilers", default="unknown-elf,linux-gnu,clang", help="to compile with; %(default)s")
    add("--qemu", default="qemu-system-riscv64", help="%(default)s")
    options = parser.parse_args()
    labs = [lab for lab in catalogue.load() if lab.number]
    problems = {region.exercise for region in regions.parse_tree(ROOT)} ^ numbers(labs)
    for number in sorted(problems):
        print("exercise %s is in the tree or in tools/labs, but not in both" % number)
    toolchain_of(ROOT, options.toolchain)
    count, wrong = 0, len(problems)
    with scratch.folder("handouts") as folder:
        for lab in labs:
            if options.labs and lab.number not in options.labs:
                continue
            for what, exercises in choices(lab, options.each):
                plan = handout.Plan(labs, lab.number, None, exercises)
                found = list(check(plan, folder, options, not what.startswith(", only")))
                count, wrong = count + 1, wrong + len(found)
                print("lab %d%s: %s" % (lab.number, what,
                                        "\n  ".join([""] + found) if found else "ok"), flush=True)
    print("%d handouts, %d things wrong" % (count, wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(cli.run("check_handouts", main, (WorkshopError, catalogue.LabError)))
