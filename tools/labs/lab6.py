"""Lab 6: scheduling. It decides which task runs next, and for how long.

HINTS has the hints of the exercises; a handout has them as comments in its blank regions. For their
form see lab1.py.

The self tests call a class of the scheduler with tasks that they make up; the programs measure
shares of time, so they need long runs (SLOW). The challenge 6.C has a test that comes first, PLAN:
the class must choose otherwise than each of the given ones, or else none of its tests has points.
"""
from grader import outside_own, outside_sched
from labs.common import Exercise, Lab, early, program, selftest

HINTS = {
    "6.1": """
rr_enqueue: Put the task at the end of rq->run_list, by its run_link. A task
that has used up its slice (0 or less), and one with more than max_time_slice,
gets max_time_slice ticks; one that gave way early keeps the rest. The scheduler
itself counts proc_num: leave it alone. All of these functions are called with
the queue's lock held.

rr_dequeue: Take the task out, and leave its run_link as an empty list.

rr_pick_next: The task that came first, or NULL if the queue is empty. It is
dequeued by the caller, so it stays in the list here.

rr_proc_tick: The task that runs, which is in no list, has used a tick. When
nothing of its slice is left, set need_resched (atomic_store), so that it gives
way when it leaves the kernel. The slice does not fall below 0.
""",
    "6.2": """
constants, variables, helpers: The constant from which a step is computed, the
order for the skew heap (libs/skew_heap.h), and what you keep of each queue (by
SCHED_STATE(rq, TYPE), or by rq->id). Strides are 32 bits wide and wrap around:
think which differences can occur, and what the sign of one tells. Priority 0
counts as 1.

stride_init: An empty queue: lab6_run_pool is NULL.

stride_enqueue: Put the task into the heap: each call of the heap returns the
new root, to be stored. A turn is a whole slice, max_time_slice ticks. A task
that has never run (runs is 0) begins at the place of the others: the stride at
which this queue picked a task last. So does one that is behind that place, or
more than one step of its own ahead of it, because it slept.

stride_dequeue: Take the task out of the heap.

stride_pick_next: The task with the least stride, or NULL. Its stride moves on
by one step, the shorter the higher its priority. That changes the order of the
heap, which is allowed here only, because the caller dequeues the task at once.

stride_proc_tick: As in round robin.
""",
    "6.C": """
own_sched_class: Write a struct sched_class of this name, with .name = "own",
and its functions; sched_rr.c shows the form. The line above has announced it
already: what you define by that name is in the kernel's table of classes. What
it keeps of a queue or a task can be had by SCHED_STATE() of sched/sched.h, or
in fields of struct task: there is room for them. Tests ask
that a task which sleeps most of the time runs within 20 ms of when it should
beside eight that compute, and that a task which begins late or has slept gets
as much as the others. No task may starve.

fields of struct task: They are 0 in a new task.
""",
}

EXERCISES = [
    Exercise("6.1", "round robin", 50,
             asks="a queue: each runs for its slice, then goes to its end",
             hint=HINTS["6.1"]),
    Exercise("6.2", "stride", 50, asks="each runs in proportion to its priority",
             hint=HINTS["6.2"]),
    Exercise("6.C", "a scheduler of one's own", 10,
             uses="cpu_count cpus timer_tick_length timer_milliseconds",
             asks="who waits for a key answers at once, and nobody starves",
             hint=HINTS["6.C"]),
]

# The shift makes time pass fast: a tick of 10 ms is about 20,000 instructions, so that many ticks
# fit into the limit.
SLOW = dict(shift=9, limit=400)

PLAN = early("sched-plan own", 0, "6.C", append="sched=own",
             title="it is no copy of a class that is given", outside=outside_own.scheduler)

TESTS = [
    early("rr-queue", 15, "6.1", title="who waits, in order of arrival",
          outside=outside_sched.round_robin),
    early("rr-slices", 15, "6.1", title="slices are used up and filled again",
          outside=outside_sched.slices),
    program("priority rr", "rr", 10, "6.1", append="sched=rr", title="equal shares", **SLOW),
    program("newcomer rr", "", 5, "6.1", append="sched=rr",
            title="who comes late waits no longer than others", **SLOW),
    selftest("sched-wake rr 2 harts", 5, "6.1", append="sched=rr", harts=2,
             title="no wake-up is lost"),
    early("stride-shares", 20, "6.2",
          title="turns in proportion to the priorities, after overflow too",
          outside=outside_sched.stride_shares),
    early("stride-queue", 15, "6.2",
          title="whole slices; who comes late has no debt and no credit",
          outside=outside_sched.stride),
    program("priority stride", "stride", 10, "6.2", append="sched=stride",
            title="shares as the priorities", **SLOW),
    program("newcomer stride", "", 5, "6.2", append="sched=stride",
            title="who comes late gets as much as the others", **SLOW),
    PLAN,
    program("interactive own", "", 4, "6.C", append="sched=own", needs=PLAN,
            title="who mostly sleeps answers at once", shift=7, limit=300),
    program("newcomer own", "", 4, "6.C", append="sched=own", needs=PLAN,
            title="who comes late gets as much as the others", **SLOW),
    selftest("sched-wake own 2 harts", 2, "6.C", append="sched=own", harts=2, needs=PLAN,
             title="no wake-up is lost"),
]

LAB = Lab(6, "scheduling", EXERCISES, TESTS)
