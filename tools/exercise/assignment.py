"""What a student's tree knows of a course's assignments, and how points are written.

A course (course.py, which only teachers have) says of each assignment much that is not for a
handout: extensions, the rule for late hand-ins, what others get. Brief is what a handout may tell:
.handout.json has one for each assignment that was handed out so far, so a student can check and
hand in each of them from one tree.
"""
import math
from fractions import Fraction

from exercise import incoming

NAME = r"[A-Za-z0-9][\w.-]{0,39}"
MAX_POINTS = 10000
MAX_TITLE = 200
MAX_EXERCISES = 200
HINTS = ("full", "short", "none")        # what blank regions tell


class Brief:
    """An assignment, as a handout tells it.

    name       how commands call it
    title      for people
    exercises  the numbers of its exercises, in order
    points     {number: points}
    due        when it must be handed in, as a text; "" if the course does not say
    may_give_up  may a student take the course's solution, and go on with the next one?
    """

    def __init__(self, name, title, exercises, points, due="", may_give_up=False):
        self.name, self.title, self.exercises = name, title, list(exercises)
        self.points, self.due, self.may_give_up = dict(points), due, may_give_up

    @property
    def total(self):
        """All points that it has, without those of challenges, which come on top."""
        return sum(points for number, points in self.points.items()
                   if not number.endswith(".C"))

    def to_json(self):
        """The value for .handout.json."""
        return {"name": self.name, "title": self.title, "due": self.due,
                "give up": self.may_give_up,
                "points": [[number, self.points[number]] for number in self.exercises]}


def decode(value, exercise):
    """The Brief in a value of .handout.json; `exercise` is what the number of one looks like."""
    table = incoming.table(value, 20, "an assignment")
    pairs = [incoming.items(each, 2, "points", 2) for each in incoming.items(
        incoming.member(table, "points"), MAX_EXERCISES, "points")]
    for number, points in pairs:
        incoming.word(number, exercise, "an exercise")
        incoming.number(points, 0, MAX_POINTS, "points")
    return Brief(
        incoming.word(incoming.member(table, "name"), NAME, "the name of an assignment"),
        incoming.word(incoming.member(table, "title"), r"[^\0-\x1f]{0,%d}" % MAX_TITLE, "a title"),
        [number for number, _ in pairs], dict(pairs),
        incoming.word(incoming.member(table, "due"), r"[0-9: +-]{0,40}", "a date"),
        incoming.member(table, "give up") is True)


def find(briefs, name):
    """The Brief of that name; ValueError that lists what there is."""
    for each in briefs:
        if each.name == name:
            return each
    raise ValueError("there is no assignment %s; there are %s" % (
        incoming.shown(name), ", ".join(each.name for each in briefs) or "none in this tree"))


def hundredths(value):
    """A Fraction rounded to two digits behind the point, halves up; whole numbers as such."""
    rounded = math.floor(value * 100 + Fraction(1, 2))
    return rounded // 100 if rounded % 100 == 0 else rounded / 100


def number_text(value):
    """Points or a mark as a text: whole, or with at most two digits behind the point."""
    return "%d" % value if value == int(value) else ("%.2f" % value).rstrip("0")
