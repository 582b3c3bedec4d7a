"""Tests of the way of a student's work from one assignment to the next: by git, and by carry.

Git publishes each of ucore's nine assignments, and a student merges each of them into what he has
written so far: no conflict, and nothing of his is lost. Its history never held a solution. Carry
does the same without git, for each assignment; then it is tried with trees that do not fit. What is
written are the reference's texts, so a tree is right if it has the reference's files: then its
marks are the reference's, without a machine. check_handouts.py --course grades such trees.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

TOOLS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(TOOLS)
sys.path.insert(0, TOOLS)

from exercise import carry, handin, handout, manifest, publish, regions, syllabus
from labs import catalogue

LABS = catalogue.load()
UCORE = syllabus.read(ROOT, "ucore", LABS)
SOLVED = {region.key: region for region in regions.parse_tree(ROOT)}
WHO = {"GIT_%s_%s" % (role, what): "ada@example.org" for role in ("AUTHOR", "COMMITTER")
       for what in ("NAME", "EMAIL")}


def fill(tree, exercises):
    """Write the reference's texts into the regions of these exercises of a tree."""
    own = {key: region.text for key, region in SOLVED.items() if key[0] in exercises}
    for path in sorted({SOLVED[key].path for key in own}):
        put(tree, path, regions.replace(regions.read(tree, path), path, own))


def put(tree, path, text):
    """Write a file of a tree."""
    with open(os.path.join(tree, path), "w", encoding="utf-8", newline="\n") as file:
        file.write(text)


def written(tree):
    """The exercises of which a tree has the reference's text in each region."""
    found = {}
    for region in regions.parse_tree(tree):
        found.setdefault(region.exercise, []).append(region.text == SOLVED[region.key].text)
    return {number for number, right in found.items() if all(right)}


class Trees(unittest.TestCase):
    """A base class with a folder, and the handouts of ucore's assignments, made once."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="rvlab-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def handout(self, name, number):
        """The path of a new handout of the assignment of this number, from 0."""
        shutil.rmtree(self.path(name), ignore_errors=True)
        handout.make(ROOT, handout.CoursePlan(LABS, UCORE, UCORE.assignments[number]),
                     self.path(name))
        return self.path(name)


class Git(Trees):
    """A whole course, published and pulled."""

    def git(self, *words, folder=None):
        """What git prints; it must succeed."""
        done = subprocess.run(["git", *words], cwd=folder or self.folder,
                              env=dict(os.environ, **WHO), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, 0, done.stdout.decode())
        return done.stdout.decode("utf-8", "replace")

    def publish(self, name, repository="course.git", branch="handouts"):
        """Run tools/lab publish: (exit status, what it printed)."""
        done = subprocess.run(
            [sys.executable, os.path.join(ROOT, "tools", "lab"), "publish", self.path(repository),
             "--course", "ucore", "--assignment", name, "--branch", branch, "--actions"],
            env=dict(os.environ, PATH=self.bin, **WHO), stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        return done.returncode, done.stdout.decode()

    def setUp(self):
        """Only git is in the path: neither a compiler nor pandoc is needed here."""
        self.bin = self.path("bin")
        os.makedirs(self.bin, exist_ok=True)
        if not os.path.lexists(os.path.join(self.bin, "git")):
            os.symlink(shutil.which("git"), os.path.join(self.bin, "git"))

    def test_each_lab_with_all_before_it_written(self):
        seen = []
        for number, one in enumerate(UCORE.assignments):
            status, text = self.publish(one.name)
            self.assertEqual((status, one.name in text), (0, True), text)
            work = self.path("work")
            if number == 0:
                self.git("clone", "-q", "course.git", work)
                put(work, handin.STUDENT, "name: Ada\nemail: ada@example.org\n")
            else:
                self.git("pull", "-q", "--no-rebase", "--no-edit", folder=work)
            about = manifest.load(work)
            self.assertEqual(about.name, one.name)
            self.assertEqual(manifest.changes(about, work), [])
            self.assertIn('EX="%s" ' % " ".join(one.exercises),
                          regions.read(work, publish.WORKFLOW))
            # What nobody hands in comes solved: lab 0, and the parts of lab 8 of their own.
            self.assertEqual({number for number in written(work) & {key[0] for key in SOLVED}
                              if number[0] != "0"} - {"8.6", "8.7"}, set(seen))
            fill(work, one.exercises)
            seen += one.exercises
            self.git("add", "-A", folder=work)
            self.git("commit", "-q", "-m", "my " + one.name, folder=work)
        for path in sorted({region.path for region in SOLVED.values()}):
            self.assertEqual(regions.read(work, path), regions.read(ROOT, path))
        self.nothing_is_told(seen)
        self.planted_is_found()
        status, text = self.publish("lab2")
        self.assertEqual(status, 2)
        self.assertIn("lab2 is on the branch already, and lab9 behind it", text)
        self.assertIn("lab9: as it is there", self.publish("lab9")[1])

    def nothing_is_told(self, exercises):
        """No object that anybody can ever fetch from the branch has a text of a solution."""
        names = self.git("rev-list", "--objects", "handouts", folder=self.path("course.git"))
        paths = {region.path for region in SOLVED.values()}
        blobs = {line.split(" ", 1)[0]: line.split(" ", 1)[1] for line in names.split("\n")
                 if line.partition(" ")[2] in paths}
        self.assertGreater(len(blobs), 30)
        texts = [region.text for key, region in SOLVED.items()
                 if key[0] in exercises and len(region.text.split()) > 8]
        self.assertGreater(len(texts), 80)
        for blob in blobs:
            content = self.git("cat-file", "-p", blob, folder=self.path("course.git"))
            self.assertFalse([text for text in texts if text in content], blobs[blob])

    def planted_is_found(self):
        """A solution that any commit held is found, in a region or elsewhere, also if the next one
        took it away; and so is a branch of another course."""
        blank = handout.CoursePlan(LABS, UCORE, UCORE.assignments[0]).blank
        branch = publish.Branch(self.path("course.git"), "handouts")
        publish.check_history(ROOT, branch, branch.history(), blank)
        for other, told in ((blank + ["8.6"], "exercise 8.6 is solved on the branch handouts"),
                            (blank[:-1], "exercise 9.C is to be written on the branch")):
            with self.assertRaisesRegex(publish.PublishError, told):
                publish.check_history(ROOT, branch, branch.history(), other)
        for number, path in enumerate(("kern/driver/clock.c", "notes")):
            planted = self.path("planted%d" % number)
            self.git("clone", "-q", "course.git", planted)
            put(planted, path, regions.read(ROOT, "kern/driver/clock.c"))
            self.git("add", "-f", path, folder=planted)
            self.git("commit", "-q", "-m", "a solution", folder=planted)
            self.git("revert", "--no-edit", "HEAD", folder=planted)
            self.git("checkout", "-q", "--detach", folder=planted)
            branch = publish.Branch(planted, "handouts")
            with self.assertRaisesRegex(publish.PublishError, "in which %s holds a sol" % path):
                publish.check_history(ROOT, branch, branch.history(), blank)

    def test_where_nothing_can_be_published(self):
        """Nothing is made then; an empty folder becomes a repository."""
        self.git("init", "-q", "outer")
        os.makedirs(self.path("outer/inner/more"))
        for name, branch, told in (("outer/inner", "new", "is no repository of git: name one, or"),
                                   ("no", "a b", "git allows no branch of this name"),
                                   ("no", "-x", "git allows no branch of this name")):
            with self.assertRaisesRegex(publish.PublishError, told):
                publish.Branch(self.path(name), branch)
        for address in ("https://example.org/x.git", "git@example.org:x.git"):
            with self.assertRaisesRegex(publish.PublishError, "is an address: publish into a fold"):
                publish.Branch(address, "new")
        self.assertFalse(os.path.exists(self.path("no")))
        self.assertEqual(publish.Branch(self.path("outer/inner/more"), "new").history(), [])

    def test_a_history_that_may_hold_a_solution(self):
        self.git("init", "-q", "other")
        other = self.path("other")
        put(other, "notes", "x\n")
        self.git("add", "-A", folder=other)
        self.git("commit", "-q", "-m", "notes", folder=other)
        self.git("branch", "old", folder=other)
        status, text = self.publish("lab1", "other", "old")
        self.assertEqual(status, 2)
        self.assertIn("is no handout, and may hold a solution", text)
        current = self.git("symbolic-ref", "--short", "HEAD", folder=other).strip()
        self.assertIn("is checked out in", self.publish("lab1", "other", current)[1])
        status, text = self.publish("lab1", "other", "new")
        self.assertEqual((status, "note: %s has %s, old too: let students reach the branch new only"
                          % (other, current) in text), (0, True), text)
        self.assertEqual(sorted(os.listdir(other)), [".git", "notes"])

    def test_a_tree_that_is_not_committed(self):
        """Only what makes the version counts, and only where there is a git."""
        tree = self.path("teacher")
        os.makedirs(os.path.join(tree, "kern"))
        branch = publish.Branch(self.path("to.git"), "handouts")
        self.assertTrue(publish.is_kept(tree, branch))
        self.git("init", "-q", tree)
        put(tree, "course.ini", "[course]\n")
        self.assertTrue(publish.is_kept(tree, branch))
        put(tree, "kern/new.c", "int new;\n")
        self.assertFalse(publish.is_kept(tree, branch))
        self.git("add", "-A", folder=tree)
        self.git("commit", "-q", "-m", "all", folder=tree)
        self.assertTrue(publish.is_kept(tree, branch))

    def test_what_comes_solved_is_not_published(self):
        core = syllabus.read(ROOT, "core", LABS)
        with self.assertRaisesRegex(publish.PublishError, r"\[memory\] lets traps come solved"):
            publish.check_solved(core.assignments)

    def test_a_region_that_is_not_blank(self):
        tree = self.handout("leak", 0)
        about = manifest.load(tree)
        publish.check_blank(ROOT, tree, about)
        fill(tree, ["5.3"])
        with self.assertRaisesRegex(publish.PublishError, "copy_entries of exercise 5.3 is not"):
            publish.check_blank(ROOT, tree, about)


class Carry(Trees):
    """The same without git."""

    def carry(self, new, *words):
        """Run tools/lab carry in a tree: (exit status, what it printed)."""
        done = subprocess.run([sys.executable, "tools/lab", "carry", *words], cwd=new,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout.decode()

    def test_each_lab_with_all_before_it_written(self):
        """From each assignment's tree into the next one's; in the end all is the reference's."""
        old, seen = self.handout("old", 0), []
        put(old, handin.STUDENT, "name: Ada\nemail: ada@example.org\nmember: Bob, b@x.org\n")
        for number, one in enumerate(UCORE.assignments[:-1]):
            fill(old, one.exercises)
            seen += one.exercises
            new = self.handout("new", number + 1)
            status, text = self.carry(new, old)
            self.assertEqual(status, 0, text)
            self.assertEqual(re.findall(r"^\d\.\w", text, re.M), sorted(seen))
            self.assertEqual(written(new) & set(sum((each.exercises for each in UCORE.assignments),
                                                    [])), set(seen))
            about = manifest.load(new)
            self.assertEqual(manifest.changes(about, new), [])
            shutil.rmtree(old)
            os.rename(new, old)
        self.assertIn("Bob", regions.read(old, handin.STUDENT))
        fill(old, UCORE.assignments[-1].exercises)
        for path in sorted({region.path for region in SOLVED.values()}):
            self.assertEqual(regions.read(old, path), regions.read(ROOT, path))
        self.assertFalse([name for _, _, names in os.walk(old) for name in names if "~" in name])

    def test_what_does_not_fit(self):
        old, new = self.handout("old", 1), self.handout("new", 2)
        fill(old, ["1.1", "2.1", "2.2", "3.1"])
        for path, word, other in (
                ("kern/driver/clock.c", "begin: clock_interrupt", "begin: tick [no_such_id]"),
                ("kern/mm/pagetable.c", "EXERCISE 3.1 end", "EXERCISE 3.1 ende"),
                ("kern/mm/pmm_best_fit.c", "begin: best_fit_alloc_pages",
                 "begin: my best fit [best_fit_alloc_pages]")):
            text = regions.read(old, path)
            self.assertGreaterEqual(text.count(word), 1, path)
            put(old, path, text.replace(word, other, 1))
        status, text = self.carry(new, old)
        self.assertEqual(status, 1)
        self.assertRegex(text, r"does not fit: kern/driver/clock.c:\d+: this tree has no region "
                         "no_such_id of exercise 1.1 to be written")
        self.assertIn("the old tree has no region clock_interrupt of exercise 1.1", text)
        self.assertRegex(text, r"does not fit: kern/mm/pagetable.c:\d+: this marker")
        self.assertEqual(written(new) & {"1.1", "2.1", "2.2", "3.1"}, {"2.1", "2.2"})

    def test_nothing_is_lost(self):
        """Another text that was here is kept; a blank one of the old tree replaces nothing."""
        old, new = self.handout("old", 0), self.handout("new", 1)
        path = "kern/driver/clock.c"
        fill(old, ["1.1"])
        put(old, "kern/riscv/cpu.h", regions.read(old, "kern/riscv/cpu.h") + "/* mine */\n")
        blank = regions.read(new, path)
        mine = regions.replace(blank, path, {("1.1", "clock_interrupt"): "    return;\n"})
        put(new, path, mine)
        fill(new, ["1.3"])
        status, text = self.carry(new, old)
        self.assertIn("is kept as %s.~1~" % path, text)
        self.assertRegex(text, r"not carried, because .*: kern/riscv/cpu.h:\d+: changed\n")
        self.assertEqual(status, 0)
        self.assertEqual(regions.read(new, path + ".~1~"), mine)
        self.assertEqual(written(new) & {"1.1", "1.2", "1.3"}, {"1.1", "1.3"})
        self.assertIn("nothing is other than it was", self.carry(new, old)[1])
        put(new, path, mine)
        self.carry(new, old)
        self.assertTrue(os.path.exists(os.path.join(new, path + ".~2~")))
        self.assertEqual(manifest.changes(manifest.load(new), new), [])

    def test_a_lab_that_is_given_up(self):
        """The file of the course has it, or the teacher's tree; if the course allows it."""
        new, one = self.handout("new", 2), UCORE.find("lab2")
        self.assertIn("there is no reference-lab2.txt: ask your course",
                      self.carry(new, "--solved-from", "reference:2")[1])
        put(new, "reference-lab2.txt", carry.solution(ROOT, UCORE.find("lab1"), 1, "0" * 12))
        self.assertIn("reference-lab2.txt is of the assignment lab1, and not of lab2",
                      self.carry(new, "--solved-from", "reference:2")[1])
        put(new, "reference-lab2.txt", carry.solution(ROOT, one, 2, handout.version_of(ROOT)))
        status, text = self.carry(new, "--solved-from", "reference:2")
        self.assertEqual((status, "it is not your work" in text), (0, True), text)
        self.assertEqual(written(new) & {"1.1", "2.1", "2.2", "2.C", "3.1", "3.2", "3.3"},
                         set(one.exercises))
        new = self.handout("new", 2)
        done = subprocess.run([sys.executable, os.path.join(ROOT, "tools", "lab"), "carry",
                               "--into", new, "--solved-from", "reference:lab2"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual((done.returncode, "2.1" in written(new)), (0, True), done.stdout)
        text = regions.read(new, manifest.NAME)
        put(new, manifest.NAME, text.replace('"give up": true', '"give up": false'))
        self.assertIn("gives out no solution of lab2",
                      self.carry(new, "--solved-from", "reference:2")[1])

    def test_bad_wishes(self):
        new = self.handout("new", 1)
        for words, told in (((), "from which tree?"), (("nowhere",), "is no tree of rvlab"),
                            ((new,), "is this tree itself"),
                            (("--solved-from", "2"), "expected reference:NAME"),
                            (("--solved-from", "reference:lab7"), "no assignment 'lab7' here")):
            status, text = self.carry(new, *words)
            self.assertEqual((status, told in text), (2, True), text)


if __name__ == "__main__":
    unittest.main()
