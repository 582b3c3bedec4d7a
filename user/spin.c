/* A child that never gives the processor away: the parent runs all the same, and can kill it. */
#include <error.h>
#include <stdio.h>
#include <testing.h>
#include <ulib.h>

static volatile bool stop;

int main(void)
{
    int code = 0;

    cprintf("I am the parent. Forking the child...\n");
    int pid = fork();

    if (pid == 0) {
        cprintf("I am the child. spinning ...\n");
        while (!stop)
            ;
        exit(1);
    }
    assert(pid > 0);
    cprintf("I am the parent. Running the child...\n");
    yield_often(3);
    cprintf("I am the parent.  Killing the child...\n");
    assert(kill(pid) == 0);
    cprintf("kill returns 0\n");
    assert(waitpid(pid, &code) == 0 && code == -E_KILLED);
    cprintf("wait returns 0\n");
    assert(kill(pid) != 0);
    cprintf("spin pass.\n");
    return 0;
}
