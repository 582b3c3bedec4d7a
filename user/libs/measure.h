/* Measuring what an operation costs, for the bench programs.

   Under QEMU's -icount rdinstret counts guest instructions, those of the firmware too. A sample is
   the count over some rounds of an operation; the figure is the median of nine samples, divided by
   the rounds, after two samples for warming up. So the figure is the cost in the long run: it
   contains a cache that is filled again in some rounds, but not the timer tick, which falls into
   few samples. What a round of the loop costs with an empty function in it is subtracted, and
   nothing else.

   All of this is for one thread, but for the marks. */
#pragma once

#include <defs.h>

/* One operation. A sample is prepare(), then once() `rounds` times, then finish(). */
struct operation {
    const char *name;
    int rounds;
    void (*once)(void);
    void (*prepare)(void);
    void (*finish)(void);
};

/* They do nothing: from the first to the second tools/profile.py and tools/harts.py count. */
void profile_begin(void);
void profile_end(void);

/* Measure time, not instructions. */
extern bool measure_wall;

/* For prepare and finish of what needs none. */
void measure_nothing(void);
/* Measure an operation, and print its line: what one round costs, divided by `share`, for what does
   several things in a round. */
void measure_report_share(const struct operation *op, int share);
/* The same for one thing in a round. */
void measure_report(const struct operation *op);
/* Measure those of n operations that have this name, or all: how many they were. */
int measure_named(const struct operation *list, size_t n, const char *name, bool all);
