"""What a running kernel does, seen from outside: the machine stops at a few functions, one by one.

    for event in Probes(stub, image).events(limits): ...

The kernel has no line for this, and is not changed in memory: QEMU's gdb stub stops the machine
before the first instruction of each place in PLACES, a few words are read, and the machine goes on.
What a recorded run is stopped for, it does not notice: the replay takes the time from its log.

An Event says when, where and what; who was there is a Task. story.py makes a story of the events.
"""
import collections
import time

from gdbstub import StubError
from grader.memory import MemoryFault, PTE_COW, PTE_V, PTE_W, RAM_START, Memory, Value

PC, RA, SP, TP, A0 = 32, 1, 2, 4, 10
STATES = ("UNINIT", "SLEEPING", "RUNNABLE", "ZOMBIE")       # enum proc_state
INTERRUPT = 1 << 63
INTERRUPTS = {1: "another hart", 5: "timer", 9: "device"}
FAULTS = {12: "fetch", 13: "read", 15: "write"}             # page faults, by cause
CHUNK = 1024                    # bytes that are read at once; QEMU gives less than 2048
POLL = 0.1                      # seconds
TIME_REGISTER, TICK_NS = 0x200bff8, 100         # mtime of QEMU's machine virt
# {symbol: the method of Probes that tells what happens there}. A blank or an early lab may lack
# some; those of NEEDED are in each kernel.
PLACES = {
    "switch_to": "switch", "syscall_from_user": "call", "trap_user": "trap",
    "trap_kernel": "trap", "trap_return_short": "leave", "trap_return": "leave",
    "wakeup_proc": "wake", "sched_kill": "wake", "sched_expire": "wake", "do_exit": "exit",
    "panic_at": "panic", "panic_trap": "panic", "not_written_at": "panic", "power_off": "off"}
LAST = ("panic_at", "panic_trap", "not_written_at", "power_off")    # never lost
NEEDED = ("power_off", "trap_return", "switch_to")
SIGNALS = {"sched_kill": 0x80000000, "sched_expire": 0x20000000}    # WT_ bits that end a sleep
WT_OUTSIDE = 0x40000000
MAX_PID, UNKNOWN = 1 << 20, 1 << 22     # UNKNOWN: the first number of a task that is no process

Task = collections.namedtuple("Task", "pid name idle")
Event = collections.namedtuple("Event", "time hart kind task data")


class ProbeError(Exception):
    """The kernel cannot be looked at in this way; the text says why."""


class Ram:
    """The machine's memory as Memory wants it, read through the stub. All of it is mapped in the
    kernel's half of each page table. What was read is kept until forget()."""

    def __init__(self, stub, image, size):
        self.stub, self.offset, self.size, self.kept = stub, image.offset, size, {}

    def __len__(self):
        return self.size

    def forget(self):
        self.kept.clear()

    def chunk(self, number):
        if number not in self.kept:
            data = self.stub.read(RAM_START + self.offset + number * CHUNK, CHUNK)
            if data is None or len(data) != CHUNK:
                raise MemoryFault("the machine's memory cannot be read at %#x" % (
                    RAM_START + number * CHUNK))
            self.kept[number] = data
        return self.kept[number]

    def __getitem__(self, part):
        first, last = part.start // CHUNK, (part.stop - 1) // CHUNK
        data = b"".join(self.chunk(number) for number in range(first, last + 1))
        return data[part.start - first * CHUNK:part.stop - first * CHUNK]


class Probes:
    """The stops of one machine, which stands before its first instruction, at the places that are
    wanted.

    counted   there is one hart, whose time is counted in instructions
    lost      events that came after the limit and were not kept
    ended     why there are no more events; "" as long as there may be
    cut       the machine was left before its end, so `lost` is not all
    """

    def __init__(self, stub, image, size, counted, wanted=tuple(PLACES)):
        self.stub, self.image, self.counted = stub, image, counted
        self.ram = Ram(stub, image, size)
        self.memory = Memory(self.ram, image)
        self.places, self.lost, self.ended, self.cut = {}, 0, "", False
        self.registers, self.unknown = [], {}
        for symbol in wanted:
            if symbol in image.symbols:
                self.places[image.address(symbol)] = symbol, getattr(self, PLACES[symbol])
            elif symbol in NEEDED:
                raise ProbeError("this kernel has no function %s, which a trace needs" % symbol)
        self.task_type = image.type("proc_struct")
        self.context = image.type("task").member("context")[0]

    # -- going on

    def go(self, seconds):
        """Let the machine go on until it stops: the stub's answer, or None after so long."""
        self.stub.send("c")
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            answer = self.stub.answer(POLL)
            if answer is not None:
                return answer
        return None

    def events(self, most, seconds, progress):
        """The events, `most` of them at most, in so many seconds of this host at most. What comes
        later is counted. progress(count) is called at each stop."""
        end, count = time.monotonic() + seconds, 0
        for address in self.places:
            self.stub.add_breakpoint(address)
        try:
            while not self.ended:
                answer = self.go(end - time.monotonic())
                self.ended = self.end_of(answer, seconds)
                if self.ended:
                    return
                pc = self.stub.register("pc")
                if count < most or self.places.get(pc, ("",))[0] in LAST:
                    event = self.look()
                    count += bool(event)
                    if event:
                        yield event
                else:
                    self.lost += pc in self.places
                progress(count + self.lost)
                if pc == self.image.address("power_off"):
                    self.ended = "the kernel switched off"
                    return
                self.step()
        except StubError as error:
            self.ended = self.ended or "the machine has ended (%s)" % error

    def end_of(self, answer, seconds):
        """Why there is nothing more to see after this answer; "" if there is."""
        if answer is None:
            self.cut = True
            return "it was not followed for more than %d seconds" % seconds
        if "replaylog" in answer:
            return "the recorded run ends here"
        return "the machine has ended" if answer[:1] in "WX" or answer.startswith("T03") else ""

    def step(self):
        """Do the instruction at the breakpoint, by the hart that has stopped alone."""
        self.stub.ask("s" if self.counted else "vCont;s:" + self.stub.stopped)

    def look(self):
        """The Event of this stop, or None if it is none of ours."""
        self.ram.forget()
        self.registers = self.stub.registers()
        symbol, method = self.places.get(self.registers[PC], (None, None))
        if symbol is None:
            return None
        try:
            cpu = self.memory.object("cpu", self.registers[TP])
            hart, task = int(cpu.id), self.task_at(int(cpu.task))
        except MemoryFault:
            hart, task = int(self.stub.stopped, 16) - 1, None
        try:
            kind, data = method(symbol)
        except MemoryFault as fault:
            kind, data = "unknown", {"what": symbol, "why": str(fault)}
        return Event(self.now(), hart, kind, task, data)

    def now(self):
        """Nanoseconds of the guest so far. With one hart they are counted in instructions, with
        several they are the machine's clock, which stands when the machine does."""
        if self.counted:
            return self.stub.register("minstret")
        self.stub.physical(True)
        data = self.stub.read(TIME_REGISTER, 8)
        self.stub.physical(False)
        return TICK_NS * int.from_bytes(data, "little")

    # -- what there is to see at each place: (kind, data)

    def process(self, address):
        return Value(self.memory, address, self.task_type, "a process")

    def task_at(self, address):
        """The Task at an address; None before there is one."""
        if address == 0:
            return None
        process = self.process(address)
        pid, name = int(process.pid), process.name.text()
        if not 0 <= pid < MAX_PID or not name:      # self tests make tasks without a process
            pid = self.unknown.setdefault(address, UNKNOWN + len(self.unknown))
            name = "task at %#x" % address
        return Task(pid, name, pid == 0)            # the idle ones have 0

    def switch(self, _):
        """switch_to(from, to), contexts: the one is left, and says why; the other goes on."""
        before, after = (self.registers[A0 + i] - self.context for i in (0, 1))
        task = self.process(before).task
        state = STATES[int(task.state) & 3]
        return "switch", {
            "from": self.task_at(before), "to": self.task_at(after), "state": state,
            "why": task.wait_what.text() if state == "SLEEPING" else "",
            "outside": bool(int(task.wait_state) & WT_OUTSIDE)}

    def frame(self):
        return self.memory.object("trapframe", self.registers[A0])

    def call(self, _):
        """A system call comes in: its number and arguments."""
        data = self.memory.read_virtual(self.frame().gpr.a0.address, 48)
        words = [int.from_bytes(data[i:i + 8], "little") for i in range(0, 48, 8)]
        return "call", {"number": words[0], "args": words[1:]}

    def trap(self, symbol):
        """Another trap: an interrupt, a page fault, or what else went wrong."""
        frame = self.frame()
        cause, inside = int(frame.cause), symbol == "trap_kernel"
        data = {"pc": int(frame.epc), "kernel": inside, "cause": cause & ~INTERRUPT}
        if cause & INTERRUPT:
            return "interrupt", dict(data, what=INTERRUPTS.get(data["cause"], "number %d" % (
                data["cause"])))
        if cause in FAULTS:
            address = int(frame.tval)
            return "fault", dict(data, address=address, access=FAULTS[cause],
                                 what=self.fault(address, cause))
        return "exception", data

    def fault(self, address, cause):
        """What a page fault is about, as far as the page table tells."""
        cpu = self.memory.object("cpu", self.registers[TP])
        try:
            root = int(getattr(cpu.task, "as").pgdir) - self.image.offset
            pte = self.memory.leaf(address, root)[0]
        except MemoryFault:
            return "no page yet"
        if not pte & PTE_V:
            return "no page yet"
        if cause == 15 and pte & PTE_COW:
            return "copy-on-write"
        return "no right to write" if cause == 15 and not pte & PTE_W else "no right"

    def leave(self, symbol):
        """A trap or a call is over. What goes back into the kernel, was an interrupt there."""
        register = self.registers[SP if symbol == "trap_return_short" else A0]
        frame = self.memory.object("trapframe", register)
        result = int(frame.gpr.a0)
        result -= (result & 1 << 63) << 1
        return "leave", {"kernel": bool(int(frame.status) & 0x100), "result": result,
                         "short": symbol == "trap_return_short"}

    def wake(self, symbol):
        """A task is woken; one that does not sleep is left as it is."""
        target = self.process(self.registers[A0])
        state, wait = STATES[int(target.task.state) & 3], int(target.task.wait_state)
        awakes = state in ("SLEEPING", "UNINIT")
        if symbol in SIGNALS:
            awakes = state == "SLEEPING" and bool(wait & SIGNALS[symbol])
        return "wake", {"task": self.task_at(target.address), "awakes": awakes,
                        "new": state == "UNINIT", "by": symbol}

    def exit(self, _):
        code = self.registers[A0] & 0xffffffff
        return "exit", {"code": code - ((code & 1 << 31) << 1)}

    def panic(self, symbol):
        place = self.image.nearest(self.registers[RA]) or "%#x" % self.registers[RA]
        return "panic", {"what": symbol, "place": place}

    def off(self, _):
        return "off", {"code": self.registers[A0] & 0xff}
