/* Families, the search for the entries that map a page, and enrolment: see rmap.h.

   Who holds what: a family's mutex guards its list of mms. An mm leaves the list before anything of
   it is freed; so as long as the mutex is held, each mm in the list is whole, and its lock can be
   tried. A family is freed with its last use: an mm, or an enrolled page. Who looks for mms that
   are not enrolled yet holds `enrolling` from when he finds one, by its process, until he has
   released its lock; an mm of which somebody has the lock waits for that before it goes.

   An enrolled page has, beside PG_ANON, the number of its virtual page in the upper bits of
   `flags`, and in the upper half of `property` the place of its family, in units of 16 bytes from
   the beginning of memory: 64 GiB need 32 bits of it. The lower half is its slot (swap.c). A page
   with PG_FILE has the same, with its place in the file; its family is part of a file_map, and may
   outlive the inode. Such a page may leave the policy while it is in memory, and a block of the
   disk may become another file's: only who reclaims, or a task that has the page's only entry, does
   that, so nobody is just looking for its entries. */
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
    family_setup(family);
    mm->family = family;
    return 0;
}

void family_setup(struct family *family)
{
    family->count = 1;
    mutex_init(&family->lock, "who maps a page", MUTEX_AREAS, 0);
    list_init(&family->members);
}

/* By family_put(), with the last use. No member is in the list then: each mm is a use, and so is
   the inode, as long as there are areas. A file's family is the beginning of its file_map. */
void family_free(struct family *family)
{
    kfree(family);
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

/* These two read what page_make() has written once; it does not change until the page has no
   reference, or see the head. So who has one needs no lock for them. */
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
void page_make(struct Page *page, uint32_t kind, struct family *family, uintptr_t la)
{
    assert(spin_held(&swap_lock));
    page->flags |= kind | (uint32_t)(la >> PGSHIFT) << PG_INDEX_SHIFT;
    page->property = ((uintptr_t)family - (uintptr_t)kva(pages_base)) >> 4 << 32;
    /* no pair: the lock of the address space is held, and one is counted already */
    atomic_add(&family->count, 1);
}

/* The policy does not know the page any more. Its family, of which it is no use from now on, or
   NULL. With swap_lock held; giving the use back needs another lock, which ranks before. */
static struct family *page_leave(struct Page *page)
{
    struct family *family = page->flags & (PG_ANON | PG_FILE) ? page_family(page) : NULL;

    if (page->flags & PG_SWAPPABLE) {
        swap_manager()->set_unswappable(page);
        enrolled--;
    }
    page->flags &= PG_ALLOCATED | PG_CACHED | PG_LOCKED;
    return family;
}

/* The first look is without the lock, because most pages are known at most calls. The flag may be
   set by another task right behind it: so with the lock it is looked at once more. */
static void enrol(struct Page *page, uint32_t kind, struct family *family, uintptr_t la)
{
    const uint32_t known = kind | PG_SWAPPABLE;
    struct family *old = NULL;

    if ((page->flags & known) == known && page_family(page) == family && page_la(page) == la)
        return;
    spin_lock(&swap_lock);
    /* The block was another file's: the cache has a reference, and this entry the other. */
    if (kind == PG_FILE && (page->flags & PG_FILE) && page_ref(page) == 2)
        old = page_leave(page);
    if ((page->flags & ~(PG_CACHED | PG_LOCKED)) == PG_ALLOCATED)
        page_make(page, kind, family, la);
    if ((page->flags & known) == kind) {
        page->flags |= PG_SWAPPABLE;
        swap_manager()->map_swappable(page);
        enrolled++;
    }
    spin_unlock(&swap_lock);
    if (old != NULL)
        family_put(old);
}

void page_enrol(struct Page *page, struct family *family, uintptr_t la)
{
    enrol(page, PG_ANON, family, la);
}

size_t rmap_enrolled(void)
{
    return atomic_load(&enrolled);
}

/* If nobody has a reference to it, it is not in the cache of slots, and not locked. */
void page_forget(struct Page *page)
{
    spin_lock(&swap_lock);
    assert(page_slot(page) == 0 && (!(page->flags & PG_LOCKED) || page_ref(page) > 0));
    struct family *family = page_leave(page);
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
    uint32_t left = page_ref(page) - 1 - (page_slot(page) != 0 || (page->flags & PG_CACHED));
    bool all = true;

    assert((page->flags & (PG_ANON | PG_FILE)) && page_ref(page) > 0);
    if (!mutex_trylock(&family->lock))
        return false;
    for (list_entry_t *pos = list_next(&family->members); pos != &family->members && left > 0;
         pos = list_next(pos)) {
        const struct vma_struct *vma = page->flags & PG_FILE
            ? to_struct(pos, struct vma_struct, map_link) : NULL;
        struct mm_struct *mm = vma != NULL ? vma->vm_mm
            : to_struct(pos, struct mm_struct, family_link);

        if (!mutex_trylock(&mm->lock)) {
            all = false;
            continue;
        }
        uintptr_t la = page_la(page) + (vma != NULL ? vma->vm_start - vma->offset : 0);
        pte_t *pte = vma == NULL || (vma->vm_start <= la && la < vma->vm_end)
            ? get_pte(mm->as.pgdir, la, false) : NULL;
        if (pte != NULL && (*pte & PTE_V) && pte2page(*pte) == page) {
            fn(mm, la, pte, page, arg);
            left--;
        }
        mutex_unlock(&mm->lock);
    }
    mutex_unlock(&family->lock);
    return all || left == 0;
}

/* Of pages of a pager those of the block cache have a flag (PG_CACHED); others are a program's own
   copies, or the kernel's, without PG_ALLOCATED: those are passed over. */
void mm_enrol(struct mm_struct *mm, struct vma_struct *vma, uintptr_t la, pte_t pte)
{
    struct Page *page = pte2page(pte);

    if (!(pte & PTE_V))
        return;
    if (page->flags & PG_CACHED) {
        struct family *family = vma->pager->family(vma);

        if (family != NULL)
            enrol(page, PG_FILE, family, vma->offset + (la - vma->vm_start));
    } else {
        page_enrol(page, mm->family, la);
    }
}

/* The mm joins the list of its family, and all its pages become known. */
bool mm_enrol_all(struct mm_struct *mm)
{
    mm_assert_locked(mm);
    if (mm->enrolled || mm->family == NULL || !mutex_trylock(&mm->family->lock))
        return false;
    list_add(&mm->family->members, &mm->family_link);
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
