#!/usr/bin/env python3
"""Random operations on files, by many seeds: each is compared with a model.

    fsops.py 1000               the seeds 1 to 1000
    fsops.py 200 --first 5000   others
    fsops.py --show 7           the script of a seed

grader/fsops.py describes the scripts. EACH of them run in one boot, as in the tests fsops-1, ... of
`make grade GRADE=--all`, which are the first seeds. A seed that fails is told with the line of its
script at which it does; the disk is kept beside the log. The exit status is 1 if one failed.
"""
import argparse
import os
import shutil
import sys
import tempfile

import cli
from grader import fsops
from grader.host import Host
from grader.judge import Judge
from grader.runner import Runner

EACH = 10


def arguments():
    parser = argparse.ArgumentParser(description="Random operations on files, against a model.")
    add = parser.add_argument
    add("seeds", nargs="?", type=int, default=1000, metavar="COUNT", help="%(default)s without it")
    add("--first", type=int, default=1, metavar="SEED", help="the first one; %(default)s")
    add("--show", type=int, metavar="SEED", help="print the script of this seed, and end")
    add("--map", action="store_true", help="move bytes by maps of the files where that can be done")
    add("--jobs", type=int, default=os.cpu_count() or 1, metavar="N",
        help="so many machines at once")
    add("--objects", default="obj/unknown-elf", help="where the kernel is built; %(default)s")
    add("--qemu", default="qemu-system-riscv64", help="%(default)s")
    options = parser.parse_args()
    if options.seeds < 1 or options.first < 1 or options.jobs < 1:
        parser.error("numbers from 1 on")
    if options.show is None and not os.path.exists(os.path.join(options.objects, "kernel")):
        parser.error("%s has no kernel: run make build" % options.objects)
    return options


def main():
    options = arguments()
    if options.show is not None:
        print(fsops.scripts([options.show])[0][options.show], end="")
        return 0
    tests = [fsops.operations(first, min(EACH, options.first + options.seeds - first), options.map)
             for first in range(options.first, options.first + options.seeds, EACH)]
    failed = []

    def take(outcome):
        if not outcome.passed:
            failed.append(outcome)
            print("%s: %s\n    %s" % (outcome.test.title, outcome.verdict,
                                      "\n    ".join(outcome.reasons + outcome.console[-4:])))

    folder = tempfile.mkdtemp(prefix="fsops-", dir=options.objects)
    runner = Runner(tests, Judge(Host(options.objects, options.qemu, folder)), options.jobs,
                    options.objects)
    runner.run(take, lambda *_: None)
    if not failed:
        shutil.rmtree(folder, ignore_errors=True)
    print("%d seeds in %d boots, of which %d failed%s" % (
        options.seeds, len(tests), len(failed), "; logs and disks are in " + folder if failed
        else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(cli.run("fsops", main))
