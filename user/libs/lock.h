/* A lock between the threads of a program: memory that threads share is used by one at a time.

   A thread that finds it taken yields and tries again, so it sleeps in no queue: simple, and good
   for short sections. It does not nest: a thread that takes it twice waits for ever. Nothing gives
   it back when its holder dies. What a holder did is seen by the next one, by acquire and
   release. */
#pragma once

#include <defs.h>
#include <ulib.h>

#define INIT_LOCK       0

/* 0 is free, 1 is taken. A lock that is all zero is free, so a static one needs no initial
   value. */
typedef volatile unsigned int lock_t;

/* Make it free, whatever it is. */
static inline void lock_init(lock_t *l)
{
    *l = INIT_LOCK;
}

/* Take the lock if it is free: true if this call took it. Does not wait. */
static inline bool try_lock(lock_t *l)
{
    return __atomic_exchange_n(l, 1, __ATOMIC_ACQUIRE) == 0;
}

/* Take the lock; wait while it is taken. */
static inline void lock(lock_t *l)
{
    while (!try_lock(l))
        yield();
}

/* Give the lock back. Only the thread that took it may. */
static inline void unlock(lock_t *l)
{
    __atomic_store_n(l, 0, __ATOMIC_RELEASE);
}
