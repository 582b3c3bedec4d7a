"""gdb commands that know rvlab's kernel: `rvlab` lists them, `help ps` explains ps.

debug.py loads this file; by hand it is `source tools/gdb_commands.py`, after `file
obj/unknown-elf/kernel`. Each command is a class whose docstring is its help; its first line is
"NAME ARGUMENTS: what it does". Those about free blocks, files and the disk are in gdb_storage.py.
Types and members are looked up in the kernel's own debug information, so a moved field breaks
nothing. Damaged memory gets a sentence, no traceback.
"""
import os
import sys

import gdb

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from gdb_base import Command, cpus, process, processes, symbol, title
from gdb_storage import Blocks, Disk, Files
from gdb_values import (Problem, elements, evaluate, kernel_file, kva, listed, struct_at, text,
                        to_struct, variable, words_at)

# Debug information has no macros, so they are repeated: riscv/sv39.h, mm/pmm.h, mm/vmm.h of kern/.
PTE_LETTERS, PTE_COW, PTE_U, PTE_V, PTE_LEAF = "DAGUXWRV", 0x100, 0x10, 0x1, 0xe
PAGE_FLAGS = ((1, "reserved"), (2, "allocated"), (4, "head of a free block"))
PG_ALLOCATED = 2
REPORTING = ("libs/report.c", "kern/debug/panic.c")
VM_RIGHTS, VM_STACK = ((1, "r"), (2, "w"), (4, "x")), 8

FIRMWARE, USERTOP = 0x80000000, 1 << 38
INTERRUPTS = {1: "software interrupt", 5: "timer interrupt", 9: "external interrupt"}


# -- processes

def root_of(proc):
    """Physical address of the page table of a process."""
    if not int(proc["mm"]):
        raise Problem("%s has no memory of its own: a kernel thread, or it ends" % title(proc))
    return int(proc["mm"]["as"]["pgdir"]) - kva(0)


def pointer_to(expression):
    """(what an expression points to, name of its type); (None, "") if it is no pointer."""
    value = gdb.parse_and_eval(expression)
    if value.type.strip_typedefs().code != gdb.TYPE_CODE_PTR or not int(value):
        return None, ""
    target = value.dereference()
    return target, target.type.unqualified().name or ""


def root_named(word):
    """The root table of a pid, or of a pointer to an mm_struct, an addrspace or that table."""
    if word.isdigit():
        return root_of(process(word))
    target, kind = pointer_to(word)
    if kind in ("mm_struct", "addrspace"):
        return int((target["as"] if kind == "mm_struct" else target)["pgdir"]) - kva(0)
    if kind == "pte_t":
        return int(target.address) - kva(0)
    raise Problem("%s is no pid, and points to no mm_struct, addrspace or pte_t" % word)


def is_known(proc):
    """Has gdb the symbols of the program that a process runs?"""
    name = text(proc["program"]["name"]) if int(proc["program"]) else None
    return name in [os.path.basename(objfile.filename or "") for objfile in gdb.objfiles()]


# -- page tables

def frame_of(entry):
    """Physical address of the page or table that an entry points to."""
    return (entry >> 10 & (1 << 44) - 1) << 12


def walk(root, address):
    """(level, index, table, entry) of each step from the root to a leaf or an invalid entry."""
    for level in (2, 1, 0):
        index = address >> 12 + 9 * level & 511
        entry = int(words_at(kva(root) + 8 * index, 1)[0])
        yield level, index, root, entry
        if not entry & PTE_V or entry & PTE_LEAF:
            return
        root = frame_of(entry)


def leaves(root, level=2, base=0, count=256):
    """(address, size, entry) of all that a table maps; of a root, in the user half only."""
    for index, entry in enumerate(map(int, words_at(kva(root), count))):
        address = base + (index << 12 + 9 * level)
        if entry & PTE_V and not entry & PTE_LEAF and level > 0:
            yield from leaves(frame_of(entry), level - 1, address, 512)
        elif entry & PTE_V:
            yield address, 4096 << 9 * level, entry


def letters(entry):
    return "".join(letter if entry >> 7 - bit & 1 else "-"
                   for bit, letter in enumerate(PTE_LETTERS)) + (" COW" if entry & PTE_COW else "")


def print_page(physical):
    index = physical - int(variable("pages_base")) >> 12
    if not 0 <= index < int(variable("npage")):
        raise Problem("physical %#x has no struct Page: it is not RAM, or too early" % physical)
    page = variable("pages")[index]
    flags = [word for bit, word in PAGE_FLAGS if int(page["flags"]) & bit] or ["none"]
    print("  pages[%d]: ref %d, flags: %s, property %d" % (
        index, int(page["ref"]), ", ".join(flags), int(page["property"])))


# -- the commands

class Ps(Command):
    """ps: list the processes, with what each waits for and where it is.

"in the kernel" is the function that runs, or that gave up the hart; "in the program" is where user
mode runs, or was left: a name if gdb has the program's symbols, see `program`, else an address."""
    most = 0

    def run(self):
        if not processes():
            raise Problem("there is no process yet")
        running = {int(cpu["task"]): cpu for cpu in cpus()}
        print("  pid parent state     hart name             %-26s %-20s waits for"
              % ("in the kernel", "in the program"))
        for proc in processes():
            task, cpu, state = proc["task"], running.get(int(proc.address)), "running"
            if cpu is None:
                state = str(task["state"]).replace("PROC_", "").lower()
            user = int(task["tf"]["epc"]) if int(proc["mm"]) else 0
            kernel = self.gave_up(task) if cpu is None else self.runs_at(int(cpu["hartid"]))
            if kernel < FIRMWARE:
                kernel, user = 0, kernel
            print("%5d %6d %-9s %4s %-16s %-26s %-20s %s" % (
                int(proc["pid"]), int(proc["parent"]["pid"]), state,
                "-" if cpu is None else int(cpu["id"]), text(proc["name"]),
                symbol(kernel) if kernel else "-", symbol(user, is_known(proc)) if user else "-",
                text(task["wait_what"]) if state == "sleeping" else ""))

    def gave_up(self, task):
        """Where a task gave up the hart: the first function above the scheduler on its stack."""
        pc, frame = int(task["context"]["ra"]), int(task["context"]["s0"])
        for _ in range(8):
            block = gdb.block_for_pc(pc)
            while block and block.superblock and not block.superblock.is_static:
                block = block.superblock            # to the function that this is inlined in
            if not frame or block and block.function and not block.function.symtab.filename \
                    .startswith(("kern/sched/", "kern/sync/")):
                break
            frame, pc = map(int, words_at(frame - 16, 2))
        return pc

    def runs_at(self, hart):
        selected, frame, pc = gdb.selected_thread(), gdb.selected_frame(), 0
        for thread in gdb.selected_inferior().threads():
            thread.switch()
            if evaluate("$mhartid") == hart:
                pc = evaluate("$pc")
        selected.switch()
        frame.select()
        return pc


class Pt(Command):
    """pt ADDRESS [PID|POINTER]: walk the page table as the hardware does, for an address.

It is the page table that this hart uses now, or that of a process, or the one that an mm_struct,
an addrspace or a pgdir has: `pt la mm`, `pt la pgdir`. Each line is an entry:
  V valid    R, W, X what is allowed; none of them: it points to the next table
  U for user mode, and so not for the kernel, unless sstatus.SUM is set
  G in all address spaces    A was accessed    D was written    COW copy-on-write (ours)
The last lines tell what that means, and show the frame's struct Page."""
    least, most = 1, 2

    def run(self, expression, whose=None):
        address = evaluate(expression)
        root = root_named(whose) if whose else frame_of(evaluate("$satp") << 10)
        if not root:
            raise Problem("paging is off on this hart: every address is physical")
        print("%#x, by the root table at %#x:" % (address, root))
        for level, index, table, entry in walk(root, address):
            print("  level %d, entry %3d of the table at %#x: %016x %s" % (
                level, index, table, entry, letters(entry)))
        if address >> 38 not in (0, (1 << 26) - 1):
            print("  not canonical: bits 39 to 63 are not copies of bit 38")
        elif not entry & PTE_V:
            print("  not mapped, the last entry has no V: an access is a page fault; see vmas")
        elif not entry & PTE_LEAF:
            print("  damaged: an entry of level 0 points to a table")
        else:
            physical = frame_of(entry) + address % (4096 << 9 * level)
            rights = [word for bit, word in ((2, "read"), (4, "write"), (8, "execute"))
                      if entry & bit]
            print("  physical %#x: %s may %s%s" % (
                physical, "user mode" if entry & PTE_U else "the kernel", ", ".join(rights),
                "; the first write gets a copy of the page" if entry & PTE_COW else ""))
            print_page(physical)


class Vmas(Command):
    """vmas [PID|POINTER]: the areas of a process or mm_struct: what may be mapped where.

Pages come when they are first used, so fewer may be there than the area is long."""

    def run(self, whose=None):
        if whose is None or whose.isdigit():
            proc = process(whose)
            owner, root, mm = title(proc), root_of(proc), proc["mm"]
        else:
            owner, root, (mm, kind) = whose, root_named(whose), pointer_to(whose)
            if kind != "mm_struct":
                raise Problem("%s does not point to an mm_struct" % whose)
        mapped = [address for address, _, _ in leaves(root)]
        print("areas of %s; %d use them, the heap is %#x-%#x" % (
            owner, int(mm["mm_count"]), int(mm["brk_start"]), int(mm["brk"])))
        for vma in listed(mm["mmap_list"], "vma_struct", "list_link"):
            start, end, flags = (int(vma[name]) for name in ("vm_start", "vm_end", "vm_flags"))
            print("  %010x-%010x %s %5d pages, %5d mapped%s" % (
                start, end, "".join(c if flags & bit else "-" for bit, c in VM_RIGHTS),
                end - start >> 12, sum(start <= address < end for address in mapped),
                "  stack" if flags & VM_STACK else ""))


class Tf(Command):
    """tf [PID]: a trap frame: the registers at a trap, and why it came.

Without PID it is the frame of the trap that is handled here, else that by which the process left
user mode last. In status, SPP is the mode before the trap, SPIE says whether interrupts were on
there, and FS is the state of the floating-point registers."""

    def run(self, pid=None):
        proc, tf = process(pid), pid is None and self.handled()
        if not tf and not int(proc["mm"]):
            raise Problem("%s has no frame of user mode: a kernel thread, or it ends" % title(proc))
        print("trap frame of %s: %s" % (title(proc), "of the trap that is handled here" if tf else
                                        "how it left user mode last"))
        tf = tf or proc["task"]["tf"]
        status, epc, cause = (int(tf[name]) for name in ("status", "epc", "cause"))
        names = [field.name for field in tf["gpr"].type.fields()][1:]
        line, known = gdb.find_pc_line(epc), epc >= USERTOP or is_known(proc)
        for row in range(0, len(names), 4):
            print("  " + "  ".join("%-3s %016x" % (name, int(tf["gpr"][name]))
                                   for name in names[row:row + 4]))
        print("  status %#x: SPP=%s SPIE=%d SIE=%d SUM=%d FS=%s" % (
            status, "supervisor" if status & 0x100 else "user", status >> 5 & 1, status >> 1 & 1,
            status >> 18 & 1, ("off", "initial", "clean", "dirty")[status >> 13 & 3]))
        print("  cause  %#x: %s" % (cause, INTERRUPTS.get(cause & 0xff, "unknown") if cause >> 63
                                    else text(gdb.parse_and_eval("cause_name::names")[cause & 15])))
        print("  tval   %#x" % int(tf["tval"]))
        print("  epc    %#x: %s%s" % (epc, symbol(epc, known), " (%s:%d)" % (
            line.symtab.filename, line.line) if known and line.symtab else ""))

    def handled(self):
        """The trap frame of the innermost function that has an argument `tf`, or None."""
        frame = gdb.newest_frame()
        while frame:
            try:
                tf = frame.read_var("tf")
                if int(tf) and tf.dereference().type.unqualified().name == "trapframe":
                    return tf
            except (ValueError, gdb.error):
                pass                    # it has no tf, or the compiler has dropped it
            frame = frame.older()
        return None


class Runq(Command):
    """runq: each hart's run queue: what waits to run, in the order of its lists or heap.

The task that runs is not in the queue. slice is in ticks of 10 ms; priority and stride matter
for sched=stride only. No class is known by its name. This looks at run_list, at lab6_run_pool, and
at the lists in struct CLASS_queue, if the class CLASS has one in class_state; what the class keeps
of a task in struct CLASS_task is printed too. What waits elsewhere is listed by pid."""
    most = 0

    def run(self):
        for cpu, rq in zip(cpus(), elements(variable("run_queues"))):
            name = text(rq["class"]["name"])
            waiting, task = list(self.queued(name, rq)), int(cpu["task"])
            print("hart %d, class %s: %d wait, %s runs" % (
                int(cpu["id"]), name, len(waiting),
                title(struct_at(task, "proc_struct")) if task else "nothing"))
            for task in waiting:
                self.show(name, task)
            if len(waiting) != int(rq["proc_num"]):
                print("  proc_num is %d: that is not what is in the queue" % int(rq["proc_num"]))
                self.show_others(name, rq, {int(task.address) for task in waiting})

    def show(self, name, task):
        """Print a task with what its class keeps of it."""
        kept = self.kept(name + "_task", task)
        print("  %-24s slice %2d  priority %d  stride %#010x%s" % (
            title(struct_at(int(task.address), "proc_struct")), int(task["time_slice"]),
            int(task["lab6_priority"]), int(task["lab6_stride"]),
            "".join("  %s %s" % (field.name, kept[field]) for field in kept.type.fields())
            if kept else ""))

    def kept(self, kind, owner):
        """The class_state of a queue or a task as this struct; None if there is no such struct."""
        try:
            kind = gdb.lookup_type("struct " + kind)
        except gdb.error:
            return None
        return owner["class_state"].address.cast(kind.pointer()).dereference()

    def queued(self, name, rq):
        """The tasks in a run queue, from all places in which this looks. A list that is not set up
        is zero, and belongs to another class."""
        lists, seen = [rq["run_list"]], {0}
        kept = self.kept(name + "_queue", rq)
        for field in kept.type.fields() if kept else ():
            lists += elements(kept[field]) if field.type.code == gdb.TYPE_CODE_ARRAY \
                else [kept[field]]
        for head in lists:
            if head.type.strip_typedefs().name == "list_entry" and int(head["next"]):
                yield from listed(head, "task", "run_link")
        heap = [int(rq["lab6_run_pool"])]
        while heap:
            entry = heap.pop()
            if entry not in seen:
                seen.add(entry)
                yield to_struct(entry, "task", "lab6_run_pool")
                node = struct_at(entry, "skew_heap_entry")
                heap += [int(node["right"]), int(node["left"])]

    def show_others(self, name, rq, found):
        """Print the tasks that are ready to run on this hart, and were not found."""
        found |= {int(cpu["task"]) for cpu in cpus()} | {int(rq["idle"])}
        others = [proc["task"] for proc in processes()
                  if int(proc["task"].address) not in found and int(proc["task"]["rq"]) ==
                  int(rq.address) and str(proc["task"]["state"]) == "PROC_RUNNABLE"]
        if others:
            print("  these are ready too, in a place that runq does not know for class %s:" % name)
        for task in others:
            self.show(name, task)


class Pages(Command):
    """pages [ADDRESS]: how physical memory is used; or all about one page.

ADDRESS is physical, or a kernel address. A page is free or allocated. Each page table entry that
maps it is a reference; a page table itself has one reference."""

    def run(self, expression=None):
        if expression is None:
            return self.count()
        address = evaluate(expression)
        address -= kva(0) if address >= kva(0) else 0
        print("physical page %#x" % (address & ~4095))
        print_page(address)
        for proc in processes():
            for va, size, entry in leaves(root_of(proc)) if int(proc["mm"]) else ():
                if frame_of(entry) <= address < frame_of(entry) + size:
                    print("  %s maps it at %#x: %s" % (title(proc), va, letters(entry)))

    def count(self):
        pages, made, managed = (variable(name) for name in ("pages", "npage", "total_pages"))
        total = (int(variable("machine")["memory"]["end"]) - int(variable("pages_base"))) >> 12
        kind = pages.dereference().type
        raw = bytes(gdb.selected_inferior().read_memory(int(pages), int(made) * kind.sizeof))
        flags, refs = ([int.from_bytes(raw[at:at + 4], "little") for at in range(
            kind[name].bitpos // 8, len(raw), kind.sizeof)] for name in ("flags", "ref"))
        used = [ref for flag, ref in zip(flags, refs) if flag & PG_ALLOCATED]
        for some, what in (
                (total, "pages of RAM, 4 KiB each"),
                (total - int(managed), "cannot be had: firmware, kernel, device tree, pages[]"),
                (int(managed) - len(used), "free, some of them in the harts' caches"),
                (used.count(0), "in use, ref 0: the kernel's own"),
                (used.count(1), "in use, ref 1: mapped once, or page tables"),
                (sum(ref > 1 for ref in used), "in use, ref 2 and more: shared")):
            print("%8d %s" % (some, what))


class Caller(Command):
    """caller: select the function that called the check which failed, or the panic."""
    most = 0

    def run(self):
        frame = gdb.newest_frame()
        while frame.older() and frame.find_sal().symtab and \
                frame.find_sal().symtab.filename.endswith(REPORTING):
            frame = frame.older()
        frame.select()
        if frame != gdb.newest_frame():
            gdb.execute("frame")


class Program(Command):
    """program NAME: take the symbols of that user program instead of those that gdb has."""
    least = 1

    def run(self, name):
        users = os.path.join(os.path.dirname(kernel_file().filename), "user")
        if not os.path.isfile(os.path.join(users, name)):
            raise Problem("there is no program %s; there are %s"
                          % (name, " ".join(sorted(os.listdir(users)))))
        for objfile in gdb.objfiles():
            if os.path.dirname(objfile.filename or "") == users:
                gdb.execute("remove-symbol-file " + objfile.filename, to_string=True)
        gdb.execute("add-symbol-file " + os.path.join(users, name))


class Rvlab(Command):
    """rvlab: list these commands."""

    def invoke(self, argument, from_tty):
        for command in COMMANDS:
            print(command.__doc__.split("\n")[0])
        print("`help ps` and so on tell more. At a stop in user mode gdb itself cannot read the\n"
              "kernel's memory; these commands can.")


COMMANDS = (Ps, Pt, Vmas, Tf, Runq, Pages, Blocks, Files, Disk, Caller, Program, Rvlab)
for command in COMMANDS:
    command()
