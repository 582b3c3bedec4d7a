/* Time: when this hart's timer interrupts, and tasks that sleep for a while. All times are in units
   of rdtime(). */
#pragma once

#include <skew_heap.h>

#define TICKS_PER_SECOND    100

/* A sleeper. */
struct timer {
    skew_heap_entry_t link;             /* in timer_heap; first member */
    uint64_t deadline;
    struct task *task;
    bool due;                           /* no longer pending */
};

/* Set up, with the rate at which rdtime() counts. */
void timer_init(uint64_t timebase_hz);

uint64_t timer_tick_length(void);
uint64_t timer_milliseconds(void);          /* since boot */

/* Have this hart's timer interrupt at a given time. Interrupts must be off. */
void timer_arm(uint64_t deadline);
/* The same for a hart that goes idle: when the next sleeper is due, at most a second from now. */
void timer_arm_idle(void);

/* Sleep until a given time; may return early, where the task is killed. */
void timer_sleep_until(uint64_t deadline);
/* Sleep for a number of clock ticks, for the system call. 0, or -E_KILLED if a kill ended it. */
int do_sleep(uint64_t ticks);

/* Wake the tasks whose time has come. From the timer interrupt. */
void timer_expire(uint64_t now);
