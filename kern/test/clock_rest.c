/* More tasks are due at one tick than one interrupt wakes: see timer_leave_rest().

   The handler is called as an interrupt would call it, with tasks that never run. Each call wakes
   so many, in the order of their deadlines, and has the next interrupt come soon, until none is
   left; and all of these calls together are one tick for the task that runs.

   It belongs to no exercise: a timer_expire() that wakes all at once is right, and fails here.

   Alone: make grade GRADE=--all TEST=timer-rest. */
#include <driver/irq.h>
#include <mm/kmalloc.h>
#include <process/proc.h>
#include <report.h>
#include <sched/timer.h>
#include <test/testlib.h>

#define SLEEPERS    (2 * TIMERS_AT_ONCE + 1)
#define SLICE       100

static struct sleeper {
    struct task task;
    struct timer timer;
} *sleepers;

static struct proc_struct runner;           /* what the ticks interrupt */

static int compare(void *a, void *b)
{
    uint64_t first = ((struct timer *)a)->deadline, second = ((struct timer *)b)->deadline;

    return first < second ? -1 : first > second;
}

/* All are due by now, each later than the one before. */
static void put_all_to_sleep(void)
{
    uint64_t now = rdtime();

    for (int i = 0; i < SLEEPERS; i++) {
        struct sleeper *s = &sleepers[i];

        s->task = (struct task){ .rq = this_cpu->rq, .state = PROC_SLEEPING };
        list_init(&s->task.run_link);
        s->timer = (struct timer){ .deadline = now - SLEEPERS + i, .task = &s->task };
        timer_heap = skew_heap_insert(timer_heap, &s->timer.link, compare);
    }
    next_deadline = ((struct timer *)timer_heap)->deadline;
}

/* How many are awake, if those are the first ones; else -1. */
static int awake(void)
{
    int n = 0;

    while (n < SLEEPERS && sleepers[n].task.state == PROC_RUNNABLE)
        n++;
    for (int i = n; i < SLEEPERS; i++)
        if (sleepers[i].task.state == PROC_RUNNABLE)
            return -1;
    return n;
}

/* The handler runs. Does the next interrupt come soon, and not only after a tick? */
static bool leaves_rest(void)
{
    assert(irq_dispatch(IRQ_S_TIMER));
    return this_cpu->timer_deadline < rdtime() + timer_tick_length() / 2;
}

/* They never run, so they leave the queue as they came. */
static void forget_all(void)
{
    struct run_queue *rq = this_cpu->rq;

    spin_lock(&rq->lock);
    for (int i = 0; i < SLEEPERS; i++) {
        rq->class.dequeue(rq, &sleepers[i].task);
        rq->proc_num--;
    }
    spin_unlock(&rq->lock);
}

/* Three interrupts wake them all, and the fourth is a tick of its own. */
static void test_timer_rest(void)
{
    struct task *idle = this_cpu->task;

    sleepers = kmalloc(SLEEPERS * sizeof(*sleepers));
    assert(sleepers != NULL);
    put_all_to_sleep();
    set_proc_name(&runner, "runner");
    runner.task = (struct task){ .rq = idle->rq, .tf = idle->tf, .as = idle->as,
                                 .state = PROC_RUNNABLE, .time_slice = SLICE };
    list_init(&runner.task.run_link);
    this_cpu->task = &runner.task;

    check("the rest is left to an interrupt that comes soon", leaves_rest());
    check_eq("so many are awake, and those who are due first", awake(), TIMERS_AT_ONCE);
    check_eq("it is a tick", runner.task.time_slice, SLICE - 1);
    check("there still is a rest", leaves_rest());
    check_eq("so many more are awake", awake(), 2 * TIMERS_AT_ONCE);
    check("then there is none", !leaves_rest());
    check_eq("all are awake", awake(), SLEEPERS);
    check_eq("it was one tick", runner.task.time_slice, SLICE - 1);
    check("the next one is as long as any", !leaves_rest());
    check_eq("and it counts", runner.task.time_slice, SLICE - 2);

    this_cpu->task = idle;
    forget_all();
    kfree(sleepers);
}

SELFTEST_AT(STAGE_BOOT, "timer-rest", test_timer_rest);
