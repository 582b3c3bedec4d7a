/* Mutexes. */
#include <sync/mutex.h>

enum { MUTEX_FREE, MUTEX_HELD, MUTEX_WANTED };

void mutex_init(struct mutex *mutex, const char *name)
{
    mutex->state = MUTEX_FREE;
    mutex->holder = NULL;
    mutex->lock = (struct spinlock)SPINLOCK_INIT(name, RANK_WAIT);
    wait_queue_init(&mutex->queue, &mutex->lock);
}

bool mutex_held(const struct mutex *mutex)
{
    return mutex->holder == this_cpu->task;
}

/* A task that had to wait leaves the mutex WANTED: there may be others. */
static void mutex_wait(struct mutex *mutex)
{
    spin_lock(&mutex->lock);
    while (atomic_swap(&mutex->state, MUTEX_WANTED) != MUTEX_FREE)
        wait_sleep(&mutex->queue, WT_MUTEX, mutex->lock.name);
    spin_unlock(&mutex->lock);
}

void mutex_lock(struct mutex *mutex)
{
    assert(!mutex_held(mutex) && this_cpu->irq_depth == 0);
    if (!atomic_cas(&mutex->state, MUTEX_FREE, MUTEX_HELD))
        mutex_wait(mutex);
    mutex->holder = this_cpu->task;
}

void mutex_unlock(struct mutex *mutex)
{
    assert(mutex_held(mutex));
    mutex->holder = NULL;
    if (atomic_swap(&mutex->state, MUTEX_FREE) == MUTEX_WANTED) {
        spin_lock(&mutex->lock);
        wait_wake_one(&mutex->queue);
        spin_unlock(&mutex->lock);
    }
}
