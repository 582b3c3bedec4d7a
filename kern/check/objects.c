/* Objects of the slab allocator: what is written before or behind one, or to a free one, freed
   twice, or freed by a pointer to something else.

   In a checked build an object lies in a piece of its slab, and the allocator knows pieces only:

       piece                object                  object + room
       +--------------------+-----------------------+----------+-------------+
       | front: 16 bytes    | what the owner has    | behind   | struct tail |
       +--------------------+-----------------------+----------+-------------+

   While it is in use, front and what lies behind the bytes that the owner has asked for are full of
   ZONE. While it is free, front is the allocator's, with the link of its list, and all that the
   owner had is full of JUNK. Both are looked at when it is freed, and when it is handed out again;
   and all at once at the end of a run, and at some ticks. The tail tells the state and both call
   stacks. Its lock is the cache's. */
#include <check/memory.h>
#include <debug/check.h>
#include <mm/kmalloc.h>
#include <mm/pmm.h>
#include <string.h>

#define FRONT           16
#define ZONE            0x5a
#define JUNK            0xa5
#define MAX_CACHES      64

enum state { STATE_FREE = 0x46524545, STATE_USED = 0x55534544 };

/* At the end of a piece. */
struct tail {
    uint64_t zone[2];
    uint32_t state;                 /* enum state; anything else: it was overwritten */
    uint32_t size;                  /* what the owner has asked for */
    uint32_t allocated_by;          /* see memory.h */
    uint32_t freed_by;              /* a call stack; 0: it was never freed */
};

#define ROOM            (FRONT + sizeof(struct tail))

static struct kmem_cache *caches[MAX_CACHES];       /* complete at boot */
static uint32_t cache_count;
static uint32_t first_piece;                        /* in each slab; set by the first one */

/* The three parts of a piece. */
static uint8_t *object_of(void *piece)
{
    return (uint8_t *)piece + FRONT;
}

static size_t object_size(const struct kmem_cache *cache)
{
    return cache->size - ROOM;
}

static struct tail *tail_of(const struct kmem_cache *cache, void *piece)
{
    return (struct tail *)((uint8_t *)piece + cache->size - sizeof(struct tail));
}

/* The first of n bytes that is not `byte`; n if all are. By words where that is possible: objects
   are aligned, and are looked at often. */
static size_t differs(const uint8_t *bytes, uint8_t byte, size_t n)
{
    uint64_t word = byte * 0x0101010101010101UL;
    size_t i = 0;

    while (i < n && bytes[i] == byte) {
        i++;
        while ((uintptr_t)(bytes + i) % 8 == 0 && i + 8 <= n
               && *(const uint64_t *)(bytes + i) == word)
            i += 8;
    }
    return i;
}

/* Print the object and who had it, before a panic. */
static void tell(const struct kmem_cache *cache, void *piece)
{
    const struct tail *tail = tail_of(cache, piece);

    cprintf("\nobject %p of the slab cache \"%s\", %u bytes:\n", object_of(piece), cache->name,
            tail->size);
    if (tail->allocated_by != 0)
        stack_print("it was allocated by", OWNER_STACK(tail->allocated_by));
    if (tail->freed_by != 0)
        stack_print("it was freed by", tail->freed_by);
}

/* A byte is not what it should be; `offset` counts from the object's first byte, and may be below
   0. */
static __never_returns void damaged(const struct kmem_cache *cache, void *piece, long offset,
                                    const char *what)
{
    tell(cache, piece);
    panic("%s: an object of the slab cache \"%s\" (%u bytes) at %p was written at offset %ld, "
          "where now is %#x", what, cache->name, tail_of(cache, piece)->size, object_of(piece),
          offset, object_of(piece)[offset]);
}

/* Look at the zones around an object that is in use. */
static void check_used(const struct kmem_cache *cache, void *piece)
{
    const struct tail *tail = tail_of(cache, piece);
    size_t before = differs(piece, ZONE, FRONT);
    size_t n = object_size(cache) - tail->size + sizeof(tail->zone);
    size_t behind = differs(object_of(piece) + tail->size, ZONE, n);

    if (unlikely(before < FRONT))
        damaged(cache, piece, (long)before - FRONT, "written before its beginning");
    if (unlikely(behind < n))
        damaged(cache, piece, tail->size + behind, "written behind its end");
}

/* Look at one that is free. */
static void check_free(const struct kmem_cache *cache, void *piece)
{
    size_t n = object_size(cache), change = differs(object_of(piece), JUNK, n);

    if (unlikely(change < n))
        damaged(cache, piece, change, "use after free");
}

void check_cache_made(struct kmem_cache *cache, size_t size)
{
    assert(cache_count < MAX_CACHES);
    caches[cache_count++] = cache;
    cache->slack = cache->size - size;
    cache->size += ROOM;
}

void check_slab_made(const struct kmem_cache *cache, void *first)
{
    uint8_t *slab = ROUNDDOWN((uint8_t *)first, PGSIZE), *piece = first;

    first_piece = piece - slab;
    kva2page(slab)->history.slab = cache;
    for (; piece + cache->size <= slab + PGSIZE; piece += cache->size) {
        memset(object_of(piece), JUNK, object_size(cache));
        *tail_of(cache, piece) = (struct tail){ .state = STATE_FREE, .size = object_size(cache) };
    }
}

void *check_object_allocated(const struct kmem_cache *cache, void *piece)
{
    struct tail *tail = tail_of(cache, piece);

    if (unlikely(tail->state != STATE_FREE))
        panic("an object of the slab cache \"%s\" at %p was written behind its end, or its free "
              "list was: what is to be handed out is not free", cache->name, object_of(piece));
    check_free(cache, piece);
    memset(piece, ZONE, FRONT);
    tail->state = STATE_USED;
    tail->size = object_size(cache) - cache->slack;
    memset(object_of(piece) + tail->size, ZONE, cache->slack + sizeof(tail->zone));
    tail->allocated_by = owner_here();
    return object_of(piece);
}

void *check_object_sized(struct kmem_cache *cache, size_t size)
{
    void *object = kmem_cache_alloc(cache);

    if (object != NULL) {
        struct tail *tail = tail_of(cache, (uint8_t *)object - FRONT);

        memset((uint8_t *)object + size, ZONE, object_size(cache) - size);
        tail->size = size;
    }
    return object;
}

/* The piece that an address is in, whatever it is; NULL for the slab's own head and the rest. */
static void *piece_of(const struct kmem_cache *cache, const void *address)
{
    size_t offset = (uintptr_t)address % PGSIZE;
    size_t number = (offset - first_piece) / cache->size;

    if (offset < first_piece || first_piece + (number + 1) * cache->size > PGSIZE)
        return NULL;
    return (char *)ROUNDDOWN((uintptr_t)address, PGSIZE) + first_piece + number * cache->size;
}

void *check_object_freed(const struct kmem_cache *cache, void *object)
{
    void *piece = piece_of(cache, object);
    struct tail *tail = piece != NULL ? tail_of(cache, piece) : NULL;

    if (unlikely(piece == NULL || object != object_of(piece))) {
        check_tell(object);
        panic("free of %p, which is no object, but an address inside of one or between two",
              object);
    }
    if (unlikely(tail->state == STATE_FREE)) {
        tell(cache, piece);
        panic("double free of %p in the cache %s: an object of %u bytes", object, cache->name,
              tail->size);
    }
    check_used(cache, piece);
    tail->state = STATE_FREE;
    tail->freed_by = stack_here();
    memset(object, JUNK, object_size(cache));
    return piece;
}

void check_tell(const void *address)
{
    uintptr_t pa = paddr(address);

    if (pa < pages_base || pa >= pages_base + npage * PGSIZE) {
        cprintf("\n%p is no address of the kernel's memory\n", address);
        return;
    }
    cprintf("\n%p:\n", address);

    struct Page *page = pa2page(pa);
    bool in_use = check_tell_page(page);
    const struct kmem_cache *cache = page->history.slab;
    void *piece = in_use && cache != NULL ? piece_of(cache, address) : NULL;

    if (piece != NULL) {
        cprintf("it is at offset %ld of this:\n", (long)address - (long)object_of(piece));
        tell(cache, piece);
    }
}

/* A slab's page, with what to do for each piece. */
static void for_each_piece(struct kmem_cache *cache, struct Page *page,
                           void (*what)(const struct kmem_cache *, void *piece, void *arg),
                           void *arg)
{
    uint8_t *slab = page2kva(page), *piece = slab + first_piece;

    spin_lock(&cache->lock);
    for (; page->history.slab == cache && piece + cache->size <= slab + PGSIZE;
         piece += cache->size)
        what(cache, piece, arg);
    spin_unlock(&cache->lock);
}

/* For all slabs: they are found by their pages, because full ones are in no list. */
static void for_all_pieces(void (*what)(const struct kmem_cache *, void *piece, void *arg),
                           void *arg)
{
    for (struct Page *page = pages; page < pages + npage; page++) {
        struct kmem_cache *cache = (struct kmem_cache *)atomic_load(&page->history.slab);

        if (cache != NULL)
            for_each_piece(cache, page, what, arg);
    }
}

/* What is looked at in each piece. */
static void look(const struct kmem_cache *cache, void *piece, __not_used void *arg)
{
    if (tail_of(cache, piece)->state == STATE_FREE)
        check_free(cache, piece);
    else
        check_used(cache, piece);
}

void check_all_objects(void)
{
    for_all_pieces(look, NULL);
}

void check_slab_freed(const struct kmem_cache *cache, void *slab)
{
    uint8_t *piece = (uint8_t *)slab + first_piece;

    for (; piece + cache->size <= (uint8_t *)slab + PGSIZE; piece += cache->size)
        look(cache, piece, NULL);
}

/* What check_lost_objects() looks for. */
struct search {
    uint32_t period, limit, found;
};

static void look_for_lost(const struct kmem_cache *cache, void *piece, void *arg)
{
    struct search *search = arg;
    const struct tail *tail = tail_of(cache, piece);

    if (tail->state == STATE_USED && owned_since(tail->allocated_by, search->period)
        && search->found++ < search->limit)
        tell(cache, piece);
}

uint32_t check_lost_objects(uint32_t period, uint32_t limit)
{
    struct search search = { .period = period, .limit = limit };

    for_all_pieces(look_for_lost, &search);
    return search.found;
}
