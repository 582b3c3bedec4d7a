/* Atomic operations on words that several harts change. Each is a full barrier unless its name says
   otherwise; plain loads and stores of such words go through atomic_load and atomic_store, which
   order nothing. */
#pragma once

#include <defs.h>

#define atomic_load(p)              (*(volatile const typeof(*(p)) *)(p))
#define atomic_store(p, v)          ((void)(*(volatile typeof(*(p)) *)(p) = (v)))
#define atomic_load_acquire(p)      __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define atomic_store_release(p, v) \
    (__atomic_thread_fence(__ATOMIC_RELEASE), atomic_store(p, v))

/* Change a word in memory in one step; they return what it was before. One AMO instruction each:
   gcc 12 would put a fence before it, which aqrl makes needless. */
#define ATOMIC_AMO(name, instruction) \
    static inline uint32_t name(uint32_t *word, uint32_t value) \
    { \
        uint32_t before; \
        asm volatile (instruction ".aqrl %0, %2, %1" \
                      : "=r" (before), "+A" (*word) : "r" (value) : "memory"); \
        return before; \
    }
ATOMIC_AMO(atomic_swap, "amoswap.w")
ATOMIC_AMO(atomic_add, "amoadd.w")
ATOMIC_AMO(atomic_or, "amoor.w")
ATOMIC_AMO(atomic_and, "amoand.w")

/* Set *p to v where it is `expected`; true where it was. */
#define atomic_cas(p, expected, v) ({ \
    typeof(*(p)) expected_ = (expected); \
    __atomic_compare_exchange_n(p, &expected_, v, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED); })

#define memory_barrier()            __atomic_thread_fence(__ATOMIC_SEQ_CST)

/* In a loop that waits for another hart. Not the pause instruction: QEMU leaves its execution loop
   for that and takes its global lock, so that a hart which spins would hold up the other one at
   every access to a device. */
static inline void cpu_relax(void)
{
    asm volatile ("nop; nop; nop; nop" : : : "memory");
}
