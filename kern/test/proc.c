/* Kernel threads as a family: exit codes, orphans, and pids. It is about kern/process itself and
   belongs to no exercise; exit.c has the tests of exercise 5.5.

   A pid that two processes have at the same time, or one that still names a group, would let a kill
   hit the wrong process. Pids come again after MAX_PID processes, far too many to wait for: so the
   test sets the kernel's counter of pids by hand, and puts it back.

   All checks are assertions; at the end the kernel counts processes and memory. With several harts
   threads end while others look for them. Alone: make grade GRADE=--all TEST=proc. */
#include <error.h>
#include <process/group.h>
#include <sched/timer.h>
#include <test/testlib.h>
#include <unistd.h>

#define CHILDREN    50
#define ORPHANS     20
#define ROUNDS      20

/* A child that gives way once and ends with the number as its exit code. */
static int answer(void *number)
{
    schedule();
    return (uintptr_t)number;
}

/* Each child's own code, in whatever order; then there is none. No two children have the same
   pid. */
static void test_wait(void)
{
    int pids[CHILDREN], code;

    for (int i = 0; i < CHILDREN; i++)
        pids[i] = test_thread(answer, (void *)(uintptr_t)(100 + i));
    for (int i = 0; i < CHILDREN; i++) {
        /* Each child once, in disorder: 7 and 50 have no common factor. */
        int child = i * 7 % CHILDREN;

        for (int j = 0; j < i; j++)
            /* All of them exist at this moment, some as zombies: each has a number of its own. */
            assert(pids[j] != pids[i]);
        assert(wait_child(pids[child], &code) >= 0);
        assert_eq(code, 100 + child);
        assert_eq(wait_child(pids[child], &code), -E_BAD_PROC);
    }
    /* No child is left. */
    assert_eq(wait_child(0, &code), -E_BAD_PROC);
    assert_eq(wait_child(initproc->pid, &code), -E_BAD_PROC);
}

/* A parent that ends without waiting. */
static int forsake(void *arg)
{
    (void)arg;
    for (int i = 0; i < ORPHANS; i++)
        test_thread(answer, (void *)(uintptr_t)i);
    return 0;
}

/* Orphans that end are reaped now, by initproc, and not when the first program ends. With several
   harts they end just while they become orphans. */
static void test_orphans(void)
{
    struct inventory before = inventory_take();

    for (int round = 0; round < ROUNDS; round++)
        /* Three parents of twenty orphans each. */
        test_threads(3, forsake);
    inventory_settle(&before, "orphans ended");
}

/* Atomic: what stay() waits for. */
static bool leave;

/* A thread that lives until it may end. It sleeps, so that the harts are free for the test. */
static int stay(__not_used void *arg)
{
    while (!atomic_load(&leave))
        timer_sleep_until(rdtime() + timer_tick_length());
    return 0;
}

/* The leader of a group, with one member that stays when it goes. */
static int lead_and_leave(__not_used void *arg)
{
    /* From here on its pid is also the number of a group. */
    assert_eq(do_job(JOB_BACKGROUND), 0);
    test_thread(stay, NULL);
    return 0;
}

/* A thread that gets the number after this one, or a later one, has come and gone. Returns its
   pid. */
static int thread_after(int pid)
{
    int code;

    last_pid = pid;
    pid = test_thread(answer, NULL);
    assert_eq(wait_child(pid, &code), pid);
    return pid;
}

/* The number of a group is not given to a process while the group has members, though its leader
   has gone: the process would be one of them as soon as it led a group itself. Behind the largest
   number the search begins at the lowest one that is free; and when the group has no member any
   more its number may come again.

       1      G                                          MAX_PID
       |------+--------------------------------------------|
              the number of the group, whose leader has gone

   The search for a free pid begins behind the one that was given last. It must step over G, and at
   the end of the line it goes on at the beginning. */
static void test_pids_come_again(void)
{
    struct inventory before = inventory_take();
    int saved = last_pid, code, group = test_thread(lead_and_leave, NULL);
    bool saved_wrapped = pids_wrapped;

    assert_eq(wait_child(group, &code), group);
    pids_wrapped = true;
    /* The number itself is taken by the group, though no process has it. */
    assert(thread_after(group - 1) > group);
    assert_eq(thread_after(MAX_PID - 2), MAX_PID - 1);
    /* Behind the largest pid the search begins again at the lowest. */
    int pid = thread_after(MAX_PID - 1);
    assert(pid > current->pid && pid < group + 2);      /* 1 and this one are taken */
    atomic_store(&leave, true);
    inventory_settle(&before, "the group's end");
    /* The group has no member any more, so its number is free. */
    assert_eq(thread_after(group - 1), group);
    /* As if only the last few had been made; later tests need not know of this. */
    last_pid = saved + 2;
    pids_wrapped = saved_wrapped;
}

/* The lowest pid that is not below `pid`, as far as the walk over all processes has come; 0:
   none. */
struct next {
    int pid, found;
};

/* Called for each process: the slow way, which cannot be wrong. */
static void note_next(struct proc_struct *proc, void *arg)
{
    struct next *next = arg;

    if (proc->pid >= next->pid && (next->found == 0 || proc->pid < next->found))
        next->found = proc->pid;
}

/* Going from pid to pid finds all, wherever it begins. The pids are chosen so that they lie next to
   each other, in different parts of the table, and at its end. */
static void test_next_pid(void)
{
    static const int far[] = { 5000, 5001, 5002 + 1024, 70000, MAX_PID - 1 };
    int saved = last_pid, code, pids[ARRAY_SIZE(far)];

    atomic_store(&leave, false);
    for (size_t i = 0; i < ARRAY_SIZE(far); i++) {
        last_pid = far[i] - 1;
        pids[i] = test_thread(stay, NULL);
        assert_eq(pids[i], far[i]);
    }
    /* Each number where processes are, and a sample of the others. */
    for (int pid = -1; pid <= MAX_PID; pid += pid < 7000 ? 1 : 997) {
        struct next next = { .pid = pid };

        for_each_proc(note_next, &next);
        /* The fast way, and the slow one. */
        assert_eq(find_next_pid(pid), next.found);
    }
    assert_eq(find_next_pid(INT32_MIN), initproc->pid);
    assert_eq(find_next_pid(INT32_MAX), 0);
    atomic_store(&leave, true);
    for (size_t i = 0; i < ARRAY_SIZE(far); i++)
        assert_eq(wait_child(pids[i], &code), pids[i]);
    last_pid = saved;
}

/* The last lines: what may not be killed, among it pids that cannot be. */
static void test_proc(void)
{
    struct inventory before = inventory_take();

    test_wait();
    test_orphans();
    test_pids_come_again();
    test_next_pid();
    assert_eq(do_kill(current->pid), -E_INVAL);         /* a kernel thread */
    assert_eq(do_kill(initproc->pid), -E_INVAL);
    assert_eq(do_kill(0), -E_INVAL);
    assert_eq(do_kill(-1), -E_INVAL);
    assert_eq(do_kill(MAX_PID), -E_INVAL);
    assert_eq(do_kill(MAX_PID - 1), -E_INVAL);
    inventory_same(&before, "all of the processes' tests");
}

/* The assertions have the numbers in their message: which pid was expected, which was found. */
SELFTEST("proc", test_proc);
