/* Address spaces for self tests: see space.h. */
#include <string.h>
#include <test/addrspaces.h>
#include <test/testlib.h>

void as_create(struct addrspace *as)
{
    pte_t *pgdir = pgdir_create();

    assert(pgdir != NULL);
    addrspace_init(as, pgdir);
}

void as_destroy(struct addrspace *as)
{
    unmap_range(as, USERBASE, USERTOP);
    exit_range(as, 0, USERTOP, 0, USERTOP);
    pgdir_destroy(as->pgdir);
}

struct Page *as_put(struct addrspace *as, uintptr_t la, uint8_t byte, pte_t rights)
{
    struct Page *page = alloc_page();

    assert(page != NULL);
    memset(page2kva(page), byte, PGSIZE);
    assert_eq(page_insert(as, page, la, rights), 0);
    return page;
}

pte_t as_entry(struct addrspace *as, uintptr_t la)
{
    pte_t *pte = get_pte(as->pgdir, la, false);

    return pte == NULL ? 0 : *pte;
}

pte_t as_rights(struct addrspace *as, uintptr_t la)
{
    return as_entry(as, la) & (PTE_USER | PTE_COW);
}

struct Page *as_page(struct addrspace *as, uintptr_t la)
{
    pte_t pte = as_entry(as, la);

    return pte & PTE_V ? pte2page(pte) : NULL;
}

int as_byte(struct addrspace *as, uintptr_t la)
{
    struct Page *page = as_page(as, la);

    return page == NULL ? -1 : *(uint8_t *)page2kva(page);
}
