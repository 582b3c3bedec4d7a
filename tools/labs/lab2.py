"""Lab 2: physical memory. Allocators of pages, all judged by the same property tests.

The tests "blocks-..." give an allocator a few pages to play with, while the kernel itself lives on
another allocator; so they say what is wrong before the kernel breaks. In the other tests, which
have pmm=, the kernel lives on the allocator that is tested.

The challenge 2.C has a test that comes first, PLAN: the allocator must choose otherwise than each
of the given ones, or else none of its tests has points. For the form of EXERCISES see lab1.py.
"""
from grader import outside_own, outside_pmm
from labs.common import Exercise, Lab, early

EXERCISES = [
    Exercise("2.1", "first fit", 50,
             asks="hand out the first free block that is large enough; join neighbours again",
             hint="""
first_fit_alloc_pages: Take n pages from the first block of
free_area.free_list that has as many (property), by free_area_take(), and
return its first page. Return NULL if there is no such block, and for n = 0.

helpers of free_area_take and free_area_put: static functions, if you
like: one that makes a page the head of a block, one that joins two.

free_area_take: `head` is a free block of n pages or more. Its first n
pages leave the list, with flags 0. What is left behind them is a free block
of its own, in the same place of the list, which stays in the order of
addresses.
- Only the head of a free block has PG_PROPERTY in its flags, and its
  number of pages in property.
- free_area.nr_free is the number of pages in all blocks.

free_area_put: The n pages from `base` on are free, and have flags 0: put them
at their place in the order of addresses. If the block before ends at `base`, or the one
behind begins at base + n, they become one block.
- Find the place first: the first block whose address is higher, or the
  list's head if there is none. Then insert once, before that.
- Of two blocks that join, the upper one leaves the list and is no head
  any more. A block may join on both sides."""),
    Exercise("2.2", "best fit", 50,
             asks="hand out the smallest free block that is large enough",
             hint="""
Look at every block of free_area.free_list. Of those that have n pages or
more take from the one that has fewest, and of equals from the first, by
free_area_take(), which is part of exercise 2.1. Return its first page;
NULL if no block is large enough, and for n = 0."""),
    Exercise("2.C", "an allocator of your own", 10, uses="cpu_count cpus",
             asks="a pmm_manager with another plan, that passes what all the others pass",
             hint="""
own_pmm_manager: A struct pmm_manager with .name = "own"; mm/pmm.h tells
what each of its functions does, pmm_buddy.c is an example. You may use
free_area_take() and the like of mm/pmm_list.h. A free page's property and
page_link are yours; of its flags use PG_PROPERTY only. The line above has
announced it already: what you define by the name own_pmm_manager is in the
kernel's table."""),
]


LONG = 500                              # million instructions: the reference needs up to 125


def live(name, manager, points, exercise, title, **more):
    """A self test of a kernel that lives on this manager. The machine has little memory, because a
    long list is slow to search."""
    return early("%s %s" % (name, manager.replace("_", " ")), points, exercise, title=title,
                 append="pmm=%s%s" % (manager, " poison" if name == "kmalloc" else ""), mem="32M",
                 limit=LONG, **more)


PROPERTIES = "blocks never overlap, all come back, neighbours join"
OBJECTS = "the kernel's objects live on it"

PLAN = early("pmm-plan own", 0, "2.C", append="pmm=own", mem="32M", limit=LONG,
             title="it is no copy of a manager that is given", outside=outside_own.allocator)

TESTS = [
    early("blocks-first-fit", 25, "2.1", title="the list is in order, blocks split and join",
          outside=outside_pmm.first_fit),
    early("choice-first-fit", 10, "2.1", append="pmm=first_fit", mem="40M", limit=LONG,
          title="the block chosen is the first that fits"),
    live("pmm", "first_fit", 10, "2.1", PROPERTIES),
    live("kmalloc", "first_fit", 5, "2.1", OBJECTS),
    early("blocks-best-fit", 25, "2.2", title="the smallest block is found, wherever it is",
          outside=outside_pmm.best_fit),
    early("choice-best-fit", 10, "2.2", append="pmm=best_fit", mem="40M", limit=LONG,
          title="the block chosen is the smallest that fits"),
    live("pmm", "best_fit", 10, "2.2", PROPERTIES),
    live("kmalloc", "best_fit", 5, "2.2", OBJECTS),
    PLAN,
    live("pmm", "own", 6, "2.C", PROPERTIES, needs=PLAN),
    live("kmalloc", "own", 4, "2.C", OBJECTS, needs=PLAN),
]

LAB = Lab(2, "physical memory", EXERCISES, TESTS)
