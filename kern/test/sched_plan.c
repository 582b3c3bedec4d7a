/* Has the scheduling class that was chosen a plan of its own? Boot it with sched=own. Sequences of
   turns, sleeps and wake-ups are played to it on a queue of the test's own; a class that picks each
   time the same task as one of the given classes is that class under another name.

   Round robin, first in first out and stride are rules about who waits, so the rules stand here:
   what a student made of them does not matter. Multi-level feedback plays itself. All turns are as
   long as the sequence wants: a slice of another length is no other plan. */
#include <report.h>
#include <test/sched_class.h>
#include <test/testlib.h>

#define TASKS       6
#define TURNS       40          /* of a sequence */
#define SEQUENCES   32          /* in every second one there are sleepers */
#define MAX_TICKS   8           /* of a turn */
#define PRIORITIES  6

static struct trial trial;
/* By the class under test: the number of the task, for each turn. */
static short picked[SEQUENCES][TURNS];

/* Where each task of the trial is, as the rules see it. */
static struct {
    bool waits;                 /* in the queue */
    uint32_t place;             /* in the order of arrivals there, and among sleepers */
} tasks[TASKS];
static uint32_t arrivals;

/* A task goes to the end of those who wait, or of those who sleep. */
static void arrive(int i, bool waits)
{
    tasks[i].waits = waits;
    tasks[i].place = ++arrivals;
}

/* The one that has waited longest, or slept longest; -1 if there is none. */
static int first_of(bool waiting)
{
    int first = -1;

    for (int i = 0; i < TASKS; i++)
        /* place grows with each arrival, so the lowest came first. */
        if (tasks[i].waits == waiting && (first < 0 || tasks[i].place < tasks[first].place))
            first = i;
    return first;
}

/* Does none that waits have had fewer turns, measured by its priority? Of equals stride may pick
   any. turns / priority is compared without a division: a / p < b / q is a * q < b * p. */
static bool is_least(int task)
{
    for (int i = 0; i < TASKS; i++)
        if (tasks[i].waits && trial.turns[i] * trial.tasks[task].lab6_priority
                              < trial.turns[task] * trial.tasks[i].lab6_priority)
            return false;
    return true;
}

/* Play the sequence of this number. `choose` is called with each task that is picked, before it
   leaves the queue. Who sleeps and who wakes is random, but the same for each class; one task at
   least always stays. */
static void play(const struct sched_class *class, int number, void (*choose)(int, int, int))
{
    uint64_t seed = 777 + number;

    /* The same tasks, with the same priorities, for each class. */
    trial_begin(&trial, class);
    arrivals = 0;
    for (int i = 0; i < TASKS; i++) {
        trial_add(&trial, 1 + test_random(&seed) % PRIORITIES);
        arrive(i, true);
    }
    for (int turn = 0; turn < TURNS; turn++) {
        /* All three are drawn in each turn, used or not, so that the sequence stays the same. */
        int ticks = 1 + test_random(&seed) % MAX_TICKS;
        bool sleeps = test_random(&seed) % 3 == 0, wakes = test_random(&seed) % 3 == 0;
        struct task *task = trial_pick(&trial);

        if (task == NULL)
            panic("pick_next() found the queue empty, but %u tasks wait in it",
                  trial.rq.proc_num);
        int i = task - trial.tasks;
        choose(number, turn, i);
        /* From here on as in trial_turn(), but the task may fall asleep at the end. */
        trial_dequeue(&trial, task);
        task->need_resched = false;
        task->runs++;
        trial.turns[i]++;
        while (ticks-- > 0)
            trial_tick(&trial, task);
        /* A task that sleeps is in no queue. One at least stays, so that there is somebody to
           pick. */
        if (number % 2 == 1 && sleeps && trial.rq.proc_num > 1) {
            arrive(i, false);
        } else {
            trial_enqueue(&trial, task);
            arrive(i, true);
        }
        /* Whoever has slept longest wakes. */
        int sleeper = first_of(false);
        if (wakes && sleeper >= 0) {
            trial_wake(&trial, &trial.tasks[sleeper]);
            arrive(sleeper, true);
        }
    }
}

static bool not_fifo[SEQUENCES], not_stride[SEQUENCES], not_mlfq[SEQUENCES];

/* Noted for the comparison with mlfq, and compared with the two rules. Stride is compared only in
   the sequences without sleepers: what a task that has slept gets is left to each solution of
   6.2. */
static void choice_of_own(int number, int turn, int i)
{
    picked[number][turn] = i;
    not_fifo[number] |= i != first_of(true);
    not_stride[number] |= number % 2 == 0 && !is_least(i);
}

/* mlfq plays the same sequences, and is compared with what was noted. */
static void choice_of_mlfq(int number, int turn, int i)
{
    not_mlfq[number] |= i != picked[number][turn];
}

/* Of the sequences that count a quarter must have another choice in them. A failed check tells how
   many had, so that a student sees how far the plan is from a given one. */
static void check_plan(const char *what, const bool *differs, int sequences)
{
    int count = 0;

    for (int i = 0; i < SEQUENCES; i++)
        count += differs[i];
    if (!check(what, count >= sequences / 4))
        cprintf("    the same sequences were played to both: %d of %d had another choice in them, "
                "at least %d must\n", count, sequences, sequences / 4);
}

/* Round robin and first in first out choose the same tasks here, because the length of a turn does
   not count. Alone: make grade TEST=sched-plan-own. */
static void test_plan(void)
{
    for (int i = 0; i < SEQUENCES; i++)
        play(&this_cpu->rq->class, i, choice_of_own);
    for (int i = 0; i < SEQUENCES; i++)
        play(test_class("mlfq"), i, choice_of_mlfq);
    check_plan("the plan is another one than that of rr and fifo: it picks other tasks", not_fifo,
               SEQUENCES);
    check_plan("the plan is another one than stride's", not_stride, SEQUENCES / 2);
    check_plan("the plan is another one than mlfq's", not_mlfq, SEQUENCES);
}

SELFTEST_AT(STAGE_BOOT, "sched-plan", test_plan);
