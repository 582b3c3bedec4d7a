/* forktest: many children at once.

   Each has its own pid and its own memory, and its exit code arrives. Each is waited for once, and
   then there is none any more. */
#include <report.h>
#include <stdio.h>
#include <ulib.h>

#define CHILDREN        32

static int value = -1;

int main(void)
{
    int pids[CHILDREN], code = -1, alike = 0, good = 0;

    for (int n = 0; n < CHILDREN; n++) {
        value = n;
        pids[n] = fork();
        if (pids[n] == 0) {
            cprintf("I am child %d\n", n);
            yield();
            exit(value);
        }
        assert(pids[n] > 0);
        for (int i = 0; i < n; i++)
            if (pids[i] == pids[n])
                alike++;
    }
    check_eq("no two children have the same pid", alike, 0);
    for (int n = CHILDREN - 1; n >= 0; n--)
        if (waitpid(pids[n], &code) == 0 && code == n)
            good++;
    check_eq("each child has its own memory, and its exit code arrives", good, CHILDREN);
    check("each child is waited for only once", wait() != 0);
    if (all_passed())
        cprintf("forktest pass.\n");
    return check_done();
}
