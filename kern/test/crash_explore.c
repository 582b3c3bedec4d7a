/* All crashes of a workload; see crash.h.

   Each crash that the record can tell of is a state of the disk. Many are the same disk: so what
   was found out about a disk is kept, by its hash, for as long as the workload is looked at. What
   may be found depends on the crash; what is found depends on the disk alone.

   A recovery writes too, and the power may fail again meanwhile. Whatever it had done by then, the
   next one must come to the same tree: the transaction was there as a whole, or it was not. */
#include <error.h>
#include <mm/kmalloc.h>
#include <riscv/sbi.h>
#include <string.h>
#include <test/crash.h>
#include <test/sfs_disk.h>
#include <test/testlib.h>

#define KNOWN_MAX       8192            /* different disks of a workload; a power of two */
#define DEPTH_MAX       2
#define RECORD_LIMIT    200             /* a recovery, and the freeing of orphans */
#define TOLD            3               /* wrong states of a workload that are told; then it ends */

/* What is known of a disk. */
struct known {
    uint64_t hash;                      /* 0: nothing */
    struct tree tree;
    bool sound;                         /* it could be mounted, and is right then */
};

struct explorer {
    struct history *history;
    struct crash_count *count;
    struct known *known;
    struct test_disk views[DEPTH_MAX + 1];
    int depth;
};

/* What is known of the disk with this hash, or the place for it. */
static struct known *find(const struct explorer *e, uint64_t hash)
{
    size_t i = hash % KNOWN_MAX;

    while (e->known[i].hash != 0 && e->known[i].hash != hash)
        i = (i + 1) % KNOWN_MAX;
    return &e->known[i];
}

/* Mount, which recovers; unmount; check; read. */
static void try_mount(const struct explorer *e, struct test_disk *view, struct known *known)
{
    struct filesystem *fs;
    const char *reason;
    int error = sfs_mount(&view->device, &fs, &reason) ?: fs->unmount(fs);

    if (error != 0)
        cprintf("after a crash: %s, %s\n", error_name(error), reason);
    known->sound = error == 0 && sfs_check(view, false) == 0;
    if (known->sound)
        known->tree = tree_of_disk(view, e->history->workload->script[1] != NULL);
}

/* Tell which crash it was. */
static void tell(struct explorer *e, int level, const struct crash *crash, const char *what)
{
    e->count->wrong++;
    cprintf("%s: crash %d, behind entry %lu, kind %d, odd entry %lu: %s\n",
            e->history->workload->title, level + 1, crash->length, crash->kind, crash->odd, what);
}

/* Build a crash of a disk with a record, and find out what is there after it. The result lies in
   the table. */
static const struct known *look(struct explorer *e, struct test_disk *disk,
                                const struct crash *crash, int level)
{
    struct test_disk *view = &e->views[level];
    struct known *known;
    struct crash inner = crash_first();

    crash_build(disk, crash, view);
    uint64_t hash = test_disk_hash(view);
    known = find(e, hash);
    e->count->states++;
    if (known->hash != 0)
        return known;
    if (++e->count->mounted % KNOWN_MAX == KNOWN_MAX - 1)
        panic("a workload has too many states");
    known->hash = hash;
    if (level < e->depth)
        test_disk_record(view, RECORD_LIMIT);
    try_mount(e, view, known);
    if (!known->sound)
        tell(e, level, crash, "the disk is not as docs/sfs.md says");
    if (level == e->depth || view->length == 0) {
        test_disk_forget(view);
        return known;
    }
    e->count->finished++;
    while (known->sound && e->count->wrong < TOLD && crash_next(view, &inner)) {
        const struct known *after = look(e, view, &inner, level + 1);

        if (after->sound && memcmp(&after->tree, &known->tree, sizeof(after->tree)) != 0)
            tell(e, level + 1, &inner, "another crash makes another state");
    }
    test_disk_forget(view);
    return known;
}

void crash_explore(struct history *history, int depth, struct crash_count *count)
{
    struct crash crash = crash_first();
    struct explorer e = {
        .history = history, .count = count, .depth = depth,
        .known = kmalloc(KNOWN_MAX * sizeof(*e.known)),
    };

    assert(e.known != NULL && depth <= DEPTH_MAX);
    *count = (struct crash_count){ 0 };
    memset(e.known, 0, KNOWN_MAX * sizeof(*e.known));
    for (int i = 0; i <= depth; i++)
        test_disk_create(&e.views[i], history->workload->blocks);
    do {
        const struct known *known = look(&e, &history->disk, &crash, 0);

        if (known->sound && !history_allows(history, crash.length, &known->tree))
            tell(&e, 0, &crash, "the tree is none that the workload passed through");
    } while (count->wrong < TOLD && crash_next(&history->disk, &crash));
    for (int i = 0; i <= depth; i++)
        test_disk_destroy(&e.views[i]);
    kfree(e.known);
}
