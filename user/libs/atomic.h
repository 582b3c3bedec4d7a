/* Bits in memory, changed in one indivisible step. Bit nr counts on from addr, in words of 32 bits:
   in memory these are the bits of 64-bit words too, and an int is aligned for them. */
#pragma once

#include <defs.h>

static inline volatile uint32_t *bit_word(int nr, volatile void *addr)
{
    return (volatile uint32_t *)addr + nr / 32;
}

static inline uint32_t bit_mask(int nr)
{
    return (uint32_t)1 << nr % 32;
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
