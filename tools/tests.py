"""The tests of `make grade`: data for tools/grade.py.

A test is one boot of one machine. It passes when QEMU's exit status is 0, which
the kernel sets only where the first program exited 0 (or the self test passed)
and nothing leaked, and when the console shows the texts of `expect`, in that
order, and none of `forbid`. A text is a string, or a pattern made by regex().
"""
from re import compile as regex

LEAK_CHECK_OK = "leak check: ok"
# So many seconds of CPU time may QEMU use, which most tests never come near.
CPU_LIMIT = 30


class Test:
    """One test: a machine, or with `command` a check on the host.

    prog      command line of the first program
    selftest  name of a self test of the kernel
    command   must succeed; @OBJ@ in it is the folder with the objects
    append    further boot arguments
    cpu       limit of CPU time, in seconds
    harts     with one hart time is counted in instructions, and each run is alike
    runs      how often the machine is booted; each run must pass
    panic     the kernel must panic: exit status not 0, and no leak check is made
    exit      False: the first program must fail, all else is as always
    input     what is typed on the console
    """

    def __init__(self, name, prog=None, selftest=None, command=None, harts=1, mem="128M",
                 append="", runs=1, expect=(), forbid=(), panic=False, exit=True,
                 input="", cpu=CPU_LIMIT, points=1):
        self.name, self.command, self.harts, self.mem = name, command, harts, mem
        self.runs, self.expect, self.forbid = runs, list(expect), list(forbid)
        self.panic, self.exit, self.input = panic, exit, input
        self.cpu, self.points = cpu, points
        words = [append]
        if selftest:
            words.append("selftest=" + selftest)
        if prog:
            words.append("init=" + prog)            # takes the rest of the line
        self.append = " ".join(word for word in words if word)
        if not command and not panic:
            self.expect.append(LEAK_CHECK_OK)


def check(name, *arguments):
    """A test that runs one of the scripts in tools/."""
    return Test(name, command=["python3", "tools/%s.py" % name] + list(arguments))


def program(name, arguments="", **more):
    """A test program, which says at its end that it passed; for "x 4 harts" it is x."""
    word = name.split()[0]
    return Test(name, prog=(word + " " + arguments).strip(), expect=[word + " pass"], **more)


CHECKS = [
    check("check_style"),
    check("check_layers", "@OBJ@"),
    check("check_headers", "@OBJ@"),
    check("check_budget"),
]

ONE_HART = [
    program("args"),
    Test("args with words", prog="args one two"),
    program("badarg"),
    program("badcalls"),
    program("badsegment"),
    program("brk"),
    program("cow"),
    program("cowkernel"),
    program("demandzero"),
    program("divzero"),
    program("exit"),
    Test("false", prog="false", exit=False),
    program("faultread"),
    program("faultreadkernel"),
    program("forkbomb"),
    program("forktest"),
    program("forktree"),
    program("forkwait", "60000", cpu=120),
    program("fpu"),
    program("hello"),
    program("kill"),
    program("manyproc", "4000", mem="256M", cpu=120),
    program("matrix"),
    program("mmap"),
    program("oom"),
    program("pgdir"),
    program("priority", "rr"),
    Test("sh", prog='sh -c "echo one; echo two"', expect=[regex("(?m)^one$"), regex("(?m)^two$")]),
    program("sleep"),
    program("sleepkill"),
    program("softint"),
    program("spin"),
    program("stackgrow"),
    program("testbss"),
    program("threads"),
    program("wait"),
    program("waitkill"),
    program("yield"),
]

MANY_HARTS = [
    program("cowrace 4 harts", harts=4, runs=3),
    program("forkwait 4 harts", "2000", harts=4, runs=2),
    program("fpu 4 harts", harts=4, runs=3),
    program("threads 4 harts", harts=4, runs=3),
]

TESTS = CHECKS + ONE_HART + MANY_HARTS
