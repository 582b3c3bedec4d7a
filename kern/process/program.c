/* Finding, checking and loading programs. */
#include <elf.h>
#include <error.h>
#include <mm/pagetable.h>
#include <mm/vmm.h>
#include <process/program.h>
#include <string.h>

const struct user_program *program_find(const char *name)
{
    size_t first = 0, end = user_program_count;

    while (first < end) {               /* the table is in order of the names: tools/embed.py */
        size_t middle = first + (end - first) / 2;
        int order = strcmp(user_programs[middle].name, name);

        if (order == 0)
            return &user_programs[middle];
        if (order < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return NULL;
}

static const struct elfhdr *header(const struct user_program *program)
{
    return (const struct elfhdr *)program->start;
}

bool program_in_file(const struct user_program *program, uint64_t offset, uint64_t size)
{
    size_t length = program->end - program->start;

    return offset <= length && size <= length - offset;
}

static bool segment_ok(const struct user_program *program, const struct proghdr *ph)
{
    if (ph->p_type != ELF_PT_LOAD || ph->p_memsz == 0)
        return true;
    if ((ph->p_flags & ELF_PF_W) && (ph->p_flags & ELF_PF_X))
        return false;
    return ph->p_filesz <= ph->p_memsz && program_in_file(program, ph->p_offset, ph->p_filesz)
        && user_range_ok(ph->p_va, ph->p_va + ph->p_memsz)
        && ph->p_va + ph->p_memsz <= USTACKBASE;
}

int program_check(const struct user_program *program)
{
    const struct elfhdr *elf = header(program);

    if (!program_in_file(program, 0, sizeof(*elf)) || elf->e_magic != ELF_MAGIC
        || elf->e_class != ELF_CLASS64 || elf->e_data != ELF_DATA2LSB
        || elf->e_type != ET_EXEC || elf->e_machine != EM_RISCV
        || elf->e_phentsize != sizeof(struct proghdr) || elf->e_phoff % 8 != 0
        || !program_in_file(program, elf->e_phoff, (uint64_t)elf->e_phnum * sizeof(struct proghdr)))
        return -E_INVAL_ELF;
    const struct proghdr *ph = (const struct proghdr *)(program->start + elf->e_phoff);
    for (int i = 0; i < elf->e_phnum; i++)
        if (!segment_ok(program, &ph[i]))
            return -E_INVAL_ELF;
    return 0;
}

static uint32_t segment_flags(const struct proghdr *ph)
{
    return (ph->p_flags & ELF_PF_R ? VM_READ : 0) | (ph->p_flags & ELF_PF_W ? VM_WRITE : 0)
        | (ph->p_flags & ELF_PF_X ? VM_EXEC : 0);
}

static pte_t segment_rights(const struct proghdr *ph)
{
    return PTE_U | (ph->p_flags & (ELF_PF_R | ELF_PF_W) ? PTE_R : 0)
        | (ph->p_flags & ELF_PF_W ? PTE_W : 0) | (ph->p_flags & ELF_PF_X ? PTE_X : 0);
}

/* A new page with what the file has for it: bytes [low, high) at la, zeros around them. */
static int load_page(struct mm_struct *mm, uintptr_t la, uintptr_t low, uintptr_t high,
                     const uint8_t *bytes, pte_t rights)
{
    struct Page *page = alloc_page();

    if (page == NULL)
        return -E_NO_MEM;
    char *to = page2kva(page);
    memset(to, 0, low - la);
    memcpy(to + (low - la), bytes, high - low);
    memset(to + (high - la), 0, la + PGSIZE - high);
    if (page_insert(&mm->as, page, la, rights) != 0) {
        free_page(page);
        return -E_NO_MEM;
    }
    return 0;
}

/* Map a segment, and load the pages that have a part in the file; others are zeros on demand. */
static int load_segment(struct mm_struct *mm, const struct user_program *program,
                        const struct proghdr *ph)
{
    uintptr_t start = ROUNDDOWN(ph->p_va, PGSIZE), end = ROUNDUP(ph->p_va + ph->p_memsz, PGSIZE);
    uintptr_t file_end = ph->p_va + ph->p_filesz;
    int result = mm_map(mm, start, end - start, segment_flags(ph));

    for (uintptr_t la = start; result == 0 && la < file_end; la += PGSIZE) {
        uintptr_t low = la < ph->p_va ? ph->p_va : la;
        uintptr_t high = la + PGSIZE < file_end ? la + PGSIZE : file_end;

        result = load_page(mm, la, low, high, program->start + ph->p_offset + (low - ph->p_va),
                           segment_rights(ph));
    }
    if (end > mm->brk_start)
        mm->brk_start = mm->brk = end;
    return result == -E_INVAL ? -E_INVAL_ELF : result;
}

int program_load(const struct user_program *program, struct mm_struct *mm)
{
    const struct elfhdr *elf = header(program);
    const struct proghdr *ph = (const struct proghdr *)(program->start + elf->e_phoff);

    for (int i = 0; i < elf->e_phnum; i++) {
        if (ph[i].p_type != ELF_PT_LOAD || ph[i].p_memsz == 0)
            continue;
        int result = load_segment(mm, program, &ph[i]);
        if (result != 0)
            return result;
    }
    return mm_map(mm, USTACKTOP - PGSIZE, PGSIZE, VM_READ | VM_WRITE | VM_STACK);
}

uintptr_t program_entry(const struct user_program *program)
{
    return header(program)->e_entry;
}
