"""Lab 2: physical memory. Two allocators of pages, judged by the same property tests."""
from labs.common import Exercise, Lab, early, selftest

EXERCISES = [
    Exercise("2.1", "first fit", 50,
             asks="hand out the first free block that is large enough; join neighbours again"),
    Exercise("2.2", "best fit", 50,
             asks="hand out the smallest free block that is large enough"),
]

TESTS = [
    early("pmm first fit", 25, "2.1", append="pmm=first_fit", limit=1000,
             title="blocks never overlap, all come back, neighbours join"),
    early("choice-first-fit", 15, "2.1", append="pmm=first_fit", limit=1000,
             title="the block chosen is the first that fits"),
    early("kmalloc first fit", 10, "2.1", append="pmm=first_fit poison",
             title="the kernel's objects live on it"),
    early("pmm best fit", 25, "2.2", append="pmm=best_fit", limit=1000,
             title="blocks never overlap, all come back, neighbours join"),
    early("choice-best-fit", 15, "2.2", append="pmm=best_fit", limit=1000,
             title="the block chosen is the smallest that fits"),
    selftest("oom-kernel best fit", 10, "2.2", append="pmm=best_fit poison",
             title="memory runs out and comes back"),
]

LAB = Lab(2, "physical memory", EXERCISES, TESTS)
