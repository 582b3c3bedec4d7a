/* Round robin: tasks run in turn, each for max_time_slice ticks. A task that gives up the hart
   early keeps the rest of the slice for the next turn.

   First in, first out is the same without the clock: a task runs until it sleeps, yields or ends,
   and one that never does keeps its hart for itself.

   The queue is rq->run_list, in the order in which tasks came; what is kept of a task is its
   time_slice. All functions are called with the queue's lock held, and none sleeps: sched/sched.h
   says by whom and when. Until exercise 6.1 is written, another class is the default. */
#include <sched/sched.h>

SCHED_CLASS(1, rr_sched_class);
SCHED_CLASS(3, fifo_sched_class);

/* An empty queue, for both classes. The head of a list that is empty points to itself. */
static void rr_init(struct run_queue *rq)
{
    list_init(&rq->run_list);
}

/* A task has become ready to run, or its turn is over. */
static void rr_enqueue(struct run_queue *rq, struct task *task)
{
    /* EXERCISE 6.1 begin: rr_enqueue */
    list_add_before(&rq->run_list, &task->run_link);
    if (task->time_slice <= 0 || task->time_slice > rq->max_time_slice)
        task->time_slice = rq->max_time_slice;
    /* EXERCISE 6.1 end */
}

/* A task leaves the queue, because it runs now or goes to another hart. */
static void rr_dequeue(struct run_queue *rq, struct task *task)
{
    /* EXERCISE 6.1 begin: rr_dequeue */
    assert(!list_empty(&rq->run_list));
    list_del_init(&task->run_link);
    /* EXERCISE 6.1 end */
}

/* Whose turn is it? NULL if the queue is empty. */
static struct task *rr_pick_next(struct run_queue *rq)
{
    /* EXERCISE 6.1 begin: rr_pick_next */
    if (list_empty(&rq->run_list))
        return NULL;
    return to_struct(list_next(&rq->run_list), struct task, run_link);
    /* EXERCISE 6.1 end */
}

/* The clock has ticked, and this task runs. */
static void rr_proc_tick(__not_used struct run_queue *rq, struct task *task)
{
    /* EXERCISE 6.1 begin: rr_proc_tick */
    if (task->time_slice > 0)
        task->time_slice--;
    if (task->time_slice == 0)
        atomic_store(&task->need_resched, true);
    /* EXERCISE 6.1 end */
}

/* The tick of first in, first out: the time that a task has used does not count. */
static void no_tick(__not_used struct run_queue *rq, __not_used struct task *task)
{
}

const struct sched_class rr_sched_class = {
    .name = "rr",
    .init = rr_init,
    .enqueue = rr_enqueue,
    .dequeue = rr_dequeue,
    .pick_next = rr_pick_next,
    .proc_tick = rr_proc_tick,
    .exercise = "6.1",
};

const struct sched_class fifo_sched_class = {
    .name = "fifo",
    .init = rr_init,
    .enqueue = rr_enqueue,
    .dequeue = rr_dequeue,
    .pick_next = rr_pick_next,
    .proc_tick = no_tick,
    .exercise = "6.1",
};
