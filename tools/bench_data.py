"""What tools/bench.py compares with: the operations, what they may cost, what they cost elsewhere.

Guest instructions of one operation, measured in user mode by QEMU 7.2 with
-icount shift=0,sleep=off -smp 1. "xv6" is xv6-riscv with a RAM disk and without
its debug junk fill, "ucore" the better of two RISC-V ucore lab5 trees.
"""
import collections

# key: the name that user/bench.c prints. bound: at most so much. flat: at most
# FLAT_PERCENT more than the row with that key. None: not measured there, or no bound.
# known: a bound that is missed, and by how much it may be: bench.py --check holds that.
Row = collections.namedtuple("Row", "key text bound flat xv6 ucore known")

FLAT_PERCENT = 5

# The bounds are for this compiler, TOOLCHAIN=unknown-elf of Debian 12. Another one inlines and
# keeps registers otherwise: with it an operation may cost so much more.
COURSE_TOOLCHAIN, COURSE_VERSION = "unknown-elf", 12
OTHERS_PERCENT = 15


def row(key, text, bound=None, xv6=None, ucore=None, flat=None, known=None):
    return Row(key, text, bound, flat, xv6, ucore, known)


OPERATIONS = (
    row("null", "null system call (getpid)", 120, 1130, 211),
    row("fork", "fork + exit + wait, small process", 14000, 268950, 138138),
    row("fork-1m", "the same, parent with 1 MiB touched", 25000, 5688574, 278992),
    row("fork-16m", "the same, parent with 16 MiB touched", 160000, 87094469, 2494156),
    row("exec", "fork + exec + exit + wait, trivial program", 30000, 1056616, 245691),
    row("touch", "first touch of a demand-zero page", 1100, 12670, 12708),
    row("cow-copy", "COW write fault, page copied", 1600),
    row("cow-last", "COW write fault, last reference", 500),
    # By make profile, for the two yields: schedule() with the queue's lock 246, traps and dispatch
    # 213, switch_to 58, satp 36, the scheduling class 78, sys_yield 22, the program itself.
    row("yield", "yield round trip, two switches", 400, None, 632, known=680),
    row("children-60", "fork, per child, with 60 children alive", None, 198419, 112940),
    row("children-200", "the same with 200 children alive", None, None, 140309, "children-60"),
    row("children-4000", "the same with 4,000 children alive", flat="children-60"),
    row("kill-60", "kill + wait, per child, with 60 children alive"),
    row("kill-200", "the same with 200 children alive", flat="kill-60"),
    row("kill-4000", "the same with 4,000 children alive", flat="kill-60"),
    # selftest=irq-off, with half of the memory touched; 10,000 more is what it can tell apart.
    row("irq-off", "longest with interrupts off, 4,000 processes, 1 GiB", 20000),
    row("irq-group", "the same while a group of 4,000 is killed", 600000),
    row("kept", "longest until the kernel gives way, same machine", 200000),
    row("boot-128M", "firmware's jump to first user instruction, 128 MiB", 400000, 8700000,
        1300000),
    row("boot-8G", "the same with 8 GiB", 440000),
)

# What user/scale.c does, how many processes do it, and how much faster two harts must be.
SCALING = (
    ("cpu", 4, "%d processes that compute", 1.8),
    ("fork", 4, "%d processes that fork and wait", 1.5),
)

# user/mmlock.c on so many harts, with one thread on each: the longest that one of them waits for
# the lock of their memory, in microseconds. Without a queue that is fair it is seconds.
WAITING = (2, 4, 8)
WAITING_US = 200000
