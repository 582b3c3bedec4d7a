"""The drawings of the labs, in both languages: they are as they would be written, shown, and told.

Words that do not fit into their box, or have no words in the other language, are errors that name
them; small sheets are drawn here to see that. So is a header of the kernel that has a name no more,
because then a drawing may tell what is not so.

Run alone: python3 tools/test/test_drawings.py
"""
import os
import re
import sys
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tools"))

from book import drawing, makepictures, sources, words


class Drawings(unittest.TestCase):
    def test_they_are_what_would_be_written(self):
        self.assertEqual(list(makepictures.differences(TOP)), [])

    def test_each_is_shown_and_told(self):
        shown = sources.text_of(TOP, "labcodes.md") + sources.text_of(TOP, "labcodes.zh.md")
        for made in makepictures.all_drawings(TOP):
            self.assertIn("](docs/pictures/%s.svg)" % made.name, shown)
            self.assertGreater(len(made.about.split()), 40, made.name)
        for made in makepictures.all_drawings(TOP, words.Words("zh")):
            self.assertIn("](docs/pictures/zh/%s.svg)" % made.name, shown)
            self.assertGreater(len(sources.CHINESE.findall(made.about)), 50, made.name)

    def in_chinese(self, table):
        """A sheet whose words are looked up in a table, and the boxes that are tried on it."""
        said = words.Words("zh", "# remark\n[name]\ntitle => 题\n"
                           "text => 有 2 页，\n    共 3 页\n" + table)
        return said, drawing.Drawing("name", 100, 50, "Title", "3 pages, of them 2", said)

    def test_words_of_another_language(self):
        said, sheet = self.in_chinese("page #\\nof # => 第 # 页\\n共 #\nsatp =>\n"
                                      "# bytes => # 字节\n")
        sheet.box(0, 0, 90, 40, "page 4\nof 12")
        sheet.box(0, 0, 90, 20, "satp")
        self.assertEqual(said.unused(), ["tools/book/words.zh.txt:name: nothing says \"# bytes\""])
        sheet.text(0, 20, "4096 bytes")
        sheet.text(0, 20, "[12]")
        self.assertEqual(said.unused(), [])
        made = sheet.svg()
        self.assertEqual(re.findall("<text[^>]*>(.*?)</text>", made),
                         ["第 4 页", "共 12", "satp", "4096 字节", "[12]"])
        for wanted in ('lang="zh"', ">题</title>", ">有 2 页，共 3 页</desc>"):
            self.assertIn(wanted, made)

    def test_wrong_words(self):
        for table, wanted in (("", "zh.txt:name: there is no line for \"page #\""),
                              ("page # => 页\n", "\"页\" must have 1 of #"),
                              ("page # => 第 # 页，再长一点\n", "does not fit into its box"),
                              ("page # => a\npage # => b\n", ":7: a second line for \"page #\""),
                              ("page #\n", ":6: expected \\[drawing\\], or words => words")):
            with self.assertRaisesRegex(words.DrawingError, wanted):
                self.in_chinese(table)[1].box(0, 0, 90, 20, "page 4")
        with self.assertRaisesRegex(words.DrawingError, "the numbers of its text are not"):
            drawing.Drawing("name", 9, 9, "Title", "4 pages", self.in_chinese("")[0])

    def test_facts(self):
        facts = drawing.Facts(TOP)
        self.assertEqual(facts.number("kern/riscv/sv39.h", "PT_LEVELS"), 3)
        self.assertEqual(facts.fields("kern/riscv/trapframe.h", "trapframe"),
                         ["gpr", "status", "epc", "tval", "cause"])
        for asked in (lambda: facts.number("kern/riscv/sv39.h", "PT_NOSUCH"),
                      lambda: facts.names("kern/riscv/sv39.h", "pt_nosuch"),
                      lambda: facts.fields("kern/riscv/sv39.h", "nosuch")):
            self.assertRaisesRegex(words.DrawingError, "has no .*change the drawing", asked)

    def test_words_fit(self):
        sheet = drawing.Drawing("name", 100, 50, "title", "text")
        sheet.box(0, 0, 90, 20, "ten words")
        self.assertRaisesRegex(words.DrawingError, "does not fit", sheet.box, 0, 0, 60, 20,
                               "ten words")
        self.assertRaisesRegex(words.DrawingError, "not on the sheet", sheet.text, 70, 20,
                               "words")

    def test_colours_are_there(self):
        light, dark = drawing.colours()
        self.assertIn("fill: #dcebfa", light)
        self.assertIn("fill: #1d3a57", dark)
        self.assertNotIn("var(", light + dark)


if __name__ == "__main__":
    unittest.main()
