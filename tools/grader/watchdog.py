"""The watchdog device that stops a machine when its limit of instructions is used up.

With one hart QEMU counts time in instructions, so a device that counts time stops the machine at an
exact instruction, alike in each run. The device is an Intel 6300ESB on the PCI bus. It is set up
through the gdb stub, before the guest's first instruction, as a driver would do it, and its
registers are taken off the bus again: a guest that wants to reach them has to set up the device by
itself. A kernel that does so to run on and on is found by the count of its instructions.
"""
import contextlib

from gdbstub import StubError

# Its configuration space, as the first device on the bus; the address at which its registers are
# put; the length of its tick.
CONFIG = 0x30008000
REGISTERS = 0x40000000
TICK_NS = 30 << 15
FIRED = 0x1200              # the bits of its reload register that are set when it has fired
# What QEMU does then. All other actions let the guest run on until a thread of QEMU has time to
# stop it, so it would be found at a place of chance. A reset stops the hart at once; these options
# make a pause of the reset, and the same pause of the guest's own switch-off.
DEVICE = ["-device", "i6300esb,addr=1", "-action", "watchdog=reset,reboot=shutdown,shutdown=pause"]


class Watchdog:
    """The device of a machine with this stub, for the limit of this test; the machine stands."""

    def __init__(self, stub, test):
        self.stub, self.limit_ns = stub, test.limit * 1000000 << test.shift
        self.spare_ns = 8 * TICK_NS + (test.limit * 50000 << test.shift)

    def arm(self):
        """Set up the device, so that it fires at the test's limit, counted from now."""
        ticks = self.limit_ns // TICK_NS

        def unlocked(register, value):
            self.store(REGISTERS + 0xc, 0x80, 2)
            self.store(REGISTERS + 0xc, 0x86, 2)
            self.store(REGISTERS + register, value, 4)

        with self.on_the_bus():
            self.store(CONFIG + 0x60, 0x03, 2)      # no interrupt; ticks of 2^15 / 33 MHz
            unlocked(0, max(1, ticks - 1))          # two stages, one after the other
            unlocked(4, 1)
            self.store(CONFIG + 0x68, 0x03, 1)      # on, and locked

    def store(self, address, value, size):
        """Write a number of so many bytes to a physical address."""
        self.stub.write(address, value.to_bytes(size, "little"))

    @contextlib.contextmanager
    def on_the_bus(self):
        """As long as this lasts, addresses are physical, and the device's registers answer."""
        self.stub.physical(True)
        self.store(CONFIG + 0x10, REGISTERS, 4)
        self.store(CONFIG + 0x04, 2, 2)
        yield
        self.store(CONFIG + 0x04, 0, 2)
        self.stub.physical(False)

    def has_fired(self):
        """Has the device fired? The guest can clear this by the device's registers, not set it."""
        with self.on_the_bus():
            data = self.stub.read(REGISTERS + 0xc, 2)
        return data is not None and int.from_bytes(data, "little") & FIRED != 0

    def was_fed(self):
        """Has more time passed, counted in instructions, than the device allows? Then the kernel
        has found it on the bus, and has set it back."""
        try:
            time = self.stub.register("minstret")
        except StubError:
            return False
        return time > self.limit_ns + self.spare_ns
