#!/usr/bin/env python3
"""Check the size of the kernel: the lines of code in kern/, without test/ and check/, and in libs/.

    check_budget.py         run at the top of the tree; `make test` runs it too

Comments and blank lines are not counted: they are what the reader came for, and a budget must not
make them shorter. Nor is what only CHECK=1 or CHECK=race compile: kern/check/, blocks under #ifdef
CHECK or __SANITIZE_THREAD__, and IF_CHECK(). A line with code and a comment is one line.
It prints the size of each folder, and fails if the sum is over BUDGET; then something must become
simpler, or move out of the kernel.

BUDGET is for all nine labs. It was 12,500 as long as six were there and the rest was an estimate.
Locks and semaphores of programs with detection of deadlocks and donation came to 1,300 lines; files
to 4,200: disks 430, cache and journal 550, the file system 1,200, paths, descriptors and pipes
1,000, their system calls 270, maps of files 500; paging to 1,600. None of it is there twice, and
none could be left out without leaving out what a lab is about.
"""
import os
import re
import sys

BUDGET = 17500
# Strings may hold the sign of a comment, so the patterns match strings and comments. In assembly a
# # begins a comment too, but a line of the preprocessor is code, as in C.
QUOTED = r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
COMMENT = r"/\*.*?\*/|//[^\n]*"
DIRECTIVE = r"\s*(?:include|define|undef|if|ifdef|ifndef|elif|else|endif|error)\b"
ASM_COMMENT = COMMENT + "|#(?!" + DIRECTIVE + r")[^\n]*"
# A block that only a checked build has, up to its #else or #endif; and what is in an IF_CHECK(),
# which begins a line.
CHECKED = re.compile(r"^#ifdef (?:CHECK|__SANITIZE_THREAD__)\n.*?^#(?:else|endif)[^\n]*$|"
                     r"^[ \t]*IF_CHECK\(.*?\);?[ \t]*$", re.M | re.S)
IN_C = re.compile("(%s)|%s" % (QUOTED, COMMENT), re.S)
IN_ASM = re.compile("(%s)|%s" % (QUOTED, ASM_COMMENT), re.S)


def code_lines(text, is_asm=False):
    """How many lines of the text hold code of a build without CHECK=1. A line with code and a
    comment is one of them."""
    def keep(match):
        return match.group(1) or "\n" * match.group(0).count("\n")
    code = CHECKED.sub("", (IN_ASM if is_asm else IN_C).sub(keep, text))
    return sum(1 for line in code.split("\n") if line.strip())


def size_of(folder):
    """The lines of code in all sources of a folder."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            if name.endswith((".c", ".h", ".S")):
                with open(os.path.join(place, name), encoding="utf-8") as file:
                    total += code_lines(file.read(), name.endswith(".S"))
    return total


def main():
    folders = ["libs"] + sorted(os.path.join("kern", name) for name in os.listdir("kern")
                                if name not in ("test", "check")
                                and os.path.isdir(os.path.join("kern", name)))
    sizes = {folder: size_of(folder) for folder in folders}
    for folder, size in sizes.items():
        print("%6d  %s" % (size, folder))
    total = sum(sizes.values())
    print("%6d  lines of code, of %d" % (total, BUDGET))
    if total > BUDGET:
        print("kern:1: the kernel is over its budget")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
