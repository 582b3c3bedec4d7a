/* struct task: what the scheduler knows of a process or kernel thread. The process layer embeds it
   in its proc_struct.

                       fork                  picked
     PROC_UNINIT ----------> PROC_RUNNABLE <-------> running: RUNNABLE, on_cpu
                                 ^   wakeup_proc        |          |
                                 |                      | sleep    | exit
                                 +---- PROC_SLEEPING <--+          v
                                                            PROC_ZOMBIE */
#pragma once

#include <list.h>
#include <riscv/context.h>
#include <riscv/tlb.h>
#include <riscv/trapframe.h>
#include <skew_heap.h>

enum proc_state {
    PROC_UNINIT,                        /* being made */
    PROC_SLEEPING,
    PROC_RUNNABLE,                      /* in a run queue, or running */
    PROC_ZOMBIE                         /* ended; its parent has not waited yet */
};

/* Why a task sleeps: wait_state. Three bits say what can end the sleep, beside another task:
   WT_INTERRUPTED  a kill: the task is woken, and must end
   WT_OUTSIDE      something that needs no task: a timer, a key, a disk. If all tasks sleep, and
                   none of them so, it is a deadlock
   WT_LIMIT        a limit of time that the task has set before (sched/timer.h); always together
                   with WT_OUTSIDE
   A sleep with none ends only when another task wakes the one that sleeps. */
#define WT_INTERRUPTED  0x80000000
#define WT_OUTSIDE      0x40000000
#define WT_LIMIT        0x20000000
#define WT_CHILD        (0x00000001 | WT_INTERRUPTED)
#define WT_TIMER        (0x00000002 | WT_INTERRUPTED | WT_OUTSIDE)
#define WT_KBD          (0x00000004 | WT_INTERRUPTED | WT_OUTSIDE)
#define WT_KSEM         0x00000100
#define WT_MUTEX        0x00000200
#define WT_DISK         (0x00000800 | WT_OUTSIDE)

struct run_queue;

/* A mutex in the list of what a task holds; kern/sync/mutex.h has the rules. It is defined here so
   that the scheduler can name one that is held where it must not be. */
struct mutex_hold {
    struct mutex_hold *below;           /* the one that the task took before it; NULL: none */
    const char *name;                   /* set once, as the others below */
    uint32_t rank;                      /* enum mutex_rank */
    uint32_t level;                     /* the order of two of one rank */
    IF_CHECK(uint64_t since;)           /* when the task took it */
};

/* What a task waits for, if that is held by somebody: reports and the search for deadlocks ask
   here. It is part of the object, or lies on the stack of the task that waits. */
struct wait_target {
    const char *name;                   /* of what is waited for: "mutex 3" */
    /* The pid of who holds it; 0 if nobody does. NULL for a kernel mutex: its holder is the task
       that has `hold` in its list task->mutexes. */
    int (*holder)(const struct wait_target *target);
    const struct mutex_hold *hold;
};

struct task {
    /* The number of its group, see JOB_ in libs/unistd.h; 0 is the first program's. It changes only
       by the task itself, with proc_lock of the process layer: the task reads it freely. */
    int group;                          /* first member: see struct proc_struct */

    /* Set when the task is made. */
    uintptr_t kstack;                   /* its lowest address */
    struct trapframe *tf;               /* at the top of kstack: of the trap from user mode */

    /* Only touched by the task itself; by the scheduler while it does not run. */
    struct addrspace *as;               /* what it runs on: its process's, or the kernel's */
    struct context context;
    struct fpu_state fpu;               /* valid while tf->status says that FS is clean */
    struct mutex_hold *mutexes;         /* what it holds, the last one taken first; NULL: none */
    struct mutex_hold transaction;      /* in the list while it is in one (fs/journal.h); the level
                                           is how many blocks it may still change */
    const struct wait_target *wait_target;  /* what it waits for; NULL: nothing that is held */

    /* Guarded by the lock of *rq; rq itself changes under the old queue's lock. */
    enum proc_state state;
    bool moves;                         /* between two queues, and in none of them */
    struct run_queue *rq;               /* its hart's queue */
    list_entry_t run_link;              /* in the queue, while it waits there */
    int time_slice;                     /* ticks left */
    uint32_t lab6_priority;             /* with which it runs: its own, or a higher one */
    skew_heap_entry_t lab6_run_pool;    /* in the queue's heap; stride only */
    uint32_t lab6_stride;
    uint16_t donated;                   /* the priority that others give it; 0: nobody does */
    uint16_t own_priority;              /* while others do, its own */
    union {
        uint64_t class_state[2];        /* what else the class keeps: see SCHED_STATE */
        /* No scheduler of this tree uses these names of parts of it. They were multi-level
           feedback's, and a student's scheduler that began as a copy of an older one has them. */
        struct { uint32_t level, epoch; };
    };
    /* EXERCISE 6.C begin extra: fields of struct task */
    uint64_t used;                      /* time, while it waits on that of the queue: sched_own.c */
    /* EXERCISE 6.C end */
    uint32_t wait_state;                /* WT_, while SLEEPING */
    const char *wait_what;              /* in words, for ps and messages */
    uint64_t runs;                      /* how often it was picked */
    uint32_t late;                      /* turns for which chaos.c keeps it back; 0: it does not */

    /* Atomic. */
    bool need_resched;                  /* give up the hart, or end, when leaving the kernel */
    bool killed;                        /* must end; set under the lock of *rq */
    bool expired;                       /* its limit of time is over; set under the lock of *rq */
    bool on_cpu;                        /* its stack is in use; cleared once switched away */
};
