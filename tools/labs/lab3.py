"""Lab 3: virtual memory. Page tables, areas, and pages that come when they are touched.

GET_PTE, MAPPING, AREAS and FAULTS are the hints of the four exercises; a handout has them as
comments in its blank regions. For their form see lab1.py.

All tests are self tests that run before there are processes: they make address spaces of their
own, and look at the entries, the counters of pages and the TLB. Tests called "...-memory" take
memory away and ask for an error instead of damage; "mapping-harts" needs a second hart.
"""
from grader import outside_mm
from labs.common import Exercise, Lab, early

GET_PTE = """
next_table: Return the table that *entry points to, as an address that the
kernel can use. If *entry is not valid: without `create` return NULL; with it,
make a table. A new table is a page full of zeros with one reference; the entry gets
its physical address and V, and nothing else, for R, W or X would make it a
leaf; set_pte() stores it. No memory: NULL, and *entry stays as it was.

get_pte: Go from the root (level 2) down to level 0, one call of next_table()
a level, and return the address of the entry there, whatever is in it. Pass
`create` on. Return NULL if a table is missing. pt_index() takes an address
apart.
"""

MAPPING = """
page_insert: Map `page` at la, with these rights and what pte_leaf_flags() adds.
Each mapping is one reference. What was mapped at la goes, with its reference
and the TLB entries. It may be the same page with other rights: it must never
be free in between. No memory for a table: -E_NO_MEM, and nothing has changed.
Store entries by set_pte(): see there why.

page_remove: Make the entry for la 0, all of it, have every hart that uses `as`
forget it, and drop the page's reference, which frees it if it was the last:
in this order. If nothing is mapped there, do nothing, and make no table.
"""

AREAS = """
find_vma_above: Of the areas that end above addr, return the lowest, or NULL.
Use the tree, mm->mmap_root: left of an area is all that lies below it, right
of it all that lies above. With 10,000 areas it may take 64 steps, no more.

find_vma: Return the area that addr lies in, or NULL; vm_end lies outside. Ask
mmap_cache first, the area that was found last or NULL, and keep it up to date:
a program mostly faults in the same area again.

insert_vma_struct: Put the area into the list, which is in order of address,
and into the tree; tree_insert() does that, by vm_start and priority, for which
next_priority() gives a value. Set vm_mm, count it in map_count. It overlaps no
other: an assertion here finds a caller that did not look.
"""

FAULTS = """
vma_rights: The bits of a page table entry for the rights in vma->vm_flags. All
pages of an area are the user's. W without R is reserved on RISC-V.

map_zeroed_page: Take a page full of zeros, which the entry refers to from now
on, and map it with the rights of its area. No memory: -E_NO_MEM.

do_pgfault: Find the area of addr; one below the stack may make it grow, see
grow_stack(). No area, or an area that does not allow this access: -E_FAULT,
before any memory is taken. Then get the entry, with its tables; no memory:
-E_NO_MEM. An entry that is not valid gets a new page; for one that is, see
mapped_fault(). Never panic: addr may be anything that a program made up.
"""

EXERCISES = [
    Exercise("3.1", "get_pte", 25, hint=GET_PTE,
             asks="walk the page table, and make tables if asked"),
    Exercise("3.2", "page_insert and page_remove", 25, hint=MAPPING,
             asks="map and unmap a page: references counted, stale translations flushed"),
    Exercise("3.3", "find and insert areas", 25, hint=AREAS,
             asks="find the area of an address; insert an area in order"),
    Exercise("3.4", "page faults, demand-zero pages", 25, hint=FAULTS,
             asks="decide whether a fault is allowed; map a page full of zeros"),
]

TESTS = [
    early("get-pte", 10, "3.1", title="every entry is where the hardware looks for it",
          outside=outside_mm.entries),
    early("get-pte-tables", 10, "3.1", title="new tables are empty, and the hart uses them",
          outside=outside_mm.tables),
    early("get-pte-memory", 5, "3.1", title="without memory, no table and no damage"),
    early("mapping", 8, "3.2", append="poison", outside=outside_mm.mapping,
          title="each mapping is a reference, the last one frees the page"),
    early("mapping-memory", 2, "3.2", title="without memory, no mapping and no reference"),
    early("mapping-tlb", 10, "3.2", title="a hart does not go on with an old translation"),
    early("mapping-harts", 5, "3.2", harts=2, runs=2, cpu=4,
          title="neither does another hart"),
    early("areas", 10, "3.3", title="an address is found in its area, and in no gap",
          outside=outside_mm.areas_found),
    early("areas-random", 10, "3.3", title="areas come and go in disorder, list and tree agree",
          outside=outside_mm.areas_kept),
    early("areas-many", 5, "3.3", title="among ten thousand areas, one is found fast",
          outside=outside_mm.areas_deep),
    early("fault-rights", 10, "3.4", title="an access is possible if the area allows it",
          outside=outside_mm.faults),
    early("fault-zero", 5, "3.4", append="poison", outside=outside_mm.zeroed,
          title="a new page is zero, and the only one"),
    early("fault-stack", 5, "3.4", title="the stack grows to 256 pages, no further"),
    early("fault-memory", 5, "3.4", title="without memory, an error; later it works"),
]

LAB = Lab(3, "virtual memory", EXERCISES, TESTS)
