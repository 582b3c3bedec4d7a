/* Paging to disk: pages of programs go to slots of a swap area when memory is short, and come back
   when they are touched. Here are the slots, the pages that are copies of them, and the policies
   that choose which page goes; rmap.h finds the entries that map a page.

       page table entry           table of slots          memory             disk
       +--------------+         +------------------+     +------+       +------------+
       | slot << 8, V=0 |  -->  | names, its page -------> page |       | block      |
       +--------------+         +------------------+     +------+       +------------+

   A slot counts those that name it: each entry of a page that is out, and a page of memory that has
   the slot's content, its cache. A page is in the cache while it goes out, from when it came in
   until it is written to, and whenever some of its entries are out and some are not. No entry
   allows to write to a page in the cache, but for the moment at which it begins to go out: so what
   was written to the slot once stays the page's content, and such a page needs no second write.

   All of it is guarded by swap_lock. A page that is locked is read or written by the disk: who
   wants it waits, and looks again. Order: the mm's lock, the page, a transaction. Without a swap
   area nothing of this happens. */
#pragma once

#include <lock/spinlock.h>
#include <mm/pmm.h>
#include <mm/vmm.h>

struct family;

/* Where slots are kept. fs has one on a disk: fs/swapfs.h. Both functions move one page, sleep, and
   return 0 or -E_IO. */
struct swap_area {
    uint32_t slots;             /* they are numbered from 1 to slots; 0 is none */
    int (*read)(struct swap_area *area, uint32_t slot, struct Page *page);
    int (*write)(struct swap_area *area, uint32_t slot, struct Page *page);
};

/* Guards the table of slots, the cache, what pmm.h says of it in struct Page, the list of families,
   and what the policy keeps. RANK_SWAP. */
extern struct spinlock swap_lock;

/* Use this area, which stays until swap_off(); none is used yet. 0 or -E_NO_MEM. */
int swap_on(struct swap_area *area) __must_check;
/* Stop using it. No slot is in use, which is asserted. For tests. */
void swap_off(void);
/* Is there a swap area? */
bool swap_is_on(void);

/* What `mem` and tests tell of paging: since swap_on(). */
struct swap_stats {
    uint32_t slots, used;       /* of the area; those with a name */
    uint32_t cached;            /* pages in the cache */
    uint64_t read, written;     /* pages that moved */
    uint64_t found, dropped;    /* faults that found the page in the cache; pages that went without
                                   a write */
};

/* The numbers of this moment. */
struct swap_stats swap_stats(void);

/* The entry of a page that is out (ucore's swap_entry_t): it is not valid and not 0.

      63                                     8 7           1 0
     +----------------------------------------+-------------+-+
     |                 slot                   |      0      |0|
     +----------------------------------------+-------------+-+
                                                         V = 0 */
pte_t swap_pte(uint32_t slot);
/* The slot that such an entry names. */
uint32_t pte_slot(pte_t pte);
/* Is the entry one of a page that is out: neither valid nor 0? */
bool pte_is_swapped(pte_t pte);

/* Slots. None of these sleeps, and they may be called with any lock below RANK_SWAP.

   A slot that nobody uses, with one name, the caller's, and no page; 0 if all are used, or no page
   can be had for the table. */
uint32_t swap_slot_alloc(void) __must_check;
/* One more entry names the slot; the caller knows that another one does, or is its cache. */
void swap_slot_get(uint32_t slot);
/* One less. With the last name the slot is free; and if only its page was left, which nobody uses,
   that is freed too. */
void swap_slot_put(uint32_t slot);
/* How many names the slot has: entries, and 1 if it has a page. */
uint32_t swap_slot_names(uint32_t slot);

/* Is the slot's content the page's? If not, its page must be written before it may leave memory. */
bool swap_slot_is_written(uint32_t slot);
/* Has the disk failed to keep it? */
bool swap_slot_is_bad(uint32_t slot);
/* The disk cannot keep this slot: it is not used again when its last name has gone. */
void swap_slot_set_bad(uint32_t slot);

/* Move a page: 0, and the slot's content is the page's now; or -E_IO, and a slot that cannot be
   written is bad. Sleeps. The page is locked by the caller, and no spinlock is held. */
int swap_read(uint32_t slot, struct Page *page) __must_check;
int swap_write(uint32_t slot, struct Page *page) __must_check;

/* The cache. A page that is in it has one reference for that. The caller of the first three has
   locked the page, and has a reference.

   Make the page, which is enrolled (rmap.h), the cache of a new slot. False if there is no slot,
   not even one that only a page in memory has. No spinlock is held. */
bool swap_cache_add(struct Page *page) __must_check;
/* Make a new page, locked, that is in no list, the cache of a slot whose content it will have: of
   this family, for the address la. False if the slot has a page already. */
bool swap_cache_insert(struct Page *page, uint32_t slot, struct family *family, uintptr_t la)
    __must_check;
/* Take the page out of the cache: its reference and the slot's name are given back. */
void swap_cache_leave(struct Page *page);
/* The page is to be written to, through the one entry that maps it: if it is in the cache, and
   neither another entry nor a page-out needs it or its slot, it leaves the cache, and the answer is
   true. With the lock of that entry's mm. */
bool swap_cache_own(struct Page *page) __must_check;
/* The slot's page, with a reference for the caller; waits while it is locked. NULL if the slot has
   none. Sleeps; the caller has a name of the slot. */
struct Page *swap_cache_find(uint32_t slot) __must_check;
/* The slot whose cache the page is; 0: none. May change at once, if the page is not locked. */
uint32_t page_slot(const struct Page *page);

/* Lock an enrolled page, to which the caller has a reference: false if it is locked. */
bool page_trylock(struct Page *page) __must_check;
/* Give it back. Who waits looks again. */
void page_unlock(struct Page *page);
/* Take a reference to an enrolled page, unless it has none any more: then it is just being freed.
   With swap_lock held, so that the page stays enrolled meanwhile. */
static inline bool page_ref_get(struct Page *page)
{
    assert(spin_held(&swap_lock));
    /* pairs with page_ref_dec() in pmm.h: 0 stays 0 */
    return atomic_inc_unless_zero(&page->ref);
}

/* A policy: which of the enrolled pages goes next, a program's own or a file's. Those with `L` are
   called with swap_lock held; none of these sleeps. */
struct swap_manager {
    const char *name;                           /* for the boot argument swap= */
    const char *exercise;                       /* which has to write it; NULL: none */
    void (*init)(void);                         /* L: no page is enrolled */
    void (*map_swappable)(struct Page *page);   /* L: the page is new here */
    void (*set_unswappable)(struct Page *page); /* L: it leaves: forget it */
    /* A page that may go, with a reference for the caller; NULL: none. It stays among the pages, in
       a place that does not come next. Called without any spinlock, because looking at A bits takes
       mutexes (rmap.h). Returns after a bounded number of steps. */
    struct Page *(*swap_out_victim)(void);
};

/* Announce a policy, as PMM_MANAGER() does an allocator: the first one that is written is the
   default. */
#define SWAP_MANAGER(place, manager) \
    extern const struct swap_manager manager \
        __attribute__((section(".swap_managers." #place)))

extern const struct swap_manager swap_managers_start[], swap_managers_end[];

/* The default. */
const struct swap_manager *swap_default_manager(void);
/* Use this policy; no page is enrolled. At boot, and in tests. */
void swap_choose(const struct swap_manager *manager);
/* The one that is used. */
const struct swap_manager *swap_manager(void);

/* A page of this fault is out: bring it in, and map it. `pte` is its entry, `rights` are those of
   its area (PTE_U, R, W, X), which allow the access. 0; -E_IO if the disk fails, -E_NO_MEM; then
   the entry is as it was. With the mm's lock; sleeps. */
int swap_in(struct mm_struct *mm, uintptr_t la, pte_t *pte, pte_t rights, uint32_t access)
    __must_check;

/* What unmapping and fork do with entries of pages that are out, after the others: only called if
   mm->paged_out is not 0. With the mm's lock. The second gives the same entries to `to`, which has
   the area: 0 or -E_NO_MEM. */
void swap_unmap_range(struct mm_struct *mm, uintptr_t start, uintptr_t end);
int swap_copy_range(struct mm_struct *to, struct mm_struct *from, uintptr_t start, uintptr_t end)
    __must_check;
