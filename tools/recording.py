"""Recording a run of QEMU, so that gdb can go through it forwards and backwards.

QEMU takes down all that is not a function of the instructions before, and can then run the same
again, instruction by instruction. Going back means running again from the start, for fewer
instructions. QEMU offers that itself by a snapshot; but a machine that QEMU 7.2 has restored from
one has another time, so the run differs and often hangs. So Player starts QEMU anew each time.

Only a machine with one hart can be recorded, whose time is counted in instructions. Nobody can
type to it, because QEMU 7.2 loses typed text while it records.

The end: when the machine switches itself off, QEMU before 8.2 leaves at once. Later ones stop it
there (shutdown=pause), which tells the instruction. In a replay QEMU 10 may stop the machine too
early, by chance, with T03, where it reads in the log that the machine will switch off. A machine
that is stopped just there by replay_break goes on; Player keeps such places as gates.
"""
import os
import re
import resource
import select
import shlex
import socket
import subprocess
import sys
import threading
import time

from gdbstub import Stub, StubError

POLL_SECONDS = 0.05
ANSWER_SECONDS = 10
HANG_SECONDS = 5                # without an answer, and without any CPU time that QEMU uses
MAX_CONSOLE, MAX_LOG = 4 << 20, 256 << 20       # bytes
TIME_REGISTER, TICK_NS = 0x200bff8, 100         # mtime of QEMU's machine virt
CLOCK_REGISTER = 0x101000                       # the time of that machine's real-time clock
PAUSE = ["-action", "shutdown=pause"]           # do not leave when the machine switches off
# Answers to gdb. SWITCHED_OFF is an answer of QEMU when its state is "shutdown".
NO_MORE, STEPPED = "T05replaylog:end;", "T05thread:01;"
INTERRUPTED, SWITCHED_OFF, LEFT = "T02", "T03", "W"
GOES = ("vKill;", "D")                          # gdb's packets when it goes away
MAX_TRIES = 8                                   # to get over one gate


class RecordError(Exception):
    """There is no recording; the text says why."""


class GdbGone(Exception):
    """gdb has closed its connection."""


class Recording:
    """The log of one run of a test, in a folder.

    end    the last instruction at which a replay can stop; None if QEMU left with the machine
    cut    the run was stopped, because it had used up the test's limit, or wrote too much
    """

    def __init__(self, folder, test, command):
        self.folder, self.test, self.command = folder, test, command
        self.end, self.cut = None, False

    def path(self, name):
        return os.path.join(self.folder, name)

    def machine(self, mode, more, **streams):
        """Start a QEMU that records or replays, as `mode` says."""
        icount = "shift=%d,sleep=off,rr=%s,rrfile=%s" % (self.test.shift, mode, self.path("log"))
        # QEMU gets a session of its own, because ctrl-C is for gdb.
        return subprocess.Popen(self.command + ["-icount", icount] + PAUSE + more,
                                start_new_session=True, **streams)

    def record(self):
        """Run the test to its end and record it: what it printed, as bytes."""
        ours, theirs = socket.socketpair()
        ours.settimeout(ANSWER_SECONDS)
        with open(self.path("output"), "w+b") as output:
            machine = self.machine(
                "record", ["-serial", "stdio", "-chardev", "socket,id=monitor,fd=%d"
                           % theirs.fileno(), "-monitor", "chardev:monitor"],
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
            if not any(log.read(4)):            # QEMU writes the version there last of all
                raise RecordError("QEMU did not come to the end of its recording: %s" % (
                    printed.decode("utf-8", "replace").rstrip().rpartition("\n")[2]
                    or "it says nothing"))
        return printed

    def limit(self):
        """Bound CPU time and files of QEMU; it is called in the new process."""
        resource.setrlimit(resource.RLIMIT_CPU, (10 * self.test.cpu, 10 * self.test.cpu))
        resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MAX_LOG, 2 * MAX_LOG))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def look_after(self, machine, monitor):
        """End a run that has switched off, has used up its time, or has written too much."""
        try:
            if ask(monitor, "info status", r"VM status: ([^\r]*)").endswith("(shutdown)"):
                self.finish(machine, monitor)
                return
            ticks = ask(monitor, "xp /1gx %#x" % TIME_REGISTER, r": 0x(\w+)")
            if int(ticks, 16) * TICK_NS < self.test.limit * 1000000 << self.test.shift \
                    and os.path.getsize(self.path("output")) < MAX_CONSOLE \
                    and os.path.getsize(self.path("log")) < MAX_LOG:
                return
            # A recording ends where something was recorded last. Reading a clock records something.
            monitor.sendall(b"stop\n")
            ask(monitor, "xp /1wx %#x" % CLOCK_REGISTER, r": 0x(\w+)")
            self.cut = True
            self.finish(machine, monitor)
        except (socket.timeout, subprocess.TimeoutExpired):
            machine.kill()                      # it hangs, and its recording is not complete
        except OSError:
            machine.wait()                      # it has ended by itself

    def finish(self, machine, monitor):
        """Have QEMU complete the recording of a machine that stands still, and leave."""
        self.end = int(ask(monitor, "info replay", r"instruction count = (\d+)")) - 1
        monitor.sendall(b"quit\n")
        machine.wait(ANSWER_SECONDS)


def ask(monitor, command, answer):
    """Give QEMU's monitor a command: the group of a pattern in what it answers."""
    monitor.sendall(command.encode() + b"\n")
    text, match = "", None
    while not match:
        data = monitor.recv(4096)
        if not data:
            raise OSError("the monitor is gone")
        text += data.decode("latin-1")
        match = re.search(answer + "\r", text)
    return match.group(1)


def cpu_time(pid):
    """The CPU time that a process has used, in units of this host's kernel; None if unknown."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        return int(fields[11]) + int(fields[12])
    except (OSError, IndexError):
        return None                             # it has ended, or this host has no /proc


class Player:
    """It stands between gdb and the QEMU that replays a recording. What gdb says is handed on to
    QEMU, except for going back (bs: by one instruction, bc: to the last breakpoint) and going on.
    Going on must pass the gates and stop at the end of the recording, and QEMU's stub knows of
    neither. serve() runs in a thread of its own; kill() may be called from another one."""

    def __init__(self, recording):
        self.recording, self.machine, self.stub, self.gdb = recording, None, None, None
        self.lock, self.closed = threading.Lock(), False    # for starting and killing machines
        self.gates = {}                             # {instruction: how often QEMU stopped there}
        self.hello, self.places = None, set()       # packets of gdb that a new QEMU needs again
        self.placed = False                         # are the places set in this machine?
        self.path = recording.path("gdb")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(1)

    def kill(self):
        """End the machine, and let none be started later. Another thread may call this."""
        with self.lock:
            self.closed = True
            if self.machine:
                self.machine.kill()

    def wait(self):
        if self.machine:
            self.machine.wait()

    # -- the machine

    def start(self):
        """Start a new machine in place of the old one; it stands before its first instruction."""
        ours, theirs = socket.socketpair()
        with self.lock:
            if self.closed:
                raise StubError("nobody wants a machine any more")
            if self.machine:
                self.machine.kill()
                self.machine.wait()
            if self.stub:
                self.stub.close()
            self.machine = self.recording.machine(
                "replay", ["-serial", "null", "-S", "-gdb", "chardev:gdb", "-chardev",
                           "socket,id=gdb,fd=%d" % theirs.fileno()],
                stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])
        theirs.close()
        self.stub, self.placed = Stub(ours), False
        if self.hello:
            self.stub.ask(self.hello)

    def monitor(self, command):
        """Give QEMU's monitor a command, and return what it says."""
        self.stub.send("qRcmd," + command.encode().hex())
        text = ""
        while True:
            answer = self.stub.answer(ANSWER_SECONDS)
            if answer is None or answer == "OK":
                return text
            text += bytes.fromhex(answer[1:]).decode("latin-1")

    def now(self):
        """How many instructions of the replay have run."""
        count = re.search(r"count = (\d+)", self.monitor("info replay"))
        if not count:
            raise StubError("QEMU does not say how far the replay is")
        return int(count.group(1))

    def set_places(self, letter, kinds="01234"):
        """Set (Z) or delete (z) in the machine what gdb wants to stop at: everything, or only the
        kinds that are given, as 01 for breakpoints."""
        for place in self.places:
            if place[0] in kinds:
                self.stub.command(letter + place)
        self.placed = letter == "Z"

    # -- forwards

    def advance(self, packet, until, listen):
        """Send QEMU one packet that goes on, and return its answer; LEFT if QEMU has left with the
        machine. If `listen` is true, ctrl-C from gdb stops the machine."""
        if until is not None:
            self.monitor("replay_break %d" % until)
        try:
            self.stub.send(packet)
            answer, looked, used = None, time.monotonic(), cpu_time(self.machine.pid)
            while answer is None:
                answer = self.stub.answer(POLL_SECONDS)
                if answer is None and time.monotonic() >= looked + HANG_SECONDS:
                    before, used = used, cpu_time(self.machine.pid)
                    if used is not None and used == before:
                        self.give_up()
                    looked = time.monotonic()
                if answer is None and listen and self.is_interrupted() \
                        and b"\3" in self.from_link():
                    listen = False
                    self.stub.link.sendall(b"\3")
        except StubError:
            if self.recording.end is not None or self.machine.wait(ANSWER_SECONDS) < 0:
                raise                           # QEMU was killed, or has broken down
            return LEFT
        return LEFT if answer.startswith(LEFT) else answer

    def give_up(self):
        """QEMU does not go on. In a replay a hart that sleeps in wfi is woken by an event of the
        log; QEMU waits for ever if the hart comes to it with another count of instructions."""
        self.stub.interrupt(ANSWER_SECONDS)
        raise StubError("QEMU waits for ever at instruction %d; another version of it may not."
                        " Without a recording: make debug TEST=%s"
                        % (self.now(), shlex.quote(self.recording.test.name)))

    def over_gate(self):
        """Do one instruction that leads to a gate. Only a stop of QEMU's own (replay_break) leads
        through a gate, so the instruction is done by that and not by a step."""
        placed = self.placed
        if placed:
            self.set_places("z", "01")          # a breakpoint at this place would stop it at once
        answer = self.advance("c", self.now() + 1, False)
        if placed:
            self.set_places("Z", "01")
        return STEPPED if answer.startswith(INTERRUPTED) else answer

    def run(self, packet, until=None, listen=False):
        """Go on by gdb's packet, and for c not beyond the instruction `until`: the answer of the
        stop, or LEFT. If the machine stops too early, at a place that is no gate yet, the place
        becomes a gate, and the same is done again on a new machine."""
        start = at = self.now()
        while True:
            gates = [gate for gate in self.gates if at < gate and (until is None or gate < until)]
            if at + 1 in gates and not is_continue(packet):
                answer = self.over_gate()
            else:
                answer = self.advance(packet, min(gates, default=until), listen)
            if answer == LEFT:
                return answer
            at = self.now()
            if answer.startswith(SWITCHED_OFF) and (until is None or at < until):
                self.gates[at] = self.gates.get(at, 0) + 1
                if self.gates[at] > MAX_TRIES:
                    raise StubError("QEMU switches off at instruction %d, and was to go on to %s"
                                    % (at, until))
                placed, at = self.placed, start
                self.restart(start)
                if placed:
                    self.set_places("Z")
            elif not (answer.startswith(INTERRUPTED) and at in gates):
                return answer

    def go_on(self, packet):
        """Do gdb's packet that goes on: the answer for gdb."""
        before, end = self.now(), self.recording.end
        if end is not None and before >= end:
            return NO_MORE
        answer = self.run(packet, end, listen=True)
        if answer == LEFT:                      # there is no machine any more: go back to before
            self.seek(before)
            return NO_MORE
        if end is not None and not answer.startswith("T05") and self.now() >= end:
            return NO_MORE
        return answer

    # -- backwards

    def restart(self, instruction):
        """Start a new machine and run it to this instruction."""
        self.start()
        if instruction > 0:
            self.run("c", instruction)

    def seek(self, instruction):
        """Go to this instruction and set gdb's breakpoints there: what to tell gdb."""
        self.restart(instruction)
        answer = self.stub.ask("?")             # this deletes all breakpoints
        self.set_places("Z")
        return answer if instruction > 0 else answer + "replaylog:begin;"

    def last_stop(self, before):
        """(instruction, what to tell gdb) of the last stop before this instruction. Nobody knows
        where that is, so the machine runs from the start, through all stops."""
        found = 0, None
        self.start()
        self.set_places("Z")
        while True:
            answer = self.run("c", before)
            at, watched = self.now(), re.search(r"watch:(\w+);", answer)
            if at >= before or self.is_interrupted():
                return found
            read = "m%s,8" % (watched.group(1) if watched else "%x" % self.stub.register("pc"))
            self.set_places("z")
            value = self.stub.ask(read)
            self.run("s", before)
            # gdb that goes back wants to hear of a watchpoint right after the access.
            found = at + (self.stub.ask(read) != value), answer
            if at + 1 >= before:
                return found
            self.set_places("Z")

    def go_back(self, packet):
        """Do gdb's packet that goes back: the answer for gdb."""
        before = self.now()
        instruction, answer = max(0, before - 1), None
        if packet == "bc" and before > 0:
            instruction, answer = self.last_stop(before)
        there = self.seek(instruction)
        answer = answer or there
        if self.is_interrupted() and b"\3" in self.from_link():
            answer = INTERRUPTED + answer[3:]
        return answer

    # -- gdb

    def is_interrupted(self):
        """Has ctrl-C been pressed? gdb sends nothing else while it waits for an answer."""
        return bool(select.select([self.gdb], [], [], 0)[0])

    def serve(self):
        """Serve until gdb has gone, or the machine has; in the latter case the user is told."""
        try:
            self.start()
            self.gdb = self.listener.accept()[0]
            while True:
                for link in select.select([self.gdb, self.stub.link], [], [])[0]:
                    if link is self.gdb:
                        self.from_gdb(self.from_link())
                        break                   # there may be another machine now
                    data = link.recv(1 << 16)
                    if not data:
                        raise StubError("the machine ended too early")
                    self.send_gdb(data)
        except GdbGone:
            pass
        except (OSError, StubError, ValueError) as problem:
            if not self.closed:
                print("debug: the replay cannot go on: %s" % problem, file=sys.stderr, flush=True)
        finally:
            for link in (self.listener, self.gdb, self.stub):
                if link:
                    link.close()

    def from_link(self):
        """What gdb has sent; GdbGone if it has closed its connection."""
        try:
            data = self.gdb.recv(1 << 16)
        except OSError:
            data = b""
        if not data:
            raise GdbGone()
        return data

    def send_gdb(self, data):
        try:
            self.gdb.sendall(data)
        except OSError:
            raise GdbGone()

    def from_gdb(self, data):
        """Do one packet of gdb, or hand it on to QEMU. gdb waits for the answer before it sends the
        next one. What is done here is confirmed at once: after two seconds gdb would send it again,
        and that would be taken for ctrl-C."""
        packet = re.search(rb"\$([^#]*)#", data)
        packet = packet.group(1).decode("latin-1") if packet else ""
        if self.is_ours(packet):
            self.send_gdb(b"+")
        if packet in ("bs", "bc"):
            self.to_gdb(self.go_back(packet))
        elif self.is_ours(packet) and not packet.startswith(GOES):
            self.to_gdb(self.go_on(packet))
        elif self.is_ours(packet):
            self.to_gdb("OK")                   # gdb goes away, and then all ends
        else:
            if packet.startswith("qSupported"):
                self.hello = packet
            elif packet.startswith("Z"):
                self.places.add(packet[1:])
                self.placed = True
            elif packet.startswith("z"):
                self.places.discard(packet[1:])
            self.stub.link.sendall(data)

    @staticmethod
    def is_ours(packet):
        """Is it a packet that QEMU does not get?"""
        return packet in ("bs", "bc", "c", "s") or packet.startswith(GOES + ("vCont;",))

    def to_gdb(self, answer):
        """Send an answer to gdb as a packet."""
        data = answer.encode()
        self.send_gdb(b"$%s#%02x" % (data, sum(data) & 0xff))


def is_continue(packet):
    """Is this packet c, or vCont;c with the hart behind it? Other packets that go on are steps."""
    return packet == "c" or packet.startswith("vCont;c")
