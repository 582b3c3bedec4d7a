/* Physical memory: one struct Page for each page of RAM, and handing them out.

   A pmm_manager keeps the free pages; the boot argument `pmm=` chooses it. In front of it each hart
   has a small cache of single pages, so that most allocations take no lock. All functions may be
   called in any context, with spinlocks of a rank below RANK_PMM held. Only those that allocate may
   sleep: alloc_pages() says when.

   A page that was handed out is its owner's, with its struct Page. Its reference count is for pages
   that have several owners, as those of a program after a fork: each page table entry that maps the
   page counts, and dropping the last reference frees it. An allocation begins with 0. */
#pragma once

#include <debug/panic.h>
#include <list.h>
#include <riscv/atomic.h>
#include <riscv/memlayout.h>

/* What the kernel knows of a page of RAM. They are an array in the order of the pages, so the place
   in it tells the page's address and needs no field. 32 bytes, because there are so many. */
struct Page {
    uint32_t ref;               /* atomic: page table entries that map it, or other users */
    uint32_t flags;             /* PG_; changed when it is allocated or freed. With PG_ANON or
                                   PG_FILE, the upper bits are the place in what it belongs to */
    uint64_t property;          /* head of a free block: the manager's size of it;
                                   head of a kmalloc of whole pages: how many;
                                   PG_ANON: its family and its slot, see swap.h and rmap.h;
                                   PG_FILE: the family of its file, see rmap.h */
    list_entry_t page_link;     /* in a list of free pages, of slabs, or of a swap_manager */
    IF_CHECK(struct page_history history;)
};

_Static_assert(sizeof(struct Page) == 32 IF_CHECK(+ 16), "it is paid for each page of memory");

/* Of these a page that is no free memory at all, the kernel's own for example, has none: so it is
   never handed out, and whoever frees it is told. */
#define PG_ALLOCATED    2       /* handed out */
#define PG_PROPERTY     4       /* head of a free block */

/* What a page that was handed out may be besides; all guarded by swap_lock (swap.h), and gone when
   the page is freed. A page that has none of them costs nothing there. */
#define PG_ANON         1       /* a program's own: rmap.h finds the entries that map it */
#define PG_FILE         8       /* of a file that is, or was, mapped: the same */
#define PG_LOCKED       16      /* the disk reads or writes it, or it is about to */
#define PG_CACHED       32      /* of the block cache, from its allocation until it is freed: set
                                   while nobody else knows it */
#define PG_SWAPPABLE    4       /* with one of those: the policy (struct swap_manager) has it */
#define PG_INDEX_SHIFT  6       /* the bits from here on: (address or offset) >> PGSHIFT */

/* An allocator. All functions are called under one lock, with interrupts off, so they must not
   sleep. A block is n pages in a row; `base` is its first. Pages come with flags 0 and ref 0, and
   must leave so. It never touches the pages themselves, only their struct Page. */
struct pmm_manager {
    const char *name;                                           /* for the boot argument pmm= */
    void (*init)(void);
    void (*init_memmap)(struct Page *base, size_t n);           /* n more pages are free */
    struct Page *(*alloc_pages)(size_t n);                      /* NULL if none fits */
    void (*free_pages)(struct Page *base, size_t n);
    size_t (*nr_free_pages)(void);
    void (*check)(void);                                        /* assert that all is consistent */

    /* For tools, which count what is free in a stopped machine: where the free blocks are, each
       linked by the page_link of its first page, and the manager's own count of pages. In one list
       alone `property` is the number of pages in a block; of several, list k has blocks of 2^k
       pages. If free_lists is NULL, tools do not look at the blocks of this manager. */
    list_entry_t *free_lists;
    size_t list_count;
    size_t *free_count;
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
extern paddr_t pages_base;      /* the address of the first of them */
extern uintptr_t frame_zero;    /* the struct Page of physical page 0, if it had one */

/* Find the free memory and give this manager `limit` pages of it at most. With `poison` freed
   pages are filled with junk. Called once at boot. */
void pmm_init(const struct pmm_manager *manager, bool poison, size_t limit);
/* The name of the manager that is in use. */
const char *pmm_name(void);

/* n pages in a row, with ref 0 and unknown content. NULL if n is 0, or if there are none; if no
   spinlock is held, the kernel's caches give back what they can first (mm/shrink.h).

   Sleeps if memory is short, there is a swap area, and the caller may sleep: holds no spinlock, and
   interrupts are on; nor the lock of an address space (MUTEX_MM). It is asserted that it sleeps at
   no other time: see reclaim_when_short(). */
struct Page *alloc_pages(size_t n) __must_check;
/* Give back what alloc_pages(n) gave, with ref 0. Panics on a page that is free or in use. */
void free_pages(struct Page *base, size_t n);

/* One page: the same with n = 1. May sleep, as alloc_pages(). */
static inline struct Page *alloc_page(void)
{
    return alloc_pages(1);
}

/* Give it back. */
static inline void free_page(struct Page *page)
{
    free_pages(page, 1);
}

/* A page filled with zeros, with ref 0; NULL if there is none. May sleep, as alloc_pages(). */
struct Page *alloc_zeroed_page(void) __must_check;
/* Drop the only reference to a page that is full of zeros, and free it: the next one who wants such
   a page need not clear it. Nobody looks if it is full of zeros. */
void free_zeroed_page(struct Page *page);

/* How many pages the manager has: without those in the caches of the harts, which others cannot
   take. */
size_t pmm_free_pages(void);

/* How many pages could be allocated now, those in the caches of the harts among them; and all that
   ever could. The first is exact only while no other hart allocates. */
size_t nr_free_pages(void);
size_t nr_total_pages(void);

/* Give this hart's cache back to the manager, and check that the manager's state is consistent;
   else it panics. For tests and the leak check: it may take as long as there are free blocks. */
void pmm_check(void);

/* From a struct Page to its page, by physical address, and back. The names are ucore's. A caller
   that asks for the struct Page of an address must know that it is one of RAM, and made. */
static inline paddr_t page2pa(const struct Page *page)
{
    return pages_base + ((paddr_t)(page - pages) << PGSHIFT);
}

/* The struct Page of a physical page number. */
static inline struct Page *page_frame(ppn_t ppn)
{
    return (struct Page *)(frame_zero + ppn * sizeof(struct Page));
}

/* The same of a physical address, which need not be the first of the page. */
static inline struct Page *pa2page(paddr_t pa)
{
    return page_frame(pa >> PGSHIFT);
}

/* The same by the address that the kernel can use, in the linear map. */
static inline void *page2kva(const struct Page *page)
{
    return kva(page2pa(page));
}

/* The struct Page of such an address. A kernel stack is not in the linear map: for an address there
   the sum would name memory that is another's, or none. So a device is never given one. */
static inline struct Page *kva2page(const void *kva)
{
    assert(paddr(kva) < PHYS_MAX);
    return pa2page(paddr(kva));
}

/* How many references a page has. It may change at once, but for a page of one's own alone. */
static inline uint32_t page_ref(const struct Page *page)
{
    return atomic_load(&page->ref);
}

/* Take one more. The caller has one already, or holds what keeps another's from being dropped. */
static inline void page_ref_inc(struct Page *page)
{
    atomic_add(&page->ref, 1);  /* no pair: who counts up has a reference; see page_ref_dec() */
}

/* Drop a reference, and free the page with the last one. Nobody may have a translation of the page
   that this reference stood for: flush first. */
static inline void page_ref_dec(struct Page *page)
{
    /* pairs with page_ref_dec() of others: the last one frees what they are done with */
    if (atomic_add(&page->ref, -1) == 1)
        free_page(page);
}
