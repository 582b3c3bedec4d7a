/* How long a spinlock may be held, and interrupts may be off, at most.

   locks.c measures, and asks here about each time that is longer than all before it. The bounds are
   a constant table, in bounds.c, with what each comes from. They are looked at only if the boot
   argument bounds= is there: its value is check_bounds of debug/check.h.

   Nothing here takes a lock or sleeps, so it may be called from anywhere. */
#pragma once

#include <defs.h>

/* Interrupts of this hart were off, or a spinlock of this name was held, for `time`, in units of
   rdtime(), since that place: panic if that is more than its bound, and bounds= was given. `inner`
   is how many spinlocks were taken meanwhile. The name is "" for interrupts, which have no such
   number. Whether the bound depends on `inner`: then a shorter time may be too long. */
bool check_bound(const char *name, uint64_t time, uint32_t inner, uintptr_t since);
