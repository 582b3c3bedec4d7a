"""Tests of two gradings of the same objects at the same time: they run one after the other.

A second grading would build while machines of the first one boot that kernel, and would remove its
logs. So it waits, and says in one line for what. Here a real grading waits for a process that holds
the lock; two whole gradings are started at once; and the lock is missing, as on a file system that
has none. However the first one ends, killed too, the second one must go on.

Needs the built objects, their compiler and QEMU. Only copies of the tree are edited.
Run alone: python3 tools/test/test_together.py
"""
import contextlib
import errno
import fcntl
import io
import os
import subprocess
import sys
import tempfile
import threading
import unittest
from unittest import mock

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from exercise import build
from trees import OBJECTS, TOP, TreeTest, build_command

HOLD = """
import sys
sys.path.insert(0, %r)
from exercise import build
with build.alone(sys.argv[1], make_folder=True):
    print("held", flush=True)
    sys.stdin.read()
""" % os.path.join(TOP, "tools")
WAITS = r"^grade: waiting for another grading of \S+ to end(, process \d+)?$"


def grading(tree, *words):
    """A grading of a tree that is built first, as a process."""
    return subprocess.Popen(
        [sys.executable, os.path.join(TOP, "tools", "grade.py"), "--objects", OBJECTS, "--build",
         build_command(), *words], cwd=tree, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)


class Gradings(TreeTest):
    """Real gradings of one tree."""

    def test_two_at_once(self):
        both = [grading(self.tree, "--lab", "3") for _ in range(2)]
        said = [None, None]

        def read(number):
            said[number] = [text.decode() for text in both[number].communicate()]
        readers = [threading.Thread(target=read, args=(number,)) for number in range(2)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        self.assertEqual([process.returncode for process in both], [0, 0], said)
        self.assertEqual(said[0][0], said[1][0])
        first, second = sorted(text for _, text in said)
        self.assertEqual(first, "")
        self.assertRegex(second, WAITS)
        logs = os.listdir(os.path.join(self.tree, OBJECTS, "grade"))
        self.assertEqual(len(logs), len(set(logs)))
        self.assertGreater(len(logs), 5)

    def test_it_waits_and_goes_on_after_a_kill(self):
        holder = subprocess.Popen([sys.executable, "-c", HOLD, OBJECTS], cwd=self.tree,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with holder:
            self.assertEqual(holder.stdout.readline(), b"held\n")
            log = os.path.join(self.tree, OBJECTS, "grade", "theirs.log")
            os.makedirs(os.path.dirname(log), exist_ok=True)
            open(log, "w").close()
            second = grading(self.tree, "--all", "hello")
            line = second.stderr.readline().decode()
            self.assertRegex(line, WAITS)
            self.assertIn(str(holder.pid), line)
            self.assertTrue(os.path.exists(log))
            self.assertIsNone(second.poll())
            holder.kill()
        output, more = second.communicate(timeout=600)
        self.assertEqual((second.returncode, more), (0, b""), output)
        self.assertFalse(os.path.exists(log))


class Lock(unittest.TestCase):
    """The lock alone."""

    def enter(self, objects):
        """Enter and leave alone(); what it printed."""
        with contextlib.redirect_stderr(io.StringIO()) as said:
            with build.alone(objects, make_folder=True):
                pass
        return said.getvalue()

    def test_a_file_system_without_locks(self):
        with tempfile.TemporaryDirectory() as folder:
            for number in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF):
                with mock.patch.object(fcntl, "flock", side_effect=OSError(number, "none")):
                    self.assertEqual(self.enter(folder), "")

    def test_a_folder_that_cannot_be_made(self):
        self.assertEqual(self.enter("/dev/null/objects"), "")

    def test_a_folder_that_is_not_to_be_made(self):
        with tempfile.TemporaryDirectory() as folder:
            with build.alone(os.path.join(folder, "objects"), make_folder=False):
                self.assertEqual(os.listdir(folder), [])

    def test_an_error_of_the_grading_is_not_hidden(self):
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaises(FileNotFoundError), build.alone(folder, make_folder=True):
                raise FileNotFoundError
            self.assertEqual(self.enter(folder), "")        # and the lock is free again


if __name__ == "__main__":
    unittest.main()
