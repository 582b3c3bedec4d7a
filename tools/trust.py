#!/usr/bin/env python3
"""What stands behind "trusted": each figure of docs/trust.md, and the command that reproduces it.

    trust.py                    the commands, and what each has said last
    trust.py --run [NAME ...]   run these, or all, one after the other: hours
    trust.py --run --write      and put what they say into docs/trust.md

A command has done its work if it ends with status 0 and its last lines say what they should. Its
row in the table is then this sentence, and the CPU time of all its processes. A row that was not
run again keeps what it said. A command that fails ends the run, and its row stays as it was; those
before it are written. All that a command printed is in obj/trust/NAME.log.
"""
import argparse
import collections
import os
import re
import resource
import subprocess
import sys

import cli

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGE = "docs/trust.md"
BEGIN, END = "<!-- by tools/trust.py --run --write -->\n", "<!-- end of what they said -->"
HEAD = "\n| What is tried | Command | It said | CPU time |\n| --- | --- | --- | --- |\n"
UNKNOWN = "not run yet", "-"
OBJECTS = "obj/unknown-elf"
LOGS = "obj/trust"

# name, what is tried, the command from the root of the tree, the form of the line that it closes
# with. "..." in a form is any text.
Claim = collections.namedtuple("Claim", "name what command form")
CLAIMS = [
    Claim("grade", "all tests, one boot each",
          "make grade GRADE=--all", "... tests: ... passed, 0 failed"),
    Claim("checked", "the same in a checked build, on one hart",
          'make grade CHECK=1 GRADE="--all --one-hart"', "... tests: ... passed, 0 failed"),
    Claim("seeds", "tests with seeds, ten times as many",
          'make grade GRADE="--all --long"', "... tests: ... passed, 0 failed"),
    Claim("faults", "memory and disk fail at each point, one by one",
          "python3 tools/faults.py --write", "... runs, ... faults, 0 panics, ..."),
    Claim("fuzz", "random system calls",
          "python3 tools/fuzz.py", "... calls, ... boots: 0 panics, ..."),
    Claim("pageseeds", "random memory while pages go to the disk, by seeds",
          "python3 tools/pageseeds.py", "... seeds: ..., 0 wrong"),
    Claim("fsops", "random operations on files, compared with a model",
          "python3 tools/fsops.py 1000", "... seeds in ... boots, of which 0 failed"),
    Claim("powercut", "power failures of a disk of QEMU's",
          "python3 tools/powercut.py --scripts 8 --states 3000 --boots 40", "... 0 mistakes..."),
    Claim("litmus", "interleavings, by the memory model",
          "python3 tools/litmus.py", "... litmus tests: ... interleavings; 0 wrong"),
    Claim("dataraces", "accesses of several harts, watched",
          "python3 tools/dataraces.py", "... runs, ... accesses watched, 0 races"),
    Claim("hosted", "damaged input to the kernel's parsers, under sanitizers",
          "python3 tools/hosted.py", "... inputs to ... targets: 0 targets failed"),
    Claim("coverage", "lines of these parsers that the tests reach",
          "python3 tools/hosted.py --coverage", "... lines in ... files are reached, ... %"),
    Claim("programs", "damaged programs, executed in the guest",
          "make run APPEND=selftest=program-mutated-long",
          "... changed programs: ... loaded, ... refused, 0 panics"),
    Claim("disks", "damaged disks, mounted in the guest",
          "make run APPEND=selftest=sfs-damage-long",
          "... damaged disks: ... mounted and used, 0 panics"),
    Claim("badboot", "damaged device trees and boot arguments",
          "python3 tools/badboot.py %s --runs 600" % OBJECTS, "... boots: ..., 0 faults"),
    Claim("badinput", "damaged input to the tools of the host",
          "python3 tools/badinput.py --runs 250", "... damaged inputs of ..., 0 faults"),
    Claim("misbehave", "harts, interrupts and devices that misbehave",
          "python3 tools/check_misbehave.py %s" % OBJECTS,
          "... machines that misbehave: ..., 0 failed"),
    Claim("matrix", "compilers, options and processors",
          "python3 tools/matrix.py", "... builds, 0 that fail; ... 0 failed"),
    Claim("mutants", "wrong solutions, as students write them: one of each exercise",
          "python3 tools/exercise/mutants.py --sample",
          "... mutants: ... caught, 0 survived, 0 broken"),
    Claim("automutate", "wrong solutions, by rule: 60 by chance, of 2,600",
          "python3 tools/exercise/automutate.py --sample 60", "... of ... caught..."),
    Claim("races", "races, planted", "python3 tools/races.py", "... planted: ..., 0 not found"),
    Claim("crashes", "faults that only a power failure shows, planted",
          "python3 tools/crashes.py", "... planted: ..., 0 not found"),
    Claim("hosted-planted", "faults of parsers, planted",
          "python3 tools/hosted.py --plant", "... planted: ..., 0 not found"),
    Claim("checked-planted", "faults for the checked build, planted",
          "python3 tools/checked.py", "... planted: ..., 0 not found"),
    Claim("dataraces-planted", "races for the race detector, planted",
          "python3 tools/dataraces.py --planted", "... planted: ..., 0 not found"),
    Claim("fuzz-planted", "faults for the random calls, planted",
          "python3 tools/fuzz_faults.py --write", "... planted: ..., 0 not found"),
    Claim("faults-planted", "forgotten frees and rollbacks, planted",
          "python3 tools/faults_planted.py --write", "... planted: ..., 0 not found"),
]


class TrustError(Exception):
    """A command did not do its work, or the page is not what it should be; the text is for the
    user."""


def matches(form, line):
    """Does a line have this form?"""
    return re.fullmatch(".*".join(map(re.escape, form.split("..."))), line) is not None


def log_of(claim):
    """Where all is that the claim's command prints."""
    os.makedirs(os.path.join(ROOT, LOGS), exist_ok=True)
    return os.path.join(ROOT, LOGS, claim.name + ".log")


def closing_line(claim, said):
    """The last line of the output that has the claim's form; TrustError if none has."""
    lines = [line.strip() for line in said.split("\n")]
    for line in reversed(lines):
        if matches(claim.form, line):
            return line
    raise TrustError("%s: `%s` did not say \"%s\"; it closed with: %s (see %s)" % (
        claim.name, claim.command, claim.form, next(filter(None, reversed(lines)), "nothing"),
        log_of(claim)))


def run(claim):
    """Run the command of a claim: its sentence, and the CPU seconds of all its processes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = subprocess.run(claim.command, shell=True, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = result.stdout.decode("utf-8", "replace")
    with open(log_of(claim), "w", encoding="utf-8") as file:
        file.write(said)
    sentence = closing_line(claim, said)
    if result.returncode != 0:
        raise TrustError("%s: `%s` ended with status %d (see %s)" % (
            claim.name, claim.command, result.returncode, log_of(claim)))
    return sentence, (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def words_of(seconds):
    """CPU time as a teacher would say it."""
    return "%d s" % round(seconds) if seconds < 100 else "%d min" % round(seconds / 60)


def cells(text):
    """The text between the marks of the page, as {command: (sentence, time)}."""
    rows = {}
    for line in text.split("\n"):
        row = [cell.strip() for cell in line.strip("| ").split(" | ")]
        if len(row) == 4 and row[1].startswith("`"):
            rows[row[1].strip("`")] = row[2], row[3]
    return rows


def read_page():
    """The page: what is before the table, its rows, and what is behind it."""
    with open(os.path.join(ROOT, PAGE), encoding="utf-8") as file:
        before, found, rest = file.read().partition(BEGIN)
    if not found or END not in rest:
        raise TrustError("%s has no marks of the table" % PAGE)
    table, _, after = rest.partition(END)
    return before, cells(table), after


def table_of(rows):
    """The table of all claims."""
    return HEAD + "".join("| %s | `%s` | %s | %s |\n" % (
        (claim.what, claim.command) + rows.get(claim.command, UNKNOWN))
        for claim in CLAIMS) + "\n"


def write_row(claim, row):
    """Put a row into the page, as it is now: other runs may have written theirs meanwhile."""
    before, rows, after = read_page()
    rows[claim.command] = row
    with open(os.path.join(ROOT, PAGE), "w", encoding="utf-8") as file:
        file.write(before + BEGIN + table_of(rows) + END + after)


def chosen(names):
    """The claims of these names, or all."""
    known = {claim.name: claim for claim in CLAIMS}
    for name in names:
        if name not in known:
            raise TrustError("there is no command named %s; there are: %s" % (
                name, " ".join(known)))
    return [known[name] for name in names] or CLAIMS


def main():
    """The command; its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help="of a command; without: all")
    add("--run", action="store_true", help="run them; else only tell what they said last")
    add("--write", action="store_true", help="put what they say into " + PAGE)
    options = parser.parse_args()
    if options.write and not options.run:
        parser.error("--write is for what --run finds")
    os.chdir(ROOT)
    rows = read_page()[1]
    for claim in chosen(options.names):
        if options.run:
            sentence, seconds = run(claim)
            rows[claim.command] = sentence, words_of(seconds)
        sentence, time = rows.get(claim.command, UNKNOWN)
        print("%-18s %s\n%18s %s (CPU time %s)" % (claim.name, claim.command, "", sentence, time),
              flush=True)
        if options.write:
            write_row(claim, rows[claim.command])
    return 0


if __name__ == "__main__":
    sys.exit(cli.run("trust", main, (TrustError,)))
