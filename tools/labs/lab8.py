"""Lab 8: files. The calls of programs on files, by what they promise, on a small disk.

There are no exercises yet, so the tests give no points. Each has a RAM disk of its own, which
tools/disk makes and checks afterwards: whatever a program does, what it leaves is a sound file
system. The program itself comes from the image of the kernel, because its reports count only there.
What the kernel does below the system calls, from the block device to the directories, is
tested by self tests, in lab0.py.
"""
from grader.fsops import operations
from labs.common import Disk, Lab, program

TESTS = [
    program("filetable", disk=Disk()),
    # Random operations, compared with a model: tools/fsops.py has more of them.
    operations(1, 10), operations(11, 10), operations(21, 10),
]

LAB = Lab(8, "files", [], TESTS)
