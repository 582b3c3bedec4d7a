/* Mutexes. */
#include <sync/mutex.h>

void mutex_init(struct mutex *mutex, const char *name)
{
    mutex->state = MUTEX_FREE;
    mutex->holder = NULL;
    mutex->lock = (struct spinlock)SPINLOCK_INIT(name, RANK_WAIT);
    wait_queue_init(&mutex->queue, &mutex->lock);
}

/* A task that had to wait leaves the mutex WANTED: there may be others. */
void mutex_wait(struct mutex *mutex)
{
    spin_lock(&mutex->lock);
    while (atomic_swap(&mutex->state, MUTEX_WANTED) != MUTEX_FREE)
        wait_sleep(&mutex->queue, WT_MUTEX, mutex->lock.name);
    spin_unlock(&mutex->lock);
}

void mutex_wake(struct mutex *mutex)
{
    spin_lock(&mutex->lock);
    wait_wake_one(&mutex->queue);
    spin_unlock(&mutex->lock);
}
