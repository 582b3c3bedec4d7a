/* Wait queues: tasks that wait until other tasks, or an interrupt, have made a condition true.

   What the waiters wait for is guarded by a spinlock that the queue knows; it is held to wait and
   to wake, so that a wake-up cannot fall between the look at the condition and the sleep:

       spin_lock(&lock);                    spin_lock(&lock);
       while (!condition)                   condition = true;
           wait_sleep(&queue, ...);         wait_wake_all(&queue);
       spin_unlock(&lock);                  spin_unlock(&lock);

   The condition is looked at again after each sleep: a task that came in between may have made it
   false. If a kill may end the sleep (WT_INTERRUPTED), leave the loop when wait_sleep() is
   false. */
#pragma once

#include <sched/sched.h>

struct wait_queue {
    struct spinlock *lock;          /* guards the queue and the condition; set once */
    list_entry_t waiters;           /* in order of arrival */
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
