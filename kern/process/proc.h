/* Processes and kernel threads.

   A process is made by do_fork(), runs until do_exit(), and stays as a zombie until its parent has
   its exit code by do_wait(). Children whose parent ends go to initproc, which waits for all.
   Threads are processes that share an mm.

   Each process knows its parent, its youngest child (cptr), and its younger and older siblings
   (yptr, optr):

       parent --cptr--> youngest --optr--> ... --optr--> oldest --optr--> NULL */
#pragma once

#include <mm/vmm.h>
#include <process/program.h>
#include <sched/sched.h>
#include <sync/wait.h>

#define PROC_NAME_LEN   31
#define MAX_PID         (1 << 20)       /* pids are below; reused after they have wrapped */

#define PF_EXITING      0x1             /* in do_exit(), or later */
#define PF_KERNEL       0x2             /* a kernel thread: cannot be killed */

struct proc_struct {
    struct task task;                   /* first member: see current */

    /* Set when it is made, or by itself. */
    int pid;
    const struct user_program *program; /* what it runs; NULL in a kernel thread */
    char name[PROC_NAME_LEN + 1];

    /* Changed only by the process itself, with proc_lock: it reads it freely. */
    struct mm_struct *mm;               /* NULL: a kernel thread, or exiting */

    /* Guarded by proc_lock. */
    uint32_t flags;                     /* PF_ */
    int exit_code;                      /* of a zombie */
    int group;                          /* see JOB_ in libs/unistd.h; 0 is the first program's */
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

/* Set up; then make and return the idle process of a hart, by its cpu number. */
void proc_init(void);
struct proc_struct *idle_create(uint32_t cpu);
/* What an idle process does for ever. */
__never_returns void cpu_idle(void);

/* Make a copy of the current process that returns from the same system call with 0. `stack` is the
   child's stack pointer, or 0 for the parent's. Returns the child's pid, -E_NO_MEM or
   -E_NO_FREE_PROC. May sleep. */
int do_fork(uint32_t clone_flags, uintptr_t stack, struct trapframe *tf) __must_check;

/* EXERCISE 5.C begin extra: declaration of do_vfork */
#define PF_VFORK        0x4             /* its parent sleeps until it has other memory, or none */

/* Make a child that runs in the parent's memory, and sleep until it calls exec or ends. As
   do_fork(). */
int do_vfork(struct trapframe *tf) __must_check;
/* EXERCISE 5.C end */

/* Make a kernel thread that calls fn(arg) and exits with its result. Its pid or an error. */
int kernel_thread(int (*fn)(void *), void *arg, const char *name) __must_check;

/* A process with a kernel stack, not yet known to anyone; NULL where there is no memory. */
struct proc_struct *proc_create(void) __must_check;
/* Free a process that was never made known, or that nobody knows any more. */
void free_proc(struct proc_struct *proc);

/* End the current process. Interrupts are on, and no lock is held: to free much memory takes long,
   and it may sleep. */
__never_returns void do_exit(int exit_code);

/* Before a return to user mode, interrupts off: let others run where it is their turn, and end here
   where the process was killed. Needed only with need_resched set. */
void proc_give_way(void);

/* Wait for a child, or with pid 0 for any, and store its exit code at a user address, where that is
   not 0. Returns 0; -E_BAD_PROC where there is no such child; -E_FAULT, the child still waits then;
   -E_BUSY, where none has ended and `block` is false; -E_KILLED. */
int do_wait(int pid, uintptr_t code_store, bool block);
/* The same for kernel threads: stores the code in *exit_code, and returns the child's pid. */
int wait_child(int pid, int *exit_code);

/* Make a process end, soon; with -pid, all of the group that it leads. 0; -E_INVAL where there is
   none, or it is a kernel thread; -E_KILLED where it ends already. */
int do_kill(int pid);
/* The same for a group by its number. May be called from an interrupt. */
int kill_group(int group);

/* Sleep for a number of clock ticks; -E_KILLED where that ended it. */
int do_sleep(uint64_t ticks);

/* Take or give up the console, for the current process: see JOB_ in libs/unistd.h. */
int do_job(int what);

/* Run another program in the current process. From a user process the addresses are the user's; a
   kernel thread gives its own, and becomes a user process. Returns argc, or an error: then the old
   program goes on. May sleep. */
int do_execve(uintptr_t name, int argc, uintptr_t argv) __must_check;

/* Set current->mm. With memory it counts as a user process; without any it is about to end. */
void proc_set_mm(struct mm_struct *mm);
void set_proc_name(struct proc_struct *proc, const char *name);
struct proc_struct *find_proc(int pid);         /* proc_lock is held; NULL where there is none */
/* The lowest pid that is not below `pid`, or 0. The lock is not held, and let go of on the way: who
   comes or goes meanwhile is seen or not. */
int find_next_pid(int pid);
/* Call fn for each process. proc_lock is held meanwhile, and interrupts are off: for reports. */
void for_each_proc(void (*fn)(struct proc_struct *proc, void *arg), void *arg);
uint32_t process_count(void);

/* Link and unlink a process with the others; proc_lock is held. */
void make_child(struct proc_struct *parent, struct proc_struct *child);     /* its youngest */
/* Give a process its pid, and make it the youngest child of its parent, which is set. 0,
   -E_NO_FREE_PROC, or -E_KILLED: the parent is to end. */
int link_proc(struct proc_struct *proc) __must_check;
void unlink_proc(struct proc_struct *proc);
