"""What a course's file says about marks: points, late hand-ins, several attempts, groups, and what
staff has decided by hand. `tools/lab grade --assignment NAME` asks here; the marks themselves are
made as without a course.

A Term knows who is in which of the hand-ins that were collected, and which of them count for whom,
so that only these are graded. In the end it makes a row for each person. A group hands in one file,
and each of its members has a row of its own: dates, extensions, free days and decisions are a
person's. A row is a gradebook.Student in which these differ. CourseGrading grades with a Term.
"""
import collections
import copy
import csv
import datetime
import math
import os
import re
from fractions import Fraction

from exercise import handin, incoming, syllabus
from exercise.assignment import hundredths
from exercise.gradebook import GradeError, Grading
from exercise.marks import LOOK
from exercise.marksheet import FREE

MAX_TABLE = 16 << 20
MAX_METADATA = 64 << 20         # Gradescope's has the results of all submissions before
TOTAL = "total"
MTIME = "mtime"
NUMBER = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")
REST = "what is behind the last column"


class TermError(ValueError):
    """A table that staff has written cannot be used; the text is for them."""


def scaled(mark, most, points):
    """What a mark out of `most` is worth out of `points`."""
    return None if mark is None else hundredths(Fraction(mark) * points / most) if most else 0


def scaled_tests(tests, most, points):
    """The tests of an exercise of `most` points, of which all have so many points together: what is
    lost where one is rounded, the next one gets."""
    found, before = [], 0
    for test in tests:
        shares = [Fraction(str(scaled(each, most, points))) for each in
                  (before, before + test["max"])]
        share, before = hundredths(shares[1] - shares[0]), before + test["max"]
        found.append(dict(test, max=share, points=share if test["points"] == test["max"]
                          else min(share, scaled(test["points"], most, points))))
    return found


def scale(result, points):
    """A result of marks.Examiner in which each exercise has these points, {number: points}."""
    result = dict(result, exercises=dict(result["exercises"]))
    for number, entry in result["exercises"].items():
        most, new = entry["max"], points[number]
        entry = dict(entry, max=new, challenge=number.endswith(".C"),
                     tests=scaled_tests(entry["tests"], most, new))
        for name in ("together", "alone", "mark"):
            entry[name] = scaled(entry[name], most, new)
        result["exercises"][number] = entry
    return result


def read_table(path, columns):
    """[(line, {column: text})] of a CSV file; TermError if one of these columns is missing."""
    try:
        text = incoming.sure_text_of(incoming.file_data(path, MAX_TABLE))
        signs = max(",;\t", key=text.partition("\n")[0].count)      # some spreadsheets write these
        rows = csv.DictReader(text.split("\n"), restkey=REST, strict=True, delimiter=signs)
        names = [name.strip().casefold() for name in rows.fieldnames or ()]
        rows.fieldnames, found = names, []
        missing = [name for name in columns if name not in names]
        if missing:
            raise TermError("%s:1: there is no column %s; there are %s" % (
                path, missing[0], ", ".join(names) or "none"))
        if len(set(names)) < len(names):
            raise TermError("%s:1: two columns have the same name" % path)
        for row in rows:
            if any(row.pop(REST, ())):
                raise TermError("%s:%d: there are more cells than columns; a text with a comma is "
                                "written \"so, as this\"" % (path, rows.line_num))
            found.append((rows.line_num, {name: (row[name] or "").strip() for name in names}))
        return found
    except (incoming.BadValue, csv.Error) as error:
        raise TermError("%s: %s" % (path, error)) from None
    except OSError as error:
        raise TermError("%s cannot be read: %s" % (path, error.strerror)) from None


def team_of(submission):
    """The fields of all who have handed in together, each person once."""
    found = submission.handin
    team = {}
    for who in [submission.student] + (found.members if found else []):
        team.setdefault((names_of(who) or [""])[0], who)
    return list(team.values())


def file_of(source):
    """The path of the file that a hand-in was found in: its own one, or an archive. "" if there is
    none."""
    while source and not os.path.exists(source):
        source = source.rpartition(":")[0]
    return source


def shown(submission):
    """Where a hand-in was found, and why it was refused if it was."""
    return submission.source + (" (refused: %s)" % submission.refused if submission.refused else "")


def names_of(who):
    """The names by which tables and the course's file may call a student."""
    return [each.casefold() for each in (who["email"], who["id"]) if each]


class Decision:
    """What staff has decided: the mark of an exercise, or the total, of one person."""

    def __init__(self, where, exercise, mark, why):
        self.where, self.exercise, self.mark, self.why = where, exercise, mark, why


class Term:
    """A course at the time when one of its assignments is graded.

    times      {the name of a file, of a student, or "": datetime}; None: the file's own time
    used       {name of a student: free days that earlier assignments took}
    decisions  {name of a student: [Decision]}
    people     {key of a person: (fields, [Student whose hand-in names this person])}
    files      how many hand-ins lie in each file: the time of an archive of many is nobody's
    """

    def __init__(self, whole, one, options):
        self.course, self.one, self.people = whole, one, {}
        self.times = None if options.times == MTIME else self.read_times(options.times)
        self.used, self.decisions, self.files = {}, {}, {}
        for path in options.earlier:
            for line, row in read_table(path, ("email", "id", FREE)):
                days = row[FREE] or "0"
                if not days.isdecimal():
                    raise TermError("%s:%d: %s are no days" % (path, line, incoming.shown(days)))
                for name in names_of(row)[:1]:
                    self.used[name] = self.used.get(name, 0) + int(days)
        if options.overrides:
            self.read_decisions(options.overrides)

    # -- what staff has written

    def read_times(self, path):
        """{name: datetime} of a CSV file, or of the JSON that Gradescope has beside a hand-in."""
        if not path:
            return {}
        if path.endswith(".json"):
            try:
                data = incoming.json_of(incoming.file_data(path, MAX_METADATA), MAX_METADATA)
                text = incoming.member(incoming.table(data, 1000, path), "created_at")
                return {"": moment("%s" % text, self.course.zone)}
            except (OSError, ValueError) as error:
                raise TermError("%s: %s" % (path, error)) from None
        found = {}
        for line, row in read_table(path, ("time",)):
            name = next((row[name] for name in ("file", "email", "id") if row.get(name)), "")
            if not name:
                raise TermError("%s:%d: whose time is it? Fill one of the columns file, email, id"
                                % (path, line))
            if name.casefold() in found:
                raise TermError("%s:%d: %s has a time already; of a student's several hand-ins say "
                                "each by the column file" % (path, line, incoming.shown(name)))
            try:
                found[name.casefold()] = moment(row["time"], self.course.zone)
            except ValueError as error:
                raise TermError("%s:%d: %s: %s" % (
                    path, line, incoming.shown(row["time"]), error)) from None
        return found

    def read_decisions(self, path):
        """Take the marks that staff has decided."""
        for line, row in read_table(path, ("student", "exercise", "mark", "why")):
            where, number = "%s:%d" % (path, line), row["exercise"]
            number = TOTAL if number.casefold() == TOTAL else number.upper()
            most = self.one.points.get(number, sum(self.one.points.values()))
            if number != TOTAL and number not in self.one.points:
                raise TermError("%s: %s has no exercise %s; say one of %s, or %s" % (
                    where, self.one.name, incoming.shown(number), " ".join(self.one.points), TOTAL))
            is_number = NUMBER.fullmatch(row["mark"])
            mark = hundredths(Fraction(row["mark"])) if is_number else -1
            if not 0 <= mark <= most:
                raise TermError("%s: %s is no mark from 0 to %d" % (
                    where, incoming.shown(row["mark"]), most))
            if not row["student"] or not row["why"]:
                raise TermError("%s: say which student, by e-mail address or number, and why"
                                % where)
            mine = self.decisions.setdefault(row["student"].casefold(), [])
            if number in [each.exercise for each in mine]:
                raise TermError("%s: %s of %s is decided already: leave one of the lines" % (
                    where, number, incoming.shown(row["student"])))
            mine.append(Decision(where, number, mark, row["why"]))

    # -- before the grading

    def refuse(self, submission):
        """Refuse a hand-in that was made for another assignment. A tree may be of any."""
        found = submission.handin
        if found and submission.in_file and found.assignment not in ("", self.one.name):
            submission.refused = "it was made for the assignment %s, and this is %s: tools/lab " \
                "handin --assignment %s makes the right one" % (
                    found.assignment, self.one.name, self.one.name)

    def choose(self, students):
        """Those of the Students that must be graded: all that may count for anybody."""
        self.files = collections.Counter(file_of(each.submission.source) for each in students)
        for student in students:
            for who in team_of(student.submission):
                key = (names_of(who) or [id(student)])[0]
                self.people.setdefault(key, (who, []))[1].append(student)
        known = {name for who, _ in self.people.values() for name in names_of(who)}
        for name in sorted(set(self.decisions) - known):
            raise TermError("%s: there is no hand-in of %s" % (self.decisions[name][0].where,
                                                               incoming.shown(name)))
        wanted = set()
        for who, mine in self.people.values():
            self.check_decisions(who)
            best = self.one.attempts == syllabus.BEST
            wanted.update(map(id, mine if best else [self.pick(who, mine)]))
        return [student for student in students if id(student) in wanted]

    def check_decisions(self, who):
        """Nothing may be decided twice of a person, once by each name."""
        first = {}
        for name in names_of(who):
            for each in self.decisions.get(name, ()):
                if first.setdefault(each.exercise, each) is not each:
                    raise TermError("%s: %s of %s is decided already, in %s: leave one of the lines"
                                    % (each.where, each.exercise, incoming.shown(name),
                                       first[each.exercise].where))

    def time_of(self, who, student):
        """When it was handed in: a datetime, or None if nothing tells."""
        source = student.submission.source
        if self.times is None:
            path = file_of(source)
            return instant(os.stat(path).st_mtime, self.course.zone) \
                if path and self.files[path] == 1 else None
        names = [source.casefold(), os.path.basename(source).casefold(), *names_of(who), ""]
        return next((self.times[name] for name in names if name in self.times), None)

    def days_late(self, who, student):
        """How many days have begun since this person should have handed it in."""
        due = next((self.one.extensions[name] for name in names_of(who)
                    if name in self.one.extensions), self.one.due)
        handed = self.time_of(who, student)
        late = (handed - due).total_seconds() if due and handed else 0
        return math.ceil(late / 86400) if late > 0 else 0

    def pick(self, who, students):
        """That one of several hand-ins which counts for a person. What can be graded is preferred,
        then what the course's file says; of equal ones the later one in the list."""
        rule = self.one.attempts

        def rank(pair):
            index, student = pair
            handed, late = self.time_of(who, student), self.days_late(who, student)
            last = handed.timestamp() if handed else float("-inf")
            worth = self.row(who, student).total if rule == syllabus.BEST else 0
            return (not student.is_refused, worth,
                    -late if rule == syllabus.IN_TIME else 0, last, index)
        return max(enumerate(students), key=rank)[1]

    # -- after it

    def scale(self, student):
        """Give its marks the points of the assignment."""
        if student.result:
            student.result = scale(student.result, self.one.points)

    def rows(self):
        """A row for each person, in the order in which they came."""
        found = []
        for who, mine in self.people.values():
            chosen = self.pick(who, mine)
            row = self.row(who, chosen)
            others = [shown(each.submission) for each in mine if each is not chosen]
            if others:
                rule = self.one.attempts + " one" * (self.one.attempts == syllabus.IN_TIME)
                guess = self.one.attempts != syllabus.BEST and None in [
                    self.time_of(who, each) for each in mine]
                row.notes.append("of %d hand-ins the %s counts; not %s%s" % (
                    len(mine), rule, ", ".join(others),
                    "; not all times are known: see --times" if guess else ""))
            found.append(row)
        return found

    def row(self, who, student):
        """The row of a person for a hand-in: name, days late, what is left, decisions."""
        row = copy.copy(student)
        row.notes, row.looks = list(student.notes), list(student.looks)
        row.submission = copy.copy(student.submission)
        if who is not student.submission.student and student.submission.handin:
            row.submission.handin = copy.copy(student.submission.handin)
            row.submission.handin.student = who
        team = team_of(student.submission)
        if len(team) > 1:
            row.notes.append("handed in together by " + ", ".join(each["name"] for each in team))
        if len(team) > self.one.groups:
            row.looks.append("the group %s: it has %d students, and the course's file allows %d" % (
                LOOK, len(team), self.one.groups))
            row.notes.append(row.looks[-1])
        self.set_late(row, who, student)
        for name in names_of(who):
            for decision in self.decisions.get(name, ()):
                decide(row, decision)
        return row

    def set_late(self, row, who, student):
        """Take off what the late rule says, after the free days that this person still has."""
        if self.one.due and self.time_of(who, student) is None and student.work:
            row.notes.append("when it was handed in is not known: see --times")
        row.days = self.days_late(who, student)
        used = next((self.used[name] for name in names_of(who) if name in self.used), 0)
        row.free = min(row.days, max(0, self.course.free_days - used))
        row.left = self.one.late.left(row.days - row.free)
        if row.days:
            row.notes.append("%d day%s late%s: %s %% of the marks" % (
                row.days, "s" * (row.days > 1),
                ", %d of them free" % row.free if row.free else "", "%g" % row.left))


def moment(text, zone):
    """syllabus.moment() of a text, which may have parts of a second as Gradescope writes them."""
    head, dot, rest = text.partition(".")
    return syllabus.moment(head + rest.lstrip("0123456789") if dot else text, zone)


def instant(seconds, zone):
    """The datetime of a file's time; None if that is in no year."""
    try:
        return datetime.datetime.fromtimestamp(seconds, zone)
    except (OSError, OverflowError, ValueError):
        return None


def decide(row, decision):
    """Put a decision of staff into a row. It settles what needed a look there."""
    row.notes.append("%s: %s by hand: %s" % (
        decision.exercise, "%g" % decision.mark, handin.plain(decision.why)))
    if decision.exercise == TOTAL:
        row.fixed, row.looks = decision.mark, []
    elif not row.result:
        row.notes.append("%s: that counts for nothing, because nothing was graded: decide the %s"
                         % (decision.exercise, TOTAL))
    else:
        entries = dict(row.result["exercises"])
        entries[decision.exercise] = dict(entries[decision.exercise], mark=decision.mark)
        row.result = dict(row.result, exercises=entries)
        row.looks = [each for each in row.looks if not each.startswith(decision.exercise + " ")]


class CourseGrading(Grading):
    """The grading of an assignment of a course."""

    def __init__(self, root, options, whole):
        if options.lab or options.exercises:
            raise GradeError("--assignment says which exercises are graded: leave --lab and "
                             "--exercises out")
        self.term = Term(whole, whole.find(options.assignment), options)
        self.assignment = options.assignment
        super().__init__(root, options)

    def exercises(self):
        return self.term.one.exercises

    def student(self, submission):
        self.term.refuse(submission)
        student = super().student(submission)
        copied = self.copied(student.work.texts) if student.work else []
        if copied and self.term.one.may_give_up:
            student.notes.append("word for word the course's solution: " + ", ".join(copied))
        return student

    def copied(self, texts):
        """The exercises of which these texts of regions are the reference's, all of them."""
        own = {region.key: region.text.split() for region in self.reference.regions}
        return [number for number in self.exercises() if any(key[0] == number for key in texts)
                and all(texts[key].split() == own[key] for key in texts if key[0] == number)]

    def collect(self):
        super().collect()
        count = len(self.students)
        self.students = self.term.choose(self.students)
        if count > len(self.students):
            print("other hand-ins of these students, which do not count: %d"
                  % (count - len(self.students)))

    def take(self, student):
        self.term.scale(student)

    def rows(self):
        return self.term.rows()

    def looks(self, rows):
        """What is wrong with a group, and what staff has decided, is known only by the rows, of
        which each member of a group has one. One that is not in the table might be the best."""
        shown_by = {row.submission.source for row in rows}
        found = {}
        for each in rows + [each for each in self.students
                            if each.submission.source not in shown_by]:
            if each.looks and not each.has_failed:
                found.setdefault(each.submission.source, each.looks)
        for source, words in found.items():
            print("%s: %s" % (source, "; ".join(words)))
        return len(found)
