/* Kernel objects. A kmem_cache hands out objects of one size from slabs of one page; kmalloc uses
   caches of several sizes, and whole pages for larger requests. May be called in any context;
   nothing sleeps. */
#pragma once

#include <lock/spinlock.h>
#include <list.h>

struct kmem_cache {
    const char *name;
    uint32_t size;              /* of an object; multiple of 16 */
    struct spinlock lock;       /* guards what follows */
    list_entry_t partial;       /* slabs that have a free object */
    uint32_t empty_slabs;       /* of those, with no object in use */
    size_t objects;             /* in use */
    struct kmem_cache *next;    /* all caches; set once */
};

/* Set up a cache. At boot only: caches are never removed. */
void kmem_cache_init(struct kmem_cache *cache, const char *name, size_t size);

void kmem_cache_free(struct kmem_cache *cache, void *object) __frees(2);
/* An object with unknown content, aligned to 16 bytes; NULL where there is no memory. */
void *kmem_cache_alloc(struct kmem_cache *cache) __must_check __freed_by(kmem_cache_free, 2);

void kmalloc_init(void);
void kfree(void *object) __frees(1);    /* NULL is allowed */
void *kmalloc(size_t size) __must_check __freed_by(kfree, 1);

/* How many objects exist; and print each cache that has some. */
size_t kmalloc_objects(void);
void kmalloc_report(void);
