/* The journal and power failures: whenever the power fails, the disk is as it was after some number
   of whole transactions, and none is missing that a commit has told to be there.

   A workload of a few transactions runs once, on a disk that keeps a record (test/disk_record.h),
   with marks where a transaction ended and where a commit returned. Then the disk is built as it
   may be after a crash at each place of the record, the journal is recovered, and each block is
   compared with what it was after each number of transactions. The same is done with crashes in the
   recovery itself, and in the first transaction after it.

   A block's content tells its number and the step of the workload that wrote it. What each check
   finds is told beside it. Alone: make grade GRADE=--all TEST=journal-crash */
#include <error.h>
#include <fs/journal.h>
#include <fs/sfs_format.h>
#include <report.h>
#include <string.h>
#include <test/disk_record.h>
#include <test/testlib.h>

#define BLOCKS          40
#define JOURNAL         1               /* where it starts */
#define JOURNAL_BLOCKS  12              /* so ten blocks fit into a transaction */
#define STEPS           9
#define EXTRA           (STEPS + 1)     /* the step that comes after a recovery */
#define RECORD_LIMIT    400

/* Marks: a transaction ended, or a commit returned, after this many steps. */
#define ENDED(step)     (2 * (step))
#define DURABLE(step)   (2 * (step) + 1)

/* What each step changes: a range of blocks, and one more; whether a commit follows. The third
   fills the log; 4 and 5 share a transaction with 6; for the eighth there is no room before a
   commit, which begin does. Block 0 and the last one are homes like others. */
static const struct step {
    uint32_t first, count, other;
    bool commit;
} steps[] = {
    { 0, 0, 0, false },
    { 20, 1, 20, true }, { 20, 3, 0, true }, { 21, 9, 39, true },
    { 21, 1, 0, false }, { 21, 2, 30, false }, { 30, 1, 21, true },
    { 24, 6, 0, false }, { 30, 6, 39, false }, { 20, 2, 35, false },
    { 20, 6, 39, true },                /* EXTRA */
};

static struct test_disk disk, crashed, again;
static bool by_hand;                    /* a record is finished by the test, not by the kernel */
/* By which step each block was written last, after each step. */
static uint8_t model[STEPS + 1][BLOCKS];
static size_t states, finished;

/* Word i of a block that a step has written. */
static uint64_t word(uint32_t block, uint32_t step, size_t i)
{
    return (uint64_t)step << 32 | block << 16 | i;
}

/* Change a block, by the step of this number. The journal is told before and after. */
static void write_block(uint32_t block, uint32_t step)
{
    int error;
    struct cached_block *entry = cache_get(block, &error);

    assert(entry != NULL);
    journal_write(entry);
    for (size_t i = 0; i < BLOCK_SIZE / sizeof(uint64_t); i++)
        ((uint64_t *)cache_data(entry))[i] = word(block, step, i);
    journal_write(entry);
    cache_put(entry);
}

/* A step of the workload, on this disk. */
static void do_step(struct test_disk *on, uint32_t number)
{
    const struct step *step = &steps[number];

    assert_eq(journal_begin(step->count + 1), 0);
    for (uint32_t i = 0; i < step->count; i++)
        write_block(step->first + i, number);
    write_block(step->other, number);
    journal_end();
    test_disk_mark(on, ENDED(number));
    if (step->commit) {
        assert_eq(journal_commit(), 0);
        test_disk_mark(on, DURABLE(number));
    }
}

/* Begin to use the journal of a disk, and end it. */
static void mount(struct test_disk *on)
{
    assert_eq(cache_open(&on->device), 0);
    assert_eq(journal_open(&on->device, JOURNAL, JOURNAL_BLOCKS), 0);
}

static void unmount(void)
{
    assert_eq(journal_close(), 0);
    cache_close();
}

/* Make the disk, with each block as of step 0 and an empty journal; do the workload; note what it
   has made of each block. */
static void record_workload(void)
{
    test_disk_create(&disk, BLOCKS);
    for (uint32_t block = 0; block < BLOCKS; block++)
        for (size_t i = 0; i < BLOCK_SIZE / sizeof(uint64_t); i++)
            ((uint64_t *)test_disk_block(&disk, block))[i] = word(block, 0, i);
    memset(test_disk_block(&disk, JOURNAL), 0, BLOCK_SIZE);
    ((struct sfs_commit *)test_disk_block(&disk, JOURNAL))->magic = SFS_JOURNAL_MAGIC;
    /* From here on all that is written is kept. */
    test_disk_record(&disk, RECORD_LIMIT);
    mount(&disk);
    for (uint32_t step = 1; step <= STEPS; step++) {
        do_step(&disk, step);
        memcpy(model[step], model[step - 1], BLOCKS);
        memset(&model[step][steps[step].first], step, steps[step].count);
        model[step][steps[step].other] = step;
    }
    unmount();
    test_disk_mark(&disk, DURABLE(STEPS));
}

/* Was this block of the disk written by that step, as a whole? */
static bool block_is(const struct test_disk *of, uint32_t block, uint32_t step)
{
    const uint64_t *data = test_disk_block(of, block);

    for (size_t i = 0; i < BLOCK_SIZE / sizeof(uint64_t); i++)
        if (data[i] != word(block, step, i))
            return false;
    return true;
}

/* Is the disk as after this number of steps, and then perhaps EXTRA? */
static bool disk_is(const struct test_disk *of, uint32_t step, bool extra)
{
    const struct step *last = &steps[EXTRA];

    for (uint32_t block = 0; block < BLOCKS; block++) {
        bool changed = extra && (block == last->other || block - last->first < last->count);

        if (block - JOURNAL >= JOURNAL_BLOCKS
            && !block_is(of, block, changed ? EXTRA : model[step][block]))
            return false;
    }
    return true;
}

/* The last of the marks that tell of this (ENDED(0) or DURABLE(0)) before a crash; `none` if there
   is none. */
static uint32_t last_mark(const struct test_disk *of, size_t length, uint32_t kind, uint32_t none)
{
    while (length-- > 0)
        if (of->record[length].kind == RECORD_MARK && of->record[length].block % 2 == kind)
            return of->record[length].block / 2;
    return none;
}

/* What recovery is for, in the disk's memory. The record must be one that the journal may write. */
static bool recover_by_hand(struct test_disk *on, uint32_t *replayed)
{
    struct sfs_commit *record = test_disk_block(on, JOURNAL);
    const struct sfs_homes *homes = test_disk_block(on, JOURNAL + 1);

    *replayed = record->count;
    for (uint32_t i = 0; i < record->count; i++) {
        if (i >= JOURNAL_BLOCKS - 2 || homes->home[i] >= BLOCKS)
            return false;
        memcpy(test_disk_block(on, homes->home[i]), test_disk_block(on, JOURNAL + 2 + i),
               BLOCK_SIZE);
    }
    record->count = 0;
    return true;
}

/* Recover the disk. *replayed blocks came home. The second time there must be nothing to do. */
static bool recover(struct test_disk *on, uint32_t *replayed)
{
    if (by_hand)
        return recover_by_hand(on, replayed);

    uint32_t none = 1;
    bool right = journal_recover(&on->device, JOURNAL, JOURNAL_BLOCKS, replayed) == 0;

    return right && journal_recover(&on->device, JOURNAL, JOURNAL_BLOCKS, &none) == 0
           && none == 0;
}

/* Recover a disk after a crash. Is it as after some step from `first` to `last`? If not, it is told
   which crash it was. */
static bool survives(struct test_disk *on, const struct crash *crash, uint32_t first,
                     uint32_t last, uint32_t *replayed)
{
    states++;
    if (recover(on, replayed)) {
        finished += *replayed > 0;
        for (uint32_t step = first; step <= last; step++)
            if (disk_is(on, step, false))
                return true;
    }
    cprintf("a crash behind entry %lu, kind %d, odd entry %lu: not as after step %u to %u\n",
            crash->length, crash->kind, crash->odd, first, last);
    return false;
}

/* The disk `crashed` has a transaction to finish: recover it with a record, do one more
   transaction, and look at the crashes in there. The transaction is there as a whole, if its commit
   has returned; and not, if it has not begun. Returns how many states are wrong. */
static size_t crash_in_recovery(uint32_t first, uint32_t last)
{
    struct crash crash = crash_first();
    size_t wrong = 0;
    uint32_t replayed;

    test_disk_record(&crashed, RECORD_LIMIT);
    recover(&crashed, &replayed);
    mount(&crashed);
    do_step(&crashed, EXTRA);
    unmount();
    do {
        /* Where is the crash: before, in, or behind the transaction that came after recovery? */
        bool ended = last_mark(&crashed, crash.length, ENDED(0), 0) == EXTRA;
        bool durable = last_mark(&crashed, crash.length, DURABLE(0), 0) == EXTRA;
        bool right = false;

        crash_build(&crashed, &crash, &again);
        states++;
        if (recover(&again, &replayed))
            for (uint32_t step = first; step <= last; step++)
                right |= (!durable && disk_is(&again, step, false))
                         || (ended && disk_is(&again, step, true));
        wrong += !right;
    } while (crash_next(&crashed, &crash));
    return wrong;
}

/* All crashes of the workload; how many of each kind are wrong. */
static void try_crashes(size_t wrong[CRASH_KINDS], size_t *wrong_in_recovery)
{
    struct crash crash = crash_first();

    do {
        uint32_t first = last_mark(&disk, crash.length, DURABLE(0), 0);
        uint32_t last = last_mark(&disk, crash.length, ENDED(0), 0), replayed;

        /* Any state from what must be there to what may be there will do. */
        crash_build(&disk, &crash, &crashed);
        wrong[crash.kind] += !survives(&crashed, &crash, first, last, &replayed);
        /* Once for each transaction: when its record is on the disk, and nothing is home yet. */
        if (!by_hand && crash.kind == CRASH_ALL && replayed > 0
            && disk.record[crash.length - 1].kind == RECORD_FLUSH
            && disk.record[crash.length - 2].block == JOURNAL) {
            crash_build(&disk, &crash, &crashed);
            *wrong_in_recovery += crash_in_recovery(first, last);
            test_disk_destroy(&crashed);
            test_disk_create(&crashed, BLOCKS);
        }
    } while (crash_next(&disk, &crash));
}

/* Each list of homes in the record names each block once, and each commit record counts them. */
static bool homes_differ(void)
{
    for (size_t i = 0; i < disk.length; i++) {
        const struct record_entry *entry = &disk.record[i];
        uint8_t seen[BLOCKS] = { 0 };

        if (entry->kind != RECORD_WRITE || entry->block != JOURNAL + 1)
            continue;
        /* The next write of the record is the one that counts these homes. */
        const struct sfs_homes *homes = page2kva(entry->page);
        while (disk.record[i].kind != RECORD_WRITE || disk.record[i].block != JOURNAL)
            if (++i == disk.length)
                return false;
        const struct sfs_commit *record = page2kva(disk.record[i].page);
        for (uint32_t n = 0; n < record->count; n++)
            if (seen[homes->home[n]]++ > 0)
                return false;
    }
    return true;
}

/* In a kernel that is wrong each kind of crash tells something else: see the comments. */
static void test_journal_crash(void)
{
    struct inventory before = inventory_take();
    size_t wrong[CRASH_KINDS] = { 0 }, wrong_in_recovery = 0;

    /* One disk is worked on, the second is what a crash leaves of it, the third of that. */
    record_workload();
    test_disk_create(&crashed, BLOCKS);
    test_disk_create(&again, BLOCKS);
    check("a transaction has each block once", homes_differ());
    try_crashes(wrong, &wrong_in_recovery);
    /* What was written is there in the order in which it was written. */
    check_eq("a crash between two writes leaves whole transactions", wrong[CRASH_ALL], 0);
    /* A flush is missing, or something is written before what it needs. */
    check_eq("so does one that loses one write since a flush", wrong[CRASH_LOST], 0);
    check_eq("so does one that keeps only one write since a flush", wrong[CRASH_ALONE], 0);
    /* Only the first 512 bytes of the commit record may count. */
    check_eq("so does one of whose block the head is new", wrong[CRASH_HEAD], 0);
    check_eq("so does one of whose block the head is old", wrong[CRASH_TAIL], 0);
    /* Recovery flushes too, and may be done again. */
    check_eq("so does one in the recovery, or behind it", wrong_in_recovery, 0);
    check("hundreds of states were tried, and in many a transaction was finished",
          by_hand ? states >= 200 && finished >= 3 : states >= 500 && finished >= 50);
    cprintf("%lu states, %lu finished\n", states, finished);
    test_disk_destroy(&disk);
    test_disk_destroy(&crashed);
    test_disk_destroy(&again);
    inventory_same(&before, "all crashes");
}
SELFTEST("journal-crash", test_journal_crash);

/* Exercise 8.6: the commit alone. What a record says is done by the test. */
static void test_commit_crash(void)
{
    by_hand = true;
    test_journal_crash();
}
SELFTEST("journal-commit-crash", test_commit_crash);
