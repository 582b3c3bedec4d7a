/* Address spaces for tests: see space.h.

   What is read here is read as the kernel sees it: the entry by a walk through the table, the page
   by the kernel's own map. So a wrong entry is found even if the hardware would never use it. Only
   can_read() and can_write() go through the map that the hart is on.

   Two checks are here and not in the tests, because several tests make the same experiment:
   space_copy_needs() reports by itself. */
#include <error.h>
#include <mm/usercopy.h>
#include <report.h>
#include <string.h>
#include <test/space.h>

/* More pages than any test takes, so that each page it gets has been dirty; and a limit, so that a
   copy that never succeeds ends the experiment. */
#define DIRTY_PAGES     200
#define MOST_PAGES      50                      /* that a copy of the tests may need */

/* Not zeroed first: page_insert() and the copies must not care about what was in a page. */
struct Page *filled_page(uint8_t byte)
{
    struct Page *page = alloc_page();

    assert(page != NULL);
    memset(page2kva(page), byte, PGSIZE);
    return page;
}

/* Only the root table; every other one is made by what the test calls. */
void space_create(struct addrspace *as)
{
    pte_t *pgdir = pgdir_create();

    assert(pgdir != NULL);
    addrspace_init(as, pgdir);
}

/* As a process's memory is taken apart at its end: first the pages, then the tables. */
void space_empty(struct addrspace *as)
{
    unmap_range(as, USERBASE, USERTOP);
    exit_range(as, 0, USERTOP, 0, USERTOP);
}

/* Of the 512 entries the lower half is the space's. The upper half is the kernel's, in all
   spaces. */
void space_destroy(struct addrspace *as)
{
    space_empty(as);
    for (int i = 0; i < PT_ENTRIES / 2; i++)
        assert_eq(as->pgdir[i], 0);
    pgdir_destroy(as->pgdir);
}

/* No table is made for the question, so asking changes nothing that is counted. */
pte_t space_entry(struct addrspace *as, uintptr_t la)
{
    const pte_t *entry = get_pte(as->pgdir, la, false);

    return entry == NULL ? 0 : *entry;
}

/* V, A and D are left out: whether they are right is asked by other checks, and a mistake in them
   should not make each comparison of rights fail. */
pte_t space_rights(struct addrspace *as, uintptr_t la)
{
    return space_entry(as, la) & (PTE_USER | PTE_COW);
}

/* D is only needed with W. A page that may not be written is never dirty. */
bool space_touched(struct addrspace *as, uintptr_t la)
{
    pte_t pte = space_entry(as, la);

    return (pte & PTE_A) && (!(pte & PTE_W) || (pte & PTE_D));
}

/* By the entry, not by the caller's memory of what it mapped. */
struct Page *space_page(struct addrspace *as, uintptr_t la)
{
    pte_t pte = space_entry(as, la);

    return pte & PTE_V ? pte2page(pte) : NULL;
}

/* -1 is no byte, so "no page" and "a page of zeros" differ in a failed check's message. */
int space_byte(struct addrspace *as, uintptr_t la)
{
    struct Page *page = space_page(as, la);

    return page == NULL ? -1 : *(uint8_t *)page2kva(page);
}

/* Both asserts are about exercise 3.2: without page_insert() no test of this kind can begin. */
struct Page *space_put(struct addrspace *as, uintptr_t la, uint8_t byte, pte_t rights)
{
    struct Page *page = filled_page(byte);

    assert_eq(page_insert(as, page, la, rights), 0);
    assert_eq(page_ref(page), 1);
    return page;
}

/* How many pages a copy needs, by trying. Each turn takes all memory, gives k pages, and copies:

   - with too few, copy_range() must say -E_NO_MEM; anything else is counted as wrong;
   - then the target is emptied, and k pages must be free again. If fewer are, what was made before
     the memory ran out has been lost; if more are, something was freed that belonged to the source.

   Because every k is tried, the memory runs out once at each place where copy_range() asks for
   some. A wrong kernel fails one of the two checks at the end, or panics because it went on without
   memory.

   For the test copy-range, which needs four tables and five copies:

       k = 0 ... 8    the memory runs out, each time at a later step
       k = 9          it succeeds: 9 is the answer */
size_t space_copy_needs(struct addrspace *from, uintptr_t start, uintptr_t end, bool share)
{
    struct addrspace to;
    struct hoard hoard = { .count = 0 };
    size_t wrong = 0, lost = 0, k = 0;
    int result;

    space_create(&to);
    do {
        /* What the last turn has given back is taken again. */
        hoard_take(&hoard);
        hoard_give(&hoard, k);
        result = copy_range(&to, from, start, end, share);
        wrong += result != 0 && result != -E_NO_MEM;
        /* Half a copy, or a whole one: all of it goes. */
        space_empty(&to);
        lost += nr_free_pages() != k;
    } while (result != 0 && ++k < MOST_PAGES);
    hoard_end(&hoard);
    space_destroy(&to);
    /* The caller tells by it that memory is short, and not that an address was bad. */
    check_eq("without memory copy_range() returns -E_NO_MEM and nothing else", wrong, 0);
    check_eq("no page is lost if memory runs out half-way", lost, 0);
    return k;
}

/* 0xa4 in a page table would be an entry with W and reserved bits but without V. A table that is
   not cleared shows it; so does a page that a program can read. */
void dirty_free_pages(void)
{
    struct Page *page[DIRTY_PAGES];

    for (int i = 0; i < DIRTY_PAGES; i++)
        page[i] = filled_page(0xa4);    /* as an entry: not valid, but not 0 */
    for (int i = 0; i < DIRTY_PAGES; i++)
        free_page(page[i]);
}

/* By the function that system calls use, which takes a fault for an answer and not for a panic. */
bool can_read(uintptr_t la, uint64_t *value)
{
    return copy_from_user(value, la, sizeof(*value)) == 0;
}

bool can_write(uintptr_t la, uint64_t value)
{
    return copy_to_user(la, &value, sizeof(value)) == 0;
}
