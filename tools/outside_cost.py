#!/usr/bin/env python3
"""What calls from outside cost of a grade: CPU seconds of QEMU and of Python.

    outside_cost.py                 all tests of all labs: some minutes
    outside_cost.py rr-queue cow    some tests, by their names

Each test is run as a grade does it, one after the other, and how far it has come is told on
standard error. Where the host calls functions from outside, in a machine of its own, the time of
that machine is told apart. CPU seconds of both grow alike on a busy machine, so the share holds
there too. The exit status is 1 if a test fails.
"""
import argparse
import resource
import sys
import tempfile

import cli
from grader.host import Host
from grader.judge import Judge
from labs import catalogue

TOLD = 25                       # after so many tests it is told how far it is


def cpu():
    """CPU seconds of this process and of the machines that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


class Measuring(Judge):
    """A Judge that adds up the time of machines whose functions the host calls."""

    machines, seconds = 0, 0.0

    def call(self, outcome):
        begin = cpu()
        super().call(outcome)
        self.machines += 1
        self.seconds += cpu() - begin


def measure(tests, options):
    """(complaints, CPU seconds of all, the Measuring) of these tests."""
    failed, begin = [], cpu()
    with tempfile.TemporaryDirectory(prefix="rvlab-") as folder:
        judge = Measuring(Host(options.objects, options.qemu, folder))
        for count, test in enumerate(tests, 1):
            for number in range(1, test.runs + 1):
                outcome = judge.run(test, number)
                if not outcome.passed:
                    failed.append("%s: %s" % (test.name, (outcome.reasons or ["it fails"])[0]))
                    break
            if count % TOLD == 0:
                print("outside_cost: %d of %d tests" % (count, len(tests)), file=sys.stderr,
                      flush=True)
    return failed, cpu() - begin, judge


def main():
    """The command; its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tests", nargs="*", metavar="TEST", help="a test's name; all if none")
    parser.add_argument("--objects", default="obj/unknown-elf", help="where the kernel is")
    parser.add_argument("--qemu", default="qemu-system-riscv64")
    options = parser.parse_args()
    known = {test.name: test for lab in catalogue.load() for test in lab.tests if test.exercise}
    for name in options.tests:
        if name not in known:
            parser.error("no exercise has a test %s; make grade GRADE=--list shows them" % name)
    cli.need_machine("outside_cost", options.objects, options.qemu)
    tests = [known[name] for name in options.tests or known]
    failed, whole, judge = measure(tests, options)
    return cli.tell(failed, "%d machines called from outside: %.1f s of CPU time, %.0f %% of the "
                    "%.1f s of all %d tests" % (judge.machines, judge.seconds,
                                                100 * judge.seconds / whole, whole, len(tests)))


if __name__ == "__main__":
    sys.exit(cli.run("outside_cost", main))
