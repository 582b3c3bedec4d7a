/* Stride scheduling (Waldspurger and Weihl, 1995). Each task has a stride, its place on a road that
   all travel: the one that is furthest behind runs next, and each turn takes it a step on that is
   the shorter the higher its priority is. So turns are in proportion to priorities.

   The queue is a skew heap, rq->lab6_run_pool, so that the next task is found without a search
   however many wait. What is kept of a task is lab6_stride, its place on the road, and time_slice.
   All functions are called with the queue's lock held, and none sleeps. */
#include <sched/sched.h>

SCHED_CLASS(4, stride_sched_class);

/* EXERCISE 6.2 begin extra: constants, variables, helpers */
/* Strides wrap around. No step is longer than BIG_STRIDE, so all tasks in the queue lie within that
   of each other, and the sign of the 32-bit difference tells who is behind. */
#define BIG_STRIDE  0x7fffffffU

/* Where the task was that ran last. Nobody in the queue is behind it. */
static uint32_t *passed(struct run_queue *rq)
{
    return SCHED_STATE(rq, uint32_t);
}

static int by_stride(void *a, void *b)
{
    uint32_t first = to_struct(a, struct task, lab6_run_pool)->lab6_stride;
    uint32_t second = to_struct(b, struct task, lab6_run_pool)->lab6_stride;
    return (int32_t)(first - second);
}

static uint32_t step(const struct task *task)
{
    return BIG_STRIDE / (task->lab6_priority > 0 ? task->lab6_priority : 1);
}
/* EXERCISE 6.2 end */

static void stride_init(struct run_queue *rq)
{
    /* EXERCISE 6.2 begin: stride_init */
    rq->lab6_run_pool = NULL;
    *passed(rq) = 0;
    /* EXERCISE 6.2 end */
}

static void stride_enqueue(struct run_queue *rq, struct task *task)
{
    /* EXERCISE 6.2 begin: stride_enqueue */
    /* A task that is new here, or slept while others went on, joins where they are now: it is owed
       no turns. All others are at most a step ahead of the one that ran last. */
    if (task->runs == 0 || task->lab6_stride - *passed(rq) > step(task))
        task->lab6_stride = *passed(rq);
    task->time_slice = rq->max_time_slice;      /* each turn is paid for, and is a whole one */
    rq->lab6_run_pool = skew_heap_insert(rq->lab6_run_pool, &task->lab6_run_pool, by_stride);
    /* EXERCISE 6.2 end */
}

static void stride_dequeue(struct run_queue *rq, struct task *task)
{
    /* EXERCISE 6.2 begin: stride_dequeue */
    rq->lab6_run_pool = skew_heap_remove(rq->lab6_run_pool, &task->lab6_run_pool, by_stride);
    /* EXERCISE 6.2 end */
}

static struct task *stride_pick_next(struct run_queue *rq)
{
    /* EXERCISE 6.2 begin: stride_pick_next */
    /* The task takes its step here, and leaves the heap at once: see struct sched_class. */
    if (rq->lab6_run_pool == NULL)
        return NULL;
    struct task *task = to_struct(rq->lab6_run_pool, struct task, lab6_run_pool);
    *passed(rq) = task->lab6_stride;
    task->lab6_stride += step(task);
    return task;
    /* EXERCISE 6.2 end */
}

static void stride_proc_tick(__not_used struct run_queue *rq, struct task *task)
{
    /* EXERCISE 6.2 begin: stride_proc_tick */
    if (--task->time_slice <= 0)
        atomic_store(&task->need_resched, true);
    /* EXERCISE 6.2 end */
}

const struct sched_class stride_sched_class = {
    .name = "stride",
    .init = stride_init,
    .enqueue = stride_enqueue,
    .dequeue = stride_dequeue,
    .pick_next = stride_pick_next,
    .proc_tick = stride_proc_tick,
    .exercise = "6.2",
    .by_priority = true,
};
