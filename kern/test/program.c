/* Programs that exec must refuse, or can load: a good one, changed in memory.

   A program file comes from outside of the kernel, and any user may write one. So whatever stands
   in its headers, the kernel must load it or refuse it: no panic, no page that is writable and
   executable at once, no memory lost, and nothing read outside of the file. The test changes the
   rights of each segment, then each byte of the headers, and then single numbers to those at the
   edge of what is allowed, or so that a sum of two wraps around. The file is read through a reader
   of the test's own, which checks where the loader reads, and which can fail, or change the file,
   at any read. Last come damaged tables of names.

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

/* What the reader does: counted from 1, a read that fails, and one before which a byte of the file
   becomes another. 0: none. */
static struct {
    int count, fail_at, change_at;
    size_t place;
    uint8_t byte;
} reads;

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

/* The reader of the test: what the loader asks for must lie in the file, whatever its headers
   say. */
static int test_read(const struct reader *reader, uint64_t offset, void *to, size_t size)
{
    assert(offset <= reader->size && size <= reader->size - offset);
    if (++reads.count == reads.fail_at)
        return -E_NO_DEV;
    if (reads.count == reads.change_at)
        file[reads.place] = reads.byte;
    memcpy(to, file + offset, size);
    return 0;
}

/* What exec would do with the file as it is now. Returns what it would return. No area may be both
   writable and executable, whatever the segments say. */
static int load(void)
{
    /* The size of the file as it is now; some tests cut it. */
    struct reader reader = { .read = test_read, .size = program.end - program.start };
    struct elfhdr elf;

    reads.count = 0;
    int result = program_check(&reader, &elf);
    if (result != 0)
        return result;
    /* As exec makes one for the new program. */
    struct mm_struct *mm = mm_create();

    assert(mm != NULL);
    result = program_load(&reader, &elf, mm);
    list_for_each(pos, &mm->mmap_list)
        assert((le2vma(pos)->vm_flags & (VM_WRITE | VM_EXEC)) != (VM_WRITE | VM_EXEC));
    mm_put(mm);
    return result;
}

/* No page of a program may be both: it could write code, or have it written. All eight combinations
   of the three rights, for each segment that has memory; that in which the program begins must be
   executable. */
static void test_rights(void)
{
    for (int i = 0; i < header()->e_phnum; i++) {
        uint32_t flags = segment(i)->p_flags;

        /* Others are not loaded, so their rights do not matter. */
        if (segment(i)->p_type != ELF_PT_LOAD || segment(i)->p_memsz == 0)
            continue;
        /* The rights are bits 0 to 2: X, W and R. */
        for (uint32_t other = 0; other < 8; other++) {
            bool both = (other & ELF_PF_W) && (other & ELF_PF_X);
            bool begins = header()->e_entry - segment(i)->p_va < segment(i)->p_filesz;

            segment(i)->p_flags = other;
            assert_eq(load(), both || (begins && !(other & ELF_PF_X)) ? -E_INVAL_ELF : 0);
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

/* The first segment that has something in the file. */
static struct proghdr *loaded_segment(void)
{
    int i = 0;

    while (segment(i)->p_type != ELF_PT_LOAD || segment(i)->p_filesz == 0)
        i++;
    return segment(i);
}

/* With this number in a header, the file must be refused. */
static void refuse(uint64_t *field, uint64_t value)
{
    uint64_t was = *field;

    *field = value;
    int result = load();
    *field = was;
    if (result != -E_INVAL_ELF)
        panic("exec returned %d for a file whose bytes %lu to %lu are %#lx, expected %d", result,
              (uint8_t *)field - file, (uint8_t *)field - file + 7, value, -E_INVAL_ELF);
}

/* A program that would not begin with an instruction of its file: just before the segment, and just
   behind what the file has of it, in the middle of an instruction, nowhere. */
static void test_entry(void)
{
    const struct proghdr *ph = segment(0);

    while (header()->e_entry - ph->p_va >= ph->p_filesz)
        ph++;
    refuse(&header()->e_entry, ph->p_va - 2);
    refuse(&header()->e_entry, ROUNDUP(ph->p_va + ph->p_filesz, 2));
    refuse(&header()->e_entry, header()->e_entry + 1);
    refuse(&header()->e_entry, 0);
    refuse(&header()->e_entry, UINT64_MAX - 1);
}

/* Parts of the file that lie outside of it, by one byte or by as much as can be, so that offset +
   size is 0 or a small number again; and segments that lie where a program has no business. */
static void test_ranges(void)
{
    uint64_t size = program.end - program.start, table = header()->e_phnum * sizeof(*segment(0));
    struct proghdr *ph = loaded_segment();

    /* The table of segments: it ends one byte behind the file, or begins there, or its end wraps
       around. */
    refuse(&header()->e_phoff, size - table + 1);
    refuse(&header()->e_phoff, size);
    refuse(&header()->e_phoff, -table);
    refuse(&header()->e_phoff, -table + 1);
    refuse(&header()->e_phoff, UINT64_MAX);
    /* What a segment has in the file, in the same ways. */
    refuse(&ph->p_offset, size - ph->p_filesz + 1);
    refuse(&ph->p_offset, -ph->p_filesz);
    refuse(&ph->p_offset, -ph->p_filesz + 1);
    refuse(&ph->p_offset, UINT64_MAX);
    /* More in the file than in memory would be written behind the segment's area. */
    refuse(&ph->p_filesz, ph->p_memsz + 1);
    refuse(&ph->p_filesz, -ph->p_offset);
    refuse(&ph->p_filesz, UINT64_MAX);
    refuse(&ph->p_memsz, ph->p_filesz - 1);
    /* Memory that reaches into the stack's place, or so far that its end wraps around. */
    refuse(&ph->p_memsz, USTACKBASE - ph->p_va + 1);
    refuse(&ph->p_memsz, -ph->p_va);
    refuse(&ph->p_memsz, -ph->p_va + ph->p_filesz);
    refuse(&ph->p_memsz, UINT64_MAX);
    /* Addresses that no program may have: the first page, below USERBASE, the stack's, the
       kernel's. */
    refuse(&ph->p_va, 0);
    refuse(&ph->p_va, USERBASE - 1);
    refuse(&ph->p_va, USTACKBASE - ph->p_memsz + 1);
    refuse(&ph->p_va, KERNEL_OFFSET);
    refuse(&ph->p_va, -ph->p_memsz);
    refuse(&ph->p_va, -ph->p_memsz + 1);
    test_entry();
    assert_eq(load(), 0);
}

/* A file that ends too early, wherever it does; and a table of segments at an odd place. */
static void test_shape(void)
{
    const uint8_t *end = program.end;
    uint64_t needed = loaded_segment()->p_offset + loaded_segment()->p_filesz;

    /* Every length that does not hold the last byte of the last segment. */
    for (program.end = file; program.end < file + needed; program.end++)
        assert_eq(load(), -E_INVAL_ELF);
    assert_eq(load(), 0);
    size_t table = header()->e_phnum * sizeof(*segment(0));
    memcpy(file + needed + 1, segment(0), table);
    uint64_t was = header()->e_phoff;
    /* At an odd address: such a header is copied before it is looked at, so that is allowed. */
    header()->e_phoff = needed + 1;
    program.end = file + needed + 1 + table;
    assert_eq(load(), 0);
    /* One byte less, and the table does not fit any more. */
    program.end--;
    assert_eq(load(), -E_INVAL_ELF);
    header()->e_phoff = was;
    program.end = end;
}

/* Each read may fail, as that of a disk. The error is passed on, and nothing is lost. */
static void test_failing_reads(void)
{
    struct inventory before = inventory_take();
    int result;

    /* The first read fails, then the second, and so on, until the loader needs no more than come
       before. */
    do {
        reads.fail_at++;
        result = load();
        assert(result == -E_NO_DEV || result == 0);
        inventory_same(&before, "a program that could not be read");
    } while (result == -E_NO_DEV);
    /* The last round had one read more to fail than there are; and there were some. */
    assert(reads.fail_at == reads.count + 1 && reads.count > 3);
    reads.fail_at = 0;
}

/* Somebody writes to the file while it is loaded: what was checked may be another thing by then.
   Each byte of the headers becomes 255 at each read; load() looks at what comes of it, and
   test_read() at where the loader reads. */
static void test_changing_file(void)
{
    size_t end = header()->e_phoff + header()->e_phnum * sizeof(struct proghdr);
    struct inventory before = inventory_take();

    assert_eq(load(), 0);
    for (int at = reads.count; at > 0; at--) {
        for (reads.place = 0; reads.place < end; reads.place++) {
            uint8_t was = file[reads.place];

            /* Between the check of a number and its use, if the loader reads it twice. */
            reads.change_at = at;
            reads.byte = 0xff;
            load();
            file[reads.place] = was;
        }
    }
    reads.change_at = 0;
    inventory_same(&before, "a program that was changed while it was loaded");
    assert_eq(load(), 0);
}

/* The name of an address, with a byte of the file changed. It must end within the buffer. */
static const char *name_of(uint64_t addr, size_t place, uint8_t byte)
{
    static char buf[24];
    uint8_t was = file[place];

    /* The last byte must stay as it is: the function is told that the buffer is one byte
       shorter. */
    memset(buf, 0xa5, sizeof(buf));
    file[place] = byte;
    program_symbol(&program, addr, buf, sizeof(buf) - 1);
    file[place] = was;
    assert(strnlen(buf, sizeof(buf)) < sizeof(buf) - 1 && buf[sizeof(buf) - 1] == (char)0xa5);
    return buf;
}

/* A table of names that ends within a name: what lies behind it belongs to something else. */
static void test_cut_name(uint64_t entry)
{
    struct secthdr *section = (struct secthdr *)(file + header()->e_shoff);
    uint64_t at = header()->e_shoff;

    /* Backwards from the tables to the name, and then the section in which it lies. */
    while (memcmp(file + at, "_start", 7) != 0)
        at--;
    while (section->sh_offset > at || section->sh_offset + section->sh_size <= at)
        section++;
    uint64_t was = section->sh_size;
    section->sh_size = at + 3 - section->sh_offset;
    assert(strcmp(name_of(entry + 4, 0, file[0]), "_st+0x4") == 0);
    section->sh_size = was;
}

/* Messages name addresses by tables that a program brings along. If these are damaged there may be
   no name, or a wrong one, but nothing is read that is not of the file. */
static void test_names(void)
{
    static const uint8_t values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
    size_t end = header()->e_shoff + header()->e_shnum * sizeof(struct secthdr);
    size_t tables = loaded_segment()->p_offset + loaded_segment()->p_filesz;
    const uint8_t *file_end = program.end;
    uint64_t entry = header()->e_entry;

    /* Undamaged, the tables must give the right name; an address of no function is printed as it
       is. */
    assert(strcmp(name_of(entry + 4, 0, file[0]), "_start+0x4") == 0);
    assert(strcmp(name_of(4, 0, file[0]), "0x4") == 0);
    for (size_t at = 0; at < end; at++)
        for (size_t i = 0; i < ARRAY_SIZE(values); i++)
            if (at < sizeof(struct elfhdr) || at >= tables)
                name_of(entry, at, values[i]);
    test_cut_name(entry);
    for (program.end = file; program.end < file_end; program.end++)
        name_of(entry, 0, file[0]);
}

/* A copy is changed, not the program in the kernel's image. */
static void test_program(void)
{
    const struct user_program *good = program_find("true");
    struct Page *copy = alloc_pages(PAGES);
    size_t size = good->end - good->start;

    /* A small program: a larger one would only take longer. */
    assert(copy != NULL && size <= PAGES * PGSIZE);
    file = page2kva(copy);
    memcpy(file, good->start, size);
    program.start = file;
    program.end = file + size;
    test_rights();
    test_damage();
    test_ranges();
    test_shape();
    test_failing_reads();
    test_changing_file();
    test_names();
    free_pages(copy, PAGES);
}

/* If the kernel panics while it loads: `at` and `values[i]` in test_damage() are the byte and its
   value, and readelf's manual tells what stands at that place of a header. */
SELFTEST("program", test_program);
