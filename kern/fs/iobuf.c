/* Moving bytes between a file and memory, see iobuf.h: pinning, and the moves.

   A buffer of the kernel is there, and may be touched at once: for it pin and unpin do nothing.

   A page of a program is found by its page table entry, which stays as it is while the mm's lock is
   held; the next page's is mostly the one behind it. The kernel writes through its own map of
   all memory, so no fault can happen, and it does not matter which process runs. */
#include <error.h>
#include <fs/iobuf.h>
#include <mm/pagetable.h>
#include <mm/usercopy.h>
#include <string.h>

/* With no mm the two fields that pinning sets are not looked at. */
struct iobuf iobuf_kernel(void *base, size_t len, off_t offset)
{
    return (struct iobuf){ .io_base = (uintptr_t)base, .io_offset = offset, .io_resid = len };
}

struct iobuf iobuf_user(struct mm_struct *mm, uintptr_t base, size_t len, off_t offset)
{
    return (struct iobuf){ .mm = mm, .io_base = base, .io_offset = offset, .io_resid = len };
}

/* The entry of the page at addr, of which `last` is that of the page before, or NULL: unknown. Most
   pages have theirs in the same table. */
static const pte_t *entry_of(const struct mm_struct *mm, uintptr_t addr, const pte_t *last)
{
    if (last != NULL && pt_index(addr, 0) != 0)
        return last + 1;
    return get_pte(mm->as.pgdir, ROUNDDOWN(addr, PGSIZE), false);
}

/* Make the page at addr possible to access as `needed` says. The entry, or NULL with *result. */
static const pte_t *pin_page(struct mm_struct *mm, uintptr_t addr, uint32_t access,
                             const pte_t *last, int *result)
{
    const pte_t needed = PTE_V | PTE_U | (access == VM_WRITE ? PTE_W : PTE_R);
    const pte_t *entry = addr < USERTOP ? entry_of(mm, addr, last) : NULL;

    if (likely(entry != NULL && (*entry & needed) == needed))
        return entry;
    *result = mm_fault_locked(mm, addr, access);
    return *result == 0 ? entry_of(mm, addr, NULL) : NULL;
}

/* An address beyond the program's half is refused before a table is looked at; so the sum cannot
   wrap around. A page that was there already costs no fault. */
long iobuf_pin(struct iobuf *iob, size_t len, uint32_t access)
{
    struct mm_struct *mm = iob->mm;
    const pte_t *entry = NULL;
    size_t pinned = 0;
    int result = 0;

    if (len > iob->io_resid)
        len = iob->io_resid;
    if (mm == NULL || len == 0)
        return iob->pinned = len;
    mutex_lock(&mm->lock);
    while (pinned < len) {
        uintptr_t addr = iob->io_base + pinned;

        entry = pin_page(mm, addr, access, entry, &result);
        if (entry == NULL)
            break;
        if (pinned == 0)
            iob->entry = entry;
        pinned += PGSIZE - addr % PGSIZE;
    }
    if (pinned == 0) {
        mutex_unlock(&mm->lock);
        return result;
    }
    return iob->pinned = pinned < len ? pinned : len;
}

/* For who has pinned nothing, and for the kernel's memory, too: so one way out is enough. */
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

/* The kernel's address of the next bytes. */
static char *bytes_of(const struct iobuf *iob)
{
    if (iob->mm == NULL)
        return (char *)iob->io_base;
    return (char *)page2kva(pte2page(*iob->entry)) + iob->io_base % PGSIZE;
}

/* Page by page, because neighbours in the address space need not be neighbours in memory. */
void iobuf_move(struct iobuf *iob, void *data, size_t n, bool in)
{
    assert(n <= iob->pinned);
    iob->pinned -= n;
    while (n > 0) {
        size_t left = PGSIZE - iob->io_base % PGSIZE, step = n;
        char *at = bytes_of(iob);

        if (iob->mm != NULL && step > left)
            step = left;
        if (data == NULL)
            memset(at, 0, step);
        else
            memcpy(in ? at : data, in ? data : at, step);
        advance(iob, step);
        n -= step;
        data = data != NULL ? (char *)data + step : NULL;
        if (step == left && iob->mm != NULL && iob->pinned + n > 0)
            iob->entry = entry_of(iob->mm, iob->io_base, iob->entry);
    }
}

void iobuf_zero(struct iobuf *iob, size_t n)
{
    iobuf_move(iob, NULL, n, true);
}

/* A part may have been copied before an error; as it does not count, it is done again or never. */
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
