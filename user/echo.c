/* echo [-n] WORDS: prints its arguments, with one blank between two of them; with -n as the first
   argument the line does not end there.

   The shell has none of its own, so `echo one; echo two` also shows that a line of several commands
   runs them one after the other. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    const char *end = "\n";             /* what is printed behind the last argument */
    int first = 1;                      /* the first argument that is printed */

    /* EXERCISE 0.6 begin extra: option */
    if (argc > 1 && strcmp(argv[1], "-n") == 0) {
        first = 2;
        end = "";
    }
    /* EXERCISE 0.6 end */
    for (int i = first; i < argc; i++)
        printf("%s%s", argv[i], i + 1 < argc ? " " : "");
    printf("%s", end);
    return 0;
}
