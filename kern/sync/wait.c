/* Wait queues: see wait.h for how they are used.

   A queue is a list of struct waiter, one on the stack of each task that waits. The waiter puts
   itself into the list and takes itself out, both with the queue's lock held, so that it cannot be
   left there when its stack is freed, whatever ended its sleep: a wake-up or a kill. Waking is only
   wakeup_proc(); the list is not changed by it. */
#include <sync/wait.h>

/* On the stack of the task that waits. */
struct waiter {
    struct task *task;
    list_entry_t link;
};

void wait_queue_init(struct wait_queue *queue, struct spinlock *lock)
{
    queue->lock = lock;
    list_init(&queue->waiters);
}

/* At the end of the list, so that waiters are woken in the order in which they came. sched_sleep()
   releases the lock in one step with falling asleep. */
bool wait_sleep(struct wait_queue *queue, uint32_t wait_state, const char *what)
{
    struct waiter self = { .task = this_cpu->task };

    assert(spin_held(queue->lock));
    list_add_before(&queue->waiters, &self.link);
    bool woken = sched_sleep(queue->lock, wait_state, what);
    list_del(&self.link);
    return woken;
}

/* A waiter that was woken stays in the list until it runs. So one that is awake already is passed
   over: else two wake-ups that come soon one after the other would wake only one task. */
void wait_wake_one(struct wait_queue *queue)
{
    assert(spin_held(queue->lock));
    list_for_each(pos, &queue->waiters)
        if (wakeup_proc(to_struct(pos, struct waiter, link)->task))
            return;
}

/* As many as wait: none of them gets in before the caller has released the lock. */
void wait_wake_all(struct wait_queue *queue)
{
    assert(spin_held(queue->lock));
    list_for_each(pos, &queue->waiters)
        wakeup_proc(to_struct(pos, struct waiter, link)->task);
}
