/* The slab allocator. A slab is a page: a header, and behind it objects of one size.

       +--------+--------+--------+--------+-- ... --+------+
       | header | object | object | object |         | rest |
       +--------+--------+--------+--------+-- ... --+------+

   The page's address is that of the header, so an object finds its slab by rounding down, and no
   table is needed. Free objects are linked through their first word; their second word holds a
   mark, by which a double free is noticed. Slabs with a free object are in their cache's list
   `partial`. Of slabs that have become empty a cache keeps one, because the next allocation will
   want it; more go back at once.

   Each cache has its own spinlock. A slab's page is allocated and freed with it held, so RANK_SLAB
   is below RANK_PMM. A double free must be found before it does harm: the list would have a circle,
   and two owners would get one object. */
#include <debug/printk.h>
#include <mm/fail.h>
#include <mm/kmalloc.h>
#include <mm/pmm.h>
#include <mm/reclaim.h>
#include <mm/shrink.h>

#define FREE_MARK   0x6672656564206f62      /* unlikely in live data */

/* What a free object holds; one that is in use has the owner's data there. */
struct free_object {
    struct free_object *next;
    uint64_t mark;
};

/* The head of a slab's page. Guarded by cache->lock, but for `cache`, which is set once. */
struct slab {
    struct kmem_cache *cache;
    struct free_object *free;
    uint32_t in_use;
    list_entry_t link;              /* in cache->partial, while an object is free */
} __attribute__((aligned(16)));

/* With these sizes a slab has little rest: 4 objects of 1008 bytes or 2 of 2016 fill a page. */
static const uint32_t sizes[] = { 32, 64, 128, 256, 512, 1008, 2016 };
static struct kmem_cache size_caches[ARRAY_SIZE(sizes)];

/* All caches, in a list through `next`: for counting, showing and shrinking. It is complete when
   the kernel has booted, so walking it needs no lock. */
static struct kmem_cache *all_caches;
static uint32_t large_objects;              /* atomic: those of whole pages */

/* An object must have room for a struct free_object, and a slab for at least one object. */
void kmem_cache_init(struct kmem_cache *cache, const char *name, size_t size)
{
    cache->name = name;
    cache->size = ROUNDUP(size, 16);
    IF_CHECK(check_cache_made(cache, size));
    assert(cache->size >= sizeof(struct free_object));
    assert(cache->size <= PGSIZE - sizeof(struct slab));
    cache->lock = (struct spinlock)SPINLOCK_INIT(name, RANK_SLAB);
    list_init(&cache->partial);
    cache->empty_slabs = 0;
    cache->objects = 0;
    cache->next = all_caches;
    all_caches = cache;
}

/* Give the cache a new slab, all of it free. With cache->lock held. False if there is no page. The
   list begins with the last object of the page. */
static bool slab_grow(struct kmem_cache *cache)
{
    struct Page *page = alloc_page();

    if (page == NULL)
        return false;
    struct slab *slab = page2kva(page);
    char *object = (char *)(slab + 1), *end = (char *)slab + PGSIZE - cache->size;

    slab->cache = cache;
    slab->in_use = 0;
    slab->free = NULL;
    for (; object <= end; object += cache->size) {
        struct free_object *free = (struct free_object *)object;

        free->next = slab->free;
        free->mark = FREE_MARK;
        slab->free = free;
    }
    IF_CHECK(check_slab_made(cache, slab + 1));
    list_add(&cache->partial, &slab->link);
    cache->empty_slabs++;
    return true;
}

/* The first free object of the first slab, or of a new one; NULL if there is no page for that. Its
   mark is cleared: if its owner leaves the word as it is, the free must not look like a second one.
   A slab that is full leaves the list, and comes back when an object of it is freed; nobody has to
   find it in between. */
static struct free_object *take_object(struct kmem_cache *cache)
{
    struct free_object *object = NULL;

    spin_lock(&cache->lock);
    if (likely(!list_empty(&cache->partial)) || slab_grow(cache)) {
        struct slab *slab = to_struct(list_next(&cache->partial), struct slab, link);

        object = slab->free;
        slab->free = object->next;
        object->mark = 0;
        if (slab->in_use++ == 0)
            cache->empty_slabs--;
        if (slab->free == NULL)
            list_del(&slab->link);
        cache->objects++;
        IF_CHECK(object = check_object_allocated(cache, object));
    }
    spin_unlock(&cache->lock);
    return object;
}

/* A slab's page is asked for with the lock of this cache held, so the caches of others can be
   emptied only afterwards. */
void *kmem_cache_alloc(struct kmem_cache *cache)
{
    struct free_object *object;

    if (fail_now(FAIL_SLAB))
        return NULL;
    do
        object = take_object(cache);
    while (unlikely(object == NULL) && (shrink_when_short() || reclaim_when_short()));
    return object;
}

/* Give the page of an empty slab back. With cache->lock held. */
static void slab_release(struct kmem_cache *cache, struct slab *slab)
{
    list_del(&slab->link);
    cache->empty_slabs--;
    free_page(kva2page(slab));
}

/* Its last object was freed. It is kept if it is the only one, at the end of the list: so objects
   come from slabs that are in use anyway, and an empty one is found at once. */
static inline void slab_emptied(struct kmem_cache *cache, struct slab *slab)
{
    if (cache->empty_slabs++ > 0) {
        slab_release(cache, slab);
    } else if (list_next(&slab->link) != &cache->partial) {
        list_del(&slab->link);
        list_add_before(&cache->partial, &slab->link);
    }
}

/* The mark alone proves nothing: an object may hold the same bytes. Only if it is there is the list
   searched, which is as long as the slab has free objects. */
static bool is_free(const struct slab *slab, const struct free_object *object)
{
    const struct free_object *free = slab->free;

    while (free != NULL && free != object)
        free = free->next;
    return free != NULL;
}

/* The cache is known from the slab: a pointer that is none of its objects is noticed, mostly. */
void kmem_cache_free(struct kmem_cache *cache, void *ptr)
{
    struct slab *slab = ROUNDDOWN(ptr, PGSIZE);
    struct free_object *object = ptr;

    IF_CHECK(if (slab->cache != cache) check_tell(ptr));
    if (unlikely(slab->cache != cache))
        panic("%p is not an object of the cache %s", ptr, cache->name);
    spin_lock(&cache->lock);
    IF_CHECK(object = check_object_freed(cache, ptr));
    if (unlikely(object->mark == FREE_MARK && is_free(slab, object)))
        panic("double free of %p in the cache %s", ptr, cache->name);
    if (slab->free == NULL)             /* it was full, and in no list */
        list_add(&cache->partial, &slab->link);
    object->next = slab->free;
    object->mark = FREE_MARK;
    slab->free = object;
    cache->objects--;
    if (--slab->in_use == 0)
        slab_emptied(cache, slab);
    spin_unlock(&cache->lock);
}

void kmalloc_init(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
        kmem_cache_init(&size_caches[i], "kmalloc", sizes[i]);
}

/* Whole pages; the first one's `property` keeps how many. `size` may be so large that rounding it
   up would overflow. */
static void *large_alloc(size_t size)
{
    size_t n = size / PGSIZE + (size % PGSIZE != 0);
    struct Page *page = alloc_pages(n);

    if (page == NULL)
        return NULL;
    page->property = n;
    atomic_add(&large_objects, 1);  /* no pair: a count, for reports */
    return page2kva(page);
}

/* From the smallest cache whose objects are large enough. */
void *kmalloc(size_t size)
{
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
        IF_CHECK(if (size <= sizes[i]) return check_object_sized(&size_caches[i], size); else)
        if (size <= sizes[i])
            return kmem_cache_alloc(&size_caches[i]);
    return large_alloc(size);
}

/* No object in a slab is page-aligned, because its header is there; so an address tells by itself
   whether it came from a slab or is a block of whole pages. */
void kfree(void *object)
{
    if (object == NULL)
        return;
    struct slab *slab = ROUNDDOWN(object, PGSIZE);
    if ((void *)slab != object) {
        kmem_cache_free(slab->cache, object);
        return;
    }
    struct Page *page = kva2page(object);
    IF_CHECK(if (!(page->flags & PG_ALLOCATED)) check_tell(object));
    if (unlikely(!(page->flags & PG_ALLOCATED)))
        panic("double free of %p", object);
    atomic_add(&large_objects, -1); /* no pair: a count, for reports */
    free_pages(page, page->property);
}

/* The list of caches is complete when the kernel has booted, and never changes after. */
size_t kmalloc_objects(void)
{
    size_t n = atomic_load(&large_objects);

    for (struct kmem_cache *cache = all_caches; cache != NULL; cache = cache->next)
        n += atomic_load(&cache->objects);
    return n;
}

void kmalloc_print(void)
{
    for (struct kmem_cache *cache = all_caches; cache != NULL; cache = cache->next)
        if (cache->objects > 0)
            cprintf("  %5lu %s of %u bytes\n", cache->objects, cache->name, cache->size);
    if (large_objects > 0)
        cprintf("  %5u kmallocs of whole pages\n", large_objects);
}

/* Give back the empty slabs, which are at the ends of the lists. */
static size_t kmalloc_shrink(void)
{
    size_t n = 0;

    for (struct kmem_cache *cache = all_caches; cache != NULL; cache = cache->next) {
        spin_lock(&cache->lock);
        for (; cache->empty_slabs > 0; n++) {
            struct slab *slab = to_struct(list_prev(&cache->partial), struct slab, link);

            assert_eq(slab->in_use, 0);
            slab_release(cache, slab);
        }
        spin_unlock(&cache->lock);
    }
    return n;
}

SHRINKER(kmalloc_shrink);
