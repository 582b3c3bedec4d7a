"""A course with hand-ins that attack whoever grades it, from the command line to the reports.

Course grades two honest hand-ins of exercise 1.3 alone, and once more with hostile ones between
them, in the box and where there is none. What is said of the honest ones must be the same bytes.
Compiler shows that the box holds what the check of texts would let through if it had a defect: it
builds texts that were not checked. test_sandbox.py has commands in place of texts.
Run alone: python3 tools/test/test_hostile.py
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

TOOLS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(TOOLS)
sys.path[:0] = [TOOLS, os.path.join(TOOLS, "test")]

from exercise import handin, marks, regions, workshop
from grader import sandbox
from trees import OBJECTS, ShopTest

NUMBER, PATH, ESCAPE = "1.3", "kern/debug/backtrace.c", b"\x1b"
REGION, = (region for region in regions.parse_tree(ROOT) if region.exercise == NUMBER)
WRONG = "    print_place(fp, fp);\n"
# Each argument is expanded before it is put in: the text doubles 60 times.
DOUBLES = "#define D(x) x + x\n    fp = %s1%s;\n" % ("D(" * 60, ")" * 60)
HUGE = "    static char huge[4000000000] = {1};\n    cprintf(\"%p\\n\", huge);\n"
# name: (text, state, words that its report has)
HOSTILE = {
    "doubles": (DOUBLES, marks.BROKEN, "the compiler gave up"),
    "huge": (HUGE, marks.BROKEN, "the compiler gave up"),
    "passwd": ('#include "/etc/passwd"\n', marks.REFUSED, "not #include"),
    "zero": ('#include "/dev/zero"\n', marks.REFUSED, "not #include"),
    "itself": ('#include "backtrace.c"\n', marks.REFUSED, "not #include"),
    "comment": ("    /* \x1b[2J */\n" + REGION.text, marks.REFUSED, "(0x1b)"),
    "error": ("#error \x1b[2J\n", marks.REFUSED, "(0x1b)"),
    "message": ('    _Static_assert(0, "\\033[2J gone");\n', marks.BROKEN, "gone"),
    "prints": ('    cprintf("\\033[2J gone\\n");\n', marks.WRITTEN, "gone"),
}


def work_of(name, text, number=""):
    """The bytes of a hand-in of one student with this text."""
    found = handin.Handin(1, "")
    found.exercises, found.texts = [NUMBER], {REGION.key: (text, 1)}
    found.student = {"name": name, "email": "", "id": number}
    return handin.to_text(found, [REGION]).encode()


def words_of_passwd():
    """The longer words of the first line of /etc/passwd."""
    with open("/etc/passwd") as file:
        return [word for word in file.readline().strip().split(":") if len(word) > 3]


class Course(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.outside = self.put("outside.txt", b"20 points")
        self.first, self.last = (self.put(name + ".txt", work_of(name, text)) for name, text in
                                 (("Bo", WRONG), ("Ada", REGION.text)))
        self.hostile = [self.put(name + ".txt", work_of(name, text))
                        for name, (text, _, _) in HOSTILE.items()]
        # One whose name clears the screen, and whose report would be written elsewhere.
        self.hostile.append(self.put("\x1b[2J.txt", work_of("\x1b[2JEve", WRONG, "../outside")))

    def put(self, name, data):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def grade(self, name, works):
        """Grade these files: ({student: row as text}, {file: report}, all that was written)."""
        table, reports = (os.path.join(self.folder, name + each) for each in (".json", ".reports"))
        result = subprocess.run(
            [sys.executable, os.path.join(TOOLS, "lab"), "grade", "--toolchain",
             os.path.basename(OBJECTS), "--exercises", NUMBER, "-j", "1", "--json", table,
             "--csv", table + ".csv", "--reports", reports] + works,
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(result.returncode, 0, result.stdout)
        found = {}
        for path in [table, table + ".csv"] + [os.path.join(reports, each)
                                               for each in os.listdir(reports)]:
            with open(path, "rb") as file:
                found[os.path.basename(path)] = file.read()
        rows = {row["name"]: row for row in json.loads(found[name + ".json"].decode())["students"]}
        self.assertEqual(len(rows), len(works))
        return rows, found, [result.stdout] + list(found.values())

    def check_hostile(self, rows, found, written):
        """Each hostile hand-in has its verdict, and nothing of it or of this host has got out."""
        for name, (_, state, word) in HOSTILE.items():
            entry = rows[name]["exercises"][NUMBER]
            self.assertEqual((entry["state"], entry["mark"]), (state, 0), name)
            self.assertIn(word, found[name + ".txt"].decode(), name)
        for data in written:
            self.assertNotIn(ESCAPE, data)
            for word in words_of_passwd():
                self.assertNotIn(word, data.decode().replace(self.folder, ""))
        with open(self.outside, "rb") as file:
            self.assertEqual(file.read(), b"20 points")

    def both(self):
        """Grade the honest hand-ins alone, and with the hostile ones."""
        alone, reports, _ = self.grade("alone", [self.first, self.last])
        self.assertEqual([alone[name]["total"] for name in ("Bo", "Ada")], [0, 30])
        rows, found, written = self.grade("all", [self.first] + self.hostile + [self.last])
        for name in ("Bo", "Ada"):
            self.assertEqual(json.dumps(rows[name]), json.dumps(alone[name]))
            self.assertEqual(found[name + ".txt"], reports[name + ".txt"])
        self.check_hostile(rows, found, written)
        return found["all.json"]

    @unittest.skipIf(sandbox.why_not(), sandbox.why_not())
    def test_in_the_box(self):
        self.assertEqual(json.loads(self.both().decode())["sandbox"], sandbox.TOOL)

    def test_where_no_box_works(self):
        os.mkdir(os.path.join(self.folder, "bin"))
        os.chmod(self.put(os.path.join("bin", sandbox.TOOL), b"#!/bin/sh\nexit 1\n"), 0o755)
        path = os.path.join(self.folder, "bin") + os.pathsep + os.environ["PATH"]
        with mock.patch.dict(os.environ, PATH=path):
            self.assertIn(b"no sandbox: this system forbids it", self.both())


@unittest.skipIf(sandbox.why_not(), sandbox.why_not())
class Compiler(ShopTest):
    def said_of(self, text):
        """What the compiler says of a text that was not checked."""
        source = regions.replace(regions.read(ROOT, PATH), PATH, {REGION.key: text})
        with self.shop.variant({PATH: source}) as built:
            self.assertFalse(built.succeeded)
            return built.output

    def test_reads_nothing_of_the_host(self):
        for text in ('#include "/etc/passwd"\n', '    asm(".incbin \\"/etc/passwd\\"");\n',
                     '#include "%s"\n' % os.path.abspath(__file__)):
            said = self.said_of(text)
            self.assertRegex(said, "No such file|file not found")
            for word in words_of_passwd():
                self.assertNotIn(word, said)

    def test_what_has_no_end(self):
        """Memory is limited, and so is what is kept of all that the compiler says."""
        self.assertRegex(self.said_of('#include "/dev/zero"\n'), "out of memory|memory exhausted")
        said = self.said_of('#include "backtrace.c"\n')
        self.assertTrue("error" in said and len(said) <= workshop.LIMITS.output, len(said))


if __name__ == "__main__":
    unittest.main()
