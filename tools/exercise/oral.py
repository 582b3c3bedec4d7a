#!/usr/bin/env python3
"""Questions for an oral examination, made of a student's own text: what happens without this line?

    python3 tools/exercise/oral.py HANDIN [--answers] [--count N] [--seed N]

HANDIN is the file that `make handin` writes. Ten statements are chosen, from each exercise about as
many. The same hand-in has the same questions, whoever asks for them; --seed gives others. Only C is
asked for, and no declaration, without which the text would not compile.

--answers tries each: the student's exercise is put into the reference, once as it is and once
without the statement, and built and run as a hand-in is, in the sandbox if there is one. It shows
the first test that notices, and what that says. A test that the student's text does not pass as it
is says nothing. "no test notices" is an answer too: the examiner has to think.

What is printed of a student's text has no control characters, as in a report.
"""
import argparse
import hashlib
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import cli
from exercise import graft, handin, incoming, operators, regions
from exercise.automutate import plain
from exercise.trials import CAUGHT, SAME, SURVIVED, add_options, trials
from exercise.workshop import WorkshopError
from labs.catalogue import LabError, load

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COUNT = 10
MAX_LINE = 200                  # characters of a statement that are shown
SAID = {SAME: "the kernel is the same without it", SURVIVED: "no test notices"}


class OralError(Exception):
    """A hand-in of which no questions can be made."""


class Question:
    """A statement of a student's region, and the region's text without it.

    region   the Region of the reference
    line     its line in the region, from 1
    words    the statement, in one line
    without  the region's text
    """

    def __init__(self, region, text, change):
        self.region, self.line = region, text.count("\n", 0, change.start) + 1
        self.words = incoming.plain(plain(text[change.start:change.end]), MAX_LINE)
        self.without = text[:change.start] + change.new + text[change.end:]

    def __str__(self):
        return "exercise %s, %s, line %d of what you wrote:\n\n        %s\n" % (
            self.region.exercise, self.region.title, self.line, self.words)


def candidates(root, texts):
    """{exercise: [Question, ...]} of all statements of the texts {key: (text, line)}."""
    found = {}
    for region in regions.parse_tree(root):
        text = texts.get(region.key, ("", 0))[0]
        if region.path.endswith(".c") and not regions.is_blank(text):
            found.setdefault(region.exercise, []).extend(
                Question(region, text, change)
                for change in operators.delete_statement(operators.Code(text)))
    return {exercise: questions for exercise, questions in found.items() if questions}


def choose(found, count, seed):
    """So many of the Questions {exercise: [...]}, one exercise after the other by turns."""
    chance = random.Random(seed)
    piles = []
    for exercise in sorted(found):
        pile = list(found[exercise])
        chance.shuffle(pile)
        piles.append(pile)
    chosen = []
    while len(chosen) < count and any(piles):
        for pile in piles:
            if pile and len(chosen) < count:
                chosen.append(pile.pop())
    return sorted(chosen, key=lambda each: (each.region.exercise, each.region.path,
                                            each.region.first, each.line))


def read(path):
    """The Handin in a file."""
    with open(path, "rb") as file:
        data = file.read(handin.MAX_BYTES + 1)
    if not handin.is_handin(data):
        raise OralError("%s is no hand-in; `make handin` writes one" % path)
    try:
        return handin.parse(data)
    except handin.HandinError as error:
        raise OralError("%s: %s" % (path, error))


def variant(root, texts, exercise, change=None):
    """The files of the reference with the student's texts of an exercise, {path: text}; of the
    Question `change` the text without the statement. RegionError if a text is refused."""
    mine = {key: pair for key, pair in texts.items() if key[0] == exercise}
    if change is not None:
        mine[change.region.key] = change.without, texts[change.region.key][1]
    paths = {region.path for region in regions.parse_tree(root) if region.key in mine}
    return {path: graft.graft(regions.read(root, path), path, mine) for path in sorted(paths)}


def answers(root, texts, questions, tried):
    """What becomes of each Question, a sentence, by the Trials `tried`."""
    labs = load()
    order = tried.order(labs, sorted({each.region.exercise for each in questions}))
    whole = [(exercise, test) for exercise in order for test in order[exercise]]
    jobs = [(variant(root, texts, exercise), [test]) for exercise, test in whole]
    good = {exercise: [] for exercise in order}
    for (exercise, test), (state, _) in zip(whole, tried.run(jobs, by_rule=True)):
        good[exercise] += [test] * (state in (SURVIVED, SAME))
    jobs = [(variant(root, texts, each.region.exercise, each), good[each.region.exercise])
            for each in questions]
    for each, (state, details) in zip(questions, tried.run(jobs, by_rule=True)):
        if not good[each.region.exercise]:
            yield "nobody knows: this exercise passes none of its tests as it is"
        else:
            yield SAID.get(state) or ("" if state == CAUGHT else state.lower() + ": ") + details


def arguments():
    parser = argparse.ArgumentParser(
        description="Questions for an oral examination, of a student's own text.")
    add = parser.add_argument
    add("handin", metavar="HANDIN", help="the file that make handin writes")
    add("--answers", action="store_true", help="try each, and show what happens")
    add("--count", type=int, default=COUNT, metavar="N", help="so many; %(default)s")
    add("--seed", type=int, default=0, metavar="N", help="other questions")
    add_options(add)
    return parser.parse_args()


def main():
    options = arguments()
    work = read(options.handin)
    found = candidates(ROOT, work.texts)
    if not found:
        raise OralError("%s: no exercise of it has a statement in C" % options.handin)
    seed = hashlib.sha256(("%s %d" % (work.digest(), options.seed)).encode()).hexdigest()
    questions = choose(found, options.count, seed)
    print("%s, %s. What happens without this line?\n" % (work.assignment or "lab %d" % work.lab,
                                                         work.student["name"]))
    if len(questions) < options.count:
        print("It has %d statements only that can be asked about.\n" % len(questions))
    if not options.answers:
        for number, each in enumerate(questions, 1):
            print("%2d. %s" % (number, each))
        return 0
    with trials(ROOT, options) as tried:
        said = answers(ROOT, work.texts, questions, tried)
        for number, (each, answer) in enumerate(zip(questions, said), 1):
            print("%2d. %s\n    %s\n" % (number, each, incoming.plain(answer, MAX_LINE)))
    return 0


if __name__ == "__main__":
    sys.exit(cli.run("oral", main, (OralError, WorkshopError, LabError, regions.RegionError)))
