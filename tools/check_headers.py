#!/usr/bin/env python3
"""Check that each header compiles alone, and twice in one file.

    check_headers.py OBJECTS    OBJECTS is obj/TOOLCHAIN, with a kernel built

A header that needs another one must include it: else a source works only as long as it includes
both in the right order. A header without a guard fails when it is included twice. Headers of the
kernel are compiled with the kernel's options, headers of programs with theirs, and those of libs/
with both. `make test` runs it.
"""
import glob
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import cli


def jobs(objects):
    """(side, the words of the command, header) for everything to compile."""
    with open(os.path.join(objects, "flags")) as file:
        kernel, user = [line.split() for line in file.read().splitlines()[:2]]
    shared = sorted(glob.glob("libs/*.h"))
    for header in sorted(glob.glob("kern/*/*.h")) + shared:
        yield "kernel", kernel, header
    for header in sorted(glob.glob("user/libs/*.h")) + shared:
        yield "user", user, header


def compile_alone(job):
    """"" if the header compiles, else the complaint with what the compiler said."""
    side, command, header = job
    result = subprocess.run(
        command + ["-Werror", "-fsyntax-only", "-x", "c", "-include", header,
                   "-include", header, os.devnull],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        universal_newlines=True)
    if result.returncode == 0:
        return ""
    return "%s:1: does not compile alone with the options of the %s side\n%s" % (
        header, side, result.stdout)


def main():
    if len(sys.argv) != 2 or not os.path.exists(os.path.join(sys.argv[1], "flags")):
        sys.exit("usage: tools/check_headers.py obj/TOOLCHAIN, with a kernel built there")
    work = list(jobs(sys.argv[1]))
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        errors = [error for error in pool.map(compile_alone, work) if error]
    return cli.tell(errors, "%d headers compiled, %d with errors" % (len(work), len(errors)))


if __name__ == "__main__":
    sys.exit(main())
