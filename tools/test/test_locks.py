"""tools/locks.py: what is read of a checked kernel's table of locks, what is shown, and its page.

The machines are played: what one prints at its end is a text here. So it needs no objects and no
machine. Rows looks at what is read and shown, Words at the page, and at a kernel that does not
count its locks.

Run alone: python3 tools/test/test_locks.py
"""
import os
import re
import subprocess
import sys
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
  pid 3's memory                   70        9       900000     800000    1000000 sleeps
  run queue                        50        0            0          0        200\r
scale: fork 4 10 us, 40 times
"""


def found(text):
    options = SimpleNamespace(qemu="qemu", objects="obj/none")
    with mock.patch.object(locks, "console_of", lambda _: text):
        return locks.rows(options, 2, "disk")


class Rows(unittest.TestCase):
    def test_spinlocks_of_all_the_work(self):
        """Counts are added up, of the longest waits one is kept; mutexes are none of them."""
        work = len(locks.WORK)
        self.assertEqual(found(PRINTED), {"free pages": (100 * work, 2 * work, 5000 * work, 4000),
                                          "run queue": (50 * work, 0, 0, 0)})

    def test_no_table(self):
        with self.assertRaisesRegex(locks.Failed, "printed no table"):
            found("scale: fork 4 10 us, 40 times\n")

    def test_only_what_was_waited_for_is_shown(self):
        row = {harts: found(PRINTED) for harts in locks.HARTS}
        self.assertEqual(len(locks.table(row).split("\n")), 3)
        self.assertIn("| free pages | 400 | 8 | 4 |", locks.table(row))


class Words(unittest.TestCase):
    def test_page_has_each_column(self):
        with open(os.path.join(os.path.dirname(TOOLS), speed.PAGE), encoding="utf-8") as file:
            body = re.search(r"(?s)<!-- locks: begin -->\n(.*?)\n<!-- locks: end -->", file.read())
        heads = locks.table({harts: {} for harts in locks.HARTS}).split("\n")[:2]
        self.assertEqual(body.group(1).split("\n")[:2], heads)
        self.assertGreater(len(body.group(1).split("\n")), 2)

    def test_a_kernel_that_is_not_checked(self):
        run = subprocess.run([sys.executable, TOOLS + "/locks.py", "--objects", "obj/x"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(run.returncode, 1)
        self.assertIn(b"run make CHECK=1", run.stderr)


if __name__ == "__main__":
    unittest.main()
