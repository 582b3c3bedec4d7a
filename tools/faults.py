#!/usr/bin/env python3
"""One allocation fails, or one transfer of a disk, the first, the second, the third ...: does the
kernel stand each of them?

    faults.py [WORKLOAD ...]            sweep them, or all: a boot for each place that can fail
    faults.py --sample                  some places of each, in 25 seconds
    faults.py WORKLOAD --plan alloc:17  one boot, and all that it prints
    faults.py --kind disk [WORKLOAD ...]    only what the disk fails at, or alloc
    faults.py --write [WORKLOAD ...]    write what came out into docs/faults.md

WORKLOADS tells what runs. Each is booted with fail=KIND:K for K = 1, 2, 3 ... until nothing fails
any more, and then by chance, with the seeds 1 to SEEDS. What must be true whatever fails is told in
grader/faulty.py. With one hart and time that is counted in instructions each boot is the same each
time; for one that fails the command is printed that does it again. The exit status is 1 then.
"""
import argparse
import collections
import dataclasses
import os
import shutil
import sys
import tempfile

import cli
from grader.disk import Disk, recovered
from grader.faulty import DISKS, LEAKS, OTHERS, PANICS, FaultError, FaultJudge
from grader.host import Host
from grader.model import Test, Verdict
from grader.runner import Runner

NEVER = 999999999           # more than is asked for
SEEDS = 25                  # boots by chance of each sweep
SAMPLE = 18                 # places of each sweep of a sample
SAMPLE_SEEDS = 2
LIMIT = 600                 # million instructions, the waiting counted; all is done in 15
SHOWN = 8                   # boots that failed are told, of each sweep
FILES = Disk(size="1M", journal=40, inodes=64, programs=("echo",))
PAGED = Disk(size="3M", swap="2M", journal=40, inodes=64)


ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGE = os.path.join(ROOT, "docs", "faults.md")
HEAD = ("| Sweep | What runs | Fails | Boots | With a failure | Call stacks | Bad |\n"
        "| --- | --- | --- | --- | --- | --- | --- |\n")


class Workload:
    """What is booted. `kinds` has a sweep for each kind of failure: {kind: one in so many fail in
    the boots by chance}."""

    def __init__(self, prog, does, kinds, disk=FILES, append="poison"):
        self.prog, self.does, self.kinds, self.disk = prog, does, kinds, disk
        self.append = append

    def test(self, name, plan):
        """The Test of a boot with this plan."""
        disk = self.disk if "alloc" in plan else dataclasses.replace(
            self.disk, checks=(recovered,))
        return Test("%s %s" % (name, plan.replace(":", "-").replace("/", "-in-")),
                    prog=self.prog, append="%s fail=%s" % (self.append, plan), reports=False,
                    mem="32M", disk=disk, limit=LIMIT)


WORKLOADS = {
    "fail-memory": Workload(
        "failmemory", "fork, copy-on-write, exec, mmap, brk, stack, threads, synchronisation, "
        "pipes, descriptors, vfork, kill", {"alloc": 60}),
    "fail-files": Workload(
        "failfiles", "mount, each operation on files, names and directories, files in memory, "
        "exec from the disk", {"alloc": 60}),
    "fail-disk": Workload("failfiles", "the same, and it is the disk that fails", {"disk": 25}),
    "fail-paging": Workload(
        "failpaging 340", "pages out and in, shared ones, in calls, with 2 MiB of memory",
        {"alloc": 100, "disk": 20}, PAGED, "poison mem=2M"),
}


class Sweep:
    """A workload and a kind of failure, and what was found: runs, faults (boots in which something
    has failed), stacks (different ones), and bad Outcomes."""

    def __init__(self, name, kind):
        self.name, self.kind, self.workload = name, kind, WORKLOADS[name]
        self.runs, self.faults, self.places = 0, 0, 0
        self.stacks, self.bad = set(), []

    def test(self, number):
        """The Test in which the place of this number fails."""
        return self.workload.test(self.name, "%s:%d" % (self.kind, number))

    def chance(self, seeds):
        """Tests in which some fail by chance."""
        return [self.workload.test(self.name, "%s:%d/%d" % (
            self.kind, seed, self.workload.kinds[self.kind])) for seed in range(1, seeds + 1)]

    def count(self, judge):
        """How many places can fail: one boot in which none does."""
        outcome = judge.run(self.test(NEVER), 1)
        if outcome.verdict == Verdict.SETUP:
            raise FaultError(" ".join(outcome.reasons))
        if not outcome.passed or outcome.failed:
            raise FaultError("%s does not pass if nothing fails: %s" % (
                self.name, "; ".join(outcome.reasons)))
        self.places = outcome.asked
        return self.places

    def take(self, outcome):
        """Note what became of a boot. The one behind the last place is the end of the sweep: there
        nothing may fail; at each place before, exactly one."""
        if outcome.verdict == Verdict.SETUP:
            raise FaultError("; ".join(outcome.reasons))
        plan = plan_of(outcome)
        self.runs += 1
        self.faults += bool(outcome.failed) or outcome.failed is None
        self.stacks.update(outcome.stacks)
        wanted = None if "/" in plan else int(int(plan.split(":")[1]) <= self.places)
        if outcome.passed and wanted is not None and outcome.failed != wanted:
            outcome.verdict, outcome.kind = Verdict.WRONG, OTHERS
            outcome.reasons.append("%d have failed, expected %d: a boot is not as the one before"
                                   % (outcome.failed, wanted))
        if not outcome.passed:
            self.bad.append(outcome)


def plan_of(outcome):
    """The plan of a boot: "alloc:17"."""
    return next(each for each in outcome.test.append.split()
                if each.startswith("fail="))[len("fail="):]


def tell(sweep, outcome):
    """Print why a boot has failed, and how to have it again."""
    print("%s %s: %s" % (sweep.name, plan_of(outcome), outcome.verdict))
    for line in outcome.reasons[:SHOWN] + outcome.trace[:2 * SHOWN]:
        print("    " + line)
    if outcome.stacks:
        print("    failed: " + " < ".join(outcome.stacks[0][:10]))
    print("  again: python3 tools/faults.py %s --plan %s" % (sweep.name, plan_of(outcome)),
          flush=True)


def chosen(places, sample):
    """The numbers of a sweep's boots: all, and the one behind the last; or some of them."""
    numbers = list(range(1, places + 2))
    if not sample or len(numbers) <= SAMPLE:
        return numbers
    return sorted({1 + i * places // (SAMPLE - 1) for i in range(SAMPLE)})


def run(sweep, judge, options):
    """All boots of a sweep, side by side."""
    numbers = chosen(sweep.count(judge), options.sample)
    tests = [sweep.test(number) for number in numbers]
    tests += sweep.chance(SAMPLE_SEEDS if options.sample else SEEDS)
    Runner(tests, judge, options.jobs, options.objects).run(sweep.take, progress(sweep))
    for outcome in sweep.bad[:SHOWN]:
        tell(sweep, outcome)
    print("%-12s %-6s %s" % (sweep.name, sweep.kind, summary([sweep])), flush=True)


def progress(sweep):
    """What the Runner calls, now and then: a terminal is told how far it is."""
    def show(done, total, busy):
        if sys.stderr.isatty():
            sys.stderr.write("\r%s %s: %d of %d \r" % (sweep.name, sweep.kind, done, total))
    return show


def summary(sweeps):
    """The last line."""
    kinds = collections.Counter(outcome.kind for sweep in sweeps for outcome in sweep.bad)
    return "{:,} runs, {:,} faults, ".format(
        sum(sweep.runs for sweep in sweeps), sum(sweep.faults for sweep in sweeps)) + ", ".join(
            "%d %s" % (kinds[kind], kind) for kind in (PANICS, LEAKS, DISKS, OTHERS))


def row(sweep):
    """A sweep's row of the table."""
    return "| %s | %s | `%s` | %s |\n" % (
        sweep.name, sweep.workload.does, sweep.kind, " | ".join(
            "{:,}".format(n) for n in (sweep.runs, sweep.faults, len(sweep.stacks),
                                       len(sweep.bad))))


def part_of(page, name):
    """(what is before a part of the page, the part, what is behind). Two comments enclose it."""
    before, begin, rest = page.partition("<!-- %s: by tools/faults.py -->\n" % name)
    part, end, after = rest.partition("<!-- end -->\n")
    if not begin or not end:
        raise FaultError("%s has no part %s" % (PAGE, name))
    return before + begin, part, end + after


def write(name, head, rows, keys, last=lambda rows: ""):
    """Put rows into a table of the page: {what begins a row: the row}. Rows of other `keys` stay as
    they are; those of no key go. last() makes the last row."""
    with open(PAGE, encoding="utf-8") as file:
        before, part, after = part_of(file.read(), name)
    old = {key: line + "\n" for line in part.split("\n") for key in keys if line.startswith(key)}
    old.update(rows)
    lines = [old[key] for key in keys if key in old]
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(before + "\n" + head + "".join(lines) + last(lines) + "\n" + after)


def total(rows):
    """The last row: sums. Call stacks are not added, because sweeps have some in common."""
    cells = [[int(cell.replace(",", "")) for cell in line.split(" | ")[3:5]
              + [line.split(" | ")[6].rstrip(" |\n")]] for line in rows]
    return "| all | | | {:,} | {:,} | | {:,} |\n".format(*map(sum, zip(*cells)))


def write_sweeps(sweeps):
    """Put these sweeps into the page."""
    def key(sweep):
        return row(sweep).split("` |")[0]

    write("sweeps", HEAD, {key(sweep): row(sweep) for sweep in sweeps},
          [key(Sweep(name, kind)) for name in WORKLOADS for kind in WORKLOADS[name].kinds], total)


def one(name, plan, judge):
    """A boot with this plan: all that it prints, and the verdict."""
    outcome = judge.run(WORKLOADS[name].test(name, plan), 1)
    if os.path.exists(outcome.log):
        with open(outcome.log, encoding="utf-8", errors="replace") as file:
            print(file.read().replace("\0", ""))
    for line in outcome.reasons:
        print("    " + line)
    print("%s %s: %s" % (name, plan, outcome.verdict))
    return 0 if outcome.passed else 1


def arguments():
    """The command line, read."""
    parser = argparse.ArgumentParser(description="Each allocation and transfer fails once.")
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help="workloads: %s" % ", ".join(WORKLOADS))
    add("--kind", choices=("alloc", "disk"), help="what fails; without: both")
    add("--sample", action="store_true", help="only some places of each")
    add("--write", action="store_true", help="what came out, into docs/faults.md")
    add("--plan", metavar="KIND:K", help="one boot of one workload, with fail=KIND:K")
    add("-j", "--jobs", type=int, default=os.cpu_count() or 1, metavar="N",
        help="so many boots at once; %(default)s")
    add("--objects", default=os.environ.get("RVLAB_OBJECTS", "obj/unknown-elf"),
        help="where the kernel is built; %(default)s")
    add("--qemu", default="qemu-system-riscv64", help="%(default)s")
    options = parser.parse_args()
    for name in options.names:
        if name not in WORKLOADS:
            parser.error("there is no workload %s; there are: %s" % (name, ", ".join(WORKLOADS)))
    options.sweeps = [(name, kind) for name in options.names or WORKLOADS
                      for kind in WORKLOADS[name].kinds if options.kind in (None, kind)]
    if not options.sweeps:
        parser.error("%s has no sweep in which %s fails" % (" ".join(options.names), options.kind))
    if options.plan and len(options.names) != 1:
        parser.error("--plan is for one workload")
    if options.write and (options.sample or options.plan):
        parser.error("--write is for whole sweeps")
    if options.jobs < 1:
        parser.error("-j takes a number from 1 on")
    if not os.path.exists(os.path.join(options.objects, "kernel")):
        parser.error("%s has no kernel: run make build" % options.objects)
    return options


def main():
    """The command; its exit status."""
    options = arguments()
    folder = tempfile.mkdtemp(prefix="faults-", dir=options.objects)
    judge, kept = FaultJudge(Host(options.objects, options.qemu, folder)), False
    try:
        if options.plan:
            return one(options.names[0], options.plan, judge)
        sweeps = [Sweep(name, kind) for name, kind in options.sweeps]
        for sweep in sweeps:
            run(sweep, judge, options)
        kept = any(sweep.bad for sweep in sweeps)
        if options.write:
            write_sweeps(sweeps)
    finally:
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)
    print(summary(sweeps) + ("; logs are in " + folder if kept else ""))
    return 1 if kept else 0


if __name__ == "__main__":
    sys.exit(cli.run("faults", main, (FaultError,)))
