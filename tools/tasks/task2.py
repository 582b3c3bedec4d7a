"""The tasks of lab 2: what they ask is told in labcodes.md.

That locks are taken is counted by an edit of kern/lock/spinlock.h, which the patch may not change:
each lock that is taken calls the self test. Which hart takes it is played by one hart, in turns, so
the counts are the same in each run. A hart that waits for nobody needs no other hart to show that.
The last test is another matter: there four harts really run.
"""
from labs.common import ALL_BUT_LEAKS, Test, early, selftest
from tasks.catalogue import Task

TASKS = [
    Task("2.T", "kmalloc for many harts",
         "each hart keeps some free objects of its own, so that it seldom takes a lock that others "
         "want too",
         files=["kern/mm/kmalloc.[ch]"],
         selftests=["kmalloc_scale"],
         edits={"kern/lock/spinlock.h": (
             "    IF_CHECK(check_spin_taken(lock, was_on));\n",
             "    extern void lock_taken(const struct spinlock *);\n\n    lock_taken(lock);\n")},
         tests=[
             early("kmalloc-scale", 10, harts=4, cpu=20, after=ALL_BUT_LEAKS,
                   title="how often harts that take turns take a lock that they share"),
             Test("kmalloc-twice", points=3, selftest="kmalloc-twice", early=True, harts=4,
                  panic=True, expect=["double free of 0x"], forbid=["not caught"],
                  title="an object that two harts free"),
             early("kmalloc again", 3, mem="32M", append="pmm=buddy poison", limit=500,
                   after=ALL_BUT_LEAKS,
                   title="objects of all sizes, without memory, and shrinking"),
             selftest("kmalloc-harts again", 4, harts=4, runs=3, cpu=30, after=ALL_BUT_LEAKS,
                      title="objects that one hart allocates and another one frees"),
         ]),
]
