"""Tests of tools/badboot.py: which words of a device tree it changes, and which ends are faults.

Changes: of a small tree all tokens and numbers may be changed but those of addresses, and the same
ones for the same seed. Ends: a console is judged by what it shows.

Nothing is built and no machine is booted.
Run alone: python3 tools/test/test_badboot.py
"""
import os
import random
import struct
import subprocess
import sys
import unittest

TOOLS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, TOOLS)

import badboot

STRINGS = b"reg\0bootargs\0"


def tree():
    """A device tree with one node, two properties, and its header."""
    body = struct.pack(">I4s", badboot.BEGIN, b"")
    body += struct.pack(">3I2I", badboot.PROPERTY, 8, 0, 0x80000000, 4096)
    body += struct.pack(">3I8s", badboot.PROPERTY, 6, 4, b"poison")
    body += struct.pack(">2I", badboot.END, 9)
    head = struct.pack(">10I", 0xd00dfeed, 40 + len(body) + len(STRINGS), 40, 40 + len(body), 0,
                       17, 16, 0, len(STRINGS), len(body))
    return head + body + STRINGS


class Changes(unittest.TestCase):
    def test_the_words_that_may_be_changed(self):
        places, arguments = badboot.words_of(tree())
        self.assertEqual(arguments, (80, 6))
        self.assertEqual(tree()[80:86], b"poison")
        self.assertIn((80, 6), places)
        self.assertTrue(all(not 56 <= at < 68 for at, _ in places), places)      # reg

    def test_a_seed_is_the_same_change(self):
        for seed in range(50):
            first, second = (badboot.changes(random.Random(seed), tree()) for _ in range(2))
            self.assertEqual(first, second)
            self.assertTrue(first)
            self.assertTrue(all(40 <= at < 96 and not 56 <= at < 68 for at in first), first)


class Ends(unittest.TestCase):
    def test_what_a_console_shows(self):
        for text, how in (
                ("init ended with code 0\nleak check: ok\n", "ran a program"),
                ("rvlab cannot run on this machine (x): it names no hart\n", "refused the machine"),
                ("unknown boot argument \"=\"; known are ...\n", "refused an argument"),
                ("sched=x: there are rr\n", "refused an argument"),
                ("init ended with code 0\n(no end)", None), ("OpenSBI\n", None), ("", None),
                ("kernel panic at kern/x.c:1\ninit ended with code 0\n", None),
                ("rvlab cannot run on this machine: x\nassertion failed: y\n", None)):
            self.assertEqual(badboot.end_of(text), how, text)

    def test_an_objects_folder_without_a_kernel(self):
        result = subprocess.run([sys.executable, os.path.join(TOOLS, "badboot.py"), "obj/none"],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(result.returncode, 2)
        self.assertIn("obj/none has no kernel: run make", result.stdout)


if __name__ == "__main__":
    unittest.main()
