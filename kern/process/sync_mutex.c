/* Mutexes of programs, as far as the kernel has to do with them. A program takes a free mutex, and
   gives back one for which nobody waits, by itself: by one atomic change of the mutex's word. What
   is here is for all other cases.

   The holder's own change fails when a bit has been set beside its pid; so it comes to the kernel,
   and finds who waits. A mutex is handed over: it is not free in between, and who has waited
   longest gets it. The kernel changes a word with the lock of the object, but a program may write
   there whatever it likes at any time: so each function looks at the word once, and goes by what it
   saw. */
#include <error.h>
#include <process/sync.h>

/* The life of the word of a mutex:

       0                        free
       0 -> 5                   process 5 takes it                   the program does it
       5 -> WAITERS + 5         process 6 wants it, and sleeps       the kernel
       WAITERS + 5 -> 6         5 gives it back: 6 has it now        the kernel
       6 -> 0                   6 gives it back                      the program */

/* Write the word: the pid of the holder or 0, and what else is to be in it. Whoever takes the mutex
   by what is written here sees what was done before, here or in the program that gave it back. */
static void set_word(struct sync_object *mutex, uint32_t value)
{
    /* pairs with mutex_lock() in user/libs/sync.h */
    atomic_store_release(mutex->word, value | mutex->ask);
}

/* The process that has waited longest for the mutex; NULL if nobody waits. With its lock held. */
static struct proc_struct *first_in_queue(struct sync_object *mutex)
{
    list_entry_t *waiters = &mutex->queue.waiters;

    if (list_empty(waiters))
        return NULL;
    return (struct proc_struct *)to_struct(list_next(waiters), struct waiter, link)->task;
}

/* The pid of that process; 0 if nobody waits. The same. */
static int first_waiter(struct sync_object *mutex)
{
    struct proc_struct *first = first_in_queue(mutex);

    return first != NULL ? first->pid : 0;
}

/* Sleep until the mutex is given to the current process, which is in its queue already: what was
   given with it; or -E_KILLED, and then it has not got the mutex. With its lock held; it is
   released meanwhile. */
static int wait_for_mutex(struct sync_object *mutex, struct waiter *waiter)
{
    struct task *task = this_cpu->task;
    bool watched = current->sync_member != NULL;
    int result = unlikely(watched) ? sync_watch_mutex(mutex, waiter) : 0;

    if (result != 0)
        return result;
    bool donates = sync_donate_begin(mutex);
    task->wait_target = &mutex->target;
    result = wait_for_grant(&mutex->queue, waiter, WT_SYNC, mutex->name, TIMER_NEVER);
    task->wait_target = NULL;
    if (donates)
        sync_donate_end(mutex);
    if (unlikely(watched))
        sync_watch_mutex_end(mutex);
    return result;
}

/* The holder has no more to do with the mutex: it is the first waiter's now, who is told `result`.
   If nobody waits it is free; and if `result` is an error, the next to take it is told. With the
   lock held. */
static void pass_on(struct sync_object *mutex, int result)
{
    struct proc_struct *first = first_in_queue(mutex);

    if (first != NULL)
        sync_donate_pass(mutex, first);
    /* EXERCISE 7.4 begin: pass_on */
    int next = first_waiter(mutex);

    if (next == 0) {
        set_word(mutex, result == 0 ? 0 : SYNC_DIED);
        return;
    }
    wait_give(&mutex->queue, result);
    set_word(mutex, next | (first_waiter(mutex) != 0 ? SYNC_WAITERS : 0));
    /* EXERCISE 7.4 end */
}

int sync_mutex_lock(struct sync_object *mutex)
{
    /* EXERCISE 7.4 begin: sync_mutex_lock */
    struct waiter self;
    int result;

    spin_lock(&mutex->lock);
    uint32_t before = atomic_or(mutex->word, SYNC_WAITERS);     /* no program changes it now */
    if ((before & SYNC_PID) == 0) {
        set_word(mutex, current->pid | (first_waiter(mutex) != 0 ? SYNC_WAITERS : 0));
        result = before & SYNC_DIED ? -E_KILLED : 0;
    } else {
        wait_join(&mutex->queue, &self);
        result = wait_for_mutex(mutex, &self);
    }
    spin_unlock(&mutex->lock);
    return result;
    /* EXERCISE 7.4 end */
}

int sync_mutex_unlock(struct sync_object *mutex)
{
    /* EXERCISE 7.4 begin: sync_mutex_unlock */
    int result = -E_INVAL;

    spin_lock(&mutex->lock);
    if (sync_mutex_held(mutex)) {
        pass_on(mutex, 0);
        result = 0;
    }
    spin_unlock(&mutex->lock);
    return result;
    /* EXERCISE 7.4 end */
}

void sync_mutex_give_up(struct sync_object *mutex)
{
    /* EXERCISE 7.4 begin: sync_mutex_give_up */
    spin_lock(&mutex->lock);
    if (sync_mutex_held(mutex))
        pass_on(mutex, -E_KILLED);
    spin_unlock(&mutex->lock);
    /* EXERCISE 7.4 end */
}
