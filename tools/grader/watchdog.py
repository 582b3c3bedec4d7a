"""The watchdog device that stops a machine when its limit of instructions is used up.

With one hart QEMU counts time in instructions, so a device that counts time stops the machine at an
exact instruction, alike in each run. The device is an Intel 6300ESB on the PCI bus. It is set up
through the gdb stub, before the guest's first instruction, as a driver would do it, and its
registers are taken off the bus again: a guest that wants to reach them has to set up the device by
itself. A kernel that does so to run on and on is found by the count of its instructions.
"""
import contextlib

from gdbstub import StubError

# Its configuration space, as first device on the bus; where its registers are put; its tick.
CONFIG = 0x30008000
REGISTERS = 0x40000000
TICK_NS = 30 << 15
FIRED = 0x1200              # bits of its reload register, once it has fired
# What QEMU does then. All other actions let the guest run on until a thread of QEMU has time to
# stop it, so where it is found would be chance; a reset stops the hart at once, and here is no
# reset but a pause. It is the same pause if the guest switches off by itself.
DEVICE = ["-device", "i6300esb,addr=1", "-action", "watchdog=reset,reboot=shutdown,shutdown=pause"]


class Watchdog:
    """The device of a machine with this stub, for the limit of this test; the machine stands."""

    def __init__(self, stub, test):
        self.stub, self.limit_ns = stub, test.limit * 1000000 << test.shift
        self.spare_ns = 8 * TICK_NS + (test.limit * 50000 << test.shift)

    def arm(self):
        """Let it fire at the test's limit, counted from now."""
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
        """A store of so many bytes at a physical address."""
        self.stub.write(address, value.to_bytes(size, "little"))

    @contextlib.contextmanager
    def on_the_bus(self):
        """As long as this lasts its registers answer to accesses, which are physical then."""
        self.stub.physical(True)
        self.store(CONFIG + 0x10, REGISTERS, 4)
        self.store(CONFIG + 0x04, 2, 2)
        yield
        self.store(CONFIG + 0x04, 0, 2)
        self.stub.physical(False)

    def has_fired(self):
        """The guest can clear this by the device's registers, but not set it."""
        with self.on_the_bus():
            data = self.stub.read(REGISTERS + 0xc, 2)
        return data is not None and int.from_bytes(data, "little") & FIRED != 0

    def was_fed(self):
        """Is more time gone, counted in instructions, than it allows? Then the kernel has found the
        device on the bus, and has set it back."""
        try:
            time = self.stub.register("minstret")
        except StubError:
            return False
        return time > self.limit_ns + self.spare_ns
