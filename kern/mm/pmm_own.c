/* An allocator of one's own; the boot argument `pmm=own` chooses it.

   The line PMM_MANAGER() below announces it: as soon as this file defines own_pmm_manager, it is in
   the kernel's table of allocators, and no other file needs to know of it. mm/pmm.h tells what its
   functions must do, and by whom they are called: always with the lock of pmm.c held and
   interrupts off, so they may not sleep and need no lock of their own. */
#include <debug/panic.h>
#include <mm/pmm_list.h>
#include <string.h>

PMM_MANAGER(9, own_pmm_manager);

/* EXERCISE 2.C begin extra: own_pmm_manager */
static struct Page *next;               /* the page behind the block that was taken last */

/* Next fit: like first fit, but the search goes on behind the block that was taken last, and only
   then from the beginning. So small blocks do not gather at the low end, where each search would
   have to step over them. */
static struct Page *own_alloc_pages(size_t n)
{
    struct Page *found = NULL;

    if (n == 0 || n > free_area.nr_free)
        return NULL;
    list_for_each(pos, &free_area.free_list) {
        struct Page *head = le2page(pos);

        if (head->property < n || (head < next && found != NULL))
            continue;
        found = head;
        if (head >= next)
            break;
    }
    if (found != NULL) {
        free_area_take(found, n);
        next = found + n;
    }
    return found;
}

const struct pmm_manager own_pmm_manager = {
    .name = "own",
    .init = free_area_init,
    .init_memmap = free_area_put,
    .alloc_pages = own_alloc_pages,
    .free_pages = free_area_put,
    .nr_free_pages = free_area_size,
    .check = free_area_check,
};
/* EXERCISE 2.C end */
