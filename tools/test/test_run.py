"""Tests of make run, which boots without a terminal and runs one program.

A program that waits for its user must find the end of the input, on one hart and on two; a run
without an end is killed and fails. The exit status of make is that of the machine: it is 0 only if
the program succeeds. A boot argument that makes no sense must be told.

Needs the built objects, make and QEMU.
Run alone: python3 tools/test/test_run.py
"""
import os
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from trees import OBJECTS, TOP

SECONDS = 120                   # a boot takes about one second


def make_run(*knobs):
    """Call make run: (exit status, all that was printed). A run without an end fails the test."""
    process = subprocess.Popen(
        ["make", "run", "TOOLCHAIN=" + os.path.basename(OBJECTS)] + list(knobs), cwd=TOP,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True)
    try:
        text = process.communicate(timeout=SECONDS)[0].decode("utf-8", "replace")
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise AssertionError("make run %s has no end: %s" % (
            " ".join(knobs), process.communicate()[0].decode("utf-8", "replace")[-500:]))
    return process.returncode, text


class TestRun(unittest.TestCase):
    """make run as a script uses it."""

    def test_shell_ends(self):
        for harts in "12":
            status, text = make_run("PROG=sh", "SMP=" + harts)
            self.assertEqual(status, 0, text)
            self.assertIn("init ended with code 0", text)

    def test_exit_status_is_the_machines(self):
        self.assertEqual(make_run("PROG=true")[0], 0)
        self.assertNotEqual(make_run("PROG=false")[0], 0)

    def test_init_names_a_program(self):
        status, text = make_run("APPEND=init=")
        self.assertNotEqual(status, 0, text)
        self.assertIn('unknown boot argument "init="', text)


if __name__ == "__main__":
    unittest.main()
