#!/usr/bin/env python3
"""Hold labcodes.zh.md to labcodes.md, of which it is the Chinese text.

    chinese.py              what is wrong in it, and which passages have changed in one language
    chinese.py --accept     these passages have been compared: both say the same now

A passage is what stands between blank lines. Both texts have the same passages in the same order,
each of the same kind. Code and screens are the same to the letter. In headings, tables, pictures
and sentences the code in backquotes, the numbers in digits and the targets of links are the same;
a drawing is that of its name in docs/pictures/zh.
Each breach of this is told with its line, and the exit status is 1.

What the sentences say no program compares. So tools/book/compared.txt has a line for each passage
that people have compared, with a hash of each of the two; one that has changed since is told, and
that is no failure: it is a list of what is to be read.

The hints of tools/labs are passages too, a paragraph each: hints.zh.txt has the same paragraphs,
for the same regions, with the same names of the kernel and the same numbers.
"""
import argparse
import hashlib
import os
import re
import sys

TOOLS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, TOOLS)

import cli

ENGLISH, CHINESE = "labcodes.md", "labcodes.zh.md"
HINTS = "tools/labs/hints.zh.txt"
COMPARED = os.path.join("tools", "book", "compared.txt")
HEAD = """# Passages of labcodes.md and labcodes.zh.md that people have compared: a hash of each.
# tools/book/chinese.py --accept writes this file.
"""
# The region that a paragraph is for. A sentence may go on behind a colon too, in small letters.
ID, SURE = re.compile(r"^([a-zA-Z][\w ,']*: )"), re.compile(r"^[a-zA-Z][\w ,']*: (?![a-z])")
SPAN = re.compile(r"`([^`]+)`")
NUMBER = re.compile(r"0x\w+|\d+(?:[.,]\d+)*")
NAME = re.compile(r"\w*_\w+|\b[a-z]\w*(?=\()|\b[A-Z][A-Z0-9]+\b|->\w+")
LINK = re.compile(r"\]\(([^)\s]+)\)")
DRAWN, OWN = "docs/pictures/", "docs/pictures/zh/"      # where drawings are, and the Chinese ones
SHOWN = 40                      # characters of a passage that are shown


class ChineseError(Exception):
    """One of the files is not there, or is not what it must be."""


class Passage:
    """What stands between blank lines: its text and the line where it begins, or for a hint where
    it is."""

    def __init__(self, line, text, where=""):
        self.line, self.text, self.where = line, text, where

    @property
    def kind(self):
        """code, heading, table, picture or text"""
        if all(line.startswith("    ") for line in self.text.split("\n")) \
                or self.text.startswith("```"):
            return "code"
        for start, kind in (("#", "heading"), ("|", "table"), ("![", "picture")):
            if self.text.startswith(start):
                return kind
        return "text"

    @property
    def level(self):
        """How many # a heading has."""
        return len(self.text) - len(self.text.lstrip("#"))

    @property
    def hash(self):
        return hashlib.sha256(self.text.encode("utf-8")).hexdigest()[:12]

    def words(self):
        """What must be the same in both languages: {what: sorted list}."""
        flat = " ".join(self.text.split())
        prose = LINK.sub("]", SPAN.sub("`", flat))
        return {"code in backquotes": sorted(SPAN.findall(flat)),
                "numbers": sorted(NUMBER.findall(prose)),
                "links": sorted(LINK.findall(flat)),
                "columns": [self.text.count("\n"), self.text.count("|")]
                if self.kind == "table" else []}

    def __str__(self):
        text = " ".join(self.text.split())
        return text if len(text) <= SHOWN else text[:SHOWN] + "..."


def passages(text):
    """The Passages of a Markdown text. A fence holds blank lines, too."""
    found, kept, first, fenced = [], [], 0, False
    for number, line in enumerate(text.split("\n") + [""], 1):
        if line.strip() or fenced:
            first = first if kept else number
            kept.append(line)
        elif kept:
            found.append(Passage(first, "\n".join(kept)))
            kept = []
        fenced ^= line.startswith("```")
    return found + ([Passage(first, "\n".join(kept))] if kept else [])


def differences(english, chinese):
    """Sentences on what two passages must have in common, and have not."""
    if english.kind != chinese.kind or english.level != chinese.level:
        return ["this is a %s, and in %s:%d it is a %s" % (chinese.kind, ENGLISH, english.line,
                                                            english.kind)]
    if english.kind == "code":
        return [] if english.text == chinese.text else [
            "the code is not that of %s:%d" % (ENGLISH, english.line)]
    found, other, drawn = [], chinese.words(), english.words()
    drawn["links"] = sorted(re.sub("^" + DRAWN, OWN, link) for link in drawn["links"])
    for what, wanted in drawn.items():
        if wanted != other[what]:
            lost = [word for word in wanted if word not in other[what]]
            more = [word for word in other[what] if word not in wanted]
            found.append("%s are not those of %s:%d: missing %s, too many %s" % (
                what, ENGLISH, english.line, lost or "none", more or "none"))
    return found


def complaints(english, chinese):
    """Lines on all that is wrong in the Chinese passages. Where their kinds do not go in step any
    more it ends: all that follows would be wrong."""
    for one, other in zip(english, chinese):
        for wrong in differences(one, other):
            yield "%s:%d: %s" % (CHINESE, other.line, wrong)
        if one.kind != other.kind or one.level != other.level:
            return
    if len(english) != len(chinese):
        yield "%s: %d passages, of %d in %s" % (CHINESE, len(chinese), len(english), ENGLISH)


def hints_of(given):
    """The Passages of {exercise: hint}."""
    return [Passage(0, text, "hint of %s, paragraph %d" % (number, at))
            for number, hint in sorted(given.items())
            for at, text in enumerate(hint.strip("\n").split("\n\n"), 1)]


def wrong_hints(*both):
    """Lines on what is wrong in the Chinese hints; English and Chinese are {exercise: hint}."""
    ones, others = ({each.where: each.text for each in hints_of(given)} for given in both)
    for where in sorted(set(ones) ^ set(others)):
        yield "%s: %s: %s" % (HINTS, where, "is not there" if where in ones else "is one too many")
    for where in sorted(set(ones) & set(others)):
        english, chinese = ones[where], others[where]
        id = ID.match(chinese)
        if not english.startswith(id.group(1)) if id else SURE.match(english):
            yield "%s: %s: the id of its region is not that of the English hint" % (HINTS, where)
        for what, found in (("names of the kernel", NAME), ("numbers", NUMBER)):
            one, other = (set(found.findall(text)) for text in (english, chinese))
            lost, more = (sorted(some) or "none" for some in (one - other, other - one))
            if one != other:
                yield "%s: %s: other %s: missing %s, too many %s" % (
                    HINTS, where, what, lost, more)


def all_hints():
    """{exercise: hint} in English, and in Chinese."""
    from labs import catalogue, hints
    return {exercise.number: exercise.hint for lab in catalogue.load()
            for exercise in lab.exercises if exercise.hint.strip()}, hints.load("zh")


def text_of(root, path):
    try:
        with open(os.path.join(root, path), encoding="utf-8") as file:
            return file.read()
    except UnicodeDecodeError:
        raise ChineseError("%s is not UTF-8" % path)


def read_compared(text):
    """The pairs of hashes of compared.txt."""
    found = set()
    for number, line in enumerate(text.split("\n"), 1):
        if line and not line.startswith("#"):
            match = re.fullmatch(r"([0-9a-f]{12}) ([0-9a-f]{12})", line)
            if not match:
                raise ChineseError("%s:%d: expected two hashes of 12 digits" % (COMPARED, number))
            found.add(match.groups())
    return found


def pairs(english, chinese):
    """The pairs of passages that are compared by people: code is not."""
    return [(one, other) for one, other in zip(english, chinese) if one.kind != "code"]


def changed(english, chinese, compared):
    """Lines on passages that are not as they were when they were compared."""
    ones, others = {one for one, _ in compared}, {other for _, other in compared}
    for one, other in pairs(english, chinese):
        if (one.hash, other.hash) not in compared:
            what = "the English text has changed" if other.hash in others else \
                "the Chinese text has changed" if one.hash in ones else "never compared"
            yield "%s: %s: %s" % (one.where or "%s:%d, %s:%d" % (
                ENGLISH, one.line, CHINESE, other.line), what, one)


def main():
    parser = argparse.ArgumentParser(description="Hold labcodes.zh.md to labcodes.md.")
    parser.add_argument("--accept", action="store_true", help="all passages have been compared")
    options = parser.parse_args()
    root = os.path.dirname(TOOLS)
    english, chinese = (passages(text_of(root, path)) for path in (ENGLISH, CHINESE))
    hints = all_hints()
    wrong = list(complaints(english, chinese)) + list(wrong_hints(*hints))
    if wrong:
        print("\n".join(wrong))
        return 1
    english, chinese = english + hints_of(hints[0]), chinese + hints_of(hints[1])
    if options.accept:
        with open(os.path.join(root, COMPARED), "w", encoding="utf-8") as file:
            file.write(HEAD + "".join("%s %s\n" % (one.hash, other.hash)
                                      for one, other in pairs(english, chinese)))
    for line in changed(english, chinese, read_compared(text_of(root, COMPARED))):
        print(line)
    print("%d passages in two languages" % len(english))
    return 0


if __name__ == "__main__":
    sys.exit(cli.run("chinese", main, (ChineseError,)))
