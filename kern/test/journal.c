/* The journal, beside power failures (journal_crash.c): who waits for whom, how much room there is,
   the thread that commits after a second, errors of the disk, records that nobody has written,
   disks without a journal or that cannot be written, too little memory.

   The tasks are threads that do what the test tells them (test/actors.h), with one hart; those of
   the flusher, which end, are in a test of their own. The disk counts its requests, and fails one
   (test/disk_record.h). Alone: make grade GRADE=--all TEST="journal*" */
#include <error.h>
#include <fs/journal.h>
#include <fs/sfs_format.h>
#include <mm/shrink.h>
#include <process/proc.h>
#include <report.h>
#include <string.h>
#include <test/actors.h>
#include <test/disk_record.h>
#include <test/testlib.h>

#define BLOCKS      40
#define JOURNAL     1
#define ROOM        10
#define TASKS       5
/* The list of homes and a flush; the record and a flush; a flush behind what was written home; the
   record that was cleared, and a flush. */
#define COMMIT      7           /* requests of a commit, beside two for each block */

static struct test_disk disk;
static uint32_t argument[TASKS];        /* of what a thread does */

/* A disk of zeros with an empty journal, in use. It looks like this:

     block 0    1              2               3 ... 12   13 ... 39
                commit record  list of homes   the log    blocks that a test changes */
static void open_disk(void)
{
    test_disk_create(&disk, BLOCKS);
    ((struct sfs_commit *)test_disk_block(&disk, JOURNAL))->magic = SFS_JOURNAL_MAGIC;
    assert_eq(cache_open(&disk.device), 0);
    assert_eq(journal_open(&disk.device, JOURNAL, ROOM + 2), 0);
}

/* The first byte of a block on the disk. */
static uint8_t on_disk(uint32_t block)
{
    return *(uint8_t *)test_disk_block(&disk, block);
}

/* Write a byte into a block, in a transaction. */
static void change(uint32_t block, uint8_t value)
{
    int error;
    struct cached_block *entry = cache_get(block, &error);

    assert(entry != NULL);
    *(uint8_t *)cache_data(entry) = value;
    journal_write(entry);
    cache_put(entry);
}

/* The same to n blocks, in a transaction of its own. */
static void change_blocks(uint32_t first, uint32_t n, uint8_t value)
{
    assert_eq(journal_begin(n), 0);
    for (uint32_t i = 0; i < n; i++)
        change(first + i, value);
    journal_end();
}

/* What the threads do. */
static int do_begin(int number)
{
    return journal_begin(argument[number]);
}

static int do_change(int number)
{
    change(argument[number], number + 1);
    return 0;
}

static int do_end(__not_used int number)
{
    journal_end();
    return 0;
}

static int do_commit(__not_used int number)
{
    return journal_commit();
}

/* Tell a thread to do it. True if it has come back, with 0. */
static bool try(int number, int (*what)(int number), uint32_t arg)
{
    argument[number] = arg;
    return actor_try(number, what) && actor_result(number) == 0;
}

/* Two tasks are in a transaction; others want a commit, and the next one. Time goes from left to
   right; dots are a wait:

     task 0   begin   change 20                                    end | all is on the disk
     task 1   begin                             change 21, 22  end     |
     task 2                       commit ............................. | goes on
     task 3                         begin ............................ | is in the next transaction
     task 4                           commit ......................... | goes on */
static void test_group(void)
{
    open_disk();
    check("two tasks are in a transaction", try(0, do_begin, 2) && try(1, do_begin, 2));
    size_t before = disk.requests;
    check("nothing is changed: a commit does nothing",
          try(2, do_commit, 0) && disk.requests == before);
    check("a task changes a block", try(0, do_change, 20));
    /* Blocks 20 and 21 belong together, perhaps: who is in may not be half done. */
    check("a commit waits for the others", !try(2, do_commit, 0));
    check("a begin waits for the commit", !try(3, do_begin, 2));
    check("a second commit waits too", !try(4, do_commit, 0));
    /* Else all would wait for ever. */
    check("the others go on meanwhile", try(1, do_change, 21) && try(1, do_change, 22));
    check("until the first of them leaves", try(1, do_end, 0));
    check("nothing is written yet", !actor_done(2) && on_disk(20) == 0);
    before = disk.requests;
    check("the last one leaves", try(0, do_end, 0));
    check("then all is on the disk", on_disk(20) == 1 && on_disk(21) == 2 && on_disk(22) == 2);
    check("who waited for the commit goes on", actor_done(2) && actor_done(4)
          && actor_result(2) == 0 && actor_result(4) == 0);
    /* That is what makes fsync of many tasks cheap. */
    check_eq("it was one commit for both", disk.requests - before, COMMIT + 2 * 3);
    check_eq("which has given all its blocks to the disk at once", disk.most, 3 + 1);
    check("who waited to begin is in", actor_done(3) && actor_result(3) == 0);
    check("and can change and leave", try(3, do_change, 23) && try(3, do_end, 0));
    check_eq("what is left is written at the end", test_close_journal(), 0);
    check_eq("also this", on_disk(23), 4);
    test_disk_destroy(&disk);
}

/* How much fits: the log has room for ROOM blocks. A log that is too full loses a block of a
   transaction, so it cannot be finished after a crash; room that does not come back lets everybody
   wait, in the end for ever. */
static void test_room(void)
{
    open_disk();
    check_eq("the limit is the log's size", journal_limit(), ROOM);
    size_t before = disk.requests;
    for (int i = 0; i < 50; i++)
        change_blocks(20, 0, 0);
    for (int i = 0; i < 50; i++) {
        assert_eq(journal_begin(ROOM), 0);
        journal_end();
    }
    check_eq("room that was not used comes back", disk.requests - before, 0);
    /* Two of them are changed, so six are taken and four are left. */
    check("six blocks", try(0, do_begin, 6) && try(0, do_change, 20) && try(0, do_change, 21)
          && try(0, do_change, 20));
    check("four more fit beside them", try(1, do_begin, 4));
    check("one more does not", !try(2, do_begin, 1));
    check("also not when one has left, who was in", try(1, do_end, 0) && !actor_done(2));
    check("the others have left: there is a commit, and room", try(0, do_end, 0)
          && actor_done(2) && on_disk(20) == 1 && on_disk(21) == 1);
    /* A block that is logged already has its place, whoever has logged it. */
    check("who has asked for one block can change that", try(2, do_change, 22));
    check("and that again, by another task too", try(2, do_change, 22) && try(1, do_begin, 1)
          && try(1, do_change, 22));
    check("which costs no room", try(1, do_change, 23) && try(1, do_end, 0) && try(2, do_end, 0));
    before = disk.requests;
    change_blocks(24, ROOM - 2, 7);
    check_eq("the log can be filled", disk.requests - before, ROOM - 2);
    change_blocks(22, 1, 8);
    check("then the next one commits", on_disk(24) == 7 && on_disk(22) == 2);
    check_eq("the disk is closed", test_close_journal(), 0);
    check_eq("with the last change", on_disk(22), 8);
    test_disk_destroy(&disk);
}

/* What the disk may have after an error at each of the 13 requests of a commit of three blocks:

     request           1 to 5        6, 7                 8 to 11             12, 13
     what it is        log, list     the record           homes               the record
     after a mount     nothing       nothing, or all      all                 all

   Whichever it was, whoever waits for the commit is told of the error: what he wanted to be sure of
   may be lost. */

/* Change three blocks, fail the n-th request of the commit. False if it has no n-th. */
static bool fail_request(size_t n)
{
    uint32_t replayed;

    open_disk();
    change_blocks(20, 3, 1);
    disk.fail_at = disk.requests + n;
    bool failed = journal_commit() != 0;
    disk.fail_at = 0;
    size_t before = disk.requests;
    if (failed) {
        check_eq("a commit after an error of the disk", journal_commit(), -E_IO);
        check_eq("a begin", journal_begin(1), -E_IO);
        int error;
        while (shrink_memory() > 0)
            ;                           /* it must not be read from the disk again */
        struct cached_block *entry = cache_get(21, &error);
        check("in memory the change is there", *(uint8_t *)cache_data(entry) == 1);
        cache_put(entry);
    }
    /* The disk works again now: but nobody knows what is on it. */
    check_eq("the end tells it", test_close_journal(), failed ? -E_IO : 0);
    check_eq("after the error nothing was written", disk.requests - before, 0);
    /* What the disk has depends on the request that failed: none of the three blocks, a record
       from which all three can be made, or all three. */
    assert_eq(journal_recover(&disk.device, JOURNAL, ROOM + 2, &replayed), 0);
    check("the transaction is there as a whole, or not at all",
          on_disk(20) == on_disk(21) && on_disk(20) == on_disk(22) && (failed || on_disk(20) == 1));
    test_disk_destroy(&disk);
    return failed;
}

/* An error at each request of a commit; and those who wait for a commit that fails. A disk that has
   lost a write may lose others, too: so nothing is tried a second time. */
static void test_broken(void)
{
    size_t n = 1;

    while (fail_request(n))
        n++;
    check_eq("each request of the commit was tried", n - 1, COMMIT + 2 * 3);
    open_disk();
    disk.delay = 5;
    check("a task is in", try(0, do_begin, 2) && try(0, do_change, 20));
    check("others wait", !try(1, do_commit, 0) && !try(2, do_commit, 0) && !try(3, do_begin, 1));
    /* The second request of the commit, so that all are in it. */
    disk.fail_at = disk.requests + 2;
    check("it leaves", try(0, do_end, 0));
    for (int i = 1; i <= 3; i++)
        check("who waits gets the error", actor_done(i) && actor_result(i) == -E_IO);
    disk.delay = 0;
    check_eq("the journal of a broken disk is closed", test_close_journal(), -E_IO);
    test_disk_destroy(&disk);
    open_disk();
    change_blocks(20, ROOM, 1);
    disk.fail_at = disk.requests + 1;
    check_eq("a begin that commits", journal_begin(1), -E_IO);
    check_eq("the journal is closed again", test_close_journal(), -E_IO);
    test_disk_destroy(&disk);
}

/* A record of `count` blocks, to block `home` and those behind it. The list is full to its end,
   with numbers that may be behind the disk: what is behind `count` must not be looked at. */
static void make_record(uint32_t magic, uint32_t count, uint32_t home)
{
    struct sfs_homes *homes = test_disk_block(&disk, JOURNAL + 1);

    *(struct sfs_commit *)test_disk_block(&disk, JOURNAL)
        = (struct sfs_commit){ .magic = magic, .sequence = 5, .count = count };
    for (uint32_t i = 0; i < SFS_JOURNAL_HOMES; i++)
        homes->home[i] = home + i;
}

/* What recovery says to the record that is there. It must not write, if it is an error. */
static int recover_record(uint32_t count)
{
    uint32_t replayed = 99;

    test_disk_record(&disk, 100);
    int error = journal_recover(&disk.device, JOURNAL, ROOM + 2, &replayed);
    if (error != 0 && (disk.length > 0 || replayed != 0))
        return 1;
    return error ?: replayed == count ? error : 2;
}

static int recover(uint32_t magic, uint32_t count, uint32_t home)
{
    make_record(magic, count, home);
    return recover_record(count);
}

/* The same for a record whose homes i and j are one. */
static int recover_twice(uint32_t count, uint32_t i, uint32_t j)
{
    struct sfs_homes *homes = test_disk_block(&disk, JOURNAL + 1);

    make_record(SFS_JOURNAL_MAGIC, count, BLOCKS - ROOM);
    homes->home[j] = homes->home[i];
    return recover_record(count);
}

/* Records, right and wrong, and disks that fail. */
static void test_recovery(void)
{
    const uint32_t magic = SFS_JOURNAL_MAGIC;
    uint32_t replayed;

    test_disk_create(&disk, BLOCKS);
    check_eq("an empty journal", recover(magic, 0, BLOCKS), 0);
    check_eq("a full one", recover(magic, ROOM, BLOCKS - ROOM), 0);
    check_eq("a disk without one", recover(0, 0, 0), -E_INVAL);
    check_eq("another magic number", recover(magic + 1, 1, 20), -E_INVAL);
    check_eq("more blocks than fit", recover(magic, ROOM + 1, 20), -E_INVAL);
    check_eq("many more", recover(magic, UINT32_MAX, 20), -E_INVAL);
    /* A home that is none must not be written, and in the journal it would change the log. */
    check_eq("homes behind the disk", recover(magic, 2, BLOCKS - 1), -E_INVAL);
    check_eq("homes in the journal", recover(magic, 1, JOURNAL), -E_INVAL);
    check_eq("at its end", recover(magic, 1, JOURNAL + ROOM + 1), -E_INVAL);
    check_eq("behind it", recover(magic, 1, JOURNAL + ROOM + 2), 0);
    check_eq("before it", recover(magic, 1, 0), 0);
    /* A transaction has each block once: with two contents for one nobody knows which is right. */
    check_eq("a home that is named twice", recover_twice(3, 0, 2), -E_INVAL);
    check_eq("twice in a row", recover_twice(ROOM, ROOM - 2, ROOM - 1), -E_INVAL);
    check_eq("but once within `count`", recover_twice(2, 1, 2), 0);
    disk.device.read_only = true;
    check_eq("nothing to do on a disk that cannot be written", recover(magic, 0, 20), 0);
    check_eq("something to do", recover(magic, 1, 20), -E_ROFS);
    disk.device.read_only = false;
    make_record(magic, 3, 20);
    memset(test_disk_block(&disk, JOURNAL + 2), 'n', 3 * BLOCK_SIZE);
    /* Each try begins with what the one before has left on the disk, as after a second power
       failure. */
    int error, tries = 0;
    do {
        disk.fail_at = disk.requests + ++tries;
        error = journal_recover(&disk.device, JOURNAL, ROOM + 2, &replayed);
    } while (error == -E_IO);
    check("each request of a recovery may fail, and the next one goes on", error == 0
          && tries > 2 + 3 * 2 + 1 && on_disk(20) == 'n' && on_disk(22) == 'n');
    /* It needs three pages, and says so before it begins. */
    struct hoard hoard = { .count = 0 };
    hoard_take(&hoard);
    hoard_give(&hoard, 2);
    check_eq("two pages are too few",
             journal_recover(&disk.device, JOURNAL, ROOM + 2, &replayed), -E_NO_MEM);
    hoard_end(&hoard);
    make_record(0, 1, 20);
    check_eq("no journal at all", journal_recover(&disk.device, JOURNAL, 0, &replayed), 0);
    test_disk_destroy(&disk);
    test_disk_create(&disk, 3 * SFS_JOURNAL_HOMES);
    make_record(magic, SFS_JOURNAL_HOMES + 1, SFS_JOURNAL_HOMES + 50);
    check_eq("a journal that is larger than its list of homes",
             journal_recover(&disk.device, JOURNAL, SFS_JOURNAL_HOMES + 10, &replayed), -E_INVAL);
    test_disk_destroy(&disk);
}

/* A disk that cannot be written, one without a journal, and too little memory. */
static void test_other(void)
{
    open_disk();
    disk.device.read_only = true;
    check_eq("a disk that cannot be written", journal_begin(1), -E_ROFS);
    check("has no need of a flusher", !journal_writable());
    check_eq("and is closed without a write", test_close_journal(), 0);
    check_eq("without a journal nothing can be changed", journal_begin(1), -E_ROFS);
    disk.device.read_only = false;

    assert_eq(cache_open(&disk.device), 0);
    assert_eq(journal_open(&disk.device, JOURNAL, 0), 0);
    check("the range of the journal is empty", try(0, do_begin, 2) && try(0, do_change, 20)
          && try(1, do_begin, 2) && try(1, do_change, 21));
    /* There is no second place for a block that is half changed, so the end is the commit. */
    check("who leaves waits for the others", !try(0, do_end, 0) && on_disk(20) == 0);
    check("then the changes are at home", try(1, do_end, 0) && actor_done(0) && on_disk(20) == 1
          && on_disk(21) == 2);
    check("and nowhere else", on_disk(JOURNAL + 1) == 0 && on_disk(JOURNAL + 2) == 0);
    check_eq("the disk is closed", test_close_journal(), 0);
    test_disk_destroy(&disk);

    open_disk();
    change_blocks(20, ROOM, 3);
    /* Memory may be short just because so much waits to be written. */
    struct hoard hoard = { .count = 0 };
    hoard_take(&hoard);
    check_eq("a commit needs no memory", journal_commit(), 0);
    check_eq("the disk is closed again", journal_close(), 0);
    cache_close();
    hoard_take(&hoard);
    for (size_t left = 0; left < 2; left++) {
        hoard_give(&hoard, left);
        check_eq("there is too little memory for a journal",
                 journal_open(&disk.device, JOURNAL, ROOM + 2), -E_NO_MEM);
        hoard_take(&hoard);
    }
    hoard_end(&hoard);
    disk.fail_at = disk.requests + 1;
    check_eq("its record cannot be read", journal_open(&disk.device, JOURNAL, ROOM + 2), -E_IO);
    test_disk_destroy(&disk);
}

/* Each part gives back what it has taken. */
static void test_journal(void)
{
    static void (*const parts[])(void)
        = { test_group, test_room, test_broken, test_recovery, test_other };

    actors_begin(TASKS);
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        struct inventory before = inventory_take();

        parts[i]();
        inventory_same(&before, "a part of the test of the journal");
    }
}
SELFTEST_AT(STAGE_INIT, "journal", test_journal);
