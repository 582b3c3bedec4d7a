/* yield: two processes that yield to each other.

   Each goes on where it was, with its own variables and registers. */
#include <report.h>
#include <stdio.h>
#include <ulib.h>

static bool greet(void)
{
    int pid = getpid(), back = 0;

    cprintf("Hello, I am process %d.\n", pid);
    for (int i = 0; i < 5; i++) {
        yield();
        if (getpid() == pid)
            back++;
        cprintf("Back in process %d, iteration %d.\n", pid, i);
    }
    cprintf("All done in process %d.\n", pid);
    return check_eq("each of 5 yields returns to the process that called it", back, 5);
}

int main(void)
{
    int code = -1, pid = fork();

    assert(pid >= 0);
    bool good = greet();

    if (pid == 0)
        return good ? 0 : 1;
    check("both processes come to their end", waitpid(pid, &code) == 0 && code == 0);
    if (all_passed())
        cprintf("yield pass.\n");
    return check_done();
}
