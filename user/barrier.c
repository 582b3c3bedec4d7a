/* barrier: nobody begins a round before all have ended the one before.

   They are threads, or with the word "processes" processes. The barrier is a mutex and a condition
   variable, and the condition is how often a semaphore was posted: that all of them can see, also
   those that have no memory in common. */
#include <report.h>
#include <stdio.h>
#include <string.h>
#include <sync.h>
#include <testing.h>
#include <ulib.h>

#define MEMBERS         5
#define ROUNDS          100

static int mutex, all_here, arrived;
static int steps;                       /* for the judge: rounds that members have ended */

static void barrier_wait(int round)
{
    int wanted = (round + 1) * MEMBERS;

    assert(mutex_lock(mutex) == 0 && sem_post(arrived) == 0);
    if (sem_units(arrived) == wanted)
        assert(condvar_broadcast(all_here) == 0);
    while (sem_units(arrived) < wanted)
        assert(condvar_wait(all_here, mutex) == 0);
    assert(mutex_unlock(mutex) == 0);
}

/* Behind the barrier all have ended this round, and nobody the next one of whom this member is one:
   that needs it too. */
static int work(void *number)
{
    for (int round = 0; round < ROUNDS; round++) {
        yield_often(((uintptr_t)number + round) % MEMBERS);
        assert(sem_post(steps) == 0);
        barrier_wait(round);
        int ended = sem_units(steps) - (round + 1) * MEMBERS;

        if (ended < 0 || ended >= MEMBERS)
            panic("round %d: member %d goes on, and is %d steps %s", round, (int)(uintptr_t)number,
                  ended < 0 ? -ended : ended, ended < 0 ? "early" : "late");
    }
    return 0;
}

int main(int argc, char **argv)
{
    bool processes = argc > 1 && strcmp(argv[1], "processes") == 0;

    mutex = mutex_create();
    all_here = condvar_create();
    arrived = sem_init(0);
    steps = sem_init(0);
    assert(mutex > 0 && all_here > 0 && arrived > 0 && steps > 0);
    run_together(MEMBERS, !processes, work);
    check_eq("all have ended all rounds, each together", sem_units(steps), ROUNDS * MEMBERS);
    return check_done();
}
