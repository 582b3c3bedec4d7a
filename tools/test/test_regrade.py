"""Tests of tools/lab regrade: some exercises of a course again, one hand-in by an old version.

Exercises plays a test that was mended after the grading: the marks must be those of a new grading
of all, no other exercise may be tested, and the table must have what moved and nothing else.
Appeal makes a small repository with two versions: the tools of then must be called, by git, by a
folder, by an archive. Only Whole needs a compiler and QEMU: the whole tree has two versions, and of
each the report of then must come again, byte for byte.

Run alone: python3 tools/test/test_regrade.py
"""
import json
import os
import subprocess
import sys
import tarfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from courses import MADE, Desk
from test_hostile import NUMBER, REGION
from test_hostile import work_of as work_with
from test_lab_grade import REFERENCE, ROOT, Folder, work_of

from exercise import appeal, handout, provenance
from exercise.gradebook import GradeError
from grader.model import Verdict
from trees import OBJECTS, SOURCES, Edited, TreeTest

GRADE = "grade a.txt b.txt c.txt --lab 5 --json %s.json --csv %s.csv --texts %s"
REGRADE = "regrade a.txt b.txt c.txt --exercises 5.3 --before old.json --json new.json " \
    "--csv new.csv --texts new --moved moved.csv"
POINTS = REFERENCE.exercises["5.3"].points


def strict(text, exercise):
    """The mended test finds what the first one did not."""
    if exercise == "5.2" and "WRONG" in text:
        return Verdict.WRONG
    return Verdict.PANIC if exercise == "5.3" and "LUCKY" in text else Verdict.OK


def lax(text, exercise):
    """The test of then."""
    return strict(text.replace("LUCKY", ""), exercise)


class Exercises(Desk):
    """A test of 5.3 was too lax."""

    def setUp(self):
        super().setUp()
        self.put("a.txt", work_of("Ada", copy="    /* LUCKY */ ;\n"))
        self.put("b.txt", work_of("Bo", dispatch="    /* WRONG */ ;\n"))
        self.put("c.txt", work_of("=Cy()", copy="    /* LUCKY */ x;\n",
                                  dispatch="    /* WRONG */ ;\n"))
        self.verdict = lax
        self.assertEqual(self.lab(GRADE % (("old",) * 3))[0], 0)
        self.verdict = strict
        self.shops.clear()

    def marks(self, name):
        """[(name, {exercise: mark}, total)] of a JSON."""
        return [(each["name"], {number: entry["mark"] for number, entry in
                                each["exercises"].items()}, each["total"])
                for each in json.loads(self.text(name))["students"]]

    def test_marks_are_those_of_a_new_grading(self):
        status, output = self.lab(REGRADE)
        self.assertEqual(status, 0, output)
        boots = self.shops[0].boots
        self.assertEqual(self.lab(GRADE % (("all",) * 3))[0], 0)
        self.assertEqual(self.marks("new.json"), self.marks("all.json"))
        self.assertNotEqual(self.marks("new.json"), self.marks("old.json"))
        self.assertEqual(self.text("new.csv"), self.text("all.csv"))
        self.assertLess(boots, self.shops[1].boots)
        self.assertIn("all but 5.3 stay as they were, by rvlab 0123456789ab-89abcdef",
                      self.text("new/Ada@example.org.txt"))

    def test_reports_name_what_graded(self):
        line = "graded by: rvlab 0123456789ab-89abcdef; gcc 0; QEMU 0"
        self.assertEqual(json.loads(self.text("old.json"))["made"], MADE)
        self.assertIn("\n%s\n" % line, self.text("old/Ada@example.org.txt"))
        status, output = self.lab("grade a.txt --lab 5 --gradescope g.json --prairielearn p.json")
        self.assertIn(line, output)
        for name in ("g.json", "p.json"):
            self.assertIn(line, json.loads(self.text(name))["output"])

    def test_the_table(self):
        status, output = self.lab(REGRADE)
        self.assertIn("2 of the marks have moved:\n", output)
        self.assertIn("  Ada: 5.3 %d, now 0; in all " % POINTS, output)
        rows = self.text("moved.csv").strip("\ufeff").splitlines()
        self.assertEqual(len(rows), 3)
        self.assertRegex(rows[1],
                         r"^Ada,a.txt,5.3,%d,0,\d+,\d+,\".* ok, now 0/\d+ panic\"$" % POINTS)
        self.assertTrue(rows[2].startswith("'=Cy()"), rows[2])

    def test_only_that_exercise_is_tested(self):
        tested = set()

        def verdict(text, exercise):
            tested.add(exercise)
            return strict(text, exercise)

        self.verdict = verdict
        self.lab(REGRADE)
        self.assertEqual(tested, {"5.3"})

    def test_a_hand_in_that_is_new(self):
        self.put("c.txt", work_of("Cy", copy="    /* LUCKY */ z;\n"))
        status, output = self.lab(REGRADE)
        self.assertIn("1 hand-ins are not in old.json", output)
        self.lab(GRADE % (("all",) * 3))
        self.assertEqual(self.marks("new.json"), self.marks("all.json"))

    def test_wrong_commands(self):
        self.put("damaged.json", self.text("old.json").replace('"mark": ', '"mark": "', 1).encode())
        for words, line in (
                ("say which exercises", "regrade a.txt --before old.json"),
                ("say --before FILE", "regrade a.txt --exercises 5.3"),
                ("there is no exercise 5.9", "regrade a.txt --exercises 5.9 --before old.json"),
                ("is no file of `tools/lab grade --json`",
                 "regrade a.txt --exercises 5.3 --before a.txt"),
                ("or is damaged", "regrade a.txt --exercises 5.3 --before damaged.json"),
                ("a version is as in", "regrade a.txt --version x")):
            status, output = self.lab(line)
            self.assertEqual(status, 2, output)
            self.assertIn(words, output)


class Appeal(Folder):
    """A repository whose tools/lab prints which version it is, and its words."""

    SAYS = "import sys\nprint('%s', *sys.argv[1:5])\n"

    def setUp(self):
        super().setUp()
        self.tree = self.path("tree")
        for top in handout.VERSIONED + provenance.PLACES:
            os.makedirs(os.path.join(self.tree, top), exist_ok=True)
        self.git("init", "-q")
        self.versions = [self.commit(word) for word in ("then", "now")]

    def git(self, *words):
        subprocess.run(["git", "-C", self.tree, "-c", "user.name=x", "-c", "user.email=x@x"]
                       + list(words), check=True, stdout=subprocess.PIPE)

    def commit(self, word):
        """A version whose tools say this word."""
        for name, text in (("kern/a-b.c", word), ("kern/a/b.c", word), ("kern/a.c", word),
                           ("kern/a/.hidden", word), ("tools/labs/x.py", word), ("Makefile", ""),
                           ("tools/lab", self.SAYS % word)):
            os.makedirs(os.path.dirname(os.path.join(self.tree, name)), exist_ok=True)
            with open(os.path.join(self.tree, name), "w") as file:
                file.write(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", word)
        return provenance.full_version(self.tree)

    def appeal(self, version, *words):
        """What is printed by the tools of a version."""
        line = ["regrade", "ada.txt", "--version", version, "--csv", "x"] + list(words)
        code = "import sys; sys.path.insert(0, %r)\nfrom types import SimpleNamespace as S\n" \
            "from exercise import appeal\nsys.exit(appeal.run(%r, S(version=%r, tree=%r, csv='x'," \
            " json=None, texts=None), %r))" % (os.path.join(ROOT, "tools"), self.tree, version,
                                               dict(zip(words, words[1:])).get("--tree"), line[1:])
        return subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE,
                              check=True).stdout.decode()

    def test_by_git(self):
        self.assertNotEqual(*self.versions)
        history = appeal.History(self.tree)
        self.assertEqual([history.version(commit) for commit in history.commits()],
                         self.versions[::-1])
        for version, word in zip(self.versions, ("then", "now")):
            for each in (version, version.split("-")[0]):
                self.assertEqual(self.appeal(each), "%s grade ada.txt --csv x\n" % word)

    def test_by_a_folder_and_an_archive(self):
        place = os.path.join(self.tree, appeal.KEPT)
        self.appeal(self.versions[0])
        folder, packed = self.path("folder"), self.path("tree.tar.gz")
        os.rename(os.path.join(place, self.versions[0]), folder)
        with tarfile.open(packed, "w:gz") as archive:
            archive.add(folder, "rvlab")
        os.rename(os.path.join(self.tree, ".git"), self.path("git"))
        with self.assertRaisesRegex(GradeError, "has no git"):
            appeal.of_git(self.tree, self.versions[0])
        for path in (folder, packed):
            self.assertEqual(self.appeal(self.versions[0], "--tree", path),
                             "then grade ada.txt --csv x\n")
            self.assertEqual(os.listdir(place), self.versions[:1])
            os.rename(os.path.join(place, self.versions[0]), self.path("old" + path[-2:]))
        with self.assertRaisesRegex(GradeError, "it is version %s" % self.versions[0]):
            appeal.of_tree(self.tree, folder, "0" * 12)

    def test_the_version_is_that_of_a_walk(self):
        self.assertEqual(self.versions[1].split("-")[0], handout.version_of(self.tree))
        with self.assertRaisesRegex(GradeError, "no commit of this tree"):
            appeal.of_git(self.tree, "0" * 12)

    def test_options_are_left_out(self):
        self.assertEqual(appeal.without(["a", "--version", "V", "--lab", "5", "--tree=x", "b"],
                                        ("--version", "--tree")), ["a", "--lab", "5", "b"])


class Whole(TreeTest):
    """One hand-in of one exercise, a tree as it is, and one whose test wants a line too many."""

    STRICT = "kern/test/backtrace.c", "lines_caught() == n;", "lines_caught() == n + 1;"

    def git(self, *words):
        subprocess.run(["git", "-C", self.tree, "-c", "user.name=x", "-c", "user.email=x@x"]
                       + list(words), check=True, stdout=subprocess.PIPE)

    def lab(self, command, *words):
        """What `tools/lab COMMAND` of the tree prints of the hand-in."""
        done = subprocess.run(
            [sys.executable, os.path.join(self.tree, "tools", "lab"), command, "ada.txt",
             "--exercises", NUMBER, "--toolchain", os.path.basename(OBJECTS)] + list(words),
            cwd=self.folder, env=dict(os.environ, PYTHONDONTWRITEBYTECODE="1"),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def commit(self):
        """The version of a new commit."""
        self.git("add", "--", *SOURCES)
        self.git("commit", "-q", "-m", "one more")
        return provenance.full_version(self.tree)

    def test_the_same_bytes_again(self):
        with open(os.path.join(self.folder, "ada.txt"), "wb") as file:
            file.write(work_with("Ada", REGION.text))
        self.git("init", "-q")
        then = self.commit()
        self.lab("grade", "--texts", "texts")
        path, = os.listdir(os.path.join(self.folder, "texts"))
        with open(os.path.join(self.folder, "texts", path), "rb") as file:
            report = file.read()
        self.assertIn(("graded by: rvlab %s; " % then).encode(), report)
        self.assertIn(b"\ntotal: 30 of 30\n", report)
        with Edited(self.tree, [self.STRICT]):
            now = self.commit()
            self.assertEqual(self.lab("regrade", "--version", then), report)
            other = self.lab("regrade", "--version", now)
        self.assertIn(("graded by: rvlab %s; " % now).encode(), other)
        self.assertIn(b"\ntotal: 15 of 30\n", other)


if __name__ == "__main__":
    unittest.main()
