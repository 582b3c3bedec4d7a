"""tools/trust.py: commands that exist, sentences that say what they must, and a page that has them.

Sentences has the forms of the lines, and what is told of a command that fails. Page holds
docs/trust.md to the table of the tool: each command has its row, each row its sentence, and each
command and option is one that its tool knows. The commands themselves run for hours.
Run alone: python3 tools/test/test_trust.py
"""
import contextlib
import io
import os
import subprocess
import sys
import tempfile
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

    def run_with(self, *lies):
        """Run these commands in the place of all, and put what they say into a page of its own:
        the rows of this page afterwards."""
        with tempfile.TemporaryDirectory() as folder:
            page = os.path.join(folder, "trust.md")
            with open(page, "w", encoding="utf-8") as file:
                file.write("before\n" + trust.BEGIN + trust.END + "after\n")
            with mock.patch.object(trust, "CLAIMS", lies), \
                    mock.patch.object(trust, "PAGE", page), \
                    mock.patch.object(trust, "LOGS", os.path.join(folder, "logs")), \
                    mock.patch.object(sys, "argv", ["trust.py", "--run", "--write"]), \
                    mock.patch.object(sys, "stdout", io.StringIO()):
                with contextlib.suppress(trust.TrustError):
                    trust.main()
                return {command: row[0] for command, row in trust.read_page()[1].items()}

    def test_what_is_written_after_a_failure(self):
        """The rows of those before it; its own is as it was."""
        rows = self.run_with(claim("echo 1 runs", "... runs"), claim("echo 2 runs; false", "..."),
                             claim("echo 3 runs", "... runs"))
        self.assertEqual(rows, {"echo 1 runs": "1 runs", "echo 2 runs; false": trust.UNKNOWN[0],
                                "echo 3 runs": trust.UNKNOWN[0]})


if __name__ == "__main__":
    unittest.main()
