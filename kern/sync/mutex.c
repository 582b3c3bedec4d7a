/* Mutexes. Who unlocks one wakes the first that waits, but does not keep the mutex for him: whoever
   runs may take it meanwhile, else each hand-over would cost a switch, and all would move at the
   pace of the slowest (a convoy). So that nobody waits for ever, one that has waited long enough is
   promised the mutex: then no other takes it. It is a tick, for one hand-over a tick slows nobody
   down, and the longest wait is that and a turn of each who came before. */
#include <sched/timer.h>
#include <sync/mutex.h>

#define PATIENCE    10

/* On the stack of the task that waits. */
struct mutex_waiter {
    struct task *task;
    list_entry_t link;
    uint64_t limit;         /* from then on it is the next one */
};

void mutex_init(struct mutex *mutex, const char *name)
{
    mutex->state = 0;
    mutex->holder = NULL;
    mutex->lock = (struct spinlock)SPINLOCK_INIT(name, RANK_WAIT);
    list_init(&mutex->waiters);
}

static struct mutex_waiter *first_waiter(struct mutex *mutex)
{
    return to_struct(list_next(&mutex->waiters), struct mutex_waiter, link);
}

static bool try_take(struct mutex *mutex, const struct mutex_waiter *self)
{
    if ((atomic_load(&mutex->state) & MUTEX_PROMISED) && self != first_waiter(mutex))
        return false;
    return !(atomic_or(&mutex->state, MUTEX_HELD) & MUTEX_HELD);
}

/* WANTED is set before the first try: who holds the mutex then will come and wake. One who is woken
   and finds it taken keeps his place in the queue. */
void mutex_wait(struct mutex *mutex)
{
    struct mutex_waiter self = {
        .task = this_cpu->task,
        .limit = rdtime() + timer_tick_length(),
    };

    spin_lock(&mutex->lock);
    list_add_before(&mutex->waiters, &self.link);
    atomic_or(&mutex->state, MUTEX_WANTED);
    while (!try_take(mutex, &self))
        sched_sleep(&mutex->lock, WT_MUTEX, mutex->lock.name);
    if (&self == first_waiter(mutex))
        atomic_and(&mutex->state, ~MUTEX_PROMISED);
    list_del(&self.link);
    if (list_empty(&mutex->waiters))
        atomic_and(&mutex->state, ~MUTEX_WANTED);
    spin_unlock(&mutex->lock);
}

void mutex_wake(struct mutex *mutex)
{
    spin_lock(&mutex->lock);
    if (!list_empty(&mutex->waiters)) {
        struct mutex_waiter *first = first_waiter(mutex);

        if (rdtime() >= first->limit)
            atomic_or(&mutex->state, MUTEX_PROMISED);
        wakeup_proc(first->task);
    }
    spin_unlock(&mutex->lock);
}
