"""Tests of tools/lab similar: what counts as common, what does not, and what the page says.

Three students write 5.3 in their own ways; one takes another's text with other names, one takes it
of a former year, and two have the reference's. Only what was taken may be shown, and who has the
reference's stands in a table of its own. Names are hostile, and pseudonyms must hide them. sim_c is
needed: `make setup TEACHER=1` installs it.

Run alone: python3 tools/test/test_similar.py
"""
import csv
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from courses import Desk
from test_lab_grade import COPY, LAB, REFERENCE, work_of
from test_statistics import Page

from exercise import similar

ONE = """    uint64_t turns = 0, left = end - from;
    while (left-- > 0) {
        pte_t *mine = from + turns, *theirs = to + turns;
        if ((*mine & PTE_V) != 0 && turns % 2 == 0) {
            struct Page *fresh = alloc_page();
            if (fresh == NULL) { return -E_NO_MEM; }
            memcpy(page2kva(fresh), page2kva(pte2page(*mine)), PGSIZE);
            set_pte_relaxed(theirs, pte_make(page2pa(fresh), *mine & PTE_USER));
        }
        turns++;
    }
"""
OTHER = """    int number;
    for (number = 0; number < end - from; number++)
        switch (from[number] & PTE_V) {
        case PTE_V:
            result = take_over(from[number], number, &to[number], 0);
            if (result) goto out; else break;
        default: to[number] = 0; count += number * 2 + 1;
        }
out: ;
"""
TAKEN = ONE.replace("turns", "i").replace("fresh", "p").replace("    ", "\t") + \
    "/* all mine */\n/* Bo@example.org */\n"
FORMER = OTHER.replace("number", "n")


class Course(Desk):
    """A course of six, and a former year of two."""

    def setUp(self):
        super().setUp()
        for name, text in (("Ada", ONE), ("Bo", TAKEN), ("Cy <b>", OTHER), ("=D", None),
                           ("Eve", None), ("Fay", "    /* a line that many have */ x = 1;\n")):
            texts = {"copy": text} if text else {}
            self.put("%s.txt" % name[:3].strip("="), work_of(name, **texts))
        os.mkdir(self.path("former"))
        self.put("former/old.txt", work_of("Gus", copy=FORMER))
        self.put("former/old2.txt", work_of("Hal", copy=FORMER))

    FILES = "Ada.txt Bo.txt 'Cy .txt' D.txt Eve.txt Fay.txt --exercises 5.1,5.2,5.3 "

    def tables(self):
        """The pairs in s.csv, and the regions that are like the reference's."""
        return [list(csv.DictReader(text.splitlines()))
                for text in self.text("s.csv").strip("\ufeff").split("\r\n\r\n")]

    def test_who_has_what_in_common(self):
        status, output = self.lab("similar " + self.FILES + "--csv s.csv -o s.html")
        self.assertEqual(status, 0, output)
        rows, _ = self.tables()
        self.assertEqual([(row["one"], row["other"], row["regions"]) for row in rows],
                         [("Ada (Ada.txt)", "Bo (Bo.txt)", "5.3 copy_entries")], output)
        page = self.text("s.html")
        self.assertIn("<mark>    while (left-- &gt; 0) {</mark>", page)
        self.assertIn("/* all mine */\n/* Bo@example.org */</pre>", page)
        self.assertNotIn("<mark>/* all mine */", page)
        self.assertIn("says that texts are alike, and not why", page)

    def test_who_has_the_reference(self):
        """Two have its text of 5.3, one of them with other names and as much again before it; one
        has two thirds of it. All have that of 5.2, which is too short for twice 30 tokens."""
        text = next(region.text for region in LAB if region.key == COPY)
        part = "".join(text.splitlines(True)[:len(text.splitlines()) * 2 // 3])
        self.put("Eve.txt", work_of("Eve", copy=OTHER + text.replace("page", "mine")))
        self.put("Fay.txt", work_of("Fay", copy=part))
        status, output = self.lab("similar " + self.FILES + "--least 30 --csv s.csv -o s.html")
        _, like = self.tables()
        self.assertEqual({row["region"] for row in like}, {"5.1 set_user_frame",
                                                           "5.3 copy_entries"})
        found = [(row["student"], row["the other"]) for row in like
                 if row["region"] == "5.3 copy_entries"]
        self.assertEqual(found, [("'=D (D.txt)", "the reference"),
                                 ("Eve (Eve.txt)", "the reference")], output)
        share = "percent of the reference's text"
        self.assertTrue(all(80 <= int(row[share]) <= 100 for row in like), like)
        self.assertIn("%s tokens alike, %s%% of the reference's text: =D (D.txt); the reference; "
                      "5.3 copy_entries" % (like[0]["tokens alike"], like[0][share]), output)
        page = self.text("s.html")
        self.assertIn("=D (D.txt), the reference</h2>\n<h3>5.3 copy_entries</h3>", page)
        for text in (page, output):
            self.assertIn("Short regions have few ways to be written", text)
        self.assertEqual(Page(page).open, [])

    def test_former_years(self):
        status, output = self.lab("similar " + self.FILES + "--years former -o s.html --csv s.csv")
        self.assertIn("8 texts, 2 of former years: 3 pairs", output)
        self.assertIn("Cy <b> (Cy .txt); former years: Gus (former/old.txt)", output)
        self.assertNotIn("Gus (former/old.txt); former", output)
        page = Page(self.text("s.html"))
        self.assertEqual(page.open, [])
        self.assertNotIn("b", page.kinds)

    def test_pseudonyms(self):
        status, output = self.lab("similar " + self.FILES + "--years former --pseudonyms p.csv "
                                  "-o s.html --csv s.csv")
        everything = output + self.text("s.html") + self.text("s.csv")
        for name in ("Ada", "Bo.txt", "Bo@", "Cy", "Gus", "former/"):
            self.assertFalse(name in everything.replace("former years: ", ""), name)
        self.assertIn("3 pairs", output)

    def test_the_same_student_twice(self):
        self.put("Bo.txt", work_of("Ada", copy=TAKEN))
        status, output = self.lab("similar " + self.FILES)
        self.assertIn("0 pairs", output)

    def test_what_the_handout_gave(self):
        given = "    a;\n  b;\n"
        self.assertEqual(similar.without("a;\nmine;\n    b;\n", given), "\nmine;\n\n")
        key = ("7.0", next(region.id for region in REFERENCE.regions if region.exercise == "7.0"))
        text = REFERENCE.given[key]
        self.assertEqual(similar.without(text, text).strip(), "")
        self.assertIn(COPY, REFERENCE.keys)

    def test_it_is_not_installed(self):
        self.put_in_place(similar, "TOOLS", ("nonsense", "sim_text"))
        status, output = self.lab("similar Ada.txt")
        self.assertEqual(status, 2)
        self.assertIn("apt-get install similarity-tester", output)


if __name__ == "__main__":
    unittest.main()
