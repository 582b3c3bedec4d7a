/* What locks.c has measured: how long spinlocks and mutexes were held and waited for, and how long
   interrupts were off.

   The numbers are of the whole run so far. They may change meanwhile, because other harts go on, so
   what is printed is not of one moment. Times are those of rdtime(), and all locks of one name are
   one row. */
#pragma once

#include <defs.h>

/* Print the longest times of all locks, and a row for each name of a lock. Takes no lock. */
void check_report_locks(void);

#define LOCK_BITS   27
/* Which locks are held, one of LOCK_BITS bits for each, by its address: the spinlocks of this hart,
   and what the current task has in its list of mutexes. For shared.c, with CHECK=race alone. */
uint64_t locks_held(void);
