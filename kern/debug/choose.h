/* Choosing one of several implementations by a boot argument: pmm=NAME one of the page allocators,
   sched=NAME one of the scheduling classes.

   Each of these is a struct of functions whose first member is `const char *name`. mm and sched
   each have a table of theirs, so this stands below both; kern/init reads the boot arguments
   themselves. Called at boot, before there is a process. */
#pragma once

#include <defs.h>

/* The entry of a table of n pointers to structs whose name is `name`. If `name` is NULL, it is the
   first one. If there is no such entry, prints the names that there are, as values of the boot
   argument `argument`, and returns NULL. */
const void *choose(const char *argument, const char *name, const void *const table[], size_t n);
