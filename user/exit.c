/* exit: exit codes.

   The parent gets each code as the child gave it, whatever int it is, and only once: after that the
   child is gone, and a second wait is refused. */
#include <report.h>
#include <stdio.h>
#include <testing.h>
#include <ulib.h>

#define MAGIC   (-0x10384)

static void exit_with(uintptr_t code)
{
    exit(code);
}

int main(void)
{
    static const int codes[] = { 0, 1, -1, 255, 256, INT32_MAX, INT32_MIN };
    int code = 0, got = 0, given = 0;

    cprintf("I am the parent. Forking the child...\n");
    int pid = fork();

    if (pid == 0) {
        cprintf("I am the child.\n");
        yield_often(7);
        exit(MAGIC);
    }
    assert(pid > 0);
    cprintf("I am the parent, waiting now.\n");
    assert(waitpid(pid, &code) == 0);
    check_eq("the parent gets its child's exit code", code, MAGIC);
    check("it gets it only once", waitpid(pid, &code) != 0 && wait() != 0);
    cprintf("waitpid %d ok.\n", pid);

    for (size_t i = 0; i < ARRAY_SIZE(codes) && got == given; i++) {
        given = codes[i];
        got = child_code(exit_with, given);
    }
    check_eq("each number can be an exit code", got, given);
    if (all_passed())
        cprintf("exit pass.\n");
    return check_done();
}
