/* badarg: wait with wrong arguments.

   A wait for a pid that is no child, or with a bad address for the code, must return an error. The
   child must still be there for a wait with the right arguments, and that only once. */
#include <error.h>
#include <report.h>
#include <stdio.h>
#include <testing.h>
#include <ulib.h>

#define CODE    0xbeaf

int main(void)
{
    int code = 0, pid = fork();

    if (pid == 0) {
        cprintf("fork ok.\n");
        yield_often(10);
        exit(CODE);
    }
    assert(pid > 0);
    assert(waitpid(-1, NULL) != 0);
    assert(waitpid(getpid(), &code) != 0);
    assert(waitpid(pid, (int *)0xC0000000) != 0);
    assert(waitpid(pid, (int *)KERNEL_TEXT) == -E_FAULT);
    assert(waitpid(pid, &code) == 0 && code == CODE);
    assert(waitpid(pid, &code) != 0);
    cprintf("badarg pass.\n");
    return check_done();
}
