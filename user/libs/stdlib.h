/* Memory, random numbers, and the few other things of C's stdlib.h that programs here use.

   All are as in C unless something else is said. A program that ends by exit() or by returning from
   main() gives all its memory back, so nothing need be freed for that. What may be called by
   several threads at once says so. */
#pragma once

#include <defs.h>
#include <string.h>             /* strtol stands there, as in ucore */

#define RAND_MAX        2147483647
#define EXIT_SUCCESS    0
#define EXIT_FAILURE    1

/* End the process with this exit code, or as a failed assertion does. What main() returns is an
   exit code too. */
__never_returns void exit(int code);
__never_returns void abort(void);

/* Numbers from 0 to RAND_MAX; the same seed gives the same numbers. */
int rand(void);
void srand(unsigned int seed);

/* A number of `bits` bits, from 1 to 32, in which the bits of val are mixed: for hash tables. */
uint32_t hash32(uint32_t val, unsigned int bits);

/* The value without its sign. */
int abs(int n);

/* The number at the beginning of a text, in decimal; 0 if there is none. One that does not fit
   gives INT32_MAX or INT32_MIN. */
int atoi(const char *s);

/* Memory from the heap, aligned to 16 bytes; NULL if there is no more. calloc fills it with zeros.
   realloc keeps the content, and moves it if need be; if it fails the old memory is as it was. free
   takes what these returned, once, or NULL; anything else panics, if it is noticed. Several threads
   may call them. */
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *ptr, size_t size);
void free(void *ptr);
