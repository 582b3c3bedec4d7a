#!/usr/bin/env python3
"""What the commands of this tree cost the host: time, CPU time and memory, on two processors.

    hosttime.py [--write] [COMMAND ...]     all of COMMANDS, or those with one of these words in it

Each command runs in a copy of the tree, in the order of the table, with two processors at most. Of
the processes that it starts, and of those that they start, all CPU time is added up, and the memory
at the moment when they have most of it: shared pages count once. --write puts the table into
docs/speed.md; that needs all commands, and takes some minutes.

On two processors nothing can end before half of its CPU time is over, and where the rest of the
host is quiet it does not take much longer. The seconds that it did take are printed, but are not in
the table: they tell more of what else this host does.
"""
import argparse
import os
import resource
import shutil
import subprocess
import sys
import time

import cli
import scratch
import speed
from labs.catalogue import load

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROCESSORS = 2
POLL_SECONDS = 0.1              # memory is looked at in these steps
EXERCISES = (("5.4", "one exercise"), ("9.3", "the one that takes longest"))


def commands():
    """(command, what is told of it, seconds that it may take, MiB that it may take) in order: what
    is built by one is there for the next; None: there is no limit."""
    yield "make", "a tree without obj/", 20, None
    for lab in load():
        if lab.exercises:
            yield "make grade LAB=%d" % lab.number, lab.title, 60, 1024
    for number, about in EXERCISES:
        yield "make grade EX=" + number, about, 2, None
    yield "make grade", "all labs", 10, None
    yield "make clean grade", "all labs, build included", 25, None


def children():
    """{process: its children} of this host."""
    found = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % name) as file:
                parent = int(file.read().rpartition(")")[2].split()[1])
        except OSError:
            continue                # it has just ended
        found.setdefault(parent, []).append(int(name))
    return found


def tree_of(root):
    """A process and all below it."""
    below, found = children(), [root]
    for process in found:
        found += below.get(process, [])
    return found


def memory_of(root):
    """KiB of a process and all below it; of what several share each has its part."""
    total = 0
    for process in tree_of(root):
        try:
            with open("/proc/%d/smaps_rollup" % process) as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        except (OSError, ValueError):
            pass                    # it has just ended
    return total


def spent():
    """The CPU time of the children of this process that have ended, and of theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure(command, folder):
    """(exit status, seconds, seconds of CPU time, KiB at most) of a command of the shell."""
    before, began, most = spent(), time.monotonic(), 0
    process = subprocess.Popen(command, shell=True, cwd=folder, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env=dict(os.environ, MAKEFLAGS=""))
    while True:
        most = max(most, memory_of(process.pid))
        try:
            process.wait(POLL_SECONDS)
            return process.returncode, time.monotonic() - began, spent() - before, most
        except subprocess.TimeoutExpired:
            pass


def row(command, about, limits, figures):
    """A line of the table."""
    _, _, cpu, memory = figures
    most_seconds, most_memory = limits
    return "| `%s`, %s | %.1f | %.1f | %d | %d | %s |" % (
        command, about, cpu, cpu / PROCESSORS, most_seconds, memory >> 10, most_memory or "")


def table(rows):
    """The table, with its head."""
    return "\n".join(["| command | CPU seconds | half of it | may take | MiB | may take |",
                      "|---|--:|--:|--:|--:|--:|"] + rows)


def copy(folder):
    """The path of a copy of the tree in this folder, without what is built."""
    target = os.path.join(folder, "tree")
    shutil.copytree(ROOT, target, ignore=shutil.ignore_patterns("obj", ".git", "__pycache__"))
    return target


def rows_of(chosen, folder):
    """(row, seconds) of these commands() as they come; sys.exit if a command fails. The first one
    finds the tree built, unless it is what builds it."""
    if chosen[0][0] != "make":
        measure("make", folder)
    for command, about, *limits in chosen:
        figures = measure(command, folder)
        if figures[0] != 0:
            sys.exit("hosttime: %s fails in a copy of this tree, with exit status %d: try it here"
                     % (command, figures[0]))
        yield row(command, about, limits, figures), figures[1]


def main():
    """The command; its exit status."""
    parser = argparse.ArgumentParser(description="What commands cost the host.")
    parser.add_argument("words", nargs="*", metavar="COMMAND", help="those with this in it")
    parser.add_argument("--write", action="store_true", help="write the table of docs/speed.md")
    options = parser.parse_args()
    chosen = [each for each in commands() if not options.words
              or any(word in each[0] for word in options.words)]
    if not chosen:
        parser.error("there is no such command: %s" % "; ".join(each[0] for each in commands()))
    if options.write and options.words:
        parser.error("--write needs all commands")
    if not os.path.exists("/proc/self/smaps_rollup"):
        sys.exit("hosttime: this host has no /proc/PID/smaps_rollup, from which memory is read")
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:PROCESSORS])
    rows = []
    with scratch.folder("hosttime") as folder:
        tree = copy(folder)
        for each, seconds in rows_of(chosen, tree):
            rows.append(each)
            print("%s %.1f seconds here, now" % (each, seconds), flush=True)
    if options.write:
        speed.write_parts({"host": table(rows)}, os.path.join(ROOT, speed.PAGE))
    return 0


if __name__ == "__main__":
    sys.exit(cli.run("hosttime", main))
