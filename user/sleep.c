/* sleep: the system call takes as long as it should, and never shorter.

   Processes that sleep at the same time do not wait for each other: five sleeps side by
   side take less time than one after the other. */
#include <report.h>
#include <stdio.h>
#include <ulib.h>

#define TICK_MS         10
#define SLEEPERS        5

static void sleep_in_turns(void)
{
    for (int i = 1; i <= 10; i++) {
        unsigned int start = gettime_msec();

        assert(sleep(10) == 0);
        unsigned int slept = gettime_msec() - start;

        /* It wakes at a tick, and the first tick may come soon: so it may be one tick less. */
        if (slept < 9 * TICK_MS)
            panic("slept for %u ms, not %u", slept, 10 * TICK_MS);
        cprintf("sleep %d x 10 ticks.\n", i);
    }
}

static void sleep_together(void)
{
    unsigned int start = gettime_msec();
    int pids[SLEEPERS], code;

    for (int i = 0; i < SLEEPERS; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            exit(sleep(50));
        assert(pids[i] > 0);
    }
    for (int i = 0; i < SLEEPERS; i++)
        assert(waitpid(pids[i], &code) == 0 && code == 0);
    unsigned int slept = gettime_msec() - start;

    if (slept < 49 * TICK_MS || slept > SLEEPERS * 50 * TICK_MS)
        panic("%d processes that sleep 500 ms together took %u ms", SLEEPERS, slept);
}

int main(void)
{
    int code, pid = fork();

    if (pid == 0) {
        sleep_in_turns();
        exit(0);
    }
    assert(pid > 0);
    assert(waitpid(pid, &code) == 0 && code == 0);
    sleep_together();
    assert(sleep(0) == 0);
    cprintf("sleep pass.\n");
    return check_done();
}
