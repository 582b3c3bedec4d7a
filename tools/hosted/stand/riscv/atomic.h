/* Stands for kern/riscv/atomic.h on the host: the same functions, by the compiler's builtins. There
   is one thread, so what they order does not matter; kern/riscv/atomic.h says what each of them
   promises to the kernel. */
#pragma once

#include <defs.h>

#define atomic_load(p)              (*(volatile const typeof(*(p)) *)(p))
#define atomic_store(p, v)          ((void)(*(volatile typeof(*(p)) *)(p) = (v)))
#define atomic_load_acquire(p)      __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define atomic_store_release(p, v)  atomic_store(p, v)
#define atomic_swap(word, value)    __atomic_exchange_n(word, (uint32_t)(value), __ATOMIC_SEQ_CST)
#define atomic_add(word, value)     __atomic_fetch_add(word, (uint32_t)(value), __ATOMIC_SEQ_CST)
#define atomic_or(word, bits)       __atomic_fetch_or(word, (uint32_t)(bits), __ATOMIC_SEQ_CST)
#define atomic_and(word, bits)      __atomic_fetch_and(word, (uint32_t)(bits), __ATOMIC_SEQ_CST)
#define atomic_cas(p, expected, v) ({ \
    typeof(*(p)) expected_ = (expected); \
    __atomic_compare_exchange_n(p, &expected_, v, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED); })

/* One more such function, of another type: only atomic swaps are made by this. */
#define ATOMIC_AMO(result, type, name, instruction) \
    static inline result name(type *word, type value) \
    { \
        return __atomic_exchange_n(word, value, __ATOMIC_SEQ_CST); \
    }

/* Count one more, unless the count is 0. */
static inline bool atomic_inc_unless_zero(uint32_t *count)
{
    return *count != 0 && ++*count != 0;
}

#define memory_barrier()            __atomic_thread_fence(__ATOMIC_SEQ_CST)
