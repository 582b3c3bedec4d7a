"""Tests of courses: their files, what is told of mistakes in them, their handouts and hand-ins.

Files: each mistake is told with file, line, section and key. Shipped: the courses of tools/courses
are what docs/syllabus.md says. Handouts: what is blank, what comes solved, which chapters and tests
are there; one tree hands in each assignment. Nothing here needs a machine or a compiler:
check_handouts.py --course shows by machines that the handouts get their points.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

TOOLS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(TOOLS)
sys.path.insert(0, TOOLS)

from exercise import handin, handout, inifile, manifest, regions, syllabus
from labs import catalogue
from tasks import catalogue as tasks

LABS, LAB = catalogue.load(), os.path.join(TOOLS, "lab")
EXERCISES = {each.number: each for lab in LABS for each in lab.exercises}
WITH_TASKS = {**EXERCISES, **{task.number: task for task in tasks.load()}}
GOOD = """[course]
name: a test
starts: 2027-03-01
zone: +08:00
solved: none
[one]
exercises: 1.1 2.1
weeks: 1-2
points: 1.1 7, 2.1 5
[two]
exercises: 2.2, 9.1
points: 100
due: 2027-04-01 12:00
late: 10% a day, 3 days
extensions:
    ada@example.org: 2027-04-02
hints: none
"""


def course_of(text):
    """The Course in a text."""
    return syllabus.Course("c.ini", inifile.parse(text, "c.ini"), WITH_TASKS)


class Files(unittest.TestCase):
    """What a teacher may write into the file."""

    # what is replaced in GOOD, by what, and what the error must say
    WRONG = [
        ("zone: +08:00", "zone: Shanghai", r"c.ini:4: \[course\] zone: 'Shanghai': expected"),
        ("starts: 2027-03-01", "starts: 2027-02-30", r":3: \[course\] starts: .*day is out of"),
        ("solved: none", "solve: none", r":5: \[course\] solve: .*do you mean solved\?"),
        ("[two]", "[one]", r":10: \[one\] is there twice"),
        ("[two]", "[a/b]", r":10: \[a/b\]: the name of an assignment"),
        ("1.1 2.1\n", "1.1 2.7\n", r":7: \[one\] exercises: there is no exercise '2.7'"),
        ("2.2, 9.1", "2.1", r":11: \[two\] exercises: exercise 2.1 is in \[one\] already"),
        ("exercises: 2.2, 9.1\n", "", r":10: \[two\]: it has no exercises"),
        ("weeks: 1-2", "weeks: 2-1", r":8: \[one\] weeks: the first week"),
        ("1.1 7, 2.1 5", "1.1 7", r":9: \[one\] points: 2.1: say the points of each"),
        ("points: 100", "points: many", r":12: \[two\] points: expected a total"),
        ("points: 100", "points: 0", r":12: \[two\] points: 0 is no number from 1"),
        ("points: 100", "points: 1", r":12: \[two\] points: 1 is too few: 9.1 would have none"),
        ("1.1 7, 2.1 5", "1.1 7, 2.1 10001", r":9: \[one\] points: 10001 is no number from 0 to"),
        ("due: 2027-04-01", "due: 1 April", r":13: \[two\] due: .*expected a date"),
        ("10% a day, 3 days", "a bit", r":14: \[two\] late: 'a bit': expected"),
        ("10% a day", "110% a day", r":14: \[two\] late: "),
        ("ada@example.org: 2027-04-02", "ada", r":16: \[two\] extensions: 'ada': expected a line"),
        ("hints: none", "hints: some", r":17: \[two\] hints: 'some' is none of full, short, none"),
        ("hints: none", "groups: no", r":17: \[two\] groups: 'no' is no whole number from 1 to 20"),
        ("hints: none", "solved: three", r":17: \[two\] solved: 'three' is no assignment before"),
        ("hints: none", "hints:", r":17: \[two\] hints: nothing stands behind the colon"),
        ("hints: none", "due: 2027-04-01", r":17: \[two\] due: it is there twice"),
        ("hints: none", "out: 2027-05-01", r":13: \[two\] due: it is due before it is handed out"),
        ("[course]\n", '{"course": 1}\n', r"c.ini:1: .*this file is not JSON"),
        ("name: a test", "name: a \x1b[1mtest", r"c.ini:2: the sign U\+001B cannot be printed"),
        ("2027-03-01", "9999-12-30", r":3: \[course\] starts: .*expected a year from 2000 to 2999"),
        ("[two]", "[All]", r":10: \[All\]: all is a word of the key \"solved\""),
        ("[two]", "[ONE]", r":10: \[ONE\]: \[one\] has the same letters"),
        ("[two]", "[Course]", r":10: \[Course\]: the section of the whole course is \[course\]"),
        ("[two]", "[zw\xf6lf]", r":10: \[zw\xf6lf\]: the name of an assignment"),
        ("01 12:00", "01 12:00 +24:00", r":13: \[two\] due: .*expected a time zone as in"),
        ("due: 2027-04-01 12:00\n", "", r":14: \[two\] extensions: there is no date to be"),
        ("ada@example.org", "Ada Lovelace", r":16: .* the number of student.txt, and not by a n"),
        (": 2027-04-02", ": 2027-04-01 11:00", r":16: .* that is not after 2027-04-01 12:00 \+08"),
        ("2\nhints", "2\n    Ada@example.org: 2027-04-03\nhints", r":17: .* has an extension al"),
        ("    ada", "ada", r":16: expected .*; a line that belongs to the key above begins with"),
        ("hints: none", "title: " + "t" * 201, r":17: \[two\] title: it has more than 200 letters"),
        ("hints: none", "language: ../x", r":17: \[two\] language: ../x is no language"),
        ("[course]\nname: a test\n", "name: a test\n", r"c.ini:1: expected \"\[section\]\" first"),
    ]

    def test_each_mistake_has_its_place(self):
        course_of(GOOD)
        for old, new, told in self.WRONG:
            self.assertEqual(GOOD.count(old), 1, old)
            with self.subTest(new), self.assertRaisesRegex(syllabus.CourseError, told):
                course_of(GOOD.replace(old, new))
        with self.assertRaisesRegex(syllabus.CourseError, "the file has no assignment"):
            course_of("[course]\n")

    def test_what_is_read(self):
        one, two = course_of(GOOD).assignments
        self.assertEqual(one.points, {"1.1": 7, "2.1": 5})
        self.assertEqual(str(one.opens), "2027-03-01 00:00:00+08:00")
        self.assertEqual(str(one.due), "2027-03-14 23:59:59+08:00")
        self.assertEqual((one.late.left(99), one.groups, one.attempts), (100, 1, "last"))
        self.assertEqual(two.points, {"2.2": 63, "9.1": 37})        # 50 and 30 of 80, of 100
        self.assertEqual([two.late.left(days) for days in range(5)], [100, 90, 80, 70, 0])
        self.assertEqual(str(two.extensions["ada@example.org"]), "2027-04-02 23:59:59+08:00")
        self.assertEqual(two.solved, [])

    def test_challenges_come_on_top(self):
        one, = course_of("[a]\nexercises: 2.1 2.2 2.C\npoints: 50").assignments
        self.assertEqual((one.points, one.brief().total), ({"2.1": 25, "2.2": 25, "2.C": 5}, 50))

    def test_dates_of_other_systems(self):
        for text in ("2027-03-14T15:59:59Z", "2027-03-14 23:59:59 +0800",
                     "2027-03-14T23:59:59+08:00"):
            self.assertEqual(syllabus.moment(text, None).timestamp(), 1805039999, text)


class Shipped(unittest.TestCase):
    """The courses in tools/courses."""

    def test_each(self):
        found = {name: syllabus.read(ROOT, name, LABS) for name in syllabus.shipped(ROOT)}
        self.assertEqual(sorted(found), ["core", "rvlab", "ucore"])
        weeks = {name: max(int(each.weeks.split("-")[-1]) for each in one.assignments)
                 for name, one in found.items()}
        self.assertEqual((weeks["core"], weeks["rvlab"]), (10, 15))
        ucore = {each.name: each.exercises for each in found["ucore"].assignments}
        self.assertEqual(len(ucore), 9)
        self.assertEqual(ucore["lab2"], ["2.1", "2.2", "2.C", "3.1", "3.2"])
        self.assertEqual(ucore["lab3"], ["3.3", "3.4", "9.1", "9.2", "9.C"])
        all_of_them = sorted(number for each in found["rvlab"].assignments
                             for number in each.exercises)
        self.assertEqual(all_of_them, sorted(each for each in EXERCISES if each[0] != "0"),
                         "lab 0 comes before a term")


class Handouts(unittest.TestCase):
    """Trees of an assignment."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="rvlab-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.path = os.path.join(cls.folder, "course.ini")
        with open(cls.path, "w", encoding="utf-8") as file:
            file.write(GOOD)
        cls.whole = syllabus.read(ROOT, cls.path, LABS)
        cls.tree = os.path.join(cls.folder, "two")
        cls.about = handout.make(ROOT, handout.CoursePlan(LABS, cls.whole, cls.whole.find("two")),
                                 cls.tree)

    def lab(self, *words):
        """Run tools/lab of the tree: (exit status, what it printed)."""
        done = subprocess.run([sys.executable, "tools/lab", *words], cwd=self.tree,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout.decode()

    def test_what_is_in_it(self):
        self.assertEqual(self.about.due, ["2.2", "9.1"])
        self.assertEqual(self.about.all_due, ["1.1", "2.1", "2.2", "9.1"])
        self.assertEqual(manifest.load(self.tree).to_json(), self.about.to_json())
        blank = {region.exercise for region in regions.parse_tree(self.tree) if region.is_blank}
        # What no assignment has is solved; of that only rooms for more may be empty.
        self.assertEqual(blank & {"1.1", "1.2", "2.1", "2.2", "3.1", "5.4", "9.1", "9.2"},
                         {"1.1", "2.1", "2.2", "9.1"})
        labs = sorted(name for name in os.listdir(os.path.join(self.tree, "tools", "labs"))
                      if re.fullmatch(r"lab\d\.py", name))
        self.assertEqual(labs, ["lab1.py", "lab2.py", "lab9.py"])
        text = regions.read(self.tree, "labcodes.md")
        self.assertEqual(re.findall(r"^## Lab (\d)", text, re.M), ["1", "2", "9"])
        page = regions.read(self.tree, "README.md")
        self.assertIn("**9.1 a page that is out comes in** (37 points)", page)
        self.assertNotIn("**2.1 ", page)
        self.assertIn('make grade EX="2.2 9.1"', page)
        self.assertFalse(os.path.exists(os.path.join(self.tree, "tools", "courses")))

    def test_hints(self):
        """[one] has them, and [two] says that it has none."""
        text = regions.read(self.tree, "kern/driver/clock.c")
        self.assertIn("Called by each timer interrupt, with interrupts off.\n       - Have", text)
        text = regions.read(self.tree, "kern/mm/swap_in.c")
        self.assertIn("See labcodes.md, exercise 9.1. */", text)

    def test_a_language_that_is_not_there(self):
        whole = course_of(GOOD.replace("hints: none", "language: xx"))
        with self.assertRaisesRegex(handout.HandoutError, "there is no labcodes.xx.md"):
            handout.make(ROOT, handout.CoursePlan(LABS, whole, whole.find("two")),
                         os.path.join(self.folder, "xx"))
        path = os.path.join(self.folder, "xx.ini")
        with open(path, "w", encoding="utf-8") as file:
            file.write(GOOD.replace("hints: none", "language: xx"))
        with self.assertRaisesRegex(syllabus.CourseError, r":17: \[two\] language: there is no"):
            syllabus.read(ROOT, path, LABS)

    def test_one_tree_hands_in_each(self):
        with open(os.path.join(self.tree, handin.STUDENT), "w", encoding="utf-8") as file:
            file.write("name: Ada\nemail: a@x.org\nMembers: Bob, b@x.org, 7\nmember:\n")
        status, text = self.lab("handin")
        self.assertEqual((status, "Bob <b@x.org>" in text), (0, True), text)
        self.assertEqual(self.lab("handin", "--assignment", "one")[0], 0)
        status, text = self.lab("handin", "--email", "B@x.org")
        self.assertEqual((status, text), (2, "tools/lab: student.txt: b@x.org is there twice: name "
                                          "yourself once, and each member once\n"))
        self.assertIn("which one? Give the number", self.lab("list", "1", "--assignment", "one")[1])
        for name, exercises in (("one", ["1.1", "2.1"]), ("two", ["2.2", "9.1"])):
            with open(os.path.join(self.tree, "handin-%s.txt" % name), "rb") as file:
                found = handin.parse(file.read())
            self.assertEqual((found.assignment, found.exercises), (name, exercises))
            self.assertEqual(found.members, [{"name": "Bob", "email": "b@x.org", "id": "7"}])
            self.assertEqual({key[0] for key in found.texts}, set(exercises))
        status, text = self.lab("check", "--assignment", "one")
        self.assertEqual((status, re.findall(r"^\S+", text, re.M)), (0, ["1.1", "2.1"]), text)
        self.assertIn("1.1: 7, 2.1: 5", self.lab("list", "--assignment", "one")[1])
        status, text = self.lab("check", "--assignment", "three")
        self.assertEqual((status, text), (2, "tools/lab: there is no assignment 'three'; there are "
                                          "one, two\n"))

    def test_one_tree_hands_in_the_task_of_each(self):
        """A task of an assignment before can be handed in from the tree of a later one. Its patch
        goes along with a later assignment, whose task may need its lines, but is not asked for."""
        whole = course_of("[one]\nexercises: 1.1 2.T\n[two]\nexercises: 2.1 5.T\nsolved: none\n")
        tree = os.path.join(self.folder, "tasks")
        plan = handout.CoursePlan(LABS, whole, whole.find("two"))
        self.assertEqual(handout.make(ROOT, plan, tree).tasks, ["2.T", "5.T"])
        page = regions.read(tree, "README.md")
        self.assertEqual(("**5.T " in page, "**2.T " in page), (True, False))
        with open(os.path.join(tree, "kern/mm/kmalloc.c"), "a", encoding="utf-8") as file:
            file.write("/* Mine. */\n")
        for name, due in (("one", ["1.1", "2.T"]), ("two", ["2.1"])):
            about = manifest.load(tree).select(name)
            found = handin.from_tree(tree, about)
            found.student = {"name": "Ada", "email": "a@x.org", "id": ""}
            found = handin.parse(handin.to_text(found, about.regions).encode())
            self.assertEqual((found.exercises, list(found.patches)), (due, ["2.T"]), name)
        with open(self.path, encoding="utf-8") as file, \
                open(self.path + ".tasks", "w", encoding="utf-8") as other:
            other.write(file.read().replace("2.2, 9.1", "2.2, 5.T"))
        done = subprocess.run([sys.executable, LAB, "list", "--course", self.path + ".tasks",
                               "--assignment", "two"], stdout=subprocess.PIPE)
        self.assertRegex(done.stdout.decode(), r"\n  5.T .*\n.*\n      test pagestate ")

    def test_a_course_at_the_top(self):
        """With course.ini there, `list` shows its assignments; a lab by its number as ever."""
        top = os.path.join(self.folder, "top")
        for name in ("kern", "libs", "user"):
            shutil.copytree(os.path.join(ROOT, name), os.path.join(top, name))
        os.symlink(TOOLS, os.path.join(top, "tools"))
        for words, begins in (((), "lab 0: "), ((), "one: one, 12 points"), (("2",), "lab 2: ")):
            done = subprocess.run([sys.executable, "tools/lab", "list", *words], cwd=top,
                                  stdout=subprocess.PIPE)
            self.assertEqual(done.stdout.decode()[:len(begins)], begins)
            shutil.copy(self.path, os.path.join(top, syllabus.OWN))

    def test_a_course_without_an_assignment(self):
        """What is asked for would be of a lab, with other points; so nothing is done."""
        for words in (("handout", "1", "-o", os.path.join(self.folder, "none")),
                      ("grade", self.path, "--lab", "1"), ("actions", "1")):
            done = subprocess.run([sys.executable, LAB, *words, "--course", "ucore"],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.assertEqual((done.returncode, done.stdout.decode()), (
                2, "tools/lab: --course ucore: which of its assignments? Say --assignment NAME; "
                "tools/lab list --course ucore shows them\n"))

    def test_a_course_that_is_not_there(self):
        with self.assertRaisesRegex(syllabus.CourseError,
                                    "there is no file ucroe, and in tools/courses there are core"):
            syllabus.read(ROOT, "ucroe", LABS)

    def test_members_that_nobody_can_find(self):
        for line in ("Bob", "Bob, nowhere", ", b@x.org", "Bob, b@x.org, 7, 8"):
            with self.subTest(line), self.assertRaisesRegex(handin.HandinError, "^member: "):
                handin.members_in("member: %s\n" % line)


if __name__ == "__main__":
    unittest.main()
