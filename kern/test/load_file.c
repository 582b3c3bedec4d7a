/* 8.5: the segments of a program that is a file: which pages there are, what is in each byte of
   them, and what may be done with them. The file is made here, in memory, and read through a reader
   of the test's own; so each read can fail, and no disk is needed.

   One segment begins and ends inside of pages, one has more in memory than in the file, one has
   nothing in the file (.bss alone), and one is whole pages. In the file none lies at the same place
   in a page as in memory, so nothing of it can be mapped as it is. Each byte of the file differs
   from its neighbours, so one that comes from the wrong place is found. Between the segments and
   behind them in the file there are bytes too, none of which is 0: where zeros belong none of them
   may be seen.

   Alone: make grade TEST="load-file*". */
#include <elf.h>
#include <error.h>
#include <mm/pagetable.h>
#include <process/program.h>
#include <report.h>
#include <string.h>
#include <test/testlib.h>

#define FILE_PAGES  8
#define SEGMENTS    4

static uint8_t *file;                   /* FILE_PAGES pages */
static int reads, fail_at;              /* how many reads there were; the one that fails, or 0 */

static const struct proghdr segments[SEGMENTS] = {
    { ELF_PT_LOAD, ELF_PF_R | ELF_PF_X, 0x1003, 0x800010, 0, 5000, 5000, PGSIZE },
    { ELF_PT_LOAD, ELF_PF_R | ELF_PF_W, 0x2800, 0x900ff0, 0, 0x20, 0x3000, PGSIZE },
    { ELF_PT_LOAD, ELF_PF_R | ELF_PF_W, 0, 0xa00000, 0, 0, 0x1800, PGSIZE },
    { ELF_PT_LOAD, ELF_PF_R, 0x3008, 0xb00000, 0, 2 * PGSIZE, 2 * PGSIZE, PGSIZE },
};

/* Where the four segments begin and end in their pages; = has bytes of the file, 0 is zeros:

     code    800000  |0==========|=====00000|                p_va in the middle of a page
     data    900000  |00000000000=|==000000000|000|000|      16 bytes in each of two pages
     .bss    a00000  |00000000000|00000000000|               nothing of the file
     const   b00000  |===========|===========|               whole pages

   A loader that rounds p_va down and copies from there puts the code at the wrong place; one that
   rounds sizes up shows bytes of the file behind the end, where variables should be zero. */
static struct proghdr *headers(void)
{
    return (struct proghdr *)(file + sizeof(struct elfhdr));
}

/* A file that program_check() takes: the headers, and bytes 1, 2, ... 251, 1 ... */
static void make_file(void)
{
    for (size_t i = 0; i < FILE_PAGES * PGSIZE; i++)
        file[i] = i % 251 + 1;
    *(struct elfhdr *)file = (struct elfhdr){
        .e_magic = ELF_MAGIC, .e_class = ELF_CLASS64, .e_data = ELF_DATA2LSB,
        .e_version1 = ELF_VERSION, .e_version = ELF_VERSION, .e_type = ET_EXEC,
        .e_machine = EM_RISCV, .e_phentsize = sizeof(struct proghdr), .e_phnum = SEGMENTS,
        .e_phoff = sizeof(struct elfhdr), .e_entry = segments[0].p_va,
    };
    memcpy(headers(), segments, sizeof(segments));
}

static int test_read(const struct reader *reader, uint64_t offset, void *to, size_t size)
{
    assert(offset <= reader->size && size <= reader->size - offset);
    if (++reads == fail_at)
        return -E_IO;
    memcpy(to, file + offset, size);
    return 0;
}

/* Load it, as exec does. The mm is there also after an error. */
static int load(struct mm_struct **mm)
{
    struct reader reader = { .read = test_read, .size = FILE_PAGES * PGSIZE };
    struct elfhdr elf;

    *mm = mm_create();
    assert(*mm != NULL);
    reads = 0;
    int result = program_check(&reader, &elf);
    return result == 0 ? program_load(&reader, &elf, *mm) : result;
}

/* Load and throw away. */
static int try_load(void)
{
    struct mm_struct *mm;
    int result = load(&mm);

    mm_put(mm);
    return result;
}

/* What the byte at an address must be. */
static uint8_t expected(const struct proghdr *ph, uintptr_t addr)
{
    if (addr < ph->p_va || addr >= ph->p_va + ph->p_filesz)
        return 0;
    return file[ph->p_offset + (addr - ph->p_va)];
}

/* How many bytes of the page at la are wrong. A page that has nothing of the file may be missing: a
   fault makes it, of zeros. */
static int wrong_bytes(struct mm_struct *mm, const struct proghdr *ph, uintptr_t la)
{
    const pte_t *pte = get_pte(mm->as.pgdir, la, false);
    const uint8_t *bytes = pte != NULL && (*pte & PTE_V) ? kva(pte_paddr(*pte)) : NULL;
    int wrong = 0;

    for (uintptr_t i = 0; i < PGSIZE; i++)
        wrong += (bytes != NULL ? bytes[i] : 0) != expected(ph, la + i);
    return wrong;
}

/* Are the rights of a page those of its segment? */
static bool rights_right(struct mm_struct *mm, const struct proghdr *ph, uintptr_t la)
{
    const pte_t *pte = get_pte(mm->as.pgdir, la, false);
    pte_t all = PTE_U | PTE_R | PTE_W | PTE_X, wanted = PTE_U | PTE_R;

    if (pte == NULL || !(*pte & PTE_V))
        return true;
    if (ph->p_flags & ELF_PF_W)
        wanted |= PTE_W;
    if (ph->p_flags & ELF_PF_X)
        wanted |= PTE_X;
    return (*pte & all) == wanted;
}

/* All pages of a segment, and its areas. */
static void check_segment(struct mm_struct *mm, const struct proghdr *ph)
{
    static const char *const bytes_of[SEGMENTS] = {
        "the code, which begins and ends inside of pages, is there, with zeros around",
        "data that crosses into a second page is there, with zeros before and behind",
        "variables that have nothing in the file are zeros",
        "whole pages of the file are there",
    };
    int wrong = 0, rights = 0, areas = 0;

    for (uintptr_t la = ROUNDDOWN(ph->p_va, PGSIZE); la < ph->p_va + ph->p_memsz; la += PGSIZE) {
        struct vma_struct *vma = find_vma(mm, la);

        wrong += wrong_bytes(mm, ph, la);
        rights += !rights_right(mm, ph, la);
        areas += vma == NULL || vma->vm_flags != segment_flags(ph);
    }
    check_eq(bytes_of[ph - segments], wrong, 0);
    check_eq("each page has the rights of its segment", rights, 0);
    check_eq("each page lies in an area with the rights of the segment", areas, 0);
}

/* All of it, byte by byte. */
static void test_load_file(void)
{
    struct inventory before = inventory_take();
    struct mm_struct *mm;

    file = page2kva(alloc_pages(FILE_PAGES));
    make_file();
    check_eq("a program whose pages lie otherwise in the file is loaded", load(&mm), 0);
    for (int i = 0; i < SEGMENTS; i++)
        check_segment(mm, &segments[i]);
    check("the page in front of the code is in no area", find_vma(mm, 0x7fffff) == NULL);
    check("nor is the one behind the variables", find_vma(mm, 0xa02000) == NULL);
    check_eq("the heap begins behind the last segment", mm->brk_start, 0xb02000);
    check_eq("and is empty", mm->brk, mm->brk_start);
    check("the stack is there", find_vma(mm, USTACKTOP - 1) != NULL);
    mm_put(mm);
    free_pages(kva2page(file), FILE_PAGES);
    inventory_same(&before, "a program was loaded and thrown away");
    check("nothing is lost when the memory goes", true);
}
SELFTEST("load-file", test_load_file);

/* Each read fails once; each allocation too: n pages are there, from none on. */
static void test_each_failure(void)
{
    struct inventory before = inventory_take();
    struct hoard hoard = { .count = 0 };
    int result = -E_IO, tries = 0;

    for (fail_at = 1; result == -E_IO; fail_at++) {
        result = try_load();
        inventory_same(&before, "a read failed");
    }
    check_eq("an error of the disk ends it, and when there is none it is loaded", result, 0);
    check("each read was tried", fail_at > 8);
    fail_at = 0;
    /* With n pages, from few to enough: so each allocation is once the first that fails. */
    for (size_t n = 3; n < 32; n++) {
        hoard_take(&hoard);
        hoard_give(&hoard, n);
        before = inventory_take();
        result = try_load();
        inventory_same(&before, "memory ran out");
        tries += result == -E_NO_MEM;
    }
    hoard_end(&hoard);
    check_eq("with enough memory it is loaded", result, 0);
    check("with less it is -E_NO_MEM", tries > 5);
}

/* Wherever it fails, the error comes out, and nothing is lost; segments that have a page in common
   are no program. */
static void test_load_file_errors(void)
{
    file = page2kva(alloc_pages(FILE_PAGES));
    make_file();
    /* What stays allocated, as the first page table of a kind of object, is there afterwards. */
    assert(try_load() == 0);
    test_each_failure();
    /* The page at 0x903000 is the last one of .bss of the second segment. */
    headers()[3].p_va = 0x903000;
    check_eq("two segments that share a page are refused", try_load(), -E_INVAL_ELF);
    headers()[3].p_va = 0x904000;
    check_eq("two that are neighbours are not", try_load(), 0);
    headers()[3].p_va = 0x700000;
    struct mm_struct *mm;
    check_eq("the segments may come in any order", load(&mm), 0);
    check_eq("and the heap begins behind the highest", mm->brk_start, 0xa02000);
    mm_put(mm);
    free_pages(kva2page(file), FILE_PAGES);
}
SELFTEST("load-file-errors", test_load_file_errors);
