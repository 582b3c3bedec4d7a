"""Calls of the kernel's functions from outside: what nobody inside can answer by a signed line.

A test with `outside` passes only if the host has seen for itself that what it tests works. A second
machine is stopped before any self test begins. Then the host calls functions, those of an
exercise's regions among them: it sets the registers of the hart, lets it run until the function has
returned, and reads the machine's memory. A model in Python says what must be there after each step.
So a solution must do what it was asked for; what it prints, and whether it has the key of the
reports, is of no use to it.

    def first_fit(machine):             # an argument `outside` of a Test
        page = machine.call("alloc_pages", 64)
        machine.expect(page != 0, "there are no 64 pages")

The calls are the same in each run, because they go by fixed seeds, and the hart counts time in
instructions. A call that has no end is found by its CPU time; the watchdog is not armed, because a
stop lets the clock jump.
"""
import re
import struct

from grader.checked import unbounded
from grader.machine import End, Machine

RA, SP, TP, A0, PC = 1, 2, 4, 10, 32
KEPT = [SP, 3, TP, 8, 9] + list(range(18, 28))       # sp, gp, tp, s0 to s11: as they were
NAMES = dict(zip(KEPT, ["sp", "gp", "tp"] + ["s%d" % n for n in range(12)]))
WORD = (1 << 64) - 1
SLEEPING, RUNNABLE = 1, 2           # PROC_ of kern/sched/task.h
LAST = 3                            # calls that a complaint tells
CALLS = 3                           # to learn how long one of them takes
FRAME = 512                         # bytes of the stack that stay as they are


class Wrong(Exception):
    """The kernel does not do what the host has asked for; the text is a sentence for the user."""


def signed(value):
    """A result as C's long."""
    return value - ((value & 1 << 63) << 1)


class Caller(Machine):
    """A machine whose functions the host calls: call(), expect(), page(), and what Machine has."""

    watchdog = None

    def __init__(self, test, host):
        test = unbounded(test)
        if hasattr(test.outside, "prog"):       # then it is a program that is looked at
            test.prog, test.selftest = test.outside.prog, None
        super().__init__(test, host)
        self.place, self.start, self.steps = None, None, []
        self.stand_ins, self.looks = {}, {}

    def follow(self):
        """Let the machine run to where its program begins, or to the place before the self tests;
        then make the test's calls."""
        self.place = self.program.address("_start") if self.program \
            else self.image.address("selftest_run")
        for address in (self.place, self.image.address("power_off")):
            self.stub.add_breakpoint(address)
        self.check([self.made], "called from outside: ")

    def made(self, machine):
        """The complaints about the calls: one, or none."""
        try:
            self.start = self.go_on("the machine has booted")
            self.test.outside(machine)
        except Wrong as wrong:
            last = self.steps[-LAST:]
            return [str(wrong) + ("; the last calls: " + ", ".join(last) if last else "")]
        except (LookupError, ArithmeticError, ValueError, StopIteration, struct.error) as error:
            # Damaged memory may lead a model anywhere; with a right kernel this does not come.
            return ["what the kernel has left in memory makes no sense: %r; the last calls: %s" % (
                error, ", ".join(self.steps[-LAST:]))]
        return []

    def go_on(self, before, *places):
        """Let the machine run to the place where calls begin and end, or to another one of these
        addresses: the registers there."""
        while True:
            if not self.go():
                raise Wrong("the machine stopped before %s" % before
                            if self.result.end == End.GONE else "no end before %s" % before)
            registers = self.stub.registers()
            if registers[PC] == self.place or registers[PC] in places:
                return registers
            look = self.looks.pop(registers[PC], None)
            if look:
                self.stub.remove_breakpoint(registers[PC])
                look(registers)
                continue
            if registers[PC] not in self.stand_ins:
                panic = re.search(r"kernel panic at [^\r\n]*", self.qemu.printed().decode(
                    "utf-8", "replace"))
                raise Wrong("%s before %s" % (
                    panic.group() if panic else "the kernel switched off", before))
            registers[A0] = self.stand_ins[registers[PC]](registers) & WORD
            registers[PC] = registers[RA]
            self.stub.set_registers(registers)

    def stand_in(self, function, answer):
        """From now on the host is this function, by its name or address: answer(registers) is
        called instead, and returns what the function returns. The address."""
        address = self.image.address(function) if isinstance(function, str) else function
        self.stand_ins[address] = answer
        self.stub.add_breakpoint(address)
        return address

    def look_once(self, function, look):
        """Where the machine comes to this function next, look(registers) is called; then it goes
        on. Once, because a solution may call it for each byte."""
        address = self.image.address(function)
        if address not in self.looks:
            self.stub.add_breakpoint(address)
        self.looks[address] = look

    def stop(self, reason):
        """A machine that does not come back is not looked at any more."""
        self.result.end = reason

    def enter(self, registers, place, step):
        """Let the hart go on with these registers until it comes to a place: its registers then.
        `step` says in words what is done."""
        if place != self.place:
            self.stub.remove_breakpoint(self.place)
            self.stub.add_breakpoint(place)
            self.place = place
        self.stub.set_registers(registers)
        now = self.go_on("the end of " + step)
        self.steps.append("%s: %#x" % (step, now[A0]))
        return now

    def entry(self, function, named="a pointer"):
        """The address of a function, by its name or address. An address comes out of the machine's
        memory, so it must be where a function of the kernel's file begins: code that was made
        elsewhere is no solution."""
        if isinstance(function, str):
            return self.image.address(function)
        self.expect(int(function) in self.image.functions, "%s leads to %#x, where no function of "
                    "the kernel begins" % (named, int(function)))
        return int(function)

    def call(self, function, *arguments, named=None):
        """What the function returns for these numbers. `function` is a name, or an address; `named`
        says it in words if it is an address. Registers that a function must keep are looked at."""
        address = self.entry(function, named)
        step = "%s(%s)" % (named or function, ", ".join(
            str(n) if -10 ** 6 < n < 10 ** 6 else "%#x" % (n & WORD) for n in arguments))
        registers = list(self.start)
        registers[SP] = registers[SP] - FRAME & -16
        registers[RA], registers[PC] = self.place, address
        registers[A0:A0 + len(arguments)] = [n & WORD for n in arguments]
        now = self.enter(registers, self.place, step)
        for number in KEPT:
            self.expect(now[number] == registers[number], "%s returned with %s changed" % (
                step, NAMES[number]))
        return now[A0]

    def cost(self, function, *arguments, named=None, before=lambda: None):
        """How many instructions such a call takes, wherever they run: in the function, in what it
        calls, or in a trap. The least of some calls, if an interrupt came into one of them; the
        function must do the same each time, if need be after before(). They are counted by mcycle,
        which is the machine's time, whatever a version of QEMU makes of minstret.
        """
        counts = []
        for _ in range(CALLS):
            before()
            begin = self.stub.register("mcycle")
            self.call(function, *arguments, named=named)
            counts.append(self.stub.register("mcycle") - begin >> self.test.shift)
        return min(counts)

    def expect(self, condition, complaint):
        """The end, with this complaint, if the condition does not hold."""
        if not condition:
            raise Wrong(complaint)

    def equal(self, what, got, expected):
        """The same for two things that must be equal."""
        self.expect(got == expected, "%s: expected %s, found %s" % (what, expected, got))

    def page(self, count=1):
        """The kernel's address of so many pages in a row, which the host may use as it likes."""
        page = self.call("alloc_pages", count)
        self.expect(page, "%d pages cannot be had" % count)
        return self.address_of(page)

    def sleeper(self, address):
        """A struct task at this address, which sleeps, and belongs to this hart's queue."""
        task = self.memory.object("task", address)
        self.memory.write(address, bytes(task.width))
        running = self.memory.object("cpu", self.start[TP]).task
        self.store(task.state, SLEEPING)
        self.store(task.rq, int(running.rq))
        for link in ("next", "prev"):
            self.store(task.run_link[link], task.run_link.address)
        return task

    def address_of(self, page):
        """The kernel's address of the page of this struct Page."""
        memory = self.memory
        index = (page - int(memory.variable("pages"))) // memory.image.type("Page").size
        return int(memory.variable("pages_base")) + index * 4096 + memory.image.offset

    def store(self, value, number):
        """Set a number or a pointer: a Value."""
        self.memory.write(value.address, (number & WORD).to_bytes(8, "little")[:value.width])

    def table_entry(self, table, struct_name, name):
        """The struct of this name in a table that the linker collects, as a Value."""
        start, end = (self.image.address(table + edge) for edge in ("_start", "_end"))
        for address in range(start, end, self.image.type(struct_name).size):
            entry = self.memory.object(struct_name, address)
            if entry.name.text() == name:
                return entry
        raise Wrong("nothing is named %s in %s" % (name, table))
