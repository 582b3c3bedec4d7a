"""Exercises of lab 7, called from outside: tasks that really sleep, though no scheduler runs.

The host is the scheduler. Each task has a struct task, a stack, and a call that it makes. Where the
call comes to sched_sleep(), the host does what that does: the lock is given back, the task sleeps,
and its registers are kept. wakeup_proc() is the host's too. Who is awake goes on, in the order of
numbers, until all sleep or have returned. So each run is the same, and after each step a model in
Python says who sleeps, who has returned, and with what.

Only what is left when all is quiet is compared: on the way there a solution may do as it likes.
"""
import random

from grader.outside import A0, PC, RA, RUNNABLE, SLEEPING, SP, TP, WORD, signed

STACK, INTERRUPTED = 2, 0x80000000          # pages of a stack; WT_ of kern/sched/task.h
ZOMBIE = 3                                  # PROC_ of the same
E_KILLED = -9
PHILOSOPHERS, MOST_MEALS = 5, 4             # N, MOST_MEALS_BEFORE of phi_monitor.h


class Task:
    """A task: its struct, and the call that it is in. `asleep` has the registers of sched_sleep()
    and what the hart held, while it sleeps; `result` is what its last call returned."""

    def __init__(self, machine, number, struct):
        self.machine, self.number, self.struct = machine, number, struct
        machine.store(self.struct.state, RUNNABLE)
        self.top = machine.page(STACK) + STACK * 4096
        self.busy, self.asleep, self.call, self.result = False, None, "", None

    def sleeps(self):
        """Is it asleep, and nobody has woken it?"""
        return self.asleep is not None and int(self.struct.state) == SLEEPING


class Tasks:
    """Tasks, and the host as their scheduler."""

    def __init__(self, machine, count):
        self.machine, self.cpu = machine, machine.memory.object("cpu", machine.start[TP])
        self.tasks = [Task(machine, i, each) for i, each in enumerate(self.structs(count))]
        self.sleep, self.exit = map(machine.image.address, ("sched_sleep", "sched_exit"))
        for address in (self.sleep, self.exit):
            machine.stub.add_breakpoint(address)
        machine.stand_in("wakeup_proc", self.wake)
        self.checked = "check_spin_taken" in machine.image.symbols

    def structs(self, count):
        """So many new struct tasks."""
        machine = self.machine
        machine.expect(machine.image.type("task").size <= 1024,
                       "struct task has more than 1024 bytes")
        room = machine.page((count + 3) // 4)
        return [machine.sleeper(room + 1024 * i) for i in range(count)]

    def __getitem__(self, number):
        return self.tasks[number]

    def wake(self, registers):
        """wakeup_proc(): a task that sleeps is awake; was it asleep?"""
        task = self.machine.memory.object("task", registers[A0])
        was_asleep = int(task.state) == SLEEPING
        if was_asleep:
            self.machine.store(task.state, RUNNABLE)
        return int(was_asleep)

    def tell(self, function, lock, *arguments):
        """A checked build knows which locks the hart holds (kern/check/locks.c): it is told what
        the host does with one in place of spin_lock() and spin_unlock()."""
        if self.checked:
            self.machine.call(function, lock.address, *arguments)
            self.machine.steps.pop()

    def kill(self, number):
        """Kill a task: a sleep that a kill may end is over."""
        task = self.tasks[number]
        self.machine.store(task.struct.killed, 1)
        if task.sleeps() and task.asleep[0][A0 + 1] & INTERRUPTED:
            self.machine.store(task.struct.state, RUNNABLE)
        self.machine.steps.append("task %d is killed" % number)

    def start(self, number, function, *arguments):
        """Let a task make a call; then all go on until all is quiet."""
        task = self.tasks[number]
        self.run(task, self.begin(task, function, arguments), 0)
        self.settle()

    def begin(self, task, function, arguments):
        """The registers with which a task begins a call."""
        registers = list(self.machine.start)
        registers[SP], registers[RA] = task.top, self.machine.place
        registers[PC] = self.machine.entry(function)
        registers[A0:A0 + len(arguments)] = [int(n) & WORD for n in arguments]
        name = function if isinstance(function, str) else "a call"
        task.call = "task %d in %s" % (task.number, name)
        task.busy = True
        return registers

    def settle(self):
        """All who are awake go on, until each of them sleeps or has returned."""
        while True:
            awake = [task for task in self.tasks if task.asleep and not task.sleeps()]
            if not awake:
                return
            self.wake_up(awake[0])

    def wake_up(self, task):
        """The task's sched_sleep() returns, with the lock held as before."""
        (registers, held), task.asleep = task.asleep, None
        lock = self.machine.memory.object("spinlock", registers[A0])
        self.machine.equal("the holder of the lock of a task that wakes up", int(lock.state), 0)
        self.machine.store(lock.state, registers[TP])
        self.tell("check_spin_taken", lock, 0)
        killed = registers[A0 + 1] & INTERRUPTED and int(task.struct.killed)
        registers[A0], registers[PC] = int(not killed), registers[RA]
        self.run(task, registers, held)

    def run(self, task, registers, held):
        """The task goes on with these registers, until it sleeps or its call has returned."""
        machine, cpu = self.machine, self.cpu
        other, free = int(cpu.task), int(cpu.locks_held)
        machine.store(cpu.task, task.struct.address)
        machine.store(cpu.locks_held, held or free)
        machine.stub.set_registers(registers)
        now = machine.go_on("the end of %s" % task.call, self.sleep, self.exit)
        machine.store(cpu.task, other)
        if now[PC] in (self.sleep, self.exit):
            lock = machine.memory.object("spinlock", now[A0])
            machine.equal("who holds the lock with which %s sleeps" % task.call, int(lock.state),
                          now[TP])
            if now[PC] == self.exit:
                machine.store(task.struct.state, ZOMBIE)
            else:
                task.asleep = now, int(cpu.locks_held)
            if task.asleep and not (now[A0 + 1] & INTERRUPTED and int(task.struct.killed)):
                machine.store(task.struct.state, SLEEPING)
            machine.store(lock.state, 0)
            self.tell("check_spin_released", lock)
            machine.store(cpu.locks_held, free)
            machine.steps.append("%s: %s" % (task.call, "sleeps" if task.asleep else "ends"))
            return
        machine.equal("the locks held when %s returned" % task.call, int(cpu.locks_held) >> 16, 0)
        machine.expect(now[SP] == task.top, "%s returned with sp changed" % task.call)
        machine.store(cpu.locks_held, free)
        task.busy, task.result = False, now[A0]
        machine.steps.append("%s: %d" % (task.call, signed(now[A0])))


class Monitor:
    """A monitor with two conditions, and the model: who is inside, and who waits where."""

    def __init__(self, machine, count):
        self.machine, self.tasks, memory = machine, Tasks(machine, count), machine.memory
        size, room = machine.image.type("condvar").size, machine.page()
        self.monitor = memory.object("monitor", room)
        self.conditions = [memory.object("condvar", room + 2048 + i * size) for i in range(2)]
        machine.call("monitor_init", room, 2, room + 2048)
        self.inside, self.entry, self.next = None, [], []
        self.waiting = [[], []]         # for each condition, in order
        self.back = {}                  # {task that was killed: the condition}: not in again yet
        self.expected = {}              # {task: what its call returns}

    def hand_on(self):
        """Who is inside leaves: a signaller gets the monitor, or else who came first."""
        queue = self.next or self.entry
        self.inside = queue.pop(0) if queue else None
        self.back.pop(self.inside, None)

    def enter(self, i):
        if self.inside is None:
            self.inside = i
        else:
            self.entry.append(i)
        self.tasks.start(i, "monitor_enter", self.monitor.address)

    def leave(self, i):
        self.hand_on()
        self.tasks.start(i, "monitor_leave", self.monitor.address)

    def wait(self, i, c):
        self.waiting[c].append(i)
        self.expected[i] = 0
        self.hand_on()
        self.tasks.start(i, "cond_wait", self.conditions[c].address)

    def signal(self, i, c):
        if self.waiting[c]:
            self.next.append(i)
            self.inside = self.waiting[c].pop(0)
        self.tasks.start(i, "cond_signal", self.conditions[c].address)

    def kill(self, i):
        """One who waits for a condition is killed: he comes in like anybody else."""
        c = next(c for c in range(2) if i in self.waiting[c])
        self.waiting[c].remove(i)
        self.expected[i] = E_KILLED
        if self.inside is None:
            self.inside = i
        else:
            self.entry.append(i)
            self.back[i] = c
        self.tasks.kill(i)
        self.tasks.settle()

    def compare(self):
        """Who sleeps, what was returned, and all counts."""
        machine, monitor = self.machine, self.monitor
        asleep = self.entry + self.next + self.waiting[0] + self.waiting[1]
        for task in self.tasks.tasks:
            machine.equal("does task %d sleep" % task.number, task.sleeps(), task.number in asleep)
            if task.number in self.expected and not task.busy:
                machine.equal("what cond_wait() of task %d returned" % task.number,
                              signed(task.result), self.expected.pop(task.number))
                machine.store(task.struct.killed, 0)
        for what, got, value in (
                ("mutex.value", int(monitor.mutex.value), int(self.inside is None)),
                ("next.value", int(monitor.next.value), 0),
                ("next_count", int(monitor.next_count), len(self.next))):
            machine.equal("the monitor's " + what, got, value)
        for c, condition in enumerate(self.conditions):
            machine.equal("count of the condition %d" % c, int(condition.count),
                          len(self.waiting[c]) + list(self.back.values()).count(c))


def monitors(kills):
    """The calls by chance of six tasks: exercise 7.2. With `kills` those who wait are killed too;
    then nothing is signalled for which nobody waits, which is what the other test looks at."""
    def outside(machine):
        chance, known = random.Random("monitors %d" % kills), Monitor(machine, 6)
        for _ in range(90):
            away = [task.number for task in known.tasks.tasks
                    if not task.busy and task.number != known.inside]
            waiting = known.waiting[0] + known.waiting[1]
            what, c = chance.random(), chance.randrange(2)
            if kills and waiting and what < 0.15:
                known.kill(chance.choice(waiting))
            elif known.inside is None or (away and what < 0.4):
                if not away:
                    break                   # all wait, and nobody is inside to wake them
                known.enter(chance.choice(away))
            elif what < 0.55:
                known.leave(known.inside)
            elif what < 0.75 and (away or known.entry or known.next):
                known.wait(known.inside, c)
            elif known.waiting[c] or not kills:
                known.signal(known.inside, c)
            known.compare()
    return outside


class Table:
    """The philosophers: who is hungry, who eats, and how many meals went before the hungry."""

    def __init__(self, machine):
        self.machine, self.tasks = machine, Tasks(machine, PHILOSOPHERS)
        machine.call("phi_init")
        self.hungry, self.eats = {}, set()      # {who: meals of his neighbours since}; who

    def take(self, i):
        self.hungry[i] = 0
        self.tasks.start(i, "phi_take_forks_condvar", i)
        self.compare()

    def put(self, i):
        self.eats.remove(i)
        self.tasks.start(i, "phi_put_forks_condvar", i)
        self.machine.expect(not self.tasks[i].busy, "philosopher %d cannot put his forks" % i)
        self.compare()

    def compare(self):
        """Who has returned eats: never two neighbours. Who could eat does, and in time."""
        machine, sides = self.machine, (-1, 1)
        for i in [i for i in sorted(self.hungry) if not self.tasks[i].busy]:
            del self.hungry[i]
            self.eats.add(i)
            for neighbour in ((i + side) % PHILOSOPHERS for side in sides):
                if neighbour in self.hungry:
                    self.hungry[neighbour] += 1
        for i in sorted(self.eats):
            machine.expect((i + 1) % PHILOSOPHERS not in self.eats,
                           "the neighbours %d and %d eat at once" % (i, (i + 1) % PHILOSOPHERS))
        for i, meals in sorted(self.hungry.items()):
            near = {(i + side) % PHILOSOPHERS for side in sides}
            machine.expect(near & (self.eats | set(self.hungry)),
                           "philosopher %d is hungry, and his neighbours think" % i)
            machine.expect(meals <= MOST_MEALS, "the neighbours of %d began %d meals while he was "
                           "hungry, expected at most %d" % (i, meals, MOST_MEALS))
        machine.expect(self.eats or not self.hungry, "nobody eats, though %s are hungry" % sorted(
            self.hungry))

    def clear(self):
        """All who eat put their forks, until nobody is at the table."""
        while self.eats:
            self.put(min(self.eats))
        monitor = self.machine.memory.variable("monitor", "kern/sync/phi_monitor.c")
        self.machine.equal("the value of the monitor's mutex, with nobody at the table",
                           int(monitor.mutex.value), 1)


def philosophers(machine):
    """Forks are taken and put by chance: exercise 7.3."""
    chance, table = random.Random("philosophers"), Table(machine)
    for _ in range(80):
        think = [i for i in range(PHILOSOPHERS) if i not in table.hungry and i not in table.eats]
        if think and (not table.eats or chance.random() < 0.6):
            table.take(chance.choice(think))
        else:
            table.put(chance.choice(sorted(table.eats)))
    table.clear()


def fair(machine):
    """The neighbours of a hungry one eat by turns, as long as they can: exercise 7.3."""
    table = Table(machine)
    for i in range(PHILOSOPHERS):
        near = [(i - 1) % PHILOSOPHERS, (i + 1) % PHILOSOPHERS]
        table.take(near[0])
        table.take(i)
        for turn in range(2 * MOST_MEALS + 2):
            one, other = near[turn % 2], near[1 - turn % 2]
            if other not in table.eats and other not in table.hungry:
                table.take(other)
            if one in table.eats:
                table.put(one)
        machine.expect(i not in table.hungry, "philosopher %d is hungry for ever" % i)
        table.clear()
