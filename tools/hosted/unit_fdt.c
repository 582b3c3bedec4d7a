/* Unit tests of kern/machine/fdt.c: small trees, each written token by token, with one thing that
   is right or wrong. Fuzzing (target_fdt.c) finds what crashes; this says what must be found. */
#include "unit.h"
#include <machine/machine.h>
#include <string.h>

#define HEADER  40

/* A tree that is being written, and what it is when it is done. */
static uint8_t tree[32768], strings[16384];
static size_t tree_size, strings_size, cut;     /* so many bytes of the names are missing */
static struct machine found;

static void put(uint32_t value)
{
    for (int i = 0; i < 4; i++)
        tree[tree_size++] = value >> (24 - 8 * i);
}

/* Bytes, filled up to whole words. */
static void put_bytes(const void *bytes, size_t n)
{
    memcpy(tree + tree_size, bytes, n);
    tree_size += n;
    while (tree_size % 4 != 0)
        tree[tree_size++] = 0;
}

static void begin(const char *name)
{
    put(1);
    put_bytes(name, strlen(name) + 1);
}

static void end(void)
{
    put(2);
}

/* A property of `n` bytes. */
static void property(const char *name, const void *value, size_t n)
{
    put(3);
    put(n);
    put(strings_size);
    memcpy(strings + strings_size, name, strlen(name) + 1);
    strings_size += strlen(name) + 1;
    put_bytes(value, n);
}

static void text(const char *name, const char *value)
{
    property(name, value, strlen(value) + 1);
}

/* One of n words. */
static void words(const char *name, size_t n, const uint32_t *value)
{
    uint8_t bytes[256];

    for (size_t i = 0; i < 4 * n; i++)
        bytes[i] = value[i / 4] >> (24 - 8 * (i % 4));
    property(name, bytes, 4 * n);
}

#define WORDS(name, ...) \
    words(name, sizeof((uint32_t[]){ __VA_ARGS__ }) / 4, (uint32_t[]){ __VA_ARGS__ })

/* A new tree, with an empty list of reserved memory. */
static void start(void)
{
    memset(tree, 0, HEADER + 16);
    tree_size = HEADER + 16;
    strings_size = 0;
}

/* What each machine has: memory that holds the kernel, and `harts` harts. */
static void usual(uint32_t harts)
{
    start();
    begin("");
    WORDS("#address-cells", 2);
    WORDS("#size-cells", 2);
    begin("memory@80000000");
    text("device_type", "memory");
    WORDS("reg", 0, 0x80000000, 0, 0x8000000);
    end();
    begin("cpus");
    WORDS("#address-cells", 1);
    WORDS("timebase-frequency", 10000000);
    for (uint32_t i = 0; i < harts; i++) {
        begin("cpu");
        text("device_type", "cpu");
        WORDS("reg", i % 60);
        end();
    }
    end();
}

/* End the tree, and read it. */
static const char *parse(void)
{
    uint32_t structure = HEADER + 16, size = tree_size;

    put(9);
    strings_size -= cut;
    memcpy(tree + tree_size, strings, strings_size);
    size_t total = tree_size + strings_size;
    const uint32_t header[] = { 0xd00dfeed, total, structure, tree_size, HEADER, 17, 16, 0,
                                strings_size, size + 4 - structure };
    tree_size = 0;
    for (size_t i = 0; i < ARRAY_SIZE(header); i++)
        put(header[i]);
    uint8_t *exact = memcpy(host_alloc(total), tree, total);
    const char *problem = fdt_parse(exact, total, &found);
    host_free(exact);
    return problem;
}

static void machines(void)
{
    usual(2);
    WORDS("late", 1);
    begin("serial@10000000");
    WORDS("reg", 0, 0x10000000, 0, 0x100);
    text("compatible", "ns16550a");
    WORDS("interrupts", 10);
    end();
    begin("chosen");
    text("bootargs", "init=hello");
    WORDS("linux,initrd-start", 0x88000000);
    WORDS("linux,initrd-end", 1, 2);
    end();
    begin("reserved-memory");
    WORDS("#address-cells", 2);
    WORDS("#size-cells", 2);
    begin("firmware");
    WORDS("reg", 0, 0x80000000, 0, 0x40000, 0, 5, 0, 0);
    end();
    end();
    end();
    check("a good tree", parse() == NULL);
    check_eq("its harts", found.hart_count, 2);
    check_eq("its memory", found.memory.end, 0x88000000);
    check_eq("its clock", found.timebase_hz, 10000000);
    check("its device", found.device_count == 1 && found.devices[0].irq == 10
          && found.devices[0].registers.start == 0x10000000);
    check("its words", strcmp(found.bootargs, "init=hello") == 0 && found.bootargs_length == 10);
    check("numbers of one word, and of two", found.initrd.start == 0x88000000
          && found.initrd.end == 0x100000002);
    check_eq("an empty range is not reserved", found.reserved_count, 1);
    usual(HARTS_LISTED + 3);
    end();
    check("too many harts", parse() == NULL && found.hart_count == HARTS_LISTED
          && found.harts_ignored == 3);
}

/* One node beside the usual ones, with the `reg` of n words under a parent with these cells. */
static const char *one_device(uint32_t address_cells, uint32_t size_cells, size_t n)
{
    const uint32_t reg[] = { 0, 0x10000000, 0, 0x100, 0, 0, 0, 0 };

    usual(1);
    begin("bus");
    WORDS("#address-cells", address_cells);
    WORDS("#size-cells", size_cells);
    begin("device");
    text("compatible", "x");
    words("reg", n, reg);
    end();
    end();
    end();
    return parse();
}

static void ranges(void)
{
    check("cells of 2 and 2", one_device(2, 2, 4) == NULL && found.device_count == 1);
    check("a size that is cut off", one_device(2, 2, 3) == NULL && found.device_count == 0);
    check("no address", one_device(0, 2, 4) == NULL && found.device_count == 0);
    check("an address of three words", one_device(3, 1, 4) == NULL && found.device_count == 0);
    check("cells beyond all", one_device(0xffffffff, 1, 4) == NULL && found.device_count == 0);
    check("no reg", one_device(2, 2, 0) == NULL && found.device_count == 0);
    usual(1);
    for (int i = 0; i < MAX_DEVICES + 2; i++) {
        begin("device");
        text("compatible", "x");
        WORDS("reg", 0, i == 0 ? 0xffff0000 : 0x1000, i == 0 ? 0xff : 0, 0x1000);
        end();
    }
    end();
    check("what has no place is ignored", parse() == NULL && found.device_count == MAX_DEVICES
          && found.devices_ignored == 2);
    usual(1);
    begin("reserved-memory");
    WORDS("#address-cells", 1);
    WORDS("#size-cells", 1);
    for (int i = 0; i < MAX_RESERVED + 2; i++) {
        begin("r");
        WORDS("reg", 0x1000, 0x1000);
        end();
    }
    end();
    end();
    check("so many ranges are reserved", parse() == NULL && found.reserved_count == MAX_RESERVED);
}

static void damage(void)
{
    char line[BOOTARGS_LENGTH + 100];

    usual(1);
    for (int i = 0; i < 7; i++)
        begin("deeper");
    for (int i = 0; i < 8; i++)
        end();
    check("eight nodes deep", parse() == NULL);
    usual(1);
    for (int i = 0; i < 8; i++)
        begin("deeper");
    check("and nine", strcmp(parse() ?: "", "nodes are nested too deeply") == 0);
    usual(1);
    check("no end", strcmp(parse() ?: "", "it ends inside a node") == 0);
    usual(1);
    end();
    end();
    check("one end too many", strcmp(parse() ?: "", "a node ends that did not begin") == 0);
    start();
    text("outside", "x");
    check("a property of no node", strcmp(parse() ?: "", "a property does not fit in") == 0);
    usual(0);
    end();
    check("no hart", strcmp(parse() ?: "", "it names no hart") == 0);
    start();
    begin("");
    end();
    check("no memory", parse() != NULL);
    memset(line, 'a', sizeof(line));
    usual(1);
    begin("chosen");
    property("bootargs", line, sizeof(line));
    property("model", line, 10);
    end();
    end();
    check("words without an end", parse() == NULL && found.bootargs_length == sizeof(line)
          && strlen(found.bootargs) == BOOTARGS_LENGTH - 1);
    usual(1);
    end();
    cut = 1;
    check("a name without an end", strcmp(parse() ?: "", "its names do not end") == 0);
    cut = 0;
    check("nothing is a tree", fdt_parse("", 0, &found) != NULL);
    for (uint32_t token = 4; token < 12; token++) {
        usual(1);
        end();
        put(token);
        check_eq("a token behind the root", parse() == NULL, token == 4 || token == 9);
    }
}

void unit_fdt(void)
{
    machines();
    ranges();
    damage();
}
