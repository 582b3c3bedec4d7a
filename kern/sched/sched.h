/* The scheduler: which task runs on which hart, and when.

   Each hart has a run queue, which is ordered by the scheduling class that was chosen at boot, one
   for all harts. A hart with nothing to do takes tasks from others. The kernel is not preempted: a
   task runs until it sleeps, yields, exits, or returns to user mode with need_resched set.

   Rules. A task that gives up its hart holds no spinlock but the one that it hands to
   sched_sleep() or sched_exit(), and is not in an interrupt handler. It may come back on another
   hart, so what it knew from this_cpu is old then. Interrupt handlers may call wakeup_proc(),
   sched_kill(), sched_expire() and sched_tick(). The lock of a run queue has the highest rank, so
   it can be taken with any other one held. */
#pragma once

#include <lock/spinlock.h>
#include <sched/task.h>
#include <skew_heap.h>

struct run_queue;

/* A scheduling class. All functions are called with the queue's lock held; a task is in the queue
   from enqueue to dequeue, and not while it runs. What pick_next chooses is dequeued at once, and
   runs here or moves to another hart. */
struct sched_class {
    const char *name;                                       /* for the boot argument sched= */
    void (*init)(struct run_queue *rq);
    void (*enqueue)(struct run_queue *rq, struct task *task);
    void (*dequeue)(struct run_queue *rq, struct task *task);
    struct task *(*pick_next)(struct run_queue *rq);        /* NULL if the queue is empty */
    void (*proc_tick)(struct run_queue *rq, struct task *task);     /* the task ran for a tick */
    const char *exercise;       /* the one that writes it; NULL if it is complete */
    bool by_priority;           /* a task whose priority has risen has another place in the queue:
                                   dequeue and enqueue find it */
};

struct run_queue {
    struct spinlock lock;               /* guards this queue and the tasks whose rq it is */
    uint32_t id;                        /* the hart's cpu number; set once */
    list_entry_t run_list;              /* the waiting tasks, for classes that keep a list */
    skew_heap_entry_t *lab6_run_pool;   /* the same, for stride */
    uint32_t proc_num;                  /* tasks that wait here, without the one that runs */
    int max_time_slice;                 /* in ticks */
    struct task *prev;                  /* switched away from, until sched_finish_switch() */
    struct task *idle;                  /* set once */
    uint64_t class_state[16];           /* what else the class keeps here: see SCHED_STATE */
    struct sched_class class;           /* the one that was chosen: a copy; set once */
};

/* Announce a class: what this file defines by that name is in the table of classes, the section
   .sched_classes of the linker script. So a scheduler is one file that nothing else names. They are
   ordered by `place`, a digit; of equals the linker chooses. The first one is the default, or if
   its exercise is not written yet, the next. A name that is never defined takes no room. */
#define SCHED_CLASS(place, class) \
    extern const struct sched_class class \
        __attribute__((section(".sched_classes." #place)))

/* What the class keeps of a queue or of a task, beside the fields that are there: class_state of
   it, as a pointer to a struct of the class's own. That of a queue has any value before init();
   that of a new task is 0. Guarded by the queue's lock, as all that a class does. */
#define SCHED_STATE(owner, type) ({ \
    _Static_assert(sizeof(type) <= sizeof((owner)->class_state), "too large for class_state"); \
    (type *)(owner)->class_state; })

/* The classes in this kernel, in order. */
extern const struct sched_class sched_classes_start[], sched_classes_end[];
/* The class to use if none is asked for; NULL if there is none at all. */
const struct sched_class *sched_default_class(void);

/* Set up the queues of all harts for this class. Called once at boot, when the harts have their
   numbers. */
void sched_init(const struct sched_class *class);

/* This hart begins to schedule: the caller is its idle task. */
void sched_start(struct task *idle);

/* Let other tasks run; returns when it is this one's turn again, perhaps on another hart. The
   caller is a task, no interrupt handler, and holds no spinlock; interrupts may be on or off, and
   are so afterwards. sched.c says above it what must be so. */
void schedule(void);
/* The system call yield, as the table of system calls has it: as schedule(). There are no
   arguments; the result is 0. */
long do_yield(uint64_t arg[]);

/* In a long piece of work, some times in a millisecond: let other tasks run, if it is their turn.
   Two loads if it is not. As schedule(). */
static inline void sched_give_way(void)
{
    if (unlikely(atomic_load(&this_cpu->task->need_resched)))
        schedule();
}

/* The same in a long walk with one spinlock held: it is released and taken again, so that
   interrupts and other harts come in too. What it guards may have changed then. */
static inline void sched_pause(struct spinlock *lock)
{
    spin_unlock(lock);
    sched_give_way();
    spin_lock(lock);
}

/* Panic if the current task holds a mutex. `what` says what it is about to do, for the message. */
__never_returns void sched_mutexes_panic(const char *what);
static inline void sched_check_mutexes(const char *what)
{
    if (unlikely(this_cpu->task->mutexes != NULL))
        sched_mutexes_panic(what);
}

/* Sleep until wakeup_proc(). Releases `held`, which guards what the caller waits for, in one step
   with falling asleep, so that no wake-up is lost; takes it again before it returns. No other
   spinlock may be held; if wait_state has WT_INTERRUPTED no mutex either. Then it returns false if
   the task was killed; it may not have slept. With WT_LIMIT it also comes back, or does not sleep,
   if task->expired is set. */
bool sched_sleep(struct spinlock *held, uint32_t wait_state, const char *what);

/* Become a zombie: release `held`, which guards what others look at to find that, and never run
   again. No other spinlock and no mutex may be held. */
__never_returns void sched_exit(struct spinlock *held);

/* Make a new or sleeping task runnable. False if it is runnable already, or has ended: then nothing
   changes. In any context, also with spinlocks held but those of run queues. The caller sees to it
   that the task is not freed meanwhile, as by holding the lock of the queue in which it waits. */
bool wakeup_proc(struct task *task);

/* Mark a task to end, and end its sleep if that has WT_INTERRUPTED. It ends itself, when it is
   about to leave the kernel. In any context, as wakeup_proc(). */
void sched_kill(struct task *task);

/* Set task->expired: the time that the task has set itself is over. Ends its sleep if that has
   WT_LIMIT. For timer.c; in any context, as wakeup_proc(). */
void sched_expire(struct task *task);

/* From 1 to MAX_PRIORITY; what is below or above is taken for these, whatever the class. A higher
   one would let a program keep others away for minutes: beside one of MAX_PRIORITY a task of
   priority 1 has one turn in 101, in about 5 s. */
#define MAX_PRIORITY    100
void sched_set_priority(struct task *task, uint64_t priority);
/* The task runs with this priority as long as its own is lower; 0: with its own. A child that it
   makes meanwhile begins with its own too. Returns the one with which it runs now. It may run, wait
   or sleep, on any hart. In any context, as wakeup_proc(). */
uint32_t sched_donate(struct task *task, uint32_t priority);

/* Go over to another address space, for the current task: this hart uses its page table from now on
   and whenever the task runs. In any context of that task; does not sleep. */
void sched_set_addrspace(struct addrspace *as);

/* Wait until a zombie has left its stack, a few instructions from now: spins. Afterwards the stack
   may be freed. No lock of a run queue may be held. */
void sched_wait_off_cpu(const struct task *task);

/* The first thing that a new task does: it completes the switch to it, by releasing the lock of the
   run queue. Interrupts stay off. */
void sched_finish_switch(void);

/* From the timer interrupt of each hart: the current task has run for a tick, 10 ms. It may be told
   by need_resched to give way. */
void sched_tick(void);

/* For idle tasks, interrupts off: sleep until an interrupt, unless there is a task to run. Before
   it sleeps it calls before_wait(), which sees to it that a timer interrupts in time. */
void sched_idle_wait(void (*before_wait)(void));
/* For idle tasks: if this hart has no task that waits, take one from another hart. */
void sched_steal(void);

/* Do all tasks sleep, and can nothing outside of them wake one (WT_OUTSIDE)? From anywhere. */
bool sched_all_asleep(void);
/* How often harts have become idle, all together. While it stays the same, and all tasks sleep, it
   is the same sleep. Takes the locks of the queues. */
uint64_t sched_idle_turns(void);
