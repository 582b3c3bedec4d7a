/* Bits in memory, changed in one indivisible step. Bit nr counts on from addr, in 64-bit words. */
#ifndef USER_LIBS_ATOMIC_H
#define USER_LIBS_ATOMIC_H

#include <defs.h>

static inline volatile uint64_t *bit_word(int nr, volatile void *addr)
{
    return (volatile uint64_t *)addr + nr / 64;
}

static inline uint64_t bit_mask(int nr)
{
    return (uint64_t)1 << nr % 64;
}

static inline bool test_and_set_bit(int nr, volatile void *addr)
{
    return __atomic_fetch_or(bit_word(nr, addr), bit_mask(nr), __ATOMIC_SEQ_CST) & bit_mask(nr);
}

static inline bool test_and_clear_bit(int nr, volatile void *addr)
{
    return __atomic_fetch_and(bit_word(nr, addr), ~bit_mask(nr), __ATOMIC_SEQ_CST)
        & bit_mask(nr);
}

static inline void set_bit(int nr, volatile void *addr)
{
    test_and_set_bit(nr, addr);
}

static inline void clear_bit(int nr, volatile void *addr)
{
    test_and_clear_bit(nr, addr);
}

static inline void change_bit(int nr, volatile void *addr)
{
    __atomic_fetch_xor(bit_word(nr, addr), bit_mask(nr), __ATOMIC_SEQ_CST);
}

static inline bool test_bit(int nr, volatile void *addr)
{
    return *bit_word(nr, addr) & bit_mask(nr);
}

#endif /* USER_LIBS_ATOMIC_H */
