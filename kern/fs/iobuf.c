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

/* For iobuf_pin(): the page behind what is pinned is to be made possible to access. */
struct pinning {
    struct iobuf *iob;
    size_t pinned;
    uint32_t access;
    int result;                     /* 0: look at the page behind what is pinned again */
};

/* Do so, by a fault. If that has to wait, the lock is given back meanwhile, and nothing counts as
   pinned: it may be gone. If it cannot be done and nothing is pinned, the lock is given back. This
   is almost never called, so it is called by rare_call(). */
static void pin_page(const void *which)
{
    struct pinning *page = (struct pinning *)which;
    struct mm_struct *mm = page->iob->mm;

    page->result = mm_fault_locked(mm, page->iob->io_base + page->pinned, page->access);
    bool busy = page->result == -E_BUSY;
    if (busy || (page->result != 0 && page->pinned == 0)) {
        mutex_unlock(&mm->lock);
        /* Who writes back takes the lock of each mm that maps the file, and this is one of them. */
        if (busy)
            filemap_wait(false);
        /* Without the lock, so that pages of this program can go too. */
        if (busy || (page->result == -E_NO_MEM && reclaim_when_short())) {
            page->result = 0;
            page->pinned = 0;
            mutex_lock(&mm->lock);
        }
    }
}

/* An address beyond the program's half is refused before a table is looked at; so the sum cannot
   wrap around. A page that was there already costs no fault. */
long iobuf_pin(struct iobuf *iob, size_t len, uint32_t access)
{
    const pte_t needed = PTE_V | PTE_U | (access == VM_WRITE ? PTE_W : PTE_R);
    struct mm_struct *mm = iob->mm;
    const pte_t *entry = NULL;
    size_t pinned = 0;

    if (len > iob->io_resid)
        len = iob->io_resid;
    if (mm == NULL || len == 0)
        return len;
    mutex_lock(&mm->lock);
    while (pinned < len) {
        uintptr_t addr = iob->io_base + pinned;

        entry = addr < USERTOP ? entry_of(mm, addr, entry) : NULL;
        if (unlikely(entry == NULL || (*entry & needed) != needed)) {
            struct pinning page = { iob, pinned, access, 0 };

            rare_call(pin_page, &page);
            if (page.result != 0)
                return pinned == 0 ? page.result : (long)(iob->pinned = pinned);
            pinned = page.pinned;
            entry = NULL;
            continue;
        }
        if (pinned == 0)
            enter_page(iob, addr, entry);
        pinned += PGSIZE - addr % PGSIZE;
    }
    return iob->pinned = len;
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
    if (iob->mm == NULL) {
        iobuf_move(iob, data, n, in);
        return 0;
    }
    int error = in ? copy_to_user(iob->io_base, data, n) : copy_from_user(data, iob->io_base, n);
    if (error == 0)
        iobuf_advance(iob, n);
    return error;
}
