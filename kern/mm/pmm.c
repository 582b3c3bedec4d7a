/* Free memory at boot, the per-hart caches, and the checks around every allocation. */
#include <lock/spinlock.h>
#include <machine/machine.h>
#include <mm/pmm.h>
#include <string.h>

#define CACHE_BATCH     16              /* pages that move between a cache and the manager */
#define CACHE_LIMIT     (3 * CACHE_BATCH)
#define POISON_BYTE     0xa5
#define MAX_FREE_RANGES (MAX_RESERVED + 4)

struct Page *pages;
size_t npage;
paddr_t pages_base;
uintptr_t frame_zero;

const void *const pmm_managers[] = {
    &buddy_pmm_manager, &first_fit_pmm_manager, &best_fit_pmm_manager,
    /* EXERCISE 2.C begin extra: entry of own_pmm_manager */
    &own_pmm_manager,
    /* EXERCISE 2.C end */
};
const size_t pmm_manager_count = ARRAY_SIZE(pmm_managers);
static const struct pmm_manager *pmm_manager;           /* set once at boot */
static bool poison_freed;
static size_t total_pages;

static struct spinlock pmm_lock = SPINLOCK_INIT("free pages", RANK_PMM);    /* guards the manager */

/* Single pages for one hart, which uses them with interrupts off; others only count them. What
   needs the manager is not inlined, so that the common case saves few registers. */
static struct page_cache {
    struct Page *free[CACHE_LIMIT];
    uint32_t count;
} __attribute__((aligned(512))) caches[MAX_HARTS];

extern char kernel_start[], kernel_end[];

/* The free parts of memory, while the kernel boots. */
struct range_list {
    struct memory_range range[MAX_FREE_RANGES];
    uint32_t count;
};

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

/* What is below the kernel is the firmware's, whether the device tree says so or not. */
static void find_free_ranges(struct range_list *list)
{
    list->count = 1;
    list->range[0] = (struct memory_range){
        ROUNDUP(machine.memory.start, PGSIZE), ROUNDDOWN(machine.memory.end, PGSIZE)
    };
    exclude(list, (struct memory_range){ 0, paddr(kernel_end) });
    exclude(list, machine.device_tree);
    for (uint32_t i = 0; i < machine.reserved_count; i++)
        exclude(list, machine.reserved[i]);
}

/* Take room for the page array out of a free range. */
static void place_page_array(struct range_list *list)
{
    size_t size;

    pages_base = ROUNDDOWN(machine.memory.start, PGSIZE);
    npage = (machine.memory.end - pages_base) >> PGSHIFT;
    size = ROUNDUP(npage * sizeof(struct Page), PGSIZE);
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->range[i].end - list->range[i].start < size)
            continue;
        pages = kva(list->range[i].start);
        list->range[i].start += size;
        frame_zero = (uintptr_t)pages - (pages_base >> PGSHIFT) * sizeof(struct Page);
        memset(pages, 0, size);
        return;
    }
    panic("%lu MiB of memory are too few: no room for the page array",
          (machine.memory.end - machine.memory.start) >> 20);
}

void pmm_init(const struct pmm_manager *manager, bool poison)
{
    struct range_list list;

    pmm_manager = manager;
    poison_freed = poison;
    if (machine.memory.end > PHYS_MAX)
        panic("memory ends at %#lx; this kernel can use what lies below %#lx",
              machine.memory.end, PHYS_MAX);
    find_free_ranges(&list);
    place_page_array(&list);
    pmm_manager->init();
    for (uint32_t i = 0; i < list.count; i++) {
        struct memory_range r = list.range[i];

        if (r.start < r.end)
            pmm_manager->init_memmap(pa2page(r.start), (r.end - r.start) >> PGSHIFT);
    }
    total_pages = pmm_manager->nr_free_pages();
}

const char *pmm_name(void)
{
    return pmm_manager->name;
}

static __never_inlined struct Page *manager_alloc(size_t n)
{
    spin_lock(&pmm_lock);
    struct Page *page = pmm_manager->alloc_pages(n);
    spin_unlock(&pmm_lock);
    return page;
}

/* A batch in one piece costs the manager no more than a page; else as many as there are. */
static __never_inlined void cache_refill(struct page_cache *cache)
{
    spin_lock(&pmm_lock);
    struct Page *batch = pmm_manager->alloc_pages(CACHE_BATCH), *page;
    for (uint32_t i = 0; i < CACHE_BATCH; i++) {
        page = batch != NULL ? batch + CACHE_BATCH - 1 - i : pmm_manager->alloc_pages(1);
        if (page == NULL)
            break;
        cache->free[cache->count++] = page;
    }
    spin_unlock(&pmm_lock);
}

static __never_inlined void cache_drain(struct page_cache *cache, uint32_t keep)
{
    spin_lock(&pmm_lock);
    while (cache->count > keep)
        pmm_manager->free_pages(cache->free[--cache->count], 1);
    spin_unlock(&pmm_lock);
}

static struct Page *cache_alloc(void)
{
    struct Page *page = NULL;

    irq_push();
    struct page_cache *cache = &caches[this_cpu->id];
    if (unlikely(cache->count == 0))
        cache_refill(cache);
    if (likely(cache->count > 0))
        page = cache->free[--cache->count];
    irq_pop();
    return page;
}

static void cache_free(struct Page *page)
{
    irq_push();
    struct page_cache *cache = &caches[this_cpu->id];
    if (unlikely(cache->count == CACHE_LIMIT))
        cache_drain(cache, CACHE_LIMIT - CACHE_BATCH);
    cache->free[cache->count++] = page;
    irq_pop();
}

static inline void mark_allocated(struct Page *page)
{
    if (unlikely(page->flags & (PG_ALLOCATED | PG_RESERVED)))
        panic("page %#lx was handed out, but is in use", page2pa(page));
    page->flags = PG_ALLOCATED;
}

struct Page *alloc_pages(size_t n)
{
    struct Page *base = n == 1 ? cache_alloc() : manager_alloc(n);

    for (size_t i = 0; base != NULL && i < n; i++)
        mark_allocated(base + i);
    return base;
}

static inline void mark_free(struct Page *page)
{
    if (unlikely(page < pages || page >= pages + npage))
        panic("free of a page that does not exist: %#lx", page2pa(page));
    if (unlikely(!(page->flags & PG_ALLOCATED)))
        panic("double free of page %#lx", page2pa(page));
    if (unlikely(page_ref(page) != 0))
        panic("free of page %#lx, which has %u references", page2pa(page), page_ref(page));
    page->flags = 0;
}

void free_pages(struct Page *base, size_t n)
{
    for (size_t i = 0; i < n; i++)
        mark_free(base + i);
    if (unlikely(poison_freed))
        memset(page2kva(base), POISON_BYTE, n * PGSIZE);
    if (n == 1) {
        cache_free(base);
        return;
    }
    spin_lock(&pmm_lock);
    pmm_manager->free_pages(base, n);
    spin_unlock(&pmm_lock);
}

struct Page *alloc_zeroed_page(void)
{
    struct Page *page = alloc_page();

    if (page != NULL)
        memset(page2kva(page), 0, PGSIZE);
    return page;
}

size_t nr_free_pages(void)
{
    spin_lock(&pmm_lock);
    size_t n = pmm_manager->nr_free_pages();
    spin_unlock(&pmm_lock);
    for (uint32_t i = 0; i < cpu_count; i++)
        n += atomic_load(&caches[i].count);
    return n;
}

size_t nr_total_pages(void)
{
    return total_pages;
}

void pmm_check(void)
{
    irq_push();
    cache_drain(&caches[this_cpu->id], 0);
    spin_lock(&pmm_lock);
    pmm_manager->check();
    spin_unlock(&pmm_lock);
    irq_pop();
}
