/* Getting memory back: what is done when free pages are few. It costs nothing while there is no
   swap area: then the watermarks are 0, and who finds no page gets none, as ever.

       free pages
       high    the pager thread stops
       low     it is woken
       min     who holds the lock of an address space gets none from here on: he lets go of it,
               reclaims, and tries again
       min/2   neither does anyone else who may sleep: he reclaims himself
       min/4   nor who holds a spinlock; he can try again when he has let go of it
       0       the last ones are for who is in a transaction or reclaims: that must never need what
               it is there to bring

   One task reclaims at a time, with the mutex of rank MUTEX_RECLAIM, the last of all: so it can
   take no other, begins no transaction, and sleeps for nothing but the disk. The locks of address
   spaces it only tries. What nobody uses goes first, then what the policy chooses. */
#pragma once

#include <defs.h>

/* The watermarks, in pages; 0 while there is no swap area. Set by reclaim_open() only. */
extern struct watermarks {
    size_t min, low, high;
} watermarks;

/* There is a swap area from now on, or none any more: set the watermarks. The second one also ends
   the pager thread. No lock is held. */
void reclaim_open(void);
void reclaim_close(void);

/* An allocation found nothing, and nothing is kept anywhere for later use: bring some pages out.
   True if trying again is of use, because pages became free meanwhile; then or not, the caller may
   have slept. False at once if it may not sleep, because it holds a spinlock or interrupts are off,
   or reclaims itself, or there is no swap area. All that allocates sleeps here or not at all; each
   mutex that is locked, and each switch to another task, panics if a spinlock is held, and a
   checked build asserts it here, whether anybody is waited for or not. */
bool reclaim_when_short(void);
/* Free pages are below the low watermark: wake the pager. In any context, but with no lock of rank
   RANK_PMM or behind. */
void reclaim_wake_pager(void);
/* The pager: a kernel thread, which reclaims when it is woken, until the high watermark is reached
   or nothing more is to be had. It ends at reclaim_close(). Returns 0; arg is not used. */
int reclaim_pager(void *arg);
/* May the current task take n pages of so many that are free, and leave what it must? With the lock
   of the free pages held. */
bool reclaim_allows(size_t n, size_t free);
