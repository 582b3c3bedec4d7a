"""What a checked kernel has measured of itself, in all tests of one grading.

kern/check/ keeps how far kernel stacks were used, for how long interrupts were off, and for each
lock how long it was held. When a machine has ended well these are read from its memory. A stack of
which less than SPARE is left is a failure. With one hart, times are counted in instructions
(-icount), so they are the same in each run. With several they have what the host did meanwhile, so
only stacks are read there.

The largest of all tests are printed at the end, and stand in the file NAME of the objects.
"""
import json
import os
import threading

from grader.state import process_list

NAME = "measured.json"
LOCKS, DEPTH = "kern/check/locks.c", "kern/check/depth.c"
KSTACKSIZE = 8192                       # in kern/riscv/memlayout.h
JUNK = 0xa5                             # what kern/check/depth.c fills a stack with
PER_UNIT = 100                          # instructions in a unit of rdtime(), 100 ns
SPARE = 512                             # bytes that an interrupt may need, in depth.c


class Measured:
    """The largest figures of the tests so far, each with the name of the test: (figure, name).

    stacks  {test: bytes of its deepest kernel stack}
    off     the longest time with interrupts off
    held    {spinlock: the longest time that it was held}
    """

    def __init__(self):
        self.stacks, self.off, self.held = {}, (0, ""), {}
        self.lock = threading.Lock()

    def check(self, machine):
        """Read a machine's figures, and complain of a stack that was nearly too small."""
        test, memory = machine.test, machine.memory
        deep = int(memory.variable("deepest", DEPTH))
        if not machine.early:           # there are processes, whose stacks are in use
            deep = max([deep] + [depth(memory, int(process.task.kstack))
                                 for process in process_list(memory) if process.task.kstack])
        with self.lock:
            self.stacks[test.name] = max(deep, self.stacks.get(test.name, 0))
        if test.harts == 1:
            self.times(test, memory)
        return [] if deep <= KSTACKSIZE - SPARE else [
            "a kernel stack was used to %d of its %d bytes; %d must be left for an interrupt"
            % (deep, KSTACKSIZE, SPARE)]

    def times(self, test, memory):
        """Read the times of a machine with one hart."""
        def instructions(longest):
            return int(longest.time) * PER_UNIT >> test.shift

        table = memory.variable("rows", LOCKS)
        rows = [table[i] for i in range(len(table))]
        held = {row.name.text(): instructions(row.hold) for row in rows
                if row.name and not row.may_sleep}
        with self.lock:
            self.off = max(self.off, (instructions(memory.variable("irq_off", LOCKS)), test.name))
            for name, time in held.items():
                self.held[name] = max(self.held.get(name, (0, "")), (time, test.name))

    def keep(self, objects):
        """Write the figures into the objects, and return lines about them."""
        if not self.stacks:
            return []
        with open(os.path.join(objects, NAME), "w", encoding="utf-8") as file:
            json.dump({"stacks": self.stacks, "off": self.off, "held": self.held}, file, indent=1)
        deepest, name = max((deep, name) for name, deep in self.stacks.items())
        lines = ["kernel stacks: used to %d of %d bytes at most, by %s" % (
            deepest, KSTACKSIZE, name)]
        if self.held:
            lock, (time, name) = max(self.held.items(), key=lambda item: item[1])
            lines += ["interrupts off: for %d instructions at most, by %s" % self.off,
                      "spinlocks: held for %d instructions at most, %s by %s" % (time, lock, name)]
        return lines


def depth(memory, kstack):
    """How far a kernel stack is used that is still in use. One that is not filled with junk is that
    of the boot, which has no guard."""
    words = memory.read_virtual(kstack, KSTACKSIZE)
    used = len(words.lstrip(bytes([JUNK]))) + 7 & ~7
    return used if used < KSTACKSIZE else 0
