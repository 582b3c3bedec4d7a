/* The journal: see journal.h for what it is for, and the order of its writes. What a crash leaves
   is finished by journal_recovery.c.

   There is one transaction at a time, with any number of members. It goes through

       open        members come, change blocks and leave; journal.changed has the blocks
       closing     `committing`: no task gets in, and those who are in leave
       written     nobody is in; the lock is not held. The cached pages themselves are what the disk
                   is given: nobody changes them, because that needs a transaction
       over        the blocks are clean; all who have waited go on, with the next one

   Room. At any time `logged` blocks are in the list, and the members may still add `reserved`; both
   together fit into the log. A block that is in the list already costs no room, whoever put it
   there: so the log has each block once. What a member did not use it gives back when it leaves.

   The lock guards the fields below it in the struct and the list; while the transaction is written
   the list is the writer's. All memory that a commit needs is taken when the journal is opened. */
#include <debug/printk.h>
#include <error.h>
#include <fs/journal.h>
#include <fs/mmap.h>
#include <fs/sfs_format.h>
#include <mm/kmalloc.h>
#include <mm/shrink.h>
#include <string.h>
#include <sync/mutex.h>

#define ROOM_WITHOUT_LOG    256         /* blocks in a transaction, if there is no log */

static struct spinlock lock = SPINLOCK_INIT("journal", RANK_JOURNAL);
/* All with this lock. In `over` wait those who want the next transaction, in `empty` who commits
   and waits for the members to leave, in `work` the flusher. */
static struct wait_queue over = WAIT_QUEUE_INIT(over, &lock);
static struct wait_queue empty = WAIT_QUEUE_INIT(empty, &lock);
static struct wait_queue work = WAIT_QUEUE_INIT(work, &lock);

static struct {
    struct block_device *device;        /* NULL: the journal is closed */
    uint32_t start, room;               /* first block; how many blocks fit into a transaction */
    bool off;                           /* there is no log: changes go home when a member leaves */
    struct Page *record, *homes;        /* as on the disk; two pages in a row */
    struct block_request *requests;     /* room for a transaction and the list of homes */

    list_entry_t changed;
    uint32_t logged, reserved, members;
    uint64_t since;                     /* rdtime() of the first change */
    uint64_t commits;                   /* how many transactions are over */
    bool hurry;                         /* memory is short: the flusher is not to wait */
    bool committing;
    bool broken;                        /* a write or a flush has failed */
    bool touched;                       /* some mapped file may be dirty */
} journal;

/* The changes go to the log as long as this is true. It is false while exercise 8.6 is not written:
   without another definition C gives it the value 0 (C11, 6.9.2: it is a tentative definition). */
static bool journal_is_on;

/* EXERCISE 8.6 begin extra: the default of journal_is_on */
static bool journal_is_on = true;
/* EXERCISE 8.6 end */

/* What a task in a transaction holds, in the order of mutexes. */
static const struct mutex_hold transaction = { .name = "transaction", .rank = MUTEX_TRANSACTION };

/* From here on the journal is closed. */
static void memory_free(void)
{
    if (journal.record != NULL)
        free_pages(journal.record, 2);
    kfree(journal.requests);
    journal.device = NULL;
}

/* The record is read for the sake of its sequence number. */
int journal_open(struct block_device *device, uint32_t start, uint32_t blocks)
{
    bool off = blocks <= SFS_JOURNAL_LOG || !journal_is_on;
    uint32_t room = off ? ROOM_WITHOUT_LOG : blocks - SFS_JOURNAL_LOG;
    int error = -E_NO_MEM;

    assert(journal.device == NULL);
    memset(&journal, 0, sizeof(journal));
    list_init(&journal.changed);
    journal.start = start;
    journal.off = off;
    journal.room = room < SFS_JOURNAL_HOMES ? room : SFS_JOURNAL_HOMES;
    journal.record = alloc_pages(2);
    journal.requests = kmalloc((journal.room + 1) * sizeof(struct block_request));
    if (journal.record != NULL && journal.requests != NULL) {
        journal.homes = journal.record + 1;
        memset(page2kva(journal.homes), 0, BLOCK_SIZE);     /* its end goes to the disk too */
        error = off ? 0 : block_read(device, start, journal.record);
    }
    if (error == 0)
        journal.device = device;
    else
        memory_free();
    return error;
}

uint32_t journal_limit(void)
{
    return journal.room;
}

/* Note request number i of those that the disk is given at once: write this page to that block. */
static void request_write(uint32_t i, struct Page *page, uint32_t block)
{
    journal.requests[i] = (struct block_request){
        .op = BLOCK_WRITE, .page = page, .block = block,
    };
}

/* Give the disk the first n requests that are noted, and wait until they are on the disk. In what
   order it writes them does not matter, because nothing counts before the flush. */
static int write_requests(uint32_t n)
{
    return block_transfer(journal.device, journal.requests, n) ?: block_flush(journal.device);
}

/* Write the changed blocks home. */
static int write_home(void)
{
    uint32_t n = 0;

    list_for_each(pos, &journal.changed) {
        const struct cached_block *entry = to_struct(pos, struct cached_block, log_link);

        request_write(n++, entry->page, entry->block);
    }
    return write_requests(n);
}

/* Write the changed blocks to the log, and the list of their homes to the block before it. */
static int write_log(void)
{
    /* EXERCISE 8.6 begin: write_log */
    struct sfs_homes *homes = page2kva(journal.homes);
    uint32_t n = 0;

    list_for_each(pos, &journal.changed) {
        const struct cached_block *entry = to_struct(pos, struct cached_block, log_link);

        /* The cached page itself is written: nobody changes it meanwhile. */
        homes->home[n] = entry->block;
        request_write(n, entry->page, journal.start + SFS_JOURNAL_LOG + n);
        n++;
    }
    request_write(n++, journal.homes, journal.start + 1);
    return write_requests(n);
    /* EXERCISE 8.6 end */
}

/* Write the commit record, for so many blocks; wait until it is on the disk. With it a transaction
   has happened, and with the next one, of 0 blocks, it needs no log any more. */
static int write_record(uint32_t count)
{
    /* EXERCISE 8.6 begin: write_record */
    struct sfs_commit *record = page2kva(journal.record);

    /* The rest of the record is as it was read when the journal was opened. */
    record->count = count;
    if (count > 0)
        record->sequence++;
    return block_write(journal.device, journal.start, journal.record)
           ?: block_flush(journal.device);
    /* EXERCISE 8.6 end */
}

/* The whole order, of which journal.h has a drawing. What is on the disk when the power fails, by
   where that happens:

     in step    the log      the record    home          recovery
     1          any          0 blocks      old           does nothing: nothing has happened
     2          whole        0 or n        old           does nothing, or copies the log home
     3          whole        n             any           copies the log home, whatever is there
     4          whole        n or 0        new           copies it once more, or does nothing

   In each line the disk is made old or new as a whole. That a step begins when all before is on the
   disk for sure is what the flushes are for. */
static int write_in_order(void)
{
    /* EXERCISE 8.6 begin: write_in_order */
    return write_log()
           ?: write_record(journal.logged)
           ?: write_home()
           ?: write_record(0);
    /* EXERCISE 8.6 end */
}

/* Write a transaction that nobody changes any more. 0 or the error of the disk: of the first step
   that fails, and nothing is written behind that. Must not fail for want of memory: all that it
   needs was made when the journal was opened. */
static int write_transaction(void)
{
    return journal.off ? write_home() : write_in_order();
}

/* What was changed is on the disk, or will never be: let go of it. */
static void forget_changed(void)
{
    while (!list_empty(&journal.changed)) {
        struct cached_block *entry = to_struct(list_next(&journal.changed), struct cached_block,
                                               log_link);

        list_del(&entry->log_link);
        entry->logged = false;
        cache_put(entry);
    }
}

/* The members have left: write the transaction, without the lock, which is held before and after.
   If that fails the disk is not believed any more. What was changed keeps its references then: who
   reads goes on seeing what he has written, and not what the disk has of it. */
static void write_out(void)
{
    spin_unlock(&lock);
    int error = write_transaction();

    if (error == 0)
        forget_changed();
    else
        cprintf("%s: %s while a transaction was written: no file can be changed any more\n",
                journal.device->name, error_name(error));
    spin_lock(&lock);
    journal.broken = error != 0;
    if (error == 0)
        journal.logged = 0;
}

/* End the transaction, or wait for the end if another task is at it: what the caller has changed,
   and left, is in there. The lock is held, and let go of meanwhile. It ends for sure: no task gets
   in, and those who are in wait only for the disk and for mutexes; and who has one of these is in
   too, or does not want to get in before he has given it back (mutex_check_order). */
static void commit(void)
{
    uint64_t this = journal.commits;

    if (journal.committing) {
        while (journal.commits == this)
            wait_sleep(&over, WT_MUTEX, "the end of a transaction");
        return;
    }
    journal.committing = true;
    while (journal.members > 0)
        wait_sleep(&empty, WT_MUTEX, "the others in a transaction");
    if (journal.logged > 0 && !journal.broken)
        write_out();
    journal.committing = journal.hurry = false;
    journal.commits++;
    wait_wake_all(&over);
}

/* Without room the task that wants it commits; when that is over it still has the lock, so it is
   the first to get in. What it holds from then on is checked as a mutex is: it cannot begin a
   second time, take what ranks before, copy to a program, sleep for what may never come, or end. */
int journal_begin(uint32_t n)
{
    struct mutex_hold *hold = &this_cpu->task->transaction;
    int error = 0;

    mutex_check_order(&transaction);
    if (journal.device == NULL || journal.device->read_only)
        return -E_ROFS;
    assert(n <= journal.room);
    spin_lock(&lock);
    while (!journal.broken
           && (journal.committing || journal.logged + journal.reserved + n > journal.room))
        commit();
    if (journal.broken) {
        error = -E_IO;
    } else {
        journal.members++;
        journal.reserved += n;
    }
    spin_unlock(&lock);
    if (error != 0)
        return error;
    *hold = transaction;
    hold->level = n;
    mutex_hold_add(hold);
    return 0;
}

/* What is in the list stays there while somebody is in the transaction: so for a block that is
   there already, as most are, no lock is needed. */
void journal_write(struct cached_block *entry)
{
    struct mutex_hold *hold = &this_cpu->task->transaction;

    if (!mutex_holds_rank(MUTEX_TRANSACTION))
        panic("a task changes block %u, but is in no transaction", entry->block);
    if (atomic_load(&entry->logged))
        return;
    spin_lock(&lock);
    if (!entry->logged) {
        if (hold->level == 0)
            panic("a transaction changes block %u, and more blocks than it has asked for",
                  entry->block);
        hold->level--;
        journal.reserved--;
        if (journal.logged++ == 0) {
            journal.since = rdtime();
            wait_give(&work, 0);
        }
        atomic_store(&entry->logged, true);
        list_add_before(&journal.changed, &entry->log_link);
        cache_ref(entry);
    }
    spin_unlock(&lock);
}

/* The mutexes that were taken inside are given back before: a commit waits here if there is no log,
   and another member may want them. */
void journal_end(void)
{
    struct mutex_hold *hold = &this_cpu->task->transaction;

    if (this_cpu->task->mutexes != hold)
        panic("a task ends a transaction that it is not in, or with a mutex of the file system");
    mutex_hold_drop(hold);
    spin_lock(&lock);
    journal.reserved -= hold->level;
    if (--journal.members == 0)
        wait_wake_all(&empty);
    if (journal.off && journal.logged > 0)
        commit();
    spin_unlock(&lock);
}

int journal_commit(void)
{
    mutex_check_order(&transaction);
    spin_lock(&lock);
    if (journal.logged > 0 || journal.committing)
        commit();
    int error = journal.broken ? -E_IO : 0;
    spin_unlock(&lock);
    return error;
}

/* The flusher may be in a commit: that is waited for. Later it finds the journal closed. After an
   error of the disk what was changed is lost here. */
int journal_close(void)
{
    int error = journal_commit();

    assert(journal.device != NULL && journal.members == 0);
    forget_changed();
    spin_lock(&lock);
    memory_free();
    wait_give(&work, 0);
    spin_unlock(&lock);
    return error;
}

bool journal_writable(void)
{
    return journal.device != NULL && !journal.device->read_only;
}

/* The time counts from the first change, of either kind. */
void journal_touch(void)
{
    spin_lock(&lock);
    if (!journal.touched) {
        journal.touched = true;
        if (journal.logged == 0)
            journal.since = rdtime();
        wait_give(&work, 0);
    }
    spin_unlock(&lock);
}

/* Memory is short, and no block in memory is clean: those that were changed become so by a commit.
   It is the flusher's, which does not wait for the second to end. Who wants memory now may be in
   the transaction, and gets none; but who comes later does. */
static size_t hurry_up(void)
{
    if (cache_is_used_up()) {
        spin_lock(&lock);
        if (journal.device != NULL && journal.logged > 0 && !journal.broken) {
            journal.hurry = true;
            wait_give(&work, 0);
        }
        spin_unlock(&lock);
    }
    return 0;
}
SHRINKER(hurry_up);

/* While nothing is changed, or nothing can be written, it sleeps until it is given work: so it
   does not count as one that something outside will wake, and a deadlock is told. */
int journal_flusher(__not_used void *arg)
{
    const uint64_t second = TICKS_PER_SECOND * timer_tick_length();

    spin_lock(&lock);
    while (journal.device != NULL) {
        bool idle = (journal.logged == 0 && !journal.touched) || journal.broken;
        uint64_t due = idle ? TIMER_NEVER : journal.since + second;
        struct waiter self;

        if (rdtime() >= due || (!idle && journal.hurry)) {
            journal.touched = false;
            spin_unlock(&lock);
            mmap_write_back(true);      /* an error is the journal's own */
            spin_lock(&lock);
            commit();
            continue;
        }
        wait_join(&work, &self);
        wait_for_grant(&work, &self, WT_MUTEX, "a change of the disk", due);
    }
    spin_unlock(&lock);
    return 0;
}
