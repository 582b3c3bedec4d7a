/* Best fit: allocate from the smallest block that is large enough; of equals, the lowest. */
#include <debug/panic.h>
#include <mm/pmm_list.h>

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

const struct pmm_manager best_fit_pmm_manager = {
    .name = "best_fit",
    .init = free_area_init,
    .init_memmap = free_area_put,
    .alloc_pages = best_fit_alloc_pages,
    .free_pages = free_area_put,
    .nr_free_pages = free_area_size,
    .check = free_area_check,
};
