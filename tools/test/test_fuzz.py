"""Tests of random system calls: the grammar is whole, what fails is made shorter, faults are found.

The grammar is compared with the kernel's table of calls. The shrinker asks a judge that boots
nothing: it fails for the calls that it is told. Of the planted faults a few are built;
tools/fuzz_faults.py tries them all.

Needs the built objects, the compiler and QEMU.
Run alone: python3 tools/test/test_fuzz.py
"""
import argparse
import contextlib
import io
import os
import random
import re
import subprocess
import sys
import tempfile
import types
import unittest
from unittest import mock

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import fuzz
import fuzz_faults
import planting
import fuzz_shrink
from exercise.mutants import MutantError
from grader.model import Outcome, Test, Verdict
from trees import OBJECTS, TOP

FEW = ("count-dup", "length-getcwd")


def source(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        return file.read()


def run(*words, cwd=TOP):
    """(exit status, text) of a tool."""
    result = subprocess.run([sys.executable] + list(words), cwd=cwd, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)
    return result.returncode, result.stdout.decode()


class Grammar(unittest.TestCase):
    """user/libs/fuzz_table.c"""

    def test_each_call_of_the_kernel(self):
        kernel = set(re.findall(r"^    \[(SYS_\w+)\] = ", source("kern/syscall/syscall.c"), re.M))
        grammar = re.findall(r"^    \{ (SYS_\w+), ", source("user/libs/fuzz_table.c"), re.M)
        self.assertGreaterEqual(len(kernel), 60)
        self.assertEqual(kernel - set(grammar), set(), "calls that are never made at random")
        self.assertEqual(len(grammar), len(set(grammar)))
        numbers = set(re.findall(r"^#define (SYS_\w+) ", source("libs/unistd.h"), re.M))
        self.assertEqual(set(grammar), numbers)

    def test_numbers_of_both_sides(self):
        """What the tool and the program have to know both."""
        header = source("user/libs/fuzz.h")
        self.assertIn("#define MAX_KEPT        64\n", header)
        self.assertLess(fuzz_shrink.RANGES, 64)
        teams, lanes = (int(re.search(r"#define %s +(\d+)" % name, header).group(1))
                        for name in ("TEAMS", "LANES"))
        self.assertEqual(teams * lanes, fuzz.LANES)
        rounds = sum(fuzz.rounds_of(seed) for seed in range(1, fuzz.RUNS + 1))
        self.assertGreaterEqual(rounds * fuzz.LANES * fuzz.CALLS, fuzz.WANTED)


class Shrinker(unittest.TestCase):
    """tools/fuzz_shrink.py"""

    def test_words_for_calls(self):
        calls = [(0, 3), (0, 4), (0, 5), (2, 6), (4, 7), (4, 9)]
        self.assertEqual(fuzz_shrink.keep_word(calls), "0.3-5,2.6,4.7,4.9")

    def test_what_is_needed_stays(self):
        chance = random.Random(7)
        for count in (1, 2, 3, 5):
            needed = set(chance.sample(range(300), count))
            left = fuzz_shrink.minimize(list(range(300)), lambda some: needed <= set(some))
            self.assertEqual(left, sorted(needed))

    def test_one_item_is_left_alone(self):
        self.assertEqual(fuzz_shrink.minimize([4], lambda some: self.fail("asked")), [4])

    def judge(self, rounds, calls, least=1):
        """A judge for which a boot fails if it has these rounds, and in them these calls."""
        def fails(first, count, kept):
            self.asked += 1
            has = range(first, first + count)
            return all(number in has for number in rounds) and count >= least and (
                kept is None or set(calls) <= set(kept))
        self.asked = 0
        return fails

    def test_rounds_and_calls(self):
        calls = ((1, 40), (1, 41), (4, 499))
        for rounds in ((1,), (34,), (9, 12), (1, 34)):
            needed = fuzz_shrink.shorten(self.judge(rounds, calls), 34, 6, 500)
            self.assertEqual((needed.last, needed.kept), (rounds[-1], calls))
            self.assertTrue(needed.first <= rounds[0])
            self.assertLess(self.asked, 150)

    def test_a_round_that_needs_others_before(self):
        needed = fuzz_shrink.shorten(self.judge((20,), ((0, 0),), 5), 34, 6, 500)
        self.assertEqual((needed.last - needed.first + 1 >= 5, needed.last), (True, 20))

    def test_too_many_ranges_are_not_asked_for(self):
        calls = tuple((0, 2 * number) for number in range(100))

        def fails(first, count, kept):
            self.assertTrue(kept is None or len(fuzz_shrink.ranges(kept)) <= fuzz_shrink.RANGES)
            return kept is None or set(calls) <= set(kept)

        needed = fuzz_shrink.shorten(fails, 1, 6, 500)
        self.assertTrue(set(calls) <= set(needed.kept))
        self.assertTrue(all(lane == 0 for lane, _ in needed.kept))

    def test_what_does_not_fail_again(self):
        self.assertIsNone(fuzz_shrink.shorten(lambda *_: False, 34, 6, 500))

    def test_all_calls_if_keeping_them_is_another_run(self):
        needed = fuzz_shrink.shorten(lambda first, count, kept: kept is None, 34, 6, 500)
        self.assertEqual(needed, fuzz_shrink.Needed(1, 1))


class Harts(unittest.TestCase):
    """Seeds that fail on several harts. The machines are played: `fails` tells which fail."""

    SEED = 6

    def told(self, fails, printed="lane 1.7: dup(3, 400)\n"):
        """What explain() prints. fails(test) is asked for each boot, which prints this; self.boots
        has all of them."""
        self.boots = []

        def run(fuzzer, test):
            self.boots.append(test)
            return Outcome(test, Verdict.PANIC if fails(test) else Verdict.OK), printed
        options = types.SimpleNamespace(
            objects=fuzz.OBJECTS, qemu="none", groups="pmfs", count=False, rounds=None, keep="",
            harts=None, no_shorten=False)
        with mock.patch.object(fuzz, "Host"), mock.patch.object(fuzz.Fuzzer, "run", run), \
                contextlib.redirect_stdout(io.StringIO()) as out:
            test = fuzz.boot(self.SEED)
            self.assertEqual(test.harts, 2)
            fuzz.Fuzzer(options, ".").explain(Outcome(test, Verdict.PANIC, ["kernel panic"]),
                                              self.SEED)
        return out.getvalue()

    def test_it_fails_on_one_hart_too(self):
        text = self.told(lambda test: "keep=" not in test.prog or "1.7" in test.prog
                         or "1.0-" in test.prog or "0.0-" in test.prog)
        self.assertIn("on one hart it fails too", text)
        self.assertIn("shorter: python3 tools/fuzz.py --seed 6 --harts 1 --rounds 1-1", text)
        self.assertEqual({test.harts for test in self.boots}, {1})

    def test_it_fails_now_and_then(self):
        """Two of three boots pass: what is needed is found all the same, by trying again."""
        chance = random.Random(3)

        def fails(test):
            kept = re.findall(r"(\d)\.(\d+)(?:-(\d+))?", test.prog)
            return test.harts == 2 and chance.randrange(3) == 0 and (not kept or any(
                lane == "1" and int(first) <= 7 <= int(last or first)
                for lane, first, last in kept))
        text = self.told(fails)
        self.assertIn("with 2 harts no run is like another: each part is booted up to 4 times",
                      text)
        self.assertRegex(text, r"shorter: python3 tools/fuzz.py --seed 6 --rounds \d+-\d+ --keep ")
        self.assertIn("with 2 harts it may pass", text)
        self.assertIn("lane 1.7: dup(3, 400)", text)
        kept = int(re.search(r"(\d+) calls? in", text).group(1))
        self.assertLess(kept, 300)              # of 3,000 in a round
        self.assertIn("keep=", self.boots[-1].prog)

    def test_it_fails_before_the_first_call(self):
        """As with an exercise that is blank, and that the program needs to begin."""
        text = self.told(lambda test: True, "")
        self.assertIn("  1 call in 1 round:\n    none was made: it fails before the first one",
                      text)

    def test_it_does_not_fail_again(self):
        self.assertIn("it has not failed again", self.told(lambda test: False))
        self.assertEqual(len(self.boots), 1 + fuzz.REPEATS)


class Words(unittest.TestCase):
    """tools/fuzz.py: the command line, and the last line."""

    def test_kinds(self):
        def found(verdict, *reasons):
            return Outcome(Test("fuzz", prog="fuzz"), verdict, reasons)
        failed = [found(Verdict.PANIC, "kernel panic"), found(Verdict.HANG, "no end"),
                  found(Verdict.WRONG, "process 9 was killed and does not end"),
                  found(Verdict.WRONG, "at the end something was not given back: 1 page lost"),
                  found(Verdict.WRONG, "close gave 5"), found(Verdict.NOT_WRITTEN, "8.3")]
        self.assertEqual(fuzz.sentence(2034567, 20, failed), "2,034,567 calls, 20 boots: "
                         "2 panics, 1 leaks, 2 hangs, 1 differences")
        self.assertEqual(fuzz.sentence(0, 1, [found(Verdict.SETUP, "no QEMU")]),
                         "0 calls, 1 boot: 0 panics, 0 leaks, 0 hangs, 0 differences, 1 not run")

    def test_rounds_and_calls(self):
        self.assertEqual((fuzz.read_rounds("3-14"), fuzz.read_rounds("5")), ((3, 14), (5, 5)))
        self.assertEqual(fuzz.read_kept("0.3-9,4.7"), "0.3-9,4.7")
        for text in ("", "0", "3-2", "-3", "a-b", "1-2-3"):
            with self.assertRaises(argparse.ArgumentTypeError):
                fuzz.read_rounds(text)
        for text in ("6.1", "0", "0.1,", "0.1 0.2", "panic"):
            with self.assertRaises(argparse.ArgumentTypeError):
                fuzz.read_kept(text)

    def test_wrong_words_are_told(self):
        for words, said in ((["--seed", "0"], "numbers from 1 on"),
                            (["--groups", "x"], "--groups takes letters of pmfs"),
                            (["--harts", "9"], "--harts takes a number from 1 to 8"),
                            (["--rounds", "2"], "--seed tells which"),
                            (["--objects", "none"], "none has no kernel: run make build")):
            status, text = run("tools/fuzz.py", *words)
            self.assertEqual(status, 2)
            self.assertIn(said, text)

    def test_each_machine_is_tried(self):
        """Each scheduler, each allocator, and several numbers of harts."""
        machines = [fuzz.machine_of(seed) for seed in range(1, fuzz.RUNS + 1)]
        text = " ".join(machine["append"] for machine in machines)
        for word in ("sched=stride", "sched=mlfq", "sched=fifo", "pmm=first_fit", "pmm=best_fit",
                     "poison", "chaos=", "mem=3M", "mem=4M", "nocow"):
            self.assertIn(word, text)
        self.assertEqual({machine.get("harts", 1) for machine in machines}, {1, 2, 4})


class Boots(unittest.TestCase):
    """One seed of the program, whole calls and some."""

    def test_some_calls_are_printed(self):
        status, text = run("tools/fuzz.py", "--objects", OBJECTS, "--seed", "1", "--rounds", "2-2",
                           "--keep", "0.3-4,5.7", "--print")
        self.assertEqual(status, 0, text)
        self.assertEqual(re.findall(r"^lane (\d\.\d+): .* = ", text, re.M), ["0.3", "0.4", "5.7"])
        self.assertEqual(text.split("\n")[-2], "3 calls, 1 boot: "
                         "0 panics, 0 leaks, 0 hangs, 0 differences")


class Faults(unittest.TestCase):
    """tools/fuzz_faults.py"""

    SECONDS = 60

    def test_few(self):
        status, text = run("tools/fuzz_faults.py", "--jobs", "2", "--toolchain",
                           os.path.basename(OBJECTS), *FEW)
        self.assertEqual(status, 0, text)
        self.assertRegex(text, r"count-dup +found by seed 1, leaks: ")
        self.assertRegex(text, r"length-getcwd +found by seed 1, differences: ")

    def test_table(self):
        """Each file fits the tree, and has its line in docs/fuzz.md."""
        table = source("docs/fuzz.md").partition(fuzz_faults.MARK)[2]
        faults = [fault for fault, _ in planting.read_all([], fuzz_faults.FOLDER,
                                                        fuzz_faults.HEADS)]
        self.assertGreaterEqual(len(faults), 12)
        for fault in faults:
            self.assertIn("\n| %s | " % fault.title, table)
        self.assertEqual(table.count("\n| "), len(faults) + 2)
        self.assertNotIn("| none |", table)

    def test_unknown_name(self):
        status, text = run("tools/fuzz_faults.py", "nobody")
        self.assertEqual(status, 2, text)
        self.assertIn("there is no planted fault nobody; there are: ", text)

    def test_a_file_without_a_title(self):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("file: Makefile\n---\nx\n+++\n")
            file.flush()
            with self.assertRaises(MutantError):
                planting.read(file.name, heads=fuzz_faults.HEADS)


if __name__ == "__main__":
    unittest.main()
