/* From a page to the entries that map it. There is no record for each entry: an mm that a program
   began with, and all that were forked from it, are one family, and a page that some of them share
   has the same address in each, because nothing moves a page. So a page that knows its family and
   its address is found in all of them:

       struct Page                 family                       mms
       +----------------+         +-----------+         +------+   +------+
       | family, la, .. | ------> | list ------------>  |  mm  |-->|  mm  |--> ...
       +----------------+         +-----------+         +------+   +------+
                                                        entry at la: this page?

   A page is enrolled when the policy (swap.h) knows it: PG_ANON is set, and struct Page has its
   address, family and place in the policy's list, guarded by swap_lock. Nothing is enrolled until
   memory is short. A page stays enrolled until it is freed, and counts as a use of its family.

   A family's mutex ranks behind an mm's lock. Who walks from a page to its entries only tries to
   take it, and the locks of the mms: so it waits for nobody, whatever it holds. */
#pragma once

#include <mm/swap.h>

/* All mms that come from one exec. */
struct family {
    uint32_t count;             /* atomic: its mms, its enrolled pages, and who looks at it */
    list_entry_t link;          /* in the list of all families; guarded by swap_lock */
    struct mutex lock;          /* MUTEX_AREAS */
    list_entry_t mms;           /* guarded by `lock` */
};

/* Set up the cache of families. Once, at boot, after kmalloc_init(). */
void rmap_init(void);

/* Begin a family with this mm, which is new and not published: 0 or -E_NO_MEM. An mm without one is
   never paged. */
int family_begin(struct mm_struct *mm) __must_check;
/* For mm_dup(): `to` belongs to the family of `from`. */
void family_join(struct mm_struct *to, const struct mm_struct *from);
/* For mm_publish(): the mm can be found by its family from now on. Sleeps. */
void family_publish(struct mm_struct *mm);
/* For the last mm_put(): nobody finds it any more. Sleeps. */
void family_leave(struct mm_struct *mm);

/* What page_for_each_entry() calls for each entry: the entry maps `page` at la in mm, whose lock is
   held. It may change the entry, and does not sleep. */
typedef void entry_fn(struct mm_struct *mm, uintptr_t la, pte_t *pte, struct Page *page, void *arg);

/* Call fn for each entry that maps the page, which is enrolled; the caller has a reference to it.
   False if some could not be looked at, because somebody else has the lock of an mm or of the
   family, or this task itself. Does not sleep; no spinlock may be held. */
bool page_for_each_entry(struct Page *page, entry_fn *fn, void *arg) __must_check;

/* The address at which an enrolled page is mapped, and its family. */
uintptr_t page_la(const struct Page *page);
struct family *page_family(const struct Page *page);

/* Make the page, which is mapped at la in an mm of the family, known to the policy, if it is not
   yet. The mm's lock is held. */
void page_enrol(struct Page *page, struct family *family, uintptr_t la);
/* For free_pages(): a page with other flags than PG_ALLOCATED goes. It leaves the policy. */
void page_forget(struct Page *page);
/* Enrol all pages of all mms that are not enrolled yet, but for mms whose lock somebody has: for
   the reclaimer, before it chooses. Afterwards a fault enrols the page that it made. No spinlock is
   held. Does not sleep. */
void rmap_enrol_all(void);
