"""Tests of tools/powercut.py: a whole machine whose power fails, and the order of writes.

A good row of writes, without any one of its flushes or of its writes, must be told of; so must each
other mistake that a journal can make. Logs that are damaged give one sentence. Where QEMU cannot
note writes (blklogwrites) the test of the machine is skipped, and says so.

Needs the built objects and QEMU, and half a minute.
Run alone: python3 tools/test/test_powercut.py
"""
import os
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import planted
import powercut
from sfs import check, format, writelog
from sfs.writelog import Flush, Write
from trees import OBJECTS, TOP

DATA = planted.TABLE + 4                        # a block of data of the planted disk
QEMU = "qemu-system-riscv64"


def commit(count, sequence=8):
    return Write(1, format.COMMIT.pack(format.JOURNAL_MAGIC, sequence, count).ljust(4096, b"\0"))


def transaction(*homes, letter=b"x"):
    """The writes of a transaction, as docs/sfs.md has them."""
    listed = struct.pack("<%dI" % len(homes), *homes).ljust(4096, b"\0")
    content = [letter * 4095 + bytes([home]) for home in homes]
    return [Write(3 + place, data) for place, data in enumerate(content)] + [
        Write(2, listed), Flush(), commit(len(homes)), Flush()] + [
            Write(home, data) for home, data in zip(homes, content)] + [
                Flush(), commit(0), Flush()]


class Order(unittest.TestCase):
    """writelog.Order"""

    def wrong(self, writes):
        return writelog.Order(format.Image(planted.build())).look(writes)

    def test_without_one(self):
        good = transaction(DATA, DATA + 1) + transaction(DATA + 1, DATA + 2, letter=b"y")
        self.assertEqual(self.wrong(good), [])
        for number, left in enumerate(good):
            with self.subTest(left_out=number, what=type(left).__name__):
                self.assertNotEqual(self.wrong(good[:number] + good[number + 1:]), [])

    def test_each_sentence(self):
        log, rest = transaction(DATA)[:3], transaction(DATA)[3:]
        record, home, clear = rest[0], rest[2], rest[4]
        other = transaction(DATA, letter=b"z")
        flush = Flush()
        for writes, told in (
                (log[:2] + [record, flush, home, flush, clear, flush],
                 "list of homes is not flushed"),
                (log + [record, home, flush, clear, flush], "the commit record is not flushed"),
                (log + [record, flush, home, clear, flush], "block %d is not flushed" % DATA),
                (log + [record, flush, clear, flush], "block %d is not at home" % DATA),
                (log + [record, flush, home, flush], "a transaction is not at home"),
                (log + [record, flush, home, flush, clear], "cleared record is not flushed"),
                (log + [record, flush, home, flush, clear] + other,
                 "cleared record is not flushed"),
                (log + [record, flush, home, flush] + other, "the record still tells of it"),
                (log + [record, flush, other[5], flush, clear, flush], "another content"),
                (log + [record, flush, record, flush, home, flush, clear, flush],
                 "the last one is not cleared"),
                (log + [record, flush, Write(DATA + 1, home.data)], "no commit record tells of"),
                ([home, flush], "no commit record tells of"),
                (transaction(2)[:5], "which no transaction can change")):
            with self.subTest(told):
                self.assertIn(told, "\n".join(self.wrong(writes)))

    def test_begins_with_a_transaction(self):
        """What a recovery writes: the record was there before."""
        disk = planted.Spoiler(planted.build())
        disk.journal(DATA)
        image = format.Image(bytes(disk.data))
        home = Write(DATA, image.block(3))
        for writes, good in (([home, Flush(), commit(0), Flush()], True),
                             ([home, commit(0), Flush()], False),
                             ([home, Flush(), commit(0)], False), ([commit(0), Flush()], False),
                             ([home, Flush()], False), ([], False)):
            self.assertEqual(not writelog.Order(image).look(writes), good, writes)

    def test_states(self):
        """Each prefix, and each odd write of an epoch; what is built of them."""
        writes = transaction(DATA, DATA + 1)
        every = list(writelog.states(writes))
        self.assertEqual(len(every), len(set(every)))
        self.assertEqual(len(every), 1 + len(writes) + 4 * (3 + 1 + 2 + 1))
        base = planted.build()
        for state in every:
            image = writelog.crash(format.Image(base), writes, *state)
            found = check.Check(image, crashed=True)
            self.assertEqual([each for each in found.run() if "journal" in each], [], state)
        torn = writelog.crash(format.Image(base), writes, 1, "head", 0).block(3)
        self.assertEqual((torn[:513], torn[513:]), (b"x" * 512 + base[3 * 4096 + 512:][:1],
                                                    base[3 * 4096 + 513:4 * 4096]))
        alone = writelog.crash(format.Image(base), writes, 3, "alone", 1)
        self.assertEqual(set(alone.changed), {4})


class Logs(unittest.TestCase):
    """writelog.read_log()"""

    def read(self, data):
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            return writelog.read_log(file.name)

    def log(self, *entries, magic=writelog.MAGIC, count=None):
        """The bytes of a log of these (sector, sectors, flags, data)."""
        data = writelog.HEAD.pack(magic, 1, len(entries) if count is None else count, 512)
        for sector, sectors, flags, content in entries:
            data = data.ljust(-(-len(data) // 512) * 512, b"\0")
            data += writelog.ENTRY.pack(sector, sectors, flags, 0).ljust(512, b"\0") + content
        return data.ljust(-(-len(data) // 512) * 512, b"\0")

    def test_good(self):
        two = b"a" * 4096 + b"b" * 4096
        self.assertEqual(self.read(b""), [])
        self.assertEqual(self.read(self.log((8, 16, 0, two), (0, 0, 1, b""))),
                         [Write(1, two[:4096]), Write(2, two[4096:]), Flush()])

    def test_bad(self):
        block = bytes(4096)
        for data, told in ((b"short", "it is no log"), (self.log(magic=5), "begins with 0x5"),
                           (self.log((8, 8, 0, block), count=2), "ends before its entry 1"),
                           (self.log((8, 8, 2, block)), "has the flags 2"),
                           (self.log((8, 4, 0, block[:2048])), "no write of whole blocks"),
                           (self.log((1, 8, 0, block)), "no write of whole blocks"),
                           (self.log((8, 800, 0, block)), "no write of whole blocks")):
            with self.subTest(told):
                with self.assertRaises(format.DiskError) as error:
                    self.read(data)
                self.assertIn(told, str(error.exception))


class Machine(unittest.TestCase):
    """The whole."""

    def test_machine(self):
        with tempfile.TemporaryDirectory() as folder:
            lacks = powercut.Machine(os.path.join(TOP, OBJECTS), QEMU, folder).lacks()
        if lacks:
            print("NOT TESTED, a whole machine whose power fails: " + lacks, file=sys.stderr)
            self.skipTest(lacks)
        result = subprocess.run([sys.executable, "tools/powercut.py", "--objects", OBJECTS,
                                 "--boots", "8"], cwd=TOP, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT)
        text = result.stdout.decode()
        self.assertEqual(result.returncode, 0, text)
        self.assertRegex(text, r"[1-9]\d\d writes and flushes, [1-9]\d transactions; 300 states "
                               r"were looked at, 8 booted; 0 mistakes\n")

    def test_lacks(self):
        """A QEMU without it is told of, in one line."""
        with tempfile.TemporaryDirectory() as folder:
            fake = os.path.join(folder, "qemu")
            with open(fake, "w") as file:
                file.write("#!/bin/sh\necho \"Unknown driver 'blklogwrites'\" >&2\nexit 1\n")
            os.chmod(fake, 0o755)
            result = subprocess.run([sys.executable, "tools/powercut.py", "--objects", OBJECTS,
                                     "--qemu", fake], cwd=TOP, stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT)
        text = result.stdout.decode()
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("cannot note what is written to a disk: Unknown driver 'blklogwrites'", text)
        self.assertEqual(text.count("\n"), 1)


if __name__ == "__main__":
    unittest.main()
