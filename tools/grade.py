#!/usr/bin/env python3
"""make grade: build, boot a machine for each test, judge, add up.

    grade.py [--lab N] [--exercise N.M] [--all] [TEST ...]      --help tells all options

exercise/build.py builds, if need be without the exercises that do not compile. The rest is in
tools/grader: runner.py boots machines side by side, judge.py makes a verdict of each, screen.py
shows it, formats.py writes it for other programs. The labs with their tests are in tools/labs. The
last line of the output is the score. The exit status is 0 only for full marks, 1 for less, and 2 if
nothing could be graded.
"""
import argparse
import os
import shutil
import sys
import time

import cli
from exercise import build, manifest
from grader import checked, formats, passed, record
from grader.host import Host
from grader.image import ImageError
from grader.judge import Judge
from grader.measured import Measured
from grader.model import LONG, Lab, Verdict
from grader.qemu import host_lacks
from grader.runner import Runner
from grader.screen import Screen
from labs.catalogue import LabError, choose, load
from tasks import catalogue as tasks


def arguments():
    parser = argparse.ArgumentParser(
        description="Build the kernel, run tests, give marks.",
        epilog="Without a lab, exercise or test: all labs. A FILE may be -: standard output.")
    add = parser.add_argument
    add("tests", nargs="*", help="names of tests; patterns like fork* are welcome")
    add("--lab", default="", metavar="N", help="all tests of these labs")
    add("--exercise", default="", metavar="N.M", help="all tests of these exercises")
    add("--task", default="", metavar="N.M", help="all tests of this task")
    add("--all", action="store_true", help="also the tests that give no points")
    add("--long", action="store_true",
        help="boot tests that have seeds with %d times as many, if they say nothing else" % LONG)
    add("--one-hart", action="store_true", help="no machine with more than one hart")
    add("--list", action="store_true", help="show the tests, and run none")
    add("--record", action="store_true",
        help="take what the tests report for what they must report from now on")
    add("--dry-run", action="store_true", help="show the machines that would be booted")
    add("-j", "--jobs", type=int, default=os.cpu_count() or 1,
        help="so many harts at once; %(default)s")
    add("--objects", default="obj/unknown-elf", help="where the kernel is built; %(default)s")
    add("--qemu", default="qemu-system-riscv64", help="%(default)s")
    add("--build", metavar="COMMAND", help="how to build; without it nothing is built")
    for name in formats.WRITERS:
        add("--" + name, metavar="FILE", help="write the results as %s" % name)
    options = parser.parse_args()
    options.jobs = max(1, options.jobs)
    options.tests = [word for words in options.tests for word in words.split()]
    return options


def show_list(tests, machines):
    """Print a line for each test: with its title, or with the machine that it boots."""
    for test in tests:
        print("%-5s %3d  %-26s %s" % (test.exercise or "-", test.points, test.name,
                                      machine_of(test) if machines else test.title))


def machine_of(test):
    """One line about the machine of a test, or its command on the host."""
    if test.command:
        return " ".join(test.command)
    return "%d hart%s%s, %s%s%s, %s: %s" % (
        test.harts, "s" * (test.harts > 1),
        " of -cpu " + test.processor if test.processor else "", test.mem,
        ", a disk of " + test.disk.size if test.disk else "",
        ", %d %s" % (test.runs, "seeds" if test.seeds else "runs") if test.runs > 1 else "",
        "%d million instructions" % test.limit if test.harts == 1
        else "%d seconds of CPU time" % test.cpu, test.boot_arguments or "no boot arguments")


def prepare_folder(objects):
    """Make an empty folder for the logs. Gradings of the same objects share it: it has the logs of
    the last one."""
    folder = os.path.join(objects, "grade")
    try:
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise build.BuildError("no place for logs: %s" % error)
    return folder


def grade(options):
    """Do what the command line asks for, and return the exit status."""
    labs, over = load(), {}
    tests = [] if options.task else choose(
        labs, options.lab.split(), options.exercise.split(), options.tests, options.all)
    if options.task:
        task = tasks.find(options.task)
        labs, tests, over = [Lab(task.lab, task.title, [task], task.tests)], task.tests, \
            task.overlay(".")
    if options.one_hart:
        tests = [test for test in tests if test.harts == 1]
    notes, measured = [], Measured()
    if checked.is_checked(options.objects):
        tests, notes = checked.adapt(labs, tests, measured)
    if options.long:
        tests = [test.lengthened() if test.seeds else test for test in tests]
    if options.list or options.dry_run:
        show_list(tests, options.dry_run)
        return 0
    if not shutil.which(options.qemu):
        raise build.BuildError("%s is missing: run make setup" % options.qemu)
    lacks = host_lacks()
    if lacks:
        raise build.BuildError("no machine can run on this host: " + lacks)
    with build.alone(options.objects, make_folder=bool(options.build)):
        return run(options, labs, tests, notes, measured, over)


def run(options, labs, tests, notes, measured, over):
    """Build, run these tests, show and write the results; the result is the exit status. Notes are
    lines to be shown, `measured` is what a checked build tells, `over` are files that are laid over
    the tree for a task. No other grading of these objects runs meanwhile."""
    started = time.monotonic()
    screen = Screen(labs, tests)
    screen.progress(0, len(tests), ["building"])
    built = build.build(options, load())
    if over:
        build.lay_over(built, options, over)
    built.notes += notes + manifest.notes(".", built.objects)
    outcomes, empty = [], manifest.empty(".", {test.exercise for test in tests})

    def take(outcome):
        if outcome.verdict == Verdict.WRONG and outcome.test.exercise in empty:
            outcome.nothing_written(empty[outcome.test.exercise])
        outcomes.append(outcome)
        screen.show(outcome)

    for note in built.notes:
        screen.line(note)
    runnable = [test for test in tests if not built.broken(test)]
    if runnable:
        host = Host(built.objects, options.qemu, prepare_folder(options.objects))
        judge = Judge(host, {} if options.record else None)
        runner = Runner(runnable, judge, options.jobs, built.objects)
        runner.run(take, screen.progress)
        if options.record:
            record.save([outcome for outcome in outcomes if outcome.test.points]
                        + list(host.needed.values()))
        if not over:
            passed.keep(host, options.objects, outcomes)
    for test in tests:
        if built.broken(test):
            take(built.outcome(test))
    outcomes.sort(key=lambda outcome: tests.index(outcome.test))
    for line in measured.keep(options.objects):
        screen.line(line)
    full = screen.score(outcomes)
    write_results(options, labs, outcomes, built.notes, time.monotonic() - started)
    return 0 if full else 1


def write_results(options, labs, outcomes, notes, seconds):
    """Write the results in each format that the command line names."""
    result = formats.Grading(labs, outcomes, toolchain=os.path.basename(options.objects),
                            qemu=options.qemu, seconds=seconds, notes=notes)
    for name, writer in formats.WRITERS.items():
        path = getattr(options, name)
        if not path:
            continue
        text = writer(result)
        if path == "-":
            sys.stdout.write(text)
            continue
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    sys.exit(cli.run("grade", lambda: grade(arguments()),
                         (LabError, ImageError, build.BuildError)))
