/* races: small pieces of work for threads, right as they stand here. make races plants a fault into
   each of them, or into the kernel below them, and looks whether chance on purpose (chaos=) brings
   it up. What each thread may rely on is checked at every change, and not only at the end.

     races counter   threads add to one number, which a mutex guards
     races event     threads wait for what another one makes happen
     races buffer    producers and consumers share a place for one thing
     races forks     philosophers: each eats with the two forks beside him */
#include <report.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sync.h>
#include <thread.h>
#include <ulib.h>

#define THREADS     4
#define ROUNDS      1000            /* of what needs no system call, most often */
#define TRADES      50
#define EVENTS      30

/* Guarded by the mutex `lock`, or by the forks that a philosopher holds. */
static volatile int number, inside, wrong, things, happened, seen;
static volatile bool eats[THREADS];
static int lock, changed, told, forks[THREADS];

/* Go into the part that only one thread may be in; note it if another one is there. */
static void enter(void)
{
    if (mutex_lock(lock) != 0 || inside != 0)
        wrong++;
    inside++;
}

static void leave(void)
{
    inside--;
    if (mutex_unlock(lock) != 0)
        wrong++;
}

static int count(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        enter();
        number = number + 1;
        leave();
    }
    return 0;
}

/* Wait for a condition variable, inside of the part that only one may be in. */
static void wait_for(int condvar)
{
    inside--;
    condvar_wait(condvar, lock);
    inside++;
}

/* The first thread makes something happen, and the others wait for it; when all have seen it, it
   makes the next thing happen. */
static int wait_for_events(void *arg)
{
    for (int event = 1; event <= EVENTS; event++) {
        enter();
        if (arg == NULL) {
            while (seen < (event - 1) * (THREADS - 1))
                wait_for(told);
            happened = event;
            condvar_broadcast(changed);
        } else {
            while (happened < event)
                wait_for(changed);
            seen++;
            condvar_signal(told);
        }
        number = number + 1;
        leave();
    }
    return 0;
}

/* Wait until there are so many things, 0 or 1. */
static void wait_for_things(int wanted)
{
    while (things != wanted)
        wait_for(changed);
}

/* Threads of even number bring things, and the others take them. */
static int trade(void *arg)
{
    int taker = (uintptr_t)arg % 2;

    for (int i = 0; i < TRADES; i++) {
        enter();
        wait_for_things(taker);
        if (things != taker)
            wrong++;
        things = !taker;
        number = number + 1;
        condvar_broadcast(changed);
        leave();
    }
    return 0;
}

/* Who takes the fork of the lower number first cannot close a circle. */
static int philosopher(void *arg)
{
    int me = (uintptr_t)arg, left = me, right = (me + 1) % THREADS;
    int first = left < right ? left : right, second = left < right ? right : left;

    for (int i = 0; i < ROUNDS; i++) {
        mutex_lock(forks[first]);
        mutex_lock(forks[second]);
        eats[me] = true;
        if (eats[right] || eats[(me + THREADS - 1) % THREADS])
            wrong++;
        eats[me] = false;
        mutex_unlock(forks[second]);
        mutex_unlock(forks[first]);
    }
    __atomic_fetch_add(&number, ROUNDS, __ATOMIC_RELAXED);
    return 0;
}

static const struct work {
    const char *name;
    int (*work)(void *arg);
    int number;                 /* what `number` must be at the end */
} works[] = {
    { "counter", count, THREADS * ROUNDS },
    { "event", wait_for_events, THREADS * EVENTS },
    { "buffer", trade, THREADS * TRADES },
    { "forks", philosopher, THREADS * ROUNDS },
};

/* Let all threads do it, and judge. The first thread comes last: the others may wait for it. */
static int run(const struct work *work)
{
    int tids[THREADS], code;

    lock = mutex_create();
    changed = condvar_create();
    told = condvar_create();
    for (int i = 0; i < THREADS; i++)
        forks[i] = mutex_create();
    for (int i = THREADS - 1; i >= 0; i--)
        assert((tids[i] = thread_create(work->work, (void *)(uintptr_t)i)) > 0);
    for (int i = 0; i < THREADS; i++)
        assert(thread_join(tids[i], &code) == 0 && code == 0);
    check_eq("what must hold at each change has held", wrong, 0);
    check_eq("all has been done, once", number, work->number);
    return check_done();
}

int main(int argc, char **argv)
{
    for (size_t i = 0; i < ARRAY_SIZE(works); i++)
        if (argc == 2 && strcmp(argv[1], works[i].name) == 0)
            return run(&works[i]);
    cprintf("usage: races counter|event|buffer|forks\n");
    return 2;
}
