#!/usr/bin/env python3
"""Are mistakes found that only a power failure shows? They are planted, one by one, and the crash
tests run.

    crashes.py [NAME ...]       plant these faults of tools/crashes, or all
    crashes.py --write          all, into docs/crashes.md

A file of tools/crashes has a title, the test that must find the fault, and the change, in the form
of a mutant (exercise/mutants.py); the change may be anywhere in the tree. It is built in a copy of
the tree. If a fault is not found the exit status is 1.
"""
import os
import re
import sys

import cli
import planting
from exercise import pool
from exercise.mutants import MutantError
from exercise.workshop import WorkshopError
from grader.model import Verdict
from labs.catalogue import LabError, find_test

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDER = os.path.join(ROOT, "tools", "crashes")
TABLE = os.path.join(ROOT, "docs", "crashes.md")
MARK = "<!-- by python3 tools/crashes.py --write -->\n"
HEAD = "| Fault | In | Test | Workloads that find it |\n| --- | --- | --- | --- |\n"
FAILED = re.compile(r"check failed: (.*), at ")
MORE = re.compile(r"and (\d+) other checks failed")


class Planter:
    """What a worker does with a fault: (why not, was it found, by what)."""

    def __init__(self, shop):
        self.shop = shop

    def __call__(self, job):
        texts, name = job
        with self.shop.variant(texts) as built:
            if not built.succeeded:
                return built.problem, False, ""
            outcome = self.shop.judge(find_test(name), self.shop.host())
            if outcome.verdict == Verdict.SETUP:
                raise WorkshopError(" ".join(outcome.reasons))
            return "", not outcome.passed, found_by(outcome)


def found_by(outcome):
    """How many workloads have failed, and the first of them; or what else has ended the test."""
    if outcome.passed:
        return "none"
    titles = FAILED.findall("\n".join(outcome.reasons))
    if not titles:
        first = "" if outcome.verdict == Verdict.HANG else ": " + outcome.reasons[0].split("\n")[0]
        return str(outcome.verdict) + first
    more = MORE.search("\n".join(outcome.reasons))
    return "%d: %s" % (len(titles) + int(more.group(1) if more else 0), titles[0])


def row(fault, found):
    """A line of the table."""
    return "| %s | %s | %s | %s |\n" % (fault.title, fault.edits[0].path, fault.test, found)


def main():
    """The command; its exit status."""
    options = planting.arguments("Plant faults of the journal, and look whether the crash tests "
                                 "find them.", FOLDER, TABLE)
    faults = planting.read_all(options.names, FOLDER)
    jobs = [(texts, fault.test) for fault, texts in faults]
    table, missed = HEAD, 0
    with pool.shops("crashes", ROOT, options, Planter) as workers:
        for fault, (found, how) in planting.results(workers, faults, jobs):
            missed += not found
            table += row(fault, how)
            print("%-28s %s" % (fault.name, "found by " + how if found else "NOT FOUND"),
                  flush=True)
    if options.write:
        planting.write(table, TABLE, MARK)
    print(planting.summary(len(faults), missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(cli.run("crashes", main, (WorkshopError, LabError, MutantError)))
