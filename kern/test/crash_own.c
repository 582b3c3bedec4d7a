/* Commit and recovery of the test's own, so that each of the kernel's can be looked at without the
   other: see crash.h. Both are written from docs/sfs.md, and as simple as can be.

   A record can be made anew. What a workload has brought home between two syncs becomes one
   transaction, written in the right order. For that it does not matter in what order the kernel has
   written: so the kernel's recovery is tried with the records of a kernel that has no journal. */
#include <fs/sfs_format.h>
#include <mm/kmalloc.h>
#include <string.h>
#include <test/crash.h>
#include <test/testlib.h>

/* Where a record is made anew, with W a write home, S the mark of a sync:

     old record     W W   W W W  S   W W  S            as the kernel has brought blocks home
     new record     (log F record F W W F clear F) S (...) S         each block once

   The marks between are kept, in their order. */

#define LOG     2                       /* blocks of the journal before its log */

/* The superblock of a disk. It is believed: the caller has compared it with what it must be. */
static const struct sfs_super *super_of(const struct test_disk *disk)
{
    return test_disk_block(disk, 0);
}

/* Write the commit record of a disk, whose journal begins at block `start`. */
static void put_record(struct test_disk *disk, uint32_t start, uint32_t count, struct Page *page)
{
    struct sfs_commit *record = page2kva(page);

    /* The rest of the block stays what it is. */
    memcpy(record, test_disk_block(disk, start), BLOCK_SIZE);
    record->count = count;
    record->sequence += count > 0;
    test_disk_write(disk, start, record);
    test_disk_flush(disk);
}

/* Is there a transaction of so many blocks, whose homes are not in the journal? */
static bool is_sound(const struct test_disk *disk, const struct sfs_super *super,
                     const struct sfs_homes *homes, uint32_t count)
{
    if (count > super->journal_blocks - LOG)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (homes->home[i] >= disk->device.blocks
            || homes->home[i] - super->journal_start < super->journal_blocks)
            return false;
    return true;
}

bool own_recover(struct test_disk *disk)
{
    uint32_t start = super_of(disk)->journal_start;
    const struct sfs_commit *record = test_disk_block(disk, start);
    const struct sfs_homes *homes = test_disk_block(disk, start + 1);
    struct Page *page = alloc_page();
    uint32_t count = record->count;
    bool sound = record->magic == SFS_JOURNAL_MAGIC
                 && is_sound(disk, super_of(disk), homes, count);

    assert(page != NULL);
    /* Where the record is a wrong one, the test fails; but it must not panic by it. */
    for (uint32_t i = 0; i < count && sound; i++)
        test_disk_write(disk, homes->home[i], test_disk_block(disk, start + LOG + i));
    if (count > 0 && sound)
        put_record(disk, start, 0, page);
    free_page(page);
    return sound;
}

/* Bring these blocks, of which new[] has the content, to the disk as one transaction. */
static void commit(struct test_disk *disk, struct Page *const *new, uint32_t blocks,
                   struct Page *page)
{
    uint32_t start = super_of(disk)->journal_start, count = 0;
    struct sfs_homes *homes = page2kva(page + 1);

    /* The first page is for the record, the second for the list. It is in the
       order of the blocks' numbers: the kernel may have another one, and that must not matter. */
    memset(homes, 0, BLOCK_SIZE);
    for (uint32_t block = 0; block < blocks; block++)
        if (new[block] != NULL) {
            homes->home[count] = block;
            test_disk_write(disk, start + LOG + count++, page2kva(new[block]));
        }
    test_disk_write(disk, start + 1, homes);
    test_disk_flush(disk);
    /* From here on it has happened. */
    put_record(disk, start, count, page);
    for (uint32_t block = 0; block < blocks; block++)
        if (new[block] != NULL)
            test_disk_write(disk, block, page2kva(new[block]));
    test_disk_flush(disk);
    put_record(disk, start, 0, page);
}

void own_transaction(struct test_disk *disk)
{
    uint32_t map = super_of(disk)->map_start;
    struct Page *new[CRASH_BLOCKS] = { NULL }, *three = alloc_pages(3);

    /* Two pages for the commit, and the block. */
    assert(three != NULL);
    new[map] = three + 2;
    memcpy(page2kva(new[map]), test_disk_block(disk, map), BLOCK_SIZE);
    commit(disk, new, map + 1, three);
    free_pages(three, 3);
}

/* The commits of a new record, from the entries of an old one. new[] has what was brought home
   since the last commit. False if a transaction does not fit into the log. */
static bool copy_record(const struct test_disk *from, struct test_disk *to, struct Page **new,
                        struct Page *page)
{
    const struct sfs_super *super = super_of(from);
    uint32_t count = 0;

    for (size_t i = 0; i < from->length; i++) {
        const struct record_entry *entry = &from->record[i];

        if (entry->kind == RECORD_WRITE
            && entry->block - super->journal_start >= super->journal_blocks) {
            /* A block that is written twice counts once, with what it has at the end. */
            count += new[entry->block] == NULL;
            new[entry->block] = entry->page;
        } else if (entry->kind == RECORD_MARK) {
            /* A kernel without a journal may bring home more between two syncs than a log holds. */
            if (count > super->journal_blocks - LOG)
                return false;
            /* What was done is on the disk before it is told so. */
            if (crash_mark_is_durable(entry->block) && count > 0) {
                commit(to, new, from->device.blocks, page);
                memset(new, 0, from->device.blocks * sizeof(*new));
                count = 0;
            }
            test_disk_mark(to, entry->block);
        }
    }
    return true;
}

bool own_record(struct history *history)
{
    struct test_disk *old = &history->disk, made;
    uint32_t blocks = old->device.blocks;
    struct Page **new = kmalloc(blocks * sizeof(*new)), *page = alloc_pages(2);

    assert(new != NULL && page != NULL);
    memset(new, 0, blocks * sizeof(*new));
    /* The new disk begins as the old one did, and has a record of its own. */
    test_disk_create(&made, blocks);
    for (uint32_t block = 0; block < blocks; block++)
        memcpy(test_disk_block(&made, block), old->base[block], BLOCK_SIZE);
    test_disk_hash(&made);
    test_disk_record(&made, 2 * old->limit);
    bool done = copy_record(old, &made, new, page);
    kfree(new);
    free_pages(page, 2);
    /* One of them goes, with its record. */
    test_disk_destroy(done ? old : &made);
    if (done)
        *old = made;
    return done;
}
