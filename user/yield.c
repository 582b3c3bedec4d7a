/* Two processes that yield to each other, and go on where they were. */
#include <stdio.h>
#include <ulib.h>

static void greet(void)
{
    int pid = getpid();

    cprintf("Hello, I am process %d.\n", pid);
    for (int i = 0; i < 5; i++) {
        yield();
        assert(getpid() == pid);
        cprintf("Back in process %d, iteration %d.\n", pid, i);
    }
    cprintf("All done in process %d.\n", pid);
}

int main(void)
{
    int code, pid = fork();

    assert(pid >= 0);
    greet();
    if (pid == 0)
        return 0;
    assert(waitpid(pid, &code) == 0 && code == 0);
    cprintf("yield pass.\n");
    return 0;
}
