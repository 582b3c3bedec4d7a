"""Every command that labcodes.md tells a student to give works, on the reference solution."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from trees import OBJECTS, TOP, copy_tree

COMMAND = re.compile(r"^    ((?:make|tools/lab)\b.*)$", re.MULTILINE)
# What is typed into those that read; the first characters come before the kernel does.
TYPED = {"make qemu": "\n\n\n\n\nexit\n", "make debug": "kill\nquit\n",
         "make replay": "kill\nquit\n"}
ELSEWHERE = {"make setup"}              # .ci/run begins with it
SECONDS = 300


def commands():
    """Each once, in order, without the remark that may stand behind it."""
    with open(os.path.join(TOP, "labcodes.md"), encoding="utf-8") as file:
        found = [re.split(r"\s{2,}", line)[0] for line in COMMAND.findall(file.read())]
    return [command for command in dict.fromkeys(found) if command not in ELSEWHERE]


class Labcodes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tree = tempfile.mkdtemp(prefix="rvlab-labcodes-")
        copy_tree(cls.tree)
        shutil.copy2(os.path.join(TOP, "labcodes.md"), cls.tree)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.tree)

    def test_there_are_commands(self):
        self.assertGreater(len(commands()), 10)

    def test_commands(self):
        environment = dict(os.environ, TERM="dumb", MAKEFLAGS="")
        for command in commands():
            typed = next((text for start, text in TYPED.items() if command.startswith(start)), "")
            with self.subTest(command):
                result = subprocess.run(
                    command + " TOOLCHAIN=" + os.path.basename(OBJECTS)
                    if command.startswith("make") else command,
                    shell=True, cwd=self.tree, input=typed.encode(), env=environment,
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS)
                output = result.stdout.decode("utf-8", "replace")
                self.assertEqual(result.returncode, 0, output)
                self.assertNotIn("Traceback", output)


if __name__ == "__main__":
    unittest.main()
