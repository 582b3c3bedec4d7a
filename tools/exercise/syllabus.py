"""A course: its assignments as data, read from a file that a teacher writes.

    [course]
    name: Operating systems, spring
    starts: 2027-03-01
    late: 10% a day, 3 days

    [lab2]
    title: physical memory and page tables
    exercises: 2.1 2.2 3.1 3.2
    points: 100
    weeks: 3-4

The section [course] says what holds for all assignments; each other section is one, in their order.
docs/syllabus.md lists all keys, and tools/courses has files to begin with. read() gives the Course;
whatever is wrong with the file is a CourseError, which names the file, the line, the section and
the key. The tests and their points stay what they are: an exercise that has 25 points in tools/labs
and 20 here has its marks multiplied by 20/25 (term.py).
"""
import datetime
import os
import re

from exercise import assignment, inifile, plans
from exercise.incoming import shown
from tasks import catalogue as tasks

FOLDER = os.path.join("tools", "courses")
OWN = "course.ini"                          # at the top of the tree: then --course is not needed
ENDING = ".ini"
COURSE = "course"
CourseError = inifile.FileError
FOR_ALL = ("solved", "hints", "language", "late", "attempts", "groups", "give up")
SOME = ("all", "none")                      # words of `solved`
OF_COURSE = ("name", "starts", "zone", "free days") + FOR_ALL
OF_ASSIGNMENT = ("title", "exercises", "points", "weeks", "out", "due", "extensions") + FOR_ALL
LAST, BEST, IN_TIME = "last", "best", "in time"
LATE = re.compile(r"(\d+(?:\.\d+)?) ?% (?:a|per) day(?:, (?:at most )?(\d+) days?)?")
TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d))?)? ?([+-]\d\d:?\d\d|Z)?")
ZONE = re.compile(r"([+-])(\d\d):?(\d\d)")
YEARS = 2000, 2999                          # of all dates
SHARE = re.compile(r"([0-9]\.\w) +(\d+)")
MAX_TEAM = 20


class LateRule:
    """What a hand-in after its date is worth.

    percent  so much less for each day that has begun
    days     after so many days it is worth nothing; None if there is no such day
    """

    def __init__(self, percent, days):
        self.percent, self.days = percent, days

    def left(self, days):
        """What is left of the mark so many days late, in percent."""
        if days and self.days is not None and days > self.days:
            return 0
        return max(0, 100 - self.percent * days)


class Assignment:
    """One assignment.

    name, title, exercises, points
                  as in assignment.Brief
    weeks         "3-4", or "" if the file does not say
    opens, due    datetimes with a zone, or None
    late          a LateRule; extensions: {e-mail address or number of a student: datetime}
    attempts      which of several hand-ins counts: LAST, BEST or IN_TIME
    groups        so many students may hand in together
    solved        the names of the assignments before it that come solved
    hints         HINTS: what a handout shows in a blank region
    language      of labcodes.md
    may_give_up   may a student take the solution of it?
    """

    def __init__(self, name, section):
        self.name, self.section, self.may_give_up = name, section, False
        self.exercises, self.points, self.solved, self.extensions = [], {}, [], {}
        self.opens = self.due = self.late = None

    def brief(self):
        """What a handout tells of it."""
        return assignment.Brief(self.name, self.title, self.exercises, self.points,
                                self.due.strftime("%Y-%m-%d %H:%M %z") if self.due else "",
                                self.may_give_up)

    def dates(self):
        """Its weeks and dates in a few words; "" if the file has none."""
        words = ["week%s %s" % ("s" * ("-" in self.weeks), self.weeks)] if self.weeks else []
        for word, date in (("out", self.opens), ("due", self.due)):
            words += ["%s %s" % (word, date.strftime("%Y-%m-%d %H:%M"))] if date else []
        return ", ".join(words)


class Course:
    """A course: its file, name, zone, free_days, and its assignments in order."""

    def __init__(self, path, sections, exercises):
        self.path, self.assignments = path, []
        heads = [each for each in sections if each.name == COURSE]
        self.head = heads[0] if heads else inifile.Section(path, COURSE, 1)
        self.head.check_keys(OF_COURSE)
        self.name = self.head.text("name", os.path.basename(path)[:-len(ENDING)])
        self.zone = zone_of(self.head)
        self.starts = time_of(self.head, "starts", self.zone, False)
        self.free_days = self.head.number("free days", 0, 0, 100)
        for section in sections:
            if section is not self.head:
                self.assignments.append(self.assignment(section, exercises))
        if not self.assignments:
            self.head.fail("the file has no assignment: write a section [NAME] with a line "
                           "\"exercises: 1.1 1.2\"")

    def find(self, name):
        """The Assignment of that name."""
        return assignment.find(self.assignments, name)

    def until(self, one):
        """The assignments up to this one, with it."""
        return self.assignments[:self.assignments.index(one) + 1]

    def assignment(self, section, exercises):
        """The Assignment of a section; `exercises` are {number: Exercise} of the tree."""
        self.check_name(section)
        section.check_keys(OF_ASSIGNMENT)
        for key in FOR_ALL:
            if key in self.head.values:
                section.values.setdefault(key, self.head.values[key])
        one = Assignment(section.name, section)
        one.title = section.text("title", section.name)
        if len(one.title) > assignment.MAX_TITLE:
            section.fail("it has more than %d letters" % assignment.MAX_TITLE, "title")
        one.exercises = exercises_of(section, exercises, self.assignments)
        one.points = points_of(section, one.exercises, exercises)
        one.hints = section.choice("hints", assignment.HINTS[0], assignment.HINTS)
        one.language = section.text("language", "en")
        try:
            plans.text_in(one.language)
        except plans.HandoutError as error:
            section.fail(error, "language")
        one.attempts = section.choice("attempts", LAST, (LAST, BEST, IN_TIME))
        one.groups = section.number("groups", 1, 1, MAX_TEAM)
        one.may_give_up = section.choice("give up", "no", ("yes", "no")) == "yes"
        one.solved = solved_of(section, [each.name for each in self.assignments])
        one.late = late_of(section)
        self.set_dates(one, section)
        one.extensions = extensions_of(section, self.zone, one.due)
        return one

    def check_name(self, section):
        """An assignment's name is part of files' names, and `solved` has words of its own."""
        name = section.name.casefold()
        if not re.fullmatch(assignment.NAME, section.name, re.A):
            section.fail("the name of an assignment has at most 40 letters from a to z, digits, "
                         "points and dashes, and no other sign")
        if name in SOME:
            section.fail("%s is a word of the key \"solved\": choose another name" % name)
        if name == COURSE:
            section.fail("the section of the whole course is [course], in small letters")
        same = [each.name for each in self.assignments if each.name.casefold() == name]
        if same:
            section.fail("[%s] has the same letters: choose another name" % same[0])

    def set_dates(self, one, section):
        """Take `weeks`, `out` and `due`. The weeks count from the course's first day."""
        one.weeks = section.text("weeks")
        match = re.fullmatch(r"(\d{1,2})(?:-(\d{1,2}))?", one.weeks)
        if one.weeks and not match:
            section.fail("%s: expected weeks as in 3 or 3-4" % shown(one.weeks), "weeks")
        first, last = (int(match.group(1)), int(match.group(2) or match.group(1))) if match \
            else (1, 1)
        if not 1 <= first <= last:
            section.fail("the first week is 1, and no week is before the first", "weeks")
        if match and self.starts:
            one.opens = self.starts + datetime.timedelta(weeks=first - 1)
            one.due = self.starts + datetime.timedelta(weeks=last) - datetime.timedelta(seconds=1)
        one.opens = time_of(section, "out", self.zone, False) or one.opens
        one.due = time_of(section, "due", self.zone, True) or one.due
        if one.opens and one.due and one.due <= one.opens:
            section.fail("it is due before it is handed out", "due" if "due" in section.values
                         else "out")


def zone_of(section):
    """The time zone of a course, which is UTC if the file does not say."""
    try:
        return zone_in(section.text("zone", "+00:00"))
    except ValueError as error:
        section.fail(error, "zone")


def zone_in(text):
    """The time zone in a text as +08:00; ValueError if it is none."""
    match = ZONE.fullmatch(text)
    if not match or int(match.group(2)) > 14 or int(match.group(3)) > 59:
        raise ValueError("%s: expected a time zone as in +08:00" % shown(text))
    minutes = int(match.group(2)) * 60 + int(match.group(3))
    return datetime.timezone(datetime.timedelta(minutes=-minutes if match.group(1) == "-"
                                                else minutes))


def moment(text, zone, at_end=False):
    """The datetime in a text as 2027-03-14 23:59, 2027-03-14T23:59:00+0800 or 2027-03-14, which is
    the end of that day if `at_end`, else its beginning; ValueError if it is none."""
    match = TIME.fullmatch(text.strip())
    if not match:
        raise ValueError("expected a date as in 2027-03-14 23:59")
    year, month, day, hour, minute, second, own = match.groups()
    clock = [int(hour), int(minute), int(second or 0)] if hour else \
        [23, 59, 59] if at_end else [0, 0, 0]
    if not YEARS[0] <= int(year) <= YEARS[1]:
        raise ValueError("expected a year from %d to %d" % YEARS)
    if own:
        zone = zone_in("+00:00" if own == "Z" else own)
    return datetime.datetime(int(year), int(month), int(day), *clock, tzinfo=zone)


def time_of(section, key, zone, at_end):
    """The datetime of a key; None if the section does not have it."""
    text = section.text(key)
    try:
        return moment(text, zone, at_end) if text else None
    except ValueError as error:
        section.fail("%s: %s" % (shown(text), error), key)


def exercises_of(section, known, before):
    """The numbers of an assignment's exercises, which no assignment before has."""
    numbers = section.text("exercises").replace(",", " ").split()
    if not numbers:
        section.fail("it has no exercises: write a line \"exercises: 2.1 2.2\"")
    for number in numbers:
        if number not in known:
            section.fail("there is no exercise %s; tools/lab list shows all" % shown(number),
                         "exercises")
        others = [each.name for each in before if number in each.exercises]
        if others or numbers.count(number) > 1:
            section.fail("exercise %s is in %s already" % (number, "[%s]" % others[0] if others
                                                           else "this line"), "exercises")
    return sorted(numbers)


def points_of(section, numbers, known):
    """{number: points}: those of tools/labs; or a total, of which each exercise gets its part in
    whole points; or what is said for each exercise."""
    text, own = section.text("points"), {number: known[number].points for number in numbers}
    if not text:
        return own
    if re.fullmatch(r"\d+", text):
        if not 1 <= int(text) <= assignment.MAX_POINTS:
            section.fail("%s is no number from 1 to %d" % (text, assignment.MAX_POINTS), "points")
        parts = shares(int(text), own, [number for number in numbers
                                        if not known[number].is_challenge])
        if 0 in parts.values():
            section.fail("%s is too few: %s would have none" % (
                text, next(number for number in numbers if not parts[number])), "points")
        return parts
    pairs = [SHARE.fullmatch(part.strip()) for part in text.split(",")]
    if None in pairs:
        section.fail("expected a total, as in 100, or points for each exercise, as in \"2.1 30, "
                     "2.2 20\"", "points")
    said = {pair.group(1): int(pair.group(2)) for pair in pairs}
    for points in said.values():
        if points > assignment.MAX_POINTS:
            section.fail("%d is no number from 0 to %d" % (points, assignment.MAX_POINTS),
                         "points")
    wrong = sorted(set(said) ^ set(own))
    if wrong or len(pairs) != len(said):
        section.fail("%s: say the points of each exercise of this assignment once, or only a total"
                     % (wrong[0] if wrong else "an exercise is there twice"), "points")
    return said


def shares(total, own, numbers):
    """{number: whole points} in proportion to their own points, so that those of `numbers` add up
    to the total. What is lost by rounding goes to those who lost most."""
    numbers = numbers or sorted(own)
    whole = sum(own[number] for number in numbers)
    result = {number: own[number] * total // whole for number in own}
    rest = total - sum(result[number] for number in numbers)
    for number in sorted(numbers, key=lambda each: (-(own[each] * total % whole), each))[:rest]:
        result[number] += 1
    return result


def solved_of(section, before):
    """The names of the assignments before this one that come solved; all if the file is silent."""
    words = section.text("solved", SOME[0]).replace(",", " ").split()
    if len(words) == 1 and words[0] in SOME:
        return before if words[0] == SOME[0] else []
    for word in words:
        if word not in before:
            section.fail("%s is no assignment before this one; say all, none, or some of: %s" % (
                shown(word), " ".join(before) or "(there is none before)"), "solved")
    return [name for name in before if name in words]


def late_of(section):
    """The LateRule of an assignment: without one, nothing is taken off."""
    text = section.text("late", "free")
    if text in ("free", "not accepted"):
        return LateRule(0, None if text == "free" else 0)
    match = LATE.fullmatch(text)
    if not match or float(match.group(1)) > 100:
        section.fail("%s: expected \"10%% a day, 3 days\", \"free\" or \"not accepted\""
                     % shown(text), "late")
    return LateRule(float(match.group(1)), int(match.group(2)) if match.group(2) else None)


def extensions_of(section, zone, due):
    """{e-mail address or number, in small letters: datetime}; each is after the date that it
    extends."""
    found = {}
    if section.text("extensions") and not due:
        section.fail("there is no date to be extended: the assignment has no `due`, or its weeks "
                     "need the course's `starts`", "extensions")
    for line, text in section.values["extensions"].lines if "extensions" in section.values else ():
        who, colon, when = (part.strip() for part in text.partition(":"))
        try:
            date = moment(when, zone, True)
        except ValueError:
            date = None
        if not date or not who:
            section.fail("%s: expected a line for each student, as in \"ada@example.org: 2027-03-17"
                         " 23:59\"" % shown(text), "extensions", line)
        if " " in who and not re.search(r"[@\d]", who):
            section.fail("%s: a student is known by the e-mail address or the number of "
                         "student.txt, and not by a name" % shown(text), "extensions", line)
        if date <= due:
            section.fail("%s: that is not after %s, when it is due" % (
                shown(text), due.strftime("%Y-%m-%d %H:%M %z")), "extensions", line)
        if who.casefold() in found:
            section.fail("%s has an extension already: take one of the lines out" % shown(who),
                         "extensions", line)
        found[who.casefold()] = date
    return found


# -- which file

def path_of(root, word):
    """The path of the file that a teacher names, by a path or by its name in tools/courses; without
    a word the tree's own, or None."""
    if not word:
        own = os.path.join(root, OWN)
        return own if os.path.exists(own) else None
    shipped = os.path.join(root, FOLDER, word + ENDING)
    return shipped if re.fullmatch(r"[\w-]+", word) and os.path.exists(shipped) else word


def shipped(root):
    """The names of the courses in tools/courses."""
    folder = os.path.join(root, FOLDER)
    return sorted(name[:-len(ENDING)] for name in os.listdir(folder) if name.endswith(ENDING)) \
        if os.path.isdir(folder) else []


def read(root, word, labs):
    """The Course that a teacher names, or the tree's own. `labs` are those of the catalogue."""
    path = path_of(root, word)
    if path is None:
        raise CourseError("which course? Say --course FILE, or --course with one of %s, or put a "
                          "file %s at the top of the tree" % (", ".join(shipped(root)), OWN))
    if not os.path.exists(path):
        raise CourseError("there is no file %s, and in tools/courses there are %s"
                          % (path, ", ".join(shipped(root))))
    known = [exercise for lab in labs for exercise in lab.exercises]
    found = Course(path, inifile.read(path), {each.number: each for each in known + tasks.load()})
    for one in found.assignments:
        text = plans.text_in(one.language)
        if "language" in one.section.values and not os.path.isfile(os.path.join(root, text)):
            one.section.fail("there is no %s in this tree" % text, "language")
    return found
