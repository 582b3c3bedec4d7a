/* The ordered list of free blocks: taking pages out of a block, putting a block back, checking.

   The order by address is what makes merging possible: the neighbours of a block in memory, if they
   are free, are its neighbours in the list. So finding the place costs a walk, but merging costs
   nothing. The list has only heads, so it is as long as there are blocks, not pages.

   The regions of exercise 2.1 are here; free_area_check() stands outside and shows what must hold
   after each step. */
#include <debug/panic.h>
#include <mm/pmm_list.h>

struct free_area free_area;

void free_area_init(void)
{
    list_init(&free_area.free_list);
    free_area.nr_free = 0;
}

/* EXERCISE 2.1 begin extra: helpers of free_area_take and free_area_put */
static void make_head(struct Page *head, size_t n)
{
    head->property = n;
    head->flags |= PG_PROPERTY;
}

/* Merge the block `upper` into the block `lower` if it begins at its end. */
static bool merge(struct Page *lower, struct Page *upper)
{
    if (lower + lower->property != upper)
        return false;
    lower->property += upper->property;
    upper->flags &= ~PG_PROPERTY;
    list_del(&upper->page_link);
    return true;
}
/* EXERCISE 2.1 end */

void free_area_take(struct Page *head, size_t n)
{
    /* EXERCISE 2.1 begin: free_area_take */
    if (head->property > n) {
        struct Page *rest = head + n;

        make_head(rest, head->property - n);
        list_add(&head->page_link, &rest->page_link);
    }
    list_del(&head->page_link);
    head->flags &= ~PG_PROPERTY;
    free_area.nr_free -= n;
    /* EXERCISE 2.1 end */
}

void free_area_put(struct Page *base, size_t n)
{
    /* EXERCISE 2.1 begin: free_area_put */
    list_entry_t *head = &free_area.free_list, *next = list_next(head), *prev;

    while (next != head && le2page(next) < base)
        next = list_next(next);
    prev = list_prev(next);
    make_head(base, n);
    list_add_before(next, &base->page_link);
    free_area.nr_free += n;
    if (next != head)
        merge(base, le2page(next));
    if (prev != head)
        merge(le2page(prev), base);
    /* EXERCISE 2.1 end */
}

size_t free_area_size(void)
{
    return free_area.nr_free;
}

/* The pages of the blocks themselves are not looked at, only their heads. */
void free_area_check(void)
{
    size_t count = 0;
    struct Page *end = pages - 1;

    list_for_each(pos, &free_area.free_list) {
        struct Page *head = le2page(pos);

        /* They are in order, and those that touch were merged. */
        if (pos->next->prev != pos || head->flags != PG_PROPERTY || head->property == 0
            || page_ref(head) != 0 || head <= end)
            panic("the free block at page %ld, which must be behind page %ld, has flags %#x "
                  "(right is PG_PROPERTY, %#x), property %lu, %d references; %s leads back to it",
                  head - pages, end - pages, head->flags, PG_PROPERTY, head->property,
                  page_ref(head), pos->next->prev == pos ? "the next one" : "no next one");
        end = head + head->property;
        count += head->property;
    }
    assert_eq(count, free_area.nr_free);
}
