/* The run queues, one for each hart, and the scheduling class, of which there is one for all.

   At boot sched_init() sets both up; later they do not change. The lock of a queue guards the queue
   and the state of each task that belongs to it, whether it waits there, runs on that hart, or
   sleeps. Two queues are never locked at a time: they have the same rank, and a spinlock panics.

   Which classes there are is what the linker has collected in the section .sched_classes: no file
   names them. */
#include <sched/runqueue.h>

#define MAX_TIME_SLICE  5       /* ticks: 50 ms */

struct run_queue run_queues[MAX_HARTS];

const struct sched_class *sched_default_class(void)
{
    for (const struct sched_class *class = sched_classes_start; class < sched_classes_end; class++)
        if (class->exercise == NULL || is_written(class->exercise))
            return class;
    return NULL;
}

void sched_init(const struct sched_class *class)
{
    for (uint32_t i = 0; i < cpu_count; i++) {
        run_queues[i].lock = (struct spinlock)SPINLOCK_INIT("run queue", RANK_RUNQUEUE);
        run_queues[i].id = i;
        run_queues[i].class = *class;
        run_queues[i].max_time_slice = MAX_TIME_SLICE;
        class->init(&run_queues[i]);
    }
}

void sched_start(struct task *idle)
{
    idle->state = PROC_RUNNABLE;
    idle->on_cpu = true;
    this_cpu->rq = &run_queues[this_cpu->id];
    this_cpu->rq->idle = idle;
    idle->rq = this_cpu->rq;
    this_cpu->task = idle;
    this_cpu->user_tf = idle->tf;
}
