/* waitkill: a process that sleeps in wait is killed.

   In the first round the child that it waits for kills it. In the second round its parent does, and
   the child becomes an orphan. */
#include <error.h>
#include <report.h>
#include <stdio.h>
#include <testing.h>
#include <ulib.h>

#define ROUNDS  200

/* Kill the parent. The second kill finds nobody, or a process that is dying already. */
static __never_returns void kill_parent(int parent)
{
    yield_often(ROUNDS);
    assert(kill(parent) == 0);
    cprintf("kill parent ok.\n");
    assert(kill(parent) != 0);
    exit(0);
}

static __never_returns void wait_for_child(bool child_kills)
{
    int parent = getpid(), pid = fork();

    if (pid == 0 && child_kills)
        kill_parent(parent);
    if (pid == 0) {
        yield_often(3 * ROUNDS);
        exit(0);
    }
    assert(pid > 0);
    cprintf("wait child.\n");
    waitpid(pid, NULL);
    exit(1);
}

int main(void)
{
    for (int child_kills = 1; child_kills >= 0; child_kills--) {
        int code = 0, pid = fork();

        if (pid == 0)
            wait_for_child(child_kills);
        assert(pid > 0);
        if (!child_kills) {
            yield_often(ROUNDS);
            assert(kill(pid) == 0);
        }
        assert(waitpid(pid, &code) == 0);
        check_eq(child_kills ? "a child can kill its parent that waits for it"
                             : "a process that waits for its child can be killed by its parent",
                 code, -E_KILLED);
    }
    if (all_passed())
        cprintf("waitkill pass.\n");
    return check_done();
}
