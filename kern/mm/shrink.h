/* Shrinkers: how the kernel gets back memory that it keeps for later use.

   Some parts keep memory that nobody uses now, because it costs less to take it from there than to
   get it anew: a slab that became empty, kernel stacks that stay mapped. That is memory all the
   same. So each such cache announces a function that empties it, a shrinker, and the linker
   collects these in a table, the section .shrinkers. They are called
   - when an allocation finds nothing, which is then tried again, unless a spinlock is held: else no
     allocation fails because of memory that is only kept;
   - before the leak check counts, because what is kept would look as if it were lost.
   The caches of single pages that pmm.c has for each hart are none of these: their pages count as
   free, and are what an allocation takes first.

   A shrinker takes only spinlocks of its own and does not sleep. It is called without any
   spinlock held, on any number of harts at once. */
#pragma once

#include <defs.h>

/* Announce a function of this file, size_t function(void): it gives back what its cache has, or a
   part of it if that is much, and returns how many pages that were. 0: it has nothing, so trying
   again is of no use because of this one. */
#define SHRINKER(function) \
    static size_t (*const shrinker_##function)(void) \
        __attribute__((used, section(".shrinkers"))) = function

/* Ask all caches. Returns how many pages were given back; when it is 0, all are empty. No spinlock
   may be held. Does not sleep. */
size_t shrink_memory(void);

/* An allocator found nothing: should it try again? True if caches gave back something. False also
   if it cannot be tried, because the caller of the allocator holds a spinlock: that may be the one
   that a shrinker needs. An allocator that called another one with its spinlock held asks again
   when it has released it. In any context. */
bool shrink_when_short(void);
