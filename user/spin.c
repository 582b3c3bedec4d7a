/* spin: a child that never gives the hart away.

   The timer takes the hart from it, so the parent runs all the same, and can kill it. */
#include <error.h>
#include <report.h>
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
    check("the parent runs beside a child that spins", true);
    assert(kill(pid) == 0);
    cprintf("kill returns 0\n");
    assert(waitpid(pid, &code) == 0);
    cprintf("wait returns 0\n");
    check_eq("the child's exit code tells that it was killed", code, -E_KILLED);
    check("a process that has ended cannot be killed", kill(pid) != 0);
    if (all_passed())
        cprintf("spin pass.\n");
    return check_done();
}
