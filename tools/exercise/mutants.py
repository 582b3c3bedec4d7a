#!/usr/bin/env python3
"""Wrong solutions that the tests must catch: tools/mutants/N.M/NAME.txt, each a small change of the
reference solution as students really write it.

    python3 tools/exercise/mutants.py [--jobs 2] [--sample] [N.M or FILE ...]

A mutant is built and judged by the tests of its own exercise, until one loses its points. The form:

    exercise: 5.4
    title: the parent keeps the right to write
    file: kern/mm/pagetable.c
    ---
    old lines, exactly as in the file, all inside one region of that exercise
    +++
    new lines

More pairs and more lines "file:" may follow. A mutant may change its own exercise's regions only.
"""
import argparse
import glob
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import cli
from exercise import regions, vet
from exercise.trials import BROKEN, CAUGHT, NO_COMPILE, SURVIVED, add_options, trials
from exercise.workshop import WorkshopError
from labs.catalogue import LabError, find_exercise, load

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join(ROOT, "tools", "mutants")
LEAST, LEAST_OF_CHALLENGE = 8, 4
SAMPLE = 1                      # so many mutants of each exercise are in a sample
HEAD = re.compile(r"(exercise|title|test|says|file): *(.*?) *$")


class MutantError(Exception):
    """A mutant is not as it must be; the text is FILE:LINE: and the reason."""

    def __init__(self, path, line, message):
        super().__init__("%s:%d: %s" % (os.path.relpath(path), line, message))


class Edit:
    """Old lines of a file, and the new lines that take their place; `line` is that of the pair in
    the mutant's own file."""

    def __init__(self, path, line):
        self.path, self.line, self.old, self.new = path, line, [], []


class Mutant:
    """What one file of tools/mutants says: the exercise, a title, and the Edits. One of tools/races
    has a test in place of the exercise, and one of tools/checked what must be said, too."""

    def __init__(self, source):
        self.source, self.exercise, self.title, self.edits = source, None, None, []
        self.test = self.says = None
        self.name = os.path.splitext(os.path.basename(source))[0]


def parse(text, source, heads=("exercise", "title")):
    """The Mutant that a text describes; `heads` are the lines that it must begin with."""
    mutant, path, edit, part = Mutant(source), None, None, None
    for number, line in enumerate(text.rstrip("\n").split("\n"), 1):
        head = HEAD.match(line)
        if line == "---":
            if path is None:
                raise MutantError(source, number, "there must be a line \"file: PATH\" before")
            if part is not None and edit and part is edit.old:
                raise MutantError(source, number, "the pair of line %d has no +++" % edit.line)
            edit = Edit(path, number)
            part = edit.old
            mutant.edits.append(edit)
        elif line == "+++" and part is not None and part is edit.old:
            if not edit.old:
                raise MutantError(source, number, "there are no old lines before the +++")
            part = edit.new
        elif line == "+++":
            raise MutantError(source, number, "there is no --- before this +++")
        elif head and head.group(1) == "file" and (part is None or part is edit.new):
            path, part = head.group(2), None
        elif part is not None:
            part.append(line)
        elif head and not mutant.edits:
            setattr(mutant, head.group(1), head.group(2))
        elif line.strip():
            raise MutantError(source, number, "expected exercise:, title:, file: or ---")
    if edit and part is edit.old:
        raise MutantError(source, edit.line, "this pair has no +++")
    for name in heads + ("edits",):
        if not getattr(mutant, name):
            raise MutantError(source, 1, "there is no %s" % (
                name + ":" if name != "edits" else "pair of --- and +++"))
    return mutant


def place(edit, text, own):
    """Where the old lines of an edit begin, as an index into the file's lines."""
    lines, size = text.split("\n"), len(edit.old)
    found = [i for i in range(len(lines)) if lines[i:i + size] == edit.old]
    inside = [i for i in found if any(region.first <= i + 1 and i + size <= region.last
                                      for region in own)]
    if len(inside) == 1:
        return inside[0]
    if inside:
        raise ValueError("the old lines are %d times in the exercise's regions of %s, in the lines "
                         "%s: add lines around them" % (
                             len(inside), edit.path, ", ".join(str(i + 1) for i in inside)))
    if found:
        raise ValueError("the old lines are at %s:%d, not inside one of the exercise's regions"
                         % (edit.path, found[0] + 1))
    raise ValueError("the old lines are not in %s; the first of them %s" % (
        edit.path, "is" if edit.old[0] in lines else "is not there either: %r" % edit.old[0]))


def apply(mutant, root):
    """The texts of the files that the mutant changes: {path: text}."""
    texts = {}
    for path in dict.fromkeys(edit.path for edit in mutant.edits):
        edits = [edit for edit in mutant.edits if edit.path == path]
        try:
            text = regions.read(root, path)
            own = [region for region in regions.parse(text, path)
                   if region.exercise == mutant.exercise]
        except regions.RegionError as error:
            raise MutantError(mutant.source, edits[0].line, error)
        texts[path] = changed(mutant, edits, text, own)
    return texts


def changed(mutant, edits, text, own):
    """The text of one file after the edits."""
    places = []
    for edit in edits:
        try:
            places.append((place(edit, text, own), edit))
        except ValueError as error:
            raise MutantError(mutant.source, edit.line, error)
    lines, before = text.split("\n"), len(text)
    for at, edit in sorted(places, key=lambda pair: -pair[0]):
        if at + len(edit.old) > before:
            raise MutantError(mutant.source, edit.line, "this pair and another change one line")
        lines[at:at + len(edit.old)] = edit.new
        before = at
    result = "\n".join(lines)
    try:
        check_regions(text, result, edits[0].path, own)
    except regions.RegionError as error:
        raise MutantError(mutant.source, edits[0].line, error)
    return result


def check_regions(text, result, path, own):
    """Raise RegionError unless the new text differs inside the exercise's regions only, and is
    something that a student may write. So other exercises keep their points when they are graded
    alone, because the reference takes the place of all regions but their own; no machine is needed
    to see that."""
    empty = {region.key: "" for region in own}
    if regions.replace(text, path, empty) != regions.replace(result, path, empty):
        raise regions.RegionError(path, 1, "something outside of the exercise's regions changes")
    for region in regions.parse(result, path):
        if region.key in empty:
            vet.vet(region, region.text, region.first)


def read(source, root, labs):
    """A mutant and the texts that it makes."""
    try:
        with open(source, encoding="utf-8") as file:
            mutant = parse(file.read(), source)
    except (OSError, UnicodeDecodeError) as error:
        raise MutantError(source, 1, error)
    if find_exercise(labs, mutant.exercise) is None:
        raise MutantError(source, 1, "there is no exercise %s" % mutant.exercise)
    folder = os.path.basename(os.path.dirname(os.path.abspath(source)))
    if re.fullmatch(r"\d+\.\w", folder) and folder != mutant.exercise:
        raise MutantError(source, 1, "it is of exercise %s, but lies in the folder %s"
                          % (mutant.exercise, folder))
    return mutant, apply(mutant, root)


# -- the command

def sources(words, sample):
    """The files of the mutants that the command line asks for."""
    everything = sorted(glob.glob(os.path.join(glob.escape(FOLDER), "*", "*.txt")))
    if not words:
        count = {}
        for path in everything:
            count.setdefault(os.path.dirname(path), []).append(path)
        return [path for paths in count.values() for path in (paths[:SAMPLE] if sample else paths)]
    chosen = []
    for word in words:
        inside = [path for path in everything
                  if os.path.basename(os.path.dirname(path)) == word
                  or os.path.basename(os.path.dirname(path)).split(".")[0] == word]
        if not inside and not os.path.isfile(word):
            raise LabError("there is no mutant %s: give an exercise, a lab, or a file; they are "
                           "in tools/mutants" % word)
        chosen += inside or [os.path.abspath(word)]
    return chosen


def too_few(mutants, labs):
    """A sentence about each exercise that has too few mutants."""
    for lab in labs:
        for exercise in lab.exercises:
            least = LEAST_OF_CHALLENGE if exercise.is_challenge else LEAST
            count = sum(mutant.exercise == exercise.number for mutant, _ in mutants)
            if count < least:
                yield "exercise %s has %d mutants; it needs %d" % (exercise.number, count, least)


def arguments():
    """The command line, read."""
    parser = argparse.ArgumentParser(
        description="Check that the tests catch wrong solutions.",
        epilog="Without a word: all mutants of tools/mutants, and whether they are enough.")
    add = parser.add_argument
    add("words", nargs="*", metavar="N.M or FILE", help="only these; also a lab's number")
    add("--sample", action="store_true", help="a small sample: one of each exercise")
    add_options(add)
    return parser.parse_args()


def tell(counts, state, mutant, details):
    """Count what became of a mutant, and print it."""
    counts[state] = counts.get(state, 0) + 1
    print("%-9s %s %s: %s [%s]" % (state, mutant.exercise, mutant.name, mutant.title, details),
          flush=True)


def main():
    """The command; its exit status."""
    options, labs = arguments(), load()
    mutants, counts, problems = [], {}, 0
    for source in sources(options.words, options.sample):
        try:
            mutants.append(read(source, ROOT, labs))
        except MutantError as error:
            counts[BROKEN] = counts.get(BROKEN, 0) + 1
            print("%-9s %s" % (BROKEN, error), flush=True)
    if not options.words and not options.sample:
        for sentence in too_few(mutants, labs):
            problems += 1
            print(sentence)
    if mutants:
        with trials(ROOT, options) as tried:
            order = tried.order(labs, sorted({mutant.exercise for mutant, _ in mutants}))
            results = tried.run([(texts, order[mutant.exercise]) for mutant, texts in mutants])
            for (mutant, _), (state, details) in zip(mutants, results):
                tell(counts, state, mutant, details)
    broken = counts.get(BROKEN, 0) + counts.get(NO_COMPILE, 0)
    print("%d mutants: %d caught, %d survived, %d broken" % (
        sum(counts.values()), counts.get(CAUGHT, 0), counts.get(SURVIVED, 0), broken))
    return 1 if problems or broken or counts.get(SURVIVED) or not counts else 0


if __name__ == "__main__":
    sys.exit(cli.run("mutants", main, (WorkshopError, LabError)))
