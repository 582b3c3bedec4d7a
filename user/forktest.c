/* Many children at once: each has its own pid and its own memory, and each is reaped. */
#include <stdio.h>
#include <ulib.h>

#define CHILDREN        32

static int value = -1;

int main(void)
{
    int pids[CHILDREN], code;

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
            assert(pids[i] != pids[n]);
    }
    for (int n = CHILDREN - 1; n >= 0; n--)
        assert(waitpid(pids[n], &code) == 0 && code == n);
    if (wait() == 0)
        panic("wait got too many");
    cprintf("forktest pass.\n");
    return 0;
}
