#!/usr/bin/env python3
"""Random system calls, by many seeds, on many kinds of machines: does the kernel stand it?

    fuzz.py                     RUNS boots with the seeds from 1 on: 2,000,000 calls
    fuzz.py --seeds 200         so many boots; --first N: from this seed on
    fuzz.py --forever           until one fails, or ctrl-C
    fuzz.py --seed 7            this one alone, on its machine
    fuzz.py --count             what each call has returned how often, and what never came
    fuzz.py --groups pms        not all calls: of processes, memory, files (f), synchronisation

user/fuzz.c makes the calls; MACHINES tells on what. Which machine a seed gets follows from it.
If one fails, it is told why and which command does it again; then, on one hart, fewer and fewer
calls are made, as long as it still fails. What is left is printed in words. The exit status is 1.
With one hart all of it is the same each time, and what hangs is judged by instructions.
"""
import argparse
import os
import re
import shutil
import sys
import tempfile

import cli
from grader.disk import Disk
from grader.host import Host
from grader.judge import Judge
from grader.model import Test
from grader.runner import Runner

RUNS = 20
ROUNDS, LANES, CALLS = 34, 6, 500       # of one boot: together 102,000 calls
RANGES = 60                             # of calls that may be kept; user/libs/fuzz.h: MAX_KEPT
LIMIT = 20000                           # million instructions of a boot, waiting counted
LIMIT_SHORT = 3000                      # of one round
CPU = 120                               # seconds, with several harts
SMALL = Disk(inodes=128, programs=("true", "false"))
PAGED = Disk(size="12M", swap="8M", inodes=128, programs=("true", "false"))
# What is fuzzed; "chaos" gets the seed. Each machine has a part of the seeds.
MACHINES = [
    dict(append=""),
    dict(append="sched=stride poison"),
    dict(append="mem=4M", disk=PAGED),
    dict(append="sched=mlfq pmm=first_fit chaos"),
    dict(append="pmm=best_fit poison chaos"),
    dict(append="", harts=2),
    dict(append="mem=3M swap=fifo chaos", disk=PAGED),
    dict(append="sched=fifo nocow poison"),
    dict(append="sched=stride chaos mem=16M"),
    dict(append="poison", harts=4),
]
COUNTED = re.compile(r"^count (.*) ok=(\d+)(.*)$", re.M)
CALLS_MADE = re.compile(r"fuzz: (\d+) calls, (\d+) lanes begun again")
PRINTED = re.compile(r"^lane (\d+)\.(\d+)(?:, in a child)?: .*", re.M)


def machine_of(seed):
    """The machine of a seed, with its own chaos."""
    about = dict(MACHINES[(seed - 1) % len(MACHINES)])
    about["append"] = about["append"].replace("chaos", "chaos=%d" % seed)
    return about


def boot(seed, words="", first=1, rounds=ROUNDS):
    """The Test of a seed."""
    about = dict(disk=SMALL, limit=LIMIT if rounds > 3 else LIMIT_SHORT, cpu=CPU)
    about.update(machine_of(seed))
    more = " first=%d" % first if first > 1 else ""
    return Test("fuzz %d" % seed, prog=("fuzz %d %d %d%s %s" % (
        seed, rounds, CALLS, more, words)).strip(), **about)


def ranges(calls):
    """A sorted list of (lane, call) as [(lane, from, to)]."""
    result = []
    for lane, call in calls:
        if result and result[-1][0] == lane and result[-1][2] == call - 1:
            result[-1] = (lane, result[-1][1], call)
        else:
            result.append((lane, call, call))
    return result


def keep_word(calls):
    """The word for the guest that keeps only these calls."""
    return "keep=" + ",".join("%d.%d" % (lane, first) + ("-%d" % last if last > first else "")
                              for lane, first, last in ranges(calls))


def minimize(items, fails):
    """A part of the items that still fails, of which none can be left out alone (delta debugging):
    parts are left out, of half the size in each pass."""
    size = len(items) // 2
    while size:
        start = 0
        while start < len(items):
            rest = items[:start] + items[start + size:]
            if rest and fails(rest):
                items = rest
            else:
                start += size
        size //= 2
    return items


class Fuzzer:
    """Boots tests and looks at what they say."""

    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.judge = Judge(Host(options.objects, options.qemu, folder), {})
        self.words = " ".join(["groups=" + options.groups] * (options.groups != "pmfs")
                              + ["count"] * options.count)
        self.calls, self.counts = 0, {}

    def run(self, test):
        """The Outcome of one boot, and what it printed."""
        outcome = self.judge.run(test, 1)
        return outcome, self.text(outcome)

    def text(self, outcome):
        """What a machine has printed."""
        if not os.path.exists(outcome.log):
            return ""
        with open(outcome.log, encoding="utf-8", errors="replace") as file:
            return file.read().replace("\0", "")

    def take(self, outcome):
        """Add up what a boot tells."""
        text = self.text(outcome)
        made = CALLS_MADE.search(text)
        self.calls += int(made.group(1)) if made else 0
        for name, good, rest in COUNTED.findall(text):
            sums = self.counts.setdefault(name, {})
            for word in ["ok=" + good] + rest.split():
                key, _, number = word.partition("=")
                sums[key] = sums.get(key, 0) + int(number)

    def table(self):
        """Print how often each call gave which result, and what never came."""
        never = []
        for name, sums in self.counts.items():
            print("%-24s %s" % (name, "  ".join("%s %d" % pair for pair in sums.items())))
            never += ["%s: %s" % (name, key) for key, number in sums.items() if not number]
        print("never: " + (", ".join(never) or "nothing"))

    def shorten(self, seed):
        """(first round, rounds, kept calls or None) that still fail: few, and not always the
        fewest. None if it cannot be had again."""
        def fails(first, rounds, kept=None):
            word = self.words if kept is None else (self.words + " " + keep_word(kept)).strip()
            if kept is not None and len(ranges(kept)) > RANGES:
                return False
            return not self.run(boot(seed, word, first, rounds))[0].passed

        low, high = 1, ROUNDS
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if fails(1, middle) else (middle + 1, high)
        first, back = high, 1
        while first > 1 and not fails(first, high - first + 1):
            first, back = max(1, first - back), 2 * back
        rounds = high - first + 1
        lanes = minimize(list(range(LANES)), lambda some: fails(
            first, rounds, [(lane, call) for lane in some for call in range(CALLS)]))
        calls = [(lane, call) for lane in lanes for call in range(CALLS)]
        if not fails(first, rounds, calls):
            return first, rounds, None
        return first, rounds, minimize(calls, lambda some: fails(first, rounds, some))

    def explain(self, outcome, seed):
        """Print why a boot has failed, how to have it again, and the calls that are needed."""
        print("seed %d: %s" % (seed, outcome.verdict))
        for line in outcome.reasons[:8] + outcome.trace[:16]:
            print("    " + line)
        print("  again: python3 tools/fuzz.py --seed %d%s" % (
            seed, "" if not self.words else " --groups " + self.options.groups), flush=True)
        if outcome.test.harts > 1 or self.options.no_shorten:
            print("  the machine: " + self.command(outcome.test))
            return
        first, rounds, kept = self.shorten(seed)
        word = self.words if kept is None else (self.words + " " + keep_word(kept)).strip()
        test = boot(seed, word, first, rounds)
        print("  the machine: " + self.command(test))
        if kept is not None:
            _, text = self.run(boot(seed, word + " print", first, rounds))
            print("  %d calls are left, in %d rounds:" % (len(kept), rounds))
            lines = [match.group(0) for match in PRINTED.finditer(text)]
            for line in lines[-80:]:
                print("    " + line)

    def command(self, test):
        """How to boot a machine by hand."""
        return 'make qemu HARTS=%d MEM=%s APPEND="%s"' % (
            test.harts, test.mem, test.boot_arguments)


def arguments():
    """The command line, read."""
    parser = argparse.ArgumentParser(description="Random system calls, by many seeds.")
    add = parser.add_argument
    add("--seeds", type=int, default=RUNS, metavar="COUNT", help="so many boots; %(default)s")
    add("--first", type=int, default=1, metavar="SEED", help="the first one; %(default)s")
    add("--seed", type=int, metavar="SEED", help="this one alone")
    add("--forever", action="store_true", help="one after the other, until one fails")
    add("--count", action="store_true", help="print what the calls have returned")
    add("--groups", default="pmfs", metavar="LETTERS", help="of p, m, f, s; %(default)s")
    add("--no-shorten", action="store_true", help="do not look for fewer calls that fail")
    add("--jobs", type=int, default=os.cpu_count() or 1, metavar="N",
        help="so many harts at once")
    add("--objects", default="obj/unknown-elf", help="where the kernel is built; %(default)s")
    add("--qemu", default="qemu-system-riscv64", help="%(default)s")
    options = parser.parse_args()
    if options.seed is not None:
        options.first, options.seeds = options.seed, 1
    if options.seeds < 1 or options.first < 1 or options.jobs < 1:
        parser.error("numbers from 1 on")
    if not options.groups or set(options.groups) - set("pmfs"):
        parser.error("--groups takes letters of pmfs")
    if not os.path.exists(os.path.join(options.objects, "kernel")):
        parser.error("%s has no kernel: run make build" % options.objects)
    return options


def main():
    """The command; its exit status."""
    options = arguments()
    folder = tempfile.mkdtemp(prefix="fuzz-", dir=options.objects)
    fuzzer, failed, first, boots = Fuzzer(options, folder), [], options.first, 0

    def take(outcome):
        fuzzer.take(outcome)
        if not outcome.passed:
            failed.append(outcome)

    while not failed:
        tests = [boot(seed, fuzzer.words) for seed in range(first, first + options.seeds)]
        Runner(tests, fuzzer.judge, options.jobs, options.objects).run(take, lambda *_: None)
        first, boots = first + options.seeds, boots + options.seeds
        if not options.forever:
            break
        print("%d calls in %d boots" % (fuzzer.calls, boots), flush=True)
    for outcome in failed:
        fuzzer.explain(outcome, int(outcome.test.name.split("-")[1]))
    if options.count:
        fuzzer.table()
    if not failed:
        shutil.rmtree(folder, ignore_errors=True)
    print("%d calls in %d boots, of which %d failed%s" % (
        fuzzer.calls, boots, len(failed), "; logs are in " + folder if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(cli.run("fuzz", main))
