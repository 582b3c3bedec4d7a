"""Test that the session which README.md shows is what a machine prints.

The test sh-session is graded, its log is read by tools/picture.py, and compared with the text that
stands in the picture. Numbers may differ, and so may the moment at which the shell tells of a kill.
If the boot messages, the shell or a program of the session print other words, this fails: draw the
picture anew by tools/picture.py then.

Needs the built objects and QEMU.
Run alone: python3 tools/test/test_picture.py
"""
import os
import subprocess
import sys
import unittest

TOOLS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOP = os.path.dirname(TOOLS)
sys.path.insert(0, TOOLS)

import picture

OBJECTS = os.environ.get("RVLAB_OBJECTS", "obj/unknown-elf")


class Picture(unittest.TestCase):
    """The picture, line by line."""

    def test_it_is_a_real_session(self):
        subprocess.run([sys.executable, "tools/grade.py", "--objects", OBJECTS, "--all",
                        "sh-session"], cwd=TOP, check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL)
        with open(os.path.join(TOP, OBJECTS, "grade", "sh-session.log"), encoding="utf-8",
                  errors="replace") as file:
            real = picture.session(file.read())
        with open(os.path.join(TOP, picture.PATH), encoding="utf-8") as file:
            shown = picture.drawn(file.read())
        self.assertGreater(len(shown), 10)
        self.assertEqual(picture.lasting(shown), picture.lasting(real))


if __name__ == "__main__":
    unittest.main()
