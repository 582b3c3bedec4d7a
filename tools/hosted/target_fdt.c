/* Target: the device tree, kern/machine/fdt.c. The input is the tree, in memory of exactly its
   size.

   Whatever it says, what is found keeps to the limits of struct machine, and points into the tree.
   The mutator knows where the header, the tokens and the lengths are, and writes there the numbers
   that are next to a limit. */
#include "below.h"
#include <machine/machine.h>
#include <string.h>

#define HEADER  40
#define TOKENS  5                       /* kinds: 1, 2, 3, 4, 9 */

const char *const target_name = "fdt";
const char *const target_counts[] = { "trees taken", "trees refused", NULL };

/* A big-endian number. */
static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

static void put32(uint8_t *p, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        p[i] = value >> (24 - 8 * i);
}

/* Does a property's value lie in the tree? One that is not there has no bytes. */
static bool is_inside(const struct property *prop, const uint8_t *tree, size_t size)
{
    return prop->length == 0
        || (prop->data >= tree && prop->length <= size && prop->data - tree <= (long)size
            && prop->length <= size - (prop->data - tree));
}

/* Ask of a device what drivers ask. */
static void ask(const struct device *device, const uint8_t *tree, size_t size)
{
    uint32_t phandle, irq, n = 0;

    assert(device->registers.start < device->registers.end && device->registers.end <= PHYS_MAX);
    assert(is_inside(&device->compatible, tree, size));
    assert(is_inside(&device->interrupts_extended, tree, size));
    device_is(device, "ns16550a");
    while (device_output(device, n, &phandle, &irq))
        n++;
    assert_eq(n, device->interrupts_extended.length / 8);
}

int LLVMFuzzerTestOneInput(const host_byte *data, unsigned long size)
{
    static struct machine found;
    uint8_t *tree = host_alloc(size);

    below_begin(0);
    memcpy(tree, data, size);
    const char *problem = fdt_parse(tree, size, &found);
    assert(found.hart_count <= HARTS_LISTED && found.reserved_count <= MAX_RESERVED);
    assert(found.device_count <= MAX_DEVICES);
    assert(strnlen(found.bootargs, BOOTARGS_LENGTH) < BOOTARGS_LENGTH);
    assert(strnlen(found.model, MODEL_LENGTH) < MODEL_LENGTH);
    for (uint32_t i = 0; i < found.device_count; i++)
        ask(&found.devices[i], tree, size);
    for (uint32_t i = 0; i < found.reserved_count; i++)
        assert(found.reserved[i].start < found.reserved[i].end);
    if (problem == NULL)
        assert(found.hart_count > 0 && found.timebase_hz > 0 && found.device_tree.end <= size
               && found.memory.start < found.memory.end);
    else
        assert(problem[0] != '\0');
    host_counts[problem != NULL]++;
    host_free(tree);
    below_end();
    return 0;
}

/* A number that is 0, next to a limit, or one that the tree has elsewhere. */
static uint32_t odd_number(uint64_t *state, const uint8_t *data, size_t size)
{
    const uint32_t odd[] = { 0, 1, 2, 3, 4, 5, 8, 9, 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff,
                             size, size - 1, size + 1, size - 4, size / 2, 63, 64, 255 };
    uint32_t choice = random_next(state) % (ARRAY_SIZE(odd) + 4);

    if (choice < ARRAY_SIZE(odd))
        return odd[choice];
    return get32(data + random_next(state) % (size / 4) * 4) + (choice % 3) - 1;
}

unsigned long LLVMFuzzerCustomMutator(host_byte *data, unsigned long size, unsigned long max,
                                      unsigned int seed)
{
    uint64_t state = random_begin(seed);
    uint32_t kind = random_next(&state) % 8;

    if (size < HEADER + 16 || kind == 0)
        return LLVMFuzzerMutate(data, size, max);
    uint32_t structure = get32(data + 8), length = get32(data + 36);
    if (structure % 4 != 0 || structure >= size || length > size - structure || length < 16)
        structure = HEADER, length = size - HEADER;
    uint8_t *at = data + structure + random_next(&state) % (length / 4) * 4;
    if (kind == 1) {
        put32(data + random_next(&state) % (HEADER / 4) * 4, odd_number(&state, data, size));
    } else if (kind == 2) {             /* cut off */
        size -= random_next(&state) % (size - HEADER);
        if (random_next(&state) % 2)
            put32(data + 4, size);
    } else {
        /* The next property or node from there on, and one of its words. */
        while (at + 16 < data + size && get32(at) != 1 && get32(at) != 3)
            at += 4;
        at += kind == 3 ? 0 : kind == 4 ? 4 : kind == 5 ? 8 : 12;
        if (at + 4 <= data + size)
            put32(at, kind == 3 ? (uint32_t[]){ 1, 2, 3, 4, 9 }[random_next(&state) % TOKENS]
                  : odd_number(&state, data, size));
    }
    return size;
}
