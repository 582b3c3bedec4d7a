#!/usr/bin/env python3
"""Send the second hart to the kernel's entry, where only the boot hart belongs.

    check_late_hart.py OBJECTS [QEMU]   OBJECTS is obj/TOOLCHAIN, with a kernel built

OpenSBI 1.1 does that by itself once in a hundred boots on a busy host: its
hart_start makes the start known before it stores the address, so a hart that is
late for its own initialisation goes to the old one. Here QEMU's gdb stub does it
each time; the kernel must come up with all harts.
"""
import os
import subprocess
import sys

import scratch
from check_devtree import SECONDS, connect
from gdbstub import StubError

ENTRY = 0x80200000
HARTS = 4


def start_address(objects):
    """Where the kernel has the firmware send the other harts."""
    with open(objects + "/kernel.nm") as lines:
        for line in lines:
            if line.split()[-1] == "secondary_start":
                return int(line.split()[0], 16) - 0xffffffc000000000
    raise StubError("the kernel has no secondary_start")


def set_register(stub, name, value):
    if stub.ask("P%x=%s" % (stub.numbers[name], value.to_bytes(8, "little").hex())) != "OK":
        raise StubError("QEMU's gdb stub does not write to " + name)


def mislead(stub, start):
    stub.run_to(ENTRY)
    tree = stub.register("a1")
    stub.run_to(start)                  # now the stub means the hart that came there
    set_register(stub, "pc", ENTRY)
    set_register(stub, "a1", tree)
    stub.ask("D")


def main():
    objects, qemu = sys.argv[1], (sys.argv + ["qemu-system-riscv64"])[2]
    with scratch.folder("check") as folder:
        socket = os.path.join(folder, "gdb")
        process = subprocess.Popen(
            [qemu, "-machine", "virt", "-bios", "default", "-m", "128M", "-smp", str(HARTS), "-S",
             "-kernel", objects + "/kernel", "-display", "none", "-monitor", "none",
             "-serial", "stdio", "-append", "selftest=sched-harts", "-gdb", "chardev:gdb",
             "-chardev", "socket,id=gdb,path=%s,server=on,wait=off" % socket],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            mislead(connect(socket, process), start_address(objects))
            text = process.communicate(timeout=SECONDS)[0].decode("utf-8", "replace")
        except (StubError, OSError, subprocess.TimeoutExpired) as error:
            text = "%s\n" % error
        finally:
            process.kill()
            process.wait()
    print("\n".join(text.splitlines()[-12:]))
    return 0 if process.returncode == 0 and "leak check: ok" in text else 1


if __name__ == "__main__":
    sys.exit(main())
