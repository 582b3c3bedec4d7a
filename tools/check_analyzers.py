#!/usr/bin/env python3
"""Look for mistakes in kern/ and libs/ with three analyzers, which follow the paths through code.

    check_analyzers.py [FILE...]        all of kern/ and libs/, or these C files

They are gcc -fanalyzer, clang --analyze and cppcheck: each finds what another does not, for example
a pointer that is NULL on one path, memory that is leaked, a variable that is read before it is set.
What a function allocates, they know by __freed_by() of libs/defs.h. The check fails if one of them
has anything to say that is not in check_analyzers.txt, the list of false alarms with a reason for
each; and, if all files are looked at, for a line of the list that fits nothing any more. It takes
four minutes of CPU time, most of it in clang. tools/setup.sh --all installs what it needs.
"""
import collections
import fnmatch
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import cli

ALARMS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "check_analyzers.txt")
SOURCES = ("kern/*/*.c", "libs/*.c")
# Optimized code has lost some mistakes before gcc's analyzer sees it. The two warnings left out say
# once more what the analyzer says.
GCC = ["-O0", "-DANALYZED", "-fanalyzer", "-Wno-use-after-free", "-Wno-mismatched-dealloc",
       "-fdiagnostics-plain-output", "-c", "-o", os.devnull]
CLANG = ["-DANALYZED", "--analyze", "--analyzer-output", "text", "-o", os.devnull]
CPPCHECK = ["cppcheck", "-q", "--enable=warning,performance,portability", "--std=c11",
            "--platform=unix64", "-DANALYZED", "-Ikern", "-Ilibs",
            "--template={file}:{line}:1: warning: {message} [{id}]"]
# Compilers add "In file included from" and notes with the path; only the lines that say what is
# wrong are kept. In brackets at the end is the rule, which errors have not.
SAID = re.compile(r"^([^\s:][^:]*):(\d+):(?:\d+:)? (?:warning|error|fatal error): (.*?)"
                  r"(?: \[([^\[\]]*)\])?$", re.M)

Finding = collections.namedtuple("Finding", "tool rule path line message")


class AnalyzerError(Exception):
    """What keeps the check from being made; the text is for the user."""


class Alarm:
    """A false alarm: `TOOL RULE FILE TEXT`, which are patterns of the shell but for TEXT, a part of
    the message. The reason comes below it, indented."""

    def __init__(self, number, line):
        words = line.split(None, 3)
        if len(words) < 3:
            raise AnalyzerError("%s:%d: give an analyzer, a rule, a file, and a part of the message"
                                % (ALARMS, number))
        self.number, self.patterns = number, words[:3]
        self.text = words[3] if len(words) > 3 else ""
        self.reason = ""
        self.used = False

    def fits(self, finding):
        return (all(fnmatch.fnmatchcase(value, pattern) for value, pattern in
                    zip((finding.tool, finding.rule, finding.path), self.patterns))
                and self.text in finding.message)


def read_alarms(text):
    """The Alarms of the list of false alarms; AnalyzerError if one has no reason."""
    alarms = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith((" ", "\t")) and alarms:
            alarms[-1].reason += line.strip() + " "
        elif line.strip() and not line.startswith("#"):
            alarms.append(Alarm(number, line))
    for alarm in alarms:
        if not alarm.reason.strip():
            raise AnalyzerError("%s:%d: no reason is given below it, indented"
                                % (ALARMS, alarm.number))
    return alarms


def run(command):
    """What a command prints. It may fail: then it says why in a line that is a finding."""
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, env=dict(os.environ, LC_ALL="C"))
    return result.returncode, result.stdout.decode("utf-8", "replace")


def options(toolchain):
    """The command by which the kernel is compiled with this toolchain."""
    status, said = run(["tools/probe.sh", "toolchain", toolchain])
    if status != 0:
        raise AnalyzerError("%s (for the analyzers: tools/setup.sh --all)" % said.strip())
    flags = "obj/%s/flags" % toolchain
    status, said = run(["make", "-s", "-r", "-f", "tools/build.mk", "TC=" + toolchain, flags])
    if status != 0:
        raise AnalyzerError("%s cannot be made: %s" % (flags, said.strip()))
    with open(flags) as file:
        return file.readline().split()


def find_analyzers():
    """{tool: command to which a file is added}"""
    if shutil.which("cppcheck") is None:
        raise AnalyzerError("cppcheck is not installed: run tools/setup.sh --all")
    try:
        gcc = options("unknown-elf")
    except AnalyzerError:
        gcc = options("linux-gnu")
    status, said = run(gcc[:1] + ["-fanalyzer", "-fsyntax-only", "-x", "c", os.devnull])
    if status != 0:
        raise AnalyzerError("%s has no -fanalyzer: %s" % (gcc[0], said.strip()))
    return {"gcc": gcc + GCC, "clang": options("clang") + CLANG, "cppcheck": CPPCHECK}


def analyze(tool, command, path):
    """[Finding]: what one analyzer says of one file and the headers that it includes. What only a
    checked build has is looked at as it is there."""
    checked = ["-DCHECK"] if path.startswith("kern/check/") else []
    status, said = run(command + checked + [path])
    found = [Finding(tool, rule or "error", os.path.relpath(where), int(line), message)
             for where, line, message, rule in SAID.findall(said)]
    if status != 0 and not found:
        found.append(Finding(tool, "error", path, 1, "it fails: " + said.strip()[-500:]))
    return found


def look(paths, analyzers):
    """[Finding] of all files, sorted, each once: headers are looked at with each file."""
    with tempfile.TemporaryDirectory() as folder, \
            ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        # cppcheck is no compiler; it learns from one what __UINTPTR_TYPE__ is.
        macros = os.path.join(folder, "macros.h")
        status, said = run([word for word in analyzers["gcc"] if word.startswith(("-m", "riscv"))]
                           + ["-dM", "-E", "-x", "c", os.devnull])
        with open(macros, "w") as file:
            file.write(said if status == 0 else "")
        commands = dict(analyzers, cppcheck=analyzers["cppcheck"] + ["--include=" + macros])
        # The slowest first, so that no hart is left alone with it.
        jobs = [(tool, commands[tool], path) for tool in ("clang", "gcc", "cppcheck")
                for path in paths]
        found = {finding for findings in pool.map(lambda job: analyze(*job), jobs)
                 for finding in findings}
    return sorted(found, key=lambda each: (each.path, each.line, each.tool, each.message))


def judge(findings, alarms, all_files):
    """The lines to print: findings that no alarm explains, and alarms that explain nothing."""
    for finding in findings:
        fitting = [alarm for alarm in alarms if alarm.fits(finding)]
        for alarm in fitting:
            alarm.used = True
        if not fitting:
            yield "%s:%d: %s: %s [%s]" % (finding.path, finding.line, finding.tool,
                                          finding.message, finding.rule)
    for alarm in alarms if all_files else ():
        if not alarm.used:
            yield "%s:%d: no analyzer says that any more: take it out" % (
                os.path.relpath(ALARMS), alarm.number)


def main():
    paths = sys.argv[1:] or sorted(path for each in SOURCES for path in glob.glob(each))
    for path in paths:
        if not os.path.isfile(path) or not path.endswith(".c"):
            raise AnalyzerError("%s is no C file" % path)
    with open(ALARMS, encoding="utf-8") as file:
        alarms = read_alarms(file.read())
    findings = look(paths, find_analyzers())
    errors = list(judge(findings, alarms, not sys.argv[1:]))
    return cli.tell(errors, "%d files, 3 analyzers, %d false alarms, %d findings" % (
        len(paths), sum(1 for each in findings if any(alarm.fits(each) for alarm in alarms)),
        len(errors)))


if __name__ == "__main__":
    sys.exit(cli.run("check_analyzers", main, (AnalyzerError,)))
