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
from labs.common import Lab

HINTS = {
}

EXERCISES = [
]

TESTS = [
]

LAB = Lab(7, "synchronisation", EXERCISES, TESTS)
