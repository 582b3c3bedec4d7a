"""tools/lab gradescope and its like: packages that run where they are unpacked.

Run takes each package into an empty root, in which there are the system's tools and nothing else,
and the folders that the course's system makes; there its scripts are run, for one hand-in and one
exercise. What comes out is read by the strict readers of test_feedback.py.
Package looks at what is in them, and at wrong command lines. test_workflow.py has the workflow.

Run needs a compiler, QEMU and bubblewrap; it is skipped without, and says so.
Run alone: python3 tools/test/test_deliver.py
"""
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOOLS = os.path.dirname(HERE)
ROOT = os.path.dirname(TOOLS)
sys.path[:0] = [TOOLS, HERE]

import gradescope
import test_feedback
from exercise import deliver
from grader import sandbox

HANDIN = os.path.join(HERE, "corpus", "lab1-solved.txt")
POINTS = 30                             # of exercise 1.1
COURSE = """[course]
zone: +08:00
[traps]
exercises: 1.1
points: 50
due: 2026-03-01 20:00
late: 10% a day, 3 days
"""


class Folder(unittest.TestCase):
    """A base class for tests with a folder of their own."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.folder)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def lab(self, *words, status=0):
        """Call tools/lab; the result is its output."""
        result = subprocess.run([sys.executable, "tools/lab"] + list(words), cwd=ROOT,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = result.stdout.decode()
        self.assertEqual(result.returncode, status, said)
        return said

    def package(self, system, *words, what=("1", "--exercises", "1.1")):
        """Make the package of a system for exercise 1.1, or for other words; its path."""
        target = self.path("package" + deliver.PACKAGES[system][1])
        self.lab(system, *what, "-o", target, *words)
        return target

    def boxed(self, binds, *command, **variables):
        """Run a command in an empty root with these folders, (outside, inside), and variables: its
        exit status, and what it prints."""
        options = [sandbox.TOOL, "--unshare-all", "--die-with-parent"] + sandbox.system_folders()
        for outside, place in binds:
            options += ["--bind", outside, place]
        options += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--clearenv"]
        for name, value in dict(variables, PATH="/usr/sbin:/usr/bin:/sbin:/bin").items():
            options += ["--setenv", name, value]
        result = subprocess.run(options + list(command), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return result.returncode, result.stdout.decode()

    def inside(self, binds, *command):
        """The same for a command that must succeed: what it prints."""
        status, said = self.boxed(binds, *command)
        self.assertEqual(status, 0, said)
        return said


class Package(Folder):
    def test_zip(self):
        with zipfile.ZipFile(self.package("gradescope")) as archive:
            names = {info.filename: info.external_attr >> 16 for info in archive.infolist()}
        self.assertEqual(names["setup.sh"] & 0o777, 0o755)
        self.assertEqual(names["run_autograder"] & 0o777, 0o755)
        self.assertIn("rvlab/kern/mm/pmm.c", names)
        self.assertFalse([name for name in names if "/obj/" in name or "/test/corpus" in name
                          or name.startswith("/") or "/." in name])

    def test_tar_in_tar(self):
        with tarfile.open(self.package("autolab")) as archive:
            self.assertEqual(sorted(archive.getnames()), ["autograde-Makefile", "autograde.tar"])
            data = archive.extractfile("autograde.tar").read()
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            self.assertIn("rvlab/Makefile", archive.getnames())

    def test_always_the_same(self):
        contents = []
        for _ in range(2):
            with open(self.package("codegrade"), "rb") as file:
                contents.append(file.read())
        self.assertEqual(*contents)

    def test_policy_and_exercises(self):
        with zipfile.ZipFile(self.package("gradescope", "--policy", "alone")) as archive:
            script = archive.read("run_autograder").decode()
        self.assertIn("--lab 1 --exercises 1.1 --policy alone", script)
        self.assertTrue(script.endswith("]\n"))

    def test_package_of_a_course(self):
        """It has the course's file, by which its tools/lab knows the assignment."""
        target = self.path("lab3.zip")
        self.lab("gradescope", "--course", "ucore", "--assignment", "lab3", "-o", target)
        with zipfile.ZipFile(target) as archive:
            script = archive.read("run_autograder").decode()
            course = archive.read("rvlab/course.ini").decode()
        self.assertIn(" --assignment lab3 --times /autograder/submission_metadata.json "
                      "--gradescope", script)
        self.assertIn("[lab3]\n", course)

    def test_wrong_words(self):
        for words, said in ((("gradescope", "5", "-o", self.path("x.tar")), "ends in .zip"),
                            (("gradescope", "5", "-o", "/nowhere/x.zip"), "no folder /nowhere"),
                            (("autolab", "77"), "is no lab"),
                            (("codegrade", "5", "--exercises", "5.9"), "5.9")):
            self.assertIn(said, self.lab(*words, status=2))


@unittest.skipIf(sandbox.why_not(), sandbox.why_not())
class Run(Folder):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.kept = None                 # the reference, once it is built

    def unpack(self, system, where, **what):
        """Unpack a package into a new folder."""
        os.makedirs(where)
        package = self.package(system, **what)
        shutil.unpack_archive(package, where)
        if package.endswith(".zip"):            # Python's unpacker leaves the modes out
            with zipfile.ZipFile(package) as archive:
                for info in archive.infolist():
                    os.chmod(os.path.join(where, info.filename), info.external_attr >> 16 & 0o777)

    def tree(self, path):
        """Give an unpacked tree the reference that another package has built, to save the time."""
        if Run.kept:
            shutil.copytree(Run.kept, os.path.join(path, "obj"))

    def keep(self, path):
        """Take over the reference that was built there."""
        if not Run.kept:
            Run.kept = self.path("kept")
            shutil.copytree(os.path.join(path, "obj"), Run.kept)

    def prepared(self, system, where, *binds, **what):
        """Unpack a package, and run its setup.sh."""
        self.unpack(system, where, **what)
        self.tree(os.path.join(where, "rvlab"))
        inside = dict(binds)[where]
        self.inside(binds, inside + "/setup.sh")
        self.keep(os.path.join(where, "rvlab"))

    def gradescope(self, name, **what):
        """Make the folder /autograder as Gradescope does, with a package that is set up: its
        path."""
        top = self.path(name)
        for each in ("submission", "results"):
            os.makedirs(os.path.join(top, each))
        shutil.copy(HANDIN, os.path.join(top, "submission"))
        source = os.path.join(top, "source")
        self.prepared("gradescope", source, (top, "/autograder"), (source, "/autograder/source"),
                      **what)
        return top

    def submitted(self, top, metadata=None):
        """Grade the submission: what results.json has, read strictly; None if there is none, and
        then the run must fail. There is a file of metadata if an object is given for it."""
        results = os.path.join(top, "results", "results.json")
        if os.path.exists(results):
            os.remove(results)
        if metadata is not None:
            with open(os.path.join(top, "submission_metadata.json"), "w") as file:
                json.dump(metadata, file)
        status, said = self.boxed([(top, "/autograder")], "/autograder/source/run_autograder")
        self.assertEqual(status == 0, os.path.exists(results), said)
        return self.read("Gradescope", results) if status == 0 else None

    def read(self, form, path):
        """What the strict reader of test_feedback.py takes of a file."""
        with open(path, encoding="utf-8") as file:
            return getattr(test_feedback, form)("read").read(file.read())

    def test_gradescope(self):
        found = self.submitted(self.gradescope("autograder"))
        self.assertEqual(found["score"], POINTS)
        self.assertEqual({test["status"] for test in found["tests"]}, {"passed"})
        self.assertEqual(sum(test["max_score"] for test in found["tests"]), POINTS)

    def test_gradescope_of_a_course(self):
        """The points, the date and the rule for late hand-ins are those of the course's file, the
        time is that of the metadata. What a submission before had, and Gradescope's own date, do
        not count. Where nothing tells the time there is no score."""
        with open(self.path("course.ini"), "w") as file:
            file.write(COURSE)
        top = self.gradescope("course", what=("--course", self.path("course.ini"), "--assignment",
                                              "traps"))
        metadata = dict(gradescope.METADATA, created_at="2026-03-01T04:00:00.987654-08:00")
        first = self.submitted(top, metadata)
        self.assertEqual(first["score"], 50)
        self.assertNotIn(" late", first["output"])
        metadata["previous_submissions"] = [{
            "submission_time": metadata["created_at"], "score": 50.0, "autograder_error": False,
            "results": first}]
        metadata["created_at"] = "2026-03-02T04:00:01.000000-08:00"
        second = self.submitted(top, metadata)
        self.assertEqual(second["score"], 40)
        self.assertEqual(second["tests"], first["tests"])
        self.assertEqual(sum(test["max_score"] for test in second["tests"]), 50)
        self.assertTrue(second["output"].startswith("40 of 50 points\n"))
        self.assertIn("\n2 days late: 80 % of the marks", second["output"])
        del metadata["created_at"]
        self.assertIsNone(self.submitted(top, metadata))

    def test_autolab(self):
        """What is told to stderr is in Autolab's output too, also what make says of an error: the
        scores are behind it even if a hand-in is refused."""
        where = self.path("autolab")
        self.unpack("autolab", where)
        shutil.copy(HANDIN, os.path.join(where, "handin-lab1.txt"))
        if Run.kept:
            shutil.copytree(Run.kept, os.path.join(where, "rvlab", "obj"))
        make = "make", "-s", "-C", "/home/autograde", "-f", "autograde-Makefile"
        said = self.inside([(where, "/home/autograde")], *make)
        self.keep(os.path.join(where, "rvlab"))
        self.assertEqual(json.loads(said.rstrip("\n").split("\n")[-1]),
                         {"scores": {"1.1": POINTS}})
        with open(os.path.join(where, "handin-lab1.txt"), "w") as file:
            file.write("nonsense\n")
        said = self.inside([(where, "/home/autograde")], *make)
        self.assertIn("\n1 hand-ins: 0 graded, 1 refused", said)
        self.assertEqual(json.loads(said.rstrip("\n").split("\n")[-1]), {"scores": {}})

    def test_prairielearn(self):
        root, grade = self.path("prairielearn"), self.path("grade")
        os.makedirs(os.path.join(grade, "student"))
        shutil.copy(HANDIN, os.path.join(grade, "student"))
        self.prepared("prairielearn", root, (root, "/image"))
        self.inside([(os.path.join(root, "rvlab"), "/rvlab"), (root, "/image"), (grade, "/grade")],
                    "/image/grade.sh")
        found = self.read("Prairielearn", os.path.join(grade, "results", "results.json"))
        self.assertEqual((found["gradable"], found["score"]), (True, 1))
        self.assertEqual(sum(test["points"] for test in found["tests"]), POINTS)
        with open(os.path.join(root, "info.json")) as file:
            self.assertTrue(json.load(file)["externalGradingOptions"]["enabled"])

    def test_codegrade(self):
        fixtures, student = self.path("fixtures"), self.path("student")
        os.mkdir(student)
        shutil.copy(HANDIN, student)
        self.prepared("codegrade", fixtures, (fixtures, "/fixtures"))
        said = self.inside([(fixtures, "/fixtures"), (student, "/student")], "--chdir", "/student",
                           "bash", "-c", "/fixtures/grade.sh 3>points; cat points")
        self.assertEqual(json.loads(said.rstrip("\n").split("\n")[-1]),
                         {"tag": "points", "points": "%d/%d" % (POINTS, POINTS)})


if __name__ == "__main__":
    unittest.main()
