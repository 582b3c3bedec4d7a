/* Families, the search for the entries that map a page, and enrolment: see rmap.h.

   Who holds what: a family's mutex guards its list of mms. An mm leaves the list before anything of
   it is freed; so as long as the mutex is held, each mm in the list is whole, and its lock can be
   tried. A family is freed with its last use: an mm, or an enrolled page. Who looks for mms that
   are not enrolled yet holds `enrolling` from when he finds one, by its process, until he has
   released its lock; an mm of which somebody has the lock waits for that before it goes.

   An enrolled page has, beside PG_ANON, the number of its virtual page in the upper bits of
   `flags`, and in the upper half of `property` the place of its family, in units of 16 bytes from
   the beginning of memory: 64 GiB need 32 bits of it. The lower half is its slot (swap.c). */
#include <debug/panic.h>
#include <error.h>
#include <mm/kmalloc.h>
#include <mm/pagetable.h>
#include <mm/rmap.h>

struct mm_struct *(*rmap_next_mm)(int *place);

/* One family, with two mms that came from each other by fork, and a page that both map:

     struct family          mms of the list            page tables
     +------------+         +----+    +----+
     | lock, mms  |-------> | A  |--->| B  |           A: la -> page
     | count: 3   |         +----+    +----+           B: la -> page
     +------------+                                    page: family, la
        ^  ^  ^------------- uses: A, B, the page

   The address is the same in all of them, because fork copies a page to its own address. So one
   number in the page is enough to find each entry, and no list of entries is needed. */
static struct kmem_cache family_cache;
static struct mutex enrolling;
static size_t enrolled;                 /* pages that the policy knows; by swap_lock */

void rmap_init(void)
{
    kmem_cache_init(&family_cache, "family", sizeof(struct family));
    mutex_init(&enrolling, "enrolment", MUTEX_MM, 0);
}

int family_begin(struct mm_struct *mm)
{
    struct family *family = kmem_cache_alloc(&family_cache);

    if (family == NULL)
        return -E_NO_MEM;
    family->count = 1;
    mutex_init(&family->lock, "the mms of a family", MUTEX_AREAS, 0);
    list_init(&family->mms);
    mm->family = family;
    return 0;
}

/* By family_put(), with the last use. No mm is in the list then, for each of them is a use. */
void family_free(struct family *family)
{
    kmem_cache_free(&family_cache, family);
}

/* Nobody finds the mm by a process any more. Somebody may have found it before: he has its lock, so
   its state is not 0. He may still be in the middle of releasing it when that can be taken here, so
   it is another mutex that is waited for. */
void family_unlink(struct mm_struct *mm)
{
    mutex_lock(&enrolling);
    mutex_unlock(&enrolling);
    if (!mm->enrolled)
        return;
    mutex_lock(&mm->family->lock);
    list_del(&mm->family_link);
    mutex_unlock(&mm->family->lock);
}

/* These two read what page_make_anon() has written once; it does not change until the page has no
   reference. So who has one needs no lock for them. */
uintptr_t page_la(const struct Page *page)
{
    return (uintptr_t)(page->flags >> PG_INDEX_SHIFT) << PGSHIFT;
}

struct family *page_family(const struct Page *page)
{
    return (struct family *)((uintptr_t)kva(pages_base) + (page->property >> 32 << 4));
}

/* The use of the family is counted here, and given back by page_forget(). If it were not, the mms
   could all end while a page is in the cache, and page_family() would lead to freed memory. */
void page_make_anon(struct Page *page, struct family *family, uintptr_t la)
{
    assert(spin_held(&swap_lock));
    page->flags = PG_ALLOCATED | PG_ANON | (uint32_t)(la >> PGSHIFT) << PG_INDEX_SHIFT;
    page->property = ((uintptr_t)family - (uintptr_t)kva(pages_base)) >> 4 << 32;
    /* no pair: the lock of the address space is held, and one is counted already */
    atomic_add(&family->count, 1);
}

/* The first look is without the lock, because most pages are known at most calls. The flag may be
   set by another task right behind it: so with the lock it is looked at once more. */
void page_enrol(struct Page *page, struct family *family, uintptr_t la)
{
    const uint32_t known = PG_ANON | PG_SWAPPABLE;

    if ((page->flags & known) == known)
        return;
    spin_lock(&swap_lock);
    if (page->flags == PG_ALLOCATED)
        page_make_anon(page, family, la);
    if ((page->flags & known) == PG_ANON) {
        page->flags |= PG_SWAPPABLE;
        swap_manager()->map_swappable(page);
        enrolled++;
    }
    spin_unlock(&swap_lock);
}

size_t rmap_enrolled(void)
{
    return atomic_load(&enrolled);
}

/* Nobody has a reference to it, so it is not in the cache, and not locked. */
void page_forget(struct Page *page)
{
    struct family *family = NULL;

    spin_lock(&swap_lock);
    assert(!(page->flags & PG_LOCKED) && page_slot(page) == 0);
    if (page->flags & PG_SWAPPABLE) {
        swap_manager()->set_unswappable(page);
        enrolled--;
    }
    if (page->flags & PG_ANON)
        family = page_family(page);
    page->flags = PG_ALLOCATED;
    spin_unlock(&swap_lock);
    if (family != NULL)
        family_put(family);
}

/* The page has a reference of the caller's, so it stays enrolled, and its family stays. Most pages
   have one entry: when as many are found as there are references for entries, nobody else need be
   asked, and it does not matter who is busy. A fork may add one meanwhile, which is passed over.

   All locks are tried and none is waited for. The task that calls this may have the lock of one
   mm already, when its own allocation has made memory short; another task may do the same the
   other way round:

     task 1 has A's lock              task 2 has B's lock
     no memory: looks for a page      no memory: looks for a page
     wants B's lock                   wants A's lock: nobody goes on, ever */
bool page_for_each_entry(struct Page *page, entry_fn *fn, void *arg)
{
    struct family *family = page_family(page);
    uintptr_t la = page_la(page);
    uint32_t left = page_ref(page) - 1 - (page_slot(page) != 0);
    bool all = true;

    assert((page->flags & PG_ANON) && page_ref(page) > 0);
    if (!mutex_trylock(&family->lock))
        return false;
    for (list_entry_t *pos = list_next(&family->mms); pos != &family->mms && left > 0;
         pos = list_next(pos)) {
        struct mm_struct *mm = to_struct(pos, struct mm_struct, family_link);

        if (!mutex_trylock(&mm->lock)) {
            all = false;
            continue;
        }
        pte_t *pte = get_pte(mm->as.pgdir, la, false);
        if (pte != NULL && (*pte & PTE_V) && pte2page(*pte) == page) {
            fn(mm, la, pte, page, arg);
            left--;
        }
        mutex_unlock(&mm->lock);
    }
    mutex_unlock(&family->lock);
    return all || left == 0;
}

/* Pages of a pager are in a shared area, or have a flag (PG_CACHED), or are the kernel's own,
   without PG_ALLOCATED: page_enrol() passes over the last two. */
void mm_enrol(struct mm_struct *mm, const struct vma_struct *vma, uintptr_t la, pte_t pte)
{
    if ((pte & PTE_V) && !(vma->vm_flags & VM_SHARED))
        page_enrol(pte2page(pte), mm->family, la);
}

/* The mm joins the list of its family, and all its pages become known. */
bool mm_enrol_all(struct mm_struct *mm)
{
    mm_assert_locked(mm);
    if (mm->enrolled || mm->family == NULL || !mutex_trylock(&mm->family->lock))
        return false;
    list_add(&mm->family->mms, &mm->family_link);
    mutex_unlock(&mm->family->lock);
    mm->enrolled = true;
    mm->extras |= MM_PAGING;
    list_for_each(pos, &mm->mmap_list) {
        struct vma_struct *vma = le2vma(pos);

        for (uintptr_t la = vma->vm_start, stop; la < vma->vm_end; la = stop) {
            pte_t *pte = get_pte(mm->as.pgdir, la, false);

            stop = table_end(mm->as.pgdir, la, vma->vm_end);
            for (; pte != NULL && la < stop; la += PGSIZE, pte++)
                mm_enrol(mm, vma, la, *pte);
        }
    }
    return true;
}

/* Enrolment begins only when memory is short. So a machine with enough of it pays nothing for the
   lists, and nothing for flags of pages: most programs end before anybody asks. */
void rmap_enrol_all(void)
{
    struct mm_struct *mm;
    int place = 0;

    if (!mutex_trylock(&enrolling))
        return;                         /* another task is at it */
    while ((mm = rmap_next_mm(&place)) != NULL) {
        mm_enrol_all(mm);
        mutex_unlock(&mm->lock);
    }
    mutex_unlock(&enrolling);
}
