#!/usr/bin/env python3
"""make unittest: the tests of the tools, side by side, and told as Python's unittest tells them.

    unittests.py [-j N] [--slow N] [-k PATTERN] [FILE ...]      all of tools/test without a FILE

The tests of a class share what its setUpClass() has made, so a class is what a worker takes at a
time. What takes long is taken first, so that no worker is alone at the end: a class tells that by
SECONDS, about the CPU time that it needs. A worker is a process that is forked when all tests are
loaded; it runs one class, and what that changes in the process ends with it. If it dies, the class
counts as an error.

Tests may share obj/: gradings of the same objects wait for each other (exercise/build.py), and what
is built there on demand, the Makefile builds before. --slow shows where the CPU time goes, that of
the programs which a test starts included.
"""
import argparse
import collections
import fnmatch
import io
import multiprocessing
import multiprocessing.connection
import os
import resource
import sys
import tempfile
import time
import unittest

import cli

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "test")
FORK = multiprocessing.get_context("fork")


def cpu_seconds():
    """The CPU time of this process and of its children that have ended."""
    return sum(usage.ru_utime + usage.ru_stime for usage in map(
        resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


class Result(unittest.TextTestResult):
    """What a worker keeps of its class; told() gives it as plain data."""

    def __init__(self):
        super().__init__(io.StringIO(), False, 1)
        self.spent, self.start, self.began = [], cpu_seconds(), 0.0

    def startTest(self, test):
        super().startTest(test)
        self.began = cpu_seconds()

    def stopTest(self, test):
        super().stopTest(test)
        self.spent.append((cpu_seconds() - self.began, test.id()))

    def told(self):
        """The number of tests, (FAIL or ERROR, test, text) of each problem, a letter for each
        test, how many were skipped, (CPU seconds, test) of each, and the CPU seconds of all."""
        problems = [("ERROR", str(test), text) for test, text in self.errors]
        problems += [("FAIL", str(test), text) for test, text in self.failures]
        problems += [("FAIL", str(test), "it was expected to fail, and passes\n")
                     for test in self.unexpectedSuccesses]
        return {"ran": self.testsRun, "problems": problems, "letters": self.stream.getvalue(),
                "skipped": len(self.skipped), "spent": self.spent,
                "all": cpu_seconds() - self.start}


def work(pipe, suite, output):
    """What a worker does: it runs a class. What that prints goes to a file."""
    sys.stdout.flush()
    for descriptor in (1, 2):
        os.dup2(output.fileno(), descriptor)
    result = Result()
    suite.run(result)
    pipe.send(result.told())


class Group:
    """The tests of one class, and the worker that runs them."""

    def __init__(self, kind, tests):
        self.name = "%s.%s" % (kind.__module__, kind.__qualname__)
        self.seconds, self.count = getattr(kind, "SECONDS", 0), len(tests)
        self.suite, self.told = unittest.TestSuite(tests), None
        self.pipe = self.process = self.output = None

    def start(self):
        """Start the worker; its end of the pipe is readable when it has told all, or has died."""
        self.output = tempfile.TemporaryFile()
        self.pipe, theirs = FORK.Pipe(duplex=False)
        sys.stdout.flush()
        self.process = FORK.Process(target=work, args=(theirs, self.suite, self.output))
        self.process.start()
        theirs.close()

    def end(self):
        """Take what the worker tells, and what the tests have printed."""
        try:
            self.told = self.pipe.recv()
        except EOFError:
            self.told = {"ran": self.count, "letters": "E", "skipped": 0, "spent": [], "all": 0.0,
                         "problems": [("ERROR", self.name, "its process has died\n")]}
        self.process.join()
        self.pipe.close()
        self.output.seek(0)
        self.told["output"] = self.output.read().decode("utf-8", "replace")
        self.output.close()


def tests_in(suite):
    """The tests of a suite, one by one."""
    for each in suite:
        yield from tests_in(each) if isinstance(each, unittest.TestSuite) else (each,)


def load(files, pattern):
    """The Groups of tests in these files, or in all, with names like the pattern; what takes long
    comes first."""
    loader, kinds = unittest.TestLoader(), {}
    sys.path[:0] = {os.path.dirname(os.path.abspath(path)) for path in files}
    suite = loader.loadTestsFromNames(
        [os.path.basename(path).rpartition(".")[0] for path in files]) \
        if files else loader.discover(TESTS)
    for test in tests_in(suite):
        if fnmatch.fnmatchcase(test.id(), "*%s*" % pattern):
            kinds.setdefault(type(test), []).append(test)
    return sorted([Group(kind, tests) for kind, tests in kinds.items()],
                  key=lambda group: -group.seconds)


def run(groups, jobs):
    """Run the groups, so many at a time; each is given back when it has ended."""
    waiting, running = collections.deque(groups), {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                group = waiting.popleft()
                group.start()
                running[group.pipe] = group
            for pipe in multiprocessing.connection.wait(list(running)):
                group = running.pop(pipe)
                group.end()
                yield group
    finally:
        for group in running.values():
            group.process.terminate()


def show_slow(groups, count):
    """Where the CPU time went, by modules, classes and tests."""
    modules, rest = collections.Counter(), []
    for group in groups:
        modules[group.name.split(".")[0]] += group.told["all"]
        rest.append((group.told["all"] - sum(seconds for seconds, _ in group.told["spent"]),
                     group.name + ", before and after its tests"))
    for title, rows in (("modules", [(seconds, name) for name, seconds in modules.items()]),
                        ("classes", [(group.told["all"], group.name) for group in groups]),
                        ("tests", rest + [each for group in groups
                                          for each in group.told["spent"]])):
        print("\nSeconds of CPU time, %s:" % title)
        for seconds, name in sorted(rows, reverse=True)[:count]:
            print("%8.1f  %s" % (seconds, name))
    print("\n%.1f seconds of CPU time in all" % sum(modules.values()))


def show(groups, seconds):
    """The problems and the summary in unittest's form; the exit status."""
    told = [group.told for group in groups]
    problems = sorted(problem for each in told for problem in each["problems"])
    for kind, name, text in problems:
        print("%s\n%s: %s\n%s\n%s" % (Result.separator1, kind, name, Result.separator2, text))
    ran = sum(each["ran"] for each in told)
    print("%s\nRan %d test%s in %.3fs\n" % (Result.separator2, ran, "s" * (ran != 1), seconds))
    errors = sum(kind == "ERROR" for kind, _, _ in problems)
    counts = (("failures", len(problems) - errors), ("errors", errors),
              ("skipped", sum(each["skipped"] for each in told)))
    words = ", ".join("%s=%d" % each for each in counts if each[1])
    print(("FAILED" if problems else "OK") + (" (%s)" % words if words else ""))
    return 1 if problems else 0


def main():
    """The command; its exit status."""
    parser = argparse.ArgumentParser(description="Run the tests of the tools side by side.")
    add = parser.add_argument
    add("files", nargs="*", metavar="FILE", help="only these of tools/test")
    add("-j", "--jobs", type=int, default=os.cpu_count() or 1,
        help="so many classes at once; %(default)s")
    add("-k", dest="pattern", default="", help="only tests with this in their names; * is welcome")
    add("--slow", type=int, default=0, metavar="N", help="also show the N slowest")
    options = parser.parse_args()
    for path in options.files:
        if not os.path.isfile(path):
            parser.error("%s is not there: name files of tools/test" % path)
    os.environ.pop("MAKELEVEL", None)       # a make of a test is the first one for its user
    began, ended = time.monotonic(), []
    for group in run(load(options.files, options.pattern), max(1, options.jobs)):
        ended.append(group)
        print(group.told["output"] + group.told["letters"], end="", flush=True)
    print()
    if options.slow:
        show_slow(ended, options.slow)
    return show(ended, time.monotonic() - began)


if __name__ == "__main__":
    sys.exit(cli.run("unittests", main))
