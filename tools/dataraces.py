#!/usr/bin/env python3
"""Data races: two harts touch the same bytes, one of them writes, and nothing keeps them apart.

    dataraces.py                    the TESTS with SEEDS seeds each, on a kernel with CHECK=race
    dataraces.py --sample           a few boots
    dataraces.py NAME ...           these tests alone, of all labs
    dataraces.py --planted          plant the faults of tools/dataraces one by one: each must be
                                    told with both call stacks; with NAME ...: these
    dataraces.py --write            all faults, into docs/dataraces.md

The kernel is built in a copy of the tree. kern/check/race.c tells how a race is seen; which
accesses are watched follows from the seed, but harts run side by side, so one seed may see other
races the next time. The last line tells how many boots there were and what they saw. The exit
status is 1 if a test failed, a race was seen, or a planted one was not.

A fault has the form of those in tools/races, which tools/races.py plants: these here need no order
of events that comes up in a test. The accesses alone are what is seen.
"""
import argparse
import copy
import glob
import os
import re
import subprocess
import sys

import cli
import planting
import scratch
from exercise import pool
from exercise.mutants import MutantError
from exercise.trials import add_options
from exercise.workshop import RACE, WorkshopError, copy_tree
from grader.model import Verdict
from labs.catalogue import LabError, find_test

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDER = os.path.join(ROOT, "tools", "dataraces")
TABLE = os.path.join(ROOT, "docs", "dataraces.md")
TESTS = ["crowd-4-harts", "inspect-4-harts", "threads-4-harts", "forkwait-4-harts",
         "mmlock-4-harts", "kmalloc-harts", "kstack-harts", "sched-wake-4-harts",
         "sched-kill-4-harts", "mutex-4-harts", "wait-grant-4-harts", "cowrace-4-harts",
         "exit-race-4-harts", "sem-race-4-harts", "monitor-race-4-harts", "usync-race-4-harts",
         "pipe-race-4-harts", "pipes-4-harts", "filecrowd-4-harts", "journal-storm-4-harts"]
SAMPLE = ["kmalloc-harts", "pipe-race-4-harts"]     # self tests: they need no program
NO_OBJECTS = "none"             # a toolchain that has built nothing
SEEDS = 3
TRIES = 10                      # seeds for a planted fault
EVERY = 100                     # a place that was watched in vain so often is watched that rarely
SLOWER, LEAST = 6, 120          # CPU seconds of a boot
WATCHED = re.compile(r"^races: (\d+) accesses watched, (\d+) data races", re.M)
RACES = re.compile(r"^data race: .*?^  seen \d+ times$", re.M | re.S)
FRAME = re.compile(r"^  ([0-9a-f]{16}) \S+$", re.M)
MARK = "<!-- by tools/dataraces.py --write -->\n"
HEAD = ("| Fault | In | Test | Seen at seed | First access | Second access |\n"
        "| --- | --- | --- | --- | --- | --- |\n")


def watched(test, seed):
    """The test for one boot with this seed."""
    test = copy.copy(test)
    test.runs, test.seeds, test.cpu = 1, 0, max(SLOWER * test.cpu, LEAST)
    test.append = ("race=%d/%d %s" % (seed, EVERY, test.append)).strip()
    return test


def with_lines(race, kernel, addr2line):
    """The text of a race, with file:line behind each function. Without such a tool there are
    none."""
    addresses = FRAME.findall(race)
    before = ["%#x" % (int(address, 16) - 1) for address in addresses]
    try:
        told = subprocess.run([addr2line, "-e", kernel] + before, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL).stdout.decode("utf-8", "replace")
    except OSError:
        return race
    places = iter(line.split(" ")[0] for line in told.split("\n"))
    return FRAME.sub(lambda match: "%s %s" % (match.group(0), next(places, "")), race)


class Watcher:
    """What a worker does with a test: (why it failed or "", accesses watched, texts of races)."""

    def __init__(self, shop):
        self.shop = shop
        with open(os.path.join(shop.objects, "config.mk"), encoding="utf-8") as file:
            self.addr2line = re.search(r"^NM *:= *(\S*)nm$", file.read(), re.M).group(1) + \
                "addr2line"

    def __call__(self, job):
        texts, name, seeds = job
        with self.shop.variant(texts) as built:
            if not built.succeeded:
                return built.problem, 0, [], 0
            host, count = self.shop.host(), 0
            for seed in seeds:
                failure, more, found = self.boot(watched(find_test(name), seed), host)
                count += more
                if found:               # a planted fault may also end a boot, before it is told
                    break
            return failure, count, found, seed

    def boot(self, test, host):
        """The same, of one boot."""
        outcome = self.shop.judge(test, host)
        if outcome.verdict == Verdict.SETUP:
            raise WorkshopError(" ".join(outcome.reasons))
        with open(outcome.log, encoding="utf-8", errors="replace") as file:
            text = file.read().replace("\r", "")
        told = WATCHED.search(text)
        failure = "" if outcome.passed or told and int(told.group(2)) else \
            " ".join(outcome.reasons[:1]) or "it failed"
        if not failure and not told:
            failure = "the kernel does not say what it has watched"
        return failure, int(told.group(1)) if told else 0, [
            with_lines(race, host.kernel, self.addr2line) for race in RACES.findall(text)]


def arguments():
    """The command line, read."""
    parser = argparse.ArgumentParser(description="Look for data races, and plant them.")
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help="of a test; with --planted of a fault")
    add("--sample", action="store_true", help="a few boots")
    add("--planted", action="store_true", help="plant the faults of tools/dataraces")
    add("--write", action="store_true", help="write what finds them into docs/dataraces.md")
    add("--seeds", type=int, default=SEEDS, metavar="N", help="of each test; %(default)s")
    add("--first", type=int, default=1, metavar="N", help="the first seed; %(default)s")
    add_options(add)
    options = parser.parse_args()
    if options.write and options.names or options.sample and (options.names or options.planted):
        parser.error("--write is for all faults, and --sample for some boots of the tree as it is")
    if options.seeds < 1 or options.first < 1 or options.first + options.seeds > 1000000:
        parser.error("seeds are from 1 to 1000000")
    if not options.toolchain.endswith(RACE):
        options.toolchain += RACE
    return options


def without_programs(folder):
    """A copy of the tree in a folder, without the programs: so it is built in half the time."""
    root = os.path.join(folder, "tree")
    copy_tree(ROOT, root, NO_OBJECTS)
    for path in glob.glob(os.path.join(glob.escape(root), "user", "*.c"))[1:]:
        os.remove(path)                 # but one: an image has some program
    return root


def hunt(options):
    """Run tests on the tree as it is, or SAMPLE on one without programs; the exit status."""
    with scratch.folder("dataraces") as folder:
        return hunt_in(without_programs(folder) if options.sample else ROOT, options)


def hunt_in(root, options):
    """The same in this tree."""
    names = SAMPLE if options.sample else options.names or TESTS
    seeds = range(options.first, options.first + (1 if options.sample else options.seeds))
    jobs = [({}, name, [seed]) for name in names for seed in seeds if find_test(name)]
    runs = count = seen = failed = 0
    with pool.shops("dataraces", root, options, Watcher) as workers:
        for (_, name, _), result in zip(jobs, workers.in_order(jobs)):
            if isinstance(result, str):
                raise WorkshopError("%s: %s" % (name, result))
            failure, more, found, seed = result
            runs, count, seen = runs + 1, count + more, seen + len(found)
            failed += bool(failure)
            print("%-26s seed %-3d %9d watched  %s" % (
                name, seed, more, "FAILED: " + failure if failure else "ok" if not found else
                "%d RACES" % len(found)), flush=True)
            for race in found:
                print(race, flush=True)
    print("%d runs, %d accesses watched, %d races" % (runs, count, seen))
    return 1 if seen or failed else 0


def sides(race):
    """(function, function): where the two accesses of a race are."""
    places = re.findall(r"hart \d+ (reads|writes) .*\n  [0-9a-f]{16} ([^\s+]+)", race)
    first, second = (["%s in `%s`" % place for place in places] + ["not seen"])[:2]
    return first, second


def plant(options):
    """Plant faults, and look whether each is told; the exit status."""
    faults = [planting.read(path) for path in planting.sources(options.names, FOLDER)]
    jobs = [(texts, fault.test, range(options.first, options.first + TRIES))
            for fault, texts in faults]
    table, missed = HEAD, 0
    with pool.shops("dataraces", ROOT, options, Watcher) as workers:
        for (fault, _), result in zip(faults, workers.in_order(jobs)):
            if isinstance(result, str) or result[0] and not result[2]:
                print("%-20s NOT TOLD: %s" % (
                    fault.name, result if isinstance(result, str) else result[0]), flush=True)
                missed += 1
                continue
            _, _, found, seed = result
            missed += not found
            print("%-20s %s" % (fault.name, "told at seed %d of %d" % (seed, TRIES) if found
                                else "NOT TOLD"), flush=True)
            for race in found:
                print(race, flush=True)
            if found:
                table += "| %s | %s | %s | %d of %d | %s | %s |\n" % (
                    (fault.title, fault.edits[0].path, fault.test, seed, TRIES) + sides(found[0]))
    if options.write and not missed:
        planting.write(table, TABLE, MARK)
    print(planting.summary(len(faults), missed))
    return 1 if missed else 0


def main():
    """The command; its exit status."""
    options = arguments()
    return plant(options) if options.planted or options.write else hunt(options)


if __name__ == "__main__":
    sys.exit(cli.run("dataraces", main, (WorkshopError, LabError, MutantError)))
