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
from labs.common import Exercise, Lab, program, selftest

HINTS = {
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
}

EXERCISES = [
    Exercise("7.4", "mutexes and condition variables of programs", 25, hint=HINTS["7.4"],
             asks="hand a mutex over, tell of a dead holder; wait for a signal, losing none"),
]

TESTS = [
    selftest("usync-mutex", 8, "7.4", title="a mutex is handed over, and each word is right"),
    selftest("usync-condvar", 8, "7.4", title="signals, limits of time, kills, dead holders"),
    selftest("usync-moment 2 harts", 3, "7.4", harts=2, runs=2, cpu=10,
             title="no signal can be lost between unlock and wait"),
    selftest("usync-race 4 harts", 2, "7.4", harts=4, runs=2, cpu=10,
             title="one has the mutex at a time, whatever the others do"),
    program("mutexes", "", 2, "7.4", title="threads and processes, and holders that end"),
    program("condvars", "", 2, "7.4", title="a bounded buffer, limits of time, kills"),
]

LAB = Lab(7, "synchronisation", EXERCISES, TESTS)
