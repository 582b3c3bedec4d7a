/* Unit tests of the parsers: what each file offers the others. A check that fails is told with its
   place, and the tests go on; the run fails at its end. */
#pragma once

#include "below.h"

/* Count a check; if it does not hold, say what was expected. */
#define check(what, x)  unit_check(__FILE__, __LINE__, what, (x))
#define check_eq(what, a, b) do { \
        int64_t a_ = (int64_t)(a), b_ = (int64_t)(b); \
        if (!unit_check(__FILE__, __LINE__, what, a_ == b_)) \
            unit_values(a_, b_); \
    } while (0)
bool unit_check(const char *file, int line, const char *what, bool holds);
void unit_values(int64_t is, int64_t expected);

/* The tests, by the file that they are of. */
void unit_text(void);               /* libs/string.c, libs/printfmt.c */
void unit_bootargs(void);
void unit_fdt(void);
void unit_elf(void);
void unit_disk(void);               /* kern/fs: superblock, journal, inodes, directories */
