/* The clock: an interrupt on every hart that runs a task, TICKS_PER_SECOND times a second. */
#pragma once

/* Set up, once; and start the clock of this hart. */
void clock_init(void);
void clock_init_hart(void);

/* This hart was idle and goes on: have it tick again. Interrupts must be off. */
void clock_resume(void);
