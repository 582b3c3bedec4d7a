"""Lab 7: synchronisation. Semaphores, monitors, mutexes, and the races that they are for.

HINTS has the hints of the exercises; a handout has them as comments in its blank regions. For their
form see lab1.py.

The tests judge by invariants, which must hold at every change of state, and never by an order of
lines that a wrong solution prints too. Those of 7.1 to 7.3 run inside the kernel and need nothing
of labs 5 and 6. An exercise of 7.1 to 7.5 comes with its regions: a row in EXERCISES, its hint, and
tests whose points add up to its own.

The whole lab is 7.0 two races (10), 7.1 semaphores (15), 7.2 monitors (15), 7.3 philosophers (15),
7.4 mutexes and condition variables of programs (25), 7.5 deadlock detection (20), and the challenge
7.C, priority donation (10).
"""
from grader import outside_detect, outside_sync, outside_tasks, outside_wait
from labs.common import ALL_BUT_LEAKS, Exercise, Lab, program, selftest

HINTS = {
    "7.0": """
the box office: This program is complete, and right as long as one seller is at
work. With several of them it has two races: an order of events in which a show
is sold beyond its seats, and one after which the till is wrong. Find them and
mend them. `make grade EX=7.0` tells what came out wrong; its line "replay" runs
it again, the same way each time.
Before you change a line, write down the order of events that makes it wrong:
what one thread does, and where another one comes between. The rules of the
locks are in boxoffice.h. Keep the three functions, with what they
promise; all else between the markers is yours.
""",
    "7.1": """
The semaphore's own lock guards value, closed and the queue; each function takes
it and gives it back on every way out. A unit that is given while somebody waits
is handed over: it is the first waiter's, and is not counted in value as well.
kern/sync/wait.h says how a task waits until it is given something, and
sem_close() shows how to give; the name of what is waited for is sem->name.

sem_down: With -E_INVAL at once if the semaphore is closed; else take a unit if
there is one; else wait to be given one. The result of the wait is that of the
function. wait_for_grant() releases the lock while the task sleeps.

try_down: Never sleeps. A closed semaphore has nothing to take.

up: -E_INVAL, and nothing changes, if it is closed or value is INT_MAX. The unit
goes to the first who waits; only if nobody does it is kept.

up_waiter: As up(), but if nobody waits no unit is kept.
""",
    "7.2": """
cond_wait: Count yourself in, leave the monitor by monitor_leave(), and wait for
a unit of the condition's semaphore in such a way that a kill ends it. A signal
may come as soon as you have left, before you sleep: so join the queue of the
semaphore first, while you are inside (sem.h has the two steps). With a unit the
monitor was handed over: you are inside. Without one nobody has handed
you anything, and you have to come in like anybody else. Either way you are
inside when this returns, and count yourself out before. The result is that of
the wait.

cond_signal: If nobody waits, nothing happens. Else count yourself as one who
waits on next, hand the monitor over, wait until it comes back, and count
yourself out. One who was killed is still counted, but waits no more: there is a
function that gives a unit only if somebody waits, and says whether. Think what
may happen between your two steps: the waiter may run, and leave, at once.
""",
    "7.3": """
variables, helpers: What you need beside state_condvar[] to know whose turn it
is, and functions of your own; as one that lets philosopher i eat if he is
hungry and may, and signals to him.

phi_take_forks_condvar: Enter the monitor; be hungry; eat at once if you may,
else wait for your condition mtp->cv[i] until you do; leave the monitor.
cond_wait() also comes back after a kill.

phi_put_forks_condvar: Enter the monitor; think; then see whether LEFT can eat
now, and whether RIGHT can; leave the monitor.

Nobody may starve: if only the neighbours that eat keep one from eating, two of
them can eat by turns for ever. Let who has been hungry for longer go first.
""",
    "7.4": """
sync_mutex_lock: A program calls this when it could not take the mutex by itself.
With mutex->lock held: if the word names no holder (SYNC_PID), take the mutex by
set_word(); else join mutex->queue and wait_for_mutex(). The word may change at
any time until it has a bit that makes the program ask the kernel: look at it and
set SYNC_WAITERS in one step (atomic_or), and go by what it was before. If it was
free, WAITERS stays only if somebody is in the queue. SYNC_DIED in it: the caller
has the mutex, and is told -E_KILLED, once.

sync_mutex_unlock: With mutex->lock held: if the current process has the mutex,
sync_mutex_held(), pass it on; else -E_INVAL, and nothing changes.

sync_mutex_give_up: The same for a process that ends: whoever gets the mutex next
is told -E_KILLED. If it does not have the mutex, nothing changes.

pass_on: Hand the mutex to the first who waits, first_waiter(): he gets `result`,
by wait_give(), and the word names him from now on, with WAITERS if others still
wait. It is never free in between. If nobody waits it is free, with SYNC_DIED if
`result` is an error.

wait_and_lock: Announce the wait, wait_join(), with condvar->lock; unlock the
mutex; wait_for_grant() in the state WT_SYNC, with condvar->name; lock the mutex
again. Ask yourself what a signal finds that comes between two of these steps.
The two locks are never held together. Return what the lock says if that is an
error, else how the wait ended.

sync_condvar_signal: With condvar->lock, let the first who waits go on.

sync_condvar_broadcast: The same for all who wait.
""",
    "7.5": """
The record of a family of processes is in sync_detect.h; the functions of this
file that are given read it. All is called with the detector's lock held, so the
record does not change, but words of mutexes do.

closes_circle: Follow the chain from self->waits_for, a mutex: holder_of() it,
target_of() that holder, and so on, as long as it leads from mutex to mutex. Does
it come back to `self`? Not more steps than the family has members.

goes_on: Nobody who waits for nothing is kept. A mutex comes if nobody holds it,
if this member has been given it meanwhile, or if its holder is marked. A unit
comes if has_unit(), if units come back, or if the semaphore counts events and
anybody is marked.

can_finish: After begin_search(), mark each member that goes_on(), and mark with
comes_back each semaphore of which it has units; again from the start, until
nobody is added or `self` is marked. sched_give_way() now and then: it may be long.

detector_request: The request counts: put it on record before you look. Mutexes
can close a circle; if the family has or had semaphores, it must be looked for an
order too. A request that is refused is on record no more.

detector_unit_taken: One unit more of this semaphore, by holding_for().

detector_unit_given: One unit less; the record of the last one is freed, by
holding_free(). A member that has none posts an event: the semaphore counts
events from now on, and so do those of which it has units, holdings_are_events().
""",
    "7.C": """
fields of struct donation: What you keep of a process, and of a mutex: who waits
for it, who has it, what that one is given for it. All is 0 at first. `task` tells
a process from a mutex.

helpers: What the four functions have in common. All of them are called with
donate_lock held; with it you change all records, but take no lock of a mutex.
sched_donate(task, priority) tells the scheduler what a task is given, 0 if
nothing, and returns with which priority it runs then: its own is kept apart.
libs/skew_heap.h may help, or libs/list.h. An entry of a heap must not change in
its order while it is in there.

donate: `proc` begins to wait: its priority goes to the holder. If that one waits
too, it goes on to the holder of what it waits for, and so on. Processes may wait
in a circle, or for themselves: the walk must end. Another process may be on
record as the holder of this mutex, if the program has written into the word:
believe the newer one. If none is known, `holder` is a record without a task.

take_back: `proc` does not wait any more: it was given the mutex, or was killed.
Whoever had its priority, along the chain, has the highest of what is left. If
nobody waits any more, the mutex must be in no list or heap: its record is freed.

pass: The mutex is given to `next`, the first of those who wait: it waits no
more. What the others give goes to `next`, not to the former holder. The latter
may have other mutexes for which somebody waits.

leave: The process ends. Mutexes that are on record as its own are no more.
""",
}

EXERCISES = [
    Exercise("7.0", "two races", 10, hint=HINTS["7.0"],
             asks="find two races in a program that is given, and mend them"),
    Exercise("7.1", "semaphores", 15, asks="take a unit or wait for one; hand over to who waits",
             hint=HINTS["7.1"]),
    Exercise("7.2", "monitors", 15, asks="wait for a condition, and hand the monitor over",
             hint=HINTS["7.2"]),
    Exercise("7.3", "philosophers", 15, asks="two forks each, no deadlock, and nobody starves",
             hint=HINTS["7.3"]),
    Exercise("7.4", "mutexes and condition variables of programs", 25, hint=HINTS["7.4"],
             asks="hand a mutex over, tell of a dead holder; wait for a signal, losing none"),
    Exercise("7.5", "detection of deadlocks", 20, hint=HINTS["7.5"],
             asks="refuse a lock that closes a circle, and a wait after which not all can finish"),
    Exercise("7.C", "priority donation", 10, hint=HINTS["7.C"],
             asks="who has a mutex runs with the priority of those who wait for it"),
]

# Ticks come often, so a program is preempted at many places.
OFTEN = dict(shift=10, limit=300)

# A boot with chaos=SEED takes a tenth of a second. Each fault of docs/races.md is found within so
# many.
SEEDS = 10

TESTS = [
    program("tickets seats", "seats", 5, "7.0", title="no seat is sold twice", seeds=6, **OFTEN),
    program("tickets till", "till", 5, "7.0", title="the till is right", seeds=6, **OFTEN),
    selftest("sem-count", 5, "7.1", after=ALL_BUT_LEAKS, title="units are taken and given",
             outside=outside_wait.units),
    selftest("sem-order", 4, "7.1", after=ALL_BUT_LEAKS,
             title="a unit that is given belongs to who has waited longest",
             outside=outside_wait.handed_over),
    selftest("sem-ends", 3, "7.1", after=ALL_BUT_LEAKS,
             title="waits that a kill, the time or sem_close() ends"),
    selftest("sem-race", 1, "7.1", seeds=SEEDS, after=ALL_BUT_LEAKS,
             title="no unit is lost or made, whoever runs when"),
    selftest("sem-race 4 harts", 2, "7.1", harts=4, runs=2, cpu=10, after=ALL_BUT_LEAKS,
             title="no unit is lost or made when all come at once"),
    selftest("monitor-signal", 5, "7.2", after=ALL_BUT_LEAKS,
             title="who is inside after each wait and signal",
             outside=outside_tasks.monitors(False)),
    selftest("monitor-kill", 4, "7.2", after=ALL_BUT_LEAKS, title="a kill while one waits",
             outside=outside_tasks.monitors(True)),
    selftest("monitor-moments", 2, "7.2", after=ALL_BUT_LEAKS,
             title="nobody is left behind, wherever one of them is stopped"),
    selftest("monitor-pairs", 1, "7.2", seeds=SEEDS, after=ALL_BUT_LEAKS,
             title="who waits and who signals both come out, whoever runs when"),
    selftest("monitor-race", 1, "7.2", seeds=SEEDS, after=ALL_BUT_LEAKS,
             title="what was signalled is still so, whoever runs when"),
    selftest("monitor-race 4 harts", 2, "7.2", harts=4, runs=2, cpu=10, after=ALL_BUT_LEAKS,
             title="what was signalled is still so, with four harts"),
    selftest("philosophers-table", 5, "7.3", after=ALL_BUT_LEAKS,
             title="who eats after each step", outside=outside_tasks.philosophers),
    selftest("philosophers-fair", 4, "7.3", after=ALL_BUT_LEAKS,
             title="a hungry one eats, although his neighbours eat by turns",
             outside=outside_tasks.fair),
    selftest("philosophers-moments", 2, "7.3", after=ALL_BUT_LEAKS,
             title="all have their meal, wherever one of them is stopped"),
    selftest("philosophers", 2, "7.3", seeds=SEEDS, after=ALL_BUT_LEAKS,
             title="all have their meals, whoever runs when"),
    selftest("philosophers 4 harts", 2, "7.3", harts=4, runs=2, cpu=10, after=ALL_BUT_LEAKS,
             title="all have their meals, with four harts"),
    selftest("usync-mutex", 6, "7.4", title="a mutex is handed over, and each word is right",
             outside=outside_sync.mutexes),
    selftest("usync-unit"),
    selftest("usync-moments", 2, "7.4",
             title="a program changes the word at each moment of what the kernel does"),
    selftest("usync-condvar", 8, "7.4", title="signals, limits of time, kills, dead holders",
             outside=outside_sync.conditions),
    selftest("usync-moment 2 harts", 3, "7.4", harts=2, runs=2, cpu=10,
             title="no signal can be lost between unlock and wait"),
    selftest("usync-race 4 harts", 2, "7.4", harts=4, runs=2, cpu=10,
             title="one has the mutex at a time, whatever the others do"),
    program("mutexes", "", 2, "7.4", seeds=SEEDS, limit=200,
            title="threads and processes, and holders that end"),
    program("condvars", "", 2, "7.4", seeds=SEEDS,
            title="a bounded buffer, limits of time, kills"),
    program("circles", "", 6, "7.5", title="a lock that closes a circle of mutexes, and others",
            outside=outside_detect.asked(6, 0)),
    program("circles family", "family", 4, "7.5", title="circles of processes; ends and kills"),
    program("circles crowd", "crowd", 2, "7.5", seeds=SEEDS,
            title="two mutexes in any order, and none waits for ever"),
    program("unsafe", "", 4, "7.5", title="units with several holders: is there an order?",
            outside=outside_detect.asked(3, 3)),
    program("unsafe events", "events", 3, "7.5", limit=200,
            title="semaphores that count events are not blamed"),
    program("unsafe crowd 4 harts", "crowd", 1, "7.5", harts=4, runs=2, cpu=10,
            title="three units in any order, and none waits for ever"),
    selftest("donate", 5, "7.C", after=ALL_BUT_LEAKS,
             title="with which priority each runs, after each step",
             outside=outside_sync.donated),
    selftest("donate-random", 2, "7.C", seeds=SEEDS, after=ALL_BUT_LEAKS,
             title="the same, whatever happens next"),
    selftest("donate-race 4 harts", 1, "7.C", append="sched=stride", harts=4, runs=2, cpu=10,
             title="who has no mutex runs with his own priority, with four harts"),
    program("inversion", "", 2, "7.C", append="sched=stride", shift=9, limit=400,
            title="nobody in between keeps a high priority waiting"),
]

LAB = Lab(7, "synchronisation", EXERCISES, TESTS)
