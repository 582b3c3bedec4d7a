/* Bits in memory, changed in one indivisible step, by several threads or by a process and the
   kernel. The names are ucore's.

   Bit nr counts on from addr, in words of 32 bits: in memory these are the bits of 64-bit words
   too, and an address that is good for an int is good here. nr is not negative. What changes a bit
   is a full barrier; test_bit orders nothing. */
#pragma once

#include <defs.h>

/* The word that has bit nr. */
static inline volatile uint32_t *bit_word(int nr, volatile void *addr)
{
    return (volatile uint32_t *)addr + nr / 32;
}

/* A word in which only that bit is set. */
static inline uint32_t bit_mask(int nr)
{
    return (uint32_t)1 << nr % 32;
}

/* Set a bit. True if it was set before: of several threads that set a bit that is 0, one is told
   that it was 0. */
static inline bool test_and_set_bit(int nr, volatile void *addr)
{
    return __atomic_fetch_or(bit_word(nr, addr), bit_mask(nr), __ATOMIC_SEQ_CST) & bit_mask(nr);
}

/* Clear a bit. True if it was set before. */
static inline bool test_and_clear_bit(int nr, volatile void *addr)
{
    return __atomic_fetch_and(bit_word(nr, addr), ~bit_mask(nr), __ATOMIC_SEQ_CST)
        & bit_mask(nr);
}

/* Set a bit, without an answer. */
static inline void set_bit(int nr, volatile void *addr)
{
    test_and_set_bit(nr, addr);
}

/* Clear a bit, without an answer. */
static inline void clear_bit(int nr, volatile void *addr)
{
    test_and_clear_bit(nr, addr);
}

/* Make 0 of 1 and 1 of 0. */
static inline void change_bit(int nr, volatile void *addr)
{
    __atomic_fetch_xor(bit_word(nr, addr), bit_mask(nr), __ATOMIC_SEQ_CST);
}

/* Is a bit set, just now? */
static inline bool test_bit(int nr, volatile void *addr)
{
    return *bit_word(nr, addr) & bit_mask(nr);
}
