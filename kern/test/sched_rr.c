/* Exercise 6.1: round robin, its functions called by hand on a queue of the test's own
   (sched_class.h). No task runs, so each step of the class can be looked at.

   "rr-queue" tries the queue: the order of those who wait, and who leaves in the middle.
   "rr-slices" tries the slices: when a task gets a new one, what a tick takes from it, and when the
   task must give way. A wrong class picks in another order, leaves a task in the list after it has
   left, or lets a task run for ever.

   The list is walked in both directions, because a prev that is wrong shows only when somebody
   leaves.

   Alone: make grade TEST=rr-queue or TEST=rr-slices. priority-rr and newcomer-rr are programs. */
#include <report.h>
#include <test/sched_class.h>

#define TASKS   4
#define SLICE   5
#define ROUNDS  20

/* One queue for all tests, begun anew by each. */
static struct trial trial;

/* The tasks in the list, forwards or backwards; -1 if it does not come back to its head. */
static int length(bool forwards)
{
    list_entry_t *head = &trial.rq.run_list, *pos = forwards ? head->next : head->prev;
    int n = 0;

    /* A list that does not come back to its head is given up. */
    while (pos != head && n <= MAX_TASKS) {
        pos = forwards ? pos->next : pos->prev;
        n++;
    }
    return n <= MAX_TASKS ? n : -1;
}

/* Both directions must have as many. */
static void check_length(const char *what, int expected)
{
    check_eq(what, length(true), expected);
    check_eq("the list has as many tasks backwards as forwards", length(false), expected);
}

/* The order in which n tasks are picked and taken out, as digits: 123 is tasks 1, 2, 3. -1 if the
   queue is empty before. The number can be compared by one check, and says all in its message. */
static int picked(int n)
{
    int digits = 0;

    for (int i = 0; i < n; i++) {
        struct task *task = trial_pick(&trial);

        if (task == NULL)
            return -1;
        trial_dequeue(&trial, task);
        /* Counted from 1, so that task 0 is seen too. */
        digits = 10 * digits + (task - trial.tasks) + 1;
    }
    return digits;
}

/* Four tasks come; two are picked and leave; they come again, in the other order. To look who is
   next must not take anybody out: the scheduler asks first, and takes out later. */
static void test_order(void)
{
    trial_begin(&trial, test_class("rr"));
    check("nothing is picked from an empty queue", trial_pick(&trial) == NULL);
    for (int i = 0; i < TASKS; i++)
        trial_add(&trial, 1);
    check_length("four tasks are in the list", TASKS);
    /* First in, first out: whoever goes in at the other end, or is taken from it, is found here. */
    check("who came first is picked", trial_pick(&trial) == &trial.tasks[0]);
    check("to be picked does not take it out of the queue", trial_pick(&trial) == &trial.tasks[0]);
    check_eq("tasks are picked in the order in which they came", picked(2), 12);
    check_length("after two of four have left two are in the list", 2);
    /* Its entry must be its own neighbour: other code asks by that whether a task is in a queue. */
    check("a task that was taken out is in no list",
          list_empty(&trial.tasks[0].run_link) && list_empty(&trial.tasks[1].run_link));
    /* In the other order than before, so that the order is known to be that of coming. */
    trial_enqueue(&trial, &trial.tasks[1]);
    trial_enqueue(&trial, &trial.tasks[0]);
    check_eq("who comes again goes to the end", picked(4), 3421);
    /* NULL, and not the struct that would lie around the head of the list. */
    check("when all have left, nothing is picked", trial_pick(&trial) == NULL);
    check_length("when all have left, the list is empty", 0);
}

/* A task leaves without having been picked, as one that another hart steals does: from the middle
   and from the front. */
static void test_removal(void)
{
    trial_begin(&trial, test_class("rr"));
    for (int i = 0; i < TASKS; i++)
        trial_add(&trial, 1);
    /* One from the middle, and then the one that is first. */
    trial_dequeue(&trial, &trial.tasks[2]);
    trial_dequeue(&trial, &trial.tasks[0]);
    check_length("when one of the middle and the first have left two are in the list", 2);
    trial_enqueue(&trial, &trial.tasks[2]);
    check_eq("when some leave, the others keep their order", picked(3), 243);
    trial_enqueue(&trial, &trial.tasks[1]);
    /* With nobody else it goes on, turn after turn. */
    check("a task alone is picked, each time", trial_turn(&trial, 1) == &trial.tasks[1]
          && trial_turn(&trial, 1) == &trial.tasks[1]);
    /* If both count, an idle hart steals from a queue that is empty. */
    check_eq("proc_num is counted by the scheduler, not by the class", trial.rq.proc_num, 1);
}

/* Order first: removal cannot be judged without it. */
static void test_queue(void)
{
    test_order();
    test_removal();
}

/* If a check fails: picked() gives the order as digits, so "expected 12, got 21" is the wrong end
   of the list. */
SELFTEST_AT(STAGE_BOOT, "rr-queue", test_queue);

/* The slice after enqueue, if it was `left` before. */
static int slice_after(int left)
{
    struct task *task = &trial.tasks[0];

    /* As if it had run. */
    trial_dequeue(&trial, task);
    task->time_slice = left;
    trial_enqueue(&trial, task);
    return task->time_slice;
}

/* A slice that is used up is filled, one that is not stays: a task that gives way early would else
   have more of the hart than others. No value that is impossible may survive either. */
static void test_refill(void)
{
    trial_begin(&trial, test_class("rr"));
    /* Its struct is zero, so it has none of its own. */
    check_eq("a new task gets a whole slice", trial_add(&trial, 1)->time_slice, SLICE);
    check_eq("a task that has used up its slice gets a new one", slice_after(0), SLICE);
    check_eq("a task that gave way early keeps what was left", slice_after(3), 3);
    check_eq("a task that has one tick left keeps that", slice_after(1), 1);
    /* No task can have got such a slice from this class. */
    check_eq("nobody has more than max_time_slice", slice_after(SLICE + 1), SLICE);
    check_eq("a slice below 0 is used up", slice_after(-1), SLICE);
}

/* Tick by tick: too early is as wrong as too late. The task that waits is looked at as well,
   because only the one that runs may lose time. */
static void test_ticks(void)
{
    /* Two, so that giving way has somebody to give way to. */
    struct task *task, *other;
    int early = 0, wrong = 0;

    trial_begin(&trial, test_class("rr"));
    task = trial_add(&trial, 1);
    other = trial_add(&trial, 1);
    /* It runs now, and the other one waits. */
    trial_dequeue(&trial, task);
    for (int i = 1; i < SLICE; i++) {
        trial_tick(&trial, task);
        early += task->need_resched;
        wrong += task->time_slice != SLICE - i;
    }
    check_eq("each tick takes one from the slice of the task that runs (how often not)", wrong, 0);
    check_eq("before its slice is used up a task goes on (how often not)", early, 0);
    trial_tick(&trial, task);
    /* The fifth of five. */
    check("with the last tick of its slice a task must give way", task->need_resched);
    check_eq("with the last tick nothing is left of the slice", task->time_slice, 0);
    /* As if it had not given way, though it should have. */
    task->need_resched = false;
    trial_tick(&trial, task);
    check_eq("the slice does not fall below 0", task->time_slice, 0);
    /* A task gives way when it leaves the kernel; more ticks may come before that. */
    check("a tick without a slice left makes a task give way too", task->need_resched);
    check("who waits loses nothing", other->time_slice == SLICE && !other->need_resched);
}

/* Full turns; then one task that gives way after two ticks each time. Giving way early must cost
   nothing and bring nothing.

   With four tasks and slices of five ticks:

       |11111|22222|33333|44444|11111|22222| ...     20 rounds: 100 ticks for each */
static void test_turns(void)
{
    bool same = true;

    trial_begin(&trial, test_class("rr"));
    for (int i = 0; i < TASKS; i++)
        trial_add(&trial, i + 1);
    /* Each turn is as long as the class lets it. */
    trial_turns(&trial, TASKS * ROUNDS, 0);
    for (int i = 0; i < TASKS; i++)
        same &= trial.turns[i] == ROUNDS && trial.ticks[i] == ROUNDS * SLICE;
    /* Round robin knows no priorities. */
    check("all have the same number of turns and ticks, whatever their priority", same);
    trial_begin(&trial, test_class("rr"));
    trial_add(&trial, 1);
    trial_add(&trial, 1);
    /* Two ticks of five: the rest of the slice is for the next turn. */
    trial_turns(&trial, 2 * ROUNDS, 2);
    check_eq("short turns are in turn too", trial.turns[0], ROUNDS);
}

/* What enqueue does, what a tick does, and both together. */
static void test_slices(void)
{
    test_refill();
    test_ticks();
    test_turns();
}

/* If a check fails: where is the slice set, and where is it counted down? */
SELFTEST_AT(STAGE_BOOT, "rr-slices", test_slices);
