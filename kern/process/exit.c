/* The end of processes: being told to end (do_kill), ending (do_exit), and waiting for the end of a
   child (do_wait).

   A process only ever ends itself. do_kill() marks it and ends its sleep; it sees the mark when it
   is about to leave the kernel, in proc_give_way(), and calls do_exit(). So it holds nothing then.

   What may sleep or take long ends first: resources and memory. The rest is under proc_lock: its
   children get another parent, its own parent is told, and it is a zombie: a pid, an exit code, and
   a kernel stack, on which it makes its last steps. So a parent that takes a zombie away waits
   until it has left that stack. A parent sleeps in its child_exit, whose lock is proc_lock: no
   child can end between its look at the zombies and its sleep. */
#include <error.h>
#include <mm/usercopy.h>
#include <process/group.h>

/* The process is only marked, and woken if it sleeps; it may be in the middle of anything. It ends
   with -E_KILLED, before it returns to user mode. A second kill changes nothing, so it says that
   the first has been. A kernel thread never leaves the kernel, so it would never see the mark. The
   negation is of an unsigned number: -INT32_MIN is no int. */
int do_kill(int pid)
{
    int result = 0;

    if (pid < 0)
        return kill_group((int)-(unsigned int)pid);
    spin_lock(&proc_lock);
    struct proc_struct *proc = find_proc(pid);
    if (proc == NULL || (proc->flags & PF_KERNEL))
        result = -E_INVAL;
    else if ((proc->flags & PF_EXITING) || atomic_load(&proc->task.killed))
        result = -E_KILLED;
    else
        sched_kill(&proc->task);
    spin_unlock(&proc_lock);
    return result;
}

/* Run on the kernel's page table from here on, and let go of the program's memory. */
static void exit_mm(void)
{
    /* EXERCISE 5.5 begin: exit_mm */
    struct mm_struct *mm = current->mm;

    if (mm == NULL)
        return;
    sched_set_addrspace(&kernel_as);
    proc_set_mm(NULL);
    mm_put(mm);
    /* EXERCISE 5.5 end */
}

/* Tell the parent of a process that ends or has ended: it is the last of the parent's zombies, and
   the parent, if it waits, looks for one that it may take. All waiters are woken, because threads
   cannot wait for one another's children: there is one at most. proc_lock is held. */
static void report_end(struct proc_struct *proc)
{
    list_add_before(&proc->parent->zombies, &proc->zombie_link);
    wait_wake_all(&proc->parent->child_exit);
}

/* Hand all children on to initproc; it wakes up for those that have ended already. proc_lock
   is held; it may be let go of between two children, as there may be thousands. */
static void orphan_children(void)
{
    /* EXERCISE 5.5 begin: orphan_children */
    struct proc_struct *child;

    while ((child = current->cptr) != NULL) {
        current->cptr = child->optr;
        make_child(initproc, child);
        if (child->task.state == PROC_ZOMBIE) {
            list_del(&child->zombie_link);
            report_end(child);
        }
        sched_pause(&proc_lock);        /* there may be thousands */
    }
    /* EXERCISE 5.5 end */
}

/* need_resched is cleared because a kill has set it: from here on the process gives way when its
   time is over, as any other, and is not sent here again. If initproc ended, nobody would wait for
   orphans: that is a mistake in the kernel. */
void do_exit(int exit_code)
{
    assert(irq_enabled() && holds_no_lock());
    if (current == initproc)
        panic("the first kernel thread must not end");
    atomic_store(&current->task.need_resched, false);   /* of a kill: it ends as it is */
    drop_resources(current);
    /* EXERCISE 5.5 begin: do_exit */
    exit_mm();
    spin_lock(&proc_lock);
    current->flags |= PF_EXITING;
    current->exit_code = exit_code;
    orphan_children();
    report_end(current);
    sched_exit(&proc_lock);             /* a zombie before the parent can look */
    /* EXERCISE 5.5 end */
}

/* need_resched is set by the clock, when the time is over, and by a kill: one flag to look at on
   the short way. It is looked at again after each turn, because both may have happened meanwhile.
   The kernel stack is empty but for the frame, so the process may as well end here. */
void proc_give_way(void)
{
    if (likely(!atomic_load(&current->task.need_resched)))
        return;
    sched_check_mutexes("returns to user mode");
    while (atomic_load(&current->task.need_resched) && !atomic_load(&current->task.killed))
        schedule();
    if (atomic_load(&current->task.killed)) {
        irq_enable();
        do_exit(-E_KILLED);
    }
}

/* A child that has ended: the one of this pid, or if it is 0 any, of several the one that ended
   first. NULL if there is none yet. *exists: there is one to wait for at all. proc_lock is held. */
static struct proc_struct *find_zombie(int pid, bool *exists)
{
    struct proc_struct *child = pid != 0 ? find_proc(pid) : current->cptr;

    *exists = child != NULL && child->parent == current;
    if (pid == 0 && !list_empty(&current->zombies))
        return to_struct(list_next(&current->zombies), struct proc_struct, zombie_link);
    /* It may be woken meanwhile; only the end comes with this lock.
       no pair: what is read of a child that has ended was written with the lock */
    return pid != 0 && *exists && atomic_load(&child->task.state) == PROC_ZOMBIE ? child : NULL;
}

/* Sleep until a child has ended. It stays a child, so nothing is lost if its exit code cannot be
   stored; only its parent, which is the caller, can take it away, so it stays valid without the
   lock. Returns it, or NULL with *error set. */
static struct proc_struct *wait_zombie(int pid, bool block, int *error)
{
    /* EXERCISE 5.5 begin: wait_zombie */
    struct proc_struct *child;
    bool exists;

    *error = 0;
    spin_lock(&proc_lock);
    while ((child = find_zombie(pid, &exists)) == NULL && *error == 0) {
        if (!exists)
            *error = -E_BAD_PROC;
        else if (!block)
            *error = -E_BUSY;
        else if (!wait_sleep(&current->child_exit, WT_CHILD, "a child to end"))
            *error = -E_KILLED;
    }
    spin_unlock(&proc_lock);
    return child;
    /* EXERCISE 5.5 end */
}

/* Take a zombie away for good. It became one before its very last steps, so another hart may still
   be on its stack, for some instructions more: that is waited for, without the lock. */
static void reap(struct proc_struct *child)
{
    spin_lock(&proc_lock);
    list_del(&child->zombie_link);
    unlink_proc(child);
    spin_unlock(&proc_lock);
    sched_wait_off_cpu(&child->task);   /* its last steps are on the stack that is freed here */
    free_proc(child);
}

/* The exit code is stored before the child is taken away: if the address is bad, the child must
   still be there to wait for. */
int do_wait(int pid, uintptr_t code_store, bool block)
{
    /* EXERCISE 5.5 begin: do_wait */
    int error;
    struct proc_struct *child = wait_zombie(pid, block, &error);

    if (child == NULL)
        return error;
    if (code_store != 0)
        error = copy_to_user(code_store, &child->exit_code, sizeof(child->exit_code));
    if (error == 0)
        reap(child);
    return error;
    /* EXERCISE 5.5 end */
}

/* A kernel thread gives an address of its own, so nothing can fail after the wait; and initproc
   wants to know which of its many children it was. */
int wait_child(int pid, int *exit_code)
{
    int error;
    struct proc_struct *child = wait_zombie(pid, true, &error);

    if (child == NULL)
        return error;
    pid = child->pid;
    *exit_code = child->exit_code;
    reap(child);
    return pid;
}
