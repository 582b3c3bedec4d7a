/* First fit: allocate from the first block, by address, that is large enough. `pmm=first_fit`.

   The list of free blocks, and all that splits or merges them, is in pmm_list.c. It is ordered by
   address, so the search costs as much as there are free blocks below the one that is found, and
   memory is used from its low end. What is high stays in one piece as long as possible. The
   functions are called with the lock of pmm.c held. */
#include <debug/panic.h>
#include <mm/pmm_list.h>

/* The first page of n that are taken from the list, or NULL; n may be 0, and may be more than there
   are. Region of exercise 2.1, with free_area_take() and free_area_put(). */
static struct Page *first_fit_alloc_pages(size_t n)
{
    /* EXERCISE 2.1 begin: first_fit_alloc_pages */
    if (n == 0 || n > free_area.nr_free)
        return NULL;
    list_for_each(pos, &free_area.free_list) {
        struct Page *head = le2page(pos);

        if (head->property >= n) {
            free_area_take(head, n);
            return head;
        }
    }
    return NULL;
    /* EXERCISE 2.1 end */
}

PMM_MANAGER(2, first_fit_pmm_manager);

const struct pmm_manager first_fit_pmm_manager =
    FREE_AREA_MANAGER("first_fit", first_fit_alloc_pages);
