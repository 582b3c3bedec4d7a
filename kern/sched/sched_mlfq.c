/* Multi-level feedback. A task begins at level 0, the highest, and comes down a level whenever it
   has used up that level's time; lower levels wait for higher ones and have longer turns. So
   programs that mostly wait, for a key say, stay high and answer at once, and those that compute
   come down. Every BOOST_TICKS all go back to level 0, so that none waits for ever.

   A turn at level n is 2^n ticks. What is kept of a queue, a list for each level, is struct
   mlfq_queue in its class_state; of a task it is struct mlfq_task in the task's, and `time_slice`.
   As in each class, all functions are called with the queue's lock held, and none sleeps. */
#include <sched/sched.h>

SCHED_CLASS(2, mlfq_sched_class);

#define LEVELS          4
#define BOOST_TICKS     100

/* What is kept of a run queue. */
struct mlfq_queue {
    list_entry_t waiting[LEVELS];
    uint32_t ticks;                 /* since the last boost */
    uint32_t epoch;                 /* how many boosts there were */
};

/* What is kept of a task. All 0 is right for a new one. */
struct mlfq_task {
    uint32_t level;                 /* 0 is the highest */
    uint32_t epoch;                 /* the queue's, when the task was enqueued last */
};

static struct mlfq_queue *levels_of(struct run_queue *rq)
{
    return SCHED_STATE(rq, struct mlfq_queue);
}

static struct mlfq_task *place_of(struct task *task)
{
    return SCHED_STATE(task, struct mlfq_task);
}

static void mlfq_init(struct run_queue *rq)
{
    struct mlfq_queue *levels = levels_of(rq);

    for (int level = 0; level < LEVELS; level++)
        list_init(&levels->waiting[level]);
    levels->ticks = levels->epoch = 0;
}

/* A new turn at this level, with all of its time. */
static void enter_level(struct task *task, uint32_t level)
{
    place_of(task)->level = level;
    task->time_slice = 1 << level;
}

/* The time left at a level stays with the task over its sleeps: a program that sleeps for a moment
   before each tick gains nothing. But a task that comes from a sleep goes before the others of its
   level, and so answers at the next tick. If there was a boost since it was here last, it begins at
   level 0 again: epoch tells, and the boost need not look for tasks that sleep or run. */
static void mlfq_enqueue(struct run_queue *rq, struct task *task)
{
    struct mlfq_queue *levels = levels_of(rq);
    struct mlfq_task *place = place_of(task);

    if (task->runs == 0 || place->epoch != levels->epoch)
        enter_level(task, 0);
    else if (task->time_slice <= 0)
        enter_level(task, place->level < LEVELS - 1 ? place->level + 1 : place->level);
    place->epoch = levels->epoch;
    list_entry_t *waiting = &levels->waiting[place->level];
    if (task->wait_state != 0)
        list_add_after(waiting, &task->run_link);
    else
        list_add_before(waiting, &task->run_link);
}

static void mlfq_dequeue(__not_used struct run_queue *rq, struct task *task)
{
    list_del_init(&task->run_link);
}

/* The first of the highest level that has any. Four lists: it costs the same for any number. */
static struct task *mlfq_pick_next(struct run_queue *rq)
{
    for (int level = 0; level < LEVELS; level++) {
        list_entry_t *waiting = &levels_of(rq)->waiting[level];

        if (!list_empty(waiting))
            return to_struct(list_next(waiting), struct task, run_link);
    }
    return NULL;
}

/* All that wait go to level 0 now; those that run or sleep do when they are enqueued next. Each
   goes behind those that are there: the order among them stays. */
static void boost(struct run_queue *rq)
{
    struct mlfq_queue *levels = levels_of(rq);

    levels->ticks = 0;
    levels->epoch++;
    for (int level = 1; level < LEVELS; level++) {
        list_entry_t *waiting = &levels->waiting[level];

        while (!list_empty(waiting)) {
            struct task *task = to_struct(list_next(waiting), struct task, run_link);

            list_del(&task->run_link);
            mlfq_enqueue(rq, task);
        }
    }
}

/* The task gives way when its time at this level is used up, and also if a task of a higher level
   has come meanwhile. */
static void mlfq_proc_tick(struct run_queue *rq, struct task *task)
{
    if (++levels_of(rq)->ticks >= BOOST_TICKS)
        boost(rq);
    task->time_slice--;
    struct task *first = mlfq_pick_next(rq);
    if (task->time_slice <= 0 || (first != NULL && place_of(first)->level < place_of(task)->level))
        atomic_store(&task->need_resched, true);
}

const struct sched_class mlfq_sched_class = {
    .name = "mlfq",
    .init = mlfq_init,
    .enqueue = mlfq_enqueue,
    .dequeue = mlfq_dequeue,
    .pick_next = mlfq_pick_next,
    .proc_tick = mlfq_proc_tick,
};
