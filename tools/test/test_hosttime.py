"""Tests of hosttime.py: the CPU time and the memory of all processes of a command are counted, and
docs/speed.md has a row for each command.

Small commands use a known amount of time and memory, in children of children. How much the commands
of the table take is for no test: that depends on the host, and on what else it does.
Nothing is built, and no machine is booted.
Run alone: python3 tools/test/test_hosttime.py
"""
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import hosttime
import speed

BUSY = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
# What takes longer than it may, with two processors that do nothing else; the page says why.
MISSED = ("make grade EX=9.3", "make grade", "make clean grade")
LARGE = "import time; data = b'x' * (64 << 20); time.sleep(1.5)"


def python(text):
    """The command of a shell that runs this in Python, as the child of a child."""
    return "(\"%s\" -c \"%s\"; true)" % (sys.executable, text)


class Measure(unittest.TestCase):
    """What is told of a command."""

    def test_cpu_time_of_children(self):
        status, seconds, cpu, _ = hosttime.measure(python(BUSY) + "; " + python(BUSY), ".")
        self.assertEqual(status, 0)
        self.assertGreaterEqual(cpu, 0.6)
        self.assertGreaterEqual(seconds, 0.6)

    def test_only_its_own(self):
        hosttime.measure(python(BUSY), ".")
        self.assertLess(hosttime.measure("true", ".")[2], 0.3)

    def test_memory_of_children_together(self):
        one = hosttime.measure(python(LARGE), ".")[3]
        two = hosttime.measure("%s & %s; wait" % (python(LARGE), python(LARGE)), ".")[3]
        self.assertIn(one >> 10, range(64, 120))
        self.assertIn(two >> 10, range(128, 240))

    def test_a_command_that_fails(self):
        with self.assertRaisesRegex(SystemExit, "no-such fails .*exit status 127"):
            list(hosttime.rows_of([("no-such", "", 1, 1)], "/"))


class Page(unittest.TestCase):
    """docs/speed.md."""

    def test_a_row_for_each_command(self):
        with open(os.path.join(hosttime.ROOT, speed.PAGE), encoding="utf-8") as file:
            page = file.read()
        table = re.search(r"(?s)<!-- host: begin -->\n(.*?)<!-- host: end -->", page).group(1)
        rows = re.findall(r"(?m)^\| `(.*?)`.*? \| ([\d.]+) \| ([\d.]+) \| (\d+) \| (\d+) \|", table)
        self.assertEqual([row[0] for row in rows], [each[0] for each in hosttime.commands()])
        limits = {each[0]: each[2:] for each in hosttime.commands()}
        for command, cpu, half, seconds, memory in rows:
            self.assertAlmostEqual(float(half), float(cpu) / hosttime.PROCESSORS, delta=0.06)
            self.assertEqual(int(seconds), limits[command][0])
            self.assertLess(int(memory), limits[command][1] or 1024, command)
            if command not in MISSED:
                self.assertLess(float(half), int(seconds), command)


if __name__ == "__main__":
    unittest.main()
