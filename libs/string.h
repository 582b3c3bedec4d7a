/* String and memory functions, as in C; strfind is ucore's own. */
#pragma once

#include <defs.h>

size_t strlen(const char *s);
size_t strnlen(const char *s, size_t len);

char *strcpy(char *dst, const char *src);
char *strncpy(char *dst, const char *src, size_t len);
char *strcat(char *dst, const char *src);

int strcmp(const char *s1, const char *s2);
int strncmp(const char *s1, const char *s2, size_t n);

char *strchr(const char *s, int c);
/* Like strchr, but the end of the string where c does not occur. */
char *strfind(const char *s, int c);
long strtol(const char *s, char **endptr, int base);

/* The value of a digit, in whatever base; a letter is one from 10 on. */
unsigned int string_digit(char c);
#define NO_DIGIT    36

/* The whole of a text as a number: false, and *value as it was, where it is none or does not fit.
   With base 0 it is decimal, or hexadecimal after 0x, which may stand there with base 16, too. An
   int may be negative. */
bool string_to_uint64(const char *s, unsigned int base, uint64_t *value);
bool string_to_int(const char *s, int *value);

void *memset(void *s, int c, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memcpy(void *dst, const void *src, size_t n);
int memcmp(const void *v1, const void *v2, size_t n);
