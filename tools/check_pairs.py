#!/usr/bin/env python3
"""Check that each atomic operation and fence of the kernel says what it pairs with.

    check_pairs.py          what lacks its comment, and how many there are

An order on one hart is worth nothing alone: another hart must keep one too, and who changes either
side must know of the other. So each use of an operation that orders has one of these comments, at
the end of its line or right above it; the head of a function will do if it has one use only:

    pairs with FUNCTION()               of this file, or of the header that goes with it
    pairs with FUNCTION() in FILE       FILE is the end of a path
    pairs with the device, the firmware or the processor: what these promise
    no pair: WHY                        a count, for example, that orders nothing

The function must exist, and must use such an operation itself, or follow a pointer by
atomic_load(). Regions of exercises are not looked at: their lines are the student's (tools/litmus
has some). A call of tlb_flush() needs no comment, because its fences, with theirs, are in tlb.c.
"""
import glob
import re
import sys

import cli
from check_entries import without_comments
from check_style import asm_functions, c_functions

USE = re.compile(
    r"\b(?:atomic_(?:load_acquire|store_release|cas|swap|add|or|and|inc_unless_zero)|memory_barrier"
    r"|sfence_(?:all|page)|pte_(?:exchange|and|or))\(|\"fence|\b(?:sfence\.vma|fence\.i)\b"
    r"|\bamo\w+\.[wd]\.\w+")
# What may be at the other end of a pair beside these: who follows a pointer needs no fence, and the
# hardware walks to what set_pte() stores.
FOLLOWS = re.compile(r"\batomic_load\(|\bset_pte\(|\b__atomic_|\b(?:lr|sc)\.[wd]")
PAIR = re.compile(r"\bpairs with (?:the (?:device|firmware|processor)\b|([^;:.]*?\b\w+\(\)[^;:]*))")
NAMED = re.compile(r"\b(\w+)\(\)(?:[^,;:()]*? in ([\w./]*\w))?")
NO_PAIR = re.compile(r"\bno pair: \w+")
# The operations themselves.
DEFINED_IN = ("kern/riscv/atomic.h",)
LEFT_OUT = ("kern/test/", "kern/check/")
BEGIN, END = re.compile(r"EXERCISE [\w.]+ begin"), re.compile(r"EXERCISE [\w.]+ end")


class Source:
    """A file: its lines, its lines without comments, its functions."""

    def __init__(self, path):
        self.path = path
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.lines = text.split("\n")
        if path.endswith(".S"):
            self.code = [line.split("#")[0] if "#define" not in line else line
                         for line in self.lines]
            self.functions = list(asm_functions(self.code))
        else:
            self.code = without_comments(text).split("\n")
            self.functions = list(c_functions(self.code))

    def uses(self):
        """The numbers of the lines that must say what they pair with."""
        inside = False
        for number, (line, code) in enumerate(zip(self.lines, self.code), 1):
            inside = (inside or bool(BEGIN.search(line))) and not END.search(line)
            if USE.search(code) and not inside and not self.defines(code):
                yield number

    @staticmethod
    def defines(code):
        """Is it the head of a function, with the name of an operation?"""
        return re.match(r"(?:static|void|bool|uint|pte_t)\b", code) is not None

    def function_at(self, number):
        """(name, first line, last line) of the function that this line is in, or None."""
        for function in self.functions:
            if function[1] <= number <= function[2]:
                return function
        return None

    def comment_above(self, number):
        """The text of the comment that ends right above this line."""
        first = number
        while first > 1 and self.lines[first - 2].strip() and not self.code[first - 2].strip():
            first -= 1
        return self.lines[first - 1:number - 1]

    def said_at(self, number):
        """What a comment says of the use in this line."""
        found = words(self.lines[number - 1:number] + self.comment_above(number))
        function = self.function_at(number)
        alone = function and sum(function[1] <= n <= function[2] for n in self.uses()) == 1
        if alone and not (PAIR.search(found) or NO_PAIR.search(found)):
            found = words(self.comment_above(function[1]))
        return found

    def body(self, name):
        """The code of a function, or None."""
        for function, first, last in self.functions:
            if function == name:
                return "\n".join(self.code[first - 1:last])
        return None


def words(lines):
    """The lines as one, without the signs of a comment."""
    return " ".join(re.sub(r"/\*|\*/|#", " ", " ".join(lines)).split())


def homes(sources, path, name, where):
    """The bodies of a function that is named in `path`, as in `where`."""
    stem = path.rsplit(".", 1)[0]
    for source in sources:
        if where:
            fits = ("/" + source.path).endswith("/" + where)
        else:
            fits = source.path.rsplit(".", 1)[0] == stem
        body = source.body(name) if fits else None
        if body is not None:
            yield body


def complaint(sources, source, number):
    """What is wrong with what the use in this line says; or None."""
    said = source.said_at(number)
    if NO_PAIR.search(said):
        return None
    pair = PAIR.search(said)
    if pair is None:
        return "says neither 'pairs with FUNCTION()' nor 'no pair: WHY'"
    for name, where in NAMED.findall(pair[1] or ""):
        bodies = list(homes(sources, source.path, name, where))
        if not bodies:
            return "pairs with %s(), which is not in %s" % (name, where or "this file")
        if not any(USE.search(body) or FOLLOWS.search(body) for body in bodies):
            return "pairs with %s(), which orders nothing" % name
    return None


def main():
    """The command; its exit status."""
    paths = sorted(glob.glob("kern/*/*.[chS]") + glob.glob("user/libs/*.[chS]"))
    sources = [Source(path) for path in paths]
    uses = wrong = 0
    for source in sources:
        if source.path.startswith(LEFT_OUT + DEFINED_IN) or not source.path.startswith("kern/"):
            continue
        for number in source.uses():
            uses += 1
            why = complaint(sources, source, number)
            if why:
                wrong += 1
                print("%s:%d: %s" % (source.path, number, why))
    print("%d atomic operations and fences, %d without a partner" % (uses, wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(cli.run("check_pairs", main, ()))
