#!/usr/bin/env python3
"""Boot the kernel on machines that misbehave: harts, interrupts, the console, switching off.

    check_misbehave.py OBJECTS [QEMU]   OBJECTS is obj/TOOLCHAIN, with a kernel built

A debugger makes the fault, at the place where the kernel meets the machine: it changes what goes
into a call of the firmware, or what comes out of it, or which interrupt it was. The kernel must go
on, and lose nothing, where that is possible; else it must say what is wrong. Disks that are late,
silent or broken are in tools/test/test_block.py and test_paging.py, where QEMU makes them.

CASES lists the faults; docs/matrix.md has them as a table. `make test` runs it.
"""
import os
import re
import select
import subprocess
import sys
import time

import scratch
from check_devtree import connect, damage, show, write_memory
from check_late_hart import set_register
from gdbstub import StubError
from grader.image import Image

ENTRY = 0x80200000
ROOM = 0x86000000                       # memory that nobody uses while the machine boots
SECONDS = 60                            # far more than a boot takes
NO_END = "The firmware cannot switch this machine off."
NO_HART = 77                            # the number of a hart that the machine has not
GOES_ON = r"(?s)init ended with code 0\n.*leak check: ok"
NEVER = "init=true"                     # with several harts: one of them never comes
USED = 4096                             # where the ring of used descriptors is in a disk's queue
FLOOD = b"0123456789abcdef" * (1 << 16) + b"\n"

# Wait for a third of a second, by the machine's clock of 10 MHz, then go where ROOM + 32 says.
LATER = [
    0xc01022f3,                         # rdtime t0
    0x002dc337,                         # lui t1, 0x2dc
    0x00628333,                         # add t1, t0, t1
    0xc01022f3,                         # again: rdtime t0
    0xfe62eee3,                         # bltu t0, t1, again
    0x00000297,                         # auipc t0, 0
    0x00c2b283,                         # ld t0, 12(t0)
    0x00028067,                         # jr t0
]


class Machine:
    """A machine that stands at the kernel's entry. `image` knows the kernel's addresses."""

    def __init__(self, stub, image):
        self.stub, self.image = stub, image

    def call(self, name, **registers):
        """Run to a function's first instruction, and change registers there."""
        self.stub.run_to(self.image.address(name))
        for register, value in registers.items():
            set_register(self.stub, register, value)

    def answer(self, name, value):
        """Run to a function, and return from it at once with this value."""
        self.call(name)
        set_register(self.stub, "a0", value)
        set_register(self.stub, "pc", self.stub.register("ra"))

    def delay_hart(self):
        """A hart that the firmware has started does something else for a while first."""
        start = self.image.address("secondary_start") - self.image.offset
        self.call("sbi_hart_start")
        self.stub.run_to(start)
        code = b"".join(word.to_bytes(4, "little") for word in LATER)
        write_memory(self.stub, ROOM, code + start.to_bytes(8, "little"))
        set_register(self.stub, "pc", ROOM)

    def timer_at_once(self):
        """The timer's interrupt is pending before the kernel has begun."""
        set_register(self.stub, "mip", self.stub.register("mip") | 1 << 5)
        if not self.stub.register("mip") & 1 << 5:
            raise StubError("QEMU does not make the interrupt pending")

    def unknown_source(self, source):
        """An interrupt of a device; the controller says that it is this one."""
        self.call("irq_dispatch", a0=9)
        self.answer("plic_claim", source)

    def wrong_answer(self):
        """The disk says that it has done request 1 of a chain, where no chain begins."""
        self.call("interrupt")
        pointer = self.image.variable("queue", "kern/driver/virtio_blk.c")[0]
        queue = int.from_bytes(self.stub.read(pointer, 8), "little")
        self.stub.write(queue + USED + 4, (1).to_bytes(4, "little"))

    def no_power_off(self):
        """The machine names no device that switches it off, and the firmware refuses to."""
        damage(self.stub, "text", b"sifive,test0", b"sifive,none0")
        self.answer("sbi_shutdown", (1 << 64) - 1)


# What is wrong, harts, what makes it so, boot arguments, what must be printed.
CASES = [
    ("the firmware refuses to start a hart", 3,
     lambda machine: machine.call("sbi_hart_start", a0=NO_HART), "init=forktest",
     r"(?s)hart \d is not used: to start it is SBI error -3\n.*" + GOES_ON[4:]),
    ("a hart never comes", 3, lambda machine: machine.answer("sbi_hart_start", 0), NEVER,
     r"kernel panic at kern/init/smp.c:\d+ on hart.*\n +hart \d does not come up"),
    ("a hart comes late", 3, Machine.delay_hart, "init=forktest", GOES_ON),
    ("a timer interrupt at once", 1, Machine.timer_at_once, "init=sleep", GOES_ON),
    ("a call of another hart that nobody made", 1,
     lambda machine: machine.call("irq_dispatch", a0=1), "init=sleep", GOES_ON),
    ("a device interrupt, and no device that signals", 1,
     lambda machine: machine.call("irq_dispatch", a0=9), "init=sleep", GOES_ON),
    ("an interrupt of a device that nobody drives", 1,
     lambda machine: machine.unknown_source(77), "init=sleep", GOES_ON),
    ("an interrupt of a device that there cannot be", 1,
     lambda machine: machine.unknown_source(1023), "init=sleep", GOES_ON),
    ("an interrupt with an unknown cause", 1,
     lambda machine: machine.call("irq_dispatch", a0=13), "init=sleep",
     r"kernel panic at .*\n +unexpected interrupt"),
    ("an interrupt with an impossible cause", 1,
     lambda machine: machine.call("irq_dispatch", a0=1 << 40), "init=sleep",
     r"kernel panic at .*\n +unexpected interrupt"),
    ("a megabyte is typed, and nobody reads", 1, None, "init=forktest", GOES_ON),
    ("a disk answers what it was not asked", 1, Machine.wrong_answer, "init=hello",
     r"(?s)disk0: it answers what it was not asked; it is not used any more\n.*" + GOES_ON[4:]),
    ("nothing switches the machine off", 1, Machine.no_power_off, "init=hello",
     r"(?s)leak check: ok.*" + re.escape(NO_END)),
]


def read(process):
    """The console until the machine ends, or has said that it cannot switch off."""
    text, end = b"", time.monotonic() + SECONDS
    while NO_END.encode() not in text and time.monotonic() < end:
        if select.select([process.stdout], [], [], 1)[0]:
            more = os.read(process.stdout.fileno(), 4096)
            if not more:
                break
            text += more
    return text.decode("utf-8", "replace").replace("\r", "")


def boot(image, qemu, harts, fault, append):
    """The console of a machine with a fault. With one hart, or if one is waited for that never
    comes, time is counted in instructions: the clock of the latter is fast, and waiting short."""
    clock = ["-icount", "shift=%d" % (3 if harts == 1 else 10)] \
        if harts == 1 or append == NEVER else []
    with scratch.folder("check") as folder:
        socket, typed = os.path.join(folder, "gdb"), os.path.join(folder, "typed")
        with open(typed, "wb") as file:
            file.write(b"" if fault else FLOOD)
        drive = os.path.join(folder, "disk")
        with open(drive, "wb") as file:
            file.truncate(1 << 20)
        with open(typed, "rb") as file:
            process = subprocess.Popen(
                [qemu, "-machine", "virt", "-bios", "default", "-m", "128M", "-smp", str(harts),
                 "-cpu", "rv64,sstc=off", "-S", "-nic", "none", "-kernel", image.path,
                 "-display", "none", "-monitor", "none", "-serial", "stdio", "-append", append,
                 "-gdb", "chardev:gdb",
                 "-chardev", "socket,id=gdb,path=%s,server=on,wait=off" % socket,
                 "-drive", "id=disk,if=none,format=raw,file=" + drive,
                 "-device", "virtio-blk-device,drive=disk"] + clock,
                stdin=file, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            stub = connect(socket, process)
            stub.run_to(ENTRY)
            if fault:
                fault(Machine(stub, image))
            stub.ask("D")
            return read(process)
        except (StubError, OSError) as error:
            process.kill()
            return "%s\n%s" % (read(process), error)
        finally:
            process.kill()
            process.wait()


def main():
    objects, qemu = sys.argv[1], (sys.argv + ["qemu-system-riscv64"])[2]
    image, survived, told, failed = Image(objects + "/kernel"), 0, 0, 0
    for name, harts, fault, append, wanted in CASES:
        text = boot(image, qemu, harts, fault, append)
        good = re.search(wanted, text)
        panics = "panic" in wanted
        survived, told = survived + bool(good and not panics), told + bool(good and panics)
        failed += not good
        show(name, good, "a panic tells it" if panics else "it goes on", text)
    print("%d machines that misbehave: %d survived, %d told by a panic, %d failed" % (
        len(CASES), survived, told, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
