"""Lab 3: virtual memory. Page tables, areas, and pages that come when they are touched."""
from labs.common import Exercise, Lab, early, program, selftest

EXERCISES = [
    Exercise("3.1", "get_pte", 25, asks="walk the page table, and make tables where asked"),
    Exercise("3.2", "page_insert and page_remove", 25,
             asks="map and unmap a page: references counted, stale translations flushed"),
    Exercise("3.3", "find and insert areas", 25,
             asks="find the area of an address; insert an area in order"),
    Exercise("3.4", "page faults, demand-zero pages", 25,
             asks="decide whether a fault is allowed; map a page full of zeros"),
]

TESTS = [
    early("pagetable", 15, "3.1", title="every entry is where the hardware looks for it"),
    program("pgdir", "", 10, "3.1", title="a program prints its own page table"),
    early("pagetable poison", 15, "3.2", append="poison",
             title="references are counted, freed pages are not used"),
    selftest("kmap 4 harts", 10, "3.2", harts=4, title="no hart keeps a stale translation"),
    early("vmm", 15, "3.3", title="areas are found, split and joined"),
    program("mmap", "", 10, "3.3", title="ten thousand areas of a program"),
    program("demandzero", "", 10, "3.4", title="fresh memory is zero and comes on demand"),
    program("stackgrow", "", 10, "3.4", title="the stack grows to 256 pages, no further"),
    program("testbss", "", 5, "3.4", title="bss is zero"),
]

LAB = Lab(3, "virtual memory", EXERCISES, TESTS)
