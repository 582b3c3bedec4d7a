/* The scheduler: threads that yield, that sleep and wake each other, that sleep for a time, and
   that are killed while they sleep. Where a wake-up is lost, everything sleeps, and the kernel
   reports a deadlock. */
#include <process/proc.h>
#include <sched/timer.h>
#include <test/testlib.h>

#define THREADS     32
#define YIELDS      300
#define PAIRS       8
#define MESSAGES    1000
#define SLEEPERS    24

static uint64_t counts[THREADS];
static uint32_t total;

/* Each thread counts on its own, and all together; nothing may be lost when threads move. */
static int yielder(void *number)
{
    uint64_t *count = &counts[(uintptr_t)number];

    for (int i = 0; i < YIELDS; i++) {
        uint64_t before = *count;

        schedule();
        *count = before + 1;
        atomic_add(&total, 1);
        assert(current->task.state == PROC_RUNNABLE && current->task.on_cpu);
        assert(irq_enabled() && this_cpu->irq_depth == 0);
    }
    return 0;
}

static void test_yield(void)
{
    struct stock before = stock_take();

    test_threads(THREADS, yielder);
    for (int i = 0; i < THREADS; i++)
        assert_eq(counts[i], YIELDS);
    assert_eq(total, THREADS * YIELDS);
    stock_check(&before, "threads that yield");
}

SELFTEST("sched-yield", test_yield);

/* Two threads throw a ball to and fro: a lost wake-up ends the game. */
static struct table {
    struct spinlock lock;
    struct wait_queue queue;
    int ball;                               /* whose turn it is */
    uint64_t messages;
} tables[PAIRS];

static int player(void *number)
{
    struct table *table = &tables[(uintptr_t)number / 2];
    int side = (uintptr_t)number % 2;

    for (int i = 0; i < MESSAGES; i++) {
        spin_lock(&table->lock);
        while (table->ball != side)
            wait_sleep(&table->queue, WT_MUTEX, "the ball");
        table->ball = !side;
        table->messages++;
        wait_wake_one(&table->queue);
        spin_unlock(&table->lock);
    }
    return 0;
}

static void test_ping_pong(void)
{
    struct stock before = stock_take();

    for (int i = 0; i < PAIRS; i++) {
        tables[i].lock = (struct spinlock)SPINLOCK_INIT("table", RANK_WAIT);
        wait_queue_init(&tables[i].queue, &tables[i].lock);
    }
    test_threads(2 * PAIRS, player);
    for (int i = 0; i < PAIRS; i++)
        assert_eq(tables[i].messages, 2 * MESSAGES);
    stock_check(&before, "threads that wake each other");
}

SELFTEST("sched-wake", test_ping_pong);

/* Threads that compute until each hart has run one of them: idle harts must come for work. */
static uint32_t harts_seen;

static int worker(void *number)
{
    uint64_t deadline = rdtime() + 1000 * timer_tick_length();

    (void)number;
    while (atomic_load(&harts_seen) != atomic_load(&cpus_online)) {
        uint64_t until = rdtime() + timer_tick_length() / 4;

        atomic_or(&harts_seen, 1U << this_cpu->id);
        while (rdtime() < until)
            cpu_relax();
        if (rdtime() > deadline)
            panic("after ten seconds with much to do only the harts %#x of %#x have worked",
                  atomic_load(&harts_seen), atomic_load(&cpus_online));
        schedule();
    }
    return 0;
}

static void test_all_harts(void)
{
    struct stock before = stock_take();

    for (int round = 0; round < 5; round++) {
        atomic_store(&harts_seen, 0);
        test_threads(2 * MAX_HARTS, worker);
        timer_sleep_until(rdtime() + 3 * timer_tick_length());      /* all harts go idle */
    }
    stock_check(&before, "work for all harts");
}

SELFTEST("sched-harts", test_all_harts);

/* When each sleeper is due, and in which order they woke. */
static uint64_t deadlines[SLEEPERS];
static uint32_t order[SLEEPERS], woken;
static struct task *sleepers[SLEEPERS];
static uint32_t asleep;                     /* those that have begun */

static int sleeper(void *number)
{
    uintptr_t i = (uintptr_t)number;

    sleepers[i] = this_cpu->task;
    atomic_add(&asleep, 1);
    timer_sleep_until(deadlines[i]);
    if (!atomic_load(&sleepers[i]->killed) && rdtime() < deadlines[i])
        panic("a sleeper woke %lu units of time too early", deadlines[i] - rdtime());
    order[atomic_add(&woken, 1)] = i;
    return 0;
}

/* Deadlines in disorder, on a multiple of ticks; they are due in the order of their time. */
static void start_sleepers(int *pids)
{
    uint64_t start = rdtime() + 20 * timer_tick_length();

    woken = asleep = 0;
    for (int i = 0; i < SLEEPERS; i++)
        deadlines[i] = start + (uint64_t)(i * 7 % SLEEPERS) * 2 * timer_tick_length();
    for (int i = 0; i < SLEEPERS; i++)
        pids[i] = test_thread(sleeper, (void *)(uintptr_t)i);
    while (atomic_load(&asleep) < SLEEPERS)
        schedule();
}

static void end_sleepers(const int *pids)
{
    for (int i = 0; i < SLEEPERS; i++) {
        int code = -1;

        assert(wait_child(pids[i], &code) >= 0 && code == 0);
    }
    assert_eq(woken, SLEEPERS);
}

static void test_timers(void)
{
    struct stock before = stock_take();
    int pids[SLEEPERS];

    assert(SLEEPERS % 7 != 0);
    start_sleepers(pids);
    end_sleepers(pids);
    for (int i = 1; i < SLEEPERS && cpu_count == 1; i++)        /* more harts may overtake */
        if (deadlines[order[i - 1]] > deadlines[order[i]])
            panic("sleeper %u woke before sleeper %u, but was due after it", order[i - 1],
                  order[i]);
    assert(rdtime() >= deadlines[order[SLEEPERS - 1]]);
    timer_sleep_until(0);                                       /* long ago: returns at once */
    timer_sleep_until(rdtime());
    stock_check(&before, "threads that sleep for a time");
}

SELFTEST("timers", test_timers);

static bool killed(int i)
{
    return i % 3 != 0;
}

/* Kill two thirds of the sleepers, in an order that is not that of their timers:
   they end long before their time, and the others wake when they should. */
static void test_kill(void)
{
    struct stock before = stock_take();
    int pids[SLEEPERS];

    start_sleepers(pids);
    for (int i = 0; i < SLEEPERS; i++)
        if (killed(i)) {
            int code = -1;

            sched_kill(sleepers[i]);
            assert(wait_child(pids[i], &code) >= 0 && code == 0);
            if (rdtime() >= deadlines[i])
                panic("a sleeper that is killed goes on sleeping");
        }
    uint32_t ended = atomic_load(&woken);
    for (int i = 0; i < SLEEPERS; i += 3) {
        int code = -1;

        assert(wait_child(pids[i], &code) >= 0 && code == 0);
    }
    assert_eq(woken, SLEEPERS);
    for (uint32_t i = 0; i < SLEEPERS; i++)
        assert_eq(killed(order[i]), i < ended);
    stock_check(&before, "sleepers that were killed");
}

SELFTEST("sched-kill", test_kill);
