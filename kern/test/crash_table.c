/* The workloads of the crash tests: see crash.h for what they are for, crash_calls.c for the words.
   A new one is a line here, and nothing else.

   A disk has 64 blocks if there is no reason for more: 24 are the journal's, and 36 are for files.
   The first script of each is done, and brought to the disk, before the record begins. The others
   are what is looked at: of one thread, or of two. With two, each sees to the names that begin with
   its letter, 'a' or 'b', and to its blocks of a file whose name begins with an 's'. */
#include <test/crash.h>

#define SMALL   64
#define LARGE   128

const struct workload crash_workloads[] = {
    /* Each operation alone. Calls with a sync in between are in transactions of their own; without
       one they share it. */

    /* A sync with nothing to be written writes nothing: there is no crash but at the ends. */
    { "nothing is done", SMALL, "make a", { "sync; sync" } },
    /* Inode, entry and size of the directory come together. The second make has no sync behind
       it: it is there, or it is not. */
    { "a file is made", SMALL, "", { "make a; sync; make b" } },
    { "a file is written", SMALL, "make a", { "write a 0 5000 1; fsync a; write a 5000 9000 2" } },
    /* Blocks that are there are written in place, and never half old and half new. */
    { "a file is written over", SMALL, "make a; write a 0 20000 1",
      { "write a 4096 8192 2; sync; write a 100 7000 3; sync; write a 0 20000 4" } },
    /* The same block is in each transaction, and in the log of each once. */
    { "bytes in one block are written", SMALL, "make a; write a 0 4096 1",
      { "write a 10 20 2; write a 30 1 3; sync; write a 4095 2 4; write a 0 1 5" } },
    /* No block is taken, so the size is all that changes in the inode. */
    { "a file grows in its last block", SMALL, "make a; write a 0 5000 1",
      { "write a 5000 100 2; sync; write a 5100 1 3; sync; write a 5101 300 4" } },
    /* A new block in the midst; what is beside the written bytes must be zeros. */
    { "a hole is left, and filled", SMALL, "make a",
      { "write a 40000 100 1; sync; write a 12288 4096 2; write a 20000 10000 3; sync" } },
    /* Four blocks and their bits: data, a block of numbers, the inode, and the map. */
    { "a file needs its indirect block", SMALL, "make a; write a 0 45056 1",
      { "write a 45056 8192 2; sync; write a 53248 5000 3; sync; write a 45056 100 4" } },
    /* Two levels of numbers are made in one call. The file is nearly all holes. */
    { "a file needs its double indirect block", SMALL, "make a",
      { "write a 4243450 10 1; sync; write a 8437760 5000 2; sync" } },
    /* The end of the last block is cleared, blocks become free, the size changes. */
    { "a file is shortened", SMALL, "make a; write a 0 30000 1",
      { "cut a 20000; sync; cut a 4096; cut a 4095; sync; cut a 0; sync" } },
    /* What is behind the old end must have been zeros; there are no new blocks. */
    { "a file is made longer by a cut", SMALL, "make a; write a 0 5000 1",
      { "cut a 5001; sync; cut a 30000; sync; cut a 5000; cut a 9000" } },
    /* Blocks of numbers that stay, in part, and such that go with what they lead to. */
    { "indirect blocks are cut off", SMALL, "make a; write a 0 60000 1; write a 4243456 9000 2",
      { "cut a 4247552; sync; cut a 53248; sync; cut a 49152; sync; cut a 1" } },
    /* The parent has a link more, and an entry; the new one has its first block. */
    { "a directory is made", SMALL, "", { "mkdir d; sync; mkdir d/e; make d/f; sync" } },
    { "a directory is removed", SMALL, "mkdir d; mkdir d/e", { "rmdir d/e; sync; rmdir d; sync" } },
    /* The number of links and the entry never differ; the blocks go with the last name. */
    { "a file gets a second name", SMALL, "make a; write a 0 5000 1; mkdir d",
      { "link a b; sync; link b d/c; sync; unlink a; unlink b; sync" } },
    /* Its path is content, and is there as soon as its name is. */
    { "a symbolic link is made", SMALL, "make a; mkdir d",
      { "symlink a s; sync; symlink ../a d/s; unlink a; sync; unlink s; sync" } },
    /* At no time has it both names, or none. */
    { "a file gets another name", SMALL, "make a; write a 0 5000 1",
      { "rename a c; sync; rename c b; rename b a; sync" } },
    /* The other one's blocks become free, if not in the same transaction then soon. */
    { "a file takes another one's name", SMALL,
      "make a; write a 0 5000 1; make b; write b 0 60000 2", { "rename a b; sync" } },
    { "a file changes its directory", SMALL, "mkdir d; mkdir e; make d/a; write d/a 0 5000 1",
      { "rename d/a e/b; sync; rename e/b a; rename a d/a; sync" } },
    /* Its "..", and the links of both parents. */
    { "a directory changes its directory", SMALL, "mkdir d; mkdir e; mkdir d/f; make d/f/a",
      { "rename d/f e/g; sync; rename e/g f; sync; rename d f/d; sync" } },
    { "a directory takes an empty one's place", SMALL, "mkdir d; make d/a; mkdir e",
      { "rename d e; sync" } },
    { "a file is removed", SMALL, "make a; write a 0 60000 1; make b",
      { "unlink a; sync; unlink b; sync" } },

    /* Pairs, on one file or in one directory. */

    /* What is over before the commit must leave no trace. */
    { "made, and removed at once", SMALL, "make b",
      { "make a; unlink a; sync; make a; sync; unlink a; make a" } },
    /* The new file may get the inode and the blocks of the old one. */
    { "removed, and made at once", SMALL, "make a; write a 0 30000 1",
      { "unlink a; make a; write a 0 30000 2; sync; unlink a; make a" } },
    /* How programs replace a file: the name leads to the old version or to the new one, whole. */
    { "a new version takes the place of the old", SMALL, "make a; write a 0 9000 1",
      { "make t; write t 0 12000 2; sync; rename t a; sync; "
        "make t; write t 0 9000 3; rename t a" } },
    /* With a sync in between each step may be what is found. */
    { "two files change their names", SMALL, "make a; write a 0 9000 1; make b; write b 0 9000 2",
      { "rename a t; rename b a; rename t b; sync; rename a t; sync; rename b a; sync" } },
    { "cut, and written", SMALL, "make a; write a 0 20000 1",
      { "cut a 5000; write a 5000 9000 2; sync; cut a 0; write a 8192 100 3; sync" } },
    { "written, and cut", SMALL, "make a; write a 0 20000 1",
      { "write a 18000 9000 2; cut a 19000; sync; write a 0 9000 3; cut a 100" } },
    /* A block that is freed and taken in one transaction has the new content, or the old owner. */
    { "blocks of one file go to another", SMALL, "make a; write a 0 60000 1; make b",
      { "unlink a; write b 0 40000 2; sync; cut b 0; make a; write a 0 40000 3; sync" } },
    /* What was a directory's is written as data: it must not be while the directory is there. */
    { "blocks of a directory go to a file", SMALL, "mkdir d; mkdir d/e; make a; fill a 0 4096 1",
      { "rmdir d/e; rmdir d; write a 30000 4096 2; sync; fill a 40000 65536 3" } },
    { "linked, and the old name removed", SMALL, "make a; write a 0 9000 1",
      { "link a b; unlink a; sync; link b a; sync; unlink b; sync" } },
    { "written under one name, read under the other", SMALL, "make a; link a b",
      { "write a 0 5000 1; write b 4096 5000 2; sync; cut a 100; rename b a" } },
    /* Entries are put into the room of others, and names are made longer. */
    { "a directory is filled, and emptied", SMALL, "mkdir d",
      { "many d/f 12; sync; unlink d/f3; unlink d/f4; make d/longer-than-before; sync; "
        "unlink d/f0; rename d/f11 d/f0" } },
    { "a directory grows", SMALL, "mkdir d; crowd d/a 17",
      { "long d/b; sync; long d/c; long d/e; sync; make d/f; sync" } },

    /* Orphans: inodes without a name, which somebody has open when the power fails. */

    /* It is in the list of orphans from the sync on, until it is dropped. */
    { "an open file loses its name", SMALL, "make a; write a 0 60000 1",
      { "hold a; unlink a; sync; make b; sync; drop; sync" } },
    /* It is written to while it has no name: that changes no tree. */
    { "an open file is replaced", SMALL, "make a; write a 0 30000 1; make b; write b 0 5000 2",
      { "hold a; rename b a; sync; write a 0 100 3; drop; sync" } },
    { "a directory is removed with somebody in it", SMALL, "mkdir d; make a",
      { "hold d; rmdir d; sync; mkdir d; sync; drop; sync" } },
    /* It is too large for one transaction of a large disk; here it goes in one, at the mount. */
    { "an orphan is left", LARGE, "make a; write a 0 65536 1; write a 65536 65536 1; make b",
      { "hold a; unlink a; sync; write b 0 5000 2; sync" } },

    /* No room, and a log that is full. */

    /* A write that finds no room has written a part. Then blocks are freed and taken again. */
    { "the disk is full at the commit", SMALL, "make a; make b; fill a 0 65536 1; cut a 100000",
      { "fill a 100000 65536 2; sync; !write b 0 100 3; sync; cut a 90000; write b 0 20000 4; "
        "sync" } },
    /* What fails must leave nothing; a name may still fit into the directory's block. */
    { "a full disk is written over", SMALL, "make a; fill a 0 65536 1",
      { "write a 0 65536 2; sync; !mkdir d; !symlink x s; make b; sync; unlink a; sync" } },
    /* The table is full, and an inode that was freed is taken again. */
    { "all inodes are used", SMALL, "", { "many a 38; !make b; sync; unlink a7; make b; sync" } },
    /* A call finds no room in the log, and commits what was before it. */
    { "the log is full again and again", LARGE, "make a; make b",
      { "write a 0 40000 1; write b 0 30000 2; write a 1000 20000 3; write b 30000 20000 4; "
        "write a 0 10000 5; sync" } },
    /* The same, by blocks that are far from each other. */
    { "many small changes fill the log", LARGE, "make a; write a 0 65536 1; mkdir d",
      { "write a 0 10 2; write a 8192 10 3; write a 16384 10 4; write a 24576 10 5; "
        "make d/b; write a 32768 10 6; write a 40960 10 7; write a 49152 10 8; unlink d/b; "
        "write a 57344 10 9; write a 4096 10 10; write a 12288 10 11; make d/c" } },

    /* Two threads, whose steps share transactions. */

    { "two threads make files", SMALL, "",
      { "make a; write a 0 5000 1; sync; make a2; unlink a; sync",
        "make b; write b 0 9000 2; rename b b2; sync; make b" } },
    { "one thread syncs, the other works", SMALL, "make a; make b",
      { "write a 0 5000 1; sync; write a 4096 5000 2; sync; write a 0 100 3; sync",
        "write b 0 100 1; write b 100 5000 2; rename b b2; cut b2 50; link b2 b; unlink b2" } },
    /* What is read from the disk in the midst of a call lets the other thread go on: its sync has
       to wait until the call is over. */
    { "one thread syncs, the other is in the midst", SMALL,
      "make a; make b; write a 0 60000 1; write b 0 60000 2",
      { "write a 50000 10 3; sync; write a 4090 20000 4; sync; write a 8190 10 5; sync; sync",
        "write b 2000 50000 6; rename b b2; write b2 1 59000 7; write b2 4000 10000 8; "
        "cut b2 3" } },
    { "two threads in directories of their own", SMALL, "mkdir a; mkdir b",
      { "mkdir a/d; make a/d/f; sync; rename a/d/f a/f; rmdir a/d; sync",
        "make b/f; write b/f 0 20000 1; symlink f b/s; sync; unlink b/f; mkdir b/f" } },
    /* Each its own blocks, whose bits and numbers are in the same blocks of the disk. */
    { "two threads write one file", SMALL, "make s; write s 0 32768 1",
      { "write s 0 4096 2; write s 8192 4096 3; sync; write s 16384 100 4; sync",
        "write s 4096 4096 5; sync; write s 12288 200 6; write s 28672 4096 7" } },
    /* One frees what the other takes, in one commit. */
    { "two threads want the last blocks", SMALL, "make a; make b; write a 0 65536 1",
      { "write a 65536 20000 2; cut a 40000; sync; write a 40000 9000 3",
        "write b 0 12000 4; sync; cut b 0; write b 0 16384 5; sync" } },
    { "two threads with orphans", SMALL, "make a; write a 0 30000 1; make b; write b 0 30000 2",
      { "hold a; unlink a; sync; make a; drop; sync", "hold b; unlink b; make b; sync; drop" } },
};
const size_t crash_workload_count = ARRAY_SIZE(crash_workloads);

/* Files that are mapped: what a program stores is written back by a sync. */
const struct workload crash_maps[] = {
    /* Stores, and write() beside them, to one file and to another. */
    { "a map is written back", SMALL, "make a; write a 0 20000 1; make b",
      { "map a; store 100 50 2; sync; store 4096 4000 3; store 8192 1 4; sync; write b 0 100 5; "
        "store 0 4096 6; fsync b; write a 4090 5000 7; store 4100 100 8; sync" } },
    /* A store to a hole takes a block, and perhaps a block of numbers. */
    { "a map of holes is written back", SMALL, "make a; cut a 60000",
      { "map a; store 8192 10 2; sync; store 53248 10 3; store 45056 4096 4; sync" } },
    /* What was stored stays, when nobody has the file mapped any more. */
    { "a map ends, and is written back", SMALL, "make a; write a 0 9000 1",
      { "map a; store 0 10 2; store 4096 10 3; unmap; sync; "
        "map a; store 8192 5 4; unmap; make b" } },
    /* It is an orphan as long as it is mapped, and may still be stored to. */
    { "a file that is mapped loses its name", SMALL, "make a; write a 0 9000 1",
      { "map a; store 0 10 2; unlink a; sync; store 4096 10 3; sync; make a; sync; unmap; sync" } },
    /* A block must not change while the journal writes it: log and home would differ. */
    { "one thread stores, the other syncs", SMALL, "make a; make b; write b 0 20000 1",
      { "sync; sync; write a 0 100 2; sync; write a 0 5000 3; sync; make a2; sync; sync",
        "map b; store 0 100 2; store 50 100 3; store 0 4096 4; store 4096 4096 5; store 0 4096 6; "
        "store 100 100 7; store 8192 4096 8; store 0 4096 9; unmap" } },
};
const size_t crash_map_count = ARRAY_SIZE(crash_maps);
