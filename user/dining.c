/* dining: five philosophers at a round table. Between any two lies a fork, and each needs two forks
   to eat.

   By default they are threads, and a monitor, which is a mutex and a condition variable for each of
   them, lets them eat in turn. With the word "semaphores" each fork is a semaphore, and one seat is
   always empty: so they cannot all take one fork and wait for the other. With "processes" it is the
   same, but they have no memory in common, only the semaphores.

   Never are two neighbours eating, and all meals are eaten. In the monitor nobody who is hungry
   sees one of his neighbours begin to eat twice. */
#include <report.h>
#include <stdio.h>
#include <string.h>
#include <sync.h>
#include <testing.h>
#include <ulib.h>

#define N               5
#define MEALS           100
#define LEFT(i)         (((i) + N - 1) % N)         /* his neighbours */
#define RIGHT(i)        (((i) + 1) % N)
#define LEFT_FORK(i)    (i)
#define RIGHT_FORK(i)   RIGHT(i)

/* The judge has a semaphore for each fork: a unit for each philosopher who eats with it. */
static int users[N], eaten;

static void begin_meal(int i)
{
    assert(sem_post(users[LEFT_FORK(i)]) == 0 && sem_post(users[RIGHT_FORK(i)]) == 0);
    if (sem_units(users[LEFT_FORK(i)]) != 1 || sem_units(users[RIGHT_FORK(i)]) != 1)
        panic("philosopher %d eats with a fork that another one uses", i);
}

static void end_meal(int i)
{
    assert(sem_wait(users[LEFT_FORK(i)]) == 0 && sem_wait(users[RIGHT_FORK(i)]) == 0);
    assert(sem_post(eaten) == 0);
}

/* The monitor. All that follows is guarded by the mutex. */
enum state { THINKING, HUNGRY, EATING };

static int mutex, may_try[N];           /* the mutex, and the condition variables */
static enum state state[N];
static int hungry_since[N], now;        /* in the order in which they became hungry */
static int passed[N];                   /* so many meals his neighbours began meanwhile */

/* Would i take away a fork from a neighbour, who uses it or has waited longer for it? */
static bool must_wait_for(int neighbour, int i)
{
    return state[neighbour] == EATING
        || (state[neighbour] == HUNGRY && hungry_since[neighbour] < hungry_since[i]);
}

static void take_forks_in_monitor(int i)
{
    assert(mutex_lock(mutex) == 0);
    state[i] = HUNGRY;
    hungry_since[i] = now++;
    passed[i] = 0;
    while (must_wait_for(LEFT(i), i) || must_wait_for(RIGHT(i), i))
        assert(condvar_wait(may_try[i], mutex) == 0);
    state[i] = EATING;
    passed[LEFT(i)]++;
    passed[RIGHT(i)]++;
    if (passed[i] > 2)
        panic("philosopher %d is passed by %d meals", i, passed[i]);
    assert(mutex_unlock(mutex) == 0);
}

static void put_forks_in_monitor(int i)
{
    assert(mutex_lock(mutex) == 0);
    state[i] = THINKING;
    assert(condvar_signal(may_try[LEFT(i)]) == 0 && condvar_signal(may_try[RIGHT(i)]) == 0);
    assert(mutex_unlock(mutex) == 0);
}

/* The semaphores. */
static int seats, forks[N];

static void take_forks(int i)
{
    assert(sem_wait(seats) == 0);
    assert(sem_wait(forks[LEFT_FORK(i)]) == 0 && sem_wait(forks[RIGHT_FORK(i)]) == 0);
}

static void put_forks(int i)
{
    assert(sem_post(forks[LEFT_FORK(i)]) == 0 && sem_post(forks[RIGHT_FORK(i)]) == 0);
    assert(sem_post(seats) == 0);
}

static bool use_monitor;

/* A philosopher's life. They are not equally slow, so that all sorts of orders come about. */
static int live(void *number)
{
    int i = (uintptr_t)number;

    for (int meal = 0; meal < MEALS; meal++) {
        yield_often((i + meal) % 3);
        if (use_monitor)
            take_forks_in_monitor(i);
        else
            take_forks(i);
        begin_meal(i);
        yield_often((i * meal) % 4);
        end_meal(i);
        if (use_monitor)
            put_forks_in_monitor(i);
        else
            put_forks(i);
    }
    return 0;
}

static void make_table(void)
{
    eaten = sem_init(0);
    seats = sem_init(N - 1);
    mutex = mutex_create();
    assert(eaten > 0 && seats > 0 && mutex > 0);
    for (int i = 0; i < N; i++) {
        users[i] = sem_init(0);
        forks[i] = sem_init(1);
        may_try[i] = condvar_create();
        assert(users[i] > 0 && forks[i] > 0 && may_try[i] > 0);
    }
}

int main(int argc, char **argv)
{
    bool processes = argc > 1 && strcmp(argv[1], "processes") == 0;

    use_monitor = argc == 1;
    make_table();
    run_together(N, !processes, live);
    check_eq("all meals are eaten, and never by two neighbours at once", sem_units(eaten),
             N * MEALS);
    return check_done();
}
