/* forkbomb [N]: forks until the kernel has no more, or N times (20,000 by default).

   When all those processes have ended the machine must be as before. So it is done twice, and the
   second time must get nearly as far. If memory is short the kernel may kill the bomb itself. After
   that a chain of processes, each of which forks the next one, does the same. */
#include <error.h>
#include <report.h>
#include <stdio.h>
#include <testing.h>
#include <ulib.h>

#define ROUNDS          2
#define ALIVE_TICKS     300             /* each process stays so long */

static int limit;

/* Make as many processes as possible, and exit with their number. */
static void bomb(uintptr_t unused)
{
    int count = 0, reaped = 0, pid = 1;

    (void)unused;
    for (; count < limit; count++) {
        pid = fork();
        if (pid == 0) {
            sleep(ALIVE_TICKS);
            exit(0);
        }
        if (pid < 0)
            break;
    }
    if (pid < 0 && pid != -E_NO_MEM && pid != -E_NO_FREE_PROC)
        panic("fork failed with %e", pid);
    while (wait() == 0)
        reaped++;
    assert(reaped == count);
    exit(count);
}

/* A chain: each process forks the next one until that fails. Then all end, the last one first. */
static void chain(uintptr_t unused)
{
    int depth = 0, pid;

    (void)unused;
    do {
        pid = fork();
    } while (pid == 0 && ++depth < limit);
    if (pid > 0)
        waitpid(pid, NULL);
}

static void do_little(uintptr_t times)
{
    yield_often(times);
}

/* The processes of a bomb that was killed are still there. Wait until they have ended. */
static void calm_down(void)
{
    sleep(ALIVE_TICKS + 100);
}

int main(int argc, char **argv)
{
    int counts[ROUNDS];

    limit = number_argument(argc, argv, 1, 20000);
    for (int round = 0; round < ROUNDS; round++) {
        counts[round] = child_code(bomb, 0);
        if (counts[round] < 0 && counts[round] != -E_KILLED)
            panic("the bomb ended with %e", counts[round]);
        cprintf("forkbomb: %d processes.\n", counts[round]);
        if (counts[round] < 0)
            calm_down();
    }
    if (counts[0] > 0 && counts[1] > 0 && counts[1] < counts[0] - counts[0] / 10)
        panic("the second bomb got only %d processes: something was used up", counts[1]);
    int code = child_code(chain, 0);

    assert(code == 0 || code == -E_KILLED);
    if (code != 0)
        calm_down();
    for (int i = 0; i < 20; i++)
        assert(child_code(do_little, 3) == 0);
    return check_done();
}
