/* Walking and changing the page tables of processes. */
#include <debug/panic.h>
#include <error.h>
#include <mm/pagetable.h>
#include <string.h>

#define UNMAP_BATCH     32

static pte_t *table_of(pte_t pte)
{
    return kva(pte_paddr(pte));
}

pte_t *pgdir_create(void)
{
    struct Page *page = alloc_page();

    if (page == NULL)
        return NULL;
    pte_t *pgdir = page2kva(page);

    page->ref = 1;
    memset(pgdir, 0, PGSIZE / 2);
    memcpy(pgdir + PT_ENTRIES / 2, kernel_as.pgdir + PT_ENTRIES / 2, PGSIZE / 2);
    return pgdir;
}

void pgdir_destroy(pte_t *pgdir)
{
    page_ref_dec(kva2page(pgdir));
}

/* The table one level down from an entry; made where it is missing and `create` says so. */
static pte_t *next_table(pte_t *entry, bool create)
{
    if (likely(*entry & PTE_V)) {
        assert(!pte_is_leaf(*entry));
        return table_of(*entry);
    }
    if (!create)
        return NULL;
    struct Page *page = alloc_zeroed_page();

    if (page == NULL)
        return NULL;
    page->ref = 1;
    *entry = pte_make(page2pa(page), PTE_V);
    return page2kva(page);
}

pte_t *get_pte(pte_t *pgdir, uintptr_t la, bool create)
{
    pte_t *table = pgdir;

    for (int level = PT_LEVELS - 1; level > 0 && table != NULL; level--)
        table = next_table(&table[pt_index(la, level)], create);
    return table == NULL ? NULL : &table[pt_index(la, 0)];
}

/* The reference of the new page comes first: it may be the one that is mapped here already. */
int page_insert(struct addrspace *as, struct Page *page, uintptr_t la, pte_t rights)
{
    pte_t *pte = get_pte(as->pgdir, la, true);

    if (pte == NULL)
        return -E_NO_MEM;
    page_ref_inc(page);
    if (*pte & PTE_V)
        page_remove(as, la);
    *pte = pte_make(page2pa(page), pte_leaf_flags(rights));
    return 0;
}

void page_remove(struct addrspace *as, uintptr_t la)
{
    pte_t *pte = get_pte(as->pgdir, la, false);

    if (pte == NULL || !(*pte & PTE_V))
        return;
    struct Page *page = pa2page(pte_paddr(*pte));
    *pte = 0;
    tlb_flush(as, la, PGSIZE);          /* before the page can serve anyone else */
    page_ref_dec(page);
}

/* The end of the part of [start, end) that one table of the last level maps. */
static uintptr_t table_end(uintptr_t start, uintptr_t end)
{
    uintptr_t next = ROUNDDOWN(start, pt_span(1)) + pt_span(1);

    return next < end ? next : end;
}

/* Pages that are mapped no more; they are freed after one flush for all of them. */
struct unmapped {
    struct Page *pages[UNMAP_BATCH];
    uint32_t count;
};

static void drop_unmapped(struct addrspace *as, struct unmapped *batch, uintptr_t start,
                          uintptr_t end)
{
    if (batch->count > 0)
        tlb_flush(as, start, end - start);
    for (uint32_t i = 0; i < batch->count; i++)
        page_ref_dec(batch->pages[i]);
    batch->count = 0;
}

void unmap_range(struct addrspace *as, uintptr_t start, uintptr_t end)
{
    struct unmapped batch = { .count = 0 };

    assert(start % PGSIZE == 0 && end % PGSIZE == 0 && user_range_ok(start, end));
    for (uintptr_t la = start, stop; la < end; la = stop) {
        pte_t *pte = get_pte(as->pgdir, la, false);

        stop = table_end(la, end);
        for (; pte != NULL && la < stop; la += PGSIZE, pte++) {
            if (!(*pte & PTE_V))
                continue;
            batch.pages[batch.count++] = pa2page(pte_paddr(*pte));
            *pte = 0;
            if (batch.count == UNMAP_BATCH)
                drop_unmapped(as, &batch, start, end);
        }
    }
    drop_unmapped(as, &batch, start, end);
}

/* Free the tables below `table`, which maps from `base` on, that lie whole in [start, end). */
static void free_tables(pte_t *table, int level, uintptr_t base, uintptr_t start, uintptr_t end)
{
    size_t span = pt_span(level);
    unsigned int first = start > base ? (start - base) / span : 0;

    for (unsigned int i = first; i < PT_ENTRIES && base + i * span < end; i++) {
        uintptr_t low = base + i * span;

        if (!(table[i] & PTE_V))
            continue;
        if (level > 1)
            free_tables(table_of(table[i]), level - 1, low, start, end);
        if (start <= low && low + span <= end) {
            page_ref_dec(pa2page(pte_paddr(table[i])));
            table[i] = 0;
        }
    }
}

void exit_range(pte_t *pgdir, uintptr_t start, uintptr_t end)
{
    free_tables(pgdir, PT_LEVELS - 1, 0, start, end);
}

/* Give a child the page that *from maps, copy-on-write on both sides where it may be written. */
static pte_t share_page(pte_t *from)
{
    pte_t pte = *from;

    if (pte & PTE_W) {
        pte = (pte & ~PTE_W) | PTE_COW;
        *from = pte;
    }
    page_ref_inc(pa2page(pte_paddr(pte)));
    return pte;
}

/* Give a child a copy of the page that *from maps. 0 is no valid entry: out of memory. */
static pte_t copy_page(const pte_t *from)
{
    struct Page *page = alloc_page();

    if (page == NULL)
        return 0;
    memcpy(page2kva(page), kva(pte_paddr(*from)), PGSIZE);
    page->ref = 1;
    pte_t rights = *from & PTE_USER;
    if (*from & PTE_COW)                /* the copy has one owner, who may write it */
        rights |= PTE_W;
    return pte_make(page2pa(page), pte_leaf_flags(rights));
}

/* copy_range() for the part of the range that one table of the last level maps. */
static int copy_table(struct addrspace *to, pte_t *source, uintptr_t start, uintptr_t end,
                      bool share)
{
    pte_t *target = NULL;               /* made when the first page is found */

    for (uintptr_t la = start; la < end; la += PGSIZE, source++) {
        if (!(*source & PTE_V))
            continue;
        if (target == NULL) {
            target = get_pte(to->pgdir, start, true);
            if (target == NULL)
                return -E_NO_MEM;
        }
        pte_t pte = share ? share_page(source) : copy_page(source);
        if (unlikely(pte == 0))
            return -E_NO_MEM;
        target[(la - start) / PGSIZE] = pte;
    }
    return 0;
}

int copy_range(struct addrspace *to, struct addrspace *from, uintptr_t start, uintptr_t end,
               bool share)
{
    assert(start % PGSIZE == 0 && end % PGSIZE == 0 && user_range_ok(start, end));
    for (uintptr_t la = start, stop; la < end; la = stop) {
        pte_t *source = get_pte(from->pgdir, la, false);

        stop = table_end(la, end);
        if (source != NULL && copy_table(to, source, la, stop, share) != 0)
            return -E_NO_MEM;
    }
    return 0;
}
