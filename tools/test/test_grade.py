"""Tests of the grader as a whole: real kernels are built and run, and what it says is compared.

Verdicts breaks the kernel in one way per test and asks for the verdict and for the words that a
student needs. SameTwice grades twice, once on a busy host: logs and results must be equal to the
byte. BuildErrors: a text that does not compile costs its own exercise only. FromOutside ends the
grader by signals: no QEMU may stay behind. CommandLine: a wrong command is one line, no Traceback.

Needs the built objects, their compiler, QEMU and /proc. Only copies of the tree are edited.
Run alone: python3 tools/test/test_grade.py
One test: python3 tools/test/test_grade.py Verdicts.test_panic
"""
import contextlib
import io
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from types import SimpleNamespace

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from grader.machine import End, Machine
from grader.model import Outcome, Test, Verdict
from grader.qemu import Qemu
from grader.screen import Screen
from labs.catalogue import LabError, check, load
from trees import BUSY, OBJECTS, TOP, Edited, TreeTest, build_command, grade, run_grader

INIT = "kern/init/user.c"
START = "    struct inventory before = inventory_take();\n"
BAD_STORE = "    volatile uintptr_t nowhere = 8; *(volatile int *)nowhere = 1;\n"


def machines_of(tree):
    """The pids of QEMUs that run a kernel of the tree in this folder."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as file:
                words = file.read().split(b"\0")
            folder = os.readlink("/proc/%s/cwd" % pid)
        except OSError:
            continue
        if b"-kernel" in words and folder == tree:
            found.append(int(pid))
    return found


class Tree(TreeTest):
    """A base class for tests with a copy of the tree. The folder's name has a blank and letters
    beyond ASCII, because students' folders have them."""
    NAME = "h\u00e9 ll\u00f6"


class Score(unittest.TestCase):
    """The cases in which the score counts as full marks, so that the exit status is 0."""

    def is_full(self, **verdicts):
        labs = load()
        tests = {"e": next(test for lab in labs for test in lab.tests if test.exercise == "2.1"),
                 "c": next(test for lab in labs for test in lab.tests if test.exercise == "2.C"),
                 "n": next(test for test in labs[8].tests if test.exercise is None)}
        with contextlib.redirect_stdout(io.StringIO()) as output:
            full = Screen(labs, []).score([Outcome(tests[name], verdict)
                                           for name, verdict in verdicts.items()])
        self.assertIn("Total Score: ", output.getvalue().rstrip().rpartition("\n")[2])
        return full

    def test_full(self):
        self.assertTrue(self.is_full(e=Verdict.OK, c=Verdict.OK))
        self.assertFalse(self.is_full(e=Verdict.WRONG, c=Verdict.OK))
        self.assertFalse(self.is_full(e=Verdict.NOT_WRITTEN, c=Verdict.OK))

    def test_a_challenge_need_not_be_begun(self):
        self.assertTrue(self.is_full(e=Verdict.OK, c=Verdict.NOT_WRITTEN))
        self.assertFalse(self.is_full(e=Verdict.OK, c=Verdict.WRONG))
        self.assertFalse(self.is_full(c=Verdict.NOT_WRITTEN))

    def test_what_a_test_of_no_exercise_needs_may_be_blank(self):
        self.assertTrue(self.is_full(e=Verdict.OK, n=Verdict.NOT_WRITTEN))
        self.assertFalse(self.is_full(e=Verdict.OK, n=Verdict.WRONG))


class Ends(unittest.TestCase):
    """What the grader takes a machine's last stop for. The machine's stub is played here."""

    time = 1000                             # by the machine's clock

    def machine(self, answers=(), memory=b"\0\0"):
        machine = Machine(Test("t", after=[]), SimpleNamespace(
            image=None, cancelled=False, complaints=lambda check, machine: []))
        left = iter(answers)
        machine.stub = SimpleNamespace(
            register=lambda name: self.time if name == "minstret" else 0x42, send=lambda text: None,
            physical=lambda on: None, write=lambda address, data: None,
            read=lambda address, count: memory, answer=lambda seconds: next(left))
        return machine

    def test_no_network(self):
        """Without -nic none QEMU gives the guest the network of the host."""
        host = SimpleNamespace(image=None, qemu="q", kernel="k")
        for harts in (1, 4):
            command = " ".join(Qemu(Test("t", harts=harts), host).command(3, 4))
            self.assertIn(" -nic none ", command)

    def test_off(self):
        machine = self.machine()
        machine.off()
        self.assertEqual((machine.result.end, machine.result.code), (End.OFF, 0x42))

    def test_a_watchdog_that_was_set_back(self):
        """A machine that switched off by itself, but long after its limit, was fed."""
        for time, end in ((1 << 29, End.OFF), (1 << 34, End.FED)):
            self.time = time
            machine = self.machine()
            machine.off()
            self.assertEqual(machine.result.end, end)

    def test_a_pause_is_the_watchdogs_or_the_guests(self):
        for memory, end, place in ((b"\0\x12", End.LIMIT, 0x42), (b"\0\0", End.GONE, None),
                                   (None, End.GONE, None)):
            machine = self.machine(["T03thread:01;"], memory)
            self.assertFalse(machine.go())
            self.assertEqual((machine.result.end, machine.result.place), (end, place))
        self.assertEqual(machine.result.status, 0)            # it is no fault of this host
        self.assertTrue(self.machine(["T05thread:01;"]).go())


class SameTwice(Tree):
    """Marks do not depend on the host, nor on what else it does."""

    SECONDS = 11

    TESTS = ["hello", "cow", "exceptions", "newcomer-stride", "pmm-first-fit", "deadlock"]

    def logs(self):
        texts = {}
        for test in self.TESTS:
            with open(os.path.join(self.tree, OBJECTS, "grade", test + ".log"), "rb") as file:
                texts[test] = file.read()
        return texts

    def test_logs_are_alike_to_the_byte_also_under_load(self):
        first, output = grade(self.tree, *self.TESTS)
        self.assertEqual({r["verdict"] for r in first.values()}, {"ok"}, output)
        before = self.logs()
        load_on_host = [subprocess.Popen(BUSY) for _ in range(os.cpu_count() or 1)]
        try:
            again = grade(self.tree, *self.TESTS)[0]
        finally:
            for process in load_on_host:
                process.kill()
                process.wait()
        self.assertEqual(self.logs(), before)
        self.assertEqual(again, first)

    def test_a_hang_ends_at_the_same_instruction(self):
        """What a hanging kernel printed, and where it was stopped, is the same under load too."""
        loop = START + ('    for (int i = 0;; i++)\n        if (i % 1000 == 0)\n'
                        '            cprintf("%d\\n", i);\n')
        with Edited(self.tree, [(INIT, START, loop)]):
            results, logs, busy = [], [], []
            try:
                for _ in range(4):
                    results.append(grade(self.tree, "hello")[0]["hello"])
                    with open(os.path.join(self.tree, OBJECTS, "grade", "hello.log"),
                              "rb") as file:
                        logs.append(file.read())
                    busy.append(subprocess.Popen(BUSY))
            finally:
                for process in busy:
                    process.kill()
                    process.wait()
        self.assertEqual(results[0]["verdict"], Verdict.HANG)
        self.assertRegex(results[0]["reasons"][-1], "; it is in ")
        self.assertEqual([logs[0]] * 4, logs)
        self.assertEqual([results[0]] * 4, results)


class Verdicts(Tree):
    """One broken kernel per test, and what is told of it."""

    SECONDS = 35

    def verdict(self, code, test="hello"):
        """(verdict, output) of a kernel whose initproc begins with this code. It has no points."""
        with Edited(self.tree, [(INIT, START, START + code)]):
            results, output = grade(self.tree, test)
        self.assertEqual(results[test]["points"], 0, output)
        return results[test]["verdict"], output

    def test_wrong_answer(self):
        verdict, output = self.verdict("    power_off(7);\n")
        self.assertEqual(verdict, Verdict.WRONG)
        self.assertIn("expected the first program to exit with code 0, got 7", output)

    def test_entries_that_are_stored_plainly_keep_their_marks(self):
        """Solutions from before there was set_pte() store entries by an assignment."""
        with Edited(self.tree, [
                ("kern/mm/pagetable.c", "set_pte(entry, pte_make(page2pa(page), PTE_V));",
                 "*entry = pte_make(page2pa(page), PTE_V);"),
                ("kern/mm/pagetable.c",
                 "\n    set_pte(pte, pte_make(page2pa(page), pte_leaf_flags(rights)));",
                 "\n    *pte = pte_make(page2pa(page), pte_leaf_flags(rights));"),
                ("kern/mm/pagetable.c", "\n    set_pte(pte, 0);", "\n    *pte = 0;"),
                ("kern/mm/fault.c",
                 "set_pte(pte, pte_make(page2pa(page), pte_leaf_flags(vma_rights(vma))));",
                 "*pte = pte_make(page2pa(page), pte_leaf_flags(vma_rights(vma)));")]):
            results, output = grade(self.tree, "get-pte*", "mapping*", "fault-*")
        self.assertEqual(len(results), 12)
        for name, result in results.items():
            self.assertEqual(result["verdict"], "ok", name + "\n" + output)

    def test_panic(self):
        verdict, output = self.verdict('    panic("the sky falls on %d heads", 3);\n')
        self.assertEqual(verdict, Verdict.PANIC)
        self.assertIn("the sky falls on 3 heads", output)
        with open(os.path.join(self.tree, INIT)) as file:
            line = (file.read().partition(START)[0] + START).count("\n") + 1
        self.assertRegex(output, r"init_main\+0x[0-9a-f]+, at kern/init/user\.c:%d\n" % line)
        self.assertRegex(output, r"make trace TEST=hello (.*\n)+ +make replay TEST=hello ")

    def test_the_call_stack_names_the_lines_of_the_calls(self):
        """The return address of a call that never returns may lie in the next function already, so
        the line must be looked up for an address inside the call."""
        _, output = self.verdict('    panic("stop");\n')
        with open(os.path.join(self.tree, INIT), encoding="utf-8") as file:
            line = file.read().split(START)[0].count("\n") + 2
        self.assertRegex(output, r"init_main\+0x[0-9a-f]+, at kern/init/user\.c:%d\n" % line)
        _, output = self.verdict(BAD_STORE)
        self.assertRegex(output, r"init_main\+0x[0-9a-f]+, at kern/init/user\.c:%d\n" % line)

    def test_a_jump_to_nowhere_keeps_the_lines(self):
        _, output = self.verdict("    static void (*volatile nothing)(void);\n    nothing();\n")
        self.assertIn("kernel panic at 0x0 on hart ", output)
        self.assertRegex(output, r"call stack, innermost first:\n +0x0\n"
                                 r" +init_main\+0x[0-9a-f]+, at kern/init/user\.c:\d+\n")

    def test_what_was_not_given_back(self):
        check = "    if (!inventory_check(&before) || !unmounted || exit_code != 0)\n"
        with Edited(self.tree, [(INIT, check, "    (void)!alloc_pages(1);\n" + check)]):
            _, output = grade(self.tree, "hello")
        self.assertIn("at the end something was not given back: 1 pages, 0 processes, 0 objects "
                      "lost\n", output)
        self.assertNotIn("expected the first program to exit", output)

    def test_a_failed_check_is_told_also_where_a_panic_follows(self):
        check = '    check("with a few pages there is a process", proc != NULL);\n'
        wrong = check.replace("!=", "==") + '    panic("stop");\n'
        with Edited(self.tree, [("kern/test/alloc_proc.c", check, wrong)]):
            _, output = grade(self.tree, "alloc-proc-memory")
        self.assertRegex(output, r"check failed: with a few pages .*\n *kernel panic at kern/test/")

    def test_a_killed_program(self):
        """The lines that are shown begin after the boot messages."""
        line = '    cprintf("Hello world!!.\\n");\n'
        with Edited(self.tree, [("user/hello.c", line, BAD_STORE + line)]):
            _, output = grade(self.tree, "hello")
        self.assertIn("expected the first program to exit with code 0, got -9 E_KILLED\n", output)
        self.assertRegex(output, r"the last lines of its output:\n"
                                 r" *\| hello \(pid 2\) was killed: ")

    def test_hang(self):
        verdict, output = self.verdict("    for (;;)\n        ;\n")
        self.assertEqual(verdict, Verdict.HANG)
        self.assertRegex(output, r"no end after 100 million instructions; it is in the kernel, "
                                 r"at init_main\+0x[0-9a-f]+, at kern/init/user\.c:\d+")

    def test_a_hang_does_not_hide_failed_checks(self):
        check = "    check(\"each tick sets the next\", "
        with Edited(self.tree, [("kern/test/clock.c", check + "tick());",
                                 check + "false);\n    for (;;)\n        ;")]):
            results, output = grade(self.tree, "tick")
        self.assertEqual(results["tick"]["verdict"], Verdict.HANG, output)
        self.assertRegex(output, r"check failed: each tick sets the next, at .*\n"
                                 r" +no end after 100 million instructions")

    def test_a_hang_in_the_firmware(self):
        _, output = self.verdict('    for (;;)\n        sbi_set_timer(0);\n')
        self.assertRegex(output, "it is in the (firmware|kernel)")
        self.assertNotIn("in a program", output)

    def test_hang_with_interrupts_off(self):
        verdict, _ = self.verdict('    irq_disable();\n    for (;;)\n'
                                  '        asm volatile ("wfi");\n')
        self.assertEqual(verdict, Verdict.HANG)

    def test_no_allocator_of_ones_own(self):
        with Edited(self.tree, [("kern/mm/pmm_own.c", "PMM_MANAGER(9, own_pmm_manager);\n", "")]):
            results, output = grade(self.tree, "pmm-own")
        self.assertEqual(results["pmm-own"]["verdict"], Verdict.NOT_WRITTEN)
        self.assertIn("nothing is named own in the table: pmm=own: there are buddy", output)
        self.assertNotIn("Begin with", output)

    def test_traps_without_end(self):
        """With a bad stvec no instruction runs any more, so no limit of instructions is reached."""
        verdict, output = self.verdict('    csr_write(stvec, 0);\n    asm volatile ("unimp");\n')
        self.assertEqual(verdict, Verdict.HANG)
        self.assertIn("each trap leads to the next", output)

    def test_deadlock(self):
        verdict, output = self.verdict(
            "    static struct wait_queue queue;\n    initproc = current;\n"
            "    wait_queue_init(&queue, &proc_lock);\n    spin_lock(&proc_lock);\n"
            "    wait_sleep(&queue, WT_MUTEX, \"a bell that nobody rings\");\n")
        self.assertEqual(verdict, Verdict.DEADLOCK)
        self.assertRegex(output, r"call stacks, innermost first:\n"
                                 r"( .*\n)* +init\w* \(pid 1\) waits for a bell that nobody rings\n"
                                 r" +wait_sleep\S+, at kern/sync/wait\.c:\d+\n")

    def test_no_room_for_the_kernel(self):
        """QEMU refuses a machine for so large a kernel, and that is not the host's fault."""
        verdict, output = self.verdict(
            "    static char waste[28 << 20];\n    waste[current->pid] = 1;\n"
            "    asm volatile (\"\" : : \"r\" (waste) : \"memory\");\n")
        self.assertEqual(verdict, Verdict.WRONG)
        self.assertRegex(output, r"the kernel takes 3\d\.\d MiB with all its variables, and may "
                         r"take 8: the largest of them is waste\S*, with 28\.0 MiB")

    def test_broken_set_up(self):
        fake = os.path.join(self.tree, "qemu")
        with open(fake, "w") as file:
            file.write("#!/bin/sh\necho no such machine\nexit 1\n")
        os.chmod(fake, 0o755)
        status, output = run_grader(self.tree, "--qemu", fake, "hello")
        self.assertEqual(status, 1)
        self.assertIn(Verdict.SETUP, output)
        self.assertIn("no such machine", output)

    def test_the_words_differ(self):
        words = [word for name, word in vars(Verdict).items() if name.isupper()]
        self.assertEqual(len(words), len(set(words)))


class BuildErrors(Tree):
    """A mistake in one exercise's region costs that exercise only."""

    def test_in_a_region(self):
        edit = ("kern/syscall/syscall.c", "    /* EXERCISE 5.2 begin: dispatch */\n",
                "    /* EXERCISE 5.2 begin: dispatch */\n    int x = undeclared;\n")
        with Edited(self.tree, [edit]):
            results, output = grade(self.tree, "badcalls", "pmm-first-fit", "areas")
        self.assertEqual(results["badcalls"]["verdict"], Verdict.BUILD, output)
        self.assertIn("'undeclared' undeclared", "\n".join(results["badcalls"]["reasons"]))
        self.assertEqual(results["pmm-first-fit"]["verdict"], Verdict.OK, output)
        self.assertIn("without exercise 5.2, which does not compile", output)

    def test_an_open_brace(self):
        edit = ("kern/mm/pmm_best_fit.c", "    /* EXERCISE 2.2 begin: best_fit_alloc_pages */\n",
                "    /* EXERCISE 2.2 begin: best_fit_alloc_pages */\n    if (n == 0) {\n")
        with Edited(self.tree, [edit]):
            results, output = grade(self.tree, "pmm-best-fit", "pmm-first-fit")
        self.assertEqual(results["pmm-best-fit"]["verdict"], Verdict.BUILD, output)
        self.assertEqual(results["pmm-first-fit"]["verdict"], Verdict.OK, output)

    def test_outside_of_all_regions(self):
        with Edited(self.tree, [(INIT, START, START + "    nonsense;\n")]):
            status, output = run_grader(self.tree, "--build", build_command(), "hello")
        self.assertEqual(status, 2)
        self.assertIn("does not compile, outside of any exercise", output)
        self.assertIn("kern/init/user.c", output)

    def test_beside_a_region(self):
        """What is wrong there is so with the region blank too: that must not be tried for ever."""
        before = "    mm_assert_locked(mm);\n    /* EXERCISE 9.1 begin: swap_in"
        edit = ("kern/mm/swap_in.c", before, "    nonsense;\n" + before)
        with Edited(self.tree, [edit]):
            status, output = run_grader(self.tree, "--build", build_command(), "hello")
        self.assertEqual(status, 2)
        self.assertIn("does not compile, outside of any exercise", output)
        self.assertRegex(output, r"swap_in\.c:\d+:\d+: error: 'nonsense' undeclared")


class FromOutside(Tree):
    """The grader ends, by a signal or because nobody reads it, and takes its machines with it."""

    def begin(self):
        process = subprocess.Popen(
            [sys.executable, os.path.join(TOP, "tools", "grade.py"), "--objects", OBJECTS, "--lab",
             "6"], cwd=self.tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 900              # only ends a hang
        while not machines_of(self.tree):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        return process

    def none_left(self):
        deadline = time.monotonic() + 900              # only ends a hang
        while machines_of(self.tree) and time.monotonic() < deadline:
            time.sleep(0.05)
        return not machines_of(self.tree)

    def test_ctrl_c(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process = self.begin()
            process.send_signal(number)
            output = process.communicate()[0].decode()
            self.assertEqual(process.returncode, 130, output)
            self.assertIn("grade: interrupted", output)
            self.assertNotIn("Traceback", output)
            self.assertTrue(self.none_left())

    def test_killed(self):
        process = self.begin()
        process.kill()
        process.communicate()
        self.assertTrue(self.none_left())

    def test_nobody_reads(self):
        process = self.begin()
        process.stdout.close()
        self.assertIn(process.wait(), (0, 1))
        self.assertTrue(self.none_left())


class CommandLine(unittest.TestCase):
    """Wrong commands, and hosts that lack something: exit status 2 and one line."""

    def fails(self, words, *arguments, **more):
        status, output = run_grader(TOP, *arguments, **more)
        self.assertEqual(status, 2, output)
        self.assertIn(words, output)
        self.assertNotIn("Traceback", output)

    def test_packages_of_the_same_names(self):
        """What is installed on a student's machine does not take the place of the tree's own."""
        with tempfile.TemporaryDirectory() as folder:
            for name in ("grader", "labs", "exercise"):
                os.mkdir(os.path.join(folder, name))
                with open(os.path.join(folder, name, "__init__.py"), "w") as file:
                    file.write("raise SystemExit('not ours')\n")
            status, output = run_grader(TOP, "--list", env=dict(os.environ, PYTHONPATH=folder))
        self.assertEqual(status, 0, output)

    def test_bad_ones(self):
        self.fails("there is no test helo; do you mean hello?", "helo")
        self.fails("there is no lab 10", "--lab", "10")
        self.fails("there is no exercise 5.9", "--exercise", "5.9")
        self.fails("nonsense is missing: run make setup", "--qemu", "nonsense", "hello")
        self.fails("/nowhere/kernel is not there", "--objects", "/nowhere", "hello")
        self.fails("/nowhere/x: No such file", "--json", "/nowhere/x", "hello")
        self.fails("invalid int value", "-j", "many")

    def test_which_tests(self):
        """Without a word those of exercises; the others of a lab with the lab, or by --all."""
        for arguments, there in (((), False), (("--lab", "8"), True), (("--all",), True)):
            text = run_grader(TOP, "--list", *arguments)[1]
            self.assertEqual([name in text for name in (" sfs-io-read ", " crash ")], [True, there])

    def test_a_full_disk(self):
        self.fails("No space left on device", "--json", "/dev/full", "hello")

    def test_no_letters_beyond_ascii(self):
        status, output = run_grader(TOP, "hello", env=dict(os.environ, LC_ALL="C", PYTHONUTF8="0"))
        self.assertEqual(status, 0, output)

    def test_a_pipe_gets_plain_lines(self):
        status, output = run_grader(TOP, "hello")
        self.assertNotIn("\033", output)
        self.assertNotIn("\r", output)
        self.assertRegex(output.splitlines()[-1], r"^Total Score: (\d+)/\1$")
        self.assertEqual(status, 0)

    def test_list_and_dry_run(self):
        self.assertIn("forktest-nocow", run_grader(TOP, "--list", "--lab", "5")[1])
        self.assertIn("4 harts, 128M", run_grader(TOP, "--dry-run", "cowrace*")[1])


class Labs(unittest.TestCase):
    """The points of the labs add up."""

    def test_each_lab_has_100_points_beside_its_challenges(self):
        for lab in load():
            self.assertEqual(lab.points, 100 if lab.exercises else 0, lab.number)

    def test_points_that_do_not_add_up(self):
        labs = load()
        labs[1].tests[0].points += 1
        self.addCleanup(setattr, labs[1].tests[0], "points", labs[1].tests[0].points - 1)
        with self.assertRaisesRegex(LabError, "points, but its tests"):
            check(labs)


if __name__ == "__main__":
    unittest.main()
