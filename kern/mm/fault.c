/* Page faults: an access to an area whose page is not there yet, or is shared copy-on-write.
   What is neither is the program's mistake, or memory has run out. */
#include <error.h>
#include <mm/pagetable.h>
#include <mm/vmm.h>
#include <string.h>

/* The rights of a page table entry in this area. */
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

/* The area that an address below the stack makes grow to it, or NULL. The page below it stays
   unmapped: who overflows a stack does not write into its neighbour. */
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

/* Give this entry, which is invalid, a new page. 0 or -E_NO_MEM. */
static int map_zeroed_page(const struct vma_struct *vma, pte_t *pte)
{
    /* EXERCISE 3.4 begin: map_zeroed_page */
    struct Page *page = alloc_zeroed_page();

    if (page == NULL)
        return -E_NO_MEM;
    page->ref = 1;
    set_pte(pte, pte_make(page2pa(page), pte_leaf_flags(vma_rights(vma))));
    return 0;
    /* EXERCISE 3.4 end */
}

/* A write to a page that is shared copy-on-write. 0 or -E_NO_MEM. */
static int break_cow(struct mm_struct *mm, uintptr_t la, pte_t *pte)
{
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

/* A fault on a page that is there, in an area that allows the access. */
static int mapped_fault(struct mm_struct *mm, uintptr_t la, pte_t *pte, uint32_t access)
{
    if (access == VM_WRITE && (*pte & PTE_COW))
        return break_cow(mm, la, pte);
    /* It is allowed by now: another thread faulted here too, and was first. */
    tlb_flush(&mm->as, la, PGSIZE);
    return 0;
}

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

/* All page faults come this way, and those that the kernel makes for others. */
int mm_fault_locked(struct mm_struct *mm, uintptr_t addr, uint32_t access)
{
    if (access == 0 || addr >= USERTOP)
        return -E_FAULT;
    return do_pgfault(mm, addr, access);
}

int mm_fault(struct mm_struct *mm, uintptr_t addr, uint32_t access)
{
    if (mm == NULL)
        return -E_FAULT;
    mutex_lock(&mm->lock);
    int result = mm_fault_locked(mm, addr, access);
    mutex_unlock(&mm->lock);
    return result;
}

/* What mm_write() needs: the kernel's address of a page that may be written. */
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

int mm_write(struct mm_struct *mm, uintptr_t addr, const void *src, size_t n)
{
    int result = 0;

    mm_assert_locked(mm);
    while (n > 0) {
        size_t offset = addr % PGSIZE;
        size_t step = PGSIZE - offset < n ? PGSIZE - offset : n;
        char *page = writable_page(mm, addr - offset, &result);

        if (page == NULL)
            return result;
        memcpy(page + offset, src, step);
        addr += step;
        src = (const char *)src + step;
        n -= step;
    }
    return 0;
}
