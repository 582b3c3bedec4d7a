"""The floors of tools/bench.py: how many instructions of each operation no kernel could save.

FLOORS has for each key a list of parts, (how often, what it is, instructions each). A floor is no
promise: it is what the machine and the operation ask for, counted by hand, so that a reader sees
how much of the distance is left. Counted are, on a RISC-V hart with Sv39:

- what the hardware leaves to software: registers are saved and loaded one by one, with two CSRs
  each way, because the task may be switched meanwhile;
- memory that has to be cleared or copied, a word by an instruction or two;
- the walk of a page table in software, and the entries that are read and written;
- an atomic instruction where another hart could come in between.

Not counted is what a kernel does to be one that can be debugged or trusted: frame pointers, checks,
statistics. Nor are jumps between functions, but for the one that the operation asks for: a real
kernel has them, an ideal one would be one function for each operation.
"""

PAGE_WORDS = 512
PAGES_16M, PAGES_1M = 4096, 256

# What C code may change: ra, t0 to t6, a0 to a7. With sp and tp, which trap entry needs itself.
SAVED = 16
ENTRY = [(1, "registers that C may change, saved and loaded", 2 * SAVED),
         (1, "sp and tp: swapped with sscratch, saved, loaded", 8),
         (1, "sepc and sstatus: read and saved, loaded and written", 8),
         (1, "scause: read, and compared; sret", 3)]
DISPATCH = [(1, "the number is checked, the table's entry called and returned from", 7),
            (1, "the result goes to the frame; epc goes on", 2)]
CALL = 67                       # of one system call without its work: the sum of the next
SYSCALL = [(1, "the program's own function: jal, li, ecall, ret", 4)] + ENTRY + DISPATCH + \
    [(1, "does the task have to give way?", 3)]
FAULT = [(1, "the access, twice", 2)] + ENTRY + \
    [(1, "stval: read; the cause becomes the access that was wanted", 4),
     (1, "the lock of the address space: taken and given back", 6),
     (1, "the area: is the address in it, is the access allowed?", 6),
     (1, "walk of the three levels: index, entry, valid?", 15)]
NEW_PAGE = [(1, "a page of the hart's list", 5),
            (1, "its count is set; the entry is made and written", 6)]
CLEAR = [(PAGE_WORDS, "words of the page are cleared", 1)]
COPY = [(PAGE_WORDS, "words of the page are loaded and stored", 2)]
# Of a task switch: ra, sp and s0 to s11 are saved and loaded. Of another address space too: satp.
SWITCH = 28
TO_OTHER_SPACE = SWITCH + 2
QUEUE = 12                      # into a run queue and out of it again: lock, links, unlock
FRAME_WORDS = 35
SMALL_TABLES, SMALL_PAGES = 5, 5        # of a small program: two at each end, and the root

BEGIN = [(FRAME_WORDS, "words of the trap frame are copied", 2),
         (1, "the child's first way out loads all of its registers", 31)]
FORK = [(3, "system calls: fork, exit, wait", CALL)] + BEGIN + [
    (3, "switches: to the child, and back when it has ended; one wakes up", TO_OTHER_SPACE),
    (3, "ways through a run queue", QUEUE),
    (1, "pid, family, state: fields of a task that are set and cleared", 60),
    (4, "areas are copied and freed", 30),
    (SMALL_TABLES, "tables: taken, linked, unlinked, given back", 16),
    (SMALL_PAGES, "entries are shared, and dropped", 14)]
# A program writes to its stack after a fork, at the latest in the next function that it calls. The
# child of these rows ends at once, and writes nothing.
AGAIN = [(1, "page of the parent's is written, of which it has the last reference", 97)]
CHILDS_COPY = [(1, "page that the child writes is copied: its stack", 1105)]

# Of children that are alive: one more, which runs until it sleeps, and one less.
CHILD = [(3, "system calls: fork, the parent's yield, the child's sleep", CALL)] + BEGIN + [
    (2, "switches: to the child, and back when it sleeps", TO_OTHER_SPACE),
    (2, "ways through a run queue", QUEUE),
    (1, "pid, family, state: fields of a task that are set", 30),
    (1, "timer goes into a heap", 20),
    (4, "areas are copied", 15),
    (SMALL_TABLES, "tables: taken, linked", 8),
    (SMALL_PAGES, "entries are shared", 7)] + CHILDS_COPY + AGAIN
CHILDS_END = [(2, "system calls: kill, wait", CALL),
              (2, "switches: to the child, and back when it has ended", TO_OTHER_SPACE),
              (2, "ways through a run queue", QUEUE),
              (1, "family, state: fields of a task that are cleared", 30),
              (1, "timer leaves its heap", 20),
              (4, "areas are freed", 15),
              (SMALL_TABLES, "tables: unlinked, given back", 8),
              (SMALL_PAGES, "entries are dropped", 7)]

EXEC = [
    (1, "system call: exec", CALL),
    (1, "name and arguments: copied in, looked up, pushed", 120),
    (4, "areas are made and freed", 30),
    (SMALL_TABLES, "tables: taken, linked, unlinked, given back", 16),
    (1, "switch of the address space", 2),
    (1, "fault that maps a page of the program", 90),
    (2, "faults that make a page of stack or data", 611)]

# What one entry costs: load, test, W taken away, address of the count, atomic add, store; at the
# end load, test, address, atomic add, test. Both entries are written: parent's, child's.
SHARE_AND_DROP = 15

# Inode and entry of a file: 128 bytes, and 8 with a name of up to 8.
NEW_NAME_WORDS = 18
WRITTEN = "words of inode and entry, to the cache, the journal and the disk"

# A quarter of the bss is the kernel's own, with a stack for each hart; the rest are buffers of self
# tests. The idle system has 8 MiB in use: of other pages nothing need be known yet.
BOOT = [(13700, "words of the kernel's own bss are cleared", 1),
        (8192, "words of struct Page are cleared, for the first 8 MiB", 1),
        (1, "pass over a device tree of 5 KiB, a word at a time", 2600),
        (1, "program is mapped and begins", 1500)]

FLOORS = {
    "null": SYSCALL + [(1, "the task, its pid", 2)],
    "fork": FORK + AGAIN,
    "fork-1m": FORK + AGAIN + [(PAGES_1M, "entries are shared, and dropped", SHARE_AND_DROP),
                               (1, "table more", 16)],
    "fork-16m": FORK + AGAIN + [(PAGES_16M, "entries are shared, and dropped", SHARE_AND_DROP),
                                (9, "tables more", 16)],
    "exec": FORK + AGAIN + CHILDS_COPY + EXEC,
    "exec-disk": FORK + AGAIN + CHILDS_COPY + EXEC + [
        (1, "name: compared with an entry of a directory", 60),
        (1, "inode: taken, given back", 20)],
    "touch": FAULT + NEW_PAGE + CLEAR,
    "cow-copy": FAULT + NEW_PAGE + COPY + [(1, "flush of the old translation", 1),
                                           (1, "the old page has a reference less", 3)],
    "cow-last": FAULT + [(1, "who else has the page? the entry is made and written", 8),
                         (1, "flush of the old translation", 1)],
    "yield": [(2, "system calls", CALL), (2, "switches to another address space", TO_OTHER_SPACE),
              (2, "ways through a run queue", QUEUE)],
    "sem": [(2, "system calls", CALL), (2, "the semaphore: found, locked, changed, unlocked", 14)],
    "mutex": [(2, "calls of a function", 2), (1, "lr, sc, test; amoswap", 5)],
    "hand-over": [(4, "system calls", CALL), (2, "switches to another address space",
                                              TO_OTHER_SPACE),
                  (2, "ways through a run queue", QUEUE),
                  (4, "the semaphore: found, locked, changed, unlocked", 14)],
    "up-down": [(2, "call, lock, count, unlock, return", 12)],
    "page-out-in": [(1, "fault", 93)] + NEW_PAGE + [
        (2, "copies of the page, out and in", 1024),
        (2, "entries are made and written; one flush", 8),
        (2, "the slot: found, counted", 10), (2, "the page goes into a list and out of it", 8)],
    "pipe": [(4, "system calls", CALL), (2, "switches to another address space", TO_OTHER_SPACE),
             (2, "ways through a run queue", QUEUE),
             (4, "the descriptor, the pipe's lock, its counts", 24), (4, "bytes are copied", 4)],
    "pipe-kib": [(256, "words go into the pipe and out of it", 2)],
    "open": [(2, "system calls", CALL), (1, "name: copied, compared with an entry", 60),
             (1, "descriptor and inode: taken, given back", 40)],
    "create": [(2, "system calls", CALL), (1, "name: copied, compared with an entry", 60),
               (1, "descriptor and inode in memory: taken, given back", 40),
               (NEW_NAME_WORDS, WRITTEN, 6)],
    "unlink": [(1, "system call", CALL), (1, "name: copied, compared with an entry", 60),
               (1, "inode in memory: taken, given back", 20),
               (NEW_NAME_WORDS, WRITTEN, 6),
               (16, "blocks of 4 KiB: a bit of the map, and what is cached of it is dropped", 20)],
    "read-kib": [(128, "words are loaded and stored", 2), (1, "quarter of a system call", 17)],
    "read-16k": [(128, "words are loaded and stored", 2), (1, "sixteenth of a system call", 5)],
    "write-kib": [(128, "words are loaded and stored, to the cache, the journal and the disk", 6),
                  (1, "quarter of a system call", 17)],
    "children-60": CHILD, "children-200": CHILD, "children-4000": CHILD,
    "kill-60": CHILDS_END, "kill-200": CHILDS_END, "kill-4000": CHILDS_END,
    "boot-128M": BOOT, "boot-8G": BOOT, "boot-64G": BOOT,
    "boot-disk": BOOT + [(2, "blocks of the disk are copied: superblock, journal", 1024),
                         (1, "name: compared with an entry of a directory", 60)],
}
# The longest time of something is no operation: nothing has to take that long.
NO_FLOOR = ("irq-off", "irq-group", "kept")


def floor(key):
    """The sum of an operation's parts; None if nobody has counted it."""
    return sum(times * each for times, _, each in FLOORS[key]) if key in FLOORS else None
