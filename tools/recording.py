"""Recording a run of QEMU, so that gdb can go through it forwards and backwards.

QEMU takes down all that is not a function of the instructions before, and can then
run the same again, instruction by instruction. Going back is running it again, from
the start, for fewer instructions. QEMU offers that itself, by a snapshot of the
beginning; but a machine that QEMU 7.2 has restored from it has another time, so that
the run is not the same, and often hangs. So Player starts QEMU anew.

Only a machine with one hart can be recorded, whose time is counted in instructions;
and nobody can type to it, because QEMU 7.2 loses typed text while it records.
"""
import os
import re
import resource
import select
import socket
import subprocess
import threading
import time

from gdbstub import Stub, StubError

POLL_SECONDS = 0.05
ANSWER_SECONDS = 10
MAX_CONSOLE, MAX_LOG = 4 << 20, 256 << 20       # bytes
TIME_REGISTER, TICK_NS = 0x200bff8, 100         # mtime of QEMU's machine virt
CLOCK_REGISTER = 0x101000                       # of its real-time clock
NO_MORE = "T05replaylog:end;"                   # for gdb: the recording ends here


class RecordError(Exception):
    """There is no recording; the text says why."""


class Recording:
    """The log of one run of a test, in a folder. end: the instruction at which the run was stopped,
    because it had used up the test's limit; None where the machine ended by itself."""

    def __init__(self, folder, test, command):
        self.folder, self.test, self.command, self.end = folder, test, command, None

    def path(self, name):
        return os.path.join(self.folder, name)

    def machine(self, mode, more, **streams):
        icount = "shift=%d,sleep=off,rr=%s,rrfile=%s" % (self.test.shift, mode, self.path("log"))
        # A session of its own: ctrl-C is for gdb.
        return subprocess.Popen(self.command + ["-icount", icount] + more,
                                start_new_session=True, **streams)

    def record(self):
        """Run it; what it printed, as bytes."""
        ours, theirs = socket.socketpair()
        ours.settimeout(ANSWER_SECONDS)
        with open(self.path("output"), "w+b") as output:
            machine = self.machine(
                "record", ["-serial", "stdio", "-chardev", "socket,id=monitor,fd=%d"
                           % theirs.fileno(), "-mon", "chardev=monitor"],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                pass_fds=[theirs.fileno()], preexec_fn=self.limit)
            theirs.close()
            try:
                while machine.poll() is None:
                    time.sleep(POLL_SECONDS)
                    self.look_after(machine, ours)
            finally:
                machine.kill()
                machine.wait()
                ours.close()
            output.seek(0)
            printed = output.read()
        with open(self.path("log"), "a+b") as log:
            log.seek(0)
            if not any(log.read(4)):            # a version, which is written last
                raise RecordError("QEMU did not come to the end of its recording: %s" % (
                    printed.decode("utf-8", "replace").rstrip().rpartition("\n")[2]
                    or "it says nothing"))
        return printed

    def limit(self):
        resource.setrlimit(resource.RLIMIT_CPU, (10 * self.test.cpu, 10 * self.test.cpu))
        resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MAX_LOG, 2 * MAX_LOG))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def look_after(self, machine, monitor):
        """End a run that has used up its time, or has written too much."""
        try:
            ticks = ask(monitor, "xp /1gx %#x" % TIME_REGISTER, r": 0x(\w+)")
            if int(ticks, 16) * TICK_NS < self.test.limit * 1000000 << self.test.shift \
                    and os.path.getsize(self.path("output")) < MAX_CONSOLE \
                    and os.path.getsize(self.path("log")) < MAX_LOG:
                return
            # The end goes to where something was recorded last: let that be the reading of a clock.
            monitor.sendall(b"stop\n")
            ask(monitor, "xp /1wx %#x" % CLOCK_REGISTER, r": 0x(\w+)")
            self.end = int(ask(monitor, "info replay", r"instruction count = (\d+)")) - 1
            monitor.sendall(b"quit\n")
            machine.wait(ANSWER_SECONDS)
        except (socket.timeout, subprocess.TimeoutExpired):
            machine.kill()                      # it hangs, and its recording is not complete
        except OSError:
            machine.wait()                      # it has ended by itself


def ask(monitor, command, answer):
    """What QEMU's monitor says, by a pattern with a group."""
    monitor.sendall(command.encode() + b"\n")
    text, match = "", None
    while not match:
        data = monitor.recv(4096)
        if not data:
            raise OSError("the monitor is gone")
        text += data.decode("latin-1")
        match = re.search(answer + "\r", text)
    return match.group(1)


class Player:
    """Stands between gdb and the QEMU that replays a recording. What gdb says goes on to QEMU, but
    for the two packets of going back: bs, one instruction, and bc, to the last breakpoint."""

    def __init__(self, recording):
        self.recording, self.machine, self.stub, self.gdb = recording, None, None, None
        self.lock, self.closed = threading.Lock(), False    # for starting and killing machines
        self.resumed = 0                            # where gdb went on last
        self.hello, self.places = None, set()       # packets of gdb that a new QEMU needs too
        self.path = recording.path("gdb")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(1)

    def kill(self):
        """From another thread: no machine, now and later."""
        with self.lock:
            self.closed = True
            if self.machine:
                self.machine.kill()

    def wait(self):
        if self.machine:
            self.machine.wait()

    def start(self):
        """A new machine, before its first instruction."""
        ours, theirs = socket.socketpair()
        with self.lock:
            if self.closed:
                raise StubError("nobody wants a machine any more")
            if self.machine:
                self.machine.kill()
                self.machine.wait()
            self.machine = self.recording.machine(
                "replay", ["-serial", "null", "-S", "-gdb", "chardev:gdb", "-chardev",
                           "socket,id=gdb,fd=%d" % theirs.fileno()],
                stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])
        theirs.close()
        self.stub = Stub(ours)
        if self.hello:
            self.stub.ask(self.hello)

    def monitor(self, command):
        """Have QEMU's monitor do something; what it says."""
        self.stub.send("qRcmd," + command.encode().hex())
        text = ""
        while True:
            answer = self.stub.answer(ANSWER_SECONDS)
            if answer is None or answer == "OK":
                return text
            text += bytes.fromhex(answer[1:]).decode("latin-1")

    def now(self):
        return int(re.search(r"count = (\d+)", self.monitor("info replay")).group(1))

    def run_to(self, instruction):
        self.monitor("replay_break %d" % instruction)
        return self.stub.ask("c")

    def set_places(self, letter, places):
        for place in places:
            self.stub.command(letter + place)

    def seek(self, instruction):
        """Stop there, with gdb's breakpoints set; what to tell gdb."""
        self.start()
        if instruction > 0:
            self.run_to(instruction)
        answer = self.stub.ask("?")             # this deletes all breakpoints
        self.set_places("Z", self.places)
        return answer if instruction > 0 else answer + "replaylog:begin;"

    def last_stop(self, before):
        """(instruction, what to tell gdb) of the last breakpoint before an instruction."""
        found = 0, None
        self.start()
        self.set_places("Z", self.places)
        while True:
            answer = self.run_to(before)
            at, watched = self.now(), re.search(r"watch:(\w+);", answer)
            if at >= before or self.is_interrupted():
                return found
            read = "m%s,8" % (watched.group(1) if watched else "%x" % self.stub.register("pc"))
            self.set_places("z", self.places)
            value = self.stub.ask(read)
            self.stub.ask("s")
            # Going back, gdb wants to hear of a watchpoint right after the access.
            found = at + (self.stub.ask(read) != value), answer
            if at + 1 >= before:
                return found
            self.set_places("Z", self.places)

    def go_back(self, packet):
        """Do it; the answer for gdb."""
        before = self.now()
        instruction, answer = max(0, before - 1), None
        if packet == "bc" and before > 0:
            instruction, answer = self.last_stop(before)
        there = self.seek(instruction)
        answer = answer or there
        if self.is_interrupted() and self.gdb.recv(1) == b"\3":
            answer = "T02" + answer[3:]
        return answer

    def is_interrupted(self):
        """Has ctrl-C been pressed? Nothing else comes while gdb waits."""
        return bool(select.select([self.gdb], [], [], 0)[0])

    def serve(self):
        """Until gdb has gone, or the machine."""
        try:
            self.start()
            self.gdb = self.listener.accept()[0]
            while True:
                for link in select.select([self.gdb, self.stub.link], [], [])[0]:
                    data = link.recv(1 << 16)
                    if link is self.gdb and data:
                        self.from_gdb(data)
                    elif link is self.gdb:
                        return
                    elif data and b"$W" not in data:
                        self.gdb.sendall(data)
                    else:                       # the machine has switched off
                        self.seek(self.resumed)
                        self.to_gdb(NO_MORE)
        except (OSError, StubError):
            pass                                # it has ended
        finally:
            if self.gdb:
                self.gdb.close()

    def from_gdb(self, data):
        """gdb sends a packet, and waits for the answer before the next one."""
        packet = re.search(rb"\$([^#]*)#", data)
        packet = packet.group(1).decode("latin-1") if packet else ""
        if packet in ("bs", "bc"):
            self.to_gdb(self.go_back(packet))
            return
        if packet.startswith(("vKill;", "D")):
            self.to_gdb("OK")                   # gdb goes away, and then all ends
            return
        if packet in ("c", "s") or packet.startswith("vCont;"):
            self.resumed = self.now()
            if self.recording.end is not None and self.resumed >= self.recording.end:
                self.to_gdb(NO_MORE)
                return
            if self.recording.end is not None:
                self.monitor("replay_break %d" % self.recording.end)
        elif packet.startswith("qSupported"):
            self.hello = packet
        elif packet.startswith("Z"):
            self.places.add(packet[1:])
        elif packet.startswith("z"):
            self.places.discard(packet[1:])
        self.stub.link.sendall(data)

    def to_gdb(self, answer):
        data = answer.encode()
        self.gdb.sendall(b"+$%s#%02x" % (data, sum(data) & 0xff))
