/* vfork: the parent sleeps until the child calls exec or ends, and they share memory until then. */
#include <report.h>
#include <syscall.h>
#include <ulib.h>

#define ROUNDS  50

static volatile int shared, order;

/* The child runs on the parent's stack: it may not return from here. */
static int __noinline spawn(const char *name, int code)
{
    int pid = syscall0(SYS_vfork);

    if (pid != 0)
        return pid;
    shared++;
    order = 1;
    yield();                    /* the parent must not run, though it is its turn */
    order = 2;
    if (name != NULL)
        syscall3(SYS_exec, (uintptr_t)name, 0, 0);
    exit(code);
}

int main(void)
{
    int code;

    for (int i = 0; i < ROUNDS; i++) {
        int pid = spawn(i % 2 ? "true" : NULL, 7);

        assert(pid > 0);
        assert(order == 2);
        assert(shared == i + 1);
        assert(waitpid(pid, &code) == 0);
        assert(code == (i % 2 ? 0 : 7));
    }
    return check_done();
}
