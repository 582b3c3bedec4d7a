/* A spinlock that is promised: to whom it goes, and that a wait has a bound.

   "spin-next" plays the harts that wait: it sets their bits by itself, gives the lock back, and
   looks who has it then. "spin-turns" has as many threads as harts that do nothing but take one
   lock, and keep it for longer than a hart waits without a promise; the first keeps it until it is
   promised to all others, however slow these harts are. Each of them, before it gives the lock
   back, notes to whom it is promised: while a promise is open, no other hart may have it twice.

   Alone: make grade GRADE=--all TEST="spin-next spin-turns-4-harts". */
#include <debug/panic.h>
#include <debug/printk.h>
#include <lock/spinlock.h>
#include <process/proc.h>
#include <report.h>
#include <sched/timer.h>
#include <test/testlib.h>

#define HOLDS       100         /* of each hart */
#define LOOKS       1000        /* a hart waits so long without a promise */
#define HOLD_TURNS  40000       /* far more than that */
#define PROMISED_BY 30          /* seconds: the first hold ends then in any case */

static struct spinlock lock = SPINLOCK_INIT("a lock of this test", RANK_WAIT);

/* Give the lock back with these bits set: what it is afterwards. */
static uintptr_t state_after(uintptr_t bits)
{
    spin_lock(&lock);
    lock.state |= bits;
    assert(spin_held(&lock));
    spin_unlock(&lock);
    uintptr_t state = lock.state;
    lock.state = 0;
    return state;
}

/* The hart of the lowest place round the circle that begins behind this one. */
static uint32_t next_of(uintptr_t bits)
{
    uint32_t next = (this_cpu->id + 1) % MAX_HARTS;

    while (!(bits & 1U << next))
        next = (next + 1) % MAX_HARTS;
    return next;
}

/* All sets of harts that may wait. Interrupts are off, so that this stays on its hart. */
static void test_spin_next(void)
{
    irq_push();
    check_eq("a lock that nobody waits for is free afterwards", state_after(0), 0);
    int wrong = 0;
    for (uintptr_t bits = 1; bits <= SPIN_PROMISES; bits++) {
        if (bits & this_cpu->bit)
            continue;
        uintptr_t left = bits & ~(1UL << next_of(bits));
        wrong += state_after(bits) != ((uintptr_t)&cpus[next_of(bits)] | left);
    }
    check_eq("it goes to the next hart of the circle, and stays promised to the others", wrong, 0);
    irq_pop();
}

SELFTEST("spin-next", test_spin_next);

/* Guarded by the lock: how often hart h had it while it was promised to hart p, since then. */
static uint32_t had[MAX_HARTS][MAX_HARTS];
static uint32_t promises, twice, holds;

/* This hart is about to give the lock back. Its own promise was kept by that it had the lock. */
static void note_hold(void)
{
    uint32_t self = this_cpu->id;
    uintptr_t promised = atomic_load(&lock.state) & SPIN_PROMISES;

    holds++;
    for (uint32_t other = 0; other < MAX_HARTS; other++) {
        had[other][self] = 0;
        if (!(promised & 1U << other))
            continue;
        promises++;
        /* The first one may be the hold in which the promise was made. */
        if (++had[self][other] > 2)
            twice++;
    }
}

/* This hart has the lock, and all others come for it. */
static void await_promises(void)
{
    uintptr_t others = ((1UL << cpu_count) - 1) & ~(uintptr_t)this_cpu->bit;
    uint64_t end = rdtime() + PROMISED_BY * TICKS_PER_SECOND * timer_tick_length();

    while ((atomic_load(&lock.state) & SPIN_PROMISES) != others && rdtime() < end)
        cpu_relax();
}

static uint32_t here;               /* atomic: threads that have begun */

/* All of them begin together: while one waits for the others, other harts come for these. */
static int take_turns(__not_used void *arg)
{
    atomic_add(&here, 1);           /* no pair: how many there are, and no more */
    while (atomic_load(&here) < cpu_count)
        cpu_relax();
    for (int i = 0; i < HOLDS; i++) {
        spin_lock(&lock);
        if (holds == 0)
            await_promises();
        for (int turn = 0; turn < HOLD_TURNS; turn++)
            cpu_relax();
        note_hold();
        spin_unlock(&lock);
    }
    return 0;
}

static void test_spin_turns(void)
{
    spin_looks = LOOKS;             /* for the rest of this boot */
    test_threads(cpu_count, take_turns);
    check_eq("each had the lock as often as it wanted", holds, cpu_count * HOLDS);
    check("it was promised to all others", promises >= cpu_count - 1);
    check_eq("meanwhile no hart had it again and again", twice, 0);
}

SELFTEST("spin-turns", test_spin_turns);
