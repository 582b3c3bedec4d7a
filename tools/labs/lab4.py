"""Lab 4: kernel threads. A process is made, copied, and switched to.

HINTS has the hints of the three exercises; a handout has them as comments in its blank regions. For
their form see lab1.py.

Most tests run before there is a process, and look at each field of a struct that the student's
function made. "fork-run" and "thread-yield" run threads of their own; these threads stay until the
end, because to end a process is an exercise of lab 5. So the check for leaks is left out there
(ALL_BUT_LEAKS).
"""
from grader import outside_proc
from labs.common import ALL_BUT_LEAKS, Exercise, Lab, early, selftest

HINTS = {
    "4.1": """
Take a struct proc_struct from proc_cache, and return it; NULL if there is no
memory. The object has unknown content: it may be what is left of an old
process. Every field must be right:
- state PROC_UNINIT, pid -1, lab6_priority 1, wait_what an empty text "";
- task.as is the address space of the kernel, &kernel_as;
- run_link and zombies are empty lists, child_exit a wait queue under proc_lock;
- all else is 0, NULL or false. Look through both structures, task.h and proc.h.
""",
    "4.2": """
copy_thread: Give the child the floating-point registers (copy_fpu), a copy of
the frame tf in its own frame proc->task.tf, and 0 in a0, which is what fork()
returns in it. Its user stack pointer is `stack`, if that is not 0. A kernel
thread (SPP is set in the frame's status) goes on with its own kernel stack,
whose free part ends where the frame begins. At last the context, with which the
scheduler goes to it for the first time: it begins in forkret, below the frame.

start_child: proc_lock guards the tree. Under it set the parent and the group
(as the current process's), call link_proc(), which gives the pid and may fail,
and, if it did not fail, wakeup_proc(): do not set the state by hand. When the
lock is released the child may run, end and be gone: read before what you need
of it.

fork_named: Make a process (proc_create), its memory (copy_mm), its frame
(copy_thread); let it inherit lab6_priority and program; set flags and name;
then start it. Whatever fails, return that error, and free_proc() what there
is: it frees the stack and the memory too. After a failure not a page, not an
object and no process may be left.
""",
    "4.3": """
proc_run: The order in which things happen: rq->prev is the task that runs now
(its stack is free for others when the switch is over: finish_switch() says so);
next gets on_cpu and one more in runs; this hart gets task and user_tf, which is
the frame in which the next trap from user mode saves; the address space, if it
differs (addrspace_switch); the floating-point registers, if FS is not 0 in the
status of one of the two frames (switch_fpu); at last switch_to. Interrupts are
off, and stay off: the caller restores them.

switch_to: Save to a0, load from a1. The order is that of struct
context: ra, sp, s0 to s11, eight bytes each. Then `ret`: it goes to the ra that
was loaded, on the stack that was loaded. Nothing else may change.
""",
}

EXERCISES = [
    Exercise("4.1", "alloc_proc", 20, asks="set each field of a new process to what it must be",
             hint=HINTS["4.1"]),
    Exercise("4.2", "do_fork", 50, asks="make a copy of the current process, or nothing at all",
             hint=HINTS["4.2"], uses="make_child link_proc unlink_proc set_proc_name"),
    Exercise("4.3", "proc_run and the context switch", 30,
             asks="change over to another process, registers and address space",
             hint=HINTS["4.3"]),
]

TESTS = [
    early("alloc-proc", 15, "4.1", title="each field of a new process",
          outside=outside_proc.new_process),
    early("alloc-proc-memory", 5, "4.1", title="no memory for a new process"),
    early("fork", 20, "4.2", title="what a child is before it runs",
          outside=outside_proc.forked),
    early("fork-memory", 15, "4.2",
          title="a child's memory, and no memory for a child"),
    selftest("fork-run", 15, "4.2", title="children run", after=ALL_BUT_LEAKS),
    early("switch", 15, "4.3", title="registers, stacks and interrupts over a switch",
          outside=outside_proc.switched),
    early("switch-memory", 10, "4.3",
          title="address spaces and floating point over a switch"),
    selftest("thread-yield 2 harts", 5, "4.3", harts=2, runs=2, after=ALL_BUT_LEAKS,
             title="threads give way to each other"),
]

LAB = Lab(4, "processes and switching", EXERCISES, TESTS)
