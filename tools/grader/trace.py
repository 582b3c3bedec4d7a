"""Traces of accesses to pages, what each policy of paging misses on them, and how they get into a
machine.

A trace is a list of page numbers. Four patterns are made here from a seed. A machine finds a trace
in its RAM disk, as TraceDisk.make() writes it, and kern/test/swap_misses.c plays it to the policy
that swap= chooses. fifo(), clock() and optimal() say what these miss, so what the kernel counts is
compared with something that is not the kernel's.

The best that can be done is Belady's choice: the page goes that will not be needed for longest. No
kernel can do that, because it does not know what will be.
"""
import dataclasses
import random
import struct

from grader.disk import Disk

FRAMES, PAGES, LENGTH = 24, 64, 4000
# The first block of the disk: magic, frames, how many accesses, how many misses are allowed (0: as
# many as there are). The numbers of the pages follow in the next one, a byte each.
HEAD = struct.Struct("<4I")
MAGIC, BLOCK = 0x43415254, 4096


def loop(chance):
    """Round and round, over more pages than there are frames."""
    pages = FRAMES + chance.randrange(4, 12)
    return [i % pages for i in range(LENGTH)]


def uniform(chance):
    """Any page at any time."""
    return [chance.randrange(PAGES) for _ in range(LENGTH)]


def hot(chance):
    """Nine of ten accesses are to some pages, and the others are spread."""
    few = chance.sample(range(PAGES), 3 * FRAMES // 4)
    return [chance.choice(few) if chance.random() < 0.9 else chance.randrange(PAGES)
            for _ in range(LENGTH)]


def phases(chance):
    """A few pages for a while, then others; and now and then all pages, once, in their order."""
    accesses = []
    while len(accesses) < LENGTH:
        few = chance.sample(range(PAGES), 2 * FRAMES // 3)
        accesses += [chance.choice(few) for _ in range(400)]
        accesses += range(PAGES)
    return accesses[:LENGTH]


PATTERNS = {"loop": loop, "random": uniform, "hot": hot, "phases": phases}


def pattern(name, seed):
    """The accesses of this pattern."""
    return PATTERNS[name](random.Random("%s %d" % (name, seed)))


def fifo(trace, frames=FRAMES):
    """How many accesses miss, if the page goes that came first."""
    queue, misses = [], 0
    for page in trace:
        if page in queue:
            continue
        misses += 1
        if len(queue) == frames:
            queue.pop(0)
        queue.append(page)
    return misses


def clock(trace, frames=FRAMES):
    """The same if it is the first that was not used since the hand came by last. A new page is put
    in behind the hand, and its first access counts as a use."""
    ring, used, hand, misses = [], {}, 0, 0
    for page in trace:
        if page not in used:
            misses += 1
            if len(ring) == frames:
                while used[ring[hand]]:
                    used[ring[hand]] = False
                    hand = (hand + 1) % frames
                del used[ring.pop(hand)]
            ring.insert(hand, page)
            hand = (hand + 1) % max(len(ring), 1)
        used[page] = True
    return misses


def optimal(trace, frames=FRAMES):
    """The same if it is the one that is not needed for longest: fewer misses cannot be had."""
    after, last = [0] * len(trace), {}
    for i in range(len(trace) - 1, -1, -1):
        after[i] = last.get(trace[i], len(trace))
        last[trace[i]] = i
    there, misses = {}, 0
    for i, page in enumerate(trace):
        if page not in there:
            misses += 1
            if len(there) == frames:
                del there[max(there, key=there.get)]
        there[page] = after[i]
    return misses


@dataclasses.dataclass(frozen=True)
class TraceDisk(Disk):
    """A RAM disk that is a trace. Nothing must be true of it afterwards."""
    pattern: str = "hot"
    seed: int = 1
    most: int = 0                       # misses that are allowed; 0: any number
    checks: tuple = ()

    def make(self, path, objects):
        trace = pattern(self.pattern, self.seed)
        with open(path, "wb") as file:
            file.write(HEAD.pack(MAGIC, FRAMES, len(trace), self.most).ljust(BLOCK, b"\0"))
            file.write(bytes(trace).ljust(-len(trace) % BLOCK + len(trace), b"\0"))
