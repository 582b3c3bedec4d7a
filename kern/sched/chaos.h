/* Chance on purpose: the boot argument chaos=SEED makes the scheduler choose, delay and interrupt
   by a generator of random numbers, so that a race which is rare comes up within some boots.
   What it does is told in chaos.c.

   It is a scheduling class that stands before the one that was chosen, and a hook of the spinlocks:
   so a kernel without the argument has nothing of it in its way. Only kern/init names it. */
#pragma once

#include <sched/sched.h>

/* Seeds are from 1 to this one. */
#define CHAOS_SEED_MAX  999999999

/* Begin. Returns the class to be given to sched_init(): it asks `base`, and goes its own way now
   and then. At boot, once, before sched_init(), with interrupts off; the machine has its clock. */
const struct sched_class *chaos_init(uint32_t seed, const struct sched_class *base);
