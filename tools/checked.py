#!/usr/bin/env python3
"""Does a checked build (make CHECK=1) find the mistakes that it is for? They are planted, one by
one.

    checked.py [NAME ...]       plant these faults of tools/checked, or all
    checked.py --write          all, into docs/checked.md

A file of tools/checked has a title, a test that comes along there, what must be said, and the
change, in the form of a mutant (exercise/mutants.py). What must be said are texts, parted by "...",
which the machine must print in this order: the last of the call stacks before, and the panic. The
fault is built in a copy of the tree, with only those programs that the tests need, and without the
self tests, so that it takes seconds. The machine has one hart, counts instructions, and is told to
panic if a spinlock is held, or interrupts are off, for more than LIMIT microseconds, or for more
than their bounds (kern/check/bounds.c). If a fault is not found, the exit status is 1.
"""
import copy
import glob
import os
import re
import sys

import cli
import planting
import scratch
from exercise import kept, pool, workshop
from exercise.mutants import MutantError
from exercise.workshop import Workshop, WorkshopError
from grader.checked import SLOWER
from grader.model import Verdict
from labs.catalogue import LabError, find_test

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDER = os.path.join(ROOT, "tools", "checked")
TABLE = os.path.join(ROOT, "docs", "checked.md")
MARK = "<!-- by python3 tools/checked.py --write -->\n"
END = "<!-- end of the faults -->\n"
HEADS = ("title", "test", "says")
HEAD = "| Fault | In | Test | Call stacks | What is said |\n| --- | --- | --- | --- | --- |\n"
LIMIT = 1000                    # microseconds: at a nanosecond for each, a million instructions
# What is other in each version of the kernel: addresses, and times.
CHANGES = re.compile(r"\b(?:0x)?[0-9a-f]{6,}\b|\b\d+(?= (?:ns|instructions)\b)|"
                     r"(?<=\+)0x[0-9a-f]+|(?<=\.c:)\d+")


def test_of(fault, append):
    """The test of a fault, on a machine that counts instructions, with time for the checks."""
    test = copy.copy(find_test(fault.test))
    test.append = (test.append + " " + append).strip()
    test.shift, test.limit, test.cpu = 0, SLOWER * test.limit, max(60, SLOWER * test.cpu)
    return test


def found(says, output):
    """The line of the output with the last of these texts, if all are there, in their order; what
    changes from build to build is left out. Else None."""
    place = 0
    for text in says.split(" ... "):
        place = output.find(text, place)
        if place < 0:
            return None
        begin = output.rfind("\n", 0, place) + 1
    return CHANGES.sub("…", output[begin:].split("\n", 1)[0].strip())


class Planter:
    """What a worker does with a fault: (why not, what was said or None, else what came out)."""

    def __init__(self, shop):
        self.shop = shop

    def __call__(self, job):
        texts, test, says = job
        with self.shop.variant(texts) as built:
            if not built.succeeded:
                return built.problem, None, ""
            outcome = self.shop.judge(test, self.shop.host())
            if outcome.verdict == Verdict.SETUP:
                raise WorkshopError(" ".join(outcome.reasons))
            output = workshop.read_text(outcome.log)
            return "", found(says, output), "%s: %s" % (
                outcome.verdict, " ".join(outcome.reasons)[:200])


def small_tree(target, toolchain, programs, jobs):
    """Build a copy of the tree at `target`, with these programs alone and no self tests; the name
    of its toolchain."""
    toolchain, config = kept.probe(ROOT, toolchain + "-check")
    workshop.copy_tree(ROOT, target, toolchain)
    for path in glob.glob(os.path.join(glob.escape(target), "user", "*.c")):
        if os.path.splitext(os.path.basename(path))[0] not in programs:
            os.remove(path)
    for path in glob.glob(os.path.join(glob.escape(target), "kern", "test", "*.[cS]")):
        os.remove(path)
    path = os.path.join(target, "obj", toolchain, "config.mk")
    if not (os.path.exists(path) and workshop.read_text(path) == config):
        with open(path, "w", encoding="utf-8") as file:     # else its time says: nothing is new
            file.write(config)
    built = workshop.make(target, toolchain, jobs)
    if not built.succeeded:
        raise WorkshopError("the tree does not build as it is:\n%s" % built.output)
    return toolchain


def plant(faults, options):
    """(fault, what was said or None, what came out instead) for each of these (fault, texts)."""
    append = "hold=%d bounds=0" % LIMIT
    jobs = [(texts, test_of(fault, append), fault.says) for fault, texts in faults]
    programs = {test.prog.split()[0] for _, test, _ in jobs}
    with scratch.folder("checked") as folder:
        pristine = os.path.join(folder, "pristine")
        toolchain = small_tree(pristine, options.toolchain, programs, max(1, options.jobs))

        def begin(place):
            shop = Workshop(pristine, place, toolchain, options.qemu)
            os.chdir(shop.folder)
            return Planter(shop)

        with pool.Pool(max(1, options.jobs), folder, begin) as workers:
            for fault, result in planting.results(workers, faults, jobs):
                yield (fault,) + result


def row(fault, said):
    """A line of the table."""
    *stacks, _ = fault.says.split(" ... ")
    return "| %s | %s | %s | %s | %s |\n" % (
        fault.title, fault.edits[0].path, fault.test, ", ".join(stacks), said)


def write(table):
    """Put the table in place of the old one."""
    with open(TABLE, encoding="utf-8") as file:
        before, _, rest = file.read().partition(MARK)
    with open(TABLE, "w", encoding="utf-8") as file:
        file.write(before + MARK + "\n" + table + "\n" + END + rest.partition(END)[2])


def main():
    """The command; its exit status."""
    options = planting.arguments("Plant faults, and look whether a checked build finds them.",
                                 FOLDER, TABLE)
    faults, table, missed = planting.read_all(options.names, FOLDER, HEADS), HEAD, 0
    for fault, said, instead in plant(faults, options):
        missed += said is None
        table += row(fault, said or "not found: " + instead)
        print("%-20s %s" % (fault.name, said or "NOT FOUND: " + instead), flush=True)
    if options.write:
        write(table)
    print(planting.summary(table.count("\n") - HEAD.count("\n"), missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(cli.run("checked", main, (WorkshopError, LabError, MutantError)))
