/* vfork: the test of challenge 5.C.

   The parent sleeps until the child calls exec or ends, and they share memory until then. A kill
   ends the parent's sleep, another child's end does not, and if there is no memory vfork says so.
   With an argument it is the program that such a child becomes. */
#include <error.h>
#include <report.h>
#include <string.h>
#include <syscall.h>
#include <thread.h>
#include <ulib.h>

#define ROUNDS      20
#define CODE        7                   /* exit code of a child that ends without exec */
#define OWN_CODE    9                   /* exit code of a child that became another program */
#define LONG_TICKS  3
#define THREADS     2048                /* more than the machine has memory for */
#define STACK_BYTES 256                 /* all that sleeper() needs */

static const char *const itself[] = { "vfork", "child", NULL };
static volatile int shared, same_stack, order;
static char stacks[THREADS][STACK_BYTES];

/* The child runs on the parent's stack, so it must not return from this function. */
static int __never_inlined spawn(bool with_exec)
{
    volatile int on_stack = 0;
    int pid = syscall0(SYS_vfork);

    if (pid != 0) {
        same_stack += on_stack;
        return pid;
    }
    on_stack = 1;
    shared++;
    order = 1;
    for (int i = 0; i < 10; i++)
        yield();                        /* it would be the parent's turn, but it must not run */
    order = 2;
    if (with_exec)
        syscall3(SYS_exec, (uintptr_t)itself[0], 2, (uintptr_t)itself);
    exit(CODE);
}

/* The end of another child must not end the parent's sleep. */
static void check_other_child(void)
{
    int code, other = fork();

    if (other == 0) {
        yield();
        exit(0);
    }
    order = 0;
    int pid = spawn(false);

    check_eq("the end of another child does not wake the parent", order, 2);
    assert(pid > 0 && waitpid(other, &code) == 0 && waitpid(pid, &code) == 0);
}

/* A parent that is killed ends at once. Its child goes on, and ends by itself. */
static void check_killed(void)
{
    struct meminfo before, after;
    int code = 0;

    meminfo(&before);
    int pid = fork();
    if (pid == 0) {
        int parent = getpid();

        if (syscall0(SYS_vfork) == 0) {
            kill(parent);
            sleep(LONG_TICKS);
            exit(0);
        }
        exit(1);
    }
    check("a parent that is killed meanwhile ends", waitpid(pid, &code) == 0
          && code == -E_KILLED);
    meminfo(&after);
    check_eq("it ends at once, before its child", after.processes, before.processes + 1);
}

static void check_memory(void)
{
    struct meminfo before, after;
    int code;

    meminfo(&before);
    int pid = spawn(true);
    check_eq("the parent goes on as soon as its child calls exec", trywait(pid, &code), -E_BUSY);
    assert(waitpid(pid, &code) == 0);
    check_eq("the new program's exit code arrives", code, OWN_CODE);
    meminfo(&after);
    check_eq("nothing is left of the child", after.processes, before.processes);
    pid = spawn(true);
    check_eq("a child that has called exec can be killed", kill(pid), 0);
    assert(waitpid(pid, &code) == 0 && code == -E_KILLED);
}

static int sleeper(void *unused)
{
    (void)unused;
    return sleep(1000);
}

/* Threads take all memory that there is for processes. Nobody forks, so that no page of the program
   is copy-on-write then. */
static void check_no_memory(void)
{
    static int tids[THREADS];
    int n = 0, pid, good = 0;

    memset(tids, 0, sizeof(tids));              /* these pages must be there before memory is out */
    memset(stacks, 0, sizeof(stacks));
    do
        tids[n] = __clone(CLONE_VM, (uintptr_t)stacks[n + 1], sleeper, NULL);
    while (tids[n] > 0 && ++n < THREADS - 1);
    assert(tids[n] == -E_NO_MEM);
    pid = syscall0(SYS_vfork);
    if (pid == 0)
        exit(0);
    for (int i = 0; i < n; i++)
        good += kill(tids[i]) == 0 && waitpid(tids[i], NULL) == 0;
    assert(good == n);
    check_eq("if no process can be made vfork says so", pid, -E_NO_MEM);
}

int main(int argc, char **argv)
{
    int good = 0, waited = 0, together = 0, code;

    (void)argv;
    if (argc > 1) {
        sleep(LONG_TICKS);
        return OWN_CODE;
    }
    if (!check("there is a system call vfork", spawn(false) > 0) || waitpid(0, &code) != 0)
        return check_done();
    for (int i = 0; i < ROUNDS; i++) {
        shared = same_stack = order = 0;
        int pid = spawn(i % 2);

        waited += order == 2;
        together += shared == 1 && same_stack == 1;
        good += pid > 0 && waitpid(pid, &code) == 0 && code == (i % 2 ? OWN_CODE : CODE);
    }
    check_eq("the parent sleeps until the child calls exec or ends", waited, ROUNDS);
    check_eq("parent and child have the same memory", together, ROUNDS);
    check_eq("each child's exit code arrives", good, ROUNDS);
    check_memory();
    check_other_child();
    check_killed();
    check_no_memory();
    sleep(2 * LONG_TICKS);
    return check_done();
}
