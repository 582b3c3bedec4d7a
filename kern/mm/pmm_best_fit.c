/* Best fit: allocate from the smallest block that is large enough; of equals, the lowest. */
#include <mm/pmm_list.h>

static struct free_area area;

static void best_fit_init(void)
{
    free_area_init(&area);
}

static struct Page *best_fit_alloc_pages(size_t n)
{
    struct Page *best = NULL;

    if (n == 0 || n > area.nr_free)
        return NULL;
    list_for_each(pos, &area.free_list) {
        struct Page *head = le2page(pos);

        if (head->property >= n && (best == NULL || head->property < best->property))
            best = head;
    }
    if (best != NULL)
        free_area_take(&area, best, n);
    return best;
}

static void best_fit_free_pages(struct Page *base, size_t n)
{
    free_area_put(&area, base, n);
}

static size_t best_fit_nr_free_pages(void)
{
    return area.nr_free;
}

static void best_fit_check(void)
{
    free_area_check(&area);
}

const struct pmm_manager best_fit_pmm_manager = {
    .name = "best_fit",
    .init = best_fit_init,
    .init_memmap = best_fit_free_pages,
    .alloc_pages = best_fit_alloc_pages,
    .free_pages = best_fit_free_pages,
    .nr_free_pages = best_fit_nr_free_pages,
    .check = best_fit_check,
};
