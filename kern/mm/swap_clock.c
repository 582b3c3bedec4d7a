/* Clock: a page that was used since the hand came by last stays; the first that was not used goes.
   swap=clock chooses it.

   The pages are in a ring, in the order in which they came. The hardware sets the A bit in an entry
   when it is used to reach the page (Privileged spec 20211203, 4.3.1); the hand clears it in all
   entries that map the page, and goes on. A hart that has a translation in its TLB need not look at
   the entry again, and would not set the bit again: so what is cleared is flushed.

            hand
             v
       ... [A=1] [A=0] [A=1] ...        A=1: clear it, the page stays; A=0: this one goes
        ^
        a page that is new is put in here, just behind the hand: it comes last

   The ring has a head, `ring`, which is no page. Until exercise 9.2 is written FIFO is the default.
   mm/swap.h says who calls these functions, and with which lock. */
#include <mm/pagetable.h>
#include <mm/pmm_list.h>
#include <mm/rmap.h>

SWAP_MANAGER(1, clock_swap_manager);

static list_entry_t ring;               /* guarded by swap_lock, as all of this */
static list_entry_t *hand;              /* what is looked at next: a page, or the ring's head */
static size_t count;                    /* pages in the ring */

static void clock_init(void)
{
    list_init(&ring);
    hand = &ring;
    count = 0;
}

/* The page is new in the ring. */
static void clock_map_swappable(struct Page *page)
{
    /* EXERCISE 9.2 begin: clock_map_swappable */
    list_add_before(hand, &page->page_link);
    count++;
    /* EXERCISE 9.2 end */
}

/* The page is being freed. The hand may be at it. */
static void clock_set_unswappable(struct Page *page)
{
    /* EXERCISE 9.2 begin: clock_set_unswappable */
    if (hand == &page->page_link)
        hand = list_next(hand);
    list_del(&page->page_link);
    count--;
    /* EXERCISE 9.2 end */
}

/* For page_for_each_entry(): was the page used through this entry, since it was asked last? *arg is
   a bool, which becomes true then. */
static void test_and_clear_accessed(struct mm_struct *mm, uintptr_t la, pte_t *pte,
                                    __not_used struct Page *page, void *arg)
{
    /* EXERCISE 9.2 begin: test_and_clear_accessed */
    bool *used = arg;

    if (pte_and(pte, ~(pte_t)PTE_A) & PTE_A) {
        tlb_flush(&mm->as, la, PGSIZE);
        *used = true;
    }
    /* EXERCISE 9.2 end */
}

/* The page that the hand is at, with a reference, and the hand goes on; NULL if that one is locked,
   or just being freed, or if there is none. */
static struct Page *clock_advance(void)
{
    struct Page *page = NULL;

    spin_lock(&swap_lock);
    /* EXERCISE 9.2 begin: clock_advance */
    if (hand == &ring)
        hand = list_next(hand);
    if (hand != &ring) {
        page = le2page(hand);
        hand = list_next(hand);
        if ((page->flags & PG_LOCKED) || !page_ref_get(page))
            page = NULL;
    }
    /* EXERCISE 9.2 end */
    spin_unlock(&swap_lock);
    return page;
}

/* In one round all bits are cleared, so in two the hand finds a page, unless all are busy, or used
   as fast as it turns. */
static struct Page *clock_swap_out_victim(void)
{
    /* EXERCISE 9.2 begin: clock_swap_out_victim */
    for (size_t turns = 2 * atomic_load(&count); turns > 0; turns--) {
        struct Page *page = clock_advance();
        bool used = false;

        if (page == NULL)
            continue;
        if (page_for_each_entry(page, test_and_clear_accessed, &used) && !used)
            return page;
        page_ref_dec(page);
    }
    return NULL;
    /* EXERCISE 9.2 end */
}

const struct swap_manager clock_swap_manager = {
    .name = "clock",
    .exercise = "9.2",
    .init = clock_init,
    .map_swappable = clock_map_swappable,
    .set_unswappable = clock_set_unswappable,
    .swap_out_victim = clock_swap_out_victim,
};
