"""tools/locks.py: what is read of a checked kernel's table of locks, what is shown, and its page.

The machines are played: what one prints at its end is a text here. So it needs no objects and no
machine. Rows looks at what is read and shown, Bounds at the table of bounds and its page, Words at
the other page, and at a kernel that does not count its locks.

Run alone: python3 tools/test/test_locks.py
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from types import SimpleNamespace
from unittest import mock

TOOLS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, TOOLS)

import locks
import speed

PRINTED = """checked: spinlock held "free pages" for at most 3100 ns
  times in ns                   taken   waited       in all    longest       held
  free pages                      100        2         5000       4000       3100
  an address space                 70        9       900000     800000    1000000 sleeps
  run queue                        50        0            0          0        200\r
scale: fork 4 10 us, 40 times
"""


def found(text):
    options = SimpleNamespace(qemu="qemu", objects="obj/none")
    with mock.patch.object(locks, "console_of", lambda _: text):
        return locks.rows(options, 2, "disk")


class Rows(unittest.TestCase):
    def test_spinlocks_of_all_the_work(self):
        """Counts are added up, of the longest waits one is kept; mutexes are told apart."""
        work = len(locks.WORK)
        self.assertEqual(found(PRINTED), {
            (False, "free pages"): (100 * work, 2 * work, 5000 * work, 4000),
            (True, "an address space"): (70 * work, 9 * work, 900000 * work, 800000),
            (False, "run queue"): (50 * work, 0, 0, 0)})

    def test_no_table(self):
        with self.assertRaisesRegex(locks.Failed, "printed no table"):
            found("scale: fork 4 10 us, 40 times\n")

    def test_only_what_was_waited_for_is_shown(self):
        row = {harts: found(PRINTED) for harts in locks.HARTS}
        for what, line in (("spinlock", "| free pages | 400 | 8 | 4 |"),
                           ("mutex", "| an address space | 280 | 36 | 800 |")):
            with self.subTest(what):
                self.assertEqual(len(locks.table(row, what).split("\n")), 3)
                self.assertIn(line, locks.table(row, what))


class Bounds(unittest.TestCase):
    """What several gradings have measured, as a table with a row for each bound."""

    BOUNDS = [["", 900, 0, "as the longest"], ["run queue", 500, 20, "a queue"],
              ["all others", 50, 0, "few"]]

    def table(self, *contents):
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, "%d.json" % i) for i in range(len(contents))]
            for path, content in zip(paths, contents):
                with open(path, "w") as file:
                    file.write(content if isinstance(content, str) else json.dumps(content))
            return locks.table_of_bounds(locks.merged(paths)).split("\n")[2:]

    def test_longest_of_several(self):
        """A lock without a row is in the last one, with its name."""
        one = {"off": [300, "t1", "a"], "bounds": self.BOUNDS,
               "held": {"run queue": [200, "t1", "f < g < h < i"], "x": [5, "t1", "k"]}}
        two = {"off": [400, "t2", "b"], "bounds": self.BOUNDS,
               "held": {"run queue": [100, "t2", "z"], "y": [7, "t2", "m"]}}
        self.assertEqual(self.table(one, two), [
            "| interrupts off | 900 | 400 | t2 | `b` | as the longest |",
            "| run queue | 500, and 20 each | 200 | t1 | `f`, `g`, `h` | a queue |",
            "| all others | 50 | 7 | t2 (y) | `m` | few |"])

    def test_files_that_are_none(self):
        for content in ("", "{}", "[1]", '{"off": 1, "held": {}, "bounds": []}'):
            with self.assertRaisesRegex(SystemExit, "0.json is no measured.json"):
                self.table(content)

    def test_page_has_each_bound_and_none_exceeded(self):
        with open(os.path.join(os.path.dirname(TOOLS), "kern/check/bounds.c")) as file:
            names = re.findall(r'^    \{ "(.*?)", ', file.read(), re.M)
        with open(os.path.join(os.path.dirname(TOOLS), speed.PAGE), encoding="utf-8") as file:
            body = re.search(r"(?s)<!-- holds: begin -->\n(.*?)\n<!-- holds: end -->", file.read())
        rows = re.findall(r"^\| (.*?) \| ([\d,]+)(, and .*? each)? \| ([\d,]+) \|",
                          body.group(1), re.M)
        self.assertEqual([name for name, *_ in rows],
                         [name or "interrupts off" for name in names] + ["all others"])
        for name, most, each, longest in rows:
            if not each:
                self.assertLess(int(longest.replace(",", "")), int(most.replace(",", "")), name)


class Words(unittest.TestCase):
    def test_page_has_each_column(self):
        with open(os.path.join(os.path.dirname(TOOLS), speed.PAGE), encoding="utf-8") as file:
            body = re.search(r"(?s)<!-- locks: begin -->\n(.*?)\n<!-- locks: end -->", file.read())
        heads = locks.table({harts: {} for harts in locks.HARTS}, "spinlock").split("\n")[:2]
        self.assertEqual(body.group(1).split("\n")[:2], heads)
        self.assertGreater(len(body.group(1).split("\n")), 2)

    def test_a_kernel_that_is_not_checked(self):
        run = subprocess.run([sys.executable, TOOLS + "/locks.py", "--objects", "obj/x"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(run.returncode, 1)
        self.assertIn(b"run make CHECK=1", run.stderr)


if __name__ == "__main__":
    unittest.main()
