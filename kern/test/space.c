/* Address spaces for tests: see space.h. */
#include <error.h>
#include <mm/usercopy.h>
#include <report.h>
#include <string.h>
#include <test/space.h>

#define DIRTY_PAGES     200
#define MOST_PAGES      50                      /* that a copy of the tests may need */

struct Page *filled_page(uint8_t byte)
{
    struct Page *page = alloc_page();

    assert(page != NULL);
    memset(page2kva(page), byte, PGSIZE);
    return page;
}

void space_create(struct addrspace *as)
{
    pte_t *pgdir = pgdir_create();

    assert(pgdir != NULL);
    addrspace_init(as, pgdir);
}

void space_empty(struct addrspace *as)
{
    unmap_range(as, USERBASE, USERTOP);
    exit_range(as, 0, USERTOP, 0, USERTOP);
}

void space_destroy(struct addrspace *as)
{
    space_empty(as);
    for (int i = 0; i < PT_ENTRIES / 2; i++)
        assert_eq(as->pgdir[i], 0);
    pgdir_destroy(as->pgdir);
}

pte_t space_entry(struct addrspace *as, uintptr_t la)
{
    const pte_t *entry = get_pte(as->pgdir, la, false);

    return entry == NULL ? 0 : *entry;
}

pte_t space_rights(struct addrspace *as, uintptr_t la)
{
    return space_entry(as, la) & (PTE_USER | PTE_COW);
}

bool space_touched(struct addrspace *as, uintptr_t la)
{
    pte_t pte = space_entry(as, la);

    return (pte & PTE_A) && (!(pte & PTE_W) || (pte & PTE_D));
}

struct Page *space_page(struct addrspace *as, uintptr_t la)
{
    pte_t pte = space_entry(as, la);

    return pte & PTE_V ? pte2page(pte) : NULL;
}

int space_byte(struct addrspace *as, uintptr_t la)
{
    struct Page *page = space_page(as, la);

    return page == NULL ? -1 : *(uint8_t *)page2kva(page);
}

struct Page *space_put(struct addrspace *as, uintptr_t la, uint8_t byte, pte_t rights)
{
    struct Page *page = filled_page(byte);

    assert_eq(page_insert(as, page, la, rights), 0);
    assert_eq(page_ref(page), 1);
    return page;
}

size_t space_copy_needs(struct addrspace *from, uintptr_t start, uintptr_t end, bool share)
{
    struct addrspace to;
    struct hoard hoard = { .count = 0 };
    size_t wrong = 0, lost = 0, k = 0;
    int result;

    space_create(&to);
    do {
        hoard_take(&hoard);
        hoard_give(&hoard, k);
        result = copy_range(&to, from, start, end, share);
        wrong += result != 0 && result != -E_NO_MEM;
        space_empty(&to);
        lost += nr_free_pages() != k;
    } while (result != 0 && ++k < MOST_PAGES);
    hoard_end(&hoard);
    space_destroy(&to);
    check_eq("without memory copy_range() returns -E_NO_MEM and nothing else", wrong, 0);
    check_eq("no page is lost where memory runs out half-way", lost, 0);
    return k;
}

void dirty_free_pages(void)
{
    struct Page *page[DIRTY_PAGES];

    for (int i = 0; i < DIRTY_PAGES; i++)
        page[i] = filled_page(0xa4);    /* as an entry: not valid, but not 0 */
    for (int i = 0; i < DIRTY_PAGES; i++)
        free_page(page[i]);
}

bool can_read(uintptr_t la, uint64_t *value)
{
    return copy_from_user(value, la, sizeof(*value)) == 0;
}

bool can_write(uintptr_t la, uint64_t value)
{
    return copy_to_user(la, &value, sizeof(value)) == 0;
}
