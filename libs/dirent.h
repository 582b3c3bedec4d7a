/* What getdirentry gives of a directory, by ucore's names: shared by the kernel and user programs.
   A program sets offset to 0 for the first entry; each call writes the entry's name, and moves
   offset to the next one. The number means nothing else: a program keeps it and gives it back.

   The order of the names is that of the disk; a name that is made or removed meanwhile may be told
   or not, all others are told once. */
#pragma once

#include <defs.h>

struct dirent {
    off_t offset;                       /* where to go on */
    char name[256];                     /* with its end */
};
