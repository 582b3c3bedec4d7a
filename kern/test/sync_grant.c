/* Waiting to be given something: kern/sync/wait.h, and limits of time of kern/sched/timer.h.

   "wait-grant" tries each order of giving, kill and time, one by one: what was given wins, and the
   end of the time is not lost if it comes before the sleep. "wait-grant-race" lets threads wait
   with short limits while others give and kill: what was given must have come to somebody, each
   time. A wrong kernel sleeps for ever, or counts what nobody has got.

   They are about kern/sync, and belong to no exercise; all of it is assertions and panics.

   Alone: make grade GRADE=--all TEST="wait-grant*". */
#include <error.h>
#include <process/proc.h>
#include <sched/timer.h>
#include <sync/wait.h>
#include <test/testlib.h>

#define WAITERS     8
#define GIVERS      3
#define GIFTS       5000        /* so many at least */
#define ENDS        200         /* by time, and by a kill: so many at least */

static struct spinlock lock = SPINLOCK_INIT("test queue", RANK_WAIT);
static struct wait_queue queue;
static struct task *sleeper;        /* who waits; guarded by lock */

/* The kind of sleep that is tried most: a kill may end it. */
#define STATE       (WT_KSEM | WT_INTERRUPTED)

/* Wait once, with this limit; between the announcement and the sleep `meanwhile` is done, with the
   lock held. A kill of this thread is taken back, because it goes on. */
static int wait_once(uint64_t deadline, void (*meanwhile)(void))
{
    struct waiter self;

    spin_lock(&lock);
    sleeper = this_cpu->task;
    wait_join(&queue, &self);
    if (meanwhile != NULL)
        meanwhile();
    int result = wait_for_grant(&queue, &self, STATE, "a gift", deadline);
    sleeper = NULL;
    spin_unlock(&lock);
    atomic_store(&this_cpu->task->killed, false);
    return result;
}

static void give(void)
{
    assert(wait_give(&queue, 7));
}

static void kill_self(void)
{
    sched_kill(this_cpu->task);
}

static void kill_and_give(void)
{
    kill_self();
    give();
}

/* What was given before the sleep is not lost; what is to end the sleep need not come in it. */
static void test_before_the_sleep(void)
{
    uint64_t past = rdtime();

    assert_eq(wait_once(TIMER_NEVER, give), 7);
    assert_eq(wait_once(TIMER_NEVER, kill_and_give), 7);
    assert_eq(wait_once(past, give), 7);
    assert_eq(wait_once(past, kill_and_give), 7);
    assert_eq(wait_once(TIMER_NEVER, kill_self), -E_KILLED);
    assert_eq(wait_once(past, NULL), -E_TIMEOUT);
    /* Who left without anything cannot be given anything. */
    spin_lock(&lock);
    assert(list_empty(&queue.waiters) && !wait_give(&queue, 7));
    spin_unlock(&lock);
}

/* The end of the time comes after the last look and before the sleep: as if a timer interrupt of
   another hart came then. The sleep has WT_LIMIT, so it does not begin. Without WT_LIMIT the flag
   ends nothing: the thread would sleep for ever here. */
static void test_time_before_the_sleep(void)
{
    struct timer limit;

    spin_lock(&lock);
    timer_limit_begin(&limit, rdtime() + 1000 * timer_tick_length());
    assert(!this_cpu->task->expired);
    timer_expire(limit.deadline);
    assert(this_cpu->task->expired && limit.due);
    assert(sched_sleep(&lock, WT_KSEM | WT_OUTSIDE | WT_LIMIT, "nothing"));
    timer_limit_end(&limit);
    /* The next limit begins as new. */
    timer_limit_begin(&limit, rdtime() + 1000 * timer_tick_length());
    assert(!this_cpu->task->expired);
    timer_limit_end(&limit);
    spin_unlock(&lock);
    /* It is out of the heap: nobody touches the timer, which is on this stack. */
    uint64_t deadline = limit.deadline;
    limit = (struct timer){ 0 };
    timer_expire(deadline);
    assert(!limit.due);
}

/* A thread that waits; what it gets is its exit code. */
static int wait_for_ever(__not_used void *arg)
{
    return wait_once(TIMER_NEVER, NULL);
}

static int wait_shortly(__not_used void *arg)
{
    return wait_once(rdtime() + 3 * timer_tick_length(), NULL);
}

static int wait_long(__not_used void *arg)
{
    return wait_once(rdtime() + 100000 * timer_tick_length(), NULL);
}

/* Until the thread sleeps; then `what` is done to it, with the lock held. */
static int do_to_sleeper(int (*waiter)(void *), void (*what)(void))
{
    int pid = test_thread(waiter, NULL), code = 0;

    for (bool done = false; !done; schedule()) {
        spin_lock(&lock);
        done = sleeper != NULL && sleeper->state == PROC_SLEEPING;
        if (done)
            what();
        spin_unlock(&lock);
    }
    assert(wait_child(pid, &code) >= 0);
    assert(list_empty(&queue.waiters));
    return code;
}

static void kill_sleeper(void)
{
    sched_kill(sleeper);
}

static void expire_sleeper(void)
{
    sched_expire(sleeper);
}

/* Both while the lock is held, so before the thread can look: in both orders the gift wins. */
static void kill_sleeper_and_give(void)
{
    sched_kill(sleeper);
    give();
}

static void give_and_kill_sleeper(void)
{
    struct task *task = sleeper;

    give();
    sched_kill(task);
}

static void expire_and_give(void)
{
    timer_expire(TIMER_NEVER - 1);
    give();
}

static void nothing(void)
{
}

/* The same in the sleep. A kill of a thread that has got what it waited for stays a kill: only the
   wait is not ended by it. */
static void test_in_the_sleep(void)
{
    assert_eq(do_to_sleeper(wait_for_ever, give), 7);
    assert_eq(do_to_sleeper(wait_for_ever, kill_sleeper), -E_KILLED);
    assert_eq(do_to_sleeper(wait_for_ever, kill_sleeper_and_give), 7);
    assert_eq(do_to_sleeper(wait_for_ever, give_and_kill_sleeper), 7);
    assert_eq(do_to_sleeper(wait_shortly, nothing), -E_TIMEOUT);
    assert_eq(do_to_sleeper(wait_long, expire_sleeper), -E_TIMEOUT);
    assert_eq(do_to_sleeper(wait_shortly, expire_and_give), 7);
    assert_eq(do_to_sleeper(wait_shortly, kill_sleeper), -E_KILLED);
}

/* A limit is neither much too short nor much too long. */
static void test_how_long(void)
{
    uint64_t begun = rdtime(), deadline = begun + 5 * timer_tick_length();

    assert_eq(wait_once(deadline, NULL), -E_TIMEOUT);
    assert(rdtime() >= deadline);
    /* A busy host may lose ticks; with one hart there is no host time. */
    assert(cpu_count > 1 || rdtime() < begun + 8 * timer_tick_length());
}

static void test_grant(void)
{
    struct inventory before = inventory_take();

    wait_queue_init(&queue, &lock);
    test_before_the_sleep();
    test_time_before_the_sleep();
    test_in_the_sleep();
    test_how_long();
    inventory_same(&before, "waits that are granted");
}

/* If it does not end: a sleep that should have ended; print sleeper->wait_state in gdb. */
SELFTEST("wait-grant", test_grant);

/* Of the race, all atomic: what was given and what came; who still gives. */
static uint32_t given, came, ended, killed_waits, givers;

/* Waits with limits of up to two ticks, of which many are over at once, until nobody gives any
   more. */
static int racer(void *number)
{
    uint64_t seed = 77 + (uintptr_t)number;

    while (atomic_load(&givers) > 0) {
        uint64_t limit = test_random(&seed) % 4 == 0 ? 2 * timer_tick_length() : 2000;
        int result = wait_once(rdtime() + test_random(&seed) % limit, NULL);

        assert(result == 7 || result == -E_TIMEOUT || result == -E_KILLED);
        atomic_add(result == 7 ? &came : result == -E_KILLED ? &killed_waits : &ended, 1);
    }
    return 0;
}

/* Gives, kills the one who has come last, or lets the time go on, until each kind of end has been
   seen often. */
static int giver(void *number)
{
    uint64_t seed = 99 + (uintptr_t)number;

    while (atomic_load(&given) < GIFTS || atomic_load(&ended) < ENDS
           || atomic_load(&killed_waits) < ENDS) {
        uint64_t choice = test_random(&seed) % 8;

        spin_lock(&lock);
        if (choice == 0 && sleeper != NULL)
            sched_kill(sleeper);
        else if (choice < 4 && wait_give(&queue, 7))
            atomic_add(&given, 1);
        spin_unlock(&lock);
        schedule();
    }
    atomic_add(&givers, -1);
    return 0;
}

static int race(void *number)
{
    return (uintptr_t)number < GIVERS ? giver(number) : racer(number);
}

/* All that was given has come. */
static void test_race(void)
{
    struct inventory before = inventory_take();

    wait_queue_init(&queue, &lock);
    atomic_store(&givers, GIVERS);
    test_threads(GIVERS + WAITERS, race);
    assert_eq(came, given);
    assert(list_empty(&queue.waiters));
    inventory_same(&before, "waits that race with their ends");
}

/* If it ends by the limit, and not as a deadlock: a waiter was lost, and a giver waits for it. */
SELFTEST("wait-grant-race", test_race);
