/* Kernel stacks: KSTACKSIZE bytes each, in an address range of their own, over a guard that is
   never mapped. A few free ones are kept mapped, because mapping and unmapping costs a TLB flush on
   every hart. */
#pragma once

#include <defs.h>

/* The lowest address of a stack, or 0 where there is no memory. May be called in any context. */
uintptr_t kstack_alloc(void) __must_check;
void kstack_free(uintptr_t kstack);

/* Pages that hold the stacks' page tables; they are kept for good. */
size_t kstack_table_pages(void);
