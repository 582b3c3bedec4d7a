/* Device trees. The machine's own is damaged in every place and cut off at every length, and
   fdt_parse() must return: with an error, or with a machine that keeps to the limits of its struct.

   The tree comes from outside, so nothing in it can be trusted; a parser that reads one byte too
   far, or runs in a circle, would end the boot without a word. The tree is put at the very end of
   memory that is mapped for the test, so that a read beyond the end is a page fault, and this a
   panic that names the function. All checks are assertions: the test belongs to no exercise.

   Alone: make grade GRADE=--all TEST=fdt. Damage is random, but the same in each run. */
#include <machine/machine.h>
#include <mm/pagetable.h>
#include <string.h>
#include <test/testlib.h>

#define WINDOW      USERBASE            /* in the user half, where the kernel's map is empty */
/* The sizes of the format: the header's, and what the rounds of garbage begin behind. */
#define HEADER      40
#define GARBAGE     3000                /* rounds */

enum { TOTAL = 4, STRUCTURE = 8, STRINGS = 12, RESERVATIONS = 16, STRINGS_SIZE = 32,
       STRUCTURE_SIZE = 36 };           /* places in the header */

/* Behind the last byte that is mapped. */
static uint8_t *window_end;
static struct machine found;            /* too large for the stack */

/* A big-endian number, wherever it is. */
static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

/* The same, written. */
static void put32(uint8_t *p, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        p[i] = value >> (24 - 8 * i);
}

/* Memory for a tree of up to `size` bytes, not mapped behind it. The user half of the kernel's own
   table is empty otherwise, so the page behind the window is surely not there.

   The tree is put so that it ends where the mapping does:

       WINDOW      +--------------------+
                   | (what is left)     |
                   +--------------------+  blob
                   | the tree           |
       window_end  +--------------------+
                   | not mapped         |  a read here is a page fault */
static void window_open(size_t size)
{
    uintptr_t la = WINDOW;

    for (; la < WINDOW + size; la += PGSIZE) {
        struct Page *page = alloc_page();

        assert(page != NULL && page_insert(&kernel_as, page, la, PTE_R | PTE_W) == 0);
    }
    window_end = (uint8_t *)la;
}

/* Pages and tables; the user half is empty again afterwards. */
static void window_close(void)
{
    unmap_range(&kernel_as, WINDOW, (uintptr_t)window_end);
    exit_range(&kernel_as, 0, USERTOP, 0, USERTOP);
}

/* What every machine that is found must keep to, whatever the tree says: no more harts, devices or
   ranges than there is room for, no empty memory, no text without an end. True if there is a
   machine. */
static bool parse(const uint8_t *blob, size_t size)
{
    const char *problem = fdt_parse(blob, size, &found);

    if (problem != NULL) {
        assert(strlen(problem) > 0);
        return false;
    }
    /* check_machine() has refused a tree without harts; more than there is room for would be behind
       the array. */
    assert(found.hart_count > 0 && found.hart_count <= HARTS_LISTED);
    assert(found.reserved_count <= MAX_RESERVED);
    assert(found.memory.start < found.memory.end);
    assert(found.timebase_hz != 0 && found.device_count <= MAX_DEVICES);
    for (uint32_t i = 0; i < found.device_count; i++)
        assert(found.devices[i].registers.start < found.devices[i].registers.end
               && found.devices[i].registers.end <= PHYS_MAX);
    /* The command line is taken apart by functions that look for its end. */
    assert(strnlen(found.bootargs, BOOTARGS_LENGTH) < BOOTARGS_LENGTH);
    return true;
}

/* A tree without the room that firmware leaves in it, its parts in either order: the last one ends
   where the window does. Returns its size. structure_size and strings_size may be smaller than the
   parts are: then they are cut off. With to == NULL only the size is computed. */
static size_t build(uint8_t *to, const uint8_t *tree, bool strings_last, size_t structure_size,
                    size_t strings_size)
{
    size_t structure = HEADER + 16, strings = structure + structure_size;

    /* The structure comes first or last; a part that is last can be cut without moving the
       other. */
    if (!strings_last) {
        strings = HEADER + 16;
        structure = ROUNDUP(strings + strings_size, 4);
    }
    size_t total = strings_last ? strings + strings_size : structure + structure_size;

    if (to == NULL)
        return total;
    memset(to, 0, structure < strings ? structure : strings);
    memcpy(to, tree, HEADER);
    memcpy(to + structure, tree + get32(tree + STRUCTURE), structure_size);
    memcpy(to + strings, tree + get32(tree + STRINGS), strings_size);
    put32(to + TOTAL, total);
    put32(to + STRUCTURE, structure);
    put32(to + STRINGS, strings);
    put32(to + RESERVATIONS, HEADER);
    put32(to + STRUCTURE_SIZE, structure_size);
    put32(to + STRINGS_SIZE, strings_size);
    return total;
}

/* Put it so that its last byte is the window's last: *blob is where it begins. */
static size_t build_at_end(const uint8_t *tree, bool strings_last, size_t structure_size,
                           size_t strings_size, uint8_t **blob)
{
    size_t total = build(NULL, tree, strings_last, structure_size, strings_size);

    *blob = window_end - total;
    return build(*blob, tree, strings_last, structure_size, strings_size);
}

/* The machine's tree, as the kernel read it at boot. It is in reserved memory, which stays as it
   was. */
static const uint8_t *own_tree(void)
{
    return kva(machine.device_tree.start);
}

/* Undamaged it must say what the kernel found at boot, and one byte less is too little. */
static void test_own_tree(void)
{
    const uint8_t *tree = own_tree();
    size_t size = machine.device_tree.end - machine.device_tree.start;

    assert_eq(get32(tree + TOTAL), size);
    assert(parse(tree, size));
    assert_eq(found.memory.end, machine.memory.end);
    assert_eq(found.hart_count, machine.hart_count);
    assert_eq(found.timebase_hz, machine.timebase_hz);
    for (uint32_t i = 0; i < found.hart_count; i++)
        assert(found.harts[i].intc_phandle != 0);
    assert_eq(found.device_count, machine.device_count);
    assert_eq(found.devices_ignored, 0);
    /* fdt_parse() does not know where the tree is: the caller adds that. */
    assert_eq(found.device_tree.end, size);
    /* The header says how long it is, and that is more than is given. */
    assert(!parse(tree, size - 1));
}

/* Each byte becomes another one: a random one, and all ones or zeros. Most machines are found all
   the same, because a number or a letter has changed. That some errors are found, and not all
   changes are errors, shows that the loop tries something. Afterwards the tree must be as good as
   before. */
static void test_damage(void)
{
    uint8_t *blob;
    const uint8_t *tree = own_tree();
    size_t total = build_at_end(tree, true, get32(tree + STRUCTURE_SIZE),
                                get32(tree + STRINGS_SIZE), &blob);
    uint64_t seed = 6;
    size_t errors = 0;

    assert(parse(blob, total));
    for (size_t i = 0; i < total; i++) {
        uint8_t was = blob[i];

        blob[i] ^= 1 + test_random(&seed) % 255;
        errors += !parse(blob, total);
        blob[i] = i % 2 == 0 ? 0xff : 0;
        errors += !parse(blob, total);
        blob[i] = was;
    }
    assert(parse(blob, total));
    cprintf("%lu bytes, each damaged twice: %lu errors found\n", total, errors);
    /* If every change were an error, the tree would not have been right before. */
    assert(errors > total / 10 && errors < 2 * total);
}

/* Three ways to be too short: the blob as a whole; the structure, which then has no end; and the
   strings, which then lack a name. None of these may be taken for a tree. */
static void test_truncation(void)
{
    const uint8_t *tree = own_tree();
    size_t structure = get32(tree + STRUCTURE_SIZE), strings = get32(tree + STRINGS_SIZE);
    uint8_t *blob;
    size_t total = build_at_end(tree, true, structure, strings, &blob);

    /* Its last bytes are there, but fdt_parse() is told that they are not. */
    for (size_t n = 0; n < total; n++)                  /* the blob itself is cut off */
        assert(!parse(blob, n));
    for (size_t n = 0; n < structure; n++) {
        total = build_at_end(tree, false, n, strings, &blob);
        assert(!parse(blob, total));                    /* FDT_END is its last word */
    }
    for (size_t n = 0; n < strings; n++) {
        total = build_at_end(tree, true, structure, n, &blob);
        assert(!parse(blob, total));                    /* a property's name is missing */
    }
    /* And whole, in the other order: it must be read again. */
    total = build_at_end(tree, false, structure, strings, &blob);
    assert(parse(blob, total));
}

/* Random bytes; random numbers in the header; and tokens in an order that means something. The
   first kind is mostly refused at once, by the header. The second has small numbers in some fields,
   so that the structure begins at odd places. The third has a good header and tokens 1 to 4, so
   that nodes and properties nest at random. Whatever comes out, parse() has checked it. */
static void test_garbage(void)
{
    uint64_t seed = 7;

    for (int round = 0; round < GARBAGE; round++) {
        size_t size = HEADER + test_random(&seed) % 2000;
        uint8_t *blob = window_end - size;

        for (size_t i = 0; i < size; i++)
            blob[i] = test_random(&seed);
        put32(blob, 0xd00dfeed);
        if (round % 3 > 0) {
            put32(blob + TOTAL, size);
            put32(blob + STRUCTURE, HEADER);
            put32(blob + STRUCTURE_SIZE, size - HEADER);
            put32(blob + STRINGS, size - 1);            /* all properties are called "" */
            put32(blob + STRINGS_SIZE, 1);
            put32(blob + RESERVATIONS, size - test_random(&seed) % 20);
            blob[size - 1] = '\0';
        }
        /* Tokens from 1 to 4, or 0, which is none: properties get lengths and names from what
           follows. */
        for (size_t i = HEADER; round % 3 == 2 && i + 4 < size; i += 4)
            put32(blob + i, test_random(&seed) % 16 == 0 ? 0 : 1 + test_random(&seed) % 4);
        for (int i = 0; i < 4 && round % 3 == 0; i++)   /* small numbers pass more checks */
            put32(blob + TOTAL + 4 * (test_random(&seed) % 9), test_random(&seed) % (size + 2));
        parse(blob, size);
    }
}

/* Nodes in nodes, ever deeper: far more than a parser has room for. Each tree is well formed, and
   has nothing but nodes without a name; so it must be refused, as too deep or as no machine. */
static void test_nesting(void)
{
    for (size_t depth = 1; depth < 300; depth++) {
        size_t size = HEADER + 12 * depth + 8;          /* a token and a name; later, a token */
        uint8_t *blob = window_end - size, *pos = blob + HEADER;

        memset(blob, 0, size);
        put32(blob, 0xd00dfeed);
        put32(blob + TOTAL, size);
        put32(blob + STRUCTURE, HEADER);
        put32(blob + STRUCTURE_SIZE, size - HEADER - 4);
        put32(blob + STRINGS, size - 4);
        put32(blob + STRINGS_SIZE, 4);
        put32(blob + RESERVATIONS, size);
        /* Each a word for "a node begins", and a word of zeros: a name without a letter. */
        for (size_t i = 0; i < depth; i++, pos += 8)
            put32(pos, 1);
        for (size_t i = 0; i < depth; i++, pos += 4)
            put32(pos, 2);
        put32(pos, 9);
        assert(!parse(blob, size));                     /* it describes nothing at all */
    }
}

/* Fields of the header at the borders of what a number can be, and around the size of the tree:
   sums of two such fields wrap around if they are made with 32 bits. One field after the other is
   changed, and put back. */
static void test_header(void)
{
    static const uint32_t values[] = {
        0, 1, 3, 4, 39, 40, 0x7fffffff, 0x80000000, 0xfffffff0, 0xfffffffc, 0xffffffff
    };
    const uint8_t *tree = own_tree();
    uint8_t *blob;
    size_t total = build_at_end(tree, true, get32(tree + STRUCTURE_SIZE),
                                get32(tree + STRINGS_SIZE), &blob);

    for (int field = 0; field < HEADER; field += 4) {
        uint32_t was = get32(blob + field);

        /* The fixed values, and five numbers around the size of the whole tree. */
        for (size_t i = 0; i < ARRAY_SIZE(values) + 5; i++) {
            put32(blob + field, i < ARRAY_SIZE(values) ? values[i]
                                                       : total - 2 + (i - ARRAY_SIZE(values)));
            parse(blob, total);
        }
        put32(blob + field, was);
    }
    assert(parse(blob, total));
}

/* The window has room for the largest tree of these tests. At the end all its pages must be
   back. */
static void test_fdt(void)
{
    struct inventory before = inventory_take();
    const uint8_t *tree = own_tree();

    /* A page more, for the header and the list of reservations. */
    window_open(get32(tree + STRUCTURE_SIZE) + get32(tree + STRINGS_SIZE) + PGSIZE);
    test_own_tree();
    test_damage();
    test_truncation();
    test_garbage();
    test_header();
    test_nesting();
    window_close();
    inventory_same(&before, "all of the device tree's tests");
}

/* If it panics with a load page fault at the window's end, the parser has read behind the tree: the
   call stack names the function. If it does not end, a loop does not move on: interrupt it in
   gdb. */
SELFTEST("fdt", test_fdt);
