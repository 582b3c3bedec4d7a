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
from grader import judge
from grader.host import Host
from grader.outside import Caller
from labs import catalogue

TOLD = 25                       # after so many tests it is told how far it is


def cpu():
    """CPU seconds of this process and of the machines that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


class Measured(Caller):
    """A Caller whose time is added up."""

    machines, seconds = 0, 0.0

    def run(self):
        begin = cpu()
        try:
            return super().run()
        finally:
            Measured.machines += 1
            Measured.seconds += cpu() - begin


def measure(tests, options):
    """(complaints, CPU seconds of all) of these tests."""
    judge.Caller, failed, begin = Measured, [], cpu()
    with tempfile.TemporaryDirectory(prefix="rvlab-") as folder:
        judged = judge.Judge(Host(options.objects, options.qemu, folder))
        for count, test in enumerate(tests, 1):
            for number in range(1, test.runs + 1):
                outcome = judged.run(test, number)
                if not outcome.passed:
                    failed.append("%s: %s" % (test.name, (outcome.reasons or ["it fails"])[0]))
                    break
            if count % TOLD == 0:
                print("outside_cost: %d of %d tests" % (count, len(tests)), file=sys.stderr,
                      flush=True)
    return failed, cpu() - begin


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
    failed, whole = measure(tests, options)
    return cli.tell(failed, "%d machines called from outside: %.1f s of CPU time, %.0f %% of the "
                    "%.1f s of all %d tests" % (Measured.machines, Measured.seconds,
                                                100 * Measured.seconds / whole, whole, len(tests)))


if __name__ == "__main__":
    sys.exit(cli.run("outside_cost", main))
