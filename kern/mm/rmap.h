/* From a page to the entries that map it. There is no record for each entry: an mm that a program
   began with, and all that were forked from it, are one family, and a page that some of them share
   has the same address in each, because nothing moves a page. So a page that knows its family and
   its address is found in all of them:

       struct Page                 family                       mms
       +----------------+         +-----------+         +------+   +------+
       | family, la, .. | ------> | list ------------>  |  mm  |-->|  mm  |--> ...
       +----------------+         +-----------+         +------+   +------+
                                                        entry at la: this page?

   A page of a file is found in the same way: its family is that of all areas that map the file
   (filemap.h), and its place in the file tells the address in each. */
#pragma once

#include <mm/swap.h>

/* A page is enrolled when the policy (swap.h) knows it: PG_ANON or PG_FILE is set, and struct Page
   has its address, family and place in the policy's list, guarded by swap_lock. A page stays
   enrolled until it is freed, or, if it is a file's, until it was taken from all who map it; and it
   counts as a use of its family. An mm is enrolled when all its pages are, and is in the list of
   its family from then on. Nothing is enrolled until memory is short, and a child only after its
   fork. Pages that an mm shares which is not enrolled have more references than entries are found:
   so they do not leave memory.

   A family's mutex ranks behind an mm's lock. Who walks from a page to its entries only tries to
   take it, and the locks of the mms: so it waits for nobody, whatever it holds. */

/* Who may map a page: all mms that come from one exec, or all areas that map a file. */
struct family {
    uint32_t count;             /* atomic: its mms, or its inode; and its enrolled pages */
    struct mutex lock;          /* MUTEX_AREAS */
    list_entry_t members;       /* mms that are enrolled; or areas. Guarded by `lock` */
};

/* Set up the cache of families. Once, at boot, after kmalloc_init(). */
void rmap_init(void);

/* Set the fields of a new one, which has one use. It is an object of kmalloc's, or begins one. */
void family_setup(struct family *family);
/* Begin a family with this mm, which is new and not published: 0 or -E_NO_MEM. An mm without one is
   never paged. */
int family_begin(struct mm_struct *mm) __must_check;

/* The rare parts of the two functions below: give back the last use; wait for who looks at the mm,
   and take it out of its family's list. The second sleeps. */
void family_free(struct family *family);
void family_unlink(struct mm_struct *mm);

/* Give back a use. With no spinlock from RANK_SLAB on. */
static inline void family_put(struct family *family)
{
    /* pairs with family_put() of others: the last one frees what they are done with */
    if (unlikely(atomic_add(&family->count, -1) == 1))
        family_free(family);
}

/* For mm_dup(): `to` belongs to the family of `from`, if that has one. */
static inline void family_join(struct mm_struct *to, const struct mm_struct *from)
{
    to->family = from->family;
    if (likely(to->family != NULL))
        atomic_add(&to->family->count, 1);  /* no pair: the page is counted already */
}

/* For the last mm_put(): nobody finds the mm any more. Sleeps. */
static inline void family_leave(struct mm_struct *mm)
{
    if (unlikely(mm->family == NULL))
        return;
    if (unlikely(atomic_load(&mm->lock.state) != 0 || mm->enrolled))
        family_unlink(mm);
    family_put(mm->family);
}

/* What page_for_each_entry() calls for each entry: the entry maps `page` at la in mm, whose lock is
   held. It may change the entry, and does not sleep. */
typedef void entry_fn(struct mm_struct *mm, uintptr_t la, pte_t *pte, struct Page *page, void *arg);

/* Call fn for each entry that maps the page, which is enrolled; the caller has a reference to it.
   False if some could not be looked at, because somebody else has the lock of an mm or of the
   family, or this task itself. Does not sleep; no spinlock may be held. */
bool page_for_each_entry(struct Page *page, entry_fn *fn, void *arg) __must_check;

/* The address at which an enrolled page is mapped, or its place in its file, in bytes; and its
   family. Together they are the same whenever it comes in again. */
uintptr_t page_la(const struct Page *page);
struct family *page_family(const struct Page *page);

/* Make a page, which has no flag but PG_ALLOCATED and PG_CACHED, one of this family and address;
   `kind` is PG_ANON or PG_FILE. The policy does not know it yet. With swap_lock held. */
void page_make(struct Page *page, uint32_t kind, struct family *family, uintptr_t la);
/* Make the page, which is mapped at la in an mm of the family, known to the policy, if it is not
   yet. The mm's lock is held. */
void page_enrol(struct Page *page, struct family *family, uintptr_t la);
/* The same for what an entry of an mm maps at la in this area, if that is the program's own memory,
   or of a file; no other page of a pager's. Does not sleep. */
void mm_enrol(struct mm_struct *mm, struct vma_struct *vma, uintptr_t la, pte_t pte);
/* How many pages the policy knows, just now. */
size_t rmap_enrolled(void);
/* The page leaves the policy and its family: for free_pages(), if it has other flags beside
   PG_ALLOCATED; and for page-out, of a page that nobody maps any more. With no spinlock from
   RANK_SLAB on. */
void page_forget(struct Page *page);
/* Enrol an mm, whose lock the caller has, with all its pages. False if it is enrolled, has no
   family, or the family's mutex could not be had at once. Does not sleep. */
bool mm_enrol_all(struct mm_struct *mm);
/* The same for all mms of processes, but for those whose lock somebody has: for the reclaimer,
   before it chooses. Afterwards a fault enrols the page that it made. No spinlock is held, and it
   does not sleep. */
void rmap_enrol_all(void);

/* The process layer sets this at boot: the mm of a next process that is not enrolled, and whose
   lock nobody had; the caller has it now. *place tells where the search goes on; it begins with 0.
   NULL: there is no other. */
extern struct mm_struct *(*rmap_next_mm)(int *place);
