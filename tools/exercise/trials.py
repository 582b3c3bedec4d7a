"""Trials: variants of the solved tree are built, and the tests of an exercise tell which are wrong.

    with trials(ROOT, options) as tried:            # options: see add_options()
        order = tried.order(labs, ["5.4"])
        for state, details in tried.run([(texts, order["5.4"]), ...]):

A variant is {path: text}, the files of the tree that get other texts. It is caught if one of the
tests fails, and has survived if all pass: then they have a hole. mutants.py tries the mistakes that
students make, automutate.py small changes made by rule. Variants are tried side by side, by the
workers of pool.py; the results come in the order of the jobs.
"""
import contextlib
import copy
import hashlib
import os
import re

from exercise import pool
from exercise.workshop import WorkshopError
from grader import passed
from grader.image import ImageError
from grader.model import Verdict
from labs.catalogue import load

# What became of a variant.
CAUGHT, SURVIVED, NO_COMPILE, BROKEN = "caught", "SURVIVED", "DOES NOT COMPILE", "BROKEN"
SAME = "the same code"
# Newer compilers refuse what these tell of.
REFUSED = re.compile(r"\[-W(?:int-conversion|incompatible-pointer-types|implicit-\S+)\]")
# Of the variants that are made by rule many hang. A test of them may take so many times the CPU
# time that the reference needs; a machine runs so many million instructions in a second.
PATIENCE = 8
MILLIONS = 200
REASON = 160                    # characters that are shown


def loaded(host):
    """A hash of all of the kernel that is loaded into memory, so without debug information."""
    image, code = host.image, hashlib.sha256()
    for _, _, offset, _, address, size, _, _ in image.segments:
        code.update(b"%d %d " % (address, size) + image.data[offset:offset + size])
    return code.digest()


def reason(outcome):
    """Why a test has failed, in one line."""
    return "%s, %s: %s" % (outcome.test.name, outcome.verdict, outcome.why.strip()[:REASON])


def hurried(test, seconds):
    """The test with less time, if the reference needs so many seconds of CPU time for it."""
    test = copy.copy(test)
    test.cpu = min(test.cpu, 2 + int(PATIENCE * seconds))
    test.limit = min(test.limit, 10 + int(PATIENCE * MILLIONS * seconds))
    return test


class Tester:
    """What a worker has: its workshop, the tests, and the hash of the solved tree's kernel. A job
    is the name of one of the methods below, and its arguments."""

    def __init__(self, shop, objects=None):
        self.shop, host = shop, shop.host()
        self.tests = {test.name: test for lab in load() for test in lab.tests}
        self.code = loaded(host)
        self.passed = passed.load(host, objects) if objects else {}

    def __call__(self, job):
        method, *arguments = job
        return getattr(self, method)(*arguments)

    def reference(self, name):
        """(why the tree as it is does not pass this test, or None; seconds of CPU time). A test
        that has passed in a `make grade` of the same kernel is not run again."""
        if name in self.passed:
            return None, self.passed[name]
        outcome = self.shop.judge(self.tests[name])
        return None if outcome.passed else reason(outcome), outcome.seconds

    def variant(self, texts, tests, by_rule):
        """(state, details) of a variant, by these tests one after the other: [(name, seconds that
        the reference needs)]. A variant made by rule is not judged if it is the same in memory, or
        if a compiler need not take it."""
        try:
            with self.shop.variant(texts) as built:
                return self.judge(built, tests, by_rule)
        except (ImageError, OSError) as error:
            return BROKEN, str(error)

    def judge(self, built, tests, by_rule):
        """The same, of a variant that was built just now."""
        if not built.succeeded or by_rule and REFUSED.search(built.output):
            return NO_COMPILE, built.problem
        host = self.shop.host()
        if by_rule and loaded(host) == self.code:
            return SAME, ""
        for name, seconds in tests:
            test = self.tests[name]
            outcome = self.shop.judge(hurried(test, seconds) if by_rule else test, host)
            if outcome.verdict == Verdict.SETUP:
                return BROKEN, reason(outcome)
            if not outcome.passed:
                return CAUGHT, reason(outcome)
        return SURVIVED, "passes " + ", ".join(name for name, _ in tests)


class Trials:
    """Variants are tried by the workers of a pool, which begin with Tester."""

    def __init__(self, workers):
        self.workers = workers

    def order(self, labs, exercises):
        """{exercise: (name, seconds) of its tests, the cheapest first}. They must pass in the tree
        as it is, or nothing that they say about a variant counts."""
        tests = {test.name: test for lab in labs for test in lab.tests
                 if test.exercise in exercises and test.points}
        seconds, problems = {}, []
        found = self.workers.in_order([("reference", name) for name in tests])
        for name, result in zip(tests, found):
            problem, seconds[name] = (result, 0) if isinstance(result, str) else result
            problems += [problem] if problem else []
        if problems:
            raise WorkshopError("the reference solution does not pass its tests:\n%s"
                                % "\n".join(problems))
        ordered = sorted(tests.values(), key=lambda test: seconds[test.name])
        return {exercise: [(test.name, seconds[test.name]) for test in ordered
                           if test.exercise == exercise] for exercise in exercises}

    def run(self, variants, by_rule=False):
        """(state, details) of each of these (texts, tests as order() has them)."""
        for result in self.workers.in_order([("variant", *each, by_rule) for each in variants]):
            yield (BROKEN, result) if isinstance(result, str) else result


@contextlib.contextmanager
def trials(root, options):
    """The Trials of a tree, with as many workers as the options say."""
    objects = os.path.join(root, "obj", options.toolchain)
    with pool.shops("trials", root, options, lambda shop: Tester(shop, objects)) as workers:
        yield Trials(workers)


def add_options(add):
    """What the user may say of trials, by the function add() of an argument parser."""
    add("-j", "--jobs", type=int, default=os.cpu_count() or 1,
        help="so many workers at once; %(default)s")
    add("--toolchain", default=os.path.basename(os.environ.get("RVLAB_OBJECTS", "unknown-elf")),
        help="%(default)s")
    add("--qemu", default="qemu-system-riscv64", help="%(default)s")
