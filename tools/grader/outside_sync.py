"""Exercises 7.4 and 7.C, called from outside: mutexes and conditions of programs, priorities.

The processes are forked by the host, and it is their scheduler (outside_tasks.py). It is the
programs, too: it takes and gives back a mutex by its word, where a program need not ask the kernel.
After each step the model says what each word is, who sleeps, what was returned, and with which
priority each process runs.
"""
import random

from grader.outside import signed
from grader.outside_tasks import E_KILLED, Tasks
from grader.state import process_list

E_INVAL = -3
SYNC_PID, WAITERS, DIED = (1 << 20) - 1, 1 << 31, 1 << 29   # of kern/process/sync.h
SYNC_MUTEX, SYNC_CONDVAR, NEVER = 2, 3, (1 << 64) - 1
SPIE = 1 << 5


class Processes(Tasks):
    """Tasks that are processes; pids has theirs."""

    def structs(self, count):
        machine, frame, self.pids = self.machine, self.machine.page(), []
        machine.store(machine.memory.object("trapframe", frame).status, SPIE)
        for _ in range(count):
            self.pids.append(signed(machine.call("do_fork", 0, 0, frame)))
        found = {int(proc.pid): proc for proc in process_list(machine.memory)}
        machine.expect(all(pid in found for pid in self.pids), "do_fork() made no process")
        return [found[pid].task for pid in self.pids]


class Objects:
    """Mutexes and conditions without a table, and what is known of them."""

    def __init__(self, machine, name, count, mutexes, conditions=0):
        self.machine, self.memory, self.chance = machine, machine.memory, random.Random(name)
        self.tasks, self.words = Processes(machine, count), machine.page()
        size, room = machine.image.type("sync_object").size, machine.page(2)
        self.objects = [room + size * i for i in range(mutexes + conditions)]
        machine.expect(size * len(self.objects) <= 8192, "struct sync_object is too large")
        for i, each in enumerate(self.objects):
            machine.call("sync_object_init", each, i, self.words + 4 * i)
            machine.call("sync_object_open", each, SYNC_MUTEX if i < mutexes else SYNC_CONDVAR, 0)
        self.mutexes = range(mutexes)
        self.conditions = range(mutexes, mutexes + conditions)
        self.owner, self.died = [None] * mutexes, [False] * mutexes
        self.queue = [[] for _ in self.objects]
        self.of = {}                        # {who waits for a condition: the mutex}
        self.expected, self.stale = {}, set()
        self.own = [self.chance.randrange(1, 40) for _ in range(count)]
        for task, priority in zip(self.tasks.tasks, self.own):
            machine.call("sched_set_priority", task.struct.address, priority)

    def word(self, m):
        return int.from_bytes(self.memory.read_virtual(self.words + 4 * m, 4), "little")

    def set_word(self, m, value):
        self.memory.write(self.words + 4 * m, value.to_bytes(4, "little"))

    # -- the model

    def taken(self, i, m):
        """A process that comes to the kernel for a mutex gets it, or waits: what it is told."""
        if self.owner[m] is not None:
            self.queue[m].append(i)
            return
        self.owner[m] = i
        if self.died[m]:
            self.expected[i] = E_KILLED
        self.died[m] = False
        self.stale.discard(m)

    def passed(self, m, result):
        """The holder has no more to do with it."""
        self.owner[m] = self.queue[m].pop(0) if self.queue[m] else None
        self.stale.discard(m)
        if self.owner[m] is None:
            self.died[m] = result != 0
        elif result:
            self.expected[self.owner[m]] = result

    def chain(self, i):
        """Who has what this one waits for, and so on."""
        found = []
        while i is not None and i not in found:
            found.append(i)
            i = next((self.owner[m] for m in self.mutexes if i in self.queue[m]), None)
        return found

    def priority(self, i):
        """The highest of those who wait for what it has, and its own."""
        return max(self.own[j] for j in range(len(self.own)) if i in self.chain(j))

    # -- what processes do

    def start(self, i, name, *arguments):
        self.expected.setdefault(i, 0)
        self.tasks.start(i, name, *arguments)

    def lock(self, i, m):
        if self.word(m) == 0 and self.chance.random() < 0.5:
            self.owner[m] = i               # the program does it alone
            self.set_word(m, self.tasks.pids[i])
            return
        self.expected[i] = 0
        self.taken(i, m)
        self.start(i, "sync_mutex_lock", self.objects[m])

    def unlock(self, i, m):
        if self.word(m) == self.tasks.pids[i] and self.chance.random() < 0.5:
            self.owner[m] = None
            self.set_word(m, 0)
            return
        self.expected[i] = 0 if self.owner[m] == i else E_INVAL
        if self.owner[m] == i:
            self.passed(m, 0)
        self.start(i, "sync_mutex_unlock", self.objects[m])

    def give_up(self, i, m):
        """The process ends, as far as the mutex is concerned."""
        self.expected[i] = None             # it returns nothing
        if self.owner[m] == i:
            self.passed(m, E_KILLED)
        self.start(i, "sync_mutex_give_up", self.objects[m])

    def kill(self, i):
        """One who waits for a mutex is killed, and lives on."""
        m = next(m for m in self.mutexes if i in self.queue[m])
        self.queue[m].remove(i)
        self.stale.add(m)                   # WAITERS may stay
        self.expected[i] = E_KILLED
        self.tasks.kill(i)
        self.tasks.settle()
        self.machine.store(self.tasks[i].struct.killed, 0)
        self.machine.store(self.tasks[i].struct.need_resched, 0)

    def wait(self, i, c, m):
        """Wait for a condition; the mutex is given back meanwhile."""
        self.expected[i] = 0
        self.queue[c].append(i)
        self.of[i] = m
        self.passed(m, 0)
        self.start(i, "sync_condvar_wait", self.objects[c], self.objects[m], NEVER)

    def signal(self, i, c, all_of_them):
        """Those who are woken take the mutex again, in the order in which the host lets them."""
        self.expected[i] = None
        woken, self.queue[c] = (self.queue[c], []) if all_of_them \
            else (self.queue[c][:1], self.queue[c][1:])
        for j in sorted(woken):
            self.taken(j, self.of.pop(j))
        self.start(i, "sync_condvar_broadcast" if all_of_them else "sync_condvar_signal",
                   self.objects[c])

    def compare(self, priorities):
        """Words, sleepers, results, and priorities."""
        machine, asleep = self.machine, sum(self.queue, [])
        for m in self.mutexes:
            owner = self.owner[m]
            word = DIED * self.died[m] if owner is None else self.tasks.pids[owner]
            if self.queue[m]:
                word |= WAITERS
            found = self.word(m)
            if m in self.stale and not self.queue[m]:
                found &= ~WAITERS
            machine.equal("the word of mutex %d" % m, hex(found), hex(word))
        for task in self.tasks.tasks:
            i = task.number
            machine.equal("does process %d sleep" % i, task.sleeps(), i in asleep)
            if not task.busy and i in self.expected:
                expected = self.expected.pop(i)
                if expected is not None:
                    machine.equal("what %s returned" % task.call, signed(task.result), expected)
            if priorities:
                machine.equal("the priority with which process %d runs" % i,
                              int(task.struct.lab6_priority), self.priority(i))

    def step(self, kills):
        """One of the processes that are awake does something with a mutex."""
        chance = self.chance
        awake = [task.number for task in self.tasks.tasks if not task.busy]
        waits = [i for m in self.mutexes for i in self.queue[m]]
        if kills and waits and (chance.random() < 0.15 or not awake):
            self.kill(chance.choice(waits))
            return
        i, m = chance.choice(awake), chance.choice(self.mutexes)
        what = chance.random()
        if self.owner[m] == i:
            (self.give_up if what < 0.15 else self.unlock)(i, m)
        elif what < 0.1:
            (self.unlock if what < 0.05 else self.give_up)(i, m)
        elif self.owner[m] is None or i not in self.chain(self.owner[m]):
            self.lock(i, m)


def mutexes(machine):
    """Mutexes of programs, taken and given back by chance: exercise 7.4."""
    known = Objects(machine, "mutexes", 5, 2)
    for _ in range(100):
        known.step(True)
        known.compare(False)


def conditions(machine):
    """Conditions, waited for with one mutex: exercise 7.4."""
    known = Objects(machine, "conditions", 6, 1, 2)
    for _ in range(100):
        owner, chance = known.owner[0], known.chance
        awake = [task.number for task in known.tasks.tasks if not task.busy]
        if not awake:
            break
        if owner in awake and chance.random() < 0.4:
            known.wait(owner, chance.choice(known.conditions), 0)
        elif chance.random() < 0.5:
            known.signal(chance.choice(awake), chance.choice(known.conditions),
                         chance.random() < 0.4)
        else:
            known.step(False)
        known.compare(False)


def donated(machine):
    """With which priority each runs: exercise 7.C."""
    known = Objects(machine, "donated", 6, 4)
    for _ in range(120):
        known.step(True)
        known.compare(True)
