"""Tests of recording.Player, the program between gdb and a QEMU that replays a recording.

Both sides are played here: Machine takes the place of QEMU and speaks the protocol of its stub, and
a Stub takes the place of gdb. The kinds of Machine do what QEMU 10 does only by chance: it learns
too early that the machine will switch off, it leaves at the end, it breaks down, or it hangs. If
Player does not go around that, a breakpoint is missed or a step ends elsewhere; what cannot be
mended must be one line for the user.

Nothing is built and there is no QEMU.
Run alone: python3 tools/test/test_recording.py
"""
import contextlib
import io
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import types
import unittest
from unittest import mock

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import recording
from gdbstub import StubError, connect

LENGTH, EARLY = 100, 60         # the machine switches off at 100; QEMU may learn of it at 60
PATIENCE = 20                   # seconds; an answer takes one at most, and a Player that waits for
                                # ever must fail the test, not stop it
NO_MORE = "T05replaylog:end;"
FEATURES = {"target.xml": '<xi:include href="cpu.xml"/>', "cpu.xml": '<reg name="pc" regnum="32"/>'}


class Machine:
    """It plays a QEMU that replays. The address of each instruction is its number. When it learns
    that the machine will switch off it stops there, unless something else stops it just there."""

    def __init__(self, link, kind):
        self.link, self.kind, self.status = link, kind, None
        self.at, self.stop, self.places, self.off = 0, None, set(), False
        # A process that uses CPU time as such a QEMU does.
        self.process = subprocess.Popen(
            [sys.executable, "-c", "while True: pass" if kind == "slow" else "input()"],
            stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.pid = self.process.pid
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def kill(self):
        self.end(-9)

    def end(self, status):
        if self.status is None:
            self.status = status
            self.process.kill()
            self.process.communicate()
            with contextlib.suppress(OSError):
                self.link.shutdown(socket.SHUT_RDWR)

    def wait(self, timeout=None):
        return self.status

    def serve(self):
        data = b""
        with contextlib.suppress(OSError), self.link:
            while True:
                packet = re.search(rb"\$([^#]*)#..", data)
                if not packet:
                    more = self.link.recv(4096)
                    if not more:
                        return
                    data += more.replace(b"\3", b"$interrupt#00")
                    continue
                data = data[packet.end():]
                for answer in self.answers(packet.group(1).decode()):
                    text = answer.encode()
                    self.link.sendall(b"+$%s#%02x" % (text, sum(text) & 0xff))

    def answers(self, packet):
        if packet.startswith("qRcmd,"):
            return self.monitor(bytes.fromhex(packet[6:]).decode().split())
        if packet.startswith("qXfer:features:read:"):
            return ["l" + FEATURES[packet.split(":")[3]]]
        if packet[0] in "Zz":
            (self.places.add if packet[0] == "Z" else self.places.discard)(
                int(packet.split(",")[1], 16))
            return ["OK"]
        if packet == "?":
            self.places.clear()
            return ["T05thread:01;"]
        if packet[0] == "p":
            return [self.at.to_bytes(8, "little").hex()]
        if packet == "interrupt":
            return ["T02thread:01;"]
        if packet in ("c", "s"):
            return self.run(packet)
        return [""]

    def monitor(self, words):
        if words[0] == "replay_break":
            self.stop = int(words[1])
            return ["OK"]
        line = "Replaying execution 'log': instruction count = %d\r\n" % self.at
        return ["O" + line.encode().hex(), "OK"]

    def run(self, packet):
        if self.off:
            return []                           # as QEMU: no answer at all
        while True:
            if self.kind == "breaks" and self.at == EARLY:
                self.end(-6)
                return []
            if self.at == EARLY and self.kind == "hangs":
                return []
            if self.at == EARLY and self.kind == "slow":
                time.sleep(5 * recording.HANG_SECONDS)
            self.at += 1
            if self.at == self.stop:
                self.stop = None
                self.off = self.kind == "hopeless" and self.at == EARLY
                return ["T03thread:01;" if self.off else "T02thread:01;"]
            if self.at == LENGTH and self.kind == "leaves":
                self.end(0)
                return []
            if self.at == LENGTH or self.at == EARLY and self.kind in ("early", "hopeless"):
                self.off = True
                return ["T03thread:01;"]
            if packet == "s" or self.at in self.places:
                return ["T05thread:01;"]


class Recording:
    """It takes the place of recording.Recording, and starts such a Machine."""

    def __init__(self, folder, kind):
        self.folder, self.kind = folder, kind
        self.test = types.SimpleNamespace(name="a test")
        self.end = None if kind in ("leaves", "breaks") else LENGTH - 1

    def path(self, name):
        return os.path.join(self.folder, name)

    def machine(self, mode, more, **streams):
        return Machine(socket.socket(fileno=os.dup(streams["pass_fds"][0])), self.kind)


class Replay(unittest.TestCase):
    """What gdb and the user see, with each kind of Machine."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="rvlab-recording-")
        patched = mock.patch.object(recording, "HANG_SECONDS", 0.5)
        patched.start()
        self.addCleanup(patched.stop)

    def tearDown(self):
        shutil.rmtree(self.folder)

    @contextlib.contextmanager
    def gdb(self, kind):
        """A connection like that of gdb. When it ends, self.told is what the user has read."""
        player = recording.Player(Recording(self.folder, kind))
        told = io.StringIO()
        with contextlib.redirect_stderr(told):
            thread = threading.Thread(target=player.serve, daemon=True)
            thread.start()
            gdb = connect(player.path)
            gdb.seconds = PATIENCE
            try:
                yield gdb
            finally:
                gdb.close()
                thread.join(PATIENCE)
                player.kill()
                thread.join(PATIENCE)
        self.assertFalse(thread.is_alive())
        self.told = told.getvalue()

    def at(self, gdb):
        return gdb.register("pc")

    def test_a_breakpoint_behind_the_early_place(self):
        for kind in ("early", "in time", "leaves"):
            with self.gdb(kind) as gdb:
                gdb.add_breakpoint(EARLY - 20)
                gdb.add_breakpoint(EARLY + 20)
                for place in (EARLY - 20, EARLY + 20):
                    self.assertEqual(gdb.ask("c"), "T05thread:01;")
                    self.assertEqual(self.at(gdb), place)
                self.assertEqual(gdb.ask("bc"), "T05thread:01;")
                self.assertEqual(self.at(gdb), EARLY - 20)
                self.assertEqual(gdb.ask("c"), "T05thread:01;")
                self.assertEqual(self.at(gdb), EARLY + 20)
            os.remove(os.path.join(self.folder, "gdb"))
            self.assertEqual(self.told, "")

    def test_steps_over_the_early_place(self):
        with self.gdb("early") as gdb:
            gdb.add_breakpoint(EARLY - 2)
            gdb.ask("c")
            for place in range(EARLY - 1, EARLY + 3):
                self.assertEqual(gdb.ask("s"), "T05thread:01;")
                self.assertEqual(self.at(gdb), place)
            for place in range(EARLY + 1, EARLY - 2, -1):
                self.assertEqual(gdb.ask("bs"), "T05thread:01;")
                self.assertEqual(self.at(gdb), place)

    def test_the_end(self):
        """At the end gdb stands still there. If QEMU left with the machine, gdb is where it was
        before the command."""
        for kind, end in (("early", LENGTH - 1), ("in time", LENGTH - 1), ("leaves", 0)):
            with self.gdb(kind) as gdb:
                for _ in range(2):
                    self.assertEqual(gdb.ask("c"), NO_MORE)
                    self.assertEqual(self.at(gdb), end)
            os.remove(os.path.join(self.folder, "gdb"))
            self.assertEqual(self.told, "")

    def test_the_user_is_told(self):
        for kind, words in (("hopeless", "QEMU switches off at instruction 60, and was to go on"),
                            ("hangs", "QEMU waits for ever at instruction 60"),
                            ("breaks", "the machine ended too early")):
            with self.gdb(kind) as gdb:
                with self.assertRaises(StubError):
                    gdb.ask("c")
            os.remove(os.path.join(self.folder, "gdb"))
            self.assertIn("debug: the replay cannot go on: " + words, self.told)
            self.assertEqual(self.told.count("\n"), 1)
            if kind == "hangs":
                self.assertIn("make debug TEST='a test'\n", self.told)

    def test_one_that_works_is_waited_for(self):
        with self.gdb("slow") as gdb:
            self.assertEqual(gdb.ask("c"), NO_MORE)
            self.assertEqual(self.at(gdb), LENGTH - 1)

    def test_it_confirms_at_once(self):
        """gdb sends a packet again that is not confirmed in two seconds. Player would take that for
        ctrl-C, and would end its search for the last stop before it."""
        with self.gdb("slow") as gdb:
            gdb.add_breakpoint(EARLY + 20)
            gdb.add_breakpoint(EARLY + 30)
            for command in ("c", "c", "bc"):
                gdb.link.settimeout(recording.HANG_SECONDS)     # the slow place takes longer
                gdb.send(command)
                self.assertEqual(gdb.link.recv(1), b"+")
                gdb.link.settimeout(None)
                self.assertEqual(gdb.answer(PATIENCE), "T05thread:01;")
            self.assertEqual(self.at(gdb), EARLY + 20)


if __name__ == "__main__":
    unittest.main()
