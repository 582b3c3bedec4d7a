"""Lab 5: user programs. Loading, system calls, fork with copy-on-write, exit and wait.

FRAME, DISPATCH, COPY, COW, EXIT and VFORK are the hints of the exercises; a handout has them as
comments in its blank regions. For their form see lab1.py.

From here on tests run programs of user/ too. A test with at={"shared": ...} stops the machine at
a checkpoint of the program, where the grader itself looks at the page tables. Tests with 4 harts
run twice, because harts do not run in the same order each time; a `cpu` bounds their time.
"""
from grader import outside_exit, outside_mm, outside_proc, outside_vfork
from grader.state import cow_pair
from labs.common import ALL_BUT_LEAKS, Exercise, Lab, early, program, regex, selftest

FRAME = """
set_user_frame: Fill the frame by which the process leaves the kernel, with
sret, into the new program. Of the 32 registers only sp, a0 and a1 have a value:
a0 is argc, a1 is argv, and the array argv stands exactly at sp. All others are
0, or the new program sees what the old one left. It begins at `entry`.
The status is that of this hart, csr_read(sstatus), with some bits changed. Ask
of each what sret does with it, or what the program could do with it: SPP,
SPIE, SIE, SUM, FS. The other bits stay as they are.
"""

DISPATCH = """
dispatch: Call the function that the table has for this number, and store its
result in a0. A function gets the address of its first argument: a1 to a5 lie
behind one another in the frame. A number may be anything: below 0, behind the
table, in a hole of it. All of those give -E_UNIMP, and do no harm.
Change nothing else in the frame. The trap entry has advanced epc already, and
exec has filled the frame anew before its function returns.
"""

COPY = """
copy_entries: For each valid entry in [from, end) make a page with the same
contents, and map it by the entry of `to` at the same place. For a page that is
not mapped `to` gets nothing. The copy has one reference, and the rights that the
parent has. If the parent's entry is marked PTE_COW, its owner may write: the
copy belongs to the child only, so it is writable and has no mark.
No memory: -E_NO_MEM; the caller removes what was copied already. An entry
holds a physical address, kva() gives one that the kernel can use.
"""

COW = """
the default of fork_shares: Define this variable, a bool, with the value true, so
that fork calls share_areas() instead of copying.

share_entries: For each valid entry in [from, end) let `to` map the same page,
with a reference for its entry. A page that the parent may write gets read-only
and PTE_COW, in the parent as well as in the child. One that is marked already
stays so. One that must not be written is shared as it is. This needs no memory.

share_areas: Copy the areas with dup_areas(), shared. Think of the TLB: what
became read-only in `from` must be so on every hart before this returns, also
if dup_areas() fails half-way. Return what it returned.

break_cow: A program writes to the page that *pte maps with PTE_COW. If this
entry is the last reference to the page, give it W back; else map a copy of it,
and give back the reference to the old page, when no hart can use it any more.
Either way the mark is gone and the other rights stay. No memory: -E_NO_MEM,
and everything is as before.
"""

EXIT = """
exit_mm: A process that has memory runs on the kernel's page table from here on,
sched_set_addrspace(&kernel_as), has no mm, proc_set_mm(NULL), and gives up its
use of the old one, mm_put(). Mind the order. A kernel thread has none.

orphan_children: Make each child of the current process a child of initproc;
current->cptr is the youngest, child->optr the next older, make_child() links.
Some have ended already, and initproc was not told of them: report_end().

do_exit: Let go of the memory, first and without the lock. Then with proc_lock:
set PF_EXITING and exit_code, hand on the children, tell the parent, and call
sched_exit(), which lets go of the lock and never returns.

wait_zombie: With proc_lock, look for a child that has ended by find_zombie();
if there is none yet, sleep in wait_sleep(&current->child_exit, WT_CHILD,
"a child to end") and look again. Return the child, or NULL with *error set:
-E_BAD_PROC if there is no such child, -E_BUSY if `block` is false, -E_KILLED
if wait_sleep() says so. No other process may come between the look and the
sleep. Release the lock before you return.

do_wait: Wait by wait_zombie(), store the exit code at the user's address with
copy_to_user(), if that is not 0, and take the child away by reap(). If the
address is bad, return its error: the child must still be there. Else return 0.
"""

VFORK = """
do_vfork: do_fork() with CLONE_VM makes a child in the parent's memory. Sleep on
current->child_exit as long as the child has that memory, also when another
child's end wakes you; a kill ends it. The child is valid until you wait for it.

declaration of do_vfork: Declare it here, and a flag PF_VFORK, 0x4, that says
that a parent sleeps so.

proc_set_mm: The current process has got other memory, or none: if its parent
sleeps for that, wake it. proc_lock is held.

sys_vfork: A system call that calls do_vfork() with the current frame.

entry of sys_vfork: Put it into the table as SYS_vfork.
"""

EXERCISES = [
    Exercise("5.1", "load_icode's trap frame", 15, hint=FRAME,
             asks="make the frame with which a new program begins in user mode"),
    Exercise("5.2", "system call dispatch", 15, hint=DISPATCH,
             asks="find the call by its number, pass arguments and result, refuse what is unknown"),
    Exercise("5.3", "copy_range by copying", 15, hint=COPY,
             uses="get_pte page_insert page_remove unmap_range tlb_flush",
             asks="give the child its own copy of each page of the parent"),
    Exercise("5.4", "copy-on-write", 30, hint=COW,
             uses="get_pte page_insert page_remove unmap_range tlb_flush mm_dup mm_put",
             asks="share pages read-only at fork, and copy at the first write"),
    Exercise("5.5", "do_exit and do_wait", 25, hint=EXIT,
             asks="end a process; hand its exit code to its parent, its children to initproc"),
    Exercise("5.C", "vfork", 10, hint=VFORK,
             asks="a fork that copies nothing: the parent sleeps until the child calls exec"),
]

TESTS = [
    selftest("user-frame", 9, "5.1", after=ALL_BUT_LEAKS, outside=outside_proc.begun,
             title="exec makes the frame of a new program, bit by bit"),
    program("hello", "", 3, "5.1", title="the first program runs",
            expect=["Hello world!!.", regex(r"I am process \d+\."), "hello pass."]),
    program("args", "one two", 3, "5.1", title="a program gets its arguments",
            expect=['argv[1] = "one"']),
    selftest("syscalls", 9, "5.2", after=ALL_BUT_LEAKS, expect=["a text"],
             outside=outside_proc.dispatched,
             title="each number its call, each argument its place; unknown ones are refused"),
    program("badcalls", "", 6, "5.2", title="wild system calls are refused"),
    early("copy-range", 10, "5.3", mem="32M",
          title="the child's pages are copies, with the same rights",
          outside=outside_mm.copies(False)),
    program("forktest nocow", "", 5, "5.3", append="nocow",
            title="many children, each with its own memory"),
    early("copy-on-write", 14, "5.4", mem="32M",
          title="what is shared, what is copied, what is taken over",
          outside=outside_mm.written),
    program("cow", "", 8, "5.4", title="each process has its own memory, whoever writes first",
            at={"shared": [cow_pair("memory")]}),
    program("cowkernel", "", 4, "5.4", title="the kernel's writes respect it too"),
    program("cowrace 4 harts", "", 4, "5.4", harts=4, runs=2, cpu=5,
            title="threads that fault on the same page at once"),
    selftest("exit-wait", 9, "5.5", title="exit codes, zombies, orphans, waiting for one of many",
             outside=outside_exit.family),
    selftest("exit-moment", 4, "5.5", title="a child may end at any moment"),
    selftest("exit-race 4 harts", 3, "5.5", harts=4, runs=2, cpu=5,
             title="no wake-up is lost"),
    program("wait", "", 5, "5.5", title="wait: bad pids, bad stores, orphans"),
    program("waitkill", "", 4, "5.5", title="a waiting process is killed"),
    program("vfork", "", 10, "5.C", mem="16M", limit=200,
            title="the parent sleeps until its child calls exec or ends",
            outside=outside_vfork.lends),
]

LAB = Lab(5, "user programs, fork, copy-on-write", EXERCISES, TESTS)
