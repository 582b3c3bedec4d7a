"""Tests of tasks: how patches are made, read, applied and refused; that no handout has a solution.

MakeTest changes a toy tree in all the ways that students do, CRLF and lost blanks with it. VetTest
has what liars try. SolutionsTest applies each kept patch to this tree, wrong ones too: which are
refused, and that each wrong one names a test of its task. HandoutTest makes a handout, works in it,
hands in, and lets the teacher's side read the file.

Nothing is built and no machine is booted: tools/taskpatches.py does that.
Run alone: python3 tools/test/test_tasks.py
"""
import contextlib
import os
import shutil
import sys
import tempfile
import unittest
from types import SimpleNamespace

TOOLS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(TOOLS)
sys.path.insert(0, TOOLS)

import taskpatches
from exercise import handin, handout, manifest, marks, patched, patches, plans, submissions, \
    task_handouts
from exercise.patches import PatchError
from grader.model import Outcome, Verdict
from labs import catalogue as labs
from tasks import catalogue
from tasks.catalogue import Task

OLD = """#include <defs.h>

int one(void)
{
    /* EXERCISE 1.1 begin: one */
    return 1;
    /* EXERCISE 1.1 end */
}

/* Between. */
int two(void)
{
    return 2;
}

int three(void)
{
    return 3;
}
"""
TASK = Task("1.T", "a toy", "nothing", ["kern/a.[ch]", "libs/*.h"], [], new=["kern/new/*.c"])
TEXTS = {"kern/a.c": OLD, "libs/defs.h": "#define A 1\n", "kern/b.c": "int b;\n"}
PRESENT = set(TEXTS)
TAKEN = {".c": {"report"}, ".h": {"report", "check"}}


class MakeTest(unittest.TestCase):
    """A patch of a toy tree, and what becomes of it."""

    def setUp(self):
        self.root = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.root)
        for path, text in TEXTS.items():
            self.put(path, text)

    def put(self, path, text):
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode("utf-8"))

    def make(self, blank=("1.1",)):
        base = {path: TEXTS[path] for path in TEXTS if TASK.may_change(path)}
        return patches.make(TASK, base, PRESENT, self.root, set(blank))

    def apply(self, text, texts=None):
        return patches.apply(TASK, patches.parse(text), texts or {
            path: text for path, text in TEXTS.items() if TASK.may_change(path)}, PRESENT)

    def refused(self, words, text, texts=None):
        with self.assertRaises(PatchError) as caught:
            self.apply(text, texts)
        self.assertIn(words, str(caught.exception))

    def test_what_is_written_in_an_exercise_is_neither_in_the_patch_nor_in_its_way(self):
        mine = OLD.replace("return 1;", "return 1 + 0;\n    /* and more */")
        self.put("kern/a.c", mine.replace("return 2;", "return 4;"))
        self.put("kern/new/n.c", "int n;")
        text, wrong = self.make()
        self.assertEqual(wrong, [])
        self.assertNotIn("1 + 0", text)
        self.assertEqual(self.apply(text), {"kern/a.c": OLD.replace("return 2;", "return 4;"),
                                            "kern/new/n.c": "int n;\n"})

    def test_a_tree_that_nobody_changed_has_no_patch(self):
        self.put("kern/a.c", OLD.replace("\n", "\r\n"))
        self.assertEqual(self.make(), ("", []))

    def test_crlf_and_blanks_that_a_mail_lost_do_no_harm(self):
        new = OLD.replace("int three", "int more;\n\nint three")
        self.put("kern/a.c", new.replace("\n", "\r\n"))
        text = self.make()[0]
        self.assertEqual(self.apply("\n".join(map(str.rstrip, text.split("\n")))),
                         {"kern/a.c": new})

    def test_what_no_patch_can_have_is_told_by_name(self):
        os.remove(os.path.join(self.root, "kern/a.c"))
        self.put("libs/defs.h", b"#define A\0 1\n")
        text, wrong = self.make()
        self.assertEqual(text, "")
        self.assertEqual([str(each).split(": ")[0] for each in wrong], ["kern/a.c", "libs/defs.h"])
        self.assertIn("was removed", str(wrong[0]))
        self.assertIn("no text", str(wrong[1]))

    def test_a_change_inside_of_an_exercise_that_came_solved_is_told(self):
        self.put("kern/a.c", OLD.replace("return 1;", "return 7;"))
        text, wrong = self.make(blank=())
        self.assertEqual(text, "")
        self.assertIn("kern/a.c:6: this is inside of exercise 1.1", str(wrong[0]))

    def test_other_files_and_files_that_are_there_are_refused(self):
        one = patches.difference("kern/b.c", TEXTS["kern/b.c"], "int c;\n")
        self.refused("kern/b.c: the task 1.T does not allow to change this file", one)
        self.refused("does not allow to make", patches.difference("user/x.c", None, "int x;\n"))
        self.refused("there already", patches.difference("kern/a.c", None, "int x;\n"))

    def test_a_path_leads_nowhere_else(self):
        """Whatever reads it: the words of a patch, and the patterns of a task."""
        for path in ("../kern/a.c", "kern/new/../../../x.c", "kern/new/../new/x.c", "/kern/new/x.c",
                     "kern//new/x.c", "./kern/new/x.c", "kern/new/./x.c", "kern/new/.x.c", "x.c",
                     "kern/new/x\\..\\y.c", "kern/new/~/x.c", "kern/new/\u00e9.c", "-rf/new/x.c",
                     "kern/new/..", "kern/new/", "C:/x.c"):
            with self.subTest(path):
                self.refused("this is no path", patches.difference(path, None, "int x;\n"))
                self.refused("this is no path", patches.difference(path, "int y;\n", "int x;\n"))
                self.assertFalse(TASK.may_add(path) or TASK.may_change(path))
        for path in ("kern/new/deeper/x.c", "kern/new/a.c/x.c", "libs/a/b.h"):
            self.refused("does not allow to make", patches.difference(path, None, "int x;\n"))
            self.assertFalse(TASK.may_add(path) or TASK.may_change(path))

    def test_what_git_and_others_write_besides_is_refused_by_its_line(self):
        """Rights, links, names and bytes that are no text: a patch has lines of files alone."""
        self.put("kern/a.c", OLD.replace("return 3;", "return 5;"))
        text = self.make()[0]
        for before in ("diff --git a/kern/a.c b/kern/a.c\nold mode 100644\nnew mode 100755\n",
                       "diff --git a/kern/a.c b/kern/b.c\nrename from kern/a.c\n",
                       "diff --git a/kern/a.c b/kern/a.c\nnew file mode 120000\n",
                       "diff --git a/kern/a.c b/kern/a.c\nGIT binary patch\nliteral 5\nabc\n",
                       "Binary files a/kern/a.c and b/kern/a.c differ\n"):
            self.refused("line 1: expected", before + text)
            self.refused("expected", text + before)
        self.refused("nothing is removed", text.replace("+++ b/kern/a.c", "+++ /dev/null"))
        self.refused("no head of a hunk", text.replace("@@ -", "@@ --", 1))
        self.refused("more than 64 files", "".join(
            patches.difference("kern/new/x%d.c" % each, None, "int x;\n") for each in range(65)))

    def test_a_hunk_that_touches_an_exercise_is_refused(self):
        bare = patches.skeleton(OLD, "kern/a.c")
        begin = "    /* EXERCISE 1.1 begin: one */\n"
        for new in (bare.replace(begin, begin + "    return 0;\n"), bare.replace(begin, ""),
                    bare.replace("begin: one", "begin: other")):
            self.refused("exercise", patches.difference("kern/a.c", bare, new))

    def test_a_patch_fits_where_its_lines_are_or_nowhere(self):
        self.put("kern/a.c", OLD.replace("return 3;", "return 5;"))
        text = self.make()[0]
        moved = {"kern/a.c": "\n\n\n" + OLD}
        self.assertEqual(self.apply(text, moved), {
            "kern/a.c": moved["kern/a.c"].replace("return 3;", "return 5;")})
        self.refused("are not in the reference", text, {"kern/a.c": OLD.replace("three", "tree")})

    def test_damaged_patches_are_sentences_with_a_line(self):
        self.put("kern/a.c", OLD.replace("return 3;", "return 5;"))
        lines = self.make()[0].split("\n")
        for broken in (lines[1:], lines[:-3], lines[:2], ["x"] + lines,
                       lines[:3] + ["?"] + lines[3:], lines[:-1] + lines,
                       [lines[0], "+++ b/kern/b.c"] + lines[2:], [lines[0], "+++ /dev/null"]):
            with self.assertRaises(PatchError):
                self.apply("\n".join(broken))
        with self.assertRaises(PatchError):
            patches.parse("x" * (patches.MAX_BYTES + 1))


class VetTest(unittest.TestCase):
    """What a patch may not have, whatever else it does."""

    def vet(self, added, path="kern/a.c", old=OLD):
        patches.vet_all(TASK, {path: old}, {path: old.replace("/* Between. */\n", added)}, PRESENT,
                        TAKEN)

    def refused(self, words, added, **more):
        with self.assertRaises(PatchError) as caught:
            self.vet(added, **more)
        self.assertRegex(str(caught.exception), r"^kern/a\.[ch]:\d+: ")
        self.assertIn(words, str(caught.exception))

    def test_honest_code_is_taken(self):
        self.vet("/* asm in a comment, \"__attribute__\" in a text */\n#define MORE 2\n"
                 "#include <defs.h>\nstatic const char *text = \"asm\";\n")

    def test_what_the_file_has_already_it_may_have(self):
        old = OLD + "void stop(void)\n{\n    asm volatile (\"wfi\");\n}\n"
        self.vet("int more;\n", old=old)
        self.refused("asm is not allowed", "void go(void) { asm (\"\"); }\n", old=old)

    def test_liars(self):
        for words, added in (
                ("report_done is not allowed", "void f(void) { report_done(0, 0); }\n"),
                ("report_key is not allowed", "extern char report_key[16];\n"),
                ("power_off is not allowed", "void f(void) { power_off(true); }\n"),
                ("__attribute__ is not allowed", "int x __attribute__((section(\".text\")));\n"),
                ("report_key is not allowed", "extern char report\\\n_key[16];\n"),
                ("joined words", "#define JOIN(a, b) a##b\n"),
                ("joined words", "#define JOIN(a, b) a%:%:b\n"),
                ("no header", "#include \"/etc/passwd\"\n"),
                ("no header", "#include <../../x.h>\n"),
                ("no header", "#include HERE\n"),
                ("report is not the patch's", "#define report 1\n"),
                ("report is not the patch's", "#  undef report\n"),
                ("marker", "/* EXERCISE 1.1 begin: x */\n")):
            with self.subTest(added):
                self.refused(words, added)
        self.refused("check is not the patch's", "#define check(a, b) 1\n", path="kern/a.h")
        self.refused("comment that has no end", "/* \n" * 2, old="/* Between. */\nint x;\n")


class SolutionsTest(unittest.TestCase):
    """Each kept patch against this tree."""

    def test_solutions_apply_and_wrong_ones_differ_or_are_refused(self):
        for task in catalogue.load():
            with self.subTest(task.number):
                place = patched.Place(ROOT, task)
                solved = place.apply(taskpatches.solution_of(task.number))
                names = {test.name for test in task.tests} | {taskpatches.REFUSED}
                wrong = taskpatches.wrong_ones(task.number)
                self.assertGreater(sum(each.test != "refused" for each in wrong), 2)
                self.assertTrue(any("liar" in each.name for each in wrong))
                for each in wrong:
                    self.assertIn(each.test, names)
                for name, mutant, job in taskpatches.jobs_of(place, solved, False, []):
                    if mutant and (mutant.test == "refused" or isinstance(job, PatchError)):
                        self.assertTrue(taskpatches.verdict(mutant, job, None)[0], (name, job))
                    elif mutant:
                        self.assertTrue(job[0], name)

    def test_the_tree_itself_has_no_solution(self):
        for task in catalogue.load():
            place = patched.Place(ROOT, task)
            for name in task.names:
                for path, text in place.texts.items():
                    self.assertNotIn(name, text.split(), path)


class Linker:
    """It takes the place of a workshop: a kernel that calls sys_alarm() must have it, and every
    test passes in one that builds."""

    folder, pristine, objects, toolchain = "/shop", "/pristine", "/shop/obj/x", "x"
    places = 1

    def __init__(self):
        self.built = []

    @contextlib.contextmanager
    def variant(self, texts):
        whole = "".join(texts.values())
        fine = "NEEDS_ALARM" not in whole or "GIVES_ALARM" in whole
        self.built.append(sorted(texts))
        yield SimpleNamespace(succeeded=fine, output="" if fine else "undefined reference")

    def host(self):
        return SimpleNamespace(image=SimpleNamespace(digest=len(self.built)))

    def judge(self, test, host):
        return Outcome(test, Verdict.OK)


class TwoTasks(unittest.TestCase):
    """A student who does two tasks in one tree: each patch has what both allow."""

    COMMON, ONLY = "kern/syscall/syscall.c", "kern/process/alarm.c"

    @classmethod
    def setUpClass(cls):
        cls.reference = marks.Reference(ROOT, labs.load(), "")

    def marks(self, both, alarm, asked=("5.T", "5.A")):
        """The entries of the tasks that are asked for, with these lines at the end of the file that
        both have, and in the one that only 5.A may make; and which files were built."""
        old = self.reference.tasks["5.T"].texts[self.COMMON]
        common = patches.difference(self.COMMON, patches.skeleton(old, self.COMMON),
                                    patches.skeleton(old, self.COMMON) + both)
        found = handin.Handin(5, self.reference.version)
        found.exercises = list(asked)
        found.patches = {"5.T": (common, 1),
                         "5.A": (patches.difference(self.ONLY, None, alarm) + common, 1)}
        work = marks.Work(submissions.Submission("x", found), self.reference, found.exercises)
        self.assertEqual(set(work.patched), {"5.T", "5.A"}, work.state)
        shop = Linker()
        result = marks.Examiner(self.reference, shop).marks(work, "best")["exercises"]
        return [result[number] for number in asked] + [shop.built]

    def test_what_only_the_other_patch_has_is_put_in_if_it_is_needed(self):
        first, second, built = self.marks("int NEEDS_ALARM;\n", "int GIVES_ALARM;\n")
        self.assertEqual([each["mark"] for each in (first, second)], [20, 20])
        self.assertEqual((first["state"], first["why"], first["from"]),
                         (marks.WRITTEN, "", marks.ALONE))
        with_it = [self.ONLY in paths for paths in built]
        self.assertEqual(sorted(with_it), [False, True, True])

    def test_a_task_of_an_assignment_before_goes_along(self):
        entry, built = self.marks("int NEEDS_ALARM;\n", "int GIVES_ALARM;\n", ["5.T"])
        self.assertEqual((entry["mark"], len(built)), (20, 2))

    def test_a_change_is_told_only_if_no_task_takes_it(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        tree = os.path.join(folder, "tree")
        about = handout.make(ROOT, plans.plan_of(5), tree).select()
        for path in (self.ONLY, "kern/mm/mine.c"):
            with open(os.path.join(tree, path), "w", encoding="utf-8") as file:
                file.write("int mine;\n")
        found, unfit = manifest.patches_of(about, tree)
        self.assertEqual((list(found), [str(each) for each in unfit["5.A"]]), (["5.A"], [
            "kern/mm/mine.c:1: added, which 5.A does not allow: it is not in the patch"]))

    def test_it_is_not_put_in_without_need(self):
        first, _, built = self.marks("int x;\n", "int GIVES_ALARM;\n")
        self.assertEqual((first["mark"], len(built)), (20, 2))

    def test_a_task_is_broken_if_it_does_not_build_with_the_others_either(self):
        first, second, _ = self.marks("int NEEDS_ALARM;\n", "int x;\n")
        self.assertEqual([(each["mark"], each["state"]) for each in (first, second)],
                         [(0, marks.BROKEN)] * 2)
        self.assertIn("undefined reference", first["why"])

    def test_the_other_patch_may_not_have_what_this_one_may_not(self):
        place = self.reference.tasks["5.T"]
        applied = {"5.T": {self.COMMON: "int x;\n"},
                   "5.A": {"kern/process/alarm.h": "#define check_eq 1\n"}}
        self.assertEqual(len(list(place.kernels(applied))), 1)
        applied["5.A"] = {"user/pagestate.c": "int main(void) { }\n"}
        self.assertEqual(len(list(place.kernels(applied))), 1)
        applied["5.A"] = {"kern/process/alarm.h": "#define mine 1\n"}
        self.assertEqual([sorted(each) for each in place.kernels(applied)],
                         [sorted([self.COMMON, *place.overlay]),
                          sorted([self.COMMON, "kern/process/alarm.h", *place.overlay])])


class HandoutTest(unittest.TestCase):
    """From the handout to the teacher's side, with the solution of 5.T as a student's work."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.tree = os.path.join(cls.folder, "tree")
        cls.about = handout.make(ROOT, plans.plan_of(5), cls.tree)
        cls.reference = marks.Reference(ROOT, labs.load(), cls.about.version)
        cls.solved = cls.reference.tasks["5.T"].apply(taskpatches.solution_of("5.T"))

    def test_it_has_the_tests_of_its_lab_and_no_solution(self):
        paths = [path for _, path in handout.files_below(self.tree)]
        self.assertIn("tools/tasks/pagestate.c", paths)
        self.assertNotIn("tools/tasks/task8.py", paths)
        self.assertFalse([path for path in paths if "taskpatches" in path])
        lines = {line for text in self.solved.values() for line in text.split("\n")}
        known = {line for text in self.reference.tasks["5.T"].texts.values()
                 for line in text.split("\n")}
        for path in paths:
            if path.endswith((".c", ".h", ".md", ".py")):
                with open(os.path.join(self.tree, path), encoding="utf-8") as file:
                    found = {line for line in file.read().split("\n")
                             if line in lines - known and len(line.strip()) > 30}
                self.assertEqual(found, set(), path)

    def test_a_hand_in_has_the_patch_and_the_teacher_reads_it(self):
        tree = os.path.join(self.folder, "work")
        shutil.copytree(self.tree, tree)
        about = manifest.load(tree).select()
        self.assertEqual(manifest.patches_of(about, tree), ({}, {}))
        for path, text in self.solved.items():
            # The student's file has blank regions: only what is outside of them comes from here.
            own = patches.changed(patches.skeleton(about.base[path], path), next(
                each for each in patches.parse(taskpatches.solution_of("5.T"))
                if each.path == path))
            with open(os.path.join(tree, path), "w", encoding="utf-8") as file:
                file.write(patches.filled(own, path, about.base[path]))
        with open(os.path.join(tree, "kern/mm/pmm.c"), "a", encoding="utf-8") as file:
            file.write("int mine;\n")
        found = handin.from_tree(tree, about)
        self.assertIn("kern/mm/pmm.c", str(found.unfit["5.T"][0]))
        text = handin.to_text(found, about.regions).encode("utf-8")
        read = submissions.from_file(text.replace(b"\n", b"\r\n"), "ada.txt")
        self.assertEqual(read.refused, "")
        work = marks.Work(read, self.reference, ["5.1", "5.T"])
        self.assertEqual(work.state["5.T"], (marks.WRITTEN, ""))
        self.assertEqual(work.patched["5.T"], self.solved)
        self.assertEqual((work.state["5.1"][0], work.written), (marks.BLANK, []))

    def test_what_task_handouts_finds(self):
        """A handout that lacks what the task allows, and a hand-in without the patch, with another
        one, and with the right one."""
        task, tree = catalogue.find("5.T"), os.path.join(self.folder, "play")
        shutil.copytree(self.tree, tree)
        about = manifest.load(tree).select()

        def found():
            return list(task_handouts.handed_in(tree, about, self.reference, task))

        self.assertEqual(list(task_handouts.base(tree, about, task)), [])
        other = Task("5.T", "a toy", "nothing", ["kern/none/*.c", "libs/unistd.h"], [])
        self.assertEqual(list(task_handouts.base(tree, about, other)), [
            "5.T: no file of the handout is kern/none/*.c, which the task allows"])
        self.assertIn("not in the hand-in", found()[0])
        kept = task_handouts.write(tree, task)
        self.assertEqual(found(), [])
        with open(os.path.join(tree, "libs/unistd.h"), "a", encoding="utf-8") as file:
            file.write("#define MINE 1\n")
        self.assertIn("another one", found()[0])
        task_handouts.put(tree, kept)
        self.assertEqual(manifest.patches_of(about, tree), ({}, {}))
        os.remove(os.path.join(tree, "libs/unistd.h"))
        self.assertEqual(list(task_handouts.base(tree, about, task)), [
            "5.T: libs/unistd.h is not in the handout"])
        for number, test, told in (("2.T", "kmalloc-harts-again", True),
                                   ("2.T", "kmalloc-twice", False), ("5.T", "pagestate", False)):
            self.assertEqual(task_handouts.is_told(ROOT, catalogue.find(number), test), told)

    def test_a_patch_of_another_version_needs_a_look_and_one_of_this_is_refused(self):
        text = taskpatches.solution_of("5.T").replace("sys_meminfo", "sys_other")
        for version, state in ((self.about.version, marks.REFUSED), ("0" * 12, marks.LOOK)):
            found = handin.Handin(5, version)
            found.exercises, found.patches = ["5.T"], {"5.T": (text, 9)}
            work = marks.Work(submissions.Submission("x", found), self.reference, ["5.T"])
            self.assertEqual(work.state["5.T"][0], state)
            self.assertIn("line 9 of the hand-in", work.state["5.T"][1])

    def test_a_damaged_base_is_a_sentence(self):
        with open(os.path.join(self.tree, manifest.NAME), "rb") as file:
            data = file.read()
        at = data.index(b'"base": "') + 20
        with self.assertRaisesRegex(ValueError, "handout.json is damaged: base"):
            manifest.decode(data[:at] + b"AAAA" + data[at + 4:])


if __name__ == "__main__":
    unittest.main()
