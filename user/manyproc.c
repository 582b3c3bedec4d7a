/* manyproc [N]: N processes alive at once, 200 by default.

   First they are a chain, in which each waits for the next one; then a crowd of brothers that
   sleep. The exit codes tell that each of them ran. */
#include <report.h>
#include <stdio.h>
#include <testing.h>
#include <ulib.h>

#define SLEEP_TICKS     50

static int wanted;

static __never_returns void fork_failed(int number, int error)
{
    panic("fork of process %d of %d failed: %e; the machine may need more memory", number,
          wanted, error);
}

/* Process number n makes the next one. Each exit code is the number of processes from there on. */
static int chain(int n)
{
    int code;

    if (n == wanted)
        return 1;
    int pid = fork();

    if (pid == 0)
        exit(chain(n + 1));
    if (pid < 0)
        fork_failed(n + 1, pid);
    assert(waitpid(pid, &code) == 0);
    return code + 1;
}

/* All of them are alive when the last one is made, for they sleep until then. */
static void crowd(void)
{
    long sum = 0;

    for (int n = 1; n <= wanted; n++) {
        int pid = fork();

        if (pid == 0) {
            sleep(SLEEP_TICKS + wanted / 100);
            exit(0);
        }
        if (pid < 0)
            fork_failed(n, pid);
    }
    while (wait() == 0)
        sum++;
    assert(sum == wanted);
}

int main(int argc, char **argv)
{
    wanted = number_argument(argc, argv, 1, 200);
    int count = chain(1);

    if (count != wanted)
        panic("the chain has %d processes, not %d", count, wanted);
    crowd();
    cprintf("manyproc: %d processes.\n", wanted);
    return check_done();
}
