#!/usr/bin/env python3
"""Boot the kernel on device trees that are missing or damaged.

    check_devtree.py OBJECTS [QEMU]     OBJECTS is obj/TOOLCHAIN, with a kernel built

The firmware gets the real tree. When it jumps to the kernel, QEMU's gdb stub stops the machine, and
the tree or its address is changed (CASES). The kernel must say what is wrong in one line, over the
firmware's console, and switch the machine off: at that time nothing else of it works.

`make test` runs it. check_late_hart.py and check_machines.py use its functions for the stub.
"""
import os
import re
import subprocess
import sys
import time

import gdbstub
import scratch
from gdbstub import StubError

ENTRY = 0x80200000
NOTHING_THERE = 0x84000000      # RAM that is still zero
CHUNK = 0x400
SECONDS = 30                    # far more than a boot takes

# What is wrong, what the kernel must say, and how it is done: ("address", the address that the
# kernel gets), ("word", offset in the header, value), or ("text", bytes, what replaces them).
CASES = [
    ("no tree", "the firmware gave no address", ("address", 0)),
    ("an odd address", "its address is impossible", ("address", 0x87e00001)),
    ("an address without memory", "its address is impossible", ("address", 1 << 40)),
    ("zeros instead of a tree", "it does not begin with 0xd00dfeed", ("address", NOTHING_THERE)),
    ("a wrong magic number", "it does not begin with 0xd00dfeed", ("word", 0, 0xd00dfeee)),
    ("a size that is too large", "its header is damaged", ("word", 4, 0x7fffffff)),
    ("names outside of the tree", "its header is damaged", ("word", 12, 0xfffffff0)),
    ("an unknown token", "an unknown token", ("text", b"\0\0\0\1\0\0\0\0", b"\0\0\0\7\0\0\0\0")),
    ("no memory", "it names no memory", ("text", b"memory\0", b"mem0ry\0")),
    ("no hart", "it names no hart", ("text", b"cpu\0", b"gpu\0")),
    ("no timebase", "it has no timebase-frequency", ("text", b"timebase-freq", b"timebase-fr-q")),
    ("no UART", "it names no UART", ("text", b"ns16550a\0", b"ns16550b\0")),
    ("no PLIC", "it names no PLIC",
     ("text", b"plic-1.0.0\0riscv,plic0", b"plic-1.1.1\0riscv,plic1")),
]


def read_memory(stub, address, size):
    """So many bytes of the machine's memory, in pieces that the stub can send."""
    data = b""
    while len(data) < size:
        data += bytes.fromhex(stub.ask("m%x,%x" % (address + len(data),
                                                   min(CHUNK, size - len(data)))))
    return data


def write_memory(stub, address, data):
    """Write bytes into the machine's memory, or raise StubError."""
    if stub.ask("M%x,%x:%s" % (address, len(data), data.hex())) != "OK":
        raise StubError("QEMU's gdb stub does not write to memory")


def damage(stub, kind, first, second=None):
    """Make one of the changes that CASES lists. a1 has the address of the tree here."""
    if kind == "address":
        if stub.ask("P%x=%s" % (stub.numbers["a1"], first.to_bytes(8, "little").hex())) != "OK":
            raise StubError("QEMU's gdb stub does not write to a register")
        return
    tree = stub.register("a1")
    if kind == "word":
        write_memory(stub, tree + first, second.to_bytes(4, "big"))
        return
    data = read_memory(stub, tree, int.from_bytes(read_memory(stub, tree + 4, 4), "big"))
    places = [match.start() for match in re.finditer(re.escape(first), data)]
    if not places:
        raise StubError("the machine's device tree has no %s" % first)
    for place in places:
        write_memory(stub, tree + place, second)


def connect(socket, process):
    """Connect to the gdb stub of a QEMU that has just been started."""
    while True:
        try:
            return gdbstub.connect(socket)
        except (FileNotFoundError, ConnectionRefusedError):
            if process.poll() is not None:
                raise
            time.sleep(0.01)


def boot(objects, qemu, change):
    """(console, exit status) of a machine whose tree was changed."""
    with scratch.folder("check") as folder:
        socket = os.path.join(folder, "gdb")
        command = [qemu, "-machine", "virt", "-bios", "default", "-m", "128M", "-S",
                   "-kernel", objects + "/kernel", "-display", "none", "-monitor", "none",
                   "-serial", "stdio", "-gdb", "chardev:gdb",
                   "-chardev", "socket,id=gdb,path=%s,server=on,wait=off" % socket]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT)
        try:
            stub = connect(socket, process)
            stub.run_to(ENTRY)
            damage(stub, *change)
            stub.ask("D")               # detached, the machine goes on
            stub.close()
            return process.communicate(timeout=SECONDS)[0].decode("utf-8", "replace"), \
                process.returncode
        except (StubError, OSError) as error:
            return "%s\n" % error, None
        except subprocess.TimeoutExpired:
            process.kill()
            return process.communicate()[0].decode("utf-8", "replace") + "(no end)", None
        finally:
            process.kill()
            process.wait()


def show(name, good, what, text):
    """Print the result of a case: a line, and the end of the console if it is not good."""
    print("%-40s %-4s %s" % (name, "ok" if good else "FAIL", what))
    if not good:
        print("\n".join("  | " + line for line in text.splitlines()[-8:]))


def main():
    objects, qemu = sys.argv[1], (sys.argv + ["qemu-system-riscv64"])[2]
    failed = 0
    for name, wanted, change in CASES:
        text, status = boot(objects, qemu, change)
        found = re.search(r"^rvlab cannot run on this machine .*: " + re.escape(wanted), text, re.M)
        good = found and status is not None and "panic" not in text
        failed += not good
        show(name, good, "%s, exit status %s" % (wanted, status), text)
    print("%d device trees, %d failed" % (len(CASES), failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
