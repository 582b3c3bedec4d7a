"""The disk of a test's machine: its image is made before, and judged after the machine's end.

It is a RAM disk: QEMU puts the image into the machine's memory, the kernel writes to it there, and
what became of it is read out of the memory of the stopped machine. So a run with one hart is the
same to the byte each time, which a disk that answers in the host's time could not give.

A Test has a Disk if its machine has one. The image is made once in a grading, by tools/disk, and
QEMU only reads it: each boot has the same. At the end the Disk's checks get the path of a file with
the disk as the machine left it; each gives a list of sentences, of what is wrong. The file is kept
if there are any.
"""
import dataclasses
import os
import subprocess
import sys
import tempfile

FEW = 8                 # of what is wrong with a disk so many sentences are told
TOOLS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class DiskError(Exception):
    """The image cannot be made; the text says why."""


def run_tool(*words):
    """(exit status, lines printed) of tools/disk with these words."""
    command = [sys.executable, os.path.join(TOOLS, "disk")] + list(words)
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)
    return result.returncode, result.stdout.decode("utf-8", "replace").split("\n")[:-1]


def sound(path, *words):
    """A check: the file system on the disk is consistent."""
    status, lines = run_tool("check", path, *words)
    if not status:
        return []
    if len(lines) > FEW:
        lines[FEW:] = ["and %d lines more: tools/disk check tells them" % (len(lines) - FEW)]
    return ["on the disk afterwards: " + line.replace(path + ": ", "", 1) for line in lines]


def recovered(path):
    """A check: it is consistent when its journal is brought home, as the next mount does."""
    return sound(path, "--replay")


def content(path, name):
    """The bytes of a file on the disk; None if they cannot be read."""
    result = subprocess.run([sys.executable, os.path.join(TOOLS, "disk"), "cat", path, name],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL)
    return None if result.returncode else result.stdout


def same(name, copy):
    """A check: the two files of the disk are there, and equal."""
    def check(path):
        first, second = content(path, name), content(path, copy)
        if first is None or second is None:
            return ["on the disk afterwards: there is no %s that can be read"
                    % (name if first is None else copy)]
        if first == second:
            return []
        at = next((i for i, (a, b) in enumerate(zip(first, second)) if a != b),
                  min(len(first), len(second)))
        return ["on the disk afterwards: %s (%d bytes) differs from %s (%d bytes), from byte %d on"
                % (copy, len(second), name, len(first), at)]
    return check


@dataclasses.dataclass(frozen=True)
class Disk:
    """What is on a test's disk, and what must be true of it afterwards.

    size       as "4M"
    swap       how much of the size is for pages that are out of memory, as "2M"; "": nothing
    journal, inodes   of the file system: how many blocks, how many inodes
    folder     a folder of the tree, whose files are on it; "": none
    programs   names of programs that are in its /bin
    blank      there is no file system on it, but zeros
    checks     functions of the path of a file
    """
    size: str = "4M"
    swap: str = ""
    journal: int = 64
    inodes: int = 512
    folder: str = ""
    programs: tuple = ()
    blank: bool = False
    checks: tuple = (sound,)

    def make(self, path, objects):
        """Write the image to a file. The programs come from the folder with what was built."""
        if self.blank:
            with open(path, "wb") as file:
                file.truncate(int(self.size[:-1]) << {"K": 10, "M": 20}[self.size[-1]])
            return
        words = ["make", path, "--size", self.size, "--journal", str(self.journal),
                 "--inodes", str(self.inodes)]
        if self.swap:
            words += ["--swap", self.swap]
        if self.folder:
            words.append(os.path.join(os.path.dirname(TOOLS), self.folder))
        for program in self.programs:
            words += ["--put", "%s:/bin/%s" % (os.path.join(objects, "image", program), program)]
        status, lines = run_tool(*words)
        if status:
            raise DiskError("the disk's image cannot be made: " + "; ".join(lines[-3:]))

    def wrong(self, machine):
        """Sentences about what the machine has left on its disk."""
        where = machine.memory.variable("machine").initrd
        start, end = int(where.start), int(where.end)
        if start == end:
            return ["the kernel has not taken its RAM disk"]
        # Other runs of the test may be at their end at the same time.
        handle, path = tempfile.mkstemp(dir=machine.host.folder)
        with open(handle, "wb") as file:
            file.write(machine.memory.read(start, end - start))
        wrong = [sentence for check in self.checks for sentence in check(path)]
        if not wrong:
            os.unlink(path)
            return []
        kept = os.path.join(machine.host.folder, machine.test.name + ".disk")
        os.replace(path, kept)
        return wrong + ["the disk is kept as %s" % kept]
