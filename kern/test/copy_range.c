/* Exercise 5.3: copy_range() without sharing. The child's pages are its own, with the parent's
   contents and rights, and if memory runs out half-way nothing is lost.

   The range is chosen for its borders: it goes over the end of a table, it has holes, pages of
   every kind of rights, an entry that is not valid, and pages right before and behind it that must
   not be copied. A wrong kernel copies too much or too little, gives other rights, shares a page
   that should be copied, or loses pages when memory runs out.

   Runs at boot, on two address spaces that no hart uses (space.h).

   Alone: make grade TEST=copy-range. */
#include <report.h>
#include <string.h>
#include <test/space.h>

/* Three pages below the border of the tables, four above it. */
#define FIRST       (TABLE_END - 3 * PGSIZE)    /* the range that is copied: */
#define END         (TABLE_END + 4 * PGSIZE)    /* seven pages, of two tables */
#define INVALID     2
#define PAGES       ((END - FIRST) / PGSIZE)

/* What the parent has at FIRST, and in the pages after it; 0 is a hole. In one of the holes is an
   entry that is not valid, whatever else it says. The page before the range
   and the one after it are there as well. */
static const pte_t rights[PAGES] = {
    URW, URO, 0, URX, 0, URW, URW,
};

/* Of page i of the range. */
static uintptr_t address(size_t i)
{
    return FIRST + i * PGSIZE;
}

/* Each page has its number in every byte, so a page that is copied to a wrong place is seen.

   The parent, page by page; the line is where one table ends:

       FIRST - 1 | FIRST                    TABLE_END                    | END
          rw     |  rw   r   (not valid)  |  rx   (hole)   rw    rw      |  rw
         100     |  1    2                |  4             6     7       |  101   what is in them */
static void fill(struct addrspace *parent)
{
    for (size_t i = 0; i < PAGES; i++)
        if (rights[i] != 0)
            space_put(parent, address(i), i + 1, rights[i]);
    space_put(parent, FIRST - PGSIZE, 100, URW);
    space_put(parent, END, 101, URW);
    *get_pte(parent->pgdir, address(INVALID), false) = URW;
}

/* One page: the same bytes and rights, in a page of the child's own. The parent's page must not
   change: its references are counted, because a copy that takes one would never let it be freed. */
static void compare(struct addrspace *child, struct addrspace *parent, uintptr_t la)
{
    struct Page *copy = space_page(child, la), *page = space_page(parent, la);

    /* Without a page nothing else can be compared. */
    if (!check("each page of the parent in the range is mapped in the child", copy != NULL))
        return;
    /* A page with two owners: what one writes the other reads. */
    check("the child's page is another one than the parent's", copy != page);
    check("the copy has the same contents",
          memcmp(page2kva(copy), page2kva(page), PGSIZE) == 0);
    check_eq("the copy has the parent's rights, no more and no less", space_rights(child, la),
             space_rights(parent, la));
    /* V, A, and D if it may be written. */
    check_eq("its entry has the flags of a leaf", space_entry(child, la) & PTE_FLAGS,
             pte_leaf_flags(space_rights(parent, la)));
    check_eq("the copy has one reference", page_ref(copy), 1);
    check_eq("the parent's page has one reference, as before", page_ref(page), 1);
}

/* Page by page: what the parent has, the child must have; what the parent has not, the child must
   not have. And the parent is compared with what it was. The last check finds every page that was
   taken and not given back. */
static void test_contents(void)
{
    struct addrspace parent, child;
    size_t before = nr_free_pages();

    space_create(&parent);
    space_create(&child);
    fill(&parent);
    check_eq("copy_range() succeeds", copy_range(&child, &parent, FIRST, END, false), 0);
    for (size_t i = 0; i < PAGES; i++) {
        if (rights[i] != 0)
            compare(&child, &parent, address(i));
        else
            check_eq("if the parent has no page the child has none",
                     space_entry(&child, address(i)), 0);
        if (i != INVALID)
            check_eq("the parent's entry keeps its rights", space_rights(&parent, address(i)),
                 rights[i]);
        check_eq("the parent's page keeps its contents", space_byte(&parent, address(i)),
                 rights[i] != 0 ? (int)i + 1 : -1);
    }
    /* [start, end): the first page behind it does not belong to it. */
    check_eq("the page before the range is not copied", space_entry(&child, FIRST - PGSIZE), 0);
    check_eq("the page after the range is not copied", space_entry(&child, END), 0);
    space_destroy(&parent);
    space_destroy(&child);
    check_eq("all pages come back when both spaces are gone", nr_free_pages(), before);
}

/* A page that is marked copy-on-write may be written by its owner, after the copy that a fault
   makes. A copy made now needs no mark: it belongs to the child alone. A child that cannot write to
   it, or that keeps the mark, would pay for a fault that nobody needs, or be killed for it. */
static void test_marked(void)
{
    struct addrspace parent, child;

    space_create(&parent);
    space_create(&child);
    space_put(&parent, FIRST, 0x6b, URW);
    *get_pte(parent.pgdir, FIRST, false) ^= PTE_W | PTE_COW;
    check_eq("copy_range() succeeds", copy_range(&child, &parent, FIRST, FIRST + PGSIZE, false), 0);
    check_eq("the copy of a copy-on-write page is writable, without the mark",
             space_rights(&child, FIRST), URW);
    check_eq("the copy of a copy-on-write page has its contents", space_byte(&child, FIRST), 0x6b);
    check_eq("the page that was copied keeps its mark", space_rights(&parent, FIRST),
             URO | PTE_COW);
    space_destroy(&parent);
    space_destroy(&child);
}

/* Four tables, because the range lies across TABLE_END: two of level 1 and two of level 0. The
   number of pages says that no memory is taken for nothing. */
static void test_out_of_memory(void)
{
    struct addrspace parent;

    space_create(&parent);
    fill(&parent);
    check_eq("it needs four tables and five copies, and fails with less",
             space_copy_needs(&parent, FIRST, END, false), 4 + 5);
    space_destroy(&parent);
}

/* From what is simple to what is rare. */
static void test_copy_range(void)
{
    test_contents();
    test_marked();
    test_out_of_memory();
}

/* If a check fails: i in test_contents() is the page, and rights[i] what the parent has there. If
   pages are lost only when memory runs out, look at what is done with a page that was allocated
   when the next step fails. */
SELFTEST_AT(STAGE_BOOT, "copy-range", test_copy_range);
