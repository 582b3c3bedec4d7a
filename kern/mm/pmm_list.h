/* What first fit and best fit have in common: one list of free blocks, ordered by address. A head's
   `property` is the number of pages in its block. Only the choice of the block to allocate from
   differs; one manager is in use at a time. */
#pragma once

#include <mm/pmm.h>

struct free_area {
    list_entry_t free_list;
    size_t nr_free;             /* pages in all blocks */
};

extern struct free_area free_area;

static inline struct Page *le2page(list_entry_t *le)
{
    return to_struct(le, struct Page, page_link);
}

/* Take the first n pages of a free block; the rest stays free. */
void free_area_take(struct Page *head, size_t n);

/* These serve as functions of a pmm_manager. Freeing merges a block with its neighbours. */
void free_area_init(void);
void free_area_put(struct Page *base, size_t n);
size_t free_area_size(void);
void free_area_check(void);
