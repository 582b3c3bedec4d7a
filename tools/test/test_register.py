"""Tests of regions that are renamed, moved, split, new or gone: what earlier hand-ins get for them.

BEFORE is a small tree from which a handout was made; each test says what the tree and the register
(tools/exercise/regions.txt) became. The hand-in is graded as a text file and as a tree. It must get
its marks, or be listed as "needs a look" with a reason: an honest hand-in has never 0 because a
region changed. Problems: what the register and the tree do not agree on is told. ThisTree and
what_the_corpus_has do the same with this tree: an entry that is lost makes them fail.

Nothing is built and no machine is booted.
Run alone: python3 tools/test/test_register.py
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest
from types import SimpleNamespace

TOOLS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(TOOLS)
sys.path.insert(0, TOOLS)

from exercise import (feedback, gradebook, graft, handin, handout, manifest, marks, marksheet,
                      regions, register, submissions)
from exercise.entries import check
from exercise.regions import RegionError
from labs import catalogue

BEGIN = "    /* EXERCISE %s begin: %s */\n%s    /* EXERCISE %s end */\n"
OLD, NEW = "0" * 12, "1" * 12
A, B = "kern/mm/a.c", "kern/mm/b.c"
REGISTER = "5.1 | one | %s\n5.1 | two | %s\n5.2 | three | %s\n" % (A, A, A)


def file_of(*found):
    """The text of a file with these regions: (exercise, words of the marker, text)."""
    return "int f(void)\n{\n%s}\n" % "".join(
        BEGIN % (exercise, words, text, exercise) for exercise, words, text in found)


BEFORE = {A: file_of(("5.1", "one", "    x(1);\n"), ("5.1", "two", "    x(2);\n"),
                     ("5.2", "three", "    x(3);\n"))}
THREE = "5.2", "three", "    y(3);\n"
ONE, TWO = ("5.1", "one", "    y(1);\n"), ("5.1", "two", "    y(2);\n")


class Tree:
    """A student's tree with these files. With a version it has a .handout.json too."""

    def __init__(self, files, version=None):
        self.files = {path: text.encode() for path, text in files.items()}
        if version is not None:
            found = [each for path, text in files.items() for each in regions.parse(text, path)]
            about = manifest.Manifest(9, version, sorted({each.exercise for each in found}),
                                      found, {})
            self.files[manifest.NAME] = about.to_json().encode()

    def submission(self, reference, asked=None):
        return submissions.from_tree(submissions.Packed(self.files), "x", submissions.Wanted(
            reference.register, asked))


def text_of(files, version):
    """The Submission of a text file, which was handed in from a handout with these files."""
    found = [each for path, text in files.items() for each in regions.parse(text, path)]
    result = handin.Handin(5, version)
    result.exercises = sorted({each.exercise for each in found})
    result.student = {"name": "Ada", "email": "a@x", "id": ""}
    for region in found:
        result.texts[region.key] = region.text, 1
    data = handin.to_text(result, found).encode()
    return submissions.from_file(data, "x")


def reference_of(files, entries):
    """A marks.Reference whose tree has these files, and whose register has these lines."""
    found = regions.number_regions([each for path, text in files.items()
                                    for each in regions.parse(text, path)])
    reference = marks.Reference.__new__(marks.Reference)
    reference.regions, reference.version, reference.texts = found, NEW, files
    reference.keys = {region.key for region in found}
    reference.register = register.parse(entries).with_regions(found)
    reference.exercises = {number: SimpleNamespace(number=number, points=10, is_challenge=False,
                                                    apart=False)
                           for number in sorted({region.exercise for region in found})}
    reference.names, reference.hints = SimpleNamespace(taken=lambda path: ()), {}
    reference.tasks = {}
    return reference


class Earlier(unittest.TestCase):
    """A handout was made from BEFORE; the tree changed, and then it grades what was handed in."""

    def both(self, after, entries, before=None, version=OLD, asked=None):
        """The Students of a hand-in and of a tree, both made from BEFORE."""
        before, reference = before or BEFORE, reference_of(after, entries)
        for found in (text_of(before, version), Tree(before, version).submission(reference, asked)):
            self.assertEqual(found.refused, "")
            yield gradebook.Student(found, reference, asked, "best")

    def look(self, student, exercise, words):
        """The exercise needs a look for this reason, and no mark of it is 0."""
        self.assertEqual(student.work.state[exercise][0], marks.LOOK)
        self.assertRegex(student.work.state[exercise][1], words)
        self.assertRegex("; ".join(student.notes), "%s needs a look: .*%s" % (exercise, words))
        self.assertFalse(student.is_refused)
        self.assertEqual([number for number, (state, _) in student.work.state.items()
                          if state == marks.WRITTEN], ["5.2"])

    def taken(self, student, texts):
        """Exactly these texts are graded, and nothing needs a look."""
        self.assertEqual(student.work.texts, texts)
        self.assertEqual({state for state, _ in student.work.state.values()}, {marks.WRITTEN})
        self.assertEqual(student.looks, [])

    WHOLE = {("5.1", "one"): "    x(1);\n", ("5.1", "two"): "    x(2);\n",
             ("5.2", "three"): "    x(3);\n"}

    def test_as_it_was(self):
        for student in self.both(BEFORE, REGISTER):
            self.taken(student, self.WHOLE)

    def test_another_title(self):
        after = {A: file_of(("5.1", "the first [one]", "    y(1);\n"), TWO, THREE)}
        for student in self.both(after, REGISTER.replace("one | " + A, "one | %s | title: the first"
                                                         % A)):
            self.taken(student, self.WHOLE)

    def test_a_handout_with_a_title_graded_by_another_one(self):
        before = {A: file_of(("5.1", "the first [one]", "    x(1);\n"),
                             ("5.1", "two", "    x(2);\n"), ("5.2", "three", "    x(3);\n"))}
        after = {A: file_of(("5.1", "first of all [one]", "    y(1);\n"), TWO, THREE)}
        for student in self.both(after, REGISTER, before):
            self.taken(student, self.WHOLE)

    def test_a_title_that_was_an_id(self):
        """An id was changed, against the rule, and the old one is entered as a title."""
        after = {A: file_of(("5.1", "first", "    y(1);\n"), TWO, THREE)}
        entries = REGISTER.replace("5.1 | one | " + A, "5.1 | first | %s | title: one" % A)
        whole = dict(self.WHOLE)
        whole["5.1", "first"] = whole.pop(("5.1", "one"))
        for student in self.both(after, entries):
            self.taken(student, whole)
        reference, asked = reference_of(after, entries), ["5.1", "5.2"]
        found = Tree(BEFORE).submission(reference, asked)       # no file tells what it had
        self.taken(gradebook.Student(found, reference, asked, "best"), whole)

    def test_moved(self):
        after = {A: file_of(ONE, THREE), B: file_of(TWO)}
        for student in self.both(after, REGISTER.replace("two | " + A, "two | %s %s" % (A, B))):
            self.taken(student, self.WHOLE)

    def test_a_place_in_the_students_own_file(self):
        after = {A: file_of(ONE, THREE), B: file_of(TWO)}
        before = {A: BEFORE[A].replace("x(2);", "x(2;")}
        entries = REGISTER.replace("two | " + A, "two | %s %s" % (A, B))
        text, tree = self.both(after, entries, before)
        self.assertRegex(text.work.state["5.1"][1], r"^line \d+: this \( is not closed")
        self.assertRegex(tree.work.state["5.1"][1], r"^%s:7: this \( is not closed" % A)

    def test_gone(self):
        after = {A: file_of(ONE, THREE)}
        entries = REGISTER.replace("two | " + A, "two | %s | gone: a table fills itself" % A)
        for student in self.both(after, entries):
            self.taken(student, {key: text for key, text in self.WHOLE.items() if key[1] != "two"})
            self.assertIn("5.1: the text of two is ignored, that region is gone: a table fills "
                          "itself", student.notes)

    def test_gone_and_was_blank(self):
        """What its blank text left without effect then has none now."""
        after = {A: file_of(ONE, THREE)}
        entries = REGISTER.replace("two | " + A,
                                   "two | %s | gone: a table fills itself | used: one" % A)
        blank = {A: BEFORE[A].replace("    x(2);\n", "")}
        self.assertNotEqual(blank, BEFORE)
        for student in self.both(after, entries, blank):
            self.assertEqual(student.work.texts.get(("5.1", "one"), ""), "")
            self.assertTrue(any("one is taken as blank" in note for note in student.notes))

    def test_split(self):
        after = {A: file_of(ONE, ("5.1", "two a", ""), ("5.1", "two b", ""), THREE)}
        entries = REGISTER.replace("two | " + A, "two | %s | split into: two a; two b" % A) + \
            "5.1 | two a | %s | new\n5.1 | two b | %s | new\n" % (A, A)
        for student in self.both(after, entries):
            self.look(student, "5.1", "its region two was split into two a and two b")

    def test_a_new_region(self):
        after = {A: file_of(ONE, TWO, ("5.1", "four", ""), THREE)}
        for student in self.both(after, REGISTER + "5.1 | four | %s | new\n" % A):
            self.look(student, "5.1", "it has no region four")

    def test_lost_from_the_register(self):
        """A change that no check saw does not lead to 0 either."""
        after = {A: file_of(ONE, ("5.1", "renamed", ""), THREE)}
        for student in self.both(after, ""):
            self.look(student, "5.1", "two")

    def test_from_a_newer_version(self):
        after = {A: file_of(ONE, THREE)}
        for student in self.both(after, REGISTER.split("\n")[0]):
            self.look(student, "5.1", "a region two, which this tree does not know")
        reference, asked = reference_of(after, REGISTER.split("\n")[0]), ["5.1", "5.2"]
        self.look(gradebook.Student(Tree(BEFORE).submission(reference, asked), reference, asked,
                                    "best"), "5.1", "a region two, which this tree does not know")

    def test_an_unknown_exercise(self):
        for asked in (None, ["5.1", "5.2"]):
            before = {A: BEFORE[A] + file_of(("5.9", "nine", "    z;\n"))}
            for student in self.both(BEFORE, REGISTER, before, asked=asked):
                self.assertEqual(student.work.texts, self.WHOLE)
                self.assertRegex("".join(student.looks), "5.9 needs a look: this tree has no such")
                self.assertIn(student.looks[0], student.notes)
        for student in self.both(BEFORE, REGISTER, before, asked=["5.1"]):
            self.assertEqual(student.looks, [])         # the teacher chose the exercises
        for student in self.both(BEFORE, REGISTER, {A: file_of(("7.1", "x", "    z;\n"))}):
            self.assertRegex("".join(student.notes), "^7.1 needs a look")
            self.assertFalse(student.is_refused)
            self.assertFalse(student.is_graded)

    def test_a_new_exercise(self):
        after = {A: file_of(ONE, TWO, THREE, ("5.3", "four", "    y;\n"))}
        asked = ["5.1", "5.2", "5.3"]
        text, tree = self.both(after, REGISTER + "5.3 | four | %s | new\n" % A, asked=asked)
        self.assertEqual(text.work.state["5.3"][0], marks.LOOK)
        self.assertEqual(tree.work.state["5.3"][0], marks.LOOK)
        for version, entries in ((OLD, REGISTER + "5.3 | four | %s\n" % A),
                                 (NEW, REGISTER + "5.3 | four | %s | new\n" % A)):
            text, _ = self.both(after, entries, version=version, asked=asked)
            self.assertEqual(text.work.state["5.3"][0], marks.ABSENT)


class ThisVersion(unittest.TestCase):
    """What is missing in a hand-in of this very version is the student's fault."""

    def state(self, found, reference):
        student = gradebook.Student(found, reference, None, "best")
        self.assertEqual(student.looks, [])
        return student.work.state["5.1"][0]

    def test_a_region_that_is_not_there(self):
        reference = reference_of(BEFORE, REGISTER)
        found = text_of(BEFORE, NEW)
        del found.handin.texts["5.1", "two"]
        self.assertEqual(self.state(found, reference), marks.REFUSED)
        tree = Tree(BEFORE, NEW)
        tree.files[A] = tree.files[A].replace(b"begin: two", b"begin: too")
        self.assertEqual(self.state(tree.submission(reference), reference), marks.REFUSED)

    def test_what_a_handout_of_any_version_had(self):
        """The hand-in itself says that a region is missing, and the .handout.json of a tree says
        that it was there: so the student has removed it, whatever the version."""
        reference = reference_of(BEFORE, REGISTER)
        found = text_of(BEFORE, OLD)
        del found.handin.texts["5.1", "two"]
        found.handin.errors["5.1", "two"] = RegionError(A, 7, "there was none")
        self.assertEqual(self.state(found, reference), marks.REFUSED)
        tree = Tree(BEFORE, OLD)
        tree.files[A] = tree.files[A].replace(b"begin: two", b"begin: too")
        self.assertEqual(self.state(tree.submission(reference), reference), marks.REFUSED)

    def test_what_is_there_twice(self):
        """A region is there in two files or by two names. The grader does not choose for the
        student."""
        after = {A: file_of(ONE, THREE), B: file_of(TWO)}
        reference = reference_of(after, REGISTER.replace("two | " + A, "two | %s %s | title: zwei"
                                                         % (A, B)))
        tree = Tree(after, NEW)
        tree.files[A] = file_of(ONE, TWO, THREE).encode()
        self.assertEqual(self.state(tree.submission(reference), reference), marks.REFUSED)
        found = text_of(after, NEW)
        found.handin.texts["5.1", "zwei"] = "    z;\n", 9
        self.assertEqual(self.state(found, reference), marks.REFUSED)

    def test_what_a_student_invents(self):
        """A region of a student's own is ignored, and that is told."""
        reference = reference_of(BEFORE, REGISTER)
        found = text_of(BEFORE, NEW)
        found.handin.texts["5.1", "own"] = "    z;\n", 9
        student = gradebook.Student(found, reference, None, "best")
        self.assertEqual(student.work.written, ["5.1", "5.2"])
        self.assertIn("own", "".join(student.notes))

    def test_a_tree_without_handout_json(self):
        reference = reference_of(BEFORE, REGISTER)
        for new, words in ((b"begin: too", "no region two|a region too"), (b"begin: two", "")):
            tree = Tree(BEFORE)
            tree.files[A] = tree.files[A].replace(b"begin: two", new)
            student = gradebook.Student(tree.submission(reference, ["5.1"]), reference, ["5.1"],
                                        "best")
            self.assertRegex("".join(student.looks), words or "^$")
            self.assertEqual(bool(student.looks), bool(words))


class Marks(unittest.TestCase):
    """What a teacher gets for a hand-in that needs a look."""

    def setUp(self):
        after = {A: file_of(ONE, TWO, ("5.1", "four", "    y;\n"), THREE)}
        self.reference = reference_of(after, REGISTER + "5.1 | four | %s | new\n" % A)
        self.reference.tests = {"5.1": [], "5.2": []}
        self.reference.exercises["5.1"].title = self.reference.exercises["5.2"].title = "t"
        self.student = gradebook.Student(text_of(BEFORE, OLD), self.reference, None, "best")
        examiner = marks.Examiner(self.reference, None)
        entries = {number: examiner.entry(self.student.work, number) for number in ("5.1", "5.2")}
        entries["5.2"].update(state=marks.WRITTEN, mark=7, together=7)
        self.result = {"exercises": entries, "complete": True}
        check(self.result)
        self.student.finish(self.result)

    def test_a_mark_that_is_empty(self):
        head, row = marksheet.to_csv([self.student]).strip("\ufeff").splitlines()
        self.assertEqual(head, "student,email,id,file,5.1,5.2,total,max,notes")
        self.assertRegex(row, "^Ada,a@x,,x,,7,,,.*5.1 needs a look: it has no region four")
        self.assertFalse(self.student.is_graded or self.student.is_refused or
                         self.student.has_failed)
        line = marksheet.line(self.student, 1, 1)
        self.assertRegex(line, r"Ada: \? of 20  5.1 needs a look  5.2 7/10; 5.1 needs a look: it")
        text = marksheet.text_for(self.student, self.reference)
        self.assertIn("total: ? of 20", text)
        self.assertIn("== 5.1 t: needs a look", text)
        options = SimpleNamespace(policy="best")
        data = json.loads(marksheet.to_json([self.student], self.reference, options))["students"][0]
        self.assertEqual((data["total"], data["exercises"]["5.1"]["mark"], data["graded"]),
                         (None, None, False))
        self.assertIn('{"scores": {"5.2": 7}}', feedback.to_autolab(self.student))

    def test_no_score_where_a_system_would_take_it_for_a_mark(self):
        with tempfile.TemporaryDirectory() as folder:
            paths = {system: os.path.join(folder, system) for system in feedback.FORMS}
            options = SimpleNamespace(csv=None, json=None, texts=None, **paths)
            marksheet.write([self.student], self.reference, options)
            self.assertEqual(os.listdir(folder), [])
            self.student.looks = []
            marksheet.write([self.student], self.reference, options)
            self.assertEqual(sorted(os.listdir(folder)), sorted(feedback.FORMS))

    def test_the_command(self):
        """A hand-in that has nothing of this tree is listed, without a machine."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "x.txt")
            with open(path, "w") as file:
                file.write("rvlab hand-in, format 1\nlab: 9\nexercises: 0.9\nname: a\nemail: b\n"
                           "end of hand-in\n")
            done = subprocess.run([sys.executable, os.path.join(TOOLS, "lab"), "grade", path],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output = done.stdout.decode()
        self.assertEqual(done.returncode, 1, output)
        self.assertIn("0.9 needs a look: this tree has no such exercise", output)
        self.assertIn("0 graded, 0 refused, 0 not graded because this host failed, 1 need", output)

    def test_no_mark_only_there(self):
        """A mark may be missing for a look only: a file of --resume with another one is damaged."""
        self.result["exercises"]["5.2"]["mark"] = None
        with self.assertRaises(ValueError):
            check(self.result)

    def test_the_others_are_not_dragged_down(self):
        """When all is built together, the reference's text stands for what needs a look."""
        built = []

        class Shop:
            folder = "/shop"

            def variant(self, texts, compiled):
                built.append(texts)
                raise KeyboardInterrupt()
        with self.assertRaises(KeyboardInterrupt):
            marks.Examiner(self.reference, Shop()).marks(self.student.work, "together")
        self.assertIn("    y(1);\n", built[0][A])
        self.assertIn("    x(3);\n", built[0][A])


class Problems(unittest.TestCase):
    """The register must fit the tree."""

    def problems(self, files, entries):
        found = [each for path, text in files.items() for each in regions.parse(text, path)]
        return "\n".join(map(str, register.problems(register.parse(entries), found)))

    def test_each_is_told(self):
        self.assertEqual(self.problems(BEFORE, REGISTER), "")
        for old, new, words in (
                ("5.1 | two | %s\n" % A, "", "a.c:6: .*add the line \"5.1 . two . %s . new\"" % A),
                ("5.2", "5.1 | lost | %s\n5.2" % A, "txt:3: the tree has no region \"lost\""),
                ("two | " + A, "two | " + B, "regions.txt:2: .*the path " + A),
                ("two | " + A, "two | %s | gone: x" % A, "a.c:6: .*line 2 .*gone"),
                ("5.2", "5.1 | x | %s | split into: y; one\n5.2" % A, "no region \"y\"")):
            self.assertRegex(self.problems(BEFORE, REGISTER.replace(old, new)), words)
        titled = {A: BEFORE[A].replace("begin: one", "begin: the first [one]")}
        self.assertRegex(self.problems(titled, REGISTER), "regions.txt:1: .*\"title: the first\"")
        self.assertEqual(self.problems(titled, REGISTER.replace("\n", " | title: the first\n", 1)),
                         "")

    def test_lines_that_are_none(self):
        for line, words in (("5.1 | x", "expected"), ("5 | x | " + A, "expected"),
                            ("5.1 | x | ../a.c", "expected"), ("5.1 | x/y | " + A, "expected"),
                            ("5.1 | x | %s | gone:" % A, "is none of"),
                            ("5.1 | x | %s | y" % A, "is none of"),
                            ("5.1 | one | " + A, "line 1 has a region \"one\""),
                            ("5.1 | x | %s | title: two" % A, "line 2 has a region \"two\"")):
            with self.assertRaisesRegex(RegionError, "regions.txt:4: .*" + words):
                register.parse(REGISTER + line)

    def test_this_tree(self):
        found = regions.parse_tree(ROOT)
        self.assertEqual(list(map(str, register.problems(register.load(ROOT), found))), [])

    def test_no_handout_of_what_is_not_registered(self):
        self.addCleanup(setattr, register, "load", register.load)
        register.load = lambda root: register.Register()
        with tempfile.TemporaryDirectory() as folder:
            target = os.path.join(folder, "h")
            with self.assertRaisesRegex(handout.HandoutError, "clock.c:.* no region \"clock_in"):
                handout.make(ROOT, handout.plan_of(1), target)
            self.assertFalse(os.path.exists(target))

    def test_what_the_corpus_has(self):
        """The hand-ins of the corpus never change, so no line of the register may go away, even if
        its region does."""
        folder, entries = os.path.join(TOOLS, "test", "corpus"), register.load(ROOT)
        count = 0
        for each in submissions.collect([folder], submissions.Wanted(entries)):
            for key in list(each.handin.texts) + list(each.handin.errors) if each.handin else ():
                count += 1
                self.assertIsNotNone(entries.find(*key), "%s: %s %s" % (each.source, *key))
        self.assertGreater(count, 300)

    def test_markers(self):
        text = BEGIN % ("5.1", "a title, of words [one]", "x;\n", "5.1")
        region, = regions.parse(text, A)
        self.assertEqual((region.key, region.title), (("5.1", "one"), "a title, of words"))
        self.assertEqual(region.begin, text.split("\n")[0].strip())
        again = manifest.region_of(manifest.entry_of(region))
        self.assertEqual((again.key, again.begin), (region.key, region.begin))
        self.assertEqual(graft.extract(text.replace("title, of", "name of"), region), ("x;\n", 2))
        self.assertIn("Write here: a title, of words.", regions.blank(text, A, {"5.1"}))
        self.assertIn('not_written("5.1", "one")', regions.blank(text, A, {"5.1"}))


class ThisTree(unittest.TestCase):
    """A real hand-in of the corpus, and this tree."""

    def test_an_honest_hand_in_after_a_new_title(self):
        """A title changes, and 4.2 keeps its marks. Once it got 0 of 50 for that."""
        reference = marks.Reference(ROOT, catalogue.load(), NEW)
        corpus = os.path.join(TOOLS, "test", "corpus", "lab4-solved.txt")
        with open(corpus, "rb") as file:
            data = file.read()
        for region in reference.regions:
            if region.key == ("4.2", "copy_thread"):
                region.title = "the child's registers"
        student = gradebook.Student(submissions.from_file(data, "x"), reference, None, "best")
        self.assertEqual(student.work.written, ["4.1", "4.2", "4.3"])


if __name__ == "__main__":
    unittest.main()
