/* badarg: wait with wrong arguments.

   A wait for a pid that is no child, or with a bad address for the code, must return an error. The
   child must still be there for a wait with the right arguments, and that only once. -1 is no wrong
   argument: as 0 it is any child. (In ucore's kernels it is none, and the program of this name
   there expects an error for it.) */
#include <error.h>
#include <report.h>
#include <stdio.h>
#include <syscall.h>
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
    assert(trywait(-1, NULL) == -E_BUSY);
    assert(waitpid(-2, NULL) == -E_BAD_PROC);
    assert(waitpid(INT32_MIN, NULL) == -E_BAD_PROC);
    assert(syscall2(SYS_wait, UINT32_MAX, 0) == -E_BAD_PROC);
    assert(waitpid(getpid(), &code) != 0);
    assert(waitpid(pid, (int *)0xC0000000) != 0);
    assert(waitpid(pid, (int *)KERNEL_TEXT) == -E_FAULT);
    assert(waitpid(-1, (int *)KERNEL_TEXT) == -E_FAULT);
    assert(waitpid(-1, &code) == 0 && code == CODE);
    assert(waitpid(pid, &code) != 0);
    assert(waitpid(-1, &code) == -E_BAD_PROC);
    cprintf("badarg pass.\n");
    return check_done();
}
