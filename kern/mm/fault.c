/* Page faults: an access to an area whose page is not there yet, or is shared copy-on-write. Any
   other access that faults is the program's mistake (-E_FAULT), or memory has run out (-E_NO_MEM).

   mm_fault() is the way in: for the trap handler, when a program or a user copy has faulted. The
   kernel also makes pages before they are needed, for a program that it loads: mm_write(). Both go
   through mm_fault_locked(), so what a fault needs in general has one place.

   A fault is repaired with the mm's lock held, which is a mutex: so it may sleep, and two threads
   that fault on one page come one after the other; the second finds the page there. The lock also
   keeps the area from being unmapped meanwhile. The hardware is not told of an entry that was
   invalid before (see set_pte()); an entry that was valid is flushed on each hart that may have it
   (sfence.vma, Privileged spec 20211203, 4.2.1). The regions of exercises 3.4 and 5.4 are here. */
#include <error.h>
#include <mm/filemap.h>
#include <mm/pagetable.h>
#include <mm/reclaim.h>
#include <mm/rmap.h>
#include <mm/usercopy.h>
#include <string.h>

/* The rights of a page table entry in this area: PTE_U, and R, W, X as the area allows. A and D are
   not among them: pte_leaf_flags() adds those. */
static pte_t vma_rights(const struct vma_struct *vma)
{
    /* EXERCISE 3.4 begin: vma_rights */
    pte_t rights = PTE_U;

    if (vma->vm_flags & VM_READ)
        rights |= PTE_R;
    if (vma->vm_flags & VM_WRITE)
        rights |= PTE_R | PTE_W;        /* W without R is reserved (Privileged spec 4.3.1) */
    if (vma->vm_flags & VM_EXEC)
        rights |= PTE_X;
    return rights;
    /* EXERCISE 3.4 end */
}

/* The area that an address below the stack makes grow to it, or NULL if the address belongs to no
   stack: then it is a mistake of the program. Growing is limited to USTACKSIZE. The page below the
   stack stays unmapped, so that a stack that overflows does not run into its neighbour. */
static struct vma_struct *grow_stack(struct mm_struct *mm, uintptr_t addr)
{
    struct vma_struct *vma = find_vma_above(mm, addr);
    uintptr_t start = ROUNDDOWN(addr, PGSIZE);

    if (vma == NULL || !(vma->vm_flags & VM_STACK) || vma->vm_end - start > USTACKSIZE
        || start < USERBASE || find_vma_above(mm, start - PGSIZE) != vma)
        return NULL;
    vma->vm_start = start;              /* no area lies between: it would have been found */
    return vma;
}

/* Give this entry, which is invalid, a new page, full of zeros: a program must not see what another
   one left in it. 0 or -E_NO_MEM. */
static int map_zeroed_page(const struct vma_struct *vma, pte_t *pte)
{
    vma->vm_mm->faults[FAULT_ZERO]++;
    /* EXERCISE 3.4 begin: map_zeroed_page */
    struct Page *page = alloc_zeroed_page();

    if (page == NULL)
        return -E_NO_MEM;
    page->ref = 1;
    set_pte(pte, pte_make(page2pa(page), pte_leaf_flags(vma_rights(vma))));
    return 0;
    /* EXERCISE 3.4 end */
}

/* A write to a page that is shared copy-on-write: afterwards this mm has a page of its own there,
   with the same content, and may write to it. 0, or -E_NO_MEM and nothing has changed. */
static int break_cow(struct mm_struct *mm, uintptr_t la, pte_t *pte)
{
    mm->faults[FAULT_COPY]++;
    /* EXERCISE 5.4 begin: break_cow */
    /* With one reference left it is the mm's own, and only needs the right back; that count cannot
       rise meanwhile, because only a fork of this mm could raise it, which needs the mm's lock. */
    struct Page *old = pa2page(pte_paddr(*pte));
    pte_t flags = pte_leaf_flags((*pte & PTE_USER) | PTE_W);

    if (page_ref(old) == 1) {
        set_pte(pte, pte_make(page2pa(old), flags));    /* a stale one costs a fault, no more */
        return 0;
    }
    struct Page *copy = alloc_page();
    if (copy == NULL)
        return -E_NO_MEM;
    memcpy(page2kva(copy), page2kva(old), PGSIZE);
    copy->ref = 1;
    set_pte(pte, pte_make(page2pa(copy), flags));
    tlb_flush(&mm->as, la, PGSIZE);     /* other threads must not go on with the old page */
    page_ref_dec(old);
    return 0;
    /* EXERCISE 5.4 end */
}

/* A fault on a page that is there, in an area that allows the access: either the page is shared
   copy-on-write, or this hart has an old translation. 0 or -E_NO_MEM. */
static int mapped_fault(struct mm_struct *mm, uintptr_t la, pte_t *pte, uint32_t access)
{
    if (access == VM_WRITE && (*pte & PTE_COW))
        return break_cow(mm, la, pte);
    /* It is allowed by now: another thread faulted here too, and was first. */
    tlb_flush(&mm->as, la, PGSIZE);
    return 0;
}

/* Why a page may be there already: two threads touched it at the same time, and the other one was
   first; or this hart has an old translation, with fewer rights or none. */
int do_pgfault(struct mm_struct *mm, uintptr_t addr, uint32_t access)
{
    mm_assert_locked(mm);
    /* EXERCISE 3.4 begin: do_pgfault */
    uintptr_t la = ROUNDDOWN(addr, PGSIZE);
    struct vma_struct *vma = find_vma(mm, addr);

    if (vma == NULL)
        vma = grow_stack(mm, addr);
    if (vma == NULL || !(vma->vm_flags & access))
        return -E_FAULT;
    pte_t *pte = get_pte(mm->as.pgdir, la, true);
    if (pte == NULL)
        return -E_NO_MEM;
    if (!(*pte & PTE_V))
        return map_zeroed_page(vma, pte);
    return mapped_fault(mm, la, pte, access);
    /* EXERCISE 3.4 end */
}

pte_t vm_rights(uint32_t vm_flags)
{
    return PTE_U | (vm_flags & (VM_READ | VM_WRITE) ? PTE_R : 0)
        | (vm_flags & VM_WRITE ? PTE_W : 0) | (vm_flags & VM_EXEC ? PTE_X : 0);
}

/* A process is to write to a page of its pager's in a private area: its own copy instead of that.
   The pager's page is given back, whatever happens; NULL if there is no memory. */
static struct Page *own_copy(struct Page *page)
{
    struct Page *copy = alloc_page();

    if (copy != NULL) {
        memcpy(page2kva(copy), page2kva(page), PGSIZE);
        copy->ref = 1;
    }
    page_ref_dec(page);
    return copy;
}

/* Find the page for la in an area that has a pager, and map it. It has a reference for the entry
   already. A private area that may be written gets the right with a copy only: at once for a write,
   later copy-on-write, if the kernel has that; else each of its pages is copied. A page to which
   nobody else has a reference is the process's own already. */
static int map_paged(struct mm_struct *mm, struct vma_struct *vma, uintptr_t la, uint32_t access)
{
    const struct pager *pager = vma->pager;
    pte_t rights = vm_rights(vma->vm_flags), *pte;
    struct Page *page;
    int result = pager->page(vma, la, access, &page);

    if (result != 0)
        return result;
    if ((rights & PTE_W) && (vma->vm_flags & VM_SHARED)) {
        if (access != VM_WRITE && pager->asked_to_write)
            rights &= ~PTE_W;
    } else if ((rights & PTE_W) && page_ref(page) > 1) {
        if (access == VM_WRITE || !fork_shares)
            page = own_copy(page);
        else
            rights ^= PTE_W | PTE_COW;
    }
    pte = page != NULL ? get_pte(mm->as.pgdir, la, true) : NULL;
    if (pte == NULL) {
        if (page != NULL)
            page_ref_dec(page);
        return -E_NO_MEM;
    }
    pte_t old = *pte;
    mm->faults[FAULT_FILE]++;
    /* Before the entry: a hart that finds it may run what is in the page at once. */
    if (rights & PTE_X)
        fetch_flush(&mm->as);
    set_pte(pte, pte_make(page2pa(page), pte_leaf_flags(rights)));
    if (old & PTE_V) {                  /* a shared page, or a hole, that was only read so far */
        tlb_flush(&mm->as, la, PGSIZE);
        page_ref_dec(pte2page(old));
    }
    return 0;
}

/* A fault in an mm that has areas with a pager, if it is in one of them: as do_pgfault(). What is
   mapped already is either a private page, to be copied or not, or a shared one. */
static int pager_fault(struct mm_struct *mm, uintptr_t addr, uint32_t access)
{
    uintptr_t la = ROUNDDOWN(addr, PGSIZE);
    struct vma_struct *vma = find_vma(mm, addr);

    if (vma == NULL || vma->pager == NULL)
        return do_pgfault(mm, addr, access);
    if (!(vma->vm_flags & access))
        return -E_FAULT;
    pte_t *pte = get_pte(mm->as.pgdir, la, false);
    if (pte == NULL || !(*pte & PTE_V))
        return map_paged(mm, vma, la, access);
    if (access == VM_WRITE && !(*pte & (PTE_W | PTE_COW)))
        return map_paged(mm, vma, la, access);
    return do_pgfault(mm, addr, access);
}

/* A fault on a valid entry that needs no page: true if nothing else is to be done. Either it allows
   the access, and the hardware wants A set, or D for a write, and does not do so itself (Privileged
   spec 20211203, 4.3.1); or this hart has an old translation. Or it is a write to a page that is
   copy-on-write only because it has a copy on the disk, which nobody else needs. */
static bool entry_repaired(struct mm_struct *mm, uintptr_t la, pte_t *pte, uint32_t access)
{
    pte_t right = access == VM_WRITE ? PTE_W : access == VM_EXEC ? PTE_X : PTE_R;

    if (!(*pte & PTE_V))
        return false;
    if (*pte & right)
        /* pairs with the processor: no bit that it sets is lost */
        pte_or(pte, access == VM_WRITE ? PTE_A | PTE_D : PTE_A);
    else if (access == VM_WRITE && (*pte & PTE_COW) && swap_cache_own(pte2page(*pte)))
        set_pte(pte, (*pte & ~(pte_t)PTE_COW) | pte_leaf_flags(PTE_W));
    else
        return false;
    tlb_flush(&mm->as, la, PGSIZE);
    return true;
}

/* A fault in an mm whose pages are enrolled, or are out: that comes first, for all else takes such
   an entry for an empty one. A page that was made is enrolled if the others are. As
   do_pgfault(). */
static int paging_fault(struct mm_struct *mm, uintptr_t addr, uint32_t access)
{
    uintptr_t la = ROUNDDOWN(addr, PGSIZE);
    struct vma_struct *vma = find_vma(mm, addr);
    pte_t *pte = get_pte(mm->as.pgdir, la, false);
    int result = 0;

    if (vma != NULL && !(vma->vm_flags & access))
        return -E_FAULT;
    if (vma != NULL && pte != NULL && mm->paged_out > 0 && pte_is_swapped(*pte)) {
        /* The access may still want more than that: a copy, for a write to what others have too. */
        result = swap_in(mm, la, pte, vm_rights(vma->vm_flags), access);
        mm->faults[FAULT_SWAP] += result == 0;
    }
    if (result != 0 || (pte != NULL && entry_repaired(mm, la, pte, access)))
        return result;
    result = pager_fault(mm, addr, access);
    if (result == 0 && mm->enrolled)            /* the area may be a stack that has grown */
        mm_enrol(mm, find_vma(mm, addr), la, *get_pte(mm->as.pgdir, la, false));
    return result;
}

/* What few faults need. */
static __never_inlined int extra_fault(struct mm_struct *mm, uintptr_t addr, uint32_t access)
{
    if (mm->extras & MM_PAGING)
        return paging_fault(mm, addr, access);
    return pager_fault(mm, addr, access);
}

/* Is addr in an area without a pager for sure, and nothing paged? Each program has a pager, for its
   text, but most faults are not there, and follow one in the same area: so that area is asked, and
   all others do not pay. */
static inline bool plain_fault(const struct mm_struct *mm, uintptr_t addr)
{
    const struct vma_struct *last = mm->mmap_cache;

    return !(mm->extras & MM_PAGING) && last != NULL && last->pager == NULL
           && last->vm_start <= addr && addr < last->vm_end;
}

/* An address of the kernel's half is refused here and not by the areas: no area will ever lie
   there, and what is below can count on it. The lock is held. */
static __always_inlined int repair(struct mm_struct *mm, uintptr_t addr, uint32_t access)
{
    if (access == 0 || addr >= USERTOP)
        return -E_FAULT;
    if (unlikely(!plain_fault(mm, addr)))
        return extra_fault(mm, addr, access);
    return do_pgfault(mm, addr, access);
}

/* A caller without the lock is found whatever the address is. */
int mm_fault_locked(struct mm_struct *mm, uintptr_t addr, uint32_t access)
{
    mm_assert_locked(mm);
    return repair(mm, addr, access);
}

/* A fault that could not be repaired as it was: 0 if it is of use that the access is tried again.
   Memory has run out: without the lock pages of this process can go too; one that was killed
   meanwhile has no use for a page. Or a map of a file is busy. */
static __never_inlined int fault_failed(int error)
{
    if (error == -E_BUSY) {
        filemap_wait(false);
        return 0;
    }
    if (error == -E_NO_MEM && !atomic_load(&this_cpu->task->killed)
        && (reclaim_when_short() || (filemap_wait != NULL && filemap_wait(true))))
        return 0;
    return error;
}

/* The lock is taken before anything is looked at: what is true without it may be over at once.

   After -E_BUSY the same access is tried again here. An instruction that reads and writes, amoadd,
   is on some machines (QEMU with icount) a load and then a store: if the program began it anew, its
   load would map the page of zeros again, for which its store would be busy again, for ever. */
int mm_fault(struct mm_struct *mm, uintptr_t addr, uint32_t access)
{
    int result, error;

    if (mm == NULL)
        return -E_FAULT;
    do {
        mutex_lock(&mm->lock);
        result = repair(mm, addr, access);
        mutex_unlock(&mm->lock);
        if (likely(result == 0))
            return 0;
        error = fault_failed(result);
    } while (result == -E_BUSY && !atomic_load(&this_cpu->task->killed));
    return error;
}

/* What mm_write() needs: the kernel's address of a page that may be written. A page that is missing
   or shared is made first, as for a program. NULL, with the error in *result, if that fails. */
static void *writable_page(struct mm_struct *mm, uintptr_t la, int *result)
{
    pte_t *pte = get_pte(mm->as.pgdir, la, false);

    if (pte == NULL || !(*pte & PTE_V) || !(*pte & PTE_W)) {
        *result = mm_fault_locked(mm, la, VM_WRITE);
        if (*result != 0)
            return NULL;
        pte = get_pte(mm->as.pgdir, la, false);
    }
    return kva(pte_paddr(*pte));
}

/* Page by page, because neighbours in the address space need not be neighbours in memory. The
   kernel writes through its own map of all memory, so no fault can happen in what it writes to.
   With is_user the source is the current process's memory. */
static int write_pages(struct mm_struct *mm, uintptr_t addr, uintptr_t src, size_t n, bool is_user)
{
    int result = 0;

    for (size_t step; result == 0 && n > 0; addr += step, src += step, n -= step) {
        size_t offset = addr % PGSIZE;
        char *page = writable_page(mm, addr - offset, &result);

        step = PGSIZE - offset < n ? PGSIZE - offset : n;
        if (page != NULL && is_user)
            result = copy_from_user(page + offset, src, step);
        else if (page != NULL)
            memcpy(page + offset, (const void *)src, step);
    }
    return result;
}

int mm_write(struct mm_struct *mm, uintptr_t addr, const void *src, size_t n)
{
    mm_assert_locked(mm);
    return write_pages(mm, addr, (uintptr_t)src, n, false);
}

/* A page of an mm that nobody else knows stays where it is, also while one of the current process
   is paged in. */
int mm_write_from_user(struct mm_struct *mm, uintptr_t addr, uintptr_t usrc, size_t n)
{
    assert(!mm->published);
    return write_pages(mm, addr, usrc, n, true);
}
