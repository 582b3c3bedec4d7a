/* Kernel stacks: KSTACKSIZE bytes each, in an address range of their own. Below each stack lies a
   guard that is never mapped, so a stack that overflows faults at once, and trapentry.S can say
   whose it was.

   Both functions may be called in any context, with spinlocks of a rank below RANK_KSTACK held. The
   first may sleep as kmalloc() does, the second does not. Free stacks may stay mapped for the next
   process: see kstack.c. Their memory comes back by a shrinker (mm/shrink.h). */
#pragma once

#include <defs.h>

/* The lowest address of a new stack, whose content is unknown; 0 if there is no memory. */
uintptr_t kstack_alloc(void) __must_check;
/* Give a stack back. Nobody may run on it any more, on any hart. */
void kstack_free(uintptr_t kstack);

/* How many pages hold the page tables of all stacks so far. These are kept for good, so the leak
   check must not count them as lost. */
size_t kstack_table_pages(void);
