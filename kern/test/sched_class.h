/* A run queue of a test's own, with tasks that never run: what a scheduling class decides can be
   counted turn by turn. */
#pragma once

#include <init/init.h>
#include <sched/sched.h>

#define MAX_TASKS   8

struct trial {
    const struct sched_class *class;
    struct run_queue rq;
    struct task tasks[MAX_TASKS];
    int n;
    int turns[MAX_TASKS], ticks[MAX_TASKS];     /* how many each has had */
};

/* Begin with an empty queue of this class. */
void trial_begin(struct trial *trial, const struct sched_class *class);
/* A task that has never run, in the queue. */
struct task *trial_add(struct trial *trial, uint32_t priority);

/* The class's functions, called as the scheduler calls them. */
void trial_enqueue(struct trial *trial, struct task *task);
/* The same for a task that has slept. */
void trial_wake(struct trial *trial, struct task *task);
void trial_dequeue(struct trial *trial, struct task *task);
struct task *trial_pick(struct trial *trial);
void trial_tick(struct trial *trial, struct task *task);

/* One turn: pick a task, let it have so many ticks or, with 0, as many as the class lets it, and
   enqueue it again. It; NULL where the queue is empty. */
struct task *trial_turn(struct trial *trial, int ticks);
/* n turns, counted from 0. */
void trial_turns(struct trial *trial, int n, int ticks);
