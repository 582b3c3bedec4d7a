"""Challenge 5.C, called from outside: who lends memory sleeps until it has it back.

The family of outside_exit.py, whose processes have memory of their own and vfork too. The host is
the scheduler, so a parent that sleeps goes on only if somebody has woken it; and after each step
the model says who sleeps, and who runs in whose memory. The call is made by the kernel's table of
system calls.
"""
import random

from grader.outside import RUNNABLE, signed
from grader.outside_exit import Family
from grader.state import process_list

SYS_VFORK, E_NO_MEM = 212, -4                # of libs/unistd.h, libs/error.h


class Lenders(Family):
    """A family, and who sleeps in vfork: {the child: its parent}."""

    def __init__(self, machine):
        super().__init__(machine)
        self.lent, self.mms = {}, {}
        table = machine.memory.variable("syscalls", "kern/syscall/syscall.c")
        self.vforks = int(table[SYS_VFORK])
        machine.expect(self.vforks, "the table of system calls has no SYS_vfork")

    def proc(self, pid):
        return next(proc for proc in process_list(self.machine.memory) if int(proc.pid) == pid)

    def asleep(self, pid):
        return super().asleep(pid) or pid in self.lent.values()

    def fork(self, pid):
        """A child, and it calls exec: it has memory of its own."""
        super().fork(pid)
        self.exec(max(self.known))

    def exec(self, pid):
        """It gets other memory; if the old was lent to it, its parent goes on."""
        self.mms[pid] = self.machine.call("mm_create")
        self.machine.expect(self.mms[pid], "there is no memory for an address space")
        self.start(pid, "proc_set_mm", self.mms[pid])
        self.given_back(pid)

    def end(self, pid, code):
        super().end(pid, code)
        self.given_back(pid)

    def given_back(self, pid):
        """The memory is the parent's alone again: vfork has returned the child's pid."""
        parent = self.lent.pop(pid, None)
        if parent is None:
            return
        task = self.task(parent)
        self.machine.expect(not task.busy, "process %d sleeps on in vfork, though its child %d has "
                            "other memory, or none" % (parent, pid))
        self.machine.equal("what vfork returned", signed(task.result), pid)

    def vfork(self, pid):
        """It lends its memory to a new child."""
        before = {int(proc.pid) for proc in process_list(self.machine.memory)}
        self.start(pid, self.vforks, self.out)
        new = [int(proc.pid) for proc in process_list(self.machine.memory)
               if int(proc.pid) not in before]
        self.machine.equal("how many processes vfork has made", len(new), 1)
        child = self.add(new[0], pid)
        self.zombies[child], self.lent[child] = [], pid
        self.mms[child] = self.mms[pid]
        self.machine.expect(self.task(pid).sleeps(), "process %d does not sleep in vfork, though "
                            "its child %d has its memory" % (pid, child))

    def kill(self, pid):
        """Its sleep in vfork is over; what the call returns is not said."""
        child = next(child for child, parent in self.lent.items() if parent == pid)
        del self.lent[child]
        task = self.task(pid)
        self.machine.store(task.struct.killed, 1)
        self.machine.store(task.struct.state, RUNNABLE)
        self.settle()
        self.machine.expect(not task.busy, "process %d was killed, and sleeps on in vfork" % pid)
        self.machine.store(task.struct.killed, 0)

    def compare(self):
        """The family, and who runs in whose memory."""
        super().compare()
        for pid in self.known:
            if pid not in self.codes:
                self.machine.equal("the memory of process %d" % pid, hex(int(self.proc(pid).mm)),
                                   hex(self.mms.get(pid, 0)))


def lends(machine):
    """A parent that lends its memory, again and again; what others do meanwhile, and how the loan
    ends, goes by chance."""
    chance, known = random.Random("lends"), Lenders(machine)
    known.fork(known.init)
    parent = max(known.known)

    def do(step, *arguments):
        step(*arguments)
        known.compare()

    def ends(pid):
        """It has other memory, or none."""
        if chance.random() < 0.6:
            do(known.exec, pid)
        do(known.end, pid, chance.randrange(-30, 300))
    for number in range(10):
        if number % 2:
            do(known.fork, parent)
        others = [pid for pid in known.children(parent) if pid not in known.codes]
        do(known.vfork, parent)
        child = max(known.known)
        for other in others:
            do(known.end, other, 0)
        if number % 4 == 1:                 # the child lends what was lent to it
            do(known.vfork, child)
            ends(max(known.known))
        if number % 3 == 2:
            do(known.kill, parent)
        ends(child)
        for _ in known.children(parent):
            do(known.wait, parent, 0, "do_wait", False)
    machine.stand_in("proc_create", lambda registers: 0)
    known.start(parent, known.vforks, known.out)
    machine.equal("what vfork returned without memory for a process",
                  signed(known.task(parent).result), E_NO_MEM)


lends.prog = None                           # no program runs: processes are the host's
