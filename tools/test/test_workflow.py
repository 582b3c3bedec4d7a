"""tools/lab actions: the workflow for a student's repository, read strictly and run.

Form reads what is written by workflows.py, which refuses what GitHub's documentation does not have,
and shows that it does refuse. Run is a runner: a handout is unpacked, a student has written all or
a part of it, and each `run:` line is run as GitHub runs it, by `bash -e FILE`, in an empty root
with the system's tools and no network. `make setup` is one of them: it installs nothing, because
the tools are there, and says so; that it installs what is missing, test_systems.py and
tools/systems.py show. `uses:` is not run: what actions/checkout brings is the unpacked tree.

Run needs a compiler, QEMU and bubblewrap; it is skipped without, and says so.
Run alone: python3 tools/test/test_workflow.py
"""
import filecmp
import os
import shutil
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import workflows
from test_deliver import ROOT, Folder

from exercise import build, regions
from grader import sandbox

COURSE = "[traps]\ntitle: traps\nexercises: 1.1 1.3\n"
WORKFLOW = ".github/workflows/grade.yml"
HOME = "/home/runner"
WORK = HOME + "/work/rvlab/rvlab"          # where GitHub's runner has the repository


class Flow(Folder):
    """A base class: workflows as tools/lab writes them."""

    def flow(self, *words):
        """The text of the workflow for these words of the command line."""
        target = self.path("grade.yml")
        self.lab("actions", *words, "-o", target)
        return regions.read(self.folder, "grade.yml")

    def course(self, exercises):
        """The words for an assignment with these exercises and tasks, named as a truth of YAML."""
        path = self.path(exercises + ".ini")
        with open(path, "w") as file:
            file.write("[on]\nexercises: %s\n" % exercises)
        return "--course", path, "--assignment", "on"

    def steps(self, text):
        """The steps of a text that must be all right."""
        found = workflows.parse(text)
        self.assertEqual(list(workflows.problems(found)), [])
        return workflows.steps(found)


class Form(Flow):
    def test_steps(self):
        """Each task has a step of its own, which runs whatever the steps before have said."""
        for words, commands in ((("3",), ["LAB=3"]),
                                (("5", "--exercises", "5.2,5.4"), ['EX="5.2 5.4"']),
                                (("--course", "ucore", "--assignment", "lab3"),
                                 ['EX="3.3 3.4 9.1 9.2 9.C"']),
                                (self.course("5.T 6.1 2.T"), ['EX="6.1"', "TASK=2.T", "TASK=5.T"]),
                                (self.course("5.T 2.T"), ["TASK=2.T", "TASK=5.T"])):
            first, setup, *grades, last = self.steps(self.flow(*words))
            self.assertEqual((first.uses, setup.run), ("actions/checkout@v5", "make setup"))
            self.assertEqual(grades, [
                (None, 'make grade %s GRADE="--markdown summary-%d.md"' % (command, at),
                 "!cancelled()") for at, command in enumerate(commands, 1)])
            self.assertEqual(last, (None, 'cat summary-*.md >>"$GITHUB_STEP_SUMMARY"', "always()"))

    def test_head(self):
        found = workflows.parse(self.flow(*self.course("6.1")))
        self.assertEqual((found["name"], found["on"], found["permissions"], list(found["jobs"])),
                         ("on", ["push", "workflow_dispatch"], {"contents": "read"}, ["grade"]))

    def test_reader_refuses(self):
        good = self.flow("3")
        for old, new in (('name: "lab 3"', "name: lab: 3"), ('name: "lab 3"', "name: on"),
                         ('name: "lab 3"', "name: 1.10"), ('name: "lab 3"', 'name: "a\\x20b"'),
                         ('"!cancelled()"', "!cancelled()"), ("  grade:", "\tgrade:"),
                         ("    steps:", "   steps:"), ("on: [", "on: [["),
                         ("permissions:", "name: x\npermissions:"), ("  contents: read\n", ""),
                         ("if: always()", "if:always()"), ("      - run: make setup",
                                                           "      -run: make setup"),
                         ("run: make setup", "run: make setup # all"), ("\njobs:", "\njobs: x")):
            self.assertIn(old, good)
            with self.assertRaises(ValueError, msg=new):
                workflows.parse(good.replace(old, new, 1))
        with self.assertRaises(ValueError):
            workflows.parse(good.rstrip("\n"))

    def test_github_refuses(self):
        good = self.flow("3")
        for old, new, said in (
                ("permissions:", "permission:", "permission is not known"),
                ("contents: read", "contents: all", "permissions"),
                ("contents: read", "content: read", "permissions"),
                ("[push,", "[pushed,", "on: "), ("runs-on:", "runs_on:", "runs_on is not known"),
                ("ubuntu-24.04", "ubuntu-12.04", "no runner"),
                ("minutes: 30", "minutes: 0", "minutes"),
                ("minutes: 30", 'minutes: "30"', "minutes"),
                ("- run: make setup", "- runs: make setup", "one of uses and run"),
                ("- uses: ", "- run: make\n        uses: ", "one of uses and run"),
                ("checkout@v5", "checkout", "no action"),
                ("checkout@v5", "checkout@v4", "no action"),
                ("checkout@v5", "checkout@main", "no action"), ("always()", "allways()", "if")):
            self.assertIn(old, good)
            found = "\n".join(workflows.problems(workflows.parse(good.replace(old, new, 1))))
            self.assertIn(said, found, new)


@unittest.skipIf(sandbox.why_not(), sandbox.why_not())
class Run(Flow):
    """Runs of the workflow. What is blank in the handout are two exercises only: all else is as in
    this tree, and so are the objects, if they are built here."""
    SECONDS = 20

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.solved = {region.key: region.text for region in regions.parse_tree(ROOT)}

    def unpacked(self, name, exercises):
        """The tree of a student who has written these exercises, with the workflow in it."""
        with open(self.path("course.ini"), "w") as file:
            file.write(COURSE)
        words = "--course", self.path("course.ini"), "--assignment", "traps"
        if not os.path.exists(self.path("handout.tar.gz")):
            self.lab("handout", *words, "-o", self.path("handout.tar.gz"))
        shutil.unpack_archive(self.path("handout.tar.gz"), self.path(name))
        (top,) = os.listdir(self.path(name))
        tree = self.path(name, top)
        os.makedirs(os.path.join(tree, os.path.dirname(WORKFLOW)))
        self.lab("actions", *words, "-o", os.path.join(tree, WORKFLOW))
        own = {key: text for key, text in self.solved.items() if key[0] in exercises}
        for region in [each for each in regions.parse_tree(tree) if each.key in own]:
            text = regions.replace(regions.read(tree, region.path), region.path,
                                   {region.key: own[region.key]})
            with open(os.path.join(tree, region.path), "w") as file:
                file.write(text)
        self.take_objects(tree)
        return tree

    def take_objects(self, tree):
        """Give the tree the objects of this one, to save the time. Files in an archive are of 2020,
        older than any object; those that differ from this tree's are made newer."""
        objects = os.path.join(ROOT, "obj", "unknown-elf")
        with build.alone(objects, make_folder=False):
            if os.path.isdir(objects):
                shutil.copytree(objects, os.path.join(tree, "obj", "unknown-elf"),
                                ignore=shutil.ignore_patterns("grade", "lock"))
        for folder, _, names in os.walk(os.path.join(tree, "kern")):
            for path in [os.path.join(folder, name) for name in names]:
                if not filecmp.cmp(path, os.path.join(ROOT, os.path.relpath(path, tree)), False):
                    os.utime(path)

    def run_all(self, tree):
        """Run the workflow: [(exit status, output)] of the steps that were run, and the summary."""
        home, done, summary = tree + "-home", [], ""
        os.mkdir(home)
        binds = [(home, HOME), (tree, WORK)]
        for step in self.steps(regions.read(tree, WORKFLOW)):
            if not step.run or not workflows.is_run(step.condition, any(each for each, _ in done)):
                continue
            for name, text in (("step.sh", step.run + "\n"), ("summary", "")):
                with open(os.path.join(home, name), "w") as file:
                    file.write(text)
            done.append(self.boxed(binds, "--chdir", WORK, "bash", "-e", HOME + "/step.sh",
                                   HOME=HOME, CI="true", GITHUB_ACTIONS="true",
                                   GITHUB_WORKSPACE=WORK, GITHUB_STEP_SUMMARY=HOME + "/summary"))
            summary += regions.read(home, "summary")
        return done, summary

    def test_all_is_written(self):
        tree = self.unpacked("all", ("1.1", "1.3"))
        for command in ("make setup", 'make grade EX="1.1 1.3"'):      # what README.md says
            self.assertIn("\n    %s  " % command, regions.read(tree, "README.md"))
        done, summary = self.run_all(tree)
        self.assertEqual([status for status, _ in done], [0, 0, 0], done)
        self.assertIn("setup: all tools are there; TOOLCHAIN=", done[0][1])
        self.assertIn("\nTotal Score: 60/60\n", done[1][1])
        self.assertTrue(summary.startswith("# rvlab\n\n60 of 60 points; 5 of 5 tests passed.\n"))
        self.assertEqual(summary.count(" | ok | "), 5)
        self.assertNotIn("<details>", summary)

    def test_an_exercise_is_missing(self):
        """The run fails, and its summary tells which exercise and why."""
        done, summary = self.run_all(self.unpacked("part", ("1.1",)))
        self.assertEqual([bool(status) for status, _ in done], [False, True, False], done)
        self.assertIn("\nTotal Score: 30/60\n", done[1][1])
        self.assertTrue(summary.startswith("# rvlab\n\n30 of 60 points; 3 of 5 tests passed.\n"))
        self.assertIn("- note: still blank: 1.3 (kern/debug/backtrace.c:", summary)
        rows = [line for line in summary.split("\n") if line.startswith("| 1.")]
        self.assertEqual([row.split(" | ")[1:] for row in rows],
                         [["ok", "10/10 |"]] * 3 + [["not written yet", "0/15 |"]] * 2)
        self.assertEqual(summary.count("<details><summary>1.3 backtrace-"), 2)
        self.assertIn("exercise 1.3 (backtrace) is not written yet", summary)


if __name__ == "__main__":
    unittest.main()
