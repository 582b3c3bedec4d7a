/* Exercise 7.3: the philosophers' judge.

   "philosophers-table" tells philosophers one by one to take and to put their forks, and looks who
   eats; "philosophers-fair" has the two neighbours of a hungry one eat by turns, and counts their
   meals; "philosophers-moments" stops one of them at each place where he can be stopped, while the
   others go on. "philosophers" lets all five eat many meals, each in his own thread. A wrong
   solution lets two neighbours eat, lets nobody eat, or lets one wait for ever.

   The judge believes nobody but himself: he notes who is hungry, who eats and how many meals the
   neighbours of each have begun meanwhile, and looks at each change whether it may be. Only at the
   end he looks whether the table is left as it was found.

   Alone: make grade TEST="philosophers*". */
#include <debug/printk.h>
#include <report.h>
#include <sync/phi_monitor.h>
#include <test/actors.h>
#include <test/testlib.h>

/* What the judge knows; guarded by judge. */
static struct spinlock judge = SPINLOCK_INIT("judge", RANK_WAIT);
static int does[N];                 /* THINKING, HUNGRY or EATING */
static int meals[N];
static int passed[N];               /* meals that the neighbours have begun while he waits */
static int most_passed;             /* of all times and all philosophers */
static int neighbours_eat;          /* how often one ate while a neighbour did */

/* The philosopher is hungry now. */
static void note_hungry(int i)
{
    spin_lock(&judge);
    does[i] = HUNGRY;
    passed[i] = 0;
    spin_unlock(&judge);
}

/* One of his neighbours has begun a meal. If he sleeps he has asked for his forks; before, nobody
   can know that he is hungry, and his hart may be slow. */
static void note_passed(int i)
{
    if (does[i] == HUNGRY && actor_sleeps(i) && ++passed[i] > most_passed)
        most_passed = passed[i];
}

/* The philosopher has both forks. */
static void note_eats(int i)
{
    spin_lock(&judge);
    neighbours_eat += does[LEFT] == EATING || does[RIGHT] == EATING;
    does[i] = EATING;
    meals[i]++;
    note_passed(LEFT);
    note_passed(RIGHT);
    spin_unlock(&judge);
}

/* He puts them back now. */
static void note_thinks(int i)
{
    spin_lock(&judge);
    does[i] = THINKING;
    spin_unlock(&judge);
}

/* What the philosophers are told to do. */
static int do_take(int i)
{
    note_hungry(i);
    phi_take_forks_condvar(i);
    note_eats(i);
    return 0;
}

static int do_put(int i)
{
    note_thinks(i);
    phi_put_forks_condvar(i);
    return 0;
}

/* Who eats, when all is at rest, as bits. */
static unsigned int who_eats(void)
{
    unsigned int eating = 0;

    actors_settle();
    for (int i = 0; i < N; i++)
        eating |= (does[i] == EATING ? 1U : 0) << i;
    return eating;
}

#define BIT(i)  (1U << (i))

/* What must be so at the end of each test. */
static void check_end(void)
{
    check_eq("neighbours ate at the same time (how often)", neighbours_eat, 0);
    check("in the end nobody is in the monitor, and all think", phi_at_rest());
}

/* Two who are no neighbours eat at the same time; who sits between them waits for both. */
static void test_between(void)
{
    check("who finds both forks eats", actor_try(0, do_take));
    check("another one who is no neighbour eats at the same time", actor_try(2, do_take));
    check("who sits between them waits", !actor_try(1, do_take));
    actor_try(0, do_put);
    check_eq("and waits for the other one too (who eats, as bits)", who_eats(), BIT(2));
    actor_try(2, do_put);
    check_eq("then he eats", who_eats(), BIT(1));
    check("who has put his forks back thinks", actor_done(0) && actor_done(2));
    actor_try(1, do_put);
    check_eq("nobody eats in the end", who_eats(), 0);
}

/* Who puts his forks back sees to both of his neighbours. */
static void test_both_neighbours(void)
{
    for (int i = 0; i < N; i++) {
        check("who finds both forks eats, again", actor_try(i, do_take));
        check("both of his neighbours wait", !actor_try(LEFT, do_take)
              && !actor_try(RIGHT, do_take));
        actor_try(i, do_put);
        check_eq("when he has put his forks back both of them eat (who eats, as bits)", who_eats(),
                 BIT(LEFT) | BIT(RIGHT));
        actor_try(LEFT, do_put);
        actor_try(RIGHT, do_put);
    }
}

/* All are hungry at once: each eats once, whoever goes first. */
static void test_all_hungry(void)
{
    int eaten = 0;

    for (int i = 0; i < N; i++)
        actor_do(i, do_take);
    for (int round = 0; round < N && who_eats() != 0; round++)
        for (int i = 0; i < N; i++)
            if (who_eats() & BIT(i)) {
                actor_try(i, do_put);
                eaten++;
            }
    check_eq("five are hungry at once, and five eat", eaten, N);
    check_eq("and nobody eats in the end", who_eats(), 0);
}

static void test_table(void)
{
    phi_init();
    actors_begin(N);
    test_between();
    test_both_neighbours();
    test_all_hungry();
    check_end();
}

/* If a philosopher has not come back from what he did before: print monitor and state_condvar in
   gdb. Who should have signalled to him? */
SELFTEST_AT(STAGE_INIT, "philosophers-table", test_table);

/* One of the neighbours of `hungry` puts his forks back while the other one is hungry or eats, and
   is hungry again at once: so if he may always eat, one of the two eats at each moment. Returns
   whether the hungry one has had his meal at last. */
static bool starve(int hungry, int first, int second)
{
    actor_try(first, do_take);
    actor_try(hungry, do_take);
    for (int i = 0; i < 4 * MOST_MEALS_BEFORE && does[hungry] == HUNGRY; i++) {
        int other = i % 2 == 0 ? second : first, eater = i % 2 == 0 ? first : second;

        if (actor_done(other) && does[other] == THINKING)
            actor_try(other, do_take);
        if (actor_done(eater) && does[eater] == EATING)
            actor_try(eater, do_put);
    }
    return does[hungry] != HUNGRY;
}

/* Those who eat put their forks back, until nobody does. */
static void clear_table(void)
{
    for (int round = 0; round < N; round++)
        for (int i = 0; i < N; i++)
            if (actor_done(i) && does[i] == EATING)
                actor_try(i, do_put);
}

/* Each of the five, from each side. */
static void test_fair(void)
{
    bool all = true;

    phi_init();
    actors_begin(N);
    for (int i = 0; i < N; i++) {
        all &= starve(i, LEFT, RIGHT);
        clear_table();
        all &= starve(i, RIGHT, LEFT);
        clear_table();
    }
    check("a hungry one eats, although his neighbours eat by turns", all);
    check("the neighbours of a hungry one begin at most MOST_MEALS_BEFORE meals",
          most_passed <= MOST_MEALS_BEFORE);
    check_eq("nobody eats in the end", who_eats(), 0);
    check_end();
}

/* If one starves: what does phi_take_forks_condvar() know of who has been hungry for longer? */
SELFTEST_AT(STAGE_INIT, "philosophers-fair", test_fair);

#define MOMENTS 24                  /* more than one has places at which he can be stopped */

/* One meal. */
static int dine(int i)
{
    do_take(i);
    return do_put(i);
}

/* Let others run for a while, but not as long as one is stopped. */
static void run_a_while(void)
{
    for (int i = 0; i < 20; i++)
        schedule();
}

/* Three in a row have a meal, the one in the middle comes first; one is stopped on the way. */
static bool three_dine(int stopped, int moment)
{
    actor_stall(stopped, moment);
    actor_do(1, dine);
    run_a_while();
    actor_do(0, dine);
    actor_do(2, dine);
    actors_settle();
    return actor_done(0) && actor_done(1) && actor_done(2);
}

/* Each of them, at each place. The first that fails ends it: a thread sleeps then. */
static void test_stops(void)
{
    bool right = true;

    phi_init();
    actors_can_stall();
    actors_begin(N);
    for (int round = 0; right && round < 3 * MOMENTS; round++) {
        right = three_dine(round % 3, round / 3 + 1);
        if (!right)
            cprintf("philosopher %d was stopped at his place %d\n", round % 3, round / 3 + 1);
    }
    check("all three have their meal, wherever one of them is stopped", right);
    check_end();
}

/* At which place was he stopped? actor_stall() counts them. */
SELFTEST_AT(STAGE_INIT, "philosophers-moments", test_stops);

#define MEALS   200                 /* of each */

/* Gives way some times, at most `limit`. */
static void pass_time(uint64_t *seed, int limit)
{
    for (int n = test_random(seed) % limit; n > 0; n--)
        schedule();
}

/* A philosopher who eats all of his meals. */
static int philosopher(int i)
{
    uint64_t seed = 31 + i;

    for (int meal = 0; meal < MEALS; meal++) {
        pass_time(&seed, 4);
        do_take(i);
        pass_time(&seed, 4);
        do_put(i);
    }
    return 0;
}

/* All at once. If one of them never comes to his meals, the grader's limit ends it. Whether two eat
   at the same time is chance here: harts may be so slow that they do so one after the other. */
static void test_dinner(void)
{
    bool all = true;

    phi_init();
    actors_begin(N);
    for (int i = 0; i < N; i++)
        actor_do(i, philosopher);
    for (int done = 0; done < N; done += actor_done(done))
        schedule();
    for (int i = 0; i < N; i++)
        all &= meals[i] == MEALS;
    check("each has had all of his meals", all);
    check("the neighbours of a hungry one begin at most MOST_MEALS_BEFORE meals",
          most_passed <= MOST_MEALS_BEFORE);
    check_end();
}

/* If it does not end: print does, in gdb, and state_condvar. Who is hungry, and who eats? */
SELFTEST_AT(STAGE_INIT, "philosophers", test_dinner);
