/* interactive: a process that mostly sleeps, beside eight that compute.

   With multi-level feedback (sched=mlfq) it runs again within 20 ms of when it should, and none of
   the eight starves. So a user who types is answered at once, whatever else runs. It measures by
   the machine's clock. */
#include <report.h>
#include <stdio.h>
#include <ulib.h>

#define HOGS        8
#define TURNS       100
#define TICKS       3               /* so long it sleeps in each turn */
#define TICK_MS     10
#define LATE_MS     20

static __never_returns void hog(void)
{
    volatile int n = 0;

    for (unsigned int end = gettime_msec() + 2 * TURNS * TICKS * TICK_MS;
         (int)(gettime_msec() - end) < 0; n++)
        for (volatile int i = 0; i < 1000; i++)
            ;
    exit(n);
}

int main(void)
{
    int pids[HOGS], worst = 0, working = 0, turns;

    for (int i = 0; i < HOGS; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            hog();
        assert(pids[i] > 0);
    }
    for (int turn = 0; turn < TURNS; turn++) {
        unsigned int due = gettime_msec() + TICKS * TICK_MS;

        sleep(TICKS);
        int late = gettime_msec() - due;
        if (late > worst)
            worst = late;
    }
    cprintf("beside %d hogs it was late by %d ms at worst\n", HOGS, worst);
    check("who sleeps runs again within 20 ms of when it should", worst <= LATE_MS);
    for (int i = 0; i < HOGS; i++) {
        assert(waitpid(pids[i], &turns) == 0);
        working += turns > 0;
    }
    check_eq("each of those that compute has got on", working, HOGS);
    return check_done();
}
