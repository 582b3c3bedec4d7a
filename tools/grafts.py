#!/usr/bin/env python3
"""Do hand-ins of labs 3 and 5 that were right before there was paging stand it?

    grafts.py                   all kept ones, each alone, and those of whole labs together
    grafts.py FILE ...          these, whatever their marks are
    grafts.py --tests "swap-*"  not all tests

tools/test/corpus has hand-ins of earlier handouts, with the marks that they got then. Of each the
exercises of LABS that had full marks are put into this tree, in the place of the reference's text,
as tools/lab grade does; of a FILE that is named, all of LABS that it has. The tests of these labs
and of lab 9 then run with that kernel, until MOST have failed: page tables, areas, faults, fork,
exec and exit are what lab 9 pages with, and they know nothing of pages that are out.

A line tells of each graft, with one for each test that fails, and the last line counts. The exit
status is 1 if one has failed.
"""
import argparse
import csv
import fnmatch
import os
import sys

import cli
from exercise import handout, pool
from exercise.marks import Reference, Work
from exercise.submissions import Collector, Wanted
from exercise.trials import add_options, reason
from exercise.workshop import WorkshopError
from grader.model import Verdict
from labs.catalogue import LabError, load

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
KEPT = os.path.join(ROOT, "tools", "test", "corpus")
MARKS = os.path.join(KEPT, "marks.csv")
LABS = (3, 5)
PAGING = 9
MOST = 4                        # failed tests of a graft: a wrong one would take hours else


class Graft:
    """What is put into the tree together.

    name       the files that it comes from, as its line tells them
    exercises  their exercises, and texts {(exercise, id): text} of these
    """

    def __init__(self, name, exercises, texts):
        self.name, self.exercises, self.texts = name, exercises, texts

    def __add__(self, other):
        return Graft("%s + %s" % (self.name, other.name), self.exercises + other.exercises,
                     {**self.texts, **other.texts})

    def has_all(self, labs, number):
        """Has it all exercises of this lab, but for challenges?"""
        return {exercise.number for lab in labs if lab.number == number
                for exercise in lab.exercises if not exercise.kind} <= set(self.exercises)


def full_marks(reference):
    """{path: exercises of LABS with full marks} of the kept hand-ins that have such."""
    found = {}
    with open(MARKS, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            numbers = [number for number, exercise in reference.exercises.items()
                       if exercise.lab in LABS and row.get(number) == str(exercise.points)]
            if numbers:
                found[os.path.join(os.path.dirname(KEPT), row["file"])] = numbers
    return found


def grafts(reference, chosen):
    """The Graft of each of these {path: exercises, or None for all of LABS}."""
    for path, numbers in chosen.items():
        for submission in Collector(Wanted(reference.register)).words([path]):
            if submission.refused:
                raise LabError("%s: %s" % (path, submission.refused))
            asked = numbers or [number for number in submission.handin.exercises
                                if number in reference.exercises
                                and reference.exercises[number].lab in LABS]
            work = Work(submission, reference, asked)
            for number in asked if numbers else ():
                if number not in work.written:
                    raise LabError("%s, exercise %s: %s" % (path, number, work.state[number][1]))
            if not work.written:
                raise LabError("%s: it has no text for an exercise of labs %s" % (
                    path, " and ".join(map(str, LABS))))
            yield Graft(os.path.basename(path), work.written, work.texts)


def together(labs, found):
    """Those of whole labs as one Graft: a student's who has solved all of them; [] without such."""
    whole = [next((graft for graft in found if graft.has_all(labs, number)), None)
             for number in LABS]
    return [sum(whole[1:], whole[0])] if all(whole) else []


class Tester:
    """What a worker does with a graft: (how many tests have passed, why others have not)."""

    def __init__(self, shop):
        self.shop, self.tests = shop, {test.name: test for lab in load() for test in lab.tests}

    def __call__(self, job):
        texts, names = job
        with self.shop.variant(texts) as built:
            if not built.succeeded:
                return 0, ["does not compile: " + built.problem]
            host, passed, wrong = self.shop.host(), 0, []
            for name in names:
                outcome = self.shop.judge(self.tests[name], host)
                if outcome.verdict == Verdict.SETUP:
                    raise WorkshopError(reason(outcome))
                passed += outcome.passed
                wrong += [] if outcome.passed else [reason(outcome)]
                if len(wrong) == MOST:
                    break
            return passed, wrong


def arguments():
    """The command line, read."""
    parser = argparse.ArgumentParser(
        description="Put kept hand-ins of labs 3 and 5 into this tree, and run lab 9's tests.")
    add = parser.add_argument
    add("files", nargs="*", metavar="FILE", help="hand-ins; without: the kept ones")
    add("--tests", default="*", metavar="NAMES", help="of tests, with * and ?; %(default)s")
    add_options(add)
    return parser.parse_args()


def test_names(labs, patterns):
    """The names of the tests that boot machines, of lab 9 first, that one of these fits."""
    names = [test.name for number in (PAGING,) + LABS for lab in labs if lab.number == number
             for test in lab.tests if not test.command]
    found = [name for name in names
             if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]
    if not found:
        raise LabError("labs 3, 5 and 9 have no test that is called so: %s" % " ".join(patterns))
    return found


def main():
    """The command; its exit status."""
    options, labs = arguments(), load()
    names = test_names(labs, options.tests.split())
    reference = Reference(ROOT, labs, handout.version_of(ROOT))
    found = list(grafts(reference, dict.fromkeys(options.files) or full_marks(reference)))
    jobs = found + ([] if options.files else together(labs, found))
    good = 0
    with pool.shops("grafts", ROOT, options, Tester) as workers:
        results = workers.in_order([(reference.variant(job.texts), names) for job in jobs])
        for job, result in zip(jobs, results):
            if isinstance(result, str):
                raise WorkshopError("%s: %s" % (job.name, result))
            passed, wrong = result
            good += not wrong
            print("\n    FAILED: ".join(["%s, %s: %d tests passed" % (
                job.name, " ".join(job.exercises), passed)] + wrong), flush=True)
    print("%d hand-ins in %d grafts, %d tests each: %d passed all" % (
        len(found), len(jobs), len(names), good))
    return 0 if good == len(jobs) else 1


if __name__ == "__main__":
    sys.exit(cli.run("grafts", main, (WorkshopError, LabError)))
