/* Programs that exec must refuse, or can load: a good one, changed in memory.

   A program file comes from outside of the kernel, and any user may write one. So whatever stands
   in its headers, the kernel must load it or refuse it: no panic, no page that is writable and
   executable at once, no memory lost. The test changes the rights of each segment, and then each
   byte of the headers, and loads the result into an address space that nothing runs in.

   It belongs to no exercise; but load_icode, of which exercise 5.1 writes a part, calls the
   functions that are tried here. Alone: make grade GRADE=--all TEST=program. */
#include <elf.h>
#include <error.h>
#include <mm/vmm.h>
#include <process/program.h>
#include <string.h>
#include <test/testlib.h>

#define PAGES   16              /* enough for the program that is changed */

/* What exec would find in the kernel's list of programs; it points into the copy. */
static struct user_program program = { .name = "changed" };
static uint8_t *file;

/* Of the copy, which may be damaged by now. */
static struct elfhdr *header(void)
{
    return (struct elfhdr *)file;
}

/* Program header number i. */
static struct proghdr *segment(int i)
{
    return (struct proghdr *)(file + header()->e_phoff) + i;
}

/* What exec would do with the file as it is now. Returns what it would return. No area may be both
   writable and executable, whatever the segments say. */
static int load(void)
{
    int result = program_check(&program);

    if (result != 0)
        return result;
    /* As exec makes one for the new program. */
    struct mm_struct *mm = mm_create();

    assert(mm != NULL);
    result = program_load(&program, mm);
    list_for_each(pos, &mm->mmap_list)
        assert((le2vma(pos)->vm_flags & (VM_WRITE | VM_EXEC)) != (VM_WRITE | VM_EXEC));
    mm_put(mm);
    return result;
}

/* No page of a program may be both: it could write code, or have it written. All eight combinations
   of the three rights, for each segment that has memory. */
static void test_rights(void)
{
    for (int i = 0; i < header()->e_phnum; i++) {
        uint32_t flags = segment(i)->p_flags;

        /* Others are not loaded, so their rights do not matter. */
        if (segment(i)->p_type != ELF_PT_LOAD || segment(i)->p_memsz == 0)
            continue;
        for (uint32_t other = 0; other < 8; other++) {
            bool both = (other & ELF_PF_W) && (other & ELF_PF_X);

            segment(i)->p_flags = other;
            assert_eq(load(), both ? -E_INVAL_ELF : 0);
        }
        segment(i)->p_flags = flags;
    }
    assert_eq(load(), 0);
}

/* Each byte of the headers becomes another one: whatever it says then, the kernel stands. Some of
   the changes must be refused and some must not matter, or the loop has tried nothing. */
static void test_damage(void)
{
    static const uint8_t values[] = { 0x00, 0x01, 0x02, 0x7f, 0x80, 0xff };
    size_t end = header()->e_phoff + header()->e_phnum * sizeof(struct proghdr);
    int loaded = 0, refused = 0;

    for (size_t at = 0; at < end; at++) {
        uint8_t was = file[at];

        for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
            file[at] = values[i];
            if (load() == 0)
                loaded++;
            else
                refused++;
        }
        file[at] = was;
    }
    /* Some bytes do not matter, as those of the section headers' place; most do. */
    assert(loaded > 0 && refused > 0);
    assert_eq(load(), 0);
}

/* A copy is changed, not the program in the kernel's image. */
static void test_program(void)
{
    const struct user_program *good = program_find("true");
    struct Page *copy = alloc_pages(PAGES);
    size_t size = good->end - good->start;

    assert(copy != NULL && size <= PAGES * PGSIZE);
    file = page2kva(copy);
    memcpy(file, good->start, size);
    program.start = file;
    program.end = file + size;
    test_rights();
    test_damage();
    free_pages(copy, PAGES);
}

/* If the kernel panics while it loads: `at` and `values[i]` in test_damage() are the byte and its
   value, and readelf's manual tells what stands at that place of a header. */
SELFTEST("program", test_program);
