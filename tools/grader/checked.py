"""Grading a checked build (make grade CHECK=1): what is other than in a normal one.

Its kernel looks for mistakes while it runs (kern/check/), so it needs more instructions: all limits
are SLOWER times as high. A machine with one hart counts instructions, so each spinlock is held to
its bound there (kern/check/bounds.c). Tests that hold the kernel to a number of instructions or to
a time are left out, and so are commands on the host, which have nothing to do with the build. A
program has a trap before each operation that C leaves undefined, so a program that was killed by
one is a fault, even if the test means it to be killed. GCC's programs trap by ebreak; what clang's
do is not found.
"""
import copy
import os
import re

from grader.state import DEFAULT

SLOWER = 4
# Tests of costs and times: the checks themselves are what they would measure.
COSTS = {"sfs-cost": "counts instructions",
         "sem-cost": "counts instructions, and calls down() with interrupts off to do so",
         "swap-in": "counts the instructions of a call of the firmware",
         "irq-off": "counts instructions with interrupts off",
         "interactive-mlfq": "holds the kernel to milliseconds"}
# Tests in which spinlocks have no bound.
UNBOUNDED = {"pmm-grow": "makes 10,000 free blocks, and pmm_check() goes through all of them",
             "pmm-buddy-256M": "has an allocator go through all of the memory",
             "pmm-first-fit-160M": "has an allocator go through all of the memory",
             "arguments-too-long": "fills the boot arguments"}
# Functions of programs that have an ebreak or a bad instruction on purpose.
ON_PURPOSE = {"break_call", "illegal"}
KILLED = re.compile(r"\S+ \(pid \d+\) was killed: breakpoint, at pc \w+ \((\w+)[^\r\n]*")


def is_checked(objects):
    """Was this folder made by CHECK=1, or by CHECK=race? The Makefile gives it such a name."""
    return os.path.basename(os.path.normpath(objects)).endswith(("-check", "-race"))


def adapt(labs, tests, measured):
    """Raise the limits of all tests, those that others need too, and let their machines be looked
    at by `measured`; return the tests that can be run, and lines about those that are left out."""
    for lab in labs:
        for test in lab.tests:
            test.limit *= SLOWER
            test.after = (DEFAULT if test.after is None else test.after) + [measured.check]
            test.cpu = max(SLOWER * test.cpu, 60)
            if test.harts == 1 and test.name not in UNBOUNDED:
                test.append = ("bounds=%d %s" % (test.shift, test.append)).strip()
    notes = ["spinlocks have no bound in: %s, because it %s" % (test.name, UNBOUNDED[test.name])
             for test in tests if test.name in UNBOUNDED]
    notes += ["left out in a checked build: %s, because it %s" % (test.name, COSTS[test.name])
             for test in tests if test.name in COSTS]
    return [test for test in tests if not test.command and test.name not in COSTS], notes


def unbounded(test):
    """A copy of the test without bounds of locks: for a machine whose functions the host calls. It
    is stopped between the calls, and its time is not that of instructions."""
    test = copy.copy(test)
    test.append = re.sub(r"\bbounds=\d+ ?", "", test.append)
    return test


def traps(text):
    """Reasons for a failure: programs that did what C leaves undefined."""
    return ["C does not define what a program did: " + match.group(0)
            for match in KILLED.finditer(text) if match.group(1) not in ON_PURPOSE]
