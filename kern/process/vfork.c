/* A fork for those who call exec next: nothing is copied, not even page tables. */
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
