/* Crash tests: the power fails at each write of a workload, and what is there afterwards must be a
   state that the workload passed through.

   A workload is a script of calls (crash_table.c), done by one or two threads on a small disk that
   keeps a record (crash_work.c). Its tree is noted after each call. Then each crash is built from
   the record, mounted, checked, and its tree compared (crash_explore.c). A tree is a number, made
   of names, types, links, sizes and contents (crash_tree.c).

   Everything here is called by the test, on one hart, with no lock held; what cannot be is a panic.
   One workload is there at a time. */
#pragma once

#include <test/disk_record.h>

#define CRASH_THREADS   2
#define CRASH_BLOCKS    256             /* of a disk, at most */
#define CRASH_STEPS     120             /* of one thread, at most */

struct workload {
    const char *title;
    uint32_t blocks;                    /* of the disk */
    const char *prepare;                /* done, and brought to the disk, before the record */
    const char *script[CRASH_THREADS];  /* NULL: there is one thread only */
};

/* In crash_table.c: those of files that are mapped stand alone, because they need more of the
   kernel than the others. */
extern const struct workload crash_workloads[], crash_maps[];
extern const size_t crash_workload_count, crash_map_count;

/* What is in the files of each thread, in one number each; crash_tree.c tells whose a file is. If
   there is one thread, all are its own. */
struct tree {
    uint64_t part[CRASH_THREADS];
};

/* The tree of a mounted file system, as its functions tell; only those parts that a bit is set
   for, because the files of another thread may be changed meanwhile. */
struct inode;
struct tree tree_of_files(struct inode *root, uint32_t parts, bool shared);
/* The tree of a disk, read past all functions of kern/fs; only of one that sfs_check() finds right.
   The same as of the files in it. */
struct tree tree_of_disk(const struct test_disk *disk, bool shared);

/* What a workload has left: the disk with its record, whose marks tell when a step began and when
   its effect was brought to the disk, and the tree after each step. */
struct history {
    const struct workload *workload;
    struct test_disk disk;
    uint32_t steps[CRASH_THREADS];
    uint32_t together;                  /* syncs for which both threads had done something */
    uint64_t tree[CRASH_THREADS][CRASH_STEPS + 1];      /* [t][0]: before the first step of t */
};

/* Do a workload. *history is the caller's, and is filled anew; history_end() gives back what it
   has. False: the workload has not left what its calls have told, without any crash. */
bool history_make(struct history *history, const struct workload *workload);
void history_end(struct history *history);
/* Does this number of a mark say that something was brought to the disk? */
bool crash_mark_is_durable(uint32_t number);
/* May a disk have this tree, after a crash behind so many entries of the record? */
bool history_allows(const struct history *history, size_t length, const struct tree *tree);

/* What was looked at. */
struct crash_count {
    size_t states;                      /* crashes that were built */
    size_t different;                   /* disks among them */
    size_t mounted;                     /* mounts: at least one of each */
    size_t finished;                    /* of these, those whose recovery wrote something */
    size_t wrong;
};

/* How to look at a workload. */
struct crash_way {
    int depth;                          /* so many times over, the crashes in each recovery */
    bool own_commit, own_recovery;      /* by the test, and not by the kernel */
};

/* All crashes of a workload. */
void crash_explore(struct history *history, const struct crash_way *way,
                   struct crash_count *count);

/* Commit and recovery by the test (crash_own.c). Make the record anew: each sync, and the end,
   writes one transaction. False if one is too large for the log: then nothing was changed. Not for
   the record of two threads, whose steps may go on while one syncs. */
bool own_record(struct history *history);
/* Bring home what is in the journal of a disk, and clear it. False: it is none that could be. */
bool own_recover(struct test_disk *disk);
/* A transaction that changes nothing: the block of the map is written once more. */
void own_transaction(struct test_disk *disk);

/* Samples for the host, on the machine's disk, if it has one: crash_sample.c tells how they lie
   there. Between the first two calls each sample is a disk as a crash left it (where each of its
   blocks is), and as it is after recovery. The disk must have room. */
void crash_samples_begin(void);
void crash_samples_end(void);
void crash_sample(const char *title, uint8_t *const *before, const struct test_disk *after);
