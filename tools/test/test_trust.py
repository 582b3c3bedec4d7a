"""tools/trust.py: commands that exist, sentences that say what they must, and a page that has them.

Sentences has the forms of the lines, and what is told of a command that fails. Page holds
docs/trust.md to the table of the tool: each command has its row, each row its sentence, and each
command and option is one that its tool knows. The commands themselves run for hours.
Run alone: python3 tools/test/test_trust.py
"""
import io
import os
import subprocess
import sys
import unittest
from unittest import mock

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.dirname(HERE))

import trust


def claim(command, form):
    """A claim for tests."""
    return trust.Claim("test", "what is tried", command, form)


class Sentences(unittest.TestCase):
    def test_form(self):
        self.assertTrue(trust.matches("... runs, 0 panics...", "12 runs, 0 panics, 0 leaks"))
        self.assertTrue(trust.matches("... passed, 0 failed", "9 tests: 9 passed, 0 failed"))
        self.assertFalse(trust.matches("... runs, 0 panics...", "12 runs, 10 panics, 0 leaks"))
        self.assertFalse(trust.matches("... passed, 0 failed", "9 passed, 0 failed (10 skipped)"))

    def test_last_line_that_fits(self):
        sentence, seconds = trust.run(claim("echo 1 runs; echo 2 runs; echo bye", "... runs"))
        self.assertEqual(sentence, "2 runs")
        self.assertGreaterEqual(seconds, 0)

    def test_other_words(self):
        with self.assertRaisesRegex(trust.TrustError, "did not say.*closed with: 3 failed"):
            trust.run(claim("echo 3 failed", "... 0 failed"))

    def test_nothing_said(self):
        with self.assertRaisesRegex(trust.TrustError, "closed with: nothing"):
            trust.run(claim("true", "... runs"))

    def test_status(self):
        with self.assertRaisesRegex(trust.TrustError, "ended with status 3"):
            trust.run(claim("echo 2 runs; exit 3", "... runs"))


class Page(unittest.TestCase):
    def test_rows_are_the_claims(self):
        """The page has a row for each claim, in this order, and none that nobody can run."""
        with open(os.path.join(ROOT, trust.PAGE), encoding="utf-8") as file:
            self.assertIn(trust.table_of(trust.read_page()[1]), file.read())

    def test_sentences_have_their_form(self):
        rows = trust.read_page()[1]
        for each in trust.CLAIMS:
            if rows[each.command] != trust.UNKNOWN:
                self.assertTrue(trust.matches(each.form, rows[each.command][0]), each.name)

    def test_tools_exist(self):
        for each in trust.CLAIMS:
            for word in each.command.split():
                if word.endswith(".py"):
                    self.assertTrue(os.path.exists(os.path.join(ROOT, word)), word)
                    options = [word for word in each.command.split() if word.startswith("--")]
                    said = options and subprocess.run([sys.executable, word, "--help"], cwd=ROOT,
                                          stdout=subprocess.PIPE).stdout.decode()
                    for option in options:
                        self.assertIn(option, said, each.command)

    def test_nothing_is_written_after_a_failure(self):
        with open(os.path.join(ROOT, trust.PAGE), encoding="utf-8") as file:
            before = file.read()
        lies = [claim("false", "...")]
        with mock.patch.object(trust, "CLAIMS", lies), \
                mock.patch.object(sys, "argv", ["trust.py", "--run", "--write"]), \
                mock.patch.object(sys, "stdout", io.StringIO()):
            self.assertRaises(trust.TrustError, trust.main)
        with open(os.path.join(ROOT, trust.PAGE), encoding="utf-8") as file:
            self.assertEqual(file.read(), before)


if __name__ == "__main__":
    unittest.main()
