/* The buddy allocator, the default. Free blocks have 2^k pages and begin at a multiple of their
   size, counted from the first page of memory. A block splits into two buddies, whose numbers
   differ in one bit; when both are free they merge again:

       order 3    |0                              |
       order 2    |0              |4              |     4 = 0 ^ (1 << 2)
       order 1    |0      |2      |4      |6      |     6 = 4 ^ (1 << 1)

   A head's `property` is its order k. Allocation and free take O(log n), however full memory is.
   n need not be a power of two: what rounding up took too much is freed again at once. There is a
   list for each order, and no order in it: the block that was freed last is handed out first. The
   caller holds the lock of pmm.c. */
#include <debug/panic.h>
#include <mm/pmm.h>

#define MAX_ORDER   24                  /* 2^24 pages are 64 GiB */

/* Guarded by the lock of pmm.c. A link is the page_link of a block's head. */
static list_entry_t free_list[MAX_ORDER + 1];   /* by order */
static size_t nr_free;

/* Nothing is free at first; init_memmap() gives memory, also later, as the array of pages grows. */
static void buddy_init(void)
{
    for (int order = 0; order <= MAX_ORDER; order++)
        list_init(&free_list[order]);
    nr_free = 0;
}

/* Make a block a free one of this order. */
static void add_block(struct Page *head, unsigned int order)
{
    head->flags |= PG_PROPERTY;
    head->property = order;
    list_add(&free_list[order], &head->page_link);
}

/* Take a free block out of its list; its flags are 0 then. */
static void remove_block(struct Page *head)
{
    head->flags &= ~PG_PROPERTY;
    list_del(&head->page_link);
}

/* Free one aligned block, with all the buddies that it completes. The buddy's number differs in bit
   `order`; both together begin at the number in which that bit is 0. A page that has no struct yet,
   behind npage, has no buddy to offer. One that is in use may be changed by its owner meanwhile,
   without the lock; but it has PG_ALLOCATED, or no flag while it is in a hart's own cache. So a
   page whose only flag is PG_PROPERTY is free for sure, and its order does not change. */
static void free_block(struct Page *head, unsigned int order)
{
    size_t index = head - pages;

    while (order < MAX_ORDER) {
        size_t other = index ^ (1UL << order);
        struct Page *buddy = pages + other;

        if (other >= npage || atomic_load(&buddy->flags) != PG_PROPERTY || buddy->property != order)
            break;
        remove_block(buddy);
        index &= other;
        order++;
    }
    add_block(pages + index, order);
}

/* Free any run of pages, cut into the largest aligned blocks: from its start, each block is as
   large as its number allows and as the rest of the run is. */
static void buddy_free_pages(struct Page *base, size_t n)
{
    size_t index = base - pages, end = index + n;

    nr_free += n;
    while (index < end) {
        unsigned int order = 0;

        while (order < MAX_ORDER && index % (2UL << order) == 0 && index + (2UL << order) <= end)
            order++;
        free_block(pages + index, order);
        index += 1UL << order;
    }
}

/* The order is that of n rounded up to a power of two. If its list is empty, a larger block is
   found: at most MAX_ORDER steps, and as many to halve it.

   From the smallest order that has a block. What is larger than needed is halved, and each upper
   half becomes a free block; the lower one goes on. */
static struct Page *buddy_alloc_pages(size_t n)
{
    unsigned int order = 0, found;

    while (order < MAX_ORDER && 1UL << order < n)
        order++;
    for (found = order; found <= MAX_ORDER; found++)
        if (!list_empty(&free_list[found]))
            break;
    if (n == 0 || 1UL << order < n || found > MAX_ORDER)
        return NULL;

    struct Page *head = to_struct(list_next(&free_list[found]), struct Page, page_link);

    remove_block(head);
    while (found > order) {
        found--;
        add_block(head + (1UL << found), found);
    }
    nr_free -= 1UL << order;
    if (n < 1UL << order)                       /* what the rounding up took too much */
        buddy_free_pages(head + n, (1UL << order) - n);
    return head;
}

/* In all orders together. */
static size_t buddy_nr_free_pages(void)
{
    return nr_free;
}

/* Panics if a block is in the wrong list or place, if two buddies are both free, or if the count is
   wrong. */
static void buddy_check(void)
{
    size_t count = 0;

    for (unsigned int order = 0; order <= MAX_ORDER; order++) {
        list_for_each(pos, &free_list[order]) {
            struct Page *head = to_struct(pos, struct Page, page_link);
            size_t index = head - pages, other = index ^ (1UL << order);

            assert(head->flags == PG_PROPERTY && head->property == order && page_ref(head) == 0);
            assert_eq(index % (1UL << order), 0);
            assert(order == MAX_ORDER || other >= npage || !(pages[other].flags & PG_PROPERTY)
                   || pages[other].property != order);      /* else they would have merged */
            count += 1UL << order;
        }
    }
    assert_eq(count, nr_free);
}

PMM_MANAGER(1, buddy_pmm_manager);

const struct pmm_manager buddy_pmm_manager = {
    .name = "buddy",
    .init = buddy_init,
    .init_memmap = buddy_free_pages,
    .alloc_pages = buddy_alloc_pages,
    .free_pages = buddy_free_pages,
    .nr_free_pages = buddy_nr_free_pages,
    .check = buddy_check,
    .free_lists = free_list,
    .list_count = MAX_ORDER + 1,
    .free_count = &nr_free,
};
