/* wait and waitpid: for any child or one, with bad arguments, with none, and for orphans. */
#include <error.h>
#include <stdio.h>
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
        assert(waitpid(0, &code) == 0);
        assert(code >= CODE && code < CODE + CHILDREN && (seen & 1 << (code - CODE)) == 0);
        seen |= 1 << (code - CODE);
    }
    assert(waitpid(0, &code) < 0 && wait() < 0);
}

static void check_one(void)
{
    int pids[CHILDREN], code;

    for (int n = 0; n < CHILDREN; n++)
        pids[n] = start(n);
    for (int n = CHILDREN - 1; n >= 0; n--) {
        assert(waitpid(pids[n], &code) == 0 && code == CODE + n);
        assert(waitpid(pids[n], &code) < 0);
    }
}

/* With a store that is bad the child is not lost; NULL is not bad, but says "no need". */
static void check_store(void)
{
    static const uintptr_t bad[] = {
        1, 0x20000000, (uintptr_t)check_store, 0x3FFFFFFFFE, 0x4000000000, KERNEL_TEXT,
        UINTPTR_MAX,
    };
    int code, pid = start(1);

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert(waitpid(pid, (int *)bad[i]) == -E_FAULT);
    assert(waitpid(0, (int *)bad[1]) == -E_FAULT);
    assert(waitpid(pid, &code) == 0 && code == CODE + 1);
    pid = start(2);
    assert(waitpid(pid, NULL) == 0);
    assert(waitpid(pid, NULL) < 0);
}

/* Exits with the pid of a child that it leaves behind. */
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
    assert(waitpid(orphan, &code) < 0);         /* a grandchild is init's, not ours */
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
    assert(wait() < 0);
    check_any();
    check_one();
    check_store();
    check_strangers();
    yield_often(300);                           /* the orphans end */
    cprintf("wait pass.\n");
    return 0;
}
