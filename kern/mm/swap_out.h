/* Paging out: a page of a program goes to the disk, and its memory is free. Which page that is, the
   policy decides (swap.h); when, reclaim.c does. Called by the reclaimer only, one at a time; the
   self tests call it too. It sleeps for the disk and for nothing else: locks of address spaces it
   only tries to take. No spinlock is held.

   A page of a file needs no slot: it is taken from all who map it, and the block cache can give it
   back. One that some may write to stays: to write it back needs a transaction, and the reclaimer
   begins none. The flusher does it a second after the first change; afterwards nobody may write to
   the page, and it can go.

   swap_out.c tells how a page goes that several processes share, and what may happen meanwhile. */
#pragma once

#include <mm/swap.h>

enum page_out {
    PAGE_OUT,           /* nothing maps it any more, and its memory is free with the last reference,
                           which may be the caller's */
    PAGE_BUSY,          /* somebody has a lock that is needed, or uses the page: later, perhaps */
    PAGE_KEPT           /* no slot is free, or the disk has failed: it stays in memory */
};

/* Bring the page out, which is enrolled; the caller has a reference, and gives it back afterwards.
   */
enum page_out page_out(struct Page *page);
