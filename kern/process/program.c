/* Reading, checking and loading programs; program.h has the rules for what is read of a file.

   A program's memory:

     an area for each PT_LOAD segment, or some in a row, from p_va on, with the segment's rights.
       Pages that lie whole in the file come from there when they are touched; others that have a
       part in it are loaded at once; those behind it (.bss) are zeros, on demand
     the heap: it begins, empty, at the page behind the highest segment, and brk moves its end
     the stack: one page at USTACKTOP, which grows downwards on demand

       file     | header | segments' headers | text | data | names ...

       memory      p_va: | text |     p_va: | data | .bss | heap ->          <- stack | USTACKTOP

   The first page of an address space belongs to no area, so a NULL pointer faults. */
#include <elf.h>
#include <error.h>
#include <fs/filemap.h>
#include <mm/pagetable.h>
#include <mm/vmm.h>
#include <process/program.h>
#include <sched/sched.h>
#include <string.h>

/* A program of the image is always in memory: a read is a copy, and cannot fail. */
static int read_image(const struct reader *file, uint64_t offset, void *to, size_t size)
{
    memcpy(to, (const uint8_t *)file->source + offset, size);
    return 0;
}

struct reader program_reader(const struct user_program *program)
{
    return (struct reader){
        .read = read_image,
        .size = program->end - program->start,
        .source = program->start,
    };
}

/* Read `size` bytes of a file to the kernel's memory. While it is opened to run nobody writes to
   it, so it is as long as it was; if it is shorter all the same, it is no program. */
static int read_inode(const struct reader *file, uint64_t offset, void *to, size_t size)
{
    int result = 0;

    if (offset < file->head_size && size <= file->head_size - offset) {
        memcpy(to, file->head + offset, size);
        return 0;
    }
    struct iobuf iob = iobuf_kernel(to, size, offset);
    for (size_t left = size + 1; result == 0 && iob.io_resid > 0 && iob.io_resid < left; ) {
        left = iob.io_resid;
        result = vop_data((struct inode *)file->source, vop_read, &iob);
    }
    return result == 0 && iob.io_resid > 0 ? -E_INVAL_ELF : result;
}

int inode_reader(struct inode *node, struct reader *file)
{
    struct stat stat;
    int result = vop_data(node, vop_fstat, &stat);

    if (result != 0)
        return result;
    file->read = read_inode;
    file->size = stat.st_size;
    file->source = node;
    file->pager = node->in_ops->vop_page != NULL ? &file_pager : NULL;
    uint32_t size = file->size < READER_HEAD ? file->size : READER_HEAD;
    file->head_size = 0;                /* there is nothing yet, so this is read from the file */
    result = reader_read(file, 0, file->head, size);
    file->head_size = size;
    return result;
}

bool reader_has(const struct reader *file, uint64_t offset, uint64_t size)
{
    /* Not offset + size <= file->size: both are the file's, and the sum may wrap around. */
    return offset <= file->size && size <= file->size - offset;
}

int reader_read(const struct reader *file, uint64_t offset, void *to, size_t size)
{
    return reader_has(file, offset, size) ? file->read(file, offset, to, size) : -E_INVAL_ELF;
}

/* Is it a segment that can be loaded, or one that is to be passed over? user_range_ok() refuses an
   end that has wrapped around. Above USTACKBASE the stack may grow. */
static bool segment_ok(const struct reader *file, const struct proghdr *ph)
{
    if (ph->p_type != ELF_PT_LOAD || ph->p_memsz == 0)
        return true;
    if ((ph->p_flags & ELF_PF_W) && (ph->p_flags & ELF_PF_X))
        return false;
    return ph->p_filesz <= ph->p_memsz && reader_has(file, ph->p_offset, ph->p_filesz)
        && user_range_ok(ph->p_va, ph->p_va + ph->p_memsz) && ph->p_va + ph->p_memsz <= USTACKBASE;
}

/* Find the program header of this number, and check it: each time. It is in the file's head, or
   else it is read to `space`. 0 with *ph set, or an error. */
static int read_segment(const struct reader *file, const struct elfhdr *elf, int i,
                        struct proghdr *space, const struct proghdr **ph)
{
    uint64_t at = elf->e_phoff + i * sizeof(*space);
    bool in_head = at % 8 == 0 && at < file->head_size && file->head_size - at >= sizeof(*space);
    int result = in_head ? 0 : reader_read(file, at, space, sizeof(*space));

    *ph = in_head ? (const void *)(file->head + at) : space;
    return result == 0 && !segment_ok(file, *ph) ? -E_INVAL_ELF : result;
}

/* Can a program begin here? There must be an instruction in the file, at an even address: else the
   old program would be gone before the new one has run at all. */
static bool holds_entry(const struct proghdr *ph, uint64_t entry)
{
    return ph->p_type == ELF_PT_LOAD && (ph->p_flags & ELF_PF_X) && entry % 2 == 0
        && entry >= ph->p_va && entry - ph->p_va < ph->p_filesz;
}

/* All is checked before anything is loaded, so a file that is refused costs no memory. What is read
   again later is checked again. */
int program_check(const struct reader *file, struct elfhdr *elf)
{
    int result = reader_read(file, 0, elf, sizeof(*elf));
    const struct proghdr *ph;
    struct proghdr space;
    bool entry = false;

    if (result != 0)
        return result;
    if (elf->e_magic != ELF_MAGIC || elf->e_class != ELF_CLASS64 || elf->e_data != ELF_DATA2LSB
        || elf->e_version1 != ELF_VERSION || elf->e_version != ELF_VERSION
        || elf->e_type != ET_EXEC || elf->e_machine != EM_RISCV || elf->e_phentsize != sizeof(*ph)
        || !reader_has(file, elf->e_phoff, elf->e_phnum * sizeof(*ph)))
        return -E_INVAL_ELF;
    for (int i = 0; result == 0 && i < elf->e_phnum; i++) {
        result = read_segment(file, elf, i, &space, &ph);
        sched_give_way();
        entry = entry || (result == 0 && holds_entry(ph, elf->e_entry));
    }
    return result == 0 && !entry ? -E_INVAL_ELF : result;
}

uint32_t segment_flags(const struct proghdr *ph)
{
    return (ph->p_flags & ELF_PF_R ? VM_READ : 0) | (ph->p_flags & ELF_PF_W ? VM_WRITE : 0)
        | (ph->p_flags & ELF_PF_X ? VM_EXEC : 0);
}

/* The heap ends up behind the highest segment, whatever their order in the file. */
void program_end(struct mm_struct *mm, uintptr_t end)
{
    if (end > mm->brk_start)
        mm->brk_start = mm->brk = end;
}

int program_stack(struct mm_struct *mm)
{
    return mm_map(mm, USTACKTOP - PGSIZE, PGSIZE, VM_READ | VM_WRITE | VM_STACK);
}

/* A file of holes may be larger than memory, so others run between two of its pages, and a process
   that is killed gives up: 0 or -E_KILLED. */
static int load_pause(void)
{
    sched_give_way();
    return atomic_load(&this_cpu->task->killed) ? -E_KILLED : 0;
}

/* Map a new page at la with what the file has for the addresses [low, high) of it, from `offset`
   on, and zeros around them. 0 or an error; then there is no such page. */
static int load_page(struct mm_struct *mm, uintptr_t la, uintptr_t low, uintptr_t high,
                     const struct reader *file, uint64_t offset, pte_t rights)
{
    /* EXERCISE 8.5 begin: load_page */
    struct Page *page = alloc_zeroed_page();

    if (page == NULL)
        return -E_NO_MEM;
    int result = reader_read(file, offset, (char *)page2kva(page) + (low - la), high - low);
    if (result == 0 && page_insert(&mm->as, page, la, rights) != 0)
        result = -E_NO_MEM;
    if (result != 0)
        free_page(page);
    return result;
    /* EXERCISE 8.5 end */
}

/* The pages of a segment in which p_va is not at the begin of one:

       start        p_va                 file_end          end
       |------------|--------------------|-----------------|
       | zeros      | p_filesz bytes     | zeros           |     in whole pages

   Map a segment that is segment_ok(), and load the pages that have a part in the file. Segments
   that share a page are refused: mm_map() finds that it is taken. */
static int load_segment(struct mm_struct *mm, const struct reader *file, const struct proghdr *ph)
{
    /* EXERCISE 8.5 begin: load_segment */
    uintptr_t start = ROUNDDOWN(ph->p_va, PGSIZE), end = ROUNDUP(ph->p_va + ph->p_memsz, PGSIZE);
    uintptr_t file_end = ph->p_va + ph->p_filesz;
    int result = mm_map(mm, start, end - start, segment_flags(ph));

    if (result == -E_INVAL)
        return -E_INVAL_ELF;
    for (uintptr_t la = start; result == 0 && la < file_end; la += PGSIZE) {
        uintptr_t low = la < ph->p_va ? ph->p_va : la;
        uintptr_t high = la + PGSIZE < file_end ? la + PGSIZE : file_end;

        result = load_page(mm, la, low, high, file, ph->p_offset + (low - ph->p_va),
                           vm_rights(segment_flags(ph))) ?: load_pause();
    }
    program_end(mm, end);
    return result;
    /* EXERCISE 8.5 end */
}

/* The part of a segment from the address `from` to before `to`, as a segment of its own. */
static struct proghdr segment_part(const struct proghdr *ph, uintptr_t from, uintptr_t to)
{
    struct proghdr part = *ph;
    uint64_t before = from - ph->p_va, left = ph->p_filesz > before ? ph->p_filesz - before : 0;

    part.p_va = from;
    part.p_offset += before;
    part.p_memsz = to - from;
    part.p_filesz = left < part.p_memsz ? left : part.p_memsz;
    return part;
}

/* Pages that lie whole in the file, and at the same place in a page as in memory, are mapped from
   there when they are touched: so programs that run the same file share them. What is left in front
   of them and behind is loaded. */
static int map_segment(struct mm_struct *mm, const struct reader *file, const struct proghdr *ph)
{
    uintptr_t low = ROUNDUP(ph->p_va, PGSIZE), high = ROUNDDOWN(ph->p_va + ph->p_filesz, PGSIZE);
    uintptr_t end = ph->p_va + ph->p_memsz;

    if (file->pager == NULL || low >= high || (ph->p_va - ph->p_offset) % PGSIZE != 0)
        return load_segment(mm, file, ph);
    /* Three parts at most, of which only the one in the middle costs nothing until it is used:

           p_va     low                          high    end
           | head   | pages of the file's cache  | tail  |
             loaded   mapped                       loaded, with .bss behind it */
    struct proghdr head = segment_part(ph, ph->p_va, low), tail = segment_part(ph, high, end);
    int result = mm_map_pager(mm, low, high - low, segment_flags(ph), file->pager,
                              (void *)file->source, ph->p_offset + (low - ph->p_va));
    if (result == 0 && head.p_memsz > 0)
        result = load_segment(mm, file, &head);
    if (result == 0 && tail.p_memsz > 0)
        result = load_segment(mm, file, &tail);
    program_end(mm, high);
    return result == -E_INVAL ? -E_INVAL_ELF : result;
}

/* The headers are found once more, one at a time, so that no room for all of them is needed. */
int program_load(const struct reader *file, const struct elfhdr *elf, struct mm_struct *mm)
{
    for (int i = 0; i < elf->e_phnum; i++) {
        const struct proghdr *ph;
        struct proghdr space;
        int result = read_segment(file, elf, i, &space, &ph);

        if (result == 0 && ph->p_type == ELF_PT_LOAD && ph->p_memsz != 0)
            result = map_segment(mm, file, ph);
        if (result != 0)
            return result;
    }
    return program_stack(mm);
}
