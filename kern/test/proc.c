/* Kernel threads as a family: exit codes, orphans, pids. */
#include <error.h>
#include <process/proc.h>
#include <test/testlib.h>

#define CHILDREN    50
#define ORPHANS     20

static int answer(void *number)
{
    schedule();
    return (uintptr_t)number;
}

/* Each child's own code, in whatever order; then there is none. */
static void test_wait(void)
{
    int pids[CHILDREN], code;

    for (int i = 0; i < CHILDREN; i++)
        pids[i] = test_thread(answer, (void *)(uintptr_t)(100 + i));
    for (int i = 0; i < CHILDREN; i++) {
        int child = i * 7 % CHILDREN;

        for (int j = 0; j < i; j++)
            assert(pids[j] != pids[i]);
        assert(wait_child(pids[child], &code) >= 0);
        assert_eq(code, 100 + child);
        assert_eq(wait_child(pids[child], &code), -E_BAD_PROC);
    }
    assert_eq(wait_child(0, &code), -E_BAD_PROC);
    assert_eq(wait_child(initproc->pid, &code), -E_BAD_PROC);
}

static int forsake(void *arg)
{
    (void)arg;
    for (int i = 0; i < ORPHANS; i++)
        test_thread(answer, (void *)(uintptr_t)i);
    return 0;
}

/* Orphans that end are reaped now, by initproc, and not when the first program ends. */
static void test_orphans(void)
{
    struct stock before = stock_take();

    test_threads(3, forsake);
    stock_settle(&before, "orphans ended");
}

static void test_proc(void)
{
    struct stock before = stock_take();

    test_wait();
    test_orphans();
    assert_eq(do_kill(current->pid), -E_INVAL);         /* a kernel thread */
    assert_eq(do_kill(initproc->pid), -E_INVAL);
    assert_eq(do_kill(0), -E_INVAL);
    assert_eq(do_kill(-1), -E_INVAL);
    assert_eq(do_kill(MAX_PID), -E_INVAL);
    assert_eq(do_kill(MAX_PID - 1), -E_INVAL);
    stock_check(&before, "all of the processes' tests");
}

SELFTEST("proc", test_proc);
