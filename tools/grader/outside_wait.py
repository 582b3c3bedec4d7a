"""Exercises 1.1 and 7.1, called from outside: timers that are due, semaphores, and who is woken.

The host makes tasks that sleep, and puts them into the heap of timers or into the queue of a
semaphore, as they would do themselves. After each call it looks who is awake, what each was given,
and whether heap, queue and value are as the model has them. Nobody really waits: how a task falls
asleep is left to the tests inside.
"""
import random

from grader.outside import RUNNABLE, SLEEPING, WORD, signed

FAR, TIMERS = 1 << 50, 24
E_INVAL, INT_MAX, WT_KSEM = -3, (1 << 31) - 1, 0x100


def heap_of(machine, root):
    """The addresses of a skew heap's entries."""
    found, pending = [], [int(root)]
    while pending:
        entry = pending.pop()
        if entry:
            machine.expect(entry not in found, "the heap of timers has a circle")
            found.append(entry)
            node = machine.memory.object("skew_heap_entry", entry)
            pending += [int(node.left), int(node.right)]
    return found


def make_timers(machine, deadlines):
    """A heap of sleepers' timers, in which each entry is below the one that is due before it."""
    size, memory, timers = machine.memory.image.type("task").size, machine.memory, []
    room, tasks = machine.page(), machine.page(8)
    machine.expect(size <= 1024, "struct task has %d bytes, expected 1024 or fewer" % size)
    for i, deadline in enumerate(deadlines):
        timer = memory.object("timer", room + 128 * i)
        machine.store(timer.deadline, deadline)
        machine.store(timer.task, machine.sleeper(tasks + 1024 * i).address)
        machine.store(timer.due, 0)
        machine.store(timer.limit, 0)
        timers.append(timer)
    order = sorted(timers, key=lambda timer: int(timer.deadline))
    for i, timer in enumerate(order):
        machine.store(timer.link.parent, order[i - 1].address if i else 0)
        machine.store(timer.link.left, order[i + 1].address if i + 1 < len(order) else 0)
        machine.store(timer.link.right, 0)
    machine.store(memory.variable("timer_heap"), order[0].address)
    machine.store(memory.variable("next_deadline"), int(order[0].deadline))
    return timers


def timers_due(machine):
    """timer_expire() with times that the host has made up: exercise 1.1."""
    chance, memory = random.Random("timers"), machine.memory
    machine.equal("the heap of timers, before any task sleeps", int(memory.variable("timer_heap")),
                  0)
    deadlines = [FAR + chance.randrange(40) for _ in range(TIMERS)]
    timers = make_timers(machine, deadlines)
    for now in (0, FAR - 1, FAR, FAR + 3, FAR + 4, FAR + 2, FAR + 17, FAR + 18, FAR + 30, FAR + 40):
        machine.call("timer_expire", now)
        deadlines = [deadline if deadline and deadline > now else None
                     for deadline in deadlines]
        for timer, deadline in zip(timers, deadlines):
            machine.equal("the state of the task of a timer for %d, at %d" % (
                int(timer.deadline) - FAR, now - FAR), int(timer.task.state),
                          RUNNABLE if deadline is None else SLEEPING)
            machine.equal("is the timer marked as due", int(timer.due), int(deadline is None))
        left = [deadline for deadline in deadlines if deadline is not None]
        machine.equal("next_deadline", int(memory.variable("next_deadline")), min(left + [WORD]))
        machine.equal("the timers in the heap", sorted(heap_of(
            machine, memory.variable("timer_heap"))), sorted(
                timer.address for timer, deadline in zip(timers, deadlines) if deadline))
        machine.equal("the holder of the lock of the timers",
                      int(memory.variable("timer_lock").state), 0)


class Semaphore:
    """A semaphore and tasks that wait for it."""

    def __init__(self, machine, value):
        self.machine, self.memory = machine, machine.memory
        self.sem = self.memory.object("semaphore", machine.page())
        self.room, self.tasks = machine.page(), machine.page(4)
        machine.call("sem_init", self.sem.address, value)
        self.value, self.waiting, self.count = value, [], 0

    def wait(self):
        """One more task waits, behind the others."""
        i, head = self.count % 16, self.sem.wait_queue.waiters
        waiter, self.count = self.memory.object("waiter", self.room + 256 * i), self.count + 1
        task = self.machine.sleeper(self.tasks + 1024 * i)
        for at, value in ((waiter.task, task.address), (waiter.granted, 0), (waiter.result, 99),
                          (waiter.link.next, head.address), (waiter.link.prev, int(head.prev))):
            self.machine.store(at, value)
        self.machine.store(head.prev.next, waiter.link.address)
        self.machine.store(head.prev, waiter.link.address)
        self.waiting.append(waiter)

    def call(self, name):
        return self.machine.call(name, self.sem.address)

    def given(self, waiter, result):
        """The waiter was given this, and is awake."""
        self.machine.equal("is who has waited longest given the unit", int(waiter.granted), 1)
        self.machine.equal("what was given", int(waiter.result), result)
        self.machine.equal("the state of who was given it", int(waiter.task.state), RUNNABLE)

    def compare(self):
        """Value, queue and lock are as they should be; who waits sleeps."""
        machine, queue = self.machine, self.sem.wait_queue
        found = [waiter.address for waiter in self.memory.list(queue.waiters, "waiter", "link")]
        machine.equal("who waits", found, [waiter.address for waiter in self.waiting])
        for waiter in self.waiting:
            machine.equal("the state of who waits", int(waiter.task.state), SLEEPING)
            machine.equal("was who waits given anything", int(waiter.granted), 0)
        machine.equal("the semaphore's value", int(self.sem.value), self.value)
        machine.equal("the holder of its lock", int(self.sem.lock.state), 0)

    def up(self):
        result, expected = signed(self.call("up")), 0
        if self.waiting:
            self.given(self.waiting.pop(0), 0)
        elif self.value == INT_MAX:
            expected = E_INVAL
        else:
            self.value += 1
        self.machine.equal("what up() returned", result, expected)

    def up_waiter(self):
        result = self.call("up_waiter") & 0xff
        self.machine.equal("what up_waiter() returned", result, int(bool(self.waiting)))
        if self.waiting:
            self.given(self.waiting.pop(0), 0)

    def take(self):
        """A unit by one of the two ways, if nobody has to sleep for it."""
        if self.value == 0:
            self.try_down()
            return
        result = signed(self.machine.call("sem_down", self.sem.address, WT_KSEM, WORD))
        self.machine.equal("what sem_down() returned", result, 0)
        self.value -= 1

    def try_down(self):
        self.machine.equal("what try_down() returned", self.call("try_down") & 0xff,
                           int(self.value > 0))
        self.value -= self.value > 0


def handed_over(machine):
    """Units are given to who waits, and kept if nobody does: exercise 7.1."""
    by_chance(machine, 8)


def by_chance(machine, most):
    """Units are taken and given; at most so many tasks wait."""
    chance, known = random.Random("semaphores %d" % most), Semaphore(machine, 2)
    for _ in range(120):
        if known.value == 0 and len(known.waiting) < most and chance.random() < 0.4:
            known.wait()
        else:
            chance.choice((known.up, known.up_waiter, known.take, known.try_down))()
        known.compare()


def units(machine):
    """Units are taken and given while nobody waits, up to INT_MAX: exercise 7.1."""
    by_chance(machine, 0)
    known = Semaphore(machine, INT_MAX - 1)
    for step in (known.up, known.up, known.try_down, known.up, known.up_waiter):
        step()
        known.compare()
