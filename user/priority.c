/* priority [rr | stride]: five children with priorities 1 to 5 count as fast as they can, for the
   same time on one hart. With "rr" their shares must be equal, with "stride" as 1:2:3:4:5. Without
   an argument the shares are only printed. In each case none of the children may starve. */
#include <report.h>
#include <stdio.h>
#include <string.h>
#include <ulib.h>

#define CHILDREN        5
#define START_MS        100             /* by then all children are there */
#define MEASURE_MS      2000
#define CHECKED_MS      20000           /* long enough for 26 turns of the lowest priority */
#define TOLERANCE       5               /* percent of what a child should get */

/* Count between two points in time; the count is the exit code. */
static __never_returns void count(int priority, unsigned int start, unsigned int end)
{
    int n = 0;

    (priority % 2 == 0 ? lab6_set_priority : lab6_setpriority)(priority);   /* it has two names */
    while ((int)(gettime_msec() - start) < 0)
        ;
    for (; (int)(gettime_msec() - end) < 0; n++)
        for (volatile int i = 0; i < 200; i++)
            ;
    exit(n);
}

static void check_share(int child, long counted, long total, const char *policy)
{
    int parts = CHILDREN, part = 1;     /* the child should get part / parts of the total */
    char what[80];

    cprintf("priority %d: %ld counts, %ld %%\n", child + 1, counted, counted * 100 / total);
    if (strcmp(policy, "stride") == 0) {
        part = child + 1;
        parts = CHILDREN * (CHILDREN + 1) / 2;
    } else if (strcmp(policy, "rr") != 0) {
        return;
    }
    long percent = counted * parts * 100 / (total * part);

    snprintf(what, sizeof(what), "priority %d gets %d/%d of the time, within %d %%", child + 1,
             part, parts, TOLERANCE);
    check(what, percent >= 100 - TOLERANCE && percent <= 100 + TOLERANCE);
}

int main(int argc, char **argv)
{
    const char *policy = argc > 1 ? argv[1] : "";
    unsigned int start = gettime_msec() + START_MS, length = argc > 1 ? CHECKED_MS : MEASURE_MS;
    int pids[CHILDREN], counted[CHILDREN], running = 0;
    long total = 0;

    if (argc > 1 && strcmp(policy, "rr") != 0 && strcmp(policy, "stride") != 0)
        panic("usage: priority [rr | stride]");
    lab6_setpriority(CHILDREN + 1);
    for (int i = 0; i < CHILDREN; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            count(i + 1, start, start + length);
        assert(pids[i] > 0);
    }
    cprintf("main: fork ok, now need to wait pids.\n");
    for (int i = 0; i < CHILDREN; i++) {
        assert(waitpid(pids[i], &counted[i]) == 0);
        total += counted[i];
        running += counted[i] > 0;
    }
    check_eq("none of the children starves", running, CHILDREN);
    assert(total > 0);
    for (int i = 0; i < CHILDREN; i++)
        check_share(i, counted[i], total, policy);
    if (all_passed())
        cprintf("priority pass.\n");
    return check_done();
}
