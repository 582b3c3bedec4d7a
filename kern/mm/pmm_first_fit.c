/* First fit: allocate from the first block, by address, that is large enough. */
#include <mm/pmm_list.h>

static struct free_area area;

static void first_fit_init(void)
{
    free_area_init(&area);
}

static struct Page *first_fit_alloc_pages(size_t n)
{
    if (n == 0 || n > area.nr_free)
        return NULL;
    list_for_each(pos, &area.free_list) {
        struct Page *head = le2page(pos);

        if (head->property >= n) {
            free_area_take(&area, head, n);
            return head;
        }
    }
    return NULL;
}

static void first_fit_free_pages(struct Page *base, size_t n)
{
    free_area_put(&area, base, n);
}

static size_t first_fit_nr_free_pages(void)
{
    return area.nr_free;
}

static void first_fit_check(void)
{
    free_area_check(&area);
}

const struct pmm_manager first_fit_pmm_manager = {
    .name = "first_fit",
    .init = first_fit_init,
    .init_memmap = first_fit_free_pages,
    .alloc_pages = first_fit_alloc_pages,
    .free_pages = first_fit_free_pages,
    .nr_free_pages = first_fit_nr_free_pages,
    .check = first_fit_check,
};
