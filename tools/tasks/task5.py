"""The tasks of lab 5: what they ask is told in labcodes.md.

The programs that test them are in this folder. At a checkpoint of such a program the machine is
stopped, and the functions here look at its memory from outside: so it is not the patched kernel
alone that says what it has told the program. What is drawn by chance in these programs comes from
the key of the boot.
"""
from grader.memory import PAGE, PTE_COW, PTE_V, PTE_W, MemoryFault, pte_frame
from grader.state import this_cpu
from labs.common import program
from tasks.catalogue import Task

PAGE_IN, PAGE_WRITE, PAGE_COW = 1, 2, 4


def told_states(machine):
    """What the kernel told the program is what its page table says, page by page."""
    memory, program = machine.memory, machine.program
    process = memory.object("proc_struct", int(this_cpu(machine).task))
    root, wrong = memory.physical(int(process.mm["as"].pgdir)), []

    def entry(va):
        try:
            return memory.leaf(va, root)[0]
        except MemoryFault:
            return 0

    def load(symbol, size):
        va = program.address(symbol)
        return memory.read(pte_frame(entry(va)) + va % PAGE, size)

    start = int.from_bytes(load("area", 8), "little")
    told = load("told", int.from_bytes(load("pages", 8), "little") % (PAGE + 1))
    for number, state in enumerate(told):
        pte = entry(start + number * PAGE)
        right = bool(pte & PTE_V) * (PAGE_IN | bool(pte & PTE_W) * PAGE_WRITE
                                     | bool(pte & PTE_COW) * PAGE_COW)
        if state != right:
            wrong.append("of the page at %#x the program was told %d, but its entry is %#x, which "
                         "is %d" % (start + number * PAGE, state, pte, right))
    return wrong[:3] or ([] if any(told) else ["the program was told of no page"])


TASKS = [
    Task("5.T", "a system call from kernel to program",
         "a program asks which of its pages are in memory, and how they are mapped: a number, a "
         "function of the kernel, and the function by which programs call it",
         files=["libs/unistd.h", "kern/syscall/*.[ch]", "kern/mm/pagetable.[ch]",
                "kern/mm/vmm.[ch]", "user/libs/ulib.[ch]"],
         new=["kern/syscall/*.[ch]", "user/*.c"],
         names="SYS_pagestate PAGESTATE_MAX PAGE_IN PAGE_WRITE PAGE_COW pagestate",
         programs=["pagestate"],
         tests=[
             program("pagestate", "told", 8, at={"told": [told_states]},
                     title="what is told of each page is what its entry says"),
             program("pagestate fork", "fork", 6, at={"told": [told_states]},
                     title="pages that are shared since a fork"),
             program("pagestate bad", "bad", 6,
                     title="ranges and pointers that no program may use"),
         ]),
    Task("5.A", "an alarm with a handler in the program",
         "a function of the program is called whenever the program has run for so many ticks, and "
         "the program goes on as if nothing had happened",
         files=["libs/unistd.h", "kern/syscall/*.[ch]", "kern/process/*.[ch]", "kern/trap/*.[ch]",
                "kern/driver/clock.[ch]", "kern/sched/*.[ch]", "user/libs/ulib.[ch]"],
         new=["kern/process/*.[ch]", "kern/syscall/*.[ch]", "user/*.c"],
         names="SYS_alarm SYS_alarm_return alarm alarm_return",
         programs=["alarmed"],
         tests=[
             program("alarmed", "calls", 10, limit=400,
                     title="the handler is called at its time, and changes no register"),
             program("alarmed fork", "fork", 6, limit=400,
                     title="a child has no alarm, and a program after exec has none"),
             program("alarmed bad", "bad", 4, limit=400,
                     title="handlers that are none, and returns from none"),
         ]),
]
