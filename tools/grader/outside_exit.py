"""Exercise 5.5, called from outside: processes that end, and who waits for them.

The host forks processes without a program, which fork others, wait and end; it is their scheduler
(outside_tasks.py). A model has the whole family: who is whose child, who has ended and with which
code, in which order, and who waits for whom. After each step it is compared with the processes in
memory.
"""
import random

from grader.outside import RUNNABLE, signed
from grader.outside_sync import SPIE
from grader.outside_tasks import E_KILLED, ZOMBIE, Task, Tasks
from grader.state import process_list

E_BAD_PROC, E_BUSY, MOST = -2, -15, 9
PF_EXITING, WAS_ON = 1, 2                   # of kern/process/proc.h, kern/lock/spinlock.h


class Family(Tasks):
    """Processes by their pids. The first is the one that gets the orphans."""

    def __init__(self, machine):
        self.frame, self.out, self.known = machine.page(), machine.page(), {}
        machine.store(machine.memory.object("trapframe", self.frame).status, SPIE)
        super().__init__(machine, 0)
        self.before = {int(proc.pid) for proc in process_list(machine.memory)}
        self.init = self.add(signed(machine.call("do_fork", 0, 0, self.frame)), None)
        machine.store(machine.memory.variable("initproc"), self.tasks[0].struct.address)
        self.codes, self.zombies, self.waiting = {}, {self.init: []}, {}

    def structs(self, count):
        """None yet: they are forked."""
        return []

    def add(self, pid, parent):
        """A process that was forked is known by its pid."""
        struct = next((proc for proc in process_list(self.machine.memory)
                       if int(proc.pid) == pid), None)
        self.machine.expect(struct is not None, "do_fork() made no process %d" % pid)
        self.tasks.append(Task(self.machine, pid, struct.task))
        self.known[pid] = parent
        return pid

    def task(self, pid):
        return next(task for task in self.tasks if task.number == pid)

    def start(self, number, function, *arguments):
        """As of Tasks; but tasks are known by their pids."""
        task = self.task(number)
        self.run(task, self.begin(task, function, arguments), 0)
        self.settle()

    def children(self, pid):
        return [child for child, parent in self.known.items() if parent == pid]

    # -- what processes do

    def fork(self, pid):
        self.start(pid, "do_fork", 0, 0, self.frame)
        child = self.add(signed(self.task(pid).result), pid)
        self.zombies[child] = []

    def end(self, pid, code):
        """It ends: its children are the first one's, and its parent may come to know."""
        woken = [self.known[pid]]
        for child in self.children(pid):
            self.known[child] = self.init
        if self.zombies[pid]:
            self.zombies[self.init] += self.zombies.pop(pid)
            woken.append(self.init)
        self.codes[pid] = code
        self.zombies[self.known[pid]].append(pid)
        gone = [self.reaped(parent) for parent in dict.fromkeys(woken) if parent in self.waiting]
        self.machine.store(self.cpu.locks_held, WAS_ON)
        self.machine.call("find_next_pid", 1)           # at its end interrupts are on
        self.start(pid, "do_exit", code)
        self.leave(gone)

    def choice(self, parent, wanted):
        """The zombie that a process gets, or None."""
        found = self.zombies[parent]
        if wanted:
            return wanted if wanted in found else None
        return found[0] if found else None

    def reaped(self, parent):
        """Who waits has a child that has ended, perhaps."""
        child = self.choice(parent, self.waiting[parent][0])
        if child is None:
            return None
        kind = self.waiting.pop(parent)[1]
        self.zombies[parent].remove(child)
        return parent, child, kind

    def leave(self, gone):
        """These were taken away; who waited was told of them."""
        for parent, child, kind in filter(None, gone):
            result, code = signed(self.task(parent).result), self.codes.pop(child)
            self.machine.expect(not self.task(parent).busy, "process %d waits for ever, though "
                                "its child %d has ended" % (parent, child))
            self.machine.equal("what a wait of process %d returned" % parent, result,
                               child if kind == "wait_child" else 0)
            if kind == "wait_child":
                self.machine.equal("the exit code of process %d" % child, int.from_bytes(
                    self.machine.memory.read_virtual(self.out, 4), "little", signed=True), code)
            self.tasks.remove(self.task(child))
            del self.known[child]
            self.zombies.pop(child, None)

    def wait(self, pid, wanted, kind, block):
        """It waits for one of its children, or for any (0)."""
        exists = wanted in self.children(pid) if wanted else bool(self.children(pid))
        self.waiting[pid] = wanted, kind
        gone = [self.reaped(pid)]
        if kind == "wait_child":
            self.start(pid, kind, wanted, self.out)
        else:
            self.start(pid, kind, wanted, 0, int(block))
        if gone[0]:
            self.leave(gone)
        elif not exists or not block:
            del self.waiting[pid]
            self.machine.equal("what a wait of process %d for %d returned" % (pid, wanted),
                               signed(self.task(pid).result),
                               E_BUSY if exists else E_BAD_PROC)

    def killed(self, pid):
        """Its wait is ended by a kill; it lives on."""
        del self.waiting[pid]
        task = self.task(pid)
        self.machine.store(task.struct.killed, 1)
        self.machine.store(task.struct.state, RUNNABLE)
        self.settle()
        self.machine.equal("what a wait of a process that was killed returned",
                           signed(task.result), E_KILLED)
        self.machine.store(task.struct.killed, 0)

    def asleep(self, pid):
        """Must it sleep?"""
        return pid in self.waiting

    def compare(self):
        """The whole family, as it is in memory."""
        machine, memory = self.machine, self.machine.memory
        procs = {int(proc.pid): proc for proc in process_list(memory)
                 if int(proc.pid) not in self.before}
        machine.equal("the pids of all processes", sorted(procs), sorted(self.known))
        for pid, proc in procs.items():
            parent, task = self.known[pid], self.task(pid)
            if parent is not None:
                machine.equal("the parent of process %d" % pid, int(proc.parent.pid), parent)
            # Who has ended is nobody's parent any more, and need not keep a list of either kind.
            found, child = [], None if pid in self.codes else proc.cptr
            while child and len(found) <= len(procs):
                found.append(int(child.pid))
                child = child.optr
            machine.equal("the children of process %d" % pid, sorted(found),
                          sorted(self.children(pid)))
            found = [] if pid in self.codes else [
                int(each.pid) for each in memory.list(proc.zombies, "proc_struct", "zombie_link")]
            if pid == self.init:        # in which order orphans come to it is not said
                machine.equal("the zombies of the first process", sorted(found),
                              sorted(self.zombies[pid]))
                self.zombies[pid] = found
            machine.equal("the zombies of process %d, in order" % pid, found,
                          self.zombies.get(pid, []))
            machine.equal("has process %d ended" % pid, int(proc.task.state) == ZOMBIE,
                          pid in self.codes)
            if pid in self.codes:
                machine.equal("the code of process %d" % pid, int(proc.exit_code), self.codes[pid])
                machine.expect(int(proc.flags) & PF_EXITING, "process %d has ended without "
                               "PF_EXITING" % pid)
            else:
                machine.equal("does process %d wait" % pid, task.sleeps(), self.asleep(pid))
        machine.equal("the holder of proc_lock", int(memory.variable("proc_lock").state), 0)


def family(machine):
    """A family by chance."""
    chance, known = random.Random("family"), Family(machine)
    known.compare()
    for _ in range(160):
        awake = [pid for pid in known.known if pid not in known.codes and pid not in known.waiting]
        if not awake or (known.waiting and chance.random() < 0.1):
            known.killed(chance.choice(sorted(known.waiting)))
        else:
            pid, what = chance.choice(awake), chance.random()
            if what < 0.4 and len(known.known) < MOST:
                known.fork(pid)
            elif 0.4 <= what < 0.55 and pid != known.init \
                    and not (known.zombies[pid] and known.init in known.waiting):
                known.end(pid, chance.randrange(-30, 300))
            elif what >= 0.55:
                some = [0, 99999, known.init] + 4 * known.children(pid)
                kind = chance.choice(("do_wait", "do_wait", "wait_child"))
                known.wait(pid, chance.choice(some), kind,
                           kind == "wait_child" or chance.random() < 0.6)
        known.compare()
