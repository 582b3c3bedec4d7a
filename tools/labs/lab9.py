"""Lab 9: paging to disk, and files in memory.

HINTS has the hints of the exercises; a handout has them as comments in its blank regions. For their
form see lab1.py.

The tests of 9.4 need no other exercise of this lab. Three of them look inside of the kernel, at
what a fault finds and what a write-back leaves; the others are programs, that see only what mmap,
msync, read and write promise, and the host looks at the disk afterwards.

The whole lab is 9.1 a page that is out comes in (30), 9.2 clock (20), 9.3 a shared page goes out
(25), 9.4 mmap of a file (25).
"""
from grader.disk import same, sound
from labs.common import Disk, Exercise, Lab, program, selftest

HINTS = {
    "9.4": """
A program may write to a page of a shared map only after a fault has said so: what
can change is known then, the set of dirty blocks. Before it goes to the disk nobody
may be able to write to it; kern/fs/mmap.h tells the steps, and why.

the default of mmap_shares: static bool mmap_shares = true; as long as it is not
there, shared maps are refused.

sfs_share: A program will write to the block at `index`. With the inode's lock, which
guards the set, load_block() has four answers. An error ends the fault. A hole has to be
filled first. A block that the journal has (logged) may be just written to the disk:
give it back, and have the journal committed. Else it is what is wanted: *page, with a
reference for the entry, and the block comes into the set. What takes the inode's lock
itself, or waits for a commit, is called without it; afterwards all may be different.

protect_entry: Valid, and may be written: not any more. The flush is the caller's, if
you return true.

write_back: All faults of the file are held. Take the right to write away from all
entries, then put what is dirty into the journal (vop_journal_dirty). Why in this order?

sfs_journal_dirty: A series of transactions, of WRITE_BACK_BLOCKS blocks each, because
a log may be small: sfs_begin() for so many and no new ones; then with the inode's lock
take blocks out of the set, mmap_take_dirty(), until it gives none; what is behind the
file's end, clear_behind_end(), is no part of it. The reference that comes with a block
is yours to give back. If a transaction cannot begin, its error is the result.
""",
}

POINTS = {"9.1": 30, "9.2": 20, "9.3": 25, "9.4": 25}

EXERCISES = [
    Exercise("9.4", "mmap of a file", POINTS["9.4"], hint=HINTS["9.4"],
             asks="a page that programs write to and the disk has; and its way back"),
]

# A small journal: what is dirty must go in several transactions.
SMALL = Disk(journal=40)

TESTS = [
    selftest("mmap-share", 6, "9.4", title="what a fault finds when a program will write"),
    selftest("mmap-back", 5, "9.4", title="what a write-back leaves in entries and on the disk"),
    selftest("mmap-stable", 2, "9.4",
             title="no block changes while a commit writes it, whoever writes to it"),
    program("mapfile", "", 3, "9.4", limit=500,
            title="maps, read, write; what is on the disk afterwards",
            disk=Disk(checks=(sound, same("/mapped", "/written")))),
    program("mapfile cut", "cut", 2, "9.4", disk=Disk(), title="truncate, and the file's end"),
    program("mapfile holes", "holes", 2, "9.4", disk=Disk(), title="holes, read and written"),
    program("mapfile many", "many", 2, "9.4", disk=SMALL,
            title="more pages than the journal has room for"),
    program("mapfile full", "full", 1, "9.4", disk=Disk(), title="no room for a hole"),
    program("mapfile crowd", "crowd", 1, "9.4", seeds=3, disk=Disk(),
            title="six processes, whoever runs when"),
    program("mapfile 4 harts", "crowd", 1, "9.4", harts=4, runs=2, disk=Disk(),
            title="six processes on four harts"),
    program("mapfile errors", "errors", disk=Disk(programs=("true",))),
]

LAB = Lab(9, "paging and files in memory", EXERCISES, TESTS)
