"""tools/dataraces.py: what it reads from a kernel, and the planted races fit the tree.

The text of a race is one that kern/check/race.c has printed. That a race is told by a machine is
what `python3 tools/dataraces.py --planted` looks at. Neither needs what is built: these tests boot
no machine.

Run alone: python3 tools/test/test_dataraces.py
"""
import glob
import os
import shutil
import subprocess
import sys
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tools"))

import dataraces                                                            # noqa: E402
import planting                                                             # noqa: E402
from labs.catalogue import find_test                                        # noqa: E402

TEXT = """init ended with code 0
data race: hart 0 writes 8 bytes at ffffffc0805d1a78
  ffffffc080285c9e kmem_cache_alloc+0x167
  ffffffc08029a7d4 kernel_thread_entry+0xb
  while hart 1 reads 4 bytes at ffffffc0805d1a78, marked as atomic
  ffffffc080286054 kmem_cache_free+0x61
  seen 1 times
data race: hart 1 reads 1 bytes at ffffffc0805d1a70
  ffffffc080286054 one+0x61
  while hart 0 writes 8 bytes at ffffffc0805d1a70
  ffffffc080286054 other+0x61
  seen 20 times
data race: hart 2 reads 4 bytes at ffffffc0806c8f1c
  ffffffc08027447a pipe_read+0x10d
  ffffffc08029aa4e kernel_thread_entry+0xb
  while the value changes there, and who does it was not seen
  seen 2 times
races: 58645 accesses watched, 3 data races
"""


class Texts(unittest.TestCase):
    def test_each_race_is_a_text_of_its_own(self):
        found = dataraces.RACES.findall(TEXT)
        self.assertEqual([race.count("hart") for race in found], [2, 2, 1])
        self.assertEqual(dataraces.sides(found[0]),
                         ("writes in `kmem_cache_alloc`", "reads in `kmem_cache_free`"))
        self.assertEqual(dataraces.sides(found[1]), ("reads in `one`", "writes in `other`"))
        self.assertEqual(dataraces.sides(found[2]), ("reads in `pipe_read`", "not seen"))

    def test_the_counts(self):
        self.assertEqual(dataraces.WATCHED.search(TEXT).groups(), ("58645", "3"))

    def test_without_addr2line_no_lines_are_told(self):
        race = dataraces.RACES.findall(TEXT)[0]
        self.assertEqual(dataraces.with_lines(race, "kernel", "/no/such/addr2line"), race)


class Planted(unittest.TestCase):
    def test_each_fault_fits_and_its_test_has_several_harts(self):
        paths = glob.glob(os.path.join(dataraces.FOLDER, "*.txt"))
        self.assertTrue(paths)
        for path in paths:
            fault, texts = planting.read(path)
            self.assertTrue(texts)
            self.assertGreater(find_test(fault.test).harts, 1, path)

    def test_the_tests_of_the_hunt_exist_and_have_several_harts(self):
        for name in dataraces.TESTS + dataraces.SAMPLE:
            self.assertGreater(find_test(name).harts, 1, name)


class Words(unittest.TestCase):
    def said(self, *words):
        result = subprocess.run([sys.executable, "tools/dataraces.py", *words], cwd=TOP,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return result.returncode, result.stdout.decode()

    def test_an_unknown_fault_is_one_line(self):
        status, text = self.said("--planted", "nothing")
        self.assertEqual((status, text.count("\n")), (2, 1), text)
        self.assertIn("there is no planted fault nothing; there are: ", text)

    def test_an_unknown_test_is_one_line(self):
        status, text = self.said("no-such-test")
        self.assertEqual((status, text.count("\n")), (2, 1), text)
        self.assertIn("there is no test no-such-test", text)

    @unittest.skipUnless(shutil.which("clang"), "clang is not installed")
    def test_clang_is_refused(self):
        result = subprocess.run(["sh", "tools/probe.sh", "toolchain", "clang", "race"], cwd=TOP,
                                stdout=subprocess.PIPE)
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"CHECK=race needs GCC 11 or newer: TOOLCHAIN=clang", result.stdout)


if __name__ == "__main__":
    unittest.main()
