#!/usr/bin/env python3
"""Programs of a ucore course, as a teacher has them: does each compile unchanged, and pass?

    ucore.py FOLDER [NAME ...]      all FOLDER/*.c, or these; a table in Markdown
    ucore.py --known                the programs of ucore's labs 5 to 8 and of ucore_os_plus's tests

Each FOLDER/NAME.c is compiled and linked with user/libs, without a change, in a folder of its own.
All that link are put on a disk, in its root and in /bin, with what is in FOLDER/disk/ if there is
such a folder. Each is then the first program of a machine with that disk.

It passes if it ends as its course says, by what KNOWN tells, with exit code 0 if that has nothing
else; the kernel must not panic, and nothing may be lost. Beside a program may be a file
FOLDER/NAME.expect, whose lines are patterns that its output must have, in this order, and
FOLDER/NAME.input, which is typed. The exit status is 1 if one does not compile or does not pass.
Nothing of FOLDER is changed, or kept.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys

import cli
import scratch
from grader.disk import Disk
from grader.host import Host
from grader.image import ImageError
from grader.judge import Judge
from grader.model import Test, Verdict, regex
from grader.runner import Runner

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Million instructions, and seconds: the programs of lab 6 take long; one that stays is stopped.
LIMIT, SHORT, CPU = 4000, 200, 120
# How a program ends, if not with exit code 0.
KILLED = "killed"               # by an exception: the kernel says so
ENDS = "ends"                   # with any exit code, or by an exception
STAYS = "stays"                 # it waits for the keyboard; what was typed must have an effect
DISK = "a disk"

# What is known of the courses' programs: {name: (from where, what it needs beside fork, exit, wait
# and printing, how it ends)}.
KNOWN = {
    "badarg": ("lab 5", "waitpid with wrong arguments", ""),
    "badsegment": ("lab 5", "", ENDS),
    "divzero": ("lab 5", "", ENDS),
    "exit": ("lab 5", "waitpid, yield", ""),
    "faultread": ("lab 5", "", KILLED),
    "faultreadkernel": ("lab 5", "", KILLED),
    "forktest": ("lab 5", "", ""),
    "forktree": ("lab 5", "getpid, yield", ""),
    "hello": ("lab 5", "getpid", ""),
    "pgdir": ("lab 5", "print_pgdir", ""),
    "softint": ("lab 5", "", ENDS),
    "spin": ("lab 5", "kill, yield", ""),
    "testbss": ("lab 5", "a large bss", ENDS),
    "waitkill": ("lab 5", "kill, waitpid", ""),
    "yield": ("lab 5", "yield", ""),
    "matrix": ("lab 6", "yield, rand", ""),
    "priority": ("lab 6", "lab6_setpriority, gettime_msec, kill", ""),
    "sleep": ("lab 7", "sleep, gettime_msec", ""),
    "sleepkill": ("lab 7", "sleep, kill", ""),
    "sh": ("lab 8", "open, read, close, dup2, __exec", STAYS),
    "ls": ("lab 8 (x86)", "open, fstat, opendir, readdir, getcwd, " + DISK, ""),
    "sfs_filetest1": ("lab 8 (x86), plus", "open, read, write, seek, fstat, " + DISK, ""),
    "sfs_filetest2": ("plus", "seek to 8 MiB: double indirection, " + DISK, ""),
    "sfs_filetest3": ("plus", "link, unlink while open, fstat, " + DISK, ""),
    "sfs_dirtest1": ("plus", "chdir, getcwd, /testdir/test, " + DISK, ""),
    "sfs_dirtest2": ("plus", "mkdir, open with O_EXCL, " + DISK, ""),
    "sfs_dirtest3": ("plus", "rename, " + DISK, ""),
    "sfs_exectest1": ("plus", "exec of /testbin, " + DISK, ""),
    "sfs_exectest2": ("plus", "exec of /testbin, " + DISK, ""),
    "semtest": ("plus", "sem_init, sem_post, sem_wait", ""),
    "semtest2": ("plus", "sem_wait, sem_free", ""),
    "semtest3": ("plus", "sem_wait_timeout", ""),
    "semtest4": ("plus", "sem_get_value", ""),
    "pipetest": ("plus", "pipe, dup2, close", ""),
    "pipetest2": ("plus", "pipe, dup2, close", ""),
    "swaptest": ("plus", "5 MiB in each of 10 children", ""),
    "cat": ("plus", "open, read, " + DISK, ENDS),
    "cp": ("plus", "open, read, write, " + DISK, ENDS),
    "echo": ("plus", "arguments", ""),
    "mkdir": ("plus", "mkdir, " + DISK, ENDS),
    "link": ("plus", "link, " + DISK, ENDS),
    "rename": ("plus", "rename, " + DISK, ENDS),
    "pwd": ("plus", "getcwd, " + DISK, ""),
    "unlink": ("plus", "unlink, " + DISK, ENDS),
}
# Those of which it is known that they do not pass as they are; docs/ucore.md tells more.
DIFFERS = {
    "badarg": "it asks that waitpid(-1) is an error; here that is any child",
    "sh": "it goes on behind the end of a line: strchr(s, 0) is not NULL here",
}
TYPED = "\n\n\nhello\nhello\n"      # for a shell; the first lines may come before it reads


class UcoreError(Exception):
    """It cannot be tried; the text says why, and what to do."""


class Program:
    """One program of the folder.

    name, source   and its path
    expect, input  what its output must have, and what is typed
    problem        why it does not compile or does not pass; "" if it does both
    compiles       whether it compiles and links
    """

    def __init__(self, folder, name):
        self.name, self.source = name, os.path.join(folder, name + ".c")
        lines = self.text(folder, ".expect").split("\n")
        self.expect = [regex(line) for line in lines if line]
        self.input = self.text(folder, ".input")
        self.compiles, self.problem = False, ""
        if not self.input and self.end == STAYS:
            self.input = TYPED

    def text(self, folder, ending):
        """What is beside it in a file of this ending; "" if there is none."""
        path = os.path.join(folder, self.name + ending)
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()

    @property
    def end(self):
        """How it must end, by KNOWN; "" is exit code 0."""
        return KNOWN.get(self.name, ("", "", ""))[2]

    def test(self, folder):
        """The test of it, with the disk that is made of this folder."""
        return Test(self.name, prog=self.name, reports=False, input=self.input, cpu=CPU,
                    limit=SHORT if self.end == STAYS else LIMIT, expect=self.expect,
                    disk=Disk(size="24M", inodes=1024, folder=folder))


def programs_of(folder, names):
    """The Programs of a folder, all or these."""
    if not os.path.isdir(folder):
        raise UcoreError("%s is no folder: name one that has the programs' *.c" % folder)
    there = sorted(name[:-2] for name in os.listdir(folder) if name.endswith(".c"))
    bad = [name for name in there if not re.fullmatch(r"[\w.+-]+", name)]
    if bad:
        raise UcoreError("%s.c: a program's name has letters, digits and _ . + -" % bad[0])
    for name in names:
        if name not in there:
            raise UcoreError("there is no %s.c in %s" % (name, folder))
    if not there:
        raise UcoreError("there is no program in %s: it has no *.c" % folder)
    try:
        return [Program(folder, name) for name in names or there]
    except re.error as error:
        raise UcoreError("a line of a .expect in %s is no pattern: %s" % (folder, error))


def make_tree(tree, programs, toolchain):
    """A tree for the compiler: this one's libraries and rules, and in user/ these programs."""
    objects = os.path.join(tree, "obj", toolchain)
    os.makedirs(os.path.join(tree, "user"))
    os.makedirs(objects)
    for name in ("kern", "libs", "tools", os.path.join("user", "libs")):
        os.symlink(os.path.join(TOP, name), os.path.join(tree, name))
    shutil.copy(os.path.join(TOP, "obj", toolchain, "config.mk"), objects)
    for program in programs:
        shutil.copy(program.source, os.path.join(tree, "user"))


def compile_one(tree, program, toolchain):
    """Compile and link it, and note what is wrong."""
    target = "obj/%s/image/%s" % (toolchain, program.name)
    result = subprocess.run(["make", "-s", "-r", "-f", "tools/build.mk", "TC=" + toolchain, target],
                            cwd=tree, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)
    program.compiles = result.returncode == 0
    if not program.compiles:
        lines = [line for line in result.stdout.decode("utf-8", "replace").split("\n")
                 if re.search(r"error: |undefined reference|multiple definition", line)]
        program.problem = re.sub(r"^.*?(?=user/|undefined|multiple)", "",
                                 lines[0] if lines else "make failed")


def fill_disk(folder, tree, programs, toolchain, disk):
    """Put into the folder `disk` what is on the disk of each machine."""
    own = os.path.join(folder, "disk")
    if os.path.isdir(own):
        shutil.copytree(own, disk)
    for name in ("bin", "testbin", os.path.join("testdir", "test")):
        os.makedirs(os.path.join(disk, name), exist_ok=True)
    for program in programs:
        if program.compiles:
            image = os.path.join(tree, "obj", toolchain, "image", program.name)
            for place in ("", "bin", "testbin"):
                target = os.path.join(disk, place, program.name)
                if not os.path.exists(target):
                    shutil.copy(image, target)


def reason(program, outcome, text):
    """Why it does not pass, in a line, by the outcome and all that was printed; "" if it does."""
    killed = re.search(r"\(pid 2\) was killed: (.*)", text) or \
        re.search(r"was killed: (.*)", text)
    code = re.search(r"init ended with code (-?\d+)", text)
    if outcome.verdict == Verdict.SETUP:
        raise UcoreError("%s cannot be run: %s" % (program.name, "; ".join(outcome.reasons)))
    if program.end == STAYS and outcome.verdict in (Verdict.HANG, Verdict.WRONG):
        return "" if re.search("(?mi)^hello", text) else "what was typed has no effect"
    if outcome.verdict not in (Verdict.OK, Verdict.WRONG) or not code:
        return "; ".join([outcome.verdict] + outcome.reasons[:1])
    others = [each for each in outcome.reasons if "to exit with code" not in each]
    if others:
        return others[0]
    if program.end == KILLED:
        return "" if killed else "it was not killed, but ended with code %s" % code.group(1)
    if code.group(1) != "0" and program.end != ENDS:
        return "it was killed: %s" % killed.group(1) if killed else \
            "it ended with code %s" % code.group(1)
    return ""


def run_all(programs, disk, objects, qemu, folder, jobs):
    """Boot a machine for each program that compiles."""
    by_test = {program.test(disk): program for program in programs if program.compiles}

    def take(outcome):
        program, text = by_test[outcome.test], ""
        if os.path.exists(outcome.log):
            with open(outcome.log, encoding="utf-8", errors="replace") as file:
                text = file.read()
        program.problem = reason(program, outcome, text)

    if by_test:
        runner = Runner(list(by_test), Judge(Host(objects, qemu, folder)), jobs, objects)
        runner.run(take, lambda *_: None)


def table(rows):
    """A table in Markdown; the first row is its head."""
    return "\n".join("| %s |" % " | ".join(row) for row in rows[:1] + [["---"] * len(rows[0])]
                     + rows[1:])


def known():
    """The table of what is known of the courses' programs."""
    ends = {"": "with 0", KILLED: "by a fault", ENDS: "in any way", STAYS: "at its prompt"}
    return table([["program", "from", "needs", "must end", "differs"]] + [
        [name, origin, needs or "nothing more", ends[end], DIFFERS.get(name, "")]
        for name, (origin, needs, end) in KNOWN.items()])


def results(programs):
    """The table of what was found."""
    return table([["program", "from", "compiles", "passes", "why not"]] + [
        [each.name, KNOWN.get(each.name, ("-",))[0], "yes" if each.compiles else "no",
         "yes" if each.compiles and not each.problem else "no",
         each.problem.replace("|", "\\|") + (
             " (as docs/ucore.md says)" if each.problem and each.name in DIFFERS else "")]
        for each in programs])


def arguments():
    parser = argparse.ArgumentParser(description="Try the programs of a ucore course.")
    add = parser.add_argument
    add("folder", nargs="?", help="with the programs' *.c")
    add("names", nargs="*", metavar="NAME", help="only these")
    add("--known", action="store_true", help="the programs that are known, and what they need")
    add("--objects", default="obj/unknown-elf", help="where the kernel is built; %(default)s")
    add("--qemu", default="qemu-system-riscv64", help="%(default)s")
    add("--jobs", type=int, default=os.cpu_count() or 1, metavar="N",
        help="so many machines at once")
    options = parser.parse_args()
    if not options.known and not options.folder:
        parser.error("name a folder with programs, or --known")
    if options.jobs < 1:
        parser.error("--jobs: a number from 1 on")
    return options


def main():
    options = arguments()
    if options.known:
        print(known())
        return 0
    programs = programs_of(options.folder, options.names)
    objects = os.path.join(TOP, options.objects)
    if not os.path.exists(os.path.join(objects, "kernel")):
        raise UcoreError("%s has no kernel: run make build" % options.objects)
    toolchain = os.path.basename(os.path.normpath(objects))
    with scratch.folder("ucore") as folder:
        tree, disk = os.path.join(folder, "tree"), os.path.join(folder, "disk")
        make_tree(tree, programs, toolchain)
        for program in programs:
            compile_one(tree, program, toolchain)
        fill_disk(options.folder, tree, programs, toolchain, disk)
        run_all(programs, disk, objects, options.qemu, folder, options.jobs)
    print(results(programs))
    wrong = sum(bool(each.problem) for each in programs)
    print("\n%d programs: %d compile, %d pass" % (
        len(programs), sum(each.compiles for each in programs), len(programs) - wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(cli.run("ucore", main, (UcoreError, ImageError)))
