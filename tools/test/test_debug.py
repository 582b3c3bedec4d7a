"""Tests of make debug and make replay: gdb runs with a script instead of a user.

Each test gives commands to gdb by tools/debug.py and looks into what gdb prints: where the
machine stops (panic, failed check, kill, limit), the commands of tools/gdb_commands.py, steps
into the kernel and back to the program, and steps backwards in a recording. If the stub, the
recording or a command is broken, a stop is missing, a step lands elsewhere, or a Traceback shows.

Needs the built objects, their compiler, QEMU and gdb-multiarch; it builds in a copy of the tree.
Run alone: python3 tools/test/test_debug.py
One test: python3 tools/test/test_debug.py Debug.test_commands
"""
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from trees import OBJECTS, TOP, Edited, TreeTest, build_command

SECONDS = 200
# A program that runs instead of debug.py. Its first argument gives a test that no lab has.
DRIVER = """import sys
sys.path.insert(0, %r)
import debug
from grader import model
from labs import catalogue
test = eval("model.Test(" + sys.argv.pop(1) + ")")
catalogue.find_test = lambda name, of=None: test
sys.exit(debug.main())
""" % os.path.join(TOP, "tools")


def command(*arguments, made=None):
    """The command that runs debug.py. `made` makes a test: it is the arguments of model.Test."""
    start = ["-c", DRIVER, made] if made else [os.path.join(TOP, "tools", "debug.py")]
    return [sys.executable] + start + ["--objects", OBJECTS] + list(arguments)


def debug(tree, commands, *arguments, made=None):
    """All that gdb prints under tools/debug.py when it gets these commands and then ends."""
    path = os.path.join(tree, "commands.gdb")
    with open(path, "w") as file:
        file.write("\n".join(["echo \\nBEGIN\\n"] + commands + [""]))
    result = subprocess.run(
        command("--commands", path, *arguments, made=made), cwd=tree, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS,
        env=dict(os.environ, LC_ALL="C.UTF-8"))
    text = result.stdout.decode("utf-8", "replace")
    if "BEGIN" not in text:
        raise AssertionError("gdb did not come so far:\n" + text)
    return text


def users_of(folder):
    """The command lines of the processes that name this folder."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as file:
                line = file.read().decode("utf-8", "replace")
        except OSError:
            continue                    # it has ended
        if folder in line:
            found.append(line.replace("\0", " "))
    return found


def appears(folder, word):
    """Wait until one of the processes that name this folder names this too: a busy host takes
    its time."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if any(word in line for line in users_of(folder)):
            return True
        time.sleep(0.1)
    return False


# Commands of gdb. They step as long as a condition holds, and then print the last step: the pc
# before and after it, and the registers of traps, which say where it should have gone.
STEPS = r"""
set $left = 30000
while %s && $left > 0
    set $before = $pc
    stepi
    set $left = $left - 1
end
printf "step: %%lx %%lx %%lx %%lx %%lx\n", $before, $pc, $stvec, $sepc, $scause
"""
ECALL, SRET = 0x73, 0x10200073
ECALL_CAUSE, STORE_FAULT_CAUSE = 8, 15


def step_over(code):
    """Commands that go to an instruction with this code, and then one step further."""
    return [STEPS % ("*(unsigned int *)$pc != %#x" % code), STEPS.replace("30000", "1") % "1"]


def steps(text):
    """What STEPS has printed, as numbers: pc before, pc after, stvec, sepc, scause."""
    return [tuple(int(number, 16) for number in line.split())
            for line in re.findall(r"(?m)^step: (.*)$", text)]


class Debug(TreeTest):
    """Sessions in a copy of the tree, which some of them edit and build again."""

    SECONDS = 40

    @classmethod
    def setUpClass(cls):
        if not shutil.which("gdb-multiarch"):
            raise AssertionError("gdb-multiarch is missing: run make setup")
        super().setUpClass()

    def build(self):
        """Build the copy after an edit, and after the edit was undone."""
        subprocess.run(build_command(), shell=True, cwd=self.tree, check=True,
                       stdout=subprocess.DEVNULL)

    def test_stops_at_the_panic(self):
        text = debug(self.tree, ["bt"], "--test", "read-null")
        self.assertIn("The kernel panics", text)
        self.assertRegex(text, r"epc +0x[0-9a-f]+: read_null\+\d+ \(kern/test/protect\.c:\d+\)")
        self.assertRegex(text, r"2 +1 running +0 selftest")
        self.assertRegex(text.partition("BEGIN")[2], r"#0 +panic_trap")

    def test_stops_at_the_failed_check(self):
        wrong = ("libs/report.c", "bool passed = got == expected;", "bool passed = got + 1 == got;")
        with Edited(self.tree, [wrong]):
            self.build()
            text = debug(self.tree, ["bt 3"], "--test", "mapping")
        self.build()
        self.assertRegex(text.partition("BEGIN")[2], r"#0 +check_failed")
        self.assertRegex(text.partition("BEGIN")[0],
                         r"#\d+ .*\n? .*at kern/test/mapping\.c:\d+\n\d+\t")

    def test_commands(self):
        text = debug(self.tree, ["runq", "pages", "pt 0xffffffc080200000", "vmas 99", "rvlab",
                                 "pt no_such_symbol"], "--test", "hello")
        self.assertIn("hart 0, class rr", text)
        self.assertIn("32768 pages of RAM", text)
        self.assertRegex(text, r"level 2, entry 258 of the table at 0x[0-9a-f]+: [0-9a-f]{16}")
        self.assertIn("the kernel may read, execute", text)
        self.assertIn("there is no process 99; ps lists them", text)
        self.assertIn("rvlab: list these commands.", text)
        self.assertIn("no_such_symbol", text)
        self.assertNotIn("Traceback", text)

    def test_user_memory(self):
        text = debug(self.tree, ["hbreak main", "continue", "ps", "vmas", "tf", "pt main",
                                 "pt $sp"], "--prog", "hello")
        part = text.partition("BEGIN")[2]
        self.assertRegex(part, r"running +0 hello")
        self.assertRegex(part, r"level 0, entry +\d+ .*U.*X.*R.*V")
        self.assertIn("SPP=", part)
        self.assertNotIn("Traceback", part)

    def test_steps_into_the_kernel_and_out(self):
        """Over a faulting instruction, an ecall, and the sret after each."""
        for start, more in ((["hbreak *main", "continue"], ["--prog", "hello"]),
                            (["delete", "hbreak *main", "reverse-continue"],
                             ["--test", "hello", "--replay"])):
            text = debug(self.tree, start + ["set $main = $pc"] + step_over(ECALL) +
                         step_over(SRET), *more)
            _, (at, kernel, stvec, sepc, cause), _, (_, user, _, back, _) = steps(text)
            self.assertEqual((kernel, sepc, cause), (stvec, at, ECALL_CAUSE), text)
            self.assertEqual((user, back), (at + 4, at + 4), text)
        # A push goes below the pages that the stack has: the stack grows, and the push runs again.
        text = debug(self.tree, ["hbreak *main", "continue", "set $sp = $sp - 0x80000",
                                 STEPS % "$pc < 0x1000000"] + step_over(SRET) +
                     [STEPS.replace("30000", "1") % "1"], "--prog", "hello")
        (at, kernel, stvec, sepc, cause), _, (_, user, _, _, _), again = steps(text)
        self.assertEqual((kernel, sepc, cause), (stvec, at, STORE_FAULT_CAUSE), text)
        self.assertEqual((user, again[0]), (at, at), text)
        self.assertIn(again[1], (at + 2, at + 4), text)

    def test_break_syscall(self):
        """The breakpoint stops at a program's call too, and not only at the kernel's own call."""
        stop = ["continue", r'printf "stop: %lx %lx\n", $pc, $scause']
        text = debug(self.tree, ["break syscall"] + stop * 4, "--prog", "hello")
        stops = [tuple(int(number, 16) for number in line.split())
                 for line in re.findall(r"(?m)^stop: (.*)$", text)]
        self.assertIn(ECALL_CAUSE, [cause for pc, cause in stops if pc >> 38], text)

    def test_replay_goes_backwards(self):
        text = debug(self.tree, ["reverse-stepi", "info registers pc", "stepi",
                                 "info registers pc", "watch -location initproc",
                                 "reverse-continue", "bt 1", r'printf "initproc %d\n", initproc'],
                     "--test", "read-null", "--replay")
        part = text.partition("BEGIN")[2]
        pcs = re.findall(r"^pc +(0x[0-9a-f]+)", part, re.MULTILINE)
        self.assertEqual(len(pcs), 2, text)
        self.assertNotEqual(pcs[0], pcs[1])
        self.assertIn("\ninitproc 0\n", part)
        self.assertRegex(part, r"#0 .*init_main")

    def test_reverse_continue_to_a_breakpoint(self):
        text = debug(self.tree, ["hbreak do_kernel_execve", "reverse-continue", "bt 1",
                                 "reverse-step", "reverse-next"], "--test", "hello", "--replay")
        self.assertRegex(text.partition("BEGIN")[2], r"#0 +do_kernel_execve")

    def test_an_address_space_that_no_process_has(self):
        text = debug(self.tree, ["hbreak do_pgfault", "reverse-continue", "vmas mm", "pt addr mm",
                                 "pt addr &mm->as", "pt addr mm->as.pgdir", "vmas addr",
                                 "pt addr access"], "--test", "fault-stack", "--replay")
        part = text.partition("BEGIN")[2]
        self.assertRegex(part, r"areas of mm; 1 use them(.*\n)+  [0-9a-f]{10}-\w{10} rw-.* stack")
        roots = re.findall(r"by the root table at (0x[0-9a-f]+)", part)
        self.assertEqual((len(roots), len(set(roots))), (3, 1), text)
        self.assertEqual(part.count("is no pid, and points to no mm_struct"), 2)
        self.assertNotIn("Traceback", part)

    def test_who_wrote_it(self):
        flags = r'printf "flags %d\n", *$flags'
        text = debug(self.tree, ["frame function free_page", "set $flags = &page->flags",
                                 "watch -location page->flags", flags, "reverse-continue", flags,
                                 "bt 4", "reverse-continue", flags],
                     "--test", "page-double-free", "--replay")
        part = text.partition("BEGIN")[2]
        self.assertEqual(re.findall(r"(?m)^flags (\d)", part), ["0", "2", "0"], text)
        self.assertRegex(part, r"(?m)^\d+\t +page->flags = 0;")
        self.assertRegex(part, r"#0 +mark_free(.*\n)+#\d .*page_double_free")

    def test_time_is_the_same_again(self):
        """A step back leaves the machine's clock right, which QEMU's own way back does not."""
        text = debug(self.tree, ["monitor xp /1gx 0x200bff8", "monitor info replay",
                                 "reverse-stepi", "reverse-stepi", "stepi", "continue",
                                 "monitor xp /1gx 0x200bff8", "monitor info replay"],
                     "--test", "read-null", "--replay")
        part = text.partition("BEGIN")[2]
        for pattern in (r"200bff8: (0x\w+)", r"instruction count = (\d+)"):
            values = re.findall(pattern, part)
            self.assertEqual(len(values), 2, part)
            self.assertEqual(values[0], values[1])

    def test_a_run_that_does_not_end(self):
        for more, stopped in (([], "SIGALRM"), (["--replay"], "The recording ends here")):
            text = debug(self.tree, ["info registers pc"], "--test", "made", *more,
                         made="'made', prog='hog 1000000', limit=20")
            self.assertIn(stopped, text)
            # It stops in the program, the kernel or the firmware, and not where the machine begins.
            self.assertRegex(text.partition("BEGIN")[2], r"pc +0x(80|ffffffc0)")

    def test_end_of_a_recording(self):
        """At the end of a recording gdb still has a machine, which stands still."""
        count, at = "monitor info replay", "info registers pc"
        text = debug(self.tree, [
            "continue", count, at, "stepi", count, at, "reverse-stepi", count, "continue", count,
            "delete", "reverse-continue", count, at, "reverse-stepi", count],
            "--test", "made", "--replay", made="'made', prog='hog 1000000', limit=20")
        counts, pcs = self.counts_and_pcs(text)
        self.assertEqual(counts, [counts[0]] * 2 + [counts[0] - 1, counts[0], 0, 0], text)
        self.assertEqual(pcs, [pcs[0]] * 2 + [0x1000], text)

    def test_a_breakpoint_near_the_end(self):
        """It is hit from every place where gdb goes on. If one is never hit, gdb still has a
        machine."""
        count, at = "monitor info replay", "info registers pc"
        last = ["thbreak power_off", "continue", count, at]
        text = debug(self.tree, ["delete", count, at] + (
            ["reverse-continue"] + last + ["reverse-stepi", "reverse-stepi", "stepi"] + last +
            ["reverse-continue", "thbreak do_kernel_execve", "continue"] + last) * 3 + [
                "reverse-continue", "thbreak panic_trap", "continue", count, "stepi",
                "reverse-stepi", count], "--test", "hello", "--replay")
        counts, pcs = self.counts_and_pcs(text)
        self.assertEqual(counts[:10], counts[:1] * 10, text)
        self.assertEqual(pcs, pcs[:1] * 10, text)
        self.assertEqual(len(counts), 12, text)

    def test_wfi_counts_the_same(self):
        """With a breakpoint near it, and if gdb steps over it, as in the recording. If not, the
        replay never gets beyond it: see kern/riscv/wait.S."""
        count, at = "monitor info replay", "info registers pc"
        text = debug(self.tree, [
            "delete", count, at, "hbreak wait_for_interrupt", "reverse-continue", count, "stepi",
            count, "thbreak power_off", "continue", count, at], "--test", "cow", "--replay")
        counts, pcs = self.counts_and_pcs(text)
        self.assertEqual(len(counts), 4, text)
        self.assertEqual(counts[3], counts[0], text)
        self.assertEqual(pcs, pcs[:1] * 2, text)

    def counts_and_pcs(self, text):
        """The numbers that `monitor info replay` and `info registers pc` have printed."""
        part = text.partition("BEGIN")[2]
        return ([int(n) for n in re.findall(r"instruction count = (\d+)", part)],
                [int(n, 16) for n in re.findall(r"(?m)^pc +(0x[0-9a-f]+)", part)])

    def test_a_kill_is_found(self):
        """The machine ends without success because the first program is killed: gdb stops there."""
        killed = ("user/hello.c", "int main(void)\n{\n",
                  "int main(void)\n{\n    (void)*(volatile char *)(long)getpid();\n")
        with Edited(self.tree, [killed]):
            self.build()
            for more in ([], ["--replay"]):
                text = debug(self.tree, ["tf"], "--test", "hello", *more)
                self.assertIn("The kernel kills a program", text)
                part = text.partition("BEGIN")[2]
                self.assertRegex(part, r"cause +0xd: load page fault\n +tval +0x2\n")
                self.assertRegex(part, r"epc .*: main\+?\d* \(user/hello\.c:\d+\)")
        self.build()
        text = debug(self.tree, ["info registers pc"], "--test", "false", "--replay")
        self.assertIn("The machine is about to switch off", text)

    def test_pages_and_tables_of_a_program(self):
        text = debug(self.tree, ["hbreak main", "continue", "pt main", "pt $sp", "pt 0 2",
                                 "vmas 2", "python pte = gdb.execute('pt main', to_string=True)",
                                 "python import re; gdb.execute('pages 0x' + "
                                 "re.search(r'physical 0x(\\w+)', pte).group(1))"],
                     "--prog", "hello", "--mem", "96M", "--harts", "2")
        part = text.partition("BEGIN")[2]
        self.assertRegex(part, r"level 0, .* -A-UX-RV\n +physical .*: user mode may read, execute")
        self.assertRegex(part, r"level 0, .* DA-U-WRV\n +physical .*: user mode may read, write")
        self.assertIn("not mapped", part)
        self.assertRegex(part, r"areas of hello \(pid 2\)")
        self.assertRegex(part, r"r-x .*\n(.*\n)*.*rw-.* stack")
        self.assertRegex(part, r"hello \(pid 2\) maps it at 0x80\w+000: -A-UX-RV")

    def test_damaged_memory(self):
        text = debug(self.tree, [
            "set var run_queues[0].proc_num = 7", "runq",
            "set var initproc->parent = 0x123450000", "ps",
            "set var proc_list.next->next = proc_list.next", "ps", "vmas 1", "pages",
            "set var npage = 3", "pages 0x87000000", "set var pages = 16", "pages"],
            "--test", "read-null")
        part = text.partition("BEGIN")[2]
        for words in ("proc_num is 7: that is not what is in the queue",
                      "Cannot access memory at address 0x123450",
                      "is damaged, or not set up yet", "has no struct Page",
                      "pages: Cannot access memory at address 0x10"):
            self.assertIn(words, part)
        self.assertNotIn("Traceback", part)

    def test_queues_of_other_classes(self):
        for name, head in (("stride", "stride 0x"), ("mlfq", "level "), ("fifo", "slice ")):
            # Go from the end of the recording to its start, and on to the first wait for a child.
            text = debug(self.tree, ["delete", "reverse-continue", "hbreak do_wait", "continue",
                                     "runq"], "--test", "made", "--replay",
                         made="'made', prog='forktest', append='sched=%s'" % name)
            part = text.partition("BEGIN")[2]
            waiting = int(re.search(r"class %s: (\d+) wait, forktest" % name, part).group(1))
            self.assertGreater(waiting, 20)
            self.assertEqual(len(re.findall(r"(?m)^  forktest \(pid \d+\) .*%s" % head, part)),
                             waiting)
            self.assertNotIn("proc_num", part)

    def test_a_queue_where_nothing_is_known_of_it(self):
        """A class may keep its tasks where no tool looks. They are listed, and it is said."""
        text = debug(self.tree, ["delete", "reverse-continue", "hbreak do_wait", "continue",
                                 "set var run_queues[0].run_list.next = 0", "runq"],
                     "--test", "made", "--replay",
                     made="'made', prog='forktest', append='sched=fifo'")
        part = text.partition("BEGIN")[2]
        number = int(re.search(r"proc_num is (\d+): that is not what is in", part).group(1))
        self.assertGreater(number, 20)
        known = part.partition("in a place that runq does not know for class fifo:")[2]
        self.assertEqual(len(re.findall(r"(?m)^  forktest \(pid \d+\) .*slice ", known)), number)

    def test_nothing_is_left_behind(self):
        path = os.path.join(self.tree, "sleep.gdb")
        with open(path, "w") as file:
            file.write("while 1\nreverse-stepi\nend\n")
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            folder = tempfile.mkdtemp(dir=self.tree)
            process = subprocess.Popen(
                command("--test", "read-null", "--replay", "--commands", path),
                cwd=self.tree, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, env=dict(os.environ, TMPDIR=folder))
            self.assertTrue(appears(folder, path))
            if number == signal.SIGINT:         # ctrl-C is for gdb, so debug.py goes on
                process.send_signal(number)
                time.sleep(1)
                self.assertIsNone(process.poll())
                number = signal.SIGTERM
            process.send_signal(number)
            self.assertNotEqual(process.wait(60), 0)
            time.sleep(0.5)
            self.assertEqual(users_of(folder), [])
            self.assertEqual(os.listdir(folder), [])

    def test_a_gdb_that_cannot(self):
        """A gdb that does not know RISC-V is refused, in whatever language it says so and with
        whatever exit status."""
        folder = os.path.join(self.tree, "bin")
        os.mkdir(folder)
        for name in ("gdb-multiarch", "riscv64-unknown-elf-gdb", "riscv64-elf-gdb", "gdb"):
            with open(os.path.join(folder, name), "w") as file:
                file.write("#!/bin/sh\necho 'Objet indéfini: riscv:rv64'\n")
            os.chmod(file.name, 0o755)
        result = subprocess.run(command("--prog", "hello"), cwd=self.tree, stdout=subprocess.PIPE,
                                stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT,
                                env=dict(os.environ, PATH=folder + ":" + os.environ["PATH"]))
        self.assertEqual((result.returncode, result.stdout.decode()),
                         (1, "debug: no gdb for RISC-V: run make setup\n"))

    def test_what_cannot_be_done(self):
        for words, arguments in (
                ("QEMU can record a machine with one hart", ["--test", "cowrace-4-harts",
                                                             "--replay"]),
                ("QEMU loses what is typed", ["--test", "sh-session", "--replay"]),
                ("there is no machine to look into", ["--test", "check_style"]),
                ("there is no program nonsense", ["--prog", "nonsense"]),
                ("QEMU does not start", ["--prog", "hello", "--qemu", "/bin/false"]),
                ("QEMU did not come to the end", ["--test", "hello", "--replay",
                                                  "--qemu", "/bin/false"]),
                ("there is no test helo; do you mean hello", ["--test", "helo"])):
            result = subprocess.run(
                command(*arguments), cwd=self.tree, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            output = result.stdout.decode()
            self.assertNotEqual(result.returncode, 0)
            self.assertIn(words, output)
            self.assertNotIn("Traceback", output)


if __name__ == "__main__":
    unittest.main()
