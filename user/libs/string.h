/* String functions of programs: those that the kernel has too, in libs/string.h, and a few more
   that only programs use. They are as in C.

   They call nothing but one another, keep no state, and may be called by several threads. The
   program must have memory at what they read and write, or the kernel ends it: NULL is no string.

   strtol is declared here as well as by <stdlib.h>, because ucore has it here. */
#pragma once

#include <defs.h>
#include "../../libs/string.h"

/* Copy a string with its closing zero. dst must have room; the two must not overlap. Returns
   dst. */
char *strcpy(char *dst, const char *src);
/* Append src to the string in dst, which must have room for both. Returns dst. */
char *strcat(char *dst, const char *src);

/* The first c in s, or NULL if it has none. The closing zero counts as a part of s. */
char *strchr(const char *s, int c);
/* The last c in s, or NULL; as strchr. */
char *strrchr(const char *s, int c);

/* The number at the beginning of a text, behind blanks. *endptr, unless endptr is NULL, is set to
   what follows it, or to s if there is no number. Base 0 takes the prefixes 0x and 0. A number that
   does not fit gives LONG_MAX or LONG_MIN. To know whether a text is a number and fits, use
   string_to_int(). */
long strtol(const char *s, char **endptr, int base);
