"""The drawings of labs 1 to 5: traps, blocks of memory, page tables, processes, copy-on-write.

Each function makes one Drawing. Names and numbers of the kernel come from its headers, by Facts, so
that a drawing cannot tell what the kernel does not do any more without a test that fails.
makepictures.py writes them all; words.zh.txt has their words in Chinese.

What a drawing shows its text tells too, in the same order: it is read aloud in place of it.
"""
PMM, TRAPFRAME = "kern/mm/pmm.h", "kern/riscv/trapframe.h"
SV39, LAYOUT, TASK = "kern/riscv/sv39.h", "kern/riscv/memlayout.h", "kern/sched/task.h"


def pages(sheet, x, y, runs):
    """A row of pages; runs are (first, length, words, fill)."""
    for first, length, words, fill in runs:
        sheet.box(x + first * 20, y, length * 20, 26, words, fill, "code")


def blocks(facts):
    facts.names(PMM, "PG_PROPERTY", "property")
    facts.names("kern/mm/pmm_list.h", "free_list")
    sheet = facts.sheet("blocks", 760, 380, "The list of blocks, and the four joins", """
        Above: the list is a ring of free_list and the heads of blocks, here page 4 with
        property 4 and page 10 with property 6, linked both ways in the order of addresses; a
        page that is no head is in no list. Below: pages 8 and 9 of sixteen come back. Each case
        has one row, before and after. None: neither page 7 nor page 10 is free, and 8+2 is a
        new block of its own. Left: 4+4 ends where they begin; it becomes 4+6. Right: 10+6
        begins where they end; the block is 8+8, its head is page 8, and page 10 is no head any
        more. Both: 4+4 and 10+6 become one block, 4+12.""")
    for number, (words, fill) in enumerate((("free_list", ""), ("page 4\nproperty 4", "one"),
                                            ("page 10\nproperty 6", "one"),
                                            ("free_list\nagain", ""))):
        sheet.box(80 + number * 165, 10, 120, 44, words, fill, "code")
        if number < 3:
            sheet.arrow((200 + number * 165, 24), (245 + number * 165, 24))
            sheet.arrow((245 + number * 165, 40), (200 + number * 165, 40))
    sheet.text(80, 92, "before, and what comes back", kind="bold")
    sheet.text(430, 92, "after", kind="bold")
    left, right, back = (4, 4, "4+4", "one"), (10, 6, "10+6", "one"), (8, 2, "back", "two")
    far, low = (13, 3, "13+3", "one"), (0, 4, "0+4", "one")
    for row, (case, before, after) in enumerate((
            ("none", (low, back, far), (low, (8, 2, "8+2", "three"), far)),
            ("left", (left, back, far), ((4, 6, "4+6", "three"), far)),
            ("right", (low, back, right), (low, (8, 8, "8+8", "three"))),
            ("both", (left, back, right), ((4, 12, "4+12", "three"),)))):
        y = 110 + row * 54
        sheet.text(10, y + 18, case, kind="bold")
        for x, runs in ((80, before), (430, after)):
            pages(sheet, x, y, [(page, 1, "", "") for page in range(16)])
            pages(sheet, x, y, runs)
        sheet.arrow((404, y + 13), (426, y + 13))
    for x in (80, 430):
        for page in range(0, 16, 2):
            sheet.text(x + page * 20 + 10, 332, str(page), "middle", "soft", 11)
    sheet.text(80, 364, "An empty cell is a page in use. first+length is how tests write a block.",
               kind="soft")
    return sheet


def sv39(facts):
    entries, levels = facts.number(SV39, "PT_ENTRIES"), facts.number(SV39, "PT_LEVELS")
    shift = facts.number(LAYOUT, "PGSHIFT")
    bits = entries.bit_length() - 1
    facts.names(SV39, "pt_index", "PTE_V")
    sheet = facts.sheet("sv39", 760, 330, "Sv39: how an address finds its byte", """
        An address of %d bits has four parts: three indexes of %d bits and an offset of %d. satp
        has the physical page number of the root table. Index 2 chooses one of its %d entries,
        which points to a table of level 1; there index 1 chooses the entry that points to a
        table of level 0; there index 0 chooses the leaf, which maps a page; the offset chooses
        the byte in the page.""" % (levels * bits + shift, bits, shift, entries))
    x, top = 120, shift + levels * bits
    for level in (2, 1, 0):
        low = shift + level * bits
        sheet.box(x, 34, 150, 34, "index %d" % level, "one", "bold")
        sheet.text(x + 4, 28, str(top - 1), kind="soft", size=11)
        sheet.text(x + 146, 28, str(low), "end", "soft", 11)
        top, x = low, x + 150
    sheet.box(x, 34, 170, 34, "offset", "two", "bold")
    sheet.text(x + 4, 28, str(shift - 1), kind="soft", size=11)
    sheet.text(x + 166, 28, "0", "end", "soft", 11)
    sheet.text(10, 56, "an address", kind="bold")
    for number, level in enumerate((2, 1, 0)):
        x = 145 + 150 * number
        sheet.box(x, 130, 100, 140, "", "")
        sheet.box(x, 190, 100, 28, "V, leaf" if level == 0 else "V", "three", "code")
        sheet.text(x + 50, 290, "level %d" % level, "middle", "bold")
        sheet.text(x + 50, 308, "%d entries" % entries, "middle", "soft", 11)
        sheet.arrow((x - 12, 68), (x - 12, 204), (x, 204))
        target = 133
        if level:
            sheet.arrow((x + 100, 204), (x + 125, 204), (x + 125, target), (x + 150, target))
    sheet.box(620, 130, 110, 140, "", "")
    sheet.box(620, 226, 110, 24, "the byte", "two")
    sheet.arrow((545, 204), (590, 204), (590, 133), (620, 133))
    sheet.arrow((606, 68), (606, 238), (620, 238))
    sheet.text(675, 290, "a page", "middle", "bold")
    sheet.text(675, 308, "%d bytes" % (1 << shift), "middle", "soft", 11)
    sheet.box(10, 120, 70, 30, "satp", "", "code")
    sheet.arrow((80, 135), (145, 135))
    sheet.text(10, 172, "physical", kind="soft", size=11)
    sheet.text(10, 187, "page number", kind="soft", size=11)
    return sheet


def trapframe(facts):
    offsets = {name: facts.number(TRAPFRAME, "TF_" + name.upper())
               for name in ("status", "epc", "tval", "cause", "size")}
    fields = facts.fields(TRAPFRAME, "trapframe")[1:]
    stack = facts.number(LAYOUT, "KSTACKPAGE") * facts.number(LAYOUT, "PGSIZE")
    tell = dict(status="sstatus: from which mode, SPP", epc="sepc: where to go on",
                tval="stval: for a fault, the address", cause="scause: why")
    title = "The trap frame of a program, on its kernel stack"
    sheet = facts.sheet("trapframe", 760, 380, title, """
        A kernel stack has %d bytes. The frame of a trap from user mode lies at its very top, at
        task.tf, and has %d bytes. From high to low addresses: cause at offset %d, tval at %d,
        epc at %d, status at %d, and the registers x31 down to x0 at 8 times their number. Below
        the frame are the C functions of this trap, then free room, then a guard that is not
        mapped.""" % (
            stack, offsets["size"], offsets["cause"], offsets["tval"], offsets["epc"],
            offsets["status"]))
    y = 40
    sheet.text(20, 24, "high addresses: kstack + KSTACKSIZE", kind="soft")
    for name in reversed(fields):
        sheet.box(150, y, 160, 30, name, "one", "code")
        sheet.text(140, y + 20, "tf + %d" % offsets[name], "end", "code")
        sheet.text(330, y + 20, tell[name])
        y += 30
    for words, note, fill in (("x31 ... x11", "t6 ... a1", "one"),
                              ("x10", "a0: a system call's number, then its result", "two"),
                              ("x9 ... x3", "s1 ... gp", "one"),
                              ("x2", "sp: the program's own stack", "two"),
                              ("x1, x0", "ra; the place of x0 is not written", "one")):
        sheet.box(150, y, 160, 26, words, fill, "code")
        sheet.text(330, y + 18, note)
        y += 26
    sheet.text(140, y - 6, "tf, the frame", "end", "code")
    sheet.box(150, y, 160, 36, "C functions\nof this trap", "three")
    sheet.text(330, y + 22, "trap_user() or syscall_from_user(), and what they call")
    sheet.box(150, y + 36, 160, 22, "free", "")
    sheet.box(150, y + 58, 160, 22, "guard, not mapped", "four")
    sheet.text(330, y + 73, "low addresses", kind="soft")
    facts.names("kern/trap/trap.c", "trap_user")
    facts.names("kern/syscall/syscall.c", "syscall_from_user")
    return sheet


def syscall(facts):
    facts.names("kern/trap/trapentry.S", "trap_entry", "syscall_from_user", "trap_return_short")
    facts.names("kern/syscall/syscall.c", "dispatch", "sys_getpid")
    facts.names("user/libs/ulib.c", "getpid")
    sheet = facts.sheet("syscall", 760, 400, "The way of a system call", """
        Above the line is user mode, below it the kernel. The program calls getpid(), which puts
        the number SYS_getpid into a0 and runs ecall. The hart goes to supervisor mode and to
        trap_entry, which saves the registers in the trap frame and adds 4 to epc.
        syscall_from_user turns interrupts on; dispatch finds the function by the number in a0
        of the frame; sys_getpid does the work; its result becomes a0 of the frame.
        trap_return_short loads the registers, and sret goes on behind the ecall, where the
        result is in a0.""")
    sheet.text(10, 26, "user mode", kind="bold")
    sheet.line((10, 136), (750, 136), kind="dashed")
    sheet.text(10, 156, "supervisor mode: the kernel", kind="bold")
    sheet.box(110, 44, 150, 60, "getpid()\na0 = SYS_getpid", "one", "code")
    sheet.box(290, 54, 90, 40, "ecall", "two", "code")
    sheet.box(520, 44, 210, 60, "behind the ecall:\na0 is the result", "one")
    sheet.arrow((260, 74), (290, 74))
    sheet.arrow((335, 94), (335, 190))
    sheet.text(345, 120, "sepc, scause", kind="soft", size=11)
    for x, y, words, note in (
            (250, 190, "trap_entry", "registers to the frame, epc += 4"),
            (250, 255, "syscall_from_user", "interrupts on"),
            (250, 320, "dispatch", "syscalls[a0]"),
            (480, 320, "sys_getpid", "the work; returns a long")):
        sheet.box(x, y, 170, 36, words, "three", "code")
        sheet.text(x + 85, y + 51, note, "middle", "soft", 11)
    sheet.arrow((335, 245), (335, 255))
    sheet.arrow((335, 310), (335, 320))
    sheet.arrow((420, 332), (480, 332))
    sheet.arrow((480, 346), (420, 346), kind="dashed")
    sheet.box(520, 200, 190, 40, "trap_return_short", "three", "code")
    sheet.text(615, 256, "registers from the frame", "middle", "soft", 11)
    sheet.arrow((420, 273), (470, 273), (470, 220), (520, 220))
    sheet.arrow((615, 200), (615, 104))
    sheet.text(625, 126, "sret", kind="code")
    sheet.box(20, 230, 170, 80, "trap frame\na0: number,\nthen result", "two")
    sheet.line((190, 262), (250, 208), kind="dashed")
    sheet.line((190, 278), (250, 332), kind="dashed")
    return sheet


def cow(facts):
    facts.names(SV39, "PTE_COW")
    facts.names(PMM, "ref")
    title = "Copy-on-write: before a fork, after it, after each write"
    sheet = facts.sheet("cow", 760, 400, title, """
        Four moments. Before the fork the parent's entry may read and write page A, which has
        one reference. After it parent and child both map A, may only read, and are marked COW;
        A has two references. The child writes: it faults, gets a copy with one reference, and
        may write there; the parent's entry is still marked, and A has one reference. The parent
        writes: it faults, and because nobody else has A, nothing is copied: its entry may write
        again.""")
    moments = (("1  before the fork", "RW", None, "ref 1", None),
               ("2  after the fork", "R COW", "R COW", "ref 2", None),
               ("3  the child has written", "R COW", "RW", "ref 1", "ref 1"),
               ("4  the parent has written", "RW", "RW", "ref 1", "ref 1"))
    for number, (title, parent, child, page, copy) in enumerate(moments):
        x, y = 10 + number % 2 * 380, 20 + number // 2 * 190
        sheet.text(x, y + 8, title, kind="bold")
        sheet.box(x, y + 24, 170, 40, "parent: " + parent, "one", "code")
        sheet.box(x + 240, y + 24, 120, 50, "page A\n" + page, "three", "code")
        sheet.arrow((x + 170, y + 44), (x + 240, y + 44))
        if child:
            sheet.box(x, y + 94, 170, 40, "child:  " + child, "two", "code")
            sheet.arrow((x + 170, y + 114), (x + 240, y + (114 if copy else 64)))
        if copy:
            sheet.box(x + 240, y + 94, 120, 50, "copy of A\n" + copy, "four", "code")
    sheet.text(10, 390, "R, W: rights in the page table entry. COW: PTE_COW, W is missing only "
               "because others have the page.", kind="soft", size=11)
    return sheet


def life(facts):
    states = facts.names(TASK, "PROC_UNINIT", "PROC_RUNNABLE", "PROC_SLEEPING", "PROC_ZOMBIE")
    facts.names(TASK, "on_cpu")
    facts.names("kern/process/exit.c", "do_exit", "do_wait", "reap")
    sheet = facts.sheet("life", 760, 300, "The life of a process", """
        do_fork makes a process in the state PROC_UNINIT, and then PROC_RUNNABLE: it is in a run
        queue. schedule picks it, and it runs: the state is still PROC_RUNNABLE, and on_cpu is
        set. When its time slice is used up it goes back into the queue. It sleeps until an
        event: PROC_SLEEPING; wakeup_proc makes it PROC_RUNNABLE. It exits: PROC_ZOMBIE, without
        memory, until its parent waits and reap frees the rest.""")
    sheet.box(10, 50, 130, 44, states[0], "", "code")
    sheet.box(230, 50, 170, 44, states[1] + "\nin a run queue", "one", "code")
    sheet.box(520, 50, 220, 44, states[1] + "\non_cpu: it runs", "three", "code")
    sheet.box(230, 180, 170, 44, states[2] + "\nin a wait queue", "two", "code")
    sheet.box(520, 180, 220, 44, states[3] + "\nno memory, an exit code", "four", "code", 12)
    sheet.arrow((140, 72), (230, 72))
    sheet.text(185, 64, "do_fork", "middle", "code", 12)
    sheet.arrow((400, 62), (520, 62))
    sheet.text(460, 54, "schedule()", "middle", "code", 12)
    sheet.arrow((520, 84), (400, 84))
    sheet.text(460, 102, "time is used", "middle", size=12)
    sheet.arrow((560, 94), (560, 140), (380, 140), (380, 180))
    sheet.text(470, 134, "sleeps, for an event", "middle", size=12)
    sheet.arrow((260, 180), (260, 94))
    sheet.text(250, 140, "wakeup_proc", "end", "code", 12)
    sheet.arrow((660, 94), (660, 180))
    sheet.text(670, 140, "do_exit", kind="code", size=12)
    sheet.arrow((630, 224), (630, 266))
    sheet.text(620, 250, "the parent waits: reap", "end", size=12)
    sheet.text(630, 286, "gone", "middle", "bold")
    return sheet


ALL = (blocks, sv39, trapframe, syscall, cow, life)
