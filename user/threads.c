/* threads: processes that share memory.

   What one writes the others read, and exit codes reach the process that waits for them. exec,
   exit, a fault and a kill of one leave the memory to the others, in every order. Memory stays as
   long as any process uses it. */
#include <error.h>
#include <report.h>
#include <stdlib.h>
#include <string.h>
#include <testing.h>
#include <thread.h>
#include <ulib.h>

#define THREADS         8
#define COUNTS          1000

static volatile int counter, seen, orphan_tid;
static volatile bool stop;

static int add(void *arg)
{
    for (int i = 0; i < COUNTS; i++) {
        __atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED);
        if (i % 100 == 0)
            yield();
    }
    return (int)(uintptr_t)arg;
}

static void check_sharing(void)
{
    int tids[THREADS], code;

    counter = 0;
    for (int i = 0; i < THREADS; i++) {
        tids[i] = thread_create(add, (void *)(uintptr_t)(i - 3));
        assert(tids[i] > 0);
    }
    for (int i = 0; i < THREADS; i++)
        assert(thread_join(tids[i], &code) == 0 && code == i - 3);
    assert(counter == THREADS * COUNTS);
    assert(thread_join(tids[0], &code) != 0);
}

/* Memory that one thread maps is there for all of them, and malloc gives no block to two of
   them. */
static int use_heap(void *arg)
{
    for (int i = 0; i < 200; i++) {
        size_t size = 16 + i * 8;
        unsigned char *block = malloc(size), mark = (uintptr_t)arg;

        assert(block != NULL);
        memset(block, mark, size);
        if (i % 10 == 0)
            yield();
        for (size_t k = 0; k < size; k++)
            assert(block[k] == mark);
        free(block);
    }
    return 0;
}

static void check_heap(void)
{
    int tids[THREADS], code;

    for (int i = 0; i < THREADS; i++)
        assert((tids[i] = thread_create(use_heap, (void *)(uintptr_t)(i + 1))) > 0);
    for (int i = 0; i < THREADS; i++)
        assert(thread_join(tids[i], &code) == 0 && code == 0);
}

static int exec_false(void *arg)
{
    (void)arg;
    return exec("false");
}

static int fault(void *arg)
{
    write_to((uintptr_t)arg);
    return 0;
}

static int wait_for_stop(void *arg)
{
    (void)arg;
    while (!stop)
        yield();
    return 5;
}

static int use_stack(void *arg)
{
    volatile int local = arg == NULL;

    return local;
}

static int fork_in_thread(void *arg)
{
    int code, pid = fork();

    if (pid == 0) {
        counter = -1;                           /* this is in the child's own copy */
        exit(7);
    }
    assert(waitpid(pid, &code) == 0 && code == 7);
    assert(counter != -1);
    return arg == NULL ? 0 : 1;
}

/* However a thread ends, the others go on. */
static void check_ends(void)
{
    int code, other;

    stop = false;
    other = thread_create(wait_for_stop, NULL);
    assert(other > 0);
    assert(thread_join(thread_create(exec_false, NULL), &code) == 0 && code == 1);
    assert(thread_join(thread_create(fault, NULL), &code) == 0 && code == -E_KILLED);
    assert(thread_join(thread_create(fork_in_thread, NULL), &code) == 0 && code == 0);
    int spinner = thread_create(wait_for_stop, NULL);

    assert(kill(spinner) == 0);
    assert(thread_join(spinner, &code) == 0 && code == -E_KILLED);
    stop = true;
    assert(thread_join(other, &code) == 0 && code == 5);

    /* A process with a stack that is not there dies of it, and nobody else does. */
    int pid = __clone(CLONE_VM, 0x20000000, use_stack, NULL);

    assert(pid > 0);
    assert(waitpid(pid, &code) == 0 && code == -E_KILLED);
}

static int outlive(void *arg)
{
    (void)arg;
    yield_often(50);
    for (int i = 0; i < 10; i++)
        seen++;
    return 0;
}

static int leave_orphan(void *arg)
{
    (void)arg;
    orphan_tid = thread_create(outlive, NULL);
    return orphan_tid > 0 ? 0 : 1;
}

/* Exit while another thread still uses the memory. */
static void exit_first(uintptr_t arg)
{
    (void)arg;
    assert(thread_create(outlive, NULL) > 0);
}

/* Processes exit before the threads that they have made. The memory stays as long as it is used. */
static void check_orphans(void)
{
    int code;

    seen = 0;
    assert(thread_join(thread_create(leave_orphan, NULL), &code) == 0 && code == 0);
    while (seen < 10)
        yield();
    assert(waitpid(orphan_tid, NULL) != 0);     /* it was not this one's child */
    for (int i = 0; i < 5; i++)
        assert(child_code(exit_first, 0) == 0);
}

int main(void)
{
    check_sharing();
    check_heap();
    check_ends();
    check_orphans();
    return check_done();
}
