/* What pages.c and objects.c share: who owns a piece of memory, and since when.

   "Since when" is a period. One begins whenever the kernel counts what is in use, to compare at the
   end: so what was allocated in a later period, and is still there at the end, is what is lost.
   Nothing here takes a lock, but the search for what is lost. An owner is known by the call stack
   that allocated. */
#pragma once

#include <check/stacks.h>

struct Page;
struct kmem_cache;

/* What is in use is counted now and then (check_period_begins()); this is the number of counts. */
extern uint32_t check_period;

/* An owner in one word: the number of the call stack that allocated, and the period. */
#define OWNER_STACK(owner)      ((owner) % STACKS)

/* The owner that the caller of the function that calls this stands for. */
static __always_inlined uint32_t owner_here(void)
{
    return stack_here() | check_period * STACKS;
}

/* Was it allocated in this period, or later? */
static inline bool owned_since(uint32_t owner, uint32_t period)
{
    return owner / STACKS >= period;
}

/* Print what is known of the page: is it in use? In any context. */
bool check_tell_page(const struct Page *page);
/* Print the first `limit` objects that were allocated since the period began and are in use: how
   many there are. Nothing else may allocate meanwhile. */
uint32_t check_lost_objects(uint32_t period, uint32_t limit);
/* This page, which was a slab of the cache, is to be freed: all its objects are, and are unchanged
   since. By kern/check/pages.c. */
void check_slab_freed(const struct kmem_cache *cache, void *slab);
