/* Copying a range of an address space: by copying each page, or by sharing it copy-on-write. The
   address spaces are ones that no hart runs on, and each page and reference is counted. */
#include <error.h>
#include <string.h>
#include <test/space.h>

#define LA      0x12345000UL                    /* somewhere in a table */

static void test_share(void)
{
    struct addrspace parent, child;
    size_t before = nr_free_pages();

    space_create(&parent);
    space_create(&child);
    struct Page *data = space_put(&parent, TABLE_END - PGSIZE, 1, URW);
    struct Page *text = space_put(&parent, TABLE_END, 2, PTE_R | PTE_X | PTE_U);
    space_put(&parent, TABLE_END + 9 * PGSIZE, 3, URW);             /* out of the range */
    assert_eq(copy_range(&child, &parent, TABLE_END - 2 * PGSIZE, TABLE_END + 2 * PGSIZE, true), 0);

    pte_t pte = space_entry(&parent, TABLE_END - PGSIZE);
    assert_eq(pte & (PTE_USER | PTE_COW), PTE_R | PTE_U | PTE_COW);
    assert_eq(space_entry(&child, TABLE_END - PGSIZE), pte);
    assert_eq(pte_paddr(pte), page2pa(data));
    assert_eq(page_ref(data), 2);
    pte = space_entry(&parent, TABLE_END);
    assert_eq(pte & (PTE_USER | PTE_COW), PTE_R | PTE_X | PTE_U);   /* nobody may write it */
    assert_eq(space_entry(&child, TABLE_END), pte);
    assert_eq(page_ref(text), 2);
    assert_eq(space_entry(&child, TABLE_END - 2 * PGSIZE), 0);
    assert_eq(space_entry(&child, TABLE_END + 9 * PGSIZE), 0);
    assert_eq(space_entry(&parent, TABLE_END + 9 * PGSIZE) & PTE_W, PTE_W);
    space_destroy(&parent);
    assert_eq(page_ref(data), 1);
    space_destroy(&child);
    assert_eq(nr_free_pages(), before);
}

static void test_copy(void)
{
    struct addrspace parent, child;
    size_t before = nr_free_pages();
    uintptr_t shared = LA + PGSIZE;

    space_create(&parent);
    space_create(&child);
    struct Page *page = space_put(&parent, LA, 0x5a, URW);
    space_put(&parent, shared, 0x6b, PTE_R | PTE_U);
    *get_pte(parent.pgdir, shared, false) |= PTE_COW;
    assert_eq(copy_range(&child, &parent, LA, LA + 2 * PGSIZE, false), 0);

    pte_t pte = space_entry(&child, LA);
    assert(pte_paddr(pte) != page2pa(page));
    assert_eq(pte & (PTE_USER | PTE_COW), URW);
    assert_eq(page_ref(page), 1);
    assert_eq(page_ref(pa2page(pte_paddr(pte))), 1);
    assert(memcmp(kva(pte_paddr(pte)), page2kva(page), PGSIZE) == 0);
    assert_eq(space_entry(&parent, LA) & (PTE_USER | PTE_COW), URW);
    pte = space_entry(&child, shared);                  /* copied from a copy-on-write page: */
    assert_eq(pte & (PTE_USER | PTE_COW), URW);         /* its one owner may write it */
    assert_eq(*(uint8_t *)kva(pte_paddr(pte)), 0x6b);
    space_destroy(&parent);
    space_destroy(&child);
    assert_eq(nr_free_pages(), before);
}

/* With k pages left, for each k until it succeeds: an error, and nothing is lost. */
static void test_out_of_memory(bool share)
{
    struct addrspace parent, child;
    size_t before = nr_free_pages(), k = 0;
    struct hoard hoard = { .count = 0 };
    int result;

    space_create(&parent);
    space_create(&child);
    for (uintptr_t la = TABLE_END - 5 * PGSIZE; la < TABLE_END + 5 * PGSIZE; la += PGSIZE)
        space_put(&parent, la, 1, URW);
    do {
        hoard_take(&hoard);
        hoard_give(&hoard, k);
        result = copy_range(&child, &parent, TABLE_END - 5 * PGSIZE, TABLE_END + 5 * PGSIZE, share);
        assert_eq(result == 0 ? 0 : -E_NO_MEM, result);
        space_empty(&child);
        assert_eq(nr_free_pages(), k);
    } while (result != 0 && ++k < 100);
    assert_eq(k, share ? 4 : 14);                       /* tables in two places, and ten pages */
    hoard_end(&hoard);
    space_destroy(&parent);
    space_destroy(&child);
    assert_eq(nr_free_pages(), before);
}

static void test_pagetable_copy(void)
{
    struct stock before = stock_take();

    test_copy();
    test_out_of_memory(false);
    stock_check(&before, "copying pages");
}

static void test_pagetable_share(void)
{
    struct stock before = stock_take();

    test_share();
    test_out_of_memory(true);
    stock_check(&before, "sharing pages");
}

SELFTEST("pagetable-copy", test_pagetable_copy);
SELFTEST("pagetable-share", test_pagetable_share);
