/* Programs of the kernel's image: how they become the memory of a process. They lie in memory
   already, and nothing is read or copied that can be mapped as it is.

   tools/embed.py has checked each of them when the kernel was built, and lets each begin on a page;
   tools/user.ld puts each segment at the same place in a page as in memory. So a page of a segment
   is a page of the image, and all who run the program share it, read-only, as the kernel sees it
   itself. It is never free: its struct Page has one reference more than there are entries, from
   the first of them on.

   A page in which the part of the file begins or ends is a copy, with zeros around that; whole
   pages behind it (.bss) belong to an area without a pager. */
#include <elf.h>
#include <error.h>
#include <mm/pmm.h>
#include <process/program.h>
#include <string.h>

static const struct elfhdr *header_of(const struct user_program *program)
{
    return (const struct elfhdr *)program->start;
}

/* Number i of its segments. */
static const struct proghdr *segment_of(const struct user_program *program, int i)
{
    return (const struct proghdr *)(program->start + header_of(program)->e_phoff) + i;
}

uintptr_t program_entry(const struct user_program *program)
{
    return header_of(program)->e_entry;
}

/* A new page with what the program has for [low, high) of the page at la. NULL: no memory. */
static struct Page *partial_page(uintptr_t la, uintptr_t low, uintptr_t high, const uint8_t *from)
{
    struct Page *page = alloc_zeroed_page();

    if (page != NULL) {
        memcpy((char *)page2kva(page) + (low - la), from, high - low);
        page_ref_inc(page);
    }
    return page;
}

/* The segment is found by the address, so it does not matter which part of the area is left. */
static int image_page(struct vma_struct *vma, uintptr_t la, __not_used uint32_t access,
                      struct Page **page)
{
    const struct user_program *program = vma->backing;
    const struct proghdr *ph = segment_of(program, 0);

    while (ph->p_type != ELF_PT_LOAD || la + PGSIZE <= ph->p_va
           || la >= ROUNDUP(ph->p_va + ph->p_filesz, PGSIZE))
        ph++;
    uintptr_t low = la < ph->p_va ? ph->p_va : la, file_end = ph->p_va + ph->p_filesz;
    uintptr_t high = la + PGSIZE < file_end ? la + PGSIZE : file_end;
    const uint8_t *from = program->start + ph->p_offset + (low - ph->p_va);
    *page = high - low == PGSIZE ? constant_page(from) : partial_page(la, low, high, from);
    return *page != NULL ? 0 : -E_NO_MEM;
}

static const struct pager image_pager = { .page = image_page };

/* Two areas at most: pages that the image has a part of, and those that are zeros. */
static int map_segment(const struct user_program *program, const struct proghdr *ph,
                       struct mm_struct *mm)
{
    const uint32_t flags = segment_flags(ph);
    uintptr_t start = ROUNDDOWN(ph->p_va, PGSIZE), end = ROUNDUP(ph->p_va + ph->p_memsz, PGSIZE);
    uintptr_t file_end = ph->p_filesz > 0 ? ROUNDUP(ph->p_va + ph->p_filesz, PGSIZE) : start;
    int result = 0;

    if (file_end > start)
        result = mm_map_pager(mm, start, file_end - start, flags, &image_pager, (void *)program, 0);
    if (result == 0 && end > file_end)
        result = mm_map(mm, file_end, end - file_end, flags);
    program_end(mm, end);
    return result;
}

int program_map(const struct user_program *program, struct mm_struct *mm)
{
    int result = program_stack(mm);

    for (int i = 0; result == 0 && i < header_of(program)->e_phnum; i++) {
        const struct proghdr *ph = segment_of(program, i);

        if (ph->p_type == ELF_PT_LOAD && ph->p_memsz > 0)
            result = map_segment(program, ph, mm);
    }
    return result;
}
