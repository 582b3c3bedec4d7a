"""Lab 0: C and the machine, for those who are new to them. A program that prints, a list, fields of
bits, reading assembler, gdb, a change of a program that is there.

All of it is in programs, on a kernel that is solved: a handout of this lab has it as objects,
without its text (exercise/handout.py). So the lab comes before all others and depends on all of
them, and nothing depends on it. Handouts of other labs have it solved, and do not speak of it.

For the form of hints see lab1.py. A test that prints and does not report is judged by its exit code
and by what must be on the console.
"""
from labs.common import Exercise, Lab, Test, program, regex

EXERCISES = [
    Exercise("0.1", "a program that prints", 10,
             asks="say who you are, print your arguments, return how many there were",
             hint="""
Print one line for the process, then one for each argument:
    I am process 2.
    argument 1: one
Return how many arguments there were.
- getpid() is the number of the process, cprintf() prints as printf().
- argv[0] is the program's own name; the arguments are argv[1] to
  argv[argc - 1]."""),
    Exercise("0.2", "a list", 25,
             asks="put into a list in order, take the first, remove while you walk",
             hint="""
task_insert: Walk with list_next() from the head to the first task whose
priority is lower, or to the head again; list_add_before() puts the new
one there. to_struct(at, struct task, link) is the task of a link. The
head is in no task: do not ask it for a priority.

task_take: list_empty() tells whether there is a first one; list_del()
takes it out.

task_drop: list_del() first, then gone(task), which may give its memory
back: after that the links of the task may not be followed. So fetch the
next one before you remove."""),
    Exercise("0.3", "fields of bits", 20, asks="put fields into a number and take them out again",
             hint="""
entry_pack: The number of the page is the address without its lower 12
bits; it begins at bit 10. The ten bits come from `bits`, and what else
stands there must not get into the entry.

entry_address: First the field to the right, then a mask of as many ones
as the field has bits, then to its place in the address. 1UL << 44 is a
number of 64 bits; 1 << 44 is not defined, because 1 is an int.

index_of: Nine bits for each level, above the 12 of the offset.

entry_share: x & BIT asks, x | BIT sets, x & ~BIT clears. BIT_W is an
int, so ~BIT_W is one too: it is -5, and made longer it keeps its ones."""),
    Exercise("0.4", "reading assembler", 20,
             asks="read three functions in assembler, and write the same in C",
             hint="""
like_one: Note for each register what it holds, in C: a0 is x, a1 counts.
What has x & (x - 1) that x has not? Try x = 12 on paper.

like_two: lh loads 16 bits as a signed number, and a0 goes on by 2: which
type has the array? Which of its numbers are skipped?

like_three: sltu gives 1 if a0 is less than a1, as unsigned numbers, and
0 if not. neg makes that all ones, or 0. What does (d ^ -1) - -1 make of d?"""),
    Exercise("0.5", "gdb", 10, asks="find two numbers in a program that is stopped",
             hint="""
seventh_key: `make debug PROG=vault` begins gdb before the program runs.
`break door if number == 7` stops at the seventh door, `continue` goes
there, `print/x key` shows the argument. Return that number, as 0x...

first_debt: `watch balance` stops after each store to it; or use
`break door if balance < 0`, which stops at the door behind the one that
is wanted, since the breakpoint is before the door's own payment."""),
    Exercise("0.6", "an option", 15, asks="give the program echo the option -n",
             hint="""
If the first argument is -n it is not printed, and no end of line is
printed behind the last argument. Set `first` and `end`.
- Two texts are compared by strcmp(), which gives 0 if they are equal; ==
  compares their addresses.
- There may be no argument at all: look at argc before argv[1]."""),
]


def shell(name, line, points, exercise, **more):
    """A test that types a line into the shell. It is judged by what is on the console."""
    return Test(name, prog='sh -c "%s"' % line, points=points, exercise=exercise, reports=False,
                limit=300, **more)


TESTS = [
    Test("greet", prog="greet", points=3, exercise="0.1", reports=False, exit=0,
         title="it tells its number, and has no arguments", forbid=["argument"],
         expect=[regex(r"(?m)^I am process 2\.$")]),
    Test("greet arguments", prog="greet one -n three", points=4, exercise="0.1", reports=False,
         exit=3, title="each argument has its line, and the exit code counts them",
         forbid=["argument 0", "argument 4"],
         expect=[regex(r"(?m)^I am process 2\.\nargument 1: one\nargument 2: -n\n"
                       r"argument 3: three$")]),
    shell("greet shell", "true; greet a b", 3, "0.1", exit=2,
          title="another process has another number",
          expect=[regex(r"(?m)^I am process 4\.\nargument 1: a\nargument 2: b$")]),
    program("tasklist insert", "insert", 10, "0.2", title="tasks stand in the order of priority"),
    program("tasklist take", "take", 5, "0.2", title="the first one is taken, if there is one"),
    program("tasklist drop", "drop", 10, "0.2", title="all of one priority go, in one walk"),
    program("pagebits pack", "pack", 5, "0.3", title="an entry is made of an address and bits"),
    program("pagebits address", "address", 5, "0.3", title="an entry tells its address"),
    program("pagebits index", "index", 5, "0.3", title="an address tells its three indices"),
    program("pagebits share", "share", 5, "0.3", title="one bit is cleared, one is set"),
    program("riddles one", "one", 6, "0.4", title="a loop"),
    program("riddles two", "two", 7, "0.4", title="a loop with loads"),
    program("riddles three", "three", 7, "0.4", title="no branch at all"),
    program("vault key", "key", 5, "0.5", title="an argument at a breakpoint"),
    program("vault debt", "debt", 5, "0.5", title="when a variable changes"),
    shell("echo option", "echo -n one; echo two", 10, "0.6", title="with -n the line goes on",
          expect=[regex(r"(?m)^onetwo$")]),
    shell("echo option words", "echo one -n; echo -n; echo -nn -n; echo; echo -n -n; echo end", 5,
          "0.6", title="only the first argument is the option, and only if it is just -n",
          expect=[regex(r"(?m)^one -n\n-nn -n\n\n-nend$")]),
]

LAB = Lab(0, "C and the machine", EXERCISES, TESTS)
