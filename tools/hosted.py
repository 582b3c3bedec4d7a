#!/usr/bin/env python3
"""The kernel's parsers on the host, where each access to memory is watched.

    hosted.py [TARGET ...]              unit tests; the kept inputs; RUNS inputs made from a seed,
                                        all with AddressSanitizer and UndefinedBehaviorSanitizer
    hosted.py --fuzz TARGET [--seconds N]   libFuzzer; what it learns is in obj/hosted/corpus
    hosted.py --coverage [--write]      which lines are reached, by file, into docs/hosted.md
    hosted.py --plant [--write] [NAME]  plants faults, one by one, and looks if they are found

tools/hosted/ has the targets, what stands for the rest of the kernel, and the kept inputs.
docs/hosted.md explains them. Nothing depends on time: a run from a seed is the same anywhere.
"""
import argparse
import concurrent.futures
import glob
import itertools
import os
import re
import shutil
import subprocess
import sys

import cli
import planting
from exercise.mutants import MutantError
from labs.catalogue import LabError

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HERE = os.path.join("tools", "hosted")
OUT = os.path.join("obj", "hosted")
PAGE = os.path.join("docs", "hosted.md")
FAULTS = os.path.join(HERE, "faults")
FS = ["kern/fs/%s.c" % name for name in (
    "cache", "journal", "journal_recovery", "inode", "iobuf", "swapfs", "sfs_bmap", "sfs_dir",
    "sfs_fs", "sfs_inode", "sfs_io", "sfs_map", "sfs_mmap", "sfs_names")]
# What each target is made of, beside COMMON. The last one has the unit tests.
COMMON = ["libs/printfmt.c", "libs/string.c", "libs/error.c", HERE + "/below.c"]
TARGETS = {
    "printf": [],
    "bootargs": ["kern/init/bootargs.c"],
    "fdt": ["kern/machine/fdt.c"],
    "journal": ["kern/fs/journal_recovery.c"],
    "elf": ["kern/process/program.c", "kern/process/symbols.c", "kern/fs/inode.c",
            "kern/fs/iobuf.c", HERE + "/space.c"],
    "sfs": FS + [HERE + "/sound.c"],
}
UNIT = ["kern/init/bootargs.c", "kern/machine/fdt.c", "kern/process/program.c",
        "kern/process/symbols.c", HERE + "/space.c", HERE + "/sound.c"] + FS
# Inputs that a run without options makes of the kept ones, and the longest of them.
RUNS = {"printf": 60000, "bootargs": 60000, "fdt": 60000, "journal": 60000, "elf": 100000,
        "sfs": 100000}
LONGEST = 16384
# The files whose coverage is told; the rest is what they stand on.
MEASURED = ["libs/printfmt.c", "libs/string.c", "kern/init/bootargs.c", "kern/machine/fdt.c",
            "kern/process/program.c", "kern/process/symbols.c"] + [
                name for name in FS if "sfs_" in name and "mmap" not in name or "recov" in name]
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
KERNEL = ["-std=gnu11", "-Wall", "-Wextra", "-Wshadow", "-Werror", "-ffreestanding", "-nostdinc",
          "-fno-builtin", "-fno-strict-aliasing", "-I" + HERE, "-I" + HERE + "/stand", "-Ikern",
          "-Ilibs", "-include", HERE + "/stand/names.h"]


class HostedError(Exception):
    """The targets cannot be built or run; the text says why."""


class Build:
    """One way to compile: a name for the folder of its objects, the compiler, its options."""

    def __init__(self, name, compiler, options):
        self.folder, self.compiler, self.options = os.path.join(OUT, name), compiler, options
        self.newest = max(os.path.getmtime(path) for path in itertools.chain(
            glob.glob("kern/*/*.[ch]"), glob.glob("libs/*.[ch]"), glob.glob(HERE + "/**/*.[ch]",
                                                                            recursive=True),
            [os.path.join("tools", "hosted.py")]))

    def compile(self, source, instead=None):
        """The object of a source; or of another file in the place of it."""
        place = "%s/%s.o" % (self.folder, "planted" if instead else source)
        if not instead and os.path.exists(place) and os.path.getmtime(place) > self.newest:
            return place
        os.makedirs(os.path.dirname(place), exist_ok=True)
        host = ["-Wall", "-Wextra", "-Werror", "-std=gnu11", "-D_GNU_SOURCE"]
        run([self.compiler, "-g"] + self.options
            + (host if source.endswith("/host.c") else KERNEL)
            + (["-w"] if instead else []) + ["-c", instead or source, "-o", place])
        return place

    def link(self, target, objects):
        place = os.path.join(self.folder, target)
        run([self.compiler] + self.options + ["-o", place] + objects)
        return place

    def make(self, targets):
        """Compile all that these targets need, and link them: target -> path."""
        names = {target: sources_of(target) for target in targets}
        wanted = sorted(set(sum(names.values(), [])))
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            objects = dict(zip(wanted, pool.map(self.compile, wanted)))
        return {target: self.link(target, [objects[name] for name in names[target]])
                for target in targets}


def sources_of(target):
    own = UNIT if target == "unit" else TARGETS[target]
    main = sorted(glob.glob(HERE + "/unit*.c")) if target == "unit" else [
        "%s/target_%s.c" % (HERE, target)]
    return COMMON + own + main + [HERE + "/host.c"]


def run(command):
    """Run a command that must succeed."""
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            errors="replace")
    if result.returncode != 0:
        raise HostedError("%s fails:\n%s" % (" ".join(command[:1] + command[-3:]), result.stdout))
    return result.stdout


def sanitized():
    """GCC with both sanitizers, or clang where GCC has none."""
    for compiler in ("gcc", "clang"):
        if shutil.which(compiler) and works(compiler, SANITIZE):
            return Build("sanitized", compiler, ["-O1"] + SANITIZE)
    raise HostedError("no compiler for this host has AddressSanitizer: install gcc and libc6-dev, "
                      "as tools/setup.sh --all does" + runtime())


def runtime():
    """What to install for the sanitizers and libFuzzer of the clang that is here; else ""."""
    if not shutil.which("clang"):
        return ""
    version = re.search(r"version (\d+)", run(["clang", "--version"]))
    return "; clang's own are in libclang-rt-%s-dev, or libclang-common-%s-dev if there is no " \
        "package of that name" % ((version.group(1) if version else "N",) * 2)


def works(compiler, options):
    """Can a program be linked with these options?"""
    os.makedirs(OUT, exist_ok=True)
    probe = os.path.join(OUT, "probe")
    with open(probe + ".c", "w", encoding="ascii") as file:
        file.write("int LLVMFuzzerTestOneInput(const char *d, long n) { return n < 0 && *d; }\n"
                   + ("" if "-fsanitize=fuzzer" in options else "int main(void) { return 0; }\n"))
    return subprocess.run([compiler] + options + [probe + ".c", "-o", probe],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def libfuzzer():
    """clang with libFuzzer, or None."""
    options = SANITIZE + ["-fsanitize=fuzzer"]
    for compiler in ["clang"] + ["clang-%d" % version for version in range(22, 13, -1)]:
        if shutil.which(compiler) and works(compiler, options):
            return Build("libfuzzer", compiler, ["-O1", "-DWITH_LIBFUZZER"] + options)
    return None


def kept(target):
    return os.path.join(HERE, "corpus", target)


def try_target(target, program, runs, seed):
    """Run a target's kept inputs and `runs` more: (did it hold, what it said)."""
    prefix = os.path.join(OUT, "%s-" % target)
    command = [program, "-runs=1", "-artifact_prefix=" + prefix] if target == "unit" else [
        program, "-runs=%d" % runs, "-seed=%d" % seed, "-max_len=%d" % LONGEST, "-timeout=20",
        "-artifact_prefix=" + prefix, kept(target)]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            errors="replace")
    return result.returncode == 0, result.stdout


def last_line(said):
    return (said.strip().splitlines() or ["says nothing"])[-1]


def reason_of(said):
    """The line that tells best why a run has failed."""
    for pattern in (r"panic at .*", r".*runtime error: .*", r"SUMMARY: .*", r".*FAILED.*",
                    r".* takes more than .*"):
        found = re.search(pattern, said)
        if found:
            return found.group().strip()
    return last_line(said)


def check(options):
    """Unit tests, kept inputs, seeded inputs. The exit status."""
    targets = options.names or ["unit"] + list(TARGETS)
    programs, failed, total = sanitized().make(targets), 0, 0
    for target in targets:
        runs = options.runs if options.runs is not None else RUNS.get(target, 0)
        held, said = try_target(target, programs[target], runs, options.seed)
        total += runs + (len(os.listdir(kept(target))) if target in TARGETS else 0)
        if held:
            print(last_line(said))
        else:
            failed += 1
            print(said[-6000:])
            print("%s: FAILED: %s" % (target, reason_of(said)))
            if target in TARGETS:
                print("again: %s %s" % (programs[target], os.path.join(OUT, target + "-found")))
        sys.stdout.flush()
    print("%d inputs to %d targets: %d targets failed" % (
        total, len([t for t in targets if t in TARGETS]), failed))
    return 1 if failed else 0


def fuzz(options):
    """libFuzzer on one target, for a while or until it is stopped."""
    target = options.names[0]
    build = libfuzzer()
    learned = os.path.join(OUT, "corpus", target)
    os.makedirs(learned, exist_ok=True)
    if build is None:
        print("there is no libFuzzer here%s: inputs are made by tools/hosted/host.c" % (
            runtime() or " (it belongs to clang)"), flush=True)
        program = sanitized().make([target])[target]
        command = [program, "-runs=1000000000", "-seed=%d" % options.seed, "-max_len=%d" % LONGEST]
        limit = options.seconds
        try:
            return subprocess.run(command + [kept(target)], timeout=limit).returncode
        except subprocess.TimeoutExpired:
            return 0
    program = build.make([target])[target]
    command = [program, "-seed=%d" % options.seed, "-max_len=%d" % LONGEST, "-timeout=20",
               "-artifact_prefix=" + os.path.join(OUT, target + "-"), learned, kept(target)]
    if options.seconds:
        command.insert(1, "-max_total_time=%d" % options.seconds)
    return subprocess.run(command).returncode


def coverage(options):
    """Run all without sanitizers, and count lines by gcov. The exit status."""
    if not shutil.which("gcov"):
        raise HostedError("there is no gcov: install gcc")
    build = Build("coverage", "gcc", ["-O0", "--coverage", "-fprofile-update=single"])
    shutil.rmtree(build.folder, ignore_errors=True)
    for target, program in build.make(["unit"] + list(TARGETS)).items():
        held, said = try_target(target, program, RUNS.get(target, 0) // 4, options.seed)
        if not held:
            raise HostedError("%s: %s" % (target, reason_of(said)))
    rows, reached, all_lines = [], 0, 0
    for source in MEASURED:
        counts = lines_of(build, source)
        hit = sum(1 for count in counts.values() if count > 0)
        reached, all_lines = reached + hit, all_lines + len(counts)
        rows.append("| `%s` | %d | %d | %.1f |\n" % (source, len(counts), hit,
                                                     100.0 * hit / len(counts)))
        if options.verbose:
            print("%s: not reached: %s" % (source, " ".join(
                str(line) for line, count in sorted(counts.items()) if count == 0)))
    table = "| File | Lines | Reached | % |\n| --- | ---: | ---: | ---: |\n" + "".join(rows)
    print(table, end="")
    if options.write:
        write("coverage", table)
    print("%d of %d lines in %d files are reached, %.1f %%" % (
        reached, all_lines, len(MEASURED), 100.0 * reached / all_lines))
    return 0


def lines_of(build, source):
    """line -> how often it ran, of a source."""
    said = run(["gcov", "-t", "-r", "-o", os.path.join(build.folder, os.path.dirname(source)),
                os.path.join(build.folder, source + ".o")])
    counts, mine = {}, False
    for line in said.splitlines():
        count, number, text = (line.split(":", 2) + ["", ""])[:3]
        if number.strip() == "0" and text.startswith("Source:"):
            mine = text == "Source:" + source
        elif mine and count.strip() not in ("-", ""):
            count = count.strip().rstrip("*")
            counts[int(number)] = 0 if count in ("#####", "=====") else int(count)
    return counts


def write(mark, table):
    """Put a table into docs/hosted.md, between its marks."""
    with open(PAGE, encoding="utf-8") as file:
        text = file.read()
    begin, end = "<!-- %s -->\n" % mark, "<!-- end of %s -->" % mark
    head, found, rest = text.partition(begin)
    if not found or end not in rest:
        raise HostedError("%s has no marks of %s" % (PAGE, mark))
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(head + begin + "\n" + table + "\n" + end + rest.partition(end)[2])


def plant(options):
    """Faults of tools/hosted/faults, one after the other. The exit status."""
    faults = planting.read_all(options.names, FAULTS)
    build = sanitized()
    build.make(["unit"] + list(TARGETS))
    rows, missed = [], 0
    for fault, texts in faults:
        how = find(build, fault, texts, options)
        missed += how is None
        rows.append("| %s | `%s` | %s |\n" % (fault.title, fault.edits[0].path,
                                              (how or "**not found**").replace("<", "&lt;")))
        print("%-28s %s" % (fault.name, "found by " + how if how else "NOT FOUND"), flush=True)
    if options.write:
        write("faults", "| Fault | In | Found by |\n| --- | --- | --- |\n" + "".join(rows))
    print(planting.summary(len(rows), missed))
    return 1 if missed else 0


def find(build, fault, texts, options):
    """By which target a planted fault is found, and what that says; None: by none."""
    (source, text), = texts.items()
    changed = os.path.join(build.folder, "planted.c")
    with open(changed, "w", encoding="utf-8") as file:
        file.write(text)
    planted = build.compile(source, changed)
    for target in fault.test.split():
        objects = [planted if name == source else "%s/%s.o" % (build.folder, name)
                   for name in sources_of(target)]
        program = build.link("planted", objects)
        held, said = try_target(target, program, RUNS.get(target, 0), options.seed)
        if not held:
            said = reason_of(said).replace(changed, source)
            return "%s: %s" % (target, re.sub(r"0x[0-9a-f]{6,}|==\d+==", "...", said)[:110])
    return None


def arguments():
    """The command line, read."""
    parser = argparse.ArgumentParser(description="Run the kernel's parsers on the host.")
    add = parser.add_argument
    add("names", nargs="*", metavar="TARGET", help="one of: unit " + " ".join(TARGETS))
    add("--runs", type=int, help="inputs to make for each target")
    add("--seed", type=int, default=1, help="the seed that they are made from")
    add("--fuzz", action="store_true", help="run libFuzzer on a target")
    add("--seconds", type=int, help="with --fuzz: for so long, and not until it is stopped")
    add("--coverage", action="store_true", help="count the lines that are reached")
    add("--plant", action="store_true", help="plant faults; the names are theirs")
    add("--write", action="store_true", help="write the table into " + PAGE)
    add("--verbose", action="store_true", help="with --coverage: the lines that are not reached")
    options = parser.parse_args()
    if not options.plant:
        for name in options.names:
            if name not in TARGETS and name != "unit":
                parser.error("there is no target %s; there are: unit %s" % (
                    name, " ".join(TARGETS)))
    for name in ("runs", "seed", "seconds"):
        value = getattr(options, name)
        if value is not None and not 0 <= value < 1 << 31:
            parser.error("--%s is from 0 to 2147483647, not %d" % (name, value))
    if options.fuzz and (len(options.names) != 1 or options.names == ["unit"]):
        parser.error("--fuzz needs one target: " + " ".join(TARGETS))
    return options


def main():
    """The command; its exit status."""
    os.chdir(ROOT)
    options = arguments()
    if options.fuzz:
        return fuzz(options)
    if options.coverage:
        return coverage(options)
    return plant(options) if options.plant else check(options)


if __name__ == "__main__":
    sys.exit(cli.run("hosted", main, (HostedError, LabError, MutantError)))
