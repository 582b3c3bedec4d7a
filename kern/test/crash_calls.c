/* The calls that the scripts of workloads are made of; see crash_calls.h. Each is what a system
   call of the same name does, by the functions of vfs, in the root of the file system that is
   looked at. Names are paths without a slash at their start.

   A call returns 0 or an error of the kernel's. What it opens it closes again, but for what "hold"
   and "map" are there for. */
#include <error.h>
#include <fs/mmap.h>
#include <fs/vfs.h>
#include <printfmt.h>
#include <process/proc.h>
#include <string.h>
#include <test/crash_calls.h>
#include <test/sfs_disk.h>
#include <test/testlib.h>

#define TAIL            200             /* bytes that make a name long */

uint64_t crash_number(const struct worker *w, int i)
{
    uint64_t value = 0;

    /* A word that is missing is 0; one that is no number is a mistake in the table. */
    for (const char *digit = w->words[i]; *digit != '\0'; digit++) {
        assert(*digit >= '0' && *digit <= '9');
        value = value * 10 + (*digit - '0');
    }
    return value;
}

/* The file of the step, open for writing. */
static int open_file(const struct worker *w, uint32_t flags, struct inode **node)
{
    return vfs_open(crash_stage.root, w->words[1], O_RDWR | flags, node);
}

/* It must not be there before: else the workload is not what it seems to be. */
static int do_make(struct worker *w)
{
    struct inode *node;
    int error = open_file(w, O_CREAT | O_EXCL, &node);

    if (error == 0)
        vfs_close(node, O_RDWR);
    return error;
}

/* A file whose name goes on for long, so that a few of them fill a block of a directory. */
static int do_long(struct worker *w)
{
    char path[CRASH_WORD_LENGTH + TAIL + 1];
    struct inode *node;

    /* A number with so many digits, all of them 0. */
    snprintf(path, sizeof(path), "%s%0*d", w->words[1], TAIL, 0);
    int error = vfs_open(crash_stage.root, path, O_RDWR | O_CREAT | O_EXCL, &node);
    if (error == 0)
        vfs_close(node, O_RDWR);
    return error;
}

/* write NAME AT N SEED: at most 64 KiB, which are one transaction. */
static int do_write(struct worker *w)
{
    uint64_t n = crash_number(w, 3);
    struct inode *node;
    int error = open_file(w, 0, &node), written;

    assert(n <= VOP_MAX);
    if (error != 0)
        return error;
    /* Less than all is written when the disk is full; what was written stays. */
    if (test_write(node, crash_number(w, 4), crash_number(w, 2), n, &written) < n)
        error = written ?: -E_NO_SPACE;
    vfs_close(node, O_RDWR);
    return error;
}

/* cut NAME LENGTH, which may be more than it has. */
static int do_cut(struct worker *w)
{
    struct inode *node;
    int error = vfs_lookup(crash_stage.root, w->words[1], true, &node);

    if (error != 0)
        return error;
    /* As by truncate(): the file is open to nobody. */
    error = vfs_truncate(node, crash_number(w, 2));
    inode_put(node);
    return error;
}

/* mkdir NAME: also below another directory, as d/e. */
static int do_mkdir(struct worker *w)
{
    return vfs_mkdir(crash_stage.root, w->words[1]);
}

/* rmdir NAME: it must be empty, but somebody may hold it. */
static int do_rmdir(struct worker *w)
{
    return vfs_rmdir(crash_stage.root, w->words[1]);
}

/* link OLD NEW: one more name. */
static int do_link(struct worker *w)
{
    return vfs_link(crash_stage.root, w->words[1], w->words[2]);
}

/* symlink TARGET NAME: the target is a path from where the name is, and need not exist. */
static int do_symlink(struct worker *w)
{
    return vfs_symlink(crash_stage.root, w->words[1], w->words[2]);
}

/* rename OLD NEW, which may be the name of another file. */
static int do_rename(struct worker *w)
{
    return vfs_rename(crash_stage.root, w->words[1], w->words[2]);
}

/* unlink NAME: with the last one the file goes, unless it is held or mapped. */
static int do_unlink(struct worker *w)
{
    return vfs_unlink(crash_stage.root, w->words[1]);
}

/* Have something open, so that it becomes an orphan when its last name goes. */
static int do_hold(struct worker *w)
{
    /* One thing at a time is enough: two threads can hold two. */
    assert(w->held == NULL);
    return vfs_lookup(crash_stage.root, w->words[1], false, &w->held);
}

/* The opposite: with it an orphan's blocks become free. */
static int do_drop(struct worker *w)
{
    inode_put(w->held);
    w->held = NULL;
    return 0;
}

/* map NAME: all of a file, shared, where programs are, in a memory that no task has. */
static int do_map(struct worker *w)
{
    const uint32_t rights = VM_READ | VM_WRITE | VM_SHARED;
    int error = open_file(w, 0, &w->mapped);

    if (error != 0)
        return error;
    /* No program runs in it: mm_write() does what its stores would do, with the same faults. */
    w->mm = mm_create();
    assert(w->mm != NULL);
    /* A page that is mapped later than the file was cut would be a fault: no script does that. */
    mutex_lock(&w->mm->lock);
    error = mmap_file(w->mm, w->mapped, O_RDWR, USERBASE,
                      ROUNDUP(test_stat(w->mapped).st_size, PGSIZE), rights, 0);
    mutex_unlock(&w->mm->lock);
    return error;
}

/* store AT N SEED: what a program would do, by one instruction after the other; here it is one step
   for up to a block. While the block is being written the store waits. */
static int do_store(struct worker *w)
{
    static uint8_t bytes[CRASH_THREADS][PGSIZE];
    uint64_t at = crash_number(w, 1), n = crash_number(w, 2);
    int error;

    /* Two blocks could come to the disk by two commits. */
    assert(at / PGSIZE == (at + n - 1) / PGSIZE);
    for (uint64_t i = 0; i < n; i++)
        bytes[w->number][i] = test_byte(crash_number(w, 3), at + i);
    for (;;) {
        mutex_lock(&w->mm->lock);
        error = mm_write(w->mm, USERBASE + at, bytes[w->number], n);
        mutex_unlock(&w->mm->lock);
        if (error != -E_BUSY)
            return error;
        /* The file is being written back: as a trap handler does, wait without the lock. */
        filemap_wait(false);
    }
}

/* The end of the map. What was stored is in the file, but not yet on the disk. */
static int do_unmap(struct worker *w)
{
    mm_put(w->mm);
    vfs_close(w->mapped, O_RDWR);
    w->mm = NULL;
    return 0;
}

/* What was over before one of these calls is on the disk after it: note that, if it went well. */
static int synced_by(struct worker *w, int (*call)(struct worker *w))
{
    uint32_t over[CRASH_THREADS];
    int error;

    /* A step that the other thread ends meanwhile may be on the disk, or not. */
    memcpy(over, crash_stage.ended, sizeof(over));
    w->history->together += over[0] > crash_stage.synced[0] && over[1] > crash_stage.synced[1];
    memcpy(crash_stage.synced, over, sizeof(crash_stage.synced));
    error = call(w);
    for (uint32_t i = 0; i < CRASH_THREADS && error == 0; i++)
        test_disk_mark(&w->history->disk, CRASH_DURABLE(i, over[i]));
    return error;
}

/* All files, and what was stored by maps. */
static int call_sync(__not_used struct worker *w)
{
    return crash_stage.fs->sync(crash_stage.fs);
}

/* By an inode, as fsync() does it. */
static int call_fsync(struct worker *w)
{
    struct inode *node;
    int error = open_file(w, 0, &node);

    if (error == 0) {
        error = vop_data(node, vop_fsync);
        vfs_close(node, O_RDWR);
    }
    return error;
}

static int do_sync(struct worker *w)
{
    return synced_by(w, call_sync);
}

/* fsync NAME: of all files, and not only of this one. */
static int do_fsync(struct worker *w)
{
    return synced_by(w, call_fsync);
}

/* All words that are one step. */
static const struct call {
    const char *name;
    int (*call)(struct worker *w);
} calls[] = {
    { "make", do_make }, { "long", do_long }, { "write", do_write }, { "cut", do_cut },
    { "mkdir", do_mkdir }, { "rmdir", do_rmdir }, { "link", do_link }, { "symlink", do_symlink },
    { "rename", do_rename }, { "unlink", do_unlink }, { "hold", do_hold }, { "drop", do_drop },
    { "sync", do_sync }, { "fsync", do_fsync }, { "map", do_map }, { "store", do_store },
    { "unmap", do_unmap },
};

int crash_call(struct worker *w)
{
    const char *name = w->words[0] + (w->words[0][0] == '!');

    for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
        if (strcmp(calls[i].name, name) == 0)
            return calls[i].call(w);
    /* A word that is misspelt must not be a step that does nothing. */
    panic("no step of a workload is named %s", name);
}

void crash_let_go(struct worker *w)
{
    if (w->held != NULL)
        do_drop(w);
    if (w->mm != NULL)
        do_unmap(w);
}
