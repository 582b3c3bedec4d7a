/* Making processes: fork, which copies the current one, and kernel threads.

   A child is made complete before anyone can see it, and only then becomes known and runnable, in
   one step under proc_lock. Until then any failure is undone by free_proc(), which gives back what
   there is; afterwards nothing can fail.

   A new process has never been switched away from. So copy_thread() writes by hand what a switch
   would have left: a context that begins in forkret(), and on top of the kernel stack the frame by
   which it leaves the kernel. For a child of fork that is the parent's frame, for a kernel thread
   one that returns into a function of the kernel:

       kstack + KSTACKSIZE   +----------------------+
                             | struct trapframe     |  task.tf: registers to leave with
                     sp ->   +----------------------+  context.sp at its first switch
                             | free                 |
       kstack                +----------------------+  below it lies the guard page */
#include <error.h>
#include <process/proc.h>

/* Where a new process begins, in the kernel. switch_to() "returns" here, with the lock of the run
   queue still held and interrupts off; nothing is on the stack to go back to.

   The frame has what its parent had in tp. There programs keep their pid, by which they take
   mutexes without the kernel: so a child gets its own. A kernel thread's tp is not loaded. */
static void forkret(void)
{
    sched_finish_switch();
    current->task.tf->gpr.tp = current->pid;
    trap_return(current->task.tf);
}

/* The name that ucore has for it, and that fork_named() calls: memory for the child, and what else
   it has of its parent. 0 or an error. */
static int copy_mm(uint32_t clone_flags, struct proc_struct *proc)
{
    return copy_resources(clone_flags, proc);
}

/* The child has the parent's floating-point registers. If they are dirty, their newest values are
   in the hart's registers only, so they are saved first; then the parent's are clean. Interrupts
   are off meanwhile: a switch in between would save and load them too. */
static void copy_fpu(struct task *child, struct trapframe *tf)
{
    if ((tf->status & SSTATUS_FS) == 0)
        return;
    irq_push();
    if ((tf->status & SSTATUS_FS) == SSTATUS_FS_DIRTY) {
        csr_set(sstatus, SSTATUS_FS);
        fpu_save(&this_cpu->task->fpu);
        tf->status ^= SSTATUS_FS_DIRTY ^ SSTATUS_FS_CLEAN;
    }
    child->fpu = this_cpu->task->fpu;
    irq_pop();
}

/* Make the child's registers: it goes on where the parent trapped, but gets 0 as the result, and
   `stack` as its stack pointer if that is not 0. The stack of a kernel thread is its own, below the
   frame at the top. */
static void copy_thread(struct proc_struct *proc, uintptr_t stack, struct trapframe *tf)
{
    /* EXERCISE 4.2 begin: copy_thread */
    copy_fpu(&proc->task, tf);
    *proc->task.tf = *tf;
    proc->task.tf->gpr.a0 = 0;
    if (stack != 0)
        proc->task.tf->gpr.sp = stack;
    else if (tf->status & SSTATUS_SPP)
        proc->task.tf->gpr.sp = (uintptr_t)proc->task.tf;
    proc->task.context.ra = (uintptr_t)forkret;
    proc->task.context.sp = (uintptr_t)proc->task.tf;
    /* EXERCISE 4.2 end */
}

/* Give the child its place in the family, and let it run: from here on others see it. Returns its
   pid or an error. The child may have run and ended before this returns, so afterwards the caller
   must not touch it. */
static int start_child(struct proc_struct *proc)
{
    /* EXERCISE 4.2 begin: start_child */
    spin_lock(&proc_lock);
    proc->parent = current;
    proc->group = current->group;
    int result = link_proc(proc);
    if (result == 0) {
        result = proc->pid;             /* the child may be gone when the lock is released */
        wakeup_proc(&proc->task);
    }
    spin_unlock(&proc_lock);
    return result;
    /* EXERCISE 4.2 end */
}

/* All kinds of fork. `name` and `flags` are the child's; what else it has is the current process's.
   Returns its pid, or an error and then nothing is left of it. */
static int fork_named(uint32_t clone_flags, uintptr_t stack, struct trapframe *tf,
                      const char *name, uint32_t flags)
{
    /* EXERCISE 4.2 begin: fork_named */
    struct proc_struct *proc = proc_create();

    if (proc == NULL)
        return -E_NO_MEM;
    int result = copy_mm(clone_flags, proc);
    if (result == 0) {
        copy_thread(proc, stack, tf);
        proc->task.lab6_priority = current->task.lab6_priority;
        proc->program = current->program;
        proc->flags = flags;
        set_proc_name(proc, name);
        result = start_child(proc);
    }
    if (result < 0)
        free_proc(proc);
    return result;
    /* EXERCISE 4.2 end */
}

int do_fork(uint32_t clone_flags, uintptr_t stack, struct trapframe *tf)
{
    return fork_named(clone_flags, stack, tf, current->name, 0);
}

/* Where a kernel thread goes from its first frame: fn and arg are in a1 and a2 of it. */
static __never_returns void kernel_thread_entry(__not_used uint64_t zero, int (*fn)(void *),
                                                void *arg)
{
    do_exit(fn(arg));
}

/* A fork of a kernel thread with a frame made by hand: as if the parent had been interrupted in S
   mode with interrupts on, just before a call of kernel_thread_entry(). The thread's stack begins
   below the frame at the top, because that place is exec's: there it writes the registers of the
   new program. */
int kernel_thread(int (*fn)(void *), void *arg, const char *name)
{
    struct trapframe tf = {
        .status = SSTATUS_SPP | SSTATUS_SPIE, .epc = (uintptr_t)kernel_thread_entry,
        .gpr.a1 = (uintptr_t)fn,
        .gpr.a2 = (uintptr_t)arg,
    };

    assert_eq(current->mm, NULL);
    return fork_named(0, 0, &tf, name, PF_KERNEL);
}
