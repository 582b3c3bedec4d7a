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
import struct
import threading

from grader.checked import UNBOUNDED
from grader.state import process_list

NAME = "measured.json"
LOCKS, DEPTH, STACKS, BOUNDS = ("kern/check/%s.c" % name
                                for name in ("locks", "depth", "stacks", "bounds"))
KSTACKSIZE = 8192                       # in kern/riscv/memlayout.h
JUNK = 0xa5                             # what kern/check/depth.c fills a stack with
PER_UNIT = 100                          # instructions in a unit of rdtime(), 100 ns
SPARE = 512                             # bytes that an interrupt may need, in depth.c


class Measured:
    """The largest figures of the tests so far. A time has the name of the test, and who was there
    at its end: (instructions, test, call stack).

    stacks  {test: bytes of its deepest kernel stack}
    deepest {test: the functions that were there, the innermost first}
    off     the longest time with interrupts off
    held    {spinlock: the longest time that it was held}
    bounds  [(spinlock, how long it may be held, why)]; "" is interrupts off, the last one the rest
    """

    def __init__(self):
        self.stacks, self.off, self.held, self.bounds = {}, (0, "", ""), {}, []
        self.deepest = {}
        self.lock = threading.Lock()

    def check(self, machine):
        """Read a machine's figures, and complain of a stack that was nearly too small."""
        test, memory = machine.test, machine.memory
        lowest = memory.variable("lowest", DEPTH)
        found = [(int(memory.variable("deepest", DEPTH)), int(lowest.at),
                  [int(lowest.words[i]) for i in range(len(lowest.words))])]
        if not machine.early:           # there are processes, whose stacks are in use
            found += [depth(memory, int(process.task.kstack))
                      for process in process_list(memory) if process.task.kstack]
        deep, address, words = max(found)
        with self.lock:
            if deep > self.stacks.get(test.name, -1):
                self.stacks[test.name] = deep
                self.deepest[test.name] = frames(memory.image, address, words)
        if test.harts == 1 and test.name not in UNBOUNDED:
            self.times(test, memory)
        return [] if deep <= KSTACKSIZE - SPARE else [
            "a kernel stack was used to %d of its %d bytes; %d must be left for an interrupt"
            % (deep, KSTACKSIZE, SPARE)]

    def times(self, test, memory):
        """Read the times of a machine with one hart."""
        def longer(longest, known):
            time = int(longest.time) * PER_UNIT >> test.shift
            return known if time <= known[0] else (
                time, test.name, callers(memory, int(longest.stack)))

        rows, bounds = ([table[i] for i in range(len(table))] for table in (
            memory.variable("rows", LOCKS), memory.variable("bounds", BOUNDS)))
        with self.lock:
            self.bounds = [(row.name.text() if row.name else "all others", int(row.most),
                            int(row.each), row.why.text()) for row in bounds]
            self.off = longer(memory.variable("irq_off", LOCKS), self.off)
            for row in rows:
                if row.name and not row.may_sleep:
                    name = row.name.text()
                    self.held[name] = longer(row.hold, self.held.get(name, (0, "", "")))

    def keep(self, objects):
        """Write the figures into the objects, and return lines about them."""
        if not self.stacks:
            return []
        with open(os.path.join(objects, NAME), "w", encoding="utf-8") as file:
            json.dump({"stacks": self.stacks, "deepest": self.deepest, "off": self.off,
                       "held": self.held, "bounds": self.bounds}, file, indent=1)
        deepest, name = max((deep, name) for name, deep in self.stacks.items())
        lines = ["kernel stacks: used to %d of %d bytes at most, by %s" % (
            deepest, KSTACKSIZE, name)]
        if self.held:
            lock, (time, name, _) = max(self.held.items(), key=lambda item: item[1])
            lines += ["interrupts off: for %d instructions at most, by %s" % self.off[:2],
                      "spinlocks: held for %d instructions at most, %s by %s" % (time, lock, name)]
        return lines


def name_of(image, pc):
    """The function that a return address belongs to; "" if that is none."""
    return (image.nearest(pc - 1) or "").partition("+")[0]


def callers(memory, number):
    """The call stack of this number as text, the innermost function first; "" if it is unknown."""
    base = memory.image.address("kernel_text_start")
    places = memory.variable("stacks", STACKS)[number].pc
    pcs = [int(places[i]) for i in range(len(places))]
    return " < ".join(name_of(memory.image, base + pc) for pc in pcs if pc)


def frames(image, address, words):
    """The functions whose frames are in these words of a stack, as text: the innermost first. A
    frame's pair is a frame pointer, which leads upwards to the next pair, and a return address."""
    names, at, text = [], 0, image.address("kernel_text_start")
    while at + 1 < len(words):
        above = (words[at] - address) // 8 - 2
        name = name_of(image, words[at + 1]) if words[at + 1] >= text else ""
        if name and at < above < KSTACKSIZE // 8:
            names.append(name)
            at = above
        elif names:
            break
        else:
            at += 1
    return " < ".join(names)


def depth(memory, kstack):
    """How far a kernel stack is used that is still in use, as (bytes, address, words) of that part.
    One that is not filled with junk is that of the boot, which has no guard."""
    content = memory.read_virtual(kstack, KSTACKSIZE)
    used = len(content.lstrip(bytes([JUNK]))) + 7 & ~7
    if used == KSTACKSIZE:
        return 0, 0, []
    return used, kstack + KSTACKSIZE - used, struct.unpack("<%dQ" % (used // 8),
                                                           content[KSTACKSIZE - used:])
