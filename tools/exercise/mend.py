"""`tools/lab mend FILE`: an erratum of the course comes into a tree that a student works in.

The file is what a teacher's `tools/lab erratum` has made: a patch in the form of `diff -u`. Lines
in regions count neither as what is looked for nor as what is found, so it fits whatever was written
there. All hunks must fit before anything is written; what is changed is kept beside it first, as
FILE.~1~. The line of ERRATA comes behind those that are there.
"""
import os
import re

from exercise import carry, handin, incoming, manifest, regions
from exercise.regions import BEGIN, MARKER, RegionError

HUNK = re.compile(r"@@ -(\d+),(\d+) \+\d+,(\d+) @@.*", re.A)
PATH = re.compile(r"(?!.*\.\.)[.\w][\w./@+-]*")
ERRATA, NONE = "ERRATA", "/dev/null"
MAX_PATCH = 16 << 20


class MendError(ValueError):
    """The erratum cannot be put into this tree; the text is for the student."""


class Part:
    """The changes of one file: its path, whether it is new or gone, and its hunks, each as (line,
    [old lines], [new lines])."""

    def __init__(self, old, new):
        self.is_new, self.is_gone = old == NONE, new == NONE
        self.path, self.hunks = (old if self.is_gone else new), []


def parse(text):
    """The Parts in a patch."""
    parts, lines, number = [], text.split("\n"), 0
    while number < len(lines):
        hunk = HUNK.fullmatch(lines[number])
        if lines[number].startswith("--- ") and lines[number + 1:] and \
                lines[number + 1].startswith("+++ "):
            names = [each[4:].split("\t")[0] for each in lines[number:number + 2]]
            names = [each if each == NONE else each.partition("/")[2] for each in names]
            if not all(each == NONE or PATH.fullmatch(each) for each in names):
                raise MendError("line %d: this is no file of a handout" % (number + 1))
            parts.append(Part(*names))
            number += 1
        elif hunk and parts:
            first, *counts = map(int, hunk.groups())
            old, new, number = hunk_lines(lines, number + 1, *counts)
            parts[-1].hunks.append((first, old, new))
            continue
        number += 1
    if not parts:
        raise MendError("this is no erratum: there is no line \"--- a/FILE\" in it")
    return parts


def hunk_lines(lines, at, count_old, count_new):
    """([old lines], [new lines], the index behind them) of a hunk whose lines begin at an index.
    Its head says how many there are, because a line that is added may look like a head."""
    old, new = [], []
    while len(old) < count_old or len(new) < count_new:
        line = (lines[at:at + 1] or ["end"])[0] or " "      # mail takes a space at the end away
        if line[0] not in " -+":
            raise MendError("line %d: this erratum is damaged, or not complete: fetch it again"
                            % (at + 1))
        old.extend([line[1:]] * (line[0] in " -"))
        new.extend([line[1:]] * (line[0] in " +"))
        at += 1
    return old, new, at


def inner(lines):
    """For each line, whether it stands in a region, between the markers."""
    found, inside = [], False
    for line in lines:
        is_marker = bool(MARKER.search(line))
        found.append(inside and not is_marker)
        if is_marker:
            inside = bool(BEGIN.fullmatch(line.strip()))
    return found


def place(lines, old, near):
    """The index at which the old lines of a hunk stand, which may be only outside of regions: the
    one that is nearest to where they stood; None if there is none."""
    hidden = inner(lines)
    found = [at for at in range(len(lines) - len(old) + 1)
             if lines[at:at + len(old)] == old and not any(hidden[at:at + len(old)])]
    return min(found, key=lambda at: abs(at - near), default=None)


def mended(root, part):
    """The text of a file with the changes; None if it is gone. MendError if they do not fit."""
    if part.path == ERRATA:
        return with_lines(root, [line for _, old, new in part.hunks for line in new
                                 if line not in old])
    if part.is_new:
        return "\n".join(line for _, _, new in part.hunks for line in new) + "\n"
    try:
        lines = regions.read(root, part.path).split("\n")
    except RegionError as error:
        raise MendError(error) from None
    moved = 0
    for line, old, new in part.hunks:
        at = place(lines, old, line - 1 + moved)
        if at is None:
            done = place(lines, new, line - 1 + moved) is not None
            raise MendError("%s:%d: %s" % (
                part.path, line, "this tree has this change already" if done else
                "the lines are not as they were handed out: make this change by hand"))
        lines[at:at + len(old)] = new
        moved += len(new) - len(old)
    return None if part.is_gone else "\n".join(lines)


def with_lines(root, new):
    """The text of ERRATA with more lines."""
    try:
        lines = regions.read(root, ERRATA).split("\n")[:-1]
    except RegionError:
        lines = []
    return "\n".join(lines + [line for line in new if line not in lines] + [""])


def run(root, path):
    """Put an erratum into a tree, and print which files it has changed."""
    try:
        text = incoming.sure_text_of(incoming.file_data(path, MAX_PATCH))
    except incoming.BadValue as error:
        raise MendError("%s: %s" % (path, error)) from None
    parts = parse(text)
    texts = [(part, mended(root, part)) for part in parts]
    for part, text in texts:
        full = os.path.join(root, part.path)
        if not part.is_new and part.path not in (ERRATA, manifest.NAME):
            carry.backup(full)
        if text is None:
            os.remove(full)
        else:
            os.makedirs(os.path.dirname(full), exist_ok=True)
            handin.write(full, text)
        print(part.path)
    return 0
