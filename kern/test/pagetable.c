/* Exercise 3.1: the walk of a page table. What get_pte() answers is compared with a walk of the
   test's own, on an address space that no hart runs on; and with what the hardware makes of it, in
   the user half of the kernel's own map, where nothing is mapped.

   "get-pte" looks and makes at one place, at borders, and at 300 places; "get-pte-tables" looks at
   new tables, and has the hart use them; "get-pte-memory" has too few pages. A wrong kernel takes
   the wrong nine bits of an address, makes a table when only looking was asked for, gives a table
   flags that only a leaf has, or leaves junk in it.

   All run at boot. riscv/sv39.h draws an address and an entry.

   Alone: make grade TEST=get-pte, TEST=get-pte-tables or TEST=get-pte-memory. */
#include <report.h>
#include <string.h>
#include <test/space.h>

#define LA              0x12345000UL            /* somewhere in a table */
#define PLACES          300
#define OWN_LA          0x2345678000UL          /* in the kernel's map: its own root entry */

/* The entry for an address, as the hardware finds it. NULL if an entry on the way is not just V and
   a page in use. It is written from the specification and uses none of the functions that an
   exercise may have made wrong. An entry with V and any of R, W and X would be a large page for the
   hardware, and one with U, A or D a fault. */
static pte_t *walk(pte_t *table, uintptr_t la)
{
    /* Bits 38 to 30, then 29 to 21, of the address; the last nine bits are used below. */
    for (int shift = 30; shift > 12; shift -= 9) {
        pte_t pte = table[la >> shift & 511];
        paddr_t pa = pte >> 10 << 12;

        if ((pte & PTE_FLAGS) != PTE_V || pa < pages_base || pa - pages_base >= npage * PGSIZE
            || !(pa2page(pa)->flags & PG_ALLOCATED))
            return NULL;
        table = kva(pa);
    }
    return &table[la >> 12 & 511];
}

/* With create, so the tables on the way are made if they are missing. */
static bool made_right(struct addrspace *as, uintptr_t la)
{
    const pte_t *entry = get_pte(as->pgdir, la, true);

    return entry != NULL && entry == walk(as->pgdir, la);
}

/* The question alone must change nothing. */
static void check_looking(struct addrspace *as)
{
    size_t before = nr_free_pages();

    check("if there is no table, get_pte finds nothing",
          get_pte(as->pgdir, LA, false) == NULL);
    check_eq("looking takes no page", before - nr_free_pages(), 0);
    /* An address without a table is asked for all the time: at each first fault, and at each
       unmap. */
    check_eq("looking changes no entry of the root", as->pgdir[pt_index(LA, 2)], 0);
}

/* The first entry of all: two tables below the root, and then no more, however often it is
   asked. */
static void check_making(struct addrspace *as)
{
    size_t before = nr_free_pages();
    pte_t *pte = get_pte(as->pgdir, LA, true);

    if (!check("get_pte makes what is missing", pte != NULL))
        return;
    /* One of level 1 and one of level 0. */
    check_eq("two tables are made below the root", before - nr_free_pages(), 2);
    /* With R, W or X it would be a large page of 1 GiB; U, A and D must be 0 there (Privileged spec
       20211203, 4.3.1 and 4.4). */
    check_eq("an entry that points to a table has V, and no other flag",
             as->pgdir[pt_index(LA, 2)] & PTE_FLAGS, PTE_V);
    check("the entry is where the hardware looks for it", pte == walk(as->pgdir, LA));
    /* create makes what is missing, and never what is there already. */
    check("get_pte finds the same entry again, with create and without",
          get_pte(as->pgdir, LA, true) == pte && get_pte(as->pgdir, LA, false) == pte);
    check("all addresses of a page have the same entry",
          get_pte(as->pgdir, LA + PGSIZE - 1, true) == pte);
    /* Entries of a table stand in the order of addresses. */
    check("the next page has the next entry", get_pte(as->pgdir, LA + PGSIZE, false) == pte + 1);
    check_eq("what is there already takes no page", before - nr_free_pages(), 2);
}

/* Addresses on both sides of a border of 1 GiB and of 2 MiB. Tables that are there for one side are
   not there for the other; the lowest and the highest page of a program are the first and last
   entries.

       ... last page of the first GiB  |  first page of the second GiB ...
           entry 511 of its table      |  TABLE_END: entry 0 of another table */
static void check_borders(struct addrspace *as)
{
    size_t before = nr_free_pages();

    check("the entry of the last page below 1 GiB is where the hardware looks",
          made_right(as, TABLE_END - PGSIZE));
    /* The middle table of LA's GiB is there; the last level is another one. */
    check_eq("the last page below 1 GiB takes one more table", before - nr_free_pages(), 1);
    check("the page on the other side of the border has no table yet",
          get_pte(as->pgdir, TABLE_END, false) == NULL);
    check("the entry of the first page of the next GiB is where it must be",
          made_right(as, TABLE_END));
    /* Another entry of the root, so nothing is there yet. */
    check_eq("the next GiB takes two more tables", before - nr_free_pages(), 3);
    /* The walk must stop at the missing table, on whatever level that is. */
    check("the middle table alone is not enough, without create",
          get_pte(as->pgdir, TABLE_END + pt_span(1), false) == NULL);
    check("the entries of the lowest and the highest user page are where they must be",
          made_right(as, USERBASE) && made_right(as, USERTOP - PGSIZE));
}

/* Each entry of many places holds a number of its own: two places never share one. The numbers are
   no valid entries, so that nothing is mapped by them; the same seed gives the same places
   again. */
static void check_many(struct addrspace *as)
{
    uint64_t seed = 11;
    int right = 0, kept = 0;

    for (int i = 0; i < PLACES; i++) {
        uintptr_t la = test_random(&seed) % (USERTOP >> PGSHIFT) << PGSHIFT;

        right += made_right(as, la);
        /* Something to recognise the entry by. */
        *get_pte(as->pgdir, la, true) = (pte_t)(i + 1) << 1;    /* V is 0 */
    }
    check_eq("each of 300 places has its entry where the hardware looks", right, PLACES);
    seed = 11;
    for (int i = 0; i < PLACES; i++) {
        uintptr_t la = test_random(&seed) % (USERTOP >> PGSHIFT) << PGSHIFT;

        kept += *get_pte(as->pgdir, la, false) == (pte_t)(i + 1) << 1;
    }
    check_eq("each of the entries keeps what was written to it", kept, PLACES);
}

/* At the end the kernel's half of the root must be as it was, and its own map as empty as it was: a
   walk that begins at the wrong root changes one of them. */
static void test_get_pte(void)
{
    struct addrspace as;
    size_t before = nr_free_pages();
    int used = 0;

    space_create(&as);
    check_looking(&as);
    check_making(&as);
    check_borders(&as);
    check_many(&as);
    check("the kernel's half of the root is as it was",
          memcmp(as.pgdir + PT_ENTRIES / 2, kernel_as.pgdir + PT_ENTRIES / 2, PGSIZE / 2) == 0);
    for (int i = 0; i < PT_ENTRIES / 2; i++)
        used += kernel_as.pgdir[i] != 0;
    check_eq("no table was made in the kernel's own map", used, 0);
    space_destroy(&as);
    check_eq("all pages come back", before - nr_free_pages(), 0);
}

/* If a check fails: take the address apart with the drawing in riscv/sv39.h, and walk by hand in
   gdb: print/x as.pgdir[...] is the first entry on the way. */
SELFTEST_AT(STAGE_BOOT, "get-pte", test_get_pte);

/* How many entries of a table are not 0. An entry that is not valid counts too: it should not be
   there. */
static int used_entries(paddr_t table)
{
    int used = 0;

    for (int i = 0; i < PT_ENTRIES; i++)
        used += ((pte_t *)kva(table))[i] != 0;
    return used;
}

/* In pages that hold junk. An entry that is not 0 in a new table may be valid by chance: then a
   program has a page of somebody else's. A table is a page that is in use, so it has a
   reference. */
static void check_new_tables(void)
{
    struct addrspace as;

    space_create(&as);
    /* The tables will be made of pages that are full of junk. */
    dirty_free_pages();
    pte_t *pte = get_pte(as.pgdir, LA, true);
    paddr_t middle = pte_paddr(as.pgdir[pt_index(LA, 2)]);

    if (!check("the walk leads to the entry", pte != NULL && walk(as.pgdir, LA) == pte))
        return;
    paddr_t last = pte_paddr(((pte_t *)kva(middle))[pt_index(LA, 1)]);
    /* The one that leads to the last table. */
    check_eq("a new middle table has one entry in use", used_entries(middle), 1);
    check_eq("a new table of the last level is empty", used_entries(last), 0);
    check_eq("the middle table has one reference", page_ref(pa2page(middle)), 1);
    check_eq("the table of the last level has one reference", page_ref(pa2page(last)), 1);
    space_destroy(&as);
}

/* A page that stands in the entry is what the hart reads and writes at the address. Two neighbours,
   so that an entry which is one too far is noticed. */
static void check_hardware(void)
{
    struct Page *page = filled_page(0x11), *next = filled_page(0x22);
    pte_t *pte = get_pte(kernel_as.pgdir, OWN_LA, true);
    pte_t flags = pte_leaf_flags(PTE_R | PTE_W);
    uint64_t value = 0;

    /* As if page_insert() had mapped them: exercise 3.2 need not be written yet. */
    page->ref = next->ref = 1;
    *pte = pte_make(page2pa(page), flags);
    pte[1] = pte_make(page2pa(next), flags);
    check("the hart finds the page that stands in the entry", can_read(OWN_LA, &value));
    check_eq("the hart reads what is in that page", value, 0x1111111111111111);
    check("the hart finds the next page behind it",
          can_read(OWN_LA + PGSIZE, &value) && value == 0x2222222222222222);
    check("the hart writes to the page", can_write(OWN_LA + 8, 5)
          && ((uint64_t *)page2kva(page))[1] == 5);
    /* Its entry is in the same new table, and must be 0. */
    check("the page behind the two is not mapped", !can_read(OWN_LA + 2 * PGSIZE, &value));
    space_empty(&kernel_as);
}

/* The pages must all be back. */
static void test_tables(void)
{
    size_t before = nr_free_pages();

    check_new_tables();
    check_hardware();
    check_eq("all pages come back", before - nr_free_pages(), 0);
}

/* If only this one fails, the walk is right and what new tables hold is not. */
SELFTEST_AT(STAGE_BOOT, "get-pte-tables", test_tables);

/* With k pages left. The tables of LA are there; AWAY needs two new ones, NEAR one. */
/* Where the tables of LA do not reach: NEAR has the same middle table, AWAY another one. */
#define NEAR    (LA + pt_span(1))
#define AWAY    (LA + pt_span(2))

/* A walk that finds no memory half-way returns NULL; the table that it made before may stay or go,
   and is given back with the address space. */
static void test_memory(void)
{
    struct addrspace as;
    struct hoard hoard = { .count = 0 };
    size_t before = nr_free_pages();

    space_create(&as);
    pte_t *pte = get_pte(as.pgdir, LA, true);

    hoard_take(&hoard);
    check("without memory, an entry whose table is there is found",
          pte != NULL && get_pte(as.pgdir, LA, true) == pte);
    check("no memory for a table of the last level: NULL", get_pte(as.pgdir, NEAR, true) == NULL);
    check("no memory for a middle table: NULL", get_pte(as.pgdir, AWAY, true) == NULL);
    hoard_give(&hoard, 1);
    /* It runs out in the middle of the walk. */
    check("memory for one of two tables: NULL", get_pte(as.pgdir, AWAY, true) == NULL);
    check("afterwards there is still no entry", get_pte(as.pgdir, AWAY, false) == NULL);
    hoard_take(&hoard);
    hoard_give(&hoard, 2);
    check("with memory again, the entry is made", made_right(&as, AWAY));
    /* No page is free now. */
    check("the next page takes no memory", made_right(&as, AWAY + PGSIZE));
    hoard_end(&hoard);
    space_destroy(&as);
    check_eq("all pages come back", before - nr_free_pages(), 0);
}

/* If it panics: a table was used that could not be made. */
SELFTEST_AT(STAGE_BOOT, "get-pte-memory", test_memory);
