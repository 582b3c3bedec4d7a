/* forkwait [N]: forks and waits, N times, 1000 by default.

   If fork, exit or wait lose anything, be it one pid or one page, this uses it up after many
   rounds, and a fork fails. */
#include <report.h>
#include <stdio.h>
#include <testing.h>
#include <ulib.h>

int main(int argc, char **argv)
{
    int times = number_argument(argc, argv, 1, 1000);

    for (int i = 0; i < times; i++) {
        int code, pid = fork();

        if (pid == 0)
            exit(i);
        if (pid < 0)
            panic("fork number %d failed: %e", i, pid);
        if (waitpid(pid, &code) != 0 || code != i)
            panic("child number %d ended with %d", i, code);
    }
    assert(wait() != 0);
    cprintf("forkwait: %d children.\n", times);
    return check_done();
}
