/* A lock between the threads of a program. Who finds it taken yields and tries again: simple, and
   good for short sections. It does not nest. */
#pragma once

#include <defs.h>
#include <ulib.h>

#define INIT_LOCK       0

typedef volatile unsigned int lock_t;

static inline void lock_init(lock_t *l)
{
    *l = INIT_LOCK;
}

/* Take the lock if it is free; true when it was taken. */
static inline bool try_lock(lock_t *l)
{
    return __atomic_exchange_n(l, 1, __ATOMIC_ACQUIRE) == 0;
}

static inline void lock(lock_t *l)
{
    while (!try_lock(l))
        yield();
}

static inline void unlock(lock_t *l)
{
    __atomic_store_n(l, 0, __ATOMIC_RELEASE);
}
