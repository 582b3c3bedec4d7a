/* Exit codes: the parent gets each code as the child gave it, and only once. */
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
    int code = 0;

    cprintf("I am the parent. Forking the child...\n");
    int pid = fork();

    if (pid == 0) {
        cprintf("I am the child.\n");
        yield_often(7);
        exit(MAGIC);
    }
    assert(pid > 0);
    cprintf("I am the parent, waiting now.\n");
    assert(waitpid(pid, &code) == 0 && code == MAGIC);
    assert(waitpid(pid, &code) != 0 && wait() != 0);
    cprintf("waitpid %d ok.\n", pid);

    for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
        assert(child_code(exit_with, codes[i]) == codes[i]);
    cprintf("exit pass.\n");
    return 0;
}
