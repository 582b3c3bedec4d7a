/* Walking and changing the page tables of processes (Privileged spec 20211203, 4.3.2 and 4.4).

   Entries of a process are changed with the lock of its mm held, by one task at a time; harts walk
   the tables at any moment, without a lock. Three rules make that safe:
   - an entry that becomes valid is stored after what it leads to: set_pte();
   - an entry that was valid and is changed is flushed on every hart that may have a translation,
     by tlb_flush(), before its page or table serves anything else (4.2.1, SFENCE.VMA);
   - a table is freed only when no hart can be in the middle of it: exit_range() takes tables out of
     the tree, flushes, and then frees them.
   Functions for ranges give way between tables, because an address space may be as large as 256
   GiB; so no spinlock may be held. The regions of 3.1, 3.2, 5.3 and 5.4 are here. */
#include <debug/panic.h>
#include <error.h>
#include <mm/pagetable.h>
#include <mm/vmm.h>
#include <sched/sched.h>
#include <string.h>

#define UNMAP_BATCH     32      /* pages that wait for one flush */

/* The table that an entry points to. An entry holds a physical address; the kernel needs its own
   address for that. */
static pte_t *table_of(pte_t pte)
{
    return kva(pte_paddr(pte));
}

/* Which entries of the kernel's root are in use: a few, for each GiB of memory or devices one, and
   those for kernel stacks. They never change (kmap.c). */
static uint16_t kernel_entries[PT_ENTRIES / 2], kernel_entry_count;

void pgdir_init(void)
{
    for (int i = PT_ENTRIES / 2; i < PT_ENTRIES; i++)
        if (kernel_as.pgdir[i] != 0)
            kernel_entries[kernel_entry_count++] = i;
}

/* The upper half is the kernel's, so a copy is enough. */
pte_t *pgdir_create(void)
{
    struct Page *page = alloc_zeroed_page();

    if (page == NULL)
        return NULL;
    page->ref = 1;
    pte_t *pgdir = page2kva(page);
    for (int i = 0; i < kernel_entry_count; i++)
        set_pte_relaxed(&pgdir[kernel_entries[i]], kernel_as.pgdir[kernel_entries[i]]);
    return pgdir;
}

/* The mm's tables below the root have gone before, by exit_range(), so the lower half is full of
   zeros. The next table has no need to be cleared if the rest is cleared too. */
void pgdir_destroy(pte_t *pgdir)
{
    for (int i = 0; i < kernel_entry_count; i++)
        pgdir[kernel_entries[i]] = 0;
    free_zeroed_page(kva2page(pgdir));
}

/* How an address leads to its entry: the hardware walks so, and get_pte() does it by hand. The walk
   begins at the root, which is the table of level 2.

      63        39 38     30 29     21 20     12 11          0
     +------------+---------+---------+---------+-------------+
     | as bit 38  | VPN[2]  | VPN[1]  | VPN[0]  | page offset |
     +------------+---------+---------+---------+-------------+
                    entry of  entry of  entry of  byte in the
                    the root  level 1   level 0   page

   pt_index(la, level) is VPN[level]. riscv/sv39.h has the bits of an entry.

   The table one level down from an entry, as an address that the kernel can use. If it is missing
   it is made if `create` says so: NULL, if not, or if there is no memory. A leaf leads to no table:
   large pages are not for processes. */
static inline pte_t *next_table(pte_t *entry, bool create)
{
    assert(!(*entry & PTE_V) || !pte_is_leaf(*entry));
    /* EXERCISE 3.1 begin: next_table */
    if (likely(*entry & PTE_V))
        return table_of(*entry);
    if (!create)
        return NULL;
    struct Page *page = alloc_zeroed_page();

    if (page == NULL)
        return NULL;
    page->ref = 1;
    set_pte(entry, pte_make(page2pa(page), PTE_V));
    return page2kva(page);
    /* EXERCISE 3.1 end */
}

/* Two steps down, and then the entry of the last table, whatever is in it. */
pte_t *get_pte(pte_t *pgdir, uintptr_t la, bool create)
{
    /* EXERCISE 3.1 begin: get_pte */
    pte_t *table = next_table(&pgdir[pt_index(la, 2)], create);

    if (table != NULL)
        table = next_table(&table[pt_index(la, 1)], create);
    return table == NULL ? NULL : &table[pt_index(la, 0)];
    /* EXERCISE 3.1 end */
}

/* The entry for an address at any level, or NULL if no table holds it. */
static pte_t *find_entry(pte_t *pgdir, uintptr_t la, int wanted)
{
    pte_t *table = pgdir;

    for (int level = PT_LEVELS - 1; level > wanted && table != NULL; level--)
        table = next_table(&table[pt_index(la, level)], false);
    return table == NULL ? NULL : &table[pt_index(la, wanted)];
}

/* What was mapped there before may be the same page: its reference must not become 0 meanwhile. */
int page_insert(struct addrspace *as, struct Page *page, uintptr_t la, pte_t rights)
{
    /* EXERCISE 3.2 begin: page_insert */
    pte_t *pte = get_pte(as->pgdir, la, true);

    if (pte == NULL)
        return -E_NO_MEM;
    page_ref_inc(page);                 /* first: it may be mapped here already */
    if (*pte & PTE_V)
        page_remove(as, la);
    set_pte(pte, pte_make(page2pa(page), pte_leaf_flags(rights)));
    return 0;
    /* EXERCISE 3.2 end */
}

/* Nothing happens if nothing is mapped there. The table stays: exit_range() takes tables away. */
void page_remove(struct addrspace *as, uintptr_t la)
{
    /* EXERCISE 3.2 begin: page_remove */
    pte_t *pte = get_pte(as->pgdir, la, false);

    if (pte == NULL || !(*pte & PTE_V))
        return;
    struct Page *page = pte2page(*pte);
    set_pte(pte, 0);
    tlb_flush(as, la, PGSIZE);          /* before the page can serve anyone else */
    page_ref_dec(page);
    /* EXERCISE 3.2 end */
}

/* Only the root is looked at: if it has no entry, there is nothing for the next 1 GiB. */
uintptr_t table_end(const pte_t *pgdir, uintptr_t start, uintptr_t end)
{
    size_t span = pt_span(pgdir[pt_index(start, 2)] & PTE_V ? 1 : 2);
    uintptr_t next = ROUNDDOWN(start, span) + span;

    return next < end ? next : end;
}

/* Pages that are mapped no more; they are freed after one flush for all of them. */
struct unmapped {
    struct Page *pages[UNMAP_BATCH];
    uint32_t count;
};

/* Flush once for all, and only then let the pages go: until then a thread on another hart could
   still write to a page that already belongs to somebody else. */
static void drop_unmapped(struct addrspace *as, struct unmapped *batch, uintptr_t start,
                          uintptr_t end)
{
    if (batch->count > 0)
        tlb_flush(as, start, end - start);
    for (uint32_t i = 0; i < batch->count; i++)
        page_ref_dec(batch->pages[i]);
    batch->count = 0;
}

/* Unmap what the entries from `pte` on map, which are of one table and for [start, end). In
   batches, so that the list of pages fits on the stack. */
static void unmap_table(struct addrspace *as, pte_t *pte, uintptr_t start, uintptr_t end)
{
    struct unmapped batch = { .count = 0 };

    for (uintptr_t la = start; la < end; la += PGSIZE, pte++) {
        if (!(*pte & PTE_V))
            continue;
        batch.pages[batch.count++] = pte2page(*pte);
        set_pte(pte, 0);
        if (batch.count == UNMAP_BATCH)
            drop_unmapped(as, &batch, start, end);
    }
    drop_unmapped(as, &batch, start, end);
}

/* The same if no hart can have translations, because the address space is in no hart's satp: most
   pages that die, die with their process. No flush is needed, so no batch either. An exit does this
   for every page of a process, so each instruction counts. */
static void unmap_table_unused(pte_t *pte, size_t n)
{
#pragma GCC unroll 8
    for (pte_t *end = pte + n; pte < end; pte++) {
        if (*pte & PTE_V)
            page_ref_dec(pte2page(*pte));
        set_pte(pte, 0);
    }
}

/* Table by table; if there is none, the walk goes on behind what it would map. */
void unmap_range(struct addrspace *as, uintptr_t start, uintptr_t end)
{
    bool unused = atomic_load(&as->harts) == 0;

    assert(start % PGSIZE == 0 && end % PGSIZE == 0 && user_range_ok(start, end));
    for (uintptr_t la = start, stop; la < end; la = stop) {
        pte_t *pte = get_pte(as->pgdir, la, false);
        stop = table_end(as->pgdir, la, end);
        if (pte != NULL && unused)
            unmap_table_unused(pte, (stop - la) / PGSIZE);
        else if (pte != NULL)
            unmap_table(as, pte, la, stop);
        if (stop < end)
            sched_give_way();
    }
}

/* Take out the tables that entries of this level point to, on the way to [start, end), and put them
   into the list. A table also serves addresses beside the range: it stays if those lie below
   `floor` or from `ceiling` on, because another area has pages there. */
static void remove_tables(pte_t *pgdir, int level, uintptr_t start, uintptr_t end,
                          uintptr_t floor, uintptr_t ceiling, list_entry_t *removed)
{
    size_t span = pt_span(level), step;

    for (uintptr_t la = ROUNDDOWN(start, span); la < end; la += step) {
        pte_t *entry = find_entry(pgdir, la, level);
        /* Where there is no table, none is below it either: on to the next one. */
        step = entry == NULL ? pt_span(level + 1) - la % pt_span(level + 1) : span;
        if (la > start)
            sched_give_way();
        if (la < floor || la + span > ceiling || entry == NULL || !(*entry & PTE_V))
            continue;
        list_add(removed, &pte2page(*entry)->page_link);
        set_pte(entry, 0);
    }
}

/* A hart keeps entries that point to tables, too, and walks on from them (4.2.1): so all harts are
   flushed, for all addresses, before the first table is freed. The tables wait in a list that runs
   through their struct Pages, which costs no memory; their entries are all 0 by then. From the
   lowest level up, because the way to a table leads through the ones above it.

   If the first table on the way maps addresses from the ceiling on too, so do all the others, and
   there is nothing to do: so it is for all areas of a small program but the last. */
void exit_range(struct addrspace *as, uintptr_t start, uintptr_t end, uintptr_t floor,
                uintptr_t ceiling)
{
    list_entry_t removed;

    assert(start < end && end <= ceiling);
    if (ROUNDDOWN(start, pt_span(1)) + pt_span(1) > ceiling)
        return;                         /* the first table, and those above, serve others too */
    list_init(&removed);
    for (int level = 1; level < PT_LEVELS; level++)
        remove_tables(as->pgdir, level, start, end, floor, ceiling, &removed);
    if (!list_empty(&removed))
        tlb_flush(as, 0, SIZE_MAX);
    while (!list_empty(&removed)) {
        list_entry_t *first = list_next(&removed);
        list_del(first);
        struct Page *page = to_struct(first, struct Page, page_link);
        free_zeroed_page(page);
        sched_give_way();
    }
}

/* Share the pages that these entries map, copy-on-write if they may be written. A fork does this
   for every page of a process, so each instruction counts. */
static void share_entries(pte_t *to, pte_t *from, const pte_t *end)
{
    /* EXERCISE 5.4 begin: share_entries */
    for (; from < end; from++, to++) {
        pte_t pte = *from;
        if (!(pte & PTE_V))
            continue;
        if (pte & PTE_W) {
            pte ^= PTE_W | PTE_COW;
            set_pte_relaxed(from, pte);
        }
        page_ref_inc(pte2page(pte));
        set_pte_relaxed(to, pte);
    }
    /* EXERCISE 5.4 end */
}

/* Copy the pages that these entries map. A copy is nobody else's: what was COW is writable. */
static int copy_entries(pte_t *to, const pte_t *from, const pte_t *end)
{
    /* EXERCISE 5.3 begin: copy_entries */
    for (; from < end; from++, to++) {
        if (!(*from & PTE_V))
            continue;
        struct Page *page = alloc_page();
        if (page == NULL)
            return -E_NO_MEM;
        memcpy(page2kva(page), kva(pte_paddr(*from)), PGSIZE);
        page->ref = 1;
        pte_t rights = (*from & PTE_USER) | (*from & PTE_COW ? PTE_W : 0);
        set_pte(to, pte_make(page2pa(page), pte_leaf_flags(rights)));
    }
    return 0;
    /* EXERCISE 5.3 end */
}

/* Copy or share what the entries [from, end) map, which are of one table, or a part of it. */
static int copy_table(pte_t *to, pte_t *from, const pte_t *end, bool share)
{
    if (!share)
        return copy_entries(to, from, end);
    share_entries(to, from, end);
    return 0;
}

/* Table by table, and tables that map nothing are not made for the child. */
int copy_range(struct addrspace *to, struct addrspace *from, uintptr_t start, uintptr_t end,
               bool share)
{
    int result = 0;

    assert(start % PGSIZE == 0 && end % PGSIZE == 0 && user_range_ok(start, end));
    for (uintptr_t la = start, stop; result == 0 && la < end; la = stop) {
        pte_t *source = get_pte(from->pgdir, la, false), *source_end, *target;

        if (la > start)
            sched_give_way();
        stop = table_end(from->pgdir, la, end);
        if (source == NULL)
            continue;                   /* no table here: the child needs none */
        source_end = source + (stop - la) / PGSIZE;
        while (source < source_end && !(*source & PTE_V))
            source++, la += PGSIZE;
        if (source == source_end)
            continue;                   /* one that maps nothing, which is no better */
        target = get_pte(to->pgdir, la, true);
        result = target == NULL ? -E_NO_MEM : copy_table(target, source, source_end, share);
    }
    return result;
}
