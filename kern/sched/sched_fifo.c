/* First in, first out: a task runs until it sleeps, yields or ends. The clock takes nothing away,
   so one that never does keeps its hart for itself. */
#include <sched/sched.h>

static void fifo_init(struct run_queue *rq)
{
    list_init(&rq->run_list);
}

static void fifo_enqueue(struct run_queue *rq, struct task *task)
{
    list_add_before(&rq->run_list, &task->run_link);
}

static void fifo_dequeue(struct run_queue *rq, struct task *task)
{
    assert(!list_empty(&rq->run_list));
    list_del_init(&task->run_link);
}

static struct task *fifo_pick_next(struct run_queue *rq)
{
    if (list_empty(&rq->run_list))
        return NULL;
    return to_struct(list_next(&rq->run_list), struct task, run_link);
}

static void fifo_proc_tick(__unused struct run_queue *rq, __unused struct task *task)
{
}

const struct sched_class fifo_sched_class = {
    .name = "fifo",
    .init = fifo_init,
    .enqueue = fifo_enqueue,
    .dequeue = fifo_dequeue,
    .pick_next = fifo_pick_next,
    .proc_tick = fifo_proc_tick,
};
