/* The journal after a crash: what its commit record says is finished before anything else of the
   disk is believed.

   On the disk the journal looks like this; sfs_format.h has its structs:

       start           start + 1        start + 2 ...
       commit record   list of homes    the log: block i of it belongs to block home[i]

   A disk may come from anywhere, so no number that is read is used before it was looked at. All is
   done in the task that mounts, with three pages; there is no cache yet, and no lock is needed. */
#include <error.h>
#include <fs/journal.h>
#include <fs/sfs_format.h>

/* Does a record of `count` > 0 blocks, with its list of homes, say what the journal could have
   written? The journal has `blocks` blocks from `start` on. */
static bool record_is_sound(const struct sfs_commit *record, const struct sfs_homes *homes,
                            const struct block_device *device, uint32_t start, uint32_t blocks)
{
    /* EXERCISE 8.6 begin: record_is_sound */
    /* How many: no difference is computed that could wrap around. */
    if (record->count > SFS_JOURNAL_HOMES || record->count > blocks - SFS_JOURNAL_LOG)
        return false;
    /* Where to. A home in front of the journal makes a difference that is larger than any. */
    for (uint32_t i = 0; i < record->count; i++) {
        if (homes->home[i] >= device->blocks || homes->home[i] - start < blocks)
            return false;
        for (uint32_t j = 0; j < i; j++)        /* which of two would be the newer one? */
            if (homes->home[j] == homes->home[i])
                return false;
    }
    return true;
    /* EXERCISE 8.6 end */
}

/* What is there, with a record of two blocks:

       commit record    list of homes    the log             elsewhere
       count 2          home[0] 77       content of 77       77: old, new, or a part of both
                        home[1] 52       content of 52       52: the same

   Do again what a sound record says: copy the log home, and clear the record. three[0] has the
   record, three[1] the list of homes, and three[2] is free to be used. */
static int finish(struct block_device *device, uint32_t start, struct Page *three)
{
    /* EXERCISE 8.6 begin: finish */
    struct sfs_commit *record = page2kva(three);
    const struct sfs_homes *homes = page2kva(three + 1);
    int error = 0;

    for (uint32_t i = 0; i < record->count && error == 0; i++)
        error = block_read(device, start + SFS_JOURNAL_LOG + i, three + 2)
                ?: block_write(device, homes->home[i], three + 2);
    /* If the power fails before this flush the record is still there, and all is done again: the
       log does not change. */
    error = error ?: block_flush(device);
    if (error != 0)
        return error;
    /* Flushed too: else the next transaction would be written over a log of which the record still
       speaks. */
    record->count = 0;
    return block_write(device, start, three) ?: block_flush(device);
    /* EXERCISE 8.6 end */
}

/* With the three pages that it needs: see journal_recover(). A disk without the magic number has no
   journal, and one whose record is empty was unmounted, or has nothing half done. */
static int recover(struct block_device *device, uint32_t start, uint32_t blocks,
                   struct Page *three, uint32_t *replayed)
{
    const struct sfs_commit *record = page2kva(three);
    int error = block_read(device, start, three) ?: block_read(device, start + 1, three + 1);
    uint32_t count;

    if (error != 0)
        return error;
    if (record->magic != SFS_JOURNAL_MAGIC)
        return -E_INVAL;
    count = record->count;
    if (count == 0)
        return 0;
    if (!record_is_sound(record, page2kva(three + 1), device, start, blocks))
        return -E_INVAL;
    if (device->read_only)
        return -E_ROFS;
    error = finish(device, start, three);
    if (error == 0)
        *replayed = count;
    return error;
}

/* The pages are given back before anything else is done: a mount needs memory of its own. */
int journal_recover(struct block_device *device, uint32_t start, uint32_t blocks,
                    uint32_t *replayed)
{
    struct Page *three = blocks > SFS_JOURNAL_LOG ? alloc_pages(3) : NULL;
    int error = blocks > SFS_JOURNAL_LOG ? -E_NO_MEM : 0;

    *replayed = 0;
    if (three != NULL) {
        error = recover(device, start, blocks, three, replayed);
        free_pages(three, 3);
    }
    return error;
}
