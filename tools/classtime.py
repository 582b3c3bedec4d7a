#!/usr/bin/env python3
"""How long does a course take to grade, and where does the time go?

    classtime.py [--lab 5] [--count 1000] [--workers 1,2,4] [--parts 20] [--seed 1]

For each number of workers, generated hand-ins (tools/lab generate) are graded by tools/lab grade,
with nothing kept of an earlier grading but the reference: hand-ins a minute by the clock on the
wall, and the CPU seconds that this host was busy for each. Both tell something only if it does
nothing else. How far it has come is told all the time, on standard error.

--parts hand-ins are then graded in this process, where each part of the work is timed: CPU seconds
of the compiler, of machines, of putting the tree back, of all else. With --count 0 only this is
done. This part is without the sandbox, because the system does not tell what processes in a box
have taken. "Python" is this process, and has the watch over limits in it, which looks around five
times a second of the clock: on a machine with much other work it takes most of that.
"""
import argparse
import contextlib
import os
import re
import resource
import subprocess
import sys
import time

import cli
import scratch
from exercise import generate, handout, kept, marks, submissions, workshop
from grader import sandbox
from labs import catalogue

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LAB = os.path.join(TOP, "tools", "lab")
QEMU = "qemu-system-riscv64"
TOLD_SECONDS = 20               # between two lines that tell how far it is


class ClassTimeError(Exception):
    """Nothing can be measured; the text is for the user."""


def cpu():
    """CPU seconds of (this process, all that it has waited for)."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return tuple(each.ru_utime + each.ru_stime for each in used)


def since(before):
    """The same since then."""
    return tuple(now - then for now, then in zip(cpu(), before))


def course(folder, made, options, count):
    """Write hand-ins that a Generator makes; the path of their folder."""
    path = os.path.join(folder, "course-%d" % count)
    if not os.path.isdir(path):
        os.mkdir(path)
        for number in range(1, count + 1):
            made.write(path, "s%05d" % number, made.student(number, options.seed))
    return path


def say(words):
    """Tell what is done now, for who waits."""
    print("classtime: " + words, file=sys.stderr, flush=True)


def busy():
    """CPU seconds of all processes of this host since it runs. A box is ended as a whole, and then
    the system does not tell what the processes in it have taken: only this sum has it."""
    with open("/proc/stat") as file:
        user, nice, system, _, _, irq, softirq = map(int, file.readline().split()[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def graded(path, options, workers):
    """(seconds, CPU seconds of all this host) that a grading by so many workers takes."""
    say("%d hand-ins, %d workers" % (options.count, workers))
    start, before, told, last = time.monotonic(), busy(), [], 0.0
    process = subprocess.Popen([sys.executable, LAB, "grade", path, "--lab", options.lab, "-j",
                                str(workers), "--toolchain", options.toolchain],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for line in process.stdout:
        told.append(line.decode("utf-8", "replace"))
        if re.match(r"\[ *\d+/\d+\]", told[-1]) and time.monotonic() - last > TOLD_SECONDS:
            last = time.monotonic()
            say("%s after %.0f s" % (told[-1].split("]")[0] + "]", last - start))
    if process.wait() != 0:
        raise ClassTimeError("".join(told)[-2000:])
    return time.monotonic() - start, busy() - before


class Parts:
    """Adds up the CPU time of functions: {name: [seconds in this process, in others, calls]}."""

    def __init__(self):
        self.sums = {}

    @contextlib.contextmanager
    def timed(self, name):
        """The time of a with block goes to this part."""
        before = cpu()
        try:
            yield
        finally:
            part = self.sums.setdefault(name, [0.0, 0.0, 0])
            for index, each in enumerate(since(before) + (1,)):
                part[index] += each

    def wrap(self, owner, name, part):
        """Time all calls of a function from now on."""
        function = getattr(owner, name)

        def call(*arguments, **words):
            with self.timed(part):
                return function(*arguments, **words)

        setattr(owner, name, call)


def parts_of(path, options, folder):
    """(Parts, CPU seconds in all, how many) of a grading in this process."""
    parts, pristine = Parts(), os.path.join(folder, "pristine")
    sandbox.why_not = lambda: "no sandbox: its processes cannot be timed"
    toolchain = kept.prepare(TOP, pristine, options.toolchain)
    reference = marks.Reference(TOP, catalogue.load(), handout.version_of(TOP))
    asked = [number for number, each in sorted(reference.exercises.items())
             if number.split(".")[0] == options.lab and not each.apart]
    parts.wrap(workshop, "make", "make and the compiler")
    parts.wrap(workshop.Workshop, "judge", "machines")
    parts.wrap(workshop.Workshop, "restore", "putting the tree back")
    shop = workshop.Workshop(pristine, os.path.join(folder, "shop"), toolchain, QEMU)
    examiner = marks.Examiner(reference, shop)
    found = submissions.collect([path], submissions.Wanted(reference.register, asked))
    before = cpu()
    for number, each in enumerate(found, 1):
        say("part by part: hand-in %d of %d" % (number, len(found)))
        examiner.marks(marks.Work(each, reference, asked), marks.BEST)
    return parts, since(before), len(found)


def tell_parts(parts, total, count):
    """Print where the time went."""
    print("%d hand-ins one after the other: %.2f s of CPU time each" % (count, sum(total) / count))
    print("  %-24s %8s %8s %8s" % ("", "Python", "others", "times"))
    rows = sorted(parts.sums.items(), key=lambda pair: -sum(pair[1][:2]))
    rest = [all_of - sum(part[index] for _, part in rows) for index, all_of in enumerate(total)]
    for name, (here, others, calls) in rows + [("all else", rest + [count])]:
        print("  %-24s %6.2f s %6.2f s %8.1f" % (name, here / count, others / count, calls / count))


def main():
    parser = argparse.ArgumentParser(description="How long a course takes, and where.")
    add = parser.add_argument
    add("--lab", default="5", help="%(default)s")
    add("--count", type=int, default=1000, metavar="N", help="hand-ins; %(default)s")
    add("--workers", default="1,2,4", metavar="N,N", help="so many at once; %(default)s")
    add("--parts", type=int, default=20, metavar="N", help="so many of them in parts; %(default)s")
    add("--seed", default="1", help="of what is generated; %(default)s")
    add("--toolchain", default="", help="unknown-elf, linux-gnu or clang; the first installed")
    options = parser.parse_args()
    made = generate.Generator(TOP, options.lab)
    with scratch.folder("classtime") as folder:
        say("the reference is built, if the one that is kept does not do")
        kept.prepare(TOP, os.path.join(folder, "warm"), options.toolchain, os.cpu_count() or 1)
        for workers in map(int, options.workers.split(",")) if options.count else ():
            path = course(folder, made, options, options.count)
            seconds, used = graded(path, options, workers)
            print("%d hand-ins, %d workers: %.0f s, %.1f a minute; %.2f s of CPU time each" % (
                options.count, workers, seconds, 60 * options.count / seconds,
                used / options.count), flush=True)
        if options.parts:
            path = course(folder, made, options, options.parts)
            tell_parts(*parts_of(path, options, folder))
    return 0


if __name__ == "__main__":
    sys.exit(cli.run("classtime", main, (ClassTimeError, generate.GenerateError,
                                         workshop.WorkshopError, ValueError)))
