"""Lab 5: user programs. Loading, system calls, fork with copy-on-write, exit and wait."""
from grader.state import cow_pair
from labs.common import Exercise, Lab, program, regex

EXERCISES = [
    Exercise("5.1", "load_icode's trap frame", 15,
             asks="make the frame with which a new program begins in user mode"),
    Exercise("5.2", "system call dispatch", 15,
             asks="find the call by its number, pass arguments and result, refuse what is unknown"),
    Exercise("5.3", "copy_range by copying", 15,
             asks="give the child its own copy of each page of the parent"),
    Exercise("5.4", "copy-on-write", 30,
             asks="share pages read-only at fork, and copy at the first write"),
    Exercise("5.5", "do_exit and do_wait", 25,
             asks="end a process; hand its exit code to its parent, its children to initproc"),
]

TESTS = [
    program("hello", "", 5, "5.1", title="the first program runs",
            expect=["Hello world!!.", regex(r"I am process \d+\."), "hello pass."]),
    program("args", "one two", 10, "5.1", title="a program gets its arguments"),
    program("badcalls", "", 15, "5.2", title="wild system calls are refused"),
    program("forktest", "", 15, "5.3", title="many children, each with its own memory"),
    program("cow", "", 20, "5.4", title="each process has its own memory, whoever writes first",
            at={"shared": [cow_pair("memory")]}),
    program("cowkernel", "", 5, "5.4", title="the kernel's writes respect it too"),
    program("cowrace 4 harts", "", 5, "5.4", harts=4, runs=3,
            title="threads that fault on the same page at once"),
    program("exit", "", 5, "5.5", title="exit codes arrive"),
    program("wait", "", 10, "5.5", title="wait: bad pids, bad stores, orphans"),
    program("waitkill", "", 5, "5.5", title="a waiting process is killed"),
    program("forktree", "", 5, "5.5", title="a tree of processes ends"),
]

LAB = Lab(5, "user programs, fork, copy-on-write", EXERCISES, TESTS)
