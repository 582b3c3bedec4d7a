/*
 * What first fit and best fit have in common: one list of free blocks, ordered
 * by address. A head's `property` is the number of pages in its block. Only the
 * choice of the block to allocate from differs.
 */
#pragma once

#include <mm/pmm.h>

struct free_area {
    list_entry_t free_list;
    size_t nr_free;             /* pages in all blocks */
};

static inline struct Page *le2page(list_entry_t *le)
{
    return to_struct(le, struct Page, page_link);
}

void free_area_init(struct free_area *area);
/* Take the first n pages of a free block; the rest stays free. */
void free_area_take(struct free_area *area, struct Page *head, size_t n);
/* Put a block into the list, merged with its neighbours. */
void free_area_put(struct free_area *area, struct Page *base, size_t n);
/* Assert that the blocks are in order, apart, and add up. */
void free_area_check(struct free_area *area);
