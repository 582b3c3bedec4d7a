"""Tests of grade --jobs ssh:HOSTS and --jobs slurm, with commands that are played by small scripts.

Played are ssh, GNU parallel, sbatch, squeue, scancel, and the worker, which may die behind its
first line, damage a line, or say that it would grade differently. Each hand-in must have one
result, or a sentence. Assignment: of a course all files are the same to the byte, but for the line
that says that a host has no sandbox. Batch has the form of the files, and lines of strangers.
tools/clusters.py does that with the real commands.

Run alone: python3 tools/test/test_cluster.py
"""
import contextlib
import csv
import io
import json
import os
import sys
import types
import unittest
from unittest import mock

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from courses import Desk
from test_lab_grade import REFERENCE, Folder, work_of

from exercise import batch, cluster, marks, submissions
from grader import sandbox
from grader.model import Verdict

VERSION = "0123456789ab-89abcdef"
# A worker: the folder of the test has files that say what goes wrong, which count down.
WORKER = """import json, os, sys
path, state = sys.argv[2], %(state)r
def once(name):
    path = os.path.join(state, name)
    left = int(open(path).read()) if os.path.exists(path) else 0
    if left:
        open(path, "w").write(str(left - 1))
    return left
if once("other"):
    print("host would not give the same marks"); sys.exit(3)
for key, work in json.load(open(path))["jobs"]:
    line = "rvlab-result " + json.dumps({"key": key, "host": "h", "sandbox": "no box",
        "result": {"exercises": {}, "complete": True}}) + "\\n"
    if once("damage"):
        line = line[:len(line) // 2] + "\\n"
    sys.stdout.write(line); sys.stdout.flush()
    open(os.path.join(state, "graded"), "a").write(key + "\\n")
    if once("die"):
        sys.exit(1)
"""
SSH = """#!/bin/sh
case $1 in away) echo no route to host; exit 255;; esac
cd %(home)s && HOME=%(home)s exec sh -c "$2"
"""
PARALLEL = """#!/usr/bin/env python3
import os, subprocess, sys, time
words = sys.argv[1:]
at = words.index(":::")
workdir = os.path.join(%(home)r, words[words.index("--workdir") + 1])
os.makedirs(workdir, exist_ok=True)
for name in words[at + 1:]:
    command = words[at - 1].replace("{}", os.path.join(os.getcwd(), name))
    subprocess.run(command, shell=True, cwd=workdir)
if os.path.exists(os.path.join(%(state)r, "stays")):
    time.sleep(100)
    open(os.path.join(%(state)r, "ended"), "w")
"""
SBATCH = """#!/usr/bin/env python3
import os, re, subprocess, sys
words = {word.split("=")[0]: word.split("=")[-1] for word in sys.argv[1:-1]}
for number in range(1, int(words["--array"].split("-")[1]) + 1):
    with open(words["--output"].replace("%%a", str(number)), "ab") as out:
        subprocess.run(["sh", sys.argv[-1]], stdout=out,
                       env=dict(os.environ, SLURM_ARRAY_TASK_ID=str(number)))
print("17;cluster")
"""
SQUEUE = """#!/bin/sh
if [ -s %(state)s/silent ]; then
    echo 'slurm_load_jobs error: Socket timed out' >&2
    tail -n +2 %(state)s/silent >%(state)s/rest; mv %(state)s/rest %(state)s/silent; exit 1
fi
cat %(state)s/states 2>/dev/null || echo COMPLETED
"""
SCANCEL = "#!/bin/sh\necho \"$@\" >>%(state)s/cancelled\n"


class Played(Folder):
    """Jobs for a Cluster whose commands are played."""

    def setUp(self):
        super().setUp()
        names = {name: self.path(name) for name in ("home", "state", "bin", "root")}
        for place in (*names.values(), self.path("root/kern"), self.path("root/libs"),
                      self.path("root/user"), self.path("root/tools"),
                      self.path("home/.rvlab/trees/%s/tools" % VERSION)):
            os.makedirs(place, exist_ok=True)
        self.put("root/Makefile", b"")
        for place in ("root", "home/.rvlab/trees/" + VERSION):
            self.put(place + "/tools/lab", (WORKER % names).encode())
        for name, text in (("ssh", SSH), ("parallel", PARALLEL), ("sbatch", SBATCH),
                           ("squeue", SQUEUE), ("scancel", SCANCEL),
                           ("rsync", "#!/bin/sh\n")):
            os.chmod(self.put("bin/" + name, (text % names).encode()), 0o755)
        before = dict(os.environ)
        self.addCleanup(os.environ.update, before)
        os.environ["PATH"] = self.path("bin") + ":" + os.environ["PATH"]
        os.environ.pop("PARALLEL_SSH", None)
        found = submissions.from_file(work_of(), "x")
        work = marks.Work(found, REFERENCE, ["5.1", "5.2"])
        self.jobs = [("key%d" % number, work) for number in range(20)]

    def goes_wrong(self, **counts):
        """Say what goes wrong how often."""
        for name, count in counts.items():
            self.put("state/" + name, str(count).encode())

    def grading(self, jobs):
        """What a Cluster needs of a gradebook.Grading."""
        return types.SimpleNamespace(
            root=self.path("root"), made={"version": VERSION},
            options=types.SimpleNamespace(policy="best", toolchain="", qemu="q", jobs=jobs))

    def results(self, jobs):
        """(results of a Cluster, what it has printed)."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out), cluster.cluster(self.grading(jobs)) as pool:
            found = list(pool.run(self.jobs))
        self.assertEqual(sorted(key for key, _ in found), sorted(key for key, _ in self.jobs))
        self.assertEqual([name for name in os.listdir(self.path("root/obj/cluster"))
                          if name.startswith("run-")], [])
        return [result for _, result in found], out.getvalue()

    def graded(self):
        """How often a worker has graded a hand-in."""
        with open(self.path("state/graded")) as file:
            return len(file.readlines())


class Ways(Played):
    """What must be so over ssh and by Slurm."""

    WAYS = ("ssh:one,2/two", "slurm")

    def setUp(self):
        super().setUp()
        self.addCleanup(setattr, cluster, "POLL", cluster.POLL)
        cluster.POLL = 0

    def test_all_is_well(self):
        for way in self.WAYS:
            results, output = self.results(way)
            self.assertEqual(results, [{"exercises": {}, "complete": True}] * 20)
            self.assertEqual(output.count("h: no box\n"), 1)
            self.assertIn("20 hand-ins in ", output)
        self.assertEqual(self.graded(), 40)

    def test_a_worker_dies(self):
        for way in self.WAYS:
            self.goes_wrong(die=3)
            results, output = self.results(way)
            self.assertNotIn(str, set(map(type, results)))
            self.assertEqual(output.count(" hand-ins in "), 2, output)
        self.assertEqual(self.graded(), 40)             # what had a result is not graded again

    def test_a_line_is_damaged(self):
        for way in self.WAYS:
            self.goes_wrong(damage=2)
            results, output = self.results(way)
            self.assertNotIn(str, set(map(type, results)))
            self.assertIn("\n2 hand-ins in ", output)

    def test_a_host_that_would_grade_differently(self):
        for way in self.WAYS:
            self.goes_wrong(other=100)
            results, output = self.results(way)
            self.assertEqual({each[:24] for each in results}, {"no host has graded it: t"})
            with open(self.path("root/obj/cluster/output.log")) as file:
                self.assertIn("would not give the same marks", file.read())
            self.assertEqual(output.count("host would not give the same marks"), 1, output)

    def test_it_ends(self):
        self.jobs = [("key%d" % number, self.jobs[0][1]) for number in range(60)]
        self.goes_wrong(die=1000)
        results, output = self.results(self.WAYS[0])
        self.assertEqual(output.count(" hand-ins in "), cluster.ROUNDS)
        self.assertIn(str, set(map(type, results)))


class Hosts(Played):
    """What is of one way only."""

    def test_a_host_does_not_answer(self):
        results, output = self.results("ssh:one,away")
        self.assertIn("away is left out: no route to host", output)
        self.assertNotIn(str, set(map(type, results)))
        with self.assertRaisesRegex(cluster.ClusterError, "none of the hosts"):
            self.results("ssh:away")
        with self.assertRaisesRegex(cluster.ClusterError, "names no host"):
            self.results("ssh:")

    def test_the_tree_is_unpacked(self):
        os.rename(self.path("home/.rvlab"), self.path("gone"))
        results, _ = self.results("ssh:one,two")
        self.assertNotIn(str, set(map(type, results)))
        self.assertEqual(os.listdir(self.path("home/.rvlab/trees")), [VERSION])

    def test_an_interruption_ends_all(self):
        self.goes_wrong(stays=1)
        grading = self.grading("ssh:one")
        with contextlib.redirect_stdout(io.StringIO()), cluster.cluster(grading) as pool:
            found = pool.run(self.jobs)
            self.assertEqual(next(found)[1], {"exercises": {}, "complete": True})
            found.close()
        self.assertNotIn("ended", os.listdir(self.path("state")))

    def test_a_cancelled_array(self):
        self.goes_wrong(die=1)
        self.put("state/states", b"COMPLETED\nCANCELLED\n")
        results, output = self.results("slurm")
        self.assertEqual(output.count(" hand-ins in "), 1)
        self.assertEqual(sum(isinstance(each, str) for each in results), 1)

    def test_a_controller_that_does_not_answer(self):
        """It is asked again, and the array goes on meanwhile. One that never answers is given up;
        then the array is cancelled, or it would go on beside the next round."""
        for times, cancelled in ((3, False), (cluster.SILENT, True)):
            with self.subTest(times), mock.patch.object(cluster, "POLL", 0.01):
                self.put("state/silent", b"once\n" * times)
                with contextlib.redirect_stdout(io.StringIO()), \
                        cluster.cluster(self.grading("slurm")) as found:
                    list(found.lines(found.write(self.jobs)))
                self.assertEqual(os.path.exists(self.path("state/cancelled")), cancelled)

    def test_what_is_missing(self):
        os.environ["PATH"] = self.path("bin")
        for name, way in (("parallel", "ssh:one"), ("rsync", "ssh:one"), ("sbatch", "slurm")):
            os.remove(self.path("bin/" + name))
            with self.assertRaisesRegex(cluster.ClusterError, name + " is missing"):
                self.results(way)
            self.put("bin/" + name, b"#!/bin/sh\n")
            os.chmod(self.path("bin/" + name), 0o755)


COURSE = """[course]
late: 10% a day, 3 days
groups: 2
[fork]
exercises: 5.1 5.2 5.3
points: 5.1 30, 5.2 10, 5.3 20
due: 2027-03-10 12:00
"""


class Assignment(Desk):
    """An assignment of a course on other hosts: all files are the same as by this machine alone.

    whys  why the hosts have no sandbox, one after the other; without it they are as this one
    """
    whys = ()

    @contextlib.contextmanager
    def far(self, grading):
        """In the place of a Cluster: to other hosts go files, and lines come back."""
        def run(jobs):
            for job in reversed(jobs):
                self.far_jobs += 1
                batch.write(self.path("batch"), batch.about(grading), [job])
                lines = []
                with self.other_host(), \
                        mock.patch.object(marks, "Reference", lambda *_: self.reference), \
                        mock.patch.object(os, "write", lambda _, data: lines.append(data.decode())):
                    self.assertEqual(batch.run(grading.root, self.path("batch"), 1), 0)
                found, = map(batch.result_of, lines)
                yield found["key"], found["result"]
        yield types.SimpleNamespace(run=run)

    @contextlib.contextmanager
    def other_host(self):
        """As long as this lasts the sandbox is that of the host whose turn it is."""
        if not self.whys:
            yield
            return
        why = self.whys[self.far_jobs % len(self.whys)]
        with mock.patch.object(sandbox, "why_not", lambda: why):
            yield

    def begin(self):
        """Three hand-ins of a course."""
        self.far_jobs = 0
        self.put_in_place(cluster, "cluster", self.far)
        self.verdict = lambda text, exercise: Verdict.WRONG if "MINE" in text else Verdict.OK
        self.put("c.ini", COURSE.encode())
        self.put("times.csv", b"file,time\na.txt,2027-03-11\nb.txt,2027-03-01\n")
        self.put("a.txt", work_of(frame="    /* MINE */ ;\n").replace(
            b"email: Ada@example.org\n", b"email: Ada@example.org\nmember: Bob, bob@x.org\n"))
        self.put("b.txt", work_of("Eve"))
        self.put("c.txt", work_of("Zoe", copy="    BROKEN\n"))

    def files(self, jobs):
        """[table, JSON, text of each student] of a grading."""
        place = jobs.partition(":")[0]
        status, text = self.lab(
            "grade a.txt b.txt c.txt --course c.ini --assignment fork --times times.csv --jobs "
            "%s --csv %s.csv --json %s.json --texts texts-%s" % (jobs, place, place, place))
        self.assertEqual(status, 0, text)
        return [self.text(place + each) for each in (".csv", ".json")] + [
            self.text("texts-%s/%s" % (place, each))
            for each in sorted(os.listdir(self.path("texts-" + place)))]

    def test_a_host_without_a_sandbox(self):
        """Who was graded there is told so, and nobody else; nothing else is another text. What this
        machine has does not matter."""
        self.begin()
        for here in ("", "no sandbox: here"):
            with mock.patch.object(sandbox, "why_not", lambda: ""):
                self.whys = ("", "", "")
                files = {"": self.files("slurm")}
            with mock.patch.object(sandbox, "why_not", lambda: here):
                self.whys = ("", "no sandbox: there", "")
                files["there"] = self.files("slurm")
            lines = [text.count("note: no sandbox: there\n") for text in files["there"][2:]]
            self.assertEqual(sorted(lines), [0, 0, 0, 1], lines)
            for text in files["there"]:
                self.assertNotIn("no sandbox: here", text)
            table, data, *texts = files["there"]
            self.assertEqual(json.loads(data)["sandbox"], "no sandbox: there")
            self.assertEqual(json.loads(files[""][1])["sandbox"], sandbox.TOOL)
            without = [table.replace("no sandbox: there; ", "").replace("no sandbox: there", ""),
                       data.replace("no sandbox: there", "", 2).replace(
                           '"sandbox": ""', '"sandbox": "%s"' % sandbox.TOOL, 1)] + [
                               text.replace("note: no sandbox: there\n", "") for text in texts]
            self.assertEqual(without, files[""])

    def test_it_is_the_same_to_the_byte(self):
        self.begin()
        files = {}
        for name in ("1", "ssh:one,two", "slurm"):
            files[name.partition(":")[0]] = self.files(name)
        self.assertEqual(self.far_jobs, 6)
        self.assertEqual(files["ssh"], files["1"])
        self.assertEqual(files["slurm"], files["1"])
        rows = {row["email"]: row["total"] for row in csv.DictReader(
            io.StringIO(files["1"][0].lstrip("\ufeff")))}
        self.assertEqual(rows["Eve@example.org"], "60")
        self.assertEqual((rows["bob@x.org"], rows["bob@x.org"] < "60"), (
            rows["Ada@example.org"], True))


class Batch(Folder):
    """The form of files and lines."""

    def test_a_work_comes_back(self):
        found = submissions.from_file(work_of(dispatch="    x\udcff;\n"), "x")
        work = marks.Work(found, REFERENCE, ["5.1", "5.2", "5.4"], ["5.2"])
        path = self.path("b")
        batch.write(path, {"schema": batch.SCHEMA}, [("k", work)])
        (key, data), = batch.read(path)["jobs"]
        back = batch.from_data(data)
        self.assertEqual((key, back.digest("v", "p")), ("k", work.digest("v", "p")))
        self.assertEqual((back.tested, back.texts, back.state),
                         (work.tested, work.texts, work.state))
        work.patched = {"5.T": {"kern/syscall/syscall.c": "    x\udcff;\n"}}
        (key, data), = batch.read(self.batch_of(work))["jobs"]
        self.assertEqual(batch.from_data(data).patched, work.patched)

    def batch_of(self, work):
        """The path of a batch with one Work."""
        batch.write(self.path("c"), {"schema": batch.SCHEMA}, [("k", work)])
        return self.path("c")

    def test_files_that_are_none(self):
        for data in (b"", b"{}", b"[1]", b'{"schema": "x"}', b"\xff"):
            with self.assertRaises(batch.BatchError):
                batch.read(self.put("b", data))

    def test_lines_of_strangers(self):
        good = batch.line_of("k", {"exercises": {}, "complete": True})
        self.assertEqual(batch.result_of(good)["key"], "k")
        self.assertEqual(batch.result_of(batch.line_of("k", "a host failed"))["result"],
                         "a host failed")
        value = json.loads(good[len(batch.MARK):])
        for line in ("", "make: nothing\n", good[:-1], good[:20] + "\n", batch.MARK + "[]\n",
                     batch.MARK + "{}\n") + tuple(
                         batch.MARK + json.dumps(dict(value, **{name: 5})) + "\n"
                         for name in value):
            self.assertIsNone(batch.result_of(line), line)


if __name__ == "__main__":
    unittest.main()
