/* The kernel's command line (QEMU's -append). */
#pragma once

#include <defs.h>

/* What was asked for; NULL: nothing, the default holds. */
struct bootargs {
    const char *init;           /* the first program and its arguments */
    const char *selftest;       /* the self test to run instead of a program */
    const char *pmm;            /* pmm_manager */
    const char *sched;          /* sched_class */
    bool poison;                /* fill freed pages with junk */
};

/*
 * Take a command line apart; it is changed. init= takes the rest of the line.
 * Returns NULL, or the argument that is unknown.
 */
const char *bootargs_parse(char *line, struct bootargs *args);
