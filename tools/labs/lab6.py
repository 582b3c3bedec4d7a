"""Lab 6: scheduling. Who runs next, and for how long."""
from labs.common import Exercise, Lab, program, selftest

EXERCISES = [
    Exercise("6.1", "round robin", 50,
             asks="a queue: each runs for its slice, then goes to its end"),
    Exercise("6.2", "stride", 50, asks="each runs in proportion to its priority"),
]

TESTS = [
    program("priority", "rr", 20, "6.1", shift=7, limit=1000, title="equal shares"),
    program("newcomer", "", 15, "6.1", shift=7, limit=1000,
            title="who comes late waits no longer than others"),
    program("yield", "", 5, "6.1", title="two processes yield to each other"),
    selftest("sched-wake 4 harts", 10, "6.1", harts=4, runs=2, title="no wake-up is lost"),
    program("priority stride", "stride", 30, "6.2", append="sched=stride", shift=7, limit=1000,
            title="shares as the priorities, after overflow too"),
    program("newcomer stride", "", 20, "6.2", append="sched=stride", shift=7, limit=1000,
            title="who comes late has no debt and no credit"),
]

LAB = Lab(6, "scheduling", EXERCISES, TESTS)
