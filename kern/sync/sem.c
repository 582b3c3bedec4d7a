/* Semaphores: see sem.h for what each function promises.

   All is done under the semaphore's own lock, which is also that of its queue, and which is free
   while a task sleeps. The ways to take a unit differ in what may end the wait, and have one
   common part, sem_down(): see sem.h.

   The lock has RANK_WAIT: it may be taken with locks of processes held, and with none of the
   scheduler's. Where nobody waits, up() and down() cost a lock and an unlock each, and a few
   instructions. */
#include <error.h>
#include <limits.h>
#include <sync/sem.h>

void sem_init_named(semaphore_t *sem, int value, const char *name)
{
    assert(value >= 0);
    sem->lock = (struct spinlock)SPINLOCK_INIT(name, RANK_WAIT);
    sem->value = value;
    sem->closed = false;
    sem->name = name;
    wait_queue_init(&sem->wait_queue, &sem->lock);
}

void sem_init(semaphore_t *sem, int value)
{
    sem_init_named(sem, value, "a semaphore");
}

/* EXERCISE 7.1 begin extra: functions for sem_down and up */
/* The rare ends of sem_down() and up(). Each is called with the lock held, last, and releases it:
   so the two need no registers saved, and no room for a waiter, if there is a unit and nobody
   waits. */
static __never_inlined long wait_for_unit(semaphore_t *sem, uint32_t wait_state, uint64_t deadline)
{
    struct waiter self;

    wait_join(&sem->wait_queue, &self);
    int result = wait_for_grant(&sem->wait_queue, &self, wait_state, sem->name, deadline);
    spin_unlock(&sem->lock);
    return result;
}

static __never_inlined long give_unit(semaphore_t *sem)
{
    wait_give(&sem->wait_queue, 0);
    spin_unlock(&sem->lock);
    return 0;
}
/* EXERCISE 7.1 end */

long sem_down(semaphore_t *sem, uint32_t wait_state, uint64_t deadline)
{
    IF_CHECK(check_may_sleep());
    /* EXERCISE 7.1 begin: sem_down */
    int result = 0;

    spin_lock(&sem->lock);
    if (likely(sem->value > 0))
        sem->value--;
    else if (sem->closed)
        result = -E_INVAL;
    else
        return wait_for_unit(sem, wait_state, deadline);
    spin_unlock(&sem->lock);
    return result;
    /* EXERCISE 7.1 end */
}

bool try_down(semaphore_t *sem)
{
    /* EXERCISE 7.1 begin: try_down */
    bool taken = false;

    spin_lock(&sem->lock);
    if (sem->value > 0) {
        sem->value--;
        taken = true;
    }
    spin_unlock(&sem->lock);
    return taken;
    /* EXERCISE 7.1 end */
}

long up(semaphore_t *sem)
{
    /* EXERCISE 7.1 begin: up */
    spin_lock(&sem->lock);
    if (unlikely(!list_empty(&sem->wait_queue.waiters)))
        return give_unit(sem);
    int more = (unsigned int)sem->value + 1;
    if (likely(more > 0))               /* else it is closed, or there are INT_MAX already */
        sem->value = more;
    spin_unlock(&sem->lock);
    return more > 0 ? 0 : -E_INVAL;
    /* EXERCISE 7.1 end */
}

bool up_waiter(semaphore_t *sem)
{
    /* EXERCISE 7.1 begin: up_waiter */
    spin_lock(&sem->lock);
    bool given = wait_give(&sem->wait_queue, 0);
    spin_unlock(&sem->lock);
    return given;
    /* EXERCISE 7.1 end */
}

void sem_join(semaphore_t *sem, struct waiter *self)
{
    spin_lock(&sem->lock);
    assert(sem->value == 0 && !sem->closed);
    wait_join(&sem->wait_queue, self);
    spin_unlock(&sem->lock);
}

int sem_wait_joined(semaphore_t *sem, struct waiter *self)
{
    spin_lock(&sem->lock);
    int result = wait_for_grant(&sem->wait_queue, self, WT_KSEM | WT_INTERRUPTED, sem->name,
                                TIMER_NEVER);
    spin_unlock(&sem->lock);
    return result;
}

void sem_close(semaphore_t *sem)
{
    spin_lock(&sem->lock);
    sem->closed = true;
    sem->value = -1;
    while (wait_give(&sem->wait_queue, -E_INVAL))
        ;
    spin_unlock(&sem->lock);
}
