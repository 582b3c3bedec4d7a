"""Tests of what is kept of tests that have passed: only what holds for the same kernel counts.

Tools skip tests by it, so a file that is of another kernel, of other tests, or damaged must count
as none, and a test that has failed since must be gone from it.
Needs the built objects, and no machine.
Run alone: python3 tools/test/test_passed.py
"""
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from grader import passed
from grader.host import Host
from grader.model import Outcome, Test, Verdict
from trees import OBJECTS, TOP


def outcome(name, verdict=Verdict.OK, **more):
    """How a test with this name came out."""
    result = Outcome(Test(name, **more), verdict)
    result.seconds = 0.5
    return result


class Passed(unittest.TestCase):
    """A folder with a kernel; `objects` is its name, `host` its Host."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="rvlab-")
        self.addCleanup(folder.cleanup)
        self.objects = os.path.join(folder.name, "objects")
        os.mkdir(self.objects)
        shutil.copy(os.path.join(TOP, OBJECTS, "kernel"), self.objects)
        self.host = Host(self.objects, "qemu-system-riscv64", folder.name)
        passed.keep(self.host, self.objects, [outcome("one"), outcome("two")])

    def found(self):
        return passed.load(self.host, self.objects)

    def test_what_has_passed_is_kept(self):
        self.assertEqual(self.found(), {"one": 0.5, "two": 0.5})

    def test_the_count_of_instructions_is_kept(self):
        counted = outcome("two")
        counted.instructions = 7000000
        passed.keep(self.host, self.objects, [counted])
        self.assertEqual(passed.entries(self.host, self.objects),
                         {"one": (0.5, None), "two": (0.5, 7000000)})

    def test_a_later_grading_adds_and_takes_out(self):
        passed.keep(self.host, self.objects, [outcome("two", Verdict.WRONG), outcome("three"),
                                              outcome("command", command=["true"])])
        self.assertEqual(set(self.found()), {"one", "three"})

    def test_another_kernel_has_passed_nothing(self):
        with open(os.path.join(self.objects, "kernel"), "ab") as file:
            file.write(b"\0")
        self.host = Host(self.objects, "qemu-system-riscv64", self.host.folder)
        self.assertEqual(self.found(), {})
        passed.keep(self.host, self.objects, [outcome("three")])
        self.assertEqual(set(self.found()), {"three"})

    def test_other_tests_or_another_qemu(self):
        with unittest.mock.patch.object(passed, "JUDGES", passed.JUDGES[1:]):
            self.assertEqual(self.found(), {})
        self.host.qemu = "true"
        self.assertEqual(self.found(), {})

    def test_all_that_drives_a_machine_counts(self):
        tools = os.path.join(TOP, "tools")
        judges = {path for pattern in passed.JUDGES
                  for path in glob.glob(os.path.join(glob.escape(tools), pattern))}
        told = subprocess.check_output([
            sys.executable, "-c", "import sys; sys.path.insert(0, %r); import grader.machine\n"
            "for module in sys.modules.values(): print(getattr(module, '__file__', None))" % tools])
        used = {path for path in told.decode().splitlines() if path.startswith(tools + os.sep)}
        self.assertIn(os.path.join(tools, "grader", "machine.py"), used)
        self.assertEqual(used - judges, set())

    def test_a_damaged_file_is_as_good_as_none(self):
        path = passed.path_of(self.objects)
        with open(path) as file:
            text = file.read()
        for damaged in ("", "[]", "{", "null", text[:-9], text.replace("[0.5, null]", "0.5"),
                        text.replace("0.5", "\"x\""),
                        text.replace("{\"one", "[{\"one").replace("}}", "}]}")):
            with open(path, "w") as file:
                file.write(damaged)
            self.assertEqual(self.found(), {}, damaged)
        os.remove(path)
        self.assertEqual(self.found(), {})


if __name__ == "__main__":
    unittest.main()
