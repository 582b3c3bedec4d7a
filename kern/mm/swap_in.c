/* Bringing a page in again, and what fork and unmapping do with entries of pages that are out: see
   swap.h, which draws such an entry.

   A fault at such an entry comes here before anything else looks at it: for the rest of the kernel
   an entry without V is empty. The page of the slot may be in memory: it came in for another
   process, or has not gone yet. Else it is read. Either way the cache holds it from then on, and
   each entry that maps it does so without the right to write, so that it stays what the slot is.
   Only a write by the last one who wants the page takes it out of the cache, and frees the slot.

   The mm's lock is held by all callers. It may be held while the disk reads: others of this program
   who fault wait for it, and who pages out only tries to take it. The regions of exercise 9.1 are
   here. */
#include <error.h>
#include <mm/pagetable.h>
#include <mm/rmap.h>
#include <sched/sched.h>

pte_t swap_pte(uint32_t slot)
{
    /* EXERCISE 9.1 begin: swap_pte */
    return (pte_t)slot << 8;
    /* EXERCISE 9.1 end */
}

uint32_t pte_slot(pte_t pte)
{
    /* EXERCISE 9.1 begin: pte_slot */
    return pte >> 8;
    /* EXERCISE 9.1 end */
}

bool pte_is_swapped(pte_t pte)
{
    /* EXERCISE 9.1 begin: pte_is_swapped */
    return pte != 0 && !(pte & PTE_V);
    /* EXERCISE 9.1 end */
}

/* The page with the content of the slot, which the entry at la names, with a reference for the
   entry: from the cache, or from the disk, and then it is in the cache. 0, -E_IO or -E_NO_MEM. */
static int slot_page(struct mm_struct *mm, uintptr_t la, uint32_t slot, struct Page **result)
{
    /* EXERCISE 9.1 begin: slot_page */
    while ((*result = swap_cache_find(slot)) == NULL) {
        struct Page *page = alloc_page();
        int error;

        if (page == NULL)
            return -E_NO_MEM;
        page->ref = 1;
        if (!swap_cache_insert(page, slot, mm->family, la)) {
            page_ref_dec(page);         /* another process of the family was first */
            continue;
        }
        error = swap_read(slot, page);
        if (error != 0)
            swap_cache_leave(page);
        page_unlock(page);
        if (error == 0) {
            *result = page;
            return 0;
        }
        page_ref_dec(page);
        return error;
    }
    return 0;
    /* EXERCISE 9.1 end */
}

int swap_in(struct mm_struct *mm, uintptr_t la, pte_t *pte, pte_t rights, uint32_t access)
{
    mm_assert_locked(mm);
    /* EXERCISE 9.1 begin: swap_in */
    uint32_t slot = pte_slot(*pte);
    struct Page *page;
    int result = slot_page(mm, la, slot, &page);

    if (result != 0)
        return result;
    swap_slot_put(slot);
    mm->paged_out--;
    if ((rights & PTE_W) && !(access == VM_WRITE && swap_cache_own(page)))
        rights ^= PTE_W | PTE_COW;
    if (rights & PTE_X)
        fetch_flush(&mm->as);
    set_pte(pte, pte_make(page2pa(page), pte_leaf_flags(rights)));
    page_enrol(page, mm->family, la);
    return 0;
    /* EXERCISE 9.1 end */
}

/* The entries of pages that are out become 0; the tables stay. */
void swap_unmap_range(struct mm_struct *mm, uintptr_t start, uintptr_t end)
{
    for (uintptr_t la = start, stop; la < end && mm->paged_out > 0; la = stop) {
        pte_t *pte = get_pte(mm->as.pgdir, la, false);

        stop = table_end(mm->as.pgdir, la, end);
        for (; pte != NULL && la < stop; la += PGSIZE, pte++)
            if (pte_is_swapped(*pte)) {
                swap_slot_put(pte_slot(*pte));
                set_pte(pte, 0);
                mm->paged_out--;
            }
        if (stop < end)
            sched_give_way();
    }
}

/* The tables of `to` are made here for these entries: copy_range() passes over what has no valid
   one. An entry that was copied is counted, so that who takes `to` away again frees it. */
int swap_copy_range(struct mm_struct *to, struct mm_struct *from, uintptr_t start, uintptr_t end)
{
    mm_assert_locked(from);
    for (uintptr_t la = start, stop; la < end; la = stop) {
        pte_t *pte = get_pte(from->as.pgdir, la, false), *target;

        stop = table_end(from->as.pgdir, la, end);
        for (; pte != NULL && la < stop; la += PGSIZE, pte++) {
            if (!pte_is_swapped(*pte))
                continue;
            target = get_pte(to->as.pgdir, la, true);
            if (target == NULL)
                return -E_NO_MEM;
            swap_slot_get(pte_slot(*pte));
            set_pte_relaxed(target, *pte);
            to->paged_out++;
            to->extras |= MM_PAGING;
        }
        if (stop < end)
            sched_give_way();
    }
    return 0;
}
