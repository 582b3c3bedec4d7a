"""Tests of tools/lab grade: hostile hand-ins and archives, and the marks of honest ones.

HostileTexts: a text that could break out of its region is refused with its line. Archives: paths
that lead out, links, bombs and damage cost one student's hand-in only. Marks plays the workshop by
Shop, which tells what each kernel would do: so the policies and the number of boots are tested
without a machine. Command runs the real thing once, with --resume, --csv and the formats.

Only Command needs a compiler and QEMU. test_collect.py and test_resume.py use helpers of this file.
Run alone: python3 tools/test/test_lab_grade.py
Without machines: python3 tools/test/test_lab_grade.py HostileTexts Archives Course Marks
"""
import csv
import glob
import io
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest
import zipfile
from types import SimpleNamespace
from unittest import mock

TOOLS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(TOOLS)
sys.path[:0] = [TOOLS, os.path.join(TOOLS, "test")]

from exercise import archives, gradebook, handin, marks, marksheet, submissions
from exercise.workshop import Built
from grader import sandbox
from grader.model import Outcome, Verdict
from labs import catalogue
from shops import Shop

TOOLCHAIN = os.path.basename(os.environ.get("RVLAB_OBJECTS", "obj/unknown-elf"))
REFERENCE = marks.Reference(ROOT, catalogue.load(), "0" * 12)
LAB = [region for region in REFERENCE.regions if region.exercise in ("5.1", "5.2", "5.3")]
WANTED = submissions.Wanted(REFERENCE.register, None)
DISPATCH, FRAME, COPY = ("5.2", "dispatch"), ("5.1", "set_user_frame"), ("5.3", "copy_entries")


def work_of(name="Ada", **texts):
    """The bytes of a hand-in. It has the reference's texts of three exercises, except for those
    that are given here."""
    found = handin.Handin(5, "")
    found.exercises = ["5.1", "5.2", "5.3"]
    found.student = {"name": name, "email": name + "@example.org", "id": ""}
    keys = {"dispatch": DISPATCH, "frame": FRAME, "copy": COPY}
    found.texts = {region.key: (region.text, 1) for region in LAB}
    found.texts.update((keys[key], (text, 1)) for key, text in texts.items())
    return handin.to_text(found, LAB).encode("utf-8", "surrogateescape")


class Folder(unittest.TestCase):
    """A base class for tests with a folder of their own."""

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def put(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)


class HostileTexts(unittest.TestCase):
    """Texts that want more than their region; each costs its own exercise only."""

    TEXTS = ["    result = 0; }\n", "    if (1) {\n", '#include "/etc/passwd"\n',
             '    asm(".incbin \\"/etc/passwd\\"");\n', '    _Pragma("GCC poison x")\n',
             "    cprintf(\"/* EXERCISE 5.2 end */\");\n", "    x = 1; /* no end\n",
             "    x\0 = 1;\n", "    x = 1; \\\n", "%: include <defs.h>\n",
             "    __asm__(\"nop\");\n", "??=include <defs.h>\n    \"\n", "    x = 1;\r    y = 2;\n",
             "    __attribute__((section(\"x\"))) int y;\n", "x" * 70000 + ";\n",
             "    __builtin_x(__has_include(\"/etc/passwd\"));\n"]

    def test_each_is_refused_with_its_line(self):
        for text in self.TEXTS:
            found = submissions.from_file(work_of(dispatch=text), "x")
            work = marks.Work(found, REFERENCE, ["5.1", "5.2", "5.3"])
            state, why = work.state["5.2"]
            self.assertEqual(state, marks.REFUSED, text[:60])
            self.assertRegex(why, r"^line \d+: ", text[:60])
            self.assertEqual(work.written, ["5.1", "5.3"])
            variant = REFERENCE.variant(work.texts, {"5.2"})
            self.assertEqual(list(variant), ["kern/syscall/syscall.c"])
            self.assertIn('not_written("5.2"', variant["kern/syscall/syscall.c"])

    def test_crlf_is_no_harm(self):
        found = submissions.from_file(work_of().replace(b"\n", b"\r\n"), "x")
        self.assertEqual(REFERENCE.variant(marks.Work(found, REFERENCE, ["5.1"]).texts), {})

    def test_missing_blank_absent(self):
        blank = '    /* x */\n    not_written("5.3", "c", a);\n'
        found = submissions.from_file(work_of(copy=blank), "x")
        del found.handin.texts[FRAME]
        found.handin.version = REFERENCE.version
        work = marks.Work(found, REFERENCE, ["5.1", "5.2", "5.3", "5.4"])
        self.assertEqual([work.state[number][0] for number in work.exercises],
                         [marks.REFUSED, marks.WRITTEN, marks.BLANK, marks.ABSENT])

    def test_a_name_of_the_kernel_is_not_redefined(self):
        """A #define of a word that the file or the compiler has is refused. A word of another file
        may be defined, because nothing here uses it."""
        for word, state in (("likely", marks.REFUSED), ("do_fork", marks.REFUSED),
                            ("__builtin_expect", marks.REFUSED), ("kstack_free", marks.WRITTEN)):
            found = submissions.from_file(work_of(dispatch="#define %s x\n    ;\n" % word), "x")
            self.assertEqual(marks.Work(found, REFERENCE, ["5.2"]).state["5.2"][0], state, word)

    def test_a_byte_that_is_not_utf8_is_decoded(self):
        found = submissions.from_file(work_of(dispatch="    x = 1; // \udcfcber\n"), "x")
        self.assertEqual(found.handin.texts[DISPATCH][0], "    x = 1; // \u00fcber\n")
        self.assertIn("is not UTF-8", "".join(found.handin.notes))


class Archives(Folder):
    """Archives that students upload, honest and hostile ones."""

    def zip(self, *members):
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members:
                archive.writestr(name, content)
        return data.getvalue()

    def tar(self, *members, mode="w:gz"):
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode=mode) as archive:
            for name, content in members:
                info = tarfile.TarInfo(name)
                if isinstance(content, str):
                    info.type, info.linkname = tarfile.SYMTYPE, content
                    archive.addfile(info)
                else:
                    info.size = len(content)
                    archive.addfile(info, io.BytesIO(content))
        return data.getvalue()

    def open(self, name, data):
        return submissions.collect([self.put(name, data)], WANTED)

    def refused(self, name, data, words):
        found = self.open(name, data)
        self.assertEqual(len(found), 1)
        self.assertRegex(found[0].refused, words)

    def test_hand_ins_and_trees_and_archives_of_them(self):
        inner = self.zip(("deep/h.txt", work_of("Cy")))
        tree = [("top/" + region.path, REFERENCE.texts[region.path].encode()) for region in LAB]
        for data, name in ((self.zip(("a/1.txt", work_of("Ada")), ("b.zip", inner)), "x.zip"),
                           (self.tar(("a/1.txt", work_of("Ada")), ("b.zip", inner)), "x.tgz")):
            self.assertEqual(sorted(each.student["name"] for each in self.open(name, data)),
                             ["Ada", "Cy"])
        for data, name in ((self.zip(*tree), "t.zip"), (self.tar(*tree, mode="w:xz"), "t.tar.xz")):
            wanted = submissions.Wanted(REFERENCE.register, ["5.2"])
            found = submissions.collect([self.put(name, data)], wanted)
            self.assertEqual([list(each.handin.texts) for each in found], [[DISPATCH]])

    def test_a_hand_in_in_a_tree(self):
        wanted = submissions.Wanted(REFERENCE.register, ["5.2"])
        for root in ("", "top/"):
            data = self.zip((root + "handin-lab5.txt", work_of("Ada")),
                            *[(root + region.path, b"x") for region in LAB])
            found = submissions.collect([self.put("t.zip", data)], wanted)
            self.assertEqual([each.source for each in found], [self.path("t.zip")])
        data = self.zip(("ada/1.txt", work_of("Ada")), ("bob/" + LAB[0].path, b"x"))
        self.assertEqual(len(submissions.collect([self.put("t.zip", data)], wanted)), 2)

    def test_paths_that_lead_out(self):
        for name in ("../x.txt", "/etc/x.txt", "a/../../x.txt", "..\\x.txt", "C:\\x.txt"):
            self.refused("x.zip", self.zip((name, b"x")), "leads out of the archive")
            self.refused("x.tar.gz", self.tar((name, b"x")), "leads out of the archive")

    def test_links_are_not_followed(self):
        path = "t/kern/syscall/syscall.c"
        found = submissions.collect(
            [self.put("x.tgz", self.tar((path, "/etc/passwd"), ("t/.handout.json", b"{}")))],
            submissions.Wanted(REFERENCE.register, ["5.2"]))
        self.assertEqual(found[0].handin.texts, {})
        os.makedirs(self.path("tree/kern/syscall"))
        os.symlink("/etc/passwd", self.path("tree/kern/syscall/syscall.c"))
        os.symlink("/etc/passwd", self.path("tree/answers.md"))
        found = submissions.collect([self.path("tree")],
                                    submissions.Wanted(REFERENCE.register, ["5.2"]))
        self.assertEqual((found[0].handin.texts, found[0].handin.answers), ({}, ""))

    def test_bombs(self):
        for name, value in (("MAX_UNPACKED", 1 << 20), ("MAX_COURSE", 2 << 20),
                            ("MAX_MEMBERS", 10)):
            self.addCleanup(setattr, archives, name, getattr(archives, name))
            setattr(archives, name, value)
        zeros = bytes(4 << 20)
        many = [("%d" % i, b"") for i in range(20)]
        for data in (self.zip(*many), self.tar(*many)):
            self.assertIn("more than 10 files", self.open("x.zip", data)[-1].refused)
        self.assertIn("more than 2 MiB", self.open("x.tar.gz", self.tar(("a", zeros)))[-1].refused)
        # The bomb of one student is refused, and the others of the course are graded.
        for bomb in (self.tar(("a", zeros)), self.zip(("x.tar", self.tar(("a", zeros), mode="w"))),
                     self.zip(*many)):
            found = self.open("x.zip", self.zip(("1/bomb", bomb), ("2/a.txt", work_of("Ada"))))
            self.assertEqual([each.title for each in found if not each.refused], ["Ada"])
            self.assertRegex(" ".join(each.refused for each in found), "more than (1 MiB|10 files)")

    def test_damaged(self):
        good = self.tar(("a", os.urandom(5000)))
        self.refused("x.tar.gz", good[:2000], "cannot be read")
        self.refused("x.zip", self.zip(("a", b"x" * 1000))[:60], "cannot be read")
        self.refused("x.zip", b"PK\3\4nonsense", "cannot be read")
        self.refused("x.tar", b"", "cannot be read|no hand-in")
        self.refused("x.txt", bytes(100), "no hand-in")
        self.refused("x.txt", b"rvlab hand-in, format 1\n" + b"x" * (10 << 20), "4 MiB")
        self.assertIn("No such file", submissions.collect(["/nowhere"], WANTED)[0].refused)
        self.assertIn("no file", submissions.collect(["/dev/zero"], WANTED)[0].refused)


class Course(Folder):
    """What comes from many students at once."""

    def test_links_in_a_folder(self):
        self.put("bob.txt", work_of("Bob"))
        os.makedirs(self.path("all/ada"))
        os.symlink("../../bob.txt", self.path("all/ada/mine.txt"))
        os.symlink(ROOT, self.path("all/tree"))
        found = submissions.collect([self.path("all")], WANTED)
        self.assertEqual([each.refused for each in found], ["this is a link, which is not followed"]
                         * 2)
        os.symlink("all", self.path("link"))
        self.put("all/ada/hand-in.txt", work_of("Ada"))
        self.assertIn("Ada", [each.title for each in submissions.collect([self.path("link")],
                                                                         WANTED)])

    def test_notes_for_the_teacher(self):
        names = {"Ada": b"5.1 5.2 5.3", "Bob": b"5.1 5.2 5.3 1.1", "Cy": b"5.1 5.2 5.3"}
        for file, name in (("1", "Ada"), ("2", "Bob"), ("3", "Cy"), ("4", "ada")):
            data = work_of(name).replace(b"5.1 5.2 5.3", names[name.title()])
            data = data.replace(b"handout: ", b"handout: " + REFERENCE.version.encode())
            self.put(file + ".txt", data)
        found = submissions.collect([self.folder], WANTED)
        students = [gradebook.Student(each, REFERENCE, None, "best") for each in found]
        gradebook.compare_sets(students, None)
        notes = zip(gradebook.compare(found), students)
        twice = ["2 hand-ins have this e-mail address"]
        self.assertEqual([more + student.notes for more, student in notes], [
            twice, ["it names other exercises than most: say --lab or --exercises"], [], twice])


class Marks(unittest.TestCase):
    """Which machines are booted, and which marks follow from their verdicts."""

    def marks(self, policy, verdict, **texts):
        shop, found = Shop(verdict), submissions.from_file(work_of(**texts), "x")
        work = marks.Work(found, REFERENCE, ["5.1", "5.2", "5.3"])
        result = marks.Examiner(REFERENCE, shop).marks(work, policy)
        json.dumps(result)
        for number, each in result["exercises"].items():
            self.assertEqual(each["max"], REFERENCE.exercises[number].points)
        return {number: each["mark"] * 100 // each["max"] for number, each
                in result["exercises"].items()}, result["exercises"], shop

    @staticmethod
    def drags_down(text, exercise):
        """A wrong 5.1 makes every test hang in a kernel that has it."""
        return Verdict.HANG if "HANGS" in text else Verdict.OK

    TESTS = sum(len(REFERENCE.tests[number]) for number in ("5.1", "5.2", "5.3"))

    def test_all_is_well(self):
        full, _, shop = self.marks("best", lambda *_: Verdict.OK)
        self.assertEqual(set(full.values()), {100})
        self.assertEqual(shop.boots, self.TESTS)

    def test_policies(self):
        bad = {"frame": "    /* HANGS */ ;\n", "copy": "    /* mine */ ;\n"}
        best, _, shop = self.marks("best", self.drags_down, **bad)
        self.assertEqual(best, {"5.1": 0, "5.2": 100, "5.3": 100})
        self.assertEqual(shop.boots, 2 + self.TESTS)    # a kernel without a change is not booted
        self.assertEqual(self.marks("alone", self.drags_down, **bad)[0], best)
        both, entries, _ = self.marks("both", self.drags_down, **bad)
        self.assertEqual(both, best)
        self.assertEqual([(each["together"], each["alone"] == each["max"])
                          for each in entries.values()], [(0, False), (0, True), (0, True)])
        self.assertEqual(set(self.marks("together", self.drags_down, **bad)[0].values()), {0})

    def test_the_first_failure_of_an_exercise_is_enough_to_look_at_it_alone(self):
        def wrong(text, exercise):
            return Verdict.WRONG if "MINE" in text else Verdict.OK
        best, _, shop = self.marks("best", wrong, frame="    /* MINE */ ;\n", copy="    ;\n")
        self.assertEqual(best, {"5.1": 0, "5.2": 100, "5.3": 100})
        self.assertEqual(shop.boots, 3 + self.TESTS + len(REFERENCE.tests["5.1"]) - 1)

    def test_objects_are_of_the_same_hand_in(self):
        one, two = (set(self.marks("best", self.drags_down, frame="    /* HANGS */ ;\n")[2].given)
                    for _ in range(2))
        self.assertEqual((len(one), len(two), len(one | two)), (1, 1, 2))

    def test_what_is_blank_is_blank_together(self):
        _, entries, shop = self.marks("together", lambda *_: Verdict.OK, dispatch="    ;;\n",
                                      copy='    not_written("5.3", "copy_entries", to);\n')
        self.assertEqual([each["state"] for each in entries.values()],
                         [marks.WRITTEN, marks.WRITTEN, marks.BLANK])
        self.assertIn("Write here", shop.texts["kern/mm/pagetable.c"])

    def test_what_does_not_compile_costs_itself(self):
        bad = {"frame": "    BROKEN;\n", "dispatch": "    if (\n", "copy": "    mine();\n"}
        for policy in ("best", "alone", "together"):
            got, entries, _ = self.marks(policy, lambda *_: Verdict.OK, **bad)
            self.assertEqual(got, {"5.1": 0, "5.2": 0, "5.3": 100})
            self.assertEqual(entries["5.1"]["state"], marks.BROKEN)
            self.assertIn("it is broken", entries["5.1"]["why"])
            self.assertEqual(entries["5.2"]["state"], marks.REFUSED)

    def test_what_has_passed_with_the_same_kernel_is_not_run_again(self):
        shop, work = Shop(lambda *_: Verdict.OK), submissions.from_file(work_of(), "x")
        examiner = marks.Examiner(REFERENCE, shop)
        once, twice = (examiner.marks(marks.Work(work, REFERENCE, ["5.1"]), "best") and shop.boots
                       for _ in range(2))
        self.assertEqual(once, twice)

    def test_a_host_that_fails_is_not_the_student(self):
        shop = Shop(lambda *_: Verdict.SETUP)
        work = marks.Work(submissions.from_file(work_of(), "x"), REFERENCE, ["5.1"])
        result = marks.Examiner(REFERENCE, shop).marks(work, "best")
        self.assertFalse(result["complete"])

    def test_a_kernel_that_no_machine_runs_is_the_texts_fault(self):
        def too_much(text, exercise):
            return Verdict.SETUP if "HUGE" in text else Verdict.OK
        found = submissions.from_file(work_of(frame="    /* HUGE */ ;\n"), "x")
        work = marks.Work(found, REFERENCE, ["5.1", "5.2"])
        result = marks.Examiner(REFERENCE, Shop(too_much)).marks(work, "best")
        self.assertTrue(result["complete"])
        first, second = result["exercises"].values()
        self.assertEqual((first["mark"], second["mark"]), (0, second["max"]))
        self.assertEqual(first["tests"][0]["verdict"], Verdict.WRONG)
        self.assertIn("no machine can run this kernel", "".join(first["tests"][0]["lines"]))

    def test_what_the_compiler_says(self):
        examiner = marks.Examiner(REFERENCE, Shop(None))
        why = "kern/mm/vma.c: the compiler gave up: this has no end, or needs too much memory (%s)"
        for said, words in (
                ("virtual memory exhausted: x\nSee\n", "virtual memory exhausted: x"),
                ("\n\n/shop/kern/mm/vma.c: out of memory\n", "kern/mm/vma.c: out of memory"),
                ("/tmp/c.s: messages:\nFatal: File too large\n", "Fatal: File too large"),
                *((blank, "it said nothing; make says: Killed") for blank in ("", " \n"))):
            built = Built(False, "  CC    kern/mm/vma.c\n%smake: *** [tools/build.mk:57: "
                          "obj/z/kobj/kern/mm/vma.c.o] Killed" % said)
            self.assertEqual(examiner.said(built), why % words)
        error = "kern/mm/vma.c:3:1: error: it is wrong"
        self.assertEqual(examiner.said(Built(False, "  CC    a\n/shop/%s\n" % error)), error)

    def test_no_folder_of_this_host(self):
        outcome = Outcome(REFERENCE.tests["5.1"][0], Verdict.PANIC,
                          ["at %s/kern/a.S:3" % ROOT, "x" * 100000,
                           "at %s/obj/kept/clang/kern/a.S:3, at /shop/kern/a.S:3" % ROOT,
                           "at /pristine/./kern/a.S:3"])
        told = marks.told(outcome, marks.Examiner(REFERENCE, Shop(None)).clean)
        self.assertEqual(told["lines"][3:], [
            "at kern/a.S:3, at kern/a.S:3", "at kern/a.S:3",
            "a timeline of such a run: make trace TEST=" + outcome.test.name])
        self.assertNotIn(ROOT, json.dumps(told))
        self.assertLess(len(json.dumps(told)), 2000)

    def test_cells_are_no_formulas(self):
        for text in ("=1+1", "+1", "-1", "@x", "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20x",
                     "\ufe661", "\u22121", "\u200b=1", "\ufeff=1", "\u207a1"):
            self.assertEqual(marksheet.cell(text), "'" + text)
        for text in ("Ada", "1=1", "\u738b=", "", "|x"):
            self.assertEqual(marksheet.cell(text), text)
        self.assertEqual(marksheet.cell("a\nb\0"), "a b\ufffd")


class Command(Folder):
    """The command line, with real machines."""

    SECONDS = 12

    def run_lab(self, *arguments):
        result = subprocess.run(
            [sys.executable, os.path.join(TOOLS, "lab"), "grade", "--toolchain", TOOLCHAIN]
            + list(arguments), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        return result.returncode, result.stdout.decode("utf-8", "replace")

    @staticmethod
    def lines(output):
        """The line of each hand-in, without its number."""
        return sorted(line.partition("] ")[2] for line in output.split("\n") if "[" in line)

    def test_grading(self):
        """Four hand-ins are graded: two good ones, one that does not compile, one with a refused
        text. Then the results that --resume kept are used."""
        broken = self.put("broken.txt", work_of("=Bo", frame="    nonsense;\n"))
        refused = self.put("refused.txt", work_of("Cy", dispatch='#include "/etc/passwd"\n'))
        good = [self.put("good.txt", work_of("Ada")), self.put("same.txt", work_of("Ada2"))]
        out = [self.path(name) for name in ("marks.csv", "marks.json", "reports", "state")]
        command = [broken, refused] + good + [
            "--exercises", "5.1,5.2", "--csv", out[0], "--json", out[1], "--reports", out[2],
            "--resume", out[3]]
        status, output = self.run_lab(*command)
        self.assertEqual(status, 0, output)
        with open(out[0], encoding="utf-8-sig", newline="") as file:
            table = {row["student"]: row for row in csv.DictReader(file)}
        got = {name: (row["5.1"], row["5.2"], row["total"]) for name, row in table.items()}
        self.assertEqual(got, {"'=Bo": ("0", "15", "15"), "Cy": ("15", "0", "15"),
                               "Ada": ("15", "15", "30"), "Ada2": ("15", "15", "30")})
        self.assertRegex(table["Cy"]["notes"], r"5\.2 refused: line \d+: ")
        self.assertRegex(table["'=Bo"]["notes"], r"does not compile: kern/process/exec\.c:\d+")
        self.assertEqual(len(os.listdir(out[2])), 4)
        before = os.stat(out[3]).st_mtime_ns
        status, again = self.run_lab(*command)          # nothing is built or booted again
        self.assertEqual(self.lines(again), self.lines(output))
        self.assertEqual(os.stat(out[3]).st_mtime_ns, before)
        self.assertNotIn("Traceback", output)
        status, output = self.run_lab(broken, "--exercises", "5.1,5.2", "--resume", out[3],
                                      "--autolab", "-", "--gradescope", self.path("scope"))
        self.assertEqual(json.loads(output.split("\n")[-2]), {"scores": {"5.1": 0, "5.2": 15}})
        with open(self.path("scope"), encoding="utf-8") as file:
            self.assertEqual(json.load(file)["score"], 15)

    def test_where_no_box_works(self):
        """The status and all marks are those of a host with one; output, table and report of each
        student name it."""
        good, folder, found = self.put("good.txt", work_of("Ada")), self.path("bin"), []
        os.mkdir(folder)
        os.chmod(self.put(os.path.join("bin", sandbox.TOOL), b"#!/bin/sh\nexit 1\n"), 0o755)
        for number, path in enumerate((os.environ["PATH"], folder + ":" + os.environ["PATH"])):
            table, reports = self.path("%d.json" % number), self.path("reports%d" % number)
            with mock.patch.dict(os.environ, PATH=path):
                status, output = self.run_lab(good, "--exercises", "5.1", "--json", table,
                                              "--reports", reports, "--csv", table + ".csv")
            self.assertEqual(status, 0, output)
            found.append(json.loads(pathlib.Path(table).read_text("utf-8")))
        self.assertEqual(found[0].pop("sandbox"), sandbox.why_not() or sandbox.TOOL)
        why = found[1].pop("sandbox")
        self.assertIn("no sandbox: this system forbids it", why)
        first, second = (each["students"][0] for each in found)
        self.assertEqual((first.pop("sandbox"), second.pop("sandbox")), (sandbox.why_not(), why))
        self.assertEqual((found[0], first["total"]), (found[1], 15))
        self.assertIn(why + "\n", output)
        for path in glob.glob(os.path.join(reports, "*")) + [table + ".csv"]:
            self.assertIn(why, pathlib.Path(path).read_text("utf-8"), path)

    def test_a_lab_is_meant_without_its_parts_of_their_own(self):
        reference = marks.Reference(ROOT, catalogue.load(), "")
        for lab, exercises, few in (("8", "", True), ("8", "8.1,8.6", False), ("", "8.7", False)):
            asked = gradebook.chosen(reference, SimpleNamespace(lab=lab, exercises=exercises))
            self.assertEqual(asked, exercises.split(",") if exercises else [
                number for number in sorted(reference.exercises)
                if number[0] == "8" and number not in ("8.6", "8.7", "8.T")])
            found = SimpleNamespace(exercises=["8.1", "8.9"])
            self.assertEqual(gradebook.strangers(found, reference, asked), ["8.9"] if few else [])

    def test_wrong_commands(self):
        good = self.put("good.txt", work_of())
        for words, arguments in (
                ("there is no lab 10", [good, "--lab", "10"]),
                ("there is no exercise 9.9", [good, "--exercises", "9.9"]),
                ("cannot be written", [good, "--csv", "/nowhere/x.csv"]),
                ("it is a folder", [good, "--csv", self.folder]),
                ("is for one hand-in", [good, self.put("b", work_of()), "--gradescope", "x",
                                        "--lab", "5"]),
                ("gradescope needs --lab", [good, "--gradescope", "x"]),
                ("autolab needs --lab", [good, "--autolab", "-"]),
                ("no file of --resume", [good, "--resume", self.put("s", b"{}")]),
                ("nonsense is missing", [good, "--qemu", "nonsense"])):
            status, output = self.run_lab(*arguments)
            self.assertEqual(status, 2, output)
            self.assertIn(words, output)
            self.assertNotIn("Traceback", output)
        status, output = self.run_lab(self.put("n", b"nonsense"))
        self.assertEqual(status, 1, output)
        self.assertIn("0 graded, 1 refused", output)

    def test_interrupted(self):
        many = [self.put("%d.txt" % n, work_of(frame="    /* %d */ ;\n" % n)) for n in range(9)]
        process = subprocess.Popen(
            [sys.executable, os.path.join(TOOLS, "lab"), "grade", "--toolchain", TOOLCHAIN] + many,
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=dict(os.environ, TMPDIR=self.folder))
        while process.poll() is None and not glob.glob(self.path("rvlab-*/pristine")):
            time.sleep(0.05)                    # it is in the middle of its work then
        process.send_signal(signal.SIGTERM)
        output = process.communicate(timeout=900)[0].decode()
        self.assertEqual(process.returncode, 130, output)
        self.assertIn("interrupted", output)
        self.assertNotIn("Traceback", output)


if __name__ == "__main__":
    unittest.main()
