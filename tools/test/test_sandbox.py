"""grader/sandbox.py and cgroup.py: what runs in the box reaches nothing, and has an end.

Hostile plays a compiler that does what no text of a student should make it do, in the box, and
without one where that is promised too: then by a keeper (keeper.py). Shop has it inside a workshop:
the next hand-in is built of nothing that the one before has left. Without bubblewrap the tests of
the box are skipped, with the reason.
Run alone: python3 tools/test/test_sandbox.py
"""
import contextlib
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from unittest import mock

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

from exercise import workshop
from grader import cgroup, keeper, sandbox
from grader.host import Host
from grader.judge import Judge
from labs.catalogue import load
from trees import OBJECTS

LIMITS = sandbox.Limits(cpu=2, total=2, memory=1 << 30, together=1 << 30, file=1 << 20,
                        room=4 << 20, files=500, processes=20, output=1000)
in_box = unittest.skipIf(sandbox.why_not(), sandbox.why_not())
# Five children have 40 MiB each at the same time. Was one of them killed?
MANY = """import os, signal
kids = []
for number in range(5):
    there, told = os.pipe()
    kids.append(os.fork())
    if kids[-1] == 0:
        memory = b"1" * (40 << 20)
        os.write(told, b"x")
        signal.pause()
    os.close(told)
    os.read(there, 1)
print("killed" if any(os.waitpid(kid, os.WNOHANG)[0] for kid in kids) else "all alive")
"""
NO_BOX = "no sandbox: for this test"
# Ways to stay when the command has ended: each leaves its group and its parent, and writes on. The
# last but one ends the keeper, the last one is nearly always between two processes.
# 512 processes: each of nine times who is there starts one that leaves its group and its parent.
BOMB = "python3 -c 'import os, time\nfor _ in range(9):\n    if os.fork() == 0:\n        " \
    "os.setsid()\n        if os.fork():\n            os._exit(0)\ntime.sleep(31)'"
DEEP = "import os, time\nfor _ in range(1500):\n    os.mkdir(\"d\"); os.chdir(\"d\")\ntime.sleep(9)"
AT_ONCE = DEEP.replace("time.sleep(9)", "")
STAYS = "while sleep 0.05; do date >>ticks; done"
ESCAPES = ("setsid sh -c '(%s) &' & sleep 0.3" % STAYS,
           "env -i PATH=$PATH setsid sh -c '(setsid sh -c \"%s\" &) &' & sleep 0.3" % STAYS,
           "setsid sh -c '(%s) &' & sleep 0.3; kill -9 $PPID" % STAYS,
           "exec python3 -c 'import os, time\nos.setsid() if os.fork() == 0 else (time.sleep(0.3), "
           "os._exit(0))\nwhile True:\n    if os.fork():\n        os._exit(0)\n"
           "    open(\"ticks\", \"a\").write(\"x\")'")


class Folder(unittest.TestCase):
    """A base class for tests with a folder to write, and one beside it."""

    def setUp(self):
        self.top = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.top)
        self.folder, self.beside = (os.path.join(self.top, name) for name in ("box", "beside"))
        os.mkdir(self.folder)
        os.mkdir(self.beside)

    def sh(self, script, **limits):
        """Run a script in the box; the result is Ended."""
        return sandbox.run(["sh", "-c", script], self.folder, LIMITS._replace(**limits),
                           os.environ)

    def without_box(self):
        """As long as this lasts the host has none."""
        return mock.patch.object(sandbox, "why_not", lambda: NO_BOX)

    def without_group(self):
        """As long as this lasts the host lets us have no control group."""
        return mock.patch.object(cgroup, "make", lambda *limits: None)

    def running(self, words):
        """The processes that work in the test's folder, and have this in their command line."""
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError), open("/proc/%s/cmdline" % name) as file:
                if words in file.read().replace("\0", " ") \
                        and os.readlink("/proc/%s/cwd" % name) == self.folder:
                    found.append(name)
        return found


class Hostile(Folder):
    @in_box
    def test_reads_nothing_of_the_host(self):
        with open(os.path.join(self.beside, "marks"), "w") as file:
            file.write("secret")
        for path in ("/etc/passwd", "/etc/shadow", "/root/.bashrc", "/home", "/work",
                     os.path.join(self.beside, "marks"), os.path.abspath(__file__)):
            with mock.patch.dict(os.environ, PATH="/usr/bin:/bin"):
                ended = self.sh("cat %s || ls %s" % (path, path))
            self.assertNotEqual(ended.status, 0, path)
            self.assertIn("No such file", ended.output)

    @in_box
    def test_reads_little_beside_the_folders_of_tools(self):
        """Of PATH's folders in a home the tools are there, with what a compiler needs, and no more;
        of the home itself nothing else."""
        home, bins = self.beside, ("bin", "x/bin", "gcc/bin", ".cargo/bin")
        for path in ("marks", "lib/marks", "share/marks", "x/marks", "x/lib/marks", "gcc/marks",
                     "gcc/notes/marks", ".cargo/credentials", "gcc/lib/y", "gcc/share/y",
                     "gcc/share/qemu/y", "gcc/riscv64-unknown-elf/bin/y", "x/bin/tool",
                     ".cargo/bin/cargo", "bin/riscv64-unknown-elf-gcc",
                     "gcc/bin/riscv64-unknown-elf-gcc", "py/bin/python3", "py/lib/y", "py/marks"):
            os.makedirs(os.path.join(home, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(home, path), "w") as file:
                file.write("secret")
        places = [os.path.join(home, each) for each in bins]
        with mock.patch.dict(os.environ, HOME=home, PATH=":".join(places + ["/usr/bin", "/bin"])), \
                mock.patch.object(sys, "executable", os.path.join(home, "py/bin/python3")):
            ended = self.sh("cd %s && find . -type f; basename ${PATH%%/py/bin}" % home)
        self.assertEqual(set(ended.output.split()), {os.path.basename(home)} | set(
            "./" + each for each in (
                "py/bin/python3", "py/lib/y", "x/bin/tool", ".cargo/bin/cargo",
                "bin/riscv64-unknown-elf-gcc", "gcc/bin/riscv64-unknown-elf-gcc", "gcc/lib/y",
                "gcc/share/qemu/y", "gcc/riscv64-unknown-elf/bin/y")))

    @in_box
    def test_writes_nothing_outside(self):
        for path in (self.beside, "/", "/usr", "/tmp", "/dev", "/etc"):
            ended = self.sh("echo x >%s/planted" % path)
            self.assertNotEqual(ended.status, 0, path)
            self.assertFalse(os.path.exists(os.path.join(path, "planted")))
        self.assertEqual(self.sh("echo x >planted").status, 0)
        self.assertTrue(os.path.exists(os.path.join(self.folder, "planted")))

    @in_box
    def test_sees_and_kills_no_process(self):
        other = subprocess.Popen(["sleep", "60"])
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        ended = self.sh("kill -9 %d; kill -9 $PPID; kill -9 1; kill -9 -1; echo alive"
                        % other.pid)
        self.assertIsNone(other.poll())
        self.assertIn("alive", ended.output)
        numbers = self.sh("cd /proc; echo [0-9]*").output.split()
        self.assertLess(len(numbers), 6)

    def test_a_box_that_cannot_be_made_later(self):
        """It was there once, and is not now: this host's fault, and no word of the compiler."""
        with open(os.path.join(self.beside, "bwrap"), "w") as file:
            file.write("#!/bin/sh\necho bwrap: no more namespaces; exit 1\n")
        os.chmod(file.name, 0o755)
        with mock.patch.object(sandbox, "TOOL", file.name), \
                mock.patch.object(sandbox, "why_not", lambda: ""):
            with self.assertRaisesRegex(OSError, "sandbox does not start: .*no more namespaces"):
                self.sh("true")

    def test_the_group_above_that_may_have_groups(self):
        """As systemd has them: a session's group holds processes, and that of its user groups."""
        user, session = (os.path.join(self.beside, path) for path in ("user", "user/session"))
        os.makedirs(session)
        for folder, controllers in ((user, "cpu memory pids"), (session, "")):
            with open(os.path.join(folder, "cgroup.subtree_control"), "w") as file:
                file.write(controllers + "\n")
        self.assertEqual([cgroup.delegating(each) for each in (session, user)], [user, user])
        with open(os.path.join(user, "cgroup.subtree_control"), "w") as file:
            file.write("cpu\n")
        self.assertEqual(cgroup.delegating(session), session)

    @in_box
    def test_has_no_network(self):
        ended = self.sh("cat /proc/net/dev")
        self.assertEqual([line.split(":")[0].strip() for line in ended.output.split("\n")
                          if ":" in line], ["lo"])

    def test_fork_bomb(self):
        """Where this host has neither a box nor a control group it is one that has an end."""
        for box in (mock.MagicMock(), self.without_box()):
            with box, cgroup.group(20, 1 << 30) as group:
                bomb = "f() { f | f & }; f" if group or not sandbox.why_not() else BOMB
                before = len(os.listdir("/proc"))
                ended = self.sh(bomb + " 2>/dev/null; while :; do :; done")
            self.assertTrue(ended.why or ended.status, ended)
            self.assertLess(len(os.listdir("/proc")), before + 50)

    def test_fork_bomb_without_a_group(self):
        for box in (mock.MagicMock(), self.without_box()):
            for start in ("sleep 30 &", "setsid sh -c 'sleep 30 &' &"):
                with box, self.without_group():
                    ended = self.sh("for i in $(seq 40); do %s done; sleep 30" % start)
                self.assertEqual(ended.why, "it started more than 20 processes", start)
                self.assertEqual(self.running("sleep 30"), [])

    def test_fork_bomb_that_escapes(self):
        with self.without_box(), self.without_group():
            ended = self.sh(BOMB)
        self.assertEqual(ended.why, "it started more than 20 processes")
        self.assertEqual(self.running(""), [])

    def test_many_that_compute(self):
        """Each is within its own limit, but not all together."""
        ended = self.sh("for i in 1 2 3 4; do (while :; do :; done) & done; wait", cpu=100)
        self.assertEqual(ended.why, "it took more than 2 seconds of CPU time")

    def test_one_that_computes(self):
        for box in (mock.MagicMock(), self.without_box()):
            with box:
                ended = self.sh("while :; do :; done", cpu=1, total=100)
            self.assertIn(ended.status, (-signal.SIGKILL, -signal.SIGXCPU))

    def test_fills_the_disk(self):
        for box in (mock.MagicMock(), self.without_box()):
            with box:
                ended = self.sh("i=0; while head -c 1000000 /dev/zero >f$i; do i=$((i+1)); "
                                "sleep 0.01; done")
            self.assertEqual(ended.why, "it wrote more than 4 MiB")
            self.assertLess(sandbox.room_of([self.folder])[0], 400 << 20)
            self.sh("rm f*")

    def test_many_files(self):
        """They are empty, so they take no room that anybody has counted."""
        os.mkdir(os.path.join(self.folder, "before"))
        for number in range(LIMITS.files):
            open(os.path.join(self.folder, "before", str(number)), "w").close()
        for box in (mock.MagicMock(), self.without_box()):
            for where in (".", "$TMPDIR"):
                with box:
                    self.assertEqual(self.sh("for i in $(seq 400); do : >%s/f$i; done; sleep 0.5"
                                             % where).why, "")
                    ended = self.sh("i=0; while : >%s/f$i; do i=$((i+1)); done" % where)
                self.assertEqual(ended.why, "it made more than 500 files")
                self.sh("rm -rf f*")

    def test_folders_in_folders(self):
        for box in (mock.MagicMock(), self.without_box()):
            for where in (self.folder, "$TMPDIR"):
                with box:
                    ended = self.sh("cd %s; exec python3 -c '%s'" % (where, DEEP), files=10000)
                self.assertEqual(ended.why, "it made folders in folders, more than 64")
                workshop.empty(self.folder)

    def test_more_folders_than_python_can_go_through(self):
        """Some are made between two looks. They are removed, and the next grading finds none."""
        for box in (mock.MagicMock(), self.without_box()):
            with box, mock.patch.object(sandbox, "DEEPEST", 10000):
                ended = self.sh("cd $TMPDIR; echo $TMPDIR; exec python3 -c '%s'" % AT_ONCE,
                                files=10000, room=1 << 30, cpu=60, total=60)
            self.assertEqual((ended.why, ended.status), ("", 0))
            self.assertFalse(os.path.lexists(ended.output.strip()))

    def test_one_large_file(self):
        for box in (mock.MagicMock(), self.without_box()):
            with box:
                self.assertNotEqual(self.sh("head -c 3000000 /dev/zero >f").status, 0)
            self.assertLessEqual(os.path.getsize(os.path.join(self.folder, "f")), 1 << 20)

    def test_memory(self):
        script = "python3 -c \"x = b'1' * (100 << 30)\""
        for box in (mock.MagicMock(), self.without_box()):
            with box:
                ended = self.sh(script)
            self.assertNotEqual(ended.status, 0)
            self.assertIn("MemoryError", ended.output)

    @in_box
    def test_memory_of_many(self):
        """Each is within its own limit, but not all together."""
        with cgroup.group(20, 1 << 30) as group:
            if not group:
                self.skipTest("this host lets us have no control group")
        with open(os.path.join(self.folder, "many.py"), "w") as file:
            file.write(MANY)
        ended = self.sh("exec python3 many.py", together=100 << 20)
        self.assertFalse(ended.why)
        self.assertTrue("killed" in ended.output or ended.status == -signal.SIGKILL, ended)

    def test_prints_much(self):
        ended = self.sh("yes | head -c 900000")
        self.assertEqual(len(ended.output), LIMITS.output)

    def test_process_that_stays(self):
        """What the command leaves behind is ended with it."""
        for box in (mock.MagicMock(), self.without_box()):
            with box:
                self.sh("(while sleep 0.05; do date >>ticks; done) & sleep 0.2")
            size = os.path.getsize(os.path.join(self.folder, "ticks"))
            time.sleep(0.3)
            self.assertEqual(os.path.getsize(os.path.join(self.folder, "ticks")), size)

    def test_process_that_escapes(self):
        """It leaves its group and its parent; nothing else of this user is ended."""
        other = subprocess.Popen(["setsid", "sleep", "60"])
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        for box, script in itertools.product((mock.MagicMock(), self.without_box()), ESCAPES):
            with self.subTest(script, box=str(box)[:30]), box, self.without_group():
                self.sh(script)
                size = os.path.getsize(os.path.join(self.folder, "ticks"))
                time.sleep(0.3)
                self.assertEqual(os.path.getsize(os.path.join(self.folder, "ticks")), size)
        self.assertIsNone(other.poll())

    def test_grading_that_is_killed(self):
        """What the command has started ends in seconds behind who grades, whatever ends that."""
        code = "import os, sys\nsys.path.insert(0, %r)\nfrom grader import sandbox\n" \
            "sandbox.why_not = lambda: 'none'\nsandbox.cgroup.make = lambda *limits: None\n" \
            "sandbox.run(['sh', '-c', %r], %r, sandbox.Limits(*%r), os.environ)" % (
                os.path.dirname(HERE), ESCAPES[0] + "; sleep 30", self.folder, tuple(LIMITS))
        grading = subprocess.Popen([sys.executable, "-c", code])
        path = os.path.join(self.folder, "ticks")
        while not os.path.exists(path):
            self.assertIsNone(grading.poll())
            time.sleep(0.05)
        grading.kill()
        grading.wait()
        until, size = time.monotonic() + 2 * keeper.SECONDS, -1
        while os.path.getsize(path) != size:
            self.assertLess(time.monotonic(), until)
            size = os.path.getsize(path)
            time.sleep(0.5)

    def test_keeper_that_is_told_again(self):
        """Of who grades a thread may end before the others: then the signal comes twice."""
        for _ in range(20):
            kept = subprocess.Popen(keeper.command_for(["sh", "-c", "setsid sleep 57 & sleep 58"]),
                                    cwd=self.folder, stderr=subprocess.DEVNULL)
            time.sleep(0.15)
            while kept.poll() is None:
                kept.terminate()
            self.assertEqual(self.running("sleep"), [])

    def test_limit_of_processes_of_the_user(self):
        """The kernel keeps one too: what runs now, and some more."""
        script = "exec python3 -c 'import resource as r; print(*r.getrlimit(r.RLIMIT_NPROC))'"
        used = keeper.threads()
        with self.without_box():
            soft, hard = map(int, self.sh(script).output.split())
        self.assertEqual(soft, hard)
        self.assertLess(abs(soft - used - keeper.MORE), keeper.MORE / 2)

    def test_environment_of_the_command(self):
        """Python ignores some signals; a command must ignore only what was ignored before that."""
        by_python = sum(1 << number - 1 for number in (signal.SIGPIPE, signal.SIGXFSZ))
        with open("/proc/self/status") as file:
            ignored = int(re.search(r"^SigIgn:\s*(\w+)$", file.read(), re.M).group(1), 16)
        with self.without_box():
            ended = self.sh("grep SigIgn /proc/self/status; (yes; echo $? >&2) | head -1")
        words = ended.output.split()        # the last two come from two processes
        self.assertEqual(words[:2], ["SigIgn:", "%016x" % (ignored & ~by_python)])
        self.assertEqual(set(words[2:]), {"y", "141"})

    @in_box
    def test_number_that_another_process_got(self):
        """The first process of a box has ended, and its number is another one's."""
        box = sandbox.Box(["true"], self.folder, True)
        box.wait()
        other = subprocess.Popen(["sleep", "60"])
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        box.leader = other.pid
        box.kill()
        with self.assertRaises(subprocess.TimeoutExpired):
            other.wait(0.2)

    def test_status(self):
        for box in (mock.MagicMock(), self.without_box()):
            with box:
                self.assertEqual(self.sh("exit 7").status, 7)
                self.assertEqual(self.sh("kill -11 $$").status, -signal.SIGSEGV)


class WithoutBox(unittest.TestCase):
    def setUp(self):
        sandbox.why_not.cache_clear()
        self.addCleanup(sandbox.why_not.cache_clear)

    def test_not_installed(self):
        with mock.patch.dict(os.environ, {"PATH": "/nowhere"}):
            self.assertIn("bubblewrap is not installed", sandbox.why_not())

    def test_forbidden(self):
        """Docker, and some versions of Ubuntu, have a bwrap that cannot do its work."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, sandbox.TOOL)
            with open(path, "w") as file:
                file.write("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\n"
                           "exit 1\n")
            os.chmod(path, 0o755)
            with mock.patch.dict(os.environ, {"PATH": folder + ":/usr/bin:/bin"}):
                self.assertEqual(sandbox.why_not(), "no sandbox: this system forbids it (bwrap: "
                                 "No permissions to create new namespace)")


def contents(folder):
    """{path: content} of the files below a folder."""
    found = {}
    for path in workshop.files(folder):
        with open(os.path.join(folder, path), "rb") as file:
            found[path] = file.read()
    return found


class Shop(Folder):
    """A workshop whose compiler is hostile. The tree is a Makefile and one source."""

    RULES = "all: obj/t/kernel\nobj/t/kernel: kern/a.c obj/t/a.o\n\tcat obj/t/a.o kern/a.c >$@\n" \
        "\t@sh kern/a.c 2>&1\nobj/t/a.o: tools/build.mk\n\techo good >$@\n"

    def setUp(self):
        super().setUp()
        self.pristine = pristine = os.path.join(self.top, "pristine")
        for path, text in (("Makefile", ""), ("kern/a.c", ":\n"), ("libs/l", ""), ("user/u", ""),
                           ("tools/build.mk", self.RULES), ("obj/t/config.mk", "")):
            os.makedirs(os.path.dirname(os.path.join(pristine, path)), exist_ok=True)
            with open(os.path.join(pristine, path), "w") as file:
                file.write(text)
        self.assertTrue(workshop.make(pristine, "t").succeeded)
        self.shop = workshop.Workshop(pristine, os.path.join(self.top, "shop"), "t")

    def kernel_after(self, script):
        """The kernel of the hand-in after one with this script, which has left nothing."""
        with self.shop.variant({"kern/a.c": script + "\n"}):
            pass
        self.assertEqual(contents(self.shop.folder), contents(self.pristine), script)
        with self.shop.variant({"kern/a.c": ": next\n"}) as built:
            self.assertTrue(built.succeeded, built.output)
            with open(os.path.join(self.shop.objects, "kernel")) as file:
                return file.read()

    def test_next_one_is_built_of_nothing_else(self):
        bad = "touch -r obj/t/a.o stamp; echo evil >obj/t/a.o; touch -r stamp obj/t/a.o"
        for script in (":", bad, bad + "; rm stamp", "rm -rf obj kern user", "mv obj moved",
                       "rm obj/t/a.o; mkdir obj/t/a.o", "ln -sf /etc/passwd obj/t/a.o",
                       "ln -f libs/l obj/t/a.o", "ln -f obj/t/a.o libs/l", "ln -f obj/t/a.o new",
                       "mkdir -p a/b; chmod 0 a", "python3 -c '%s'" % AT_ONCE,
                       "chmod 0 obj/t; chmod 0 obj", "mkfifo obj/t/f",
                       "echo all: >tools/build.mk", "printf '\\033[2J'"):
            with mock.patch.object(sandbox, "DEEPEST", 10000):
                self.assertEqual(self.kernel_after(script), "good\n: next\n", script)

    @in_box
    def test_next_one_after_one_that_kills_all(self):
        """Without a box this would end every process of the user."""
        self.assertEqual(self.kernel_after("kill -9 -1"), "good\n: next\n")

    def test_nothing_is_written_through_a_link(self):
        """In the box there is nothing outside to link to; without one there may be."""
        outside = os.path.join(self.beside, "marks")
        for box, link in ((mock.MagicMock(), "ln"), (self.without_box(), "ln"),
                          (mock.MagicMock(), "ln -s"), (self.without_box(), "ln -s")):
            with open(outside, "w") as file:
                file.write("20 points")
            with box:
                self.kernel_after("rm obj/t/a.o; %s %s obj/t/a.o" % (link, outside))
            with open(outside) as file:
                self.assertEqual(file.read(), "20 points", link)

    def test_what_is_left_is_opened_only_if_it_is_a_file(self):
        """Who grades would read a link's target, and would wait for ever for a pipe's writer."""
        for script, path in itertools.product(
                ("mkfifo", "ln -s /etc/passwd", "ln -s ../../libs/l", "ln -s nothing"),
                ("obj/t/kernel", "kern/b.c")):
            with self.shop.variant({"kern/a.c": "rm -f %s; %s %s; exit 1\n"
                                    % (path, script, path)}) as built:
                self.assertFalse(built.succeeded)
                self.assertEqual(built.problem, "error: the compiler has left what is no file that "
                                 "can be read: " + path)

    def test_reason(self):
        with mock.patch.object(workshop, "LIMITS", workshop.LIMITS._replace(total=1)):
            with self.shop.variant({"kern/a.c": "while :; do :; done\n"}) as built:
                self.assertFalse(built.succeeded)
                self.assertEqual(built.problem, "error: the compiler was stopped: it took more "
                                 "than 1 seconds of CPU time")


class Seconds(Folder):
    """The CPU time of a machine, by which changes made by rule get theirs."""

    def test_as_without_a_box(self):
        test = next(test for lab in load() for test in lab.tests if test.name == "mapfile")
        found = []
        for boxed in (False, True):
            host = Host(OBJECTS, "qemu-system-riscv64", self.top, boxed)
            outcome = Judge(host).run(test, 0)
            self.assertTrue(outcome.passed, outcome.reasons)
            found.append(outcome.seconds)
        self.assertGreater(found[1], found[0] / 4, found)


if __name__ == "__main__":
    unittest.main()
