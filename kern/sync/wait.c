/* Wait queues. */
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

bool wait_sleep(struct wait_queue *queue, uint32_t wait_state, const char *what)
{
    struct waiter self = { .task = this_cpu->task };

    assert(spin_held(queue->lock));
    list_add_before(&queue->waiters, &self.link);
    bool woken = sched_sleep(queue->lock, wait_state, what);
    list_del(&self.link);
    return woken;
}

/* A waiter unlinks itself when it runs, so one that was woken already is passed over. */
void wait_wake_one(struct wait_queue *queue)
{
    assert(spin_held(queue->lock));
    list_for_each(pos, &queue->waiters)
        if (wakeup_proc(to_struct(pos, struct waiter, link)->task))
            return;
}

void wait_wake_all(struct wait_queue *queue)
{
    assert(spin_held(queue->lock));
    list_for_each(pos, &queue->waiters)
        wakeup_proc(to_struct(pos, struct waiter, link)->task);
}
