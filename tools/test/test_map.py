"""Tests of make map: tools/addrspace.py, tools/runs/space.py and tools/runs/columns.py.

The program cow forks a child, which writes to pages of its parent. What must be there before and
after a fork, a copy-on-write fault, an exec and an exit follows from docs and labs: who shares
which frame, with which rights, how often it is counted. If a page, a sharer or a change is not
found, or a checkpoint is taken for another, a test here fails.

Needs the built objects and QEMU.
Run alone: python3 tools/test/test_map.py
"""
import os
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from runs import sheet
from runs.columns import Column, picture, strip
from runs.space import Area, Mapped, Space
from trees import OBJECTS, TOP

SECONDS = 250
SVG = "{http://www.w3.org/2000/svg}"
STACK = r"3ffffff000 (...) 1 page frame (\w+) (.*)"


def run(folder, *arguments):
    return subprocess.run(
        [sys.executable, os.path.join(TOP, "tools", "addrspace.py"), "--objects", OBJECTS, "--out",
         folder] + list(arguments), cwd=TOP, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, timeout=SECONDS, universal_newlines=True)


class Maps(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="rvlab-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def parts(self, prog, at):
        """The columns of a map of a program, as text; picture and text file have them too."""
        result = run(self.folder, "--prog", prog, "--at", at)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        kind, _, number = at.partition(":")
        path = os.path.join(self.folder, "%s-%s-%s" % (prog, kind, number or 1))
        with open(path + ".txt", encoding="utf-8") as file:
            text = file.read()
        self.assertTrue(result.stdout.startswith(text))
        tree = xml.etree.ElementTree.parse(path + ".svg").getroot()
        self.assertEqual(tree.find(SVG + "title").text, text.split("\n")[0])
        self.assertEqual(tree.find(SVG + "desc").text, text)
        shown = {"".join(each.itertext()) for each in tree.iter(SVG + "text")}
        parts = text.split("\n== ")
        for part in parts[1:]:
            self.assertIn(part.split("\n")[0], shown)
        return parts

    def test_fork(self):
        """A fork takes the right to write from both, and they have the same frames."""
        head, before, after, child = self.parts("cow", "fork")
        self.assertIn("system call fork", head)
        (rights, frame, words), = re.findall(STACK, before)
        self.assertEqual((rights, words), ("rw-", "own, ref 1"))
        self.assertEqual(re.findall(STACK, after), [
            ("r--", frame, "copy-on-write with 3, ref 2   <- OTHER RIGHTS")])
        self.assertEqual(re.findall(STACK, child), [("r--", frame, "copy-on-write with 2, ref 2")])
        self.assertRegex(after, r"r-x 2 pages frames \w+\.\.\w+ shared with 3, ref 3")
        roots = [re.search(r"root, level 2 in frame (\w+): 2 entries", part).group(1)
                 for part in (before, after, child)]
        self.assertEqual(roots[0], roots[1])
        self.assertNotEqual(roots[0], roots[2])

    def test_cow(self):
        """The first write to a shared page gets another frame; to one that is not shared any more,
        the right."""
        head, before, after = self.parts("cow", "cow")
        self.assertRegex(head, "page fault: write at 0x3ffffff[0-9a-f]{3} by pc .*: copy-on-write")
        (_, old, words), (rights, new, more) = re.findall(STACK, before) + re.findall(STACK, after)
        self.assertEqual(words, "copy-on-write with 2, ref 2")
        self.assertEqual((rights, more), ("rw-", "own, ref 1   <- OTHER FRAME"))
        self.assertNotEqual(old, new)
        _, before, after = self.parts("cow", "cow:2")
        (_, old, words), (_, new, more) = re.findall(STACK, before) + re.findall(STACK, after)
        self.assertEqual((old, words), (new, "copy-on-write, ref 1"))
        self.assertEqual(more, "own, ref 1   <- OTHER RIGHTS")

    def test_exec_fault_and_exit(self):
        _, before, after = self.parts("hello", "exec")
        self.assertIn("it is a kernel thread", before)
        self.assertRegex(after, r"\w{10}-\w{10} r-x file")
        head, before, after = self.parts("hello", "fault")
        self.assertIn("fetch at 0x800000", head)
        self.assertNotIn("r-x 1 page", before)
        self.assertRegex(after, r"0000800000 r-x 1 page frame \w+ .*<- NEW")
        head, before, after = self.parts("hello", "exit")
        self.assertIn("exit(0)", head)
        pages = re.search(r"(\d+) pages mapped", before).group(1)
        self.assertIn("no memory any more", after)
        self.assertIn(pages + " pages gone", after)

    def test_bad_input(self):
        for words, arguments in (
                ("there is no checkpoint cwo: take fork, exec, cow, fault, exit", ["cwo"]),
                ("give a number from 1 on behind the colon", ["cow:0"]),
                ("fork:1 did not come: there were 0, then the kernel switched off", ["fork"])):
            result = run(self.folder, "--prog", "hello", "--at", *arguments)
            self.assertEqual(result.returncode, 2)
            self.assertIn(words, result.stderr.split("\n")[-2])
            self.assertNotIn("Traceback", result.stderr)
        result = run(self.folder, "--test", "hullo", "--at", "fork")
        self.assertIn("there is no test hullo; do you mean hello?", result.stderr)


class Parts(unittest.TestCase):
    """What needs no machine."""

    def space(self, *pages):
        space = Space(2, "x", 0x80000000, (0, 0))
        space.areas.append(Area(0x1000, 0x9000, "rw-", "program"))
        space.pages += [Mapped(0x1000 * n, frame, 0x1000, "rw-", False, 1, others)
                        for n, frame, others in pages]
        return space

    def test_changes(self):
        """Each change has its word; what is as before has none, and is one line."""
        before = self.space((1, 0x80001000, []), (2, 0x80002000, []), (3, 0x80003000, []))
        after = self.space((1, 0x80001000, []), (2, 0x80004000, []), (4, 0x80005000, [7]))
        text = "\n".join(Column("after", after, before).text())
        self.assertRegex(text, "0000001000 rw- 1 page frame 80001 own, ref 1(?! )")
        self.assertIn("frame 80004 own, ref 1   <- OTHER FRAME", text)
        self.assertIn("frame 80005 shared with 7, ref 1   <- NEW", text)
        self.assertIn("1 page gone", text)
        lines = list(Column("before", before).text())
        self.assertIn("      0000001000 rw- 3 pages frames 80001..80003 own, ref 1", lines)

    def test_shapes(self):
        """The three ways to have a frame differ by lines, not by colour alone."""
        drawn = set()
        for share in ("own", "shared", "cow"):
            page = sheet.Sheet(10, 10, "t", [])
            strip(page, share, 0, 20)
            drawn.add(re.sub(r'class="[a-z]+', "", "".join(page.parts)))
        self.assertEqual(len(drawn), 3)

    def test_it_fits(self):
        """The sheet is as high as its longest column, and words are on it."""
        space = self.space(*[(n, 0x80001000 + 0x2000 * n, []) for n in range(1, 9)])
        tree = xml.etree.ElementTree.fromstring(picture("t", [], [Column("a", space)] * 3))
        for text in tree.iter(SVG + "text"):
            self.assertLess(float(text.get("y")), float(tree.get("height")))
            self.assertLess(float(text.get("x")), float(tree.get("width")))


if __name__ == "__main__":
    unittest.main()
