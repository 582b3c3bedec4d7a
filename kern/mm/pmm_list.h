/* What first fit and best fit have in common: one list of free blocks, ordered by address, each
   linked by its first page, the head. A head's `property` is the number of pages in its block, and
   its flags are PG_PROPERTY; no other free page has flags.

   Only the choice of the block to allocate from differs between the two. One manager is in use at a
   time, so there is one list. All functions are called with the lock of pmm.c held; none sleeps. */
#pragma once

#include <mm/pmm.h>

/* All that is free. */
struct free_area {
    list_entry_t free_list;
    size_t nr_free;             /* pages in all blocks */
};

extern struct free_area free_area;

/* The page that a link belongs to. The list's own head belongs to none. */
static inline struct Page *le2page(list_entry_t *le)
{
    return to_struct(le, struct Page, page_link);
}

/* Take the first n pages of a free block, which has as many or more; the rest stays free, in the
   same place of the list. The pages that leave have flags 0. */
void free_area_take(struct Page *head, size_t n);

/* These serve as functions of a pmm_manager: see there. free_area_put() is for init_memmap and for
   free_pages: it merges the block with the free ones before and behind it. free_area_check() panics
   if the list is not in order, if two blocks touch, or if the count is wrong. */
void free_area_init(void);
void free_area_put(struct Page *base, size_t n);
size_t free_area_size(void);
void free_area_check(void);

/* A manager that has this list, and finds a block by `search`: its alloc_pages(). */
#define FREE_AREA_MANAGER(name_, search) {          \
    .name = name_,                                  \
    .init = free_area_init,                         \
    .init_memmap = free_area_put,                   \
    .alloc_pages = search,                          \
    .free_pages = free_area_put,                    \
    .nr_free_pages = free_area_size,                \
    .check = free_area_check,                       \
    .free_lists = &free_area.free_list,             \
    .list_count = 1,                                \
    .free_count = &free_area.nr_free,               \
}
