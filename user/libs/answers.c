/* A student's answers: to riddles.S, and to what gdb shows of vault.c.

   Exercises 0.4 and 0.5 ask for them.

   The first three functions are to do what the assembler functions do, in C and in any way: the
   program riddles compares results, not instructions. The last two return what was seen of the
   program vault while it was stopped. */
#include <answers.h>
#include <assert.h>
#include <stdio.h>

uint64_t like_one(uint64_t x)
{
    /* EXERCISE 0.4 begin: like_one */
    uint64_t count = 0;

    for (; x != 0; x >>= 1)
        count += x & 1;
    return count;
    /* EXERCISE 0.4 end */
}

uint64_t like_two(uintptr_t p, size_t n)
{
    /* EXERCISE 0.4 begin: like_two */
    const int16_t *numbers = (const int16_t *)p;
    uint64_t sum = 0;

    for (size_t i = 0; i < n; i++)
        if (numbers[i] > 0)
            sum += numbers[i];
    return sum;
    /* EXERCISE 0.4 end */
}

uint64_t like_three(uint64_t x, uint64_t y)
{
    /* EXERCISE 0.4 begin: like_three */
    return x > y ? x - y : y - x;
    /* EXERCISE 0.4 end */
}

uint64_t seventh_key(void)
{
    /* EXERCISE 0.5 begin: seventh_key */
    return 0x9e66e2665154e05c;
    /* EXERCISE 0.5 end */
}

int first_debt(void)
{
    /* EXERCISE 0.5 begin: first_debt */
    return 11;
    /* EXERCISE 0.5 end */
}
