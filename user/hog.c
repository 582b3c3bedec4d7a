/* hog [MS [N]]: keeps N processes (1 by default) busy for MS milliseconds (1000 by default).

   It shows how processes spread over the harts, and is something to end by ctrl-C and kill. */
#include <stdio.h>
#include <testing.h>
#include <ulib.h>

static void burn(unsigned int ms)
{
    unsigned int start = gettime_msec();

    while (gettime_msec() - start < ms)
        for (volatile int i = 0; i < 10000; i++)
            ;
}

int main(int argc, char **argv)
{
    int ms = number_argument(argc, argv, 1, 1000), count = number_argument(argc, argv, 2, 1);
    unsigned int start = gettime_msec();

    for (int i = 1; i < count; i++) {
        int pid = fork();

        if (pid == 0) {
            burn(ms);
            exit(0);
        }
        assert(pid > 0);
    }
    burn(ms);
    for (int i = 1; i < count; i++)
        assert(wait() == 0);
    cprintf("hog: %d processes, %d ms each, took %u ms.\n", count, ms, gettime_msec() - start);
    return 0;
}
