/* First in, first out: the page that has been in memory for longest goes first, whether it is used
   or not. It is the example of a policy; swap=fifo chooses it.

   The pages are in a list in the order in which they came, each linked by its page_link. A page
   that was chosen goes to the end: it will be freed soon, and if it cannot go out the next one gets
   its turn. mm/swap.h says who calls these functions, and with which lock. */
#include <mm/pmm_list.h>
#include <mm/swap.h>

SWAP_MANAGER(5, fifo_swap_manager);

static list_entry_t queue;              /* guarded by swap_lock, as all of this */
static size_t count;

/* A page comes at the end, and the one at the beginning is looked at first:

     queue --> page 4 --> page 2 --> page 7 --> (queue)
               oldest                newest

   The link is in the struct Page, so to be in the queue needs no memory: there is none to be had
   when this is called. */
static void fifo_init(void)
{
    list_init(&queue);
    count = 0;
}

static void fifo_map_swappable(struct Page *page)
{
    list_add_before(&queue, &page->page_link);
    count++;
}

static void fifo_set_unswappable(struct Page *page)
{
    list_del(&page->page_link);
    count--;
}

/* A page that the disk reads or writes is on its way already, and one without a reference is being
   freed: the next one. Each page is looked at once. */
static struct Page *fifo_swap_out_victim(void)
{
    struct Page *victim = NULL;

    spin_lock(&swap_lock);
    for (size_t n = count; n > 0 && victim == NULL; n--) {
        struct Page *page = le2page(list_next(&queue));

        list_del(&page->page_link);
        list_add_before(&queue, &page->page_link);
        /* With a reference the page cannot be freed, when the lock is given back. */
        if (!(page->flags & PG_LOCKED) && page_ref_get(page))
            victim = page;
    }
    spin_unlock(&swap_lock);
    return victim;
}

const struct swap_manager fifo_swap_manager = {
    .name = "fifo",
    .init = fifo_init,
    .map_swappable = fifo_map_swappable,
    .set_unswappable = fifo_set_unswappable,
    .swap_out_victim = fifo_swap_out_victim,
};
