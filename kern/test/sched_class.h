/* A run queue of a test's own, with tasks that never run: what a scheduling class decides can be
   counted turn by turn, without a clock and without other harts.

   The tests of exercises 6.1, 6.2 and 6.C use it. The functions call those of the class as the
   scheduler does: with the queue's lock held and interrupts off, and with proc_num as it is then.
   So a class sees nothing that it would not see in a running kernel.

   A trial has at most MAX_TASKS tasks, which are in the struct itself. It is for one hart, and is
   filled by trial_begin(). */
#pragma once

#include <init/init.h>
#include <sched/sched.h>

#define MAX_TASKS   8

/* `turns` and `ticks` are set back by trial_turns(), and count what each task has had since.

   What happens to a task in one turn, by trial_turn():

       in the queue --trial_pick()--> chosen --trial_dequeue()--> runs: trial_tick(), ...
            ^                                                       |
            +-------------------- trial_enqueue() ------------------+ */
struct trial {
    const struct sched_class *class;
    struct run_queue rq;
    struct task tasks[MAX_TASKS];
    int n;
    int turns[MAX_TASKS], ticks[MAX_TASKS];     /* how many each has had */
};

/* The class of this name; there must be one in this kernel. */
const struct sched_class *test_class(const char *name);

/* Begin with an empty queue of this class. The queue's memory is full of junk before
   class->init(). */
void trial_begin(struct trial *trial, const struct sched_class *class);
/* A task that has never run, put into the queue: what happens to a new process. Returns it. */
struct task *trial_add(struct trial *trial, uint32_t priority);

/* Put a task into the queue, as for one that has used up its slice or has given way. */
void trial_enqueue(struct trial *trial, struct task *task);
/* The same for a task that has slept: a class may treat it otherwise. */
void trial_wake(struct trial *trial, struct task *task);
/* Take a task out of the queue, wherever in it that is. */
void trial_dequeue(struct trial *trial, struct task *task);
/* Which task comes next? It stays in the queue. NULL if the class says that the queue is empty. */
struct task *trial_pick(struct trial *trial);
/* A tick of the clock while this task runs; need_resched says whether its time is used up. */
void trial_tick(struct trial *trial, struct task *task);

/* One turn: pick a task, let it have so many ticks or, with 0, as many as the class lets it, and
   enqueue it again. Returns it, or NULL if the queue is empty. */
struct task *trial_turn(struct trial *trial, int ticks);
/* n turns, counted from 0. */
void trial_turns(struct trial *trial, int n, int ticks);
