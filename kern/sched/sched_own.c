/* A scheduler of one's own; the boot argument `sched=own` chooses it.

   The line SCHED_CLASS() below announces it: as soon as this file defines own_sched_class, it is in
   the kernel's table of classes, and no other file needs to know of it. sched/sched.h tells what
   its functions must do. They are called with the lock of the queue held and interrupts off, so
   they may not sleep and need no lock of their own. What is kept of a queue may be in its
   class_state, by SCHED_STATE(); what is kept of a task may be there too, or in fields that are
   added to struct task. */
#include <sched/sched.h>
#include <string.h>

SCHED_CLASS(9, own_sched_class);

/* EXERCISE 6.C begin extra: own_sched_class */
/* Fair: the task that has had the least time runs next. Time is counted in ticks that a task has
   really used, not in turns, and passes the slower the higher its priority is. Only what it used in
   its last turn stays with a task; the rest is the queue's. So a new task owes nothing, and one of
   another hart goes on with those here. One that sleeps saves up a tick, to answer at once. */
#define TICK    1000

/* Where the task was that ran last. */
static uint64_t *reached(struct run_queue *rq)
{
    return SCHED_STATE(rq, uint64_t);
}

static void own_init(struct run_queue *rq)
{
    list_init(&rq->run_list);
    *reached(rq) = TICK;
}

/* The list is ordered by time, equals as they came. */
static void own_enqueue(struct run_queue *rq, struct task *task)
{
    list_entry_t *pos = list_prev(&rq->run_list);

    task->used += *reached(rq) - (task->wait_state != 0 ? TICK : 0);
    while (pos != &rq->run_list && to_struct(pos, struct task, run_link)->used > task->used)
        pos = list_prev(pos);
    list_add_after(pos, &task->run_link);
}

static void own_dequeue(__not_used struct run_queue *rq, struct task *task)
{
    list_del_init(&task->run_link);
}

/* A turn costs something, even if no tick falls into it. */
static struct task *own_pick_next(struct run_queue *rq)
{
    if (list_empty(&rq->run_list))
        return NULL;
    struct task *task = to_struct(list_next(&rq->run_list), struct task, run_link);
    if (*reached(rq) < task->used)
        *reached(rq) = task->used;
    task->used = 1;
    return task;
}

static void own_proc_tick(struct run_queue *rq, struct task *task)
{
    task->used += TICK / (task->lab6_priority > 0 ? task->lab6_priority : 1);
    if (list_empty(&rq->run_list)) {    /* nobody is kept waiting: nothing is owed for this */
        *reached(rq) += task->used;
        task->used = 0;
        return;
    }
    struct task *first = to_struct(list_next(&rq->run_list), struct task, run_link);
    if (*reached(rq) + task->used > first->used)
        atomic_store(&task->need_resched, true);
}

const struct sched_class own_sched_class = {
    .name = "own",
    .init = own_init,
    .enqueue = own_enqueue,
    .dequeue = own_dequeue,
    .pick_next = own_pick_next,
    .proc_tick = own_proc_tick,
};
/* EXERCISE 6.C end */
