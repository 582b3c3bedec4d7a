"""Each chapter of the labs has what a student looks for in it, in both languages.

Why the lab matters, with a measurement before and after; a table with how hard each exercise and
task is and how long it takes; hints, and for each exercise that is no challenge the mistakes; how
Linux and real boards do it, in a box with links, at least one of them to a specification or a
manual; questions, and further reading. That commands and links are right, other tests say.
"""
import os
import re
import sys
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tools"))

from book import sources

NUMBERED = re.compile(r"## (?:Exercise|Challenge|Task|练习|挑战|任务) (\d\.\w)\b")
USUAL = re.compile(r"## (?:Exercise|练习) ")
SECTIONS = {"en": ("Why this lab, and what you measure", "Questions for the report",
                   "How Linux and real boards do it", "Further reading"),
            "zh": ("为什么做这个实验，以及测量什么", "报告问题", "Linux 和真实的板子怎么做", "延伸阅读")}
# Where specifications and manuals of what the machine must do are.
PAPERS = re.compile(r"\]\(https://(?:github\.com/riscv|docs\.oasis-open\.org|sourceware\.org)")
ROW = re.compile(r"^\| (\d\.\w) [^|]+\| [^|]+ \| [^|]+ \|$", re.M)
MEASURED = re.compile(r"^\*\*(?:Measure before and after|[^*]*前后各测一次)", re.M)


def wanting(page):
    """Sentences about what a chapter has not."""
    parts = {part.split("\n")[0][3:]: part for part in re.split(r"^(?=## )", page.text, flags=re.M)}
    why, questions, box, reading = (parts.get(title, "") for title in SECTIONS[page.language])
    for title, part in zip(SECTIONS[page.language], (why, questions, box, reading)):
        if len(part) < 120:
            yield "%s: is missing, or short" % title
    if not MEASURED.search(why):
        yield "nothing is measured before and after"
    numbers = [match.group(1) for match in map(NUMBERED.match, parts.values()) if match]
    rows = ROW.findall(why)
    for number in sorted(set(numbers) ^ set(rows)):
        if number != "8.C":                     # it has no points, and no end
            yield "%s: %s" % (number, "has no time" if number in numbers else "has only a time")
    for title, part in parts.items():
        if USUAL.match(part) and not (
                sources.HINTED.search(part) and sources.MISTAKES.search(part)):
            yield "%s: has no hints, or no mistakes" % title
    if not re.search(r"^> .*\n", box, re.M) or not re.search(r"^\d+\. |^- ", questions, re.M):
        yield "there is no box, or no list of questions"
    if "](https://" not in box or not PAPERS.search(box + reading):
        yield "no link to a source, or none to a specification"


class Chapters(unittest.TestCase):
    def chapters(self):
        pages = sources.load(TOP) + sources.load_chinese(TOP)
        return [page for page in pages if re.fullmatch(r"lab\d", page.name)]

    def test_all(self):
        self.assertEqual(20, len(self.chapters()))
        for page in self.chapters():
            self.assertEqual([], list(wanting(page)), (page.source, page.name))

    def test_what_is_missing_is_seen(self):
        for page in self.chapters()[5::10]:
            is_chinese = page.language == "zh"
            for old, new, wanted in (
                    (SECTIONS[page.language][3], "x", "is missing, or short"),
                    ("前后各测一次" if is_chinese else "Measure before", "x", "nothing is measured"),
                    ("| 5.A ", "| x ", "5.A: has no time"),
                    ("任务 5.A" if is_chinese else "Task 5.A", "x", "5.A: has only a time"),
                    ("**常见错误" if is_chinese else "**Common mistakes", "x", "or no mistakes"),
                    ("**提示" if is_chinese else "**Hint", "x", "has no hints"),
                    ("\n> ", "\n", "there is no box"),
                    ("](https://", "](http://", "no link to a source"),
                    ("riscv", "x", "none to a specification")):
                self.assertIn(old, page.text)
                changed = sources.Page(page.name, page.source, "labs",
                                       page.text.replace(old, new), page.folder)
                self.assertIn(wanted, "\n".join(wanting(changed)), (page.source, old))


if __name__ == "__main__":
    unittest.main()
