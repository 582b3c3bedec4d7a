"""The catalogue of the labs: it loads lab0.py, lab1.py, ... and beyond.py of this folder, checks
them against each other, and finds an exercise or a test in them by its name.

Each of these files has one Lab of grader.model, by the name LAB. This is the only module that
imports them; what runs tests or grades hand-ins gets the list of all labs, and asks here. Nothing
of tools/grader knows of it: the grader runs the tests that it is given.
"""
import difflib
import fnmatch
import glob
import importlib
import os

FOLDER = os.path.dirname(os.path.abspath(__file__))


class LabError(ValueError):
    """A lab is not as it must be, or what was asked for is not there; the text is for the user."""


def load():
    """All labs that this tree has, in order; what is beyond them comes last."""
    labs = []
    for path in sorted(glob.glob(os.path.join(FOLDER, "lab*.py"))) + glob.glob(
            os.path.join(FOLDER, "beyond.py")):
        labs.append(importlib.import_module("labs." + os.path.basename(path)[:-3]).LAB)
    check(labs)
    return labs


def check(labs):
    """Raise LabError if the data contradict themselves."""
    seen = {}
    for lab in labs:
        points = {exercise.number: 0 for exercise in lab.exercises}
        for test in lab.tests:
            if test.name in seen:
                raise LabError("lab %d: there is a test %s already, in lab %d"
                               % (lab.number, test.name, seen[test.name]))
            seen[test.name] = lab.number
            if test.exercise is None and test.points:
                raise LabError("test %s has points, but no exercise" % test.name)
            if test.exercise is not None and test.exercise not in points:
                raise LabError("test %s: lab %d has no exercise %s"
                               % (test.name, lab.number, test.exercise))
            if test.exercise is not None:
                points[test.exercise] += test.points
        for exercise in lab.exercises:
            if points[exercise.number] != exercise.points:
                raise LabError("exercise %s has %d points, but its tests %d"
                               % (exercise.number, exercise.points, points[exercise.number]))


def unknown(kind, word, names):
    """The LabError for a word that names nothing; near words are offered."""
    near = difflib.get_close_matches(word, names, 3)
    return LabError("there is no %s %s%s; tools/lab list shows all" % (
        kind, word, near and "; do you mean %s?" % " or ".join(near) or ""))


def find_exercise(labs, number):
    """The Exercise of a number, or None."""
    return next((exercise for lab in labs for exercise in lab.exercises
                 if exercise.number == number), None)


def find_test(name, labs=None):
    """The test of that name, of all labs."""
    tests = [test for lab in labs or load() for test in lab.tests]
    for test in tests:
        if test.name == name:
            return test
    raise unknown("test", name, [test.name for test in tests])


def choose(labs, numbers=(), exercises=(), words=(), everything=False):
    """The tests of some labs, of some exercises and of these names, which may be patterns; without
    any of them those of all exercises, or really everything."""
    tests = [test for lab in labs for test in lab.tests]
    if not (numbers or exercises or words):
        return [test for test in tests if test.exercise or everything]
    chosen = set()
    for number in numbers:
        if number not in [str(lab.number) for lab in labs]:
            raise unknown("lab", number, [str(lab.number) for lab in labs])
        chosen.update(test for test in tests if str(test.lab) == number)
    for number in exercises:
        if find_exercise(labs, number) is None:
            raise unknown("exercise", number, [exercise.number for lab in labs
                                               for exercise in lab.exercises])
        chosen.update(test for test in tests if test.exercise == number)
    names = [test.name for test in tests]
    for word in words:
        found = [test for test in tests if fnmatch.fnmatchcase(test.name, word)]
        if not found:
            raise unknown("test", word, names)
        chosen.update(found)
    return [test for test in tests if test in chosen]
