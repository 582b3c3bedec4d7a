/* Mutexes: locks whose holder may sleep. Not for interrupt handlers, and not to be taken with a
   spinlock held. An uncontended one costs two atomic operations. Nobody waits for ever: see
   mutex.c. */
#pragma once

#include <sched/sched.h>

struct mutex {
    uint32_t state;                 /* atomic: MUTEX_ */
    struct task *holder;            /* written by the holder */
    struct spinlock lock;           /* guards the queue; WANTED and PROMISED change with it only */
    list_entry_t waiters;           /* in order of arrival */
};

#define MUTEX_HELD      1U
#define MUTEX_WANTED    2U          /* there are waiters: who unlocks wakes the first */
#define MUTEX_PROMISED  4U          /* the first of them has waited long: only he may take it */

void mutex_init(struct mutex *mutex, const char *name);

/* The rare parts of the functions below: sleep until the mutex is free, and take it; wake one. */
void mutex_wait(struct mutex *mutex);
void mutex_wake(struct mutex *mutex);

static inline bool mutex_held(const struct mutex *mutex)
{
    return mutex->holder == this_cpu->task;
}

/* Sleeps until the mutex is free; being killed does not end that. */
static inline void mutex_lock(struct mutex *mutex)
{
    assert(!mutex_held(mutex) && this_cpu->irq_depth == 0);
    if (unlikely(!atomic_cas(&mutex->state, 0, MUTEX_HELD)))
        mutex_wait(mutex);
    mutex->holder = this_cpu->task;
}

static inline void mutex_unlock(struct mutex *mutex)
{
    assert(mutex_held(mutex));
    mutex->holder = NULL;
    if (unlikely(atomic_and(&mutex->state, ~MUTEX_HELD) != MUTEX_HELD))
        mutex_wake(mutex);
}
