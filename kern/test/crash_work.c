/* Workloads: scripts of calls, done on a disk that keeps a record; see crash.h.

   A script is words: "make a; write a 0 5000 1; sync". Each of these steps is one transaction at
   most, or its tree is the same after each of its transactions: so a crash in a step leaves the
   tree before it, or the one behind it. What a step does is in the table of calls below. One with a
   '!' before it must fail, and with that be done. Two words are series of steps:

       many NAME N             make NAME0; make NAME1; ...
       crowd NAME N            the same by "long"
       fill NAME AT N SEED     write N bytes, and again behind them, until there is no room

   The marks of the record: a step has begun, and what a step did is on the disk. The first come
   before the call, the second behind an fsync or sync, for all steps that were over when that was
   called, of both threads. */
#include <error.h>
#include <fs/mmap.h>
#include <fs/vfs.h>
#include <mm/shrink.h>
#include <printfmt.h>
#include <process/proc.h>
#include <sched/sched.h>
#include <string.h>
#include <test/crash.h>
#include <test/sfs_disk.h>
#include <test/testlib.h>

#define WORDS           5               /* of a step, at most */
#define WORD_LENGTH     32
#define TAIL            200             /* bytes that make a name long */
#define RECORD_LIMIT    3000
#define JOURNAL_BLOCKS  24              /* the fewest that the kernel takes */
#define INODES          40              /* so the table has two blocks */

#define BEGUN(thread, step)     ((thread) << 16 | (step))
#define DURABLE(thread, step)   (2 << 16 | BEGUN(thread, step))

/* A thread at work. */
struct worker {
    struct history *history;
    uint32_t number;
    uint32_t parts;                     /* of the tree that it watches, as bits */
    struct inode *held;                 /* a file or directory that it has open, or NULL */
    struct mm_struct *mm;               /* in which a file is mapped, or NULL */
    struct inode *mapped;               /* that file, open */
    char words[WORDS][WORD_LENGTH];     /* of the step */
};

static struct filesystem *fs;
static struct inode *root;
static uint32_t ended[CRASH_THREADS];   /* steps that are over */
static uint32_t synced[CRASH_THREADS];  /* and were so at the last sync */

/* The numbers behind the name, in words[i]. */
static uint64_t number(const struct worker *w, int i)
{
    uint64_t value = 0;

    for (const char *digit = w->words[i]; *digit != '\0'; digit++) {
        assert(*digit >= '0' && *digit <= '9');
        value = value * 10 + (*digit - '0');
    }
    return value;
}

/* The file of the step, open for writing. */
static int open_file(const struct worker *w, uint32_t flags, struct inode **node)
{
    return vfs_open(root, w->words[1], O_RDWR | flags, node);
}

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
    char path[WORD_LENGTH + TAIL + 1];
    struct inode *node;

    snprintf(path, sizeof(path), "%s%0*d", w->words[1], TAIL, 0);
    int error = vfs_open(root, path, O_RDWR | O_CREAT | O_EXCL, &node);
    if (error == 0)
        vfs_close(node, O_RDWR);
    return error;
}

/* write NAME AT N SEED: at most 64 KiB, which are one transaction. */
static int do_write(struct worker *w)
{
    struct inode *node;
    int error = open_file(w, 0, &node), written;

    assert(number(w, 3) <= VOP_MAX);
    if (error != 0)
        return error;
    if (test_write(node, number(w, 4), number(w, 2), number(w, 3), &written) < number(w, 3))
        error = written ?: -E_NO_SPACE;
    vfs_close(node, O_RDWR);
    return error;
}

/* cut NAME LENGTH */
static int do_cut(struct worker *w)
{
    struct inode *node;
    int error = vfs_lookup(root, w->words[1], true, &node);

    if (error != 0)
        return error;
    error = vfs_truncate(node, number(w, 2));
    inode_put(node);
    return error;
}

static int do_mkdir(struct worker *w)
{
    return vfs_mkdir(root, w->words[1]);
}

static int do_rmdir(struct worker *w)
{
    return vfs_rmdir(root, w->words[1]);
}

/* link OLD NEW */
static int do_link(struct worker *w)
{
    return vfs_link(root, w->words[1], w->words[2]);
}

/* symlink TARGET NAME */
static int do_symlink(struct worker *w)
{
    return vfs_symlink(root, w->words[1], w->words[2]);
}

static int do_rename(struct worker *w)
{
    return vfs_rename(root, w->words[1], w->words[2]);
}

static int do_unlink(struct worker *w)
{
    return vfs_unlink(root, w->words[1]);
}

/* Have something open, so that it becomes an orphan when its last name goes. */
static int do_hold(struct worker *w)
{
    assert(w->held == NULL);
    return vfs_lookup(root, w->words[1], false, &w->held);
}

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
    w->mm = mm_create();
    assert(w->mm != NULL);
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
    uint64_t at = number(w, 1), n = number(w, 2);
    int error;

    assert(at / PGSIZE == (at + n - 1) / PGSIZE);
    for (uint64_t i = 0; i < n; i++)
        bytes[w->number][i] = test_byte(number(w, 3), at + i);
    for (;;) {
        mutex_lock(&w->mm->lock);
        error = mm_write(w->mm, USERBASE + at, bytes[w->number], n);
        mutex_unlock(&w->mm->lock);
        if (error != -E_BUSY)
            return error;
        filemap_wait();
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

    memcpy(over, ended, sizeof(over));
    w->history->together += over[0] > synced[0] && over[1] > synced[1];
    memcpy(synced, over, sizeof(synced));
    error = call(w);
    for (uint32_t i = 0; i < CRASH_THREADS && error == 0; i++)
        test_disk_mark(&w->history->disk, DURABLE(i, over[i]));
    return error;
}

static int call_sync(__not_used struct worker *w)
{
    return fs->sync(fs);
}

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

/* The next step of a script, as words; where the one behind it begins. NULL: there was none. */
static const char *next_step(struct worker *w, const char *script)
{
    int word = 0;
    size_t length = 0;

    memset(w->words, 0, sizeof(w->words));
    while (*script == ' ')
        script++;
    if (*script == '\0')
        return NULL;
    for (; *script != ';' && *script != '\0'; script++)
        if (*script == ' ') {
            word++;
            length = 0;
        } else {
            assert(word < WORDS && length < WORD_LENGTH - 1);
            w->words[word][length++] = *script;
        }
    return *script == ';' ? script + 1 : script;
}

/* Do the step in words[]: 0 or its error. */
static int call_step(struct worker *w)
{
    const char *name = w->words[0] + (w->words[0][0] == '!');

    for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
        if (strcmp(calls[i].name, name) == 0)
            return calls[i].call(w);
    panic("no step of a workload is named %s", name);
}

/* Do it with its mark, and note the tree behind it. */
static int note_step(struct worker *w)
{
    struct history *history = w->history;
    bool shared = history->workload->script[1] != NULL;
    uint32_t step = ++history->steps[w->number];

    assert(step <= CRASH_STEPS);
    test_disk_mark(&history->disk, BEGUN(w->number, step));
    /* What is read again in the midst of a call lets the other thread go on. */
    if (shared)
        shrink_memory();
    int error = call_step(w);
    ended[w->number] = step;
    history->tree[w->number][step] = tree_of_files(root, w->parts, shared).part[w->number];
    if (shared)
        schedule();                     /* now a step of the other thread */
    return error;
}

/* A step that must do what it says. */
static void do_step(struct worker *w)
{
    int error = note_step(w);

    if ((error != 0) != (w->words[0][0] == '!'))
        panic("a step of a workload, %s %s: %s", w->words[0], w->words[1], error_name(error));
}

/* Make words[i] the word in which these are in a row, and a number behind. */
static void set_word(struct worker *w, int i, const char *word, uint64_t number)
{
    snprintf(w->words[i], WORD_LENGTH, "%s%lu", word, number);
}

/* A series of calls, for a name with a number behind it. */
static void do_many(struct worker *w, const char *call)
{
    uint64_t n = number(w, 2);
    char name[WORD_LENGTH];

    memcpy(name, w->words[1], WORD_LENGTH);
    memcpy(w->words[0], call, strlen(call) + 1);
    for (uint64_t i = 0; i < n; i++) {
        set_word(w, 1, name, i);
        do_step(w);
    }
}

/* The series "fill". Its last step is the one for which there was no room, or not for all of it. */
static void do_fill(struct worker *w)
{
    int error = 0;

    memcpy(w->words[0], "write", 6);
    for (uint64_t at = number(w, 2); error == 0; at += number(w, 3)) {
        set_word(w, 2, "", at);
        error = note_step(w);
    }
    assert_eq(error, -E_NO_SPACE);
}

/* The whole script of a thread. */
static void do_script(struct worker *w, const char *script)
{
    while ((script = next_step(w, script)) != NULL)
        if (strcmp(w->words[0], "many") == 0)
            do_many(w, "make");
        else if (strcmp(w->words[0], "crowd") == 0)
            do_many(w, "long");
        else if (strcmp(w->words[0], "fill") == 0)
            do_fill(w);
        else
            do_step(w);
    if (w->held != NULL)
        do_drop(w);
    if (w->mm != NULL)
        do_unmap(w);
}

static struct worker workers[CRASH_THREADS];

/* A thread. */
static int work(void *arg)
{
    uintptr_t i = (uintptr_t)arg;

    do_script(&workers[i], workers[i].history->workload->script[i]);
    return 0;
}

/* The worker of this number, before its first step. */
static void worker_init(struct history *history, uint32_t number, bool shared)
{
    workers[number] = (struct worker){
        .history = history, .number = number, .parts = shared ? 1U << number : 3,
    };
    history->steps[number] = ended[number] = synced[number] = 0;
}

/* Unmount, and check. Orphans are gone, since nothing is held any more. */
static bool end_well(struct history *history)
{
    test_abandon(fs, root);
    return sfs_check(&history->disk, false) == 0;
}

/* The script of one thread, or of both. These are slowed down by the disk, so that each works while
   the other one waits. */
static void do_scripts(struct history *history)
{
    if (history->workload->script[1] == NULL) {
        work(NULL);
        return;
    }
    history->disk.delay = 1;
    test_threads(CRASH_THREADS, work);
    history->disk.delay = 0;
    /* Else the threads have worked one after the other. */
    assert(history->together > 0);
}

bool history_make(struct history *history, const struct workload *workload)
{
    bool shared = workload->script[1] != NULL, well;
    struct tree tree;

    history->workload = workload;
    history->together = 0;
    test_disk_create(&history->disk, workload->blocks);
    sfs_format(&history->disk, JOURNAL_BLOCKS, INODES, 0);
    fs = test_mount(&history->disk, &root);
    worker_init(history, 0, false);
    do_script(&workers[0], workload->prepare);
    if (!end_well(history))
        return false;
    test_disk_hash(&history->disk);
    test_disk_record(&history->disk, RECORD_LIMIT);
    fs = test_mount(&history->disk, &root);
    tree = tree_of_files(root, 3, shared);
    for (uint32_t i = 0; i < CRASH_THREADS; i++) {
        worker_init(history, i, shared);
        history->tree[i][0] = tree.part[i];
    }
    do_scripts(history);
    well = end_well(history);
    /* What the functions have told last is what is on the disk now. */
    if (well)
        tree = tree_of_disk(&history->disk, shared);
    for (uint32_t i = 0; i < CRASH_THREADS; i++) {
        test_disk_mark(&history->disk, DURABLE(i, history->steps[i]));
        well &= tree.part[i] == history->tree[i][history->steps[i]];
    }
    return well;
}

void history_end(struct history *history)
{
    test_disk_destroy(&history->disk);
}

bool crash_mark_is_durable(uint32_t number)
{
    return (number & DURABLE(0, 0)) != 0;
}

bool history_allows(const struct history *history, size_t length, const struct tree *tree)
{
    uint32_t first[CRASH_THREADS] = { 0 }, last[CRASH_THREADS] = { 0 };
    bool allowed = true;

    for (size_t i = 0; i < length; i++) {
        const struct record_entry *entry = &history->disk.record[i];
        uint32_t *bound = crash_mark_is_durable(entry->block) ? first : last;

        /* A mark may come late, when another thread's has come before. */
        if (entry->kind == RECORD_MARK && bound[entry->block >> 16 & 1] < (entry->block & 0xffff))
            bound[entry->block >> 16 & 1] = entry->block & 0xffff;
    }
    for (uint32_t i = 0; i < CRASH_THREADS; i++) {
        uint32_t step = first[i];

        while (step <= last[i] && history->tree[i][step] != tree->part[i])
            step++;
        allowed &= step <= last[i];
    }
    return allowed;
}
