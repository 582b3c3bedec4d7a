/* Switching from task to task, sleeping and waking.

   A task gives up its hart in three ways, each a function here: schedule() lets others run,
   sched_sleep() waits until wakeup_proc(), sched_exit() ends. All end in switch_away(), which picks
   the next task of this hart's queue, or its idle task, and goes to it. The kernel is not
   preempted: nothing else takes the hart away from a task in the kernel. An interrupt can only ask
   for it, by need_resched, and a program obeys when it leaves the kernel.

   The queue's lock is taken by the task that gives up the hart and released by the one that goes on
   there: no other hart sees a task that is half switched. A wake-up is not lost between the look at
   a condition and the sleep, because the caller's lock, which guards the condition, is released
   only when the task is marked as asleep. Ranks: the caller's lock first, then the queue's. */
#include <sched/balance.h>
#include <sched/runqueue.h>

/* Atomic: how many tasks run, could run, or sleep until something outside of the tasks wakes them
   (WT_OUTSIDE). If it is 0 no task can ever wake another one. A task that wakes another adds 1 for
   it before it falls asleep itself, so the sum is never 0 in between. */
static uint32_t hopeful_tasks;

/* fpu_switch() under the name and with the arguments that exercise 4.3 has for it. */
static void switch_fpu(struct task *prev, struct task *next)
{
    fpu_switch(&prev->fpu, prev->tf, &next->fpu, next->tf);
}

/* Switch this hart from the current task to `next`. It returns when the current task is picked
   again, later and perhaps on another hart: see finish_switch(). The lock of the hart's queue is
   held all the way, and interrupts are off, so nothing sees a task that is half switched. */
static inline void proc_run(struct run_queue *rq, struct task *next)
{
    /* EXERCISE 4.3 begin: proc_run */
    struct task *prev = this_cpu->task;

    rq->prev = prev;
    next->on_cpu = true;
    next->runs++;
    this_cpu->task = next;
    this_cpu->user_tf = next->tf;
    if (prev->as != next->as)
        addrspace_switch(prev->as, next->as);
    if ((prev->tf->status | next->tf->status) & SSTATUS_FS)
        switch_fpu(prev, next);
    switch_to(&prev->context, &next->context);
    /* EXERCISE 4.3 end */
}

/* What comes after switch_to(), and who is here. switch_to() was called by one task and returns to
   another one, at the place where that one had called it, long ago: registers, stack and local
   variables are those of then. So of what the caller of proc_run() had computed, nothing about the
   hart is right any more: `rq` was the queue of the hart that the task left. this_cpu is right,
   because tp belongs to the hart and is not switched. A task that never ran before does not come
   back here: it begins in sched_finish_switch().

   The task that was switched away from cannot say that its stack is free: it does not run. So it is
   said for it by the one that goes on, who finds it in rq->prev. This hart writes nothing more to
   that stack after the store; the release (Unprivileged spec 20191213, 14.1, rule 6, here by a
   fence, rule 4) pairs with the acquire (rule 5) in sched_wait_off_cpu(). Returns the queue of this
   hart, which is locked. */
static inline struct run_queue *finish_switch(void)
{
    struct run_queue *rq = this_rq();

    atomic_store_release(&rq->prev->on_cpu, false);
    return rq;
}

/* A new task starts with interrupts off, whatever the task before it had: trap_return() turns them
   on with the jump to user mode. */
void sched_finish_switch(void)
{
    struct run_queue *rq = finish_switch();

    this_cpu->locks_held &= ~HELD_WAS_ON;
    spin_unlock(&rq->lock);
}

/* The first step of giving up the hart: lock its queue, and return that. need_resched is cleared
   because the wish is granted; but a task that was killed must still end. */
static inline struct run_queue *begin_switch(struct task *task)
{
    struct run_queue *rq = task->rq;

    spin_lock(&rq->lock);
    atomic_store(&task->need_resched, task->killed);
    return rq;
}

/* Pick the next task of this hart and go to it. The caller has changed its own state before, and is
   in the queue, or sleeps, or has ended; rq is this hart's queue, locked, and the only spinlock. It
   returns when the task goes on; then no spinlock is held.

   this_cpu->locks_held is the hart's, and says beside the queue's lock whether interrupts were on
   when this task took its first one. That part is kept here, on the task's stack, while others run.

   What is needed only after the calls of the class is read after them: each value that is kept
   over a call is one register more to save. */
static __always_inlined void switch_away(struct run_queue *rq)
{
    struct task *next = rq->class.pick_next(rq);

    if (next != NULL)
        dequeue(rq, next);
    else
        next = rq->idle;

    uint32_t held = this_cpu->locks_held;

    IF_CHECK(if ((held & ~(HELD_WAS_ON | HELD_CHAOS)) != RANK_RUNQUEUE) check_tell_locks());
    if (unlikely((held & ~(HELD_WAS_ON | HELD_CHAOS)) != RANK_RUNQUEUE))
        panic("a task gives up the hart while it holds a spinlock (ranks held: %#x), or after an "
              "irq_push()", held & HELD_RANKS);
    if (next == this_cpu->task) {
        spin_unlock(&rq->lock);
        return;
    }
    proc_run(rq, next);
    spin_unlock_to(&finish_switch()->lock, held ^ RANK_RUNQUEUE);
}

/* What schedule() and do_yield() are both made of. */
static __always_inlined void let_others_run(void)
{
    struct task *task = this_cpu->task;
    struct run_queue *rq = begin_switch(task);

    if (task != rq->idle)
        enqueue(rq, task);
    switch_away(rq);
}

/* Four things must be so when this is called, as for all that gives up the hart:
   1. The caller is a task, on its own kernel stack, and no interrupt handler: a handler would stop
      the task that it interrupted at a place where that one may hold a lock.
   2. It holds no spinlock. Another task may want the lock, and the one that holds it would not run.
      It may hold mutexes. switch_away() panics for a spinlock.
   3. It is ready to run again at once: it will be picked without anybody waking it. Whoever waits
      for something sleeps by sched_sleep(), which cannot lose a wake-up.
   4. It holds nothing of this hart: no pointer or number that it had from this_cpu, which is
      another one afterwards, and sstatus.SUM is 0, because the switch saves no CSR. An idle task is
      in no queue: it runs when there is nothing else. */
void schedule(void)
{
    let_others_run();
}

/* A function that only calls schedule() would be enough, but the compiler makes a stack frame for
   it, which costs as much as a spinlock. */
long do_yield(__not_used uint64_t arg[])
{
    let_others_run();
    return 0;
}

/* A task falls asleep or ends (-1), or becomes runnable (1). One whose sleep something outside can
   end counts all the time. */
static inline void count_hopeful(const struct task *task, int change)
{
    if (!(task->wait_state & WT_OUTSIDE))
        /* no pair: a count, looked at when all harts are idle */
        atomic_add(&hopeful_tasks, change);
}

/* Put a task that sleeps, or is new, into its queue, which is locked. wait_state is cleared last,
   because a class may favour tasks that have slept. */
static inline void make_runnable(struct run_queue *rq, struct task *task)
{
    count_hopeful(task, 1);
    task->state = PROC_RUNNABLE;
    enqueue(rq, task);
    task->wait_state = 0;
}

void sched_mutexes_panic(const char *what)
{
    panic("a task %s while it holds the mutex \"%s\"", what, this_cpu->task->mutexes->name);
}

/* Has what may end a sleep of this kind come already, before the sleep? With the task's queue
   locked. */
static inline bool sleep_is_over(const struct task *task, uint32_t wait_state)
{
    return ((wait_state & WT_INTERRUPTED) && task->killed)
           || ((wait_state & WT_LIMIT) && task->expired);
}

/* The current task falls asleep or ends. Its state is changed while the caller's lock is still
   held, so that whoever takes that lock next, to wake it or to look at it, finds it so. One that
   has been killed is put into the queue instead of into a sleep that a kill may end, and so is one
   whose limit of time is over; the state stays RUNNABLE then. Returns this hart's queue,
   locked. It is inlined: each sleep goes through here. */
static __always_inlined struct run_queue *leave_with_state(
    struct spinlock *held, enum proc_state state, uint32_t wait_state, const char *what)
{
    struct task *task = this_cpu->task;

    assert(spin_held(held) && task != task->rq->idle);
    if (state == PROC_ZOMBIE)
        sched_check_mutexes("ends");
    else if (wait_state & WT_INTERRUPTED)
        sched_check_mutexes("sleeps for what may never come");
    struct run_queue *rq = begin_switch(task);
    if (sleep_is_over(task, wait_state)) {
        enqueue(rq, task);
    } else {
        task->wait_state = wait_state;
        task->wait_what = what;
        /* pairs with describe_locked() in inspect.c */
        atomic_store_release(&task->state, state);      /* last: reports read it without the lock */
        count_hopeful(task, -1);
    }
    spin_unlock(held);
    return rq;
}

bool sched_sleep(struct spinlock *held, uint32_t wait_state, const char *what)
{
    switch_away(leave_with_state(held, PROC_SLEEPING, wait_state, what));
    spin_lock(held);
    return !((wait_state & WT_INTERRUPTED) && atomic_load(&this_cpu->task->killed));
}

void sched_exit(struct spinlock *held)
{
    switch_away(leave_with_state(held, PROC_ZOMBIE, 0, ""));
    panic("a zombie was scheduled");
}

/* A new task belongs to this hart. If it has the priority of its maker, the current task, that is
   the maker's own and not what others have lent him. Others may lend just then; it is before that,
   or after. */
static void begin_here(struct task *task)
{
    const struct task *parent = this_cpu->task;

    task->rq = this_rq();
    if (atomic_load(&parent->donated) && task->lab6_priority == atomic_load(&parent->lab6_priority))
        task->lab6_priority = atomic_load(&parent->own_priority);
}

/* The end of each wake-up: unlock the task's queue, and before that put the task into it, if `wake`
   says so. Returns that. */
static __always_inlined bool wake_if(struct run_queue *rq, struct task *task, bool wake)
{
    if (wake)
        make_runnable(rq, task);
    spin_unlock(&rq->lock);
    if (wake)
        kick_home(rq);
    return wake;
}

/* With the caller's lock held the task cannot begin to sleep for the same reason meanwhile; without
   one it may be in any state. A new task belongs to no hart yet: it goes to this one. */
bool wakeup_proc(struct task *task)
{
    if (atomic_load(&task->rq) == NULL)
        begin_here(task);
    struct run_queue *rq = task_rq_lock(task);

    return wake_if(rq, task, task->state == PROC_SLEEPING || task->state == PROC_UNINIT);
}

/* With the queue locked the task is either asleep already, and is woken, or sees `killed` before it
   falls asleep, in leave_with_state(). need_resched is set too, so that there is one flag to look
   at on the way out of the kernel. */
void sched_kill(struct task *task)
{
    struct run_queue *rq = task_rq_lock(task);

    atomic_store(&task->killed, true);
    atomic_store(&task->need_resched, true);
    wake_if(rq, task, task->state == PROC_SLEEPING && (task->wait_state & WT_INTERRUPTED));
}

/* As with a kill: it is asleep already, or sees the flag before it falls asleep. */
void sched_expire(struct task *task)
{
    struct run_queue *rq = task_rq_lock(task);

    atomic_store(&task->expired, true);
    wake_if(rq, task, task->state == PROC_SLEEPING && (task->wait_state & WT_LIMIT));
}

/* Does the task wait in this queue, which is its own and locked? One that runs, or moves from one
   queue to another, is runnable and in none. The acquire pairs with sched_steal() in balance.c:
   who sees the new queue sees that the task moves (Unprivileged spec 20191213, 14.1, rules 4
   and 5). */
static bool is_queued(const struct run_queue *rq, const struct task *task)
{
    return atomic_load_acquire(&task->rq) == rq && task->state == PROC_RUNNABLE && !task->on_cpu
           && !task->moves;
}

/* Its own priority, and what others give it. A task that waits, and runs with a higher one from now
   on, is put into the queue anew: there it may have paid for its last turn by the lower one, and be
   far behind. With the queue locked. */
static void set_priorities(struct run_queue *rq, struct task *task, uint32_t own, uint32_t donated)
{
    uint32_t priority = donated > own ? donated : own;
    bool again = priority > task->lab6_priority && rq->class.by_priority && is_queued(rq, task);

    if (again)
        dequeue(rq, task);
    task->lab6_priority = priority;
    task->own_priority = own;
    task->donated = donated;
    if (again)
        enqueue(rq, task);
}

void sched_set_priority(struct task *task, uint64_t priority)
{
    if (priority == 0)
        priority = 1;
    if (priority > MAX_PRIORITY)
        priority = MAX_PRIORITY;
    struct run_queue *rq = task_rq_lock(task);

    set_priorities(rq, task, priority, task->donated);
    spin_unlock(&rq->lock);
}

uint32_t sched_donate(struct task *task, uint32_t priority)
{
    struct run_queue *rq = task_rq_lock(task);
    uint32_t own = task->donated != 0 ? task->own_priority : task->lab6_priority;

    set_priorities(rq, task, own, priority);
    uint32_t now = task->lab6_priority;
    spin_unlock(&rq->lock);
    return now;
}

void sched_set_addrspace(struct addrspace *as)
{
    irq_push();
    struct task *task = this_cpu->task;
    struct addrspace *old = task->as;

    if (old != as) {
        task->as = as;
        addrspace_switch(old, as);
    }
    irq_pop();
}

void sched_wait_off_cpu(const struct task *task)
{
    /* pairs with finish_switch() */
    while (atomic_load_acquire(&task->on_cpu))
        cpu_relax();
}

/* A tick may have up to 256 parts, which are as long as one: see timer_leave_rest(). */
void sched_tick(void)
{
    struct run_queue *rq = this_rq();
    struct task *task = this_cpu->task;

    bool first = this_cpu->tick_part == 0;

    this_cpu->tick_part = this_cpu->tick_goes_on ? this_cpu->tick_part + 1 : 0;
    this_cpu->tick_goes_on = false;
    if (task == rq->idle)
        return;
    spin_lock(&rq->lock);
    if (first)
        rq->class.proc_tick(rq, task);
    bool waiting = rq->proc_num > 0;
    spin_unlock(&rq->lock);
    if (waiting)
        kick_idle_hart(-1U);
}

/* One word, so its values have one order for all harts, and each of them was true at a time. Once
   it is 0 it stays 0, but for what the console may still do. */
bool sched_all_asleep(void)
{
    return atomic_load(&hopeful_tasks) == 0;
}

/* A task falls asleep, and its hart becomes idle, with the queue locked: who sees the first and
   then locks the queue sees the second too. */
uint64_t sched_idle_turns(void)
{
    uint64_t turns = 0;

    for (uint32_t i = 0; i < cpu_count; i++) {
        spin_lock(&run_queues[i].lock);
        if (run_queues[i].idle != NULL)
            turns += run_queues[i].idle->runs;
        spin_unlock(&run_queues[i].lock);
    }
    return turns;
}
