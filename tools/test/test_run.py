"""make run has no terminal: a program that waits for its user finds the end of the input."""
import os
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from trees import OBJECTS, TOP

SECONDS = 120                   # a boot takes one


def make_run(*knobs):
    """(exit status, all that was printed); a run without an end fails the test."""
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
