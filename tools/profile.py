#!/usr/bin/env python3
"""Count the instructions that each function runs, from outside the machine.

    profile.py [--boot | --all] [--top N] "NAME ARGS"       make profile PROG="NAME ARGS" calls it

QEMU logs each block of instructions when it translates it (with the code), each time it enters one,
and each trap. From that follows for one hart exactly how many instructions were executed where.
Nothing is sampled, and nothing is added to the kernel. The log comes through a pipe.

Counted is from the first instruction of the first program to the end; with --boot from the
firmware's jump into the kernel to there; with --all everything. If the program has functions
profile_begin and profile_end, as bench has, only what runs between them is counted, and a column
shows it for each such stretch. A block belongs to the function in which it begins. Programs are
told apart by their code; if several have the same code there, it counts for the profiled one.
"""
import argparse
import bisect
import collections
import os
import re
import struct
import subprocess
import sys

import cli
from ksyms import read as read_nm

KERNEL_OFFSET = 0xffffffc000000000      # high address minus physical address
KERNEL_ENTRY = 0x80200000
USER_ENTRY = 0x800000

INSTRUCTION = re.compile(rb"0x([0-9a-f]+):\s+([0-9a-f]{4,8})\s")
ENTERED = re.compile(rb"Trace \d+: 0x[0-9a-f]+ \[[0-9a-f]+/([0-9a-f]{16})/")
STOPPED = b"Stopped execution of TB chain before"
REWOUND = b"cpu_io_recompile"
TRAP = re.compile(rb"riscv_cpu_do_interrupt: .*async:0, cause:([0-9a-f]+), epc:0x([0-9a-f]+)")
# An instruction that traps is not executed and does not count, unless it is there to trap.
COUNTED_TRAPS = (3, 8, 9, 11)           # ebreak, ecall from U, S and M
# Other lines that a log may have: parts of a block's listing. All else is a message of QEMU.
LISTING = re.compile(rb"(-+|IN:.*|Priv: .*|OBJD-.*|0x[0-9a-f]+:.*|riscv_cpu_.*|)\r?\n")


class Functions:
    """The functions of a program, by address and by name."""

    def __init__(self, pairs):
        self.pairs = sorted(pairs)
        self.starts = [address for address, _ in self.pairs]

    def name(self, address):
        """The function that holds an address, or "?"."""
        at = bisect.bisect_right(self.starts, address)
        return self.pairs[at - 1][1] if at else "?"

    def address(self, name):
        """The address of a function, or None."""
        return next((address for address, other in self.pairs if other == name), None)


class Program:
    """A user program's ELF file: its code, and its functions. For an object file that was made from
    assembly any symbol counts as a function, because labels have no type there."""

    def __init__(self, path):
        self.name = os.path.basename(path)
        self.kinds = (0, 2) if path.endswith(".S.o") else (2,)
        with open(path, "rb") as file:
            self.data = data = file.read()
        phoff, shoff = struct.unpack_from("<QQ", data, 32)
        phentsize, phnum, shentsize, shnum = struct.unpack_from("<4H", data, 54)
        segments = [struct.unpack_from("<IIQQQQ", data, phoff + i * phentsize)
                    for i in range(phnum)]
        # (address, offset in the file, size) of what is loaded and executable
        self.code = [(s[3], s[2], s[5]) for s in segments if s[0] == 1 and s[1] & 1]
        sections = [struct.unpack_from("<IIQQQQII", data, shoff + i * shentsize)
                    for i in range(shnum)]
        self.functions = Functions(pair for s in sections if s[1] == 2
                                   for pair in self.symbols(s, sections[s[6]][4]))

    def symbols(self, section, strings):
        """(address, name) of each function in a symbol table of the file."""
        for at in range(section[4], section[4] + section[5], 24):
            name, info, _, _, value = struct.unpack_from("<IBBHQ", self.data, at)
            if info & 15 in self.kinds:
                start = strings + name
                end = self.data.index(b"\0", start)
                yield value, self.data[start:end].decode("ascii", "replace")

    def has(self, address, code):
        """Whether the program has exactly this code at this address."""
        for start, offset, size in self.code:
            if start <= address and address + len(code) <= start + size:
                at = offset + address - start
                return self.data[at:at + len(code)] == code
        return False


class Places:
    """It knows for each address the line of the table that the address counts for."""

    def __init__(self, objects, program):
        marks, functions = read_nm(objects + "/kernel.nm")
        self.kernel, self.kernel_start = Functions(functions), marks["kernel_text_start"]
        folder = objects + "/image"
        names = sorted(os.listdir(folder), key=lambda name: (name != program, name))
        self.programs = [Program(os.path.join(folder, name)) for name in names]

    def of(self, address, code):
        """(kind, line of the table) of a block that begins at this address with this code."""
        if address >= self.kernel_start:
            return "kernel", self.kernel.name(address)
        if address >= KERNEL_ENTRY:             # the kernel runs here before paging is on
            return "kernel", self.kernel.name(address + KERNEL_OFFSET)
        if USER_ENTRY <= address < 0x80000000:
            for program in self.programs:
                if program.has(address, code):
                    return "user", program.name + ": " + program.functions.name(address)
            return "user", "(code that no program has)"
        return "firmware", "(firmware)"

    def marks(self):
        """The addresses of profile_begin and profile_end, if the program has both."""
        functions = self.programs[0].functions
        marks = functions.address("profile_begin"), functions.address("profile_end")
        return marks if None not in marks else None


class Block:
    """A piece of code as QEMU translated it: it is always entered at its first instruction."""

    def __init__(self, addresses, place):
        self.addresses, self.place = addresses, place

    def executed_before(self, address):
        """How many instructions of the block lie before this one; None if it is not in it."""
        if address not in self.addresses:
            return None
        return self.addresses.index(address)


class Counter:
    """It reads QEMU's log and adds up instructions by place.

    A line "Trace ..." says that a block was entered. Entries are only counted at first (entered),
    because there are millions. fold() turns them into instructions when counting is switched on or
    off, and when a line may get another meaning. A block that was left early, by a trap or because
    QEMU went back in it, is corrected at once.
    """

    def __init__(self, places, options):
        self.places, self.options = places, options
        self.marks = None if options.boot or options.all else places.marks()
        self.blocks = {}                        # {line of the log: Block}
        self.entered = collections.Counter()    # {line of the log: how often since the last fold}
        self.total = collections.Counter()      # {place: instructions}
        self.listing = []                       # the block that is being translated
        self.active = options.all
        self.last = None                        # the line of the last block that was entered
        self.rewound = False
        self.stretches = 0
        self.special = {KERNEL_ENTRY, USER_ENTRY} | set(self.marks or ())
        self.seen_user = False

    def fold(self):
        """Turn entries of blocks into instructions."""
        if self.active:
            for line, count in self.entered.items():
                block = self.blocks[line]
                self.total[block.place] += count * len(block.addresses)
        self.entered.clear()

    def switch(self, active):
        """Begin or stop to count from here on."""
        self.fold()
        self.stretches += active and not self.active
        self.active = active

    def correct(self, executed):
        """The last block was left early, after so many of its instructions."""
        if self.last is not None and self.active and executed is not None:
            block = self.blocks[self.last]
            self.total[block.place] -= len(block.addresses) - executed

    def at_special(self, address):
        """A place at which counting may begin or end has been reached."""
        if self.options.all:
            return
        if address == KERNEL_ENTRY and self.options.boot:
            self.switch(True)
        elif address == USER_ENTRY and not self.seen_user:
            self.seen_user = True
            self.switch(not self.options.boot and not self.marks)
        elif self.marks and address in self.marks:
            self.switch(address == self.marks[0])

    def read(self, stream):
        """Read the whole log. Nearly all lines are entries of blocks that are known, so the loop is
        short for these, and other() does the rest."""
        entered, special, blocks = self.entered, self.special, self.blocks
        for line in stream:
            if line in blocks and not self.listing and not self.rewound:
                if blocks[line].addresses[0] in special:
                    self.at_special(blocks[line].addresses[0])
                entered[line] += 1
                self.last = line
            else:
                self.other(line)
        self.fold()

    def other(self, line):
        """Any line that is no entry of a known block."""
        match = INSTRUCTION.match(line)
        if match:
            code = bytes.fromhex(match.group(2).decode())[::-1]
            self.listing.append((int(match.group(1), 16), code))
            return
        match = ENTERED.match(line)
        if match:
            self.enter(line, int(match.group(1), 16))
        elif line.startswith(STOPPED):
            self.correct(0)
        elif line.startswith(REWOUND):
            self.rewound = True                 # the next entry says how far back QEMU went
        else:
            self.trap(line)

    def enter(self, line, address):
        """A block is entered: one that was listed just before, or after QEMU went back."""
        if self.rewound and self.last is not None:
            self.correct(self.blocks[self.last].executed_before(address))
        self.rewound = False
        if self.listing:
            self.fold()                         # until now this line may have meant another block
            addresses = [where for where, _ in self.listing]
            code = b"".join(code for _, code in self.listing)
            self.blocks[line] = Block(addresses, self.places.of(address, code))
            self.listing = []
        if line not in self.blocks:
            sys.exit("profile: QEMU's log names a block that it did not list: " + repr(line))
        if address in self.special:
            self.at_special(address)
        self.entered[line] += 1
        self.last = line

    def trap(self, line):
        """A trap ends the block early, at epc. Other lines are QEMU's listing, or its messages."""
        match = TRAP.match(line)
        if match and self.last is not None:
            cause, epc = int(match.group(1), 16), int(match.group(2), 16)
            executed = self.blocks[self.last].executed_before(epc)
            if executed is not None:
                self.correct(executed + (cause in COUNTED_TRAPS))
        elif not match and not LISTING.match(line):
            sys.stderr.write(line.decode("utf-8", "replace"))


def run(options, counter):
    """Boot the machine and count to its end: its exit status, 130 after ctrl-C."""
    command = [options.qemu, "-machine", "virt", "-bios", "default", "-m", options.mem,
               "-smp", "1", "-kernel", options.objects + "/kernel", "-display", "none",
               "-monitor", "none", "-serial", "file:" + options.console,
               *(["-initrd", options.disk] if options.disk else []),
               "-icount", "shift=0,sleep=off", "-d", "in_asm,exec,nochain,int",
               "-append", (options.append + " init=" + options.program).strip()]
    # QEMU gets a session of its own, so that ctrl-C comes to this process only.
    machine = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, bufsize=1 << 20, start_new_session=True)
    try:
        counter.read(machine.stderr)
        return machine.wait()
    except cli.Interrupted:
        counter.fold()
        print("profile: interrupted; up to here:")
        return 130
    finally:
        machine.kill()
        machine.wait()
        machine.stderr.close()


def print_table(counter, options):
    """Print the functions that ran most instructions, and what kinds of code they belong to."""
    total = sum(counter.total.values())
    if total == 0:
        sys.exit("profile: nothing was counted; the console's output is in " + options.console)
    kinds = collections.Counter()
    for (kind, _), count in counter.total.items():
        kinds[kind] += count
    each = counter.stretches if counter.marks else 0
    print("%s instructions%s: %s" % (
        "{:,}".format(total),
        ", %d times profile_begin to profile_end" % each if each else "",
        ", ".join("%s %.1f %%" % (kind, 100.0 * count / total)
                  for kind, count in kinds.most_common())))
    print("%7s  %14s  %s%s" % ("share", "instructions", "%12s  " % "each" if each else "",
                               "function"))
    for (kind, name), count in counter.total.most_common(options.top):
        print("%6.2f%%  %14s  %s%s" % (
            100.0 * count / total, "{:,}".format(count),
            "%12s  " % "{:,.1f}".format(count / each / options.rounds) if each else "", name))
    rest = len(counter.total) - options.top
    if rest > 0:
        print("%d more functions; --top %d shows them" % (rest, len(counter.total)))


def arguments():
    parser = argparse.ArgumentParser(
        description="Count the instructions that each function runs.")
    parser.add_argument("--objects", default="obj/unknown-elf", help="where the kernel is")
    parser.add_argument("--qemu", default="qemu-system-riscv64")
    parser.add_argument("--mem", default="128M", help="memory of the machine")
    parser.add_argument("--append", default="", help="further boot arguments")
    parser.add_argument("--disk", default="", metavar="IMAGE", help="a RAM disk, with this in it")
    parser.add_argument("--top", type=int, default=30, help="lines to print")
    parser.add_argument("--rounds", type=int, default=1,
                        help="operations in each stretch that the program marks")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--boot", action="store_true", help="count the kernel's boot only")
    which.add_argument("--all", action="store_true", help="count everything, the firmware too")
    parser.add_argument("program", help='the program and its arguments, as in "hello"')
    options = parser.parse_args()
    words = options.program.split()
    cli.need_machine("profile", options.objects, options.qemu)
    if not words or not os.path.exists(os.path.join(options.objects, "image", words[0])):
        sys.exit("profile: there is no program %s; user/ has the programs"
                 % (words[0] if words else '""'))
    options.console = options.objects + "/profile.log"
    return options


def main():
    options = arguments()
    counter = Counter(Places(options.objects, options.program.split()[0]), options)
    status = run(options, counter)
    print_table(counter, options)
    if status not in (0, 130):
        print("the machine ended with status %d; its console's output is in %s"
              % (status, options.console))
    return status if status in (0, 130) else 1


if __name__ == "__main__":
    sys.exit(cli.run("profile", main))
