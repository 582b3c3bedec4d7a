/* The fields of pagebits.h: page table entries of Sv39, and virtual addresses.

   A student writes them: exercise 0.3.

   Each function is one expression of shifts and masks. All numbers are unsigned ones of 64 bits: a
   shift to the right then brings in zeros, and constants that are wider than an int need UL behind
   them. */
#include <assert.h>
#include <pagebits.h>
#include <stdio.h>

uint64_t entry_pack(uint64_t address, uint64_t bits)
{
    /* EXERCISE 0.3 begin: entry_pack */
    return address >> 12 << 10 | (bits & 0x3ff);
    /* EXERCISE 0.3 end */
}

uint64_t entry_address(uint64_t entry)
{
    /* EXERCISE 0.3 begin: entry_address */
    return (entry >> 10 & ((1UL << 44) - 1)) << 12;
    /* EXERCISE 0.3 end */
}

unsigned int index_of(uint64_t address, int level)
{
    /* EXERCISE 0.3 begin: index_of */
    return address >> (12 + 9 * level) & 511;
    /* EXERCISE 0.3 end */
}

uint64_t entry_share(uint64_t entry)
{
    /* EXERCISE 0.3 begin: entry_share */
    return entry & BIT_W ? (entry & ~(uint64_t)BIT_W) | BIT_SHARED : entry;
    /* EXERCISE 0.3 end */
}
