#!/usr/bin/env python3
"""The limits of tests that count instructions: derived from what is measured now.

    limits.py           print each limit, what is measured, and what follows from it
    limits.py --write   write those that follow from a figure into the tests' sources

There are two rules. A limit that holds a cost (rule "quarter", "double") follows from the figure: a
quarter more, in three digits, since each version of a compiler needs another number; or twice as
much, and the step of the measuring with it, where what is looked for is a new loop. These are in
tests that belong to no exercise, so no student's solution is measured by them. A limit that tells
one kind of growth from another (rule "between") is for students' work too: right but less clever
solutions must have room, so it is at least twice what the reference needs, and at most half of what
the wrong one would. It is not written, only looked at.

Each limit is a number in the source of a test. That of sfs-cost is there twice, for GCC and for
clang; what is measured is the kernel in --objects, so --write writes the column of its compiler.
The others that follow from a figure follow from GCC's.
The exit status is 1 if a limit is not what its rule says, within PERCENT.
"""
import collections
import math
import os
import re
import sys

import cli
from bench import COUNTED, Compiler, Failed, console_of, selftest_command
from bench_data import PROBE_STEP

PERCENT = 5                 # so much may what is measured change before a limit is written anew
TEST = "kern/test/"

# what    a text that tells which one it is
# test    the self test that measures, and the memory of its machine
# figure  a pattern of what it prints, with a group: the last one counts
# source  the file and a pattern in it, with a group that is the limit
# rule    its name; for "between": what the wrong one costs, in the same unit, and why
Limit = collections.namedtuple("Limit", "what test figure source rule wrong why")


def bench_line(key):
    return r"bench: %s +(-?\d+) instructions" % re.escape(key)


def cost(step):
    """A step of sfs-cost: the limits of GCC and of clang are between braces."""
    return Limit("sfs-cost: " + step, ("sfs-cost", "128M"), bench_line(step),
                 ("sfs_cost.c", r'\{ "%s", .*\{ {column}(\d+)' % re.escape(step)), "quarter", None,
                 "what is between the system calls and the disk")


def macro(name):
    return r"#define %s +(\d+)" % name


IRQ_OFF = ("irq-off", "1G")
LIMITS = [cost(step) for step in ("create", "open the first", "open", "write, a KiB",
                                  "again, a KiB", "read, a KiB", "unlink")] + [
    Limit("irq-off: interrupts", IRQ_OFF, bench_line("irq-off"),
          ("irq_off.c", macro("MAX_OFF_US")), "double", None, "a loop for each page or process"),
    Limit("irq-off: a group's kill", IRQ_OFF, bench_line("irq-group"),
          ("irq_off.c", macro("MAX_GROUP_US")), "double", None, "it grows with the group: 4,000"),
    Limit("irq-off: the hart is kept", IRQ_OFF, bench_line("kept"),
          ("irq_off.c", macro("MAX_KEPT_US")), "double", None, "a loop that never gives way"),
    Limit("areas-many: times as long", ("areas-many", "128M"), r"(\d+)% to find one",
          ("areas.c", macro("MAX_SLOWER")), "between", 100 * 100,
          "O(log n): of 10,000 areas a list looks at 100 times as many as of 100"),
    Limit("swap-in: a call of the firmware", ("swap-in", "128M"), bench_line("fetch-call"),
          ("swap_in.c", macro("LEAST_CALL")), "between", 0,
          "without the call nothing is added; the limit is a least one"),
    Limit("swap-clock: a search grows", ("swap-clock-hand", "128M"), bench_line("search-grown"),
          ("swap_clock.c", macro("SEARCH_GROWS")), "between", 500 * 5,
          "O(1): a search that counts 500 pages which went takes 5 instructions for each"),
]
# What a limit's number is in the unit of the figure.
UNITS = {"areas-many: times as long": 100, "swap-clock: a search grows": 500}


def three_digits(value):
    """Rounded up to three digits."""
    unit = 10 ** max(0, int(math.log10(value)) - 2)
    return -(-value // unit) * unit


def derived(rule, figure):
    """The limit that follows from a figure; None if the rule leaves room."""
    if rule == "quarter":
        return three_digits(-(-figure * 5 // 4))
    if rule == "double":                    # in microseconds, of a nanosecond for each
        return -(-2 * (figure + PROBE_STEP) // 1000)
    return None


def holds(limit, figure, value):
    """Is the limit what its rule says? One that follows may be PERCENT off."""
    wanted = derived(limit.rule, figure)
    if wanted is not None:
        return abs(value - wanted) <= wanted * PERCENT / 100
    value *= UNITS.get(limit.what, 1)
    if limit.wrong < figure:                # a least one: the right one is above it
        return 2 * limit.wrong <= value <= figure / 2
    return 2 * figure <= value <= limit.wrong / 2


def place_of(limit, column):
    """(path, text of the file, match of the limit) in the tests' sources."""
    path, pattern = os.path.join(TEST, limit.source[0]), limit.source[1]
    with open(path, encoding="utf-8") as file:
        text = file.read()
    match = re.search(pattern.replace("{column}", r"\d+, " * column), text)
    if not match:
        sys.exit("limits: %s has no limit of \"%s\": it is to match %s" % (path, limit.what,
                                                                         pattern))
    return path, text, match


def of_compiler(column):
    """The limits that a kernel of this compiler tells something of."""
    return [limit for limit in LIMITS
            if column == 0 or "{column}" in limit.source[1] or limit.rule == "between"]


def measure(options):
    """{what: figure}, of all limits; each machine runs once."""
    printed = {test: console_of(selftest_command(options, *test) + COUNTED)
               for test in sorted({limit.test for limit in LIMITS})}
    found = {}
    for limit in LIMITS:
        figures = re.findall(limit.figure, printed[limit.test])
        if not figures:
            raise Failed("selftest=%s prints nothing about: %s" % (limit.test[0], limit.what))
        found[limit.what] = int(figures[-1])
    return found


def show(limit, figure, value):
    """A line about a limit; whether it holds."""
    wanted, good = derived(limit.rule, figure), holds(limit, figure, value)
    print("%-32s %9d %9d %9s  %-8s %s%s" % (limit.what, figure, value, wanted or "", limit.rule,
                                            limit.why, "" if good else "  NOT BY ITS RULE"))
    return good


def main():
    options = cli.measuring("limits", "The limits of tests that count instructions.",
                            "write them into kern/test/")
    column = int("clang" in Compiler(options.objects).version)
    try:
        found = measure(options)
    except Failed as failure:
        sys.exit("limits: not measured: %s" % failure)
    print("%-32s %9s %9s %9s  %-8s %s" % ("limit", "measured", "is", "follows", "rule", "why"))
    bad = 0
    for limit in of_compiler(column):
        path, text, match = place_of(limit, column)
        value, wanted = int(match.group(1)), derived(limit.rule, found[limit.what])
        if options.write and wanted is not None and value != wanted:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text[:match.start(1)] + str(wanted) + text[match.end(1):])
            value = wanted
        bad += not show(limit, found[limit.what], value)
    print("%d limits, %d not by their rule" % (len(of_compiler(column)), bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(cli.run("limits", main))
