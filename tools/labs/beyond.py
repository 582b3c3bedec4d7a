"""Tests of the kernel that belong to no exercise; `make test` runs them.

They are for those who change the kernel itself: rules of the tree (CHECKS), self tests
(SELF_TESTS), misuse of the kernel that must panic (PANIC_TESTS), hostile and ordinary programs
(PROGRAMS), and the same on many harts (MANY_HARTS). They have no points, and handouts do not get
this file.

One of them alone: make grade GRADE=--all TEST="name of the test"
A new test is one line in one of the lists; the name of each test is the only one of its kind.
"""
import struct

from labs.common import (ALL_BUT_LEAKS, BEYOND, Disk, Lab, Test, check, early, panics, program,
                         regex, selftest)

CHECKS = [
    check("check_style"),
    check("check_layers", "@OBJ@"),
    check("check_headers", "@OBJ@"),
    check("check_entries", "@OBJ@"),
    check("check_mmio", "@OBJ@"),
    check("check_pairs"),
    check("check_unfailing"),
    check("check_budget"),
    check("check_readme"),
    check("check_devtree", "@OBJ@"),
    check("check_late_hart", "@OBJ@"),
    check("check_machines", "@OBJ@"),
    check("check_misbehave", "@OBJ@"),
    check("litmus", "--compiled", "@OBJ@"),
]

ALPHABET = "abcdefghijklmnopqrstuvwxyz"
PASTED = "\n\n\n\n" + "".join("line %04d %029d end\n" % (n, 0) for n in range(1000))
NO_FPU = "rv64,f=off,d=off"       # grader/processor.py adds what QEMU wants with it


def blocks_written(path):
    """A check of a disk: the self test disk has filled each block in its last round."""
    with open(path, "rb") as file:
        data = file.read()
    for block in range(len(data) // 4096):
        words = struct.unpack_from("<1024I", data, 4096 * block)
        for i, word in enumerate(words):
            expected = (block + 1) * 2654435761 + i & 0xffffffff
            if word != expected:
                return ["on the disk, word %d of block %d is %#x, expected %#x" % (
                    i, block, word, expected)]
    return []


PROGRAMS = [
    program("args alone"),
    program("badarg"),
    program("badnumbers"),
    program("badpointers", limit=2000),
    program("badpointers keys", "keys", input=ALPHABET * 8, limit=2000),
    program("badsegment"),
    program("brk"),
    program("demandzero"),
    program("exceptions"),
    program("exceptions csrs", "csrs"),
    program("exceptions without fpu", processor=NO_FPU),
    program("exceptions csrs without fpu", "usercsrs", processor=NO_FPU),
    program("divzero"),
    program("exit"),
    program("faultread"),
    Test("false", prog="false", reports=False, exit=1),
    program("faultreadkernel"),
    program("forkbomb", limit=2000),
    program("forktree"),
    # In so little memory a page lost in each round is missed soon, and 256 bytes before the end.
    program("forkwait", "10000", append="mem=2M", limit=2000),
    program("fpu"),
    program("fpu without", processor=NO_FPU,
            expect=["illegal instruction", "this machine has no floating-point registers"]),
    program("fpu single", processor="rv64,d=off", expect=["no floating-point registers"]),
    program("forktest without fpu", processor=NO_FPU),
    program("greedy stride", append="sched=stride", shift=9, limit=4000),
    program("greedy own", append="sched=own", shift=7, limit=4000),
    program("greedy mlfq", append="sched=mlfq", shift=7, limit=4000),
    # tools/fuzz.py makes many more, on many machines.
    program("fuzz", "1 3 300", limit=4000, disk=Disk(inodes=128, programs=("true",))),
    program("groupkill", limit=4000),
    program("inspect", limit=2000,
            expect=["a thread: its memory was counted above", regex("the rest, [0-9]{1,5} pages")]),
    program("interactive mlfq", append="sched=mlfq", shift=7),
    program("forktest"),
    program("forktest fifo", append="sched=fifo"),
    program("kill"),
    program("libc",
            expect=["libc: a line\n<42>\n", regex(r"user warning at user/libc\.c:[0-9]+:\n"),
                    "    the number is 42\n"]),
    program("libc lines", "lines", input="\n\n\n\nword\nwords\nab\n" + "x" * 30 + "\nend\n"),
    program("manyproc", "4000", mem="256M", limit=2000),
    program("matrix"),
    program("mmlock", "3", limit=4000),
    program("mmap"),
    program("newcomer mlfq", append="sched=mlfq", shift=7),
    program("numbers"),
    program("oom", limit=2000),
    program("paste", "1000", input=PASTED, limit=20000,
            expect=["too much was typed while this program runs"]),
    program("pgdir"),
    program("secrets", limit=2000),
    program("sleep"),
    program("sleepkill"),
    program("softint"),
    program("spin"),
    program("stackgrow"),
    program("syncids"),
    program("syncids many", "many", limit=4000),
    program("testbss"),
    program("whoami"),
    program("threads"),
    program("yield"),
    Test("sh", prog='sh -c "echo one; echo two"', reports=False,
         expect=[regex("(?m)^one$"), regex("(?m)^two$")]),
    # Pid 2, exit code 0 and one hog are in the lower half of these.
    Test("sh numbers", reports=False,
         prog='sh -c "kill 4294967298; exit 4294967296; wait 18446744073709551615; kill 2x; '
         'hog 4294967297; hog 1 4294967297; echo alive"',
         expect=["sh: kill: '4294967298' is not a number that fits into 32 bits",
                 "sh: exit: '4294967296' is not", "sh: wait: '18446744073709551615' is not",
                 "sh: kill: '2x' is not", "'4294967297' is none", "'4294967297' is none",
                 regex("(?m)^alive$")]),
    # The session that README.md shows. The first characters come before the kernel does.
    Test("sh session", prog="sh", input="\n\n\n\nhello\nhog 60000 &\nkill 4\njobs\nexit\n",
         reports=False,
         expect=["I am process 3", "[4] hog", "[4] hog: exit code -9 E_KILLED",
                 "init ended with code 0"]),
]

MANY_HARTS = [
    program("badpointers 4 harts", harts=4, runs=2, cpu=90),
    program("hello 64M 8 harts", mem="64M", harts=8),
    program("hello 8G 2 harts", mem="8G", harts=2),
    program("exceptions 4 harts", harts=4, runs=2),
    program("exceptions csrs 4 harts", "usercsrs", harts=4, runs=2),
    program("forkwait 4 harts", "2000", harts=4, runs=2),
    program("fpu 4 harts", harts=4, runs=3),
    program("fpu without 4 harts", harts=4, processor=NO_FPU),
    program("groupkill 4 harts", harts=4, runs=2, cpu=90),
    program("crowd 4 harts", mem="256M", harts=4, runs=2, cpu=60),
    program("inspect 4 harts", "1000", harts=4, runs=2),
    program("mmlock 2 harts", "1", harts=2, cpu=60),
    program("mmlock 4 harts", "3", harts=4, cpu=60),
    program("mmlock 8 harts", "7", harts=8, cpu=60),
    program("secrets 4 harts", harts=4, runs=2),
    program("syncids 4 harts", harts=4, runs=2),
    program("threads 4 harts", harts=4, runs=3),
]

SELF_TESTS = [
    # An ebreak in the kernel enters the monitor, which can go on.
    selftest("breakpoint", input="\n\n\n\nhelp\nregisters\nbacktrace\nnonsense\ncontinue\n",
             expect=["kernel monitor on hart 0", "list the commands", "  epc ffffffc0",
                     "breakpoint+", "selftest_thread", "no command nonsense"]),
    selftest("block", limit=12000),     # it waits for a disk that does not answer
    selftest("disk", disk=Disk(blank=True, checks=(blocks_written,))),
    selftest("disk 4 harts", harts=4, runs=2, disk=Disk(blank=True, checks=(blocks_written,))),
    selftest("driver"),
    selftest("local-handlers"),
    selftest("driver 4 harts", harts=4, runs=2),
    selftest("fdt", limit=2000),
    selftest("cache", after=ALL_BUT_LEAKS),
    selftest("journal", after=ALL_BUT_LEAKS),
    selftest("journal-crash"),
    selftest("crash-maps", limit=2000),
    selftest("journal-flusher"),
    selftest("journal-short"),
    selftest("journal-storm"),
    selftest("journal-storm chaos", seeds=8, limit=2000),
    selftest("journal-storm 4 harts", harts=4, runs=3),
    selftest("journal-storm 8 harts", harts=8, runs=2),
    selftest("journal-storm chaos 4 harts", harts=4, seeds=3),
    selftest("program-mutated", limit=2000),
    selftest("irq-off", mem="256M", shift=0, limit=4000),
    selftest("pmm-grow", shift=0, limit=4000),
    selftest("sem-cost", shift=0),
    selftest("sfs-content", limit=8000),
    selftest("sfs-cost", shift=0),
    selftest("sfs-damage"),
    selftest("sfs-errors", limit=8000),
    selftest("sfs-full", limit=3000),
    selftest("sfs-memory", limit=4000),
    selftest("sfs-random", limit=2000),
    selftest("sfs-super"),
    selftest("sfs-tree", limit=12000),
    early("kmalloc"),
    early("shrink"),
    early("timer-rest"),
    selftest("kmap"),
    selftest("kmap 4 harts", harts=4),
    selftest("kstack"),
    selftest("oom-kernel"),
    selftest("oom-kernel best fit", append="pmm=best_fit poison"),
    selftest("oom-programs", limit=4000),
    selftest("oom-sync", limit=4000),
    selftest("symbols"),
    selftest("spin-next"),
    selftest("spin-next 4 harts", harts=4),
    selftest("spin-turns 2 harts", harts=2),
    selftest("spin-turns 4 harts", harts=4),
    selftest("sync-memory", append="pmm=first_fit"),
    early("pagetable-ranges"),
    early("vmm"),
    early("pmm buddy", append="pmm=buddy"),
    early("pmm buddy 256M", append="pmm=buddy", mem="256M", limit=2000),
    early("pmm first fit 160M", append="pmm=first_fit", mem="160M", limit=2000),
    early("pmm buddy 96M", append="pmm=buddy poison", mem="96M"),
    selftest("orphans", limit=2000),
    selftest("proc"),
    selftest("proc 4 harts", harts=4, runs=2),
    selftest("resources"),
    selftest("kmalloc-harts", harts=4, runs=3),
    selftest("kstack-harts", harts=4, runs=3),
    selftest("kstack-tlb", harts=4, runs=2),
    selftest("mutex"),
    selftest("mutex 4 harts", harts=4, runs=3),
    selftest("mutex-order"),
    selftest("mutex-order 4 harts", harts=4, runs=2),
    selftest("mutex-fair"),
    selftest("mutex-fair 2 harts", harts=2, runs=2),
    selftest("mutex-fair 8 harts", harts=8, runs=2),
    selftest("sched-harts 4 harts", harts=4, runs=2),
    selftest("sched-harts 8 harts", harts=8),
    selftest("sched-kill"),
    selftest("sched-kill 4 harts", harts=4, runs=2),
    selftest("sched-wake"),
    selftest("sched-wake 4 harts", harts=4, runs=2),
    selftest("sched-wake 8 harts", harts=8, runs=2),
    selftest("sched-yield"),
    selftest("sched-yield 4 harts", harts=4, runs=2),
    selftest("sched-yield 8 harts", harts=8, runs=2),
    selftest("timers"),
    selftest("timers 4 harts", harts=4),
    selftest("wait-grant"),
    selftest("wait-grant 4 harts", harts=4, runs=2),
    selftest("wait-grant-race"),
    selftest("wait-grant-race 8 harts", harts=8, runs=2),
    selftest("wait-kill"),
    selftest("wait-kill 4 harts", harts=4, runs=2),
    selftest("wait-queue"),
    selftest("wait-queue 4 harts", harts=4, runs=2),
    Test("selftest unknown", selftest="nonsense", reports=False, exit=-16,
         expect=['there is no self test "nonsense"; there are:', " pmm "]),
    Test("init unknown", prog="nonsense", reports=False, exit=-16,
         expect=["init=nonsense cannot be run: E_NOENT"]),
]

NULL = "the kernel used a null pointer"
# The call stack of what spin_lock() and spin_unlock() call almost never, inlined or not: both
# callers are in it, one line each.
CALLED_RARELY = (r"rare_call_save\+\S+\s+(?:\S+ spin_\w+\+\S+\s+)?"
                 r"\S+ %s\+\S+\s+\S+ %s\+")
GIVES_UP = "a task gives up the hart while it holds a spinlock"
UNLOCKED = "() is called without the lock of the address space; the task holds no mutex"

def everywhere(name, arguments="", **more):
    """Tests of one program: on one hart, on one with chance, and on several without and with it."""
    return [program(name, arguments, **more),
            program(name + " chaos", arguments, seeds=3, **more),
            program(name + " 4 harts", arguments, harts=4, runs=2, **more),
            program(name + " chaos 4 harts", arguments, harts=4, seeds=2, **more)]


# Programs that synchronise.
SYNC_PROGRAMS = [
    *everywhere("semtest"),
    *everywhere("dining"),
    *everywhere("dining semaphores", "semaphores"),
    *everywhere("dining processes", "processes"),
    *everywhere("readers"),
    *everywhere("readers processes", "processes"),
    *everywhere("buffer"),
    *everywhere("buffer semaphores", "semaphores"),
    *everywhere("barrier"),
    *everywhere("barrier processes", "processes"),
    *everywhere("barber"),
    *everywhere("barber processes", "processes"),
    *everywhere("counter"),
    *everywhere("syncattack"),
    *everywhere("synckill"),
    *everywhere("syncstorm"),
    *everywhere("syncstorm memory", "memory", mem="32M"),
    program("counter loss chaos", "loss", seeds=3),
]

PANIC_TESTS = [
    # kern/test/protect.c: memory
    panics("write-text", "at write_text", regex("store page fault, .* 0xffffffc08020000[0-7]")),
    panics("write-text 4 harts", "at write_text", "store page fault", harts=4),
    panics("write-rodata", "at write_rodata", "store page fault"),
    panics("exec-data", "instruction page fault"),
    panics("exec-stack", "at 0xffffffe0", "instruction page fault"),
    panics("read-null", "at read_null", NULL, "address 0x8"),
    panics("write-null", "at write_null", NULL, "address 0x0"),
    panics("call-null", "at 0x0", NULL, "address 0x0", trace="call_null"),
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
         input="\n\n\n\nps\nmap 1\nmap 4294967297\nwalk 1 x\ncontinue\nbacktrace\noff\n",
         expect=["store page fault", "kernel monitor on hart 0", "selftest",
                 "1 is not the pid of a process with memory", "4294967297 is not a pid",
                 "cannot go on", "write_text"]),
    # kern/test/misuse.c: pages, objects, locks
    panics("page-double-free", "double free of page 0x"),
    panics("page-double-free-part", "double free of page 0x"),
    panics("page-free-in-use", regex("free of page 0x[0-9a-f]+, which has 1 references")),
    # the first one behind the 64 MiB whose structs are made at boot
    panics("page-free-outside", "free of a page that does not exist: 0x84000000"),
    panics("page-free-kernel", "free of page 0x"),
    panics("page-of-stack", "assertion failed: paddr(kva) < PHYS_MAX"),
    panics("block-of-no-page", "page >= pages && page < pages + npage",
           trace="block_transfer"),
    panics("object-double-free", "double free of 0x", "in the cache kmalloc"),
    panics("object-double-free-large", "double free of "),
    panics("object-of-other-cache", "is not an object of the cache test"),
    panics("lock-rank", 'takes the lock "low lock" of rank', "see enum lock_rank"),
    panics("lock-same-rank", 'takes the lock "other low lock" of rank'),
    panics("lock-twice", 'takes the lock "low lock" that it holds already',
           trace=regex(CALLED_RARELY % ("take_low", "lock_twice"))),
    panics("unlock-free", regex('releases the lock "low lock" that it does not hold|lock->holder'),
           trace="unlock_free"),
    panics("rare-panic", 'the lock "low lock" that it does not hold',
           trace=regex(CALLED_RARELY % ("rare_panic", "selftest_thread"))),
    panics("sleep-with-lock", GIVES_UP),
    panics("wait-with-lock", GIVES_UP),
    panics("wait-without-lock", "assertion failed: spin_held(queue->lock)"),
    panics("wake-wrong-lock", "assertion failed: spin_held(queue->lock)"),
    panics("mutex-with-lock", 'takes the mutex "outer mutex" while it holds a spinlock'),
    panics("mutex-rank", regex('takes the mutex "outer mutex" of rank 1, level 0 '
                               'while it holds "inner mutex" of rank [0-9]+, level 0'),
           "see enum mutex_rank"),
    panics("mutex-same-rank", 'takes the mutex "other outer mutex" of rank 1, level 0 '
           'while it holds "outer mutex" of rank 1, level 0', "mutex_lock_two"),
    panics("mutex-twice", 'takes the mutex "outer mutex" that it holds already'),
    panics("mutex-not-held", 'releases the mutex "outer mutex" that it does not hold; '
           "it holds none"),
    panics("mutex-of-other", 'releases the mutex "outer mutex" that it does not hold; '
           'it holds "inner mutex"', trace="release_both"),
    panics("mutex-and-sleep", 'a task sleeps for what may never come while it holds the mutex '
           '"outer mutex"'),
    panics("mutex-and-exit", 'a task ends while it holds the mutex "outer mutex"',
           trace="do_exit"),
    panics("mutex-and-user-mode", 'returns to user mode while it holds the mutex "outer mutex"',
           trace="proc_give_way"),
    # kern/test/misuse_mm.c: address spaces without their lock
    *[panics("mm-unlocked-" + name, function + UNLOCKED)
      for name, function in (
          ("find", "find_vma"), ("find-above", "find_vma_above"), ("insert", "insert_vma_struct"),
          ("remove", "remove_vma_struct"), ("map", "mm_map"), ("unmap", "mm_unmap"),
          ("room", "mm_find_room"), ("brk", "mm_brk"), ("pgfault", "do_pgfault"),
          ("fault", "mm_fault_locked"), ("write", "mm_write"), ("program", "find_vma"))],
    panics("mm-copy-published", "assertion failed: !to->published"),
    *[panics("user-%s-mm-locked" % name, "assertion failed: mutex_allows_fault()")
      for name in ("read", "write", "string")],
    # kern/test/journal_run.c: misuse of transactions
    panics("journal-outside", "changes block 20, but is in no transaction"),
    panics("journal-too-many", "changes block 22, and more blocks than it has asked for"),
    panics("journal-nested", '"transaction" of rank', 'while it holds "transaction"',
           trace="journal_begin"),
    panics("journal-commit-inside", 'while it holds "transaction"', trace="journal_commit"),
    panics("journal-behind", '"transaction" of rank', 'while it holds "a mutex"'),
    panics("journal-mutex-inside", '"a mutex" of rank', 'while it holds "transaction"'),
    *[panics("journal-end-" + name, "ends a transaction that it is not in, or with a mutex")
      for name in ("locked", "outside")],
    panics("journal-user-copy", "assertion failed: mutex_allows_fault()"),
    panics("journal-sleep", 'sleeps for what may never come while it holds the mutex '
           '"transaction"'),
    panics("journal-exit", 'a task ends while it holds the mutex "transaction"', trace="do_exit"),
    panics("journal-deadlock", "deadlock: all 3 processes sleep, and nothing can wake one",
           "waits for a change of the disk:", "waits for a bell", trace="cpu_idle"),
    panics("cache-in-use", "assertion failed: count == 0", trace="cache_close"),
    panics("shrink-with-lock", "assertion failed: holds_no_lock()"),
    panics("deadlock", "deadlock: all 2 processes sleep, and nothing can wake one",
           "selftest (pid 2) waits for a bell that nobody rings:", "deadlock_alone",
           "initproc (pid 1) waits for a child to end:", "kernel panic", trace="cpu_idle"),
    panics("deadlock 4 harts", "deadlock: all 2 processes sleep", harts=4, runs=2,
           trace="cpu_idle"),
    Test("deadlock-of-job", selftest="deadlock-of-job",
         expect=["deadlock: the 3 processes sleep, and nothing but ctrl-C can wake one\n"
                 "test thread (pid 3) waits for a bell that nobody rings:\n",
                 "deadlock: the 3 processes sleep"],
         forbid=["deadlock: all", regex(r"(?s)(deadlock: the.*){3}")]),
    panics("deadlock-mutexes", "deadlock: all 4 processes sleep",
           "holds inner mutex, waits for a bell that nobody rings:", "philosopher",
           "holds outer mutex, waits for inner mutex:", "philosopher", trace="cpu_idle"),
    # user/ring.c: a circle of processes is told as one, and what is none is not.
    Test("ring", prog="ring", panic=True, forbid=["somebody went on"],
         expect=["deadlock: all 4 processes sleep, and nothing can wake one\na circle:\n"
                 "  ring (pid 2) holds mutex 1 and waits for mutex 2, which ring (pid 3) holds\n"
                 "  ring (pid 3) holds mutex 2 and waits for mutex 3, which ring (pid 4) holds\n"
                 "  ring (pid 4) holds mutex 3 and waits for mutex 1, which ring (pid 2) holds\n"
                 "ring (pid 4) waits for mutex 1:\n", "sys_mutex_lock",
                 "ring (pid 3) waits for mutex 3:\n", "sys_mutex_lock"]),
    Test("ring alone", prog="ring 1", panic=True,
         expect=["a circle:\n  ring (pid 2) holds mutex 1 and waits for mutex 1, which ring "
                 "(pid 2) holds\nring (pid 2) waits for mutex 1:\n", "sys_mutex_lock"]),
    Test("ring queue", prog="ring queue", panic=True, forbid=["a circle"],
         expect=["deadlock: all 3 processes sleep", "ring (pid 3) waits for mutex 1:\n"]),
    # user/nopost.c: what detection of deadlocks does not tell, and what is told then.
    Test("nopost", prog="nopost", panic=True, forbid=["a circle", "comes to its end"],
         expect=["ok: the one who could have posted ends\n",
                 "deadlock: all 3 processes sleep, and nothing can wake one\n",
                 "nopost (pid 4) waits for semaphore 1:\n", "sync_watched_wait",
                 "nopost (pid 2) waits for a child to end:\n"]),
    program("nopost later", "later", forbid=["deadlock:"]),
    # Boot arguments that make no sense.
    Test("argument unknown", prog="hello", append="colour=red", panic=True,
         expect=['unknown boot argument "colour=red"; known are init=PROGRAM']),
    Test("argument init", append="init=", panic=True,
         expect=['unknown boot argument "init="; known are init=PROGRAM']),
    Test("argument init blank", append="poison init=   ", panic=True,
         expect=['unknown boot argument "init="; known are init=PROGRAM']),
    Test("arguments too long", prog="echo " + "x" * 1100, panic=True, forbid=["xxx"],
         expect=["the boot arguments have 1110 characters; the kernel takes 1023"]),
    Test("arguments too many", prog="echo" + " x" * 32, reports=False, exit=-12,
         expect=["init=echo cannot be run: it has more than 32 words"]),
    Test("arguments just so many", prog="echo" + " x" * 31, reports=False,
         expect=["x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x\n"]),
    Test("argument pmm", prog="hello", append="pmm=nonsense", panic=True,
         expect=["pmm=nonsense: there are buddy first_fit best_fit"]),
    Test("argument sched", prog="hello", append="sched=nonsense", panic=True,
         expect=["sched=nonsense: there "]),
    *[Test("argument chaos " + what, prog="hello", append="chaos=" + seed, panic=True,
           expect=["chaos=%s: a seed is a number from 1 to 999999999" % seed])
      for what, seed in (("none", ""), ("zero", "0"), ("word", "12x"), ("sign", "-1"),
                         ("large", "1000000000"), ("huge", "18446744073709551617"))],
    *[Test("argument mem " + what, prog="hello", append="mem=" + size, panic=True,
           expect=["mem=%s: a size is a number with K, M or G behind it, and at least 2M" % size])
      for what, size in (("none", ""), ("unit", "64"), ("word", "16MB"), ("small", "1M"),
                         ("huge", "99999999999999999999G"))],
    # The allocator has so much, to the page; the kernel's own memory and a RAM disk lie outside.
    Test("argument mem", prog="mem", append="mem=3M", reports=False, disk=Disk(size="4M"),
         expect=[regex("all that can be had +768 pages +3.00 MiB")]),
    Test("argument chaos largest", prog="hello", append="chaos=999999999",
         expect=["scheduler  rr, chaos with seed 999999999\n"]),
]

# What must hold whoever runs next, and whenever. Tests that look at what a scheduler chooses, or
# that count turns, are not among these.
def chaos(kind, name, *arguments, **more):
    """A program or a self test with seeds; for several harts the name says so itself."""
    return kind(name if " " in name else name + " chaos", *arguments, seeds=3, **more)


CHAOS = [
    chaos(program, "cow"),
    chaos(program, "fpu"),
    chaos(program, "forktest"),
    chaos(program, "kill"),
    chaos(program, "mmlock", "1", limit=4000),
    chaos(program, "sleepkill"),
    chaos(program, "threads"),
    chaos(program, "waitkill"),
    chaos(selftest, "exit-race"),
    chaos(selftest, "mutex"),
    chaos(selftest, "orphans"),
    chaos(selftest, "sched-wake"),
    chaos(selftest, "wait-kill"),
    chaos(selftest, "wait-queue"),
    *[Test("races " + name, prog="races " + name, seeds=20)
      for name in ("counter", "event", "buffer", "forks")],
    chaos(program, "threads chaos 4 harts", harts=4),
    chaos(selftest, "sched-wake chaos 4 harts", harts=4),
]

LAB = Lab(BEYOND, "the kernel beyond the exercises", [],
          CHECKS + SELF_TESTS + PANIC_TESTS + PROGRAMS + SYNC_PROGRAMS + MANY_HARTS + CHAOS)
