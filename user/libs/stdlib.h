/* Memory, random numbers, and the few other things of C's stdlib.h that programs here use. */
#pragma once

#include <defs.h>
#include <string.h>             /* strtol stands there, as in ucore */

#define RAND_MAX        2147483647
#define EXIT_SUCCESS    0
#define EXIT_FAILURE    1

__never_returns void exit(int code);
__never_returns void abort(void);

/* Numbers from 0 to RAND_MAX; the same seed gives the same numbers. */
int rand(void);
void srand(unsigned int seed);

/* Spread val over `bits` bits, 1 to 32. */
uint32_t hash32(uint32_t val, unsigned int bits);

int abs(int n);
int atoi(const char *s);        /* what does not fit is INT32_MAX or INT32_MIN, no number is 0 */

/* Memory from the heap, aligned to 16 bytes; NULL where there is no more. Threads may call them. */
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *ptr, size_t size);
void free(void *ptr);
