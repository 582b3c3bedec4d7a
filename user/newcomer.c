/* newcomer: fairness towards a process that is new, and one that has slept.

   One process computes alone for a while. Then one begins and one wakes, and each of the three must
   get a third of the time: the new ones must neither catch up with what they missed, nor wait. */
#include <report.h>
#include <stdio.h>
#include <ulib.h>

#define ALONE_MS    3000
#define TOGETHER_MS 12000
#define TOLERANCE   12              /* percent */

static __never_returns void count(unsigned int start, unsigned int end)
{
    int n = 0;

    while ((int)(gettime_msec() - start) < 0)
        ;
    for (; (int)(gettime_msec() - end) < 0; n++)
        for (volatile int i = 0; i < 200; i++)
            ;
    exit(n);
}

static int start_counting(unsigned int start, unsigned int end, unsigned int sleep_ticks)
{
    int pid = fork();

    assert(pid >= 0);
    if (pid == 0) {
        if (sleep_ticks > 0)
            sleep(sleep_ticks);
        count(start, end);
    }
    return pid;
}

int main(void)
{
    unsigned int start = gettime_msec() + ALONE_MS, end = start + TOGETHER_MS;
    const char *const names[] = { "the old one", "the sleeper", "the newcomer" };
    int pids[3], counts[3], total = 0;

    pids[0] = start_counting(start, end, 0);
    pids[1] = start_counting(start, end, ALONE_MS / 10);
    sleep(ALONE_MS / 10);
    pids[2] = start_counting(start, end, 0);
    for (int i = 0; i < 3; i++) {
        assert(waitpid(pids[i], &counts[i]) == 0);
        total += counts[i];
    }
    assert(total > 0);
    for (int i = 0; i < 3; i++) {
        int percent = (long)counts[i] * 300 / total;
        char what[80];

        cprintf("%s: %d %% of a third\n", names[i], percent);
        snprintf(what, sizeof(what), "%s gets a third of the time, within %d %%", names[i],
                 TOLERANCE);
        check(what, percent >= 100 - TOLERANCE && percent <= 100 + TOLERANCE);
    }
    return check_done();
}
