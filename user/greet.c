/* greet WORDS: says who it is, and prints its arguments, a line for each.

   The first program that a student writes: exercise 0.1. Its exit code is the number of its
   arguments, so that the shell shows one that is not 0. */
#include <stdio.h>
#include <ulib.h>

int main(int argc, char **argv)
{
    /* EXERCISE 0.1 begin: greet */
    cprintf("I am process %d.\n", getpid());
    for (int i = 1; i < argc; i++)
        cprintf("argument %d: %s\n", i, argv[i]);
    return argc - 1;
    /* EXERCISE 0.1 end */
}
