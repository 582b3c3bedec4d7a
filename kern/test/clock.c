/* Exercise 1.1: the timer tick. The handler is called as an interrupt would call it, then by
   interrupts; and timers are put where sleeping processes put them. All of it happens before there
   are processes: the tasks here never run, they are structs in which the changes can be seen.

   "tick" looks at what one call of the handler changes; "ticks" lets interrupts come for ten
   lengths of a tick and counts; "timer-expire" calls timer_expire() with times that are made up.

   A wrong kernel sets the next tick too early, too late or not at all; it wakes sleepers at the
   wrong time or in the wrong order; or it does not tell the scheduler, so that a task runs for
   ever.

   Alone: make grade TEST=tick, TEST=ticks or TEST=timer-expire. */
#include <driver/clock.h>
#include <driver/irq.h>
#include <printfmt.h>
#include <process/proc.h>
#include <report.h>
#include <riscv/csr.h>
#include <sched/timer.h>
#include <string.h>
#include <test/testlib.h>

#define SLICE       100         /* ticks that the task may run: more than any test takes */
#define TICKS       10
#define TIMERS      8
#define FAR         (1UL << 50) /* the timers' time: nothing here waits so long */

/* The sleepers and their timers, one timer each. Static, because timer.c keeps pointers to them. */
static struct proc_struct runner;           /* what the ticks interrupt */
static struct proc_struct sleepers[TIMERS];
static struct timer timers[TIMERS];

/* Have this hart run `runner`, and let it have so many ticks. Returns the idle task, to put back.
   The hart really runs on as before: only what this_cpu->task says is another, and that is what the
   scheduler is told of at a tick. */
static struct task *run_with_slice(int ticks)
{
    struct task *idle = this_cpu->task;

    set_proc_name(&runner, "runner");
    runner.task.rq = idle->rq;
    runner.task.tf = idle->tf;
    runner.task.as = idle->as;
    runner.task.state = PROC_RUNNABLE;
    runner.task.time_slice = ticks;
    list_init(&runner.task.run_link);
    this_cpu->task = &runner.task;
    return idle;
}

/* The order of the heap, as timer.c has it: the earliest deadline first. */
static int compare(void *a, void *b)
{
    uint64_t first = ((struct timer *)a)->deadline, second = ((struct timer *)b)->deadline;

    return first < second ? -1 : first > second;
}

/* Task i sleeps until this time. It is put into the heap by hand, because the function that
   processes call would really sleep, and there is nothing here to switch to. */
static void put_to_sleep(int i, uint64_t deadline)
{
    sleepers[i].task = (struct task){ .rq = this_cpu->task->rq, .state = PROC_SLEEPING };
    list_init(&sleepers[i].task.run_link);
    timers[i] = (struct timer){ .deadline = deadline, .task = &sleepers[i].task };
    timer_heap = skew_heap_insert(timer_heap, &timers[i].link, compare);
    next_deadline = ((struct timer *)timer_heap)->deadline;
}

/* A task that was woken may run; nobody picks it here. */
static bool woken(int i)
{
    return sleepers[i].task.state == PROC_RUNNABLE;
}

/* Call the handler as the trap would. Is the next tick set as it should be? The deadline must lie
   one length behind some moment between the call and its return; the exact moment is the
   handler's. */
static bool tick(void)
{
    uint64_t length = timer_tick_length(), before = rdtime();

    assert(irq_dispatch(IRQ_S_TIMER));
    uint64_t after = rdtime(), next = this_cpu->timer_deadline;

    return next >= before + length && next <= after + length;
}

/* In the order in which things go wrong. If the pending bit stays, a real kernel would be
   interrupted for ever. Half a length passes before the second tick, so that a deadline which
   counts from the last one is told from one that counts from now. */
static void test_tick(void)
{
    uint64_t start = rdtime();

    /* The first thing that must be right: without a next deadline there is no next tick. */
    check("the handler sets the next tick to one length from now", tick());
    check("the interrupt is no longer pending", !(csr_read(sip) & SIE_TIMER));
    /* Half a length later. */
    while (rdtime() < start + timer_tick_length() / 2)
        ;
    check("the length counts from this tick, not from the one before", tick());
    /* It has come, twice, and nothing has panicked. */
    check("a tick may come while the hart is idle, before any process runs", true);

    /* From here on a task runs, so the scheduler has something to count down. */
    struct task *idle = run_with_slice(3);

    check("each tick sets the next", tick());
    /* The scheduler has been told, once for each tick. */
    check_eq("a tick takes one from the time slice of the task that runs", runner.task.time_slice,
             2);
    check("with time left the task need not give up the hart", !runner.task.need_resched);
    tick();
    tick();
    /* Three ticks were its slice. */
    check("when its time is used up it must", runner.task.need_resched);

    /* One sleeper is due at once, the other one only a tick later. */
    put_to_sleep(0, rdtime());
    put_to_sleep(1, rdtime() + timer_tick_length());
    tick();
    /* Whose time is not over sleeps on: a tick is not for everybody. */
    check("a tick wakes who has slept long enough", woken(0));
    check("it does not wake who must sleep on", !woken(1));
    /* The handler and what it calls take locks; one that is left held stops everything later. */
    check("no lock is held afterwards", holds_no_lock());
    this_cpu->task = idle;
}

SELFTEST_AT(STAGE_BOOT, "tick", test_tick);

/* Now by interrupts. A handler that sets no good deadline would never let the test go on, so that
   is tried first. The half length at the end is room: the tenth tick has surely come, the eleventh
   has surely not.

       start                                            end
       |----|----|----|----|----|----|----|----|----|----|--|
            1    2    3    4    5    6    7    8    9    10  and half a length */
static void test_ticks(void)
{
    struct task *idle = run_with_slice(SLICE);
    uint64_t length = timer_tick_length(), end;

    if (!check("the handler sets a time that lies ahead", tick()))
        return;
    runner.task.time_slice = SLICE;
    end = rdtime() + TICKS * length + length / 2;
    irq_enable();
    while (rdtime() < end)
        cpu_relax();
    irq_disable();
    check_eq("in ten and a half lengths of a tick come 10 ticks", SLICE - runner.task.time_slice,
             TICKS);
    /* A hart that goes on must not lose the tick that is set. */
    clock_resume();
    check("the next tick stays set", this_cpu->timer_deadline > end - length
          && this_cpu->timer_deadline < end + length);
    check("no lock is held afterwards", holds_no_lock());
    this_cpu->task = idle;
}

SELFTEST_AT(STAGE_BOOT, "ticks", test_ticks);

/* The deadlines of the timers, from FAR on, and those of them whose sleepers are awake. */
static const int times[TIMERS] = { 50, 20, 70, 20, 90, 30, 10, 60 };

/* Whose timers have fired, as a text of their times: so a failed check shows all of them at
   once. */
static void check_awake(const char *what, const char *expected)
{
    char awake[TIMERS * 4] = "";
    size_t length = 0;

    for (int i = 0; i < TIMERS; i++)
        if (sleepers[i].task.state == PROC_RUNNABLE)
            length += snprintf(awake + length, sizeof(awake) - length, "%d ", times[i]);
    if (!check(what, strcmp(awake, expected) == 0))
        cprintf("    awake should be those of the times %s\n    but are %s\n", expected, awake);
}

/* The times are made up, so what counts is the argument, not the clock. They lie so far ahead that
   no real timer comes between. Two of them are equal, and they are in no order. */
static void test_timer_expire(void)
{
    /* An empty heap, at any time. */
    timer_expire(FAR);
    check("with no timer at all there is nothing to do", timer_heap == NULL);
    for (int i = 0; i < TIMERS; i++)
        put_to_sleep(i, FAR + times[i]);

    timer_expire(FAR + 9);
    /* The first one is at 10. */
    check_awake("before the first deadline nobody wakes", "");
    timer_expire(FAR + 10);
    check_awake("at its deadline, not after it, a timer is due", "10 ");
    /* The sleeper looks at the mark when it runs: without it, it would go to sleep again. */
    check("a due timer is marked so, as its sleeper waits for that", timers[6].due);
    /* The sleeper's stack has the timer, and will soon have something else there. */
    check("it is no longer in the heap", timer_heap != NULL && timer_heap != &timers[6].link);
    /* It is read without the lock, to see that nothing is due: a wrong one makes sleepers late. */
    check_eq("the next deadline is that of the first timer left", next_deadline, FAR + 20);
    timer_expire(FAR + 31);
    check_awake("all that are due wake, and no others", "20 20 30 10 ");
    check("a timer that is not due is not marked", !timers[0].due && !timers[2].due);
    /* A time before all deadlines: nothing may happen to those that have woken already, either. */
    timer_expire(0);
    check_awake("time that goes back wakes nobody", "20 20 30 10 ");
    timer_expire(FAR + 80);
    check_awake("a later call goes on with the rest", "50 20 70 20 30 10 60 ");
    /* In the queue they stand as they woke: 50, then 60, then 70. */
    check("they wake in the order of their deadlines",
          sleepers[0].task.run_link.next == &sleepers[7].task.run_link
          && sleepers[7].task.run_link.next == &sleepers[2].task.run_link);
    timer_expire(UINT64_MAX - 1);
    check_awake("in the end all have woken", "50 20 70 20 90 30 10 60 ");
    check("the heap is empty", timer_heap == NULL);
    check("there is no next deadline", next_deadline == UINT64_MAX);
    check("no lock is held afterwards", holds_no_lock());
}

SELFTEST_AT(STAGE_BOOT, "timer-expire", test_timer_expire);
