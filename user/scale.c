/* scale: how well several harts share work. `make bench` runs it on one hart and on two.

     scale cpu N     N processes that only compute
     scale fork N    N processes that fork a child and wait for it, again and again

   The work is the same on any number of harts; the time that it took is printed. */
#include <stdio.h>
#include <testing.h>
#include <ulib.h>

#define STEPS       60000000    /* each computing process does so many */
#define FORKS       1500        /* each forking process does so many */
#define US_TICKS    10          /* ticks of rdtime: the timebase of QEMU's machine is 10 MHz */

static uint64_t microseconds(void)
{
    uint64_t ticks;

    asm volatile ("rdtime %0" : "=r" (ticks));
    return ticks / US_TICKS;
}

static void compute(void)
{
    uint64_t x = 1;

    for (int i = 0; i < STEPS; i++) {
        x = x * 6364136223846793005UL + 1442695040888963407UL;
        asm volatile ("" : "+r" (x));
    }
}

static void fork_and_wait(void)
{
    for (int i = 0; i < FORKS; i++) {
        int pid = fork();

        if (pid == 0)
            exit(0);
        assert(pid > 0 && waitpid(pid, NULL) == 0);
    }
}

int main(int argc, char **argv)
{
    int count = number_argument(argc, argv, 2, 0);
    bool forks = argc > 1 && strcmp(argv[1], "fork") == 0;

    if (count < 1 || (!forks && strcmp(argv[1], "cpu") != 0)) {
        cprintf("usage: scale cpu|fork N\n");
        return 1;
    }
    uint64_t start = microseconds();
    for (int i = 0; i < count; i++) {
        int pid = fork();

        if (pid == 0) {
            forks ? fork_and_wait() : compute();
            exit(0);
        }
        assert(pid > 0);
    }
    for (int i = 0; i < count; i++)
        assert(wait() == 0);
    cprintf("scale: %s %d %lu us\n", argv[1], count, microseconds() - start);
    return 0;
}
