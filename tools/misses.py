#!/usr/bin/env python3
"""How often each policy of paging misses: a table, from four patterns of accesses.

    misses.py                   the policies of this kernel, and the best that can be done
    misses.py --seed 7          other traces of the same kinds
    misses.py --rank DIR ...    which tree's own policy misses least: a class's challenge 9.C

The kernel plays each trace (grader/trace.py) to each policy: the self test swap-misses. What fifo
misses, and clock if it is the reference's, is counted here too; the exit status is 1 if the kernel
counts otherwise, or cannot play one. --rank takes trees that are built (make), with their objects
in obj/TOOLCHAIN; take a seed that the class does not know: the sum over the patterns decides.
"""
import argparse
import os
import re
import sys

import cli
import scratch
from grader import trace
from grader.host import Host
from grader.judge import Judge
from grader.runner import Runner
from labs.common import early

LINE = re.compile(r"^(\w+): (-?\d+) of \d+ accesses miss", re.M)
COUNTED = {"fifo": trace.fifo, "clock": trace.clock}
WIDTH = 40                              # of the longest bar


def arguments():
    parser = argparse.ArgumentParser(description="How often each policy of paging misses.")
    add = parser.add_argument
    add("--seed", type=int, default=1, help="of the traces; %(default)s")
    add("--policies", default="fifo,clock,own", help="%(default)s")
    add("--rank", nargs="+", metavar="DIR", help="compare the own policies of these trees")
    add("--objects", default="obj/unknown-elf", help="where a kernel is built; %(default)s")
    add("--qemu", default="qemu-system-riscv64", help="%(default)s")
    options = parser.parse_args()
    for tree in options.rank or ["."]:
        if not os.path.exists(os.path.join(tree, options.objects, "kernel")):
            parser.error("%s has no kernel: run make build there"
                         % os.path.join(tree, options.objects))
    return options


def play(objects, policies, options):
    """{(pattern, policy): misses} of the kernel in this folder. What cannot be played is left out,
    and told."""
    keys = [(name, policy) for name in trace.PATTERNS for policy in policies]
    # No name is that of a graded test, which must report what is on record for it.
    tests = [early("swap-misses played %s %s" % (policy, name), append="swap=" + policy,
                   disk=trace.TraceDisk(pattern=name, seed=options.seed))
             for name, policy in keys]
    found = {}

    def take(outcome):
        name, policy = keys[tests.index(outcome.test)]
        line = LINE.search("\n".join(outcome.console))
        if outcome.passed and line and line.group(1) == policy:
            found[name, policy] = int(line.group(2))
        else:
            print("%s: %s" % (outcome.test.title, "; ".join(outcome.reasons) or "no count"))

    with scratch.folder("misses") as folder:    # not in obj/, which others copy meanwhile
        runner = Runner(tests, Judge(Host(objects, options.qemu, folder)), os.cpu_count() or 1,
                        objects)
        runner.run(take, lambda *_: None)
    return found


def table(found, policies, seed):
    """The lines of the table, with a bar for each number."""
    yield "%d accesses to at most %d pages, with %d frames: misses" % (
        trace.LENGTH, trace.PAGES, trace.FRAMES)
    for name, make in trace.PATTERNS.items():
        best = trace.optimal(trace.pattern(name, seed))
        rows = [(policy, found.get((name, policy))) for policy in policies] + [("optimal", best)]
        most = max(count for _, count in rows if count is not None)
        yield "%s: %s" % (name, make.__doc__.split("\n")[0])
        for policy, count in rows:
            yield "  %-8s" % policy + ("   none" if count is None else " %6d  %s" % (
                count, "#" * max(1, round(WIDTH * count / most))))


def wrong(found, seed):
    """Sentences: what the kernel counts otherwise than it is."""
    for (name, policy), count in sorted(found.items()):
        here = COUNTED[policy](trace.pattern(name, seed)) if policy in COUNTED else count
        if here != count:
            yield "%s, %s: the kernel counts %d misses, and it should be %d" % (
                name, policy, count, here)


def rank(options):
    """A line for each tree, the best first."""
    lines = []
    for tree in options.rank:
        found = play(os.path.join(tree, options.objects), ["own"], options)
        total = sum(found.values()) if len(found) == len(trace.PATTERNS) else None
        lines.append((total is None, total or 0, tree))
    for place, (failed, total, tree) in enumerate(sorted(lines), 1):
        print("%3d  %8s  %s" % (place, "failed" if failed else total, tree))
    return 0


def main():
    options = arguments()
    if options.rank:
        return rank(options)
    policies = options.policies.split(",")
    found = play(options.objects, policies, options)
    print("\n".join(table(found, policies, options.seed)))
    complaints = list(wrong(found, options.seed))
    print("\n".join(complaints), end="\n" if complaints else "")
    return 1 if complaints or len(found) < len(policies) * len(trace.PATTERNS) else 0


if __name__ == "__main__":
    sys.exit(cli.run("misses", main))
