/* Choosing one of several implementations by a boot argument. */
#pragma once

#include <defs.h>

/* The entry of a table of n structs whose first member, a string, is `name`; the first one where
   that is NULL. Where there is no such entry, prints those that there are, and returns NULL. */
const void *choose(const char *argument, const char *name, const void *const table[], size_t n);
