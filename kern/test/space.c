/* Address spaces for tests: see space.h. */
#include <mm/usercopy.h>
#include <string.h>
#include <test/space.h>

#define DIRTY_PAGES     200

struct Page *filled_page(uint8_t byte)
{
    struct Page *page = alloc_page();

    assert(page != NULL);
    memset(page2kva(page), byte, PGSIZE);
    return page;
}

void space_create(struct addrspace *as)
{
    *as = (struct addrspace){ .pgdir = pgdir_create() };
    assert(as->pgdir != NULL);
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

struct Page *space_put(struct addrspace *as, uintptr_t la, uint8_t byte, pte_t rights)
{
    struct Page *page = filled_page(byte);

    assert_eq(page_insert(as, page, la, rights), 0);
    assert_eq(page_ref(page), 1);
    return page;
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
