/* The journal at work: the thread that commits after a second; several tasks on any number of
   harts, and what a power failure leaves of their work; and misuse, which must panic.

   The tasks of the storm change blocks in pairs, each pair in one transaction and under a lock of
   its own, so both always have the same number: in memory, on the disk, and after a crash at any
   place. Some commit, and then find their number on the disk, or a later one. Others want memory,
   so that clean blocks go and are read again. Alone: make grade GRADE=--all TEST="journal*" */
#include <error.h>
#include <fs/journal.h>
#include <fs/sfs_format.h>
#include <mm/shrink.h>
#include <mm/usercopy.h>
#include <process/proc.h>
#include <report.h>
#include <string.h>
#include <sync/mutex.h>
#include <test/disk_record.h>
#include <test/testlib.h>

#define BLOCKS      40
#define JOURNAL     1
#define ROOM        10
#define PAIRS       3
#define PAIR(i)     (20 + 2 * (i))      /* its first block */
#define TASKS       5
#define ROUNDS      12
#define RECORD      4000                /* entries: far more than the storm needs */
#define STEP        7                   /* so many entries of the record lie between two crashes */

static struct test_disk disk, crashed;
static struct mutex locks[PAIRS];

/* A disk of zeros with an empty journal, in use. */
static void open_disk(void)
{
    test_disk_create(&disk, BLOCKS);
    ((struct sfs_commit *)test_disk_block(&disk, JOURNAL))->magic = SFS_JOURNAL_MAGIC;
    assert_eq(cache_open(&disk.device), 0);
    assert_eq(journal_open(&disk.device, JOURNAL, ROOM + 2), 0);
}

/* A reference to a block that must be had. */
static struct cached_block *get(uint32_t block)
{
    int error;
    struct cached_block *entry = cache_get(block, &error);

    assert(entry != NULL);
    return entry;
}

/* The number in a block, in the cache or on a disk. */
static uint64_t *number_in(const struct cached_block *entry)
{
    return cache_data(entry);
}

static uint64_t on_disk(const struct test_disk *of, uint32_t block)
{
    return atomic_load((uint64_t *)test_disk_block(of, block));
}

static void sleep_ticks(uint64_t ticks)
{
    timer_sleep_until(rdtime() + ticks * timer_tick_length());
}

/* Add one to the number in a block, in a transaction of its own. */
static void change(uint32_t block)
{
    assert_eq(journal_begin(1), 0);
    struct cached_block *entry = get(block);
    ++*number_in(entry);
    journal_write(entry);
    cache_put(entry);
    journal_end();
}

/* Does a process sleep so that only another one can wake it? A thread that a timer will wake counts
   as one that may wake the others: with a flusher like that, no deadlock would ever be told. */
static bool sleeps_for_good(int pid)
{
    spin_lock(&proc_lock);
    const struct task *task = &find_proc(pid)->task;
    bool answer = task->state == PROC_SLEEPING && !(task->wait_state & (WT_OUTSIDE | WT_LIMIT));
    spin_unlock(&proc_lock);
    return answer;
}

/* A second is 100 ticks. The first change decides when the commit comes:

     tick  0          50         95                  105
           change 20  change 21  nothing is written  both are on the disk */
static void test_flusher(void)
{
    struct inventory before = inventory_take();
    int code = 1;

    open_disk();
    cache_put(get(20));
    int pid = test_thread(journal_flusher, NULL);
    sleep_ticks(150);
    check("while nothing is changed it sleeps, and no timer wakes it", sleeps_for_good(pid));
    /* The second begins with the first change, and not again with each other one. */
    change(20);
    sleep_ticks(50);
    change(21);
    sleep_ticks(45);
    check("for a second a change is in memory only", on_disk(&disk, 20) == 0);
    check("meanwhile it waits for a timer", !sleeps_for_good(pid));
    sleep_ticks(10);
    check("a second after the first change all are on the disk",
          on_disk(&disk, 20) == 1 && on_disk(&disk, 21) == 1);
    check("then it sleeps again", sleeps_for_good(pid));
    /* A commit by somebody else ends the second. */
    change(20);
    sleep_ticks(50);
    check_eq("others may commit before", journal_commit(), 0);
    sleep_ticks(20);
    change(20);
    sleep_ticks(80);
    check("then the second begins with the next change", on_disk(&disk, 20) == 2);
    sleep_ticks(30);
    check("and ends", on_disk(&disk, 20) == 3);
    /* Nobody waits for the flusher: so who comes next hears of it. */
    change(20);
    disk.fail_at = disk.requests + 1;
    sleep_ticks(120);
    check_eq("an error of the disk is told to the next one", journal_begin(1), -E_IO);
    check("nothing is tried again", sleeps_for_good(pid));
    check_eq("the journal is closed", journal_close(), -E_IO);
    check("with that the thread ends", wait_child(pid, &code) == pid && code == 0);
    cache_close();
    test_disk_destroy(&disk);
    inventory_same(&before, "the flusher");
}
SELFTEST("journal-flusher", test_flusher);

/* There is no memory, and the cache has no block but those that the log keeps until it is written.
   Who wants a page gets none, because he may be in the transaction; but from then on the flusher
   makes such blocks clean, and the next one finds memory. It does not wait for its second. */
static void test_short(void)
{
    struct inventory before = inventory_take();
    struct hoard hoard = { .count = 0 };
    int code = 1;

    open_disk();
    int pid = test_thread(journal_flusher, NULL);
    for (uint32_t i = 0; i < ROOM; i++)
        change(20 + i);
    sleep_ticks(5);                     /* it waits now */
    uint64_t end = rdtime() + 50 * timer_tick_length();
    hoard_take(&hoard);
    struct Page *page = alloc_page();
    check("while blocks are in the log there is no memory", page == NULL);
    check("nobody waits for the disk to get some", on_disk(&disk, 20) == 0);
    while (on_disk(&disk, 20) == 0 && rdtime() < end)
        schedule();
    check("but the flusher has begun, before its second is over", on_disk(&disk, 20) == 1);
    schedule();
    page = alloc_page();
    check("then there is a page", page != NULL);
    hoard_end(&hoard);
    if (page != NULL)
        free_page(page);
    sleep_ticks(10);
    check("afterwards it waits for a change", sleeps_for_good(pid));
    change(20);
    sleep_ticks(50);
    check("and for its second again", on_disk(&disk, 20) == 1);
    check_eq("the journal is closed", journal_close(), 0);
    check("with that the thread ends", wait_child(pid, &code) == pid && code == 0);
    cache_close();
    test_disk_destroy(&disk);
    inventory_same(&before, "memory that was short");
}
SELFTEST("journal-short", test_short);

/* What the storm looks for. A commit that begins while a task is in the middle of a pair:

     a task                                the flusher, or another task
     ------                                ----------------------------
     begin
     first number: 7 -> 8
                                           commit: must wait here
     second number: 7 -> 8
     end
                                           writes both as 8

   If it does not wait, the log has 8 and 7; the power fails, and the next mount finds a pair that
   nobody has ever made. In a file system that is a name without its inode. */

/* Add one to both numbers of a pair, in one transaction. Returns what they are then. Both numbers
   must be the same before: who was here before has changed both, or none. */
static uint64_t change_pair(uint32_t pair)
{
    assert_eq(journal_begin(2), 0);
    mutex_lock(&locks[pair]);
    struct cached_block *one = get(PAIR(pair)), *other = get(PAIR(pair) + 1);
    assert_eq(*number_in(one), *number_in(other));
    journal_write(one);
    uint64_t number = ++*number_in(one);
    /* A commit now would find the pair half changed. */
    sched_give_way();
    *number_in(other) = number;
    journal_write(other);
    cache_put(other);
    cache_put(one);
    mutex_unlock(&locks[pair]);
    journal_end();
    return number;
}

/* A task of the storm. The last one changes nothing, but makes memory short. */
static int storm(void *arg)
{
    uint64_t self = (uintptr_t)arg, seed = self + 1;

    for (int round = 0; round < ROUNDS; round++) {
        uint32_t pair = test_random(&seed) % PAIRS;

        /* A block that was changed, and is not home yet, must not be among those that go. */
        if (self == TASKS - 1) {
            shrink_memory();
            cache_read_ahead((uint32_t[]){ PAIR(pair), PAIR(pair) + 1, 30 + round % 8 }, 3);
            schedule();
            continue;
        }
        uint64_t number = change_pair(pair);
        if (test_random(&seed) % 3 > 0)
            continue;
        assert_eq(journal_commit(), 0);
        /* Others may have gone on meanwhile, with the same pair. */
        assert(on_disk(&disk, PAIR(pair)) >= number && on_disk(&disk, PAIR(pair) + 1) >= number);
        test_disk_mark(&disk, pair << 16 | number);
    }
    return 0;
}

/* After a crash: both numbers of each pair are the same, and none that was on the disk is lost.
   What had been committed when the power failed is told by the marks in the record before that
   place. */
static bool pairs_survive(size_t length)
{
    uint64_t least[PAIRS] = { 0 };
    uint32_t replayed;
    struct crash crash = { .length = length, .kind = CRASH_ALL };
    bool right = true;

    for (size_t i = 0; i < length; i++) {
        uint32_t mark = disk.record[i].block;

        if (disk.record[i].kind == RECORD_MARK && least[mark >> 16] < (mark & 0xffff))
            least[mark >> 16] = mark & 0xffff;
    }
    crash_build(&disk, &crash, &crashed);
    assert_eq(journal_recover(&crashed.device, JOURNAL, ROOM + 2, &replayed), 0);
    for (uint32_t i = 0; i < PAIRS; i++) {
        uint64_t number = on_disk(&crashed, PAIR(i));

        right &= number == on_disk(&crashed, PAIR(i) + 1) && number >= least[i];
    }
    return right;
}

/* At the end nothing that was done is missing. */
static void test_storm(void)
{
    struct inventory before = inventory_take();
    uint64_t sum = 0;
    size_t wrong = 0;

    for (uint32_t i = 0; i < PAIRS; i++)
        mutex_init(&locks[i], "a pair", MUTEX_INODE, 0);
    open_disk();
    test_disk_record(&disk, RECORD);
    disk.delay = 1;
    /* Beside the tasks, the flusher may commit too; the disk gives way in each request. */
    int flusher = test_thread(journal_flusher, NULL), code;
    test_threads(TASKS, storm);
    check_eq("the journal is closed", journal_close(), 0);
    wait_child(flusher, &code);
    cache_close();
    /* Each change has added one. */
    for (uint32_t i = 0; i < PAIRS; i++)
        sum += on_disk(&disk, PAIR(i));
    check_eq("each change is on the disk", sum, (TASKS - 1) * ROUNDS);
    /* Not each place: to build a disk takes long, and journal_crash.c looks at all of them. */
    test_disk_create(&crashed, BLOCKS);
    for (size_t length = 0; length <= disk.length; length += STEP)
        wrong += !pairs_survive(length);
    check_eq("a crash leaves whole transactions, and all that were on the disk", wrong, 0);
    test_disk_destroy(&crashed);
    test_disk_destroy(&disk);
    inventory_settle(&before, "the storm");
}
SELFTEST("journal-storm", test_storm);

/* Misuse. The mutex is of one of these ranks. */
static struct mutex mutex;

static void misuse_begin(uint32_t n, enum mutex_rank rank)
{
    open_disk();
    mutex_init(&mutex, "a mutex", rank, 0);
    if (n > 0)
        assert_eq(journal_begin(n), 0);
}

/* A block that is changed outside would go to the disk with others' half of a change, or never. */
static void write_outside(void)
{
    misuse_begin(0, MUTEX_TREE);
    journal_write(get(20));
    panic("not caught: a change outside of a transaction");
}
SELFTEST("journal-outside", write_outside);

/* The second begin may wait for a commit, which waits for the first to end. */
static void begin_inside(void)
{
    misuse_begin(1, MUTEX_TREE);
    assert_eq(journal_begin(1), 0);
    panic("not caught: a transaction in a transaction");
}
SELFTEST("journal-nested", begin_inside);

/* The commit waits until all have left who are in: here it would wait for itself. */
static void commit_inside(void)
{
    misuse_begin(1, MUTEX_TREE);
    journal_write(get(20));
    assert_eq(journal_commit(), 0);
    panic("not caught: a commit in a transaction");
}
SELFTEST("journal-commit-inside", commit_inside);

/* The log may be full when all others use what they have asked for. */
static void write_too_many(void)
{
    misuse_begin(2, MUTEX_TREE);
    for (uint32_t block = 20; block < 23; block++)
        journal_write(get(block));
    panic("not caught: a transaction that changes more than it has asked for");
}
SELFTEST("journal-too-many", write_too_many);

/* A member may want the mutex, and the commit waits for the member. */
static void begin_with_mutex(void)
{
    misuse_begin(0, MUTEX_TREE);
    mutex_lock(&mutex);
    assert_eq(journal_begin(1), 0);
    panic("not caught: a transaction that begins behind a mutex of the file system");
}
SELFTEST("journal-behind", begin_with_mutex);

/* The opposite order, of a mutex that is taken before. */
static void lock_inside(void)
{
    misuse_begin(1, MUTEX_MM);
    mutex_lock(&mutex);
    panic("not caught: a mutex that is taken too late");
}
SELFTEST("journal-mutex-inside", lock_inside);

/* Without a journal the end waits for the others who are in, and one of them may want the mutex. */
static void end_with_mutex(void)
{
    misuse_begin(1, MUTEX_MAP);
    mutex_lock(&mutex);
    journal_end();
    panic("not caught: a transaction that ends with a mutex");
}
SELFTEST("journal-end-locked", end_with_mutex);

/* There would be one member less than are in, and a commit would not wait for the last of them. */
static void end_outside(void)
{
    misuse_begin(0, MUTEX_MAP);
    journal_end();
    panic("not caught: the end of no transaction");
}
SELFTEST("journal-end-outside", end_outside);

/* The copy may fault, and then wants the lock of the program's memory. */
static void copy_inside(void)
{
    char c;

    misuse_begin(1, MUTEX_TREE);
    if (copy_from_user(&c, USERBASE, 1) != 0)
        panic("not caught: the copy has failed");
    panic("not caught: a user copy in a transaction");
}
SELFTEST("journal-user-copy", copy_inside);

/* Who is in keeps up each commit, and with that everybody who wants to change something. */
static void sleep_inside(void)
{
    misuse_begin(1, MUTEX_TREE);
    sleep_ticks(1);
    panic("not caught: a sleep in a transaction");
}
SELFTEST("journal-sleep", sleep_inside);

/* All others would wait for ever. */
static void exit_inside(void)
{
    misuse_begin(1, MUTEX_TREE);
    do_exit(0);
}
SELFTEST("journal-exit", exit_inside);

/* The flusher has written what there was, and sleeps: who waits for nothing is in a deadlock. */
static void deadlock_beside(void)
{
    static struct spinlock lock = SPINLOCK_INIT("bell", RANK_WAIT);
    static struct wait_queue queue;

    misuse_begin(0, MUTEX_TREE);
    test_thread(journal_flusher, NULL);
    change(20);
    wait_queue_init(&queue, &lock);
    spin_lock(&lock);
    for (;;)
        wait_sleep(&queue, WT_MUTEX, "a bell that nobody rings");
}
SELFTEST("journal-deadlock", deadlock_beside);
