"""Lab 1: traps. The clock ticks, exceptions are told apart, and a panic shows who called whom.

EXERCISES has what is asked, and the hints that become comments in a handout's regions. A paragraph
that begins with "LABEL: " goes to the region with that label, any other one to the first region.
A student may use each function that a hint names. TESTS has the tests with their points, which
add up to those of the exercise.

The tests run before there are processes, and call what is under test with times, trap frames and
stacks that they make up. kern/test has the self tests.
"""
from grader import outside_wait
from labs.common import Exercise, Lab, early

EXERCISES = [
    Exercise("1.1", "timer tick", 30,
             asks="set the next tick, wake the sleepers whose time has come, tell the scheduler",
             hint="""
clock_interrupt: Called by each timer interrupt, with interrupts off.
- Have the timer interrupt again one timer_tick_length() from now:
  timer_arm(). It takes a time, not a distance; rdtime() is now.
  As long as no later time is set the interrupt stays pending.
- Wake the sleepers that are due: timer_expire().
- Let the scheduler know that a tick has passed: sched_tick(). Whether
  the task must give up the hart is for the scheduler to decide.

timer_expire: Wake the task of each timer whose deadline is not after
`now`, in the order of their deadlines. timer_heap points to the timer
that is due first; NULL: there is none. Hold timer_lock while you use it.
- Take a timer away by timer_remove() before you wake its task by
  wakeup_proc(): from then on the task may run, and the timer be gone.
- `now` is an argument: do not ask rdtime() again.
- Mostly no timer is due: next_deadline can be read without the lock, by
  atomic_load()."""),
    Exercise("1.2", "exception dispatch", 40,
             asks="tell the exceptions apart: which are repaired, which end the program",
             hint="""
fault_access: VM_EXEC, VM_READ or VM_WRITE for the three page faults,
CAUSE_FETCH_PAGE and so on; 0 for every other cause.

user_exception: A program has raised an exception; another function has
tried to repair it as a page fault. `error` is what that returned: 0 if
the page is there now; -E_NO_MEM; or another error, if it cannot be
repaired or is no page fault at all.
- Return NULL if the program may go on: it repeats the instruction.
- first_fpu_use(tf) gives the program its floating-point registers, if
  it lacked only these; it returns true then.
- Else return why the program must end: "out of memory", or the
  exception's name by cause_name().

kernel_breakpoint: The kernel goes on behind the ebreak at tf->epc.
An instruction has 4 bytes if the two lowest bits of its first 16 are
both set, else 2: the assembler writes ebreak in either form."""),
    Exercise("1.3", "backtrace", 30,
             asks="walk the frame pointers from the innermost function to the first",
             hint="""
Print a line for each caller, by print_place(ra, ra - 1): the function
returns to ra, and ra - 1 lies in the call. At fp - 8 a function has
its return address, at fp - 16 its caller's frame pointer: see the head of
this file. A function that calls no other has only its caller's frame
pointer, at fp - 8: if the word there is no is_text() address, print
nothing, and go on with this word as fp.
A panic may come from a broken stack, so do not trust fp. Stop if it is
not a multiple of 16, if its pair is not in the stack in which the walk
began (stack_of), if the caller does not lie above, and after
MAX_FRAMES."""),
]


def boot(name, points, exercise, title, **more):
    """A self test before there are processes. It boots with the scheduler mlfq, because no
    exercise is about that one."""
    return early(name, points, exercise, title=title, append="sched=mlfq", **more)


TESTS = [
    boot("tick", 10, "1.1", "the handler sets the next tick, and tells who must know"),
    boot("ticks", 10, "1.1", "ticks come at their time, none too many"),
    boot("timer-expire", 10, "1.1", "sleepers wake at their time, in order",
         outside=outside_wait.timers_due),
    boot("fault-access", 10, "1.2", "page faults are told from other exceptions"),
    boot("user-exception", 15, "1.2", "what is repaired goes on, all else ends the program"),
    boot("kernel-breakpoint", 15, "1.2", "the kernel goes on behind an ebreak of either length"),
    boot("backtrace-calls", 15, "1.3", "each function is shown, from the innermost on"),
    boot("backtrace-broken", 15, "1.3", "a broken stack ends the walk, and harms nobody"),
]

LAB = Lab(1, "traps, the clock, the call stack", EXERCISES, TESTS)
