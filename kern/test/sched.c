/* The scheduler: threads that yield, that sleep and wake each other, that sleep for a time, and
   that are killed while they sleep. If a wake-up is lost, everything sleeps, and the kernel reports
   a deadlock, with what each thread waits for.

   "sched-wake" is a test of exercise 6.1, and of the challenge 6.C, on two harts: a scheduling
   class that loses a task, or gives it to two harts, fails here and not in the tests that call it
   by hand. The others are about kern/sched itself: "sched-yield", "sched-harts", "timers",
   "sched-kill". Most checks are assertions, as nothing that follows would mean anything.

   Each runs with one hart and with several. Alone: make grade TEST=sched-wake-rr-2-harts; make
   grade GRADE=--all TEST="timers*", and so on. */
#include <process/proc.h>
#include <sched/timer.h>
#include <test/testlib.h>

#define THREADS     32
#define YIELDS      300
#define PAIRS       8
#define MESSAGES    1000
#define SLEEPERS    24
#define A_MINUTE    (60 * TICKS_PER_SECOND)  /* in ticks */

static uint64_t counts[THREADS];
static uint32_t total;

/* Each thread counts on its own, and all together; nothing may be lost when threads move. The value
   is kept over the switch, in a register or on the stack: another thread's would change the
   count. */
static int yielder(void *number)
{
    uint64_t *count = &counts[(uintptr_t)number];

    for (int i = 0; i < YIELDS; i++) {
        uint64_t before = *count;

        schedule();
        *count = before + 1;
        atomic_add(&total, 1);
        /* What the scheduler says of this thread must fit to the fact that it runs. */
        assert(current->task.state == PROC_RUNNABLE && current->task.on_cpu);
        assert(irq_enabled() && holds_no_lock());
    }
    return 0;
}

/* More threads than harts, so that all harts have to choose all the time. */
static void test_yield(void)
{
    struct inventory before = inventory_take();

    /* All of them at once: 32 threads, 300 turns each. */
    test_threads(THREADS, yielder);
    for (int i = 0; i < THREADS; i++)
        assert_eq(counts[i], YIELDS);
    /* The atomic sum and the sum of the plain counts are the same number. */
    assert_eq(total, THREADS * YIELDS);
    inventory_same(&before, "threads that yield");
}

/* If a count is too small, the thread's value was lost over a switch. */
SELFTEST("sched-yield", test_yield);

/* Two threads throw a ball to and fro: a lost wake-up ends the game. */
static struct table {
    struct spinlock lock;
    struct wait_queue queue;
    int ball;                               /* whose turn it is */
    uint64_t messages;
} tables[PAIRS];

/* One of two at a table. It waits until the ball is on its side, and throws it back. There is
   always exactly one wake-up on its way, so the first one that is lost is the last. */
static int player(void *number)
{
    struct table *table = &tables[(uintptr_t)number / 2];
    int side = (uintptr_t)number % 2;

    for (int i = 0; i < MESSAGES; i++) {
        spin_lock(&table->lock);
        while (table->ball != side)
            wait_sleep(&table->queue, WT_MUTEX, "the ball");
        table->ball = !side;
        /* Plain, because the table's lock guards it. */
        table->messages++;
        /* There is one other player, so one wake-up is enough. */
        wait_wake_one(&table->queue);
        spin_unlock(&table->lock);
    }
    return 0;
}

/* Eight tables, so that the queues of all harts have work.

       player 0 of a table                  player 1
       has the ball, throws it, wakes 1
       sleeps, until the ball is back       wakes, throws it, wakes 0
       wakes, ...                           sleeps, until the ball is back */
static void test_ping_pong(void)
{
    struct inventory before = inventory_take();

    for (int i = 0; i < PAIRS; i++) {
        /* Side 0 has the ball, since the struct is zero. */
        tables[i].lock = (struct spinlock)SPINLOCK_INIT("table", RANK_WAIT);
        wait_queue_init(&tables[i].queue, &tables[i].lock);
    }
    test_threads(2 * PAIRS, player);
    for (int i = 0; i < PAIRS; i++)
        assert_eq(tables[i].messages, 2 * MESSAGES);
    inventory_same(&before, "threads that wake each other");
}

/* If it ends as a deadlock: the list shows players that wait for the ball. Either the wake-up was
   lost, or the task that was woken is in no queue: print tables in gdb tells whose turn it was. */
SELFTEST("sched-wake", test_ping_pong);

/* Threads that compute until each hart has run one of them: idle harts must come for work. */
static uint32_t harts_seen;

/* Busy until each hart has run one of the threads. If an idle hart does not come for work, the loop
   ends with a panic that has both masks. */
static int worker(void *number)
{
    uint64_t deadline = rdtime() + 1000 * timer_tick_length();

    (void)number;
    while (atomic_load(&harts_seen) != atomic_load(&cpus_online)) {
        uint64_t until = rdtime() + timer_tick_length() / 4;

        atomic_or(&harts_seen, 1U << this_cpu->id);
        /* A quarter of a tick without giving way: on one hart alone it would take long. */
        while (rdtime() < until)
            cpu_relax();
        /* Ten seconds are a thousand ticks: a hart that is idle has looked for work long before. */
        if (rdtime() > deadline)
            panic("after ten seconds with much to do only the harts %#x of %#x have worked",
                  atomic_load(&harts_seen), atomic_load(&cpus_online));
        schedule();
    }
    return 0;
}

/* Between two rounds all harts go idle: the first thread that becomes runnable must wake the
   others. */
static void test_all_harts(void)
{
    struct inventory before = inventory_take();

    for (int round = 0; round < 5; round++) {
        atomic_store(&harts_seen, 0);
        test_threads(2 * MAX_HARTS, worker);
        /* Long enough for all threads to be gone. */
        timer_sleep_until(rdtime() + 3 * timer_tick_length());      /* all harts go idle */
    }
    inventory_same(&before, "work for all harts");
}

/* The masks in the panic's message have a bit for each hart. */
SELFTEST("sched-harts", test_all_harts);

/* When each sleeper is due, and in which order they woke. */
static uint64_t deadlines[SLEEPERS];
static uint32_t order[SLEEPERS], woken;
static struct task *sleepers[SLEEPERS];
static uint32_t asleep;                     /* those that have begun */

/* It must not wake before its time, unless it is killed. The order of waking is noted. */
static int sleeper(void *number)
{
    uintptr_t i = (uintptr_t)number;

    /* For the test that kills it. */
    sleepers[i] = this_cpu->task;
    atomic_add(&asleep, 1);
    timer_sleep_until(deadlines[i]);
    if (!atomic_load(&sleepers[i]->killed) && rdtime() < deadlines[i])
        panic("a sleeper woke %lu units of time too early", deadlines[i] - rdtime());
    order[atomic_add(&woken, 1)] = i;
    return 0;
}

/* Deadlines in disorder, on a multiple of ticks; they are due in the order of their time. 7 and 24
   have no common factor, so each deadline is one sleeper's. Every third is due by `later` units of
   time more. */
static void start_sleepers(int *pids, uint64_t later)
{
    uint64_t start = rdtime() + 20 * timer_tick_length();

    woken = asleep = 0;
    for (int i = 0; i < SLEEPERS; i++)
        deadlines[i] = start + (uint64_t)(i * 7 % SLEEPERS) * 2 * timer_tick_length()
                       + (i % 3 == 2 ? later : 0);
    for (int i = 0; i < SLEEPERS; i++)
        pids[i] = test_thread(sleeper, (void *)(uintptr_t)i);
    /* They have begun; a moment later they sleep. */
    while (atomic_load(&asleep) < SLEEPERS)
        schedule();
}

/* Wait for all of them; none may have failed. */
static void end_sleepers(const int *pids)
{
    for (int i = 0; i < SLEEPERS; i++) {
        int code = -1;

        assert(wait_child(pids[i], &code) >= 0 && code == 0);
    }
    assert_eq(woken, SLEEPERS);
}

/* With one hart the order of waking must be that of the deadlines. The two sleeps at the end have
   nothing to wait for: they must return, and not sleep for ever. */
static void test_timers(void)
{
    struct inventory before = inventory_take();
    int pids[SLEEPERS];

    /* Or the deadlines would not be different. */
    assert(SLEEPERS % 7 != 0);
    start_sleepers(pids, 0);
    end_sleepers(pids);
    /* order[] has the sleepers as they woke; each must have been due before the next. */
    for (int i = 1; i < SLEEPERS && cpu_count == 1; i++)        /* more harts may overtake */
        if (deadlines[order[i - 1]] > deadlines[order[i]])
            panic("sleeper %u woke before sleeper %u, but was due after it", order[i - 1],
                  order[i]);
    assert(rdtime() >= deadlines[order[SLEEPERS - 1]]);
    /* What lies in the past is no reason to sleep. */
    timer_sleep_until(0);                                       /* long ago: returns at once */
    timer_sleep_until(rdtime());
    inventory_same(&before, "threads that sleep for a time");
}

/* A sleeper that wakes late is not noticed here, but by "tick" and "timer-expire". */
SELFTEST("timers", test_timers);

/* Two of three are killed. */
static bool killed(int i)
{
    return i % 3 != 0;
}

/* Kill two thirds of the sleepers, in an order that is not that of their timers: they end long
   before their time, and the others wake when they should. A timer of a dead task that stays in the
   heap would wake memory that is somebody else's.

   With one hart time is counted in instructions, and all is over before the first is due. With
   several it is the host's, which may be busy: so one half of those that are killed are due in a
   minute, and only of them it is told that they end before. The other half have their timers among
   those of the sleepers that live on, and may come to their end by themselves. */
static void test_kill(void)
{
    struct inventory before = inventory_take();
    bool counted = cpu_count == 1;
    int pids[SLEEPERS];

    start_sleepers(pids, counted ? 0 : A_MINUTE * timer_tick_length());
    for (int i = 0; i < SLEEPERS; i++)
        if (killed(i)) {
            int code = -1;

            /* It wakes; its timer must leave the heap, though it is not due. */
            sched_kill(sleepers[i]);
            assert(wait_child(pids[i], &code) >= 0 && code == 0);
            /* It has ended by now, and its time has not come. */
            if ((counted || i % 3 == 2) && rdtime() >= deadlines[i])
                panic("a sleeper that is killed goes on sleeping");
        }
    /* All that were killed have ended, and nobody else yet. */
    uint32_t ended = atomic_load(&woken);
    for (int i = 0; i < SLEEPERS; i += 3) {
        int code = -1;

        assert(wait_child(pids[i], &code) >= 0 && code == 0);
    }
    assert_eq(woken, SLEEPERS);
    for (uint32_t i = 0; i < SLEEPERS && counted; i++)
        /* Those that were killed come first in the order, all others behind them. */
        assert_eq(killed(order[i]), i < ended);
    inventory_same(&before, "sleepers that were killed");
}

/* "wait-kill" tries the same with threads that wait in a queue. */
SELFTEST("sched-kill", test_kill);
