#!/usr/bin/env python3
"""Boot the kernel on device trees and boot arguments that are changed by a seed.

    badboot.py OBJECTS [--runs N] [--seed FIRST] [--qemu QEMU]      OBJECTS is obj/TOOLCHAIN, built

The firmware gets the real tree. When it jumps to the kernel, up to four words of the tree are
changed in the machine's memory: numbers of properties, names, tokens, and bytes of the arguments.
What a tree says of addresses is left alone: no kernel can know where a device really is. In half of
the boots the tree stays as it is, and the line of arguments is made of good and bad ones.

A boot must come to its end: by running a program, or by the one line that says what the kernel
cannot work with. A panic, a trap, an assertion and a machine that never ends are faults.
"""
import argparse
import os
import random
import re
import struct
import subprocess
import sys

import cli
import scratch
from check_devtree import ENTRY, connect, read_memory, show, write_memory
from gdbstub import StubError

SECONDS = 100                   # far more than a boot takes, on a busy host too
QUIT = b"\4" * 99               # ctrl-D for a shell; the first ones come too early
BEGIN, END, PROPERTY, NOP = 1, 2, 3, 4
TRUSTED = ("reg", "ranges", "interrupts-extended", "interrupt-map", "value", "offset")
NUMBERS = (0, 1, 2, 3, 4, 7, 8, 9, 63, 64, 65, 255, 256, 4096, 0x7fffffff, 0x80000000, 0xffffffff)
ARGUMENTS = "poison sched=stride init=true -x 'y z'"
WORDS = ("sched=", "sched=rr", "pmm=best", "pmm=none", "chaos=1", "chaos=-1", "mem=64M", "mem=1",
         "mem=99999999999999999999", "swap=0", "swap=x", "fail=alloc:0", "poison", "selftest=",
         "init=", "init=/none", "=", "==", "x" * 300, "\t", "%s%n", "init=true " + "a " * 200)
# How a boot may end: its name, and what the console then shows.
ENDS = (("ran a program", r"init ended with code"),
        ("refused the machine", r"rvlab cannot run on this machine"),
        ("refused an argument",
         r"(?m)^(unknown boot argument|the boot arguments have|\w+=[^\n]*: )"))
FAULTS = r"kernel panic|assertion failed|page fault|access fault|illegal instruction|misaligned"


def words_of(tree):
    """The places of a device tree that may be changed: [(offset, size)], and of the arguments."""
    structure, strings = struct.unpack_from(">2I", tree, 8)
    found, arguments, at = [], None, structure
    while True:
        token, = struct.unpack_from(">I", tree, at)
        found.append((at, 4))
        at += 4
        if token == BEGIN:
            end = tree.index(0, at)
            found.append((at, max(end - at, 1)))
            at = (end + 4) & ~3
        elif token == PROPERTY:
            size, name = struct.unpack_from(">2I", tree, at)
            start = strings + name
            name = tree[start:tree.index(0, start)].decode("ascii")
            found += [(at, 4), (at + 4, 4)] + [(at + 8, size)] * (3 if size else 0) \
                if name not in TRUSTED else []
            if name == "bootargs":
                arguments = (at + 8, size)
            at = (at + 8 + size + 3) & ~3
        elif token not in (END, NOP):
            return found, arguments


def changes(chance, tree):
    """{offset: bytes} that are written into a tree."""
    found, (start, size) = words_of(tree)
    result = {}
    for _ in range(chance.choice((1, 1, 2, 4))):
        at, length = chance.choice(found + [(start, size)] * (len(found) // 4))
        place = at + chance.randrange(length)
        if length % 4 == 0 and chance.randrange(3):
            result[at + chance.randrange(length // 4) * 4] = struct.pack(
                ">I", chance.choice(NUMBERS))
        else:
            result[place] = bytes([chance.choice((0, 32, 61, 127, 255, chance.randrange(256)))])
    return result


def command_line(chance):
    """Boot arguments: often good ones, for then it is the tree that counts."""
    if chance.randrange(2):
        return ARGUMENTS
    words = chance.choices(WORDS, k=chance.randrange(1, 5)) + ["init=true"] * chance.randrange(2)
    return " ".join(words)


def boot(objects, qemu, chance):
    """(console, what was done) of a machine."""
    line = command_line(chance)
    with scratch.folder("badboot") as folder:
        socket = os.path.join(folder, "gdb")
        process = subprocess.Popen(
            [qemu, "-machine", "virt", "-bios", "default", "-m", "128M", "-smp", "2", "-S",
             "-kernel", os.path.join(objects, "kernel"), "-append", line, "-display", "none",
             "-monitor", "none", "-serial", "stdio", "-gdb", "chardev:gdb",
             "-chardev", "socket,id=gdb,path=%s,server=on,wait=off" % socket],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        done = {}
        try:
            stub = connect(socket, process)
            stub.run_to(ENTRY)
            place = stub.register("a1")
            size = int.from_bytes(read_memory(stub, place + 4, 4), "big")
            done = changes(chance, read_memory(stub, place, size)) if line == ARGUMENTS else {}
            for offset, data in done.items():
                write_memory(stub, place + offset, data)
            stub.ask("D")               # detached, the machine goes on
            stub.close()
            text = process.communicate(QUIT, SECONDS)[0].decode("utf-8", "replace")
        except (StubError, OSError) as error:
            text = "%s\n" % error
        except subprocess.TimeoutExpired:
            process.kill()
            text = process.communicate()[0].decode("utf-8", "replace") + "(no end)"
        finally:
            process.kill()
            process.wait()
    return text, " ".join("%#x:%s" % (at, data.hex()) for at, data in done.items()) or repr(line)


def end_of(text):
    """How a boot ended; None if that is a fault."""
    if re.search(FAULTS, text) or text.endswith("(no end)"):
        return None
    return next((name for name, pattern in ENDS if re.search(pattern, text)), None)


def main():
    """The command; its exit status."""
    parser = argparse.ArgumentParser(description="Boot on changed device trees and arguments.")
    parser.add_argument("objects", metavar="OBJECTS", help="obj/TOOLCHAIN, with a kernel built")
    parser.add_argument("--runs", type=int, default=60, help="boots; %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="the first seed; %(default)s")
    parser.add_argument("--qemu", default="qemu-system-riscv64", help="%(default)s")
    options = parser.parse_args()
    if not os.path.isfile(os.path.join(options.objects, "kernel")):
        parser.error("%s has no kernel: run make" % options.objects)
    counts = dict.fromkeys([name for name, _ in ENDS] + [None], 0)
    for seed in range(options.seed, options.seed + options.runs):
        text, what = boot(options.objects, options.qemu, random.Random("boot %d" % seed))
        how = end_of(text)
        counts[how] += 1
        show("%d %s" % (seed, what[:60]), how is not None, how or "", text)
        sys.stdout.flush()
    print("%d boots: %s, %d faults" % (options.runs, ", ".join(
        "%d %s" % (counts[name], name) for name, _ in ENDS), counts[None]))
    return 1 if counts[None] else 0


if __name__ == "__main__":
    sys.exit(cli.run("badboot", main))
