#!/usr/bin/env python3
"""Change the reference solution by rule, everywhere in the exercises' regions, and see whether the
tests notice: at least 95 of 100 changes must be caught.

    python3 tools/exercise/automutate.py [--jobs 2] [--sample N [--seed N]] [N.M or LAB ...]

The rules are in operators.py. A change that does not compile, or after which the kernel is the same
in memory, is no wrong solution and does not count. Nor does a change that is listed in
tools/mutants/equivalent.txt: each line there names the exercise, the line before and after the
change, and why no test can tell the difference:

    5.4 ## if (page_ref(old) == 1) { ## if (page_ref(old) <= 1) { ## a mapped page has a reference

Challenges are tried only if they are named. A challenge may be solved in any way, so many changes
of our solution are solutions too.
"""
import argparse
import os
import random
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import cli
from exercise import operators, regions
from exercise.trials import BROKEN, CAUGHT, NO_COMPILE, SAME, SURVIVED, add_options, trials
from exercise.workshop import WorkshopError
from labs.catalogue import LabError, load

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KNOWN = os.path.join(ROOT, "tools", "mutants", "equivalent.txt")
EQUIVALENT = "equivalent"
BAR = 95                        # of 100
SECONDS = 0.7                   # CPU time that one change takes
SEPARATOR = " ## "
COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.S)


def plain(lines):
    """These lines as one line, without comments."""
    return " ".join(COMMENT.sub(" ", lines).split())


class Mutation:
    """One change of a region.

    old, new  the lines that it touches, before and after, as one line
    key       what equivalent.txt knows it by
    texts     {path: text} of the file with the change
    """

    def __init__(self, region, change, whole):
        text = region.text
        first = text.rfind("\n", 0, change.start) + 1
        last = (text + "\n").index("\n", change.end)
        self.exercise, self.path = region.exercise, region.path
        self.line = region.first + text.count("\n", 0, change.start)
        self.old = plain(text[first:last])
        self.new = plain(text[first:change.start] + change.new + text[change.end:last])
        self.key = self.exercise, self.old, self.new
        # Ends of lines are added, so that the lines after the change keep their numbers.
        lost = "\n" * (text.count("\n", change.start, change.end) - change.new.count("\n"))
        new = text[:change.start] + change.new + lost + text[change.end:]
        self.texts = {region.path: regions.replace(whole, region.path, {region.key: new})}

    def __str__(self):
        return "%s %s:%d: %s -> %s" % (self.exercise, self.path, self.line, self.old, self.new)


def mutations(root, chosen):
    """All Mutations of these exercises, in order of the files."""
    families, texts = operators.constant_families(root), {}
    found = []
    for region in regions.parse_tree(root):
        if region.exercise in chosen and region.path.endswith(".c"):
            whole = texts.setdefault(region.path, regions.read(root, region.path))
            found += [Mutation(region, change, whole)
                      for change in operators.changes(region.text, families)]
    return found


def read_equivalent(text):
    """{key of a mutation: (line number, reason)} in the text of equivalent.txt; ValueError if a
    line of it is wrong."""
    found = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = [part.strip() for part in line.split(SEPARATOR)]
        if len(parts) != 4 or not all(parts):
            raise ValueError("line %d: expected EXERCISE ## LINE BEFORE ## LINE AFTER ## REASON"
                             % number)
        if tuple(parts[:3]) in found:
            raise ValueError("line %d: this is there already, in line %d"
                             % (number, found[tuple(parts[:3])][0]))
        found[tuple(parts[:3])] = number, parts[3]
    return found


def equivalents():
    """What equivalent.txt says, as above."""
    try:
        with open(KNOWN, encoding="utf-8") as file:
            return read_equivalent(file.read())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise LabError("%s: %s" % (os.path.relpath(KNOWN), error))


class Tally:
    """What became of the mutations: {exercise: {state: how many}}."""

    def __init__(self, known):
        self.known, self.states = known, {}
        self.seen, self.survived = set(), set()         # keys

    def add(self, mutation, state, details):
        """Count one mutation, and print it if it survived."""
        self.seen.add(mutation.key)
        if state == SURVIVED:
            self.survived.add(mutation.key)
            if mutation.key in self.known:
                state = EQUIVALENT
        if state in (SURVIVED, BROKEN):
            print("%s %s [%s]" % (state, mutation, details), flush=True)
        states = self.states.setdefault(mutation.exercise, {})
        states[state] = states.get(state, 0) + 1

    def stale(self, chosen):
        """After a complete run: sentences about lines of equivalent.txt that are wrong now."""
        for key, (number, _) in self.known.items():
            if key[0] in chosen and key not in self.survived:
                yield "equivalent.txt:%d: %s" % (number, "this change is caught: remove the line"
                                                 if key in self.seen else
                                                 "there is no such change any more")

    def count(self, state, exercise=None):
        """How many mutations have this state, of one exercise or of all."""
        return sum(states.get(state, 0) for number, states in self.states.items()
                   if exercise in (None, number))

    def share(self, exercise=None):
        """How many of 100 mutations are caught, of those that count."""
        caught, survived = self.count(CAUGHT, exercise), self.count(SURVIVED, exercise)
        return 100 * caught / (caught + survived) if caught + survived else 100

    def summary(self, exercise=None):
        """One line with all counts."""
        caught, survived = self.count(CAUGHT, exercise), self.count(SURVIVED, exercise)
        return "%d of %d caught, %.1f %%; no wrong solutions: %d equivalent, %d the same code, " \
            "%d do not compile" % (
                caught, caught + survived, self.share(exercise),
                self.count(EQUIVALENT, exercise), self.count(SAME, exercise),
                self.count(NO_COMPILE, exercise))


def choose(words, labs):
    """The exercises that these words name; without words, all except the challenges."""
    exercises = [exercise.number for lab in labs for exercise in lab.exercises]
    plain_ones = [exercise.number for lab in labs for exercise in lab.exercises
                  if not exercise.is_challenge]
    for word in words:
        if word not in exercises and word not in [str(lab.number) for lab in labs]:
            raise LabError("there is no exercise or lab %s; there are %s"
                           % (word, " ".join(exercises)))
    return [number for number in exercises if number in words
            or number in plain_ones and (not words or number.split(".")[0] in words)]


def arguments():
    parser = argparse.ArgumentParser(
        description="Change the reference solution by rule; the tests must notice.",
        epilog="Exit status 0 when at least %d of 100 changes are caught." % BAR)
    add = parser.add_argument
    add("words", nargs="*", metavar="N.M or LAB", help="only these exercises")
    add("--sample", type=int, metavar="N", help="only so many, chosen by the seed")
    add("--seed", type=int, default=1, help="%(default)s")
    add("--list", action="store_true", help="show the changes, and try none")
    add_options(add)
    return parser.parse_args()


def main():
    options, labs = arguments(), load()
    chosen, known = choose(options.words, labs), equivalents()
    found = mutations(ROOT, chosen)
    if options.sample is not None:
        picked = random.Random(options.seed).sample(range(len(found)),
                                                    min(options.sample, len(found)))
        found = [found[index] for index in sorted(picked)]
    if options.list:
        print("\n".join(map(str, found)))
        return 0
    seconds = SECONDS * len(found) / options.jobs
    print("%d changes; this will take about %d:%02d minutes" % (
        len(found), seconds // 60, seconds % 60), flush=True)
    tally = Tally(known)
    with trials(ROOT, options) as tried:
        order = tried.order(labs, sorted({mutation.exercise for mutation in found}))
        results = tried.run([(mutation.texts, order[mutation.exercise]) for mutation in found],
                           by_rule=True)
        for mutation, (state, details) in zip(found, results):
            tally.add(mutation, state, details)
    return finish(options, tally, chosen)


def finish(options, tally, chosen):
    """Print what came out, and return the exit status."""
    complete = options.sample is None
    for exercise in chosen if complete else ():
        if exercise in tally.states:
            print("%s: %s" % (exercise, tally.summary(exercise)))
    wrong = list(tally.stale(chosen)) if complete else []
    print("\n".join(wrong + [tally.summary()]))
    return 1 if wrong or tally.count(BROKEN) or tally.share() < BAR else 0


if __name__ == "__main__":
    sys.exit(cli.run("automutate", main, (WorkshopError, LabError, regions.RegionError)))
