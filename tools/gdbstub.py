"""A small client of QEMU's gdb stub: breakpoints, go on, stop, read registers, write memory.

    stub = Stub(socket)             # connected; the machine is stopped
    stub.run_to(0x80200000)         # before the instruction there is executed
    stub.register("minstret")       # any register or CSR that QEMU describes

The grader, bench.py, recording.py and the checks that boot machines use it. A method returns when
QEMU has answered; if it does not answer, or not as expected, a StubError says so. A machine that
runs is not asked anything: stop it first, by a breakpoint or by interrupt().
"""
import re
import select
import socket
import struct
import time

TRIES = 500                     # to connect to a machine that starts, 10 ms each
REGISTERS = range(33)           # x0 to x31 and pc, in the order of the packets g and G


class StubError(Exception):
    """The stub does not answer, or not as expected."""


def connect(path):
    """A Stub that is connected to a unix socket. It tries more than once, because the socket is
    there a moment before QEMU listens."""
    link = socket.socket(socket.AF_UNIX)
    for _ in range(TRIES):
        try:
            link.connect(path)
            break
        except ConnectionRefusedError:
            time.sleep(0.01)
    else:
        link.connect(path)
    return Stub(link)


class Stub:
    """One connection. A packet is $TEXT#CHECKSUM; each side confirms with +."""

    known = {}                  # {description of a processor: {register: number}}, read once each

    def __init__(self, link, seconds=120):
        self.link, self.seconds = link, seconds
        self.buffer, self.stopped = b"", "1"    # stopped: QEMU's name of the hart that has stopped
        self.ask("qSupported:xmlRegisters=riscv")
        target = self.feature("target.xml")     # QEMU shows no register before this was read
        if target not in Stub.known:
            Stub.known[target] = self.read_numbers(target)
        self.numbers = Stub.known[target]       # {name: number}

    def close(self):
        self.link.close()

    # -- packets

    def send(self, text):
        """Send a packet, without waiting for an answer."""
        data = text.encode()
        try:
            self.link.sendall(b"$%s#%02x" % (data, sum(data) & 0xff))
        except OSError as error:
            raise StubError("QEMU's gdb stub is gone: %s" % error)

    def answer(self, seconds):
        """The text of the next packet, or None if none has come after so many seconds."""
        while True:
            packet = re.search(rb"\$([^#]*)#..", self.buffer, re.DOTALL)
            if packet:
                self.buffer = self.buffer[packet.end():]
                try:
                    self.link.sendall(b"+")
                except OSError:
                    pass                # QEMU said this and ended
                text = packet.group(1).decode("latin-1")
                where = re.match(r"T\w\wthread:([\w.]+);", text)
                self.stopped = where.group(1) if where else self.stopped
                return text
            if not select.select([self.link], [], [], seconds)[0]:
                return None
            try:
                data = self.link.recv(1 << 16)
            except OSError as error:
                raise StubError("no answer of QEMU's gdb stub: %s" % error)
            if not data:
                raise StubError("the machine ended too early")
            self.buffer += data

    def ask(self, text):
        """Send a packet, and return the text of the answer."""
        self.send(text)
        answer = self.answer(self.seconds)
        if answer is None:
            raise StubError("no answer of QEMU's gdb stub to %s" % text)
        return answer

    def command(self, text):
        """Send a packet that must be answered by OK."""
        answer = self.ask(text)
        if answer != "OK":
            raise StubError("QEMU's gdb stub answers %s to %s" % (answer or "nothing", text))

    # -- what a debugger does

    def feature(self, name):
        """The text of a file of the machine's description, which comes in pieces."""
        text = ""
        while True:
            answer = self.ask("qXfer:features:read:%s:%x,ff0" % (name, len(text)))
            if answer[:1] not in ("m", "l"):
                raise StubError("QEMU's gdb stub does not describe its registers")
            text += answer[1:]
            if answer[0] == "l":
                return text

    def read_numbers(self, target):
        """{name: number} of the registers. A number is given in the description, or is one more
        than that of the register before."""
        numbers, number = {}, 0
        for name in re.findall(r'href="([^"]+)"', target):
            for register in re.findall(r"<reg [^>]*>", self.feature(name)):
                given = re.search(r'regnum="(\d+)"', register)
                number = int(given.group(1)) if given else number
                numbers[re.search(r'name="([^"]+)"', register).group(1)] = number
                number += 1
        return numbers

    def register(self, name):
        """The value of a register of the hart that has stopped."""
        if name not in self.numbers:
            raise StubError("QEMU's gdb stub has no register " + name)
        answer = self.ask("p%x" % self.numbers[name])
        if not re.match(r"([0-9a-f]{2})+$", answer) or answer.startswith("E"):
            raise StubError("QEMU's gdb stub cannot read %s: %s" % (name, answer))
        return int.from_bytes(bytes.fromhex(answer), "little")

    def registers(self):
        """x0 to x31 and pc of the hart that has stopped, as numbers."""
        answer = self.ask("g")
        if not re.match("([0-9a-f]{16}){%d}" % len(REGISTERS), answer):
            raise StubError("QEMU's gdb stub cannot read the registers: %s" % answer)
        return list(struct.unpack_from("<%dQ" % len(REGISTERS), bytes.fromhex(answer)))

    def set_registers(self, values):
        """The same, written; x0 stays 0."""
        self.command("G" + struct.pack("<%dQ" % len(REGISTERS), *values).hex())

    def register_of(self, hart, name):
        """The value of a register of any hart, by its number. Afterwards the hart that has stopped
        is chosen again."""
        self.command("Hg%x" % (hart + 1))
        try:
            return self.register(name)
        finally:
            self.command("Hg" + self.stopped)

    def add_breakpoint(self, address):
        """Set a hardware breakpoint, which changes no memory."""
        self.command("Z1,%x,2" % address)

    def remove_breakpoint(self, address):
        self.command("z1,%x,2" % address)

    def physical(self, on):
        """Say whether read() and write() take physical addresses from now on."""
        self.command("Qqemu.PhyMemMode:%d" % on)

    def write(self, address, data):
        self.command("M%x,%x:%s" % (address, len(data), data.hex()))

    def read(self, address, count):
        """So many bytes of memory, or None if there is no memory."""
        answer = self.ask("m%x,%x" % (address, count))
        return bytes.fromhex(answer) if re.fullmatch("([0-9a-f]{2})+", answer) else None

    def interrupt(self, seconds):
        """Stop a machine that runs. It has so many seconds to answer."""
        try:
            self.link.sendall(b"\x03")
        except OSError as error:
            raise StubError("QEMU's gdb stub is gone: %s" % error)
        if self.answer(seconds) is None:
            raise StubError("QEMU's gdb stub cannot stop the machine")

    def run_to(self, address):
        """Let the machine run until a hart comes to this address, and stops before it."""
        self.add_breakpoint(address)
        answer = self.ask("c")
        if answer[:1] not in ("T", "S"):
            raise StubError("QEMU's gdb stub answers %s to c" % (answer or "nothing"))
        self.remove_breakpoint(address)
        if self.register("pc") != address:
            raise StubError("the machine stopped elsewhere than at %#x" % address)
