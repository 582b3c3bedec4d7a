/* Condition variables of programs, as Mesa had them: a signal wakes one who waits, and gives him
   nothing. When he has the mutex again, others may have had it before him; so he looks again at
   what he waits for.

       waits                                    signals
       mutex_lock(m);                           mutex_lock(m);
       while (!condition)                       condition = true;
           condvar_wait(c, m);                  condvar_signal(c);
       mutex_unlock(m);                         mutex_unlock(m);

   condvar_wait() gives the mutex back and waits, and no signal can be lost in between: whoever
   signals after the mutex is free finds the waiter in the queue. The locks of the two objects are
   never held together. None of this stands on the monitors of kern/sync. */
#include <error.h>
#include <process/sync.h>

/* sync_condvar_wait() of a process that has the mutex: 0, -E_TIMEOUT or -E_KILLED, with the mutex
   taken again, but perhaps not if the process was killed. */
static int wait_and_lock(struct sync_object *condvar, struct sync_object *mutex, uint64_t deadline)
{
    /* EXERCISE 7.4 begin: wait_and_lock */
    struct waiter self;

    spin_lock(&condvar->lock);
    wait_join(&condvar->queue, &self);
    spin_unlock(&condvar->lock);
    sync_mutex_unlock(mutex);
    spin_lock(&condvar->lock);
    int result = wait_for_grant(&condvar->queue, &self, WT_SYNC, condvar->name, deadline);
    spin_unlock(&condvar->lock);
    return sync_mutex_lock(mutex) ?: result;
    /* EXERCISE 7.4 end */
}

/* A process that was killed may have been given a signal before: it does not come to use it, so
   another one gets it, and looks for nothing if there was none. */
int sync_condvar_wait(struct sync_object *condvar, struct sync_object *mutex, uint64_t deadline)
{
    if (!sync_mutex_held(mutex))
        return -E_INVAL;
    int result = wait_and_lock(condvar, mutex, deadline);
    if (unlikely(atomic_load(&current->task.killed)))
        sync_condvar_signal(condvar);
    return result;
}

void sync_condvar_signal(struct sync_object *condvar)
{
    /* EXERCISE 7.4 begin: sync_condvar_signal */
    spin_lock(&condvar->lock);
    wait_give(&condvar->queue, 0);
    spin_unlock(&condvar->lock);
    /* EXERCISE 7.4 end */
}

void sync_condvar_broadcast(struct sync_object *condvar)
{
    /* EXERCISE 7.4 begin: sync_condvar_broadcast */
    spin_lock(&condvar->lock);
    while (wait_give(&condvar->queue, 0))
        ;
    spin_unlock(&condvar->lock);
    /* EXERCISE 7.4 end */
}
