#!/usr/bin/env python3
"""Build and run kernel and programs as other compilers, options and processors want them.

    matrix.py [--sample] [--write] [--jobs 2]

One table has the builds: three compilers, with -O1, -O2, -O3 and -Os, kernel and programs with
compressed instructions and without. The other one has the processors of QEMU's -cpu that differ in
what a kernel can notice, each with the kernel of `make`, and of a build for it if it needs one.
Each pair of a build and a processor runs TESTS, and each test boots a machine. --write puts the
tables into docs/matrix.md. --sample is for .ci/run: one build that differs in all, and some
processors.

What a processor cannot do is found out by trying, not assumed: QEMU refuses an option, or its
firmware prints nothing. Builds stay in obj/matrix, so that a second run only boots machines.
"""
import argparse
import copy
import os
import re
import subprocess
import sys
import tempfile

import cli
from grader import processor
from grader.host import Host
from grader.image import ImageError
from grader.judge import Judge
from grader.runner import Runner
from labs import catalogue

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGE = os.path.join(ROOT, "docs", "matrix.md")
BEGIN = "<!-- tables: made by tools/matrix.py --write -->\n"
END = "<!-- end of the tables -->\n"
COMPILERS, LEVELS = ("unknown-elf", "linux-gnu", "clang"), ("-O1", "-O2", "-O3", "-Os")
# Traps, memory, copy-on-write, exec, signals of the clock, synchronisation, files and paging.
TESTS = ("hello", "backtrace-calls", "exceptions", "cow", "forktest", "libc", "condvars",
         "pipe-ring", "fromfile", "mapfile-many", "swaptest")
# For each processor, too: the bits A and D, and what a TLB keeps, are its own.
BY_PROCESSOR = ("pageout", "swap-clock-flush")
SLOWER = 3                      # limits are for -O2: a test may take so many times as long
FIRMWARE_SECONDS = 3            # of CPU time until the kernel must have begun, many times enough
# At this level GCC warns of what it does not see through: each of the five was looked at.
UNSURE = {"-O3": " -Wno-maybe-uninitialized -Wno-array-bounds"}
COMPRESSED, PLAIN = "c", "-"
NAMES = {COMPRESSED: "compressed", PLAIN: "plain"}

# QEMU's -cpu, and what it is for a kernel. The first SAMPLE are in --sample.
SAMPLE = 7
PROCESSORS = (
    ("rv64", "as QEMU has it"),
    ("rv64,sstc=off", "the clock is set by the firmware"),
    ("rv64,f=off,d=off", "no floating-point registers"),
    ("rv64,pmp=off", "no physical memory protection"),
    ("rv64,c=off", "no compressed instructions"),
    ("rv64,svadu=off", "accessed and dirty bits by page faults"),
    ("sifive-u54", "a core of SiFive"),
    ("rv64,f=off,d=off,zfinx=on,zdinx=on", "floating point in the integer registers"),
    ("rv64,d=off", "floating point in single precision only"),
    ("rv64,zba=off,zbb=off,zbc=off,zbs=off", "no bit manipulation"),
    ("rv64,v=on", "vector registers"),
    ("rv64,h=off", "no hypervisor extension"),
    ("rv64,svnapot=on,svpbmt=on", "more bits in page tables"),
    ("rv64,svinval=on", "instructions that invalidate a TLB in steps"),
    ("rv64,Zifencei=off", "no fence.i"),
    ("rv64,a=off", "no atomic instructions"),
    ("rv64,svade=on,svadu=off", "the same, as a newer QEMU names it"),
    ("rv64,sv48=off", "page tables of three levels only"),
    ("thead-c906", "a core of T-Head"),
    ("shakti-c", "a core of IIT Madras"),
    ("max", "all that QEMU has"),
)
# (processor, test): why it may fail there, which is no fault of the kernel.
EXCUSED = {
    ("rv64,svinval=on", "exceptions"):
        "QEMU 7.2 lets programs run sfence.w.inval, which the architecture forbids",
}


class MatrixError(Exception):
    """What keeps the tables from being made; the text is for the user."""


class Build:
    """One way to build the tree.

    words    its name, as tables have it
    objects  the folder with the kernel, when make() has been called
    problem  None, or why it does not build
    """

    def __init__(self, compiler, level="-O2", kernel=COMPRESSED, programs=COMPRESSED, more=""):
        self.compiler, self.level, self.more = compiler, level, more
        self.kernel, self.programs, self.problem = kernel, programs, None
        self.name = "%s%s-%s-%s%s" % (compiler, level, NAMES[kernel], NAMES[programs], more)
        self.is_default = (level, kernel, programs, more) == ("-O2", COMPRESSED, COMPRESSED, "")
        self.target = compiler if self.is_default else "matrix/" + self.name
        self.objects = os.path.join("obj", self.target)
        self.words = self.name if not self.is_default else compiler

    def config(self, text):
        """The text of config.mk for this build, from that of its compiler."""
        for variable, kind in (("ARCH", self.kernel), ("ARCH_FP", self.programs)):
            found = re.search(r"^%s +:= -march=(rv64ima(?:fd)?)c(\S*)(.*)$" % variable, text, re.M)
            if not found:
                raise MatrixError("obj/%s/config.mk has no -march for %s" % (
                    self.compiler, variable))
            base, rest, behind = found.groups()
            text = text.replace(found.group(), "%-8s := -march=%s%s%s%s%s %s" % (
                variable, base, "c" if kind == COMPRESSED else "", rest, self.more, behind,
                self.level + (UNSURE.get(self.level, "") if self.compiler != "clang" else "")))
        return text

    def make(self, jobs):
        """Build it; a warning is a problem too."""
        if run(["tools/probe.sh", "toolchain", self.compiler])[0] != 0:
            self.problem = "%s is not installed" % self.compiler
            return
        if not self.is_default:
            os.makedirs(self.objects, exist_ok=True)
            with open("obj/%s/config.mk" % self.compiler, encoding="utf-8") as file:
                text = self.config(file.read())
            path = os.path.join(self.objects, "config.mk")
            if not os.path.exists(path) or open(path, encoding="utf-8").read() != text:
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
        status, said = run(["make", "-s", "-r", "-f", "tools/build.mk", "TC=" + self.target,
                            "WERROR=1", "-j%d" % jobs], env=dict(os.environ, MAKEFLAGS=""))
        if status != 0 or "warning" in said:
            lines = re.findall(r"(?m)^.*(?:[Ee]rror: |warning: |undefined reference).*$", said)
            lines = lines or [said[-200:].replace("\n", "; ")]
            self.problem = "does not build: " + lines[0]


def run(command, **more):
    """Run a command: (exit status, all that it printed)."""
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, **more)
    return result.returncode, result.stdout.decode("utf-8", "replace")


class Matrix:
    """Boots machines, and counts.

    machines, passed, excused   how many machines ran, passed, and failed with an excuse
    pairs, refused              how many pairs of a build and a processor ran, or cannot be had
    """

    def __init__(self, options, folder):
        known = {test.name: test for lab in catalogue.load() for test in lab.tests}
        missing = [name for name in TESTS + BY_PROCESSOR if name not in known]
        if missing:
            raise MatrixError("there is no test %s" % missing[0])
        self.tests = [known[name] for name in TESTS]
        self.by_processor = [known[name] for name in BY_PROCESSOR]
        self.options, self.folder = options, folder
        self.machines = self.passed = self.excused = self.pairs = self.refused = 0
        self.problems = []

    def can_start(self, build, kind):
        """None, or why no kernel can run on this processor: what QEMU says, or that its firmware
        says nothing. The firmware tells of itself before it starts the kernel."""
        command = ["sh", "-c", "ulimit -t %d; exec \"$@\"" % FIRMWARE_SECONDS, "sh",
                   self.options.qemu, "-machine", "virt", "-bios", "default", "-display", "none",
                   "-monitor", "none", "-nic", "none", "-serial", "stdio", "-m", "128M",
                   "-icount", "shift=3,sleep=off", "-kernel", build.objects + "/kernel", "-append",
                   "init=true"] + processor.options(self.options.qemu, kind)
        try:
            _, said = run(command, timeout=20)
        except subprocess.TimeoutExpired as error:
            said = (error.output or b"").decode("utf-8", "replace")
        refused = re.search(r"^qemu-system-\S+: (?:can't apply global \S+: )?(.*)", said, re.M)
        if refused:
            return "QEMU: " + refused.group(1).strip()
        if "OpenSBI" not in said:
            return "the firmware prints nothing"
        return None if "rvlab" in said else "the firmware does not start the kernel"

    def pair(self, build, kind):
        """Run the tests of a build on a processor, or "" for QEMU's: what the table has to say."""
        if build.problem:
            self.problems.append("%s %s" % (build.words, build.problem))
            return build.problem
        why = self.can_start(build, kind)
        if why:
            self.refused += 1
            return "cannot be had: " + why
        tests = []
        for test in self.tests + (self.by_processor if kind else []):
            test = copy.copy(test)
            test.processor, test.limit, test.cpu = kind, SLOWER * test.limit, SLOWER * test.cpu
            tests.append(test)
        failed, excuses = [], []

        def take(outcome):
            excuse = EXCUSED.get((kind, outcome.test.name))
            self.machines += 1
            self.passed += outcome.passed
            if not outcome.passed and excuse:
                self.excused += 1
                excuses.append("; %s may fail: %s" % (outcome.test.name, excuse))
            elif not outcome.passed:
                failed.append(outcome.test.name)
                self.problems.append("%s on %s: %s, %s: %s" % (
                    build.words, kind or "rv64", outcome.test.name, outcome.verdict,
                    "; ".join(outcome.reasons[:2])))

        Runner(tests, Judge(Host(build.objects, self.options.qemu, self.folder)),
               self.options.jobs, build.objects).run(take, lambda *_: None)
        self.pairs += 1
        return "%d of %d" % (len(tests) - len(failed) - len(excuses), len(tests)) + (
            ": not " + ", ".join(failed) if failed else "") + "".join(excuses)


def all_builds():
    """The builds of the first table."""
    for compiler in COMPILERS:
        for level in LEVELS:
            yield Build(compiler, level)
        yield Build(compiler, "-O2", PLAIN, COMPRESSED)
        yield Build(compiler, "-O2", COMPRESSED, PLAIN)
        yield Build(compiler, "-Os", PLAIN, PLAIN)
        yield Build(compiler, more="_zba_zbb_zbs")


def table(head, rows):
    """A table of Markdown."""
    lines = [head, ["---"] * len(head)] + [list(row) for row in rows]
    return "".join("| %s |\n" % " | ".join(line) for line in lines)


def build_rows(matrix, builds):
    """The rows of the first table."""
    for build in builds:
        build.make(matrix.options.jobs)
        row = (build.compiler + (", Zba, Zbb, Zbs" if build.more else ""), build.level,
               NAMES[build.kernel], NAMES[build.programs], matrix.pair(build, ""))
        print("%-28s %s  kernel %-10s  programs %-10s  %s" % row, flush=True)
        yield row


def processor_rows(matrix, build, plain):
    """The rows of the second table; `plain` is the build without compressed instructions."""
    for kind, about in PROCESSORS[:SAMPLE] if matrix.options.sample else PROCESSORS:
        used = plain if "c=off" in kind.split(",") else build
        row = "`%s`" % kind, about, matrix.pair(used, kind)
        print("%-40s %-44s %s" % row, flush=True)
        yield row


def write(text):
    """Put the tables into their page."""
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    before, rest = page.split(BEGIN)
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(before + BEGIN + text + END + rest.split(END)[1])


def make_tables(options, folder):
    """The command; its exit status."""
    matrix = Matrix(options, folder)
    plain = Build("unknown-elf", "-Os", PLAIN, PLAIN)
    builds = [plain] if options.sample else list(all_builds())
    first = table(["compiler", "level", "kernel", "programs", "tests"],
                  build_rows(matrix, builds))
    default = Build("unknown-elf")
    default.make(options.jobs)
    second = table(["`-cpu`", "what it is", "tests"], processor_rows(
        matrix, default, next(build for build in builds if build.name == plain.name)))
    if options.write:
        write("\n%s\n%s\n" % (first, second))
    print("\n".join(matrix.problems))
    failed = matrix.machines - matrix.passed - matrix.excused
    unbuilt = sum(bool(build.problem) for build in builds)
    print("%d builds, %d that fail; %d pairs of a build and a processor, %d more that cannot be "
          "had; %d machines: %d passed, %d excused, %d failed" % (
              len(builds), unbuilt, matrix.pairs, matrix.refused, matrix.machines, matrix.passed,
              matrix.excused, failed))
    return 1 if failed or unbuilt else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--sample", action="store_true", help="one build, and some processors")
    add("--write", action="store_true", help="put the tables into docs/matrix.md")
    add("-j", "--jobs", type=int, default=os.cpu_count() or 1, help="%(default)s")
    add("--qemu", default="qemu-system-riscv64", help="%(default)s")
    options = parser.parse_args()
    if options.sample and options.write:
        parser.error("--write needs all builds")
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory(prefix="rvlab-") as folder:
        return make_tables(options, folder)


if __name__ == "__main__":
    sys.exit(cli.run("matrix", main, (MatrixError, ImageError, catalogue.LabError)))
