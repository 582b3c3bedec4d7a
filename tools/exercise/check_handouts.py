#!/usr/bin/env python3
"""Check the handouts of all labs by machines: what is blank gets no point, what is solved gets all.

    python3 tools/exercise/check_handouts.py [--each] [--toolchain unknown-elf] [LAB ...]
    python3 tools/exercise/check_handouts.py --course ucore [--due] [ASSIGNMENT ...]

For each lab, and once more with its parts of their own, if it has any: the handout compiles without
a warning, with each compiler. Each test of a blank exercise fails, each solved one has full points.
With the reference's regions put in, its sources and objects are the reference's byte for byte, and
what was blank has full points. --each also tries handouts with only one exercise of the lab blank.
If the lab has tasks they are done in the handout, handed in and graded there: task_handouts.py.

Of a course's assignment the reference's regions of this one, and of those before that came blank,
are put in: these have full points, whatever comes later. --due grades only those of the assignment.

A handout is built from the objects of the one before. What was solved in one has been graded there,
and make grade has done so with the same objects as when all is solved: it does not run once more.
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
from exercise import handout, marks, regions, symbols, syllabus, task_handouts
from exercise.check_blanks import build, take_objects
from exercise.workshop import WorkshopError, toolchain_of
from labs import catalogue

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TEACHERS_ONLY = ("docs/teach", "docs/teachers.md", "tools/exercise/oral.py", "tools/mutants",
                 "tools/taskpatches", "tools/test")


def seed(tree, source, compilers):
    """Give a handout the objects of another tree. Files that are equal in both get the same time,
    so that make does not compile them again, and all others are new. An object whose source is not
    here goes."""
    for full, path in handout.files_below(tree):
        original = os.path.join(source, path)
        if contents(full) == contents(original):
            times = os.stat(original)
            os.utime(full, ns=(times.st_atime_ns, times.st_mtime_ns))
        else:
            os.utime(full)
    for compiler in compilers:
        take_objects(source, tree, compiler)
        for part in ("kobj", "uobj"):
            for full, path in handout.files_below(os.path.join(tree, "obj", compiler, part)):
                if not os.path.exists(os.path.join(tree, os.path.splitext(path)[0])):
                    os.remove(full)


def grade(tree, toolchain, qemu, exercises=()):
    """({exercise: its result, as --json gives it}, all that was printed) of a tree's own grader, of
    some exercises or of all."""
    path = os.path.join(tree, "obj", "results.json")
    if os.path.exists(path):
        os.remove(path)
    result = subprocess.run(
        [sys.executable, "tools/grade.py", "--objects", "obj/" + toolchain, "--qemu", qemu,
         "--build", "make -r -f tools/build.mk TC=%s WERROR=1 -j2" % toolchain, "--json", path,
         "--exercise", " ".join(exercises)], cwd=tree,
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


def fill(tree, exercises):
    """Put the reference's regions of these exercises into a handout."""
    own = {region.key: region.text for region in regions.parse_tree(ROOT)
           if region.exercise in exercises}
    for path in regions.source_files(tree):
        text = regions.read(tree, path)
        new = regions.replace(text, path, own)
        if new != text:
            with open(os.path.join(tree, path), "w", encoding="utf-8", newline="\n") as file:
                file.write(new)


def solve(tree):
    """Put the reference's regions into a handout: sentences about what is different then."""
    fill(tree, {region.exercise for region in regions.parse_tree(ROOT)})
    for path in regions.source_files(ROOT):
        other = os.path.join(tree, path)
        if not os.path.exists(other):
            if not path.startswith("kern/test/"):
                yield "%s is not in the handout" % path
            continue
        with open(os.path.join(ROOT, path), "rb") as first, open(other, "rb") as second:
            if first.read() != second.read():
                yield "%s differs from the reference with its regions put in" % path


def compare(tree, objects):
    """Sentences about objects and programs of a solved tree that are not the reference's."""
    for part in ("kobj", "uobj", "image"):
        for full, path in handout.files_below(os.path.join(tree, objects, part)):
            name = os.path.join(objects, part, path)
            if not path.endswith(".d") and contents(full) != contents(os.path.join(ROOT, name)):
                yield "%s differs from the reference's when all is solved" % name


def for_teachers(tree):
    """Sentences about what is in a handout and has the answers."""
    return ["it has %s, which is for teachers" % path for path in TEACHERS_ONLY
            if os.path.lexists(os.path.join(tree, path))]


def contents(path):
    """The bytes of a file; None if there is none."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


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


class Checker:
    """Checks one handout after the other.

    graded  {kernel of a solved tree: the exercises that had full points with it}
    uses    the symbols.Uses of the reference
    last    a tree that is built: the last handout before it was solved, at first the reference
    """

    def __init__(self, folder, options):
        self.tree, self.options, self.graded = os.path.join(folder, "tree"), options, {}
        self.copy, self.last = os.path.join(folder, "last"), ROOT
        self.objects = os.path.join("obj", options.toolchain)
        self.reference = marks.Reference(ROOT, catalogue.load(), "")
        self.uses = symbols.Uses(self.reference, ROOT, os.path.join(ROOT, self.objects))

    def make(self, plan):
        """Make a handout; a sentence for each other compiler that cannot build it."""
        tree, options = self.tree, self.options
        shutil.rmtree(tree, ignore_errors=True)
        about = handout.make(ROOT, plan, tree, self.uses if plan.brings_kernel else None)
        compilers, wrong = options.compilers.split(","), for_teachers(tree)
        seed(tree, self.last, {options.toolchain, *compilers})
        for other in compilers:
            problem = build(tree, other) if other != options.toolchain else None
            if problem:
                wrong.append("it does not compile as it should with %s: %s" % (other, problem))
        return about, wrong

    def graded_tree(self, exercises=()):
        """(the results of the tree as it is, sentences about what the compiler says)."""
        found, output = grade(self.tree, self.options.toolchain, self.options.qemu, exercises)
        lines = [line for line in output.split("\n") if "warning:" in line or "error:" in line]
        return found, ["it does not compile as it should: %s" % "; ".join(
            lines[:3] or [output[-400:]])] if lines or not found else []

    def assignment(self, plan):
        """Sentences about what is wrong with the handout of a course's assignment."""
        about, wrong = self.make(plan)
        yield from wrong
        later = set() if self.options.due else \
            numbers(plan.labs) & set(plan.blank) - set(about.all_due)
        mine = set(plan.due) if self.options.due else set(about.all_due)
        if not mine:            # tasks only: tools/taskpatches.py shows who gets their points
            problem = build(self.tree, self.options.toolchain)
            yield from ["it does not compile as it should: " + problem] if problem else []
            self.keep()
            return
        found, wrong = self.graded_tree(sorted(mine))
        yield from wrong or wrong_marks(found, mine, set())
        self.keep()
        fill(self.tree, about.all_due)
        full = mine if self.options.due else numbers(plan.labs) - later
        found, wrong = self.graded_tree(sorted(full | later))
        yield from wrong or wrong_marks(found, later, full)

    def check(self, plan, whole):
        """Sentences about what is wrong with one handout. If `whole` is true it is also solved,
        and graded again."""
        _, wrong = self.make(plan)
        yield from wrong
        found, wrong = self.graded_tree()
        yield from wrong
        if wrong:
            return
        blank = set(plan.blank) & numbers(plan.labs)
        others = numbers(plan.labs if whole else plan.labs[:-1]) - blank
        yield from wrong_marks(found, blank, others)
        if whole:
            self.keep()
            yield from self.tasks(plan)
            yield from solve(self.tree)
            yield from self.solved(blank)

    def tasks(self, plan):
        """Sentences about the tasks of a handout. What cannot be tried there is printed."""
        if not plan.due_tasks or str(plan.lab) not in self.options.tasks.split():
            return
        fill(self.tree, numbers(lab for lab in plan.labs if lab.number <= plan.lab))
        wrong, notes = task_handouts.prove(self.tree, plan, self.reference,
                                           self.options.toolchain)
        print("".join("  %s\n" % each for each in notes), end="", flush=True)
        yield from wrong

    def keep(self):
        """Keep the handout as it is, with what is built of it, for the next one."""
        shutil.rmtree(self.copy, ignore_errors=True)
        shutil.copytree(self.tree, self.copy)
        self.last = self.copy

    def solved(self, blank):
        """Sentences about the solved tree, and about the exercises that were blank in it."""
        problem = build(self.tree, self.options.toolchain)
        if problem:
            yield "it does not compile when it is solved: %s" % problem
            return
        yield from compare(self.tree, self.objects)
        known = self.graded.setdefault(contents(os.path.join(self.tree, self.objects, "kernel")),
                                       set())
        if blank - known:
            found, _ = grade(self.tree, self.options.toolchain, self.options.qemu,
                             sorted(blank - known))
            wrong = list(wrong_marks(found, set(), blank - known))
            known.update(set() if wrong else blank)
            yield from wrong


def course_handouts(options, labs, checker):
    """(what is printed of it, sentences about what is wrong with it) of each handout of a course
    that is asked for."""
    whole = syllabus.read(ROOT, options.course, labs)
    for word in options.labs:
        whole.find(word)
    for one in whole.assignments:
        if not options.labs or one.name in options.labs:
            yield one.name, list(checker.assignment(handout.CoursePlan(labs, whole, one)))


def lab_handouts(options, labs, checker):
    """The same of each handout of the labs."""
    for lab in labs:
        if options.labs and str(lab.number) not in options.labs:
            continue
        for what, exercises in choices(lab, options.each):
            plan = handout.Plan(labs, lab.number, None, exercises)
            yield "lab %d%s" % (lab.number, what), list(
                checker.check(plan, not what.startswith(", only")))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("labs", nargs="*", metavar="LAB", help="only these")
    add("--each", action="store_true", help="also each exercise alone blank")
    add("--tasks", default="2 5 8", metavar="LABS", help="do the tasks of these; %(default)s")
    add("--course", metavar="FILE", help="the handouts of a course's assignments")
    add("--due", action="store_true", help="of a course: do not grade what is due before")
    add("--toolchain", default="unknown-elf", help="to grade with; %(default)s")
    add("--compilers", default="unknown-elf,linux-gnu,clang", help="to compile with; %(default)s")
    add("--qemu", default="qemu-system-riscv64", help="%(default)s")
    options = parser.parse_args()
    labs = [lab for lab in catalogue.load() if lab.exercises]
    problems = {region.exercise for region in regions.parse_tree(ROOT)} ^ numbers(labs)
    for number in sorted(problems):
        print("exercise %s is in the tree or in tools/labs, but not in both" % number)
    toolchain_of(ROOT, options.toolchain)
    problem = build(ROOT, options.toolchain)
    if problem:
        raise WorkshopError("the tree does not compile as it is: " + problem)
    count, wrong = 0, len(problems)
    with scratch.folder("handouts") as folder:
        checker = Checker(folder, options)
        for what, found in (course_handouts if options.course else lab_handouts)(
                options, labs, checker):
            count, wrong = count + 1, wrong + len(found)
            print("%s: %s" % (what, "\n  ".join([""] + found) if found else "ok"), flush=True)
    print("%d handouts, %d things wrong" % (count, wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(cli.run("check_handouts", main, (WorkshopError, handout.HandoutError, ValueError)))
