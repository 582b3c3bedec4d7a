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
    shift     with one hart, an instruction takes 2^shift ns of guest time
    runs      how often the machine is booted; each run must pass
    panic     the kernel must panic: exit status not 0, and no leak check is made
    exit      False: the first program must fail, all else is as always
    input     what is typed on the console
    """

    def __init__(self, name, prog=None, selftest=None, command=None, harts=1, mem="128M",
                 append="", shift=0, runs=1, expect=(), forbid=(), panic=False, exit=True,
                 input="", cpu=CPU_LIMIT, points=1):
        self.name, self.command, self.harts, self.mem = name, command, harts, mem
        self.shift = shift
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
    check("check_readme"),
]

ONE_HART = [
    program("args"),
    Test("args with words", prog="args one two"),
    program("badarg"),
    program("badcalls"),
    program("badpointers"),
    program("badpointers keys", "keys", input="k" * 200),
    program("badsegment"),
    program("brk"),
    program("cow"),
    program("cowkernel"),
    program("demandzero"),
    program("divzero"),
    program("exceptions"),
    program("exceptions csrs", "csrs"),
    program("exit"),
    Test("false", prog="false", exit=False),
    program("faultread"),
    program("faultreadkernel"),
    program("forkbomb"),
    program("forktest"),
    program("forktree"),
    program("forkwait", "60000", cpu=120),
    program("fpu"),
    program("groupkill", shift=3),
    program("hello"),
    program("inspect"),
    program("kill"),
    program("manyproc", "4000", mem="256M", cpu=120),
    program("matrix"),
    program("mmap"),
    program("oom"),
    program("pgdir"),
    program("priority", "rr", shift=5),
    program("priority stride", "stride", append="sched=stride", shift=5),
    program("newcomer", shift=5),
    program("newcomer stride", append="sched=stride", shift=5),
    program("newcomer mlfq", append="sched=mlfq", shift=5),
    program("interactive mlfq", append="sched=mlfq", shift=5),
    program("forktest fifo", append="sched=fifo"),
    program("secrets"),
    Test("sh", prog='sh -c "echo one; echo two"', expect=[regex("(?m)^one$"), regex("(?m)^two$")]),
    # The session that README.md shows. The first characters come before the kernel does.
    Test("sh session", prog="sh", input="\n\n\n\nhello\nhog 60000 &\nkill 4\njobs\nexit\n",
         expect=["I am process 3", "[4] hog", "[4] hog: exit code -9 E_KILLED",
                 "init ended with code 0"]),
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
    program("badpointers 4 harts", harts=4, runs=2),
    program("hello 64M 8 harts", mem="64M", harts=8),
    program("hello 8G 2 harts", mem="8G", harts=2),
    program("cowrace 4 harts", harts=4, runs=3),
    program("exceptions 4 harts", harts=4, runs=2),
    program("exceptions csrs 4 harts", "csrs", harts=4, runs=2),
    program("forkwait 4 harts", "2000", harts=4, runs=2),
    program("fpu 4 harts", harts=4, runs=3),
    program("groupkill 4 harts", harts=4, runs=2, cpu=90),
    program("inspect 4 harts", "1000", harts=4, runs=2),
    program("secrets 4 harts", harts=4, runs=2),
    program("threads 4 harts", harts=4, runs=3),
]

def selftest(name, append="", expect=(), **more):
    """A self test of kern/test; for "x 4 harts" or "x with this" it is x."""
    word = name.split()[0]
    return Test(name, selftest=word, append=append,
                expect=list(expect) + ["selftest %s: ok" % word], **more)


def panics(name, *texts, trace="run_selftest", **more):
    """A self test that breaks a rule: the kernel must panic with these texts and a call stack."""
    return Test(name, selftest=name.split()[0], panic=True, forbid=["not caught"],
                expect=list(texts) + ["call stack, innermost first:", trace], **more)


SELF_TESTS = [
    # An ebreak in the kernel enters the monitor, which can go on.
    selftest("breakpoint", input="\n\n\n\nhelp\nregisters\nbacktrace\nnonsense\ncontinue\n",
             expect=["kernel monitor on hart 0", "list the commands", "  epc ffffffc0",
                     "breakpoint+", "run_selftest", "no command nonsense"]),
    selftest("fdt", cpu=60),
    selftest("kmalloc"),
    selftest("kmalloc with first fit", "pmm=first_fit poison"),
    selftest("kmap"),
    selftest("kmap 4 harts", harts=4),
    selftest("kstack"),
    selftest("oom-kernel"),
    selftest("oom-kernel with best fit", "pmm=best_fit poison"),
    selftest("oom-programs", cpu=90),
    selftest("pagetable"),
    selftest("pagetable with poison", "poison"),
    selftest("pmm buddy", "pmm=buddy"),
    selftest("pmm buddy 96M", "pmm=buddy poison", mem="96M"),
    selftest("pmm first fit", "pmm=first_fit"),
    selftest("pmm best fit", "pmm=best_fit"),
    selftest("choice-first-fit", "pmm=first_fit"),
    selftest("choice-best-fit", "pmm=best_fit"),
    selftest("proc"),
    selftest("vmm"),
    selftest("kmalloc-harts", harts=4, runs=3),
    selftest("kstack-harts", harts=4, runs=3),
    selftest("kstack-tlb", harts=4, runs=2),
    selftest("mutex"),
    selftest("mutex 4 harts", harts=4, runs=3),
    selftest("proc 4 harts", harts=4, runs=2),
    selftest("sched-harts 4 harts", harts=4, runs=2),
    selftest("sched-harts 8 harts", harts=8),
    selftest("sched-kill"),
    selftest("sched-kill 4 harts", harts=4, runs=2),
    selftest("sched-wake"),
    selftest("sched-wake 4 harts", harts=4, runs=3),
    selftest("sched-wake 8 harts", harts=8, runs=2),
    selftest("sched-yield"),
    selftest("sched-yield 4 harts", harts=4, runs=3),
    selftest("sched-yield 8 harts", harts=8, runs=2),
    selftest("timers"),
    selftest("timers 4 harts", harts=4),
    selftest("wait-kill"),
    selftest("wait-kill 4 harts", harts=4, runs=2),
    selftest("wait-queue"),
    selftest("wait-queue 4 harts", harts=4, runs=2),
    Test("selftest unknown", selftest="nonsense", exit=False,
         expect=['there is no self test "nonsense"; there are:', " pmm "]),
    Test("init unknown", prog="nonsense", exit=False,
         expect=["init=nonsense cannot be run: E_NOENT"]),
    check("check_devtree", "@OBJ@"),
    check("check_late_hart", "@OBJ@"),
]

NULL = "the kernel used a null pointer"
GIVES_UP = "a task gives up the hart while it holds a spinlock"

PANIC_TESTS = [
    # kern/test/protect.c: memory
    panics("write-text", "at write_text", regex("store page fault, .* 0xffffffc08020000[0-7]")),
    panics("write-text 4 harts", "at write_text", "store page fault", harts=4),
    panics("write-rodata", "at write_rodata", "store page fault"),
    panics("exec-data", "instruction page fault"),
    panics("exec-stack", "at 0xffffffe0", "instruction page fault"),
    panics("read-null", "at read_null", NULL, "address 0x8"),
    panics("write-null", "at write_null", NULL, "address 0x0"),
    panics("call-null", "at 0x0", NULL, "address 0x0"),
    panics("read-user", "at read_user", "load page fault, address 0x200000"),
    panics("write-user", "at write_user", "store page fault, address 0x200000"),
    panics("exec-user", "at 0x200000", "instruction page fault, address 0x200000"),
    panics("read-unmapped", "at read_unmapped", "load page fault"),
    panics("illegal-instruction", "at illegal_instruction", "illegal instruction"),
    panics("overflow-stack", "kernel stack overflow of selftest (pid 2)", "at recurse",
           trace="recurse"),
    Test("panic-in-panic", selftest="panic-in-panic", panic=True,
         expect=["kernel panic at kern/test/protect.c", "panic inside the panic, at ",
                 "the kernel used a null pointer"]),
    panics("panic-in-interrupt", "from an interrupt", trace="panicking_handler"),
    panics("panic-while-printing", "while the console's lock is held",
           trace="panicking_output"),
    panics("panic-while-printing 4 harts", "while the console's lock is held",
           trace=regex("hart [0-3], running .*:"), harts=4),
    Test("monitor after a panic", selftest="write-text", append="monitor", panic=True,
         input="\n\n\n\nps\nmap 1\ncontinue\nbacktrace\noff\n",
         expect=["store page fault", "kernel monitor on hart 0", "selftest",
                 "1 is not the pid of a process with memory", "cannot go on", "write_text"]),
    # kern/test/misuse.c: pages, objects, locks
    panics("page-double-free", "double free of page 0x"),
    panics("page-double-free-part", "double free of page 0x"),
    panics("page-free-in-use", regex("free of page 0x[0-9a-f]+, which has 1 references")),
    panics("page-free-outside", "free of a page that does not exist: 0x88000000"),
    panics("page-free-kernel", "free of page 0x"),
    panics("object-double-free", "double free of 0x", "in the cache kmalloc"),
    panics("object-double-free-large", "double free of "),
    panics("object-of-other-cache", "is not an object of the cache test"),
    panics("lock-rank", 'takes the lock "low lock" of rank', "see enum lock_rank"),
    panics("lock-same-rank", 'takes the lock "other low lock" of rank'),
    panics("lock-twice", 'takes the lock "low lock" that it holds already'),
    panics("unlock-free", regex('releases the lock "low lock" that it does not hold|lock->holder')),
    panics("sleep-with-lock", GIVES_UP),
    panics("wait-with-lock", GIVES_UP),
    panics("wait-without-lock", "assertion failed: spin_held(queue->lock)"),
    panics("wake-wrong-lock", "assertion failed: spin_held(queue->lock)"),
    panics("mutex-with-lock", "assertion failed: ", "irq_depth == 0"),
    panics("mutex-not-held", "assertion failed: mutex_held(mutex)"),
    panics("deadlock", "deadlock: all 2 processes sleep, and nothing can wake one",
           "selftest (pid 2) waits for a bell that nobody rings:", "deadlock_alone",
           "initproc (pid 1) waits for a child to end:", "kernel panic", trace="cpu_idle"),
    panics("deadlock 4 harts", "deadlock: all 2 processes sleep", harts=4, runs=2,
           trace="cpu_idle"),
    panics("deadlock-mutexes", "deadlock: all 4 processes sleep", "waits for the left fork:",
           "philosopher", "waits for the right fork:", "philosopher", trace="cpu_idle"),
    # Boot arguments that make no sense.
    Test("argument unknown", prog="hello", append="colour=red", panic=True,
         expect=['unknown boot argument "colour=red"; known are init=PROGRAM']),
    Test("argument pmm", prog="hello", append="pmm=nonsense", panic=True,
         expect=["pmm=nonsense: there are buddy first_fit best_fit"]),
    Test("argument sched", prog="hello", append="sched=nonsense", panic=True,
         expect=["sched=nonsense: there "]),
]

TESTS = CHECKS + SELF_TESTS + PANIC_TESTS + ONE_HART + MANY_HARTS
