/* The pager of files: see filemap.h.

   A fault asks for a page, with the mm's lock held; the file system finds the block, which may have
   to be read. What comes back is the cache's page with a reference for the entry. In a private area
   it is mapped without the right to write, so nothing that a program does there reaches the file:
   mm/fault.c gives it a copy. A private page stays what it was mapped as, also if somebody writes
   to the file later: then it shows that, as long as it is not a copy. The file that a program runs
   from cannot be written to meanwhile. */
#include <fs/filemap.h>
#include <fs/mmap.h>
#include <mm/pmm.h>

/* A hole has no block: its zeros are the process's own from the start. */
static int file_page(struct vma_struct *vma, uintptr_t la, __not_used uint32_t access,
                     struct Page **page)
{
    struct inode *node = vma->backing;
    int result = vop_data(node, vop_page, (vma->offset + (la - vma->vm_start)) / PGSIZE, page);

    if (result != 0 || *page != NULL)
        return result;
    *page = alloc_zeroed_page();
    if (*page == NULL)
        return -E_NO_MEM;
    page_ref_inc(*page);
    return 0;
}

const struct pager file_pager = { .page = file_page, .close = mmap_leave, .family = mmap_family };
