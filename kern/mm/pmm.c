/* Free memory, the per-hart caches, and the checks around every allocation.

   At boot the free ranges of memory are found, and room for the array of struct Page is taken at
   the end of one of them. A struct Page is made, which is to be filled with zeros, only when its
   page may be needed: at first those of 64 MiB, and more whenever the manager has nothing left
   that fits. So a machine with 64 GiB boots as fast as one with 128 MiB, and a manager sees its
   memory grow: init_memmap() is called again. `npage` counts those that are made, from the first
   page of memory on; nothing may look at those behind.

   pmm_lock guards the manager and what grows. A page that was handed out is its owner's; the caches
   belong to their harts, with interrupts off. Nothing here sleeps. */
#include <lock/spinlock.h>
#include <machine/machine.h>
#include <mm/fail.h>
#include <mm/reclaim.h>
#include <mm/rmap.h>
#include <mm/shrink.h>
#include <string.h>
#include <sync/mutex.h>

/* A larger batch would take fewer locks, and keep more pages from the other harts. */
#define CACHE_BATCH     16              /* pages that move between a cache and the manager */
#define CACHE_LIMIT     (3 * CACHE_BATCH)
#define ROW_TRIES       8               /* for pages in a row: see more_memory() */
#define POISON_BYTE     0xa5
#define MAX_FREE_RANGES (MAX_RESERVED + 4)
/* So much is made at boot: enough for the kernel and some programs, and zeroed in no time. */
#define PAGES_AT_BOOT   ((64 << 20) >> PGSHIFT)
#define PAGES_LATER     ((4 << 20) >> PGSHIFT) /* made at once, with interrupts off */

struct Page *pages;
size_t npage;
paddr_t pages_base;
uintptr_t frame_zero;

static const struct pmm_manager *pmm_manager;           /* set once at boot */
static bool poison_freed;
static size_t total_pages;              /* all that can ever be had; set once at boot */

/* Of high rank: memory is asked for with many other locks held. With the lock of a run queue held
   it cannot be. */
static struct spinlock pmm_lock = SPINLOCK_INIT("free pages", RANK_PMM);
static size_t later_pages;              /* of these, those without a struct Page; by pmm_lock */

/* Single pages for one hart, which uses them with interrupts off; others only count them. What
   needs the manager is not inlined, so that the common case saves few registers.

       hart 0                hart 1
       cache of up to 48     cache of up to 48       no lock: interrupts off
           | ^                   | ^
           v |  16 at a time     v |
       the manager: all other free pages, also blocks of more than one     pmm_lock
             ^
             | 4 MiB at a time, when it has nothing that fits
       pages that have no struct Page yet

   Each cache begins at an address of its own, a multiple of 512: harts that allocate at the same
   time do not write to one line of the data cache. Of the free pages the first `zeroed` ones are
   full of zeros: page tables of programs that have ended. The next program needs as many, and
   clearing them was a sixth of what it cost. */
static struct page_cache {
    struct Page *free[CACHE_LIMIT];
    size_t count, zeroed;
} __attribute__((aligned(512))) caches[MAX_HARTS];

extern char kernel_start[], kernel_end[];

/* The parts of memory that were free when the kernel came; set once at boot. */
struct range_list {
    struct memory_range range[MAX_FREE_RANGES];
    uint32_t count;
};

static struct range_list free_ranges;

/* Cut a hole into the ranges, page by page. A range with the hole in its middle becomes two; there
   is room for as many as there can be holes. What is cut off as a whole stays as an empty range. */
static void exclude(struct range_list *list, struct memory_range hole)
{
    hole.start = ROUNDDOWN(hole.start, PGSIZE);
    hole.end = ROUNDUP(hole.end, PGSIZE);
    for (uint32_t i = 0, n = list->count; i < n; i++) {
        struct memory_range *r = &list->range[i], upper = { hole.end, r->end };

        if (hole.end <= r->start || r->end <= hole.start)
            continue;
        r->end = hole.start < r->start ? r->start : hole.start;
        if (upper.start < upper.end && list->count < MAX_FREE_RANGES)
            list->range[list->count++] = upper;
    }
}

/* What is free when the kernel comes: all of RAM but for the firmware, the kernel itself, the
   device tree, what that calls reserved, and the RAM disk (driver/ramdisk.c). What is below the
   kernel is the firmware's, whether the device tree says so or not; touching it would be an access
   fault (PMP).

       0x80000000    0x80200000                                  end of memory
       | firmware    | kernel   | free ...   | tree | free ...  | page array |   */
static void find_free_ranges(struct range_list *list)
{
    list->count = 1;
    list->range[0] = (struct memory_range){
        ROUNDUP(machine.memory.start, PGSIZE), ROUNDDOWN(machine.memory.end, PGSIZE)
    };
    exclude(list, (struct memory_range){ 0, paddr(kernel_end) });
    exclude(list, machine.device_tree);
    exclude(list, machine.initrd);
    for (uint32_t i = 0; i < machine.reserved_count; i++)
        exclude(list, machine.reserved[i]);
}

/* The struct Page of all of memory; npage says how many are made. */
static size_t array_length(void)
{
    return (machine.memory.end - pages_base) >> PGSHIFT;
}

/* Take room for the page array out of the free range that ends last, at its end: what is made first
   describes low memory, which stays free. Must not fail: a machine without it has no memory. */
static void place_page_array(struct range_list *list)
{
    struct memory_range *best = NULL;
    size_t size;

    pages_base = ROUNDDOWN(machine.memory.start, PGSIZE);
    size = ROUNDUP(array_length() * sizeof(struct Page), PGSIZE);
    for (uint32_t i = 0; i < list->count; i++) {
        struct memory_range *r = &list->range[i];

        if (r->end > r->start && r->end - r->start >= size && (best == NULL || r->end > best->end))
            best = r;
    }
    if (best == NULL)
        panic("%lu MiB of memory are too few: no room for the page array",
              (machine.memory.end - machine.memory.start) >> 20);
    /* From here on the array is no free memory any more; nothing of it has been written yet. */
    best->end -= size;
    pages = kva(best->end);
    frame_zero = (uintptr_t)pages - (pages_base >> PGSHIFT) * sizeof(struct Page);
}

/* Make up to n more struct Pages, and give the manager the free pages among them. With pmm_lock
   held, or at boot. All zeros is right for a page that is not free: it has no flag and no
   reference, and is refused if somebody frees it. */
static void make_pages(size_t n)
{
    paddr_t first = pages_base + npage * PGSIZE, end;

    if (n > array_length() - npage)
        n = array_length() - npage;
    memset(pages + npage, 0, n * sizeof(struct Page));
    npage += n;
    end = first + n * PGSIZE;
    for (uint32_t i = 0; i < free_ranges.count; i++) {
        struct memory_range r = free_ranges.range[i];

        if (r.start < first)
            r.start = first;
        if (r.end > end)
            r.end = end;
        if (r.start >= r.end)
            continue;
        later_pages -= (r.end - r.start) >> PGSHIFT;
        pmm_manager->init_memmap(pa2page(r.start), (r.end - r.start) >> PGSHIFT);
    }
}

/* Count the pages of the free ranges, of which the allocator has `limit` at most: the rest is cut
   off, and is as if it were reserved. */
static size_t limit_ranges(struct range_list *list, size_t limit)
{
    size_t total = 0, n;

    for (struct memory_range *r = list->range; r < list->range + list->count; r++) {
        n = r->start < r->end ? (r->end - r->start) >> PGSHIFT : 0;
        if (n > limit - total)
            n = limit - total;
        r->end = r->start + (n << PGSHIFT);
        total += n;
    }
    return total;
}

/* Once, at boot, on the boot hart: nothing needs a lock yet. */
void pmm_init(const struct pmm_manager *manager, bool poison, size_t limit)
{
    pmm_manager = manager;
    poison_freed = poison;
    for (uint32_t i = 0; i < MAX_HARTS; i++)
        cpus[i].page_cache = &caches[i];
    if (machine.memory.end > PHYS_MAX)
        panic("memory ends at %#lx; this kernel can use what lies below %#lx",
              machine.memory.end, PHYS_MAX);
    find_free_ranges(&free_ranges);
    place_page_array(&free_ranges);
    later_pages = total_pages = limit_ranges(&free_ranges, limit);
    pmm_manager->init();
    make_pages(PAGES_AT_BOOT);
}

const char *pmm_name(void)
{
    return pmm_manager->name;
}

/* Pages of the manager, which gets more of them as long as that can help: memory that has no struct
   Page yet is made known to it in steps. A request for more than there ever was does not begin
   that. With pmm_lock held. */
static struct Page *take_pages(size_t n)
{
    struct Page *page;

    while ((page = pmm_manager->alloc_pages(n)) == NULL && later_pages > 0
           && n > 0 && n <= total_pages)
        make_pages(PAGES_LATER);
    return page;
}

/* Pages go back from a cache until only so many are left. With pmm_lock held. */
static void cache_drain(struct page_cache *cache, uint32_t keep)
{
    while (cache->count > keep)
        pmm_manager->free_pages(cache->free[--cache->count], 1);
    if (cache->zeroed > cache->count)
        cache->zeroed = cache->count;
}

/* What is left beside the caches. With pmm_lock held. */
static size_t free_now(void)
{
    return pmm_manager->nr_free_pages() + later_pages;
}

size_t pmm_free_pages(void)
{
    spin_lock(&pmm_lock);
    size_t n = free_now();
    spin_unlock(&pmm_lock);
    return n;
}

/* How many of n pages the current task may take now, if some must be left for others: n, or where
   pages are few one, because what a hart keeps would be there for its next task, or 0. The pager
   is to be woken if they are. With pmm_lock held. */
static __never_inlined size_t allowance(size_t n, bool *few)
{
    size_t free = free_now();

    *few = free < watermarks.low;
    return !*few && reclaim_allows(n, free) ? n : reclaim_allows(1, free);
}

/* The pages in this hart's cache are free, but no block can be made of them while they are there.
   Those of the other harts are out of reach. */
static __never_inlined struct Page *manager_alloc(size_t n)
{
    spin_lock(&pmm_lock);
    struct page_cache *cache = this_cpu->page_cache;
    bool allowed = watermarks.min == 0 || reclaim_allows(n, free_now());
    struct Page *page = allowed ? take_pages(n) : NULL;
    if (page == NULL && allowed && cache->count > 0) {
        cache_drain(cache, 0);
        page = take_pages(n);
    }
    spin_unlock(&pmm_lock);
    return page;
}

/* A batch in one piece costs the manager no more than a page; else as many single pages as there
   are. The highest page goes in first, so that pages are handed out upwards. Returns how many the
   cache has now. */
static __never_inlined size_t cache_refill(struct page_cache *cache)
{
    size_t n = CACHE_BATCH;
    bool few = false;

    spin_lock(&pmm_lock);
    if (unlikely(watermarks.min > 0))
        n = allowance(n, &few);
    struct Page *batch = n == CACHE_BATCH ? take_pages(n) : NULL, *page;
    for (uint32_t i = 0; i < n; i++) {
        page = batch != NULL ? batch + CACHE_BATCH - 1 - i : pmm_manager->alloc_pages(1);
        if (page == NULL)
            break;
        cache->free[cache->count++] = page;
    }
    spin_unlock(&pmm_lock);
    if (unlikely(few))
        reclaim_wake_pager();
    return cache->count;
}

/* A full cache gives a batch back: so it is neither full nor empty then, and a hart that allocates
   and frees one page in turn takes no lock. */
static __never_inlined void cache_relieve(struct page_cache *cache)
{
    spin_lock(&pmm_lock);
    cache_drain(cache, CACHE_LIMIT - CACHE_BATCH);
    spin_unlock(&pmm_lock);
}

/* A page of this hart's cache. Interrupts are off meanwhile: a handler may allocate too, and the
   task must not go on on another hart with a pointer to this one's cache. */
static __always_inlined struct Page *cache_alloc(void)
{
    struct Page *page = NULL;

    irq_push();
    struct page_cache *cache = this_cpu->page_cache;
    size_t count = cache->count;
    if (unlikely(count == 0))
        count = cache_refill(cache);
    if (likely(count > 0)) {
        page = cache->free[--count];
        cache->count = count;
        if (unlikely(cache->zeroed > count))
            cache->zeroed = count;
    }
    irq_pop();
    return page;
}

/* One that is full of zeros, or NULL: the last of those, whose place the last of all takes. */
static struct Page *cache_alloc_zeroed(void)
{
    struct Page *page = NULL;

    irq_push();
    struct page_cache *cache = this_cpu->page_cache;
    if (cache->zeroed > 0) {
        page = cache->free[--cache->zeroed];
        cache->free[cache->zeroed] = cache->free[--cache->count];
    }
    irq_pop();
    return page;
}

/* Put a page into this hart's cache, likewise; one that is full of zeros to those. */
static inline void cache_free(struct Page *page, bool zeroed)
{
    irq_push();
    struct page_cache *cache = this_cpu->page_cache;
    if (unlikely(cache->count == CACHE_LIMIT))
        cache_relieve(cache);
    size_t place = cache->count++;
    if (zeroed) {
        cache->free[place] = cache->free[cache->zeroed];
        place = cache->zeroed++;
    }
    cache->free[place] = page;
    irq_pop();
}

/* A manager that hands out a page twice is found here, before two owners write to it. */
static inline void mark_allocated(struct Page *page)
{
    if (unlikely(page->flags & PG_ALLOCATED))
        panic("page %#lx was handed out, but is in use", page2pa(page));
    page->flags = PG_ALLOCATED;
    IF_CHECK(check_page_allocated(page));
}

/* Nothing was found: what is only kept goes first, then pages of programs. Who has the lock of an
   address space gives that back, and tries again by himself, because most of what could go may be
   in there; a row of pages need not come free, however many pages do. */
static bool more_memory(size_t n, int *tries)
{
    if (shrink_when_short())
        return true;
    return !mutex_holds_rank(MUTEX_MM) && (n == 1 || (*tries)++ < ROW_TRIES)
        && reclaim_when_short();
}

/* What few allocations need: more than one page, or more memory, as long as that is of use. */
static __never_inlined struct Page *alloc_slowly(size_t n)
{
    struct Page *base;
    int tries = 0;

    do
        base = n == 1 ? cache_alloc() : manager_alloc(n);
    while (base == NULL && n > 0 && n <= total_pages && more_memory(n, &tries));
    for (size_t i = 0; base != NULL && i < n; i++)
        mark_allocated(base + i);
    return base;
}

/* Single pages come from the hart's cache, which takes no lock most of the time. If nothing is
   found, other parts of the kernel may keep memory that nobody uses. */
struct Page *alloc_pages(size_t n)
{
    if (fail_now(FAIL_PAGE))
        return NULL;
    struct Page *page = likely(n == 1) ? cache_alloc() : NULL;
    if (unlikely(page == NULL))
        return alloc_slowly(n);
    mark_allocated(page);
    return page;
}

/* What mark_free() calls for a page that is not simply allocated: it is free, or a program's and
   enrolled. */
static __never_inlined void mark_free_other(struct Page *page)
{
    if (!(page->flags & PG_ALLOCATED))
        panic("double free of page %#lx", page2pa(page));
    page_forget(page);
}

/* The mistakes of callers: a page that does not exist, is free already, or is used by others. They
   are looked for first: a page that is freed twice must not be filled with junk, somebody else has
   it. */
static inline void mark_free(struct Page *page)
{
    if (unlikely(page < pages || page >= pages + npage))
        panic("free of a page that does not exist: %#lx", page2pa(page));
    IF_CHECK(check_page_freed(page));
    if (unlikely(page->flags != PG_ALLOCATED))
        mark_free_other(page);
    if (unlikely(page_ref(page) != 0))
        panic("free of page %#lx, which has %u references", page2pa(page), page_ref(page));
    page->flags = 0;
    if (unlikely(poison_freed))
        memset(page2kva(page), POISON_BYTE, PGSIZE);
}

/* More than one page, or none, goes to the manager at once. */
static __never_inlined void free_row(struct Page *base, size_t n)
{
    for (size_t i = 0; i < n; i++)
        mark_free(base + i);
    spin_lock(&pmm_lock);
    pmm_manager->free_pages(base, n);
    spin_unlock(&pmm_lock);
}

void free_pages(struct Page *base, size_t n)
{
    if (unlikely(n != 1)) {
        free_row(base, n);
        return;
    }
    mark_free(base);
    cache_free(base, false);
}

/* Where freed pages are filled with junk, this one is not full of zeros any more. */
void free_zeroed_page(struct Page *page)
{
    assert_eq(page->ref, 1);
    page->ref = 0;
    mark_free(page);
    cache_free(page, !poison_freed);
}

/* Whether there is such a page is only guessed: the task may be on another hart the next moment.
   While something fails on purpose all go by alloc_pages(), which asks. */
struct Page *alloc_zeroed_page(void)
{
    struct Page *page = this_cpu->page_cache->zeroed > 0 && fail_plan.kinds == 0
        ? cache_alloc_zeroed() : NULL;

    if (page != NULL)
        mark_allocated(page);
    else if ((page = alloc_page()) != NULL)
        memset(page2kva(page), 0, PGSIZE);
    return page;
}

/* Pages that have no struct Page yet are free too. The caches of other harts change meanwhile, so
   the sum is of no one moment. */
size_t nr_free_pages(void)
{
    size_t n = pmm_free_pages();

    for (uint32_t i = 0; i < cpu_count; i++)
        n += atomic_load(&caches[i].count);
    return n;
}

size_t nr_total_pages(void)
{
    return total_pages;
}

/* An empty cache first: what is in it is neither free for the manager nor in use. */
void pmm_check(void)
{
    spin_lock(&pmm_lock);
    cache_drain(this_cpu->page_cache, 0);
    pmm_manager->check();
    spin_unlock(&pmm_lock);
}
