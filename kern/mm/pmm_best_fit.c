/* Best fit: allocate from the smallest block that is large enough; of equals, from the lowest.
   `pmm=best_fit`.

   The list of free blocks is that of pmm_list.c, as for first fit. The whole list is looked at for
   each allocation. Large blocks are kept for those who need them; the price is many small rests
   that are of no use to anybody. The functions are called with the lock of pmm.c held. */
#include <debug/panic.h>
#include <mm/pmm_list.h>

/* The first page of n that are taken from the list, or NULL; n may be 0, and may be more than there
   are. */
static struct Page *best_fit_alloc_pages(size_t n)
{
    /* EXERCISE 2.2 begin: best_fit_alloc_pages */
    struct Page *best = NULL;

    if (n == 0 || n > free_area.nr_free)
        return NULL;
    list_for_each(pos, &free_area.free_list) {
        struct Page *head = le2page(pos);

        if (head->property >= n && (best == NULL || head->property < best->property))
            best = head;
    }
    if (best != NULL)
        free_area_take(best, n);
    return best;
    /* EXERCISE 2.2 end */
}

PMM_MANAGER(3, best_fit_pmm_manager);

const struct pmm_manager best_fit_pmm_manager = FREE_AREA_MANAGER("best_fit", best_fit_alloc_pages);
