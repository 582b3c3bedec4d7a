/* nopost: what detection of deadlocks does not do, as user/libs/sync.h says. A process waits for an
   event; the one that could have told it ends, and says nothing.

     nopost         then nobody goes on: the wait stays, and the kernel tells that all sleep
     nopost later   the parent goes on for a while: nothing is told. A call of the parent, which now
                    could not come to its end, is refused at once; a post ends the wait

   The wait itself is right when it begins, so the call is not refused. */
#include <error.h>
#include <report.h>
#include <string.h>
#include <sync.h>
#include <testing.h>
#include <ulib.h>

#define A_WHILE     30                  /* ticks */

static int event;

/* It goes on for as long as the other one needs to fall asleep, and ends. */
static int start_silent(void)
{
    int pid = fork();

    if (pid == 0) {
        sleep(2);
        exit(0);
    }
    return pid;
}

static int start_waiter(void)
{
    int pid = fork();

    if (pid == 0)
        exit(sem_wait(event) == 0 ? 0 : 1);
    wait_until_asleep(pid, "semaphore 1");
    return pid;
}

int main(int argc, char **argv)
{
    int code, silent, waiter;

    if (enable_deadlock_detect(1) != 0 || (event = sem_init(0)) != 1)
        panic("there is no semaphore 1 with detection");
    silent = start_silent();
    waiter = start_waiter();
    check("the one who could have posted ends", waitpid(silent, &code) == 0 && code == 0);
    if (argc > 1 && strcmp(argv[1], "later") == 0) {
        sleep(A_WHILE);
        check_eq("the wait is not ended by that", trywait(waiter, &code), -E_BUSY);
        check_eq("a call that could not come to its end is refused", sem_wait(event), -E_DEADLOCK);
        check_eq("a post ends the wait", sem_post(event), 0);
    }
    check("the waiter comes to its end", waitpid(waiter, &code) == 0 && code == 0);
    return check_done();
}
