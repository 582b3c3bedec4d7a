/* Time: when this hart's timer interrupts, and tasks that sleep for a while.

   All times are in units of rdtime(), which counts at the rate that the device tree names: 10 MHz
   on QEMU's virt machine. It is one clock for all harts, and the same on each of them. Each hart
   has one timer, which interrupts it once: it is armed again each time. The timer interrupt is the
   driver's (kern/driver/clock.c); it calls timer_expire() and sched_tick(). */
#pragma once

#include <skew_heap.h>

#define TICKS_PER_SECOND    100

/* A deadline that never comes. */
#define TIMER_NEVER         UINT64_MAX

/* A task that sleeps until a time, or waits for something else until then (a limit); on its own
   stack. Guarded by the lock in timer.c. */
struct timer {
    skew_heap_entry_t link;             /* in timer_heap; first member */
    uint64_t deadline;
    struct task *task;
    bool due;                           /* no longer pending */
    bool limit;                         /* sets task->expired; set once */
};

/* For the self tests of the clock and for timer.c alone: the timers that are pending, the earliest
   deadline at the root, and that deadline once more, for looking without the lock. timer.c says
   what guards them. */
extern skew_heap_entry_t *timer_heap;
extern uint64_t next_deadline;

/* Set up, with the rate at which rdtime() counts, in Hz. Once, at boot, before all others. */
void timer_init(uint64_t timebase_hz);

/* How long a tick is, 10 ms, in units of rdtime(). From anywhere. */
uint64_t timer_tick_length(void);
/* How many milliseconds have passed since timer_init(). From anywhere. */
uint64_t timer_milliseconds(void);

/* Have this hart's timer interrupt at a given time, instead of the one that was set; at once if the
   time is past. Interrupts must be off. */
void timer_arm(uint64_t deadline);
/* The same for a hart that goes idle: when the next sleeper is due, at most a second from now. The
   idle task gives it to sched_idle_wait(). */
void timer_arm_idle(void);

/* Sleep until a given time; a kill ends it early. No spinlock and no mutex may be held. */
void timer_sleep_until(uint64_t deadline);
/* Sleep for a number of clock ticks, for the system call. 0, or -E_KILLED if a kill ended it. */
int do_sleep(uint64_t ticks);

/* Set the current task a limit of time: at the deadline, or up to a tick later, or later still if
   thousands are due then, task->expired is set, and sleeps with WT_LIMIT end. A task has one limit
   at a time, and ends it by timer_limit_end() before it returns, because the timer is on its stack.
   May be called with a lock of a lower rank than RANK_TIMER held; does not sleep. */
void timer_limit_begin(struct timer *timer, uint64_t deadline);
void timer_limit_end(struct timer *timer);

/* Wake the tasks whose time has come; `now` is rdtime(). From the timer interrupt of any hart: it
   sees to the sleepers of all. */
void timer_expire(uint64_t now);

/* Thousands of tasks may be due at one tick, and interrupts are off while they are woken. So
   timer_expire() may wake some, and leave the rest to another timer interrupt of this hart, which
   comes soon. That is a part of the same tick, of which the scheduler counts the first part alone.
   Interrupts must be off. */
void timer_leave_rest(void);

/* So many are woken by one interrupt: some 200 instructions for each, and a few hundred for an
   interrupt more. */
#define TIMERS_AT_ONCE      32
#define TICK_PARTS          256         /* struct cpu, tick_part, comes round after so many */
