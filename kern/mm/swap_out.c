/* Paging out: see swap_out.h. A page that several processes share goes step by step:

       locked          who wants it from its slot waits
       in the cache    of a slot: a new one, or the one that it had
       entry by entry  each that maps it becomes one that names the slot
       written         if the slot does not have its content yet
       left            it is in the cache no more; who faults reads it from the disk

   Between two steps processes run, on other harts too. They fault, fork, unmap and end; each entry
   is changed with its mm's lock, so what matters is what they can do with one that is not changed
   yet, or that names the slot already:
   - A fault on an entry that names the slot finds the page in the cache, and waits while it is
     locked. It has its mm's lock, which nobody here waits for.
   - A write by another entry. While entries name the slot the page must stay as it is. Only an
     entry that is the page's only one allows to write, all others are copy-on-write; and because of
     the cache's reference a write fault there makes a copy. */
/* - fork copies entries. Of those that map the page each copy has a reference, so the page stays
     while there is one, also if it is not found: an mm that is not enrolled yet is in no list. Of
     those that name the slot each copy is one more name.
   - unmap and exit give references and names back. If no name is left there is nothing to write.
   - Who holds the lock of his mm all the time keeps his entries. Then the page stays half-way: in
     the cache, with some entries that name the slot, and the next try goes on from there. If no
     entry was changed it leaves the cache at once: its only entry may allow to write.

   When all entries are gone no new one can come: there is none to copy, and a fault waits for the
   lock of the page. So it does not change while the disk has it.

   Nothing here waits for a lock, and who waits for a page has no lock that is needed here, or one
   that is only tried: so there is no circle. */
#include <mm/pagetable.h>
#include <mm/rmap.h>
#include <mm/swap_out.h>

/* An entry that maps the page names its slot from now on, and the page has a reference less. The
   order: the name first, so that the slot is never without one. The flush before the reference
   goes, and before the page is written: another hart may write to it by an old translation until
   then. */
static void unmap_entry(struct mm_struct *mm, uintptr_t la, pte_t *pte, struct Page *page,
                        void *arg)
{
    __not_used uint32_t slot = *(uint32_t *)arg;    /* as long as 9.3 is blank */

    /* EXERCISE 9.3 begin: unmap_entry */
    swap_slot_get(slot);
    set_pte(pte, swap_pte(slot));
    mm->paged_out++;
    tlb_flush(&mm->as, la, PGSIZE);
    page_ref_dec(page);
    /* EXERCISE 9.3 end */
}

/* The page is locked, and the cache of the slot; its entries were taken, all that are known if
   `all`. Can it leave memory? What becomes of it? */
static enum page_out move_out(struct Page *page, uint32_t slot, bool all)
{
    /* EXERCISE 9.3 begin: move_out */
    enum page_out result = PAGE_BUSY;

    if (all && page_ref(page) == 2) {
        bool saved = swap_slot_is_written(slot) || swap_slot_names(slot) == 1;
        result = saved || swap_write(slot, page) == 0 ? PAGE_OUT : PAGE_KEPT;
    }
    if (result == PAGE_OUT || (swap_slot_names(slot) == 1 && !swap_slot_is_written(slot)))
        swap_cache_leave(page);
    return result;
    /* EXERCISE 9.3 end */
}

/* An entry of a page of a file goes; a fault finds the page again in the block cache, or reads it.
   One that allows to write stays: what is written by it comes to the disk by a write-back only. */
static void unmap_file_entry(struct mm_struct *mm, uintptr_t la, pte_t *pte, struct Page *page,
                             __not_used void *arg)
{
    if (*pte & PTE_W)
        return;
    set_pte(pte, 0);
    tlb_flush(&mm->as, la, PGSIZE);
    page_ref_dec(page);
}

/* Somebody who has the page locked reads it, or is about to give it to a process. */
enum page_out page_out(struct Page *page)
{
    enum page_out result = PAGE_KEPT;

    if (!page_trylock(page))
        return PAGE_BUSY;
    uint32_t slot = page_slot(page);
    /* Of a file's page the references that are left are the cache's and the caller's. The cache
       gives it back when it is asked next. */
    if (page->flags & PG_FILE) {
        result = PAGE_BUSY;
        if (page_for_each_entry(page, unmap_file_entry, NULL) && page_ref(page) <= 2) {
            page_forget(page);
            result = PAGE_OUT;
        }
    } else if (slot == 0 && swap_cache_add(page))
        slot = page_slot(page);
    if (slot != 0 && !swap_slot_is_bad(slot))
        result = move_out(page, slot, page_for_each_entry(page, unmap_entry, &slot));
    page_unlock(page);
    return result;
}
