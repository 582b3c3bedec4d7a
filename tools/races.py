#!/usr/bin/env python3
"""make races: does chance on purpose bring up the races that people write?

    races.py [NAME ...]                 plant these faults of tools/races, or all, one by one
    races.py --seeds-only [NAME ...]    only look whether the seeds of the test find them
    races.py --write                    all, into docs/races.md

A file of tools/races has a title, the test that must find the fault, and the change, in the form of
a mutant (exercise/mutants.py); the change may be anywhere in the tree. The fault is built in a copy
of the tree. It must be found by one of the test's seeds, or the exit status is 1. Beside that it is
told what finds a fault without chaos: one boot with time counted in instructions, as most tests are
run, and BOOTS boots on 4 harts, whose order is what the host's load makes of it.
"""
import copy
import os
import sys

import cli
import planting
from exercise import pool
from exercise.mutants import MutantError
from exercise.workshop import WorkshopError
from grader.model import Verdict
from labs.catalogue import LabError, find_test

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDER = os.path.join(ROOT, "tools", "races")
TABLE = os.path.join(ROOT, "docs", "races.md")
HARTS, BOOTS = 4, 100
CPU_SECONDS = 20                # of each of these boots
MARK = "<!-- by make races RACES=--write -->\n"
HEAD = ("| Fault | In | Test | Found at seed | Once, without chaos | %d boots on %d harts |\n"
        "| --- | --- | --- | --- | --- | --- |\n" % (BOOTS, HARTS))


def plain(test, harts, cpu):
    """The test without seeds, on so many harts."""
    test = copy.copy(test)
    test.harts, test.runs, test.seeds, test.cpu = harts, 1, 0, cpu
    return test


class Planter:
    """What a worker does with a fault: (why not, seed or None, once, of how many boots)."""

    def __init__(self, shop):
        self.shop = shop

    def __call__(self, job):
        texts, name, seeds_only = job
        test = find_test(name)
        with self.shop.variant(texts) as built:
            if not built.succeeded:
                return built.problem, None, False, 0
            host = self.shop.host()
            outcome = self.judged(test, host)
            seed = None if outcome.passed else outcome.run
            if seeds_only:
                return "", seed, False, 0
            once = self.judged(plain(test, 1, test.cpu), host)
            boots = [self.judged(plain(test, HARTS, CPU_SECONDS), host) for _ in range(BOOTS)]
            return "", seed, not once.passed, sum(not each.passed for each in boots)

    def judged(self, test, host):
        """The Outcome of a test. If this host fails that is no finding."""
        outcome = self.shop.judge(test, host)
        if outcome.verdict == Verdict.SETUP:
            raise WorkshopError(" ".join(outcome.reasons))
        return outcome


def row(fault, seed, once, boots):
    """A line of the table."""
    return "| %s | %s | %s | %s of %d | %s | %s |\n" % (
        fault.title, fault.edits[0].path, fault.test, seed or "none",
        find_test(fault.test).seeds, "found" if once else "not found",
        "found in %d" % boots if boots else "never found")


def main():
    """The command; its exit status."""
    options = planting.arguments("Plant races, and look what finds them.", FOLDER, TABLE,
                                 ("--seeds-only", "only what the seeds of the test find"))
    if options.write and options.seeds_only:
        raise LabError("--write is for the whole table, so not with --seeds-only")
    faults = planting.read_all(options.names, FOLDER)
    jobs = [(texts, fault.test, options.seeds_only) for fault, texts in faults]
    for fault, _ in faults:
        if not find_test(fault.test).seeds:
            raise LabError("%s: the test %s has no seeds" % (fault.name, fault.test))
    table, missed = HEAD, 0
    with pool.shops("races", ROOT, options, Planter) as workers:
        for fault, (seed, *others) in planting.results(workers, faults, jobs):
            missed += seed is None
            table += row(fault, seed, *others)
            print("%-26s %s" % (fault.name, "found at seed %d of %d" % (
                seed, find_test(fault.test).seeds) if seed else "NOT FOUND"), flush=True)
    if options.write:
        planting.write(table, TABLE, MARK)
    elif not options.seeds_only:
        print("\n" + table)
    print(planting.summary(len(faults), missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(cli.run("races", main, (WorkshopError, LabError, MutantError)))
