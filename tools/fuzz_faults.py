#!/usr/bin/env python3
"""Do random system calls find mistakes? They are planted, one by one, and tools/fuzz.py boots.

    fuzz_faults.py [NAME ...]       plant these faults of tools/fuzzed, or all
    fuzz_faults.py --write          all, into docs/fuzz.md
    fuzz_faults.py --shorten NAME   print the few calls that show a fault, too

A file of tools/fuzzed has a title and the change, in the form of a mutant (exercise/mutants.py);
the change may be anywhere in the tree. It is built in a copy of the tree, and the machines of the
seeds 1, 2, 3 ... boot until one of them fails, SEEDS at most. If none fails the exit status is 1.
"""
import os
import re
import sys
import types

import cli
import fuzz
import planting
from exercise import pool
from exercise.mutants import MutantError
from exercise.workshop import WorkshopError
from grader.judge import Judge
from labs.catalogue import LabError

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDER = os.path.join(ROOT, "tools", "fuzzed")
TABLE = os.path.join(ROOT, "docs", "fuzz.md")
SEEDS = fuzz.RUNS
HEADS = ("title",)              # the seeds look for all of them
LONGEST = 110                   # characters of a reason in the table
MARK = "<!-- by python3 tools/fuzz_faults.py --write -->\n"
HEAD = "| Fault | In | Seed | Its machine | Found as |\n| --- | --- | ---: | --- | --- |\n"
NUMBERS = re.compile(r"0x[0-9a-f]{6,}")


class Planter:
    """What a worker does with a fault: (why not, the seed that finds it or None, as what)."""

    def __init__(self, shop):
        self.shop = shop

    def __call__(self, job):
        texts, shorten = job
        with self.shop.variant(texts) as built:
            if not built.succeeded:
                return built.problem, None, ""
            judge = Judge(self.shop.host(), {})
            for seed in range(1, SEEDS + 1):
                outcome = judge.run(fuzz.boot(seed), 1)
                if fuzz.kind_of(outcome) == "not run" and not outcome.passed:
                    raise WorkshopError(" ".join(outcome.reasons))
                if not outcome.passed:
                    if shorten:
                        self.explain(outcome, seed)
                    return "", seed, found_as(outcome)
        return "", None, ""

    def explain(self, outcome, seed):
        """Tell of a finding what tools/fuzz.py tells."""
        fuzz.Fuzzer(types.SimpleNamespace(
            objects=self.shop.objects, qemu=self.shop.qemu, groups="pmfs", count=False,
            rounds=None, keep="", harts=None, no_shorten=False),
            self.shop.logs).explain(outcome, seed)


def found_as(outcome):
    """The kind of a failure, and its first reason that tells of the kernel, without addresses."""
    words = NUMBERS.sub("0x...", (outcome.reasons or [""])[0]).replace("|", "\\|")
    return "%s: %s" % (fuzz.kind_of(outcome), words[:LONGEST])


def row(fault, seed, found):
    """A line of the table."""
    about = fuzz.machine_of(seed or 1)
    harts = about.get("harts", 1)
    machine = " ".join((["%d harts" % harts] if harts > 1 else []) + [about["append"]]).strip()
    return "| %s | %s | %s | %s | %s |\n" % (
        fault.title, ", ".join(dict.fromkeys(edit.path for edit in fault.edits)), seed or "none",
        machine or "as it is", found)


def main():
    """The command; its exit status."""
    options = planting.arguments("Plant faults that random system calls find.", FOLDER, TABLE,
                                 ("--shorten", "also print the few calls that show it"))
    faults = planting.read_all(options.names, FOLDER, HEADS)
    table, missed = HEAD, 0
    with pool.shops("fuzz-faults", ROOT, options, Planter) as workers:
        jobs = [(texts, options.shorten) for _, texts in faults]
        for fault, (seed, found) in planting.results(workers, faults, jobs):
            missed += seed is None
            table += row(fault, seed, found)
            print("%-20s %s" % (fault.name, "found by seed %d, %s" % (seed, found) if seed
                                else "NOT FOUND"), flush=True)
    if options.write:
        planting.write(table, TABLE, MARK)
    print(planting.summary(len(faults), missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(cli.run("fuzz_faults", main, (WorkshopError, LabError, MutantError)))
