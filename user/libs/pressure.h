/* What user/pagefile.c and user/pagetext.c share: memory that becomes short, and counting the pages
   of files that a process has in memory meanwhile. mem= leaves them less than OTHER_PAGES.

   file_pages() is exact only while no other process changes this one's memory; use_memory() and
   new_memory() may be called from anywhere.

   All of them panic if the kernel does not do what it must. */
#pragma once

#include <defs.h>

#define FILE_PAGES      256             /* of a file, which is to go */
#define FILE_TEXT       0x10000000UL    /* where pagetext has the functions of pagefile's file */
#define OTHER_PAGES     1280            /* of memory: more than there is */

/* Of the pages of this process that are in memory, how many are none of the `made` pages of its own
   that it has written to. Some are the program's own text and stack. */
long file_pages(long made);
/* So many pages of zeros. */
uint64_t *new_memory(size_t pages);
/* Write to all OTHER_PAGES there, and check what was written: memory is short then. */
void use_memory(uint64_t *memory, uint64_t value);
