/* Wait queues: see wait.h for how they are used.

   A queue is a list of struct waiter, one on the stack of each task that waits. The waiter puts
   itself into the list and takes itself out, both with the queue's lock held, so that it cannot be
   left there when its stack is freed, whatever ended its sleep: a wake-up or a kill. Waking is only
   wakeup_proc(); the list is not changed by it.

   A waiter that is given something is taken out of the list by the giver, under the same lock. So a
   waiter is in the list exactly as long as nothing was given to it, and what ended its sleep does
   not matter: when it holds the lock again it looks whether it was given something, and only if not
   takes itself out. Nothing can be given to it after that, and nothing that was given is lost. */
#include <error.h>
#include <sync/wait.h>

void wait_queue_init(struct wait_queue *queue, struct spinlock *lock)
{
    queue->lock = lock;
    list_init(&queue->waiters);
    queue->give_back = NULL;
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

/* The clock is looked at too, and not only the flag: so a limit that is past already does not cost
   a tick. */
static bool limit_is_over(const struct task *task, uint64_t deadline)
{
    return deadline != TIMER_NEVER && (atomic_load(&task->expired) || rdtime() >= deadline);
}

/* A kill that came before is noticed by sched_sleep(), which does not sleep then. */
int wait_for_grant(struct wait_queue *queue, struct waiter *waiter, uint32_t wait_state,
                   const char *what, uint64_t deadline)
{
    struct timer limit;
    bool killed = false;

    assert(spin_held(queue->lock) && waiter->task == this_cpu->task);
    if (deadline != TIMER_NEVER) {
        timer_limit_begin(&limit, deadline);
        wait_state |= WT_LIMIT | WT_OUTSIDE;
    }
    while (!waiter->granted && !killed && !limit_is_over(waiter->task, deadline))
        killed = !sched_sleep(queue->lock, wait_state, what);
    if (deadline != TIMER_NEVER)
        timer_limit_end(&limit);
    if (!waiter->granted) {
        list_del(&waiter->link);
        return killed ? -E_KILLED : -E_TIMEOUT;
    }
    if (unlikely(atomic_load(&waiter->task->killed)) && waiter->result == 0
        && queue->give_back != NULL && queue->give_back(queue))
        return -E_KILLED;
    return waiter->result;
}

/* The waiter is on the stack of a task that cannot go on before the lock is free. */
void wait_give_first(struct wait_queue *queue, int result)
{
    struct waiter *first = to_struct(list_next(&queue->waiters), struct waiter, link);

    list_del(&first->link);
    first->granted = true;
    first->result = result;
    wakeup_proc(first->task);
}
