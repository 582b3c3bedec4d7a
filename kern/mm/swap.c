/* Slots of the swap area, and the pages of memory that are copies of slots: see swap.h.

   The table of slots is made in chunks of a page, when one of its slots is needed for the first
   time; a chunk of which no slot is used is given back when memory is short. A free slot is looked
   for from the lowest that may be free upwards: so those that are used stay close together.

       chunks              slots of one chunk           page
       +---------+         +----------------------+     +---------------------+
       | 0: used | ------> | frame, names, ...    |---->| property: its slot  |
       | 1: used |         | frame, names, ...    |     +---------------------+
       +---------+         +----------------------+

   A page that leaves the cache may lose its last reference by that. It is freed when swap_lock is
   released, because free_pages() takes it again. No function here allocates an object with the lock
   held: slabs rank before it. */
#include <debug/printk.h>
#include <error.h>
#include <mm/kmalloc.h>
#include <mm/pagetable.h>
#include <mm/reclaim.h>
#include <mm/rmap.h>
#include <mm/shrink.h>
#include <string.h>
#include <sync/wait.h>

struct slot {
    uint32_t frame;                     /* the number of the page that is its cache; 0: none */
    uint32_t names : 29;                /* entries that name it, and 1 for such a page */
    uint32_t written : 1;               /* its content is the page's */
    uint32_t fresh : 1;                 /* it was written since the page is its cache */
    uint32_t bad : 1;                   /* the disk cannot keep it */
};

#define CHUNK_SLOTS     (PGSIZE / sizeof(struct slot))
#define SHRINK_BATCH    32      /* pages of one chunk that are given back at once */

struct chunk {
    struct slot *slots;                 /* NULL: none of them was used yet */
    uint32_t used;                      /* slots that have a name, or are bad */
};

/* A name keeps a slot. With one name too few a slot is free while an entry still leads to it, and
   the next page that is written there is read by the wrong program. With one too many the slot is
   lost until the area goes. */
struct spinlock swap_lock = SPINLOCK_INIT("pages of programs", RANK_SWAP);

/* All of these are guarded by it. Those who wait for any page to be unlocked sleep in one queue. */
static struct wait_queue unlocked = WAIT_QUEUE_INIT(unlocked, &swap_lock);
static const struct swap_manager *manager;
static struct swap_area *area;
static struct chunk *chunks;
static uint32_t lowest;                 /* no slot below is free */
static struct swap_stats stats;

static uint32_t chunk_count(void)
{
    return area->slots / CHUNK_SLOTS + 1;
}

int swap_on(struct swap_area *new_area)
{
    size_t size = (new_area->slots / CHUNK_SLOTS + 1) * sizeof(struct chunk);
    struct chunk *table = kmalloc(size);

    assert(area == NULL);
    if (table == NULL)
        return -E_NO_MEM;
    memset(table, 0, size);
    chunks = table;
    lowest = 1;
    stats = (struct swap_stats){ .slots = new_area->slots };
    area = new_area;
    return 0;
}

void swap_off(void)
{
    while (shrink_memory() > 0)         /* pages that are only kept have slots */
        ;
    assert_eq(stats.cached, 0);
    assert_eq(stats.used, 0);
    for (uint32_t i = 0; i < chunk_count(); i++)
        if (chunks[i].slots != NULL)
            page_ref_dec(kva2page(chunks[i].slots));
    kfree(chunks);
    chunks = NULL;
    area = NULL;
}

bool swap_is_on(void)
{
    return area != NULL;
}

struct swap_stats swap_stats(void)
{
    spin_lock(&swap_lock);
    struct swap_stats now = stats;
    spin_unlock(&swap_lock);
    return now;
}

/* The slot of this number, which is in use. With swap_lock held. */
static struct slot *slot_of(uint32_t number)
{
    assert(spin_held(&swap_lock));
    assert(number > 0 && number <= area->slots);
    struct slot *slot = &chunks[number / CHUNK_SLOTS].slots[number % CHUNK_SLOTS];

    assert(slot->names > 0);
    return slot;
}

/* The table of a chunk; it is made if it is not there. False: there is no page for it. */
static bool chunk_made(struct chunk *chunk)
{
    if (chunk->slots == NULL) {
        struct Page *page = alloc_zeroed_page();

        if (page != NULL) {
            page->ref = 1;
            chunk->slots = page2kva(page);
        }
    }
    return chunk->slots != NULL;
}

/* Bits of `written` and `bad`, as a slot lives:

     free --take--> named --write--> named, written --last name--> free
                      |
                      +--error-----> named, bad     --last name--> bad, and never taken again */

/* A slot with one name; 0: there is none. With swap_lock held. A full chunk is passed over in one
   step. */
static uint32_t slot_take(void)
{
    while (area != NULL && lowest <= area->slots) {
        struct chunk *chunk = &chunks[lowest / CHUNK_SLOTS];
        struct slot *slot;

        if (chunk->used == CHUNK_SLOTS) {
            lowest += CHUNK_SLOTS - lowest % CHUNK_SLOTS;
            continue;
        }
        if (!chunk_made(chunk))
            return 0;
        slot = &chunk->slots[lowest % CHUNK_SLOTS];
        if (slot->names == 0 && !slot->bad) {
            *slot = (struct slot){ .names = 1 };
            chunk->used++;
            stats.used++;
            return lowest++;
        }
        lowest++;
    }
    return 0;
}

/* One name less; with the last one the slot is free, if it is not bad. With swap_lock held. */
static void slot_drop(uint32_t number)
{
    struct slot *slot = slot_of(number);

    if (--slot->names > 0)
        return;
    stats.used--;
    if (slot->bad)
        return;
    slot->written = false;
    chunks[number / CHUNK_SLOTS].used--;
    if (number < lowest)
        lowest = number;
}

uint32_t swap_slot_alloc(void)
{
    spin_lock(&swap_lock);
    uint32_t number = slot_take();
    spin_unlock(&swap_lock);
    return number;
}

void swap_slot_get(uint32_t slot)
{
    spin_lock(&swap_lock);
    slot_of(slot)->names++;
    spin_unlock(&swap_lock);
}

/* What is kept of a slot, just now. */
static struct slot slot_look(uint32_t number)
{
    spin_lock(&swap_lock);
    struct slot slot = *slot_of(number);
    spin_unlock(&swap_lock);
    return slot;
}

uint32_t swap_slot_names(uint32_t slot)
{
    return slot_look(slot).names;
}

bool swap_slot_is_written(uint32_t slot)
{
    return slot_look(slot).written;
}

bool swap_slot_is_bad(uint32_t slot)
{
    return slot_look(slot).bad;
}

void swap_slot_set_bad(uint32_t slot)
{
    spin_lock(&swap_lock);
    slot_of(slot)->bad = true;
    spin_unlock(&swap_lock);
}

/* After a transfer: slot and page are the same, if it went well. */
static int moved(uint32_t slot, int result, uint64_t *count)
{
    spin_lock(&swap_lock);
    (*count)++;
    if (result == 0)
        slot_of(slot)->written = true;
    slot_of(slot)->fresh = count == &stats.written;
    spin_unlock(&swap_lock);
    return result;
}

int swap_read(uint32_t slot, struct Page *page)
{
    assert(page->flags & PG_LOCKED);
    return moved(slot, area->read(area, slot, page), &stats.read);
}

int swap_write(uint32_t slot, struct Page *page)
{
    assert(page->flags & PG_LOCKED);
    int result = moved(slot, area->write(area, slot, page), &stats.written);

    if (result != 0) {
        swap_slot_set_bad(slot);
        cprintf("swap: slot %u cannot be written: its page stays in memory\n", slot);
    }
    return result;
}

/* The slot of a page is the lower half of its property. */
uint32_t page_slot(const struct Page *page)
{
    return page->flags & PG_ANON ? (uint32_t)atomic_load(&page->property) : 0;
}

/* The page is the slot's cache; the caller has the name and the reference for that. With swap_lock
   held. */
static void cache_join(struct Page *page, uint32_t slot)
{
    slot_of(slot)->frame = page2pa(page) >> PGSHIFT;
    page->property |= slot;
    stats.cached++;
}

/* It is no more. The name is given back, the reference is the caller's now. With swap_lock held. */
static void cache_part(struct Page *page)
{
    uint32_t slot = page_slot(page);

    slot_of(slot)->frame = 0;
    page->property -= slot;
    stats.cached--;
    slot_drop(slot);
}

/* The page that is the slot's cache, or NULL. With swap_lock held. */
static struct Page *cache_page(uint32_t slot)
{
    uint32_t frame = slot_of(slot)->frame;

    return frame == 0 ? NULL : page_frame(frame);
}

/* Is the page used by nothing but the cache? With swap_lock held, so that this stays so: a fault
   would have to find it in the cache first. */
static bool only_cached(const struct Page *page)
{
    return page_ref(page) == 1 && !(page->flags & PG_LOCKED);
}

/* May a page leave the cache, so that memory is free again? Nobody uses it, and the slot has its
   content, or nobody names that. So that a slot is free? No entry names it: then the entries that
   map the page keep it, and it is written anew the next time. With swap_lock held. */
static bool may_part(const struct slot *slot, bool for_slots)
{
    const struct Page *page = page_frame(slot->frame);

    if (only_cached(page))
        return slot->names == 1 || slot->written;
    return for_slots && slot->names == 1 && !(page->flags & PG_LOCKED);
}

/* Take such pages of one chunk out of the cache; and give back the chunk if no slot of it is left.
   Returns how many pages that were. */
static size_t chunk_shrink(struct chunk *chunk, bool for_slots)
{
    struct Page *gone[SHRINK_BATCH], *table = NULL;
    size_t n = 0;

    spin_lock(&swap_lock);
    for (uint32_t i = 0; chunk->slots != NULL && i < CHUNK_SLOTS && n < ARRAY_SIZE(gone); i++) {
        struct slot *slot = &chunk->slots[i];

        if (slot->frame != 0 && may_part(slot, for_slots)) {
            gone[n] = page_frame(slot->frame);
            cache_part(gone[n++]);
        }
    }
    if (chunk->slots != NULL && chunk->used == 0) {
        table = kva2page(chunk->slots);
        chunk->slots = NULL;
    }
    spin_unlock(&swap_lock);
    for (size_t i = 0; i < n; i++)
        page_ref_dec(gone[i]);
    if (table != NULL)
        page_ref_dec(table);
    return n + (table != NULL);
}

/* The same for all chunks. */
static size_t shrink_cache(bool for_slots)
{
    size_t n = 0;

    for (uint32_t i = 0; area != NULL && i < chunk_count(); i++)
        if (chunks[i].slots != NULL)
            n += chunk_shrink(&chunks[i], for_slots);
    return n;
}

/* What nobody would miss. While there is a reclaimer he finds such pages in the policy's order;
   this walk through all slots would come before each of his rounds. */
static size_t shrink_swap(void)
{
    return watermarks.min > 0 ? 0 : shrink_cache(false);
}
SHRINKER(shrink_swap);

/* With the page locked, so it is not in the cache meanwhile. If no slot is free some are that pages
   in memory have. */
bool swap_cache_add(struct Page *page)
{
    uint32_t slot;

    do {
        spin_lock(&swap_lock);
        assert((page->flags & (PG_ANON | PG_LOCKED)) == (PG_ANON | PG_LOCKED));
        assert_eq(page_slot(page), 0);
        slot = slot_take();
        if (slot != 0) {
            page_ref_inc(page);
            cache_join(page, slot);
        }
        spin_unlock(&swap_lock);
    } while (slot == 0 && shrink_cache(true) > 0);
    return slot != 0;
}

/* Of two who want the same slot one is first; the other one has a page too many, and takes the
   first one's. */
bool swap_cache_insert(struct Page *page, uint32_t slot, struct family *family, uintptr_t la)
{
    spin_lock(&swap_lock);
    bool first = cache_page(slot) == NULL;
    if (first) {
        page_make(page, PG_ANON, family, la);
        page->flags |= PG_LOCKED;
        slot_of(slot)->names++;
        page_ref_inc(page);
        cache_join(page, slot);
    }
    spin_unlock(&swap_lock);
    return first;
}

/* A page that entries name has gone out; or it could not be read: the policy has none of those. */
void swap_cache_leave(struct Page *page)
{
    spin_lock(&swap_lock);
    assert(page->flags & PG_LOCKED);
    struct slot *slot = slot_of(page_slot(page));

    if (slot->names > 1 && !slot->fresh && (page->flags & PG_SWAPPABLE))
        stats.dropped++;
    slot->fresh = false;
    cache_part(page);
    spin_unlock(&swap_lock);
    page_ref_dec(page);
}

/* The entry that is to write to the page has one reference, and the cache the other. */
bool swap_cache_own(struct Page *page)
{
    if (page_slot(page) == 0)
        return false;                   /* if it comes in just now, it is locked */
    spin_lock(&swap_lock);
    uint32_t slot = page_slot(page);
    bool own = slot != 0 && !(page->flags & PG_LOCKED) && page_ref(page) == 2
        && slot_of(slot)->names == 1;
    if (own)
        cache_part(page);
    spin_unlock(&swap_lock);
    if (own)
        page_ref_dec(page);
    return own;
}

/* A page that was locked may have left the cache, and memory, until the lock was released. */
struct Page *swap_cache_find(uint32_t slot)
{
    struct Page *page;

    spin_lock(&swap_lock);
    while ((page = cache_page(slot)) != NULL && (page->flags & PG_LOCKED))
        wait_sleep(&unlocked, WT_MUTEX, "a page that is read or written");
    if (page != NULL) {
        page_ref_inc(page);
        stats.found++;
    }
    spin_unlock(&swap_lock);
    return page;
}

void swap_slot_put(uint32_t slot)
{
    struct Page *page;

    spin_lock(&swap_lock);
    page = cache_page(slot);
    slot_drop(slot);
    if (page != NULL && slot_of(slot)->names == 1 && only_cached(page))
        cache_part(page);
    else
        page = NULL;
    spin_unlock(&swap_lock);
    if (page != NULL)
        page_ref_dec(page);
}

bool page_trylock(struct Page *page)
{
    spin_lock(&swap_lock);
    bool locked = !(page->flags & PG_LOCKED);
    page->flags |= PG_LOCKED;
    spin_unlock(&swap_lock);
    return locked;
}

void page_unlock(struct Page *page)
{
    spin_lock(&swap_lock);
    assert(page->flags & PG_LOCKED);
    page->flags &= ~PG_LOCKED;
    wait_wake_all(&unlocked);
    spin_unlock(&swap_lock);
}

const struct swap_manager *swap_default_manager(void)
{
    const struct swap_manager *first = swap_managers_start;

    while (first->exercise != NULL && !is_written(first->exercise))
        first++;                        /* FIFO is no exercise */
    return first;
}

void swap_choose(const struct swap_manager *new_manager)
{
    spin_lock(&swap_lock);
    manager = new_manager;
    manager->init();
    spin_unlock(&swap_lock);
}

const struct swap_manager *swap_manager(void)
{
    return manager;
}
