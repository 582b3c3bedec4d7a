/* Semaphores: see sem.h.

   A unit goes straight to the first who waits, by wait_give(), or into `value`, never into both. So
   as long as somebody waits, value is 0: a task that comes late finds nothing to take, and queues
   behind those who came before.

   All is done with the semaphore's own lock held. Who was given a unit has been taken out of the
   queue by the giver: there is nothing left to do when he runs again. */
#include <error.h>
#include <sync/sem.h>

void sem_init_named(semaphore_t *sem, int value, const char *name)
{
    *sem = (semaphore_t){
        .lock = SPINLOCK_INIT(name, RANK_WAIT),
        .value = value,
        .name = name,
    };
    wait_queue_init(&sem->wait_queue, &sem->lock);
}

void up(semaphore_t *sem)
{
    spin_lock(&sem->lock);
    if (!wait_give(&sem->wait_queue, 0))
        sem->value++;
    spin_unlock(&sem->lock);
}

int down_timeout(semaphore_t *sem, uint64_t deadline)
{
    struct waiter self;
    int result = 0;

    spin_lock(&sem->lock);
    if (sem->closed) {
        result = -E_INVAL;
    } else if (sem->value > 0) {
        sem->value--;
    } else {
        wait_join(&sem->wait_queue, &self);
        result = wait_for_grant(&sem->wait_queue, &self, WT_KSEM | WT_INTERRUPTED, sem->name,
                                deadline);
    }
    spin_unlock(&sem->lock);
    return result;
}

void sem_close(semaphore_t *sem)
{
    spin_lock(&sem->lock);
    sem->closed = true;
    while (wait_give(&sem->wait_queue, -E_INVAL))
        ;
    spin_unlock(&sem->lock);
}
