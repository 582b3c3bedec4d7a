"""Tests of the driver virtio_blk: disks as QEMU can make them, and errors that it makes on purpose;
and of the disks of graded tests.

The self test `disk` writes and reads all of the machine's disk by four threads, and says how many
errors it has met; afterwards the image must be what it writes in the end. Here it runs with both
versions of the registers, on one hart and on four, with disks of odd sizes, with short queues, that
answer late or never, that cannot be written, or fail at one place. What the kernel cannot use it
must refuse in one line, and boot without.

Time is the host's: so what is graded has a RAM disk, see tools/grader/disk.py.

Needs the built objects and QEMU, and a minute.
Run alone: python3 tools/test/test_block.py
"""
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from grader.host import Host
from grader.judge import Judge
from grader.model import Verdict
from labs.common import Disk, program, selftest
from labs.beyond import blocks_written
from trees import OBJECTS, TOP

QEMU = "qemu-system-riscv64"
SECONDS = 600
BLOCK = 4096


class Disks(unittest.TestCase):
    """Machines with a disk."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def image(self, size, content=b""):
        """The path of a new image of so many bytes."""
        path = os.path.join(self.folder, "image%d" % len(os.listdir(self.folder)))
        with open(path, "wb") as file:
            file.write(content)
            file.truncate(size)
        return path

    def boot(self, *options, append="selftest=disk", harts=1, legacy=True):
        """What a machine with these options prints; its exit status must be 0."""
        command = [QEMU, "-machine", "virt", "-bios", "default", "-m", "128M", "-nic", "none",
                   "-smp", str(harts), "-kernel", os.path.join(TOP, OBJECTS, "kernel"),
                   "-display", "none", "-monitor", "none", "-serial", "stdio", "-append", append,
                   "-global", "virtio-mmio.force-legacy=" + ("true" if legacy else "false")]
        result = subprocess.run(command + list(options), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS)
        text = result.stdout.decode("utf-8", "replace")
        self.assertEqual(result.returncode, 0, text[-3000:])
        self.assertIn("leak check: ok", text)
        return text

    def drive(self, path, drive="", device=""):
        """QEMU's options for an image, with more of the drive and of the device."""
        return ["-drive", "file=%s,format=raw,if=none,id=%s%s" % (
            path, os.path.basename(path), drive), "-device", "virtio-blk-device,drive=%s%s" % (
                os.path.basename(path), device)]

    def good(self, text, path, errors="0 reads, 0 writes, 0 flushes", blocks=None):
        """The self test has passed, with so many errors, and left on the disk what it should."""
        self.assertIn("errors: %s\n" % errors, text.replace("\r", ""))
        self.assertNotIn("the disk is dead", text)
        self.assertEqual(blocks_written(path)[:1], [])
        if blocks:
            self.assertIn("disk0 has %d blocks" % blocks, text)

    def refused(self, why, *options, append="init=hello", **more):
        """The kernel boots without this disk, and says why."""
        text = self.boot(*options, append=append, **more)
        self.assertRegex(text, r"device virtio_blk at 0x1000\d000 cannot be used: " + why)
        return text

    def test_versions_and_harts(self):
        for legacy in (True, False):
            for harts in (1, 4):
                path = self.image(4 << 20)
                self.good(self.boot(*self.drive(path), harts=harts, legacy=legacy), path,
                          blocks=1024)

    def test_sizes(self):
        """What is behind the last whole block is left alone."""
        for extra in (512, 4096 - 512):
            path = self.image(64 * BLOCK + extra)
            text = self.boot(*self.drive(path), legacy=False)
            with open(path, "rb") as file:
                self.assertEqual(file.read()[64 * BLOCK:], bytes(extra))
            os.truncate(path, 64 * BLOCK)
            self.good(text, path, blocks=64)
        self.refused("it is smaller than a block", *self.drive(self.image(BLOCK - 512)))
        # More blocks than 32 bits count: 2^33.
        for legacy in (True, False):
            text = self.boot("-blockdev", "driver=null-co,node-name=huge,size=%d" % (1 << 45),
                             "-device", "virtio-blk-device,drive=huge", append="init=hello",
                             legacy=legacy)
            self.assertIn("  disk       disk0, 16777215 MiB, not used", text)

    def test_queues(self):
        for legacy in (True, False):
            for length in (4, 64, 1024):
                path = self.image(64 * BLOCK)
                self.good(self.boot(*self.drive(path, device=",queue-size=%d" % length),
                                    legacy=legacy, harts=2), path, blocks=64)

    def test_large_sectors(self):
        path = self.image(64 * BLOCK)
        size = ",logical_block_size=%d,physical_block_size=%d"
        self.good(self.boot(*self.drive(path, device=size % (4096, 4096))), path, blocks=64)
        self.refused("its blocks are larger than 4 KiB",
                     *self.drive(path, device=size % (8192, 8192)))

    def test_read_only(self):
        """A disk that cannot be written; one that cannot be told to flush."""
        content = b"".join(n.to_bytes(8, "little") for n in range(64 * BLOCK // 8))
        total = sum(range(64 * BLOCK // 8))
        for drive, device in ((",readonly=on", ""), ("", ",write-cache=off,config-wce=off")):
            for legacy in (True, False):
                path = self.image(64 * BLOCK, content)
                text = self.boot(*self.drive(path, drive, device), legacy=legacy)
                self.assertIn("read-only, the sum is %#x" % total, text)
                with open(path, "rb") as file:
                    self.assertEqual(file.read(), content)
        files = os.path.join(self.folder, "files")
        Disk(size="4M").make(files, OBJECTS)
        text = self.boot(*self.drive(files, ",readonly=on"), append="init=hello")
        self.assertIn("  disk       disk0, 4 MiB, sfs, read-only", text)

    def test_write_cache_off(self):
        """It can be told to flush all the same: QEMU lets the driver turn the cache on."""
        path = self.image(64 * BLOCK)
        self.good(self.boot(*self.drive(path, device=",write-cache=off")), path)

    def test_errors(self):
        """The first access to some place fails, and the rest works."""
        for rules, errors in (
                ("inject-error.0.iotype=read,inject-error.0.sector=80", "1 reads, 0 writes, 0"),
                ("inject-error.0.iotype=write,inject-error.0.sector=88", "0 reads, 1 writes, 0"),
                ("inject-error.0.iotype=flush", "0 reads, 0 writes, 1")):
            for legacy in (True, False):
                path = self.image(64 * BLOCK)
                text = self.boot(
                    "-blockdev", "driver=file,node-name=file,filename=" + path,
                    "-blockdev", "driver=blkdebug,node-name=bad,image=file,"
                    "inject-error.0.event=none,inject-error.0.once=on," + rules,
                    "-blockdev", "driver=raw,node-name=top,file=bad",
                    "-device", "virtio-blk-device,drive=top", harts=4, legacy=legacy)
                self.good(text, path, errors + " flushes")

    def test_late_answers(self):
        """Eight a second; a transfer of many takes longer than an answer may."""
        path = self.image(16 * BLOCK)
        self.good(self.boot(*self.drive(path, ",throttling.iops-total=8"), harts=2), path)

    def test_no_answer(self):
        """After the first block the drive takes some 14 seconds for each; the disk is given up, and
        does nothing afterwards."""
        for legacy in (True, False):
            path = self.image(16 * BLOCK)
            text = self.boot(*self.drive(path, ",throttling.bps-total=300"), harts=2, legacy=legacy)
            self.assertEqual(text.count("disk0: no answer in 10 seconds; it is not used any more"),
                             1, text)
            self.assertIn("the disk is dead", text)
            with open(path, "rb") as file:          # what the pages hold then must not get there
                self.assertNotIn(b"\x5a" * BLOCK, file.read())

    def test_several(self):
        """The first disk is used, others are not, and what is no disk is of no interest."""
        path, other = self.image(64 * BLOCK), self.image(32 * BLOCK)
        text = self.refused("the kernel uses one disk", *self.drive(path), *self.drive(other),
                            append="selftest=disk")
        self.good(text, path, blocks=64)
        text = self.refused("the kernel uses one disk", "-initrd", other, *self.drive(path),
                            append="selftest=disk")
        self.assertIn("ram0 has 32 blocks", text)
        text = self.boot("-device", "virtio-rng-device", "-device", "virtio-balloon-device",
                         append="init=hello")
        self.assertNotIn("cannot be used", text)
        self.assertNotIn("disk", text)


class Graded(unittest.TestCase):
    """The disk of a graded machine is judged by what is on it at the end."""

    def outcome(self, test):
        """(verdict, reasons, files that are left) of one boot."""
        with tempfile.TemporaryDirectory() as folder:
            found = Judge(Host(os.path.join(TOP, OBJECTS), QEMU, folder)).run(test, 1)
            return found.verdict, found.reasons, sorted(os.listdir(folder))

    def test_checks(self):
        """A check gets the disk as the machine has left it; its sentences are reasons."""
        def content(path):
            with open(path, "rb") as file:
                first = file.read(4)
            return ["it has %d bytes, and begins with %s" % (os.path.getsize(path), first.hex())]

        disk = Disk(blank=True, size="1M", checks=(content, blocks_written))
        verdict, reasons, files = self.outcome(selftest("disk", disk=disk))
        self.assertEqual(verdict, Verdict.WRONG)
        self.assertEqual(reasons[0], "it has 1048576 bytes, and begins with b179379e")
        self.assertIn("disk.disk", " ".join(reasons))
        self.assertEqual(files, ["disk.disk", "disk.log", "disk0.img"])
        disk = Disk(blank=True, size="1M", checks=(blocks_written,))
        self.assertEqual(self.outcome(selftest("disk", disk=disk)),
                         (Verdict.OK, [], ["disk.log", "disk0.img"]))

    def test_sound(self):
        """The file system is checked without being asked for."""
        verdict, reasons, _ = self.outcome(program("hello", disk=Disk(blank=True)))
        self.assertEqual(verdict, Verdict.WRONG)
        self.assertIn("on the disk afterwards: ", reasons[0])
        self.assertEqual(self.outcome(program("hello", disk=Disk()))[:2], (Verdict.OK, []))

    def test_too_large(self):
        """More than half of memory: the kernel says so, and has no disk."""
        test = program("hello", mem="288M", disk=Disk(blank=True, size="150M"),
                       expect=["is refused: it takes more than half of memory", "hello pass."])
        verdict, reasons, _ = self.outcome(test)
        self.assertEqual((verdict, reasons),
                         (Verdict.WRONG, ["the kernel has not taken its RAM disk"]))

    def test_no_image(self):
        """An image that cannot be made is no fault of the kernel."""
        verdict, reasons, _ = self.outcome(program("hello", disk=Disk(programs=("nothing",))))
        self.assertEqual(verdict, Verdict.SETUP)
        self.assertIn("the disk's image cannot be made: ", reasons[0])


if __name__ == "__main__":
    unittest.main()
