/* Lab 2: physical memory, through the functions that the kernel uses, so that one test serves every
   manager: boot it with pmm=NAME. The kernel itself lives on that manager all the time.

   "pmm" allocates and frees blocks of random sizes, takes every page there is, and asks for the
   impossible. "choice-first-fit" and "choice-best-fit" look in fragmented memory which block was
   chosen: they are only for these two.

   A wrong allocator gives a page to two owners (then a block's content changes, and the panic names
   it), loses pages (then a count is wrong), or does not join neighbours (then no large block is
   left at the end). If an allocator is so wrong that the kernel cannot boot on it, blocks.c says
   more.

   Alone: make grade TEST=pmm-first-fit, pmm-best-fit, pmm-own, choice-first-fit or
   choice-best-fit. */
#include <mm/kmalloc.h>
#include <mm/kstack.h>
#include <mm/shrink.h>
#include <report.h>
#include <string.h>
#include <test/testlib.h>

#define SLOTS       256         /* blocks that are allocated at most at a time */
#define STEPS       8000
#define MAX_BLOCK   64          /* pages */
#define OWNED       0x6f776e65642d6279          /* in `property` of pages that a test has */
#define STRIDE      999983      /* a prime: i * STRIDE % npage goes through all pages */

/* A block of the test's. base == NULL: there is none. The tag is what its pages are filled with. */
struct block {
    struct Page *base;
    size_t n;
    uint64_t tag;
};

/* The first and the last word of each page: two blocks that overlap spoil each other's. Filling
   whole pages would find no more, and take long. */
static void block_fill(const struct block *block)
{
    for (size_t i = 0; i < block->n; i++) {
        uint64_t *page = page2kva(block->base + i);

        page[0] = page[PGSIZE / 8 - 1] = block->tag + i;
    }
}

/* Also the references must be as they were given: 0. */
static void block_check(const struct block *block)
{
    for (size_t i = 0; i < block->n; i++) {
        const uint64_t *page = page2kva(block->base + i);

        if (page[0] != block->tag + i || page[PGSIZE / 8 - 1] != block->tag + i)
            panic("page %lu of a block of %lu at %#lx was changed by somebody else: is it "
                  "in two blocks?", i, block->n, page2pa(block->base));
        /* Nobody has mapped it. */
        assert_eq(page_ref(block->base + i), 0);
    }
}

/* Free the block if there is one, else allocate one of random size; half of them are single pages,
   because the kernel's own are mostly such, and go through the harts' caches. The number of free
   pages must agree after each step. */
static void block_toggle(struct block *block, uint64_t *seed)
{
    size_t before = nr_free_pages();

    if (block->base != NULL) {
        /* Before it is freed: what has changed since then, somebody else has written. */
        block_check(block);
        free_pages(block->base, block->n);
        assert_eq(nr_free_pages(), before + block->n);
        block->base = NULL;
        return;
    }
    block->n = test_random(seed) % 2 == 0 ? 1 : 1 + test_random(seed) % MAX_BLOCK;
    block->tag = test_random(seed);
    block->base = alloc_pages(block->n);
    /* At most 256 * 64 pages are in use; there are more, and no block is too large for that. */
    if (block->base == NULL)
        panic("no block of %lu pages, but %lu pages are free", block->n, before);
    assert(block->base >= pages && block->base + block->n <= pages + npage);
    /* The number is not only right at the end, but after each call. */
    assert_eq(nr_free_pages(), before - block->n);
    block_fill(block);
}

/* 256 blocks of up to 64 pages and 8,000 steps: memory gets fragmented, and each block is freed in
   surroundings of its own. pmm_check() asks the manager to look at its own lists. */
static void test_random_blocks(void)
{
    /* Static, because a kernel stack has two pages. */
    static struct block blocks[SLOTS];
    uint64_t seed = 1;

    for (int step = 0; step < STEPS; step++) {
        block_toggle(&blocks[test_random(&seed) % SLOTS], &seed);
        /* It looks at every block, so not at each step. */
        if (step % 1000 == 0)
            pmm_check();
    }
    for (int i = 0; i < SLOTS; i++)
        if (blocks[i].base != NULL)
            block_toggle(&blocks[i], &seed);
    pmm_check();
    check("no page is in two blocks, and the number of free pages is always right", true);
}

/* The largest block that can be had; what has room for n pages has room for fewer. So it is found
   by halves: 20 questions for a million pages. */
static size_t largest_block(void)
{
    size_t low = 0, high = nr_total_pages() + 1;

    /* Single pages in the cache would split a block that is free. */
    pmm_check();                        /* the hart's cache goes back to the manager */
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        /* Taken and given back at once: only whether it could be had is of interest. */
        struct Page *base = alloc_pages(middle);

        if (base != NULL)
            free_pages(base, middle);
        if (base != NULL)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Take every page, one by one; then there is nothing of any size. Give all back, in disorder. The
   pages are marked in themselves, because there is no memory for a list of them. At the end the
   largest block must be as large as before: all neighbours have been joined again.

   What must be the same at the end is the largest block:

       before    |<------------- free ------------->|
       taken     |1|1|1|1|1|1|1|1|1|1|1|1|1|1|1|1|1|1|     page by page
       half back | |1| |1|1| | |1| |1| | |1| |1| | |1|     in disorder
       all back  |<------------- free ------------->|     or many small pieces */
static void test_exhaustion(void)
{
    /* What must be there again at the end: the number, and the largest block. */
    size_t before = nr_free_pages(), largest = largest_block(), taken = 0;
    bool anything = false;
    struct Page *page;

    while ((page = alloc_page()) != NULL) {
        /* The mark is in the struct of the page, which belongs to whoever has the page. */
        page->property = OWNED;
        taken++;
    }
    check_eq("every page that is free can be had", taken, before);
    /* Not one must be hidden in a cache. */
    check_eq("then no page is free", nr_free_pages(), 0);
    /* Every power of two, as some allocators keep blocks of each size apart. */
    for (size_t n = 1; n < npage; n *= 2)
        anything |= alloc_pages(n) != NULL;
    check("then there is no block of any size", !anything);
    assert(npage % STRIDE != 0);
    for (size_t i = 0; i < npage; i++) {
        /* Each page once, far from the one before: the list of free blocks gets as long as it
           can. */
        page = pages + i * STRIDE % npage;
        if (page->property != OWNED)
            continue;
        page->property = 0;
        free_page(page);
        taken--;
    }
    assert_eq(taken, 0);
    check_eq("all of them come back", nr_free_pages(), before);
    check_eq("free neighbours make one block again", largest_block(), largest);
}

/* Sizes at which a sum or a product may wrap around, and 0. */
static void test_impossible_sizes(void)
{
    size_t before = nr_free_pages();

    check("a block of 0 pages does not exist", alloc_pages(0) == NULL);
    /* One more than are free. */
    check("nor does one of more pages than there are", alloc_pages(before + 1) == NULL);
    check("nor do larger ones", alloc_pages(1UL << 40) == NULL
          && alloc_pages(SIZE_MAX / 2 + 1) == NULL && alloc_pages(SIZE_MAX) == NULL);
    check_eq("what fails takes no page", nr_free_pages(), before);
}

/* Parts of a block may be freed one by one, and a page comes back zeroed if that was asked for.
   exec and page tables rely on the second. */
static void test_parts(void)
{
    size_t before = nr_free_pages();
    struct Page *base = alloc_pages(10);

    assert(base != NULL);
    memset(page2kva(base), 0xff, 10 * PGSIZE);
    /* From the last to the first: each joins the one that came before it. */
    for (int i = 9; i >= 0; i--)
        free_page(base + i);
    check_eq("the pages of a block can come back one by one", nr_free_pages(), before);
    /* A page that was zero by chance is filled and freed, so the next one is surely not. */
    for (int i = 0; i < 100; i++) {
        struct Page *page = alloc_zeroed_page();
        const uint64_t *word = page2kva(page);

        for (size_t j = 0; j < PGSIZE / 8; j++)
            assert_eq(word[j], 0);
        memset(page2kva(page), 0xff, PGSIZE);
        free_page(page);
    }
}

/* From single calls to all of memory. */
static void test_pmm(void)
{
    check("not more pages are free than there are", nr_free_pages() <= nr_total_pages());
    test_random_blocks();
    test_impossible_sizes();
    test_parts();
    test_exhaustion();
    pmm_check();
}

/* If it panics with "is it in two blocks": the page is at the address in the message; look when it
   was handed out, and whether the block that it belonged to was cut at the right page. If only the
   last check fails, neighbours are not always joined. */
SELFTEST_AT(STAGE_BOOT, "pmm", test_pmm);

/* What the lists of first fit and best fit hold, read from the pages' flags. */
struct choice {
    struct Page *lowest;                /* the first block that is large enough */
    size_t smallest;                    /* pages in the smallest such block */
    size_t equals;                      /* blocks of exactly `size` pages */
};

/* Go through all of memory, block by block: a head's property says how far the next one is. So the
   test knows which block the rule must choose, before it asks. */
static struct choice look(size_t n, size_t size)
{
    struct choice choice = { .lowest = NULL };

    for (struct Page *page = pages; page < pages + npage;) {
        bool head = page->flags & PG_PROPERTY;

        /* Blocks of the size that the best one has. */
        if (head && page->property == size)
            choice.equals++;
        if (head && page->property >= n) {
            if (choice.lowest == NULL)
                choice.lowest = page;
            if (choice.smallest == 0 || page->property < choice.smallest)
                choice.smallest = page->property;
        }
        /* Over a free block as a whole; a page in use is stepped over alone. */
        page += head ? page->property : 1;
    }
    return choice;
}

/* A panic, because after a wrong choice the rest of the run is another one. */
static void check_first(struct Page *got, size_t n, const struct choice *before)
{
    if (got != before->lowest)
        panic("first fit gave %lu pages at %#lx; the first block that has room is at %#lx", n,
              page2pa(got), page2pa(before->lowest));
}

/* Several blocks may be the smallest, so the test does not compare addresses: it counts the blocks
   of that size before and after. And what is left of the block must be free, as a block of its
   own. */
static void check_best(struct Page *got, size_t n, const struct choice *before)
{
    size_t size = before->smallest, rest = size - n;
    size_t had = before->equals, has = look(n, size).equals;

    if (has != had - 1)
        panic("best fit took %lu pages at %#lx, but not from a block of %lu pages, the smallest "
              "that has room: there were %lu of these, now %lu", n, page2pa(got), size, had, has);
    /* Behind what was taken. */
    if (rest > 0 && (!(got[n].flags & PG_PROPERTY) || got[n].property != rest))
        panic("of a block of %lu pages best fit took %lu, but the rest is no free block of %lu",
              size, n, rest);
}

/* In memory that random blocks have fragmented, see for each allocation which block was chosen. The
   order of the steps is the same for each manager and in each run. */
static void test_choices(void (*verify)(struct Page *, size_t, const struct choice *))
{
    static struct block blocks[SLOTS];
    uint64_t seed = 2;

    /* Slabs that are empty would come back in the middle of the test, when it does not expect
       it. */
    shrink_memory();
    for (int step = 0; step < 1500; step++) {
        struct block *block = &blocks[test_random(&seed) % SLOTS];

        if (block->base != NULL) {
            free_pages(block->base, block->n);
            block->base = NULL;
            continue;
        }
        block->n = 2 + test_random(&seed) % MAX_BLOCK;      /* one page may come from the cache */
        /* Two looks: the first finds the size of the best block, the second counts the blocks of
           that size. */
        struct choice before = look(block->n, 0);
        before = look(block->n, before.smallest);
        block->base = alloc_pages(block->n);
        assert(block->base != NULL);
        verify(block->base, block->n, &before);
    }
    for (int i = 0; i < SLOTS; i++)
        if (blocks[i].base != NULL)
            free_pages(blocks[i].base, blocks[i].n);
    pmm_check();
}

/* Booted on another manager the answers would mean nothing. */
static void test_first_fit(void)
{
    assert(strcmp(pmm_name(), "first_fit") == 0);
    test_choices(check_first);
    check("each time the first block that has room was chosen", true);
}

/* The same. */
static void test_best_fit(void)
{
    assert(strcmp(pmm_name(), "best_fit") == 0);
    test_choices(check_best);
    check("each time the smallest block that has room was chosen", true);
}

/* If one of these panics, its message has the block that should have been chosen.
   "blocks-first-fit" and "blocks-best-fit" show the same with a few blocks only. */
SELFTEST_AT(STAGE_BOOT, "choice-first-fit", test_first_fit);
SELFTEST_AT(STAGE_BOOT, "choice-best-fit", test_best_fit);
