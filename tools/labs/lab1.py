"""Lab 1: traps. The clock ticks, exceptions are told apart, and a panic shows who called whom."""
from labs.common import Exercise, Lab, panics, program, selftest

EXERCISES = [
    Exercise("1.1", "timer tick", 30,
             asks="count the tick, set the next one, and let the scheduler know"),
    Exercise("1.2", "exception dispatch", 40,
             asks="tell the exceptions apart: which are repaired, which end the program"),
    Exercise("1.3", "backtrace", 30,
             asks="walk the frame pointers from the innermost function to the first"),
]

TESTS = [
    selftest("timers", 15, "1.1", title="ticks come in time, sleepers wake in order"),
    program("sleep", "", 10, "1.1", title="a sleep lasts as long as asked, and sleeps overlap"),
    program("spin", "", 5, "1.1", title="a busy process does not keep the hart"),
    program("exceptions", "", 20, "1.2", title="each exception ends the program, with its name"),
    program("divzero", "", 5, "1.2", title="a division by zero is no exception on RISC-V"),
    program("softint", "", 5, "1.2", title="a privileged instruction ends the program"),
    program("faultread", "", 10, "1.2", title="using a null pointer ends the program"),
    panics("write-text", "at write_text", points=15, exercise="1.3",
           title="a panic shows the functions that led to it"),
    panics("deadlock", "deadlock: all 2 processes sleep, and nothing can wake one",
           "selftest (pid 2) waits for a bell that nobody rings:", "deadlock_alone",
           "initproc (pid 1) waits for a child to end:", "kernel panic", trace="cpu_idle",
           points=15, exercise="1.3", title="so does the report of a deadlock, for each process"),
]

LAB = Lab(1, "traps, the clock, the call stack", EXERCISES, TESTS)
