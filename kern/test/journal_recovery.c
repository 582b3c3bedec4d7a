/* Exercise 8.6: what is left of a commit after a crash. Records are made by hand, right ones and
   wrong ones, so the journal need not be on. A recovery that reads a wrong one writes anywhere; one
   that forgets a flush, or clears the record early, is lost at the next crash: so each state in
   which a crash of the recovery itself can leave the disk is recovered again.

       block 0     1               2               3 ... 12   13 ... 39
       the first   commit record   list of homes   the log    others
       home

   Alone: make grade TEST="recovery*" */
#include <error.h>
#include <fs/journal.h>
#include <fs/sfs_format.h>
#include <report.h>
#include <string.h>
#include <test/disk_record.h>
#include <test/testlib.h>

#define BLOCKS      40
#define JOURNAL     1
#define ROOM        10
#define LOG         (JOURNAL + 2)

static struct test_disk disk, crashed, again;

/* A record of `count` blocks, to block `home` and those behind it. The list is full to its end,
   with numbers that may be behind the disk: what is behind `count` must not be looked at. */
static void make_record(uint32_t count, uint32_t home)
{
    struct sfs_homes *homes = test_disk_block(&disk, JOURNAL + 1);

    *(struct sfs_commit *)test_disk_block(&disk, JOURNAL)
        = (struct sfs_commit){ .magic = SFS_JOURNAL_MAGIC, .sequence = 5, .count = count };
    for (uint32_t i = 0; i < SFS_JOURNAL_HOMES; i++)
        homes->home[i] = home + i;
}

/* Is this record one that can be finished? The disk cannot be written, so nothing is. */
static bool is_sound(uint32_t count, uint32_t home)
{
    uint32_t replayed = 99;

    make_record(count, home);
    return journal_recover(&disk.device, JOURNAL, ROOM + 2, &replayed) == -E_ROFS;
}

/* The same for a record of which home[i] has this number. */
static bool is_sound_with(uint32_t count, uint32_t i, uint32_t number)
{
    struct sfs_homes *homes = test_disk_block(&disk, JOURNAL + 1);
    uint32_t replayed = 99;

    make_record(count, BLOCKS - ROOM);
    homes->home[i] = number;
    return journal_recover(&disk.device, JOURNAL, ROOM + 2, &replayed) == -E_ROFS;
}

/* Reading the record that a crash has left. A disk may come from anywhere. */
static void test_records(void)
{
    uint32_t replayed;

    test_disk_create(&disk, BLOCKS);
    disk.device.read_only = true;
    make_record(0, BLOCKS);
    check_eq("an empty record needs nothing",
             journal_recover(&disk.device, JOURNAL, ROOM + 2, &replayed), 0);
    check("a record of one block is sound", is_sound(1, 20));
    check("one of three blocks too", is_sound(3, 20));
    check("one that fills the log too", is_sound(ROOM, BLOCKS - ROOM));
    /* How many: a log and a list have an end. */
    check("one of more blocks than the log has is not", !is_sound(ROOM + 1, 20));
    check("nor one of very many", !is_sound(UINT32_MAX, 20));
    check("nor one of a few more than a list of homes has", !is_sound(SFS_JOURNAL_HOMES + 1, 20));
    /* Where to: any block of the disk but those of the journal itself. A home that is behind the
       disk must not be written; one in the journal would change the log while it is read. */
    check("the first block of the disk can be a home", is_sound(1, 0));
    check("and the last one", is_sound(1, BLOCKS - 1));
    check("a block behind the disk is no home", !is_sound(1, BLOCKS));
    check("nor one far behind", !is_sound(1, UINT32_MAX));
    check("also if it is the last of several", !is_sound(4, BLOCKS - 3));
    check("what is behind the count is not looked at", is_sound(3, BLOCKS - 3));
    check("the record is no home", !is_sound(1, JOURNAL));
    check("nor the list of homes", !is_sound(1, JOURNAL + 1));
    check("nor a block of the log", !is_sound(1, LOG));
    check("nor the last one of it", !is_sound(1, LOG + ROOM - 1));
    check("but the one behind it is", is_sound(1, LOG + ROOM));
    /* With two contents for one block nobody knows which is right. */
    check("no home is there twice", !is_sound_with(3, 2, BLOCKS - ROOM));
    check("also not in a row, at the end", !is_sound_with(ROOM, ROOM - 1, BLOCKS - 2));
    check("what is behind the count does not matter for that", is_sound_with(2, 2, BLOCKS - ROOM));
    test_disk_destroy(&disk);
    /* A journal with more room than one list of homes can name. */
    test_disk_create(&disk, 3 * SFS_JOURNAL_HOMES);
    disk.device.read_only = true;
    make_record(SFS_JOURNAL_HOMES, SFS_JOURNAL_HOMES + 50);
    check_eq("a list of homes that is full to its end is sound",
             journal_recover(&disk.device, JOURNAL, SFS_JOURNAL_HOMES + 10, &replayed), -E_ROFS);
    make_record(SFS_JOURNAL_HOMES + 1, SFS_JOURNAL_HOMES + 50);
    check_eq("with more room in the log it is still the list that counts",
             journal_recover(&disk.device, JOURNAL, SFS_JOURNAL_HOMES + 10, &replayed), -E_INVAL);
    test_disk_destroy(&disk);
}

SELFTEST("recovery-records", test_records);

/* The log's block i is full of the letter 'a' + i. All of it is filled, also what the record does
   not count: a block too many that is copied home shows there.

   A disk with a transaction of n blocks to be finished, to homes from `home` on. */
static void make_work(uint32_t n, uint32_t home)
{
    test_disk_create(&disk, BLOCKS);
    make_record(n, home);
    for (uint32_t i = 0; i < ROOM; i++)
        memset(test_disk_block(&disk, LOG + i), 'a' + i, BLOCK_SIZE);
}

/* Is each home as of before or after the transaction: how many bytes of it are new? */
static uint32_t new_bytes(const struct test_disk *of, uint32_t n, uint32_t home)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *bytes = test_disk_block(of, home + i);

        for (uint32_t j = 0; j < BLOCK_SIZE; j++)
            count += bytes[j] == 'a' + i;
    }
    return count;
}

/* The commit record, in the disk's memory. */
static struct sfs_commit *record_of(const struct test_disk *of)
{
    return test_disk_block(of, JOURNAL);
}

/* Recover a transaction of n blocks, and look at what was written, in which order. */
static void try_finish(uint32_t n, uint32_t home)
{
    uint32_t replayed = 99, writes = 0;
    size_t i = 0;

    make_work(n, home);
    test_disk_record(&disk, 200);
    check_eq("a transaction is finished",
             journal_recover(&disk.device, JOURNAL, ROOM + 2, &replayed), 0);
    /* It is told on the console, and whoever has mounted the disk looks at it. */
    check_eq("that many blocks came home", replayed, n);
    check_eq("with their bytes", new_bytes(&disk, n, home), n * BLOCK_SIZE);
    for (; i < disk.length && disk.record[i].kind == RECORD_WRITE; i++)
        writes += disk.record[i].block >= home && disk.record[i].block < home + n;
    /* In which order. Cleared before the homes are flushed, it would be missed by the next try. */
    check("before the first flush only homes are written, each once", writes == n && i == n);
    check("the record is cleared behind this flush", i + 1 < disk.length
          && disk.record[i].kind == RECORD_FLUSH && disk.record[i + 1].block == JOURNAL);
    check("alone, and flushed too", disk.length == i + 3
          && disk.record[i + 2].kind == RECORD_FLUSH);
    /* What is left of the journal is an empty one, which can be opened. */
    check_eq("there is nothing to be done any more", record_of(&disk)->count, 0);
    check_eq("the magic number stays", record_of(&disk)->magic, SFS_JOURNAL_MAGIC);
    check_eq("so does the sequence number, with which the journal goes on",
             record_of(&disk)->sequence, 5);
    check_eq("the log stays as it is", *(uint8_t *)test_disk_block(&disk, LOG + n - 1),
             'a' + n - 1);
    check_eq("no other block is changed",
             *(uint8_t *)test_disk_block(&disk, home + n < BLOCKS ? home + n : home - 1), 0);
    size_t before = disk.length;
    check_eq("a second time", journal_recover(&disk.device, JOURNAL, ROOM + 2, &replayed), 0);
    check_eq("nothing is done", disk.length - before + replayed, 0);
    test_disk_destroy(&disk);
}

/* Without a crash. */
static void test_finish(void)
{
    struct inventory before = inventory_take();

    /* One, several, a full log, the last block of the disk. */
    try_finish(1, 20);
    try_finish(3, 30);
    try_finish(ROOM, BLOCKS - ROOM);
    try_finish(1, BLOCKS - 1);
    inventory_same(&before, "recoveries");
}

SELFTEST("recovery-finish", test_finish);

/* Why the order matters. The disk may write in any order what lies between two flushes:

     homes, flush, record cleared          homes, record cleared, flush
     -----------------------------         ----------------------------
     crash: the record is there, and       crash: the record may be cleared, and a home not
     all is done again                     written: the transaction is half there, for ever

   To do all again is no harm: the log has not changed, so the same bytes come to the same place. */

/* The power fails in the recovery, and in the one after that. Each state is one that the next one
   makes whole. */
static void test_recovery_crash(void)
{
    const uint32_t n = 4, home = 25;
    struct crash crash = crash_first();
    uint32_t states = 0, lost = 0, twice = 0, replayed;

    make_work(n, home);
    test_disk_create(&again, BLOCKS);
    test_disk_record(&disk, 200);
    check_eq("a transaction is finished",
             journal_recover(&disk.device, JOURNAL, ROOM + 2, &replayed), 0);
    do {
        struct crash second = crash_first();

        /* What the first crash leaves is recovered with a record of its own. */
        test_disk_create(&crashed, BLOCKS);
        crash_build(&disk, &crash, &crashed);
        test_disk_record(&crashed, 200);
        lost += journal_recover(&crashed.device, JOURNAL, ROOM + 2, &replayed) != 0
                || new_bytes(&crashed, n, home) != n * BLOCK_SIZE
                || record_of(&crashed)->count != 0;
        /* And that one may be cut off, too, at each of its writes. */
        do {
            crash_build(&crashed, &second, &again);
            twice += journal_recover(&again.device, JOURNAL, ROOM + 2, &replayed) != 0
                     || new_bytes(&again, n, home) != n * BLOCK_SIZE;
            states++;
        } while (crash_next(&crashed, &second));
        test_disk_destroy(&crashed);
    } while (crash_next(&disk, &crash));
    check_eq("states after a crash in the recovery in which the transaction is lost", lost, 0);
    check_eq("and after a second crash", twice, 0);
    cprintf("%u states\n", states);
    check("hundreds of states were tried", states > 200);
    test_disk_destroy(&disk);
    test_disk_destroy(&again);
}

SELFTEST("recovery-crash", test_recovery_crash);

/* Each request of a recovery fails once; the next recovery goes on with what that one has left. */
static void test_recovery_errors(void)
{
    const uint32_t n = 3, home = 20;
    struct inventory before = inventory_take();
    uint32_t replayed, tries = 0;
    int error;

    do {
        make_work(n, home);
        disk.fail_at = disk.requests + ++tries;
        error = journal_recover(&disk.device, JOURNAL, ROOM + 2, &replayed);
        disk.fail_at = 0;
        check("a recovery says 0, or that the disk has an error", error == 0 || error == -E_IO);
        /* Else the transaction would be lost, which fsync may have told to be there. */
        if (error != 0)
            check("then it has not cleared the record, or all is at home",
                  record_of(&disk)->count == n || new_bytes(&disk, n, home) == n * BLOCK_SIZE);
        check_eq("the next one finishes it",
                 journal_recover(&disk.device, JOURNAL, ROOM + 2, &replayed), 0);
        check_eq("and all is at home", new_bytes(&disk, n, home), n * BLOCK_SIZE);
        test_disk_destroy(&disk);
    } while (error != 0 && tries < 50);
    /* The record, the list, each block twice, a flush, the record, a flush: all have failed. */
    check_eq("each request was tried", tries, 2 + 2 * n + 1 + 2 + 1);
    inventory_same(&before, "recoveries that fail");
}

SELFTEST("recovery-errors", test_recovery_errors);
