/* A word of 32 bits each access to which is a step that a test sees: so a test can do, between any
   two accesses of the code that it tests, what a program on another hart would do there. No chance
   is in it, and no second hart.

   The word has an address at which nothing is mapped. While it is watched, an access to it traps,
   and is done to the true word from there: a load, a store, or an atomic instruction, whatever the
   compiler has made of the code. This works with interrupts off and with spinlocks held.

   For one hart, and kernel threads only; accesses of other harts are faults. */
#pragma once

#include <riscv/memlayout.h>

/* The address that the tested code is to use. */
#define WATCHED_WORD    ((uint32_t *)(KSTACK_BASE - PGSIZE))

/* Watch from now on: before the n-th access, from 1, other(n) is called. It may change *value, the
   true word, and does nothing else: interrupts are off, and any lock may be held. The count begins
   anew with each call of this. Panics at an access that is no instruction of the kinds above. */
void watch_word(uint32_t *value, void (*other)(int n));
/* No more. */
void unwatch_word(void);
