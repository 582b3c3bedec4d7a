/* Run queues, switching, sleeping and waking. */
#include <riscv/sbi.h>
#include <sched/sched.h>
#include <sched/timer.h>

#define MAX_TIME_SLICE  5

static const struct sched_class *sched_class;           /* set once at boot */

static struct run_queue run_queues[MAX_HARTS];          /* by cpu number */

static uint32_t idle_harts;         /* atomic: a bit for each cpu that waits for work */

/* Atomic: tasks that run or could, plus KEYBOARD_WAITER for each that sleeps until a key is
   pressed. One word, changed once for each task that falls asleep or wakes: 0 is a deadlock, unless
   a timer is pending. */
static uint64_t hopeful_tasks;
#define KEYBOARD_WAITER (1UL << 32)

const struct sched_class *sched_default_class(void)
{
    for (const struct sched_class *class = sched_classes_start; class < sched_classes_end; class++)
        if (class->exercise == NULL || is_written(class->exercise))
            return class;
    return NULL;
}

void sched_init(const struct sched_class *class)
{
    sched_class = class;
    for (uint32_t i = 0; i < cpu_count; i++) {
        run_queues[i].lock = (struct spinlock)SPINLOCK_INIT("run queue", RANK_RUNQUEUE);
        run_queues[i].id = i;
        run_queues[i].max_time_slice = MAX_TIME_SLICE;
        sched_class->init(&run_queues[i]);
    }
}

const struct sched_class *sched_class_chosen(void)
{
    return sched_class;
}

void sched_start(struct task *idle)
{
    idle->state = PROC_RUNNABLE;
    idle->on_cpu = true;
    idle->rq = &run_queues[this_cpu->id];
    idle->rq->idle = idle;
    this_cpu->task = idle;
    this_cpu->user_tf = idle->tf;
}

/* The queue of this hart: a task that runs belongs to it. */
static inline struct run_queue *this_rq(void)
{
    return this_cpu->task->rq;
}

/* Lock the queue that a task belongs to: it may move until its queue is locked. */
static struct run_queue *task_rq_lock(struct task *task)
{
    for (;;) {
        struct run_queue *rq = atomic_load(&task->rq);

        spin_lock(&rq->lock);
        if (rq == atomic_load(&task->rq))
            return rq;
        spin_unlock(&rq->lock);
    }
}

static inline void enqueue(struct run_queue *rq, struct task *task)
{
    sched_class->enqueue(rq, task);
    atomic_store(&rq->proc_num, rq->proc_num + 1);
}

static inline void dequeue(struct run_queue *rq, struct task *task)
{
    sched_class->dequeue(rq, task);
    atomic_store(&rq->proc_num, rq->proc_num - 1);
}

/* fpu_switch() under the name and with the arguments that proc_run() has for it. */
static void switch_fpu(struct task *prev, struct task *next)
{
    fpu_switch(&prev->fpu, prev->tf, &next->fpu, next->tf);
}

/* Switch this hart to another task; returns when prev is picked again. The lock of the hart's queue
   is held all the way, so nobody sees prev half switched. */
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

/* After proc_run, on the stack of the task that goes on. */
static inline struct run_queue *finish_switch(void)
{
    struct run_queue *rq = this_rq();

    atomic_store_release(&rq->prev->on_cpu, false);
    return rq;
}

void sched_finish_switch(void)
{
    struct run_queue *rq = finish_switch();

    this_cpu->irq_was_on = false;
    spin_unlock(&rq->lock);
}

/* Pick the next task and go to it; the caller has dealt with its own state. The queue is locked;
   returns the locked queue of the hart that it came back on. */
static __always_inlined struct run_queue *switch_away(struct run_queue *rq)
{
    struct task *prev = this_cpu->task;
    struct task *next = sched_class->pick_next(rq);
    bool irq_was_on = this_cpu->irq_was_on;     /* belongs to this task, not to the hart */

    if (this_cpu->irq_depth != 1)
        panic("a task gives up the hart while it holds a spinlock (ranks held: %#x)",
              this_cpu->held_ranks);
    if (next != NULL)
        dequeue(rq, next);
    else
        next = rq->idle;
    atomic_store(&prev->need_resched, prev->killed);    /* who was killed must still end */
    if (next != prev) {
        proc_run(rq, next);
        rq = finish_switch();
    }
    this_cpu->irq_was_on = irq_was_on;
    return rq;
}

void schedule(void)
{
    struct run_queue *rq = this_rq();
    struct task *task = this_cpu->task;

    spin_lock(&rq->lock);
    if (task != rq->idle)
        enqueue(rq, task);
    rq = switch_away(rq);
    spin_unlock(&rq->lock);
}

/* A task falls asleep or ends: one runnable less, maybe one more that waits for a key. Or it
   wakes. */
static void count_hopeful(const struct task *task, bool wakes)
{
    int64_t change = task->wait_state == WT_KBD ? 1 - (int64_t)KEYBOARD_WAITER : 1;

    __atomic_fetch_add(&hopeful_tasks, wakes ? change : -change, __ATOMIC_SEQ_CST);
}

static void make_runnable(struct run_queue *rq, struct task *task)
{
    count_hopeful(task, true);
    task->state = PROC_RUNNABLE;
    enqueue(rq, task);
    task->wait_state = 0;               /* after it: a class may favour who slept */
}

void sched_mutexes_panic(const char *what)
{
    panic("a task %s while it holds the mutex \"%s\"", what, this_cpu->task->mutexes->name);
}

/* Change the current task's state while the caller's lock is still held, so that whoever takes that
   lock next sees it. Who has been killed goes to the end of the queue instead of to an
   interruptible sleep. Returns this hart's queue, locked. */
static struct run_queue *leave_with_state(struct spinlock *held, enum proc_state state,
                                          uint32_t wait_state, const char *what)
{
    struct task *task = this_cpu->task;
    struct run_queue *rq = task->rq;

    assert(spin_held(held) && task != rq->idle);
    if (state == PROC_ZOMBIE)
        sched_check_mutexes("ends");
    else if (wait_state & WT_INTERRUPTED)
        sched_check_mutexes("sleeps for what may never come");
    spin_lock(&rq->lock);
    if ((wait_state & WT_INTERRUPTED) && task->killed) {
        enqueue(rq, task);
    } else {
        task->wait_state = wait_state;
        task->wait_what = what;
        atomic_store_release(&task->state, state);      /* last: reports read it without the lock */
        count_hopeful(task, false);
    }
    spin_unlock(held);
    return rq;
}

bool sched_sleep(struct spinlock *held, uint32_t wait_state, const char *what)
{
    struct run_queue *rq = leave_with_state(held, PROC_SLEEPING, wait_state, what);

    rq = switch_away(rq);
    bool killed = (wait_state & WT_INTERRUPTED) && this_cpu->task->killed;
    spin_unlock(&rq->lock);
    spin_lock(held);
    return !killed;
}

void sched_exit(struct spinlock *held)
{
    switch_away(leave_with_state(held, PROC_ZOMBIE, 0, ""));
    panic("a zombie was scheduled");
}

/* Interrupt one of these harts, if any of them waits for work; so it looks for it. */
static void kick_idle_hart(uint32_t candidates)
{
    memory_barrier();           /* the queued task first, then who waits; see sched_idle_wait */
    uint32_t waiting = atomic_load(&idle_harts) & candidates & ~(1U << this_cpu->id);
    uint32_t target = waiting & -waiting;

    if (unlikely(waiting != 0) && (atomic_and(&idle_harts, ~target) & target))
        sbi_send_ipi(cpu_hart_mask(target));
}

/* A task goes back to the hart where it ran, whose caches know it. That hart is woken where it is
   idle. Others are not: a child that its parent waits for is run sooner here than elsewhere. They
   are called at the next tick, if it still waits. */
static void kick_home(struct run_queue *rq)
{
    kick_idle_hart(1U << rq->id);
}

bool wakeup_proc(struct task *task)
{
    irq_push();
    if (task->rq == NULL)
        task->rq = this_rq();
    struct run_queue *rq = task_rq_lock(task);
    bool asleep = task->state == PROC_SLEEPING || task->state == PROC_UNINIT;

    if (asleep)
        make_runnable(rq, task);
    spin_unlock(&rq->lock);
    if (asleep)
        kick_home(rq);
    irq_pop();
    return asleep;
}

void sched_kill(struct task *task)
{
    irq_push();
    struct run_queue *rq = task_rq_lock(task);
    bool wake = task->state == PROC_SLEEPING && (task->wait_state & WT_INTERRUPTED);

    atomic_store(&task->killed, true);
    atomic_store(&task->need_resched, true);    /* one flag to look at when leaving the kernel */
    if (wake)
        make_runnable(rq, task);
    spin_unlock(&rq->lock);
    if (wake)
        kick_home(rq);
    irq_pop();
}

void sched_set_priority(struct task *task, uint64_t priority)
{
    if (priority == 0)
        priority = 1;
    if (priority > MAX_PRIORITY)
        priority = MAX_PRIORITY;
    struct run_queue *rq = task_rq_lock(task);

    task->lab6_priority = priority;
    spin_unlock(&rq->lock);
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
    while (atomic_load_acquire(&task->on_cpu))
        cpu_relax();
}

void sched_tick(void)
{
    struct run_queue *rq = this_rq();
    struct task *task = this_cpu->task;

    if (task == rq->idle)
        return;
    spin_lock(&rq->lock);
    sched_class->proc_tick(rq, task);
    bool waiting = rq->proc_num > 0;
    spin_unlock(&rq->lock);
    if (waiting)
        kick_idle_hart(-1U);
}

/* The queue of a hart that has a task to spare; NULL where there is none. Read without locks. */
static struct run_queue *busy_queue(void)
{
    for (uint32_t i = 0; i < cpu_count; i++)
        if (atomic_load(&run_queues[i].proc_num) > 0)
            return &run_queues[i];
    return NULL;
}

/* The bit comes first, then the look at the queues; kick_idle_hart() does it the other way round.
   wfi ends with a pending interrupt though interrupts are off; the caller takes it afterwards. */
void sched_idle_wait(void)
{
    uint32_t bit = 1U << this_cpu->id;

    assert(!irq_enabled());
    atomic_or(&idle_harts, bit);
    if (busy_queue() == NULL) {
        timer_arm_idle();
        wait_for_interrupt();
    }
    atomic_and(&idle_harts, ~bit);
}

/* Only one lock is held at a time: the task changes its owner under the old queue's lock and is in
   no queue until the new one has it. Meanwhile it is RUNNABLE, so that nobody tries to enqueue
   it. */
void sched_steal(void)
{
    struct run_queue *rq = this_rq(), *victim = busy_queue();

    if (victim == NULL || victim == rq)
        return;
    spin_lock(&victim->lock);
    struct task *task = sched_class->pick_next(victim);
    if (task != NULL) {
        dequeue(victim, task);
        atomic_store(&task->rq, rq);
    }
    spin_unlock(&victim->lock);
    if (task != NULL) {
        spin_lock(&rq->lock);
        enqueue(rq, task);
        spin_unlock(&rq->lock);
    }
}

bool sched_all_asleep(void)
{
    return __atomic_load_n(&hopeful_tasks, __ATOMIC_SEQ_CST) == 0;
}
