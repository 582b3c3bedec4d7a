#!/usr/bin/env python3
"""Random work on memory that is paged, by many seeds: does each page come back as it was?

    pageseeds.py                    SEEDS boots, one for each seed from 1 on: a quarter of an hour
    pageseeds.py --seeds 20         so many; --first N: from this seed on
    pageseeds.py --seed 7           this one alone

user/pagerandom.c does the work: it knows what each page must hold, and forks, unmaps, kills and
copies through pipes while the kernel pages. KINDS tells on which machines; which one a seed gets
follows from it, and so do chaos=SEED and what the program does. Time is counted in instructions, so
a seed is the same run each time. A boot also fails by what it leaves behind: the kernel's memory is
looked at as after each test, slots included.

What runs is a copy of the kernel and its programs: a build meanwhile changes nothing. The last line
counts; a seed that fails is told with the command that repeats it, and the exit status is 1.
"""
import argparse
import os
import shutil
import sys
import tempfile
import threading

import cli
from grader import state
from grader.disk import Disk
from grader.host import Host
from grader.image import ImageError
from grader.judge import Judge
from grader.model import Test
from grader.runner import Runner

SEEDS = 500
STEPS = 500                     # of the first process; each generation of children has half of them
LIMIT = 5000                    # million instructions of a boot, waiting counted
CPU = 60                        # seconds
PROGRAM = "pagerandom"
DISK = Disk(size="44M", swap="40M", programs=("true",))
# (boot arguments, pages of each process's area). All have less memory than the processes need.
KINDS = (
    ("mem=4M", 512),
    ("mem=3M swap=fifo", 512),
    ("mem=4M swap=own", 512),
    ("mem=4M swap=clock sched=stride poison", 600),
    ("mem=6M swap=fifo pmm=first_fit", 1000),
    ("mem=8M swap=clock sched=mlfq", 1500),
    ("mem=5M swap=own nocow poison", 512),
)
COPIED = ("kernel", "user/" + PROGRAM, "image/" + PROGRAM) + tuple(
    "image/" + name for name in DISK.programs)


class Counter:
    """Adds up what the kernels tell of paging: the fields of struct swap_stats (kern/mm/swap.h)."""

    FIELDS = ("written", "dropped", "read", "found")

    def __init__(self):
        self.sums = dict.fromkeys(self.FIELDS, 0)
        self.machines = self.idle = 0           # all that ended well; those that did not page
        self.lock = threading.Lock()

    def look(self, machine):
        """A check of Test.after: it reads a machine's counters, and complains of nothing."""
        stats = machine.memory.variable("stats", "kern/mm/swap.c")
        with self.lock:
            self.machines += 1
            self.idle += int(stats.written) == 0
            for name in self.FIELDS:
                self.sums[name] += int(getattr(stats, name))
        return []

    def __str__(self):
        sums = self.sums
        return "%d pages out, %d of them without a write, %d read again, %d found in memory" % (
            sums["written"] + sums["dropped"], sums["dropped"], sums["read"], sums["found"])


def boot(seed, look):
    """The Test of a seed; `look` is called when its machine has switched off."""
    append, pages = KINDS[(seed - 1) % len(KINDS)]
    return Test("%s %d" % (PROGRAM, seed), prog="%s %d %d %d" % (PROGRAM, seed, pages, STEPS),
                append="chaos=%d %s" % (seed, append), disk=DISK, limit=LIMIT, cpu=CPU,
                after=state.DEFAULT + [look])


def copy(objects, folder):
    """Copy what runs; the result is the folder that has it, in the place of `objects`."""
    target = os.path.join(folder, "objects")
    for name in COPIED:
        os.makedirs(os.path.dirname(os.path.join(target, name)), exist_ok=True)
        shutil.copy(os.path.join(objects, name), os.path.join(target, name))
    return target


def arguments():
    """The command line, read."""
    parser = argparse.ArgumentParser(description="Random work on paged memory, by many seeds.")
    add = parser.add_argument
    add("--seeds", type=int, default=SEEDS, metavar="COUNT", help="so many boots; %(default)s")
    add("--first", type=int, default=1, metavar="SEED", help="the first one; %(default)s")
    add("--seed", type=int, metavar="SEED", help="this one alone")
    add("-j", "--jobs", type=int, default=os.cpu_count() or 1, metavar="N",
        help="so many machines at once; %(default)s")
    add("--objects", default="obj/unknown-elf", help="where the kernel is built; %(default)s")
    add("--qemu", default="qemu-system-riscv64", help="%(default)s")
    options = parser.parse_args()
    if options.seed is not None:
        options.first, options.seeds = options.seed, 1
    if options.seeds < 1 or options.first < 1 or options.jobs < 1:
        parser.error("numbers from 1 on")
    for name in COPIED:
        if not os.path.exists(os.path.join(options.objects, name)):
            parser.error("%s has no %s: run make build" % (options.objects, name))
    return options


def main():
    """The command; its exit status."""
    options, counter, failed = arguments(), Counter(), []
    folder = tempfile.mkdtemp(prefix="pageseeds-", dir=options.objects)
    host = Host(copy(options.objects, folder), options.qemu, folder)
    tests = [boot(seed, counter.look)
             for seed in range(options.first, options.first + options.seeds)]

    def take(outcome):
        if outcome.passed:
            return
        failed.append(outcome)
        seed = outcome.test.name.split("-")[1]
        print("seed %s: %s, with %s" % (seed, outcome.verdict, outcome.test.append))
        for line in outcome.reasons[:8] + outcome.trace[:16]:
            print("    " + line)
        print("  again: python3 tools/pageseeds.py --seed %s" % seed, flush=True)

    Runner(tests, Judge(host, {}), options.jobs, host.objects).run(take, lambda *_: None)
    if not failed:
        shutil.rmtree(folder, ignore_errors=True)
    print("%d seeds: %d boots on %d kinds of machines, %s, %d that did not page, %d wrong%s" % (
        options.seeds, len(tests), min(len(KINDS), len(tests)), counter, counter.idle, len(failed),
        "; logs and disks are in " + folder if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(cli.run("pageseeds", main, (ImageError,)))
