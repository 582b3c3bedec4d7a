/* sleepkill: a process that wants to sleep for 497 days can be killed at once.

   Its timer must be gone with it. The same with a short sleep: when the time comes at which it
   would have been woken, nothing may happen. */
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
