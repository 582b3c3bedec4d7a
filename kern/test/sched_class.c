/* Scheduling classes on a run queue of the test's own: see sched_class.h.

   Nothing is reported here; a class that breaks a rule of the interface, by a pointer to a task
   that it was never given for example, ends in a panic that says so. The lock is one like that of a
   real queue, because the class may assert that it is held. No task has a stack: none is switched
   to. */
#include <string.h>
#include <test/sched_class.h>
#include <test/testlib.h>

/* A number that no hart of these tests has, so that a class which keeps something for each queue
   number does not mix it with the queues in use. A slice as long as the real ones. And how long a
   turn may last at most, so that a class that never ends a slice cannot hang the test. */
#define TRIAL_ID        (MAX_HARTS - 1)     /* no hart of these tests has it */
#define SLICE           5
#define ENDLESS_TICKS   1000

const struct sched_class *test_class(const char *name)
{
    const struct sched_class *class = sched_classes_start;

    while (class < sched_classes_end && strcmp(class->name, name) != 0)
        class++;
    if (class == sched_classes_end)
        panic("this kernel has no scheduling class that is named %s", name);
    return class;
}

/* 0xa5 everywhere, because a struct that happens to be zero would hide an init() that forgets a
   field. What the scheduler itself sets, not the class, is set here. */
void trial_begin(struct trial *trial, const struct sched_class *class)
{
    /* Nothing of an earlier trial. */
    memset(trial, 0, sizeof(*trial));
    memset(&trial->rq, 0xa5, sizeof(trial->rq));        /* init() may not trust what was there */
    trial->class = class;
    trial->rq.proc_num = 0;
    trial->rq.lock = (struct spinlock)SPINLOCK_INIT("trial", RANK_RUNQUEUE);
    trial->rq.id = TRIAL_ID;
    trial->rq.max_time_slice = SLICE;
    class->init(&trial->rq);
}

/* The fields that proc_create() and the scheduler fill in; all others are 0. */
struct task *trial_add(struct trial *trial, uint32_t priority)
{
    assert(trial->n < MAX_TASKS);
    struct task *task = &trial->tasks[trial->n++];

    /* A task that could run, if somebody switched to it. */
    task->state = PROC_RUNNABLE;
    task->rq = &trial->rq;
    task->lab6_priority = priority;
    list_init(&task->run_link);
    trial_enqueue(trial, task);
    return task;
}

/* proc_num counts after the class has put the task in, as in kern/sched. */
void trial_enqueue(struct trial *trial, struct task *task)
{
    spin_lock(&trial->rq.lock);
    trial->class->enqueue(&trial->rq, task);
    trial->rq.proc_num++;
    spin_unlock(&trial->rq.lock);
}

/* wait_state is how a class sees that a task has slept. It is cleared afterwards, as it is when a
   task runs. */
void trial_wake(struct trial *trial, struct task *task)
{
    task->wait_state = WT_TIMER;
    /* Still runnable, so it waits for its next turn. */
    trial_enqueue(trial, task);
    task->wait_state = 0;
}

/* The scheduler takes a task out before it runs it, and when another hart steals it. */
void trial_dequeue(struct trial *trial, struct task *task)
{
    spin_lock(&trial->rq.lock);
    trial->class->dequeue(&trial->rq, task);
    trial->rq.proc_num--;
    spin_unlock(&trial->rq.lock);
}

/* A pointer that is not one of the trial's tasks would be switched to in a real kernel: a panic
   here names it. */
struct task *trial_pick(struct trial *trial)
{
    spin_lock(&trial->rq.lock);
    struct task *task = trial->class->pick_next(&trial->rq);
    spin_unlock(&trial->rq.lock);
    /* NULL is an answer. */
    if (task != NULL && (task < trial->tasks || task >= trial->tasks + trial->n))
        panic("pick_next() returned %p, which is no task of this queue", task);
    return task;
}

/* From the clock interrupt of a real kernel, with the lock held as there. */
void trial_tick(struct trial *trial, struct task *task)
{
    spin_lock(&trial->rq.lock);
    trial->class->proc_tick(&trial->rq, task);
    spin_unlock(&trial->rq.lock);
}

/* What a hart does between two calls of schedule(): pick, take out, run, put back. With ticks == 0
   the class itself says when the turn ends. */
struct task *trial_turn(struct trial *trial, int ticks)
{
    struct task *task = trial_pick(trial);

    if (task == NULL)
        return NULL;
    trial_dequeue(trial, task);
    /* As the scheduler does when a task begins its turn. */
    task->need_resched = false;
    task->runs++;
    trial->turns[task - trial->tasks]++;
    for (int i = 0; ticks > 0 ? i < ticks : !task->need_resched && i < ENDLESS_TICKS; i++) {
        trial_tick(trial, task);
        trial->ticks[task - trial->tasks]++;
    }
    trial_enqueue(trial, task);
    return task;
}

/* An empty queue is a panic: all tasks are put back after each turn, so one has been lost. */
void trial_turns(struct trial *trial, int n, int ticks)
{
    memset(trial->turns, 0, sizeof(trial->turns));
    memset(trial->ticks, 0, sizeof(trial->ticks));
    while (n-- > 0)
        if (trial_turn(trial, ticks) == NULL)
            panic("pick_next() found the queue empty, but %u tasks wait in it",
                  trial->rq.proc_num);
}
