/* Exercise 7.2: one waits and one signals, again and again, each time with a new monitor.

   "monitor-pairs" looks that both come out again, whichever comes first and whoever is stopped
   between two steps. In a crowd a signaller that is left behind is freed by the next who leaves, so
   that nobody sees it; here nobody comes later. It is for boots with chaos=SEED: without, hardly
   anything runs between two steps.

   Alone: make grade TEST=monitor-pairs. */
#include <report.h>
#include <sync/monitor.h>
#include <test/actors.h>
#include <test/testlib.h>

#define ROUNDS      100
#define PATIENCE    10000               /* turns that others get; both need a few */

static monitor_t monitor;
static condvar_t condition;
static bool happened;                   /* guarded by the monitor */
static int missed;                      /* the same: how often it had not happened after a signal */

static int wait_once(__not_used int number)
{
    monitor_enter(&monitor);
    if (!happened)
        cond_wait(&condition);
    missed += !happened;
    monitor_leave(&monitor);
    return 0;
}

static int signal_once(__not_used int number)
{
    monitor_enter(&monitor);
    happened = true;
    cond_signal(&condition);
    monitor_leave(&monitor);
    return 0;
}

/* Let both do it. False if one of them has not come back. */
static bool pair(int first, int second)
{
    monitor_init(&monitor, 1, &condition);
    happened = false;
    actor_do(first, wait_once);
    actor_do(second, signal_once);
    for (int turn = 0; turn < PATIENCE && !(actor_done(first) && actor_done(second)); turn++)
        schedule();
    return actor_done(first) && actor_done(second);
}

/* Who has the lower number begins in half of the rounds. If they do not come back there is no next
   round: the threads are still in the monitor of this one. */
static void test_pairs(void)
{
    bool all = true;

    actors_begin(2);
    for (int i = 0; i < ROUNDS && all; i++)
        all = pair(i % 2, 1 - i % 2);
    check("both have left the monitor, each time", all);
    check_eq("what was signalled is so (how often not)", missed, 0);
}

/* If one has not left: who waits on next, and who is to hand the monitor over? */
SELFTEST_AT(STAGE_INIT, "monitor-pairs", test_pairs);
