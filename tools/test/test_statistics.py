"""Tests of tools/lab statistics: what is counted, and hostile names in each form.

A course of four is graded without a machine, and compared with two wrong solutions. Texts that are
refused or do not compile have reasons of their own, without what the compiler quotes. Then a JSON
whose titles, names and reasons are formulas, tags and Markdown is counted: HTML is read by Python's
strict parser and must have no element of them, no cell of CSV may begin a formula, and a line of
Markdown must stay one row of its table. No test needs a compiler or a machine.

Run alone: python3 tools/test/test_statistics.py
"""
import csv
import html.parser
import json
import os
import re
import sys
import unicodedata
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from courses import Desk
from test_lab_grade import work_of

from exercise import marks
from grader.model import Verdict

HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\u200b=1", "\uff1d1", "\r=1",
           "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "a|b",
           "[x](javascript:1)", "`x`", "&lt;b&gt;", "*x*\n# y", "\x1b[31m", "' onclick='x"]


class Page(html.parser.HTMLParser):
    """Reads a page: the elements, which must be closed in order, their attributes, the text."""

    EMPTY = {"meta"}

    def __init__(self, text):
        super().__init__()
        self.open, self.kinds, self.attributes, self.texts = [], set(), set(), []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.kinds.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.open += [] if tag in self.EMPTY else [tag]

    def handle_endtag(self, tag):
        if self.open.pop() != tag:
            raise ValueError(tag)

    def handle_data(self, data):
        self.texts.append(data)


class Four(Desk):
    """A base class with the course of four, and two wrong solutions."""

    def setUp(self):
        super().setUp()
        self.verdict = lambda text, exercise: Verdict.WRONG if "WRONG" in text and \
            exercise == "5.2" else Verdict.PANIC if "PANIC" in text and exercise == "5.2" else \
            Verdict.OK
        for name, text in (("a", "/* WRONG */"), ("b", "/* WRONG too */"), ("c", "/* PANIC */"),
                           ("d", "/* fine */")):
            self.put(name + ".txt", work_of(name, dispatch="    %s ;\n" % text))
        self.lab("grade a.txt b.txt c.txt d.txt --exercises 5.1,5.2 --json marks.json")
        self.put("e.txt", work_of("5.2-says-wrong", dispatch="    /* WRONG */ x;\n"))
        self.put("f.txt", work_of("5.1-elsewhere", dispatch="    /* PANIC */ x;\n"))
        self.lab("grade e.txt f.txt --exercises 5.1,5.2 --json wrong.json")


class Counted(Four):
    """What stands in the tables."""

    def test_how_often_and_like_what(self):
        status, output = self.lab("statistics marks.json --like wrong.json --csv s.csv -o s.html "
                                  "--markdown s.md")
        self.assertEqual(status, 0, output)
        self.assertIn("badcalls                   3 of 4 failed", output)
        rows = list(csv.DictReader(self.text("s.csv").strip("\ufeff").splitlines()))
        found = [(row["failed"], row["percent"], row["verdict"], row["so often"],
                  row["the same as"], row["like"]) for row in rows if row["test"] == "badcalls"]
        self.assertEqual(found, [("3", "75", "wrong answer", "2", "5.2-says-wrong", ""),
                                 ("3", "75", "panic", "1", "", "")])
        self.assertEqual({row["failed"] for row in rows if row["exercise"] == "5.1"}, {"0"})
        page = Page(self.text("s.html"))
        self.assertEqual(page.open, [])
        self.assertIn("5.2-says-wrong", page.texts)
        self.assertIn("| 5.2 | badcalls: wild system calls are refused | 3 | 4 |",
                      self.text("s.md"))

    def test_no_student_is_named(self):
        self.lab("statistics marks.json -o s.html --csv s.csv --markdown s.md")
        for name in ("s.html", "s.csv", "s.md"):
            self.assertNotIn("example.org", self.text(name))

    def reasons(self, test):
        """[(verdict, first reason, so often)] of a test, from its CSV."""
        self.lab("statistics marks.json -o s.html --csv s.csv --markdown s.md")
        rows = csv.DictReader(self.text("s.csv").strip("\ufeff").splitlines())
        return [(row["verdict"], row["first reason"], row["so often"]) for row in rows
                if row["test"] == test]

    def test_why_texts_are_refused(self):
        """One reason in two lines of hand-ins is the same failure; another reason is none."""
        for name, text in (("a", "asm(1);"), ("b", "x = 1;\n    asm(1);"), ("c", "f(];")):
            self.put(name + ".txt", work_of(name, dispatch="    %s\n" % text))
        self.lab("grade a.txt b.txt c.txt d.txt --exercises 5.1,5.2 --json marks.json")
        (_, first, often), (_, second, once) = found = self.reasons("badcalls")
        self.assertEqual([each[0] for each in found], [marks.REFUSED] * 2)
        self.assertRegex(first, r"^line \d+: asm is not allowed in an exercise")
        self.assertRegex(second, r"^line \d+: \] closes nothing")
        self.assertEqual((often, once), ("2", "1"))

    def test_why_texts_do_not_compile(self):
        """The compiler quotes a student's text, which may have a name, and "error:", in it."""
        place, quoted = "kern/syscall/syscall.c:%d:3: ", "   12 |   x // error: by Bo"
        errors = ["error: 'x' undeclared", "error: 'x' undeclared", "error: expected ';'"]
        said = [["kern/syscall/syscall.c: In function 'syscall':", place % 3 + "warning: y", quoted,
                 place % number + error, quoted, "      |   ^"]
                for number, error in enumerate(errors, 12)]
        said.append(["kern/syscall/syscall.c: the compiler gave up", quoted])
        data = json.loads(self.text("marks.json"))
        for student, lines in zip(data["students"], said):
            for test in student["exercises"]["5.2"]["tests"]:
                test.update(verdict=marks.BROKEN, lines=lines)
        self.put("marks.json", json.dumps(data).encode())
        self.assertEqual(self.reasons("badcalls"), [
            (marks.BROKEN, place % 12 + errors[0], "2"),
            (marks.BROKEN, said[3][0], "1"), (marks.BROKEN, place % 14 + errors[2], "1")])
        for name in ("s.html", "s.csv", "s.md"):
            self.assertNotIn("by Bo", self.text(name))

    def test_two_files(self):
        status, output = self.lab("statistics marks.json marks.json")
        self.assertIn("badcalls                   6 of 8 failed", output)

    def test_no_file(self):
        status, output = self.lab("statistics a.txt")
        self.assertEqual(status, 2)
        self.assertIn("is no file of `tools/lab grade --json`", output)


class Hostile(Four):
    """Names that want to be more than text."""

    def setUp(self):
        super().setUp()
        for file in ("marks.json", "wrong.json"):
            data = json.loads(self.text(file))
            for number, student in enumerate(data["students"]):
                student["name"] = "5.2-" + HOSTILE[number]
                for entry in student["exercises"].values():
                    entry["tests"] = [dict(entry["tests"][0], name=text, title=text, points=0,
                                           verdict="panic" if file[0] == "m" else text,
                                           lines=["panic", text]) for text in HOSTILE]
                student["exercises"].update((text, entry) for text in HOSTILE)
            self.put(file, json.dumps(data).encode())
        _, self.output = self.lab("statistics marks.json --like wrong.json -o s.html --csv s.csv "
                                  "--markdown s.md")

    def test_screen(self):
        self.assertNotIn("\x1b", self.output)

    def test_html(self):
        page = Page(self.text("s.html"))
        self.assertEqual(page.open, [])
        self.assertLessEqual(page.kinds, {"html", "head", "meta", "title", "style", "body", "h1",
                                          "h2", "p", "table", "tr", "th", "td", "code", "div"})
        self.assertLessEqual(page.attributes, {"lang", "charset", "class", "style"})
        self.assertIn("<script>alert(1)</script>", page.texts)

    def test_csv(self):
        rows = list(csv.reader(self.text("s.csv").strip("\ufeff").splitlines()))
        self.assertGreater(len(rows), 2 * len(HOSTILE))
        for cell in [cell for row in rows for cell in row]:
            seen = [c for c in unicodedata.normalize("NFKC", cell)
                    if unicodedata.category(c) not in ("Cf", "Zs", "Cc")]
            self.assertNotIn((seen or ["x"])[0], "=+-@", repr(cell))

    def test_markdown(self):
        rows = [line for line in self.text("s.md").splitlines() if line.startswith("| 5.")]
        self.assertEqual(len(rows), 2 + 2 * len(HOSTILE))
        for line in rows:
            self.assertIn(len(re.findall(r"(?<!\\)\|", line)), (6, 7), line)
            self.assertFalse(re.search(r"(?<!\\)[<`\[*]", line), line)


if __name__ == "__main__":
    unittest.main()
