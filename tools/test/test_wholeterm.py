"""A whole term is played: three students, the nine assignments of ucore's order, and what happens.

Ada is good. Bob makes mistakes, and hands in lab 4 with Ada. Eve hands in lab 4 a day late and lab
9 three days, and gives up lab 2. Lab 3 is mended between hand-out and hand-in: Ada puts the erratum
into her tree, Bob does not. Of lab 6 Bob appeals. Each has one tree, into which `carry` brings what
was written before. MARKS has every mark, computed by hand from tools/courses/ucore.ini.

Handouts, erratum, hand-ins and the grading are the real ones, but for the machines: a kernel with
the reference's text passes, a blank one fails, and what a wrong text of tools/test/corpus gets
stands in corpus/marks.csv, which test_corpus.py holds to machines. With MACHINES=1 it asks them;
with MACHINES="lab7 lab9" of these assignments only, which is a part of the same play.
"""
import contextlib
import csv
import io
import os
import shutil
import subprocess
import sys
import unittest
from types import SimpleNamespace
from unittest import mock

TOOLS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, TOOLS)
sys.path.insert(0, os.path.join(TOOLS, "test"))

from exercise import carry, gradebook, handin, handout, manifest, marks, mend, regions
from exercise import syllabus, term
from labs import catalogue
from test_carry import ROOT, SOLVED, Trees, fill, put
from test_erratum import edit

LABS = catalogue.load()
CORPUS = os.path.join(TOOLS, "test", "corpus")
MACHINES = os.environ.get("MACHINES", "").split()
STUDENTS = ("ada", "bob", "eve")
# What each writes: exercises as the reference has them, and hand-ins of the corpus with mistakes.
WORK = {
    "lab1": {"ada": "1.1 1.2 1.3", "bob": "lab1-wrong1", "eve": "1.1 1.2"},
    "lab2": {"ada": "2.1 2.2 2.C 3.1 3.2", "bob": "lab2-wrong2 3.1 3.2", "eve": "2.1"},
    "lab3": {"ada": "3.3 3.4 9.1 9.2", "bob": "lab3-wrong1 9.1 9.2", "eve": "3.3 3.4 9.1"},
    "lab4": {"ada": "4.1 4.2 4.3", "bob": "4.1 4.2 4.3", "eve": "4.1 4.2 4.3"},
    "lab5": {"ada": "5.1 5.2 5.3 5.4 5.5 5.C", "bob": "5.1 5.2 5.3 5.5",
             "eve": "5.1 5.2 5.3 5.4 5.5"},
    "lab6": {"ada": "6.1 6.2", "bob": "6.1", "eve": "lab6-wrong1"},
    "lab7": {"ada": "7.0 7.1 7.2 7.3 7.4 7.5 7.C", "bob": "7.0 7.1 7.2 7.3 7.4", "eve": "7.0"},
    "lab8": {"ada": "8.1 8.2 8.3 8.4 8.5", "bob": "8.1 8.2 8.3", "eve": "8.3 8.4"},
    "lab9": {"ada": "9.3 9.4", "bob": "9.3", "eve": "9.4"},
}
LATE = {("lab4", "eve"): 3600, ("lab9", "eve"): 2 * 86400 + 3600}       # seconds after the date
MARKS = {
    # 30 + 40 + 30; 20 + 30 + 0, as corpus/marks.csv has it; 30 + 40
    "lab1": {"ada": "100", "bob": "50", "eve": "70"},
    # 33 + 33 + 6 + 17 + 17; 5/50 of 33, 15/50 of 33, 4/10 of 6, 17 + 17; 33
    "lab2": {"ada": "106", "bob": "49.6", "eve": "33"},
    # 25 + 25 + 30 + 20; 5 + 10 + 30 + 20; 25 + 25 + 30
    "lab3": {"ada": "100", "bob": "65", "eve": "80"},
    # 20 + 50 + 30; the same, handed in by Ada; the same less 10 %
    "lab4": {"ada": "100", "bob": "100", "eve": "90"},
    # 15 + 15 + 15 + 30 + 25 + 10; without 30 and 10; without 10
    "lab5": {"ada": "110", "bob": "70", "eve": "100"},
    # 50 + 50; 50, and 40 after the appeal; 35 + 0 + 8
    "lab6": {"ada": "100", "bob": "90", "eve": "43"},
    # 10 + 15 + 15 + 15 + 25 + 20 + 10; without 20 and 10; 10
    "lab7": {"ada": "110", "bob": "80", "eve": "10"},
    # 25 + 20 + 20 + 20 + 15; 25 + 20 + 20; 20 + 20
    "lab8": {"ada": "100", "bob": "65", "eve": "40"},
    # 25 + 25; 25; 25 less 30 %
    "lab9": {"ada": "50", "bob": "25", "eve": "17.5"},
}
TOTALS = {"ada": 876, "bob": 594.6, "eve": 483.5}


def corpus_texts(name):
    """{(exercise, id): text} of a hand-in of the corpus, in the regions that this tree has."""
    with open(os.path.join(CORPUS, name + ".txt"), "rb") as file:
        return {key: text for key, (text, _) in handin.parse(file.read()).texts.items()
                if key in SOLVED}


def corpus_marks():
    """{(exercise, the texts of its regions): mark} of the hand-ins that are used here."""
    found = {}
    with open(os.path.join(CORPUS, "marks.csv"), encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            name = os.path.basename(row["file"])[:-len(".txt")]
            if any(name in words for each in WORK.values() for words in each.values()):
                for key, text in corpus_texts(name).items():
                    texts = found.setdefault((name, key[0]), [int(row[key[0]]), set()])
                    texts[1].add(text)
    return {(number, frozenset(texts)): mark for (_, number), (mark, texts) in found.items()}


class Played(marks.Examiner):
    """An Examiner that knows what the machines say."""

    KNOWN = corpus_marks()

    def marks(self, work, policy):
        result = {number: self.entry(work, number) for number in work.exercises}
        for number in work.written:
            texts, entry = work.of(number), result[number]
            if all(text == SOLVED[key].text for key, text in texts.items()):
                points = entry["max"]
            else:
                points = self.KNOWN[number, frozenset(texts.values())]
            entry["tests"] = [{"name": "all of it", "title": "all of it", "points": points,
                               "max": entry["max"], "verdict": "", "lines": []}]
            entry.update(together=points, mark=points)
            entry["from"] = "together"
        return {"exercises": result, "complete": True}


class WholeTerm(Trees):
    """The term, from the first handout to the last mark."""

    def setUp(self):
        self.source, text = self.path("source"), regions.read(ROOT, "tools/courses/ucore.ini")
        shutil.copytree(ROOT, self.source, ignore=shutil.ignore_patterns(
            "obj", ".git", "__pycache__", "ERRATA"))
        text = text.replace("[course]\n", "[course]\nstarts: 2027-03-01\n")
        put(self.source, syllabus.OWN, text.replace("[lab4]\n", "[lab4]\ngroups: 2\n"))
        self.course = syllabus.read(self.source, "", LABS)
        self.assertEqual([each.name for each in self.course.assignments], list(WORK))
        self.assertLessEqual(set(MACHINES), {"1", *WORK}, "MACHINES names no assignment")
        self.tables, self.versions = {}, {}

    def make(self, name, folder):
        """Make the handout of an assignment."""
        shutil.rmtree(self.path(folder), ignore_errors=True)
        return handout.make(self.source, handout.CoursePlan(
            LABS, self.course, self.course.find(name)), self.path(folder))

    def begin(self, name):
        """Each student gets the handout, and carries his work into it."""
        self.versions[name] = self.make(name, "handout").version
        for who in STUDENTS:
            old, new = self.path(who), self.path("new")
            shutil.copytree(self.path("handout"), new)
            if os.path.exists(old):
                with contextlib.redirect_stdout(io.StringIO()) as told:
                    status = carry.run(new, old, ["reference:lab2"] if (name, who) == (
                        "lab3", "eve") else [], self.source)
                self.assertEqual(status, 0, told.getvalue())
                shutil.rmtree(old)
            else:
                put(new, handin.STUDENT, "name: %s\nemail: %s@example.org\n" % (who.title(), who))
            os.rename(new, old)

    def mend(self):
        """A fault outside of the regions is found when lab 3 is out. Ada mends her tree."""
        shutil.move(self.path("handout"), self.path("out"))
        edit(self.source, "kern/mm/fault.c", "#include <mm/filemap.h>\n",
             "/* Mended. */\n#include <mm/filemap.h>\n")
        self.versions["mended"] = self.make("lab3", "handout").version
        patch = self.path("erratum.patch")
        done = subprocess.run([sys.executable, os.path.join(self.source, "tools", "lab"), "erratum",
                               self.path("out"), self.path("handout"), "--why", "a comment", "-o",
                               patch], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, 0, done.stdout.decode())
        with contextlib.redirect_stdout(io.StringIO()):
            mend.run(self.path("ada"), patch)

    def work(self, name):
        """Each writes, and hands in; Bob's hand-in of lab 4 is Ada's."""
        folder = self.path("handins-" + name)
        os.mkdir(folder)
        times = ["file,time"]
        for who in STUDENTS:
            tree, due = self.path(who), self.course.find(name).due.timestamp()
            for word in WORK[name][who].split():
                if "." in word:
                    fill(tree, [word])
                else:
                    texts = corpus_texts(word)
                    for path in sorted({SOLVED[key].path for key in texts}):
                        put(tree, path, regions.replace(regions.read(tree, path), path, texts))
            student = "name: %s\nemail: %s@example.org\n" % (who.title(), who)
            put(tree, handin.STUDENT, student + ("member: Bob, bob@example.org\n" if (
                name, who) == ("lab4", "ada") else ""))
            if (name, who) == ("lab4", "bob"):
                continue
            about = manifest.load(tree).select()
            found = handin.from_tree(tree, about)
            found.student = handin.read_student(tree)
            put(folder, who + ".txt", handin.to_text(found, about.regions))
            when = syllabus.datetime.datetime.fromtimestamp(
                due + LATE.get((name, who), -3600), self.course.zone)
            times.append("%s.txt,%s" % (who, when.strftime("%Y-%m-%d %H:%M:%S")))
        put(folder, "times.csv", "\n".join(times) + "\n")
        return folder

    def grade(self, name, folder, **more):
        """{student: row} of the table that the teacher gets."""
        table = self.path("marks-%s.csv" % name)
        options = dict(
            files=[os.path.join(folder, who + ".txt") for who in STUDENTS
                   if os.path.exists(os.path.join(folder, who + ".txt"))],
            assignment=name, course="", lab="", exercises="", policy="best", jobs=2, csv=table,
            times=os.path.join(folder, "times.csv"), overrides="", earlier=[], toolchain="",
            json=self.path("marks.json"), texts=self.path("texts"), resume=None, pseudonyms=None,
            qemu="qemu-system-riscv64", **dict.fromkeys(gradebook.feedback.FORMS))
        options.update(more)
        grading = term.CourseGrading(self.source, SimpleNamespace(**options), self.course)
        with contextlib.redirect_stdout(io.StringIO()) as told:
            status = gradebook.run(grading) if MACHINES == ["1"] or name in MACHINES \
                else self.play(grading)
        self.assertEqual(status, 0, told.getvalue())
        with open(table, encoding="utf-8-sig", newline="") as file:
            return {row["email"].partition("@")[0]: row for row in csv.DictReader(file)}

    def play(self, grading):
        """Grade, with Played in the place of workers that build and boot."""
        @contextlib.contextmanager
        def shops(name, root, options, begin):
            examiner = Played(grading.reference, None)
            yield SimpleNamespace(run=lambda jobs: [
                (digest, examiner.marks(work, "best")) for digest, work in jobs])

        with mock.patch.object(gradebook.pool, "shops", shops):
            return gradebook.run(grading)

    def test_every_mark(self):
        totals = dict.fromkeys(STUDENTS, 0)
        for name in WORK:
            self.begin(name)
            if name == "lab3":
                self.mend()
            folder = self.work(name)
            rows = self.grade(name, folder)
            if name == "lab6":
                self.assertEqual(rows["bob"]["total"], "50")
                appeal = self.path("appeal.csv")
                put(self.folder, "appeal.csv", "student,exercise,mark,why\n"
                    "bob@example.org,6.2,40,it was in another file\n")
                rows = self.grade(name, folder, overrides=appeal)
                self.assertIn("6.2: 40 by hand: it was in another file", rows["bob"]["notes"])
            self.assertEqual({who: row["total"] for who, row in rows.items()}, MARKS[name], name)
            for who in STUDENTS:
                totals[who] += float(rows[who]["total"])
            self.versions_are_told(name, rows)
        self.assertEqual({who: round(total, 2) for who, total in totals.items()}, TOTALS)

    def versions_are_told(self, name, rows):
        """Of lab 3 two versions are graded alike: Ada's, which is mended, and the one before."""
        if name == "lab3":
            old = "made from version %s, graded with %s" % (self.versions["lab3"],
                                                            self.versions["mended"])
            self.assertEqual([old in rows[who]["notes"] for who in STUDENTS], [False, True, True])
        if name == "lab4":
            self.assertIn("handed in together by Ada, Bob", rows["bob"]["notes"])
            self.assertIn("1 day late: 90 % of the marks", rows["eve"]["notes"])


if __name__ == "__main__":
    unittest.main()
