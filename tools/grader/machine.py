"""One boot of one virtual machine, under full control from outside: from its start to a Run.

The machine's memory is mapped here, and its harts are driven through the gdb stub, so nothing
inside the guest has to help: the key of the reports is written into memory before the first
instruction, the machine stops at the places where the grader looks at it, and what it left in
memory is read while it stands. With one hart, time is counted in instructions, and the watchdog
device stops the machine at an exact instruction when the test's limit is used up; with several
harts the limit is CPU time.

Machine.run() returns a Run, which has all that a verdict needs; judge.py makes that verdict.
"""
import collections
import contextlib
import dataclasses
import os

from gdbstub import StubError
from grader import state
from grader.disk import DiskError
from grader.image import ImageError
from grader.memory import MemoryFault
from grader.qemu import Qemu, SetupError
from grader.reports import KEY_LENGTH, Console
from grader.watchdog import Beat, Watchdog

STOP_SECONDS = 2            # a machine that sleeps with no timer set does not stop at all
POLL_SECONDS = 0.05         # a running machine is looked after in these steps
SLOWEST = 10                # million instructions a second; a slower machine is stuck in traps
LEAST_SECONDS = 10          # so much CPU time must be gone before it is called stuck
IDLE_POLLS = 600            # a machine that sleeps at nearly all of so many looks never wakes
PAUSED = "T03"              # the stub's answer when the machine pauses: see watchdog.DEVICE
# Where a Snapshot is made. This function is called first by inventory_take(), which has just given
# back all memory that is free.
FRESH = "kmalloc_objects"


class End:
    """How a machine's run ended."""
    OFF = "switched off"            # the kernel has called power_off(); `code` tells more
    LIMIT = "limit"                 # the instructions or the CPU time are used up
    STUCK = "stuck"                 # it runs, but no instruction comes to its end
    FED = "fed"                     # the kernel has set back the watchdog, and ran on and on
    IDLE = "idle"                   # all harts sleep, for ever
    FLOOD = "flood"                 # it printed too much
    GONE = "gone"                   # QEMU ended, or the guest switched off without power_off()


@dataclasses.dataclass
class Run:
    """How one run of a machine came out."""
    end: str = None                 # one of End; None if it did not come so far
    code: int = None                # the argument of power_off()
    console: Console = None         # all that was printed; None if QEMU never ran
    # The count up to the tick after the end, waiting counted too; None with several harts.
    instructions: int = None
    seconds: float = 0.0            # of CPU time
    status: int = None              # QEMU's exit status; 0 if the guest switched off by itself
    place: int = None               # the address at which it was stopped at a limit
    complaints: list = dataclasses.field(default_factory=list)  # sentences of checks of its memory
    error: Exception = None         # the host failed, or the kernel's file cannot be understood


class Machine:
    """A machine for one run of a test; run() does all of it. The checks of state.py get the machine
    too, and may use these:

    memory, image, program  its memory; the linked kernel; the linked first program, or None
    early                   whether the self test runs before there is a process
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
        self.labels = []                # the labels of the checkpoints reached so far

    @property
    def baseline(self):
        """The Snapshot of what was in use when the first program began, in a machine like this
        one."""
        return self.host.baseline(self.test)

    def registers(self, name):
        """The value of a register of the hart that has stopped."""
        return self.stub.register(name)

    def all_registers(self, name):
        """The values of a register, one for each hart."""
        return [self.stub.register_of(hart, name) for hart in range(self.test.harts)]

    # -- running

    def run(self):
        """Boot the machine and follow it to its end; the result is its Run. It can be run once."""
        try:
            try:
                self.qemu.start()
                self.stub, self.memory = self.qemu.stub, self.qemu.memory
                self.follow()
            finally:
                self.finish()
        except (SetupError, StubError, ImageError, DiskError, OSError) as error:
            self.result.error = error
        return self.result

    def finish(self):
        """End QEMU, and keep what the host knows of it then."""
        printed = self.qemu.end()
        if printed is not None:
            self.result.console = self.reported(printed)
            self.result.seconds = self.qemu.seconds
            if self.result.status is None:
                self.result.status = self.qemu.status

    def follow(self):
        """Let the machine run from stop to stop, until it is done.

        A stop lets QEMU's clock jump to the guest's next timer. So the only stops before the end
        are those at checkpoints, where the jump is the same in each run. With several harts there
        is no such clock, and the machine also stops where a Snapshot is made: that spares a boot.
        """
        self.write_key()
        if self.watchdog:
            self.watchdog.arm()
            if self.test.input:
                Beat(self.stub).start()
        power_off = self.image.address("power_off")
        reached = self.host.checkpoint_address(self.test)
        fresh = self.can_be_fresh() and self.image.address(FRESH)
        for address in filter(None, (power_off, reached, fresh)):
            self.stub.add_breakpoint(address)
        while self.go():
            pc = self.stub.register("pc")
            if pc == power_off:
                self.off()
                return
            self.stub.remove_breakpoint(pc)
            if pc == fresh:
                with contextlib.suppress(MemoryFault, ImageError):  # who needs it will meet that
                    self.host.keep_baseline(self.test, state.snapshot(self.memory))
            elif pc == reached:
                self.at_checkpoint()
                self.stub.add_breakpoint(self.stub.register("ra"))
            else:
                self.stub.add_breakpoint(reached)

    def can_be_fresh(self):
        """May this machine stop for the Snapshot that its test needs, and does it?"""
        return self.test.harts > 1 and not self.early and self.host.lacks_baseline(self.test)

    @property
    def watchdog(self):
        """The Watchdog of a machine with one hart; None if there are several."""
        return Watchdog(self.stub, self.test) if self.test.harts == 1 else None

    def write_key(self):
        """Write the key of the reports into the image in memory: the program's, or for a self test
        the kernel's."""
        self.key_address = self.host.key_address(self.test)
        if self.key_address is not None:
            self.memory.write(self.key_address, self.key)

    def go(self):
        """Let the machine run. True if it has stopped at a breakpoint; else result.end says why it
        does not go on."""
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
        """The machine pauses: the watchdog has fired, or else the guest has switched off, but not
        through power_off()."""
        if self.watchdog and self.watchdog.has_fired():
            self.result.end, self.result.place = End.LIMIT, self.stub.register("pc")
        else:
            self.result.end, self.result.status = End.GONE, 0

    def look_after(self):
        """Look after a machine that runs: one of End if it must not go on, else None."""
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
        """Interrupt the machine, to see where it is. If it does not answer, it has no place."""
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
        """The kernel is about to switch off, and its memory is as it left it: check it. If the
        kernel has set no timer, the clock jumps at this stop and the watchdog may fire, which does
        not matter any more."""
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
            if self.test.disk:
                self.check([self.test.disk.wrong])

    def count(self):
        """Read the count of instructions. If the kernel had set no timer, the clock has jumped to
        the watchdog's, and there is no count; nor is there one if something was typed, because when
        that came is the host's."""
        if self.test.harts == 1 and not self.test.input:
            count = self.stub.register("minstret") >> self.test.shift
            self.result.instructions = count if count < 0.99e6 * self.test.limit else None

    def at_checkpoint(self):
        """The machine has stopped at the address of the checkpoints. Other code may lie there, so
        only a signed report says that a checkpoint was reached, and which one."""
        found = [report.text for report in self.reported(self.qemu.printed()).reports
                 if report.kind == "checkpoint"]
        for label in found[len(self.labels):]:
            self.check(self.test.at.get(label, ()), "at the checkpoint %s: " % label)
        self.labels = found

    def check(self, checks, where=""):
        """Let these checks look at the machine, and keep their complaints."""
        for check in checks:
            self.result.complaints += [where + text for text in self.host.complaints(check, self)]

    def reported(self, printed):
        """The Console of these bytes, with the signed reports among them."""
        return Console(printed, self.key, self.host.sites(self.test))


class FreshMachine(Machine):
    """A machine that is stopped when the first program is about to begin; `snapshot` has what is in
    use then."""

    snapshot = None

    def follow(self):
        """Let the machine run to the place where the kernel counts what is in use, and no
        further."""
        self.stub.add_breakpoint(self.image.address(FRESH))
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
