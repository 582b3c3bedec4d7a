/* wait: wait and waitpid, for any child and for one.

   Each child is found once and with its own exit code. Bad arguments are refused, and the child is
   still there after a store that fails. Without a child they return at once. An orphan is init's
   child, so its grandparent cannot wait for it. */
#include <error.h>
#include <report.h>
#include <testing.h>
#include <ulib.h>

#define CHILDREN        10
#define CODE            100             /* child n exits with CODE + n */

static int start(int n)
{
    int pid = fork();

    if (pid == 0) {
        yield_often(n % 3 * 5);
        exit(CODE + n);
    }
    assert(pid > 0);
    return pid;
}

static void check_any(void)
{
    int code, seen = 0;

    for (int n = 0; n < CHILDREN; n++)
        start(n);
    for (int n = 0; n < CHILDREN; n++) {
        assert(waitpid(n % 2 == 0 ? 0 : -1, &code) == 0);   /* both are any */
        assert(code >= CODE && code < CODE + CHILDREN && (seen & 1 << (code - CODE)) == 0);
        seen |= 1 << (code - CODE);
    }
    check_eq("wait for any child finds each of them once", seen, (1 << CHILDREN) - 1);
    check("wait is refused when no child is left", waitpid(0, &code) < 0 && wait() < 0);
}

static void check_one(void)
{
    int pids[CHILDREN], code, good = 0, twice = 0;

    for (int n = 0; n < CHILDREN; n++)
        pids[n] = start(n);
    for (int n = CHILDREN - 1; n >= 0; n--) {
        if (waitpid(pids[n], &code) == 0 && code == CODE + n)
            good++;
        if (waitpid(pids[n], &code) >= 0)
            twice++;
    }
    check_eq("waitpid gets the exit code of the child that it names", good, CHILDREN);
    check_eq("waitpid is refused when that child was waited for", twice, 0);
}

/* If the code cannot be stored the child is not lost. NULL is not bad: it says that the code is not
   wanted. */
static void check_store(void)
{
    static const uintptr_t bad[] = {
        1, 0x20000000, (uintptr_t)check_store, 0x3FFFFFFFFE, 0x4000000000, KERNEL_TEXT,
        UINTPTR_MAX,
    };
    size_t refused = 0;
    int code, pid = start(1);

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        if (waitpid(pid, (int *)bad[i]) == -E_FAULT)
            refused++;
    check_eq("waitpid refuses each bad address for the code", refused, ARRAY_SIZE(bad));
    assert(waitpid(0, (int *)bad[1]) == -E_FAULT);
    check("the child is still there afterwards", waitpid(pid, &code) == 0 && code == CODE + 1);
    pid = start(2);
    assert(waitpid(pid, NULL) == 0);
    assert(waitpid(pid, NULL) < 0);
}

/* Leave a child behind, and exit with its pid. */
static void leave_child(uintptr_t unused)
{
    (void)unused;
    int pid = fork();

    if (pid == 0) {
        yield_often(100);
        exit(0);
    }
    exit(pid);
}

static void check_strangers(void)
{
    int code, orphan = child_code(leave_child, 0);

    assert(orphan > 0);
    check("a grandchild is init's, not its grandparent's", waitpid(orphan, &code) < 0);
    assert(waitpid(getpid(), &code) < 0);
    assert(waitpid(1, &code) < 0);
    assert(waitpid(-1, &code) < 0);
    assert(waitpid(INT32_MAX, &code) < 0);
    assert(waitpid(INT32_MIN, &code) < 0);
    for (int i = 0; i < 20; i++)
        assert(child_code(leave_child, 0) > 0);
}

int main(void)
{
    check("wait is refused if there never was a child", wait() < 0);
    check_any();
    check_one();
    check_store();
    check_strangers();
    yield_often(300);                           /* the orphans end */
    return check_done();
}
