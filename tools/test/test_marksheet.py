"""Tests of the texts that a teacher gets for students, and of the names of their files.

Students are made up here, without a hand-in. Names: a student's text is named by id, else e-mail
address, else name, else file, and no name may overwrite another file or leave the folder. Texts:
answers are kept, equal failures are told once. Notes: two hand-ins of one address or id are told.
If one of these rules is broken, the names or texts that are compared here differ.

Nothing is built and no machine is booted.
Run alone: python3 tools/test/test_marksheet.py
"""
import os
import sys
import unittest
from types import SimpleNamespace

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from exercise import gradebook, handin, marksheet

PANIC = ["panic", "kernel panic at kern/a.c:7 on hart 0, running %s (pid 2):", "    page %d",
         "call stack:", "  f+0x4, at kern/a.c:7", "    deeper"]


def student(name="", email="", number="", source="x.txt", answers="", tests=None):
    """A gradebook.Student who gave this about himself; `tests` are the results of exercise 5.1."""
    found = handin.Handin(5)
    found.student = {"name": name, "email": email, "id": number}
    found.answers = answers
    submission = SimpleNamespace(handin=found, student=found.student, source=source,
                                 title=name or email or os.path.basename(source))
    result = None if tests is None else {"exercises": {"5.1": {
        "together": 0, "alone": 0, "mark": 0, "max": 15, "why": "", "from": "alone",
        "state": "written", "challenge": False, "tests": tests}}, "complete": True}
    whole = gradebook.Student.__new__(gradebook.Student)
    whole.submission, whole.result, whole.work = submission, result, None
    whole.notes, whole.looks = [], []
    return whole


REFERENCE = SimpleNamespace(exercises={"5.1": SimpleNamespace(title="a frame")})


class Names(unittest.TestCase):
    """How the files of the texts are named."""

    def names(self, *students):
        return marksheet.text_names([student(**each) for each in students])

    def test_id_then_address_then_name_then_file(self):
        self.assertEqual(self.names(
            {"name": "\u738b\u5c0f\u660e", "email": "w@x.cn", "number": "2023310042"},
            {"name": "\u738b\u5c0f\u660e", "email": "w@x.cn"},
            {"name": "\u674e\u56db"}, {"name": "\u5f20\u4e09"}, {"source": "all/of them.txt"}),
            ["2023310042.txt", "w@x.cn.txt", "\u674e\u56db.txt", "\u5f20\u4e09.txt",
             "of-them.txt"])

    def test_the_same_whoever_else_is_there(self):
        ada, bo = {"number": "1"}, {"number": "2"}
        self.assertEqual(self.names(bo), self.names(ada, bo)[1:])

    def test_equal_ones(self):
        self.assertEqual(self.names({"email": "a@x"}, {"email": "A@x"}, {"email": "a@x"}),
                         ["a@x.txt", "A@x-2.txt", "a@x-3.txt"])
        # A number that is added must not make the name that another student has by right.
        self.assertEqual(self.names({"number": "7"}, {"number": "7"}, {"number": "7-2"}),
                         ["7.txt", "7-3.txt", "7-2.txt"])
        self.assertEqual(self.names({"number": "u\u0308"}, {"number": "\u00fc"}),
                         ["\u00fc.txt", "\u00fc-2.txt"])

    def test_nothing_but_a_name(self):
        for title, name in (("../../etc/passwd", "etc-passwd"),
                            ("/", "hand-in"), ("..", "hand-in"),
                            (".bashrc", "bashrc"), ("-rf", "rf"), ("a\\b:c*?\"<>|", "a-b-c"),
                            ("a\0b\nc\u202ed", "a-b-c-d"), ("CON", "_CON"), ("nul.x", "_nul.x"),
                            ("\udcff\ud800", "hand-in"), ("\u0939\u093f", "\u0939\u093f")):
            self.assertEqual(self.names({"number": title}), [name + ".txt"], repr(title))

    def test_long_ones(self):
        names = self.names({"number": "\u738b" * 200}, {"number": "\u738b" * 300})
        self.assertEqual(names, ["\u738b" * 50 + ".txt", "\u738b" * 50 + "-2.txt"])


class Texts(unittest.TestCase):
    """What stands in a student's text."""

    def test_answers(self):
        text = marksheet.text_for(student("Ada", answers="1. Because\n\n   of \udcff\x1b[31m\n"),
                                REFERENCE)
        end = "\n== answers\n\n1. Because\n\n   of \ufffd\ufffd[31m\n"
        self.assertTrue(text.endswith(end), text)
        self.assertNotIn("answers", marksheet.text_for(student("Bo"), REFERENCE))

    def test_the_columns_of_long_titles(self):
        ada = student("Ada", tests=[])
        ada.result["exercises"]["7.4"] = ada.result["exercises"]["5.1"]
        reference = SimpleNamespace(exercises=dict(REFERENCE.exercises, **{
            "7.4": SimpleNamespace(title="mutexes and condition variables of programs")}))
        lines = marksheet.text_for(ada, reference).split("\n")
        first = next(number for number, line in enumerate(lines) if "together  alone" in line)
        self.assertEqual(len(set(map(len, lines[first:first + 3]))), 1, lines[first:first + 3])

    def test_what_failed_in_the_same_way_is_told_once(self):
        tests = [{"name": name, "title": name, "points": 0, "max": 5, "verdict": "panic",
                  "lines": [line % (name if "%s" in line else number) if "%" in line else line
                            for line in PANIC]}
                 for number, name in enumerate(("one", "two", "three"))]
        tests[2]["lines"][2] = "    another thing"
        tests.append(dict(tests[0], name="good", verdict="ok", lines=[]))
        tests.append(dict(tests[0], name="fine", verdict="ok", lines=[]))
        text = marksheet.text_for(student("Ada", tests=tests), REFERENCE)
        drawn = "a timeline of such a run: make trace TEST=one"
        self.assertEqual(marksheet.reasons_in({
            "verdict": "wrong answer", "lines": ["wrong answer, run 2", "why", drawn]}), ["why"])
        self.assertEqual(marksheet.reasons_in({"verdict": "refused", "lines": ["line 3: no"]}),
                         ["line 3: no"])
        self.assertEqual(text.count("page "), 1)
        self.assertEqual(text.count("the same as one above"), 1)
        self.assertEqual(text.count("the same as"), 1)
        self.assertIn("\n      page 0\n  call stack:\n    f+0x4, at kern/a.c:7\n      deeper\n",
                      text)


class Notes(unittest.TestCase):
    """What is told to the teacher alone."""

    def test_who_hands_in_twice(self):
        students = [student("A", "a@x", "1"), student("B", "A@x", "2"), student("C", "c@x", "2"),
                    student("D"), student("E")]
        self.assertEqual(gradebook.compare([each.submission for each in students]), [
            ["2 hand-ins have this e-mail address"],
            ["2 hand-ins have this e-mail address", "2 hand-ins have this id"],
            ["2 hand-ins have this id"], [], []])


if __name__ == "__main__":
    unittest.main()
