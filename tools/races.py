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
import argparse
import copy
import glob
import os
import sys

import cli
from exercise import pool
from exercise.mutants import MutantError, parse
from exercise.trials import add_options
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


def planted(fault, root):
    """{path: text} of the files that a fault changes."""
    texts = {}
    for edit in fault.edits:
        if edit.path not in texts:
            try:
                with open(os.path.join(root, edit.path), encoding="utf-8") as file:
                    texts[edit.path] = file.read()
            except OSError as error:
                raise MutantError(fault.source, edit.line, error)
        old, new = ("".join(line + "\n" for line in part) for part in (edit.old, edit.new))
        if ("\n" + texts[edit.path]).count("\n" + old) != 1:
            raise MutantError(fault.source, edit.line,
                              "the old lines are not just once in %s" % edit.path)
        texts[edit.path] = ("\n" + texts[edit.path]).replace("\n" + old, "\n" + new, 1)[1:]
    return texts


def read(path, root=ROOT, heads=("title", "test")):
    """(the fault of a file, the texts that it makes)."""
    try:
        with open(path, encoding="utf-8") as file:
            fault = parse(file.read(), path, heads)
    except (OSError, UnicodeDecodeError) as error:
        raise MutantError(path, 1, error)
    return fault, planted(fault, root)


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


def row(fault, result):
    """A line of the table."""
    _, seed, once, boots = result
    return "| %s | %s | %s | %s of %d | %s | %s |\n" % (
        fault.title, fault.edits[0].path, fault.test, seed or "none",
        find_test(fault.test).seeds, "found" if once else "not found",
        "found in %d" % boots if boots else "never found")


def arguments():
    """The command line, read."""
    parser = argparse.ArgumentParser(description="Plant races, and look what finds them.")
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help="of a file of tools/races; without: all")
    add("--seeds-only", action="store_true", help="only what the seeds of the test find")
    add("--write", action="store_true", help="write the table into docs/races.md")
    add_options(add)
    options = parser.parse_args()
    if options.write and (options.names or options.seeds_only):
        parser.error("--write is for the whole table")
    return options


def sources(names, folder=FOLDER):
    """The files of these faults of a folder, or all of it."""
    known = {os.path.splitext(os.path.basename(path))[0]: path
             for path in sorted(glob.glob(os.path.join(glob.escape(folder), "*.txt")))}
    if not known:
        raise LabError("there are no planted faults here: a handout has none")
    for name in names:
        if name not in known:
            raise LabError("there is no planted fault %s; there are: %s" % (
                name, " ".join(known)))
    return [known[name] for name in names or known]


def write(table, page=TABLE, mark=MARK):
    """Put the table in place of the old one, which is the end of the page."""
    with open(page, encoding="utf-8") as file:
        text = file.read()
    with open(page, "w", encoding="utf-8") as file:
        file.write(text.partition(mark)[0] + mark + "\n" + table)


def summary(planted, missed):
    """The last line, for so many faults."""
    return "%d faults planted: %d found, %d not found" % (planted, planted - missed, missed)


def main():
    """The command; its exit status."""
    options = arguments()
    faults = [read(path) for path in sources(options.names)]
    jobs = [(texts, fault.test, options.seeds_only) for fault, texts in faults]
    for fault, _ in faults:
        if not find_test(fault.test).seeds:
            raise LabError("%s: the test %s has no seeds" % (fault.name, fault.test))
    table, missed = HEAD, 0
    with pool.shops("races", ROOT, options, Planter) as workers:
        for (fault, _), result in zip(faults, workers.in_order(jobs)):
            if isinstance(result, str) or result[0]:
                raise WorkshopError("%s: %s" % (fault.name, result if isinstance(result, str)
                                                else result[0]))
            missed += result[1] is None
            table += row(fault, result)
            print("%-26s %s" % (fault.name, "found at seed %d of %d" % (
                result[1], find_test(fault.test).seeds) if result[1] else "NOT FOUND"), flush=True)
    if options.write:
        write(table)
    elif not options.seeds_only:
        print("\n" + table)
    print(summary(len(faults), missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(cli.run("races", main, (WorkshopError, LabError, MutantError)))
