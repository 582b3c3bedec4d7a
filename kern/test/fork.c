/* Exercise 4.2: do_fork(). What a child is before it runs, and that nothing is left of one that
   could not be made. fork_run.c lets children run.

   "fork" has the boot hart's idle process fork, while nothing else is there: so the child waits in
   its queue and can be looked at field by field. "fork-memory" gives the parent memory, lets a fork
   fail in its last step, and takes away the free pages, one number after the other.

   A wrong kernel makes a child that is nobody's, that has a register of its own will, that shares
   its parent's stack or memory; or what was made before the failure stays in use.

   Both run at boot. Alone: make grade TEST=fork or TEST=fork-memory; make debug TEST=fork stops at
   the first check that fails. */
#include <error.h>
#include <mm/kmalloc.h>
#include <mm/kstack.h>
#include <mm/shrink.h>
#include <process/proc.h>
#include <report.h>
#include <sched/timer.h>
#include <string.h>
#include <test/testlib.h>
#include <unistd.h>

#define CHILDREN    5
#define THREADS     40
#define MAX_PAGES   16          /* more than a process without areas takes */
/* What the parent has, so that the child's can be told from zeros: a group, a priority, registers,
   and a stack pointer like that of a program. */
#define GROUP       7
#define PRIORITY    5
#define PATTERN     0x1234567800000000UL
#define USER_SP     0x7ffff000UL

/* Its address is all that counts. */
static struct user_program program;

/* A frame like that of a trap, with another value in each register, so that two that are exchanged
   are seen. Only sp must be an address that a program could have. */
static struct trapframe test_frame(uint64_t status)
{
    struct trapframe tf = { .status = status, .epc = 0x800020 };

    /* x0 is always 0, and has no place that counts. */
    for (int i = 1; i < 32; i++)
        ((uint64_t *)&tf.gpr)[i] = PATTERN + i;
    tf.gpr.sp = USER_SP;
    return tf;
}

/* The process with this pid, or NULL. It stays: the caller has not given way. */
static struct proc_struct *process_of(int pid)
{
    spin_lock(&proc_lock);
    struct proc_struct *proc = find_proc(pid);
    spin_unlock(&proc_lock);
    return proc;
}

/* Fork, and get the child; it has not run yet, because the caller does not give way. */
static struct proc_struct *fork_child(uint32_t clone_flags, uintptr_t stack, struct trapframe *tf)
{
    /* Interrupts are off at this stage, so no tick makes the child run. */
    int pid = do_fork(clone_flags, stack, tf);
    struct proc_struct *child = process_of(pid);

    if (pid <= 0 || child == NULL)
        panic("do_fork() returned %d, expected the pid of a process that can be found", pid);
    return child;
}

/* Take back a child that has not run: out of the family, out of its queue, and its memory. So one
   test after the other begins with the same kernel. */
static void unmake(struct proc_struct *child)
{
    spin_lock(&proc_lock);
    unlink_proc(child);
    spin_unlock(&proc_lock);
    /* By hand, because the class's own function may be the exercise of a later lab. */
    if (!list_empty(&child->task.run_link)) {
        list_del_init(&child->task.run_link);
        child->task.rq->proc_num--;
    }
    free_proc(child);
}

/* What do_fork() must set beside the copy of the registers. Each check stands for one of its steps,
   so a failed one tells which is missing.

   The kernel stack of a child that has not run:

       +--------------------+  task.kstack + KSTACKSIZE
       | trap frame         |  what its registers are when it leaves the kernel
       +--------------------+  task.tf
       | (a few words)      |
       |                    |  task.context.sp: where it begins, at task.context.ra
       | empty              |
       +--------------------+  task.kstack
       | guard, not mapped  | */
static void test_child(void)
{
    uint32_t waiting = current->task.rq->proc_num;
    struct trapframe tf = test_frame(SSTATUS_SPIE);
    struct proc_struct *child = fork_child(0, 0, &tf);
    struct task *task = &child->task;

    /* The family: who may wait for the child, and who gets its exit code. */
    check("the child's parent is who called do_fork()", child->parent == current);
    check("the child is its parent's youngest child", current->cptr == child && child->optr == NULL
          && child->yptr == NULL);
    /* Processes that are not counted are not found by the leak check at the end, either. The idle
       process is none of them. */
    check_eq("the child is counted as a process", process_count(), 1);
    /* Ready to run, and in a queue: one without the other is a child that never runs, or that is
       picked from a queue while it counts as asleep. */
    check_eq("the child's state is PROC_RUNNABLE", task->state, PROC_RUNNABLE);
    check("the child waits in the run queue of its parent's hart: wakeup_proc() was called",
          task->rq == current->task.rq && task->rq->proc_num == waiting + 1
          && !list_empty(&task->run_link));
    /* What is inherited. The group is what a ctrl-C kills, the program is what a message names. */
    check("the child is in its parent's group", child->group == GROUP);
    check("the child has its parent's priority", task->lab6_priority == PRIORITY);
    check("the child has its parent's program", child->program == &program);
    check("the child has its parent's name", strcmp(child->name, current->name) == 0);
    /* Flags are about one process: a parent that is being killed, for example, has one. */
    check_eq("none of the child's flags is set", child->flags, 0);
    /* A kernel thread's child is a kernel thread, and runs on the kernel's address space. */
    check("a parent without an mm has a child without", child->mm == NULL
          && task->as == &kernel_as);
    /* Two processes on one stack overwrite each other's calls. The guard must not be taken for the
       stack. */
    check("the child's kernel stack is its own", task->kstack != 0
          && task->kstack != current->task.kstack && !kstack_is_guard(task->kstack));
    /* Trap entry saves a program's registers there, and nowhere else: see riscv/trapframe.h. */
    check("the child's frame is at the top of its kernel stack",
          task->tf == (struct trapframe *)(task->kstack + KSTACKSIZE) - 1);
    /* The first switch to the child loads sp from here. Above would overwrite the frame, and an sp
       that is no multiple of 16 breaks the calling convention. 1024 bytes below is still "at the
       top". */
    check("the child begins on its own kernel stack, below the frame",
          task->context.sp <= (uintptr_t)task->tf
          && task->context.sp > (uintptr_t)task->tf - 1024 && task->context.sp % 16 == 0);
    /* Where the first switch goes on. A context that was not set has 0 there. */
    check("the child begins somewhere in the kernel's text", task->context.ra >= KERNEL_OFFSET);
    unmake(child);
}

/* Every register but sp and a0, which the callers compare, as counted: 0 are wrong. FS may differ,
   because the floating-point registers are saved on the way. */
static void check_frame(const struct trapframe *child, const struct trapframe *parent)
{
    const uint64_t *its = (const uint64_t *)&child->gpr;
    const uint64_t *parents = (const uint64_t *)&parent->gpr;
    int wrong = 0;

    for (int i = 1; i < 32; i++)
        if (i != 2 && i != 10)
            wrong += its[i] != parents[i];
    check_eq("the child's other registers are as its parent's (how many are not)", wrong, 0);
    /* Both return from the same system call, so both go on behind it. */
    check_eq("the child goes on where its parent does: epc", child->epc, parent->epc);
    /* Interrupts, and the mode to return to. */
    check_eq("the child has its parent's status, but for FS",
             (child->status ^ parent->status) & ~SSTATUS_FS, 0);
    /* By this a program knows which of the two it is. */
    check_eq("a0, the result of fork, is 0 in the child", child->gpr.a0, 0);
}

/* Three cases of sp: none given, one given, and a parent in kernel mode, whose child has no stack
   of a program and begins on its own kernel stack. The parent's frame is compared afterwards,
   because the child's is made from it. */
static void test_frames(void)
{
    struct trapframe tf = test_frame(SSTATUS_SPIE), saved = tf;
    struct proc_struct *child = fork_child(0, 0, &tf);

    /* A program that forks: the stack of the child is the parent's, at the same address in its own
       memory. */
    check_frame(child->task.tf, &tf);
    check_eq("without a stack given, the child's sp is the parent's",
             child->task.tf->gpr.sp, USER_SP);
    /* The parent gets its result from the system call's dispatch, not from do_fork(). */
    check("the parent's own frame stays as it was", memcmp(&tf, &saved, sizeof(tf)) == 0);
    unmake(child);
    /* As clone() of a thread does: it shares the memory, so it needs a stack elsewhere. */
    child = fork_child(0, USER_SP - 4096, &tf);
    check_eq("with a stack given, the child's sp is that", child->task.tf->gpr.sp, USER_SP - 4096);
    unmake(child);
    /* SPP says that the frame is of the kernel: so this is how a kernel thread is made. */
    tf = test_frame(SSTATUS_SPIE | SSTATUS_SPP);
    child = fork_child(0, 0, &tf);
    check_frame(child->task.tf, &tf);
    check_eq("a kernel thread's sp is on its own kernel stack, below the frame",
             child->task.tf->gpr.sp, child->task.tf);
    unmake(child);
}

/* Floating-point numbers that are in the registers only: while the parent has not been switched
   away nobody has saved them, so a fork that copies memory alone gives the child old ones. */
static void test_fpu(void)
{
    struct trapframe tf = test_frame(SSTATUS_SPIE | SSTATUS_FS_DIRTY);
    struct fpu_state numbers = { .fcsr = 0x1f };

    for (int i = 0; i < 32; i++)
        numbers.f[i] = PATTERN + i;
    /* The registers hold the numbers, and the parent's memory does not: as after a program has
       computed. */
    csr_set(sstatus, SSTATUS_FS);
    fpu_restore(&numbers);
    struct proc_struct *child = fork_child(0, 0, &tf);
    csr_clear(sstatus, SSTATUS_FS);
    check("the child has its parent's floating-point registers",
          memcmp(&child->task.fpu, &numbers, sizeof(numbers)) == 0);
    unmake(child);
}

/* Each the youngest when it is made; with a pid of its own. optr leads to the next older sibling
   and yptr to the next younger one. They are taken back in disorder, which tries unlink_proc() too.

   With three children, of which C is the youngest:

       parent --cptr--> C --optr--> B --optr--> A --optr--> NULL
                NULL <--yptr-- C <--yptr-- B <--yptr-- A */
static void test_siblings(void)
{
    struct trapframe tf = test_frame(SSTATUS_SPIE);
    struct proc_struct *children[CHILDREN];
    bool linked = true, pids = true;

    for (int i = 0; i < CHILDREN; i++) {
        children[i] = fork_child(0, 0, &tf);
        for (int j = 0; j < i; j++)
            pids &= children[j]->pid != children[i]->pid;
    }
    /* Five, so that there are a first one, a last one, and some between. */
    check_eq("five children are five processes", process_count(), CHILDREN);
    check("each child has another pid", pids);
    /* The parent has one pointer for all of them; the others are found by their siblings. */
    check("the parent points to the youngest", current->cptr == children[CHILDREN - 1]);
    for (int i = 1; i < CHILDREN; i++)
        linked &= children[i]->optr == children[i - 1] && children[i - 1]->yptr == children[i];
    check("each child knows the one before it and the one after it", linked
          && children[0]->optr == NULL && children[CHILDREN - 1]->yptr == NULL);
    for (int i = 0; i < CHILDREN; i++)
        unmake(children[i * 3 % CHILDREN]);
}

/* Something to inherit. The boot hart's idle process is the parent; it has nothing by itself, so
   what the child has it got from here. */
static void begin(struct mm_struct *mm)
{
    current->group = GROUP;
    current->program = &program;
    current->task.lab6_priority = PRIORITY;
    current->mm = mm;
}

/* As idle was before. */
static void end(void)
{
    current->group = 0;
    current->program = NULL;
    current->task.lab6_priority = 1;
    current->mm = NULL;
}

/* Without memory first: the child of a kernel thread. */
static void test_fork(void)
{
    begin(NULL);
    test_child();
    test_frames();
    test_fpu();
    test_siblings();
    end();
}

/* If a check fails: the sentence names the field. In gdb: print *child, and print *current for what
   it should have inherited. */
SELFTEST_AT(STAGE_BOOT, "fork", test_fork);

/* The count of users says who frees an address space: one too few, and it is freed under its owner;
   one too many, and never. */
static void test_memory(struct mm_struct *mm)
{
    struct trapframe tf = test_frame(SSTATUS_SPIE);
    struct proc_struct *child = fork_child(0, 0, &tf);

    /* A fork without CLONE_VM copies the address space: what one writes the other must not see. */
    check("the child of a process with memory has memory of its own",
          child->mm != NULL && child->mm != mm && child->task.as == &child->mm->as
          && child->mm->published);
    unmake(child);
    /* A thread: the same memory, which has one more user from now on. */
    child = fork_child(CLONE_VM, USER_SP, &tf);
    check("with CLONE_VM the child has its parent's memory",
          child->mm == mm && child->task.as == &mm->as);
    check_eq("with CLONE_VM two processes use that memory", mm->mm_count, 2);
    unmake(child);
    /* If the count were one too low here, the parent's memory would have been freed. */
    check_eq("when the child is gone one process uses that memory", mm->mm_count, 1);
}

/* One that is told to end makes no children any more. It is the last step of a fork that says no,
   so all that the steps before it made must be given back. */
static void test_killed(void)
{
    struct trapframe tf = test_frame(SSTATUS_SPIE);
    struct inventory before = inventory_take();

    /* link_proc() refuses a child for a parent that is to end: so what is tried is the last
       step. */
    current->task.killed = true;
    int result = do_fork(0, 0, &tf);
    current->task.killed = false;
    check_eq("if link_proc() fails, do_fork() returns its error", result, -E_KILLED);
    struct inventory now = inventory_take();
    /* Three counts: the process itself, its stack and tables, and the structs. */
    check_eq("if link_proc() fails there is no child", now.processes, before.processes);
    check_eq("if link_proc() fails no page stays in use", now.pages, before.pages);
    check_eq("if link_proc() fails no kernel object stays in use", now.objects, before.objects);
}

/* A fork with this number of free pages. What is left of one that failed is added up. */
static struct {
    long pages, objects, processes;
    int other_results;
} left;

/* Empty the caches, take all pages, give n, fork. If that fails the caches are emptied and the
   pages taken again: what is missing now, the fork has kept. The sums of all tries are checked at
   the end. */
static int fork_with(struct hoard *hoard, size_t n, struct trapframe *tf)
{
    shrink_memory();
    hoard_take(hoard);
    long objects = kmalloc_objects(), in_all = hoard->count + kstack_table_pages();
    hoard_give(hoard, n <= hoard->count ? n : hoard->count);
    int pid = do_fork(0, 0, tf);
    if (pid > 0)
        return pid;
    shrink_memory();
    hoard_take(hoard);
    left.pages += in_all - (long)(hoard->count + kstack_table_pages());
    left.objects += (long)kmalloc_objects() - objects;
    left.processes += process_count();
    left.other_results += pid != -E_NO_MEM;
    return pid;
}

/* With no free page, with one, with two, until a fork succeeds: so memory runs out once at each
   place where do_fork() asks for some. The child that succeeds last must be whole. */
static void test_no_memory(void)
{
    struct trapframe tf = test_frame(SSTATUS_SPIE);
    struct hoard hoard = { .count = 0 };
    int pid = 0;
    size_t n;

    for (n = 0; n < MAX_PAGES && pid <= 0; n++)
        pid = fork_with(&hoard, n, &tf);
    struct proc_struct *child = pid > 0 ? process_of(pid) : NULL;
    /* If the first try had succeeded without memory, nothing here would have been tried. */
    check("with no free page there is no child", n > 1);
    check_eq("each try without enough memory returns -E_NO_MEM (how many do not)",
             left.other_results, 0);
    check_eq("a do_fork() without enough memory leaves no page behind", left.pages, 0);
    check_eq("a do_fork() without enough memory leaves no kernel object behind", left.objects, 0);
    check_eq("a do_fork() without enough memory leaves no process behind", left.processes, 0);
    check("with enough memory there is a whole child: known, with a stack and memory", child != NULL
          && child->task.kstack != 0 && child->mm != NULL && child->task.as == &child->mm->as);
    if (child != NULL)
        unmake(child);
    hoard_end(&hoard);
}

/* The parent has memory here, so the child has more to get and more to give back. */
static void test_fork_failures(void)
{
    struct mm_struct *mm = mm_create();

    assert(mm != NULL);
    begin(mm);
    test_memory(mm);
    test_killed();
    test_no_memory();
    end();
    mm_put(mm);
}

/* If pages or objects stay in use: each step of do_fork() that can fail needs a way back, which
   gives back what the steps before it have made, and nothing else. n is the number of free
   pages. */
SELFTEST_AT(STAGE_BOOT, "fork-memory", test_fork_failures);
