"""Tests of what outlives a grading and what must not, and of what may happen to its workers.

Resume: several gradings write into one file of results and lose nothing; a damaged file is told and
never overwritten. Killed: the next run removes the folders of runs that were killed, and no others.
Terminals: a letter that a terminal lacks costs no marks. Workers: a worker that dies, or a defect
of the grader, costs one hand-in only. SideBySide: machines at once change no mark. SameTwice: two
gradings write the same files to the byte, whatever their folders are called.

Needs the built objects, a compiler and QEMU; Resume and Workers alone need none of them.
Run alone: python3 tools/test/test_resume.py
One class: python3 tools/test/test_resume.py Resume
"""
import csv
import json
import multiprocessing
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from unittest import mock

TOOLS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(TOOLS)
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, TOOLS)

import scratch
from courses import MADE, Desk
from exercise import gradebook, marks, pool, provenance, results, submissions
from exercise.ahead import ahead
from grader.host import Host
from grader.model import Verdict
from shops import Shop
from test_lab_grade import REFERENCE, TOOLCHAIN, Folder, work_of

FORK = multiprocessing.get_context("fork")
TERMINALS = ("ascii", "latin-1", "euc_kr", "gbk", "utf-8")
NAME = "\u738b\u5c0f\u660e \u0141\xf3\u015b \ud55c"           # no terminal but UTF-8's has all


def lab(*arguments, encoding="utf-8", **more):
    """Run tools/lab on a terminal with this encoding: (exit status, what it printed)."""
    result = subprocess.run(
        [sys.executable, os.path.join(TOOLS, "lab")] + list(arguments), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT,
        env=dict(os.environ, PYTHONIOENCODING=encoding, **more))
    return result.returncode, result.stdout.decode(encoding, "replace")


def result(mark):
    """What is kept of a hand-in that has this mark."""
    test = {"name": "t", "title": "t", "points": mark, "max": 9, "verdict": "ok", "lines": []}
    return {"exercises": {"5.1": {"max": 9, "challenge": False, "state": "written", "why": "",
                                  "together": mark, "alone": None, "mark": mark, "from": "",
                                  "tests": [test]}}, "complete": True}


def save(path, first):
    """Add twenty results to the file at this path, as one of several gradings does."""
    mine = results.Results(path)
    for number in range(first, first + 20):
        mine.add("%064x" % number, result(number % 9))


class Resume(Folder):
    """The file of --resume."""

    def test_several_gradings_lose_nothing(self):
        path = self.path("state")
        gradings = [FORK.Process(target=save, args=(path, 20 * number)) for number in range(4)]
        for each in gradings:
            each.start()
        for each in gradings:
            each.join()
        self.assertEqual(sorted(results.Results(path).found), ["%064x" % n for n in range(80)])

    def test_damaged(self):
        save(self.path("good"), 0)
        with open(self.path("good")) as file:
            good = file.read()
        for text in ("{}", "[" * 100000, "7", "null", good[:-9],
                     good.replace("rvlab/state/v1", "x"),
                     good.replace('"mark": 1', '"mark": 1e999', 1), "\xff" + good,
                     good.replace('"mark": 1', '"mark": NaN', 1),
                     good.replace('"complete": true', '"complete": "x"', 1),
                     good.replace('"tests": [', '"tests": [7, ', 1),
                     good.replace("0" * 63 + "1", "x", 1),
                     good.replace('"lines": []', '"lines": [7]')):
            path = self.put("bad", text.encode("latin-1"))
            with self.subTest(text[:50]):
                with self.assertRaisesRegex(results.StateError, "is no file of --resume, or is "
                                            "damaged: [^\n]+ stays as it is"):
                    results.Results(path)
                with open(path, "rb") as file:
                    self.assertEqual(file.read(), text.encode("latin-1"))
        self.put("bad", b"[" * 100000)
        status, output = lab("grade", self.put("a", work_of()), "--resume", self.path("bad"))
        self.assertEqual((status, output.count("\n")), (2, 1), output)
        self.assertEqual(results.Results(self.put("new", b"")).found, {})

    def test_it_is_damaged_while_grading(self):
        """The file is damaged while a grading runs: the grading goes on and keeps its marks."""
        path = self.path("state")
        mine = results.Results(path)
        self.put("state", b"{}")
        with open(os.devnull, "w") as null:
            self.addCleanup(setattr, sys, "stderr", sys.stderr)
            sys.stderr = null
            mine.add("0" * 64, result(1))
        self.assertEqual(len(mine.found), 1)


class Versions(Desk):
    """What a state keeps was graded by one compiler, QEMU and version of the tools."""

    def test_another_one_grades_anew(self):
        self.put("a.txt", work_of("Ada"))
        for made, gradings in ((MADE, 1), (MADE, 1), (dict(MADE, qemu="QEMU 99"), 2),
                               (dict(MADE, toolchain="another"), 3), (MADE, 3)):
            with mock.patch.object(provenance, "made_by", lambda *_: dict(made)):
                status, output = self.lab("grade a.txt --lab 5 --resume s.json")
            self.assertEqual(status, 0, output)
            self.assertEqual(len(self.shops), gradings, made)


class Killed(Folder):
    """Folders in TMPDIR that a killed run has left."""

    def setUp(self):
        super().setUp()
        self.addCleanup(setattr, tempfile, "tempdir", tempfile.tempdir)
        tempfile.tempdir = self.folder

    def left(self):
        return sorted(name for name in os.listdir(self.folder) if name.startswith("rvlab-"))

    def test_a_dead_runs_folder_is_removed_and_no_other(self):
        code = ("import os, sys, time; sys.path.insert(0, %r); import scratch\n"
                "with scratch.folder('grade') as path:\n"
                "    open(os.path.join(path, 'x'), 'w').close(); print(path, flush=True)\n"
                "    time.sleep(60)\n" % TOOLS)
        runs = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE,
                                 env=dict(os.environ, TMPDIR=self.folder)) for _ in range(2)]
        self.addCleanup(lambda: [(run.kill(), run.wait(), run.stdout.close()) for run in runs])
        paths = [run.stdout.readline().decode().strip() for run in runs]
        os.mkdir(self.path("rvlab-not-ours"))
        with scratch.folder("x") as mine:
            self.assertTrue(os.path.isdir(mine))
        self.assertEqual(len(self.left()), 3)
        runs[0].kill()
        runs[0].wait()
        with scratch.folder("x"):
            pass
        self.assertEqual(self.left(), sorted([os.path.basename(paths[1]), "rvlab-not-ours"]))

    def test_a_grading_that_is_killed(self):
        """A grading is killed, and what it leaves is removed by the next run."""
        command = [sys.executable, os.path.join(TOOLS, "lab"), "grade", "--toolchain", TOOLCHAIN,
                   self.put("a", work_of(frame="    for (;;)\n        ;\n")), "--exercises", "5.1"]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL,
                                   env=dict(os.environ, TMPDIR=self.folder))
        while not any(os.path.isdir(self.path(os.path.join(name, "pristine")))
                      for name in self.left()):
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.assertEqual(len(self.left()), 1)
        for _ in range(600):            # the workers see that their grading has gone, and end
            with scratch.folder("x"):
                pass
            if not self.left():
                break
            time.sleep(0.1)
        self.assertEqual(self.left(), [])


class Terminals(Folder):
    """Names have letters that the terminal lacks: no exception, and the files are right."""

    def test_grade(self):
        wrong = work_of(NAME, dispatch="    not C \u0141\u738b\ud55c;\n")
        path = self.put("\u738b\u0141.txt", wrong)
        other = self.put("\u0141\u738b\ud55c", b"")
        for encoding in TERMINALS:
            with self.subTest(encoding):
                out = self.path("marks.csv")
                status, output = lab("grade", "--toolchain", TOOLCHAIN, path, other, "--exercises",
                                     "5.2", "--csv", out, "--json", self.path("j"), "--reports",
                                     self.path("r"), "--resume", self.path("state"),
                                     encoding=encoding)
                self.assertEqual(status, 1, output)
                self.assertNotIn("Traceback", output)
                with open(out, encoding="utf-8-sig", newline="") as file:
                    self.assertEqual([row["student"] for row in csv.DictReader(file)], [NAME, ""])
                os.remove(out)

    def test_hand_in(self):
        for encoding in TERMINALS:
            status, output = lab("handin", "--lab", "2", "--name", NAME, "--email", "w@x", "-o",
                                 self.path("h.txt"), encoding=encoding, LC_ALL="C.UTF-8")
            self.assertEqual(status, 0, output)
            with open(self.path("h.txt"), encoding="utf-8") as file:
                self.assertIn("name: %s\n" % NAME, file.read())

    def test_a_name_that_cannot_be_read_is_not_lost(self):
        result = subprocess.run(
            [sys.executable, os.path.join(TOOLS, "lab"), "handin", "--lab", "2", "--name",
             b"J\xf6rg", "--email", "j@x", "-o", self.path("h.txt")], cwd=ROOT,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=dict(os.environ, LC_ALL="C.UTF-8"))
        self.assertEqual(result.returncode, 2, result.stdout)
        self.assertIn(b"--name has letters", result.stdout)
        self.assertFalse(os.path.exists(self.path("h.txt")))


class Workers(Folder):
    """A worker that dies or raises an exception costs its own hand-in only."""

    @staticmethod
    def begin(folder):
        """What a worker calls first: the function that does a job."""
        os.mkdir(folder)

        def do(job):
            if job == "defect":
                raise TypeError("of the grader")
            return os._exit(1) if job == "poison" else {"job": job}

        return do

    def test_a_worker_that_dies(self):
        jobs = [(number, "poison" if number in (1, 4) else "x%d" % number) for number in range(6)]
        with pool.Pool(2, self.folder, self.begin) as workers:
            got = dict(workers.run(jobs))
        self.assertEqual([got[number]["job"] for number in (0, 2, 3, 5)], ["x0", "x2", "x3", "x5"])
        self.assertIn("a worker of this host ended", got[1])
        self.assertIn("a worker of this host ended", got[4])

    def test_a_defect_costs_its_own_job(self):
        with pool.Pool(1, self.folder, self.begin) as workers:
            got = dict(workers.run([(0, "defect"), (1, "x")]))
        self.assertEqual(got, {0: "not graded: TypeError: of the grader", 1: {"job": "x"}})
        self.assertEqual(os.listdir(self.folder), [])

    def test_results_in_the_order_of_the_jobs(self):
        def begin(folder):
            return lambda seconds: time.sleep(seconds) or seconds

        with pool.Pool(3, self.folder, begin) as workers:
            self.assertEqual(list(workers.in_order([0.3, 0.1, 0, 0.2])), [0.3, 0.1, 0, 0.2])

    def test_a_worker_has_the_places_that_nobody_else_needs(self):
        def told(jobs):
            with pool.Pool(4, self.folder, lambda folder: lambda job: workers.places) as workers:
                return list(workers.in_order(jobs))
        self.assertEqual([told("a"), told("ab"), told("abc"), told("abcdefgh")],
                         [[4], [2] * 2, [1] * 3, [1] * 8])

    def test_a_hand_in_that_cannot_be_looked_at(self):
        class Wrong:
            def __init__(self, *arguments):
                raise TypeError("of the grader")

        self.addCleanup(setattr, gradebook, "Work", gradebook.Work)
        gradebook.Work = Wrong
        student = gradebook.Student(submissions.from_file(work_of(), "x"), REFERENCE, None, "best")
        self.assertIsNone(student.work)
        self.assertEqual(student.notes,
                         ["refused: it cannot be looked at: TypeError: of the grader"])


class SideBySide(unittest.TestCase):
    """Several machines of one hand-in at once: what is told is the same, whoever is ready first."""

    def test_in_order_and_at_most_so_many_ahead(self):
        begun, taken, too_early = [], [], []

        def late(number):
            begun.append(number)
            too_early.extend([number] if number > len(taken) + 2 else [])
            time.sleep(0.02 * (5 - number))             # the first one takes longest
            return number
        for result in ahead(late, range(5), 3):
            taken.append(result)
        self.assertEqual((taken, sorted(begun), too_early), ([0, 1, 2, 3, 4], taken, []))

    def test_who_stops_waits_for_what_has_begun(self):
        begun, ended = [], []

        def late(number):
            begun.append(number)
            time.sleep(0.05)
            ended.append(number)
        for _ in ahead(late, range(9), 2):
            break
        self.assertEqual((sorted(begun), sorted(ended)), ([0, 1], [0, 1]))

    def test_an_exception_comes_in_its_place(self):
        def odd(number):
            return 1 // number
        results = ahead(odd, [1, 0, 1], 3)
        self.assertEqual(next(results), 1)
        self.assertRaises(ZeroDivisionError, next, results)

    def test_the_same_marks(self):
        def verdict(text, exercise):
            words = {"WRONG": Verdict.WRONG, "HANGS": Verdict.HANG}
            time.sleep(0.002 * random.random())
            return next((words[word] for word in words if word in text), Verdict.OK)
        for texts in ({}, {"frame": "    /* WRONG */ ;\n"}, {"copy": "    /* HANGS */ ;\n"},
                      {"frame": "    BROKEN;\n", "copy": "    /* WRONG */ ;\n"}):
            work = marks.Work(submissions.from_file(work_of(**texts), "x"), REFERENCE,
                              ["5.1", "5.2", "5.3"])
            for policy in ("best", "both", "alone", "together"):
                found = [json.dumps(marks.Examiner(REFERENCE, Shop(verdict, places)).marks(
                    work, policy)) for places in (1, 2, 5)]
                self.assertEqual(found, found[:1] * 3)


def files_of(folder):
    """The paths of all files in a folder, in order."""
    return sorted(str(path.relative_to(folder)) for path in pathlib.Path(folder).rglob("*")
                  if path.is_file())


class SameTwice(Folder):
    """Nothing that is written depends on the folders of this run."""

    SECONDS = 15

    def test_a_place_in_assembly(self):
        """A place is told from the root of the tree, even if the objects come from another tree."""
        host = Host(os.path.join(ROOT, "obj", TOOLCHAIN), "", "")
        self.assertRegex(host.source_lines([host.image.address("_start")])[0],
                         r"^, at kern/init/entry\.S:\d+$")
        self.assertEqual([host.from_root(place) for place in (
            "/tmp/x/kern/init/entry.S:3", "/home/user/y/./user/libs/start.S:1", "./kern/a.c:1",
            "/nowhere/x.S:1")], ["kern/init/entry.S:3", "user/libs/start.S:1", "kern/a.c:1",
                                 "/nowhere/x.S:1"])

    def test_texts_and_json(self):
        """Two gradings in folders of other names give the same files, to the byte. One text
        tells a place in assembly, and another one the place where a run was stopped."""
        texts = [work_of("Ada", frame="    for (volatile int i = 0;; i++)\n        ;\n"),
                 work_of("Bob", dispatch="    ((void (*)(void))0)();\n")]
        files = [self.put("%d.txt" % n, text) for n, text in enumerate(texts)]
        found = []
        for number in range(2):
            out = self.path("out%d" % number)
            os.makedirs(os.path.join(out, "tmp"))
            status, output = lab("grade", "--toolchain", TOOLCHAIN, *files, "--exercises",
                                 "5.1,5.2", "--json", out + "/j", "--texts", out + "/r",
                                 "--csv", out + "/c", TMPDIR=out + "/tmp")
            self.assertEqual(status, 0, output)
            shutil.rmtree(os.path.join(out, "tmp"))
            found.append({path: pathlib.Path(out, path).read_bytes() for path in files_of(out)})
        self.assertEqual(found[0], found[1])
        text = json.dumps({name: data.decode() for name, data in found[0].items()})
        self.assertNotIn("rvlab-grade-", text)
        self.assertIn("it is in the kernel, at ", text)


if __name__ == "__main__":
    unittest.main()
