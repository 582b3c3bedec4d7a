/* Programs that are changed at random: a good one with up to four wrong numbers in its headers,
   by a seed. Each is checked and loaded as exec does it, and refused with an error, or loaded;
   nothing is lost, no page can be written and executed, nothing outside of the file is read.

   "program-mutated" tries some thousand, and "program-mutated-long" 100,000:

       make run APPEND=selftest=program-mutated-long

   test_program (program.c) changes each byte in turn; here are mistakes that come together. The
   numbers are mostly those next to a limit. No exercise: all checks are assertions. */
#include <elf.h>
#include <error.h>
#include <mm/vmm.h>
#include <process/program.h>
#include <string.h>
#include <test/testlib.h>

#define FILE_PAGES  8
#define HEADERS     400                 /* bytes in which most changes are */

static uint8_t *file;
static size_t size;

/* The file's reader: what is asked for must lie in it. */
static int test_read(__not_used const struct reader *reader, uint64_t offset, void *to, size_t n)
{
    assert(offset <= size && n <= size - offset);
    memcpy(to, file + offset, n);
    return 0;
}

/* Change one number of 1 to 8 bytes. */
static void change(uint64_t *seed)
{
    const uint64_t odd[] = {
        0, 1, 2, 7, 8, PGSIZE - 1, PGSIZE, UTEXT, UTEXT + 1, USERBASE, USERBASE - 1, USERTOP,
        USTACKBASE, size, size - 1, size + 1, ~0UL, ~0UL - PGSIZE + 1, 1UL << 63, 1UL << 32,
        test_random(seed),
    };
    uint64_t value = odd[test_random(seed) % ARRAY_SIZE(odd)], was = 0;
    size_t width = 1U << test_random(seed) % 4;
    size_t at = test_random(seed) % (test_random(seed) % 8 ? HEADERS : size + 1) / width * width;

    if (at + width > size)              /* a short file has no such byte */
        return;
    memcpy(&was, file + at, width);
    if (test_random(seed) % 4 == 0)
        value += was;
    memcpy(file + at, &value, width);
}

/* What exec does with it: 0 or its error. */
static int load(void)
{
    struct reader reader = { .read = test_read, .size = size };
    struct mm_struct *mm = mm_create();
    struct elfhdr elf;

    assert(mm != NULL);
    int error = program_check(&reader, &elf) ?: program_load(&reader, &elf, mm);
    list_for_each(pos, &mm->mmap_list)
        assert((le2vma(pos)->vm_flags & (VM_WRITE | VM_EXEC)) != (VM_WRITE | VM_EXEC));
    mm_put(mm);
    return error;
}

/* So many files. */
static void try_files(uint64_t count)
{
    const struct user_program *good = program_find("true");
    struct inventory before = inventory_take();
    struct Page *copy = alloc_pages(FILE_PAGES);
    uint64_t loaded = 0;

    size = good->end - good->start;
    assert(copy != NULL && size <= FILE_PAGES * PGSIZE);
    file = page2kva(copy);
    for (uint64_t seed = 1; seed <= count; seed++) {
        uint64_t state = seed * 7919;

        size = good->end - good->start;
        memcpy(file, good->start, size);
        if (seed % 16 == 0)             /* a file that was cut off */
            size = test_random(&state) % (seed % 32 ? 2 * HEADERS : size);
        for (uint64_t i = 0; i < 1 + seed % 4; i++)
            change(&state);
        int error = load();
        assert(error == 0 || error == -E_INVAL_ELF || error == -E_NO_MEM);
        loaded += error == 0;
    }
    assert(loaded > count / 10 && loaded < count);
    free_pages(copy, FILE_PAGES);
    inventory_same(&before, "programs were loaded");
    cprintf("%lu changed programs: %lu loaded, %lu refused, 0 panics\n", count, loaded,
            count - loaded);
}

static void test_mutated(void)
{
    try_files(2000);
}

static void test_mutated_long(void)
{
    try_files(100000);
}

SELFTEST("program-mutated", test_mutated);
SELFTEST("program-mutated-long", test_mutated_long);
