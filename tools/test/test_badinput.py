"""Tests of tools/badinput.py, and of what it has found.

Arguments: what cannot be meant is one line, and status 2; some inputs of each kind. Judge: each
fault that it looks for is planted in a tool, and seen to be found. Found: a student's tree in which
pipes, devices, folders and huge files have the names of files; an image whose link has a NUL.

Nothing is built and no machine is booted.
Run alone: python3 tools/test/test_badinput.py
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TOOLS = os.path.dirname(HERE)
sys.path[:0] = [TOOLS, HERE]

import badinput
import badinput_inputs as inputs
import planted
from exercise import handin, incoming, manifest
from sfs import format, local, reader


def tool(*arguments):
    """Run the tool: (exit status, what it printed)."""
    result = subprocess.run([sys.executable, os.path.join(TOOLS, "badinput.py")] + list(arguments),
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return result.returncode, result.stdout


class Folder(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)


class Arguments(unittest.TestCase):
    def test_what_cannot_be_meant_is_refused(self):
        for arguments, words in ((["disc"], "there is no kind disc; there are: disk make"),
                                 (["--seed", "1"], "--seed needs one kind"),
                                 (["disk", "--runs", "-1"], "--runs is a number of inputs")):
            status, said = tool(*arguments)
            self.assertEqual(status, 2, said)
            self.assertIn(words, said)

    def test_a_sample_of_each_kind(self):
        status, said = tool("--runs", "3")
        self.assertEqual(status, 0, said)
        self.assertRegex(said, r"\A27 damaged inputs of 9 kinds: .*, 0 faults\n\Z")


class Planted:
    """A tool that does what a test wants."""

    def __init__(self, body):
        self.body = body

    def call(self, run):
        return self.body()


class OneInput:
    """Makes no input but a file that the tool may write."""

    def make(self, kind, chance, place):
        return "lab", [], ["in.txt"], ["mine"]


class Judge(Folder):
    def judge(self, body):
        shutil.rmtree(self.path("place"), ignore_errors=True)
        return badinput.one(Planted(body), OneInput(), "disk", 1, self.path("place"))[-1]

    def says(self, text, status):
        return self.judge(lambda: print(text) or status)

    def writes(self, name):
        def body():
            inputs.write(name, b"x")
            return 0
        return self.judge(body)

    def test_sound_ends(self):
        self.assertEqual(self.says("all is well", 0), "")
        self.assertEqual(self.says("in.txt: it is damaged", 2), "")
        self.assertEqual(self.writes("mine/new"), "")

    def test_each_fault_is_found(self):
        def endless():
            while True:
                pass

        def waits():
            os.mkfifo("mine")
            with open("mine", "rb"):
                return 0

        self.assertIn("a traceback", self.judge(lambda: 1 // 0))
        self.assertIn("exception: 'KeyError'", self.says("in.txt: KeyError", 2))
        self.assertIn("a code for terminals", self.says("in.txt: \x1b[2J", 2))
        self.assertIn("status is 3", self.says("in.txt: bad", 3))
        self.assertIn("names none of: in.txt", self.says("it is damaged", 2))
        self.assertIn("near/other.txt", self.writes("near/other.txt"))
        self.assertIn("written to", self.writes("other/new"))
        self.assertIn("a traceback", self.judge(lambda: len(bytes(2 << 30))))
        seconds, wait = badinput.SECONDS, badinput.WAIT
        badinput.SECONDS, badinput.WAIT = 1, 2
        try:
            self.assertIn("waits for ever", self.judge(waits))
            badinput.WAIT = 100
            self.assertIn("more than 1 seconds", self.judge(endless))
        finally:
            badinput.SECONDS, badinput.WAIT = seconds, wait

    def test_a_seed_is_the_same_input(self):
        data = bytes(range(256)) * 40
        made = [inputs.damaged(random.Random("x 5"), data) for _ in range(2)]
        self.assertEqual(made[0], made[1])
        self.assertNotEqual(made[0], data)


class Found(Folder):
    """What it has found, each alone. Where a pipe was read these tests would never end."""

    def put(self, name):
        """Each of what may have the name of a file: (how it is called, a word of the error)."""
        path = self.path(name)
        for words, make in (("no file", os.mkfifo), ("no file", os.mkdir),
                            ("no file", lambda path: os.symlink("/dev/zero", path)),
                            ("more than", self.huge),
                            ("symbolic links", lambda path: os.symlink(name, path))):
            if os.path.isdir(path):
                os.rmdir(path)
            elif os.path.lexists(path):
                os.unlink(path)
            make(path)
            yield words

    @staticmethod
    def huge(path):
        with open(path, "wb") as file:
            file.truncate(1 << 40)

    def test_file_data(self):
        for words in self.put("x"):
            with self.assertRaisesRegex(OSError, words):
                incoming.file_data(self.path("x"), 1000)
        inputs.write(self.path("y"), b"12345")
        self.assertEqual(incoming.file_data(self.path("y"), 5), b"12345")
        with self.assertRaisesRegex(OSError, "more than 4 bytes"):
            incoming.file_data(self.path("y"), 4)

    def test_student_and_answers(self):
        self.assertEqual(handin.read_student(self.folder)["name"], "")
        for words in self.put("student.txt"):
            with self.assertRaisesRegex(handin.HandinError, "^student.txt cannot .*" + words):
                handin.read_student(self.folder)
        for words in self.put("answers.md"):
            with self.assertRaisesRegex(handin.HandinError, "^answers.md .*(longer|%s)" % words):
                handin.read_answers(self.folder)

    def test_a_manifest_that_is_no_file_is_told(self):
        self.assertIsNone(manifest.load(self.folder))
        for words in self.put(manifest.NAME):
            with self.assertRaisesRegex(OSError, words):
                manifest.load(self.folder)

    def test_what_was_changed(self):
        about = manifest.Manifest(5, "", [], [], {"kern/x.c": ("", "")}, None)
        os.mkdir(self.path("kern"))
        for words in self.put("kern/x.c"):
            if words != "symbolic links" and not os.path.isdir(self.path("kern/x.c")):
                change, = manifest.changes(about, self.folder)
                self.assertRegex(str(change), "kern/x.c:1: .*" + words)

    def test_a_link_with_a_nul(self):
        data = planted.spoilt(lambda s: s.put(s.block("link") + 2, "<B", 0))
        said = list(local.extract(reader.Disk(format.Image(bytes(data))),
                                  os.fsencode(self.path("out"))))
        self.assertEqual([each.partition("out/")[2] for each in said],
                         ["link: a symbolic link with a NUL byte in its path; run check"])
        self.assertTrue(os.path.isfile(self.path("out/README")))


if __name__ == "__main__":
    unittest.main()
