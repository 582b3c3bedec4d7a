#!/usr/bin/env python3
"""Check that each place of the kernel that must not fail says so, and why.

    check_unfailing.py          what lacks its comment, and how many there are
    check_unfailing.py --list   all of them, with what they say

An allocation, or what needs one, may fail, and then the call that needed it gives an error. Where
the kernel stops instead, by a panic or an assertion behind such a result, it must be known that it
cannot happen. There the head of the function, or a comment in it, has the words

    Must not fail: WHY          or "Must not fail for want of memory: WHY", and so on

A function may have them too that stops nowhere, because all that could fail is done before it.
What is compared with NULL or 0 for another reason is in OTHERS. Whether a place really cannot fail
is what tools/faults.py tries.
"""
import glob
import re
import sys

import cli
from check_entries import without_comments
from check_style import c_functions

STOPS = re.compile(r"^\s+panic\(")
RESULT = re.compile(r"(?:== NULL|!= 0|< 0|== 0)\)\s*\{?$")
ASSERTED = re.compile(r"assert\(\w+ != NULL\)|assert\((?:error|result) == 0\)"
                      r"|assert_eq\((?:error|result), 0\)")
MARK = re.compile(r"\bMust not fail\b[^:.]*: (.*?\.)(?: |$)")
LEFT_OUT = ("kern/test/", "kern/check/")
# What no allocation decides: a rule that a caller has broken.
OTHERS = {("kern/debug/monitor.c", "monitor"), ("kern/fs/journal.c", "journal_write"),
          ("kern/sync/mutex.c", "mutex_hold_remove")}


def comment_above(lines, first):
    """The first line of the comment right above a function, or the function's own."""
    number = first
    while number > 1 and lines[number - 2].strip() and not lines[number - 2].startswith(("}", "#")):
        number -= 1
    return number


def why(lines):
    """The sentence that the mark in these lines has; None without one."""
    found = MARK.search(" ".join(" ".join(lines).replace("*/", " ").split()))
    return found and found.group(1)


def stops(code, first, last):
    """The numbers of the lines of a function that stop the kernel because of a result."""
    for number in range(first, last + 1):
        line = code[number - 1]
        if ASSERTED.search(line) or STOPS.match(line) and RESULT.search(code[number - 2].rstrip()):
            yield number


def places(text, path):
    """(name, line, what its mark says or None, whether it stops the kernel) of each function that
    must not fail."""
    lines, code = text.split("\n"), without_comments(text).split("\n")
    for name, first, last in c_functions(code):
        said = why(lines[comment_above(lines, first) - 1:last])
        found = list(stops(code, first, last)) if (path, name) not in OTHERS else []
        if found or said:
            yield name, found[0] if found else first, said, bool(found)


def all_places():
    """(path, name, line, what its mark says or None) of the whole kernel."""
    for path in sorted(glob.glob("kern/*/*.c")):
        if not path.startswith(LEFT_OUT):
            with open(path, encoding="utf-8") as file:
                for name, line, said, _ in places(file.read(), path):
                    yield path, name, line, said


def main():
    """The command; its exit status."""
    found = list(all_places())
    if sys.argv[1:] == ["--list"]:
        for path, name, line, said in found:
            print("%s:%d: %s(): %s" % (path, line, name, said))
    elif sys.argv[1:]:
        print(__doc__)
        return 0 if sys.argv[1:] in (["--help"], ["-h"]) else 2
    errors = ["%s:%d: %s() stops the kernel if this fails: \"Must not fail: WHY\" is missing" % (
        path, line, name) for path, name, line, said in found if said is None]
    return cli.tell(errors, "%d places must not fail, %d do not say why" % (
        len(found), len(errors)))


if __name__ == "__main__":
    sys.exit(cli.run("check_unfailing", main))
