/* The block cache: blocks of the disk, in memory, as pages. Each block of the disk is there once,
   or not at all, so everybody who looks at it sees the same bytes: read, write, and later a mapping
   of a file.

   An entry stays while somebody has a reference. Its bytes are guarded by the lock of what the
   block belongs to: an inode's lock for its data and its indirect blocks, the lock of the free map,
   that of the inode table. What nobody has a reference to, and what the journal does not hold, is
   clean: a shrinker gives its page back when memory is short.

   The list of entries is guarded by one spinlock, RANK_CACHE, which is never held while the disk is
   waited for. Two tasks that want one block that is not there: the first reads, the second
   sleeps. */
#pragma once

#include <driver/block.h>

struct cached_block {
    uint32_t block;                     /* its number; set once */
    struct Page *page;                  /* its content; set once */
    void *data;                         /* the kernel's address of that; set once */

    /* Guarded by the cache's lock. */
    uint32_t refs;
    bool ready;                         /* the content is there: false while it is read */
    bool failed;                        /* it could not be read */
    struct cached_block *hash_next;
    list_entry_t clean_link;            /* of those without a reference, the last used at the end;
                                           of one that is dirty, in the set of its file */

    /* Guarded by the journal, which has a reference to what is in its list. */
    bool logged;                        /* atomic: it is: changed, not yet home */
    bool dirty;                         /* a program may write to it: fs/mmap.h. Guarded by the lock
                                           of the inode */
    list_entry_t log_link;
};

/* The cache of this disk, from now on; the caches of two disks are never there together. Once a
   mount. 0 or -E_NO_MEM. */
int cache_open(struct block_device *device) __must_check;
/* Give everything back. Nobody has a reference any more, which is asserted. */
void cache_close(void);

/* A reference to a block, whose content is there: it is read if need be. Else NULL, and only then
   *error is set: -E_IO or -E_NO_MEM. Sleeps. */
struct cached_block *cache_get(uint32_t block, int *error) __must_check;
/* The same for a block whose old content does not matter; it is not read. It is zeros, or without
   `zeros` anything, which the caller overwrites before others can see it. He owns the block. */
struct cached_block *cache_get_new(uint32_t block, bool zeros, int *error) __must_check;
/* One more reference, for who has one. Does not sleep. */
void cache_ref(struct cached_block *entry);
/* Give one back. Does not sleep. */
void cache_put(struct cached_block *entry);
/* Is the block there, or being read? It may change at once: for who decides what to read. */
bool cache_has(uint32_t block);
/* Is there no block that could be given back, because nobody has it and it is as on the disk? From
   anywhere, without a lock that ranks behind the cache's. */
bool cache_is_used_up(void);
/* Begin to read these blocks if they are not there, all at once, and wait for them: for what will
   be read in a row. What fails is read again, and told, by cache_get(). Sleeps. */
void cache_read_ahead(const uint32_t *blocks, size_t n);

/* Its bytes. */
static inline void *cache_data(const struct cached_block *entry)
{
    return entry->data;
}
