/* Kernel objects: memory in smaller pieces than pages. A kmem_cache hands out objects of one size,
   for example all proc_structs; kmalloc() has caches of several sizes, and takes whole pages for
   requests that are larger.

   All functions may be called in any context, also with spinlocks of lower rank held. Only those
   that allocate may sleep, and only where reclaim_when_short() (reclaim.h) may: memory is short, no
   spinlock is held, and interrupts are on; that is asserted there. Memory that is handed out has
   unknown content. What is freed twice, or to the wrong cache, panics. The leak check at the end of
   a run counts the objects that are in use. */
#pragma once

#include <lock/spinlock.h>
#include <list.h>

/* A cache of objects of one size. Its owner has it as a static variable; only kmalloc.c uses the
   members. */
struct kmem_cache {
    const char *name;
    uint32_t size;              /* of an object; multiple of 16 */
    struct spinlock lock;       /* guards what follows */
    list_entry_t partial;       /* slabs that have a free object */
    uint32_t empty_slabs;       /* of those, with no object in use */
    size_t objects;             /* in use */
    struct kmem_cache *next;    /* all caches; set once */
    IF_CHECK(uint32_t slack;)   /* of `size` so much at the end comes from rounding up */
};

/* Set up a cache. At boot only: caches are never removed. */
void kmem_cache_init(struct kmem_cache *cache, const char *name, size_t size);

/* Give an object back to the cache that it came from; else it panics. */
void kmem_cache_free(struct kmem_cache *cache, void *object) __frees(2);
/* An object with unknown content, aligned to 16 bytes; NULL if there is no memory. May sleep: see
   above. */
void *kmem_cache_alloc(struct kmem_cache *cache) __must_check __freed_by(kmem_cache_free, 2);

/* Set up the caches of kmalloc(). Once, at boot, when there are pages. */
void kmalloc_init(void);
/* Give back what kmalloc() gave; NULL is allowed. */
void kfree(void *object) __frees(1);
/* At least `size` bytes, aligned to 16, or to a page from 2017 bytes on; NULL if there is no
   memory. For 0 bytes it returns an object too. May sleep: see above. */
void *kmalloc(size_t size) __must_check __freed_by(kfree, 1);

/* How many objects are in use, of all caches and of whole pages. Takes no lock: the sum is exact
   only while nobody allocates or frees. */
size_t kmalloc_objects(void);
/* Print each cache that has objects in use, with their number and size. */
void kmalloc_print(void);
