/* See space.h. Areas are in an array, in no order. A page that is inserted is its area's; a page of
   an area with a pager is that of the file, at the offset that mm_map_pager() was told. */
#include "space.h"
#include "below.h"
#include <error.h>
#include <mm/filemap.h>
#include <mm/pagetable.h>
#include <fs/filemap.h>
#include <string.h>

#define AREAS   64
#define PAGES   512

static struct area {
    uintptr_t start, end;
    uint32_t flags;
    bool paged;                         /* has a pager */
    uint64_t offset;
} areas[AREAS];
static struct { uintptr_t la; struct Page *page; pte_t rights; } loaded[PAGES];
static size_t area_count, page_count;
static struct mm_struct mm;

const struct pager file_pager = { .page = NULL };

struct mm_struct *space_begin(void)
{
    area_count = page_count = 0;
    mm = (struct mm_struct){ .mm_count = 1 };
    return &mm;
}

void space_end(void)
{
    while (page_count > 0)
        page_ref_dec(loaded[--page_count].page);
}

/* The area that an address is in, or NULL. */
static struct area *area_of(uintptr_t la)
{
    for (size_t i = 0; i < area_count; i++)
        if (areas[i].start <= la && la < areas[i].end)
            return &areas[i];
    return NULL;
}

/* The sum of addr and len may wrap around. */
static int add_area(uintptr_t addr, size_t len, uint32_t flags, bool paged, uint64_t offset)
{
    if (addr % PGSIZE != 0 || len % PGSIZE != 0 || !user_range_ok(addr, addr + len))
        return -E_INVAL;
    for (size_t i = 0; i < area_count; i++)
        if (addr < areas[i].end && areas[i].start < addr + len)
            return -E_INVAL;
    if (area_count == AREAS)
        return -E_NO_MEM;
    areas[area_count++] = (struct area){ addr, addr + len, flags, paged, offset };
    return 0;
}

int mm_map(struct mm_struct *space, uintptr_t addr, size_t len, uint32_t vm_flags)
{
    assert(space == &mm);
    return add_area(addr, len, vm_flags, false, 0);
}

int mm_map_pager(struct mm_struct *space, uintptr_t addr, size_t len, uint32_t vm_flags,
                 const struct pager *pager, void *backing, uint64_t offset)
{
    assert(space == &mm && pager == &file_pager && backing != NULL && offset % PGSIZE == 0);
    return add_area(addr, len, vm_flags, true, offset);
}

/* The rights as they are: nothing here needs the form of an entry. */
pte_t vm_rights(uint32_t vm_flags)
{
    return vm_flags;
}

int page_insert(struct addrspace *as, struct Page *page, uintptr_t la, pte_t perm)
{
    const struct area *area = area_of(la);

    assert(as == &mm.as && la % PGSIZE == 0 && area != NULL && !area->paged);
    assert(perm == area->flags);
    for (size_t i = 0; i < page_count; i++)
        assert(loaded[i].la != la);
    if (page_count == PAGES)
        return -E_NO_MEM;
    page_ref_inc(page);
    loaded[page_count].la = la;
    loaded[page_count++].page = page;
    return 0;
}

/* The page that is loaded at la, or NULL: zeros on demand. */
static const uint8_t *page_at(uintptr_t la)
{
    for (size_t i = 0; i < page_count; i++)
        if (loaded[i].la == la)
            return page2kva(loaded[i].page);
    return NULL;
}

/* One page of a segment, at la: it is from the file where the segment has bytes there. */
static void compare_page(const struct proghdr *ph, uintptr_t la, const uint8_t *file, size_t size)
{
    uintptr_t low = la < ph->p_va ? ph->p_va : la, file_end = ph->p_va + ph->p_filesz;
    uintptr_t high = la + PGSIZE < file_end ? la + PGSIZE : file_end;
    const struct area *area = area_of(la);
    const uint8_t *page = page_at(la);

    assert(area != NULL && area->flags == ((ph->p_flags & ELF_PF_R ? VM_READ : 0)
                                           | (ph->p_flags & ELF_PF_W ? VM_WRITE : 0)
                                           | (ph->p_flags & ELF_PF_X ? VM_EXEC : 0)));
    if (area->paged) {
        uint64_t offset = area->offset + (la - area->start);

        assert(high - low == PGSIZE && page == NULL);
        assert(offset == ph->p_offset + (la - ph->p_va) && offset + PGSIZE <= size);
        return;
    }
    if (low < high)
        assert(page != NULL && memcmp(page + (low - la), file + ph->p_offset + (low - ph->p_va),
                                      high - low) == 0);
    for (uintptr_t at = la; page != NULL && at < la + PGSIZE; at++)
        assert((at >= low && at < high) || page[at - la] == 0);
}

void space_compare(const uint8_t *file, size_t size)
{
    struct elfhdr elf;
    struct proghdr ph;

    memcpy(&elf, file, sizeof(elf));
    for (int i = 0; i < elf.e_phnum; i++) {
        memcpy(&ph, file + elf.e_phoff + i * sizeof(ph), sizeof(ph));
        if (ph.p_type != ELF_PT_LOAD || ph.p_memsz == 0)
            continue;
        /* Behind the file's part all pages are alike: the first and the last are looked at. */
        uintptr_t end = ROUNDUP(ph.p_va + ph.p_memsz, PGSIZE);
        uintptr_t file_end = ROUNDUP(ph.p_va + ph.p_filesz, PGSIZE);
        for (uintptr_t la = ROUNDDOWN(ph.p_va, PGSIZE); la < file_end && la < end; la += PGSIZE)
            compare_page(&ph, la, file, size);
        compare_page(&ph, end - PGSIZE, file, size);
        assert(mm.brk_start >= end && mm.brk == mm.brk_start);
    }
    assert(area_of(USTACKTOP - PGSIZE) != NULL && area_of(USERBASE - 1) == NULL);
}
