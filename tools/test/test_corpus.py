"""Test that hand-ins of earlier handouts keep their marks: corpus/ has them, and their marks.

The corpus was made from handouts of all labs: good hand-ins and wrong ones, as files and as whole
trees. They are never changed, because they stand for files that students have at home. The test
grades them by tools/lab and compares the table with corpus/marks.csv, without the notes. A region
that is renamed, moved or split, a function that a region may call and that gets another name, or
a test that becomes stricter makes it fail.

Needs a compiler and QEMU, and takes some minutes.
Run alone: python3 tools/test/test_corpus.py
"""
import csv
import glob
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
LAB = os.path.join(os.path.dirname(HERE), "lab")


def rows(path):
    """A table of marks without its notes, because these name the version that graded."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        return [",".join(row[:-1]) for row in csv.reader(file)]


def marks_of(folder):
    """The rows of marks of the hand-ins in a folder beside this file."""
    with tempfile.TemporaryDirectory() as scratch:
        table = os.path.join(scratch, "marks.csv")
        files = sorted(os.path.relpath(path, HERE) for ending in ("*.txt", "*.tar.gz")
                       for path in glob.glob(os.path.join(HERE, folder, ending)))
        done = subprocess.run([sys.executable, LAB, "grade"] + files + ["--csv", table], cwd=HERE,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if not os.path.exists(table):
            raise AssertionError(done.stdout.decode("utf-8", "replace"))
        return rows(table)


class Corpus(unittest.TestCase):
    """All hand-ins of corpus/ at once, as a teacher grades a course."""

    SECONDS = 400
    maxDiff = None

    def test_marks_are_as_they_were(self):
        self.assertEqual(marks_of("corpus"), rows(os.path.join(HERE, "corpus", "marks.csv")))


if __name__ == "__main__":
    unittest.main()
