/* A policy of one's own; the boot argument `swap=own` chooses it.

   The line SWAP_MANAGER() below announces it: as soon as this file defines own_swap_manager, it is
   in the kernel's table of policies, and no other file needs to know of it. mm/swap.h tells what
   its functions must do, and by whom they are called, with which lock. A page is told apart by
   page_family() and page_la(), which it has again when it comes back; mm/rmap.h finds its entries.
   tools/misses.py counts on four patterns how often each policy misses. */
#include <mm/pagetable.h>
#include <mm/pmm_list.h>
#include <mm/rmap.h>

SWAP_MANAGER(9, own_swap_manager);

/* EXERCISE 9.C begin extra: own_swap_manager */
/* A loop over more pages than there are frames is the worst case of a clock: each page goes just
   before it is used again. There the newest page should go, so that the others stay. But where a
   program has come to other pages, the new ones must stay. So the newest goes as long as that is
   right; a page that comes back soon after it went tells that it was not, and then the next two are
   chosen by clock. */
#define GHOSTS  4               /* pages that went last */
#define TURNS   2               /* choices by clock for each of them that comes back */

static list_entry_t ring;       /* the hand is at its first page; the newest is the last */
static size_t count;            /* pages in the ring */
static unsigned int turns;      /* choices by clock that are left */
static struct ghost {
    const struct family *family;
    uintptr_t la;
} ghosts[GHOSTS];
static unsigned int oldest;     /* of the ghosts: replaced next */

static void own_init(void)
{
    list_init(&ring);
    count = turns = 0;
    for (int i = 0; i < GHOSTS; i++)
        ghosts[i].family = NULL;
}

static void own_map_swappable(struct Page *page)
{
    for (int i = 0; i < GHOSTS; i++)
        if (ghosts[i].family == page_family(page) && ghosts[i].la == page_la(page)) {
            ghosts[i].family = NULL;
            turns += TURNS;
        }
    list_add_before(&ring, &page->page_link);
    count++;
}

static void own_set_unswappable(struct Page *page)
{
    list_del(&page->page_link);
    count--;
}

/* The first page goes to the end, or the last one to the beginning: so the next choice is another.
   NULL if it is locked, or just being freed. */
static struct Page *turn(bool by_clock)
{
    struct Page *page = NULL;

    spin_lock(&swap_lock);
    if (!list_empty(&ring)) {
        page = le2page(by_clock ? list_next(&ring) : list_prev(&ring));
        list_del(&page->page_link);
        if (by_clock)
            list_add_before(&ring, &page->page_link);
        else
            list_add(&ring, &page->page_link);
        if ((page->flags & PG_LOCKED) || !page_ref_get(page))
            page = NULL;
    }
    spin_unlock(&swap_lock);
    return page;
}

static void own_test_accessed(struct mm_struct *mm, uintptr_t la, pte_t *pte, struct Page *page,
                              void *arg)
{
    (void)page;
    if (pte_and(pte, ~(pte_t)PTE_A) & PTE_A) {
        tlb_flush(&mm->as, la, PGSIZE);
        *(bool *)arg = true;
    }
}

/* Remember that the page went. */
static struct Page *chosen(struct Page *page)
{
    spin_lock(&swap_lock);
    ghosts[oldest] = (struct ghost){ page_family(page), page_la(page) };
    oldest = (oldest + 1) % GHOSTS;
    if (turns > 0)
        turns--;
    spin_unlock(&swap_lock);
    return page;
}

/* The newest page was used when it came, so its A bit says nothing. */
static struct Page *own_swap_out_victim(void)
{
    bool by_clock = atomic_load(&turns) > 0;

    for (size_t n = 2 * atomic_load(&count); n > 0; n--) {
        struct Page *page = turn(by_clock);
        bool used = false;

        if (page == NULL)
            continue;
        if (page_for_each_entry(page, own_test_accessed, &used) && !(by_clock && used))
            return chosen(page);
        page_ref_dec(page);
    }
    return NULL;
}

const struct swap_manager own_swap_manager = {
    .name = "own",
    .init = own_init,
    .map_swappable = own_map_swappable,
    .set_unswappable = own_set_unswappable,
    .swap_out_victim = own_swap_out_victim,
};
/* EXERCISE 9.C end */
