"""Exercises of labs 4 and 5 about processes, called from outside: structures, switches, traps.

A new process and a forked one are looked at field by field. A switch is made by hand between two
contexts that the host has filled. For 5.1 and 5.2 the machine runs to the first instruction of a
program; there the host looks at the registers, and then makes system calls from the program's own
ecall, with the number and the arguments that it likes.
"""
import random

from grader.memory import PAGE, pte_frame
from grader.outside import A0, KEPT, NAMES, PC, RA, RUNNABLE, SP, TP, WORD, signed
from grader.state import process_list, this_cpu

E_UNIMP, SYS_GETPID, SYS_SEM_INIT, SYS_SEM_GET_VALUE = -20, 18, 40, 44
SIE, SPIE, SPP, FS, SUM = 1 << 1, 1 << 5, 1 << 8, 3 << 13, 1 << 18      # in sstatus
ECALL = b"\x73\0\0\0"
# What must be 0 in a new process: of struct task, and of struct proc_struct.
ZERO_TASK = ("state rq time_slice lab6_stride wait_state runs need_resched killed on_cpu level "
             "epoch").split()
ZERO_PROC = "program mm flags exit_code parent cptr yptr optr".split()
# What free_proc() reads of a process; it stays when all else is filled with junk.
FREED = ["files", "donation", "mm"]


def filled_with_junk(machine, address):
    """Give a struct proc_struct back that is full of junk: the next one gets its memory."""
    proc = machine.memory.object("proc_struct", address)
    stack = int(proc.task.kstack)
    machine.memory.write(address, b"\xa5" * proc.width)
    machine.store(proc.task.kstack, stack)
    for name in FREED:
        machine.store(proc[name], 0)
    machine.call("free_proc", address)


def new_process(machine):
    """Each field of a new process, in memory that had an old one: exercise 4.1."""
    made = [machine.call("proc_create") for _ in range(3)]
    machine.expect(all(made), "proc_create() returned NULL")
    for address in made:
        filled_with_junk(machine, address)
    seen = []
    for _ in range(3):
        address = machine.call("proc_create")
        machine.expect(address and address not in seen, "proc_create() returned %#x" % address)
        seen.append(address)
        proc, memory = machine.memory.object("proc_struct", address), machine.memory
        for owner, names in ((proc.task, ZERO_TASK), (proc, ZERO_PROC)):
            for name in names:
                machine.equal("%s of a new process" % name, int(owner[name]), 0)
        for part in (proc.task.context, proc.task.fpu, proc.task.lab6_run_pool, proc.name):
            machine.expect(memory.read_virtual(part.address, part.width) == bytes(part.width),
                           "context, fpu, lab6_run_pool or name of a new process is not all zeros")
        for head in (proc.task.run_link, proc.zombies, proc.child_exit.waiters):
            for link in ("next", "prev"):
                machine.equal("a link of an empty list", int(head[link]), head.address)
        for what, got, expected in (
                ("pid", int(proc.pid), -1), ("lab6_priority", int(proc.task.lab6_priority), 1),
                ("task.as", int(proc.task["as"]), memory.image.address("kernel_as")),
                ("child_exit.lock", int(proc.child_exit.lock),
                 memory.image.address("proc_lock")),
                ("wait_what", proc.task.wait_what.text(), "")):
            machine.equal("%s of a new process" % what, got, expected)


def forked(machine):
    """Children of the boot hart's idle process, which wait in its queue: exercise 4.2."""
    chance, memory, frame = random.Random("forked"), machine.memory, machine.page()
    parent = memory.object("proc_struct", int(memory.object("cpu", machine.start[TP]).task))
    queue, children, size = parent.task.rq, [], memory.image.type("trapframe").size
    for number in range(6):
        machine.store(parent.task.lab6_priority, chance.randrange(1, 9))
        machine.store(parent.group, number)
        before = int(queue.proc_num)
        tf = memory.object("trapframe", frame)
        memory.write(frame, bytes(chance.randrange(256) for _ in range(size)))
        machine.store(tf.status, SPIE)
        stack = chance.choice((0, 0x70000000 + 16 * chance.randrange(1000)))
        pid = signed(machine.call("do_fork", 0, stack, frame))
        found = [proc for proc in process_list(memory) if int(proc.pid) == pid]
        machine.equal("processes with the pid %d, which do_fork() returned" % pid, len(found), 1)
        proc, expected = found[0], bytearray(memory.read_virtual(frame, size))
        for register, value in (("a0", 0),) + ((("sp", stack),) if stack else ()):
            at = tf.gpr[register].address - frame
            expected[at:at + 8] = value.to_bytes(8, "little")
        machine.expect(memory.read_virtual(int(proc.task.tf), size) == bytes(expected),
                       "the child's frame is no copy of the parent's, with a0 and sp of its own")
        top = int(proc.task.tf)
        machine.expect(top - 1024 <= int(proc.task.context.sp) <= top,
                       "the child's context.sp is %#x, expected just below its frame at %#x" % (
                           int(proc.task.context.sp), top))
        for what, got, value in (
                ("context.ra", int(proc.task.context.ra), memory.image.address("forkret")),
                ("parent", int(proc.parent), parent.address), ("mm", int(proc.mm), 0),
                ("state", int(proc.task.state), RUNNABLE), ("group", int(proc.group), number),
                ("lab6_priority", int(proc.task.lab6_priority),
                 int(parent.task.lab6_priority)),
                ("rq", int(proc.task.rq), int(parent.task.rq)), ("flags", int(proc.flags), 0)):
            machine.equal("%s of a child" % what, got, value)
        machine.equal("tasks in the queue", int(queue.proc_num), before + 1)
        children.insert(0, proc.address)
        child, family = parent.cptr, []
        while child and len(family) <= len(children):
            family.append(int(child))
            child = child.optr
        machine.equal("the children, from the youngest on", family, children)


def switched(machine):
    """switch_to() between contexts that the host has filled: exercise 4.3."""
    chance, memory, room = random.Random("switched"), machine.memory, machine.page(2)
    saved = [RA, SP] + [number for number in KEPT if number not in (SP, 3, TP)]
    stacks = machine.page(2)
    for _ in range(20):
        old, new = room, room + PAGE
        memory.write(room, bytes(chance.randrange(256) for _ in range(2 * PAGE)))
        registers = [chance.getrandbits(64) for _ in range(33)]
        for number in (0, 3, TP):
            registers[number] = machine.start[number]
        registers[SP], registers[A0], registers[A0 + 1] = stacks + PAGE, old, new
        registers[RA], registers[PC] = machine.place + 64, memory.image.address("switch_to")
        context = {number: chance.getrandbits(64) for number in saved}
        context[RA], context[SP] = machine.place, stacks + PAGE + 16 * chance.randrange(200)
        memory.write(new, b"".join(context[number].to_bytes(8, "little") for number in saved))
        expected = bytearray(memory.read_virtual(room, 2 * PAGE))
        expected[:8 * len(saved)] = b"".join(registers[number].to_bytes(8, "little")
                                             for number in saved)
        now = machine.enter(registers, machine.place, "switch_to()")
        for number in saved[1:]:
            machine.equal("%s behind the switch" % NAMES[number], now[number], context[number])
        for number in (3, TP):
            machine.equal("%s behind the switch" % NAMES[number], now[number], registers[number])
        machine.expect(memory.read_virtual(room, 2 * PAGE) == bytes(expected),
                       "the contexts in memory are not those of the tasks")


def user_memory(machine, address, n):
    """Bytes of the program's memory."""
    return machine.memory.read_virtual(address, n, pte_frame(machine.registers("satp") << 10))


def begun(machine):
    """The registers of a program at its first instruction: exercise 5.1."""
    now, status, words = machine.start, machine.registers("sstatus"), begun.prog.split()
    machine.equal("the mode in which the program runs", machine.registers("priv"), 0)
    machine.equal("of sstatus SPP, FS and SUM", status & (SPP | FS | SUM), 0)
    machine.expect(status & SIE, "sstatus.SIE is 0 in the program: SPIE was not set")
    machine.equal("a0, which is argc", now[A0], len(words))
    machine.equal("a1, which is argv, where sp points", now[A0 + 1], now[SP])
    machine.equal("sp modulo 16", now[SP] % 16, 0)
    for number in range(1, 32):
        if number not in (SP, TP, A0, A0 + 1):
            machine.equal("x%d of a new program" % number, now[number], 0)
    for i, word in enumerate(words):
        at = int.from_bytes(user_memory(machine, now[SP] + 8 * i, 8), "little")
        machine.equal("argv[%d]" % i, user_memory(machine, at, len(word) + 1),
                      word.encode() + b"\0")


begun.prog = "args one two"


def dispatched(machine):
    """System calls of any number, from the program's first instruction on: exercise 5.2."""
    chance, memory, image = random.Random("dispatched"), machine.memory, machine.program
    text = next(s for s in image.segments if s[1] & 1)
    place = text[3] + image.data[text[2]:text[2] + text[5]].index(ECALL)
    table = memory.variable("syscalls", "kern/syscall/syscall.c")
    holes = [number for number in range(len(table)) if not table[number]]
    room = machine.start[SP] - 64 & -16

    def call(number, *arguments):
        registers = [0] + [chance.getrandbits(64) for _ in range(32)]
        registers[SP], registers[TP], registers[PC] = room, machine.start[TP], place
        registers[A0] = number & WORD
        registers[A0 + 1:A0 + 1 + len(arguments)] = arguments
        now = machine.enter(registers, place + 4, "the system call %d" % number)
        for i in range(1, 32):
            if i != A0:
                machine.equal("x%d behind the system call %d" % (i, number), now[i], registers[i])
        return signed(now[A0])
    for number in [-1, -table.width, len(table), len(table) + 1, 1 << 63, 1 << 32, 18 + (1 << 32)] \
            + chance.sample(holes, min(len(holes), 8)):
        machine.equal("what the system call %d returned" % number, call(number), E_UNIMP)
    proc = memory.object("proc_struct", int(this_cpu(machine).task))
    machine.equal("what getpid returned", call(SYS_GETPID), int(proc.pid))
    for value in (7, 0, 12345):
        semaphore = call(SYS_SEM_INIT, value)
        machine.expect(semaphore > 0, "sem_init returned %d" % semaphore)
        machine.equal("what sem_get_value returned", call(SYS_SEM_GET_VALUE, semaphore, room), 0)
        machine.equal("the value that it stored",
                      int.from_bytes(user_memory(machine, room, 4), "little"), value)


dispatched.prog = "badcalls"
