"""Devices of a machine with one hart that count time: a watchdog, and a beat for who types.

With one hart QEMU counts time in instructions, so a device that counts time stops the machine at an
exact instruction, alike in each run. The device is an Intel 6300ESB on the PCI bus. It is set up
through the gdb stub, before the guest's first instruction, as a driver would do it, and its
registers are taken off the bus again: a guest that wants to reach them has to set up the device by
itself. A kernel that does so to run on and on is found by the count of its instructions.

A machine that sleeps lets its clock jump to the next timer, and that is the watchdog's if the
kernel has set none. What is typed comes from the host, by a thread of QEMU that may be late on a
host with much to do; then a kernel that only waits for a key would be at its limit at once. So if
something is typed the machine has such a device more, which goes round and round and does nothing:
a jump is as long as its beat at most, and after each jump QEMU looks for keys.
"""
import contextlib

from gdbstub import StubError

# Its configuration space in a slot of the bus; the address at which its registers are put; the
# length of its tick.
CONFIG, SLOT = 0x30000000, 0x8000
REGISTERS, ROOM = 0x40000000, 0x1000
TICK_NS = 30 << 15
FIRED = 0x1200              # the bits of its reload register that are set when it has fired
# What QEMU does then. All other actions let the guest run on until a thread of QEMU has time to
# stop it, so it would be found at a place of chance. A reset stops the hart at once; these options
# make a pause of the reset, and the same pause of the guest's own switch-off.
DEVICE = ["-device", "i6300esb,addr=1", "-action", "watchdog=reset,reboot=shutdown,shutdown=pause"]
BEAT = ["-device", "i6300esb,addr=2"]


class Timer:
    """The device in this slot of a machine with this stub; the machine stands."""

    def __init__(self, stub, slot):
        self.stub = stub
        self.config, self.registers = CONFIG + slot * SLOT, REGISTERS + (slot - 1) * ROOM

    def begin(self, stages, config, lock):
        """Set up the device: the ticks of its two stages, and what is written to its registers for
        its configuration and its lock."""
        with self.on_the_bus():
            self.store(self.config + 0x60, config, 2)
            for register, ticks in zip((0, 4), stages):
                self.store(self.registers + 0xc, 0x80, 2)       # unlocks the next store
                self.store(self.registers + 0xc, 0x86, 2)
                self.store(self.registers + register, ticks, 4)
            self.store(self.config + 0x68, lock, 1)

    def store(self, address, value, size):
        """Write a number of so many bytes to a physical address."""
        self.stub.write(address, value.to_bytes(size, "little"))

    @contextlib.contextmanager
    def on_the_bus(self):
        """As long as this lasts, addresses are physical, and the device's registers answer."""
        self.stub.physical(True)
        self.store(self.config + 0x10, self.registers, 4)
        self.store(self.config + 0x04, 2, 2)
        yield
        self.store(self.config + 0x04, 0, 2)
        self.stub.physical(False)


class Beat(Timer):
    """The device that fires again and again, and does nothing."""

    def __init__(self, stub):
        super().__init__(stub, 2)

    def start(self):
        """Begin, with a tick for each stage."""
        self.begin((1, 1), 0x23, 0x07)      # no interrupt, no reset; on, locked, round and round


class Watchdog(Timer):
    """The device that stops the machine, for the limit of this test."""

    def __init__(self, stub, test):
        super().__init__(stub, 1)
        self.limit_ns = test.limit * 1000000 << test.shift
        self.spare_ns = 8 * TICK_NS + (test.limit * 50000 << test.shift)

    def arm(self):
        """Set up the device, so that it fires at the test's limit, counted from now."""
        ticks = self.limit_ns // TICK_NS
        # Two stages, one after the other; no interrupt, ticks of 2^15 / 33 MHz; on, and locked.
        self.begin((max(1, ticks - 1), 1), 0x03, 0x03)

    def has_fired(self):
        """Has the device fired? The guest can clear this by the device's registers, not set it."""
        with self.on_the_bus():
            data = self.stub.read(self.registers + 0xc, 2)
        return data is not None and int.from_bytes(data, "little") & FIRED != 0

    def was_fed(self):
        """Has more time passed, counted in instructions, than the device allows? Then the kernel
        has found it on the bus, and has set it back."""
        try:
            time = self.stub.register("minstret")
        except StubError:
            return False
        return time > self.limit_ns + self.spare_ns
