#!/usr/bin/env python3
"""Boot the kernel on machines that it is not made for.

    check_machines.py OBJECTS [QEMU]    OBJECTS is obj/TOOLCHAIN, with a kernel built

If the kernel can do without what a machine lacks, it must run there. If not, it must say in one
line, over the firmware's console, what is missing, and switch the machine off. If the firmware
cannot switch it off the kernel must say so; then the machine is killed here. A machine that this
QEMU does not have is left out, and named.

CASES lists the machines. `make test` runs it.
"""
import os
import re
import select
import subprocess
import sys
import tempfile
import time

from check_devtree import connect, read_memory, show, write_memory
from gdbstub import StubError
from grader import processor

ENTRY = 0x80200000
SECONDS = 60                    # far more than a boot of 16 harts takes
REFUSED = r"^rvlab cannot run on this machine.*: "
NO_END = "The firmware cannot switch this machine off."
ABSENT = r"(?i)property '?\S*' not found|unsupported machine|not valid|could not load firmware"

NO_FPU = "rv64,f=off,d=off"

# What the machine is, QEMU's options, boot arguments, and a pattern of what must be printed.
CASES = [
    ("numbers in the integer registers", ["-cpu", NO_FPU + ",zfinx=on"], "init=fpu",
     r"^\[done\] fpu 2 \d+: 1 checks passed"),
    ("16 harts", ["-smp", "16"], "selftest=sched-harts", r"^leak check: ok"),
    ("16 harts, the one that boots named last", ["-smp", "16"], "selftest=sched-harts",
     r"harts +8, booted on hart \d+; 8 more are not used[^\0]*^leak check: ok"),
    ("APLIC instead of PLIC", ["-machine", "virt,aia=aplic"], "", REFUSED + "it names no PLIC"),
    ("APLIC and IMSIC", ["-machine", "virt,aia=aplic-imsic"], "", REFUSED + "it names no PLIC"),
    ("no paging", ["-cpu", "rv64,mmu=off"], "", REFUSED + "its harts have no paging"),
    ("no paging, 2 harts", ["-cpu", "rv64,mmu=off", "-smp", "2"], "",
     REFUSED + "its harts have no paging"),
    ("another UART", ["-machine", "sifive_u", "-smp", "2"], "", REFUSED + "it names no UART"),
]


def place_of(data, name, start):
    """The offset of the value of the next property with this name, which has one word."""
    strings = int.from_bytes(data[12:16], "big")
    offset = data.index(b"\0" + name + b"\0", strings) + 1 - strings
    token = (3).to_bytes(4, "big") + (4).to_bytes(4, "big") + offset.to_bytes(4, "big")
    return data.index(token, start) + len(token)


def name_last(stub):
    """Change the device tree so that it names the boot hart last. In the tree this hart changes
    places with the last one: both their numbers and those of their interrupt controllers."""
    stub.run_to(ENTRY)
    tree, hart = stub.register("a1"), stub.register("a0")
    data = read_memory(stub, tree, int.from_bytes(read_memory(stub, tree + 4, 4), "big"))
    harts = []          # offsets of each hart's number, and of that of its interrupt controller
    for node in re.finditer(rb"\0\0\0\x01cpu@", data):
        inside = data.index(b"\0\0\0\1interrupt-controller\0", node.end())
        harts.append((place_of(data, b"reg", node.end()), place_of(data, b"phandle", inside)))
    boots = [i for i, (number, _) in enumerate(harts)
             if int.from_bytes(data[number:number + 4], "big") == hart][0]
    for here, there in zip(harts[boots], harts[-1]):
        write_memory(stub, tree + here, data[there:there + 4])
        write_memory(stub, tree + there, data[here:here + 4])
    stub.ask("D")


def boot(objects, qemu, options, append, prepare):
    """(console, exit status) of a machine. The status is None if it did not switch off."""
    with tempfile.TemporaryDirectory() as folder:
        socket = os.path.join(folder, "gdb")
        command = [qemu, "-machine", "virt", "-bios", "default", "-m", "128M", "-nic", "none",
                   "-kernel", objects + "/kernel", "-display", "none", "-monitor", "none",
                   "-serial", "stdio", "-append", append] + options
        if prepare:
            command += ["-S", "-gdb", "chardev:gdb",
                        "-chardev", "socket,id=gdb,path=%s,server=on,wait=off" % socket]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT)
        try:
            if prepare:
                prepare(connect(socket, process))
            return read(process)
        except (StubError, OSError) as error:
            return "%s\n" % error, None
        finally:
            process.kill()
            process.wait()


def read(process):
    """Read the console until the machine ends, or has said that it cannot switch off."""
    text, end = b"", time.monotonic() + SECONDS
    while NO_END.encode() not in text and time.monotonic() < end:
        if select.select([process.stdout], [], [], 1)[0]:
            more = os.read(process.stdout.fileno(), 4096)
            if not more:
                return text.decode("utf-8", "replace"), process.wait()
            text += more
    return text.decode("utf-8", "replace"), None


def main():
    objects, qemu = sys.argv[1], (sys.argv + ["qemu-system-riscv64"])[2]
    failed = 0
    for name, options, append, wanted in CASES:
        if options[0] == "-cpu":
            options = processor.options(qemu, options[1])
        prepare = name_last if "named last" in name else None
        text, status = boot(objects, qemu, options, append, prepare)
        if re.search(ABSENT, text) and not re.search(wanted, text, re.M):
            print("%-40s left out: this QEMU has no such machine" % name)
            continue
        good = re.search(wanted, text, re.M) and "panic" not in text \
            and (status is not None or NO_END in text)
        failed += not good
        show(name, good, "exit status %s" % status, text)
    print("%d machines, %d failed" % (len(CASES), failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
