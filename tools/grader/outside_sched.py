"""Exercises of lab 6, called from outside: a run queue in memory, and what it should be.

The functions of a scheduling class are called by the host, as the scheduler calls them, with a
queue and tasks that the host has made. No task runs. For round robin the model has the whole list
and each slice. For stride it has each task's stride: of the constant that a step is computed from
only the ratio of two steps is known, because a student chooses it.
"""
import random

from grader.outside import RUNNABLE

SLICE, TASKS, STEPS = 5, 7, 150


class Queue:
    """A queue of a class, the tasks, and who of them waits in it."""

    def __init__(self, machine, name):
        self.machine, self.memory = machine, machine.memory
        self.type = self.memory.image.type("task")
        self.rules = machine.table_entry("sched_classes", "sched_class", name)
        room = machine.page(4)
        self.memory.write(room, b"\xa5" * 4096 + bytes(3 * 4096))
        self.rq = self.memory.object("run_queue", room)
        self.tasks = [self.memory.object("task", room + 4096 + 1024 * i) for i in range(TASKS)]
        machine.expect(self.type.size <= 1024 and self.rq.width <= 4096,
                       "struct task has %d bytes, expected 1024 or fewer" % self.type.size)
        self.waiting, self.slices = [], [0] * TASKS
        self.set_up()

    def set_up(self):
        """What the scheduler itself sets, and the lock that it holds when it calls a class."""
        rq, set_to, cpu = self.rq, self.machine.store, self.machine.registers("tp")
        set_to(rq.id, 7)
        set_to(rq.proc_num, 0)
        set_to(rq.max_time_slice, SLICE)
        set_to(rq.lock.state, cpu)
        for task in self.tasks:
            set_to(task.state, RUNNABLE)
            set_to(task.rq, rq.address)
            set_to(task.lab6_priority, 1)
            for link in ("next", "prev"):
                set_to(task.run_link[link], task.run_link.address)
        self.call("init")

    def call(self, name, *tasks):
        return self.machine.call(self.rules[name], self.rq.address,
                                 *(self.tasks[i].address for i in tasks), named=name)

    def enqueue(self, i):
        self.call("enqueue", i)
        self.waiting.append(i)

    def dequeue(self, i):
        self.call("dequeue", i)
        self.waiting.remove(i)

    def pick(self):
        """The number of the task that comes next; None for NULL. It must wait in the queue."""
        address = self.call("pick_next")
        numbers = [i for i in self.waiting if self.tasks[i].address == address]
        self.machine.expect(not address or numbers, "pick_next() returned %#x, which is no task "
                            "of the %d in this queue" % (address, len(self.waiting)))
        self.machine.equal("is there one that comes next", bool(numbers), bool(self.waiting))
        return numbers[0] if numbers else None

    def runs(self, i):
        """The task has its turn: what the scheduler does then."""
        task = self.tasks[i]
        self.machine.store(task.need_resched, 0)
        self.machine.store(task.runs, int(task.runs) + 1)

    def slice(self, i):
        return int(self.tasks[i].time_slice)


def picked_at_once(queue):
    """pick_next() need not look at all who wait: it takes as long among all tasks as among two."""
    costs, field = [], "lab6_stride"
    for i in list(queue.waiting):
        queue.dequeue(i)
    for i in range(TASKS):
        queue.enqueue(i)
        strides = [int(task[field]) for task in queue.tasks]

        def before():
            """Nobody has been picked yet."""
            for task, stride in zip(queue.tasks, strides):
                queue.machine.store(task[field], stride)
        costs.append(queue.machine.cost(queue.rules.pick_next, queue.rq.address,
                                        named="pick_next", before=before))
        before()
    queue.machine.expect(costs[-1] <= 1.5 * costs[1], "pick_next() needs %d instructions among %d "
                         "tasks, and %d among two: it looks at all of them" % (
                             costs[-1], TASKS, costs[1]))


def compare_list(queue):
    """The list has those who wait, in the order in which they came; who has left is in none."""
    machine, links = queue.machine, queue.memory.list(queue.rq.run_list, "task", "run_link")
    addresses = [task.address for task in queue.tasks]
    machine.equal("the tasks in run_list", [addresses.index(task.address) for task in links
                                            if task.address in addresses], queue.waiting)
    for i, task in enumerate(queue.tasks):
        if i not in queue.waiting:
            for link in ("next", "prev"):
                machine.equal("run_link.%s of task %d, which is in no list" % (link, i),
                              int(task.run_link[link]), task.run_link.address)


def tick(queue, i):
    """A tick while the task runs. Its slice is counted down, and it must give way with the last."""
    queue.call("proc_tick", i)
    queue.slices[i] = max(queue.slices[i] - 1, 0)
    queue.machine.equal("need_resched of task %d, whose slice is %d" % (i, queue.slices[i]),
                        int(queue.tasks[i].need_resched), int(queue.slices[i] == 0))


def round_robin(machine):
    """Tasks come, are picked, and leave from the middle: the queue of exercise 6.1."""
    chance, queue = random.Random("rr"), Queue(machine, "rr")
    compare_list(queue)
    for _ in range(STEPS):
        away = [i for i in range(TASKS) if i not in queue.waiting]
        what = chance.random()
        if away and what < 0.45:
            queue.enqueue(chance.choice(away))
        elif queue.waiting and what < 0.55:
            queue.dequeue(chance.choice(queue.waiting))
        else:
            first = queue.pick()
            machine.equal("the task that comes next", first, (queue.waiting + [None])[0])
            compare_list(queue)
            if first is not None:
                queue.dequeue(first)
        compare_list(queue)
    picked_at_once(queue)


def slices(machine):
    """A task comes with any slice, and runs for some ticks, while another one waits: 6.1 too."""
    chance, queue = random.Random("slices"), Queue(machine, "rr")
    queue.enqueue(0)
    for _ in range(STEPS // 4):
        if chance.random() < 0.4:
            queue.slices[1] = chance.choice((-1, 0, 1, SLICE, SLICE + 1))
            machine.store(queue.tasks[1].time_slice, queue.slices[1])
        if not 0 < queue.slices[1] <= SLICE:
            queue.slices[1] = SLICE
        queue.enqueue(1)
        machine.equal("the slice of a task that comes", queue.slice(1), queue.slices[1])
        queue.dequeue(1)
        queue.runs(1)
        for _ in range(chance.randrange(SLICE + 2)):
            tick(queue, 1)
            machine.equal("the slice after a tick", queue.slice(1), queue.slices[1])
        machine.equal("the slice of a task that waits", queue.slice(0), SLICE)


def difference(a, b):
    """How far stride a is ahead of stride b, on the ring of 32 bits."""
    return (a - b + (1 << 31)) % (1 << 32) - (1 << 31)


class Strides:
    """What is known of the strides of a queue."""

    def __init__(self, queue):
        self.queue, self.machine, self.first_step = queue, queue.machine, None
        self.steps = [0] * TASKS            # how far each moved on when it was picked last
        self.passed = 0                     # the stride at which a task was picked last

    def stride(self, i):
        return int(self.queue.tasks[i].lab6_stride)

    def priority(self, i):
        return max(int(self.queue.tasks[i].lab6_priority), 1)

    def compare_heap(self):
        """The heap has those who wait, each once, and who is above another is not ahead of it."""
        queue, machine, seen = self.queue, self.machine, []
        offset = queue.type.member("lab6_run_pool")[0]
        numbers = {task.address + offset: i for i, task in enumerate(queue.tasks)}
        pending = [(int(queue.rq.lab6_run_pool), None)]
        while pending:
            entry, above = pending.pop()
            if not entry:
                continue
            i = numbers.get(entry)
            machine.expect(i is not None and i not in seen,
                           "the heap leads to %#x, which is no task, or twice" % entry)
            seen.append(i)
            if above is not None:
                machine.expect(difference(self.stride(i), self.stride(above)) >= 0,
                               "task %d, with the stride %#x, is in the heap below task %d, "
                               "with %#x" % (i, self.stride(i), above, self.stride(above)))
            pool = queue.tasks[i].lab6_run_pool
            pending += [(int(pool.left), i), (int(pool.right), i)]
        machine.equal("the tasks in the heap", sorted(seen), sorted(queue.waiting))

    def pick(self, shares):
        """The one that is furthest behind is picked, and moves on by its step; its length counts
        if shares are looked at."""
        queue, machine = self.queue, self.machine
        before = [self.stride(i) for i in range(TASKS)]
        i = queue.pick()
        if i is None:
            return None
        ahead = [j for j in queue.waiting if difference(before[j], before[i]) < 0]
        machine.expect(not ahead, "task %d was picked, with the stride %#x; task %d is further "
                       "behind" % (i, before[i], (ahead or [i])[0]))
        step = (self.stride(i) - before[i]) % (1 << 32)
        self.steps[i] = step
        if self.first_step is None and self.priority(i) == 1:
            self.first_step = step
        if shares:
            machine.expect(0 < step < 1 << 31, "the step of task %d is %d" % (i, step))
            machine.expect(abs(step * self.priority(i) - self.first_step) <= self.priority(i),
                           "task %d of priority %d moved on by %d, expected about %d / %d" % (
                               i, self.priority(i), step, self.first_step, self.priority(i)))
        queue.dequeue(i)
        queue.runs(i)
        self.passed, queue.slices[i] = before[i], SLICE
        machine.expect(shares or queue.slice(i) == SLICE,
                       "the slice of a task that has its turn is %d" % queue.slice(i))
        return i

    def enqueue(self, i, shares):
        """Who is new, or was away, begins at the place of the others. Where it begins is not looked
        at with shares."""
        queue, machine, before = self.queue, self.machine, self.stride(i)
        is_new = not int(queue.tasks[i].runs)
        ahead = (before - self.passed) % (1 << 32)
        queue.enqueue(i)
        expected = self.passed if is_new or ahead > self.steps[i] else before
        machine.expect(shares or self.stride(i) == expected,
                       "task %d came with the stride %#x after %d turns: expected %#x then, "
                       "found %#x" % (i, before, int(queue.tasks[i].runs), expected,
                                      self.stride(i)))


def stride(machine, shares=False):
    """Tasks of several priorities, over so many turns that strides wrap around: exercise 6.2. What
    is looked at are their shares, or else the queue, newcomers and slices."""
    chance, queue = random.Random("stride"), Queue(machine, "stride")
    known = Strides(queue)
    queue.enqueue(0)
    known.pick(shares)                                  # of priority 1: that tells the constant
    machine.expect(known.first_step, "a task of priority 1 did not move on")
    for i in range(1, TASKS):
        machine.store(queue.tasks[i].lab6_priority, chance.choice(
            (1, 2, 3, 7, 100) + (0,) * shares))     # what 0 counts as is a matter of shares
    for _ in range(STEPS):
        away = [i for i in range(TASKS) if i not in queue.waiting]
        what = chance.random()
        if away and what < 0.5:
            known.enqueue(chance.choice(away), shares)
        elif queue.waiting and what < 0.55:
            queue.dequeue(chance.choice(queue.waiting))
        else:
            i = known.pick(shares)
            for _ in range(chance.randrange(SLICE + 2) if i is not None else 0):
                queue.call("proc_tick", i)
                queue.slices[i] = max(queue.slices[i] - 1, 0)
            if i is not None and not shares:
                machine.equal("need_resched of task %d, whose slice is %d" % (i, queue.slices[i]),
                              int(queue.tasks[i].need_resched), int(queue.slices[i] == 0))
        known.compare_heap()
    if not shares:
        picked_at_once(queue)


def stride_shares(machine):
    """How far each moves on when it is picked, and that it is the one furthest behind."""
    stride(machine, True)
