"""tools/stacks.py: which test is the deepest, in which step it is, and its table in docs/speed.md.

The files that it reads are made here, so it needs no objects and no machine. Rows looks at what is
read and shown, Page at docs/speed.md: that its table is one of this tool, and that it says what the
text below it claims, that one page would be too little and two are enough.

Run alone: python3 tools/test/test_stacks.py
"""
import json
import os
import re
import sys
import tempfile
import unittest

TOOLS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, TOOLS)

import speed
import stacks


def rows(*contents):
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, "%d.json" % i) for i in range(len(contents))]
        for path, content in zip(paths, contents):
            with open(path, "w") as file:
                file.write(content if isinstance(content, str) else json.dumps(content))
        return stacks.read(paths)


class Rows(unittest.TestCase):
    def test_the_deepest_of_several_gradings(self):
        """A test that has no process has no stack either."""
        self.assertEqual(rows({"stacks": {"a": 1024, "b": 0}, "deepest": {"a": "f < g", "b": ""}},
                              {"stacks": {"a": 1032, "c": 8}, "deepest": {"a": "h", "c": ""}}),
                         [(1032, "a", "h"), (8, "c", "")])

    def test_steps(self):
        lines = stacks.table([(1032, "a", "h < i"), (1025, "d", ""), (1024, "c", "k")]).split("\n")
        self.assertEqual(lines[2:5], ["| up to 1,024 | 1 | `c` | 1,024 | `k` |",
                                      "| up to 2,048 | 2 | `a` | 1,032 | `h`, `i` |",
                                      "| up to 3,072 | 0 | | | |"])
        self.assertEqual(lines[-1], "| up to 7,680 | 0 | | | |")

    def test_files_that_are_none(self):
        for content in ("", "{}", "[1]", '{"stacks": {"a": 1}, "deepest": {}}', '{"stacks": 1}'):
            with self.assertRaisesRegex(SystemExit, "0.json is no measured.json"):
                rows(content)


class Page(unittest.TestCase):
    def test_two_pages_are_needed_and_enough(self):
        """The table's own words: some tests do not fit into one page, none needs all of two."""
        with open(os.path.join(os.path.dirname(TOOLS), speed.PAGE), encoding="utf-8") as file:
            body = re.search(r"(?s)<!-- stacks: begin -->\n(.*?)\n<!-- stacks: end", file.read())
        lines = body.group(1).split("\n")
        self.assertEqual(lines[:2], stacks.table([]).split("\n")[:2])
        steps = [(int(most.replace(",", "")), int(count)) for most, count in
                 re.findall(r"^\| up to ([\d,]+) \| (\d+) \|", body.group(1), re.M)]
        self.assertGreater(sum(count for most, count in steps if most > 4096), 0)
        self.assertEqual(steps[-1][0], stacks.KSTACKSIZE - stacks.SPARE)
        uses = re.findall(r"^\| up to .*?\| `.*?` \| ([\d,]+) \|", body.group(1), re.M)
        self.assertLessEqual(max(int(deep.replace(",", "")) for deep in uses), steps[-1][0])


if __name__ == "__main__":
    unittest.main()
