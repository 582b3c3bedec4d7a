/* Exercise 6.2: stride scheduling, its functions called by hand on a queue of the test's own
   (sched_class.h). Turns are counted, not time: so each result is a number that can be computed.

   "stride-shares" gives tasks priorities and counts their turns, over so many that the strides,
   which are 32 bits, wrap around. "stride-queue" tries what a queue must do at all: leave and come
   again, whole slices, and tasks that come late or have slept.

   A wrong class gives wrong shares, starves somebody after the strides have wrapped around, or
   gives a task that comes late all the turns that it has missed. The turns are printed before the
   checks, so the numbers of a failed one can be seen.

   Alone: make grade TEST=stride-shares or TEST=stride-queue. */
#include <debug/printk.h>
#include <report.h>
#include <test/sched_class.h>

#define SLICE   5

/* One queue for all tests, begun anew by each. */
static struct trial trial;

/* n tasks with these priorities, in an empty queue. */
static void begin(int n, const uint32_t *priorities)
{
    trial_begin(&trial, test_class("stride"));
    for (int i = 0; i < n; i++)
        trial_add(&trial, priorities[i]);
}

/* How far the tasks' turns are from these numbers, at most. A share is never met exactly at each
   moment, so the checks allow for one or two. */
static int worst(int n, const int *expected)
{
    int result = 0;

    for (int i = 0; i < n; i++) {
        int off = trial.turns[i] - expected[i];

        if (off < 0)
            off = -off;
        if (off > result)
            result = off;
    }
    return result;
}

/* What each has had, for the reader of a failed check. */
static void print_turns(void)
{
    cprintf("turns:");
    for (int i = 0; i < trial.n; i++)
        cprintf(" priority %u: %d", trial.tasks[i].lab6_priority, trial.turns[i]);
    cprintf("\n");
}

/* Shares as the priorities; the limits allow for the turn that is under way. After 6000 turns
   strides have wrapped around more than once, and the shares must be the same. */
static void test_small(void)
{
    static const uint32_t priorities[] = { 1, 2, 3, 4, 5 };
    static const int few[] = { 2, 4, 6, 8, 10 }, many[] = { 200, 400, 600, 800, 1000 };

    /* The sum of the priorities is 15, so 30 turns are two for each unit. */
    begin(5, priorities);
    trial_turns(&trial, 30, 1);
    print_turns();
    check("of 30 turns priorities 1 to 5 get 2, 4, 6, 8 and 10, within 1", worst(5, few) <= 1);
    trial_turns(&trial, 3000, 1);
    print_turns();
    /* The error does not grow with the number of turns. */
    check("of 3000 turns they get 200, 400, 600, 800 and 1000, within 2", worst(5, many) <= 2);
    trial_turns(&trial, 3000, 1);
    check("of 3000 more turns, after strides have wrapped around, they get the same",
          worst(5, many) <= 2);
}

/* Steps that are as long as they can be, very short ones, and both together; and a priority of 2^31
   - 1, with which a step may come out as 0: then that task would get all turns, or none. */
static void test_others(void)
{
    static const uint32_t equal[] = { 1, 1, 1 }, large[] = { 1000, 3000, 1 };
    static const int thirds[] = { 100, 100, 100 }, larger[] = { 1000, 3000, 1 };
    static const int longer[] = { 100, 300, 0 };

    /* The step of priority 1 is half of all numbers: two strides may be as far apart as they ever
       are. */
    begin(3, equal);
    trial_turns(&trial, 300, 1);
    /* A stride that moves by the longest step is compared over half of the ring of numbers. */
    check("tasks of priority 1 share evenly: the longest step of all", worst(3, thirds) <= 1);
    /* Two short steps and one long: the long one must not be taken for one that is behind. */
    begin(3, large);
    trial_turns(&trial, 400, 1);
    print_turns();
    /* The third task, of priority 1, has had its first turn: its next one is a thousand away. */
    check("of 400 turns priorities 1000 and 3000 get 100 and 300, within 2",
          worst(3, longer) <= 2);
    trial_turns(&trial, 4001, 1);
    print_turns();
    check("of 4001 turns they get 1000 and 3000, and priority 1 gets one, within 2",
          worst(3, larger) <= 2);
    /* With a step of 0 the task would never leave the top of the heap. */
    begin(2, (const uint32_t[]){ 7, 0x7fffffff });
    trial_turns(&trial, 1000, 1);
    /* The other task must not run more than its tiny share. */
    check("with the highest priority of all there is still progress", trial.turns[1] >= 990);
}

/* A step is computed by a division, so a priority of 0 must not get there. */
static void test_zero(void)
{
    static const uint32_t priorities[] = { 0, 1, 2 };
    static const int expected[] = { 100, 100, 200 };

    begin(3, priorities);
    trial_turns(&trial, 400, 1);
    print_turns();
    check("priority 0 counts as 1: of 400 turns 0, 1 and 2 get 100, 100 and 200, within 2",
          worst(3, expected) <= 2);
}

/* From small numbers to the limits. */
static void test_shares(void)
{
    test_small();
    test_others();
    test_zero();
}

/* If a check fails: the line of turns above it has what each task got. All turns for one task means
   that its stride does not move, or that the comparison goes wrong after the numbers have wrapped
   around. */
SELFTEST_AT(STAGE_BOOT, "stride-shares", test_shares);

static const uint32_t ones[] = { 1, 1, 1, 1 };

/* Pick and take out all tasks, at most four: a bit for each. So a task that is picked twice, or
   never, shows in one number. */
static uint32_t drain(void)
{
    uint32_t seen = 0;

    for (int i = 0; i < 4; i++) {
        /* Now a turn by hand, tick by tick. */
        struct task *task = trial_pick(&trial);

        if (task == NULL)
            break;
        trial_dequeue(&trial, task);
        seen |= 1U << (task - trial.tasks);
    }
    return seen;
}

/* When a task leaves the heap that is not on top of it, pointers may go wrong: so each of four
   tasks leaves once without a turn, and the other three must be there. */
static void test_queue(void)
{
    begin(0, ones);
    /* An empty heap is NULL, and has no least entry. */
    check("nothing is picked from an empty queue", trial_pick(&trial) == NULL);
    begin(4, ones);
    /* 0xf is all four of them, none twice. */
    check_eq("each task is picked once and taken out: a bit for each", drain(), 0xf);
    check("when all have left, nothing is picked", trial_pick(&trial) == NULL);
    for (int i = 0; i < 4; i++)
        trial_enqueue(&trial, &trial.tasks[i]);
    trial_turns(&trial, 400, 1);
    check("tasks that have left can come again, and have equal turns",
          worst(4, (const int[]){ 100, 100, 100, 100 }) <= 1);
    /* If both count, an idle hart steals from a queue that is empty. */
    check_eq("proc_num is counted by the scheduler, not by the class", trial.rq.proc_num, 4);
    for (int i = 0; i < 4; i++) {
        begin(4, ones);
        trial_dequeue(&trial, &trial.tasks[i]);
        check_eq("when a task leaves without a turn, the others stay: a bit for each", drain(),
                 0xf & ~(1U << i));
    }
}

/* Whole slices, and turns that end early: a turn is paid for, however long it is. */
static void test_slices(void)
{
    static const uint32_t priorities[] = { 2, 2 };
    struct task *task;
    int early = 0;

    begin(2, priorities);
    /* Where the class fills a slice is its own matter: who has its turn must have one. */
    task = trial_pick(&trial);
    trial_dequeue(&trial, task);
    check_eq("a new task gets a whole slice", task->time_slice, SLICE);
    /* A turn of two ticks, and back into the queue; then the other one. */
    task->runs++;
    trial_tick(&trial, task);
    trial_tick(&trial, task);
    trial_enqueue(&trial, task);
    trial_turn(&trial, 2);
    task = trial_pick(&trial);
    trial_dequeue(&trial, task);
    check_eq("each turn begins with a whole slice", task->time_slice, SLICE);
    task->need_resched = false;
    for (int i = 1; i < SLICE; i++) {
        trial_tick(&trial, task);
        early += task->need_resched;
    }
    check_eq("before its slice is used up a task goes on (how often not)", early, 0);
    trial_tick(&trial, task);
    /* Not earlier and not later, as with round robin. */
    check("with the last tick of its slice it must give way", task->need_resched);
    trial_enqueue(&trial, task);
    trial_turns(&trial, 100, 0);
    check_eq("all turns are whole slices", trial.ticks[0] + trial.ticks[1], 100 * SLICE);
    /* The turn that was short, and the long one by hand, have each been paid for as one. */
    check("equal priorities have equal turns", worst(2, (const int[]){ 50, 50 }) <= 1);
}

/* Among two tasks of a high priority, with short steps, that have had so many turns: at some of
   these numbers their strides look far ahead of 0 or of an old stride, at others far behind. */
static const int thirds[] = { 100, 100, 100 };
static const uint32_t high[] = { 1000, 1000, 1000 };

/* A new task among two that have run for so many turns. It must get its third of the next 300: not
   fewer, because its stride begins far ahead, and not more, because it begins far behind. */
static bool newcomer_fair(int turns)
{
    begin(2, high);
    /* The two old ones alone; then the third comes. */
    trial_turns(&trial, turns, 1);
    trial_add(&trial, 1000);
    trial_turns(&trial, 300, 1);
    print_turns();
    return worst(3, thirds) <= 2;
}

/* Its own step is the longest of all: half of the ring. A new task that begins with a whole step
   behind it would wait for a thousand turns of the others. */
static bool newcomer_prompt(void)
{
    begin(2, high);
    /* So many turns, after which the strides of the two lie behind 0 by less than half of the
       ring. */
    trial_turns(&trial, 3001, 1);
    trial_add(&trial, 1);
    trial_turns(&trial, 5, 1);
    return trial.turns[2] == 1;
}

/* The same for a task that has been away: what its stride was when it left means nothing now. */
static bool sleeper_fair(int turns)
{
    struct task *sleeper;

    begin(3, high);
    trial_turns(&trial, 30, 1);
    /* It leaves in its turn, as a task that goes to sleep does. */
    sleeper = trial_pick(&trial);
    trial_dequeue(&trial, sleeper);
    sleeper->runs++;
    trial_turns(&trial, turns, 1);
    trial_wake(&trial, sleeper);
    trial_turns(&trial, 300, 1);
    print_turns();
    return worst(3, thirds) <= 2;
}

/* The numbers of turns are chosen so that a comparison of strides which does not mind the
   wrap-around goes wrong in one direction or in the other.

   Strides are numbers on a ring, because they wrap around:

                   0
               .       .            a, b   the two old tasks
            a             .         n      a new one: where it begins decides when
            b  n          .                its turn comes
               .       .
                  2^31

   Behind the others it gets turns until it has caught up; before them it waits until they have. */
static void test_newcomers(void)
{
    /* Both directions: no credit, */
    check("a new task gets its third among two old ones, and no more", newcomer_fair(1001));
    /* and no debt. */
    check("a new task gets no less than its third if 0 is ahead of the old ones' strides",
          newcomer_fair(3001));
    check("a new task of priority 1 has its first turn at once, and its second later",
          newcomer_prompt());
    check("who has slept for 1001 turns gets its third again, and makes up for none of them",
          sleeper_fair(1001));
    check("who has slept for 3001 turns, and whose old stride looks ahead, is not kept waiting",
          sleeper_fair(3001));
}

/* What holds for any queue first. */
static void test_stride_queue(void)
{
    test_queue();
    test_slices();
    test_newcomers();
}

/* If a check about newcomers fails: with which stride does a task begin that has not run, or not
   for long? Compare it with the strides of those that wait. */
SELFTEST_AT(STAGE_BOOT, "stride-queue", test_stride_queue);
