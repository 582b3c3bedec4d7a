/* Page tables: an address space that no hart runs on is filled, copied and emptied, and each page
   and reference is counted. */
#include <error.h>
#include <mm/pagetable.h>
#include <riscv/cpu.h>
#include <string.h>
#include <test/testlib.h>

#define LA          0x12345000UL                /* somewhere in a table */
#define TABLE_END   0x40000000UL                /* where one table of each level ends */
#define RW          (PTE_R | PTE_W | PTE_U)

static struct Page *filled_page(uint8_t byte)
{
    struct Page *page = alloc_page();

    assert(page != NULL);
    memset(page2kva(page), byte, PGSIZE);
    return page;
}

static void space_create(struct addrspace *as)
{
    *as = (struct addrspace){ .pgdir = pgdir_create() };
    assert(as->pgdir != NULL);
}

static void space_destroy(struct addrspace *as)
{
    unmap_range(as, USERBASE, USERTOP);
    exit_range(as, 0, USERTOP, 0, USERTOP);
    for (int i = 0; i < PT_ENTRIES / 2; i++)
        assert_eq(as->pgdir[i], 0);
    pgdir_destroy(as->pgdir);
}

/* Insert a new page; the page table has its only reference. */
static struct Page *put(struct addrspace *as, uintptr_t la, uint8_t byte, pte_t rights)
{
    struct Page *page = filled_page(byte);

    assert_eq(page_insert(as, page, la, rights), 0);
    assert_eq(page_ref(page), 1);
    return page;
}

static pte_t entry(struct addrspace *as, uintptr_t la)
{
    pte_t *pte = get_pte(as->pgdir, la, false);

    return pte == NULL ? 0 : *pte;
}

static void test_get_pte(void)
{
    struct addrspace as;
    size_t before = nr_free_pages();

    space_create(&as);
    assert(memcmp(as.pgdir + PT_ENTRIES / 2, kernel_as.pgdir + PT_ENTRIES / 2, PGSIZE / 2) == 0);
    assert(get_pte(as.pgdir, LA, false) == NULL);
    assert_eq(nr_free_pages(), before - 1);             /* looking makes no tables */
    pte_t *pte = get_pte(as.pgdir, LA, true);
    assert(pte != NULL);
    assert_eq(*pte, 0);
    assert_eq(nr_free_pages(), before - 3);             /* two tables below the root */

    pte_t *middle = kva(pte_paddr(as.pgdir[pt_index(LA, 2)]));
    pte_t *last = kva(pte_paddr(middle[pt_index(LA, 1)]));
    assert(pte == last + pt_index(LA, 0));
    assert_eq(as.pgdir[pt_index(LA, 2)] & PTE_FLAGS, PTE_V);    /* a leaf with any other bit */
    assert_eq(middle[pt_index(LA, 1)] & PTE_FLAGS, PTE_V);

    assert(get_pte(as.pgdir, LA, false) == pte && get_pte(as.pgdir, LA + 123, true) == pte);
    assert(get_pte(as.pgdir, LA + PGSIZE, false) == pte + 1);
    assert_eq(nr_free_pages(), before - 3);
    assert(get_pte(as.pgdir, TABLE_END - PGSIZE, true) != NULL);
    assert_eq(nr_free_pages(), before - 4);             /* one more of the last level */
    assert(get_pte(as.pgdir, TABLE_END, false) == NULL);
    assert(get_pte(as.pgdir, TABLE_END, true) != NULL);
    assert_eq(nr_free_pages(), before - 6);
    space_destroy(&as);
    assert_eq(nr_free_pages(), before);
}

static void test_insert_remove(void)
{
    struct addrspace as;
    size_t before = nr_free_pages();

    space_create(&as);
    struct Page *page = put(&as, LA, 1, RW);
    assert_eq(entry(&as, LA), pte_make(page2pa(page), RW | PTE_V | PTE_A | PTE_D));
    assert_eq(page_insert(&as, page, LA, PTE_R | PTE_U), 0);        /* the same page again */
    assert_eq(page_ref(page), 1);
    assert_eq(entry(&as, LA) & (PTE_USER | PTE_V), PTE_R | PTE_U | PTE_V);
    assert_eq(*(uint8_t *)page2kva(page), 1);
    assert_eq(page_insert(&as, page, LA + 5 * PGSIZE, RW), 0);      /* at a second place */
    assert_eq(page_ref(page), 2);

    size_t now = nr_free_pages();
    struct Page *other = put(&as, LA, 2, RW);                       /* in its stead */
    assert_eq(page_ref(page), 1);
    assert_eq(pte_paddr(entry(&as, LA)), page2pa(other));
    assert_eq(nr_free_pages(), now - 1);
    page_remove(&as, LA + 5 * PGSIZE);
    assert_eq(entry(&as, LA + 5 * PGSIZE), 0);
    assert_eq(nr_free_pages(), now);                                /* the first page is free */
    page_remove(&as, LA + 5 * PGSIZE);                              /* nothing is there */
    page_remove(&as, TABLE_END);                                    /* not even a table */
    page_remove(&as, LA);
    assert_eq(nr_free_pages(), now + 1);
    space_destroy(&as);
    assert_eq(nr_free_pages(), before);
}

/* More pages than are freed at once, on both sides of a border between tables; in use or not. */
static void test_unmap_range(uint32_t harts)
{
    struct addrspace as;
    size_t before = nr_free_pages(), n = 0;

    space_create(&as);
    as.harts = harts;
    for (uintptr_t la = TABLE_END - 100 * PGSIZE; la < TABLE_END + 100 * PGSIZE; la += PGSIZE)
        if (la / PGSIZE % 3 != 0)                       /* with gaps */
            put(&as, la, 1, RW);
    size_t filled = nr_free_pages();
    for (uintptr_t la = TABLE_END - 90 * PGSIZE; la < TABLE_END + 80 * PGSIZE; la += PGSIZE)
        n += entry(&as, la) != 0;
    unmap_range(&as, TABLE_END - 90 * PGSIZE, TABLE_END + 80 * PGSIZE);
    assert_eq(nr_free_pages(), filled + n);
    for (uintptr_t la = TABLE_END - 100 * PGSIZE; la < TABLE_END + 100 * PGSIZE; la += PGSIZE) {
        bool inside = la >= TABLE_END - 90 * PGSIZE && la < TABLE_END + 80 * PGSIZE;

        assert_eq(entry(&as, la) != 0, !inside && la / PGSIZE % 3 != 0);
    }
    space_destroy(&as);
    assert_eq(nr_free_pages(), before);
}

/* The tables for a range that has no neighbours closer than its own ends. */
static void exit_alone(struct addrspace *as, uintptr_t start, uintptr_t end)
{
    exit_range(as, start, end, start, end);
}

/* exit_range frees the tables that no neighbour of the range needs, and no others. */
static void test_exit_range(void)
{
    struct addrspace as;
    size_t before = nr_free_pages(), giga = pt_span(2), mega2 = pt_span(1);

    space_create(&as);
    for (int i = 0; i < 4; i++)
        assert(get_pte(as.pgdir, giga + i * mega2, true) != NULL);
    assert(get_pte(as.pgdir, 2 * giga, true) != NULL);
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

static void test_share(void)
{
    struct addrspace parent, child;
    size_t before = nr_free_pages();

    space_create(&parent);
    space_create(&child);
    struct Page *data = put(&parent, TABLE_END - PGSIZE, 1, RW);
    struct Page *text = put(&parent, TABLE_END, 2, PTE_R | PTE_X | PTE_U);
    put(&parent, TABLE_END + 9 * PGSIZE, 3, RW);                    /* out of the range */
    assert_eq(copy_range(&child, &parent, TABLE_END - 2 * PGSIZE, TABLE_END + 2 * PGSIZE, true), 0);

    pte_t pte = entry(&parent, TABLE_END - PGSIZE);
    assert_eq(pte & (PTE_USER | PTE_COW), PTE_R | PTE_U | PTE_COW);
    assert_eq(entry(&child, TABLE_END - PGSIZE), pte);
    assert_eq(pte_paddr(pte), page2pa(data));
    assert_eq(page_ref(data), 2);
    pte = entry(&parent, TABLE_END);
    assert_eq(pte & (PTE_USER | PTE_COW), PTE_R | PTE_X | PTE_U);   /* nobody may write it */
    assert_eq(entry(&child, TABLE_END), pte);
    assert_eq(page_ref(text), 2);
    assert_eq(entry(&child, TABLE_END - 2 * PGSIZE), 0);
    assert_eq(entry(&child, TABLE_END + 9 * PGSIZE), 0);
    assert_eq(entry(&parent, TABLE_END + 9 * PGSIZE) & PTE_W, PTE_W);
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
    struct Page *page = put(&parent, LA, 0x5a, RW);
    put(&parent, shared, 0x6b, RW);
    assert_eq(copy_range(&child, &parent, shared, shared + PGSIZE, true), 0);
    unmap_range(&child, shared, shared + PGSIZE);
    assert_eq(copy_range(&child, &parent, LA, LA + 2 * PGSIZE, false), 0);

    pte_t pte = entry(&child, LA);
    assert(pte_paddr(pte) != page2pa(page));
    assert_eq(pte & (PTE_USER | PTE_COW), RW);
    assert_eq(page_ref(page), 1);
    assert_eq(page_ref(pa2page(pte_paddr(pte))), 1);
    assert(memcmp(kva(pte_paddr(pte)), page2kva(page), PGSIZE) == 0);
    assert_eq(entry(&parent, LA) & (PTE_USER | PTE_COW), RW);
    pte = entry(&child, shared);                        /* copied from a copy-on-write page: */
    assert_eq(pte & (PTE_USER | PTE_COW), RW);          /* its one owner may write it */
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
        put(&parent, la, 1, RW);
    struct Page *spare = filled_page(1);
    do {
        hoard_take(&hoard);
        hoard_give(&hoard, k);
        if (k < 2)
            assert_eq(page_insert(&child, spare, LA, RW), -E_NO_MEM);
        assert_eq(page_ref(spare), 0);
        result = copy_range(&child, &parent, TABLE_END - 5 * PGSIZE, TABLE_END + 5 * PGSIZE, share);
        assert_eq(result == 0 ? 0 : -E_NO_MEM, result);
        unmap_range(&child, USERBASE, USERTOP);
        exit_range(&child, 0, USERTOP, 0, USERTOP);
        assert_eq(nr_free_pages(), k);
    } while (result != 0 && ++k < 100);
    assert_eq(k, share ? 4 : 14);                       /* tables in two places, and ten pages */
    hoard_take(&hoard);
    assert(pgdir_create() == NULL);
    hoard_end(&hoard);
    free_page(spare);
    space_destroy(&parent);
    space_destroy(&child);
    assert_eq(nr_free_pages(), before);
}

static void test_pagetable(void)
{
    struct stock before = stock_take();

    test_get_pte();
    test_insert_remove();
    test_unmap_range(0);
    test_unmap_range(1U << this_cpu->id);
    test_exit_range();
    test_share();
    test_copy();
    test_out_of_memory(true);
    test_out_of_memory(false);
    stock_check(&before, "all of the page tables' tests");
}

SELFTEST_AT(STAGE_BOOT, "pagetable", test_pagetable);
