"""Challenges 2.C and 6.C, called from outside: an allocator and a scheduler of a student's own.

What plan they have is nobody's business, and what they keep of pages and tasks is their own. The
model knows what each plan must keep: no page is given to two, what was given back can be had again
in one piece, and who waits in a queue is picked, once, and nobody else is.

The allocator is the one on which the kernel of this machine lives; the queue is the host's own.
"""
import random

from grader.memory import PAGE
from grader.outside_sched import SLICE, TASKS, Queue

PG_ALLOCATED, LARGE = 2, 4096
SIZES = (1, 1, 1, 2, 3, 4, 7, 8, 16, 33, 64)


class Blocks:
    """Blocks that the kernel's allocator has given, each filled with bytes of its own."""

    def __init__(self, machine):
        self.machine, self.memory, self.held, self.number = machine, machine.memory, {}, 0
        self.pages, self.size = int(self.memory.variable("pages")), machine.image.type("Page").size
        self.flags = machine.image.type("Page").member("flags")[0]

    def mark(self, number):
        return number.to_bytes(8, "little") * (PAGE // 8)

    def free_pages(self):
        return self.machine.call("nr_free_pages")

    def take(self, n):
        """A block of n pages, of which none was in use. They are not looked at by the allocator's
        own lists, but in the struct Pages, as they were before the call."""
        machine, all_flags = self.machine, self.memory.column(
            self.pages + self.flags, self.size, int(self.memory.variable("npage")))
        before = self.free_pages()
        block = machine.call("alloc_pages", n)
        first, rest = divmod(block - self.pages, self.size)
        machine.expect(block and not rest and 0 <= first <= len(all_flags) - n,
                       "alloc_pages(%d) returned %#x, and %d pages are free" % (n, block, before))
        used = [i for i in range(first, first + n) if all_flags[i] & PG_ALLOCATED]
        machine.expect(not used, "alloc_pages(%d) gave the pages from %d on; page %d is in use" % (
            n, first, (used or [0])[0]))
        machine.equal("the free pages after alloc_pages(%d)" % n, self.free_pages(), before - n)
        self.number += 1
        self.memory.write(machine.address_of(block), self.mark(self.number) * n)
        self.held[block] = n, self.number

    def give(self, block):
        """The block goes back. Nobody else has written to it."""
        machine, (n, number), before = self.machine, self.held.pop(block), self.free_pages()
        machine.expect(self.memory.read_virtual(machine.address_of(block), n * PAGE)
                       == self.mark(number) * n, "somebody has written to a block in use")
        machine.call("free_pages", block, n)
        machine.equal("the free pages after free_pages(%d)" % n, self.free_pages(), before + n)


def allocator(machine):
    """Blocks of the manager that the kernel lives on: exercise 2.C."""
    chance, blocks = random.Random("own"), Blocks(machine)
    large, block = LARGE, 0
    while large and not block:
        large //= 2
        block = machine.call("alloc_pages", large)
    machine.call("free_pages", block, large)
    before = blocks.free_pages()
    for _ in range(120):
        if blocks.held and chance.random() < 0.45:
            blocks.give(chance.choice(sorted(blocks.held)))
        else:
            blocks.take(chance.choice(SIZES))
    for block in sorted(blocks.held, key=lambda block: blocks.held[block][1] % 7):
        blocks.give(block)
    machine.equal("the free pages when all blocks are back", blocks.free_pages(), before)
    machine.call("pmm_check")               # the hart's cache goes back to the manager
    blocks.take(large)                      # what was in pieces is one block again


class OwnQueue(Queue):
    """A queue whose length is counted, as the scheduler does."""

    def count(self):
        self.machine.store(self.rq.proc_num, len(self.waiting))

    def enqueue(self, i):
        super().enqueue(i)
        self.count()

    def dequeue(self, i):
        super().dequeue(i)
        self.count()


def scheduler(machine):
    """Tasks come and go by chance; now and then the queue is emptied: exercise 6.C. An empty queue
    is not asked for anybody here: the tests that run tasks do that."""
    chance, queue = random.Random("own"), OwnQueue(machine, "own")
    for step in range(160):
        away = [i for i in range(TASKS) if i not in queue.waiting]
        what = chance.random()
        if step % 40 == 39:
            while queue.waiting:            # each of them is picked, once
                queue.dequeue(queue.pick())
        elif away and what < 0.5:
            queue.enqueue(chance.choice(away))
        elif queue.waiting and what < 0.6:
            queue.dequeue(chance.choice(queue.waiting))
        elif queue.waiting:
            i = queue.pick()
            queue.dequeue(i)
            queue.runs(i)
            for _ in range(chance.randrange(SLICE + 2)):
                queue.call("proc_tick", i)
