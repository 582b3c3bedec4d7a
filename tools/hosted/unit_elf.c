/* Unit tests of kern/process/program.c and symbols.c: a good program, and one field of it changed
   at a time. space.c keeps what is loaded. */
#include "unit.h"
#include <elf.h>
#include <error.h>
#include <process/program.h>
#include <string.h>
#include "space.h"

#define SIZE    0x1800

/* Two segments: text at UTEXT, and data with a .bss behind it on the next page but one. */
static struct file {
    struct elfhdr elf;
    struct proghdr segments[2];
    struct secthdr sections[3];
    struct elfsym symbols[40];
    char names[32];
} good;

static void make_good(void)
{
    memset(&good, 0, sizeof(good));
    good.elf = (struct elfhdr){
        .e_magic = ELF_MAGIC, .e_class = ELF_CLASS64, .e_data = ELF_DATA2LSB,
        .e_version1 = ELF_VERSION, .e_version = ELF_VERSION, .e_type = ET_EXEC,
        .e_machine = EM_RISCV, .e_entry = UTEXT, .e_phoff = offsetof(struct file, segments),
        .e_phentsize = sizeof(struct proghdr), .e_phnum = 2, .e_shnum = 3,
        .e_shoff = offsetof(struct file, sections), .e_shentsize = sizeof(struct secthdr),
    };
    good.segments[0] = (struct proghdr){
        .p_type = ELF_PT_LOAD, .p_flags = ELF_PF_R | ELF_PF_X, .p_va = UTEXT, .p_filesz = 0x1400,
        .p_memsz = 0x1400,
    };
    good.segments[1] = (struct proghdr){
        .p_type = ELF_PT_LOAD, .p_flags = ELF_PF_R | ELF_PF_W, .p_va = UTEXT + 0x3400,
        .p_offset = 0x1400, .p_filesz = 0x400, .p_memsz = 0x3000,
    };
    good.sections[1] = (struct secthdr){
        .sh_type = ELF_SHT_SYMTAB, .sh_offset = offsetof(struct file, symbols),
        .sh_size = sizeof(good.symbols), .sh_link = 2,
    };
    good.sections[2] = (struct secthdr){ .sh_offset = offsetof(struct file, names), .sh_size = 32 };
    for (size_t i = 0; i < ARRAY_SIZE(good.symbols); i++)
        good.symbols[i] = (struct elfsym){ 1, ELF_STT_FUNC, 0, 0, UTEXT + 16 * i, 16 };
    good.symbols[39].st_size = 0;
    good.symbols[38].st_name = 31;
    good.symbols[37].st_name = 32;
    memcpy(good.names, "\0main", 5);
    memset(good.names + 6, 'n', 26);
}

static uint32_t head_size;              /* of the file, what the reader has read already */

/* Load `good`, cut off after so many bytes. */
static int load(size_t size)
{
    struct mm_struct *mm = space_begin();
    uint8_t *bytes = host_alloc(size);
    struct elfhdr elf;

    memset(bytes, 0x13, size);
    memcpy(bytes, &good, size < sizeof(good) ? size : sizeof(good));
    const struct user_program program = { "file", bytes, bytes + size };
    struct reader reader = program_reader(&program);
    reader.head_size = head_size;
    memcpy(reader.head, bytes, head_size);
    int error = program_check(&reader, &elf) ?: program_load(&reader, &elf, mm);
    if (error == 0)
        space_compare(bytes, size);
    space_end();
    host_free(bytes);
    return error;
}

/* With one number changed; `good` is good again afterwards. */
#define CHANGED(what, field, value, expected) do { \
        typeof(good.field) was_ = good.field; \
        good.field = (value); \
        check_eq(what, load(SIZE), expected); \
        good.field = was_; \
    } while (0)

/* The table of segments in the reader's head, with a part in it, and behind it; at odd places
   too. */
static void tables(void)
{
    struct file was = good;
    int wrong = 0;

    head_size = READER_HEAD;
    for (size_t at = sizeof(good.elf); at <= READER_HEAD; at++) {
        good = was;
        good.elf.e_phoff = at;
        memcpy((uint8_t *)&good + at, was.segments, sizeof(was.segments));
        wrong += load(SIZE) != 0;
    }
    head_size = 0;
    good = was;
    check_eq("the headers of segments are found wherever they are", wrong, 0);
}

static void headers(void)
{
    CHANGED("the magic number", elf.e_magic, 0, -E_INVAL_ELF);
    CHANGED("32 bits", elf.e_class, 1, -E_INVAL_ELF);
    CHANGED("the order of bytes", elf.e_data, 2, -E_INVAL_ELF);
    CHANGED("the version", elf.e_version1, 0, -E_INVAL_ELF);
    CHANGED("the other version", elf.e_version, 0, -E_INVAL_ELF);
    CHANGED("the type", elf.e_type, 3, -E_INVAL_ELF);
    CHANGED("the machine", elf.e_machine, 62, -E_INVAL_ELF);
    CHANGED("the size of a header", elf.e_phentsize, 55, -E_INVAL_ELF);
    CHANGED("no segment", elf.e_phnum, 0, -E_INVAL_ELF);
    CHANGED("more headers than there are bytes", elf.e_phnum, 0xffff, -E_INVAL_ELF);
    CHANGED("headers behind the end", elf.e_phoff, SIZE - 55, -E_INVAL_ELF);
    CHANGED("headers at the end of all numbers", elf.e_phoff, ~0UL - 55, -E_INVAL_ELF);
    CHANGED("an odd entry", elf.e_entry, UTEXT + 1, -E_INVAL_ELF);
    CHANGED("an entry in the data", elf.e_entry, UTEXT + 0x3400, -E_INVAL_ELF);
    CHANGED("the last instruction", elf.e_entry, UTEXT + 0x13fe, 0);
    CHANGED("an entry behind the text", elf.e_entry, UTEXT + 0x1400, -E_INVAL_ELF);
    for (size_t size = 0; size < sizeof(good.elf); size++)
        check_eq("a file that is cut off", load(size), -E_INVAL_ELF);
    check_eq("and one that is whole", load(SIZE), 0);
    check_eq("and one without its last byte", load(SIZE - 1), -E_INVAL_ELF);
}

static void segments(void)
{
    CHANGED("write and execute", segments[0].p_flags, 7, -E_INVAL_ELF);
    CHANGED("more in the file than in memory", segments[0].p_memsz, 0x13ff, -E_INVAL_ELF);
    CHANGED("none in memory", segments[1].p_memsz, 0, 0);
    CHANGED("another kind", segments[1].p_type, 2, 0);
    CHANGED("in the first page", segments[1].p_va, 0x400, -E_INVAL_ELF);
    CHANGED("just below", segments[1].p_va, USERBASE - 1, -E_INVAL_ELF);
    CHANGED("lowest", segments[1].p_va, USERBASE, 0);
    CHANGED("at the stack", segments[1].p_va, USTACKBASE - 0x2fff, -E_INVAL_ELF);
    CHANGED("below the stack", segments[1].p_va, USTACKBASE - 0x3000, 0);
    CHANGED("the kernel's", segments[1].p_va, 0xffffffc080200000, -E_INVAL_ELF);
    CHANGED("an end that wraps around", segments[1].p_va, ~0UL - 0xfff, -E_INVAL_ELF);
    CHANGED("larger than all", segments[1].p_memsz, ~0UL, -E_INVAL_ELF);
    CHANGED("over the text", segments[1].p_va, UTEXT + 0x1000, -E_INVAL_ELF);
    CHANGED("in the last page of the text", segments[1].p_va, UTEXT + 0x1400, -E_INVAL_ELF);
    CHANGED("in the page behind", segments[1].p_va, UTEXT + 0x2000, 0);
    CHANGED("bytes behind the end", segments[1].p_offset, 0x1401, -E_INVAL_ELF);
    CHANGED("bytes at the end of all numbers", segments[1].p_offset, ~0UL - 0x3ff, -E_INVAL_ELF);
    CHANGED("no bytes, at the end", segments[1].p_filesz, 0, 0);
}

static void no_memory(void)
{
    int error = -E_NO_MEM;

    for (uint32_t fail = 1; error == -E_NO_MEM && fail < 20; fail++) {
        below_end();
        below_begin(fail);
        error = load(SIZE);
    }
    check_eq("each page that is missing gives an error", error, 0);
    below_end();
    below_begin(0);
}

/* The name of an address, in a file whose bytes are exactly these. */
static void name(uintptr_t addr, const char *expected)
{
    uint8_t *bytes = memcpy(host_alloc(sizeof(good)), &good, sizeof(good));
    const struct user_program program = { "file", bytes, bytes + sizeof(good) };
    char text[100];

    program_symbol(&program, addr, text, sizeof(text));
    check(expected, strcmp(text, expected) == 0);
    host_free(bytes);
}

static void symbols(void)
{
    name(UTEXT + 4, "main+0x4");
    name(UTEXT + 16 * 39 + 100, "main+0x64");
    name(UTEXT + 16 * 38, "n+0x0");
    name(UTEXT + 16 * 37, "0x800250");
    name(UTEXT - 1, "0x7fffff");
    good.sections[2].sh_size = 4;
    name(UTEXT, "mai+0x0");
    good.sections[2].sh_size = sizeof(good);
    name(UTEXT, "0x800000");
    good.sections[2].sh_size = 32;
    good.sections[1].sh_link = 3;
    name(UTEXT, "0x800000");
    good.sections[1].sh_link = 2;
    good.sections[1].sh_size = ~0UL;
    name(UTEXT, "0x800000");
    good.sections[1].sh_size = 0;
    name(UTEXT, "0x800000");
    good.elf.e_shnum = 0xffff;
    name(UTEXT, "0x800000");
    program_symbol(NULL, 16, good.names, sizeof(good.names));
    check("no program has no names", strcmp(good.names, "0x10") == 0);
}

void unit_elf(void)
{
    make_good();
    headers();
    tables();
    segments();
    no_memory();
    symbols();
}
