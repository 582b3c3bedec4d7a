/* Exercise 8.6: the commit of a transaction. A disk that keeps a record of what is written to it
   shows in which order, and what lies between two flushes: within such an epoch a disk may write in
   any order, or lose some of it when the power fails.

       epoch        1                   2               3            4
       is written   the log, the list   commit record   home, each   the record,
                    of homes            of n blocks     block        of 0 blocks

   Nothing is recovered here, so that part of 8.6 may be blank: see journal_recovery.c for it, and
   journal_crash.c for crashes. Alone: make grade TEST="journal-commit*" */
#include <error.h>
#include <fs/journal.h>
#include <fs/sfs_format.h>
#include <report.h>
#include <string.h>
#include <test/disk_record.h>
#include <test/testlib.h>

#define BLOCKS      40
#define JOURNAL     1                   /* where it starts */
#define ROOM        10                  /* blocks in its log */
#define LOG         (JOURNAL + 2)
#define EPOCHS      4

static struct test_disk disk;
static uint32_t sequence;               /* of the last commit record that was seen */

/* A disk of zeros with an empty journal, in use. It looks like this:

     block 0    1              2               3 ... 12   13 ... 39
                commit record  list of homes   the log    blocks that a test changes

   It was used before: 41 transactions are over. */
static void open_disk(void)
{
    test_disk_create(&disk, BLOCKS);
    *(struct sfs_commit *)test_disk_block(&disk, JOURNAL)
        = (struct sfs_commit){ .magic = SFS_JOURNAL_MAGIC, .sequence = 41 };
    sequence = 41;
    assert_eq(cache_open(&disk.device), 0);
    assert_eq(journal_open(&disk.device, JOURNAL, ROOM + 2), 0);
}

/* Fill n blocks from `first` on with a byte, in one transaction. */
static void change_blocks(uint32_t first, uint32_t n, uint8_t byte)
{
    assert_eq(journal_begin(n), 0);
    for (uint32_t i = 0; i < n; i++) {
        int error;
        struct cached_block *entry = cache_get(first + i, &error);

        assert(entry != NULL);
        journal_write(entry);
        memset(cache_data(entry), byte + i, BLOCK_SIZE);
        cache_put(entry);
    }
    journal_end();
}

/* Where an epoch of the record begins, counted from 0: behind the flush before it. If there are
   fewer flushes it is the end, so then nothing is found in it. */
static size_t start_of(int epoch)
{
    size_t i = 0;

    for (; i < disk.length && epoch > 0; i++)
        epoch -= disk.record[i].kind == RECORD_FLUSH;
    return i;
}

/* The write of this block in an epoch, NULL if there is none. The last of several is what counts.
   *n is how many writes the epoch has. */
static const struct record_entry *written(int epoch, uint32_t block, uint32_t *n)
{
    const struct record_entry *found = NULL;

    *n = 0;
    for (size_t i = start_of(epoch); i < disk.length && disk.record[i].kind == RECORD_WRITE; i++) {
        if (disk.record[i].block == block)
            found = &disk.record[i];
        ++*n;
    }
    return found;
}

/* Is what was written the commit record of `count` blocks, alone in its epoch? */
static void check_record(int epoch, uint32_t count, const char *alone)
{
    uint32_t n;
    const struct record_entry *entry = written(epoch, JOURNAL, &n);
    const struct sfs_commit *record = entry != NULL ? page2kva(entry->page) : NULL;

    /* With something else in its epoch it could be on the disk without that. */
    check(alone, entry != NULL && n == 1);
    if (record == NULL)
        return;
    check_eq("the commit record tells how many blocks the log has; 0: there is nothing to be done",
             record->count, count);
    check_eq("it has the magic number", record->magic, SFS_JOURNAL_MAGIC);
    if (count > 0)
        check_eq("each transaction has the next sequence number", record->sequence, ++sequence);
}

/* Commit n changed blocks, and look at what the disk was given. */
static void try_commit(uint32_t first, uint32_t count, uint8_t byte)
{
    uint32_t n, flushes = 0, in_log = 0, at_home = 0;
    const struct record_entry *list;

    change_blocks(first, count, byte);
    test_disk_record(&disk, 200);
    check_eq("there is a commit", journal_commit(), 0);
    /* Epoch 1: nothing counts yet, so all of it may go in any order. */
    list = written(0, JOURNAL + 1, &n);
    check("the list of homes is written before the first flush", list != NULL);
    check_eq("with the log, and nothing else", n, count + 1);
    for (uint32_t i = 0; i < count && list != NULL; i++) {
        uint32_t home = ((const struct sfs_homes *)page2kva(list->page))->home[i];
        const struct record_entry *entry = written(0, LOG + i, &n);

        /* Each block once, in any order. */
        in_log += entry != NULL && home >= first && home < first + count &&
            *(uint8_t *)page2kva(entry->page) == (uint8_t)(byte + home - first);
    }
    /* With another order of the two recovery would put a block where another one belongs. */
    check_eq("block i of the log has what belongs to home[i]", in_log, count);
    /* Epoch 2: from the moment on at which this is on the disk, the transaction has happened. */
    check_record(1, count, "then the commit record is written, alone between two flushes");
    /* Epoch 3: if the power fails here, recovery writes the same once more. */
    for (uint32_t i = 0; i < count; i++)
        at_home += written(2, first + i, &n) != NULL
                   && *(uint8_t *)test_disk_block(&disk, first + i) == (uint8_t)(byte + i);
    check_eq("then each block goes home", at_home, count);
    check_eq("and nothing else is written meanwhile", n, count);
    /* Epoch 4: without this flush the next log would be written while a record speaks of it. */
    check_record(3, 0, "then the record is cleared, when all is at home for sure");
    for (size_t i = 0; i < disk.length; i++)
        flushes += disk.record[i].kind == RECORD_FLUSH;
    check_eq("each epoch ends with one flush", flushes, EPOCHS);
    check("the last one too", disk.length > 0
          && disk.record[disk.length - 1].kind == RECORD_FLUSH);
}

/* Transactions of different size, one after the other: each log begins at its start. */
static void test_commit(void)
{
    struct inventory before = inventory_take();

    open_disk();
    /* Without a journal more blocks may be changed in one transaction than any log here has. */
    check_eq("the journal is on: its log says how much a transaction may change", journal_limit(),
             ROOM);
    try_commit(20, 3, 'a');
    /* One of the same blocks: what the log had before is still there, behind it. */
    try_commit(20, 1, 'k');
    /* As many as the log has room for. */
    try_commit(21, ROOM, 'o');
    try_commit(0, 1, 'z');
    check_eq("the disk is closed", test_close_journal(), 0);
    test_disk_destroy(&disk);
    inventory_same(&before, "the test of a commit");
}

SELFTEST("journal-commit", test_commit);

/* Which epoch a write belongs to tells its block, and of the record the count:

     record    1, or 3 without blocks        homes and log    0        elsewhere    2

   Was anything written that belongs to an epoch behind the one in which a request has failed? */
static bool goes_on_after(uint32_t epoch)
{
    for (size_t i = 0; i < disk.length; i++) {
        const struct record_entry *entry = &disk.record[i];
        uint32_t of = 0;

        if (entry->kind != RECORD_WRITE)
            continue;
        if (entry->block == JOURNAL)
            of = ((const struct sfs_commit *)page2kva(entry->page))->count > 0 ? 1 : 3;
        else if (entry->block >= LOG + ROOM)
            of = 2;
        if (of > epoch)
            return true;
    }
    return false;
}

/* The 13 requests of such a commit, and the epochs that they are in; W is a write, F a flush:

     1     2     3     4        5      6        7      8   9   10     11     12       13
     W     W     W     W        F      W        F      W   W   W      F      W        F
     log   log   log   list            record          home, three           record

   If a flush fails nobody knows which of the writes before it are on the disk: then it is as if
   each of them had failed. */

/* Each request of a commit of three blocks fails once: what comes behind it must not be written,
   because it says that all before is there. */
static void test_commit_errors(void)
{
    /* How many requests there are up to the end of each epoch: its writes, and the flush. */
    static const uint32_t ends[EPOCHS] = { 3 + 1 + 1, 7, 7 + 3 + 1, 13 };
    struct inventory before = inventory_take();
    uint32_t epoch = 0;

    for (uint32_t request = 1; request <= ends[EPOCHS - 1]; request++) {
        /* A disk for each: after an error it is not believed any more. */
        epoch += request > ends[epoch];
        open_disk();
        change_blocks(20, 3, 'a');
        test_disk_record(&disk, 200);
        disk.fail_at = disk.requests + request;
        check_eq("an error of the disk is the result of the commit", journal_commit(), -E_IO);
        disk.fail_at = 0;
        check("nothing is written that stands on what has failed", !goes_on_after(epoch));
        check_eq("the disk is not believed any more", test_close_journal(), -E_IO);
        test_disk_destroy(&disk);
    }
    /* A commit with more requests than these would have some that never failed. */
    open_disk();
    change_blocks(20, 3, 'a');
    disk.fail_at = disk.requests + ends[EPOCHS - 1] + 1;
    check_eq("there are no more requests than these", journal_commit(), 0);
    disk.fail_at = 0;
    check_eq("the disk is closed", test_close_journal(), 0);
    test_disk_destroy(&disk);
    inventory_same(&before, "commits that fail");
}

SELFTEST("journal-commit-errors", test_commit_errors);
