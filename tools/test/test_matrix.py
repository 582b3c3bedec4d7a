"""Tests of tools/matrix.py: the options of a build, and the page that it writes its tables into.

That kernels of these builds run is for the tool itself. Here it is seen that a build is what its
row says, so that no row repeats another one, and that the page in docs/ has a row for each.

Needs the built objects.
Run alone: python3 tools/test/test_matrix.py
"""
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import matrix
from trees import OBJECTS, TOP


def config_of(build):
    """The lines of config.mk of a build that have its options."""
    with open(os.path.join(TOP, OBJECTS, "config.mk"), encoding="utf-8") as file:
        text = build.config(file.read())
    return {line.split()[0]: line for line in text.split("\n") if line.startswith("ARCH")}


class Builds(unittest.TestCase):
    """The builds, without building."""

    def test_compressed_or_not(self):
        both = config_of(matrix.Build("unknown-elf", "-Os"))
        self.assertIn("rv64imac", both["ARCH"])
        self.assertIn("rv64imafdc", both["ARCH_FP"])
        self.assertTrue(both["ARCH"].endswith(" -Os") and both["ARCH_FP"].endswith(" -Os"), both)
        kernel = config_of(matrix.Build("unknown-elf", "-O2", matrix.PLAIN, matrix.COMPRESSED))
        self.assertRegex(kernel["ARCH"], "rv64ima(_| )")
        self.assertIn("rv64imafdc", kernel["ARCH_FP"])
        programs = config_of(matrix.Build("unknown-elf", "-O2", matrix.COMPRESSED, matrix.PLAIN))
        self.assertIn("rv64imac", programs["ARCH"])
        self.assertRegex(programs["ARCH_FP"], "rv64imafd(_| )")

    def test_more(self):
        found = config_of(matrix.Build("unknown-elf", more="_zba_zbb_zbs"))
        self.assertIn("_zba_zbb_zbs", found["ARCH"])
        self.assertIn("_zba_zbb_zbs", found["ARCH_FP"])

    def test_a_config_without_options(self):
        with self.assertRaisesRegex(matrix.MatrixError, "has no -march"):
            matrix.Build("unknown-elf", "-O1").config("CC := gcc\n")

    def test_each_is_one_build(self):
        builds = list(matrix.all_builds())
        self.assertEqual(len(builds), len({build.objects for build in builds}))
        self.assertIn("obj/clang", [build.objects for build in builds])


class Page(unittest.TestCase):
    """docs/matrix.md, and the command line."""

    def test_it_has_all_rows(self):
        with open(matrix.PAGE, encoding="utf-8") as file:
            text = file.read()
        table = text[text.index(matrix.BEGIN):text.index(matrix.END)]
        for kind, about in matrix.PROCESSORS:
            self.assertIn("| `%s` | %s | " % (kind, about), table)
        for build in matrix.all_builds():
            row = "| %s | %s | %s | " % (build.level, matrix.NAMES[build.kernel],
                                         matrix.NAMES[build.programs])
            self.assertRegex(table, r"(?m)^\| %s.*%s" % (build.compiler, row.replace("|", r"\|")))

    def test_a_sample_is_no_page(self):
        done = subprocess.run([sys.executable, os.path.join(TOP, "tools", "matrix.py"),
                               "--sample", "--write"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"--write needs all builds", done.stdout)


if __name__ == "__main__":
    unittest.main()
