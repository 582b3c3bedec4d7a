/* Exercises 4.2 and 4.3: children that run. Where they begin, with which registers, and what they
   are; and threads that give way to each other on all harts.

   "fork-run" makes kernel threads whose first instructions store every register, and threads that
   make threads. "thread-yield" has twenty threads switch a thousand times on two harts, and each
   look after each switch whether it is still itself. A wrong kernel begins a child at a wrong place
   or on a wrong stack, or mixes up two threads: mostly it panics, and the call stack tells where.

   Both run as initproc, whose threads sleep for ever when they are done: here nothing can end,
   because exercise 5.5 may not be written yet.

   Alone: make grade TEST=fork-run or TEST=thread-yield-2-harts. */
#include <error.h>
#include <process/proc.h>
#include <report.h>
#include <sched/timer.h>
#include <test/testlib.h>

#define CHILDREN    3
#define THREADS     20
#define TURNS       50
#define PATTERN     0x5555000000000000UL

/* What the threads sleep on in the end; nobody wakes them. */
static struct spinlock lock = SPINLOCK_INIT("test", RANK_WAIT);
static struct wait_queue never;
static uint32_t done;                   /* atomic: threads that are done */

/* In place of an end. The thread is counted first, so that the test knows that it came so far. */
static __never_returns void sleep_for_ever(void)
{
    atomic_add(&done, 1);
    spin_lock(&lock);
    for (;;)
        wait_sleep(&never, WT_MUTEX, "the end of the test");
}

/* Until n are done. If they never will be, the grader's limit ends it. */
static void wait_until_done(uint32_t n)
{
    while (atomic_load(&done) < n)
        schedule();
}

/* What a child found as it began. proc, parent and the rest it writes itself, the registers are
   stored by child_entry. */
static struct child {
    uint64_t x[32];                     /* first member: see child_entry */
    struct proc_struct *proc, *parent;
    int pid;
    uintptr_t satp;
    bool irq_was_on;
} children[CHILDREN];

__never_returns void child_main(struct child *child);

/* A child stores all of its registers as it begins, at the address that it has in gp: no compiler
   can change one of them before. gp is free for that, because the kernel does not use it. */
asm (".pushsection .text\n"
     "child_entry:\n"
     "    .irp n, 1,2,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30\n"
     "    sd x\\n, 8*\\n(gp)\n"
     "    .endr\n"
     "    sd x31, 8*31(gp)\n"
     "    mv a0, gp\n"
     "    tail child_main\n"
     ".popsection");
void child_entry(void);

/* The second part of a child's beginning, in C. */
void child_main(struct child *child)
{
    /* Noted first: what follows may change it. */
    child->irq_was_on = irq_enabled();
    child->satp = csr_read(satp);
    child->proc = current;
    child->pid = current->pid;
    child->parent = current->parent;
    sleep_for_ever();
}

/* A frame as of a trap from the kernel, by which the child "returns" to child_entry. */
static int fork_child(struct child *child)
{
    struct trapframe tf = { .status = SSTATUS_SPP | SSTATUS_SPIE, .epc = (uintptr_t)child_entry };

    for (int i = 1; i < 32; i++)
        ((uint64_t *)&tf.gpr)[i] = PATTERN + i;
    tf.gpr.gp = (uintptr_t)child;
    return do_fork(0, 0, &tf);
}

/* All but sp, gp and tp, which a kernel thread has of its own, and a0. */
static bool registers_right(const struct child *child)
{
    bool right = true;

    /* By their numbers: 2 is sp, 3 gp, 4 tp and 10 a0. */
    for (uint64_t i = 1; i < 32; i++)
        if (i != 2 && i != 3 && i != 4 && i != 10)
            right &= child->x[i] == PATTERN + i;
    return right;
}

/* The lines of exercise 4.2 that make a child's frame and its first context stand behind these
   checks; interrupts and tp are the work of the way out of a trap. */
static void check_child(const struct child *child, int pid)
{
    uintptr_t kstack = child->proc->task.kstack;

    /* The frame's registers must have arrived in the hart's, each in its own. */
    check_eq("a child begins with 0 in a0", child->x[10], 0);
    check("a child's other registers are its parent's", registers_right(child));
    /* A kernel thread has no stack of a program, so it begins on its own kernel stack, near the
       top. */
    check("a child begins on its own kernel stack",
          child->x[2] > kstack + KSTACKSIZE / 2 && child->x[2] <= kstack + KSTACKSIZE);
    /* With another tp the kernel would take another memory for its struct cpu: nothing would work
       long. */
    check_eq("in a child tp is that of the hart", child->x[4], (uintptr_t)this_cpu);
    /* The parent waits by it. */
    check_eq("do_fork() returned the child's pid", pid, child->pid);
    check("a child's parent is who forked", child->parent == current);
    /* A child that begins with interrupts off gives its hart to nobody, if it does not give way
       itself. */
    check("a child begins with interrupts on, as its frame says", child->irq_was_on);
    /* On another one it would keep the memory of some process in use. */
    check_eq("a kernel thread runs on the kernel's address space", child->satp, kernel_as.satp);
}

/* Several, so that one does not get what is another's. */
static void test_children(void)
{
    int pids[CHILDREN];

    for (int i = 0; i < CHILDREN; i++)
        pids[i] = fork_child(&children[i]);
    /* They run now, because the test gives way. */
    wait_until_done(CHILDREN);
    for (int i = 0; i < CHILDREN; i++)
        check_child(&children[i], pids[i]);
}

static struct proc_struct *grandparent, *forker, *grandchild_parent;
static uintptr_t arguments[THREADS];

/* Two generations further. */
static int grandchild(void *arg)
{
    (void)arg;
    grandchild_parent = current->parent;
    sleep_for_ever();
}

/* A child that makes a child: what a process was forked with must be enough to fork again. */
static int fork_again(void *arg)
{
    (void)arg;
    grandparent = current->parent;
    forker = current;
    /* Its parent is this thread. */
    test_thread(grandchild, NULL);
    sleep_for_ever();
}

/* += and not =, so that a thread which runs twice is noticed. */
static int remember(void *number)
{
    arguments[(uintptr_t)number] += (uintptr_t)number + 1;
    sleep_for_ever();
}

/* Twenty threads, each with an argument of its own; all must have run, and all must be counted. The
   two before them count too. */
static void test_threads_of_threads(void)
{
    uint32_t before = process_count();
    bool right = true;
    int last = 0;

    atomic_store(&done, 0);
    test_thread(fork_again, NULL);
    wait_until_done(2);
    /* The child's child is not the test's: the parent is the process that called. */
    check("a child may fork as well: its child has it as parent",
          grandparent == current && grandchild_parent == forker);
    atomic_store(&done, 0);
    for (uintptr_t i = 0; i < THREADS; i++)
        last = test_thread(remember, (void *)i);
    wait_until_done(THREADS);
    for (uintptr_t i = 0; i < THREADS; i++)
        right &= arguments[i] == i + 1;
    /* Nobody would look for the kill: a kernel thread does not return to user mode. */
    check_eq("kernel threads cannot be killed", do_kill(last), -E_INVAL);
    check("each of twenty kernel threads runs once, with its own argument", right);
    check_eq("all processes are counted", process_count() - before, THREADS + 2);
}

/* First single children, then many. */
static void test_fork_run(void)
{
    wait_queue_init(&never, &lock);
    test_children();
    test_threads_of_threads();
}

/* If the kernel panics before the first check: the child began somewhere else. epc in the panic is
   where; 0 or a wild address is a context that was not set. */
SELFTEST_AT(STAGE_INIT, "fork-run", test_fork_run);

/* Threads that give way to each other, on all harts. */
/* Each thread has its own word, so only a switch can lose one. */
static uint64_t turns[THREADS];
static uint32_t wrong;                  /* atomic: how often something was not as before */

/* What must be as before after a switch: `count` is on the stack and in a register that a call must
   keep, so a switch that loses one of them shows in the number of turns; the address of a local
   says whether it is still the thread's own stack; and interrupts, locks and the hart's idea of who
   runs must fit to it. */
static int yielder(void *number)
{
    uint64_t *count = &turns[(uintptr_t)number];
    struct proc_struct *me = current;

    for (int i = 0; i < TURNS; i++) {
        uint64_t before = *count, here = (uintptr_t)&before;

        /* Others run now, perhaps on other harts, and this thread may go on on another hart. */
        schedule();
        *count = before + 1;
        if (current != me || here - me->task.kstack >= KSTACKSIZE || !me->task.on_cpu
            || me->task.state != PROC_RUNNABLE || !irq_enabled() || !holds_no_lock()
            || this_cpu->user_tf != me->task.tf)
            atomic_add(&wrong, 1);
    }
    sleep_for_ever();
}

/* Exercise 4.3 with several harts: a thread may go on on another hart than before. */
static void test_yield(void)
{
    bool all = true;

    wait_queue_init(&never, &lock);
    for (uintptr_t i = 0; i < THREADS; i++)
        test_thread(yielder, (void *)i);
    wait_until_done(THREADS);
    for (int i = 0; i < THREADS; i++)
        all &= turns[i] == TURNS;
    /* A turn that is lost is a switch that came back to the wrong place. */
    check("each of twenty threads has all of its 50 turns", all);
    check_eq("after each switch a thread is itself again, interrupts on (how often not)", wrong,
             0);
    /* The thread that has waited in the loop is one of those that were switched, too. */
    check("who made the threads is itself again, interrupts on",
          current == initproc && irq_enabled());
}

/* If it panics on two harts and "switch" passes on one: what does a hart know of the task that has
   just left it, and when may another hart run that task? */
SELFTEST_AT(STAGE_INIT, "thread-yield", test_yield);
