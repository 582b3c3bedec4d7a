#!/usr/bin/env python3
"""Run kernel and programs with a trap before each operation that C leaves undefined.

    check_undefined.py [--toolchain unknown-elf] [TEST ...]

A compiler may make anything of x / 0, 1 << 32 or INT_MAX + 1, and the next one will. A checked
build (make CHECK=1) has a test before each such operation: the kernel panics where it fails, and a
program traps by ebreak. The machines of all tests with one hart must do what they do otherwise, and
no program may meet such a trap, even one that the test means to be killed. Null pointers are left
out, because programs use them on purpose. The code is slower, so the limits are higher, and tests
that count instructions need not find them as few as they should be.

It runs in .ci/run and takes some minutes. The line that it prints says which program trapped where.
"""
import argparse
import copy
import glob
import os
import re
import subprocess
import sys

import cli
from grader.host import Host
from grader.image import ImageError
from grader.judge import Judge
from grader.model import Verdict
from grader.runner import Runner
from grader.screen import Screen
from labs import catalogue

SLOWER = 3
# Tests that hold the kernel to numbers of instructions, which are others with a sanitizer: what
# they find wrong does not count, but a trap does, which is a panic.
COSTS = {"sfs-cost"}
# Functions of programs that have an ebreak or a bad instruction on purpose.
ON_PURPOSE = {"break_call", "illegal"}
KILLED = re.compile(rb"(\S+ \(pid \d+\) was killed: breakpoint, at pc \w+ \((\w+)[^\r\n]*)")


class CheckError(Exception):
    """What keeps the check from being made; the text is for the user."""


def run(command, **more):
    """Run a command: (exit status, all that it printed)."""
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, **more)
    return result.returncode, result.stdout.decode("utf-8", "replace")


def build(toolchain):
    """Make a checked build: the folder with the objects. CheckError if that fails."""
    status, said = run(["make", "build", "CHECK=1", "TOOLCHAIN=" + toolchain],
                       env=dict(os.environ, MAKEFLAGS=""))
    if status != 0:
        raise CheckError("this does not compile with CHECK=1:\n%s" % said[-2000:])
    return os.path.join("obj", toolchain + "-check")


def chosen(names):
    """(labs, the tests that boot a machine with one hart, with higher limits)."""
    labs = catalogue.load()
    known = [test for lab in labs for test in lab.tests]
    for name in names:
        if name not in [test.name for test in known]:
            raise CheckError("there is no test %s" % name)
    tests = []
    for test in known:
        if test.harts == 1 and not test.command and (not names or test.name in names):
            slower = copy.copy(test)
            slower.limit *= SLOWER
            tests.append(slower)
    return labs, tests


def traps_in(folder):
    """The lines that tell of a program's trap, for all consoles in a folder."""
    for path in sorted(glob.glob(os.path.join(folder, "*.log"))):
        with open(path, "rb") as file:
            for line, function in KILLED.findall(file.read()):
                if function.decode() not in ON_PURPOSE:
                    yield "%s: %s" % (os.path.basename(path)[:-len(".log")],
                                      line.decode("utf-8", "replace"))


def check(options):
    """Build, run all tests, print what failed and which traps were met; the exit status."""
    objects = build(options.toolchain)
    labs, tests = chosen(options.tests)
    folder = os.path.join(objects, "grade")
    run(["rm", "-rf", folder])
    os.makedirs(folder)
    screen, failed = Screen(labs, tests), []

    def take(outcome):
        costly = outcome.test.name in COSTS and outcome.verdict == Verdict.WRONG
        if not outcome.passed and not costly:
            failed.append(outcome.test.name)
            screen.show(outcome)

    Runner(tests, Judge(Host(objects, options.qemu, folder)), os.cpu_count() or 1,
           objects).run(take, screen.progress)
    screen.clear()
    found = list(traps_in(folder))
    for line in found:
        print(line)
    print("%d machines, %d failed; %d traps in programs" % (len(tests), len(failed), len(found)))
    return 1 if failed or found else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tests", nargs="*", metavar="TEST")
    parser.add_argument("--toolchain", default="unknown-elf", choices=("unknown-elf", "linux-gnu"),
                        help="%(default)s; clang traps by another instruction")
    parser.add_argument("--qemu", default="qemu-system-riscv64")
    options = parser.parse_args()
    os.chdir(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return cli.run("check_undefined", lambda: check(options),
                   (CheckError, ImageError, catalogue.LabError))


if __name__ == "__main__":
    sys.exit(main())
