#!/usr/bin/env python3
"""Check each exercise alone blank: the labs before it must not need it, and its tests must fail.

    python3 tools/exercise/check_singles.py [--jobs 2] [N.M or LAB ...]

A student who has written labs 1 to K-1 begins an exercise of lab K. Whatever that one does not do
yet, all tests of the labs before must pass: once with all labs after K blank, as handouts have
them, and once with all of them solved, as in a course that gives them away or that began elsewhere.
What a later lab hooks into the kernel must not call what is blank.

Where all regions of an exercise are bodies of functions, a blank is a call that panics, and does
nothing else: it matters to a test only if it is reached. Nor does it matter that static functions
are missing which these bodies alone use. So the tests of the labs before run once with all such
exercises of a lab blank together: what passes there reaches none of them, and passes with each one
alone. Other exercises have kernels of their own for that.

Lab 0 has programs that need the whole kernel, so its exercises are tried on a solved one, and no
other lab needs its tests.

Only tests with one hart and without seeds are run, of which each run is alike. check_handouts.py
checks whole handouts, with the rest of the tests. .ci/run runs both.
"""
import argparse
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import cli
from exercise import marks, pool, regions
from exercise.trials import Tester, add_options, reason
from exercise.workshop import Compiled, WorkshopError
from labs.catalogue import LabError, load, unknown

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OWN = re.compile("static |#define ")    # what begins a line that defines something for its file


class Single(Tester):
    """What a worker has; its jobs are the method below. The kernels differ in few files from each
    other: of some 1,300 files that are blank in one of them only 65 are different."""

    def __init__(self, shop):
        super().__init__(shop)
        self.compiled = Compiled()

    def single(self, texts, passing, failing):
        """Sentences about what is wrong with a variant, in which these tests must pass or fail."""
        with self.shop.variant(texts, self.compiled) as built:
            if not built.succeeded:
                return ["it does not compile: %s" % built.problem]
            host = self.shop.host()
            found = [(name, self.shop.judge(self.tests[name], host))
                     for name in passing + failing]
        return [reason(outcome) for name, outcome in found
                if name in passing and not outcome.passed] + [
            "it is blank, but passes the test %s" % name for name, outcome in found
            if name in failing and outcome.passed]


def alike(tests):
    """The names of those tests of which each run is alike."""
    return [test.name for test in tests if test.harts == 1 and not test.seeds and not test.command]


def names_of(line):
    """The names that a line of C defines for its file alone, as OWN has it: those of a function, a
    macro or some variables."""
    if line.startswith("#define "):
        return re.findall(r"\w+", line)[1:2]
    head = re.match(r"[^({=;]*", line).group()
    if line[len(head):].startswith("("):
        return re.findall(r"\w+", head)[-1:]
    return [re.findall(r"\w+", each.partition("[")[0])[-1] for each in head.split(",")]


def are_helpers(region, own, text):
    """Has a region of a file with this text nothing in it but static functions and variables, and
    macros, that nothing outside of the exercise's own regions names?"""
    if region.form != "extra" or not region.path.endswith(".c") or "__attribute__" in region.text:
        return False
    lines = list(filter(str.strip, regions.COMMENT.sub("", region.text).split("\n")))
    outside = set(regions.WORD.findall(regions.COMMENT.sub(" ", regions.replace(
        text, region.path, {each.key: "" for each in own if each.path == region.path}))))
    begin = [line for line in lines if line[0] not in " {}"]
    return begin[:1] == lines[:1] and all(map(OWN.match, begin)) and not outside.intersection(
        name for line in begin for name in names_of(line))


def is_quiet(own, texts):
    """Is a blank in these regions of an exercise nothing but a call that panics? `texts` are those
    of their files."""
    return all(region.form == "code" and not region.path.endswith(".h")
               or are_helpers(region, own, texts[region.path]) for region in own)


def jobs_of(reference, before, exercises, later, words):
    """(title, job) of some exercises of a lab, with `later` blank too. `before` are the tests that
    must pass; what is quiet is blank together for them."""
    quiet = [number for number in exercises if is_quiet(reference.of(number), reference.texts)]
    if quiet and before:
        yield (" ".join(quiet) + words,
               ("single", reference.variant({}, later.union(quiet)), before, []))
    for number in exercises:
        own = [test.name for test in reference.tests[number] if test.harts == 1]
        yield (number + words, ("single", reference.variant({}, later | {number}),
                                [] if number in quiet else before, own))


def jobs(labs, chosen):
    """(title, job) of each exercise that is chosen, with the labs behind it blank and solved."""
    reference = marks.Reference(ROOT, labs, "")
    last = max(lab.number for lab in labs if lab.exercises)
    for lab in labs:
        before = alike(test for each in labs if 0 < each.number < lab.number
                       for test in each.tests)
        later = {exercise.number for each in labs if lab.number and each.number > lab.number
                 for exercise in each.exercises}         # lab 0 stands on all of them
        exercises = [exercise.number for exercise in lab.exercises if exercise.number in chosen]
        for blank, word in ((later, "blank"), (set(), "solved")):
            if blank or word == "solved":
                yield from jobs_of(reference, before, exercises, blank,
                                   ", labs behind it " + word if lab.number < last
                                   else ", the last lab")


def choose(words, labs):
    """The exercises that these words name; all without a word."""
    numbers = [exercise.number for lab in labs for exercise in lab.exercises]
    for word in words:
        if word not in numbers and word not in [str(lab.number) for lab in labs]:
            raise unknown("exercise or lab", word, numbers)
    return [number for number in numbers
            if not words or number in words or number.split(".")[0] in words]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("words", nargs="*", metavar="N.M or LAB", help="only these")
    add_options(parser.add_argument)
    options, labs = parser.parse_args(), load()
    wrong, work = 0, list(jobs(labs, choose(options.words, labs)))
    with pool.shops("singles", ROOT, options, Single, boxed=False) as workers:
        results = workers.in_order([job for _, job in work])
        for (title, _), found in zip(work, results):
            found = [found] if isinstance(found, str) else found
            wrong += len(found)
            print("%s: %s" % (title, "\n  ".join([""] + found) if found else "ok"), flush=True)
    print("%d kernels with exercises blank, %d things wrong" % (len(work), wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(cli.run("check_singles", main, (WorkshopError, LabError)))
