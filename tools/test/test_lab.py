"""Tests of handouts without solutions, of what a student's tree says of itself, and of hand-ins.

A handout of each lab is made: no line of a solution that is due may stand in any of its files, and
what is put back into its regions must be the reference again. Some handouts are built. `check` must
name the state of each exercise and each change elsewhere; damage must cost one line and never a
grading. A hand-in that is written and read back must be the same, whatever letters are in it.

Needs the built objects and their compiler for the class Builds; no QEMU.
Run alone: python3 tools/test/test_lab.py
One class: python3 tools/test/test_lab.py NoSolutions
"""
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest
import unittest.mock
import zipfile

TOOLS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(TOOLS)
sys.path.insert(0, TOOLS)

import check_readme
from book import checks, makebook, render, sources
from exercise import handin, handout, incoming, manifest, marks, regions, symbols
from grader import formats
from labs import catalogue

OBJECTS = os.environ.get("RVLAB_OBJECTS", "obj/unknown-elf")
LEAST = 25                              # characters; shorter lines may stand anywhere by chance
EXEC = "kern/process/exec.c"


def data_of(path):
    with open(path, "rb") as file:
        return file.read()


def read_all(folder):
    """{path: text} of all files in a folder."""
    return {name: data_of(full).decode("utf-8", "replace")
            for full, name in handout.files_below(folder)}


def lab(*arguments, folder=None, tool=None, **more):
    """Run tools/lab of this tree, or of another one: (exit status, what it printed)."""
    result = subprocess.run([sys.executable, tool or os.path.join(TOOLS, "lab")] + list(arguments),
                            cwd=folder or ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, **more)
    return result.returncode, result.stdout.decode("utf-8", "replace")


class Folder(unittest.TestCase):
    """A base class for tests with a folder of their own, whose name has a blank."""

    def setUp(self):
        self.folder = os.path.join(tempfile.mkdtemp(), "a b")
        os.mkdir(self.folder)
        self.addCleanup(shutil.rmtree, os.path.dirname(self.folder))

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def make(self, number, name="tree", **more):
        """Make a handout: (its Manifest, its folder)."""
        plan = handout.plan_of(number, **more)
        uses = plan.brings_kernel and symbols.Uses(
            marks.Reference(ROOT, catalogue.load(), ""), ROOT, os.path.join(ROOT, OBJECTS))
        return handout.make(ROOT, plan, self.path(name), uses), self.path(name)

    def edit(self, path, old, new):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.assertEqual(text.count(old), 1, old)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(old, new))


class NoSolutions(Folder):
    """A handout tells no solution of what is due, in no file."""

    SECONDS = 20

    @classmethod
    def setUpClass(cls):
        cls.regions = regions.parse_tree(ROOT)
        cls.numbers = {region.exercise for region in cls.regions}
        plan = handout.plan_of(max(lab.number for lab in catalogue.load() if lab.exercises))
        paths = set(handout.sources(ROOT, plan)) | {"README.md"}
        cls.whole = "\n".join(regions.read(ROOT, path) for path in sorted(paths)
                              if os.path.isfile(os.path.join(ROOT, path)))

    def telling(self, blank):
        """Lines of the solutions that stand nowhere else in the tree."""
        lines = {line.strip() for region in self.regions if region.exercise in blank
                 for line in region.text.split("\n")}
        return [line for line in sorted(lines) if len(line) > LEAST
                and self.whole.count(line) == 1]

    def check(self, about, tree):
        files = read_all(tree)
        lines = self.telling(about.blank)
        self.assertGreater(len(lines), 10)
        for path, text in files.items():
            self.assertEqual([line for line in lines if line in text], [], path)
        given = regions.load_given(ROOT)
        for region in regions.parse_tree(tree):
            if region.form == "given":
                self.assertEqual(regions.is_as_given(region.text, given[region.key]),
                                 region.exercise in about.blank, region.key)
                continue
            self.assertEqual(region.is_blank, region.exercise in about.blank or
                             not self.reference(region).text.strip(), region.key)
        for name in (".git", "obj", "tools/mutants", "tools/test", "tools/labs/beyond.py",
                     "tools/exercise/marks.py", "tools/exercise/handout.py"):
            self.assertFalse(os.path.exists(os.path.join(tree, name)), name)
        self.assertEqual(list(check_readme.check_links(tree)), [])

    def reference(self, region):
        return next(each for each in self.regions if each.key == region.key)

    def test_every_lab(self):
        for number in sorted({int(region.exercise[0]) for region in self.regions}):
            about, tree = self.make(number, "lab%d" % number)
            self.assertTrue(all(int(each[0]) == number for each in about.due), about.due)
            self.check(about, tree)
            self.assertFalse(os.path.exists(os.path.join(tree, "tools/labs/lab%d.py"
                                                         % (number + 1))))

    def test_choices(self):
        about, tree = self.make(5, solved="1,3-4", exercises="5.1,5.3")
        self.check(about, tree)
        labs = {exercise[0] for exercise in about.blank}
        later = {region.exercise[0] for region in self.regions if region.exercise > "6"}
        self.assertEqual(labs, {"2", "5"} | later)
        self.assertEqual([each for each in about.due if each[0] == "5"], ["5.1", "5.3"])
        none, _ = self.make(4, "none", solved="none")
        self.assertEqual({each[0] for each in none.due}, {"1", "2", "3", "4"})

    def test_parts_of_their_own(self):
        """They are blank if they are named, and else solved."""
        usual = ["8.1", "8.2", "8.3", "8.4", "8.5"]
        for words, due in ((None, usual), ("8.6", ["8.6"]), ("8.1,8.7", ["8.1", "8.7"])):
            plan = handout.plan_of(8, exercises=words)
            self.assertEqual(plan.due, [number for number in due if number in self.numbers])
            self.assertEqual([number for number in plan.blank if number[0] == "8"], plan.due)
        self.assertTrue({"8.6", "8.7"} <= set(handout.plan_of(7).blank))

    def test_the_reference_put_in_is_the_reference(self):
        _, tree = self.make(3)
        for path in {region.path for region in self.regions}:
            text = regions.read(tree, path)
            own = {region.key: region.text for region in self.regions}
            self.assertEqual(regions.replace(text, path, own), regions.read(ROOT, path), path)

    def test_pages_tell_nothing_of_a_challenge(self):
        text = regions.read(self.make(6)[1], "docs/tree.md")
        self.assertEqual(re.findall(r"(?m)^    (?:sched|pmm)_own\.c +(.*)", text),
                         ["a scheduler of one's own", "an allocator of one's own"])

    def test_drawings(self):
        """A handout has those that its text shows, and no others."""
        self.assertEqual(sorted(os.listdir(os.path.join(self.make(4)[1], "docs/pictures"))),
                         ["blocks.svg", "life.svg", "sv39.svg"])

    def test_pages_for_a_browser(self):
        """They are made of the handout, so they tell no solution either. Instead of pandoc there is
        a stand-in, which keeps each word."""
        with unittest.mock.patch.object(render, "pandoc", lambda words, text:
                                        '<h1 id="x">x</h1>\n<pre>%s</pre>\n' % text):
            about = handout.make(ROOT, handout.plan_of(5), self.path("tree"),
                                 pages=makebook.build_pages)
        self.check(about, self.path("tree"))
        names = os.listdir(self.path("tree", "book"))
        self.assertTrue({"index.html", "style.css", "lab1.html", "lab5.html"} <= set(names))
        self.assertFalse({"lab6.html", "teachers.html", "rvlab.epub"} & set(names))
        self.assertIn("book/index.html", regions.read(self.path("tree"), "README.md"))

    def test_readme_names_what_is_there(self):
        """Links and commands; no book, no check and no screen that this handout has not."""
        for number in (1, 9):
            tree = self.make(number, "lab%d" % number)[1]
            self.assertEqual(list(checks.complaints(tree, sources.load(tree))), [])
            text = regions.read(tree, "README.md")
            self.assertIsNone(re.search("book|make test", text))
            self.assertEqual("session.svg" in text, number == 9)
            self.assertEqual(os.path.exists(os.path.join(tree, handout.SESSION)), number == 9)

    def test_chapters(self):
        text = "# All\n\n## Lab 1: a\nx\n### 1.1\n\n## Lab 2: b\ny\n### 2.1\nz\n\n## Honesty\nw\n"
        self.assertEqual(handout.cut_chapters(text, {1}),
                         "# All\n\n## Lab 1: a\nx\n### 1.1\n\n## Honesty\nw\n")
        self.assertEqual(handout.cut_chapters(text, {1, 2}), text)

    def test_archives(self):
        _, tree = self.make(2, "plain")
        files = read_all(tree)
        for name in ("h.zip", "h.tar.gz", "h.tar"):
            self.make(2, name)
            if name.endswith(".zip"):
                with zipfile.ZipFile(self.path(name)) as archive:
                    found = {info.filename: (archive.read(info), info.external_attr >> 16)
                             for info in archive.infolist()}
            else:
                with tarfile.open(self.path(name)) as archive:
                    found = {info.name: (archive.extractfile(info).read(), info.mode)
                             for info in archive}
            self.assertEqual({path[2:]: data.decode("utf-8", "replace")
                              for path, (data, mode) in found.items()}, files)
            self.assertEqual(found["h/tools/lab"][1] & 0o777, 0o755)
        before = data_of(self.path("h.tar"))
        os.remove(self.path("h.tar"))
        self.make(2, "h.tar")
        self.assertEqual(data_of(self.path("h.tar")), before)

    def test_bad_wishes(self):
        for words, arguments in (("is no lab", ["10"]), ("is no lab", ["x"]),
                                 ("only labs before", ["3", "--solved", "1-4"]),
                                 ("has no exercise 4.1", ["5", "--exercises", "4.1"]),
                                 ("--solved many", ["5", "--solved", "many"]),
                                 ("no folder", ["5", "-o", "/nowhere/at/all"]),
                                 ("archive's name", ["5", "-o", self.path("x.tar.xz")]),
                                 ("is there already", ["5", "-o", ROOT])):
            status, output = lab("handout", *arguments)
            self.assertEqual(status, 2, output)
            self.assertIn(words, output)
            self.assertNotIn("Traceback", output)


class Builds(Folder):
    """Handouts build without a warning. Objects of this tree, and then of the handout before, are
    used again for equal files."""

    SECONDS = 40

    def test_some(self):
        toolchain, before = os.path.basename(OBJECTS), ROOT
        for number in (1, 3, 6):
            _, tree = self.make(number, "lab%d" % number)
            for full, name in handout.files_below(tree):
                original = os.path.join(before, name)
                if os.path.isfile(original) and data_of(original) == data_of(full):
                    os.utime(full, (os.stat(original).st_atime, os.stat(original).st_mtime))
            shutil.copytree(os.path.join(before, OBJECTS), os.path.join(tree, OBJECTS),
                            ignore=shutil.ignore_patterns("grade", "mended", "lock"))
            before = tree
            result = subprocess.run(
                ["make", "-r", "-f", "tools/build.mk", "TC=" + toolchain, "-j2"], cwd=tree,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                env=dict(os.environ, MAKEFLAGS="", LC_ALL="C"))
            output = result.stdout.decode()
            self.assertEqual(result.returncode, 0, output)
            self.assertNotIn("warning", output)
            listed = lab("list", tool=os.path.join(tree, "tools", "lab"), folder=tree)
            self.assertEqual(listed[0], 0, listed[1])


class Check(Folder):
    """What `tools/lab check` and make grade tell a student of the tree."""

    def states(self, tree):
        found, changed, _ = manifest.look(manifest.load(tree), tree)
        return {number: state.word for number, state in found.items()}, \
            [str(change) for change in changed]

    def fill(self, tree, path, key):
        """The reference's text in a region."""
        own = next(region for region in regions.parse_tree(ROOT) if region.key == key)
        text = regions.replace(regions.read(tree, path), path, {key: own.text})
        with open(os.path.join(tree, path), "w", encoding="utf-8") as file:
            file.write(text)

    def test_from_blank_to_written(self):
        _, tree = self.make(5)
        states, changed = self.states(tree)
        self.assertEqual(set(states.values()), {"still blank"})
        self.assertEqual(changed, [])
        self.fill(tree, EXEC, ("5.1", "set_user_frame"))
        self.fill(tree, "kern/mm/fault.c", ("5.4", "break_cow"))
        states, changed = self.states(tree)
        self.assertEqual((states["5.1"], states["5.4"], states["5.3"]),
                         ("written", "begun", "still blank"))
        self.assertEqual(changed, [])
        self.assertTrue(any("still blank" in line and "5.3 (kern/mm/pagetable.c:" in line
                            for line in manifest.notes(tree)))

    def test_changes_elsewhere(self):
        _, tree = self.make(5)          # whose tasks allow no change in fault.c
        self.fill(tree, "kern/mm/fault.c", ("5.4", "break_cow"))
        with open(os.path.join(tree, "kern/mm/fault.c"), encoding="utf-8") as file:
            lines = file.read().split("\n")
        with open(os.path.join(tree, "kern/mm/fault.c"), "w", encoding="utf-8") as file:
            file.write("\n".join(lines[:-3] + ["/* mine */"] + lines[-3:]))
        os.remove(os.path.join(tree, "libs/error.c"))
        with open(os.path.join(tree, "kern/mm/new.c"), "w") as file:
            file.write("/* new */\n")
        with open(os.path.join(tree, "user/mine.c"), "w") as file:
            file.write("/* programs of one's own are no news */\n")
        with open(os.path.join(tree, "Makefile"), "rb") as file:
            data = file.read()
        with open(os.path.join(tree, "Makefile"), "wb") as file:
            file.write(data.replace(b"\n", b"\r\n"))
        changed = self.states(tree)[1]
        self.assertEqual(changed, ["kern/mm/fault.c:%d: changed" % (len(lines) - 2),
                                   "kern/mm/new.c:1: added", "libs/error.c:1: removed"])
        status, output = lab("check", tree)
        self.assertEqual(status, 0, output)
        self.assertIn("kern/mm/new.c:1: added", output)

    def test_broken_markers_and_what_is_refused(self):
        _, tree = self.make(5)
        self.edit(os.path.join(tree, "kern/syscall/syscall.c"), "/* EXERCISE 5.2 end */", "")
        self.edit(os.path.join(tree, EXEC), 'not_written("5.1", "set_user_frame"',
                  'asm("nop"); not_written("5.1", "set_user_frame"')
        states, _ = self.states(tree)
        self.assertEqual((states["5.1"], states["5.2"]), ("refused", "refused"))
        status, output = lab("check", tree)
        self.assertEqual(status, 1)
        self.assertIn("asm is not allowed", output)
        self.assertEqual(sum("cannot be handed in" in line for line in manifest.notes(tree)), 2)

    def test_a_damaged_manifest_never_stops_a_grading(self):
        _, tree = self.make(1)
        path = os.path.join(tree, manifest.NAME)
        for data in (b"", b"[]", b"{}", b"\xff\0", b'{"schema": "rvlab/handout/v1"}',
                     b'{"schema": "rvlab/handout/v1", "lab": 1, "version": "", "blank": [], '
                     b'"regions": [["1.1", "x", "code", "../../etc/passwd"]], "files": {}}'):
            with open(path, "wb") as file:
                file.write(data)
            notes = manifest.notes(tree)
            self.assertEqual(len(notes), 1, data)
            self.assertIn("damaged", notes[0])
            self.assertEqual(manifest.empty(tree, {"1.1"}), {})
            status, output = lab("check", tree)
            self.assertEqual(status, 2)
            self.assertNotIn("Traceback", output)
        os.remove(path)
        self.assertEqual(manifest.notes(tree), [])

    def test_room_that_is_not_used_is_not_written_yet(self):
        """So the first grading of a blank lab is one line an exercise, also where a program goes on
        without what is missing."""
        _, tree = self.make(0)
        echo = "user/echo.c"
        self.assertEqual(manifest.empty(tree, {"0.1", "0.6", None}), {
            "0.6": "exercise 0.6 (option) is not written yet, at %s:16" % echo})
        self.edit(os.path.join(tree, echo), "    /* EXERCISE 0.6 end",
                  "    first = 1;\n    /* EXERCISE 0.6 end")
        self.assertEqual(manifest.empty(tree, {"0.6"}), {})
        self.edit(os.path.join(tree, echo), "    /* EXERCISE 0.6 end */\n", "")
        self.assertEqual(manifest.empty(tree, {"0.6"}), {})
        self.assertEqual(manifest.empty(ROOT, {"0.6"}), {})

    def test_a_note_is_called_one_once(self):
        """These lines are for the screen; each format of results says by itself that it is one."""
        _, tree = self.make(1)
        grading = formats.Grading([], [], notes=manifest.notes(tree) + ["left out"])
        said = formats.to_markdown(grading)
        self.assertIn("\n- note: still blank: ", said)
        self.assertIn("\n- note: left out\n", said)
        for writer in formats.WRITERS.values():
            self.assertNotIn("note: note:", writer(grading))


class HandIn(Folder):
    """The text file that a student hands in."""

    NASTY = ["| a\n", "\n", "end of hand-in\n", "region: 5.1, x, 3 lines: y\n", "  \n", "a\rb\n",
             "\ufeffx\n", "\u2028 y\n", "\0\x01\n", "caf\u00e9 \udcff\n", "|\n", "\t\n"]

    def test_round_trip(self):
        found = [region for region in regions.parse_tree(ROOT) if region.exercise == "5.5"]
        first = handin.Handin(5, "0123")
        first.exercises = ["5.5"]
        first.student = {"name": "Zo\u00eb: | x", "email": "z@x.org", "id": "7"}
        first.answers = "".join(self.NASTY)
        first.texts = {region.key: ("".join(self.NASTY[index:]), 1)
                       for index, region in enumerate(found[1:])}
        text = handin.to_text(first, found)
        data = text.encode("utf-8", "surrogateescape")
        self.assertTrue(handin.is_handin(data))
        for again in (handin.parse(data), handin.parse(data.replace(b"\n", b"\r\n"))):
            self.assertEqual(again.student, first.student)
            self.assertEqual(again.answers, first.answers)
            self.assertEqual({key: pair[0] for key, pair in again.texts.items()},
                             {key: incoming.known_lines(pair[0])[0]
                              for key, pair in first.texts.items()})
            self.assertEqual(again.exercises, ["5.5"])
        for key, (body, line) in handin.parse(data).texts.items():
            self.assertEqual(text.split("\n")[line - 1], ("| " + body.split("\n")[0]).rstrip(" ")
                             if not body.split("\n")[0] else "| " + body.split("\n")[0], key)

    def test_damaged_ones(self):
        good = ("rvlab hand-in, format 1\nlab: 5\nhandout: x\nexercises: 5.1\nname: a\nemail: b\n"
                "region: 5.1, kern/a.c, 1 lines: x\n| y;\nend of hand-in\n")
        self.assertEqual(handin.parse(good.encode()).texts, {("5.1", "x"): ("y;\n", 8)})
        for old, new, words in (("end of hand-in\n", "", "the end is missing"),
                                ("format 1", "format 2", "line 1: this is format 2"),
                                ("1 lines", "3 lines", "line 7: 3 lines should follow"),
                                ("1 lines", "2 lines", "line 9: expected a line of the text"),
                                ("| y;", "y;", "line 8: expected a line of the text"),
                                ("lab: 5", "lab: x", "line 2: x is no lab"),
                                ("lab: 5", "lob: 5", "line 2: this is no line of a hand-in"),
                                ("exercises: 5.1", "exercises: ../x", "is no exercise"),
                                ("exercises: 5.1\n", "", "names no exercises"),
                                ("rvlab", "other", "line 1: expected")):
            with self.assertRaisesRegex(handin.HandinError, words):
                handin.parse(good.replace(old, new).encode())
        with self.assertRaisesRegex(handin.HandinError, "more than 4 MiB"):
            handin.parse(b"x" * (10 << 20))

    def test_the_command(self):
        _, tree = self.make(5)
        status, output = lab("handin", folder=tree, tool=os.path.join(tree, "tools", "lab"))
        self.assertEqual(status, 2)
        self.assertIn("who are you?", output)
        with open(os.path.join(tree, handin.STUDENT), "w", encoding="utf-8") as file:
            file.write("Name: Zo\u00eb\nE-mail: zoe@example.org\n")
        with open(os.path.join(tree, handin.ANSWERS), "w") as file:
            file.write("Because.")
        outputs = []
        for _ in range(2):
            status, output = lab("handin", folder=tree, tool=os.path.join(tree, "tools", "lab"))
            self.assertEqual(status, 0, output)
            self.assertIn("still blank", output)
            with open(os.path.join(tree, "handin-lab5.txt"), "rb") as file:
                outputs.append(file.read())
        self.assertEqual(outputs[0], outputs[1])
        found = handin.parse(outputs[0])
        self.assertEqual((found.student["name"], found.answers), ("Zo\u00eb", "Because.\n"))
        self.edit(os.path.join(tree, EXEC), "/* EXERCISE 5.1 end */", "/* EXERCISE 5.1 ned */")
        status, output = lab("handin", tree, "--email", "other@example.org")
        self.assertEqual(status, 1, output)
        self.assertIn("5.1  refused", output)
        with open(os.path.join(tree, "handin-lab5.txt"), "rb") as file:
            found = handin.parse(file.read())
        self.assertIn(("5.1", "set_user_frame"), found.errors)
        self.assertEqual(found.student["email"], "other@example.org")

    def test_a_tree_that_is_no_handout(self):
        status, output = lab("handin", ROOT, "--name", "a", "--email", "b", "-o", self.path("x"))
        self.assertEqual(status, 2)
        self.assertIn("--lab 5", output)
        status, output = lab("handin", ROOT, "--name", "a", "--email", "b", "--lab", "5", "-o",
                             self.path("x"))
        self.assertEqual(status, 0, output)
        self.assertNotIn("still blank", output)


if __name__ == "__main__":
    unittest.main()
