"""One boot of one virtual machine, under full control from outside.

QEMU's memory is a file that this process maps too, and its processor is driven
through the gdb stub, so that nothing inside the guest has to help: the key of the
reports is written into memory before the first instruction, the machine stops where
we want to look, and what it left in memory can be read at leisure. With one hart,
time is counted in instructions, and a watchdog device that we arm stops the machine
at an exact instruction when the test's limit is used up.
"""
import collections
import contextlib
import mmap
import os
import resource
import shutil
import signal
import socket
import subprocess
import tempfile

from gdbstub import Stub, StubError
from grader import processor, state
from grader.memory import Memory
from grader.reports import KEY_LENGTH, Console

MAX_OUTPUT = 1 << 20        # bytes of console
STOP_SECONDS = 2            # a machine that sleeps with no timer set does not stop at all
POLL_SECONDS = 0.05         # how often a running machine is looked after
APPEND_WIDTH = 160          # blanks fill it up: the device tree takes the same room in all machines
SLOWEST = 10                # million instructions a second: with less none comes to its end
LEAST_SECONDS = 10          # of CPU time, before that is said
IDLE_POLLS = 600            # asleep at nearly all of so many looks: nothing will wake it

# The watchdog device, Intel 6300ESB: its configuration space as first device on the
# bus, where its registers are put, and the length of its tick.
WATCHDOG_CONFIG = 0x30008000
WATCHDOG_REGISTERS = 0x40000000
WATCHDOG_TICK_NS = 30 << 15
WATCHDOG_FIRED = 0x1200     # bits of its reload register, once it has fired
# What QEMU does then. All other actions let the guest run on until a thread of QEMU has time to
# stop it, so where it is found would be chance; a reset stops the hart at once, and here is no
# reset but a pause. It is the same pause where the guest switches off by itself.
EXACTLY = "watchdog=reset,reboot=shutdown,shutdown=pause"
PAUSED = "T03"              # how the stub tells of it


class SetupError(Exception):
    """The host cannot run the machine; the text says why and what to do."""


class End:
    """How a machine's run ended."""
    OFF = "switched off"            # by the kernel, as it should be; `code` tells more
    LIMIT = "limit"                 # the instructions or the CPU time are used up
    STUCK = "stuck"                 # it runs, but no instruction comes to its end
    FED = "fed"                     # the kernel has reached for the watchdog, and ran on and on
    IDLE = "idle"                   # all harts sleep, for ever
    FLOOD = "flood"                 # it printed too much
    GONE = "gone"                   # QEMU ended by itself: a switch-off behind the kernel's back


def bytes_of(size):
    """Of "128M" or "8G"."""
    return int(size[:-1]) << {"M": 20, "G": 30}[size[-1]]


def memory_file(size=0):
    """A file descriptor; the file is in memory where the system has such files, and has no name."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("rvlab")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, size)
    return descriptor


def host_lacks():
    """What machines need of this host and cannot have, in words; None where nothing is missing."""
    try:
        file = memory_file()
    except OSError as error:
        return "there is no room for a machine's memory: %s" % error.strerror
    try:
        os.close(os.open("/dev/fd/%d" % file, os.O_RDWR))
    except OSError as error:
        return "/dev/fd/%d cannot be opened (%s): is /proc mounted?" % (file, error.strerror)
    finally:
        os.close(file)
    return None


def is_busy(pid):
    """Whether a thread of the process runs, or would if the host let it."""
    try:
        for thread in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/stat" % (pid, thread)) as file:
                if file.read().rpartition(")")[2].split()[0] in "RD":
                    return True
        return False
    except OSError:
        return True             # just ended, or a host without /proc


def cpu_seconds(pid):
    try:
        with open("/proc/%d/stat" % pid) as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return 0.0              # the kernel's limit of CPU time still holds


class Machine:
    """A machine for one run of a test. run() does it all; then the fields tell.

    end           of End
    code          the argument of power_off()
    console       reports.Console, all that was printed
    instructions  so many, waiting counted, up to the tick that follows; None with several harts
    seconds       of CPU time
    status        QEMU's exit status, where it ended by itself; 0 where the guest switched off
    complaints    what the checks of its memory found, as sentences
    place         address at which it was stopped at a limit, with what runs there
    """

    def __init__(self, test, host):
        self.test, self.host = test, host
        self.image = host.image
        self.program = host.program(test) if test.prog else None
        self.harts, self.early = test.harts, test.early
        self.end, self.code, self.console = None, None, None
        self.instructions, self.seconds, self.status = None, 0.0, None
        self.complaints, self.place, self.power_off = [], None, None
        self.polls = collections.deque(maxlen=IDLE_POLLS)
        self.process = self.stub = self.memory = None
        self.key, self.key_address = os.urandom(KEY_LENGTH), None       # where it was written
        self.labels = []                # of the checkpoints reached so far

    # -- what the checks of state.py may use

    @property
    def baseline(self):
        """What was in use when the first program began, in a machine like this one."""
        return self.host.baseline(self.test)

    def registers(self, name):
        """A register of the hart that stopped."""
        return self.stub.register(name)

    def all_registers(self, name):
        """The same register of each hart."""
        return [self.stub.register_of(hart, name) for hart in range(self.harts)]

    # -- starting

    def command(self, ram, gdb):
        test = self.test
        command = [
            self.host.qemu, "-machine", "virt,memory-backend=ram", "-bios", "default",
            "-object", "memory-backend-file,id=ram,size=%s,mem-path=/dev/fd/%d,share=on"
            % (test.mem, ram), "-m", test.mem, "-smp", str(test.harts),
            "-kernel", self.host.kernel, "-append", test.append.rjust(APPEND_WIDTH),
            "-display", "none", "-monitor", "none", "-nic", "none", "-serial", "stdio", "-S",
            "-chardev", "socket,id=gdb,fd=%d" % gdb, "-gdb", "chardev:gdb"]
        command += processor.options(self.host.qemu, test.processor)
        if test.harts == 1:
            command += ["-icount", "shift=%d,sleep=off" % test.shift,
                        "-device", "i6300esb,addr=1", "-action", EXACTLY]
        if shutil.which("setpriv"):         # no QEMU outlives us, whatever ends us
            command = ["setpriv", "--pdeathsig", "KILL"] + command
        return command

    def start(self):
        size = bytes_of(self.test.mem)
        ram = memory_file(size)
        ours, theirs = socket.socketpair()
        self.log = os.fdopen(memory_file(), "w+b")
        with os.fdopen(memory_file(), "w+b") as typed:
            typed.write(self.test.input.encode())
            typed.seek(0)
            # A session of its own: ctrl-C comes to this process only.
            self.process = subprocess.Popen(
                self.command(ram, theirs.fileno()), stdin=typed, stdout=self.log,
                stderr=subprocess.STDOUT, pass_fds=(ram, theirs.fileno()),
                start_new_session=True)
        theirs.close()
        self.limit_host(resource.RLIMIT_CPU, 10 * self.test.cpu)
        self.limit_host(resource.RLIMIT_FSIZE, MAX_OUTPUT)
        self.memory = Memory(mmap.mmap(ram, size), self.image)
        os.close(ram)
        try:
            self.stub = Stub(ours)
        except StubError:
            raise SetupError("QEMU does not start: " + self.last_line())

    def limit_host(self, what, value):
        if hasattr(resource, "prlimit"):
            resource.prlimit(self.process.pid, what, (value, value))

    def last_line(self):
        lines = self.printed().decode("utf-8", "replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), "it says nothing")

    def write_key(self):
        """Into the image in memory: the program's, or the kernel's for a self test."""
        self.key_address = self.host.key_address(self.test)
        if self.key_address is not None:
            self.memory.write(self.key_address, self.key)

    def arm_watchdog(self):
        """Through the stub's view of physical addresses, as a driver would."""
        ticks = (self.test.limit * 1000000 << self.test.shift) // WATCHDOG_TICK_NS

        def unlocked(register, value):
            self.store(WATCHDOG_REGISTERS + 0xc, 0x80, 2)
            self.store(WATCHDOG_REGISTERS + 0xc, 0x86, 2)
            self.store(WATCHDOG_REGISTERS + register, value, 4)

        with self.watchdog():
            self.store(WATCHDOG_CONFIG + 0x60, 0x03, 2)     # no interrupt; ticks of 2^15 / 33 MHz
            unlocked(0, max(1, ticks - 1))                  # two stages, one after the other
            unlocked(4, 1)
            self.store(WATCHDOG_CONFIG + 0x68, 0x03, 1)     # on, and locked

    def store(self, address, value, size):
        self.stub.write(address, value.to_bytes(size, "little"))

    @contextlib.contextmanager
    def watchdog(self):
        """Its registers answer to memory accesses, which are physical, as long as this lasts: a
        guest that wants to reach them has to set up the device itself."""
        self.stub.physical(True)
        self.store(WATCHDOG_CONFIG + 0x10, WATCHDOG_REGISTERS, 4)
        self.store(WATCHDOG_CONFIG + 0x04, 2, 2)
        yield
        self.store(WATCHDOG_CONFIG + 0x04, 0, 2)
        self.stub.physical(False)

    # -- running

    def run(self):
        try:
            self.start()
            self.follow()
        finally:
            self.finish()

    def follow(self):
        """From stop to stop, until the machine is done.

        A stop lets QEMU's clock jump to the guest's next timer, so there is none
        before the end but at checkpoints; the jump is the same in each run.
        """
        self.write_key()
        if self.harts == 1:
            self.arm_watchdog()
        self.power_off = self.image.address("power_off")
        reached = self.host.checkpoint_address(self.test)
        self.stub.add_breakpoint(self.power_off)
        if reached:
            self.stub.add_breakpoint(reached)
        while self.go():
            pc = self.stub.register("pc")
            if pc == self.power_off:
                self.off()
                return
            self.stub.remove_breakpoint(pc)
            if pc == reached:
                self.at_checkpoint()
                self.stub.add_breakpoint(self.stub.register("ra"))
            else:
                self.stub.add_breakpoint(reached)

    def has_fired(self):
        """Has the watchdog? The guest can clear this by the device's registers, but not set it."""
        with self.watchdog():
            data = self.stub.read(WATCHDOG_REGISTERS + 0xc, 2)
        return data is not None and int.from_bytes(data, "little") & WATCHDOG_FIRED != 0

    def go(self):
        """Let it run; true when it has stopped at a breakpoint."""
        self.stub.send("c")
        while True:
            try:
                answer = self.stub.answer(POLL_SECONDS)
            except StubError:
                self.end = End.FLOOD if self.has_flooded() else End.GONE
                return False
            if answer is None:
                reason = self.look_after()
                if reason:
                    self.end = reason
                    self.stop_here()
                    if reason == End.STUCK and self.was_fed():
                        self.end = End.FED
                    return reason == End.LIMIT and self.place == self.power_off
            elif answer.startswith(PAUSED):
                self.paused()
                return False
            elif answer[:1] in "TS":
                return True
            elif answer[:1] in "WX":
                self.end = End.GONE
                return False

    def paused(self):
        """By the watchdog; else the guest has switched off, but not through power_off()."""
        if self.harts == 1 and self.has_fired():
            self.end, self.place = End.LIMIT, self.stub.register("pc")
        else:
            self.end, self.status = End.GONE, 0

    def look_after(self):
        """While it runs: End.something where it must not go on."""
        if self.host.cancelled:
            return End.GONE
        if self.has_flooded():
            return End.FLOOD
        if self.harts == 1:
            allowed = max(LEAST_SECONDS, self.test.limit / SLOWEST)
            return End.STUCK if cpu_seconds(self.process.pid) > allowed else None
        if cpu_seconds(self.process.pid) > self.test.cpu:
            return End.LIMIT
        self.polls.append(is_busy(self.process.pid))
        if len(self.polls) == IDLE_POLLS and sum(self.polls) * 10 < IDLE_POLLS:
            return End.IDLE
        return None

    def has_flooded(self):
        """What it prints is limited; when QEMU is ended for it, no answer may have come before."""
        return os.fstat(self.log.fileno()).st_size >= MAX_OUTPUT

    def stop_here(self):
        """Interrupt it, to see where it is; a machine that does not answer is killed."""
        try:
            self.stub.interrupt(STOP_SECONDS)
            self.place = self.stub.register("pc")
        except StubError:
            pass

    def was_fed(self):
        """Is more time gone, counted in instructions, than the watchdog allows? A kernel that maps
        the device, by the bus, can set it back."""
        spare = 8 * WATCHDOG_TICK_NS + (self.test.limit * 50000 << self.test.shift)
        try:
            time = self.stub.register("minstret")
        except StubError:
            return False
        return time > (self.test.limit * 1000000 << self.test.shift) + spare

    def count(self):
        """Where the kernel had set no timer the clock has jumped to the watchdog's: no count."""
        if self.harts == 1:
            count = self.stub.register("minstret") >> self.test.shift
            self.instructions = count if count < 0.99e6 * self.test.limit else None

    def off(self):
        """The kernel is about to switch off: its memory is as it left it. Without a timer of the
        kernel the clock jumps at this very stop, and the watchdog may fire, which no longer
        matters."""
        if self.harts == 1 and self.was_fed():
            self.end = End.FED
            return
        self.end, self.code = End.OFF, self.stub.register("a0") & 0xff
        if not self.early:         # there is no tick yet: the clock has jumped too far
            self.count()
        if not self.test.panic and self.code == self.test.exit & 0xff:
            self.complaints += ["the checkpoint %s was not reached" % label
                                for label in self.test.at if label not in self.labels]
            after = state.DEFAULT if self.test.after is None else self.test.after
            self.check(dict.fromkeys(state.ALWAYS + after))

    def at_checkpoint(self):
        """Only a signed report names a checkpoint; other code may lie at that address."""
        found = [report.text for report in self.reported().reports if report.kind == "checkpoint"]
        for label in found[len(self.labels):]:
            self.check(self.test.at.get(label, ()), "at the checkpoint %s: " % label)
        self.labels = found

    def check(self, checks, where=""):
        for check in checks:
            self.complaints += [where + text for text in self.host.complaints(check, self)]

    # -- the end

    def printed(self):
        # Not by seek(): QEMU writes where this file's position is.
        return os.pread(self.log.fileno(), MAX_OUTPUT, 0)

    def reported(self):
        return Console(self.printed(), self.key, self.host.sites(self.test))

    def finish(self):
        if self.process:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except OSError:
                pass                    # it has ended
            usage = os.wait4(self.process.pid, 0)
            self.process.returncode = -(usage[1] & 127) or usage[1] >> 8
            if self.status is None:
                self.status = self.process.returncode
            self.seconds = usage[2].ru_utime + usage[2].ru_stime
            self.console = self.reported()
            self.log.close()
        if self.stub:
            self.stub.close()
        if self.memory:
            self.memory.close()


class FreshMachine(Machine):
    """A machine that is stopped when the first program is about to begin, and counted."""

    snapshot = None

    def follow(self):
        # The first who asks how many objects there are is inventory_take(), which has just given
        # back all that is free.
        self.stub.add_breakpoint(self.image.address("kmalloc_objects"))
        if self.go():
            self.snapshot = state.snapshot(self.memory)
