/* Processes and kernel threads: struct proc_struct, how a process lives, and what the rest of the
   kernel does with it. A kernel thread is a process without memory of its own, which runs a
   function of the kernel. Threads of a program are processes that share an mm.

   Locks. proc_lock guards the family tree, the pids and the groups. It is the first of the
   spinlocks: a function that holds it may wake a task, free an object, or sleep on a wait queue
   that has proc_lock for its lock; it takes no mutex. The mutex of an mm is taken before proc_lock,
   and given back before it too: nothing here holds both. fork takes the mutex of the parent's mm
   alone, for nobody else knows the child's yet. What will need two of a kind takes the parent's
   first.

   If nothing else is said, a function is called by the process itself with no lock held and
   interrupts on, and may sleep. */
#pragma once

#include <mm/vmm.h>
#include <process/program.h>
#include <process/sync_donate.h>
#include <sched/sched.h>
#include <sync/wait.h>

/* The life of a process. At the left is its state, at the right the function that does the step:

     UNINIT     it is made, and has a kernel stack; only its maker knows it   proc_create
                it gets memory, and what else a child has of its parent       copy_resources
                it gets a pid and a parent: now others find it                link_proc
     RUNNABLE   it may run, and end, at any time from here on                 wakeup_proc
                it becomes another program, as often as it likes              do_execve
                told to end, it does so when it next leaves the kernel        do_kill
     ZOMBIE     it has given back all that it had but its stack and its pid   do_exit
                its parent has the exit code, and nobody can find it now      do_wait
                the stack and the proc_struct are free                        free_proc

   While it is RUNNABLE it runs, waits or sleeps as kern/sched/task.h draws it. A process that loses
   its parent gets initproc for one, which waits for all of its children. The idle processes, one
   for each hart, are not in this story: nobody finds or ends them.

   Each process knows its parent, its youngest child (cptr), and its younger and older siblings
   (yptr, optr):

       parent --cptr--> youngest --optr--> ... --optr--> oldest --optr--> NULL */

#define PROC_NAME_LEN   31
#define MAX_PID         (1 << 20)       /* pids are below; reused after they have wrapped */

#define PF_EXITING      0x1             /* in do_exit(), or later */
#define PF_KERNEL       0x2             /* a kernel thread: cannot be killed */

struct proc_struct {
    union {
        struct task task;               /* first member: see current */
        int group;                      /* task.group, by the name that the exercises use. Guarded
                                           by proc_lock too */
    };

    /* Set when it is made, or by itself. */
    int pid;
    const struct user_program *program; /* what it runs; NULL in a kernel thread */
    char name[PROC_NAME_LEN + 1];
    struct files_struct *files;         /* its descriptors, see fs/file.h and descriptors.c */
    bool files_with_mm;                 /* while that is NULL, they may be found by its mm */
    struct sync_member *sync_member;    /* NULL: it did not ask for detection of deadlocks */
    struct donation *donation;          /* NULL until needed: sync_donate.c, whose lock guards it */

    /* Changed only by the process itself, with proc_lock: it reads it freely. */
    struct mm_struct *mm;               /* NULL: a kernel thread, or exiting */

    /* Guarded by proc_lock. PF_KERNEL changes only by the process itself, which reads it freely. */
    uint32_t flags;                     /* PF_ */
    int exit_code;                      /* of a zombie */
    struct proc_struct *parent, *cptr, *yptr, *optr;
    list_entry_t zombies, zombie_link;  /* its children that have ended; in the parent's list */
    list_entry_t list_link, hash_link;  /* in the list of all processes; by pid */
    list_entry_t group_ring;            /* the members of its group */
    list_entry_t group_link;            /* by number, if it stands for its group; else empty */
    struct wait_queue child_exit;       /* it sleeps here for a child's end */
};

/* The process that runs here. */
#define current ((struct proc_struct *)this_cpu->task)

/* Guards the process tree, the pids and the groups. */
extern struct spinlock proc_lock;
extern struct proc_struct *initproc;    /* the first kernel thread; set once */

/* Set up all that is needed to make processes; family_init() is a part of it. At boot, once, after
   sched_init(). */
void proc_init(void);
void family_init(void);
/* Make the idle process of a hart, by its cpu number. At boot; panics if memory is short. */
struct proc_struct *idle_create(uint32_t cpu);
/* What an idle process does for ever: let others run, wait, take work from busy harts. */
__never_returns void cpu_idle(void);

/* Make a copy of the current process that returns from the same system call with 0. CLONE_VM in
   clone_flags: it shares the memory. `stack` is the child's stack pointer, or 0 for the parent's.
   Returns the child's pid, or -E_NO_MEM, -E_NO_FREE_PROC or -E_KILLED (the caller is to end); then
   there is no child. May sleep, for the mm's lock. */
int do_fork(uint32_t clone_flags, uintptr_t stack, struct trapframe *tf) __must_check;

/* EXERCISE 5.C begin extra: declaration of do_vfork */
#define PF_VFORK        0x4             /* its parent sleeps until it has other memory, or none */

/* Make a child that runs in the parent's memory, and sleep until it calls exec or ends. As
   do_fork(). */
int do_vfork(struct trapframe *tf) __must_check;
/* EXERCISE 5.C end */

/* Make a kernel thread that calls fn(arg) and exits with its result. Only a kernel thread may, or
   an idle process. Returns its pid, or an error as do_fork(). */
int kernel_thread(int (*fn)(void *), void *arg, const char *name) __must_check;

/* A process with a kernel stack, not yet known to anyone; NULL if memory is short. No lock that
   ranks above the allocators' may be held. */
struct proc_struct *proc_create(void) __must_check;
/* Free a process that was never made known, or that nobody knows any more, with all that it still
   has. May sleep, if it has memory. */
void free_proc(struct proc_struct *proc);

/* The three places at which what belongs to a process comes and goes; a layer that gives processes
   something more adds it in each of them. They are called from outside of all exercises' regions.

   init_resources: what every process has from the start. Called for a new one, whose fields are
   set; 0 or -E_NO_MEM, and then it has nothing.
   copy_resources: what a child gets of its parent, which is the current process; `clone_flags` say
   what is shared instead. 0 or an error, and then free_proc() drops what was copied. May sleep.
   drop_resources: give back what a process has. Called by the process itself as it begins to end,
   and by free_proc(), which has nothing left to drop but of a child that never ran. May sleep. */
int init_resources(struct proc_struct *proc) __must_check;
int copy_resources(uint32_t clone_flags, struct proc_struct *child) __must_check;
void drop_resources(struct proc_struct *proc);

/* The table of descriptors of the current process, which may be another thread's doing; NULL: the
   constant one. It stays until the process ends. The second is its rare part. */
struct files_struct *proc_find_files(void);
static inline struct files_struct *proc_files(void)
{
    bool look = current->files == NULL && unlikely(current->files_with_mm);

    return look ? proc_find_files() : current->files;
}
/* See that it has a table that is not the constant one. 0 or -E_NO_MEM. May sleep. */
int proc_own_files(void) __must_check;
/* Of copy_resources(): the child's table is a copy, or with CLONE_FS the same one. 0 or -E_NO_MEM.
   The child has its memory. May sleep. */
int proc_copy_files(uint32_t clone_flags, struct proc_struct *child) __must_check;

/* End the current process. Interrupts are on, and no lock is held: to free much memory takes long,
   and it may sleep. */
__never_returns void do_exit(int exit_code);

/* Before a return to user mode, interrupts off: let others run if it is their turn, and end here if
   the process was killed. Needed only if need_resched is set. */
void proc_give_way(void);

/* Wait for a child, or with pid 0 for any, and store its exit code at a user address, unless that
   is 0. Returns 0; -E_BAD_PROC if there is no such child; -E_FAULT, and the child still waits then;
   -E_BUSY, if none has ended and `block` is false; -E_KILLED. May sleep. */
int do_wait(int pid, uintptr_t code_store, bool block);
/* The same for kernel threads: stores the code in *exit_code, and returns the child's pid. */
int wait_child(int pid, int *exit_code);

/* Make a process end, soon; with -pid, all of the group that it leads. 0; -E_INVAL if there is
   none, or it is a kernel thread; -E_KILLED if it ends already. No lock is held. */
int do_kill(int pid);

/* Run another program in the current process. Returns argc, or an error: then the old program, or
   the kernel thread, goes on as it was. May sleep; no lock is held. There are two entries, because
   a user process names things by addresses of its own memory, which may be wrong, and a kernel
   thread by the kernel's. The second makes a user process of a kernel thread. */
int do_execve(uintptr_t name, int argc, uintptr_t argv) __must_check;
int do_kernel_execve(const char *name, int argc, const char *const argv[]) __must_check;

/* Give the current process other memory, or none (NULL). With that it has left the old memory: if
   this was lent by its parent (vfork), the loan ends and the parent is woken, under the same hold
   of the lock. The page table is the caller's matter. Takes proc_lock; does not sleep. */
void proc_set_mm(struct mm_struct *mm);
/* The current kernel thread is a user process from now on: it can be killed. Takes proc_lock. */
void proc_become_user(void);
/* A name for messages; what is too long is cut. By the process itself, or before it is known. */
void set_proc_name(struct proc_struct *proc, const char *name);
/* The process of this pid, or NULL. proc_lock is held; the process stays while it is. */
struct proc_struct *find_proc(int pid);
/* The lowest pid that is not below `pid`, or 0. The lock is not held, and let go of on the way: a
   process that comes or goes meanwhile is seen or not. */
int find_next_pid(int pid);
/* Call fn for each process. proc_lock is held meanwhile, and interrupts are off: for messages. */
void for_each_proc(void (*fn)(struct proc_struct *proc, void *arg), void *arg);
/* How many processes there are, zombies included, idle ones not. From anywhere. */
uint32_t process_count(void);

/* For family.c and its self test alone: the pid that was given last, and whether pids have started
   again at 1 since boot. Guarded by proc_lock. */
extern int last_pid;
extern bool pids_wrapped;

/* Link a process with its relatives, as the youngest child of `parent`. proc_lock is held. */
void make_child(struct proc_struct *parent, struct proc_struct *child);
/* Make a new process known, whose parent and group are set. Its name tells of one step only; it has
   four: it looks whether there may be a new process, gives it a pid, puts it in the lists and in
   its group, and makes it its parent's child. 0; -E_NO_FREE_PROC if all pids are in use; -E_KILLED
   if the parent is to end, so that a kill of a group misses no child. proc_lock is held. */
int link_proc(struct proc_struct *proc) __must_check;
/* The opposite: nobody finds the process any more. proc_lock is held. */
void unlink_proc(struct proc_struct *proc);
