/* Mutexes: locks whose holder may sleep. Not for interrupt handlers, and not to be taken with a
   spinlock held. An uncontended one costs two atomic swaps. */
#pragma once

#include <sync/wait.h>

struct mutex {
    uint32_t state;                 /* atomic: MUTEX_ FREE, HELD, or WANTED by another too */
    struct task *holder;            /* written by the holder */
    struct spinlock lock;           /* guards the queue */
    struct wait_queue queue;
};

void mutex_init(struct mutex *mutex, const char *name);

/* Sleeps until the mutex is free; being killed does not end that. */
void mutex_lock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);

bool mutex_held(const struct mutex *mutex);
