#!/usr/bin/env python3
"""What operations cost on one hart and on two, at the same time from several processes.

    harts.py            print the table; it takes a minute
    harts.py --write    write it into docs/speed.md

user/scale.c does the work. Its instructions are counted from outside, on all harts together: QEMU
logs each block of code that a hart enters, as for make profile. With two harts QEMU cannot count
them itself (-icount lets one hart run at a time, and another one that waits for it never ends its
turn), so what they do to each other is by chance, and figures differ by some percent from run to
run. What a hart does while it waits for a lock depends on the host; it is a column of its own. Not
counted are the clock's ticks, which come by the host's time.

Time is that of this host, without the log: the best of some tries. Another host, other figures.
"""
import collections
import os
import re
import subprocess
import sys

import cli
import scratch
from bench import BUSY_PERCENT, Failed, HostLoad, command_of, console_of, start
from grader.disk import Disk, DiskError
from profile import ENTERED, INSTRUCTION, Block, Places
from speed import number, write_parts

# The kind of user/scale.c, what it does, and how often each of WORKERS does it while it is counted.
KINDS = (("fork", "fork + exit + wait", 300),
         ("fault", "first touch of a page, all in one space", 30),
         ("pipe", "pipe, one byte there and one back", 300),
         ("open", "open + close, all in one directory", 600))
WORKERS, HARTS, TRIES = 2, (1, 2), 5
RESULT = re.compile(r"^scale: \w+ \d+ (\d+) us, (\d+) times", re.M)
# An interrupt of the clock, of the firmware (7) or of the kernel (5), as QEMU logs it.
TICK = re.compile(rb"riscv_cpu_do_interrupt: hart:(\d+), async:1, cause:0*[57], epc:0x([0-9a-f]+)")
TRAP = re.compile(rb"riscv_cpu_do_interrupt: hart:(\d+), async:0, cause:0*([0-9a-f]+), "
                  rb"epc:0x([0-9a-f]+)")
COUNTED_TRAPS = (b"3", b"8", b"9", b"b")        # an ecall or ebreak is executed, and traps
WAITS, SWITCHES = ("kernel", "spin_wait"), ("kernel", "switch_to")


class Counter:
    """It reads QEMU's log of several harts and adds up instructions by function, from the program's
    profile_begin() to its profile_end().

    All harts use the same translations, so the list of a block's instructions comes once, and other
    harts may log something before the one that translated it enters it. The hart's number is left
    out of what names a block.
    """

    def __init__(self, places):
        self.places, self.marks = places, places.marks()
        self.blocks = {}                    # {what a line says of a block: Block}
        self.listed = {}                    # {address: code of a block that nobody has entered}
        self.last = {}                      # {hart: the block that it is in}
        self.ticks = {}                     # {hart: where it goes on after the clock's interrupt}
        self.active = False
        self.total = collections.Counter()  # {place: instructions}

    def read(self, stream):
        """Read the whole log."""
        listing = []
        for line in stream:
            match = INSTRUCTION.match(line)
            if match:
                listing.append((int(match.group(1), 16), bytes.fromhex(
                    match.group(2).decode())[::-1]))
                continue
            if listing:
                self.listed[listing[0][0]] = listing
                listing = []
            if line.startswith(b"Trace "):
                hart, _, name = line[6:].partition(b":")
                block = self.blocks.get(name)
                if block is None or self.listed:
                    block = self.named(name, line)
                if block:
                    self.enter(int(hart), block)
            elif line.startswith(b"riscv_cpu_do_interrupt"):
                self.trap(line)

    def named(self, name, line):
        """The block that a line names, which may have been translated just before."""
        address = int(ENTERED.match(line).group(1), 16)
        listing = self.listed.pop(address, None)
        if listing:
            code = b"".join(code for _, code in listing)
            self.blocks[name] = Block([where for where, _ in listing],
                                      self.places.of(address, code))
        return self.blocks.get(name)

    def enter(self, hart, block):
        """A hart enters a block."""
        if self.ticks.get(hart) == block.addresses[0] or block.place == SWITCHES:
            self.ticks.pop(hart, None)
        if block.addresses[0] in self.marks:
            self.active = block.addresses[0] == self.marks[0]
        self.last[hart] = block
        if self.active and hart not in self.ticks:
            self.total[block.place] += len(block.addresses)

    def trap(self, line):
        """The clock's interrupt begins, or a block ends early."""
        match = TICK.match(line)
        if match:
            self.ticks.setdefault(int(match.group(1)), int(match.group(2), 16))
            return
        match = TRAP.match(line)
        hart = int(match.group(1)) if match else None
        if hart in self.last and self.active and hart not in self.ticks:
            block = self.last[hart]
            executed = block.executed_before(int(match.group(3), 16))
            if executed is not None:
                executed += match.group(2) in COUNTED_TRAPS
                self.total[block.place] -= len(block.addresses) - executed


def machine(options, words, harts, disk):
    """The command of a machine that runs scale with these words."""
    return command_of(options, "scale " + words, harts=harts) + ["-initrd", disk]


def counted(options, kind, times, harts, disk):
    """{place: instructions} of one operation."""
    words, console = "%s %d %d" % (kind, WORKERS, times), disk + ".console"
    qemu = start(machine(options, words, harts, disk) + [
        "-d", "in_asm,exec,nochain,int", "-serial", "file:" + console],
        stdout=subprocess.PIPE, bufsize=1 << 20)
    counter = Counter(Places(options.objects, "scale"))
    try:
        counter.read(qemu.stdout)
        status = qemu.wait()
    finally:
        qemu.kill()
        qemu.wait()
        qemu.stdout.close()
    with open(console, encoding="utf-8", errors="replace") as file:
        match = RESULT.search(file.read())
    if status or not match:
        raise Failed("scale %s on %d harts, with a log: exit status %d" % (words, harts, status))
    return {place: count / int(match.group(2)) for place, count in counter.total.items()}


def nanoseconds(options, kind, harts, disk):
    """How long an operation takes on this host: the best of some tries."""
    best = None
    for _ in range(TRIES):
        match = RESULT.search(console_of(machine(options, "%s %d" % (kind, WORKERS), harts, disk)))
        if not match:
            raise Failed("scale %s on %d harts printed no time" % (kind, harts))
        each = 1000 * int(match.group(1)) / int(match.group(2))
        best = each if best is None else min(best, each)
    return best


def measure(options, kinds=KINDS, with_time=True):
    """{kind: {harts: (instructions, instructions of waiting, nanoseconds)}}"""
    found = {}
    with scratch.folder("harts") as folder:
        disk = os.path.join(folder, "disk.img")
        Disk(size="8M").make(disk, options.objects)
        for kind, _, times in kinds:
            found[kind] = {}
            for harts in HARTS:
                places = counted(options, kind, times, harts, disk)
                waits = places.pop(WAITS, 0)
                found[kind][harts] = (sum(places.values()), waits, nanoseconds(
                    options, kind, harts, disk) if with_time else 0)
    return found


def table(found, others):
    """The table of docs/speed.md."""
    lines = ["| %d at once | instructions, 1 hart | 2 harts | and waiting | ns, 1 hart | 2 harts "
             "| times as fast |" % WORKERS, "|---|--:|--:|--:|--:|--:|--:|"]
    for kind, text, _ in KINDS:
        (one, _, slow), (two, waits, fast) = (found[kind][harts] for harts in HARTS)
        lines.append("| %s | %s | %s | %s | %s | %s | %.2f |" % (
            text, number(one), number(two), number(waits), number(slow), number(fast),
            slow / fast))
    lines += ["", "It is not known what else this host did meanwhile." if others is None else
              "Meanwhile other work used %d %% of a processor of the host." % others]
    return "\n".join(lines)


def main():
    options = cli.measuring("harts", "What operations cost on one hart and on two.",
                            "write the table into docs/speed.md")
    load = HostLoad()
    try:
        text = table(measure(options), load.others())
    except (Failed, DiskError) as failure:
        sys.exit("harts: not measured: %s" % failure)
    if options.write:
        write_parts({"harts": text})
    print(text)
    if load.others() is not None and load.others() > BUSY_PERCENT:
        print("\nWARNING: this host was busy: the times are too long.")
    return 0


if __name__ == "__main__":
    sys.exit(cli.run("harts", main))
