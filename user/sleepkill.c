/* A process that would sleep for 497 days can be killed at once; its timer does no harm later. */
#include <error.h>
#include <report.h>
#include <stdio.h>
#include <ulib.h>

int main(void)
{
    int code, pid = fork();

    if (pid == 0) {
        sleep(~0U);
        exit(1);
    }
    assert(pid > 0);
    sleep(10);
    assert(kill(pid) == 0);
    assert(waitpid(pid, &code) == 0 && code == -E_KILLED);

    pid = fork();
    if (pid == 0) {
        sleep(10);
        exit(1);
    }
    assert(pid > 0);
    sleep(2);
    assert(kill(pid) == 0);
    assert(waitpid(pid, &code) == 0 && code == -E_KILLED);
    sleep(20);
    cprintf("sleepkill pass.\n");
    return check_done();
}
