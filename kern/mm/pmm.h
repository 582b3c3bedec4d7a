/* Physical memory: one struct Page for each page of RAM, and who hands them out.

   A pmm_manager keeps the free pages; `pmm=` chooses it at boot. In front of it each hart has a
   small cache of single pages, so that most allocations take no lock. All functions may be called
   in any context; none sleeps. */
#pragma once

#include <list.h>
#include <riscv/atomic.h>
#include <riscv/memlayout.h>

struct Page {
    uint32_t ref;               /* atomic: page table entries that map it, or other users */
    uint32_t flags;             /* PG_; changed by who allocates or frees it */
    uint64_t property;          /* head of a free block: the manager's size of it;
                                   head of a kmalloc of whole pages: how many */
    list_entry_t page_link;     /* in a list of free pages or of slabs */
};

#define PG_RESERVED     1       /* not RAM that can be allocated */
#define PG_ALLOCATED    2
#define PG_PROPERTY     4       /* head of a free block */

/* An allocator. All functions are called under one lock. A block is n pages in a row; `base` is its
   first. */
struct pmm_manager {
    const char *name;                                           /* for the boot argument pmm= */
    void (*init)(void);
    void (*init_memmap)(struct Page *base, size_t n);           /* n more pages are free */
    struct Page *(*alloc_pages)(size_t n);                      /* NULL where none fits */
    void (*free_pages)(struct Page *base, size_t n);
    size_t (*nr_free_pages)(void);
    void (*check)(void);                                        /* assert that all is consistent */
};

/* Announce a manager: what this file defines by that name is in the table of managers, the section
   .pmm_managers, between pmm_managers_start and pmm_managers_end of the linker script. So an
   allocator is one file that nothing else names. They are ordered by `place`, a digit; the first
   is the default, and of equals the linker chooses. A name that is never defined takes no room. */
#define PMM_MANAGER(place, manager) \
    extern const struct pmm_manager manager \
        __attribute__((section(".pmm_managers." #place)))

extern const struct pmm_manager pmm_managers_start[], pmm_managers_end[];

extern struct Page *pages;      /* of all RAM, in order; set once at boot */
extern size_t npage;            /* how many of them are made: it grows, see pmm.c */
extern paddr_t pages_base;      /* where the first of them lies */
extern uintptr_t frame_zero;    /* where the struct Page of physical page 0 would be */

/* Find the free memory and give it to this manager. With `poison` freed pages are filled with junk.
   Called once at boot. */
void pmm_init(const struct pmm_manager *manager, bool poison);
const char *pmm_name(void);

/* n pages in a row, with ref 0 and unknown content. NULL where there are none. */
struct Page *alloc_pages(size_t n) __must_check;
/* Give back what alloc_pages(n) gave, with ref 0. Panics on a page that is free or in use. */
void free_pages(struct Page *base, size_t n);

static inline struct Page *alloc_page(void)
{
    return alloc_pages(1);
}

static inline void free_page(struct Page *page)
{
    free_pages(page, 1);
}

/* A page filled with zeros. */
struct Page *alloc_zeroed_page(void) __must_check;

/* Pages that could be allocated, and all that ever could. */
size_t nr_free_pages(void);
size_t nr_total_pages(void);

/* Give this hart's cache back to the manager, and check that the manager's state is consistent. */
void pmm_check(void);

static inline paddr_t page2pa(const struct Page *page)
{
    return pages_base + ((paddr_t)(page - pages) << PGSHIFT);
}

/* The struct Page of a physical page number. */
static inline struct Page *page_frame(ppn_t ppn)
{
    return (struct Page *)(frame_zero + ppn * sizeof(struct Page));
}

static inline struct Page *pa2page(paddr_t pa)
{
    return page_frame(pa >> PGSHIFT);
}

static inline void *page2kva(const struct Page *page)
{
    return kva(page2pa(page));
}

static inline struct Page *kva2page(const void *kva)
{
    return pa2page(paddr(kva));
}

static inline uint32_t page_ref(const struct Page *page)
{
    return atomic_load(&page->ref);
}

static inline void page_ref_inc(struct Page *page)
{
    atomic_add(&page->ref, 1);
}

/* Drop a reference, and free the page with the last. */
static inline void page_ref_dec(struct Page *page)
{
    if (atomic_add(&page->ref, -1) == 1)
        free_page(page);
}
