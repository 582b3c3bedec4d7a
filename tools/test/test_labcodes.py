"""Tests that what labcodes.md tells students is true.

Every command that it gives is run on the reference solution, in a copy of the tree, and must
succeed; commands that read are answered. Every line of a panic or a failed check that it quotes
must stand where the quote says (file and line), so moving a check or an assertion makes this fail:
change labcodes.md then. The tests and exercises that a chapter names must be in its handout.

Needs the built objects, their compiler, QEMU and gdb-multiarch. Some minutes.
Run alone: python3 tools/test/test_labcodes.py
Only the quotes, without machines: python3 tools/test/test_labcodes.py Quotes
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from exercise.regions import parse
from grader import passed
from grader.host import Host
from labs.catalogue import choose, load
from tasks import catalogue as tasks
from trees import OBJECTS, TOP, TreeTest, guard_of

COMMAND = re.compile(r"^    ((?:make|tools/lab)\b.*)$|"
                     r"`((?:make [^\s`]+|tools/lab) [^`\n]*[^`\n=])`", re.MULTILINE)
# Commands that read: what they print when they are ready, and what is typed then.
TYPED = {"make qemu": ("rvlab$ ", "exit\n"), "make debug": ("(gdb) ", "kill\nquit\n"),
         "make replay": ("(gdb) ", "kill\nquit\n")}
ELSEWHERE = {"make setup"}              # .ci/run begins with it, so it is tested there
# These programs may end with an error, and need only come to their end: one measures delays by the
# host's clock, and a busy host makes it fail; what the other one returns is no 0.
ENDS = {"make run PROG=interactive": "[done] interactive",
        "make run PROG=\"greet": "init ended with code 2"}
LIMIT = 900                 # ends a command that hangs; how busy the host is must not matter

QUOTE = re.compile(r"(?:check failed: (.+?)(?:: expected \S+, got \S+)?, at"
                   r"|kernel panic at) ((?:kern|user|libs)/\S+?\.[ch]):(\d+)")


def text_of(path):
    """The text of a file of this tree."""
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        return file.read()


def statement(path, number):
    """The C statement to which a line belongs, as one line."""
    text = text_of(path)
    place = sum(len(line) for line in text.splitlines(True)[:number - 1])
    place += len(text[place:]) - len(text[place:].lstrip())
    begin = max(text.rfind(end, 0, place) for end in ";{}") + 1
    return " ".join(text[begin:text.find(";", place)].split()).replace('" "', "")


def commands():
    """The commands of labcodes.md, each once and in order, without the remark behind it."""
    found = [re.split(r"\s{2,}", alone or inside)[0]
             for alone, inside in COMMAND.findall(text_of("labcodes.md"))]
    return [command for command in dict.fromkeys(found) if command not in ELSEWHERE]


class Labcodes(TreeTest):
    """The commands, and what a chapter may name."""

    SECONDS = 120

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        shutil.copy2(os.path.join(TOP, "labcodes.md"), cls.tree)

    def test_there_are_commands(self):
        self.assertGreater(len(commands()), 10)

    def test_a_lab_names_what_its_handout_has(self):
        """A handout has the tests and exercises of its lab and of those before."""
        chapters = re.split(r"^## Lab (\d).*$", text_of("labcodes.md"), flags=re.MULTILINE)[1:]
        for number, chapter in zip(chapters[::2], chapters[1::2]):
            labs = [lab for lab in load() if lab.number <= int(number)]
            there = {exercise.number for lab in labs for exercise in lab.exercises}
            there |= {test.name for lab in labs for test in lab.tests}
            named = set(re.findall(r"\b(?:EX|TEST)=(\w[\w.-]*)", chapter))
            self.assertEqual(named - there, set(), "lab " + number)

    def run_command(self, command):
        """(exit status, output) of a command, which gets its answer when it asks."""
        if command.startswith("make"):
            command += " TOOLCHAIN=" + os.path.basename(OBJECTS)
        prompt, answer = next((pair for start, pair in TYPED.items()
                               if command.startswith(start)), (None, ""))
        process = subprocess.Popen(
            command, shell=True, cwd=self.tree, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
            env=dict(os.environ, TERM="dumb", MAKEFLAGS=""))
        guard = guard_of(LIMIT, os.killpg, process.pid, signal.SIGKILL)
        output = b""
        try:
            while True:
                data = os.read(process.stdout.fileno(), 4096)
                output += data
                if prompt and prompt.encode() in output:
                    process.stdin.write(answer.encode())
                    process.stdin.flush()
                    prompt = None
                if not data:
                    break
            process.stdin.close()
            process.stdout.close()
            status = process.wait()
        finally:
            guard.cancel()
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        return status, output.decode("utf-8", "replace")

    def graded(self, output):
        """The tests that passed, as `make grade` shows them."""
        return set(re.findall(r"(?m)^\w\.\w +(\S+) +ok\b", output))

    def passed_before(self):
        """The tests that passed when this tree was graded last, if it was with this kernel."""
        host = Host(os.path.join(self.tree, OBJECTS), "qemu-system-riscv64", self.folder)
        return set(passed.load(host, os.path.join(TOP, OBJECTS)))

    def all_tests(self):
        """The tests that `make grade` runs."""
        return {test.name for test in choose(load())}

    def chosen(self, command):
        """The tests that a grading chooses."""
        status, output = self.run_command(command + " GRADE=\"%s --list\"" % " ".join(
            re.findall(r"GRADE=(\S+)", command)))
        found = set(re.findall(r"(?m)^\S+ +\d+ +(\S+)", output))
        self.assertEqual((status, bool(found)), (0, True), output)
        return found

    def test_commands(self):
        """No test is run once more for a command that chooses it in a way of which one command was
        run: it is only looked which tests these are, if all of them have passed. That holds for
        make grade of all labs too, after make test."""
        known = self.passed_before()
        forms = {"make grade"} if self.all_tests() <= known else set()
        for command in commands():
            form = re.sub(r"=(?!-)(\S+|\".*\")", "=", command)
            with self.subTest(command):
                if "TASK=" in command:      # this tree has no solution: tools/taskpatches.py has
                    self.assertEqual(self.run_command(command + " GRADE=--list")[0], 0, command)
                    continue
                is_grading = command.startswith("make grade")
                if is_grading and form in forms and self.chosen(command) <= known:
                    continue
                status, output = self.run_command(command)
                if is_grading:
                    forms.add(form)
                    known |= self.graded(output)
                end = next((end for start, end in ENDS.items() if command.startswith(start)), None)
                if end:
                    self.assertIn(end, output)
                else:
                    self.assertEqual(status, 0, output)
                self.assertNotIn("Traceback", output)


def is_students(path, number):
    """Whether a line lies in a region. An assertion that is quoted from there is a student's, so
    this tree need not have it."""
    return any(region.first <= number <= region.first + region.text.count("\n")
               for region in parse(text_of(path), path))


class Quotes(unittest.TestCase):
    """The lines that are quoted from the screen; and the times of exercises."""

    def test_times(self):
        """Each exercise and task of a lab is in its table, by its title. What else a chapter must
        have is in test_chapters.py."""
        chapters = re.split(r"^## Lab (\d).*$", text_of("labcodes.md"), flags=re.MULTILINE)[1:]
        known = {lab.number: lab for lab in load()}
        for number, chapter in zip(chapters[::2], chapters[1::2]):
            with self.subTest(lab=number):
                table = re.findall(r"(?m)^\| (\d\.\w) ([^|]*) \| [^|]+ \| [^|]+ \|$", chapter)
                self.assertEqual(table, [
                    (each.number, each.title) for each in known[int(number)].exercises
                    + tasks.load({int(number)})])

    def test_places(self):
        quotes = [(sentence, path, int(line))
                  for sentence, path, line in QUOTE.findall(text_of("labcodes.md"))]
        self.assertGreater(len(quotes), 15)
        for sentence, path, line in quotes:
            with self.subTest("%s:%d" % (path, line)):
                if sentence:
                    found = re.search(r'check(?:_eq)?\((?:"(.*?)")?', statement(path, line))
                    self.assertTrue(found)
                    self.assertIn(sentence, found.group(1)
                                  or " ".join(text_of(path).split()).replace('" "', ""))
                elif not is_students(path, line):
                    self.assertRegex(statement(path, line), r"assert|panic\(")


if __name__ == "__main__":
    unittest.main()
