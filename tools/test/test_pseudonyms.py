"""Tests of --pseudonyms: what a course writes has no name, address or path of a student in it.

Each student's own text, file, folder and compiler message has the name, the address and the number.
All files that a grading writes are read as bytes, and searched for each of these. A second grading
must use the same pseudonyms, and a damaged table must stay as it is. No machine is needed.

Run alone: python3 tools/test/test_pseudonyms.py
"""
import csv
import json
import os
import stat
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from courses import Desk
from test_lab_grade import work_of

from grader.model import Verdict

NAMES = ("Ada Lovelace", "=HYPERLINK(1)", "王小明", "o'Neil-Smith")
WORDS = [name.casefold() for name in NAMES] + ["lovelace_7", "secret-folder"]
GRADE = "grade secret-folder --lab 5 --json j.json --csv c.csv --texts t --resume s.json " \
    "--pseudonyms p.csv"


class Written(Desk):
    """A course whose files are all searched."""

    def setUp(self):
        super().setUp()
        for number, name in enumerate(NAMES):
            folder = "secret-folder/Lovelace_%d_assignsubmission_file_" % (number + 7)
            os.makedirs(self.path(folder))
            text = "    BROKEN /* %s */ ;\n" % name
            self.put(folder + "/%s.txt" % name.replace("/", ""), work_of(name, copy=text))
            self.put(folder + "/%s.pdf" % name, b"%PDF-")
        self.put("secret-folder/Lovelace_7_assignsubmission_file_/second.txt", work_of(NAMES[0]))
        self.verdict = lambda text, exercise: Verdict.WRONG

    def written(self, *names):
        """The content of these files and folders, with their names, in small letters."""
        found = []
        for name in names:
            paths = [os.path.join(name, each) for each in sorted(os.listdir(self.path(name)))] \
                if os.path.isdir(self.path(name)) else [name]
            found += ["%s\n%s" % (path, self.text(path)) for path in paths]
        return "\n".join(found).casefold()

    def test_no_name_gets_out(self):
        status, output = self.lab(GRADE)
        everything = output.casefold() + self.written("j.json", "c.csv", "t", "s.json")
        for word in WORDS:
            self.assertFalse(word in everything, word)
            self.assertFalse(json.dumps(word).strip('"') in everything, word)
        self.assertTrue("2 hand-ins have this e-mail address" in everything)
        self.assertTrue("(a file)" in everything)
        self.lab(GRADE.replace(" --pseudonyms p.csv", "").replace("s.json", "s2.json"))
        plain = self.written("j.json", "t", "s2.json", "c.csv")
        self.assertEqual([word for word in WORDS if word not in plain], [])

    def test_the_compiler_quotes_a_student(self):
        name = "Ada Lovelace"

        def said(examiner, built):
            return "a.c:1: error: %s <Ada Lovelace@example.org>" % name

        from exercise import marks
        self.put_in_place(marks.Examiner, "said", said)
        self.put_in_place(marks.Examiner, "blamed", lambda *_: {})
        self.lab(GRADE)
        everything = self.written("j.json", "t", "s.json")
        self.assertTrue("error: p" in everything)
        self.assertFalse("lovelace" in everything)

    def test_what_was_written_without_pseudonyms(self):
        """An old table, and a state, have the names; what is made of them has none."""
        plain = "grade secret-folder --lab 5 --json old.json --resume s.json"

        from exercise import marks
        self.put_in_place(marks.Examiner, "said", lambda *_: "a.c:1: error: for Ada Lovelace")
        self.put_in_place(marks.Examiner, "blamed", lambda *_: {})
        self.lab(plain)
        self.assertTrue("lovelace" in self.written("old.json", "s.json"))
        self.lab(GRADE)
        _, said = self.lab("regrade secret-folder --exercises 5.2 --before old.json "
                           "--json new.json --csv new.csv --texts new --pseudonyms p.csv")
        self.lab("statistics new.json -o s.html --csv s.csv --markdown s.md")
        everything = said + self.written("j.json", "c.csv", "t", "new.json", "new.csv", "new",
                                         "s.html", "s.csv", "s.md")
        for word in WORDS:
            self.assertFalse(word in everything.casefold(), word)

    def test_the_table(self):
        self.lab(GRADE)
        first = self.text("p.csv")
        rows = list(csv.reader(first.strip("\ufeff").splitlines()))
        self.assertEqual({row[1] for row in rows[1:]},
                         set(NAMES) - {NAMES[1]} | {"'" + NAMES[1], "Lovelace"})
        self.assertEqual(len({row[0] for row in rows[1:]}), len(NAMES) + 1)
        self.assertEqual(stat.S_IMODE(os.stat(self.path("p.csv")).st_mode), 0o600)
        before = self.text("j.json")
        self.lab(GRADE)
        self.assertEqual((self.text("p.csv"), self.text("j.json")), (first, before))
        marks = csv.DictReader(self.text("c.csv").strip("\ufeff").splitlines())
        self.assertEqual({row["student"] for row in marks}, {row[0] for row in rows[1:]})

    def test_marks_are_the_same(self):
        self.lab(GRADE)
        hidden = self.text("c.csv")
        self.lab(GRADE.replace(" --pseudonyms p.csv", "").replace("s.json", "s2.json"))
        middle = [[row[4:-1] for row in csv.reader(text.strip("\ufeff").splitlines())]
                  for text in (hidden, self.text("c.csv"))]
        self.assertEqual(*middle)

    def test_a_damaged_table(self):
        for data in (b"nonsense\n", "pseudonym,name,email,id,file,key\nAda,,,,,x\n".encode(),
                     b"\xff\xfe\x00"):
            self.put("p.csv", data)
            status, output = self.lab(GRADE)
            self.assertEqual(status, 2, output)
            self.assertRegex(output, "p.csv is no file of --pseudonyms")
            with open(self.path("p.csv"), "rb") as file:
                self.assertEqual(file.read(), data)

    def test_short_names_and_words(self):
        from exercise.pseudonyms import Scrubber
        scrub = Scrubber({"Li": "p1", "a.b*": "p2", "/home/li/a.txt": "f", "a.txt": "g"})
        self.assertEqual(scrub("Li: list of li, A.B* a-b* /home/li/a.txt"),
                         "p1: list of p1, p2 a-b* f")
        self.assertEqual(scrub("nothing"), "nothing")


if __name__ == "__main__":
    unittest.main()
