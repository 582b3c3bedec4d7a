"""Lab 9: paging to disk, and files in memory.

HINTS has the hints of the exercises; a handout has them as comments in its blank regions. For their
form see lab1.py.

The tests of 9.4 need no other exercise of this lab. Three of them look inside of the kernel, at
what a fault finds and what a write-back leaves; the others are programs, that see only what mmap,
msync, read and write promise, and the host looks at the disk afterwards.

9.3 is the only one that pages for real: its programs need more memory than mem= leaves. `make grade
GRADE="--all --long" TEST=pagerandom-chaos` boots the random one with 500 seeds, for an hour.

The whole lab is 9.1 a page that is out comes in (30), 9.2 clock (20), 9.3 a shared page goes out
(25), 9.4 mmap of a file (25), and the challenge 9.C, a policy of one's own (10).
"""
from grader import outside_maps, outside_swap, trace
from grader.disk import same, sound
from grader.fsops import NEAR, operations
from labs.common import ALL_BUT_LEAKS, Disk, Exercise, Lab, Test, early, program, regex, selftest

HINTS = {
    "9.1": """
swap.h draws the entry, and tells what the cache is and who has a name of a slot.

swap_pte, pte_slot, pte_is_swapped: The slot has 32 bits and begins at bit 8; all else
is 0. An entry of a page that is out is not valid, and not 0.

slot_page: Is the slot's page in the cache? swap_cache_find() gives it, with a
reference. Else a new page, which begins with the reference that the entry will have:
make it the slot's cache, and read it, swap_read(). swap_cache_insert() has locked it
for that; page_unlock() lets those go on who wait for it. If another process of the
family was first, give your page back and look again. If the read fails the page must
not stay in the cache. Who returns an error has lost nothing: no page, and no name.

swap_in: By slot_page(); an error leaves the entry as it is. The entry will not name
the slot any more, and one page less is out. A page that others can find in the cache
must not be written to: an area that may be written gets PTE_COW instead of PTE_W. Only
if this access writes, and swap_cache_own() says that nobody else wants the page, it has
W at once. pte_leaf_flags() adds A and D. A page of text that was just read: see
fetch_flush(). At last the policy has to know the page: page_enrol().
""",
    "9.2": """
The ring is a list with a head, `ring`, that is no page. All but the last function are
called with swap_lock held. mm/swap.h says what a policy promises.

clock_map_swappable: A page that is new comes last: put it behind the hand. Count it.

clock_set_unswappable: The page is being freed: out of the ring. Where does the hand
stand then?

test_and_clear_accessed: Was A set? Clear it, in one step (pte_and()): the hardware may
set it at the same time. A TLB that has the entry would not set it again.

clock_advance: The page that the hand is at, and the hand one place on. The head is
none, and is stepped over. Take a reference by page_ref_get(), or the page may be freed
before anybody has looked at it; one that is locked (PG_LOCKED) is on its way already.

clock_swap_out_victim: Ask page by page, by page_for_each_entry() with the function
above. The first that no entry has used goes, with the reference. Each other one gets it
back. If some entries could not be looked at, page_for_each_entry() says so: leave such a
page alone. The search must end, even if all pages are used as fast as the hand turns: how
many steps can it need?
""",
    "9.3": """
The head of swap_out.c tells what others may do to the page meanwhile. Two references to it
are not entries': the caller's and the cache's.

unmap_entry: The entry names the slot from now on, swap_pte(). What counts that is the
slot, swap_slot_get(), and mm->paged_out. The page loses the reference of the entry, but
first no hart may have a translation of it any more. In which order, so that the slot is
never without a name, and nobody writes to a page that is being written to the disk?

move_out: Does anything have the page but the two? Then it may stay, PAGE_BUSY. Else it can
go, PAGE_OUT, when the slot has its content: because it has it already, or by swap_write();
if that fails the page is the only copy, and stays, PAGE_KEPT. If the cache is the slot's
only name nobody wants the content. A page that goes leaves the cache, swap_cache_leave().
So does one of which no entry was changed, if the slot does not have its content: its only
entry may allow to write, and what is in the cache must stay as it is.
""",
    "9.4": """
A program may write to a page of a shared map only after a fault has said so: what
can change is known then, the set of dirty blocks. Before it goes to the disk nobody
may be able to write to it; kern/fs/mmap.h tells the steps, and why.

the default of mmap_shares: static bool mmap_shares = true; as long as it is not
there, shared maps are refused.

sfs_share: A program will write to the block at `index`. With the inode's lock, which
guards the set, load_block() has four answers. An error ends the fault. A hole has to be
filled first. A block that the journal has (logged) may be just written to the disk:
give it back, and have the journal committed. Else it is what is wanted: *page, with a
reference for the entry, and the block comes into the set. What takes the inode's lock
itself, or waits for a commit, is called without it; afterwards all may be different.

protect_entry: Valid, and may be written: not any more. The flush is the caller's, if
you return true.

write_back: All faults of the file are held. Take the right to write away from all
entries, then put what is dirty into the journal (vop_journal_dirty). Why in this order?

sfs_journal_dirty: A series of transactions, of WRITE_BACK_BLOCKS blocks each, because
a log may be small: sfs_begin() for so many and no new ones; then with the inode's lock
take blocks out of the set, mmap_take_dirty(), until it gives none; what is behind the
file's end, clear_behind_end(), is no part of it. The reference that comes with a block
is yours to give back. If a transaction cannot begin, its error is the result.
""",
    "9.C": """
own_swap_manager: A struct swap_manager with this name and all functions of mm/swap.h;
`swap=own` chooses it. swap_fifo.c is an example, and rmap.h finds the entries of a page.
What can be known of a page? When it came, by the order of calls of map_swappable(); whether it
was used since its A bit was cleared last; and, by its family and address, that it is one
that went before. Nothing is said when a page is used. `python3 tools/misses.py` counts.
""",
}

POINTS = {"9.1": 30, "9.2": 20, "9.3": 25, "9.4": 25}

EXERCISES = [
    Exercise("9.1", "a page that is out comes in", POINTS["9.1"], hint=HINTS["9.1"],
             uses="tlb_flush",
             asks="the entry of a page that is out, and the fault that brings it in"),
    Exercise("9.2", "clock", POINTS["9.2"], hint=HINTS["9.2"],
             asks="the page goes that was not used since the hand came by last"),
    Exercise("9.3", "a shared page goes out", POINTS["9.3"], hint=HINTS["9.3"],
             asks="take a page from all who share it, and write it if that is needed"),
    Exercise("9.4", "mmap of a file", POINTS["9.4"], hint=HINTS["9.4"],
             asks="a page that programs write to and the disk has; and its way back"),
    Exercise("9.C", "a policy of one's own", 10, hint=HINTS["9.C"],
             asks="misses less often than clock"),
]

# What is paged goes to a range of the RAM disk; the programs need more memory than mem= leaves.
PAGED = Disk(size="44M", swap="40M", programs=("true",))

# The same, with files that are larger than memory.
FILES = Disk(size="44M", swap="24M", programs=("pagetext",))
WORDS = Disk(size="44M", swap="40M", programs=("echo",))

# A small journal: what is dirty must go in several transactions.
SMALL = Disk(journal=40)
CROWD = Disk(checks=(sound, same("/crowd", "/copy")))
VICTIM = Disk(journal=40, checks=(sound, same("/victim", "/copy")))

# A policy that loses pages, or gives one that is locked, has no points for how seldom it misses.
SOUND = early("swap-own", 4, "9.C", title="each choice by chance is one that can go",
              outside=outside_swap.policy)


def misses(pattern, seed, most, points):
    """The own policy misses not more often than `most` on this trace; clock does."""
    return early("swap-misses own " + pattern, points, "9.C", append="swap=own", needs=SOUND,
                 title="fewer misses than clock: " + pattern,
                 disk=trace.TraceDisk(pattern=pattern, seed=seed, most=most))


TESTS = [
    early("swap-entry", 5, "9.1", title="the entry of a page that is out",
          outside=outside_swap.entries),
    early("swap-in", 10, "9.1", title="what a fault on such an entry leaves",
          outside=outside_swap.brought_in(1, False)),
    early("swap-in-cache", 9, "9.1", title="a page that others have too",
          outside=outside_swap.brought_in(3, False)),
    early("swap-in-errors", 6, "9.1", title="the disk fails, memory is short, rights",
          outside=outside_swap.brought_in(2, True)),
    early("swap-clock", 6, "9.2", title="in which order pages go",
          outside=outside_swap.clock(1)),
    early("swap-clock-shared", 5, "9.2", title="pages of two, and pages that are busy",
          outside=outside_swap.clock(2)),
    early("swap-clock-hand", 4, "9.2", title="pages are freed, wherever the hand is"),
    early("swap-clock-flush", 3, "9.2", title="accesses by a hart, and its TLB"),
    early("swap-clock-random", 2, "9.2", title="all of it by chance, beside a model"),
    SOUND,
    misses("loop", 11, 2000, 2),
    misses("hot", 12, 360, 2),
    misses("phases", 13, 570, 2),
    early("swap-slots"),
    early("swap-passes"),
    early("swap-family", append="poison"),
    early("swap-fifo"),
    early("swap-disk"),
    selftest("swap-kill", after=ALL_BUT_LEAKS),
    early("swap-file"),
    selftest("swap-out", 3, "9.3", title="entry, counts and slot of a page that went out",
             outside=outside_swap.brought_out(1, False)),
    selftest("swap-out-flush", 1, "9.3", title="a hart that has the page in its TLB"),
    selftest("swap-out-again", 3, "9.3", title="a page is written if it has changed"),
    selftest("swap-out-shared", 5, "9.3", title="a page of several, of whom some are busy",
             outside=outside_swap.brought_out(3, False)),
    selftest("swap-out-errors", 2, "9.3", title="the disk fails, no slot is free",
             outside=outside_swap.brought_out(2, True)),
    program("pagesort", "8", 2, "9.3", append="mem=2M", limit=3000, disk=PAGED,
            title="a program four times as large as memory sorts"),
    program("pagesort 4 harts", "8 4", 1, "9.3", append="mem=2M", harts=4, cpu=60, disk=PAGED,
            title="four processes sort parts of what they share"),
    program("swaptest", "10 5", 2, "9.3", append="mem=16M", limit=3000, disk=PAGED,
            title="ten children of 5 MiB in 16 MiB"),
    program("pageout", "3", 2, "9.3", append="mem=2M", limit=5000, disk=PAGED,
            title="fork, COW, unmap, exec, kill, with pages that are out"),
    program("pageout 4 harts", "3", 2, "9.3", append="mem=2M", harts=4, cpu=60, disk=PAGED,
            title="the same on four harts"),
    program("pagerandom chaos", "1 512 500", 2, "9.3", append="mem=4M", seeds=4, long_seeds=500,
            limit=3000, disk=PAGED, title="by chance, compared with a formula, whoever runs when"),
    # Without points: what is touched is chance, so memory need not be short in each run.
    program("pagerandom 4 harts", "1 512 500", append="mem=4M", harts=4, runs=2, cpu=60,
            disk=PAGED),
    program("pageoom", "3 1", append="mem=4M", limit=1000, disk=Disk(size="12M", swap="8M"),
            expect=[regex(r"pageoom \(pid \d\) was killed: out of memory, and of swap")]),
    program("pageoom 4 harts", "3 1", append="mem=4M", harts=4, cpu=60,
            disk=Disk(size="12M", swap="8M"),
            expect=[regex(r"pageoom \(pid \d\) was killed: out of memory, and of swap")]),
    program("pagefile", append="mem=4M", limit=2000, disk=FILES),
    program("pagefile 4 harts", "3", append="mem=4M", harts=4, cpu=60, disk=FILES),
    program("pagefile chaos", append="mem=4M", seeds=2, limit=2000, disk=FILES),
    program("pageargs", append="mem=4M", limit=2000, disk=WORDS),
    program("pageargs 4 harts", append="mem=4M", harts=4, cpu=60, disk=WORDS),
    program("pageargs chaos", append="mem=4M", seeds=2, limit=2000, disk=WORDS),
    selftest("page-cost", shift=0),
    program("faultcount"),
    program("faultcount swap", "swap", append="mem=4M", disk=PAGED),
    # ctrl-\ enters the monitor. Before it comes so much that the console takes no more until the
    # program reads; so the program is there.
    Test("monitor mem", prog="cat", reports=False, input="\n" * 16500 + "\x1cmem\ncontinue\n\x04",
         expect=["faults: zero   copy   swap   file\n",
                 regex(r" +2 cat +[1-9]\d* +[1-9]\d* +0 +[1-9]\d* +0 +0 +[1-9]\d*\n")]),
    Test("mem", append="mem=4M", prog="mem", reports=False, disk=PAGED,
         expect=[regex(r"mem +pid 2 +[1-9]\d* pages, [1-9]\d* of them shared with others\n"
                       r" +faults: [1-9]\d* for zeros, 0 for a copy, 0 from swap, [1-9]"),
                 regex(r"\nof all of them, faults: [1-9]")]),
    Test("swapstat", prog="swapstat", append="mem=4M", reports=False, disk=PAGED,
         expect=[regex("all +10240"), regex("in use +0")]),
    selftest("mmap-share", 6, "9.4", title="what a fault finds when a program will write",
             outside=outside_maps.shared),
    selftest("mmap-back", 5, "9.4", title="what a write-back leaves in entries and on the disk",
             outside=outside_maps.written_back),
    selftest("mmap-stable", 2, "9.4",
             title="no block changes while a commit writes it, whoever writes to it"),
    program("mapfile", "", 3, "9.4", limit=500,
            title="maps, read, write; what is on the disk afterwards",
            disk=Disk(checks=(sound, same("/mapped", "/written")))),
    program("mapfile cut", "cut", 2, "9.4", disk=Disk(), title="truncate, and the file's end"),
    program("mapfile holes", "holes", 2, "9.4", disk=Disk(), title="holes, read and written"),
    program("mapfile many", "many", 2, "9.4", disk=SMALL,
            title="more pages than the journal has room for"),
    program("mapfile full", "full", 1, "9.4", disk=Disk(), title="no room for a hole"),
    program("mapfile crowd", "crowd", 1, "9.4", seeds=3, disk=CROWD,
            title="six processes, whoever runs when"),
    program("mapfile 4 harts", "crowd", 1, "9.4", harts=4, runs=2, disk=CROWD,
            title="six processes on four harts"),
    program("mapimage"),
    program("mapfile errors", "errors", disk=Disk(programs=("true",))),
    program("mapfile large", "large", limit=800, append="mem=16M",
            disk=Disk(size="40M", journal=256)),
    program("mapkill chaos", seeds=3, disk=VICTIM),
    program("mapkill 4 harts", harts=4, disk=VICTIM),
    program("mapfar", disk=Disk()),
    # Random operations, compared with a model: `tools/fsops.py --map` has more of them. What seek
    # returns far behind in a file is lab 8's, whose scripts go there.
    operations(1, 10, by_map=True, edges=NEAR), operations(11, 10, by_map=True, edges=NEAR),
]

LAB = Lab(9, "paging and files in memory", EXERCISES, TESTS)
