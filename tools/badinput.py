#!/usr/bin/env python3
"""Damaged input for the tools on the host: disks, archives, folders, trees, files of results, the
register of regions, objects, and names for tables.

    badinput.py [KIND ...] [--runs N]   N inputs of each kind, made from seeds 1, 2, 3 ...
    badinput.py KIND --seed N           one of them, and what the tool says; its files stay

Each run is a process of its own, with limits of memory and time, that calls the tool as its user
does. It must end with status 0, 1 or 2; say of which file it speaks, if it is not 0; show no
traceback, and nothing that a terminal would obey; and leave alone all that is not its to write.
The inputs are made of good ones. Nothing depends on time: a seed is the same input anywhere.
"""
import argparse
import contextlib
import importlib.machinery
import importlib.util
import os
import random
import re
import resource
import shutil
import signal
import sys
import traceback

import badinput_inputs as inputs
import badinput_teachers as teachers
import cli
import scratch
from exercise import gradebook, handout, marks, pool, provenance
from labs import catalogue

TOOLS = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(TOOLS)
RUNS = {"disk": 150, "make": 60, "archive": 150, "folder": 60, "tree": 40, "state": 60,
        "register": 40, "objects": 150, "table": 40}
MEMORY = 1 << 30                # bytes more than this process has already
SECONDS = 10                    # of the processor, for one run
WAIT = 20                       # seconds in which it may wait for something
SHOWN = 3000
# What a tool's words never have: names of Python's exceptions, and codes for a terminal.
FORBIDDEN = (("a traceback", r"Traceback \(most recent"),
             ("the name of an exception", r"\b[A-Z]\w*(Error|Exception)\b"),
             ("a code for terminals", "[^\n\t -~\u00a0-\U0010ffff]"))


class BadInputError(Exception):
    """The tools cannot be tried; the text says why."""


class Run:
    """A run of a tool: the command line, a word that a complaint must have (the name of what is
    damaged), and the folders that the tool may write to, below `place`. `root` is the tree that
    the tool belongs to, if it is not this one; look(place) tells what is wrong with its output."""

    def __init__(self, place, tool, arguments, names, writes=(), root=None, look=None):
        self.place, self.tool, self.arguments = place, tool, arguments
        self.root, self.look = root, look or (lambda place: "")
        self.names, self.writes = names, tuple(os.path.join(place, name) for name in writes)


def module_of(name):
    """The module of tools/NAME, which may have no .py in its name."""
    loader = importlib.machinery.SourceFileLoader("tool_" + name, os.path.join(TOOLS, name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


class Tools:
    """tools/lab and tools/disk, and what the build calls, loaded once. Hand-ins that can be graded
    get full marks at once, without a machine, and for a handout nothing is built: what is tried
    here is the reading and the tables."""

    def __init__(self):
        self.modules = {name: module_of(name) for name in
                        ("lab", "disk", "embed.py", "ksyms.py")}
        lab = self.modules["lab"]
        self.errors = {"disk": (self.modules["disk"].format.DiskError, ValueError),
                       "lab": (lab.UserError, lab.handin.HandinError, catalogue.LabError,
                               lab.regions.RegionError, ValueError)}
        self.reference = marks.Reference(ROOT, catalogue.load(), handout.version_of(ROOT))
        gradebook.Reference = lambda *_: self.reference
        handout.version_of = lambda root: self.reference.version
        gradebook.qemu_is_there = lambda name: True
        provenance.made_by = lambda *_: dict.fromkeys(("version", "toolchain", "qemu"), "-")
        pool.shops = self.shops
        lab.reference_uses = self.nothing_built

    @contextlib.contextmanager
    def shops(self, *_):
        yield self

    @contextlib.contextmanager
    def nothing_built(self):
        """Stands for reference_uses() of tools/lab where there is no compiler."""
        yield "nothing is built"

    def run(self, jobs):
        """Stands for Pool.run(): (digest, result) of each."""
        for digest, work in jobs:
            yield digest, {"complete": True, "exercises": {
                number: self.full_marks(number) for number in work.exercises}}

    def full_marks(self, number):
        tests = [{"name": test.name, "title": test.title, "points": test.points,
                  "max": test.points, "verdict": "ok", "lines": []}
                 for test in self.reference.tests[number]]
        most = self.reference.exercises[number].points
        return {"max": most, "challenge": False, "state": "graded", "why": "", "from": "together",
                "together": most, "alone": most, "mark": most, "tests": tests}

    def call(self, run):
        """Be the tool; the exit status."""
        sys.argv = ["tools/" + run.tool] + run.arguments
        if run.root:
            self.modules[run.tool].ROOT = run.root
        try:
            main, errors = self.modules[run.tool].main, self.errors.get(run.tool, ())
            return cli.run(sys.argv[0], main, errors) or 0
        except SystemExit as end:
            if not isinstance(end.code, str):
                raise
            print(end.code, file=sys.stderr)            # as Python does with it
            return 1


def limit():
    """Limits of this process, as a course's server has them."""
    with open("/proc/self/statm", encoding="ascii") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, now + MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(WAIT)


def try_it(tools, run, said):
    """Call the tool in a process of its own, what it prints goes into the file `said`:
    (exit status, -signal, text)."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        status = 99
        try:
            descriptor = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            for number in (1, 2):
                os.dup2(descriptor, number)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.chdir(run.place)
            limit()
            status = tools.call(run)
        except SystemExit as end:
            status = end.code
        except BaseException:
            traceback.print_exc()
        finally:
            with contextlib.suppress(BaseException):
                sys.stdout.flush()
            os._exit(status if isinstance(status, int) else 98)
    _, how = os.waitpid(child, 0)
    status = -os.WTERMSIG(how) if os.WIFSIGNALED(how) else os.WEXITSTATUS(how)
    with open(said, encoding="utf-8", errors="replace") as file:
        return status, file.read()


def snapshot(place, without):
    """What is below a folder: {path: what would change if somebody wrote there}."""
    found = {}
    for folder, folders, names in os.walk(os.fsencode(place)):
        folders[:] = [name for name in folders
                      if os.path.join(folder, name) not in map(os.fsencode, without)]
        for name in folders + names:
            path = os.path.join(folder, name)
            about = os.lstat(path)
            if path not in map(os.fsencode, without):
                found[path] = (about.st_mode, about.st_size, about.st_nlink,
                               0 if name in folders else about.st_mtime_ns)
    return found


def complaint(run, status, text, before, after):
    """What is wrong with the end of a run; "" if nothing is."""
    if status == -signal.SIGALRM:
        return "it waits for ever"
    if status == -signal.SIGXCPU or status == -signal.SIGKILL:
        return "it needs more than %d seconds" % SECONDS
    for words, pattern in FORBIDDEN:
        found = re.search(pattern, text)
        if found:
            return "it prints %s: %r" % (words, found.group())
    if status not in (0, 1, 2):
        return "its exit status is %d" % status
    if status != 0 and not any(name in text for name in run.names):
        return "it fails, but names none of: %s" % " ".join(run.names)
    changed = [path for path in sorted(set(before) | set(after))
               if before.get(path) != after.get(path)]
    return "it has written to %r" % changed[0] if changed else ""


def one(tools, makers, kind, seed, place):
    """Make an input, and try it: (Run, exit status, text, what is wrong or "")."""
    os.makedirs(place)
    inputs.write(os.path.join(place, "near", "other.txt"), b"nobody may write here\n")
    run = makers.make(kind, random.Random("%s %d" % (kind, seed)), place)
    run = Run(place, *run)
    before = snapshot(place, run.writes)
    status, text = try_it(tools, run, place + ".said")
    wrong = complaint(run, status, text, before, snapshot(place, run.writes))
    return run, status, text, wrong or run.look(place)


def show(kind, seed, run, status, text):
    print("%s %d: tools/%s %s" % (kind, seed, run.tool, " ".join(map(repr, run.arguments))))
    print(text.encode("ascii", "backslashreplace").decode()[:SHOWN])
    print("exit status %d" % status)


def all_seeds(options, tools, makers, folder):
    """Try what was asked for; the exit status."""
    total, failed, statuses = 0, 0, {}
    for kind in options.kinds or RUNS:
        for seed in range(1, (options.runs if options.runs is not None else RUNS[kind]) + 1):
            place = os.path.join(folder, "%s-%d" % (kind, seed))
            run, status, text, wrong = one(tools, makers, kind, seed, place)
            total, statuses[status] = total + 1, statuses.get(status, 0) + 1
            if wrong:
                failed += 1
                show(kind, seed, run, status, text)
                print("%s %d: FAILED: %s\nagain: tools/badinput.py %s --seed %d\n" % (
                    kind, seed, wrong, kind, seed), flush=True)
            shutil.rmtree(place)
    print("%d damaged inputs of %d kinds: %d refused or complained of, %d read, %d faults" % (
        total, len(options.kinds or RUNS), total - statuses.get(0, 0), statuses.get(0, 0), failed))
    return 1 if failed else 0


def arguments():
    """The command line, read."""
    parser = argparse.ArgumentParser(description="Feed the tools with damaged input.")
    add = parser.add_argument
    add("kinds", nargs="*", metavar="KIND", help="one of: " + " ".join(RUNS))
    add("--runs", type=int, help="inputs of each kind; about 40 seconds without it")
    add("--seed", type=int, help="only this one: say what the tool says, and keep the files")
    options = parser.parse_args()
    for kind in options.kinds:
        if kind not in RUNS:
            parser.error("there is no kind %s; there are: %s" % (kind, " ".join(RUNS)))
    if options.seed is not None and len(options.kinds) != 1:
        parser.error("--seed needs one kind: " + " ".join(RUNS))
    if options.runs is not None and options.runs < 0:
        parser.error("--runs is a number of inputs, not %d" % options.runs)
    return options


def main():
    """The command; its exit status."""
    options = arguments()
    with scratch.folder("badinput") as folder:
        tools = Tools()
        makers = inputs.Makers(ROOT, tools.reference, os.path.join(folder, "kept"))
        makers.kinds.update(teachers.TeacherMakers(ROOT, makers.kept, makers.handin).kinds)
        if options.seed is None:
            return all_seeds(options, tools, makers, folder)
        kind = options.kinds[0]
        place = os.path.join(ROOT, "obj", "badinput", "%s-%d" % (kind, options.seed))
        shutil.rmtree(place, ignore_errors=True)
        run, status, text, wrong = one(tools, makers, kind, options.seed, place)
        show(kind, options.seed, run, status, text)
        print("%s\nits files are in %s" % ("FAILED: " + wrong if wrong else "as it should be",
                                           place))
        return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(cli.run("badinput", main, (BadInputError,)))
