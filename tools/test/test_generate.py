"""Tests of tools/lab generate, and of the tools that measure and try what grades a course.

Generate: hand-ins are the same for a seed, each kernel has code of its own, all states come up, and
a mutant's hand-in differs in its exercise only. Tools: times are added up by part; a results.json
that is not as Gradescope reads it is told; a command that cannot run here says so in one line.

Run alone: python3 tools/test/test_generate.py
"""
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from test_lab_grade import REFERENCE, ROOT, Folder

import classtime
import gradescope
from exercise import generate, handin, marks, submissions


class Generate(Folder):
    """Hand-ins of lab 5."""

    @classmethod
    def setUpClass(cls):
        cls.made = generate.Generator(ROOT, "5")

    def text(self, number, seed="1"):
        return handin.to_text(self.made.student(number, seed), self.made.regions)

    def work(self, number):
        found = submissions.from_file(self.text(number).encode(), "x")
        return marks.Work(found, REFERENCE, self.made.numbers)

    def test_the_same_for_a_seed(self):
        self.assertEqual(self.text(3), self.text(3))
        self.assertNotEqual(self.text(3), self.text(4))
        self.assertNotEqual(self.text(3), self.text(3, "2"))

    def test_states(self):
        states = [state for number in range(1, 41) for state, _ in self.work(number).state.values()]
        self.assertEqual(set(states), {marks.WRITTEN, marks.BLANK})
        self.assertLess(states.count(marks.BLANK), len(states) // 10)
        texts = [self.text(number) for number in range(1, 41)]
        self.assertIn(generate.NO_C, "".join(texts).replace("| ", ""))
        own = [each for text in texts for each in text.split("\n") if "unsigned own" in each]
        self.assertEqual(len(own), len(set(own)))
        self.assertGreater(len(own), 40 * len(self.made.numbers))

    def test_a_statement_stands_in_a_function(self):
        entry = next(each for each in self.made.regions if each.id == "entry of sys_vfork")
        table = self.made.reference.texts[entry.path]
        self.assertFalse(generate.is_in_function(table, entry.first))
        for text, inside in (("int f(void)\n{", True), ("int f(void)\n{\n    if (a) {", True),
                             ("int f(void)\n{\n}", False), ("int a[] = {", False),
                             ("int f(void)\n{\n    int a[] = {", False), ("struct a {", False),
                             ("/* f() { */", False), ("int f(void)\n{ g('}'); ", True)):
            self.assertIs(generate.is_in_function(text + "\n", text.count("\n") + 1), inside, text)

    def test_a_mutant_is_wrong_in_its_exercise_only(self):
        solved = self.made.solved()
        for number in self.made.numbers:
            self.assertGreaterEqual(len(self.made.wrong[number]), 4)
            for name, texts in self.made.wrong[number]:
                changed = {key for key in texts if texts[key] != solved[key]}
                self.assertEqual({key[0] for key in changed}, {number}, name)

    def test_the_command(self):
        def lab(*words):
            done = subprocess.run([sys.executable, os.path.join(ROOT, "tools/lab"), "generate"]
                                  + list(words), cwd=self.folder, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT)
            return done.returncode, done.stdout.decode()

        self.assertEqual(lab("5", "-n", "2", "-o", "new"), (0, "new: 2 hand-ins of lab 5\n"))
        self.assertEqual(sorted(os.listdir(self.path("new"))), ["s00001.txt", "s00002.txt"])
        for words, said in ((("5", "-o", "new"), "new"), (("10", "-o", "x"), "there is no lab 10"),
                            (("5", "-n", "0", "-o", "x"), "invalid number value")):
            status, output = lab(*words)
            self.assertEqual(status, 2, output)
            self.assertIn(said, output)
            self.assertNotIn("Traceback", output)


class Tools(unittest.TestCase):
    """What measures, and what tries a package."""

    def test_parts(self):
        parts = classtime.Parts()

        class Owner:
            @staticmethod
            def work(turns, more=0):
                return sum(range(turns)) + more

        parts.wrap(Owner, "work", "sums")
        self.assertEqual([Owner.work(4), Owner.work(2000000, more=1) > 4], [6, True])
        here, others, calls = parts.sums["sums"]
        self.assertEqual((others, calls), (0, 2))
        self.assertGreater(here, 0)

    def test_this_host_is_busy(self):
        """It counts what the system does not tell of a process whose parent does not wait."""
        before = classtime.busy()
        subprocess.run(["sh", "-c", "(ulimit -t 1; while :; do :; done) & sleep 2"])
        self.assertGreater(classtime.busy() - before, 0.8)

    def test_results_that_gradescope_would_not_read(self):
        test = {"number": "1.1", "name": "n", "score": 2, "max_score": 2, "output_format": "text",
                "status": "passed", "output": "", "extra_data": {}}
        good = {"score": 2, "output": "", "output_format": "text", "test_output_format": "text",
                "tests": [test]}
        self.assertEqual(list(gradescope.problems(good, True)), [])
        for change, said in (({"score": 3}, "not the sum"), ({"score": "2"}, "score is '2'"),
                             ({"mark": 2}, "mark is not known"), ({"tests": []}, "not the sum"),
                             ({"tests": [dict(test, score=1)], "score": 1}, "not full marks"),
                             ({"tests": [dict(test, status=None)]}, "status is None")):
            self.assertIn(said, "; ".join(gradescope.problems(dict(good, **change), True)))
        missing = {name: value for name, value in good.items() if name != "output"}
        self.assertEqual(list(gradescope.problems(missing, True)),
                         ["results.json: output is missing"])

    def test_wrong_command_lines(self):
        for words, said in ((["clusters.py", "rsh"], "rsh is neither ssh nor slurm"),
                            (["classtime.py", "--lab", "10", "--count", "1"],
                             "there is no lab 10"),
                            (["outside_cost.py", "cow", "no-such"],
                             "no exercise has a test no-such")):
            done = subprocess.run([sys.executable, os.path.join(ROOT, "tools", words[0])]
                                  + words[1:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            output = done.stdout.decode()
            self.assertEqual(done.returncode, 2, output)
            self.assertIn(said, output)
            self.assertNotIn("Traceback", output)


if __name__ == "__main__":
    unittest.main()
