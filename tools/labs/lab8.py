"""Lab 8: files. Their content, descriptors, pipes, programs that come from files, the journal.

HINTS has the hints of the exercises; a handout has them as comments in its blank regions. For their
form see lab1.py. POINTS is how the whole lab is made up: an exercise is in EXERCISES as soon as the
tree has its regions. 8.6 and 8.7 are parts of their own, beside the 100 points: a handout has them
if they are named.

Tests of no exercise look at all of it at once, by what the calls of programs promise. Each has a
RAM disk of its own, which tools/disk makes and checks afterwards: whatever a program does, what it
leaves is a sound file system. The program itself comes from the image of the kernel, because its
reports count only there. What the kernel does below the system calls is tested by self tests, here
and in beyond.py.

The tests of 8.3 and 8.4 need no disk, and no other exercise of the lab: a course may give these two
as its shell lab. Those of 8.7 write no byte of a file, and need no other exercise either.
"""
from grader import outside_disk, outside_files, outside_load, samples
from grader.disk import same, sound
from grader.fsops import made_by_host, operations, until_full
from labs.common import ALL_BUT_LEAKS, Disk, Exercise, Lab, Test, program, regex, selftest

HINTS = {
    "8.1": """
The caller has the inode's lock and, for a write, is in a transaction; the n bytes
are pinned, so iobuf_move() cannot fail. Where the iobuf stands in the file says
its io_offset, which iobuf_move() and iobuf_zero() bring forward: look at it again
for each block. The first block may begin and the last may end inside of a block;
both may be the same one.

sfs_bmap_load_nolock() gives the block at an index of the file, with a reference
that you give back by cache_put(); NULL is a hole if the error is 0, which only
SFS_LOOK can find: a hole is read as zeros. A write takes SFS_CREATE, or SFS_WHOLE if
it covers the whole block. Each block that is changed is told to the journal, by
journal_write() in front of the change.

A write behind the end of the file makes it longer, by what was written and no
more, also if an error ended it: the size is in sin->din, and that lies in the block
sin->table. An error ends all, and is the result.
""",
    "8.2": """
The direct blocks are written: sfs_bmap_get_nolock() and bmap_take() are the example
for the rest. bmap_step() does one step of a path, whatever it is a step of.

bmap_path: Fill in path[], as the head of this file has it; span[] is how many
blocks of data are below a number. 0 if the index is too large for any file.

bmap_fill: n is 2 or 3: a block of numbers, perhaps another one, then the data. Take
all n with sfs_block_alloc() before you change anything: if one cannot be had give
back those that were, with sfs_block_free(), and return the error. A block of numbers
must be zeros, whatever becomes of the data. Put the first into the holder, each other
one into the one before it (cache_get() finds it: it was just made), and count them in
din->blocks. What was changed is told to the journal: the holder, and sin->table.

bmap_walk: By bmap_step() from the inode, sin->table, to the block, by the path: each
number leads to the holder of the next step, for which cache_get() gives a reference.
The walk ends at a hole, at an error, or at the data. A path of 0 steps: -E_TOO_BIG.

bmap_cut: `holder` becomes the block *number, which has numbers of what is
`above` - 1 steps over the data. Cut what is below each of them that is no hole, from
the last to the first; the i-th begins at index first + i * span[above - 1]. An error,
or CUT_LATER, ends it.
""",
    "8.3": """
What counts what is drawn in file.h: each descriptor in a table is one reference
to its struct file, and each call that uses the file one more. With the last one
the file is closed. Nothing that sleeps is done with a table's lock held.

copy_table: With the parent's lock held: the directory, how many descriptors are
in use, and each descriptor with the same struct file. Each arrow that you add to
the drawing is a reference: file_ref(), inode_get().

files_put: One use less. The last one puts each file that is left in the table,
and the directory, and frees the table.

file_get: file_at() looks; a descriptor without a file gives NULL. Before the
lock is given back the caller must have a reference of his own: another thread
may close the descriptor the moment after.

file_put: One reference less; with the last one, file_free(). Many may do this at
the same time: look at what atomic_add() returns.

file_close: replace() takes the file out of the table, together with the table's
reference to it.

file_dup: The descriptor is a reference more to the same file. Without a number
(`to` is NO_FD) the file is installed at the lowest that is free; else it
replaces what was there, which is put. `to` may be the same number as fd, or no
number of a table. On every way out each reference is somebody's, or given back.

position: Bytes are moved by move_all(file, iob, write, true), from iob->io_offset
on, which goes on by what was moved, also before an error. If others may have the
file, hold file->lock from the look at file->pos to its change.
""",
    "8.4": """
The pipe's lock guards the positions, the ends and both queues. Who sleeps in
wait_sleep() gives it back meanwhile, and looks again afterwards.

pipe_move: Where does the byte of a position lie in the buffer? Up to the
buffer's end is one iobuf_move(); what is left begins at the buffer's start.

pipe_wait_data: Sleep in pipe->readers, in the state WT_KSEM | WT_INTERRUPTED, for
"data in a pipe", as long as there is none and somebody may still write. 0 is
the end of the file; -E_KILLED if a kill has ended the sleep.

pipe_take: With the lock: how many bytes are there now? Another reader may have
come first. Move them, count them, and wake those who wait for room.

pipe_wait_room: The same as pipe_wait_data for pipe->writers, and "room in a
pipe". If nobody will read any more it is -E_PIPE, also if there is room.

pipe_put: With the lock: is there room for `need` bytes now, and a reader? Then
move as much as fits, but not more than n; count it, and wake those who wait for
data.

pipe_close: An end that is closed stays so. Both queues may have somebody to whom
that matters: those must look again.
""",
    "8.5": """
the default of exec_from_files: Define this variable, static, a bool, with the value
true, when the three functions are written. Until then programs come from the
kernel's image alone.

load_page: One new page. The file's bytes for [low, high) lie from `offset` on; what is
before and behind them in the page must be zeros. reader_read() may fail, and so may
page_insert(), which gives the page its reference: then free the page, and return the
error.

load_segment: The segment was checked. Make its area, of whole pages, with mm_map() and
segment_flags(); if another segment has one of these pages that gives -E_INVAL, and the
file is none that can be run: -E_INVAL_ELF. Then load each page that has bytes of the
file: p_va may lie inside of a page, and the file's part may end inside of one. Pages
behind it come when they are touched. A segment may have nothing in the file. After
each page load_pause() lets others run, and tells if the process is killed. vm_rights()
makes the rights of an entry out of segment_flags(). Then program_end().

build_of_file: Nothing of the running program may change here. inode_reader() and
program_check() first; what they refuse costs no memory. Then new_memory(),
program_load(), push_args(), and what *image is to have. Whatever fails: the new memory
is given back by mm_put(), and the error is the result.
""",
    "8.6": """
the default of journal_is_on: Define this variable, static, a bool, with the value
true, as soon as the three functions below are written. Until then each change goes
home when its transaction ends, and a crash may leave a part of it.

write_log: For each block in journal.changed, an entry's log_link is in the list:
its number into the list of homes, journal.homes, and a request that writes its page
to the log, from journal.start + SFS_JOURNAL_LOG on. One more request writes the list
of homes to the block behind the commit record. Then write_requests().

write_record: Into the page journal.record, as struct sfs_commit: the count; a record
that is not empty also gets the next sequence number. Write it to the journal's first
block, and have it flushed. 0 or the error of the disk.

write_in_order: The steps of a commit, by write_log(), write_record() and write_home(),
in the order that journal.h draws; journal.logged is the number of blocks. The first
error ends it: nothing may be written behind a step that failed.

record_is_sound: The magic number was looked at, nothing else. How many blocks can a
list of homes have, how many this journal's log? No home is behind the disk, and none
in the journal itself, and none is there twice. What stands behind the count says
nothing.

finish: Read each block of the log into the third page, and write it to its home. When
all is at home for sure, write the record with the count 0, and have that flushed too.
If the power fails anywhere in between, the next try must find all that it needs. 0 or
the first error of the disk.
""",
    "8.7": """
Look first, then change: all that can fail comes before the first change. The
number of links of an inode is always the number of entries that lead to it, and
sfs_link_count() counts; with none left it is an orphan, which the last
inode_put() frees.

sfs_link: Not for directories. After tree_enter(), which looks that neither of
the two is removed, each way out has tree_leave(), and gives both slots back by
sfs_slot_put(). sfs_dirent_search_nolock() tells whether the name is there,
and else where there is room for it; sfs_dirent_add() may fail. Not more links
than LINKS_MAX.

drop_name: Of a file that is one link less. Of a directory it was the only
name, though its own "." counts as one too; and its ".." was counted in `dir`.

remove: `slot` and `node` are what find() has found, if `error` is 0. may_go()
says whether it may lose its name. sfs_dirent_set(dir, &slot, NULL) removes an entry.

rename_check: Find the old name, and then the new one; that there is nothing of
the new name is no error. A directory that gets another parent may not come
below itself, not_below(); its new parent gets a link more; and its ".." must be
looked for, in r->up. What is replaced must be allowed to go, may_go(), unless it
is the same inode.

rename_do: Two names of one inode: it is done already. Else the new name comes
first, because only a new entry can fail: an entry that is there is given the
other inode by sfs_dirent_set(). Then the old name goes, ".." leads to the new
parent if r->up was looked for, and all links are counted.
""",
}

# How the whole lab is made up; 8.C is tasks in the text.
POINTS = {"8.1": 25, "8.2": 20, "8.3": 20, "8.4": 20, "8.5": 15, "8.6": 50, "8.7": 20}

EXERCISES = [
    Exercise("8.1", "the content of files", POINTS["8.1"], hint=HINTS["8.1"],
             asks="move bytes between memory and the blocks of a file"),
    Exercise("8.2", "the block map", POINTS["8.2"], hint=HINTS["8.2"], uses="cache_ref",
             asks="find, make and free the blocks behind the direct ones"),
    Exercise("8.3", "descriptors", POINTS["8.3"], hint=HINTS["8.3"],
             asks="dup, fork, close; a position that is shared"),
    Exercise("8.4", "pipes", POINTS["8.4"], hint=HINTS["8.4"],
             asks="a ring of bytes; wait for data and room; see the other end close"),
    Exercise("8.5", "programs that come from files", POINTS["8.5"], hint=HINTS["8.5"],
             asks="load a program from a file, and leave all as it was if that fails"),
    Exercise("8.6", "the journal", POINTS["8.6"], hint=HINTS["8.6"], apart=True,
             asks="commit a transaction, read what a crash has left, and finish it"),
    Exercise("8.7", "directories: link, unlink, rename", POINTS["8.7"], hint=HINTS["8.7"],
             apart=True, asks="change names, and count them; move a directory"),
]

SEEDS = 10

LARGE = Disk(size="16M", journal=128, inodes=600)
SAMPLES = Disk(size="48M", blank=True, checks=(samples.sound,))

TESTS = [
    selftest("sfs-io-read", 8, "8.1", title="bytes of a file come from the right blocks",
             outside=outside_disk.contents_read),
    selftest("sfs-io-write", 8, "8.1",
             title="bytes go where they belong, and nothing else changes",
             outside=outside_disk.contents_written),
    selftest("sfs-io-errors", 5, "8.1", title="what goes wrong in the middle of a read or write"),
    Test("cp", prog="cp /bin/fsops /copy", points=4, exercise="8.1", reports=False,
         disk=Disk(programs=("fsops",), checks=(sound, same("/bin/fsops", "/copy"))),
         title="a file that the host has written is copied, and the host finds the copy"),
    selftest("bmap-look", 6, "8.2", title="the block of each index, and the holes"),
    selftest("bmap-fill", 6, "8.2", title="blocks are made, with what leads to them",
             outside=outside_disk.places),
    selftest("bmap-full", 3, "8.2", forbid=["the disk is damaged"],
             title="if the disk is full nothing has changed"),
    selftest("bmap-cut", 5, "8.2", title="what is cut off is free again, and nothing else"),
    selftest("files-dup", 5, "8.3", title="dup() and dup2(): numbers, counts, errors",
             outside=outside_files.descriptors("pipe", "dup", "dup", "close")),
    selftest("files-fork", 4, "8.3", title="a child has the same files by a table of its own",
             outside=outside_files.descriptors("dup", "close", "copy", "copy", "put")),
    selftest("files-close", 3, "8.3", title="who closes a file last, and who uses it still",
             outside=outside_files.descriptors("dup", "close", "get", "get", "give_back", "copy",
                                               "put")),
    selftest("files-position", 4, "8.3", title="one position for all who share the file",
             outside=outside_files.positions),
    selftest("files-moments", 1, "8.3", after=ALL_BUT_LEAKS,
             title="a descriptor that is closed while another one uses it"),
    selftest("files-race 4 harts", 1, "8.3", harts=4, runs=2, cpu=10,
             title="the lock of a table, and of a position, with four harts"),
    program("descriptors", "", 2, "8.3", title="what programs see of all that"),
    selftest("pipe-ring", 5, "8.4", limit=200, after=ALL_BUT_LEAKS,
             title="bytes go round the buffer",
             outside=outside_files.pipes(1, 1, False)),
    selftest("pipe-wait", 5, "8.4", after=ALL_BUT_LEAKS,
             title="who waits for data or room, and who is woken",
             outside=outside_files.pipes(3, 3, False)),
    selftest("pipe-ends", 4, "8.4", after=ALL_BUT_LEAKS,
             title="what the last writer and the last reader leave behind",
             outside=outside_files.pipes(2, 3, True)),
    selftest("pipe-moments", 2, "8.4", after=ALL_BUT_LEAKS,
             title="nobody is left asleep, wherever one of them is stopped",
             outside=outside_files.pipes(2, 2, False, locked=True)),
    selftest("pipe-race", 2, "8.4", seeds=SEEDS, title="lines come whole, whoever runs when"),
    selftest("pipe-race 4 harts", 2, "8.4", harts=4, runs=2, cpu=10,
             title="lines come whole, with four harts"),
    selftest("load-file", 5, "8.5", title="each byte, and the rights, of a program that is loaded",
             outside=outside_load.programs),
    selftest("load-file-errors", 4, "8.5",
             title="a read fails, or memory runs out, wherever it can",
             outside=outside_load.failing),
    selftest("program", 2, "8.5", limit=200, title="damaged and dangerous files are refused"),
    program("fromfile", "", 4, "8.5", disk=Disk(programs=("loaded",)), limit=1000,
            title="programs of the disk, and what an exec that failed leaves"),
    selftest("journal-commit", 8, "8.6", title="what a commit writes, between which flushes",
             outside=outside_disk.transactions),
    selftest("journal-commit-errors", 4, "8.6", title="each request of a commit fails once"),
    selftest("journal-commit-crash", 8, "8.6", limit=300,
             title="whenever the power fails, transactions are there whole"),
    selftest("recovery-records", 10, "8.6",
             title="reading the log of a crash: can it be believed?"),
    selftest("recovery-finish", 8, "8.6", title="what a record says comes home, in order",
             outside=outside_disk.recovery),
    selftest("recovery-crash", 8, "8.6", limit=300,
             title="the power fails in the recovery too, and again"),
    selftest("recovery-errors", 4, "8.6", title="each request of a recovery fails once"),
    selftest("names-link", 4, "8.7", title="one more name for a file"),
    selftest("names-unlink", 4, "8.7", title="a name less; what has none; a directory is removed"),
    selftest("names-rename", 5, "8.7", title="another name for a file, and what it replaces",
             outside=outside_disk.names),
    selftest("names-move", 5, "8.7", title="a directory gets another parent"),
    selftest("names-full", 2, "8.7", title="a disk without room for one more entry"),

    # Of no exercise. docs/peers.md says where the file tests of xv6 and ucore_os_plus are.
    program("filedata", disk=LARGE),
    program("filedata big", "big", disk=LARGE),
    program("filetable", disk=Disk()),
    program("filetable chaos", "race", seeds=3, disk=Disk()),
    program("filetable 4 harts", "race", harts=4, runs=2, disk=Disk()),
    program("badfiles", disk=Disk(programs=("cat", "true")),
            expect=[regex(r"f \(pid \d+\) was killed: illegal instruction.*\(_start\+0x0\)")]),
    # Random operations, compared with a model: tools/fsops.py has more of them.
    operations(1, 10), operations(11, 10), operations(21, 10), made_by_host(31, 10),
    until_full(41, 25, "room", size="1M", journal=32),
    until_full(51, 25, "inodes", size="4M", inodes=48),
    program("filenames", disk=LARGE),
    program("filenames many", "many 2000", limit=4000, disk=LARGE),
    program("filecrowd", disk=LARGE),
    program("filecrowd chaos", seeds=3, disk=LARGE),
    program("filecrowd 4 harts", harts=4, runs=2, disk=LARGE),
    program("filecrowd full", "full", disk=Disk(size="4M", inodes=100)),
    # The power fails at each write: kern/test/crash.h.
    selftest("crash", limit=26000, disk=SAMPLES),
    selftest("crash-commit", limit=3000),
    selftest("crash-recovery", limit=8000),
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

LAB = Lab(8, "files", EXERCISES, TESTS)
