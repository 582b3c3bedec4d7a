/* greedy: no priority keeps others away from the hart.

   One process computes without end, with any number for its priority. Beside it a process of
   priority 1 that has had its turn and then sleeps must be back after some seconds. */
#include <report.h>
#include <stdio.h>
#include <syscall.h>
#include <testing.h>
#include <ulib.h>

#define TURN_MS         120             /* two slices: after that the turn is over */
#define PATIENCE_MS     8000            /* MAX_PRIORITY turns of 50 ms, and half as many more */

static const uint64_t priorities[] = {
    0, 1, 100, 101, 1000, 2000000000, INT32_MAX, INT32_MAX + 1UL, UINT32_MAX, 1UL << 32,
    (1UL << 32) + 1, INT64_MAX, UINT64_MAX,
};

static void compute(unsigned int ms)
{
    unsigned int start = gettime_msec();

    while (gettime_msec() - start < ms)
        ;
}

/* How long a sleep of one tick takes beside a process of this priority, after a turn of
   computing. */
static unsigned int wait_beside(uint64_t priority)
{
    int pid = fork(), code;

    if (pid == 0) {
        syscall1(SYS_lab6_set_priority, priority);
        for (;;)
            ;
    }
    assert(pid > 0);
    compute(TURN_MS);
    unsigned int start = gettime_msec();

    assert(sleep(1) == 0);
    unsigned int waited = gettime_msec() - start;

    assert(kill(pid) == 0 && waitpid(pid, &code) == 0);
    return waited;
}

int main(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(priorities); i++) {
        unsigned int waited = wait_beside(priorities[i]);

        if (waited > PATIENCE_MS)
            panic("beside priority %lu a sleeper was not back for %u ms", priorities[i], waited);
    }
    check("a sleeper comes back soon beside a process of any priority", true);
    return check_done();
}
