"""One boot of one virtual machine, under full control from outside: from its start to a Run.

The machine's memory is mapped here, and its harts are driven through the gdb stub, so nothing
inside the guest has to help: the key of the reports is written into memory before the first
instruction, the machine stops where we want to look, and what it left in memory can be read at
leisure. With one hart, time is counted in instructions, and the watchdog device stops the machine
at an exact instruction when the test's limit is used up; with several the limit is CPU time.

Machine.run() returns a Run, which has all that a verdict needs; judge.py makes that verdict.
"""
import collections
import dataclasses
import os

from gdbstub import StubError
from grader import state
from grader.image import ImageError
from grader.qemu import Qemu, SetupError
from grader.reports import KEY_LENGTH, Console
from grader.watchdog import Watchdog

STOP_SECONDS = 2            # a machine that sleeps with no timer set does not stop at all
POLL_SECONDS = 0.05         # how often a running machine is looked after
SLOWEST = 10                # million instructions a second: with less none comes to its end
LEAST_SECONDS = 10          # of CPU time, before that is said
IDLE_POLLS = 600            # asleep at nearly all of so many looks: nothing will wake it
PAUSED = "T03"              # how the stub tells of a pause: see watchdog.DEVICE


class End:
    """How a machine's run ended."""
    OFF = "switched off"            # by the kernel, as it should be; `code` tells more
    LIMIT = "limit"                 # the instructions or the CPU time are used up
    STUCK = "stuck"                 # it runs, but no instruction comes to its end
    FED = "fed"                     # the kernel has reached for the watchdog, and ran on and on
    IDLE = "idle"                   # all harts sleep, for ever
    FLOOD = "flood"                 # it printed too much
    GONE = "gone"                   # QEMU ended by itself: a switch-off behind the kernel's back


@dataclasses.dataclass
class Run:
    """How one run of a machine came out."""
    end: str = None                 # of End; None if it did not come so far
    code: int = None                # the argument of power_off()
    console: Console = None         # all that was printed; None if QEMU never ran
    # So many, waiting counted, up to the tick that follows; None with several harts.
    instructions: int = None
    seconds: float = 0.0            # of CPU time
    status: int = None              # QEMU's exit status if it ended by itself; 0: the guest did it
    place: int = None               # address at which it was stopped at a limit
    complaints: list = dataclasses.field(default_factory=list)  # of the checks of its memory
    error: Exception = None         # the host failed, or the kernel's file cannot be understood


class Machine:
    """A machine for one run of a test; run() does it all. The checks of state.py get the machine
    too, and may use these:

    memory, image, program  its memory; the linked kernel; the linked first program, or None
    early                   the self test comes before there is a process
    key, key_address        the key of the reports, and where it was written, or None
    baseline, registers(), all_registers()
    """

    def __init__(self, test, host):
        self.test, self.host, self.image, self.early = test, host, host.image, test.early
        self.program = host.program(test) if test.prog else None
        self.qemu, self.result = Qemu(test, host), Run()
        self.stub = self.memory = None
        self.key, self.key_address = os.urandom(KEY_LENGTH), None
        self.polls = collections.deque(maxlen=IDLE_POLLS)
        self.labels = []                # of the checkpoints reached so far

    @property
    def baseline(self):
        """What was in use when the first program began, in a machine like this one."""
        return self.host.baseline(self.test)

    def registers(self, name):
        """A register of the hart that stopped."""
        return self.stub.register(name)

    def all_registers(self, name):
        """The same register of each hart."""
        return [self.stub.register_of(hart, name) for hart in range(self.test.harts)]

    # -- running

    def run(self):
        """The Run of this machine, which can be run once."""
        try:
            try:
                self.qemu.start()
                self.stub, self.memory = self.qemu.stub, self.qemu.memory
                self.follow()
            finally:
                self.finish()
        except (SetupError, StubError, ImageError, OSError) as error:
            self.result.error = error
        return self.result

    def finish(self):
        """End it, and take what the host knows of it then."""
        printed = self.qemu.end()
        if printed is not None:
            self.result.console = self.reported(printed)
            self.result.seconds = self.qemu.seconds
            if self.result.status is None:
                self.result.status = self.qemu.status

    def follow(self):
        """From stop to stop, until the machine is done.

        A stop lets QEMU's clock jump to the guest's next timer, so there is none
        before the end but at checkpoints; the jump is the same in each run.
        """
        self.write_key()
        if self.watchdog:
            self.watchdog.arm()
        power_off = self.image.address("power_off")
        reached = self.host.checkpoint_address(self.test)
        self.stub.add_breakpoint(power_off)
        if reached:
            self.stub.add_breakpoint(reached)
        while self.go():
            pc = self.stub.register("pc")
            if pc == power_off:
                self.off()
                return
            self.stub.remove_breakpoint(pc)
            if pc == reached:
                self.at_checkpoint()
                self.stub.add_breakpoint(self.stub.register("ra"))
            else:
                self.stub.add_breakpoint(reached)

    @property
    def watchdog(self):
        """Of a machine with one hart; with several there is none."""
        return Watchdog(self.stub, self.test) if self.test.harts == 1 else None

    def write_key(self):
        """Into the image in memory: the program's, or the kernel's for a self test."""
        self.key_address = self.host.key_address(self.test)
        if self.key_address is not None:
            self.memory.write(self.key_address, self.key)

    def go(self):
        """Let it run; true when it has stopped at a breakpoint. If not, result.end says why."""
        self.stub.send("c")
        while True:
            try:
                answer = self.stub.answer(POLL_SECONDS)
            except StubError:
                self.result.end = End.FLOOD if self.qemu.has_flooded() else End.GONE
                return False
            if answer is None:
                reason = self.look_after()
                if reason:
                    self.stop(reason)
                    return reason == End.LIMIT \
                        and self.result.place == self.image.address("power_off")
            elif answer.startswith(PAUSED):
                self.paused()
                return False
            elif answer[:1] in "TS":
                return True
            elif answer[:1] in "WX":
                self.result.end = End.GONE
                return False

    def paused(self):
        """By the watchdog; else the guest has switched off, but not through power_off()."""
        if self.watchdog and self.watchdog.has_fired():
            self.result.end, self.result.place = End.LIMIT, self.stub.register("pc")
        else:
            self.result.end, self.result.status = End.GONE, 0

    def look_after(self):
        """While it runs: End.something if it must not go on."""
        if self.host.cancelled:
            return End.GONE
        if self.qemu.has_flooded():
            return End.FLOOD
        if self.test.harts == 1:
            allowed = max(LEAST_SECONDS, self.test.limit / SLOWEST)
            return End.STUCK if self.qemu.cpu_seconds() > allowed else None
        if self.qemu.cpu_seconds() > self.test.cpu:
            return End.LIMIT
        self.polls.append(self.qemu.is_busy())
        if len(self.polls) == IDLE_POLLS and sum(self.polls) * 10 < IDLE_POLLS:
            return End.IDLE
        return None

    def stop(self, reason):
        """Interrupt it, to see where it is; a machine that does not answer is killed."""
        self.result.end = reason
        try:
            self.stub.interrupt(STOP_SECONDS)
            self.result.place = self.stub.register("pc")
        except StubError:
            pass
        if reason == End.STUCK and self.watchdog.was_fed():
            self.result.end = End.FED

    # -- what is looked at while it stands

    def off(self):
        """The kernel is about to switch off: its memory is as it left it. Without a timer of the
        kernel the clock jumps at this very stop, and the watchdog may fire, which no longer
        matters."""
        result = self.result
        if self.watchdog and self.watchdog.was_fed():
            result.end = End.FED
            return
        result.end, result.code = End.OFF, self.stub.register("a0") & 0xff
        if not self.early:         # there is no tick yet: the clock has jumped too far
            self.count()
        if not self.test.panic and result.code == self.test.exit & 0xff:
            result.complaints += ["the checkpoint %s was not reached" % label
                                  for label in self.test.at if label not in self.labels]
            after = state.DEFAULT if self.test.after is None else self.test.after
            self.check(dict.fromkeys(state.ALWAYS + after))

    def count(self):
        """If the kernel had set no timer the clock has jumped to the watchdog's: no count."""
        if self.test.harts == 1:
            count = self.stub.register("minstret") >> self.test.shift
            self.result.instructions = count if count < 0.99e6 * self.test.limit else None

    def at_checkpoint(self):
        """Only a signed report names a checkpoint; other code may lie at that address."""
        found = [report.text for report in self.reported(self.qemu.printed()).reports
                 if report.kind == "checkpoint"]
        for label in found[len(self.labels):]:
            self.check(self.test.at.get(label, ()), "at the checkpoint %s: " % label)
        self.labels = found

    def check(self, checks, where=""):
        """Let these look at the machine, and keep what they complain of."""
        for check in checks:
            self.result.complaints += [where + text for text in self.host.complaints(check, self)]

    def reported(self, printed):
        """The Console with these bytes."""
        return Console(printed, self.key, self.host.sites(self.test))


class FreshMachine(Machine):
    """A machine that is stopped when the first program is about to begin, and counted."""

    snapshot = None

    def follow(self):
        """To the place where the kernel counts what is in use, and no further."""
        # The first who asks how many objects there are is inventory_take(), which has just given
        # back all that is free.
        self.stub.add_breakpoint(self.image.address("kmalloc_objects"))
        if self.go():
            self.snapshot = state.snapshot(self.memory)


def snapshot(test, host):
    """The Snapshot of a machine as this test has it, before its first program begins; None if it
    does not come so far."""
    fresh = FreshMachine(test, host)
    error = fresh.run().error
    if error:
        raise error
    return fresh.snapshot
