#!/usr/bin/env python3
"""Are mistakes found on the ways on which the kernel gives up? They are planted, one by one, and
the sweeps of tools/faults.py run, until one boot fails.

    faults_planted.py [NAME ...]            plant these faults of tools/faults, or all
    faults_planted.py --write [NAME ...]    and write into docs/faults.md which boot finds them, and
                                            which places must not fail

A file of tools/faults has a title, the sweep that must find the fault, and the change, in the form
of a mutant (exercise/mutants.py); the change may be anywhere in the tree. It is built in a copy of
the tree. If a fault is not found the exit status is 1.
"""
import argparse
import os
import sys

import check_unfailing
import cli
import planting
from exercise import pool
from exercise.mutants import MutantError
from exercise.trials import add_options
from exercise.workshop import WorkshopError
from faults import ROOT, SEEDS, Sweep, plan_of, write
from grader.faulty import FaultError, FaultJudge
from labs.catalogue import LabError

FOLDER = os.path.join(ROOT, "tools", "faults")
HEAD = "| Fault | In | Sweep | Found at |\n| --- | --- | --- | --- |\n"


class Planter:
    """What a worker does with a fault: (why not, the Outcome that finds it as words or "", after so
    many boots)."""

    def __init__(self, shop):
        self.shop = shop

    def __call__(self, job):
        texts, where = job
        with self.shop.variant(texts) as built:
            if not built.succeeded:
                return built.problem, "", 0
            return ("",) + first_found(Sweep(*where.split()), FaultJudge(self.shop.host()))


def tests_of(sweep, places):
    """The tests of a sweep, in another order: each 16th place, so that a fault that many of them
    find is found soon; then those by chance, in which several places fail; then all others."""
    numbers = range(1, places + 1)
    return ([sweep.test(number) for number in numbers[::16]] + sweep.chance(SEEDS)
            + [sweep.test(number) for number in numbers if number % 16 != 1])


def first_found(sweep, judge):
    """(what the first boot of a sweep says that does not pass, or ""; after so many boots)."""
    try:
        places = sweep.count(judge)
    except FaultError as error:
        return str(error), 1
    for boots, test in enumerate(tests_of(sweep, places), 1):
        outcome = judge.run(test, 1)
        sweep.take(outcome)
        if sweep.bad:
            return "%s: %s" % (plan_of(outcome), outcome.reasons[0].split(" on hart")[0]), boots
    return "", places


def plant(options):
    """(how many faults no sweep finds, their rows of the table)."""
    faults = planting.read_all(options.names, FOLDER)
    jobs = [(texts, fault.test) for fault, texts in faults]
    table, missed = {}, 0
    with pool.shops("faults", ROOT, options, Planter) as workers:
        for fault, (found, boots) in planting.results(workers, faults, jobs):
            missed += not found
            table["| %s |" % fault.title] = "| %s | %s | %s | %s |\n" % (
                fault.title, fault.edits[0].path, fault.test, found.replace("|", "\\|") or "no")
            print("%-24s %s" % (fault.name, "boot %d, %s" % (boots, found) if found
                                else "NOT FOUND in %d boots" % boots), flush=True)
    print(planting.summary(len(faults), missed))
    return missed, table


def arguments():
    """The command line, read."""
    parser = argparse.ArgumentParser(description="Plant faults, and look whether sweeps find them.")
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help="of a file of tools/faults; without: all")
    add("--write", action="store_true", help="write the tables into docs/faults.md")
    add_options(add)
    options = parser.parse_args()
    return options


def main():
    """The command; its exit status."""
    options = arguments()
    missed, table = plant(options)
    if options.write:
        titles = [fault.title for fault, _ in planting.read_all([], FOLDER)]
        write("planted", HEAD, table, ["| %s |" % title for title in titles])
        places = ["- %s, `%s()`: %s\n" % (path, name, said)
                  for path, name, _, said in check_unfailing.all_places()]
        write("places", "", dict(zip(places, places)), places)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(cli.run("faults_planted", main, (WorkshopError, LabError, MutantError, FaultError)))
