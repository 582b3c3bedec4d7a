"""A very small client of QEMU's gdb stub: breakpoints, go on, read a register.

    stub = Stub(path)               # a unix socket; the machine is stopped
    stub.run_to(0x80200000)         # before the instruction there is executed
    stub.register("minstret")       # any register or CSR that QEMU describes
"""
import re
import socket


class StubError(Exception):
    """The stub does not answer, or not as expected."""


class Stub:
    """One connection. A packet is $TEXT#CHECKSUM; each side confirms with +."""

    def __init__(self, path, seconds=120):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(seconds)
        self.socket.connect(path)
        self.buffer = b""
        self.numbers = {}
        self.ask("qSupported:xmlRegisters=riscv")
        self.numbers = self.read_numbers()

    def close(self):
        self.socket.close()

    def byte(self):
        if not self.buffer:
            try:
                self.buffer = self.socket.recv(1 << 16)
            except OSError as error:
                raise StubError("no answer of QEMU's gdb stub: %s" % error)
            if not self.buffer:
                raise StubError("the machine ended too early")
        first, self.buffer = self.buffer[:1], self.buffer[1:]
        return first

    def ask(self, text):
        """Send a packet; the text of the answer."""
        data = text.encode()
        self.socket.sendall(b"$%s#%02x" % (data, sum(data) & 0xff))
        while self.byte() != b"$":
            pass                        # the confirmation
        answer = b""
        while not answer.endswith(b"#"):
            answer += self.byte()
        self.byte(), self.byte()        # the checksum: a socket does not lose bytes
        self.socket.sendall(b"+")
        return answer[:-1].decode("latin-1")

    def feature(self, name):
        """A file of the machine's description."""
        text = ""
        while True:
            answer = self.ask("qXfer:features:read:%s:%x,ff0" % (name, len(text)))
            if answer[:1] not in ("m", "l"):
                raise StubError("QEMU's gdb stub does not describe its registers")
            text += answer[1:]
            if answer[0] == "l":
                return text

    def read_numbers(self):
        """Register numbers by name: given, or one more than that of the register before."""
        numbers, number = {}, 0
        for name in re.findall(r'href="([^"]+)"', self.feature("target.xml")):
            for register in re.findall(r"<reg [^>]*>", self.feature(name)):
                given = re.search(r'regnum="(\d+)"', register)
                number = int(given.group(1)) if given else number
                numbers[re.search(r'name="([^"]+)"', register).group(1)] = number
                number += 1
        return numbers

    def register(self, name):
        if name not in self.numbers:
            raise StubError("QEMU's gdb stub has no register " + name)
        answer = self.ask("p%x" % self.numbers[name])
        if not re.match(r"([0-9a-f]{2})+$", answer) or answer.startswith("E"):
            raise StubError("QEMU's gdb stub cannot read %s: %s" % (name, answer))
        return int.from_bytes(bytes.fromhex(answer), "little")

    def run_to(self, address):
        for text in ("Z1,%x,2" % address, "c", "z1,%x,2" % address):
            answer = self.ask(text)
            if answer[:1] not in ("O", "T", "S"):
                raise StubError("QEMU's gdb stub answers %s to %s" % (answer or "nothing", text))
        if self.register("pc") != address:
            raise StubError("the machine stopped elsewhere than at %#x" % address)
