/* Waking harts that have nothing to do, for the files of this folder alone.

   A hart without a task waits in wfi, and its bit in idle_harts is 1. Whoever puts a task into a
   queue calls one of these functions afterwards, so that a hart which waits looks again.

   No wake-up is lost because both sides write first and read then: this one the queue and then
   idle_harts, the other one idle_harts and then the queues, each with a full fence in between. So
   at least one of them sees what the other wrote (RVWMO: Unprivileged spec 20191213, 14.1, rule 4,
   by the fence here, and rules 5 and 6, by the AMO with aq and rl in sched_idle_wait()). */
#pragma once

#include <sched/sched.h>

extern uint32_t idle_harts;         /* atomic: a bit for each cpu that waits for work */

/* The rare part of the functions below: interrupt one of the candidates that waits for work. */
void kick_one(uint32_t candidates);

/* Interrupt one of these harts, if one of them waits for work; it will look for it. `candidates`
   has a bit for each cpu. After the task was queued; in any context. */
static inline void kick_idle_hart(uint32_t candidates)
{
    memory_barrier();   /* pairs with sched_idle_wait() in balance.c */
    if (unlikely((atomic_load(&idle_harts) & candidates) != 0))
        kick_one(candidates);
}

/* A task was put into this queue: it goes back to the hart where it ran, whose caches know it. That
   hart is woken if it waits. Others are not: a child that its parent waits for is run sooner here
   than elsewhere. They are called at the next tick, if the task still waits. This hart itself runs,
   so it needs no waking, and there is nothing to order. */
static inline void kick_home(const struct run_queue *rq)
{
    if (rq != this_cpu->rq)
        kick_idle_hart(1U << rq->id);
}
