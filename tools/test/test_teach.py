"""Tests of what teachers get beside the exercises: the pages of docs/teach, and the questions of an
oral examination.

The pages answer the questions of labcodes.md, so each question must have its answer, with a rubric
of four points; the tests that they name must be there; none of them may come into a handout. Of the
oral questions the choice is tried, and what is said of each; that trials are made and judged
rightly is tried by test_mutants.
"""
import os
import re
import subprocess
import sys
import tempfile
import unittest

TOOLS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(TOOLS)
sys.path.insert(0, TOOLS)

from exercise import check_handouts, handout, operators, oral, regions
from exercise.trials import CAUGHT, NO_COMPILE, SURVIVED
from labs import catalogue

CORPUS = os.path.join(TOOLS, "test", "corpus")
PARTS = ["Objectives", "Week and hours", "Lecture 1", "Lecture 2",
         "Answers to the questions for the report", "Office hours", "Exam"]


def text_of(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def parts_of(text):
    """{title of a part: its text}; a title ends at a colon."""
    pieces = re.split(r"^## ([^\n]*)\n", text, flags=re.M)
    return {title.partition(":")[0]: body for title, body in zip(pieces[1::2], pieces[2::2])}


def numbered(text):
    """{number: text} of what stands below the titles ### 1, ### 2 ..."""
    pieces = re.split(r"^### (\d+)\n", text, flags=re.M)
    return {int(number): body.strip() for number, body in zip(pieces[1::2], pieces[2::2])}


def chapter_of(number):
    """What labcodes.md says of a lab."""
    return text_of("labcodes.md").split("\n## Lab %d:" % number)[1].split("\n## Lab ")[0]


def questions_of(number):
    """How many questions for the report a lab has in labcodes.md."""
    asked = chapter_of(number).split("### Questions for the report\n")[1]
    return [int(found) for found in re.findall(r"^(\d+)\. ", asked, re.M)]


class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.labs = [lab for lab in catalogue.load() if lab.exercises]
        cls.pages = {lab.number: parts_of(text_of("docs", "teach", "lab%d.md" % lab.number))
                     for lab in cls.labs}

    def test_parts(self):
        for number, parts in self.pages.items():
            self.assertEqual(PARTS, list(parts), number)

    def test_answers(self):
        for number, parts in self.pages.items():
            answers = numbered(parts["Answers to the questions for the report"])
            self.assertEqual(questions_of(number), sorted(answers), "lab %d" % number)
            for question, answer in answers.items():
                words, _, rubric = answer.partition("\n\n")
                points = re.findall(r"^- ", rubric, re.M)
                self.assertEqual(4, len(points), "lab %d, question %d" % (number, question))
                self.assertGreater(len(words.split()), 10, "lab %d, %d" % (number, question))

    def test_drawings(self):
        """The lectures of a lab show each drawing that its chapter has; where it has none, one of
        another chapter. None is shown twice."""
        book = re.findall(r"\]\(docs/pictures/([^)]+)\)", text_of("labcodes.md"))
        for number, parts in self.pages.items():
            shown = re.findall(r"\]\(\.\./pictures/([^)]+)\)",
                               parts["Lecture 1"] + parts["Lecture 2"])
            own = re.findall(r"\]\(docs/pictures/([^)]+)\)", chapter_of(number))
            if own:
                self.assertEqual(sorted(shown), sorted(own), "lab %d" % number)
            else:
                self.assertTrue(shown and set(shown) <= set(book), "lab %d" % number)
                self.assertEqual(len(shown), len(set(shown)), "lab %d" % number)

    def test_exam(self):
        for number, parts in self.pages.items():
            exam = numbered(parts["Exam"])
            self.assertEqual(list(range(1, 7)), sorted(exam), "lab %d" % number)
            for text in exam.values():
                question, _, answer = text.partition("\n\n")
                self.assertTrue(question.startswith("*") and question.endswith("*"), question)
                self.assertGreater(len(answer.split()), 10, question)

    def test_office_hours(self):
        """Each row names a test of this lab, and has an answer."""
        for lab in self.labs:
            rows = re.findall(r"^\| (\".*) \|$", self.pages[lab.number]["Office hours"], re.M)
            self.assertGreaterEqual(len(rows), 6, lab.number)
            names = {test.name for test in lab.tests}
            for row in rows:
                _, tests, hint = row.rsplit(" | ", 2)
                for name in re.findall(r"`([^`]+)`", tests):
                    self.assertIn(name, names, row)
                self.assertTrue(re.search(r"`[^`]+`", tests) and len(hint) > 10, row)

    def test_none_in_a_handout(self):
        with tempfile.TemporaryDirectory() as folder:
            target = os.path.join(folder, "out")
            handout.make(ROOT, handout.plan_of(9, None, None), target, None)
            self.assertTrue(os.path.exists(os.path.join(target, "tools", "exercise")))
            self.assertEqual(check_handouts.for_teachers(target), [])
            os.mkdir(os.path.join(target, "docs", "teach"))
            self.assertEqual(check_handouts.for_teachers(target),
                             ["it has docs/teach, which is for teachers"])
        for path in check_handouts.TEACHERS_ONLY:
            self.assertTrue(os.path.exists(os.path.join(ROOT, path)), path)


class FakeTrials:
    """What answers() needs of Trials: each test has passed, or what `states` says of a text."""

    def __init__(self, states):
        self.states, self.jobs = states, []

    def order(self, labs, exercises):
        return {exercise: [("one", 1), ("two", 1)] for exercise in exercises}

    def run(self, variants, by_rule=False):
        for texts, tests in variants:
            self.jobs.append((texts, [name for name, _ in tests]))
            yield self.states(texts, [name for name, _ in tests])


class Oral(unittest.TestCase):
    def setUp(self):
        self.path = os.path.join(CORPUS, "lab5-solved.txt")
        self.work = oral.read(self.path)
        self.found = oral.candidates(ROOT, self.work.texts)

    def run_tool(self, *words):
        command = [sys.executable, os.path.join(TOOLS, "exercise", "oral.py"), *words]
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              universal_newlines=True)

    def test_the_same_questions(self):
        """Two examiners have the same ones, and another seed gives others."""
        first, again = self.run_tool(self.path), self.run_tool(self.path)
        self.assertEqual((0, first.stdout), (again.returncode, again.stdout))
        self.assertEqual(10, len(re.findall(r"^ ?\d+\. exercise", first.stdout, re.M)))
        self.assertNotEqual(first.stdout, self.run_tool(self.path, "--seed", "1").stdout)
        self.assertNotIn("statements only", first.stdout)
        more = self.run_tool(self.path, "--count", "1000").stdout
        self.assertIn("It has %d statements only" % sum(map(len, self.found.values())), more)

    def test_what_it_is_of(self):
        """The lab; of a course's hand-in the assignment, for the lab may be that of a later one."""
        self.assertRegex(self.run_tool(self.path).stdout, "^lab 5, ")
        with open(self.path, encoding="utf-8") as file, tempfile.NamedTemporaryFile("w") as other:
            other.write(file.read().replace("\nlab: 5\n", "\nlab: 6\nassignment: processes\n"))
            other.flush()
            self.assertRegex(self.run_tool(other.name).stdout, "^processes, ")

    def test_each_exercise(self):
        chosen = oral.choose(self.found, 10, "seed")
        self.assertEqual(sorted(self.found), sorted({each.region.exercise for each in chosen}))
        self.assertEqual(10, len({(each.region.key, each.line, each.words) for each in chosen}))
        self.assertEqual([], oral.choose(self.found, 0, "seed"))
        everything = oral.choose(self.found, 10000, "seed")
        self.assertEqual(sum(map(len, self.found.values())), len(everything))

    def test_without_the_statement(self):
        for each in oral.choose(self.found, 10, "seed"):
            text = self.work.texts[each.region.key][0]
            line = text.split("\n")[each.line - 1]
            self.assertIn(each.words.split("(")[0].split(" ")[0], line)
            self.assertLess(len(operators.Code(each.without)), len(operators.Code(text)))

    def test_answers(self):
        """A test that the text does not pass as it is says nothing of a question."""
        questions = oral.choose(self.found, 6, "seed")

        def states(texts, tests):
            if tests == ["two"]:
                return CAUGHT, "two fails as it is"
            if tests == ["one"] and len(trials.jobs) <= 2 * len(order):
                return SURVIVED, ""
            return (CAUGHT, "one, wrong: this") if "one" in tests else (NO_COMPILE, "")

        order = {each.region.exercise for each in questions}
        trials = FakeTrials(states)
        said = list(oral.answers(ROOT, self.work.texts, questions, trials))
        self.assertEqual(["one, wrong: this"] * 6, said)
        for (texts, tests), each in zip(trials.jobs[2 * len(order):], questions):
            self.assertEqual(["one"], tests)
            own = regions.parse(texts[each.region.path], each.region.path)
            now = {region.key: region.text for region in own}
            self.assertEqual(each.without.strip("\n"), now[each.region.key].strip("\n"))

    def test_nothing_passes(self):
        questions = oral.choose(self.found, 2, "seed")
        trials = FakeTrials(lambda texts, tests: (CAUGHT, "as it is"))
        for said in oral.answers(ROOT, self.work.texts, questions, trials):
            self.assertIn("passes none of its tests as it is", said)

    def test_bad_input(self):
        """No hand-in, a cut one, a blank one, none: one line each, and no traceback."""
        with tempfile.TemporaryDirectory() as folder:
            def file(name, data):
                path = os.path.join(folder, name)
                with open(path, "wb") as target:
                    target.write(data)
                return path
            with open(self.path, "rb") as source:
                whole = source.read()
            for path, words in ((file("letter", b"dear teacher"), "no hand-in"),
                                (file("cut", whole[:len(whole) // 2]), "cut"),
                                (os.path.join(folder, "none"), "none"), (folder, folder),
                                (os.path.join(CORPUS, "lab5-blank.txt"), "no exercise of it")):
                said = self.run_tool(path)
                self.assertNotIn("Traceback", said.stdout)
                self.assertNotEqual(0, said.returncode, path)
                self.assertIn(words, said.stdout)

    def test_no_control_characters(self):
        """A student's text may have anything in a string."""
        key = ("5.2", "dispatch")
        self.work.texts[key] = '    cprintf("\x1b[2J\x07");\n    return;\n', 1
        found = oral.candidates(ROOT, {key: self.work.texts[key]})
        for each in found["5.2"]:
            self.assertTrue(str(each).replace("\n", "").isprintable(), each)


if __name__ == "__main__":
    unittest.main()
