"""What is in the way where an operation costs more than its aim (AIMS in bench_data.py).

speed.py --write makes a table of each of these: its functions with their instructions, what each of
them is for, and the sum. So a reader sees that no one thing is left to be taken away. WHY has a
sentence for a function; one that stands in no row of its own is among the others. A function that
has a row and no sentence is an AimError, which names it: a new kernel may have a new way of missing
an aim. A function that students write is marked: its text is theirs, so the kernel cannot have
another one there.
"""
import collections

from bench_data import AIMS

SHARE = 0.025           # of the operation: a function with less is among the others
SMALL_SHARE = 0.01      # the same for one of more than LARGE instructions
LARGE = 10000
MARK = " (students write it)"

WHY = {
    "from_user": "31 registers are saved, and scause, sepc and sstatus: fork copies all of them",
    "trap_entry": "sscratch and tp are swapped; user mode or not?",
    "to_user": "17 registers that C may have changed, sp and tp are loaded; sret",
    "trap_return_short": "sstatus and sepc are loaded and written",
    "syscall_from_user": "interrupts on and off, the table's entry, its call; give way?" + MARK,
    "sys_getpid": "the task, its pid; a frame for backtraces: 5 of the 8",
    "getpid": "the program's own function, with its ecall",
    "user_trap": "stval and the rest of the frame",
    "trap_user": "interrupts on and off, which kind of access it was; give way?" + MARK,
    "mm_fault": "the mutex of the space; is it an area without a pager?",
    "do_pgfault": "the area, its rights, which case it is; the entry is made" + MARK,
    "find_vma": "the area that was found last is asked first" + MARK,
    "get_pte": "the walk of three levels" + MARK,
    "alloc_pages": "a page of the hart's list, its count and flags",
    "alloc_zeroed_page": "is there a page that is clear already? else one is cleared",
    "memset": "a store for each word, and 36 to begin and to go round",
    "memcpy": "a load and a store for each word, and the way round",
    "do_yield": "the queue's lock, the state, satp: because a hart may take tasks from another one",
    "switch_to": "14 registers are saved and loaded, twice: two switches",
    "rr_enqueue": "into the list of a class that is called by pointers" + MARK,
    "rr_dequeue": "out of that list" + MARK,
    "rr_pick_next": "the first of the list" + MARK,
    "iobuf_pin": "the mutex of the space, and the walk to the page: a page that is there cannot go",
    "iobuf_move": "from piece to piece of the buffer",
    "pipe_read": "the pipe's lock, its counts; is there anything, who waits?" + MARK,
    "pipe_write": "the same for room" + MARK,
    "sched_sleep": "from the pipe's lock to the queue's, and a switch",
    "wakeup_proc": "the queue's lock, into the queue",
    "wait_wake_all": "who waits is taken out of the list",
    "wait_sleep": "who waits is put into the list",
    "file_transfer": "the descriptor, its rights, the position and its lock",
    "sys_read": "arguments, the buffer's range",
    "sys_write": "arguments, the buffer's range",
    "cache_get": "which block of the cache it is, in a hash table",
    "cache_put": "a reference to it is given back",
    "sfs_read": "which part of the file is in which block",
    "bmap_other": "where that block is",
    "copy_range": "15 for an entry: it is loaded, asked, made COW, its page counted" + MARK,
    "unmap_range": "11 for an entry: it is loaded, asked, its page counted",
    "exit_range": "the entries of the tables, to find what is to be freed",
    "free_zeroed_page": "a table that is clear is kept for the next one",
    "kmem_cache_alloc": "tasks, areas and inodes come from slabs",
    "kmem_cache_free": "and go back",
    "insert_vma_struct": "four areas go into the tree" + MARK,
    "remove_areas": "and out of it",
    "read_inode": "the program's inode is read from its block, and looked at",
    "fork_named": "the child's task: pid, family, frame" + MARK,
}


class AimError(ValueError):
    """A table cannot be made; the text says what is missing, and where to write it."""


def missed(details):
    """The keys of these operations that cost more than their aims."""
    return [key for key in AIMS if key in details and sum(details[key].values()) > AIMS[key]]


def rows(text, functions):
    """[(function, instructions)] of what has a row of its own, the most first; and the share that
    it has at least. AimError if WHY lacks one of them."""
    total = sum(functions.values())
    share = SMALL_SHARE if total > LARGE else SHARE
    shown = [(name, count) for name, count in functions.most_common() if count >= share * total]
    unknown = [name for name, _ in shown if name not in WHY]
    if unknown:
        raise AimError("%s: it costs more than its aim, and WHY in tools/speed_aims.py does not "
                       "say what these functions are for: %s" % (text, ", ".join(unknown)))
    return shown, share


def by_folder(functions, folders):
    """What these functions run, by the folders that have them, the most first, in words."""
    sums = collections.Counter()
    for name, count in functions.items():
        sums[folders.get(name.partition(".")[0], "the program")] += count
    return ", ".join("%s %s" % (folder, "{:,.0f}".format(count))
                     for folder, count in sums.most_common() if count >= 0.5)


def table(text, key, details, folders):
    """The table of one operation: {function: instructions} in `details`; `folders` tells in which
    folder of kern/ each function is."""
    functions = collections.Counter(details)
    total = sum(functions.values())
    lines = ["**%s**: %s, and the aim is %s" % (text, "{:,.0f}".format(total),
                                                "{:,}".format(AIMS[key])), "",
             "| instructions | function | for |", "|--:|---|---|"]
    shown, share = rows(text, functions)
    lines += ["| %s | `%s` | %s |" % ("{:,.0f}".format(count), name, WHY[name])
              for name, count in shown]
    rest = {name: functions[name] for name in functions.keys() - dict(shown).keys()}
    lines += ["| %s | %d others | each less than %g %%: %s |" % (
        "{:,.0f}".format(sum(rest.values())), len(rest), 100 * share, by_folder(rest, folders)),
              "| **%s** | | |" % "{:,.0f}".format(total)]
    return "\n".join(lines)
