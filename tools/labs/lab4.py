"""Lab 4: kernel threads. A process is made, copied, and switched to."""
from labs.common import Exercise, Lab, selftest

EXERCISES = [
    Exercise("4.1", "alloc_proc", 20, asks="set each field of a new process to what it must be"),
    Exercise("4.2", "do_fork", 50, asks="make a copy of the current process, or nothing at all"),
    Exercise("4.3", "proc_run and the context switch", 30,
             asks="change over to another process, registers and address space"),
]

TESTS = [
    selftest("proc", 20, "4.1", title="processes as a family: exit codes, orphans, pids"),
    selftest("wait-kill", 15, "4.2", title="threads that wait and are killed"),
    selftest("kstack", 10, "4.2", title="kernel stacks come and go"),
    selftest("proc 4 harts", 25, "4.2", harts=4, runs=2, title="the same with four harts"),
    selftest("sched-yield", 15, "4.3", title="threads yield to each other"),
    selftest("sched-yield 4 harts", 15, "4.3", harts=4, runs=2, title="the same with four harts"),
]

LAB = Lab(4, "processes and switching", EXERCISES, TESTS)
