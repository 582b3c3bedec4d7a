/* Emptying ranges of an address space, and freeing the tables that nobody needs any more. Each page
   is counted.

   unmap_range() and exit_range() take a process's memory apart: when it unmaps, when it ends, and
   when a copy of it fails half-way. A page too few given back is lost for ever; a page or a table
   too many is still in use by somebody. Ranges of several sizes lie across the borders of tables,
   where such mistakes are made.

   It belongs to no exercise, but the tests of exercises 5.3 and 5.4 rely on these functions. All of
   it is assertions. Alone: make grade GRADE=--all TEST=pagetable-ranges. */
#include <riscv/cpu.h>
#include <test/space.h>

/* More pages than are freed at once, on both sides of a border between tables; in use or not. With
   `harts` 0 no hart has to be flushed, with this hart's bit one has: both ways must free the
   same. */
static void test_unmap_range(uint32_t harts)
{
    struct addrspace as;
    size_t before = nr_free_pages(), n = 0;

    space_create(&as);
    as.harts = harts;
    for (uintptr_t la = TABLE_END - 100 * PGSIZE; la < TABLE_END + 100 * PGSIZE; la += PGSIZE)
        if (la / PGSIZE % 3 != 0)                       /* with gaps */
            space_put(&as, la, 1, URW);
    /* From here on pages come back. */
    size_t filled = nr_free_pages();
    for (uintptr_t la = TABLE_END - 90 * PGSIZE; la < TABLE_END + 80 * PGSIZE; la += PGSIZE)
        n += space_entry(&as, la) != 0;
    /* Its tables stay: exit_range() is for these. */
    unmap_range(&as, TABLE_END - 90 * PGSIZE, TABLE_END + 80 * PGSIZE);
    assert_eq(nr_free_pages(), filled + n);
    for (uintptr_t la = TABLE_END - 100 * PGSIZE; la < TABLE_END + 100 * PGSIZE; la += PGSIZE) {
        bool inside = la >= TABLE_END - 90 * PGSIZE && la < TABLE_END + 80 * PGSIZE;

        assert_eq(space_entry(&as, la) != 0, !inside && la / PGSIZE % 3 != 0);
    }
    space_destroy(&as);
    assert_eq(nr_free_pages(), before);
}

/* The tables for a range that has no neighbours closer than its own ends. */
static void exit_alone(struct addrspace *as, uintptr_t start, uintptr_t end)
{
    exit_range(as, start, end, start, end);
}

/* exit_range frees the tables that no neighbour of the range needs, and no others. The five tables
   in the first GiB are one middle table and four of the last level; each step frees some of them,
   and the comments behind the calls say which. The sum counts: the root, these, and two of the next
   GiB.

       root -- entry of 1 GiB ---- middle table ---- 4 tables, of 2 MiB each
            -- entry of 2 GiB ---- middle table ---- 1 table */
static void test_exit_range(void)
{
    struct addrspace as;
    size_t before = nr_free_pages(), giga = pt_span(2), mega2 = pt_span(1);

    space_create(&as);
    for (int i = 0; i < 4; i++)
        assert(get_pte(as.pgdir, giga + i * mega2, true) != NULL);
    assert(get_pte(as.pgdir, 2 * giga, true) != NULL);
    /* The root; a middle table with four of the last level; a middle table with one. */
    assert_eq(nr_free_pages(), before - 1 - 5 - 2);
    exit_alone(&as, giga + PGSIZE, giga + mega2);               /* not the whole table */
    exit_alone(&as, giga, giga + mega2 - PGSIZE);
    exit_range(&as, giga, giga + PGSIZE, giga, giga + PGSIZE);
    assert_eq(nr_free_pages(), before - 1 - 5 - 2);
    exit_alone(&as, giga + PGSIZE, giga + 3 * mega2 - PGSIZE);  /* the second only */
    assert_eq(nr_free_pages(), before - 1 - 4 - 2);
    assert(get_pte(as.pgdir, giga, false) != NULL);
    assert(get_pte(as.pgdir, giga + mega2, false) == NULL);
    assert(get_pte(as.pgdir, giga + 2 * mega2, false) != NULL);
    exit_range(&as, giga + 3 * mega2 + PGSIZE, giga + 3 * mega2 + 2 * PGSIZE,
               giga + 3 * mega2, giga + 4 * mega2);             /* a page alone in its table */
    assert_eq(nr_free_pages(), before - 1 - 3 - 2);
    assert(get_pte(as.pgdir, giga + 3 * mega2, false) == NULL);
    exit_alone(&as, giga, 2 * giga);                            /* with the middle table */
    assert_eq(nr_free_pages(), before - 1 - 2);
    assert_eq(as.pgdir[pt_index(giga, 2)], 0);
    assert(get_pte(as.pgdir, 2 * giga, false) != NULL);
    exit_range(&as, 2 * giga, 2 * giga + PGSIZE, 0, USERTOP);
    assert_eq(nr_free_pages(), before - 1);
    space_destroy(&as);
    assert_eq(nr_free_pages(), before);
}

/* At boot, while nothing else takes memory. */
static void test_ranges(void)
{
    struct inventory before = inventory_take();

    test_unmap_range(0);
    test_unmap_range(1U << this_cpu->id);
    test_exit_range();
    inventory_same(&before, "all of the tests of ranges");
}

SELFTEST_AT(STAGE_BOOT, "pagetable-ranges", test_ranges);
