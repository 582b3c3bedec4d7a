/* echo WORDS: prints its arguments, with one blank between two of them.

   The shell has none of its own, so `echo one; echo two` also shows that a line of several commands
   runs them one after the other. */
#include <stdio.h>

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        printf("%s%s", argv[i], i + 1 < argc ? " " : "");
    printf("\n");
    return 0;
}
