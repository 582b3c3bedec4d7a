/* What a process is made of: the proc_struct, and its resources, which are what belongs to it and
   comes and goes with it: its kernel stack, its memory, its floating-point registers, the program
   that it runs. Where a process stands among the others is in family.c and group.c.

   The regions of exercises 4.1, 4.2 and 5.5 are whole functions, and a student's text of them may
   be older than a resource. So no call about resources stands in a region: init_resources() comes
   after alloc_proc(), in proc_create(); copy_resources() is all of copy_mm(), which fork calls when
   nobody knows the child yet; drop_resources() comes at the head of do_exit() and in free_proc().

   A process that is being made is its maker's alone, so no lock is needed; nor is one for what a
   process does with its own. proc_set_mm() takes proc_lock, because others look at mm and flags. */
#include <error.h>
#include <fs/file.h>
#include <mm/kmalloc.h>
#include <mm/kstack.h>
#include <process/group.h>
#include <process/sync.h>
#include <string.h>
#include <unistd.h>

static struct kmem_cache proc_cache;

void proc_init(void)
{
    kmem_cache_init(&proc_cache, "proc_struct", sizeof(struct proc_struct));
    family_init();
    group_init();
}

/* Each field is set here, whatever it was: alloc_proc() may be older than it. The frame of traps
   from user mode is at the top of the stack: see riscv/trapframe.h. */
int init_resources(struct proc_struct *proc)
{
    proc->task.mutexes = NULL;
    proc->task.wait_target = NULL;
    proc->task.expired = false;
    proc->files = NULL;
    proc->files_with_mm = false;
    proc->task.donated = 0;
    proc->task.moves = false;
    proc->donation = NULL;
    proc->sync_member = NULL;
    proc->task.kstack = kstack_alloc();
    if (proc->task.kstack == 0)
        return -E_NO_MEM;
    proc->task.tf = (struct trapframe *)(proc->task.kstack + KSTACKSIZE) - 1;
    return 0;
}

/* Memory for the child, which will run on its page table: the parent's own, a copy of it, or none
   for a kernel thread. */
static int copy_memory(uint32_t clone_flags, struct proc_struct *child)
{
    struct mm_struct *mm = current->mm;

    if (mm == NULL)
        return 0;
    if (clone_flags & CLONE_VM) {
        mm_get(mm);
        child->mm = mm;
    } else {
        child->mm = mm_create();
        if (child->mm == NULL || mm_dup(child->mm, mm) != 0 || sync_fork(child->mm) != 0)
            return -E_NO_MEM;
        if (unlikely(mm->program != NULL))
            inode_fork(child->mm, mm);
        mm_publish(child->mm);
    }
    child->task.as = &child->mm->as;
    return 0;
}

/* Each part undoes nothing if it fails: what the child has by then is dropped by free_proc(). */
int copy_resources(uint32_t clone_flags, struct proc_struct *child)
{
    int result = copy_memory(clone_flags, child);

    if (result == 0)
        result = sync_member_fork(child);
    if (likely(current->files == NULL && !current->files_with_mm && !(clone_flags & CLONE_FS)))
        return result;
    return result == 0 ? proc_copy_files(clone_flags, child) : result;
}

/* A process that ends gives up its memory itself, in exit_mm(), because it must leave the page
   table first. Its floating-point registers are forgotten: with FS off they are not saved when the
   process is switched away from for the last time. Its stack it needs to the end: free_proc() has
   that. When free_proc() calls this for a process that has ended there is nothing left to drop. */
void drop_resources(struct proc_struct *proc)
{
    if (proc == current) {
        proc->task.tf->status &= ~SSTATUS_FS;
        sync_leave(proc->mm);
    } else if (proc->mm != NULL) {
        sync_member_leave(proc);
        mm_put(proc->mm);
    }
    if (unlikely(proc->files != NULL))
        files_put(proc->files);
    proc->files = NULL;
    proc->program = NULL;
    if (unlikely(proc->donation != NULL))
        sync_donate_leave(proc);
}

/* A new proc_struct: in no list, with no stack and no memory. NULL if there is no memory. */
static struct proc_struct *alloc_proc(void)
{
    /* EXERCISE 4.1 begin: alloc_proc */
    struct proc_struct *proc = kmem_cache_alloc(&proc_cache);

    if (proc == NULL)
        return NULL;
    memset(proc, 0, sizeof(*proc));
    proc->task.state = PROC_UNINIT;
    proc->task.as = &kernel_as;
    proc->task.lab6_priority = 1;
    proc->task.wait_what = "";
    proc->pid = -1;
    list_init(&proc->task.run_link);
    list_init(&proc->zombies);
    wait_queue_init(&proc->child_exit, &proc_lock);
    return proc;
    /* EXERCISE 4.1 end */
}

/* alloc_proc() sets the fields, as an exercise; what a process needs beside them comes here. */
struct proc_struct *proc_create(void)
{
    struct proc_struct *proc = alloc_proc();

    if (proc == NULL)
        return NULL;
    if (init_resources(proc) != 0) {
        kmem_cache_free(&proc_cache, proc);
        return NULL;
    }
    return proc;
}

/* The stack is the last thing that a process needs, so it does not go in drop_resources(), which a
   process calls on its own stack. Nobody may be on it any more: see reap() in exit.c. */
void free_proc(struct proc_struct *proc)
{
    drop_resources(proc);
    kstack_free(proc->task.kstack);
    kmem_cache_free(&proc_cache, proc);
}

/* An idle process never ends and is in no list, so it needs no more. Its frame is 0: it never was
   in user mode, but a switch looks there for the state of its floating-point registers. Must not
   fail: a hart without one has nothing to run, and this is while the kernel boots. */
struct proc_struct *idle_create(uint32_t cpu)
{
    static struct proc_struct idles[MAX_HARTS];
    struct proc_struct *idle = &idles[cpu];

    if (init_resources(idle) != 0)
        panic("out of memory for an idle process");
    memset(idle->task.tf, 0, sizeof(*idle->task.tf));
    idle->task.as = &kernel_as;
    idle->task.lab6_priority = 1;
    idle->task.wait_what = "";
    idle->flags = PF_KERNEL;
    set_proc_name(idle, "idle");
    return idle;
}

/* ps and messages copy all bytes of a name, so nothing of an older one may be left. A reader on
   another hart may see a mixture of both for a moment; it always finds the end. */
void set_proc_name(struct proc_struct *proc, const char *name)
{
    char *to = proc->name, *end = to + PROC_NAME_LEN;   /* the byte there stays 0 */

    for (; to < end && *name != '\0'; to++, name++)
        atomic_store(to, *name);
    for (; to < end && *to != '\0'; to++)       /* an older name; behind it all is 0 */
        atomic_store(to, '\0');
}

/* The current process has left the memory that it had; `mm` is what it has now. If vfork had lent
   it the old one, its parent sleeps until now. With proc_lock held. */
static inline void end_loan(__not_used struct mm_struct *mm)
{
    /* EXERCISE 5.C begin extra: proc_set_mm */
    if (current->flags & PF_VFORK) {            /* the memory is the parent's alone again */
        current->flags &= ~PF_VFORK;
        wait_wake_all(&current->parent->child_exit);
    }
    /* EXERCISE 5.C end */
}

/* mm is written under proc_lock because others look at it under that lock: ps takes a use of it,
   and a parent that sleeps in vfork compares it with its own. The loan ends under the same hold, or
   else that parent could compare before mm is written and sleep after it was woken. */
void proc_set_mm(struct mm_struct *mm)
{
    spin_lock(&proc_lock);
    current->mm = mm;
    end_loan(mm);
    spin_unlock(&proc_lock);
}

/* do_kill() looks at the flag under the lock. A kill that comes just before is refused, as for any
   kernel thread; one that comes after it ends the program before its first instruction. */
void proc_become_user(void)
{
    spin_lock(&proc_lock);
    current->flags &= ~PF_KERNEL;
    spin_unlock(&proc_lock);
}
