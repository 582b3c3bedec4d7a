/* vfork: a fork for a program that calls exec next. Nothing is copied, not even page tables: the
   child runs in the memory of its parent, on the same stack. So the parent must not run before the
   child has another memory, by exec, or none, because it has ended.

   Nothing else in the kernel uses it: it is the challenge of lab 5, whose parts are here, in proc.h
   (the declaration), in proc.c (proc_set_mm) and in the table of system calls. */
#include <process/proc.h>
#include <unistd.h>

/* EXERCISE 5.C begin extra: do_vfork */
/* The child is there until its parent, which is the caller, waits for it. */
int do_vfork(struct trapframe *tf)
{
    int pid = do_fork(CLONE_VM, 0, tf);
    struct proc_struct *child;

    if (pid < 0)
        return pid;
    spin_lock(&proc_lock);
    while ((child = find_proc(pid))->mm == current->mm) {
        child->flags |= PF_VFORK;
        if (!wait_sleep(&current->child_exit, WT_CHILD, "a child to call exec"))
            break;
    }
    spin_unlock(&proc_lock);
    return pid;
}
/* EXERCISE 5.C end */
