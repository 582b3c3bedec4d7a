"""Tests of make run, which boots without a terminal and runs one program; and of disks with make.

A program that waits for its user must find the end of the input, on one hart and on two; a run
without an end is killed and fails. The exit status of make is that of the machine: it is 0 only if
the program succeeds. A boot argument that makes no sense must be told.

make qemu has a disk that keeps what is written; run has a new one each time, and DISK= chooses.

Needs the built objects, make and QEMU.
Run alone: python3 tools/test/test_run.py
"""
import os
import signal
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from trees import OBJECTS, TOP, Edited, TreeTest, guard_of

SECONDS = 600                   # a boot takes about one second
PROMPT = b"rvlab$ "


def make_run(*knobs, goal="run"):
    """Call make run: (exit status, all that was printed). A run without an end fails the test."""
    process = subprocess.Popen(
        ["make", goal, "TOOLCHAIN=" + os.path.basename(OBJECTS)] + list(knobs), cwd=TOP,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True)
    try:
        text = process.communicate(timeout=SECONDS)[0].decode("utf-8", "replace")
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise AssertionError("make %s %s has no end: %s" % (
            goal, " ".join(knobs), process.communicate()[0].decode("utf-8", "replace")[-500:]))
    return process.returncode, text


class TestRun(unittest.TestCase):
    """make run as a script uses it."""

    def test_shell_ends(self):
        for harts in "12":
            status, text = make_run("PROG=sh", "SMP=" + harts)
            self.assertEqual(status, 0, text)
            self.assertIn("init ended with code 0", text)

    def test_exit_status_is_the_machines(self):
        self.assertEqual(make_run("PROG=true")[0], 0)
        self.assertNotEqual(make_run("PROG=false")[0], 0)

    def test_init_names_a_program(self):
        status, text = make_run("APPEND=init=")
        self.assertNotEqual(status, 0, text)
        self.assertIn('unknown boot argument "init="', text)

    def test_qemu_says_why_it_has_ended(self):
        """In its last line, so that nobody need look for it."""
        for knob, why in (("APPEND=selftest=write-text", "the kernel has stopped itself: store "
                           "page fault, address 0x[0-9a-f]+ \\(kernel panic at write_text.*\\)"),
                          ("APPEND=init=false", "the first program has failed: init ended with "
                           "code 1")):
            status, text = make_run(knob, "DISK=none", goal="qemu")
            self.assertEqual(status, 2, text)
            self.assertRegex(text.replace("\r", ""),
                             r"\nMakefile:[0-9]+: \*\*\* %s\.  Stop\.\n\Z" % why)

    def ended(self, said, command):
        """What tools/ended.sh finds to be the end of a machine that this command of the shell is,
        with these bytes on its screen; None if it writes nothing."""
        with tempfile.TemporaryDirectory() as folder:
            log, line = os.path.join(folder, "screen.log"), os.path.join(folder, "ended")
            for path in (log, line):
                with open(path, "wb") as file:
                    file.write(b"kernel panic at old.c:1:\r\n    of another run\r\n")
            with open(os.path.join(folder, "said"), "wb") as file:
                file.write(said)
            result = subprocess.run(
                ["tools/ended.sh", folder, "sh", "-c", 'cd "$0"; cp said screen.log; ' + command,
                 folder], cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.assertEqual(result.returncode, 0, result.stdout)
            if not os.path.exists(line):
                return None
            with open(line, "rb") as file:
                return file.read()

    def test_words_of_ended(self):
        for said, command, why in (
                (b"", "exit 3", b"QEMU has ended with status 3, and does not say why: see docs/"
                 b"running.md"),
                (b"", "printf 'one\\r\\ntwo, $(x)\\n' >&2; exit 1",
                 b"QEMU has ended with status 1, and says: two, $(x)"),
                (b"", "kill -KILL $$", b"QEMU was killed from outside, by SIGKILL"),
                (b"", "echo a warning >&2", None),
                (b"kernel panic at k.c:1:\r\n    survived?\r\n", "exit 0", None),
                (b"a\r\ndeadlock: all 2 processes sleep\r\nx\r\n", "exit 255",
                 b"the kernel has stopped itself: deadlock: all 2 processes sleep"),
                (b"kernel panic at k.c:1 on hart 0:\r\n    old\r\n"
                 b"kernel panic at k.c:2 on hart 1:\r\n    new \xff\r\n", "exit 255",
                 b"the kernel has stopped itself: new \xff (kernel panic at k.c:2 on hart 1)")):
            self.assertEqual(self.ended(said, command), why and why + b"\n")


def with_rights(*words):
    """A command for which the rights of files count: for root they do not."""
    return (["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
            if os.geteuid() == 0 else []) + list(words)


class TestDisk(TreeTest):
    """The disks of make qemu, make run and DISK=, in a copy of the tree."""

    SECONDS = 8

    def make(self, *words, typed="", succeeds=True):
        """Call make. What is typed is given to it when there is a prompt. Returns what it
        prints."""
        process = subprocess.Popen(
            ["make", "TOOLCHAIN=" + os.path.basename(OBJECTS)] + list(words), cwd=self.tree,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True)
        limit = guard_of(SECONDS, os.killpg, process.pid, signal.SIGKILL)
        try:
            text = b""
            while typed and PROMPT not in text:
                more = os.read(process.stdout.fileno(), 4096)
                self.assertTrue(more, text)
                text += more
            text += process.communicate(typed.encode())[0]
        finally:
            limit.cancel()
        self.assertEqual(process.returncode == 0, succeeds, text.decode("utf-8", "replace"))
        return text.decode("utf-8", "replace").replace("\r", "")

    def disk(self, *words):
        """What tools/disk prints."""
        return subprocess.run([sys.executable, "tools/disk"] + list(words), cwd=self.tree,
                              check=True, stdout=subprocess.PIPE).stdout.decode("latin-1")

    def test_home(self):
        """The disk of make qemu keeps a file, also over a build that changes a program, which
        comes to its /bin; make disk makes it new."""
        self.assertIn("  disk       disk0, 576 MiB, sfs\n",
                      self.make("qemu", typed="echo kept >note\nexit\n"))
        self.assertIn("\nkept\n", self.make("qemu", typed="cat note\nexit\n"))
        self.assertNotIn("note", self.make("run", "PROG=ls"))
        self.disk("check", "obj/disk.img")
        with Edited(self.tree, [("user/hello.c", "Hello world!!", "Hello disk!!")]):
            text = self.make("qemu", typed="cat note\n/bin/hello\nexit\n")
            self.assertIn("\nkept\n", text)
            self.assertIn("Hello disk!!", text)
            self.assertIn("Hello disk!!", self.disk("cat", "obj/disk.img", "/bin/hello"))
        self.make("disk")
        self.assertNotIn("note", self.disk("ls", "obj/disk.img"))

    def test_run_writes_to_a_copy(self):
        for _ in range(2):
            self.assertEqual(self.make("run", "PROG=sh -c 'mkdir made; ls'").count("made"), 1)

    def test_other_disks(self):
        name = "a disk, and 'more'.img"
        self.assertIn("makes one", self.make("run", "PROG=ls", "DISK=" + name, succeeds=False))
        self.make("disk", "DISK=" + name)
        self.make("run", "PROG=mkdir made", "DISK=" + name)
        self.assertIn("made", self.disk("ls", name))
        self.assertIn("made", self.make("run", "PROG=ls", "DISK=" + name))
        text = self.make("run", "PROG=ls /bin", "DISK=none")
        self.assertNotIn("  disk ", text)
        self.make("disk", "DISK=none", succeeds=False)

    def test_what_cannot_be_a_disk(self):
        """DISK= with what no machine can have: a line of make, before anything is built."""
        for name in ("folder", "empty", "short", "locked"):
            path = os.path.join(self.tree, name)
            if name == "folder":
                os.mkdir(path)
                continue
            with open(path, "wb") as file:
                file.truncate({"empty": 0, "short": 4095, "locked": 1 << 20}[name])
        for name, words in (("folder", "this is a folder"), ("empty", "this file is smaller"),
                            ("short", "this file is smaller"), ("/dev/null", "this is no file")):
            for goal in ("qemu", "run"):
                text = self.make(goal, "PROG=hello", "DISK=" + name, succeeds=False)
                self.assertRegex(text, "^Makefile:[0-9]+: .*DISK=%s: %s" % (name, words))
                self.assertEqual(text.count("\n"), 1, text)
        self.assertIn("this is a folder", self.make("disk", "DISK=folder", succeeds=False))
        for bits, words in ((0, "cannot be read by you"), (0o444, "cannot be written by you")):
            os.chmod(os.path.join(self.tree, "locked"), bits)
            text = subprocess.run(
                with_rights("sh", "tools/probe.sh", "disk", "locked", "run"), cwd=self.tree,
                stdout=subprocess.PIPE).stdout.decode()
            self.assertIn(words, text)

    def test_damaged(self):
        """A disk whose root, or whose shell, is damaged: there is a shell all the same."""
        self.make("disk", "DISK=bad.img")
        path = os.path.join(self.tree, "bad.img")
        number = int(self.disk("ls", "-l", "bad.img", "/bin/sh").split()[0])
        with open(path, "rb") as file:
            sound = file.read(1 << 24)
        table = struct.unpack_from("<I", sound, 32)[0] * 4096
        shell = table + number * 128 + 16
        for at, value, said in (
                (table + 128 + 16, 1, "sh: the disk cannot be read; this is the one of the kernel"),
                (shell, 1, "init=sh cannot be run from the disk: E_IO"),
                (shell, 0, "init=sh cannot be run from the disk: E_INVAL_ELF")):
            with open(path, "r+b") as file:
                file.seek(at)
                file.write(struct.pack("<I", value))
            text = self.make("qemu", "DISK=bad.img",
                             typed="echo still here\nimage:echo image of $?\nexit\n")
            self.assertIn(said, text)
            self.assertIn("\nstill here\n", text)
            self.assertIn("\nimage of 0\n", text)
            with open(path, "r+b") as file:
                file.write(sound)

    def test_what_is_no_disk(self):
        """An image without a file system: the kernel says so, and has its own programs."""
        path = os.path.join(self.tree, "zeros.img")
        with open(path, "wb") as file:
            file.truncate(1 << 20)
        text = self.make("run", "PROG=hello", "DISK=zeros.img")
        self.assertIn("disk0 cannot be mounted: ", text)
        self.assertIn("hello pass.", text)
        with open(path, "rb") as file:
            self.assertEqual(file.read(), bytes(1 << 20))


if __name__ == "__main__":
    unittest.main()
