"""Tests of tools/hosted.py: bad arguments, missing compilers, inputs that are kept, planted faults.

Each runs the tool as its user does. Arguments: what cannot be meant is one line, and status 2.
Compilers: a PATH without a compiler, with one that has no sanitizer, and without libFuzzer. Found:
a fault that is planted is found, and a kept input that fails says how to repeat it.

It needs gcc or clang for this host, and builds in obj/hosted.
Run alone: python3 tools/test/test_hosted.py
"""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import planting

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOL = os.path.join(TOP, "tools", "hosted.py")


def hosted(*arguments, **environment):
    """Run the tool: (exit status, what it printed)."""
    result = subprocess.run([sys.executable, TOOL] + list(arguments), stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL,
                            env=dict(os.environ, **environment))
    return result.returncode, result.stdout


class Arguments(unittest.TestCase):
    def test_what_cannot_be_meant_is_refused_in_a_line(self):
        for arguments, words in (
                (["elves"], "there is no target elves; there are: unit printf"),
                (["--fuzz"], "--fuzz needs one target"),
                (["--fuzz", "unit"], "--fuzz needs one target"),
                (["--fuzz", "elf", "sfs"], "--fuzz needs one target"),
                (["--runs", "-1"], "--runs is from 0 to 2147483647, not -1"),
                (["--seed", "99999999999"], "--seed is from 0 to"),
                (["--fuzz", "elf", "--seconds", "-5"], "--seconds is from 0 to"),
                (["--runs", "many"], "invalid int value"),
                (["--plant", "elves"], "there is no planted fault elves; there are: ")):
            status, said = hosted(*arguments)
            self.assertEqual(status, 2, said)
            self.assertIn(words, said)
            self.assertNotIn("Traceback", said)


class Compilers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def command(self, name, script):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="ascii") as file:
            file.write("#!/bin/sh\n" + script)
        os.chmod(path, 0o755)

    def test_without_a_compiler_it_says_what_to_install(self):
        status, said = hosted("printf", PATH=self.folder)
        self.assertEqual(status, 2, said)
        self.assertEqual(said, "hosted: no compiler for this host has AddressSanitizer: install "
                         "gcc and libc6-dev, as tools/setup.sh --all does\n")

    def test_of_a_clang_without_sanitizers_it_names_the_package(self):
        self.command("clang", "[ $1 = --version ] || exit 1\necho 'clang version 19.1.7 (3)'\n")
        status, said = hosted("printf", PATH=self.folder)
        self.assertEqual(status, 2, said)
        self.assertIn("libclang-rt-19-dev", said)

    def test_without_gcov_there_is_no_coverage(self):
        status, said = hosted("--coverage", PATH=self.folder)
        self.assertEqual((status, said), (2, "hosted: there is no gcov: install gcc\n"))


class Planted(unittest.TestCase):
    def test_each_fault_fits_the_tree(self):
        """As the tree changes, the old lines of a fault are looked for in vain: told here, and not
        only when all are planted."""
        faults = planting.sources([], os.path.join(TOP, "tools", "hosted", "faults"))
        self.assertGreater(len(faults), 15)
        for path in faults:
            self.assertEqual(len(planting.read(path)[1]), 1, path)


@unittest.skipUnless(shutil.which("gcc"), "there is no gcc")
class Found(unittest.TestCase):
    def test_a_sound_target_holds(self):
        status, said = hosted("--runs", "100", "bootargs")
        self.assertEqual(status, 0, said)
        self.assertRegex(said, r"\A.*\n\d+ inputs to 1 targets: 0 targets failed\n\Z")

    def test_a_planted_fault_is_found(self):
        status, said = hosted("--plant", "bootargs-blank")
        self.assertEqual(status, 0, said)
        self.assertIn("found by unit: FAILED at tools/hosted/unit_text.c", said)
        self.assertTrue(said.endswith("1 faults planted: 1 found, 0 not found\n"), said)


if __name__ == "__main__":
    unittest.main()
