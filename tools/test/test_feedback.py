"""Tests of what a course's system gets for one hand-in: strict readers, and hostile results.

Each reader takes only what the system's documentation has: fields, types, enums, sizes, marks from
0 to what there is; strict() takes no number that JSON does not have and no key twice. They read
what is written for usual results, for results in which every text is one of readers.HOSTILE or
very long, and for marks that are hard to write. Command is tools/lab without machines.

Nothing is built. Run alone: python3 -m unittest tools/test/test_feedback.py
"""
import json
import os
import re
import sys
import unittest
from fractions import Fraction

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from courses import Desk
from readers import HOSTILE, LONG, check_controls, strict, texts_in
from test_lab_grade import work_of

from exercise import feedback, gradebook, incoming, term
from exercise.entries import check
from grader.model import Verdict

NUMBERS = (int, float)
CUT = "[cut here: the whole text has "


class Played(gradebook.Student):
    """A Student with a result, or one that is refused for the reason in `notes`."""
    made = "graded by: this test"

    def __init__(self, result, notes=(), looks=(), left=100):
        self.result, self.work = result, None if result is None else "work"
        self.notes, self.looks, self.left = list(notes), list(looks), left


def result_of(exercises):
    """The result for {number: (mark, max, texts)}, with a test for each of the texts, and the marks
    in the last one."""
    found = {}
    for number, (mark, most, texts) in exercises.items():
        tests = [{"name": text, "title": text, "points": 0, "max": 0, "verdict": text,
                  "lines": [text] * 3} for text in texts]
        tests[-1].update(points=mark, max=most, verdict="ok" if mark == most else tests[-1]["name"])
        found[number] = {"max": most, "challenge": number.endswith(".C"), "state": "written",
                         "why": texts[0], "from": texts[0], "together": mark, "alone": None,
                         "mark": mark, "tests": tests}
    return {"exercises": found, "complete": True}


def scaled(result, points):
    """The result with the points of a course, as `grade --assignment` makes it."""
    return term.scale(result, points)


USUAL = {"5.1": (10, 10, ["first", "second"]), "5.2": (7, 15, ["third"])}
ODD = {"5.1": 9, "5.2": 11, "5.C": 3}      # 7/15 of 11 is 5.13
# Students whose results are hard to write, by what they are.
STUDENTS = {
    "usual": Played(result_of(USUAL), ["a note"]),
    "hostile": Played(result_of({"5.1": (1, 2, HOSTILE + [LONG])}), HOSTILE + [LONG]),
    "large": Played(result_of({"5.%d" % number: (3, 3, ["%d %s" % (each, LONG[:6000] + "\\" * 40000)
                                                        for each in range(70)])
                               for number in range(1, 3)})),
    "odd": Played(scaled(result_of(dict(USUAL, **{"5.C": (1, 3, ["x"])})), ODD), left=Fraction(70)),
    "more": Played(result_of({"5.1": (10, 10, ["a"]), "5.C": (5, 10, ["b"])})),
    "challenge": Played(result_of({"5.C": (5, 10, ["b"])})),
    "nothing": Played(result_of({"5.1": (0, 10, HOSTILE)})),
    "late": Played(result_of(USUAL), left=0),
    "refused": Played(None, ["refused: " + text for text in HOSTILE + [LONG]]),
}


class Forms(unittest.TestCase):
    """A base class: each Student is written in its form, and read by read()."""
    maxDiff = 2000

    def each(self, compare):
        """Call compare(name, Student, what read() has of it) for each."""
        for name, student in STUDENTS.items():
            with self.subTest(name):
                text = self.FORM(student)
                self.assertEqual(text.encode("utf-8").decode("utf-8"), text)
                self.assertTrue(text.endswith("\n"))
                compare(name, student, self.read(text))

    def strict(self, text):
        """A value of JSON whose texts can all be shown."""
        found = strict(text)
        for each in texts_in(found):
            check_controls(self, each)
        return found

    def kinds(self, value, fields, needed):
        """An object must have only these fields, {name: type}, and all of `needed`."""
        self.assertLessEqual(set(value), set(fields))
        self.assertLessEqual(set(needed.split()), set(value))
        for name, each in value.items():
            self.assertIsInstance(each, fields[name], name)
            self.assertEqual(isinstance(each, bool), fields[name] is bool, name)

    def within(self, mark, most):
        self.assertTrue(0 <= mark <= most, (mark, most))


class Gradescope(Forms):
    FORM = staticmethod(feedback.to_gradescope)
    FORMATS = {"text", "html", "simple_format", "md", "ansi"}
    FIELDS = {"score": NUMBERS, "execution_time": NUMBERS, "output": str, "output_format": str,
              "test_output_format": str, "test_name_format": str, "visibility": str,
              "stdout_visibility": str, "extra_data": dict, "tests": list, "leaderboard": list}
    TEST = {"score": NUMBERS, "max_score": NUMBERS, "status": str, "name": str, "name_format": str,
            "number": str, "output": str, "output_format": str, "tags": list, "visibility": str,
            "extra_data": dict}

    def read(self, text):
        found = self.strict(text)
        self.kinds(found, self.FIELDS, "score output output_format test_output_format tests")
        for test in found["tests"]:
            self.kinds(test, self.TEST, "score max_score status name number output output_format")
            self.within(test["score"], test["max_score"])
            self.assertIn(test["status"], ("passed", "failed"))
            self.assertNotRegex(test["name"] + test["number"], r"[\n\t]")
        for each in [found] + found["tests"]:
            self.assertEqual(each["output_format"], "text")     # no markup has a meaning in it
            self.assertLessEqual(len(each["output"].encode()), 20 << 10)
        self.assertEqual(found["test_output_format"], "text")
        return found

    def test_each(self):
        def compare(name, student, found):
            self.assertEqual(found["score"], student.total)
            entries = (student.result or {"exercises": {}})["exercises"].values()
            self.assertEqual(len(found["tests"]), sum(len(each["tests"]) for each in entries))
            self.assertAlmostEqual(sum(test["score"] for test in found["tests"]),
                                   student.sum("mark"), delta=0.005 * len(found["tests"]))
        self.each(compare)

    def test_texts_stay(self):
        tests = self.read(self.FORM(STUDENTS["hostile"]))["tests"]
        self.assertEqual(tests[1]["name"], HOSTILE[1])
        self.assertEqual(tests[1]["output"], "\n".join([HOSTILE[1]] * 3))
        self.assertIn(CUT, tests[-1]["output"])


class Autolab(Forms):
    FORM = staticmethod(feedback.to_autolab)

    def read(self, text):
        self.assertLess(len(text.encode()), 980 << 10)
        view, scores = map(self.strict, text[:-1].split("\n"))
        self.assertEqual(list(scores), ["scores"])
        self.assertEqual(view.pop("_presentation"), "semantic")
        self.assertEqual(view.pop("stages"), list(view))
        for stage in view.values():
            for name, test in stage.items():
                self.assertNotRegex(name, r"[\n\t]")
                self.kinds(test, {"passed": bool, "hint": str}, "passed")
                self.assertLessEqual(len(test.get("hint", "").encode()), 20 << 10)
        for mark in scores["scores"].values():
            self.assertIn(type(mark), NUMBERS)
        return view, scores["scores"]

    def test_each(self):
        def compare(name, student, found):
            view, scores = found
            entries = (student.result or {"exercises": {}})["exercises"]
            self.assertEqual(list(view), ["exercise " + number for number in entries])
            self.assertEqual(scores, {number: each["mark"] for number, each in entries.items()})
            for number, mark in scores.items():
                self.within(mark, entries[number]["max"])
                if name != "hostile":               # some names there are the same when they show
                    self.assertEqual(len(view["exercise " + number]),
                                     len({test["name"].strip() for test in
                                          entries[number]["tests"]}), name)
        self.each(compare)

    def test_two_tests_of_one_title(self):
        result = result_of({"5.1": (1, 1, ["a", "b"])})
        for test in result["exercises"]["5.1"]["tests"]:
            test["title"] = "the same"
        view, _ = self.read(self.FORM(Played(result)))
        self.assertEqual(list(view["exercise 5.1"]), ["a: the same", "b: the same"])


class Prairielearn(Forms):
    FORM = staticmethod(feedback.to_prairielearn)
    FIELDS = {"gradable": bool, "score": NUMBERS, "message": str, "output": str, "images": list,
              "format_errors": list, "tests": list}
    TEST = {"name": str, "description": str, "points": NUMBERS, "max_points": NUMBERS,
            "message": str, "output": str, "images": list}

    def read(self, text):
        self.assertLess(len(text.encode()), 1 << 20)
        found = self.strict(text)
        self.kinds(found, self.FIELDS, "gradable score message output tests")
        self.within(found["score"], 1)
        self.assertEqual(found["gradable"], "format_errors" not in found)
        for line in found.get("format_errors", ()):
            self.assertIsInstance(line, str)
        for test in found["tests"]:
            self.kinds(test, self.TEST, "name points max_points message output")
            self.within(test["points"], test["max_points"])
            self.assertNotRegex(test["name"] + test["message"], r"[\n\t]")
            self.assertLessEqual(len(test["output"].encode()), 20 << 10)
        return found

    def test_each(self):
        scores = {"usual": 17 / 25, "hostile": 0.5, "large": 1, "more": 1, "challenge": 0.5,
                  "nothing": 0, "late": 0, "refused": 0,
                  "odd": (9 + 5.13 + 1) * 0.7 / 20}         # what is late has 70 % of its marks

        def compare(name, student, found):
            self.assertAlmostEqual(found["score"], scores[name], delta=0.0003)
            self.assertEqual(found["gradable"], name != "refused")
            self.assertRegex(found["message"], r"\A[0-9.]+ of [0-9]+ points\Z")
        self.each(compare)

    def test_a_large_one_keeps_what_fits(self):
        tests = self.read(self.FORM(STUDENTS["large"]))["tests"]
        self.assertEqual(len(tests), 140)
        for test in tests:
            self.assertIn(CUT, test["output"])


class Codegrade(Forms):
    FORM = staticmethod(feedback.to_codegrade)

    def read(self, text):
        self.assertEqual(text.count("\n"), 1)
        found = self.strict(text)
        self.assertEqual((list(found), found["tag"]), (["tag", "points"], "points"))
        got, most = re.fullmatch(r"(0|[1-9]\d*)/([1-9]\d*)", found["points"]).groups()
        self.within(int(got), int(most))
        return Fraction(int(got), int(most))

    def test_each(self):
        points = {"usual": "17/25", "hostile": "1/2", "large": "1", "more": "1", "late": "0",
                  "challenge": "1/2", "nothing": "0", "refused": "0", "odd": "1059/2000"}
        self.each(lambda name, _, found: self.assertEqual(found, Fraction(points[name])))


class Numbers(unittest.TestCase):
    def test_a_result_out_of_a_file(self):
        """Marks that cannot be are refused, so that no form gets them."""
        good = result_of(USUAL)
        check(good)
        for value in (float("nan"), float("inf"), 7.5, True, "7", "NaN", None, -1, 16, 10 ** 17):
            for name in ("mark", "together"):
                bad = json.loads(json.dumps(good))
                bad["exercises"]["5.2"][name] = value
                if name == "mark" or value is not None:
                    with self.assertRaises(incoming.BadValue, msg=value):
                        check(bad)
            bad = json.loads(json.dumps(good))
            bad["exercises"]["5.2"]["tests"][0]["points"] = value
            with self.assertRaises(incoming.BadValue, msg=value):
                check(bad)

    def test_no_form_writes_what_is_no_number(self):
        student = Played(result_of(USUAL))
        student.fixed = student.result["exercises"]["5.1"]["mark"] = float("nan")
        for name, form in feedback.FORMS.items():
            with self.assertRaises(ValueError, msg=name):
                form(student)


class Command(Desk):
    """tools/lab, with machines that are played."""

    def test_no_marks_if_the_host_has_failed(self):
        self.put("a.txt", work_of())
        self.verdict = lambda text, exercise: Verdict.SETUP
        for form in feedback.FORMS:
            status, said = self.lab("grade a.txt --lab 5 --%s -" % form)
            self.assertEqual(status, 1)
            self.assertIn("1 not graded because this host failed", said)
            self.assertNotIn("{", said)
            self.lab("grade a.txt --lab 5 --%s %s" % (form, form))
            self.assertFalse(os.path.exists(self.path(form)))

    def test_a_refused_hand_in(self):
        self.put("a.txt", b"nonsense")
        _, said = self.lab("grade a.txt --lab 5 --autolab -")
        self.assertEqual(strict(said.split("\n")[-2]), {"scores": {}})


if __name__ == "__main__":
    unittest.main()
