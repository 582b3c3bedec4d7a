/* Semaphores of programs: a semaphore_t of kern/sync/sem.h for each object. What is here knows what
   a program may not do.

   A semaphore belongs to all whose tables have it: one sem_free ends it for all of them. It has no
   holder, so the end of a process changes nothing: the units that it had taken are lost, as they
   are when it forgets to post. One that is killed while it waits takes none. */
#include <error.h>
#include <process/sync.h>

/* More than INT_MAX units are refused by up(). */
int sync_sem_post(struct sync_object *sem)
{
    return up(&sem->sem);
}

/* What was given wins over a kill, so a process that is killed may have got a unit. It never comes
   to use it, so others get it. */
int sync_sem_wait(struct sync_object *sem, uint64_t deadline)
{
    int result = down_timeout(&sem->sem, deadline);

    if (unlikely(atomic_load(&current->task.killed)) && result == 0)
        up(&sem->sem);
    return result;
}
