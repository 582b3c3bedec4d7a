/* All crashes of a workload; see crash.h.

   Each crash that the record can tell of is a state of the disk. Many are the same disk: so what
   was found out about a disk is kept, by its hash, for as long as the workload is looked at. What
   may be found depends on the crash; what is found depends on the disk alone.

   A recovery writes too, and the power may fail again meanwhile. Whatever it had done by then, the
   next one must come to the same tree: the transaction was there as a whole, or it was not. Behind
   a recovery that had something to do there is one more transaction, in the same record, so that
   its log lies over the one that was finished:

       recovery: homes, flush, clear, flush | orphans | marks and one transaction | unmount
                                                        EXTRA_BEGUN, EXTRA_DURABLE

   Where the kernel's commit must not count, that transaction is the test's own, and the record ends
   behind it. */
#include <error.h>
#include <fs/vfs.h>
#include <mm/kmalloc.h>
#include <string.h>
#include <test/crash.h>
#include <test/sfs_disk.h>
#include <test/testlib.h>

#define KNOWN_MAX       16384           /* different disks of a workload; a power of two */
#define DEPTH_MAX       2
#define RECORD_LIMIT    200             /* a recovery, and the freeing of orphans */
#define TOLD            3               /* wrong states of a workload that are told; then it ends */

/* The numbers of marks in a recovery's record. */
enum { EXTRA_BEGUN, EXTRA_DURABLE };
#define EXTRA_NAME      "z"

/* Which of the disks of a workload are samples: the first are crashes in the first transaction, and
   in its recovery; later ones come from all over the record. */
static const size_t sampled[] = { 3, 11, 40, 130 };

/* What is known of a disk. */
struct known {
    uint64_t hash;                      /* 0: nothing */
    struct tree tree;
    struct tree extra;                  /* behind one transaction more */
    bool sound;                         /* it could be mounted, and is right then */
    int levels;                         /* so many times over its recovery has been looked into */
};

struct explorer {
    struct history *history;
    struct crash_count *count;
    struct known *known;                /* a table of KNOWN_MAX, by hash */
    struct test_disk views[DEPTH_MAX + 1];      /* the state of each level */
    const struct crash_way *way;
    uint8_t **before;                   /* where the blocks are of a disk that will be a sample */
    bool sampling;                      /* there is one */
};

/* What is known of the disk with this hash, or the place for it. What stands in the way of another
   one is passed over: nothing is ever taken out, so a place without a hash ends the search. */
static struct known *find(const struct explorer *e, uint64_t hash)
{
    size_t i = hash % KNOWN_MAX;

    while (e->known[i].hash != 0 && e->known[i].hash != hash)
        i = (i + 1) % KNOWN_MAX;
    return &e->known[i];
}

/* The tree of a disk that is to be right. It is walked only if the checker finds nothing: that the
   walk can rely on. */
static struct tree read_tree(const struct explorer *e, const struct test_disk *view,
                             struct known *known)
{
    known->sound &= sfs_check(view, false) == 0;
    return known->sound ? tree_of_disk(view, e->history->workload->script[1] != NULL)
        : (struct tree){ { 0 } };
}

/* One transaction more: a file is made, or if it is there, removed. If there is no room for it,
   nothing happens. */
static int do_extra(struct filesystem *fs, struct test_disk *view)
{
    struct inode *root = fs->get_root(fs), *node;
    int error = vfs_unlink(root, EXTRA_NAME);

    if (error == -E_NOENT) {
        error = vfs_open(root, EXTRA_NAME, O_RDWR | O_CREAT, &node);
        if (error == 0)
            vfs_close(node, O_RDWR);
    }
    inode_put(root);
    /* A workload may have filled the disk; then the sync has nothing to do. */
    if (error == 0 || error == -E_NO_SPACE)
        error = fs->sync(fs);
    test_disk_mark(view, EXTRA_DURABLE);
    return error;
}

/* Does the superblock say of the disk's parts what the workload's says? Nothing changes them. */
static bool same_layout(const struct explorer *e, const struct test_disk *view)
{
    return memcmp(test_disk_block(view, 0), test_disk_block(&e->history->disk, 0),
                  offsetof(struct sfs_super, orphan)) == 0;
}

/* Only the kernel's recovery comes into the record. False: it has failed. */
static bool recover_alone(const struct explorer *e, struct test_disk *view)
{
    const struct sfs_super *super = test_disk_block(&e->history->disk, 0);
    uint32_t replayed = 0;
    int error = journal_recover(&view->device, super->journal_start, super->journal_blocks,
                                &replayed);

    /* The test's own transaction would follow whatever the superblock says. */
    if (error != 0 || !same_layout(e, view))
        return false;
    if (replayed > 0)
        own_transaction(view);
    /* The mount that comes next frees orphans, and commits that. */
    view->paused = true;
    return true;
}

/* What comes before the mount, where the test does a part of the kernel's work. */
static bool prepare(const struct explorer *e, struct test_disk *view)
{
    if (e->way->own_recovery)
        return same_layout(e, view) && own_recover(view);
    return !e->way->own_commit || recover_alone(e, view);
}

/* Mount, which recovers; check; read. Then the extra transaction, if there is a record with
   something in it. */
static void try_mount(const struct explorer *e, struct test_disk *view, struct known *known)
{
    struct filesystem *fs;
    const char *reason = "the disk was mounted";
    int error = sfs_mount(&view->device, &fs, &reason);

    known->sound = error == 0;
    if (error == 0) {
        /* Orphans are free now in memory, and with that on the disk. */
        error = fs->sync(fs);
        known->tree = known->extra = read_tree(e, view, known);
        if (e->sampling && known->sound)
            crash_sample(e->history->workload->title, e->before, view);
        if (known->sound && view->length > 0 && !e->way->own_commit) {
            test_disk_mark(view, EXTRA_BEGUN);
            if (error == 0)
                error = do_extra(fs, view);
            known->extra = read_tree(e, view, known);
        }
        int unmounted = fs->unmount(fs);
        if (unmounted != 0)
            error = unmounted;
        known->sound &= error == 0;
    }
    if (error != 0)
        cprintf("after a crash: %s, %s\n", error_name(error), reason);
}

/* A crash in a recovery, or in the transaction behind it: is this the tree that must be there? */
static bool recovered(const struct test_disk *view, const struct crash *crash,
                      const struct known *known, const struct tree *tree)
{
    bool seen[2] = { false, false };

    /* How far had it come when the power failed? */
    for (size_t i = 0; i < crash->length; i++)
        if (view->record[i].kind == RECORD_MARK)
            seen[view->record[i].block] = true;
    return (!seen[EXTRA_DURABLE] && memcmp(tree, &known->tree, sizeof(*tree)) == 0)
        || (seen[EXTRA_BEGUN] && memcmp(tree, &known->extra, sizeof(*tree)) == 0);
}

/* Tell which crash it was. */
static void tell(struct explorer *e, int level, const struct crash *crash, const char *what)
{
    e->count->wrong++;
    cprintf("%s: crash %d, behind entry %lu, kind %d, odd entry %lu: %s\n",
            e->history->workload->title, level + 1, crash->length, crash->kind, crash->odd, what);
}

/* Will this disk, which was not mounted yet, be a sample? Then it must be known afterwards where
   its blocks were: a mount writes elsewhere, so they stay what they are. */
static void choose(struct explorer *e, const struct test_disk *view)
{
    e->sampling = false;
    for (size_t i = 0; i < ARRAY_SIZE(sampled); i++)
        e->sampling |= e->count->mounted == sampled[i];
    memcpy(e->before, view->at, view->device.blocks * sizeof(*e->before));
}

/* Mount the state of this level, which may have been done before, but not with a record. */
static void find_out(struct explorer *e, struct known *known, int level)
{
    struct test_disk *view = &e->views[level];

    choose(e, view);
    known->levels = e->way->depth - level;
    if (known->levels > 0)
        test_disk_record(view, RECORD_LIMIT);
    if (prepare(e, view))
        try_mount(e, view, known);
}

/* Build a crash of a disk with a record, and find out what is there after it. The result lies in
   the table. A disk that was seen is mounted again only if it was then too deep for a look into its
   recovery:

       level 0     a crash of the workload
       level 1         of the recovery from that, which has its record in views[0]
       level 2             and of the recovery from this one: views[1] */
static const struct known *look(struct explorer *e, struct test_disk *disk,
                                const struct crash *crash, int level)
{
    struct test_disk *view = &e->views[level];
    struct crash inner = crash_first();

    crash_build(disk, crash, view);
    uint64_t hash = test_disk_hash(view) ?: 1;
    /* The same disk comes from many crashes: if what was lost had the same bytes as before, nobody
       can tell. To mount it once is enough. */
    struct known *known = find(e, hash);
    e->count->states++;
    if (known->hash != 0 && known->levels >= e->way->depth - level)
        return known;
    if (known->hash == 0 && ++e->count->different == KNOWN_MAX / 2)
        panic("a workload has too many states");
    e->count->mounted++;
    known->hash = hash;
    find_out(e, known, level);
    if (!known->sound)
        tell(e, level, crash, "the disk is not as docs/sfs.md says");
    e->count->finished += view->length > 0;
    /* Without a record, or with nothing in it, there is no crash to look at. */
    while (known->sound && e->count->wrong < TOLD && view->length > 0
           && crash_next(view, &inner)) {
        const struct known *after = look(e, view, &inner, level + 1);

        if (after->sound && !recovered(view, &inner, known, &after->tree))
            tell(e, level + 1, &inner, "the tree is not the one of the first recovery");
    }
    test_disk_forget(view);
    return known;
}

void crash_explore(struct history *history, const struct crash_way *way, struct crash_count *count)
{
    struct crash crash = crash_first();
    struct explorer e = {
        .history = history, .count = count, .way = way,
        .known = kmalloc(KNOWN_MAX * sizeof(*e.known)),
        .before = kmalloc(history->workload->blocks * sizeof(*e.before)),
    };

    assert(history->workload->blocks <= CRASH_BLOCKS);
    assert(e.known != NULL && e.before != NULL && way->depth <= DEPTH_MAX);
    *count = (struct crash_count){ 0 };
    memset(e.known, 0, KNOWN_MAX * sizeof(*e.known));
    for (int i = 0; i <= way->depth; i++)
        test_disk_create(&e.views[i], history->workload->blocks);
    do {
        const struct known *known = look(&e, &history->disk, &crash, 0);

        if (known->sound && !history_allows(history, crash.length, &known->tree))
            tell(&e, 0, &crash, "the tree is none that the workload passed through");
    } while (count->wrong < TOLD && crash_next(&history->disk, &crash));
    for (int i = 0; i <= way->depth; i++)
        test_disk_destroy(&e.views[i]);
    kfree(e.known);
    kfree(e.before);
}
