"""What tools/bench.py compares with: the operations, what they may cost, what they cost elsewhere.

The figures are guest instructions of one operation, measured in user mode by QEMU 7.2 with
-icount shift=0,sleep=off -smp 1. "xv6" is xv6-riscv with a RAM disk and without its debug junk
fill; "ucore" is the better of two RISC-V ucore lab5 trees.

OPERATIONS has a row for each key that user/bench.c prints. A bound is a promise about the kernel:
it is lowered when the kernel gets faster, and raised only with a reason in the commit. It is not
more than a tenth above what the operation costs today: bench.py --check fails for one that is.
"""
import collections

# key     the name that user/bench.c prints
# bound   the operation may cost at most so much
# flat    the key of another row: this one may cost at most FLAT_PERCENT more than that one
# known   for a bound that is missed: what it costs at most today, which bench.py --check holds
# None stands for "not measured there", or for "no bound".
Row = collections.namedtuple("Row", "key text bound flat xv6 ucore known")

FLAT_PERCENT = 5
LOOSE_PERCENT = 11.5        # above the figure: a tenth, and what rounding adds
# selftest=irq-off looks each so many instructions only, so its rows may be so much longer.
PROBE_STEP, PROBED = 10000, ("irq-off", "irq-group", "kept")

# The bounds are for this compiler, TOOLCHAIN=unknown-elf of Debian 12. Another one inlines other
# functions and uses registers otherwise, so an operation may cost OTHERS_PERCENT more with it.
COURSE_TOOLCHAIN, COURSE_VERSION = "unknown-elf", 12
OTHERS_PERCENT = 15


def row(key, text, bound=None, xv6=None, ucore=None, flat=None, known=None):
    """A Row, with None for what is not given."""
    return Row(key, text, bound, flat, xv6, ucore, known)


OPERATIONS = (
    row("null", "null system call (getpid)", 120, 1130, 211),
    row("fork", "fork + exit + wait, small process", 7200, 268950, 138138),
    row("fork-1m", "the same, parent with 1 MiB touched", 15900, 5688574, 278992),
    row("fork-16m", "the same, parent with 16 MiB touched", 131200, 87094469, 2494156),
    row("exec", "fork + exec + exit + wait, trivial program", 16700, 1056616, 245691),
    row("touch", "first touch of a demand-zero page", 1100, 12670, 12708),
    row("cow-copy", "COW write fault, page copied", 1600),
    row("cow-last", "COW write fault, last reference", 410),
    # make profile says where the instructions of the two yields go: do_yield() with the queue's
    # lock and satp 204, traps and dispatch 206, the scheduling class 76, switch_to 58; the rest is
    # the program itself.
    row("yield", "yield round trip, two switches", 560, None, 632),
    # Semaphores and mutexes of programs, user/libs/sync.h; up-down comes from selftest=sem-cost. Of
    # the first, two system calls that do nothing would be 230, up + down in the kernel are 85, and
    # to find the semaphore by its id costs 18, twice. The calls end by a jump to up() and
    # sem_down(), which call nothing if nobody waits, so that no registers are saved: each of these
    # is needed for the bound.
    row("sem", "sem_post + sem_wait, nobody waits", 340),
    row("mutex", "mutex_lock + mutex_unlock, free", 40),
    row("hand-over", "a semaphore's hand-over and back, two switches", 1200),
    row("up-down", "up + down in the kernel, nobody waits", 94),
    # From selftest=page-cost: page_out(), and the fault of a write.
    row("page-out-in", "a page out to a disk in memory and in again", 6000),
    # Files and pipes, user/filebench.c, with a disk in memory. What writes counts one sync at its
    # end, divided by what was done before it.
    row("pipe", "pipe, one byte there and one back", 3300, 95823),
    row("pipe-kib", "pipe, per KiB, in pieces of 16 KiB", 850, 664774),
    row("open", "open + close of an existing file", 2800, None, 514205),
    row("create", "create + close of a file", 5800, 3928977),
    row("write-kib", "write of a 64 KiB file in pieces of 4 KiB, per KiB", 1890, 394261, 18329),
    row("read-kib", "read of it from the cache, per KiB", 500, 50883, 18330),
    row("read-16k", "the same in pieces of 16 KiB", 425),
    row("unlink", "unlink of it", 17200, 2480077),
    row("exec-disk", "fork + exec from the disk + exit + wait", 19500, 1056616, 2216904),
    row("children-60", "fork, per child, with 60 children alive", None, 198419, 112940),
    row("children-200", "the same with 200 children alive", None, None, 140309, "children-60"),
    row("children-4000", "the same with 4,000 children alive", flat="children-60"),
    row("kill-60", "kill + wait, per child, with 60 children alive"),
    row("kill-200", "the same with 200 children alive", flat="kill-60"),
    row("kill-4000", "the same with 4,000 children alive", flat="kill-60"),
    # These come from selftest=irq-off, with half of the memory touched. The true time may be up to
    # PROBE_STEP instructions longer than what it finds.
    # The last row: tasks are asked to give way each 10,000 instructions. Ticks alone, a thousand
    # times rarer, found what they happened to fall into, 23,100 to 109,100 with the same code, and
    # never a kernel thread that waited for 4,000 children in a row (4,750,000).
    row("irq-off", "longest with interrupts off, 4,000 processes, 1 GiB", 16700),
    row("irq-group", "the same while a group of 4,000 is killed", 410000),
    row("kept", "longest until the kernel gives way, same machine", 120500),
    row("boot-128M", "firmware's jump to first user instruction, 128 MiB", 335000, 8700000,
        1300000),
    row("boot-disk", "the same to the shell, with a disk in memory", 371000),
    row("boot-8G", "the same with 8 GiB", flat="boot-128M"),
    row("boot-64G", "the same with 64 GiB", flat="boot-128M"),
)

# What operations are to cost one day. docs/speed.md tells of each that costs more where its
# instructions are; they are neither bounds nor floors.
AIMS = {"fork": 9000, "fork-16m": 120000, "exec": 18000, "exec-disk": 18000, "touch": 950,
        "cow-copy": 1400, "null": 112, "yield": 530, "pipe": 3000, "read-16k": 350,
        "boot-128M": 320000}

# What user/scale.c does, how many processes do it, a text, and how much faster two harts must be.
SCALING = (
    ("cpu", 4, "%d processes that compute", 1.8),
    ("fork", 4, "%d processes that fork and wait", 1.5),
)

# user/mmlock.c runs on so many harts, with one thread on each. WAITING_US is the longest time that
# one of them may wait for the lock of their memory, in microseconds. Without a fair queue it would
# be seconds.
WAITING = (2, 4, 8)
WAITING_US = 200000
