/* Moving bytes between a file and memory, see iobuf.h: pinning, and the moves.

   A buffer of the kernel is there, and may be touched at once: for it pin and unpin do nothing.

   A page of a program is found in its page table for each move, which is some ten loads; the table
   cannot change meanwhile, because the mm's lock is held. The kernel writes through its own map of
   all memory, so no fault can happen, and it does not matter which process runs. */
#include <error.h>
#include <fs/iobuf.h>
#include <mm/pagetable.h>
#include <mm/usercopy.h>
#include <string.h>

struct iobuf iobuf_kernel(void *base, size_t len, off_t offset)
{
    return (struct iobuf){ .io_base = (uintptr_t)base, .io_offset = offset, .io_resid = len };
}

struct iobuf iobuf_user(struct mm_struct *mm, uintptr_t base, size_t len, off_t offset)
{
    return (struct iobuf){ .mm = mm, .io_base = base, .io_offset = offset, .io_resid = len };
}

/* The page table entry of the next bytes, or 0 if the access is not possible as it stands. */
static pte_t entry_for(const struct mm_struct *mm, uintptr_t addr, uint32_t access)
{
    pte_t needed = PTE_V | PTE_U | (access == VM_WRITE ? PTE_W : PTE_R);
    pte_t *pte = get_pte(mm->as.pgdir, ROUNDDOWN(addr, PGSIZE), false);

    return pte != NULL && (*pte & needed) == needed ? *pte : 0;
}

/* An address beyond the program's half is refused before a table is looked at; so the sum cannot
   wrap around. A page that was there already costs no fault. */
long iobuf_pin(struct iobuf *iob, size_t len, uint32_t access)
{
    struct mm_struct *mm = iob->mm;
    size_t pinned = 0;
    int result = 0;

    if (len > iob->io_resid)
        len = iob->io_resid;
    if (mm == NULL || len == 0)
        return iob->pinned = len;
    mutex_lock(&mm->lock);
    while (pinned < len) {
        uintptr_t addr = iob->io_base + pinned;

        if (addr >= USERTOP || entry_for(mm, addr, access) == 0)
            result = mm_fault_locked(mm, addr, access);
        if (result != 0)
            break;
        pinned += PGSIZE - addr % PGSIZE;
    }
    if (pinned == 0) {
        mutex_unlock(&mm->lock);
        return result;
    }
    return iob->pinned = pinned < len ? pinned : len;
}

void iobuf_unpin(struct iobuf *iob)
{
    if (iob->mm != NULL && mutex_held(&iob->mm->lock))
        mutex_unlock(&iob->mm->lock);
    iob->pinned = 0;
}

/* The place goes on by n bytes. */
static void advance(struct iobuf *iob, size_t n)
{
    iob->io_base += n;
    iob->io_offset += n;
    iob->io_resid -= n;
}

/* Page by page, because neighbours in the address space need not be neighbours in memory. */
void iobuf_move(struct iobuf *iob, void *data, size_t n, bool in)
{
    assert(n <= iob->pinned);
    for (size_t step; n > 0; n -= step) {
        char *at = (char *)iob->io_base;

        step = n;
        if (iob->mm != NULL) {
            size_t offset = iob->io_base % PGSIZE;

            if (step > PGSIZE - offset)
                step = PGSIZE - offset;
            at = (char *)page2kva(pte2page(entry_for(iob->mm, iob->io_base, VM_READ))) + offset;
        }
        if (data == NULL)
            memset(at, 0, step);
        else
            memcpy(in ? at : data, in ? data : at, step);
        data = data != NULL ? (char *)data + step : NULL;
        iob->pinned -= step;
        advance(iob, step);
    }
}

void iobuf_zero(struct iobuf *iob, size_t n)
{
    iobuf_move(iob, NULL, n, true);
}

int iobuf_copy(struct iobuf *iob, void *data, size_t n, bool in)
{
    int error = 0;

    if (iob->mm == NULL)
        memcpy(in ? (void *)iob->io_base : data, in ? data : (void *)iob->io_base, n);
    else if (in)
        error = copy_to_user(iob->io_base, data, n);
    else
        error = copy_from_user(data, iob->io_base, n);
    if (error == 0)
        advance(iob, n);
    return error;
}
