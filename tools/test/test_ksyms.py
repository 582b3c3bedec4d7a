"""Tests of the table of functions in the kernel (tools/ksyms.py).

Table: the built kernel has each function of nm's list in it, in order, with its name. Refused: a
table that is larger than its room, and files that are no kernel, or only a part of one, end the
build with a sentence, and nothing is written.

Needs the built objects.
Run alone: python3 tools/test/test_ksyms.py
"""
import os
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import ksyms
from grader.image import Image
from trees import OBJECTS, TOP

KERNEL = os.path.join(TOP, OBJECTS, "kernel")
ROOM = 64               # bytes for the table of the small kernel


class Table(unittest.TestCase):
    def test_each_function(self):
        image = Image(KERNEL)
        start, end = image.address("ksyms_start"), image.address("ksyms_end")
        room = image.data[image.file_offset(start):][:end - start]
        count = struct.unpack_from("<I", room)[0]
        numbers = struct.unpack_from("<%dI" % (2 * count), room, 4)
        strings = room[4 + 8 * count:]
        names = [strings[at:strings.index(0, at)].decode() for at in numbers[count:]]
        base, (_, functions) = image.address("kernel_text_start"), ksyms.read(KERNEL + ".nm")
        self.assertEqual([(base + offset, name) for offset, name in zip(numbers, names)], functions)
        self.assertEqual(sorted(numbers[:count]), list(numbers[:count]))
        for name in ("symbol_format", "power_off", "do_fork"):
            self.assertIn((image.address(name), name), functions)


class Refused(unittest.TestCase):
    """A kernel of a header, one segment of 4096 bytes at its end, and nothing else."""

    BASE, SEGMENT = 0xffffffc080200000, 0x1000

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.kernel, self.nm = (os.path.join(folder.name, name) for name in ("kernel", "kernel.nm"))
        self.data = b"\x7fELF".ljust(32, b"\0") + struct.pack("<Q14xHH", 64, 56, 1)
        self.data = self.data.ljust(64, b"\0") + struct.pack(
            "<IIQQQQQQ", 1, 4, self.SEGMENT, self.BASE, 0x80200000, 4096, 4096, 4096)
        self.data = self.data.ljust(self.SEGMENT + 4096, b"\0")
        self.write(self.data, 1)

    def write(self, data, functions, marks=ksyms.MARKS):
        with open(self.kernel, "wb") as file:
            file.write(data)
        places = dict(zip(ksyms.MARKS, (self.BASE, self.BASE + 256, self.BASE + 256 + ROOM)))
        with open(self.nm, "w") as file:
            file.write("".join("%016x R %s\n" % (places[mark], mark) for mark in marks))
            file.write("".join("%016x T f%d\n" % (self.BASE + 4 * n, n) for n in range(functions)))

    def run_it(self, *words):
        result = subprocess.run([sys.executable, os.path.join(TOP, "tools", "ksyms.py"), *words],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return result.returncode, result.stdout.decode()

    def refused(self, pattern):
        with open(self.kernel, "rb") as file:
            before = file.read()
        status, said = self.run_it(self.kernel, self.nm)
        self.assertRegex(said, pattern)
        self.assertEqual((status, said.count("\n")), (1, 1))
        with open(self.kernel, "rb") as file:
            self.assertEqual(file.read(), before)

    def test_a_small_one(self):
        self.assertEqual(self.run_it(self.kernel, self.nm), (0, ""))
        at = self.SEGMENT + 256
        with open(self.kernel, "rb") as file:
            self.assertEqual(file.read(), self.data[:at] + struct.pack("<III", 1, 0, 0) + b"f0\0"
                             + self.data[at + 15:])

    def test_no_room(self):
        self.write(self.data, 5)        # 4 + 5 * 8 + 5 * 3 bytes
        self.assertEqual(self.run_it(self.kernel, self.nm)[0], 0)
        self.write(self.data, 6)
        self.refused(r"the names of 6 functions take 70 bytes, and there is room for 64: let "
                     r"KSYMS_ROOM in tools/kernel\.ld be larger")

    def test_no_kernel(self):
        for data in (b"", b"\x7fELF", self.data[:100]):
            self.write(data, 1)
            self.refused("is no kernel, or not in one piece: build it anew")
        self.write(self.data[:-4000], 1)
        self.refused("ends before its table of functions")
        self.write(self.data.replace(struct.pack("<Q", self.BASE), struct.pack("<Q", 0x1000)), 1)
        self.refused("has no content at 0xffffffc080200100")

    def test_no_mark(self):
        for mark in ksyms.MARKS:
            self.write(self.data, 1, [other for other in ksyms.MARKS if other != mark])
            self.refused("no symbol %s; the linker script must define it" % mark)

    def test_words(self):
        self.assertEqual(self.run_it("one"), (1, "ksyms.py: usage: ksyms.py KERNEL NM\n"))
        status, said = self.run_it(self.kernel, self.nm + ".not")
        self.assertEqual(status, 1)
        self.assertIn("No such file", said)


if __name__ == "__main__":
    unittest.main()
