#!/usr/bin/env python3
"""Check the size of the kernel, kern/ without test/ and libs/, and of the grader.

Code and comments count. Blank lines do not: they cost no reading, and a budget must
not buy them off.
The kernel has two budgets: for what labs 1 to 6 are about, and for all of it.
"""
import glob
import os
import sys

BUDGET_LABS, BUDGET_ALL = 6500, 11000
BUDGET_GRADER = 2500
GRADER = ["tools/grade.py", "tools/gdbstub.py"] + glob.glob("tools/grader/*.py")
# What labs 1 to 6 could do without: reports of panics and tests, the monitor, choices at boot,
# two more schedulers.
BEYOND_LABS = {
    "kern/debug/choose.c", "kern/debug/choose.h", "kern/debug/monitor.c", "kern/debug/monitor.h",
    "kern/debug/report.c", "kern/debug/report.h",
    "kern/init/bootargs.c", "kern/init/inventory.c",
    "kern/process/idle.c", "kern/process/inspect.c", "kern/process/inspect.h",
    "kern/sched/sched_fifo.c", "kern/sched/sched_mlfq.c",
    "kern/syscall/sysinfo.c", "kern/syscall/sysinfo.h", "kern/trap/causes.c",
    "libs/report.c", "libs/report.h",
}


def lines_in(path):
    with open(path, "rb") as file:
        return sum(1 for line in file if line.strip())


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
        total += sum(count.values())
        beyond += sum(count[path] for path in count if path in BEYOND_LABS)
        print("%6d  %s" % (sum(count.values()), folder))
    print("%6d  lines of code and comments for labs 1 to 6, of %d" % (total - beyond, BUDGET_LABS))
    print("%6d  with all of it, of %d" % (total, BUDGET_ALL))
    if total - beyond > BUDGET_LABS or total > BUDGET_ALL:
        print("kern:1: the kernel is over its budget")
        return 1
    grader = sum(lines_in(path) for path in GRADER)
    print("%6d  the grader, of %d" % (grader, BUDGET_GRADER))
    if grader > BUDGET_GRADER:
        print("tools/grader:1: the grader is over its budget")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
