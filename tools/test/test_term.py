"""Tests of the marks of a course: points, late hand-ins, attempts, groups, decisions.

The hand-ins are real ones, read as gradebook.py reads them; what the machines would say is played
by result(), so that each number below can be computed by hand.

Marks: points, dates, extensions, free days. People: groups, several hand-ins. Tables: what staff
writes, and mistakes in it.
"""
import contextlib
import csv
import io
import os
import sys
import unittest
from fractions import Fraction
from types import SimpleNamespace

TOOLS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, TOOLS)
sys.path.insert(0, os.path.join(TOOLS, "test"))

from exercise import gradebook, handin, inifile, marksheet, submissions, syllabus, term
from test_lab_grade import LAB, REFERENCE, Folder

FILE = """[course]
free days: %(free)d
[fork]
exercises: 5.1 5.2 5.3
points: 5.1 30, 5.2 10, 5.3 20
due: 2027-03-10 12:00
late: 10%% a day, 3 days
attempts: %(attempts)s
groups: %(groups)d
extensions:
    eve@x.org: 2027-03-12 12:00
"""


def result(*points):
    """The result of a hand-in whose exercises, of 15 points each, have these."""
    return {"complete": True, "exercises": {
        "5.%d" % (index + 1): {
            "max": 15, "challenge": False, "state": "written", "why": "", "from": "together",
            "together": mark, "alone": None, "mark": mark,
            "tests": [{"name": "t", "title": "t", "points": mark, "max": 15, "verdict": "ok",
                       "lines": []}]}
        for index, mark in enumerate(points)}}


class TermTest(Folder):
    """A base class: hand-ins in a folder, and the table that the teacher gets of them."""

    def hand_in(self, name, email, members=(), assignment="fork", id=""):
        """Write a hand-in to a file; the result is the name of it."""
        found = handin.Handin(5, REFERENCE.version)
        found.exercises, found.assignment = ["5.1", "5.2", "5.3"], assignment
        found.student = {"name": name[:-5].title(), "email": email, "id": id}
        found.members = [handin.member_of(each) for each in members]
        found.texts = {region.key: (region.text, 1) for region in LAB}
        self.put(name, handin.to_text(found, LAB).encode())

    def term(self, free=0, attempts="last", groups=1, **tables):
        """A term.Term; `tables` are the options of grade, as texts of files."""
        text = FILE % {"free": free, "attempts": attempts, "groups": groups}
        whole = syllabus.Course("c.ini", inifile.parse(text, "c.ini"), REFERENCE.exercises)
        options = {"times": "", "overrides": "", "earlier": []}
        for name, content in tables.items():
            path = self.put(name + (".json" if content.startswith("{") else ".csv"),
                            content.encode())
            options[name] = [path] if name == "earlier" else path
        return term.Term(whole, whole.assignments[0], SimpleNamespace(**options))

    def table(self, plan, results):
        """{e-mail address: the row of marks.csv}, when hand-ins have these results, {file: points}.
        Each file that is not in them must not be graded."""
        wanted = submissions.Wanted(REFERENCE.register, None)
        names = sorted(name for name in os.listdir(self.folder) if name.endswith(".hand"))
        found = submissions.collect([self.path(name) for name in names], wanted)
        for each in found:
            plan.refuse(each)
        students = plan.choose([gradebook.Student(each, REFERENCE, plan.one.exercises, "best")
                                for each in found])
        graded = [os.path.basename(each.submission.source) for each in students]
        self.assertEqual(graded, sorted(results))
        for student, name in zip(students, graded):
            if results[name]:
                student.finish(result(*results[name]))
            plan.scale(student)
        self.students, self.rows = students, plan.rows()
        rows = csv.DictReader(io.StringIO(marksheet.to_csv(self.rows, "fork")[1:]))
        return {row["email"]: row for row in rows}


class Marks(TermTest):
    """What a hand-in is worth."""

    def test_points_are_scaled(self):
        """5.1: 7/15 of 30 is 14; 5.2: 4/15 of 10 is 2.666..; 5.3 of 20: all. 36.67 of 60."""
        self.hand_in("ada.hand", "ada@x.org")
        row = self.table(self.term(), {"ada.hand": (7, 4, 15)})["ada@x.org"]
        self.assertEqual([row[name] for name in ("5.1", "5.2", "5.3", "total", "max")],
                         ["14", "2.67", "20", "36.67", "60"])
        self.assertIn("when it was handed in is not known", row["notes"])
        line = marksheet.line(self.rows[0], 1, 1)
        self.assertIn("36.67 of 60  5.1 14/30  5.2 2.67/10  5.3 20/20", line)
        text = marksheet.text_for(self.rows[0], REFERENCE)
        self.assertIn("5.2 %s: 2.67 of 10 points" % REFERENCE.exercises["5.2"].title, text)

    def test_full_marks_are_the_full_points(self):
        for most in range(1, 40):
            for points in range(1, 40):
                self.assertEqual(term.scaled(most, most, points), points)
        self.assertEqual(term.hundredths(Fraction(1, 8)), 0.13)         # halves go up
        self.assertIsNone(term.scaled(None, 5, 10))                     # "needs a look" stays so

    def test_full_marks_of_the_tests_add_up(self):
        for points in range(1, 60):
            for parts in ((1, 1, 1), (10, 10, 10), (2, 2, 2, 2, 2, 2, 1), (15,)):
                tests = [{"points": most, "max": most} for most in parts]
                tests[0]["points"] = 0
                found = term.scaled_tests(tests, sum(parts), points)
                self.assertEqual(sum(Fraction(str(test["max"])) for test in found), points)
                self.assertEqual([test["points"] for test in found],
                                 [0] + [test["max"] for test in found[1:]])

    def test_metadata_with_many_submissions(self):
        self.hand_in("ada.hand", "ada@x.org")
        plan = self.term(times='{"created_at": "2027-03-10T12:00:01.5Z", "previous_submissions": '
                         '[{"results": {"output": "%s"}}]}' % ("x" * (17 << 20)))
        row = self.table(plan, {"ada.hand": (15, 15, 15)})["ada@x.org"]
        self.assertEqual((row["days late"], row["total"]), ("1", "54"))

    def test_late(self):
        """A day has begun with its first second; after the third day nothing is left."""
        times = {"2027-03-10 12:00": "60", "2027-03-10 12:00:01": "54", "2027-03-11 12:00": "54",
                 "2027-03-11 12:01": "48", "2027-03-13 12:00": "42", "2027-03-13 12:01": "0"}
        self.hand_in("ada.hand", "ada@x.org")
        for time, total in times.items():
            plan = self.term(times="file,time\nada.hand,%s\n" % time)
            row = self.table(plan, {"ada.hand": (15, 15, 15)})["ada@x.org"]
            self.assertEqual((row["total"], row["5.1"]), (total, "30"), time)
        self.assertIn("4 days late: 0 % of the marks", row["notes"])

    def test_an_extension_is_a_persons(self):
        self.hand_in("ada.hand", "ada@x.org", ["Eve, EVE@x.org"])
        plan = self.term(groups=2, times='{"created_at": "2027-03-11T10:00:00.123456-02:00"}')
        rows = self.table(plan, {"ada.hand": (15, 15, 15)})
        self.assertEqual([rows[who]["total"] for who in ("ada@x.org", "EVE@x.org")], ["54", "60"])

    def test_free_days(self):
        """Two of four are left: of three days late two are free."""
        self.hand_in("ada.hand", "ada@x.org")
        plan = self.term(4, times="email,time\nada@x.org,2027-03-13 11:00\n",
                         earlier="email,id,free days\nADA@x.org,,1\nada@x.org,,1\nb@x.org,,4\n")
        row = self.table(plan, {"ada.hand": (15, 15, 15)})["ada@x.org"]
        self.assertEqual((row["days late"], row["free days"], row["total"]), ("3", "2", "54"))


class People(TermTest):
    """Whose hand-in is what."""

    def test_a_row_for_each_member(self):
        self.hand_in("ada.hand", "ada@x.org", ["Bob, bob@x.org, 7"])
        rows = self.table(self.term(groups=2), {"ada.hand": (15, 0, 15)})
        self.assertEqual([(row["student"], row["email"], row["id"], row["total"])
                          for row in rows.values()],
                         [("Ada", "ada@x.org", "", "50"), ("Bob", "bob@x.org", "7", "50")])
        self.assertIn("handed in together by Ada, Bob", rows["bob@x.org"]["notes"])

    def test_a_group_that_is_too_large(self):
        self.hand_in("ada.hand", "ada@x.org", ["Bob, bob@x.org"])
        rows = self.table(self.term(), {"ada.hand": (15, 15, 15)})
        self.assertEqual([row["total"] for row in rows.values()], ["", ""])
        self.to_look_at(1, "ada.hand: the group needs a look: it has 2 students")
        decided = "student,exercise,mark,why\nbob@x.org,Total,40,asked before\n"
        rows = self.table(self.term(overrides=decided), {"ada.hand": (15, 15, 15)})
        self.assertEqual([row["total"] for row in rows.values()], ["", "40"])
        self.to_look_at(1, "ada.hand: ")
        self.table(self.term(overrides=decided + "ada@x.org,total,60,too\n"),
                   {"ada.hand": (15, 15, 15)})
        self.to_look_at(0, "")

    def to_look_at(self, count, words):
        """So many hand-ins need a look, which makes the exit status 1, and that is printed."""
        with contextlib.redirect_stdout(io.StringIO()) as told:
            self.assertEqual(term.CourseGrading.looks(self, self.rows), count)
        self.assertIn(words, told.getvalue())
        self.assertEqual(told.getvalue().count("\n"), count)

    def test_the_best_may_need_a_look(self):
        """It is not in the table, and is told."""
        self.hand_in("a.hand", "ada@x.org")
        self.hand_in("b.hand", "ada@x.org")
        self.table(self.term(attempts="best"), {"a.hand": (15, 15, 15), "b.hand": (0, 0, 0)})
        self.to_look_at(0, "")
        self.students[1].looks.append("5.1 needs a look: it was split")
        self.to_look_at(1, "b.hand: 5.1 needs a look: it was split")

    def test_a_member_who_is_there_twice(self):
        """Ada names herself too, and Bob twice: they are two, and each has one row."""
        self.hand_in("ada.hand", "ada@x.org", ["Ada, ADA@x.org", "Bob, bob@x.org", "B, bob@x.org"])
        rows = self.table(self.term(groups=2), {"ada.hand": (15, 15, 15)})
        self.assertEqual([(row["student"], row["total"]) for row in rows.values()],
                         [("Ada", "60"), ("Bob", "60")])
        self.assertIn("handed in together by Ada, Bob", rows["bob@x.org"]["notes"])

    def test_which_is_the_last_is_not_known(self):
        for name in ("a.hand", "b.hand"):
            self.hand_in(name, "ada@x.org")
        row, = self.table(self.term(), {"b.hand": (15, 15, 15)}).values()
        self.assertRegex(row["notes"], "of 2 .* the last counts; .*; not all times are known")
        plan = self.term(times="file,time\na.hand,2027-03-10\nb.hand,2027-03-09\n")
        row, = self.table(plan, {"a.hand": (15, 15, 15)}).values()
        self.assertNotIn("not all times are known", row["notes"])

    def test_times_of_files(self):
        """A name may have a colon; no year is too late; what lies in an archive has no time."""
        self.hand_in("ada_12:30.hand", "ada@x.org")
        for seconds, days in ((1804680000 - 3600, "0"), (1804680000 + 3600, "1")):
            os.utime(self.path("ada_12:30.hand"), (seconds, seconds))
            plan = self.term()
            plan.times = None
            row = self.table(plan, {"ada_12:30.hand": (15, 15, 15)})["ada@x.org"]
            self.assertEqual(row["days late"], days, seconds)
        plan.files[self.path("ada_12:30.hand")] = 2
        self.assertIsNone(plan.time_of(self.rows[0].submission.student, self.rows[0]))
        self.assertIsNone(term.instant(1e30, None))

    ATTEMPTS = {"last": ("c.hand", "48"), "best": ("b.hand", "54"), "in time": ("a.hand", "30")}

    def test_attempts(self):
        """On time 30, a day late 60 less 10 %, two days late 60 less 20 %."""
        for name in ("a.hand", "b.hand", "c.hand"):
            self.hand_in(name, "ada@x.org")
        marks = {"a.hand": (15, 0, 0), "b.hand": (15, 15, 15), "c.hand": (15, 15, 15)}
        times = "file,time\na.hand,2027-03-10 11:00\nc.hand,2027-03-12 11:00\n" \
            "b.hand,2027-03-11 11:00\n"
        for rule, (counts, total) in self.ATTEMPTS.items():
            plan = self.term(attempts=rule, times=times)
            row, = self.table(plan, marks if rule == "best" else {counts: marks[counts]}).values()
            self.assertEqual((os.path.basename(row["file"]), row["total"]), (counts, total), rule)
            self.assertIn("of 3 hand-ins the " + rule, row["notes"])

    def test_none_in_time(self):
        """Then the least late one counts."""
        for name in ("a.hand", "b.hand"):
            self.hand_in(name, "ada@x.org")
        plan = self.term(attempts="in time", times="file,time\na.hand,2027-03-13 11:00\n"
                         "b.hand,2027-03-12 11:00\n")
        row, = self.table(plan, {"b.hand": (15, 15, 15)}).values()
        self.assertEqual(row["total"], "48")

    def test_a_group_and_one_alone(self):
        """Bob hands in with Ada, and later alone: Ada keeps what they had together."""
        self.hand_in("a.hand", "ada@x.org", ["Bob, bob@x.org"])
        self.hand_in("b.hand", "bob@x.org")
        plan = self.term(groups=2, times="file,time\na.hand,2027-03-09\nb.hand,2027-03-10\n")
        rows = self.table(plan, {"a.hand": (15, 0, 0), "b.hand": (15, 15, 0)})
        self.assertEqual([rows[who]["total"] for who in ("ada@x.org", "bob@x.org")], ["30", "40"])

    def test_another_assignment(self):
        """It is refused, and does not count before one that can be graded."""
        self.hand_in("a.hand", "ada@x.org")
        self.hand_in("b.hand", "ada@x.org", assignment="threads")
        row, = self.table(self.term(), {"a.hand": (15, 15, 15)}).values()
        self.assertEqual(row["total"], "60")
        self.assertIn("b.hand (refused: it was made for the assignment threads,", row["notes"])
        os.remove(self.path("a.hand"))
        row, = self.table(self.term(), {"b.hand": ()}).values()
        self.assertIn("refused: it was made for the assignment threads", row["notes"])


class Tables(TermTest):
    """What staff writes."""

    def test_a_decision(self):
        """By number too; a mark that is decided is not scaled, and the late rule still counts."""
        self.hand_in("ada.hand", "ada@x.org", id="7")
        plan = self.term(overrides="\ufeffStudent,Exercise,Mark,Why\r\n7,5.1,20.5,appeal\r\n",
                         times="id,time\n7,2027-03-11 11:00\n")
        row = self.table(plan, {"ada.hand": (0, 15, 15)})["ada@x.org"]
        self.assertEqual((row["5.1"], row["total"]), ("20.5", "45.45"))     # 50.5 less 10 %
        self.assertIn("5.1: 20.5 by hand: appeal", row["notes"])

    def test_other_signs_between_cells(self):
        """Spreadsheets write semicolons where a comma is in numbers, or tabs."""
        self.hand_in("ada.hand", "ada@x.org")
        for sign in ";\t":
            plan = self.term(times="file,time\nada.hand,2027-03-11 11:00\n".replace(",", sign))
            row = self.table(plan, {"ada.hand": (0, 15, 15)})["ada@x.org"]
            self.assertEqual(row["days late"], "1")

    def test_a_decision_where_nothing_was_graded(self):
        """The mark of an exercise has no total to go into, and that is told; a total counts."""
        self.hand_in("ada.hand", "ada@x.org", assignment="threads")
        for number, total in (("5.1", "0"), ("total", "20")):
            plan = self.term(overrides="student,exercise,mark,why\nada@x.org,%s,20,ill\n" % number)
            row, = self.table(plan, {"ada.hand": ()}).values()
            told = "nothing was graded: decide the total" in row["notes"]
            self.assertEqual((row["total"], told), (total, number == "5.1"), row)

    WRONG = [
        ("overrides", "student,exercise,mark\n", r"overrides.csv:1: there is no column why"),
        ("overrides", "student,exercise,mark,why\na,5.4,1,x\n", r":2: fork has no exercise '5.4'"),
        ("overrides", "student,exercise,mark,why\na,5.1,31,x\n", r":2: '31' is no mark from 0 to"),
        ("overrides", "student,exercise,mark,why\na,5.1,1/0,x\n", r":2: '1/0' is no mark"),
        ("overrides", "student,exercise,mark,why\na,5.1,1,\n", r":2: say which student"),
        ("overrides", "student,exercise,mark,why\nzoe@x.org,5.1,1,x\n", r"no hand-in of 'zoe@x"),
        ("overrides", "student,exercise,mark,why\na,5.1,1e99,x\n", r":2: '1e99' is no mark"),
        ("overrides", "student,exercise,mark,why\na,5.1,1,late, ill\n", r":2: there are more cell"),
        ("overrides", "student,exercise,mark,why,mark\n", r"overrides.csv:1: two columns have"),
        ("overrides", "student,exercise,mark,why\na,5.1,1,x\nA,5.1,2,y\n", r":3: 5.1 of 'A' is de"),
        ("overrides", "student,exercise,mark,why\nada@x.org,5.1,1,x\n7,5.1,2,y\n",
         r":3: 5.1 of '7' is decided already, in .*overrides.csv:2: leave one of the lines"),
        ("times", "file,time\na,2027-03-10\nA,2027-03-11\n", r":3: 'A' has a time already"),
        ("times", "file,time\nada.hand,soon\n", r"times.csv:2: 'soon': expected a date"),
        ("times", "file,time\n,2027-03-10\n", r"times.csv:2: whose time is it"),
        ("times", "{}", r"times.json: created_at is missing"),
        ("earlier", "email,id,free days\na,,x\n", r"earlier.csv:2: 'x' are no days"),
    ]

    def test_mistakes(self):
        self.hand_in("ada.hand", "ada@x.org", id="7")
        for name, text, told in self.WRONG:
            with self.subTest(text), self.assertRaisesRegex(term.TermError, told):
                self.table(self.term(**{name: text}), {"ada.hand": (15, 15, 15)})


if __name__ == "__main__":
    unittest.main()
