/* The block cache: see cache.h for what it promises.

   Entries are found by a table of chains, at the number of the block. An entry is made outside of
   the lock, because that may call shrinkers, which take it; so when it is to be put into the table
   another task may have been faster, and then that one's entry counts. Who puts a new entry into
   the table fills it, by a read or with zeros; until then all others who want it sleep.

   An entry that could not be read leaves the table at once, so that the next one who wants the
   block tries again; its memory is freed with the last reference. What nobody has a reference to
   is in the list of clean entries, and the shrinker begins with those that were not used for the
   longest time. A page that is also mapped, by somebody who has a reference to the page and not to
   the entry, is passed over until it is not.

   The shrinker must be fast: so the entries that it has found mapped are kept apart, and are looked
   at again when there are no others. */
#include <error.h>
#include <fs/cache.h>
#include <mm/kmalloc.h>
#include <mm/shrink.h>
#include <string.h>

/* The life of an entry:

     acquire        made, in the table, with its first reference: fresh
     filled         its content is there: ready; or it is out of the table: failed
     cache_put      the last reference goes: clean, in the list
     look_up        somebody wants it again: out of the list
     free_clean     the page is wanted: out of the table, and free; or mapped, and in that list

   What is changed has a reference of the journal's until it is on the disk, so all that is in the
   lists is as on the disk, and can go at any time. */

#define READ_BATCH      16      /* blocks that are read at once */
#define SHRINK_BATCH    32      /* pages given back at once: others wait for the lock meanwhile */
#define BUCKETS_MIN     64

static struct block_device *disk;       /* set while the cache is open, as the next two */
static struct cached_block **buckets;
static uint32_t bucket_mask;

static struct spinlock lock = SPINLOCK_INIT("block cache", RANK_CACHE);
/* All of these are guarded by it. Those who wait for any block to be read sleep in one queue. */
static struct wait_queue reads = WAIT_QUEUE_INIT(reads, &lock);
static list_entry_t clean = { &clean, &clean };
static list_entry_t mapped = { &mapped, &mapped };  /* clean ones that were mapped at some time */
static size_t count;                    /* of entries in the table */

/* About two blocks a bucket when the whole disk, or as much of it as fits, is in memory. */
int cache_open(struct block_device *device)
{
    size_t n = BUCKETS_MIN, most = nr_total_pages();

    assert(buckets == NULL && count == 0);
    /* As many blocks as there are pages of memory will never be here, however large the disk. */
    while (2 * n < device->blocks && 2 * n < most)
        n *= 2;
    struct cached_block **table = kmalloc(n * sizeof(*table));
    if (table == NULL)
        return -E_NO_MEM;
    memset(table, 0, n * sizeof(*table));
    disk = device;
    buckets = table;
    bucket_mask = n - 1;
    return 0;
}

/* The place in the table at which a pointer to the entry of the block is, or has to be: so the same
   function finds, puts in and takes out. The lowest bits of the number choose the chain, because
   the blocks of a file are mostly in a row: they go to different ones. The lock is held. */
static struct cached_block **find(uint32_t block)
{
    struct cached_block **link = &buckets[block & bucket_mask];

    while (*link != NULL && (*link)->block != block)
        link = &(*link)->hash_next;
    return link;
}

/* Take an entry out of the table. The lock is held. */
static void unhash(struct cached_block *entry)
{
    *find(entry->block) = entry->hash_next;
    count--;
}

/* A new entry, known to nobody; NULL if there is no memory. */
static struct cached_block *entry_create(uint32_t block)
{
    struct cached_block *entry = kmalloc(sizeof(*entry));
    struct Page *page = entry != NULL ? alloc_page() : NULL;

    if (page == NULL) {
        kfree(entry);
        return NULL;
    }
    page_ref_inc(page);
    page->flags |= PG_CACHED;
    *entry = (struct cached_block){ .block = block, .page = page, .data = page2kva(page) };
    list_init(&entry->clean_link);
    return entry;
}

/* The opposite; nobody has mapped the page. */
static __never_inlined void entry_free(struct cached_block *entry)
{
    page_ref_dec(entry->page);
    kfree(entry);
}

/* Look at some entries of a list of those that nobody uses, the oldest first, and free those whose
   pages are not mapped; the count of them goes up. A page that only the cache has cannot become
   mapped meanwhile: who wants to map it must find it here. Returns how many were looked at; 0: the
   list is empty. To free with the lock held is allowed: the allocators' locks rank behind it. */
static size_t free_clean(list_entry_t *list, size_t *freed)
{
    size_t looked = 0;

    spin_lock(&lock);
    for (; looked < SHRINK_BATCH && !list_empty(list); looked++) {
        struct cached_block *entry = to_struct(list_next(list), struct cached_block, clean_link);

        list_del(&entry->clean_link);
        if (page_ref(entry->page) > 1) {
            list_add_before(&mapped, &entry->clean_link);
            continue;
        }
        unhash(entry);
        entry_free(entry);
        ++*freed;
    }
    spin_unlock(&lock);
    return looked;
}

bool cache_is_used_up(void)
{
    spin_lock(&lock);
    bool none = list_empty(&clean);
    spin_unlock(&lock);
    return none;
}

/* It gives back a part at a time: who needs more asks again. If all went at once, each shortage of
   one page would cost all that is remembered of the disk, and interrupts would be off for long. If
   it gives nothing back, there was nothing: each entry has been looked at. */
static size_t shrink_cache(void)
{
    size_t freed = 0, left = atomic_load(&count), looked = 1;

    while (freed == 0 && free_clean(&clean, &freed) > 0)
        ;
    for (; freed == 0 && left > 0 && looked > 0; left -= looked < left ? looked : left)
        looked = free_clean(&mapped, &freed);
    return freed;
}
SHRINKER(shrink_cache);

void cache_close(void)
{
    while (shrink_cache() > 0)
        ;
    assert_eq(count, 0);                /* else somebody has a reference */
    kfree(buckets);
    buckets = NULL;
}

/* The entry of a block, with a reference. If there is none, it is `made` from now on, unless that
   is NULL; then the result is. An entry with its first reference leaves the list of clean ones; a
   new one is in no list, and takes itself out of none. */
static inline struct cached_block *look_up(uint32_t block, struct cached_block *made)
{
    spin_lock(&lock);
    struct cached_block **link = find(block), *entry = *link ?: made;

    if (*link == NULL && made != NULL) {
        *link = made;
        count++;
    }
    if (entry != NULL && entry->refs++ == 0)
        list_del(&entry->clean_link);
    spin_unlock(&lock);
    return entry;
}

/* The same, and make an entry if there is none; *fresh then: the caller must fill it. NULL if there
   is no memory. */
static struct cached_block *acquire(uint32_t block, bool *fresh)
{
    struct cached_block *entry = look_up(block, NULL), *made;

    *fresh = false;
    if (entry != NULL)
        return entry;
    made = entry_create(block);
    if (made == NULL)
        return NULL;
    /* Between the two looks another task may have made one: then that one counts, and this task
       waits for its content as all others do. */
    entry = look_up(block, made);
    *fresh = entry == made;
    if (!*fresh)
        entry_free(made);
    return entry;
}

/* A fresh entry has its content, or it could not be read: tell those who wait. There is one queue
   for all blocks, so some wake for nothing: but tasks that wait for another one's read are few.
   The release is for those who look at `ready` without the lock: they see the content then. The
   lock is held. */
static void filled(struct cached_block *entry, bool success)
{
    if (success) {
        atomic_store_release(&entry->ready, true);  /* pairs with cache_get() and wait_filled() */
    } else {
        entry->failed = true;
        unhash(entry);
    }
    wait_wake_all(&reads);
}

/* Read fresh entries, at most READ_BATCH. What the device did not even begin has failed. */
static void read_blocks(struct cached_block *entries[], size_t n)
{
    struct block_request requests[READ_BATCH];

    for (size_t i = 0; i < n; i++)
        requests[i] = (struct block_request){
            .op = BLOCK_READ, .block = entries[i]->block, .page = entries[i]->page, .result = -E_IO,
        };
    /* No lock is held: the others may go on with blocks that are there. */
    int error = block_transfer(disk, requests, n);

    spin_lock(&lock);
    for (size_t i = 0; i < n; i++)
        filled(entries[i], error == 0 || requests[i].result == 0);
    spin_unlock(&lock);
}

/* Sleep until another task has filled this entry. False if it could not be read: then there is no
   reference any more. */
static bool wait_filled(struct cached_block *entry)
{
    /* pairs with filled() */
    if (atomic_load_acquire(&entry->ready))
        return true;
    spin_lock(&lock);
    while (!entry->ready && !entry->failed)
        wait_sleep(&reads, WT_MUTEX, "a block that another task reads");
    bool success = entry->ready;
    spin_unlock(&lock);
    if (!success)
        cache_put(entry);
    return success;
}

/* The rare part of cache_get(): the block is not there (entry is NULL), or is being read. Who makes
   the entry reads, and then looks how that ended in the same way as the others. */
static __never_inlined struct cached_block *get_unread(struct cached_block *entry, uint32_t block,
                                                       int *error)
{
    bool fresh = false;

    if (entry == NULL)
        entry = acquire(block, &fresh);
    if (fresh)
        read_blocks(&entry, 1);
    if (entry != NULL && wait_filled(entry))
        return entry;
    *error = entry == NULL ? -E_NO_MEM : -E_IO;
    return NULL;
}

struct cached_block *cache_get(uint32_t block, int *error)
{
    struct cached_block *entry = look_up(block, NULL);

    /* pairs with filled() */
    if (likely(entry != NULL && atomic_load_acquire(&entry->ready)))
        return entry;
    return get_unread(entry, block, error);
}

/* If another task is just reading the old content (ahead, when the block was still another file's),
   that must have ended: else it would come over the new one. If that read has failed, the entry is
   out of the table, and the next turn makes a new one. */
struct cached_block *cache_get_new(uint32_t block, bool zeros, int *error)
{
    struct cached_block *entry;
    bool fresh;

    do {
        entry = acquire(block, &fresh);
        if (entry == NULL) {
            *error = -E_NO_MEM;
            return NULL;
        }
    } while (!fresh && !wait_filled(entry));
    if (zeros)
        memset(cache_data(entry), 0, BLOCK_SIZE);
    if (fresh) {
        spin_lock(&lock);
        filled(entry, true);
        spin_unlock(&lock);
    }
    return entry;
}

void cache_ref(struct cached_block *entry)
{
    spin_lock(&lock);
    assert(entry->refs > 0);
    entry->refs++;
    spin_unlock(&lock);
}

/* What has failed is in no table: nobody can find it after the last of those who have waited. */
void cache_put(struct cached_block *entry)
{
    spin_lock(&lock);
    assert(entry->refs > 0);
    bool last = --entry->refs == 0, failed = entry->failed;
    if (last && !failed)
        list_add_before(&clean, &entry->clean_link);
    spin_unlock(&lock);
    if (unlikely(last && failed))
        entry_free(entry);
}

bool cache_has(uint32_t block)
{
    spin_lock(&lock);
    bool has = *find(block) != NULL;
    spin_unlock(&lock);
    return has;
}

/* A block that is there, or is being read by another task, is passed over: to wait for that one
   with entries that are not filled yet could be a circle. Without memory nothing more is read. */
void cache_read_ahead(const uint32_t *blocks, size_t n)
{
    struct cached_block *batch[READ_BATCH], *entry;
    size_t i = 0, k;
    bool fresh;

    do {
        for (k = 0; i < n && k < READ_BATCH; i++) {
            entry = acquire(blocks[i], &fresh);
            if (fresh)
                batch[k++] = entry;
            else if (entry != NULL)
                cache_put(entry);
            else
                n = i;
        }
        if (k > 0)
            read_blocks(batch, k);
        while (k > 0)
            cache_put(batch[--k]);
    } while (i < n);
}
