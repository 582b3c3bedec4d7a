"""Tests of labcodes.zh.md, the Chinese text of the labs, and of what holds it to the English one.

The real texts must have the same passages, code, numbers and links. That a difference is seen is
tried on small texts: a passage left out, one too many, other code, another number, another link.
Passages that have changed in one language only are printed, because they are to be read. A handout
in Chinese has the chapters of its own labs, and no others.
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

from book import chinese, sources
from exercise import handout, shown

ENGLISH = """# The labs

**Write** `f()` in 20 lines, see [this](docs/a.md).

    screen: 5

| a | b |
| --- | --- |
| 1 | 2 |

```
fenced

code
```

![a drawing](docs/pictures/a.svg)
"""
DRAWN, OWN = "![a drawing](docs/pictures/a.svg)", "![图](docs/pictures/zh/a.svg)"
CHINESE = ENGLISH.replace(DRAWN, OWN).replace("The labs", "实验").replace(
    "**Write** `f()` in 20 lines, see [this]", "用 20 行**写出** `f()`，见[这里]")


def wrong(one, other):
    return list(chinese.complaints(chinese.passages(one), chinese.passages(other)))


class Small(unittest.TestCase):
    def test_right(self):
        self.assertEqual([], wrong(ENGLISH, CHINESE))
        self.assertEqual(["heading", "text", "code", "table", "code", "picture"],
                         [each.kind for each in chinese.passages(ENGLISH)])
        self.assertEqual([1, 3, 5, 7, 11, 17], [each.line for each in chinese.passages(ENGLISH)])

    def test_wrong(self):
        for old, new, words in (
                ("    screen: 5", "    screen: 6", "the code is not that of labcodes.md:5"),
                ("20", "21", "missing ['20'], too many ['21']"),
                ("`f()`", "`g()`", "code in backquotes"),
                ("docs/a.md", "docs/b.md", "links are not those"),
                ("| 1 | 2 |", "| 1 | 2 |\n| 3 | 4 |", "columns"),
                ("# 实验", "## 实验", "labcodes.zh.md:1: this is a heading"),
                ("\n%s\n" % OWN, "", "5 passages, of 6"),
                ("fenced\n\ncode", "fenced\n\ncodes", "the code is not that of labcodes.md:11"),
                (OWN, OWN.replace("zh/", ""), "links are not those"),
                ("    screen: 5\n\n", "", "this is a table, and in labcodes.md:5 it is a code")):
            self.assertIn(old, CHINESE)
            found = wrong(ENGLISH, CHINESE.replace(old, new))
            self.assertTrue(any(words in line for line in found), (new, found))

    def test_changed(self):
        """Which of the two has changed since they were compared."""
        one, other = chinese.passages(ENGLISH), chinese.passages(CHINESE)
        compared = {(a.hash, b.hash) for a, b in chinese.pairs(one, other)}
        self.assertEqual([], list(chinese.changed(one, other, compared)))
        later = chinese.passages(ENGLISH.replace("lines", "rows"))
        self.assertEqual(["labcodes.md:3, labcodes.zh.md:3: the English text has changed: "
                          "**Write** `f()` in 20 rows, see [this](d..."],
                         list(chinese.changed(later, other, compared)))
        later = chinese.passages(CHINESE.replace("写出", "实现"))
        self.assertIn("the Chinese text has", "".join(chinese.changed(one, later, compared)))
        self.assertIn("never compared", "".join(chinese.changed(one, other, set())))

    def test_compared(self):
        self.assertEqual({("0" * 12, "f" * 12)},
                         chinese.read_compared("# x\n%s %s\n" % ("0" * 12, "f" * 12)))
        for line in ("00", "0" * 12, "%s %s" % ("0" * 12, "g" * 12)):
            with self.assertRaisesRegex(chinese.ChineseError, "compared.txt:1: expected two"):
                chinese.read_compared(line)


class Hints(unittest.TestCase):
    """Hints are held to each other paragraph by paragraph."""
    ENGLISH = {"1.1": "\nfree_all: Free 3 pages by put().\n\nOr go: it is NULL."}
    CHINESE = {"1.1": "\nfree_all: 用 put() 释放 3 页。\n\n或者走：它是 NULL。"}

    def test_right(self):
        self.assertEqual([], list(chinese.wrong_hints(self.ENGLISH, self.CHINESE)))
        for one, other in zip(chinese.hints_of(self.ENGLISH), chinese.hints_of(self.CHINESE)):
            self.assertEqual(one.where, other.where)
            self.assertIn("hint of 1.1, paragraph ",
                          "".join(chinese.changed([one], [other], set())))

    def test_wrong(self):
        for old, new, words in (
                ("3", "4", "paragraph 1: other numbers: missing ['3'], too many ['4']"),
                ("put()", "get()", "other names of the kernel: missing ['put'], too many ['get']"),
                ("free_all: ", "free_one: ", "the id of its region is not that"),
                ("free_all: ", "", "the id of its region is not that"),
                ("\n\n或者走：它是 NULL。", "", "hint of 1.1, paragraph 2: is not there"),
                ("NULL。", "NULL。\n\n完。", "hint of 1.1, paragraph 3: is one too many")):
            self.assertIn(old, self.CHINESE["1.1"])
            found = list(chinese.wrong_hints(self.ENGLISH,
                                             {"1.1": self.CHINESE["1.1"].replace(old, new)}))
            self.assertTrue(any(words in line for line in found), (new, found))


class Real(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.one, cls.other = (chinese.passages(chinese.text_of(ROOT, path))
                              for path in (chinese.ENGLISH, chinese.CHINESE))

    def test_the_same(self):
        self.assertEqual([], list(chinese.complaints(self.one, self.other)))
        hints = chinese.all_hints()
        self.assertGreater(len(hints[0]), 40)
        self.assertEqual([], list(chinese.wrong_hints(*hints)))
        compared = chinese.read_compared(chinese.text_of(ROOT, chinese.COMPARED))
        one, other = (text + chinese.hints_of(given)
                      for text, given in zip((self.one, self.other), hints))
        for line in chinese.changed(one, other, compared):
            print(line)

    def test_is_chinese(self):
        """No passage is the English one, but for what has no words: code, names, pictures."""
        for one, other in chinese.pairs(self.one, self.other):
            words = chinese.LINK.sub("", chinese.SPAN.sub("", other.text))
            if len(re.findall(r"[a-z]{3,}", words)) > 6:
                self.assertTrue(re.search("[\u4e00-\u9fff]", words), "%d: %s" % (other.line, other))

    def test_glossary(self):
        """Each term is in the pages for readers; its Chinese word is in labcodes.zh.md. Those of
        the second part are in these pages or in what programs say."""
        pages = [chinese.ENGLISH, "docs/teachers.md", "docs/grading.md"]
        english = " ".join(" ".join(chinese.text_of(ROOT, path).split()) for path in pages).lower()
        own, said = (re.findall(r"^\| ([^|]+) \| ([^|]+) \| [^|]+ \|$", part, re.M)[2:]
                     for part in chinese.text_of(ROOT, "docs/glossary.zh.md").split("\n## "))
        self.assertGreater(len(own), 75)
        self.assertGreater(len(said), 10)
        self.assertEqual(len(own + said), len({term for term, _ in own + said}))
        sources = "".join(chinese.text_of(ROOT, os.path.join(folder, name)).lower()
                          for folder in ("kern/init", "tools/grader", "tools/exercise")
                          for name in os.listdir(os.path.join(ROOT, folder))
                          if name.endswith((".c", ".py")))
        for terms, text in ((own, english), (said, english + sources)):
            for term, _ in terms:
                for one in term.lower().split(", "):
                    self.assertTrue(one in text, one)
        chinese_text = chinese.text_of(ROOT, chinese.CHINESE)
        for _, words in own:
            self.assertTrue(any(word in chinese_text for word in words.split("；")), words)

    def test_handout(self):
        """The chapters of later labs are cut by their Chinese headings, too."""
        text = handout.cut_chapters(chinese.text_of(ROOT, chinese.CHINESE), {1, 2})
        self.assertIn("## 实验 2：", text)
        self.assertIn("练习 2.1", text)
        self.assertNotIn("## 实验 3：", text)
        self.assertNotIn("练习 3.1", text)

    def test_hints_of_a_handout(self):
        """Its text, its pages and its tools show as much as its blank regions."""
        for language, title in (("en", "**Hint"), ("zh", "**提示")):
            for kind in ("full", "short", "none"):
                plan = handout.plan_of(2, "none")
                plan.speak(language)
                plan.hints = dict.fromkeys(plan.blank, kind)
                text = handout.labs_text(ROOT, plan)
                self.assertEqual(0 if kind == "none" else 5, text.count(title))
                self.assertEqual(kind == "full", "le2page" in text.partition("2.1")[2])
                said = plan.shown_hints()["2.2"]
                self.assertEqual((kind == "full", kind == "none"), ("2.1" in said, said == ""))
                labs = shown.lab_file(chinese.text_of(ROOT, "tools/labs/lab2.py"), plan)
                self.assertEqual(kind == "full", "those that have n pages" in labs)
                compile(labs, "lab2.py", "exec")
        self.assertEqual("a\n\n**Hints.**\n\n- One\n  two.\n\nEnd.\n",
                         shown.cut("a\n\n**Hints.**\n\n- One\n  two.\n- Three.\n\nEnd.\n", True))
        self.assertEqual("a\n\nEnd.\n",
                         shown.cut("a\n\n**Hints.**\n\n- One\n- Three.\n\nEnd.\n", False))

    def test_handout_in_chinese(self):
        """`tools/lab handout --language zh --hints short`: text, pages' names, hints; and what
        cannot be is told in one line."""
        with tempfile.TemporaryDirectory() as folder:
            def make(*words):
                command = [sys.executable, os.path.join(TOOLS, "lab"), "handout", "2", "-o",
                           os.path.join(folder, "out"), *words]
                return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                      universal_newlines=True)
            for words, complaint in ((("--language", "../x"), "is no language"),
                                     (("--language", "fr"), "there is no labcodes.fr.md"),
                                     (("--hints", "many"), "invalid choice")):
                said = make(*words)
                self.assertNotEqual(0, said.returncode)
                self.assertIn(complaint, said.stdout)
                self.assertNotIn("Traceback", said.stdout)
            said = make("--language", "zh", "--hints", "short")
            self.assertEqual(0, said.returncode, said.stdout)
            text = chinese.text_of(folder, "out/labcodes.md")
            self.assertEqual(["start", "lab1", "lab2", "glossary.zh"],
                             [page.name for page in sources.load(os.path.join(folder, "out"))
                              if page.language == "zh"])
            self.assertNotIn("## 实验 3：", text)
            self.assertIn("](../labcodes.md)", chinese.text_of(folder, "out/docs/glossary.zh.md"))
            self.assertIn("glossary.zh.md", chinese.text_of(folder, "out/docs/tree.md"))
            blank = chinese.text_of(folder, "out/kern/mm/pmm_best_fit.c")
            self.assertIn("看完 free_area.free_list 里的每一块。 */", blank)
            self.assertNotIn("those that have n pages", chinese.text_of(
                folder, "out/tools/labs/lab2.py"))
            self.assertFalse(os.path.exists(os.path.join(folder, "out/tools/labs/hints.zh.txt")))
            said = subprocess.run([sys.executable, "tools/lab", "check"], stdout=subprocess.PIPE,
                                  cwd=os.path.join(folder, "out"), universal_newlines=True)
            self.assertIn("2.2  still blank", said.stdout)

    def test_tool(self):
        """It says what is wrong in one line; without the text, no traceback."""
        command = [sys.executable, os.path.join(TOOLS, "book", "chinese.py")]
        said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              universal_newlines=True)
        self.assertEqual(0, said.returncode, said.stdout)
        self.assertRegex(said.stdout, r"\d+ passages in two languages\n$")
        with tempfile.TemporaryDirectory() as folder:
            os.makedirs(os.path.join(folder, "tools", "book"))
            for name in ("cli.py", "book/chinese.py", "book/__init__.py"):
                target = os.path.join(folder, "tools", name)
                with open(os.path.join(TOOLS, name), "rb") as source, open(target, "wb") as file:
                    file.write(source.read())
            said = subprocess.run([sys.executable, os.path.join(folder, "tools/book/chinese.py")],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  universal_newlines=True)
            self.assertNotIn("Traceback", said.stdout)
            self.assertIn("labcodes.md", said.stdout)
            self.assertNotEqual(0, said.returncode)


if __name__ == "__main__":
    unittest.main()
