/* The clock: an interrupt on every hart that runs a task, TICKS_PER_SECOND times a second. */
#pragma once

/* Set up, once. */
void clock_init(void);

/* This hart begins to run tasks, or goes on after it was idle: have it tick. Interrupts off. */
void clock_resume(void);
