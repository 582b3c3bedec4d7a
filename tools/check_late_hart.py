#!/usr/bin/env python3
"""Send the second hart to the kernel's entry, where only the boot hart belongs.

    check_late_hart.py OBJECTS [QEMU]   OBJECTS is obj/TOOLCHAIN, with a kernel built

OpenSBI 1.1 does that by itself once in a hundred boots on a busy host: its hart_start makes the
start known before it stores the address, so a hart that is late with its own initialisation goes
to the old address, which is the kernel's entry. Here QEMU's gdb stub does the same each time. The
kernel must come up with all harts, and the self test sched-harts must pass on them.

`make test` runs it.
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
    """The physical address to which the kernel has the firmware send the other harts."""
    with open(objects + "/kernel.nm") as lines:
        for line in lines:
            if line.split()[-1] == "secondary_start":
                return int(line.split()[0], 16) - 0xffffffc000000000
    raise StubError("the kernel has no secondary_start")


def set_register(stub, name, value):
    """Set a register of the hart that has stopped, or raise StubError."""
    if stub.ask("P%x=%s" % (stub.numbers[name], value.to_bytes(8, "little").hex())) != "OK":
        raise StubError("QEMU's gdb stub does not write to " + name)


def mislead(stub, start):
    """Wait for the first hart that is sent to `start`, send it to the entry, and let it go on."""
    stub.run_to(ENTRY)
    tree = stub.register("a1")
    stub.run_to(start)                  # from now on the stub means the hart that came there
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
