#!/usr/bin/env python3
"""Check the size of the kernel, kern/ without test/ and libs/, and of the grader.

Code and comments count. Blank lines do not: they cost no reading, and a budget must
not buy them off.
The kernel has two budgets: for what labs 1 to 6 are about, challenges apart, and for
all of it.
"""
import glob
import os
import re
import sys

BUDGET_LABS, BUDGET_ALL = 6500, 11000
BUDGET_GRADER = 2500
GRADER = ["tools/grade.py", "tools/gdbstub.py"] + glob.glob("tools/grader/*.py")
# What labs 1 to 6 could do without: reports of panics and tests, the monitor, choices at boot,
# two more schedulers.
BEYOND_LABS = {
    "kern/debug/choose.c", "kern/debug/choose.h", "kern/debug/monitor.c", "kern/debug/monitor.h",
    "kern/debug/report.c", "kern/debug/report.h",
    "kern/init/bootargs.c", "kern/init/inventory.c", "kern/init/selftest.c",
    "kern/process/idle.c", "kern/process/inspect.c", "kern/process/inspect.h",
    "kern/process/symbols.c", "kern/riscv/not_written.h", "kern/sched/sched_mlfq.c",
    "kern/syscall/sysinfo.c", "kern/syscall/sysinfo.h", "kern/trap/causes.c",
    "libs/report.c", "libs/report.h",
}
# Where a part of an exercise begins or ends: for tools/lab, not for a reader of the kernel.
MARKER = re.compile(rb"\s*/\* EXERCISE \d+\.(\w) (begin|end)\b")


def lines_in(path):
    """All lines, and those of challenges, without blank ones and markers."""
    count, challenge, in_challenge = 0, 0, False
    with open(path, "rb") as file:
        for line in file:
            marker = MARKER.match(line)
            if marker:
                in_challenge = marker.groups() == (b"C", b"begin")
            elif line.strip():
                count += 1
                challenge += in_challenge
    return count, challenge


def sources(folder):
    for place, _, names in os.walk(folder):
        for name in names:
            if name.endswith((".c", ".h", ".S")):
                yield os.path.join(place, name).replace(os.sep, "/")


def main():
    folders = ["libs"] + sorted(os.path.join("kern", name) for name in os.listdir("kern")
                                if name != "test" and os.path.isdir(os.path.join("kern", name)))
    total = beyond = 0
    for folder in folders:
        count = {path: lines_in(path) for path in sources(folder)}
        total += sum(lines for lines, _ in count.values())
        beyond += sum(lines if path in BEYOND_LABS else challenge
                      for path, (lines, challenge) in count.items())
        print("%6d  %s" % (sum(lines for lines, _ in count.values()), folder))
    print("%6d  lines of code and comments for labs 1 to 6, of %d" % (total - beyond, BUDGET_LABS))
    print("%6d  with all of it, of %d" % (total, BUDGET_ALL))
    if total - beyond > BUDGET_LABS or total > BUDGET_ALL:
        print("kern:1: the kernel is over its budget")
        return 1
    grader = sum(lines_in(path)[0] for path in GRADER)
    print("%6d  the grader, of %d" % (grader, BUDGET_GRADER))
    if grader > BUDGET_GRADER:
        print("tools/grader:1: the grader is over its budget")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
