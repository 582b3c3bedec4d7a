/* Making processes. */
#include <error.h>
#include <process/proc.h>

/* Where a new process begins, in the kernel: it leaves by the frame that copy_thread() made. */
static void forkret(void)
{
    sched_finish_switch();
    trap_return(current->task.tf);
}

/* The name that ucore has for it, and that fork_named() calls: memory for the child, and what else
   it has of its parent. 0 or an error. */
static int copy_mm(uint32_t clone_flags, struct proc_struct *proc)
{
    return copy_resources(clone_flags, proc);
}

/* The child has the parent's floating-point registers, which may be in the hart only. */
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

/* The child goes on where the parent trapped, but gets 0 as the result, and `stack` where that is
   not 0. The stack of a kernel thread is its own, below the frame at the top. */
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

/* Give the child its place in the family, and let it run: from here on others see it. Its pid or an
   error. */
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

static __never_returns void kernel_thread_entry(__not_used uint64_t zero, int (*fn)(void *),
                                                void *arg)
{
    do_exit(fn(arg));
}

/* A fork of a kernel thread with a frame made by hand. Its stack begins below the frame at the top,
   which exec will need. */
int kernel_thread(int (*fn)(void *), void *arg, const char *name)
{
    struct trapframe tf = {
        .status = SSTATUS_SPP | SSTATUS_SPIE,
        .epc = (uintptr_t)kernel_thread_entry,
        .gpr.a1 = (uintptr_t)fn,
        .gpr.a2 = (uintptr_t)arg,
    };

    assert_eq(current->mm, NULL);
    return fork_named(0, 0, &tf, name, PF_KERNEL);
}
