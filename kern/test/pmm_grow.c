/* What an allocator's block costs while there are many free blocks, in instructions, for
   `make bench GROW=1` (tools/grow.py).

   Memory is fragmented so that N free pages have no free neighbour; then blocks of two pages are
   taken and given back, which none of these pages can be. Single pages would be found in the hart's
   cache, whatever the allocator is. Boot it with pmm=NAME.

   With -icount the result is the same in each run. Interrupts are off while it counts.

   Alone: make grade GRADE=--all TEST=pmm-grow. */
#include <debug/printk.h>
#include <lock/spinlock.h>
#include <mm/pmm.h>
#include <report.h>
#include <riscv/csr.h>
#include <test/testlib.h>

#define LARGEST     10000       /* free blocks */
#define ROUNDS      16
#define SPARE       100         /* pages more: memory may have been in pieces before */

/* Pages that are held, by their page_link: so many as there are need no array. */
static list_entry_t held;

static size_t index_of(const struct Page *page)
{
    return page2pa(page) >> PGSHIFT;
}

/* Hold a block of n pages, which it says in `property`. */
static void hold(struct Page *block, size_t n)
{
    if (block == NULL)
        panic("a block of %lu pages is needed, and there is none", n);
    block->property = n;
    list_add_before(&held, &block->page_link);
}

/* Give held blocks back: all, or `limit` pages with an even number at most. How many it were. */
static size_t give_back(bool all, size_t limit)
{
    list_entry_t *next;
    size_t count = 0;

    for (list_entry_t *entry = held.next; entry != &held && count < limit; entry = next) {
        struct Page *page = to_struct(entry, struct Page, page_link);

        next = entry->next;
        if (all || index_of(page) % 2 == 0) {
            list_del(entry);
            free_pages(page, page->property);
            count++;
        }
    }
    return count;
}

/* Make n free pages without a free neighbour, and no pair of pages that is free below them: first
   fit would find that pair at once. The hart's cache goes back to the allocator. */
static size_t fragment(size_t n)
{
    size_t highest = 0;
    struct Page *block;

    list_init(&held);
    for (size_t i = 0; i < 2 * n + SPARE; i++) {
        block = alloc_page();
        hold(block, 1);
        if (index_of(block) > highest)
            highest = index_of(block);
    }
    size_t freed = give_back(false, n);

    pmm_check();
    while ((block = alloc_pages(2)) != NULL && index_of(block) < highest)
        hold(block, 2);
    if (block != NULL)
        free_pages(block, 2);
    return freed;
}

/* A block of two pages, taken and given back: the instructions of one round. */
static uint64_t cost_of_block(void)
{
    uint64_t begin = csr_read(instret);

    for (int i = 0; i < ROUNDS; i++)
        free_pages(alloc_pages(2), 2);
    return (csr_read(instret) - begin) / ROUNDS;
}

/* All sizes, one after the other; between them all memory is free again. */
static void test_pmm_grow(void)
{
    for (size_t n = 10; n <= LARGEST; n *= 10) {
        size_t freed = fragment(n);

        irq_push();
        cost_of_block();
        uint64_t cost = cost_of_block();

        irq_pop();
        cprintf("bench: blocks-%-7lu %9lu instructions\n", n, cost);
        give_back(true, npage);
        check_eq("so many blocks were free", freed, n);
    }
}

SELFTEST("pmm-grow", test_pmm_grow);
