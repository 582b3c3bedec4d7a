/*
 * Atomic operations on words that several harts change. Each is a full
 * barrier unless its name says otherwise; plain loads and stores of such words
 * go through atomic_load and atomic_store, which order nothing.
 */
#pragma once

#include <defs.h>

#define atomic_load(p)              __atomic_load_n(p, __ATOMIC_RELAXED)
#define atomic_store(p, v)          __atomic_store_n(p, v, __ATOMIC_RELAXED)
#define atomic_load_acquire(p)      __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define atomic_store_release(p, v)  __atomic_store_n(p, v, __ATOMIC_RELEASE)

/* These return the value before. */
#define atomic_swap(p, v)           __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
#define atomic_add(p, v)            __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST)
#define atomic_or(p, v)             __atomic_fetch_or(p, v, __ATOMIC_SEQ_CST)
#define atomic_and(p, v)            __atomic_fetch_and(p, v, __ATOMIC_SEQ_CST)

/* Set *p to v where it is `expected`; true where it was. */
#define atomic_cas(p, expected, v) ({ \
    typeof(*(p)) expected_ = (expected); \
    __atomic_compare_exchange_n(p, &expected_, v, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED); })

/*
 * Change a 32-bit counter; returns the value before. What atomic_add() does too, but
 * gcc 12 puts a fence before the instruction, which orders already as it is.
 */
static inline int32_t atomic_count(int32_t *counter, int32_t change)
{
    int32_t before;

    asm volatile ("amoadd.w.aqrl %0, %2, %1" : "=r" (before), "+A" (*counter) : "r" (change)
                  : "memory");
    return before;
}

#define memory_barrier()            __atomic_thread_fence(__ATOMIC_SEQ_CST)

/*
 * In a loop that waits for another hart. Not the pause instruction: QEMU leaves
 * its execution loop for that and takes its global lock, so that a hart which
 * spins would hold up the other one at every access to a device.
 */
static inline void cpu_relax(void)
{
    asm volatile ("nop; nop; nop; nop" : : : "memory");
}
