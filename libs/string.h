/* String and memory functions, as in C; those with other names are described. The kernel and
   programs have all of them; programs have a few more, in user/libs/string.h.

   A string ends with a zero byte. What a function writes to must be large enough: only memory that
   the caller owns, and in the kernel never a user's address. The functions keep no state, take no
   lock and allocate nothing, so they may be called from anywhere. */
#pragma once

#include <defs.h>

/* The length without the closing zero. */
size_t strlen(const char *s);
/* The same, but at most len, of which no more is read: s need not have a closing zero there. */
size_t strnlen(const char *s, size_t len);

/* Copies at most len bytes, and fills up with zeros. If src has len bytes or more, dst gets no
   closing zero: see to the last byte yourself. Returns dst. */
char *strncpy(char *dst, const char *src, size_t len);

/* Negative, 0 or positive as s1 is before, equal to or after s2, by bytes. */
int strcmp(const char *s1, const char *s2);
/* The same, of the first n bytes at most. */
int strncmp(const char *s1, const char *s2, size_t n);

/* The first c in s, or the end of s if it has none: never NULL. This is ucore's own. */
char *strfind(const char *s, int c);

/* The value of a digit, in whatever base: a letter, of either case, is one from 10 on. NO_DIGIT or
   more, if it is neither. */
unsigned int string_digit(char c);
#define NO_DIGIT    36

/* The whole of a text as a number. If it is none or does not fit this returns false, and *value
   stays as it was. With base 0 it is decimal, or hexadecimal after 0x, which base 16 allows too. */
bool string_to_uint64(const char *s, unsigned int base, uint64_t *value);
/* The same with base 0 for an int, which may have a minus sign before it. */
bool string_to_int(const char *s, int *value);

/* Fill n bytes with the low byte of c. Returns s. */
void *memset(void *s, int c, size_t n);
/* Copy n bytes; the two places may overlap. Returns dst. */
void *memmove(void *dst, const void *src, size_t n);
/* Copy n bytes; the two places must not overlap. Returns dst. */
void *memcpy(void *dst, const void *src, size_t n);
/* Compare n bytes as strcmp does, but zeros too: 0 if all are equal. */
int memcmp(const void *v1, const void *v2, size_t n);
