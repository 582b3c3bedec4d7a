/* The run queues of all harts, for the files of this folder alone: others use sched.h.

   struct run_queue is in sched.h, because classes work on it. Here is what puts tasks into a queue
   and takes them out, by the class that was chosen, and counts them.

   The files of this folder call downwards only, in this order: the classes (sched_*.c) and timer.c
   on top, then sched.c, balance.c, runqueue.c. So each can be read without those above it. */
#pragma once

#include <sched/sched.h>

extern struct run_queue run_queues[];           /* by cpu number */

/* The queue of this hart. A task that runs belongs to it, and stays for as long as it does not give
   the hart up: so the answer is right also with interrupts on. */
static inline struct run_queue *this_rq(void)
{
    return this_cpu->rq;
}

/* Put a task into a queue. The queue is locked; the task is RUNNABLE and in no queue. proc_num is
   stored in one access, because balance.c reads it without the lock. */
static inline void enqueue(struct run_queue *rq, struct task *task)
{
    rq->class.enqueue(rq, task);
    atomic_store(&rq->proc_num, rq->proc_num + 1);
}

/* Take a task out of the queue in which it waits, and which is locked. */
static inline void dequeue(struct run_queue *rq, struct task *task)
{
    rq->class.dequeue(rq, task);
    atomic_store(&rq->proc_num, rq->proc_num - 1);
}

/* Lock the queue that a task belongs to, and return it. In any context; no lock of this rank or a
   higher one is held.

   The task may move to another queue until its own is locked: a hart that steals it stores rq with
   the old queue's lock held. So rq is read again with that lock, and only if it is still the same
   is this the right one. */
static inline struct run_queue *task_rq_lock(struct task *task)
{
    for (;;) {
        struct run_queue *rq = atomic_load(&task->rq);

        spin_lock(&rq->lock);
        if (likely(rq == atomic_load(&task->rq)))
            return rq;
        spin_unlock(&rq->lock);
    }
}
