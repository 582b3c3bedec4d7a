/* The clock: a timer interrupt on every hart that runs a task, TICKS_PER_SECOND times a second.
   What it does there is in clock.c; the time itself, the deadline of a hart's timer and the tasks
   that sleep for a while are those of sched/timer.h. The tick does not drift far: each one is a
   tick's length after the moment at which the one before was handled. The timer's rate is what the
   device tree calls timebase-frequency. */
#pragma once

/* Set up, once, by the boot hart, after irq_init(). Each hart begins to tick by clock_resume(). */
void clock_init(void);

/* This hart begins to run tasks, or goes on after it was idle: have it tick. Interrupts must be
   off; does not sleep. */
void clock_resume(void);
