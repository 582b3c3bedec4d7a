/* Wait queues: tasks that wait until others, or an interrupt, have made a condition true. What they
   wait for is guarded by a spinlock that the queue knows; it is held to wait and to wake, so that a
   wake-up cannot fall between the look at the condition and the sleep:

       spin_lock(&lock);                    spin_lock(&lock);
       while (!condition)                   condition = true;
           wait_sleep(&queue, ...);         wait_wake_all(&queue);
       spin_unlock(&lock);                  spin_unlock(&lock);

   The condition is looked at again after each sleep: a task that came in between may have made it
   false. If a kill may end the sleep (WT_INTERRUPTED), leave the loop when wait_sleep() is false.

   The other way is to wait until one is given something, wait_join() and wait_for_grant() below.
   All waiters of one queue wait in the same of the two ways. */
#pragma once

#include <sched/sched.h>
#include <sched/timer.h>

struct wait_queue {
    struct spinlock *lock;          /* guards the queue and the condition; set once */
    list_entry_t waiters;           /* in order of arrival */

    /* NULL; or what is done with what was given to a task that was killed before it could take it.
       Called with the lock held. True if others have it now; false if it is the task's anyway. */
    bool (*give_back)(struct wait_queue *queue);
};

/* The value of an empty queue, for a definition of `name`, as wait_queue_init() makes it. */
#define WAIT_QUEUE_INIT(name, its_lock) \
    { .lock = (its_lock), .waiters = { &(name).waiters, &(name).waiters } }

/* A place in a queue; on the stack of the task that waits. Guarded by the queue's lock. */
struct waiter {
    struct task *task;
    list_entry_t link;              /* in the queue, while nothing was given */
    bool granted;
    int result;                     /* what was given */
};

/* An empty queue for a condition that `lock` guards. */
void wait_queue_init(struct wait_queue *queue, struct spinlock *lock);

/* Sleep until woken. The queue's lock is held before and after, released in between; it is the only
   spinlock that is held, and with WT_INTERRUPTED no mutex is. `wait_state` is a WT_ of
   sched/task.h, `what` says in words for what: "a child to end". False if the task was killed and
   wait_state allows that to end it. */
bool wait_sleep(struct wait_queue *queue, uint32_t wait_state, const char *what);

/* Wake the first waiter, or all. With the queue's lock held; may be called from an interrupt. They
   run when the lock is free, and may find the condition false again. */
void wait_wake_one(struct wait_queue *queue);
void wait_wake_all(struct wait_queue *queue);

/* Waiting to be given something; it need not be looked at again, but is the waiter's, whatever
   happens next:

       spin_lock(&lock);                    spin_lock(&lock);
       wait_join(&queue, &waiter);
       result = wait_for_grant(...);        if (!wait_give(&queue, 0))
       spin_unlock(&lock);                      ...         nobody waits
                                            spin_unlock(&lock);

   Announce that the current task waits: from now on it can be given something, also before it
   sleeps. It comes behind those who wait already. With the queue's lock held; does not sleep. The
   lock may be released before wait_for_grant(), which must follow. */
static inline void wait_join(struct wait_queue *queue, struct waiter *waiter)
{
    assert(spin_held(queue->lock));
    waiter->task = this_cpu->task;
    waiter->granted = false;
    list_add_before(&queue->waiters, &waiter->link);
}

/* Wait until the announced task is given something; the lock as for wait_sleep(). The value is what
   was given. Else it is -E_KILLED, if wait_state has WT_INTERRUPTED and the task was killed, or
   -E_TIMEOUT, if rdtime() has come to the deadline (TIMER_NEVER: no limit); then the task is out of
   the queue, and nobody can give it anything any more. What was given wins over both, if it came
   first or at the same time; but a queue may have it given back (give_back), and then the value is
   -E_KILLED. `what` must last as long as the sleep. */
int wait_for_grant(struct wait_queue *queue, struct waiter *waiter, uint32_t wait_state,
                   const char *what, uint64_t deadline);

/* The rare part of wait_give(): somebody waits. */
void wait_give_first(struct wait_queue *queue, int result);
/* Give `result`, 0 or an error, to the first who waits, and wake him: he is out of the queue. False
   if nobody waits; then nothing changes. With the queue's lock held; may be called from an
   interrupt. */
static inline bool wait_give(struct wait_queue *queue, int result)
{
    assert(spin_held(queue->lock));
    if (likely(list_empty(&queue->waiters)))
        return false;
    wait_give_first(queue, result);
    return true;
}
