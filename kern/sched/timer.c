/* Timers that are pending, in a heap which all harts share, and arming the timer of a hart.

   timer_heap is ordered by deadline, and guarded by timer_lock. A struct timer is on the stack of
   the task that sleeps, so none is ever allocated: the task takes it out of the heap before it goes
   on, or has found that it was taken out (due). Whichever hart's timer interrupts first when one is
   due wakes its task.

   Most timers belong to a task that sleeps in timer_sleep_until(), with timer_lock as the lock of
   its sleep. A limit belongs to a task that waits for something else, under another lock: its time
   may be over before it has fallen asleep, and a wake-up alone would be lost then. So whoever takes
   a limit out of the heap sets task->expired too.

   next_deadline is that of the heap's root, once more, for looking without the lock: a value that
   is old by some instructions only means that a task is woken at the next tick. timer_lock is taken
   before the locks of run queues, because tasks are woken and fall asleep with it held. */
#include <error.h>
#include <riscv/sbi.h>
#include <sched/sched.h>
#include <sched/timer.h>

static struct spinlock timer_lock = SPINLOCK_INIT("timers", RANK_TIMER);
skew_heap_entry_t *timer_heap;          /* pending timers; guarded by timer_lock */
uint64_t next_deadline = TIMER_NEVER;   /* of timer_heap; written under the lock, read without */

static uint64_t timebase, boot_time;        /* set once at boot */

void timer_init(uint64_t timebase_hz)
{
    timebase = timebase_hz;
    boot_time = rdtime();
}

uint64_t timer_tick_length(void)
{
    return timebase / TICKS_PER_SECOND;
}

uint64_t timer_milliseconds(void)
{
    return (rdtime() - boot_time) * 1000 / timebase;
}

/* By the firmware (SBI spec 1.0.0, 6.1, Set Timer): that also takes back a timer interrupt that is
   pending on this hart. */
void timer_arm(uint64_t deadline)
{
    this_cpu->timer_deadline = deadline;
    sbi_set_timer(deadline);
}

/* A tick that was armed before and comes a little sooner is left alone: most idle times are shorter
   than a tick, and arming is a call to the firmware, which costs more than an interrupt that comes
   for nothing. A hart that has no sleepers to wait for looks once in a second. */
void timer_arm_idle(void)
{
    uint64_t limit = rdtime() + timebase, next = atomic_load(&next_deadline);

    if (next > limit)
        next = limit;
    if (next > this_cpu->timer_deadline + timer_tick_length() || next < this_cpu->timer_deadline)
        timer_arm(next);
}

/* The order of the heap. The link is the first member of a timer, so their addresses are equal. */
static int compare_deadlines(void *a, void *b)
{
    uint64_t first = ((struct timer *)a)->deadline, second = ((struct timer *)b)->deadline;

    return first < second ? -1 : first > second;
}

/* Put a timer into the heap, with timer_lock held. */
static void timer_insert(struct timer *timer)
{
    timer_heap = skew_heap_insert(timer_heap, &timer->link, compare_deadlines);
    atomic_store(&next_deadline, ((struct timer *)timer_heap)->deadline);
}

/* Take a timer out of the heap, with timer_lock held. The task of a limit is told of it by its flag
   also if it does that itself: it has no use for the flag any more. */
static void timer_remove(struct timer *timer)
{
    timer_heap = skew_heap_remove(timer_heap, &timer->link, compare_deadlines);
    timer->due = true;
    atomic_store(&next_deadline, timer_heap ? ((struct timer *)timer_heap)->deadline : TIMER_NEVER);
    if (timer->limit)
        sched_expire(timer->task);
}

/* If the task is killed it comes back before its time: then the timer is still in the heap. The
   loop is there because a task may be woken without a reason; what counts is `due`. The sleep
   begins in one step with the release of timer_lock, so timer_expire() cannot come in between. */
void timer_sleep_until(uint64_t deadline)
{
    struct timer timer = { .deadline = deadline, .task = this_cpu->task };

    spin_lock(&timer_lock);
    timer_insert(&timer);
    while (!timer.due && sched_sleep(&timer_lock, WT_TIMER, "a timer"))
        ;
    if (!timer.due)
        timer_remove(&timer);
    spin_unlock(&timer_lock);
}

/* The flag is cleared before the timer is in the heap: from then on any hart may set it. */
void timer_limit_begin(struct timer *timer, uint64_t deadline)
{
    struct task *task = this_cpu->task;

    *timer = (struct timer){ .deadline = deadline, .task = task, .limit = true };
    spin_lock(&timer_lock);
    atomic_store(&task->expired, false);
    timer_insert(timer);
    spin_unlock(&timer_lock);
}

/* With the lock: a hart that has found the timer due is done with it, and with the task, before
   this goes on. */
void timer_limit_end(struct timer *timer)
{
    spin_lock(&timer_lock);
    if (!timer->due)
        timer_remove(timer);
    spin_unlock(&timer_lock);
}

int do_sleep(uint64_t ticks)
{
    timer_sleep_until(rdtime() + ticks * timer_tick_length());
    return atomic_load(&this_cpu->task->killed) ? -E_KILLED : 0;
}

/* A part of a tick, far longer than it takes to wake so many: between two interrupts the hart gets
   on with what it does. */
void timer_leave_rest(void)
{
    this_cpu->tick_goes_on = true;
    timer_arm(rdtime() + timer_tick_length() / TICK_PARTS);
}

/* Called at each tick of each hart, so the case that nothing is due must cost little. */
void timer_expire(uint64_t now)
{
    /* EXERCISE 1.1 begin: timer_expire */
    if (now < atomic_load(&next_deadline))
        return;
    spin_lock(&timer_lock);
    for (int n = 0; timer_heap != NULL && ((struct timer *)timer_heap)->deadline <= now; n++) {
        struct timer *timer = (struct timer *)timer_heap;

        if (n == TIMERS_AT_ONCE) {
            timer_leave_rest();
            break;
        }
        timer_remove(timer);
        wakeup_proc(timer->task);
    }
    spin_unlock(&timer_lock);
    /* EXERCISE 1.1 end */
}
