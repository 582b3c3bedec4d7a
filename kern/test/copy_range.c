/* copy_range() without sharing: the child's pages are its own, with the parent's contents and
   rights, and where memory runs out half-way nothing is lost. */
#include <error.h>
#include <report.h>
#include <string.h>
#include <test/addrspaces.h>
#include <test/testlib.h>

#define BASE        0x40000000UL                /* a table of each level ends here */
#define FIRST       (BASE - 3 * PGSIZE)         /* the range that is copied: */
#define END         (BASE + 4 * PGSIZE)         /* seven pages, of two tables */
#define INVALID     2
#define PAGES       ((END - FIRST) / PGSIZE)

/* What the parent has at FIRST, and in the pages after it; 0 is a hole. In one of the holes is an
   entry that is not valid, whatever else it says. The page before the range
   and the one after it are there as well. */
static const pte_t rights[PAGES] = {
    RIGHTS_RW, RIGHTS_RO, 0, RIGHTS_RX, 0, RIGHTS_RW, RIGHTS_RW,
};

static uintptr_t address(size_t i)
{
    return FIRST + i * PGSIZE;
}

static void fill(struct addrspace *parent)
{
    for (size_t i = 0; i < PAGES; i++)
        if (rights[i] != 0)
            as_put(parent, address(i), i + 1, rights[i]);
    as_put(parent, FIRST - PGSIZE, 100, RIGHTS_RW);
    as_put(parent, END, 101, RIGHTS_RW);
    *get_pte(parent->pgdir, address(INVALID), false) = RIGHTS_RW;
}

/* One page: the same bytes and rights, in a page of the child's own. */
static void compare(struct addrspace *child, struct addrspace *parent, uintptr_t la)
{
    struct Page *copy = as_page(child, la), *page = as_page(parent, la);

    if (!check("each page of the parent in the range is mapped in the child", copy != NULL))
        return;
    check("the child's page is another one than the parent's", copy != page);
    check("the copy has the same contents",
          memcmp(page2kva(copy), page2kva(page), PGSIZE) == 0);
    check_eq("the copy has the parent's rights, no more and no less", as_rights(child, la),
             as_rights(parent, la));
    check_eq("its entry has the flags of a leaf", as_entry(child, la) & PTE_FLAGS,
             pte_leaf_flags(as_rights(parent, la)));
    check_eq("the copy has one reference", page_ref(copy), 1);
    check_eq("the parent's page has one reference, as before", page_ref(page), 1);
}

static void test_contents(void)
{
    struct addrspace parent, child;
    size_t before = nr_free_pages();

    as_create(&parent);
    as_create(&child);
    fill(&parent);
    check_eq("copy_range() succeeds", copy_range(&child, &parent, FIRST, END, false), 0);
    for (size_t i = 0; i < PAGES; i++) {
        if (rights[i] != 0)
            compare(&child, &parent, address(i));
        else
            check_eq("where the parent has no page the child has none",
                     as_entry(&child, address(i)), 0);
        if (i != INVALID)
            check_eq("the parent's entry keeps its rights", as_rights(&parent, address(i)),
                 rights[i]);
        check_eq("the parent's page keeps its contents", as_byte(&parent, address(i)),
                 rights[i] != 0 ? (int)i + 1 : -1);
    }
    check_eq("the page before the range is not copied", as_entry(&child, FIRST - PGSIZE), 0);
    check_eq("the page after the range is not copied", as_entry(&child, END), 0);
    as_destroy(&parent);
    as_destroy(&child);
    check_eq("all pages come back when both spaces are gone", nr_free_pages(), before);
}

/* A page that is marked copy-on-write may be written by its owner, after the copy that a fault
   makes. A copy made now needs no mark. */
static void test_marked(void)
{
    struct addrspace parent, child;

    as_create(&parent);
    as_create(&child);
    as_put(&parent, FIRST, 0x6b, RIGHTS_RW);
    *get_pte(parent.pgdir, FIRST, false) ^= PTE_W | PTE_COW;
    check_eq("copy_range() succeeds", copy_range(&child, &parent, FIRST, FIRST + PGSIZE, false), 0);
    check_eq("the copy of a copy-on-write page is writable, without the mark",
             as_rights(&child, FIRST), RIGHTS_RW);
    check_eq("the copy of a copy-on-write page has its contents", as_byte(&child, FIRST), 0x6b);
    check_eq("the page that was copied keeps its mark", as_rights(&parent, FIRST),
             RIGHTS_RO | PTE_COW);
    as_destroy(&parent);
    as_destroy(&child);
}

/* With k pages left, for each k until it succeeds. */
static void test_out_of_memory(void)
{
    struct addrspace parent, child;
    struct hoard hoard = { .count = 0 };
    size_t wrong = 0, lost = 0, k = 0;
    int result;

    as_create(&parent);
    as_create(&child);
    fill(&parent);
    do {
        hoard_take(&hoard);
        hoard_give(&hoard, k);
        result = copy_range(&child, &parent, FIRST, END, false);
        wrong += result != 0 && result != -E_NO_MEM;
        unmap_range(&child, USERBASE, USERTOP);
        exit_range(&child, 0, USERTOP, 0, USERTOP);
        lost += nr_free_pages() != k;
    } while (result != 0 && ++k < 50);
    hoard_end(&hoard);
    check_eq("without memory copy_range() returns -E_NO_MEM and nothing else", wrong, 0);
    check_eq("no page is lost where memory runs out half-way", lost, 0);
    check_eq("it needs four tables and five copies, and fails with less", k, 4 + 5);
    as_destroy(&parent);
    as_destroy(&child);
}

static void test_copy_range(void)
{
    test_contents();
    test_marked();
    test_out_of_memory();
}

SELFTEST_AT(STAGE_BOOT, "copy-range", test_copy_range);
