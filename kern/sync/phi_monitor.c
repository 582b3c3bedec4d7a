/* The philosophers' forks, with a monitor: see phi_monitor.h.

   The forks themselves are not kept: who eats has both of his. state_condvar[] says what each one
   does, and changes inside of the monitor only. Philosopher i waits for his own condition,
   mtp->cv[i]: that he eats. All five have their conditions in one monitor, so whoever looks at what
   his neighbours do sees it stand still. */
#include <sync/phi_monitor.h>

static monitor_t monitor, *mtp = &monitor;
static condvar_t conditions[N];
static int state_condvar[N];            /* THINKING, HUNGRY or EATING */
/* EXERCISE 7.3 begin extra: variables, helpers */
static uint64_t arrivals, arrival[N];   /* who is hungry, in which order; the latest is arrivals */

/* Has the philosopher i, who is hungry, to let this neighbour eat first? */
static bool must_wait_for(int i, int neighbour)
{
    return state_condvar[neighbour] == EATING
           || (state_condvar[neighbour] == HUNGRY && arrival[neighbour] < arrival[i]);
}

/* Let the philosopher i eat, if he is hungry and it is his turn. */
static void phi_test_condvar(int i)
{
    if (state_condvar[i] != HUNGRY || must_wait_for(i, LEFT) || must_wait_for(i, RIGHT))
        return;
    state_condvar[i] = EATING;
    cond_signal(&mtp->cv[i]);
}
/* EXERCISE 7.3 end */

void phi_init(void)
{
    monitor_init(mtp, N, conditions);
    for (int i = 0; i < N; i++)
        state_condvar[i] = THINKING;
}

bool phi_at_rest(void)
{
    bool rest = mtp->mutex.value == 1 && mtp->next.value == 0 && mtp->next_count == 0;

    for (int i = 0; i < N; i++)
        rest &= state_condvar[i] == THINKING && conditions[i].count == 0;
    return rest;
}

void phi_take_forks_condvar(int i)
{
    /* EXERCISE 7.3 begin: phi_take_forks_condvar */
    monitor_enter(mtp);
    state_condvar[i] = HUNGRY;
    arrival[i] = ++arrivals;
    phi_test_condvar(i);
    while (state_condvar[i] != EATING)
        cond_wait(&mtp->cv[i]);
    monitor_leave(mtp);
    /* EXERCISE 7.3 end */
}

void phi_put_forks_condvar(int i)
{
    /* EXERCISE 7.3 begin: phi_put_forks_condvar */
    monitor_enter(mtp);
    state_condvar[i] = THINKING;
    phi_test_condvar(LEFT);
    phi_test_condvar(RIGHT);
    monitor_leave(mtp);
    /* EXERCISE 7.3 end */
}
