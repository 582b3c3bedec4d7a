"""Lab 8: files. The calls of programs on files, by what they promise, on a small disk.

There are no exercises yet, so the tests give no points. Each has a RAM disk of its own, which
tools/disk makes and checks afterwards: whatever a program does, what it leaves is a sound file
system. The program itself comes from the image of the kernel, because its reports count only there.
What the kernel does below the system calls, from the block device to the directories, is
tested by self tests, in lab0.py.

What xv6's file tests look at is in: filedata (truncate1, truncate2, writetest, writebig, bigwrite,
bigfile, unlinkread), filenames (opentest, createtest, linktest, subdir, fourteen, rmdot, dirfile,
iref, bigdir, iput, openiput, exitiput), filecrowd (sharedfd, fourfiles, createdelete, concreate,
linkunlink, manywrites, truncate3, diskfull, outofinodes), badfiles (badwrite), pipes (pipe1). The
names of ucore_os_plus: filedata (sfs_filetest1, 2), filenames (sfs_filetest3, sfs_dirtest1 to 3),
filetable (sfs_exectest1, 2), pipes (pipetest, pipetest2).
"""
from grader.fsops import made_by_host, operations, until_full
from labs.common import Disk, Lab, Test, program, regex, selftest

LARGE = Disk(size="16M", journal=128, inodes=600)

TESTS = [
    program("filetable", disk=Disk()),
    program("badfiles", disk=Disk(programs=("cat", "true")),
            expect=[regex(r"f \(pid \d+\) was killed: illegal instruction.*\(_start\+0x0\)")]),
    # Random operations, compared with a model: tools/fsops.py has more of them.
    operations(1, 10), operations(11, 10), operations(21, 10), made_by_host(31, 10),
    until_full(41, 25, "room", size="1M", journal=32),
    until_full(51, 25, "inodes", size="4M", inodes=48),
    program("filedata", disk=LARGE),
    program("filedata big", "big", disk=LARGE),
    program("filenames", disk=LARGE),
    program("filenames many", "many 2000", limit=4000, disk=LARGE),
    program("filecrowd", disk=LARGE),
    program("filecrowd chaos", seeds=3, disk=LARGE),
    program("filecrowd 4 harts", harts=4, runs=2, disk=LARGE),
    program("filecrowd full", "full", disk=Disk(size="4M", inodes=100)),
    # The power fails at each write: kern/test/crash.h.
    selftest("crash"),
    program("pipes"),
    program("pipes chaos", seeds=3),
    program("pipes 4 harts", harts=4, runs=2),
    program("pipes stream", "stream"),
    # A tool that reads the console shows what is typed, takes a letter back, and ends at ctrl-D.
    Test("sh keys", prog="sh", reports=False, disk=Disk(),
         input="\n\n\n\ncat > f\none two\ntwox\x7f\n\x04wc f\ncat\nthree\n\x04exit\n",
         expect=[regex(r"(?m)^ +2 +3 +12 f$"), regex(r"(?m)^three\nthree$"),
                 "init ended with code 0"]),
]

LAB = Lab(8, "files", [], TESTS)
