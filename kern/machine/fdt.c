/* The device tree in its flattened form: a header, a block of tokens that describes a tree of nodes
   with properties, and a block of property names. One pass collects each node's interesting
   properties, and looks at the node when its properties end. All numbers are big-endian. */
#include <machine/machine.h>
#include <string.h>

#define FDT_MAGIC       0xd00dfeed
#define FDT_BEGIN_NODE  1
#define FDT_END_NODE    2
#define FDT_PROP        3
#define FDT_NOP         4
#define FDT_END         9

#define HEADER_SIZE     40
#define MAX_DEPTH       8

extern const char kernel_start[], kernel_end[];

struct machine machine;

struct property {
    const uint8_t *data;
    uint32_t length;
};

enum property_kind {
    P_ADDRESS_CELLS, P_SIZE_CELLS, P_REG, P_COMPATIBLE, P_DEVICE_TYPE, P_STATUS, P_PHANDLE,
    P_INTERRUPTS, P_INTERRUPTS_EXTENDED, P_TIMEBASE, P_BOOTARGS, P_MODEL, P_COUNT
};

static const char *const property_names[P_COUNT] = {
    "#address-cells", "#size-cells", "reg", "compatible", "device_type", "status", "phandle",
    "interrupts", "interrupts-extended", "timebase-frequency", "bootargs", "model"
};

struct node {
    const char *name;
    struct property props[P_COUNT];
    bool visited;
};

struct parser {
    struct machine *m;
    const uint8_t *pos, *end;           /* in the structure block */
    const char *strings;
    uint32_t strings_size;
    struct node nodes[MAX_DEPTH];       /* from the root to the current one */
    int depth;
    struct property plic_contexts;
};

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

/* Does a list of zero-terminated strings have this one? */
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

static uint32_t property_u32(const struct property *prop, uint32_t otherwise)
{
    return prop->length >= 4 ? be32(prop->data) : otherwise;
}

/* Copy a property's text, or as much of it as there is room for; the buffer has been cleared. */
static void copy_text(char *buf, size_t size, const struct property *prop)
{
    memcpy(buf, prop->data, prop->length < size ? prop->length : size - 1);
}

static size_t text_length(const struct property *prop)
{
    return strnlen((const char *)prop->data, prop->length);
}

/* Read a number of `cells` words and step over it; false where the property ends first. */
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

/* The next address and size of a reg property, in the parent's cells. */
static bool take_range(struct property *reg, const struct node *parent, struct memory_range *range)
{
    uint64_t size;

    if (!take_cells(reg, property_u32(&parent->props[P_ADDRESS_CELLS], 2), &range->start)
        || !take_cells(reg, property_u32(&parent->props[P_SIZE_CELLS], 1), &size))
        return false;
    range->end = range->start + size;
    return range->end >= range->start;
}

static void add_reserved(struct machine *m, struct memory_range range)
{
    if (m->reserved_count < MAX_RESERVED && range.end > range.start)
        m->reserved[m->reserved_count++] = range;
}

static void visit_cpu(struct machine *m, struct node *node, const struct node *parent)
{
    uint64_t hartid;

    if (node->props[P_STATUS].length > 0 && !property_has(&node->props[P_STATUS], "okay"))
        return;
    if (!take_cells(&node->props[P_REG], property_u32(&parent->props[P_ADDRESS_CELLS], 1), &hartid))
        return;
    if (m->hart_count == HARTS_LISTED || hartid >= 64)
        m->harts_ignored++;
    else
        m->harts[m->hart_count++] = (struct hart_info){ .hartid = hartid, .plic_context = -1 };
}

static void visit_device(struct parser *p, struct node *node, const struct node *parent)
{
    const struct property *compatible = &node->props[P_COMPATIBLE];
    struct machine *m = p->m;

    if (property_has(compatible, "ns16550a")) {
        take_range(&node->props[P_REG], parent, &m->uart);
        m->uart_irq = property_u32(&node->props[P_INTERRUPTS], 0);
    } else if (property_has(compatible, "sifive,plic-1.0.0")
               || property_has(compatible, "riscv,plic0")) {
        take_range(&node->props[P_REG], parent, &m->plic);
        p->plic_contexts = node->props[P_INTERRUPTS_EXTENDED];
    } else if (property_has(compatible, "sifive,test0")) {
        take_range(&node->props[P_REG], parent, &m->test_device);
    }
}

/* All properties of the current node are known. */
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
        /* Its interrupt controller; it is the last hart seen. */
        if (p->m->hart_count > 0 && p->m->harts[p->m->hart_count - 1].intc_phandle == 0)
            p->m->harts[p->m->hart_count - 1].intc_phandle =
                property_u32(&node->props[P_PHANDLE], 0);
    } else if (strcmp(node->name, "cpus") == 0) {
        p->m->timebase_hz = property_u32(&node->props[P_TIMEBASE], 0);
    } else if (strcmp(node->name, "chosen") == 0) {
        copy_text(p->m->bootargs, BOOTARGS_LENGTH, &node->props[P_BOOTARGS]);
        p->m->bootargs_length = text_length(&node->props[P_BOOTARGS]);
    } else if (strcmp(parent->name, "reserved-memory") == 0) {
        while (take_range(reg, parent, &range))
            add_reserved(p->m, range);
    } else {
        visit_device(p, node, parent);
    }
}

static bool take_token(struct parser *p, uint32_t *value)
{
    if (p->end - p->pos < 4)
        return false;
    *value = be32(p->pos);
    p->pos += 4;
    return true;
}

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

static const char *property(struct parser *p)
{
    uint32_t length, name;

    if (!take_token(p, &length) || !take_token(p, &name)
        || length > (size_t)(p->end - p->pos) || name >= p->strings_size || p->depth == 0)
        return "a property does not fit in";
    for (int kind = 0; kind < P_COUNT; kind++)
        if (strcmp(p->strings + name, property_names[kind]) == 0)
            p->nodes[p->depth - 1].props[kind] = (struct property){ p->pos, length };
    size_t step = ROUNDUP((size_t)length, 4), left = p->end - p->pos;
    p->pos += step < left ? step : left;
    return NULL;
}

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

/* Which context of the PLIC is whose: the index of the pair that names its hart. */
static void find_plic_contexts(struct parser *p)
{
    struct property list = p->plic_contexts;
    uint64_t phandle, irq;

    for (int context = 0; take_cells(&list, 1, &phandle) && take_cells(&list, 1, &irq); context++)
        for (uint32_t i = 0; i < p->m->hart_count; i++)
            if (irq == 9 /* supervisor external */ && p->m->harts[i].intc_phandle == phandle)
                p->m->harts[i].plic_context = context;
}

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

static const char *check_machine(const struct machine *m)
{
    if (m->memory.end <= m->memory.start)
        return "it names no memory that holds the kernel";
    if (m->hart_count == 0)
        return "it names no hart";
    if (m->timebase_hz == 0)
        return "it has no timebase-frequency";
    if (m->uart.start == 0)
        return "it names no UART that is compatible with ns16550a";
    if (m->plic.start == 0)
        return "it names no PLIC (sifive,plic-1.0.0 or riscv,plic0), so no key would arrive";
    return NULL;
}

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
    find_plic_contexts(&p);
    parse_reservations(m, base + reservations, base + total);
    m->device_tree = (struct memory_range){ 0, total };     /* the caller knows where it is */
    return check_machine(m);
}
