"""A deadlocked program under the shell: the machine tells its circle once, a ctrl-C ends all of it,
and the machine lives: the next program runs, and at the end nothing is lost.

A machine with two harts is typed at by hand, as a person would: each text is typed when the one
before it was answered. The program is user/ring.c. How the circle looks if nobody can end it is
tested by the grader: the tests "ring" of tools/labs/beyond.py.
"""
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from trees import TOP, guard_of

KERNEL = os.path.join(TOP, os.environ.get("RVLAB_OBJECTS", "obj/unknown-elf"), "kernel")
QEMU = os.environ.get("RVLAB_QEMU", "qemu-system-riscv64")
SECONDS = 600
CTRL_C, CTRL_D = "\3", "\4"


class Session:
    """A machine with a shell, and what it has printed since the last text was typed."""

    def __init__(self):
        self.process = subprocess.Popen(
            [QEMU, "-machine", "virt", "-bios", "default", "-nic", "none", "-smp", "2", "-kernel",
             KERNEL, "-display", "none", "-monitor", "none", "-serial", "stdio"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.guard = guard_of(SECONDS, self.process.kill)

    def until(self, text):
        """All that is printed up to this text, or to the end of the machine."""
        output = b""
        while text.encode() not in output:
            data = os.read(self.process.stdout.fileno(), 4096)
            if not data:
                break
            output += data
        return output.decode("utf-8", "replace").replace("\r", "")

    def type(self, text, answer):
        """Type this, and return what is printed up to the answer."""
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()
        return self.until(answer)

    def end(self):
        """The exit status of the machine."""
        self.process.stdin.close()
        status = self.process.wait()
        self.process.stdout.close()
        self.guard.cancel()
        return status


class Deadlock(unittest.TestCase):
    """See above."""

    def test_ctrl_c(self):
        session = Session()
        self.addCleanup(session.process.kill)
        self.assertIn("type help", session.until("$ "))
        told = session.type("ring 3\n", "initproc (pid 1) waits for a child to end:")
        self.assertIn("processes sleep, and nothing but ctrl-C can wake one\na circle:\n", told)
        circle = told.split("a circle:\n")[1].splitlines()[:4]
        self.assertEqual([line.count(" holds") for line in circle], [2, 2, 2, 0], told)
        killed = session.type(CTRL_C, "$ ")
        self.assertNotIn("panic", killed)
        self.assertNotIn("deadlock", killed)
        self.assertIn("5 6\n", session.type("echo 5 6\n", "$ "))
        rest = session.type(CTRL_D, "no text that it prints")
        self.assertIn("leak check: ok", rest)
        self.assertEqual(session.end(), 0, rest)


if __name__ == "__main__":
    unittest.main()
