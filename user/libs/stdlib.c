/* The functions of stdlib.h that need no memory of their own, and random numbers. malloc and its
   like are in malloc.c, strtol in string.c.

   The state of rand() is one word of the process. Threads that call it at once get numbers as
   random as any, but not the same ones in each run. A child of fork goes on with a copy of the
   state, so parent and child get the same numbers from there on. */
#include <stdlib.h>
#include <assert.h>

static uint64_t seed = 1;       /* what srand(1) sets: the state before the first call */

/* Any seed is good: the generator has no state from which it does not come away. */
void srand(unsigned int value)
{
    seed = value;
}

/* A linear congruence modulo 2^64 (Knuth's MMIX constants); the high bits are the good ones: bit n
   repeats after 2^(n + 1) calls. */
int rand(void)
{
    seed = seed * 6364136223846793005UL + 1442695040888963407UL;
    return seed >> 33;
}

/* Multiply by 2^32 divided by the golden ratio: the high bits depend on all bits of val. */
uint32_t hash32(uint32_t val, unsigned int bits)
{
    return val * 0x9E3779B1U >> (32 - bits);
}

/* The least int has no positive counterpart, and is undefined in C. */
int abs(int n)
{
    return n < 0 ? -n : n;
}

/* By strtol, whose long holds more than an int: what does not fit is seen, and is cut. */
int atoi(const char *s)
{
    long number = strtol(s, NULL, 10);

    if (number > INT32_MAX)
        return INT32_MAX;
    return number < INT32_MIN ? INT32_MIN : number;
}

void abort(void)
{
    panic("abort() was called");
}

static void swap(char *a, char *b, size_t size)
{
    while (size-- > 0) {
        char c = *a;

        *a++ = *b;
        *b++ = c;
    }
}

/* Element i of a heap of n may be smaller than its children: let it sink until it is not. */
static void sink(char *base, size_t i, size_t n, size_t size,
                 int (*compare)(const void *, const void *))
{
    size_t child;

    while ((child = 2 * i + 1) < n) {
        if (child + 1 < n && compare(base + child * size, base + (child + 1) * size) < 0)
            child++;
        if (compare(base + i * size, base + child * size) >= 0)
            return;
        swap(base + i * size, base + child * size, size);
        i = child;
    }
}

/* Heapsort: make a heap, whose first element is the largest; then put that behind the others, and
   go on with these. */
void qsort(void *base, size_t n, size_t size, int (*compare)(const void *a, const void *b))
{
    for (size_t i = n / 2; i-- > 0;)
        sink(base, i, n, size, compare);
    while (n-- > 1) {
        swap(base, (char *)base + n * size, size);
        sink(base, 0, n, size, compare);
    }
}
