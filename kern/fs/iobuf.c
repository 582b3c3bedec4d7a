/* Moving bytes between a file and memory, see iobuf.h: pinning, and the moves.

   A buffer of the kernel is there, and may be touched at once: for it pin and unpin do nothing.

   A page of a program is found by its page table entry, which stays as it is while the mm's lock is
   held; the next page's is mostly the one behind it. The kernel writes through its own map of
   all memory, so no fault can happen, and it does not matter which process runs. */
#include <error.h>
#include <fs/iobuf.h>
#include <mm/filemap.h>
#include <mm/pagetable.h>
#include <mm/reclaim.h>
#include <mm/usercopy.h>
#include <string.h>

/* The entry of the page at addr, of which `last` is that of the page before, or NULL: unknown. Most
   pages have theirs in the same table. NULL: there is no table for the page. */
static inline const pte_t *entry_of(const struct mm_struct *mm, uintptr_t addr, const pte_t *last)
{
    const pte_t *table = mm->as.pgdir, *entry;

    if (last != NULL && pt_index(addr, 0) != 0)
        return last + 1;
    for (int level = 2; level > 0; level--) {
        entry = &table[pt_index(addr, level)];
        if (!(*entry & PTE_V))
            return NULL;
        table = kva(pte_paddr(*entry));
    }
    return &table[pt_index(addr, 0)];
}

/* The next bytes are at addr, in the page of this entry. */
static void enter_page(struct iobuf *iob, uintptr_t addr, const pte_t *entry)
{
    size_t offset = addr % PGSIZE;

    iob->at = (char *)kva(pte_paddr(*entry)) + offset;
    iob->row = PGSIZE - offset;
    iob->entry = entry;
}

/* A move goes on in the page at addr, which is pinned. */
static __never_inlined void next_page(struct iobuf *iob, uintptr_t addr)
{
    enter_page(iob, addr, entry_of(iob->mm, addr, iob->entry));
}

/* Make the page at addr possible to access, by a fault. The entry, or NULL with *result. */
static __never_inlined const pte_t *pin_page(struct mm_struct *mm, uintptr_t addr, uint32_t access,
                                             int *result)
{
    *result = mm_fault_locked(mm, addr, access);
    return *result == 0 ? entry_of(mm, addr, NULL) : NULL;
}

/* An address beyond the program's half is refused before a table is looked at; so the sum cannot
   wrap around. A page that was there already costs no fault. If a fault has to wait, the lock is
   given back, and all begins anew. */
long iobuf_pin(struct iobuf *iob, size_t len, uint32_t access)
{
    const pte_t needed = PTE_V | PTE_U | (access == VM_WRITE ? PTE_W : PTE_R);
    struct mm_struct *mm = iob->mm;
    const pte_t *entry = NULL;
    size_t pinned = 0;
    int result = 0;

    if (len > iob->io_resid)
        len = iob->io_resid;
    if (mm == NULL || len == 0)
        return len;
again:
    mutex_lock(&mm->lock);
    while (pinned < len) {
        uintptr_t addr = iob->io_base + pinned;

        entry = addr < USERTOP ? entry_of(mm, addr, entry) : NULL;
        if (unlikely(entry == NULL || (*entry & needed) != needed))
            entry = pin_page(mm, addr, access, &result);
        if (unlikely(entry == NULL)) {
            if (result != -E_BUSY)
                break;
            mutex_unlock(&mm->lock);
            /* Who writes back takes the lock of each mm that maps the file, and this is one of
               them. What was pinned before may be gone then: hence all from the start. */
            filemap_wait(false);
            mutex_lock(&mm->lock);
            result = 0;
            pinned = 0;
            continue;
        }
        if (pinned == 0)
            enter_page(iob, addr, entry);
        pinned += PGSIZE - addr % PGSIZE;
    }
    if (pinned == 0) {
        mutex_unlock(&mm->lock);
        /* Without the lock, so that pages of this program can go too. */
        if (result == -E_NO_MEM && reclaim_when_short())
            goto again;
        return result;
    }
    return iob->pinned = pinned < len ? pinned : len;
}

/* Page by page, because neighbours in the address space need not be neighbours in memory. The
   kernel's memory is one row. */
void iobuf_move(struct iobuf *iob, void *data, size_t n, bool in)
{
    size_t step;

    assert(n <= iob->pinned);
    for (size_t done = 0; done < n; done += step) {
        if (iob->row == 0)
            next_page(iob, iob->io_base + done);
        step = n - done < iob->row ? n - done : iob->row;
        if (data == NULL)
            memset(iob->at, 0, step);
        else if (in)
            memcpy(iob->at, (char *)data + done, step);
        else
            memcpy((char *)data + done, iob->at, step);
        iob->at += step;
        iob->row -= step;
    }
    iob->pinned -= n;
    iobuf_advance(iob, n);
}

void iobuf_zero(struct iobuf *iob, size_t n)
{
    iobuf_move(iob, NULL, n, true);
}

/* A part may have been copied before an error; as it does not count, it is done again or never. */
int iobuf_copy(struct iobuf *iob, void *data, size_t n, bool in)
{
    int error = 0;

    if (iob->mm == NULL) {
        iobuf_move(iob, data, n, in);
        return 0;
    }
    if (in)
        error = copy_to_user(iob->io_base, data, n);
    else
        error = copy_from_user(data, iob->io_base, n);
    if (error == 0)
        iobuf_advance(iob, n);
    return error;
}
