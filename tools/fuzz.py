#!/usr/bin/env python3
"""Random system calls, by many seeds, on many kinds of machines: does the kernel stand it?

    fuzz.py                     RUNS boots with the seeds from 1 on: 2,000,000 calls
    fuzz.py --seeds 200         so many boots; --first N: from this seed on
    fuzz.py --forever           until one fails, or ctrl-C
    fuzz.py --seed 7            this one alone, on its machine
    fuzz.py --seed 7 --rounds 3-4 --keep 0.3-9,4.7 --print
                                some rounds and calls of it, told in words; --harts 1: on one
    fuzz.py --count             what each call has returned how often, and what never came
    fuzz.py --groups pms        not all calls: of processes, memory, files (f), synchronisation

user/fuzz.c makes the calls; MACHINES tells on what. Which machine a seed gets follows from it.
If one fails, it is told why and which command does it again; then fewer and fewer calls are made,
as long as it still fails (fuzz_shrink.py). What is left is printed in words. The exit status is 1.
With one hart all of it is the same each time, and what hangs is judged by instructions. What has
failed on several harts is made shorter on one, if it fails there too; else each part is booted up
to REPEATS times. docs/fuzz.md tells what is looked at.
"""
import argparse
import os
import re
import shutil
import sys
import tempfile

import cli
import fuzz_shrink
from grader.disk import Disk
from grader.host import Host
from grader.judge import Judge
from grader.model import Test, Verdict
from grader.runner import Runner

RUNS = 20
ROUNDS, LANES, CALLS = 48, 6, 500       # of one boot: together 144,000 calls
ROUNDS_CHAOS = 12                       # with chaos, which takes three times as long
WANTED = 2000000                        # calls of the RUNS boots, at least
OBJECTS = "obj/unknown-elf"
SHOWN = 80                              # calls in words, of a short sequence
LIMIT = 20000                           # million instructions of a boot, waiting counted
LIMIT_SHORT = 3000                      # of one round
CPU = 120                               # seconds, with several harts
CPU_SHORT = 30                          # of one round
REPEATS = 4                             # boots of a part with several harts, until one fails
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
# How boots fail: a difference is a result that cannot be, or a disk that is not sound afterwards.
KINDS = ("panics", "leaks", "hangs", "differences")
COUNTED = re.compile(r"^count (.*) ok=(\d+)(.*)$", re.M)
CALLS_MADE = re.compile(r"fuzz: (\d+) calls, (\d+) lanes begun again")
KEPT = r"[0-5]\.\d{1,6}(-\d{1,6})?"
PRINTED = re.compile(r"^lane (\d+)\.(\d+)(?:, in a child)?: .*", re.M)


def machine_of(seed):
    """The machine of a seed, with its own chaos."""
    about = dict(MACHINES[(seed - 1) % len(MACHINES)])
    about["append"] = about["append"].replace("chaos", "chaos=%d" % seed)
    return about


def rounds_of(seed):
    """How many rounds a seed has."""
    return ROUNDS_CHAOS if "chaos" in machine_of(seed)["append"] else ROUNDS


def boot(seed, words=(), first=1, rounds=None, kept="", harts=None):
    """The Test of a seed; without rounds it has all of its own, and without harts its machine's."""
    rounds = rounds or rounds_of(seed)
    about = dict(disk=SMALL, limit=LIMIT if rounds > 3 else LIMIT_SHORT,
                 cpu=CPU if rounds > 3 else CPU_SHORT)
    about.update(machine_of(seed), **{"harts": harts} if harts else {})
    more = ["first=%d" % first] * (first > 1) + ["keep=" + kept] * bool(kept)
    return Test("fuzz %d" % seed, prog=" ".join(
        ["fuzz %d %d %d" % (seed, rounds, CALLS), *more, *words]), **about)


def kind_of(outcome):
    """Which of KINDS a boot that failed belongs to."""
    words = " ".join(outcome.reasons)
    if outcome.verdict == Verdict.SETUP:
        return "not run"
    if outcome.verdict in (Verdict.PANIC, Verdict.NOT_WRITTEN):
        return "panics"
    if outcome.verdict in (Verdict.HANG, Verdict.DEADLOCK) or "does not end" in words:
        return "hangs"
    return "leaks" if "was not given back" in words else "differences"


class Fuzzer:
    """Boots tests and looks at what they say."""

    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.judge = Judge(Host(options.objects, options.qemu, folder), {})
        self.words = (["groups=" + options.groups] * (options.groups != "pmfs")
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

    def explain(self, outcome, seed):
        """Print why a boot has failed, how to have it again, and the calls that are needed."""
        print("seed %d: %s" % (seed, outcome.verdict))
        for line in outcome.reasons[:8] + outcome.trace[:16]:
            print("    " + line)
        print("  again: " + self.command(seed), flush=True)
        if self.options.no_shorten or self.options.keep or kind_of(outcome) == "not run":
            return
        harts = outcome.test.harts
        if harts > 1 and self.fails(seed, 1, *self.options.rounds or (1, rounds_of(seed))):
            print("  on one hart it fails too, in the same way each time: so that is made shorter")
            harts = 1
        elif harts > 1:
            print("  with %d harts no run is like another: each part is booted up to %d times"
                  % (harts, REPEATS), flush=True)
        self.shorten(seed, harts)

    def fails(self, seed, harts, first, last, kept=()):
        """Does a boot of these rounds fail, with these calls or all? With several harts one of
        REPEATS."""
        word = fuzz_shrink.keep_word(kept) if kept else ""
        test = boot(seed, self.words, first, last - first + 1, word, harts)
        return any(not self.run(test)[0].passed for _ in range(REPEATS if harts > 1 else 1))

    def shorten(self, seed, harts):
        """Print fewer calls that still fail, the command for them, and their words. Each choice of
        calls that is taken was seen to fail: so what is left may be too much, but never too
        little."""
        begin, end = self.options.rounds or (1, rounds_of(seed))
        needed = fuzz_shrink.shorten(
            lambda first, rounds, kept: self.fails(
                seed, harts, begin + first - 1, begin + first + rounds - 2, kept),
            end - begin + 1, LANES, CALLS)
        if needed is None:
            print("  it has not failed again")
            return
        first, last = needed.first + begin - 1, needed.last + begin - 1
        word = fuzz_shrink.keep_word(needed.kept) if needed.kept else ""
        print("  shorter: " + self.command(seed, first, last, word, harts))
        if harts > 1:
            print("  to be tried several times: with %d harts it may pass" % harts)
        _, text = self.run(boot(seed, self.words + ["print"], first, last - first + 1, word, harts))
        print("  %s in %d round%s:" % (number_of(needed.kept), last - first + 1,
                                       "s" * (last > first)))
        for line in printed(text) or ["none was made: it fails before the first one"]:
            print("    " + line)

    def command(self, seed, first=None, last=None, kept=None, harts=None):
        """How to have a boot again; without rounds that which was asked for."""
        options = self.options
        whole = 1, rounds_of(seed)
        first, last = (first, last) if first else options.rounds or whole
        kept = options.keep if kept is None else kept
        harts = harts or options.harts
        own = machine_of(seed).get("harts", 1)
        return " ".join(
            ["python3 tools/fuzz.py --seed %d" % seed]
            + ["--objects " + options.objects] * (options.objects != OBJECTS)
            + ["--groups " + options.groups] * (options.groups != "pmfs")
            + ["--harts %s" % harts] * (harts not in (None, own))
            + ["--rounds %d-%d" % (first, last)] * ((first, last) != whole)
            + ["--keep %s --print" % kept] * bool(kept))


def number_of(kept):
    """How many calls are kept, in words; None: all."""
    return "%d call%s" % (len(kept), "s" * (len(kept) > 1)) if kept else "all calls"


def printed(text):
    """The last lines that tell of calls."""
    return [match.group(0) for match in PRINTED.finditer(text)][-SHOWN:]


def read_rounds(text):
    """(first, last) of "FIRST-LAST", or of the number of one round."""
    match = re.fullmatch(r"([1-9]\d{0,8})(?:-([1-9]\d{0,8}))?", text)
    first, last = (int(match.group(1)), int(match.group(2) or match.group(1))) if match else (1, 0)
    if last < first:
        raise argparse.ArgumentTypeError("%s is not FIRST-LAST, as in 3-4" % text)
    return first, last


def read_kept(text):
    """The text, if the guest can read it."""
    if not re.fullmatch(KEPT + "(," + KEPT + ")*", text):
        raise argparse.ArgumentTypeError("%s is not LANE.CALL,LANE.FROM-TO, as in 0.3-9,4.7" % text)
    return text


def arguments():
    """The command line, read."""
    parser = argparse.ArgumentParser(description="Random system calls, by many seeds.")
    add = parser.add_argument
    add("--seeds", type=int, default=RUNS, metavar="COUNT", help="so many boots; %(default)s")
    add("--first", type=int, default=1, metavar="SEED", help="the first one; %(default)s")
    add("--seed", type=int, metavar="SEED", help="this one alone")
    add("--forever", action="store_true", help="one after the other, until one fails")
    add("--rounds", type=read_rounds, metavar="FIRST-LAST",
        help="of the seed only these, of %d; with chaos of %d" % (ROUNDS, ROUNDS_CHAOS))
    add("--keep", type=read_kept, metavar="LANE.FROM-TO,...",
        help="of each round only these calls")
    add("--print", action="store_true", help="with --seed: print each call in words")
    add("--count", action="store_true", help="print what the calls have returned")
    add("--harts", type=int, metavar="N", help="with so many harts; without, as the machine has")
    add("--groups", default="pmfs", metavar="LETTERS", help="of p, m, f, s; %(default)s")
    add("--no-shorten", action="store_true", help="do not look for fewer calls that fail")
    add("--jobs", type=int, default=os.cpu_count() or 1, metavar="N",
        help="so many harts at once")
    add("--objects", default=OBJECTS, help="where the kernel is built; %(default)s")
    add("--qemu", default="qemu-system-riscv64", help="%(default)s")
    options = parser.parse_args()
    if options.seed is not None:
        options.first, options.seeds = options.seed, 1
    if options.seeds < 1 or options.first < 1 or options.jobs < 1:
        parser.error("numbers from 1 on")
    if options.harts is not None and not 1 <= options.harts <= 8:
        parser.error("--harts takes a number from 1 to 8")
    if not options.groups or set(options.groups) - set("pmfs"):
        parser.error("--groups takes letters of pmfs")
    if not os.path.exists(os.path.join(options.objects, "kernel")):
        parser.error("%s has no kernel: run make build" % options.objects)
    if options.seed is None and (options.print or options.keep or options.rounds):
        parser.error("--rounds, --keep and --print are for one boot: --seed tells which")
    options.keep = options.keep or ""
    options.is_default = (options.first, options.seeds, options.groups, options.harts) == (
        1, RUNS, "pmfs", None)
    return options


def tests_of(options, words, first):
    """The Tests of the next boots."""
    begin, end = options.rounds or (1, 0)
    return [boot(seed, words + ["print"] * options.print, begin, end - begin + 1, options.keep,
                 options.harts)
            for seed in range(first, first + options.seeds)]


def sentence(calls, boots, failed):
    """The last line: how many calls in how many boots, and what was found."""
    counts = dict.fromkeys(KINDS, 0)
    for outcome in failed:
        kind = kind_of(outcome)
        counts[kind] = counts.get(kind, 0) + 1
    return "{:,} calls, {} boot{}: ".format(calls, boots, "s" * (boots != 1)) + ", ".join(
        "%d %s" % (count, kind) for kind, count in counts.items())


def main():
    """The command; its exit status."""
    options = arguments()
    folder = tempfile.mkdtemp(prefix="fuzz-", dir=options.objects)
    fuzzer, failed, first, boots = Fuzzer(options, folder), [], options.first, 0

    def take(outcome):
        fuzzer.take(outcome)
        if not outcome.passed:
            failed.append(outcome)
        for line in printed(fuzzer.text(outcome)) if options.print else ():
            print(line)

    while not failed:
        tests = tests_of(options, fuzzer.words, first)
        Runner(tests, fuzzer.judge, options.jobs, options.objects).run(take, lambda *_: None)
        first, boots = first + options.seeds, boots + options.seeds
        if not options.forever:
            break
        print(sentence(fuzzer.calls, boots, failed), flush=True)
    for outcome in failed:
        fuzzer.explain(outcome, int(outcome.test.name.split("-")[1]))
    if options.count:
        fuzzer.table()
    too_few = options.is_default and not failed and fuzzer.calls < WANTED
    if too_few:
        print("a full run makes {:,} calls at least".format(WANTED))
    if failed:
        print("logs are in " + folder)
    else:
        shutil.rmtree(folder, ignore_errors=True)
    print(sentence(fuzzer.calls, boots, failed))
    return 1 if failed or too_few else 0


if __name__ == "__main__":
    sys.exit(cli.run("fuzz", main))
