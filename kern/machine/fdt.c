/* Reading the device tree in its flattened form (Devicetree Specification 0.4, chapter 5): a
   header, a list of memory that is reserved, a block of tokens that describes a tree of nodes with
   properties, and a block with the names of the properties. All numbers are big-endian.

   One pass goes over the tokens. A struct parser holds the nodes from the root to the current one,
   each with the properties that matter here. The specification puts all properties of a node before
   its children, so a node is looked at, by visit(), when its first child begins or when it ends.

   The tree comes from outside of the kernel. So each length and each offset in it is checked before
   it is used, the depth is limited, and a string is compared only inside of its property. What is
   found goes to a struct machine; kern/test/fdt.c damages the machine's own tree in every place. */
#include <machine/machine.h>
#include <string.h>

/* The blob, from its first byte on; the header has the place and the size of each part (5.2):

       +--------------------+ 0
       | header             |   magic, total size, where the others are
       +--------------------+
       | reserved memory    |   pairs of an address and a size, the last one 0, 0    (5.3)
       +--------------------+
       | structure          |   BEGIN_NODE "cpus"                                    (5.4)
       |                    |     PROP length, name, value    a property of that node
       |                    |     BEGIN_NODE "cpu@0"          a child of it
       |                    |       PROP ...
       |                    |     END_NODE
       |                    |   END_NODE
       |                    |   ...
       |                    |   END
       +--------------------+
       | strings            |   the names of properties; PROP has an offset in here  (5.5)
       +--------------------+ total size

   A token is a word of 32 bits, and what follows it is filled up to whole words (5.4.1). */
#define FDT_MAGIC       0xd00dfeed
#define FDT_BEGIN_NODE  1
#define FDT_END_NODE    2
#define FDT_PROP        3
#define FDT_NOP         4
#define FDT_END         9

/* The header has ten words of 32 bits. QEMU's trees are 5 levels deep; a tree that is deeper than
   MAX_DEPTH is refused, because the parser is on the boot stack. */
#define HEADER_SIZE     40
#define MAX_DEPTH       8

extern const char kernel_start[], kernel_end[];

struct machine machine;

/* The properties that are looked at. The order is that of property_names. */
enum property_kind {
    P_ADDRESS_CELLS, P_SIZE_CELLS, P_REG, P_COMPATIBLE, P_DEVICE_TYPE, P_STATUS, P_PHANDLE,
    P_INTERRUPTS, P_INTERRUPTS_EXTENDED, P_TIMEBASE, P_BOOTARGS, P_MODEL, P_INITRD_START,
    P_INITRD_END, P_COUNT
};

static const char *const property_names[P_COUNT] = {
    "#address-cells", "#size-cells", "reg", "compatible", "device_type", "status", "phandle",
    "interrupts", "interrupts-extended", "timebase-frequency", "bootargs", "model",
    "linux,initrd-start", "linux,initrd-end"
};

/* A node that has begun and not ended. Of properties that a node does not have `length` is 0. */
struct node {
    const char *name;                   /* with the address behind it: "cpu@0" */
    struct property props[P_COUNT];
    bool visited;                       /* visit() has looked at it */
};

/* Where the walk is. It is made for one call of fdt_parse(), on the stack. */
struct parser {
    struct machine *m;
    const uint8_t *pos, *end;           /* in the structure block */
    const char *strings;
    uint32_t strings_size;
    struct node nodes[MAX_DEPTH];       /* from the root to the current one */
    int depth;                          /* how many nodes these are */
};

/* A big-endian number. It is put together from bytes, so that it need not be aligned. */
static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

/* Does a list of texts, each with a 0 behind it, have this one? The list may be damaged: a text
   that does not end inside of the property is none. "compatible" is such a list (2.3.1); a property
   of one text is a list of one. */
static bool property_has(const struct property *prop, const char *wanted)
{
    const char *s = (const char *)prop->data;

    for (uint32_t i = 0, n; i < prop->length; i += n) {
        n = strnlen(s + i, prop->length - i) + 1;
        if (i + n <= prop->length && strcmp(s + i, wanted) == 0)
            return true;
    }
    return false;
}

/* The value of a property of one word; `otherwise` if the node has no such property. */
static uint32_t property_u32(const struct property *prop, uint32_t otherwise)
{
    return prop->length >= 4 ? be32(prop->data) : otherwise;
}

/* The value of a property that may have one word or two; 0 if the node has no such property. */
static uint64_t property_u64(const struct property *prop)
{
    return prop->length >= 8 ? (uint64_t)be32(prop->data) << 32 | be32(prop->data + 4)
                             : property_u32(prop, 0);
}

/* Copy a property's text, or as much of it as there is room for; the buffer has been cleared, so
   there is always a zero behind it. */
static void copy_text(char *buf, size_t size, const struct property *prop)
{
    memcpy(buf, prop->data, prop->length < size ? prop->length : size - 1);
}

/* The length of a property's text. A damaged text may have no end: then the property ends it. */
static size_t text_length(const struct property *prop)
{
    return strnlen((const char *)prop->data, prop->length);
}

/* Read a number of `cells` words and step over it; false if the property ends first, or if the
   number has more than 64 bits. A number without words is 0. */
static bool take_cells(struct property *prop, uint32_t cells, uint64_t *value)
{
    if (cells > 2 || prop->length < 4 * cells)
        return false;
    for (*value = 0; cells > 0; cells--) {
        *value = *value << 32 | be32(prop->data);
        prop->data += 4;
        prop->length -= 4;
    }
    return true;
}

/* Read the next address and size of a "reg" property and step over them. The parent says how many
   words each of them has; 2 and 1 if it does not (2.3.5 in the specification). An address without
   words is none: a loop over such ranges would not come to an end. */
static bool take_range(struct property *reg, const struct node *parent, struct memory_range *range)
{
    uint32_t address_cells = property_u32(&parent->props[P_ADDRESS_CELLS], 2);
    uint32_t size_cells = property_u32(&parent->props[P_SIZE_CELLS], 1);
    uint64_t size;

    if (address_cells == 0 || !take_cells(reg, address_cells, &range->start)
        || !take_cells(reg, size_cells, &size))
        return false;
    range->end = range->start + size;
    return range->end >= range->start;
}

/* Note a range that must not be allocated. A machine with more than MAX_RESERVED of them would lose
   the rest; the trees of QEMU with OpenSBI have one or two. */
static void add_reserved(struct machine *m, struct memory_range range)
{
    if (m->reserved_count < MAX_RESERVED && range.end > range.start)
        m->reserved[m->reserved_count++] = range;
}

/* Some nodes describe what is not there, or must not be used: their "status" says so (2.3.4). A
   node without the property is in use. */
static bool in_use(const struct node *node)
{
    const struct property *status = &node->props[P_STATUS];

    return status->length == 0 || property_has(status, "okay");
}

/* A hart. The firmware's calls name harts by a mask of 64 bits, so others cannot be used. A hart
   whose status is "disabled" is left out: it may be one without an MMU, for the firmware only. */
static void visit_cpu(struct machine *m, struct node *node, const struct node *parent)
{
    uint64_t hartid;

    if (!in_use(node))
        return;
    if (!take_cells(&node->props[P_REG], property_u32(&parent->props[P_ADDRESS_CELLS], 1), &hartid))
        return;
    if (m->hart_count == HARTS_LISTED || hartid >= 64)
        m->harts_ignored++;
    else
        m->harts[m->hart_count++] = (struct hart_info){ .hartid = hartid };
}

/* Any other node. It is a device if it has a name for drivers and registers at an address: what has
   no size lies on a bus of another kind, as a chip on an I2C bus does. */
static void visit_device(struct machine *m, struct node *node, const struct node *parent)
{
    struct memory_range range = { 0, 0 };

    if (node->props[P_COMPATIBLE].length == 0 || !in_use(node)
        || !take_range(&node->props[P_REG], parent, &range) || range.end == range.start)
        return;
    if (m->device_count == MAX_DEVICES || range.end > PHYS_MAX) {
        m->devices_ignored++;
        return;
    }
    m->devices[m->device_count++] = (struct device){
        .compatible = node->props[P_COMPATIBLE],
        .registers = range,
        .irq = property_u32(&node->props[P_INTERRUPTS], 0),
        .interrupts_extended = node->props[P_INTERRUPTS_EXTENDED],
    };
}

/* All properties of the current node are known: take what the machine's description needs of it.
   The node's type, its name or its parent say what it is (chapter 3 in the specification). A node
   is visited twice if it has children, once before the first of them and once at its end; the
   second time has no effect. */
static void visit(struct parser *p)
{
    struct node *node = &p->nodes[p->depth - 1];
    struct node *parent = p->depth > 1 ? &p->nodes[p->depth - 2] : node;
    struct property *reg = &node->props[P_REG];
    struct memory_range range;

    if (node->visited)
        return;
    node->visited = true;
    if (p->depth == 1)
        copy_text(p->m->model, MODEL_LENGTH, &node->props[P_MODEL]);
    if (property_has(&node->props[P_DEVICE_TYPE], "memory")) {
        /* The kernel uses the range that it lies in, whole; a machine may have more. */
        while (take_range(reg, parent, &range))
            if (range.start <= paddr(kernel_start) && paddr(kernel_end) <= range.end)
                p->m->memory = range;
    } else if (property_has(&node->props[P_DEVICE_TYPE], "cpu")) {
        visit_cpu(p->m, node, parent);
    } else if (property_has(&parent->props[P_DEVICE_TYPE], "cpu")) {
        /* The interrupt controller in a hart: that hart was the last one seen. */
        if (p->m->hart_count > 0 && p->m->harts[p->m->hart_count - 1].intc_phandle == 0)
            p->m->harts[p->m->hart_count - 1].intc_phandle =
                property_u32(&node->props[P_PHANDLE], 0);
    } else if (strcmp(node->name, "cpus") == 0) {
        p->m->timebase_hz = property_u32(&node->props[P_TIMEBASE], 0);
    } else if (strcmp(node->name, "chosen") == 0) {
        copy_text(p->m->bootargs, BOOTARGS_LENGTH, &node->props[P_BOOTARGS]);
        p->m->bootargs_length = text_length(&node->props[P_BOOTARGS]);
        p->m->initrd.start = property_u64(&node->props[P_INITRD_START]);
        p->m->initrd.end = property_u64(&node->props[P_INITRD_END]);
    } else if (strcmp(parent->name, "reserved-memory") == 0) {
        while (take_range(reg, parent, &range))
            add_reserved(p->m, range);
    } else {
        visit_device(p->m, node, parent);
    }
}

/* Read the next word of the structure and step over it; false if less than a word is left. */
static bool take_token(struct parser *p, uint32_t *value)
{
    if (p->end - p->pos < 4)
        return false;
    *value = be32(p->pos);
    p->pos += 4;
    return true;
}

/* A node begins: its name follows, filled up to whole words. The node around it is looked at now,
   if this is its first child: it will get no more properties. */
static const char *begin_node(struct parser *p)
{
    size_t length = strnlen((const char *)p->pos, p->end - p->pos);

    if (length >= (size_t)(p->end - p->pos))
        return "a node's name does not end";
    if (p->depth > 0)
        visit(p);
    if (p->depth == MAX_DEPTH)
        return "nodes are nested too deeply";
    p->nodes[p->depth++] = (struct node){ .name = (const char *)p->pos };
    p->pos += ROUNDUP(length + 1, 4);
    return NULL;
}

/* A property: its length, where its name stands in the block of names, and its value, filled up to
   whole words; behind the last value of a damaged tree fewer bytes may be left. The value stays in
   the tree: a struct property points to it. A node that has a property twice keeps the later
   one. */
static const char *property(struct parser *p)
{
    uint32_t length, name;

    if (!take_token(p, &length) || !take_token(p, &name)
        || length > (size_t)(p->end - p->pos) || name >= p->strings_size || p->depth == 0)
        return "a property does not fit in";
    for (int kind = 0; kind < P_COUNT; kind++)      /* most differ in the first character */
        if (p->strings[name] == property_names[kind][0]
            && strcmp(p->strings + name, property_names[kind]) == 0)
            p->nodes[p->depth - 1].props[kind] = (struct property){ p->pos, length };
    size_t step = ROUNDUP((size_t)length, 4), left = p->end - p->pos;
    p->pos += step < left ? step : left;
    return NULL;
}

/* Go over all tokens. Returns NULL, or what is wrong in words, as all the functions here do. The
   loop ends in any case: each turn steps over a token at least, and there are only so many
   bytes. */
static const char *parse_structure(struct parser *p)
{
    const char *problem = NULL;
    uint32_t token;

    while (problem == NULL) {
        if (!take_token(p, &token))
            return "it ends in the middle";
        switch (token) {
        case FDT_BEGIN_NODE:
            problem = begin_node(p);
            break;
        case FDT_END_NODE:
            if (p->depth == 0)
                return "a node ends that did not begin";
            visit(p);
            p->depth--;
            break;
        case FDT_PROP:
            problem = property(p);
            break;
        case FDT_NOP:
            break;
        case FDT_END:
            return p->depth == 0 ? NULL : "it ends inside a node";
        default:
            return "an unknown token";
        }
    }
    return problem;
}

/* The list of memory that is reserved by the header, beside the nodes that say so (5.3): pairs of
   an address and a size, of which the last one is all zeros. An end that wraps around makes an
   empty range, which add_reserved() leaves out. */
static void parse_reservations(struct machine *m, const uint8_t *pos, const uint8_t *end)
{
    for (; end - pos >= 16; pos += 16) {
        uint64_t start = (uint64_t)be32(pos) << 32 | be32(pos + 4);
        uint64_t size = (uint64_t)be32(pos + 8) << 32 | be32(pos + 12);

        if (size == 0)
            return;
        add_reserved(m, (struct memory_range){ start, start + size });
    }
}

/* Without these nothing goes on, not even by other drivers: a kernel that does not know where its
   memory ends, on which harts it may run or how long a second is can do nothing but say so. */
static const char *check_machine(const struct machine *m)
{
    if (m->memory.end <= m->memory.start)
        return "it names no memory that holds the kernel";
    if (m->hart_count == 0)
        return "it names no hart";
    if (m->timebase_hz == 0)
        return "it has no timebase-frequency";
    return NULL;
}

/* In this order: the header, which is believed only if it agrees with itself; the tokens; the list
   of reserved memory; and then whether what was found is enough. The sums of two words of 32 bits
   are made with 64, so they cannot wrap around. A tree whose strings end with a zero has no string
   without an end: that is checked once, and then each name may be compared with strcmp(). */
const char *fdt_parse(const void *blob, size_t limit, struct machine *m)
{
    const uint8_t *base = blob;

    memset(m, 0, sizeof(*m));
    if (limit < HEADER_SIZE || be32(base) != FDT_MAGIC)
        return "it does not begin with 0xd00dfeed";
    uint64_t total = be32(base + 4), structure = be32(base + 8), strings = be32(base + 12);
    uint64_t reservations = be32(base + 16), strings_size = be32(base + 32);
    uint64_t structure_size = be32(base + 36);

    if (total > limit || structure + structure_size > total || strings + strings_size > total
        || reservations > total || structure % 4 != 0)
        return "its header is damaged";
    if (strings_size == 0 || base[strings + strings_size - 1] != '\0')
        return "its names do not end";

    struct parser p = {
        .m = m, .pos = base + structure, .end = base + structure + structure_size,
        .strings = (const char *)base + strings, .strings_size = strings_size
    };
    const char *problem = parse_structure(&p);
    if (problem != NULL)
        return problem;
    parse_reservations(m, base + reservations, base + total);
    m->device_tree = (struct memory_range){ 0, total };
    return check_machine(m);
}

/* See machine.h. The names stand in the tree itself, one after the other. */
bool device_is(const struct device *device, const char *wanted)
{
    return property_has(&device->compatible, wanted);
}

/* A pair has two words of 4 bytes each, so a list of n bytes has n / 8 pairs. */
bool device_output(const struct device *device, uint32_t index, uint32_t *phandle, uint32_t *irq)
{
    const struct property *list = &device->interrupts_extended;

    if (index >= list->length / 8)
        return false;
    *phandle = be32(list->data + 8 * index);
    *irq = be32(list->data + 8 * index + 4);
    return true;
}
