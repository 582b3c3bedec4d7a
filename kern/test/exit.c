/* Exercise 5.5: the end of processes, and waiting for it, with kernel threads only: no program is
   needed.

   A parent waits for one child or for any, with the child ended before or after; it waits in vain
   and is killed; children outlive their parents and become initproc's. After each part the kernel
   counts: a zombie that nobody takes, or a stack that nobody frees, is a loss.

   A wrong kernel gives a wrong exit code, returns for the wrong child, sleeps though its child has
   ended (the test never comes to its end then), or loses processes and memory. exit_race.c tries
   the moments at which an end and a wait meet.

   Alone: make grade TEST=exit-wait. The programs wait and waitkill try it from outside. */
#include <error.h>
#include <mm/usercopy.h>
#include <process/proc.h>
#include <report.h>
#include <sched/timer.h>
#include <test/testlib.h>

/* Enough to be taken in an order that has nothing to do with that of their ends. */
#define CHILDREN    20
#define ORPHANS     10
#define BASE        0x10000000UL
#define PAGES       64
#define NOWHERE     0x20000000UL        /* an address of the user's where nothing is */

/* Set back by each part before it makes such a child. */
static uint32_t may_end;                /* atomic: what slow() waits for */

/* A child that gives way once and ends; its exit code is the number. */
static int answer(void *number)
{
    schedule();
    return (uintptr_t)number;
}

/* A child that ends when it may. It sleeps in between, so that it does not keep the hart. */
static int slow(void *number)
{
    while (!atomic_load(&may_end))
        timer_sleep_until(rdtime() + timer_tick_length());
    return (uintptr_t)number;
}

/* PROC_UNINIT if there is no such process. The lock keeps it from being freed while it is looked
   at. */
static enum proc_state state_of(int pid)
{
    /* A process that ends gives its struct back under this lock. */
    spin_lock(&proc_lock);
    struct proc_struct *proc = find_proc(pid);
    enum proc_state state = proc == NULL ? PROC_UNINIT : proc->task.state;
    spin_unlock(&proc_lock);
    return state;
}

/* Wait for the end of a child without waiting for the child, which would take the zombie away. It
   gives up after a while; the check that follows fails then, and says so. */
static void until_zombie(int pid)
{
    /* Looked at ten times in a tick. */
    for (int i = 0; i < 1000 && state_of(pid) != PROC_ZOMBIE; i++)
        timer_sleep_until(rdtime() + timer_tick_length() / 10);
}

/* Each child's own code, in whatever order; then there is none. 7 and 20 have no common factor, so
   i * 7 % 20 is every child once, and in disorder. -E_BAD_PROC is the answer for everything that is
   no child: none at all, one that was taken already, the parent, oneself. */
static void test_codes(void)
{
    int pids[CHILDREN], code, good = 0, twice = 0;

    /* If it slept instead, it would sleep for ever: nobody could wake it. */
    check_eq("wait is refused if there never was a child", wait_child(0, &code), -E_BAD_PROC);
    for (int i = 0; i < CHILDREN; i++)
        /* Each has an exit code of its own, which is not its pid. */
        pids[i] = test_thread(answer, (void *)(uintptr_t)(100 + i));
    for (int i = 0; i < CHILDREN; i++) {
        int child = i * 7 % CHILDREN;

        /* A value that no child ends with, so that a code which is not stored is seen. */
        code = -1;
        good += wait_child(pids[child], &code) == pids[child] && code == 100 + child;
        twice += wait_child(pids[child], &code) != -E_BAD_PROC;
    }
    check_eq("each of 20 children is found by its pid, with its exit code", good, CHILDREN);
    /* The first wait gives the struct back; the pid may soon be somebody else's. */
    check_eq("no child can be waited for twice", twice, 0);
    check_eq("wait is refused when no child is left", wait_child(0, &code), -E_BAD_PROC);
    /* Only children: a process could else take away the zombies of others, and read their exit
       codes. */
    check_eq("wait is refused for one's own parent", wait_child(initproc->pid, &code),
             -E_BAD_PROC);
    check_eq("wait is refused for oneself", wait_child(current->pid, &code), -E_BAD_PROC);
}

/* Whoever waits for one child is woken by the end of each, and must look again. `early` has ended
   when the wait for `late` begins; a wait that takes any zombie returns the wrong one. */
static void test_one_of_two(void)
{
    int code = -1;

    may_end = 0;
    /* `late` ends when it may, `early` at once. */
    int late = test_thread(slow, (void *)22), early = test_thread(answer, (void *)11);
    int helper = test_thread(answer, NULL);

    /* There is such a child, so this is another error than for none. */
    check_eq("without blocking, wait says that the child has not ended", do_wait(late, 0, false),
             -E_BUSY);
    check_eq("a child that ended can be waited for", wait_child(helper, &code), helper);
    until_zombie(early);
    /* From here on both may end, and one has. */
    atomic_store(&may_end, 1);
    check_eq("wait for one child does not return another that ended", wait_child(late, &code),
             late);
    check_eq("and gives that one's exit code", code, 22);
    /* It was not taken by the wait for its sibling. */
    check_eq("the other child is still there to wait for", do_wait(early, 0, false), 0);
}

/* In a thread of its own, so that the test can look at it while it waits. */
static int wait_for_slow(void *pid_of_other)
{
    int code = -1, pid = test_thread(slow, (void *)33);

    for (int i = 0; i < 3; i++)
        test_thread(answer, NULL);      /* their ends wake this thread, too early */
    *(int *)pid_of_other = pid;
    return wait_child(pid, &code) == pid && code == 33 ? 0 : 1;
}

/* The helper thread waits for a child that has not ended, while three others do. It must be asleep
   afterwards: if it has returned, it was satisfied with the first end that came. */
static void test_look_again(void)
{
    int code = -1, other = 0;

    atomic_store(&may_end, 0);
    int pid = test_thread(wait_for_slow, &other);

    /* Time enough for the three short children to end, and for the wait to be woken by each. */
    timer_sleep_until(rdtime() + 3 * timer_tick_length());
    check_eq("who waits for one child sleeps on when others end", state_of(pid), PROC_SLEEPING);
    atomic_store(&may_end, 1);
    wait_child(pid, &code);
    check_eq("and gets that one's exit code in the end", code, 0);
}

/* Make the calling thread a user process, with memory. */
static void take_memory(void)
{
    struct mm_struct *mm = mm_create();

    assert(mm != NULL);
    assert_eq(mm_map(mm, BASE, PAGES * PGSIZE, VM_READ | VM_WRITE), 0);
    proc_become_user();
    proc_set_mm(mm);
    sched_set_addrspace(&mm->as);
    for (int i = 0; i < PAGES; i++)
        assert_eq(copy_to_user(BASE + i * PGSIZE, &i, sizeof(i)), 0);
}

/* A child whose end has more to give back than a stack. */
static int answer_with_memory(void *number)
{
    take_memory();
    return (uintptr_t)number;
}

/* A zombie is a pid and an exit code, and a stack that it cannot free itself. Its memory must be
   free before its parent waits, for a parent may wait late. Half of the pages is the limit, because
   the zombie keeps some.

       runs, sleeps, ...  --exit-->  zombie  --the parent's wait-->  nothing

       memory, program       +         -                               -
       pid, exit code        +         +                               -
       kernel stack          +         +                               - */
static void test_zombie(void)
{
    size_t before = nr_free_pages();
    int code = -1, pid = test_thread(answer_with_memory, (void *)(uintptr_t)-7);

    until_zombie(pid);
    check_eq("a child that ended is a zombie until its parent waits", state_of(pid), PROC_ZOMBIE);
    /* A parent that never waits would keep the memory of all its children. */
    check("a zombie's memory is free before its parent waits",
          nr_free_pages() + PAGES / 2 > before);
    /* Killing it again must not change the exit code that it has. */
    check_eq("a zombie cannot be killed: it has ended", do_kill(pid), -E_KILLED);
    wait_child(pid, &code);
    check_eq("a zombie keeps its exit code", code, -7);
    /* Its pid names nobody now. */
    check_eq("after wait it is no more", state_of(pid), PROC_UNINIT);
    pid = test_thread(answer, NULL);
    until_zombie(pid);
    check_eq("a kernel thread cannot be killed, also when it has ended", do_kill(pid), -E_INVAL);
    wait_child(pid, &code);
}

/* Runs with memory of its own, where do_wait() can store. Returns how many checks failed. A bad
   address must be noticed before the child is taken: if it is not, the exit code is lost. */
static int wait_with_store(void *arg)
{
    int code = 0, failed = 0;

    (void)arg;
    int pid = test_thread(answer, (void *)55), other = test_thread(answer, (void *)66);
    take_memory();                      /* only a thread without makes other threads */
    failed += !check_eq("a bad address for the exit code is refused",
                        do_wait(pid, NOWHERE, true), -E_FAULT);
    /* do_wait() is called with the address as the program has given it: a store to it as it is
       would be one to the kernel's own stack here. */
    failed += !check_eq("an address of the kernel is refused",
                        do_wait(pid, (uintptr_t)&code, true), -E_FAULT);
    /* The same child again: the two failed calls must have left it as it was. */
    failed += !check_eq("the child is not lost by that", do_wait(pid, BASE, true), 0);
    assert_eq(copy_from_user(&code, BASE, sizeof(code)), 0);
    failed += !check_eq("the exit code is stored for the program", code, 55);
    /* 0 stands for "I do not want to know", and for any child. */
    failed += !check_eq("without an address nothing is stored", do_wait(0, 0, true), 0);
    failed += !check_eq("and the child is gone", do_wait(other, 0, true), -E_BAD_PROC);
    failed += !check_eq("if there is no child nothing is stored", do_wait(other, BASE, true),
                        -E_BAD_PROC);
    return failed;
}

/* It waits for a child that does not end, and is killed: the child becomes an orphan, which
   initproc waits for when it may end. */
static int wait_in_vain(void *result)
{
    int pid = test_thread(slow, NULL);

    take_memory();
    /* It comes back, and ends on its way: so the result is left where the test can read it. */
    *(int *)result = do_wait(pid, 0, true);
    return 0;
}

/* The kill must wake the sleeper, and its wait must return an error instead of sleeping on. Then
   the count must be right again, the orphan's included. */
static void test_killed(void)
{
    int code = -1, result = 1;
    struct inventory before = inventory_take();

    atomic_store(&may_end, 0);
    int pid = test_thread(wait_in_vain, &result);
    /* Until it waits: a kill before that would try something else. */
    while (state_of(pid) != PROC_SLEEPING)
        schedule();
    check_eq("a process that waits for a child can be killed", do_kill(pid), 0);
    until_zombie(pid);
    check_eq("then its wait returns -E_KILLED", result, -E_KILLED);
    atomic_store(&may_end, 1);
    wait_child(pid, &code);
    inventory_settle(&before, "a process that was killed while it waited");
}

/* Half of its children have ended before it does, and are zombies that nobody will take any
   more. */
static int forsake(void *arg)
{
    int pids[ORPHANS];

    (void)arg;
    for (int i = 0; i < ORPHANS; i++)
        /* Every second one lives on when its parent has ended. */
        pids[i] = test_thread(i % 2 ? slow : answer, NULL);
    for (int i = 0; i < ORPHANS; i += 2)
        until_zombie(pids[i]);
    return pids[1];
}

/* The children of a process that ends are given to initproc, which waits for them as soon as they
   have ended. Both kinds are there: for those that had ended before, initproc must be told, too. */
static void test_orphans(void)
{
    struct inventory before = inventory_take();
    int orphan = -1, code;

    atomic_store(&may_end, 0);
    /* The exit code is the pid of one of the orphans, which is still there. */
    wait_child(test_thread(forsake, NULL), &orphan);
    spin_lock(&proc_lock);
    struct proc_struct *proc = find_proc(orphan);
    bool adopted = proc != NULL && proc->parent == initproc;
    spin_unlock(&proc_lock);
    /* Somebody has to wait for them: initproc does nothing else. */
    check("children whose parent has ended are initproc's", adopted);
    /* This thread is the parent of their parent. */
    check_eq("they are not their grandparent's", wait_child(orphan, &code), -E_BAD_PROC);
    for (int i = 0; i < 100 && process_count() > before.processes + ORPHANS / 2; i++)
        timer_sleep_until(rdtime() + timer_tick_length());
    check_eq("initproc has waited for those that had ended before their parent",
             process_count() - before.processes, ORPHANS / 2);
    atomic_store(&may_end, 1);
    /* Now the other half ends too, and initproc must notice. */
    inventory_settle(&before, "all orphans have ended");
}

/* From what a parent sees first to what is rare. */
static void test_exit_wait(void)
{
    int failed = -1;
    struct inventory before = inventory_take();

    test_codes();
    test_one_of_two();
    test_look_again();
    test_zombie();
    wait_child(test_thread(wait_with_store, NULL), &failed);
    check_eq("all that is right for a program that waits, as well", failed, 0);
    test_killed();
    test_orphans();
    inventory_same(&before, "all children have been waited for");
}

/* If a check fails: its sentence names the rule. If the test does not end at all, a process sleeps
   that should have been woken: interrupt it in gdb, or look at the call stacks that the deadlock
   prints. */
SELFTEST("exit-wait", test_exit_wait);
