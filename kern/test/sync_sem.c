/* Exercise 7.1: semaphores.

   "sem-count" takes and gives units where nobody waits, or one does; "sem-order" looks who gets the
   unit that was given; "sem-ends" ends waits by a kill, by time and by sem_close(). "sem-race" has
   twelve threads on four harts take two units in all ways, while they are killed. A wrong kernel
   loses a unit, makes one, gives it to the wrong one, or leaves somebody asleep.

   The test is initproc, and never sleeps in what it tests: threads do, see actors.h. What must be
   true is where each thread is, and how many units there are.

   Alone: make grade TEST="sem-*". */
#include <error.h>
#include <limits.h>
#include <report.h>
#include <sync/sem.h>
#include <test/actors.h>
#include <test/testlib.h>

#define MOMENTS 8                   /* more than up() and down() have places to be stopped at */

/* All parts use this one, so what a part leaves behind would show in the next. */
static semaphore_t sem;

/* What the threads are told to do. */
static int do_down(__not_used int number)
{
    down(&sem);
    return 0;
}

static int do_interruptible(__not_used int number)
{
    return down_interruptible(&sem);
}

static int do_timeout(__not_used int number)
{
    return down_timeout(&sem, rdtime() + 3 * timer_tick_length());
}

static int do_past(__not_used int number)
{
    return down_timeout(&sem, rdtime());
}

/* Nothing is held, and nobody waits. The lock is free too; and the test, which calls up() itself,
   holds none and can be interrupted: so a way out that forgets the lock is found at once. */
static bool at_rest(int value)
{
    return sem.value == value && list_empty(&sem.wait_queue.waiters) && sem.lock.state == 0
           && holds_no_lock() && irq_enabled();
}

/* Units that are there are taken without sleep, and a third one waits. */
static void test_take_and_give(void)
{
    sem_init(&sem, 2);
    check("down() takes a unit that is there", actor_try(0, do_down) && at_rest(1));
    check("down_interruptible() takes a unit that is there",
          actor_try(1, do_interruptible) && actor_result(1) == 0 && at_rest(0));
    check("down() waits if there is none", !actor_try(2, do_down));
    /* Less than 0 would be a number of waiters: that is the queue's. */
    check_eq("the value stays 0 while somebody waits", sem.value, 0);
    check("try_down() takes nothing then, and does not sleep", !try_down(&sem));
    check_eq("up() is 0", up(&sem), 0);
    check_eq("a unit that was handed over is not counted as well", sem.value, 0);
    actors_settle();
    check("up() lets the one who waits go on", actor_done(2) && at_rest(0));
}

/* Units for later, up to the largest number. The value is an int: one more than INT_MAX would be
   less than 0, and all would wait. */
static void test_values(void)
{
    check("up() keeps a unit for later", up(&sem) == 0 && up(&sem) == 0 && at_rest(2));
    check("try_down() takes each of them", try_down(&sem) && at_rest(1) && try_down(&sem)
          && at_rest(0));
    check("try_down() is false if there is none", !try_down(&sem) && at_rest(0));
    sem_init(&sem, INT_MAX);
    check_eq("up() is -E_INVAL at INT_MAX", up(&sem), -E_INVAL);
    check("the value does not wrap around", at_rest(INT_MAX));
    check("a unit of INT_MAX can be taken", actor_try(0, do_down) && at_rest(INT_MAX - 1));
    check("and given back", up(&sem) == 0 && at_rest(INT_MAX));
}

/* up_waiter() leaves no unit behind; a limit that is past does not keep one from a unit. */
static void test_up_waiter(void)
{
    sem_init(&sem, 0);
    check("up_waiter() is false if nobody waits", !up_waiter(&sem));
    check("up_waiter() leaves no unit for later", at_rest(0));
    check("the next one waits", !actor_try(0, do_interruptible));
    check("up_waiter() is true if somebody waits", up_waiter(&sem));
    actors_settle();
    check("up_waiter() lets him go on", actor_done(0) && at_rest(0));
    check_eq("he has a unit", actor_result(0), 0);
    sem_init(&sem, 1);
    check("up_waiter() does not touch units that are there", !up_waiter(&sem) && at_rest(1));
    check("a unit that is there is taken also if the time is over",
          actor_try(0, do_past) && actor_result(0) == 0 && at_rest(0));
}

static void test_count(void)
{
    actors_begin(3);
    test_take_and_give();
    test_values();
    test_up_waiter();
}

/* If it panics because a lock is held already, or is not: each way out must release it, once. */
SELFTEST_AT(STAGE_INIT, "sem-count", test_count);

/* Let threads wait, one after the other, so that the order is known. */
static void let_wait(int from, int to, int (*what)(int number))
{
    bool came_back = false;

    for (int i = from; i <= to; i++)
        came_back |= actor_try(i, what);
    check("all of them wait", !came_back);
}

/* Which threads have come back, as bits. */
static unsigned int who_is_done(int n)
{
    unsigned int done = 0;

    actors_settle();
    for (int i = 0; i < n; i++)
        done |= (unsigned int)actor_done(i) << i;
    return done;
}

/* In order of arrival. Before the first one runs nobody else can take his unit. A unit that is put
   down for anybody to take can be taken by one who came later, again and again: then the first
   waits without end. */
static void test_first_come(void)
{
    sem_init(&sem, 0);
    let_wait(0, 3, do_down);
    up(&sem);
    check("a unit that was given belongs to who waits: try_down() does not get it",
          !try_down(&sem));
    check_eq("the first of four goes on, alone (threads, as bits)", who_is_done(4), 1);
    up(&sem);
    up(&sem);
    check_eq("two units let the next two go on", who_is_done(4), 7);
    check("up_waiter() finds the last one", up_waiter(&sem));
    check_eq("all go on", who_is_done(4), 15);
    check("no unit is left", at_rest(0) && !up_waiter(&sem));
}

/* One who comes between the giving and the taking is behind. The first has been woken, but has not
   run: who looks at the value only would take his unit. */
static void test_late_comer(void)
{
    let_wait(0, 0, do_down);
    up(&sem);
    actor_do(1, do_down);
    check_eq("who comes after the unit was given waits (threads, as bits)", who_is_done(2), 1);
    up(&sem);
    check_eq("until there is one for him", who_is_done(2), 3);
}

/* One who leaves the queue in the middle is passed over. The queue must hold together then, on both
   sides of him. */
static void test_middle(void)
{
    let_wait(0, 0, do_down);
    let_wait(1, 1, do_interruptible);
    let_wait(2, 2, do_down);
    actor_kill(1);
    check_eq("a kill ends the wait of one in the middle (threads, as bits)", who_is_done(3), 2);
    up(&sem);
    check_eq("the first is still the first", who_is_done(3), 3);
    up(&sem);
    check_eq("and the last one comes next", who_is_done(3), 7);
    check("no unit is left", at_rest(0));
    actor_revive(1);
}

static int do_up(__not_used int number)
{
    up(&sem);
    return 0;
}

/* One gives a unit and one takes it; one of them is stopped on the way, and the other one comes
   meanwhile. In a crowd the next unit would help who was passed over; here there is no other. */
static bool give_and_take(int stopped, int moment)
{
    sem_init(&sem, 0);
    actor_stall(stopped, moment);
    actor_do(stopped, stopped == 0 ? do_up : do_down);
    for (int i = 0; i < 20; i++)
        schedule();
    actor_do(1 - stopped, stopped == 0 ? do_down : do_up);
    actors_settle();
    return actor_done(0) && actor_done(1) && at_rest(0);
}

/* Both, at each place. The first that fails ends it: a thread sleeps then. */
static void test_moments(void)
{
    bool right = true;

    for (int round = 0; right && round < 2 * MOMENTS; round++)
        right = give_and_take(round % 2, round / 2 + 1);
    check("who takes gets the unit that is given, wherever one of the two is stopped", right);
}

static void test_order(void)
{
    actors_can_stall();
    actors_begin(4);
    test_first_come();
    test_late_comer();
    test_middle();
    test_moments();
}

/* If the first check fails already: what does the waiter do with `value` when it runs? */
SELFTEST_AT(STAGE_INIT, "sem-order", test_order);

/* A kill ends a wait only if it may, and takes no unit with it. A unit that goes to one who has
   left would be lost; then some later down() waits for ever. */
static void test_kill(void)
{
    sem_init(&sem, 0);
    let_wait(0, 0, do_interruptible);
    actor_kill(0);
    actors_settle();
    check_eq("a kill ends down_interruptible()", actor_result(0), -E_KILLED);
    check("who was killed has left the queue", at_rest(0));
    check("up() keeps the unit for who comes next", up(&sem) == 0 && at_rest(1));
    check("who is killed gets a unit that is there", actor_try(0, do_interruptible)
          && actor_result(0) == 0 && at_rest(0));
    check("who is killed does not wait", actor_try(0, do_interruptible)
          && actor_result(0) == -E_KILLED && at_rest(0));
    actor_revive(0);
    let_wait(1, 1, do_down);
    actor_kill(1);
    actors_settle();
    check("a kill does not end down()", !actor_done(1));
    up(&sem);
    actors_settle();
    check("a unit does", actor_done(1) && at_rest(0));
    actor_revive(1);
}

/* Both at once: whatever comes first, the unit is in one place. If the unit came first the kill is
   too late. If the kill came first, the thread has been woken but has not run yet: it is not known
   whether it is still in the queue, so both ends are right. */
static void test_kill_and_up(void)
{
    for (int kill_first = 0; kill_first < 2; kill_first++) {
        let_wait(0, 0, do_interruptible);
        if (kill_first)
            actor_kill(0);
        up(&sem);
        actor_kill(0);
        actors_settle();
        int result = actor_result(0);
        check("a kill and a unit at the same time: it has the unit, or the semaphore has",
              result == 0 ? at_rest(0) : kill_first && result == -E_KILLED && at_rest(1));
        try_down(&sem);
        actor_revive(0);
    }
}

/* Not before its time, and not without end. One of the two gets a unit in time; the other one none,
   and must not be found in the queue later. */
static void test_time(void)
{
    uint64_t begun = rdtime();

    let_wait(0, 0, do_timeout);
    let_wait(1, 1, do_timeout);
    check_eq("a unit ends down_timeout() before its time", up(&sem), 0);
    actors_settle();
    check_eq("down_timeout() with a unit is 0", actor_result(0), 0);
    while (!actor_done(1) && rdtime() < begun + 1000 * timer_tick_length())
        schedule();
    check_eq("the time ends down_timeout()", actor_result(1), -E_TIMEOUT);
    check("and not before it is over", rdtime() >= begun + 3 * timer_tick_length());
    check("who has not waited to the end has left the queue", at_rest(0));
    check("a limit that is past: it does not wait", actor_try(0, do_past)
          && actor_result(0) == -E_TIMEOUT && at_rest(0));
    let_wait(0, 0, do_timeout);
    actor_kill(0);
    actors_settle();
    check_eq("a kill ends down_timeout()", actor_result(0), -E_KILLED);
    actor_revive(0);
}

/* Those who wait, and those who come later. What it belonged to goes, so nobody may wait for it any
   more, and no unit may be left in it that nobody will take. */
static void test_close(void)
{
    sem_init(&sem, 0);
    let_wait(0, 0, do_interruptible);
    let_wait(1, 1, do_down);
    let_wait(2, 2, do_interruptible);
    sem_close(&sem);
    check_eq("sem_close() ends all waits (threads, as bits)", who_is_done(3), 7);
    check("with -E_INVAL", actor_result(0) == -E_INVAL && actor_result(2) == -E_INVAL);
    check("who comes later does not wait", actor_try(0, do_interruptible) && actor_try(1, do_down));
    check_eq("and gets -E_INVAL too", actor_result(0), -E_INVAL);
    check_eq("up() is -E_INVAL", up(&sem), -E_INVAL);
    check("up_waiter() is false, and no unit is made", !up_waiter(&sem) && at_rest(-1));
    sem_init(&sem, 3);
    sem_close(&sem);
    check("the units of a closed semaphore cannot be taken", !try_down(&sem)
          && actor_try(0, do_interruptible) && actor_result(0) == -E_INVAL && at_rest(-1));
}

static void test_ends(void)
{
    actors_begin(3);
    test_kill();
    test_kill_and_up();
    test_time();
    test_close();
}

/* If a thread that was closed out sleeps on: what is said to those who came first? */
SELFTEST_AT(STAGE_INIT, "sem-ends", test_ends);

#define RACERS  12
#define ROUNDS  400
#define ROOM    2

static uint32_t inside, too_many;               /* atomic */

/* Take a unit, in one of the ways; true if it has one. */
static bool take(uint64_t way)
{
    switch (way % 4) {
    case 0:
        down(&sem);
        return true;
    case 1:
        return try_down(&sem);
    case 2:
        return down_interruptible(&sem) == 0;
    default:
        return down_timeout(&sem, rdtime() + way % 1024 * 64) == 0;
    }
}

/* As many may be inside as there are units. Who has a unit lets others run every other time: only
   so can too many be inside. */
static int racer(int number)
{
    uint64_t seed = 700 + number;

    for (int i = 0; i < ROUNDS; i++) {
        uint64_t random = test_random(&seed);

        if (take(random)) {
            if (atomic_add(&inside, 1) >= ROOM)
                atomic_add(&too_many, 1);
            if (random >> 32 & 1)
                schedule();
            atomic_add(&inside, -1);
            up(&sem);
        }
        actor_revive(number);
    }
    return 0;
}

/* The test kills one of them after the other, until all have come back. If one never does, the
   grader's limit ends it. */
static void test_race(void)
{
    int done = 0;

    sem_init(&sem, ROOM);
    actors_begin(RACERS);
    for (int i = 0; i < RACERS; i++)
        actor_do(i, racer);
    for (int i = 0; done < RACERS; i++) {
        actor_kill(i % RACERS);
        schedule();
        done += actor_done(done);
    }
    check_eq("never more are inside than there are units (how often)", too_many, 0);
    check_eq("in the end there are as many units as in the beginning", sem.value, ROOM);
    check("and nobody waits", at_rest(ROOM));
}

/* If it does not end: print sem in gdb. Who waits, although there are units? */
SELFTEST_AT(STAGE_INIT, "sem-race", test_race);
