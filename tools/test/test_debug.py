"""make debug and make replay, driven by scripts for gdb."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from trees import OBJECTS, TOP, Edited, build_command, copy_tree

SECONDS = 200


def debug(tree, commands, *arguments):
    """What gdb prints under tools/debug.py, with these commands instead of a session."""
    path = os.path.join(tree, "commands.gdb")
    with open(path, "w") as file:
        file.write("\n".join(["echo \\nBEGIN\\n"] + commands + [""]))
    result = subprocess.run(
        [sys.executable, os.path.join(TOP, "tools", "debug.py"), "--objects", OBJECTS,
         "--commands", path] + list(arguments), cwd=tree, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS)
    text = result.stdout.decode("utf-8", "replace")
    if "BEGIN" not in text:
        raise AssertionError("gdb did not come so far:\n" + text)
    return text


class Debug(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tree = tempfile.mkdtemp(prefix="rvlab-debug-")
        copy_tree(cls.tree)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.tree)

    def build(self):
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

    def test_replay_goes_backwards(self):
        text = debug(self.tree, ["reverse-stepi", "info registers pc", "stepi",
                                 "info registers pc", "watch -location initproc",
                                 "reverse-continue", "bt 1"], "--test", "read-null", "--replay")
        part = text.partition("BEGIN")[2]
        pcs = re.findall(r"^pc +(0x[0-9a-f]+)", part, re.MULTILINE)
        self.assertEqual(len(pcs), 2, text)
        self.assertNotEqual(pcs[0], pcs[1])
        self.assertRegex(part, r"New value = \(struct proc_struct \*\) 0x0")
        self.assertRegex(part, r"#0 .*init_main")

    def test_reverse_continue_to_a_breakpoint(self):
        text = debug(self.tree, ["hbreak do_execve", "reverse-continue", "bt 1",
                                 "reverse-step", "reverse-next"], "--test", "hello", "--replay")
        self.assertRegex(text.partition("BEGIN")[2], r"#0 +do_execve")

    def test_what_cannot_be_done(self):
        for words, arguments in (
                ("QEMU can record a machine with one hart", ["--test", "cowrace-4-harts",
                                                             "--replay"]),
                ("there is no machine to look into", ["--test", "check_style"]),
                ("there is no test helo; do you mean hello", ["--test", "helo"])):
            result = subprocess.run(
                [sys.executable, os.path.join(TOP, "tools", "debug.py"), "--objects", OBJECTS]
                + arguments, cwd=self.tree, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT)
            output = result.stdout.decode()
            self.assertNotEqual(result.returncode, 0)
            self.assertIn(words, output)
            self.assertNotIn("Traceback", output)


if __name__ == "__main__":
    unittest.main()
