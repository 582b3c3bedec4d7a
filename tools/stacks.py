#!/usr/bin/env python3
"""How much of the kernel stacks tests use, and which functions are there when they are deepest.

    stacks.py measured.json ...            a row for each test, the deepest first
    stacks.py --write measured.json ...    the same in steps of a KiB, into docs/speed.md

The files are what make grade CHECK=1 leaves in its objects, of one grading or of several
(grader/measured.py). The functions are those of the innermost frames that are still whole: what lay
above them has mostly been used again since. A checked kernel needs more than another one: the
functions of kern/check are the innermost ones, and GCC keeps what it checks on the stack too.
"""
import argparse
import json
import sys

import cli
from grader.measured import KSTACKSIZE, SPARE
from speed import number, write_parts

STEP = 1024
SHOWN = 5                   # functions of a stack


def read(paths):
    """[(bytes, test, functions)] of these files, the deepest first."""
    found = {}
    for path in paths:
        try:
            with open(path, encoding="utf-8") as file:
                content = json.load(file)
            for test, deep in content["stacks"].items():
                found[test] = max(found.get(test, (0, "")), (deep, content["deepest"][test]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            sys.exit("stacks: %s is no measured.json of make grade CHECK=1: %r" % (path, error))
    return sorted(((deep, test, who) for test, (deep, who) in found.items() if deep), reverse=True)


def functions(who):
    """The innermost functions, for a table."""
    return ", ".join("`%s`" % name for name in who.split(" < ")[:SHOWN] if name)


def table(rows):
    """How many tests use so much, in steps, and the deepest of each step."""
    lines = ["| bytes | tests | the deepest | uses | innermost functions |",
             "|---|--:|---|--:|---|"]
    for top in range(STEP, KSTACKSIZE + 1, STEP):
        here = [row for row in rows if top - STEP < row[0] <= top]
        most = min(top, KSTACKSIZE - SPARE)
        if here:
            deep, test, who = here[0]
            lines.append("| up to %s | %d | `%s` | %s | %s |" % (number(most), len(here), test,
                                                               number(deep), functions(who)))
        else:
            lines.append("| up to %s | 0 | | | |" % number(most))
    return "\n".join(lines)


def arguments():
    parser = argparse.ArgumentParser(description="How much of the kernel stacks tests use.")
    parser.add_argument("--write", action="store_true", help="write the table into docs/speed.md")
    parser.add_argument("files", nargs="+", metavar="FILE", help="measured.json of a grading")
    return parser.parse_args()


def main():
    options = arguments()
    rows = read(options.files)
    if options.write:
        write_parts({"stacks": table(rows)})
        return 0
    for deep, test, who in rows:
        print("%5d  %-28s %s" % (deep, test, " < ".join(who.split(" < ")[:SHOWN])))
    print("%d tests; a stack has %d bytes, and %d are kept for an interrupt" % (
        len(rows), KSTACKSIZE, SPARE))
    return 0


if __name__ == "__main__":
    sys.exit(cli.run("stacks", main))
