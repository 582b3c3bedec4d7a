/* Memory, random numbers, and the few other things of C's stdlib.h that programs here use.

   All are as in C unless something else is said. A program that ends by exit() or by returning from
   main() gives all its memory back, so nothing need be freed for that. Nothing registered with the
   library is called at the end, as there is no atexit(), and no output is left to be written.

   What may be called by several threads at once says so. */
#pragma once

#include <defs.h>
#include <string.h>             /* strtol stands there, as in ucore */

#define RAND_MAX        2147483647
#define EXIT_SUCCESS    0
#define EXIT_FAILURE    1

/* End the process with this exit code, from wherever it is called. What main() returns is an exit
   code too. */
__never_returns void exit(int code);
/* End it as a failed assertion does, with a message. */
__never_returns void abort(void);

/* A number from 0 to RAND_MAX. Without srand() it is as after srand(1). */
int rand(void);
/* Begin a sequence of numbers: the same seed gives the same ones. */
void srand(unsigned int seed);

/* A number of `bits` bits, from 1 to 32, in which the bits of val are mixed: for hash tables. */
uint32_t hash32(uint32_t val, unsigned int bits);

/* The value without its sign. */
int abs(int n);

/* The number at the beginning of a text, in decimal; 0 if there is none. One that does not fit
   gives INT32_MAX or INT32_MIN. */
int atoi(const char *s);

/* Memory from the heap, aligned to 16 bytes and with whatever content; NULL if there is no more.
   Several threads may call this and the next three at once. */
void *malloc(size_t size);
/* The same, for `count` elements of this size, filled with zeros. */
void *calloc(size_t count, size_t size);
/* Memory of this size with the content of what ptr points to, which may have moved; ptr is not to
   be used any more. If there is no memory it returns NULL, and the old memory is as it was. */
void *realloc(void *ptr, size_t size);
/* Give back what these returned, once; NULL is allowed. Anything else panics, if it is noticed. */
void free(void *ptr);

/* Sort an array of n elements of `size` bytes, in place. compare(a, b) is below, equal to or above
   0 as *a belongs before, beside or behind *b; what is equal may change its order. Takes n log n
   steps for any array, and no memory. */
void qsort(void *base, size_t n, size_t size, int (*compare)(const void *a, const void *b));
