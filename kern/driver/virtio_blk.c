/* The disk of a virtual machine: virtio-blk on the bus virtio-mmio (Virtual I/O Device 1.1: 2.6 the
   queue, 4.2 the registers, 5.2 the disk). Version 2 of the registers is that of the standard,
   version 1 the legacy one, which QEMU has if nothing else is said.

   Driver and device share a queue in memory. The driver describes a request by a chain of three
   descriptors, puts the number of the first into the ring `available`, and writes to a register.
   The device works on it whenever it likes, puts the number into the ring `used` when it is done,
   and interrupts. Here each chain has a place of its own, a slot. So as many requests are under way
   as there are slots, and they end in any order.

   All that the device is given lies in pages: the queue, the headers and the results in two of the
   driver, which it keeps; the data in the caller's, who waits. The lock of the block device guards
   the rest. The kernel uses one disk, so there is one object. */
#include <debug/printk.h>
#include <driver/block.h>
#include <driver/driver.h>
#include <driver/irq.h>
#include <driver/mmio.h>
#include <error.h>
#include <string.h>

/* Registers (4.2.2). Those of an address are two, the low half and 4 further the high one. */
enum {
    MAGIC = 0x00, VERSION = 0x04, DEVICE_ID = 0x08,
    DEVICE_FEATURES = 0x10, DEVICE_FEATURES_SEL = 0x14,     /* SEL: which 32 of them */
    DRIVER_FEATURES = 0x20, DRIVER_FEATURES_SEL = 0x24,
    QUEUE_SEL = 0x30, QUEUE_NUM_MAX = 0x34, QUEUE_NUM = 0x38, QUEUE_NOTIFY = 0x50,
    INTERRUPT_STATUS = 0x60, INTERRUPT_ACK = 0x64, STATUS = 0x70,
    /* Version 1 alone (4.2.4): the size of a page, where in them `used` is, the first page. */
    GUEST_PAGE_SIZE = 0x28, QUEUE_ALIGN = 0x3c, QUEUE_PFN = 0x40,
    /* Version 2 alone. */
    QUEUE_READY = 0x44, QUEUE_DESCRIPTORS = 0x80, QUEUE_AVAILABLE = 0x90, QUEUE_USED = 0xa0,
    CONFIG_GENERATION = 0xfc,
    /* Of a disk (5.2.4): how many sectors, in 64 bits; the size of a block. */
    CAPACITY = 0x100, BLOCK_LENGTH = 0x114, REGISTERS_END = 0x118
};

#define MAGIC_VALUE     0x74726976      /* "virt" */
#define ID_DISK         2               /* section 5 */
#define SECTORS         (BLOCK_SIZE / 512)      /* in a block; those of all disks have 512 bytes */

/* Bits of STATUS (2.1); features (5.2.3), of which F_VERSION_1 is in the second word (section 6);
   bits of a descriptor: the chain goes on, the device writes there and does not read. */
enum { ACKNOWLEDGE = 1, DRIVER_FOUND = 2, DRIVER_OK = 4, FEATURES_OK = 8, FAILED = 128 };
enum { F_READ_ONLY = 1 << 5, F_BLOCK_LENGTH = 1 << 6, F_FLUSH = 1 << 9, F_VERSION_1 = 1 << 0 };
enum { D_NEXT = 1, D_WRITE = 2 };

#define QUEUE_SIZE      64              /* descriptors; a power of two (2.6) */
#define CHAIN           3               /* of a request: header, data, result */
#define SLOTS           (QUEUE_SIZE / CHAIN)

/* What driver and device share. Version 1 wants `available` right behind the descriptors, and
   `used` at the beginning of a page (2.6.2); the rest may be anywhere. Indices count on for ever,
   and wrap around. */
struct queue {
    struct descriptor {                 /* 2.6.5; of slot s: 3s, 3s + 1, 3s + 2 */
        uint64_t address;
        uint32_t length;
        uint16_t flags, next;
    } descriptors[QUEUE_SIZE];
    struct {                            /* 2.6.6 */
        uint16_t flags, index, ring[QUEUE_SIZE];
    } available;
    struct header {                     /* 5.2.6: what a request begins with; of each slot */
        uint32_t type, reserved;
        uint64_t sector;
    } headers[SLOTS];
    uint8_t results[SLOTS];             /* 0: all is well */
    struct {                            /* 2.6.8 */
        uint16_t flags, index;
        struct { uint32_t id, length; } ring[QUEUE_SIZE];
    } used __attribute__((aligned(PGSIZE)));
};

/* A read in slot 1, from its start to its end:

       available.ring      descriptors                        used.ring
        ...                 3  address -> headers[1]           ...
        3  start()             next 4                          3  by the device
           <- index         4  address -> the caller's page       <- index
                               next 5
                            5  address -> results[1]

   The device may take requests out of `available` in any order, and ends them in any order. It
   never writes there, as the driver never writes to `used`: so each ring has one writer, and needs
   no lock between the two sides, only an order of the stores. */
static struct block_device disk;
static uintptr_t registers;             /* set once at boot */
static struct queue *queue;             /* likewise */

/* Guarded by the disk's lock. */
static struct block_request *under_way[SLOTS];          /* NULL: the slot is free */
static uint16_t seen;                   /* entries of `used` that were looked at; wraps around */
static bool dead;

static uint32_t get(size_t offset)
{
    return mmio_read32(registers + offset);
}

static void put(size_t offset, uint32_t value)
{
    mmio_write32(registers + offset, value);
}

/* Describe a request in a free slot, and make it available. The device may look at the ring at any
   time. So what it finds by the ring is in memory before the entry is, and that before the index
   (2.6.13). A flush has no data. */
static void start(uint16_t slot, struct block_request *request)
{
    static const uint32_t types[] = { [BLOCK_READ] = 0, [BLOCK_WRITE] = 1, [BLOCK_FLUSH] = 4 };
    uint16_t first = CHAIN * slot, index = queue->available.index;
    struct descriptor *chain = &queue->descriptors[first];
    bool flush = request->op == BLOCK_FLUSH;

    under_way[slot] = request;
    queue->results[slot] = 0xff;
    queue->headers[slot] = (struct header){
        types[request->op], 0, flush ? 0 : (uint64_t)request->block * SECTORS
    };
    chain[0] = (struct descriptor){ paddr(&queue->headers[slot]), sizeof(struct header),
                                    D_NEXT, first + (flush ? 2 : 1) };
    if (!flush)
        chain[1] = (struct descriptor){ page2pa(request->page), BLOCK_SIZE, D_NEXT
                                        | (request->op == BLOCK_READ ? D_WRITE : 0), first + 2 };
    chain[2] = (struct descriptor){ paddr(&queue->results[slot]), 1, D_WRITE, 0 };
    queue->available.ring[index % QUEUE_SIZE] = first;
    /* pairs with the device: it loads the index, then the ring (virtio 1.1, 2.6.6) */
    atomic_store_release(&queue->available.index, index + 1);
}

/* The register is written once for all of them, and behind a fence (mmio.h). */
static size_t submit(struct block_device *device, struct block_request *requests, size_t n)
{
    size_t started = 0;

    for (; dead && started < n; started++)
        block_done(device, &requests[started], -E_IO);
    for (uint16_t slot = 0; slot < SLOTS && started < n; slot++)
        if (under_way[slot] == NULL)
            start(slot, &requests[started++]);
    if (!dead)
        put(QUEUE_NOTIFY, 0);
    return started;
}

static void finish(uint16_t slot, int result)
{
    struct block_request *request = under_way[slot];

    under_way[slot] = NULL;
    block_done(&disk, request, result);
}

/* The device is reset, and touches no memory any more once it says that it is (2.1). Only then may
   the pages of the requests be used for anything else. */
static void give_up(struct block_device *device, const char *why)
{
    cprintf("%s: %s; it is not used any more\n", device->name, why);
    dead = true;
    put(STATUS, 0);
    while (get(STATUS) != 0)
        cpu_relax();
    for (uint16_t slot = 0; slot < SLOTS; slot++)
        if (under_way[slot] != NULL)
            finish(slot, -E_IO);
}

/* The device has put entries into `used`. The interrupt is acknowledged before they are looked at:
   so an entry that comes after the last look interrupts again. The acquire has an entry and its
   result read after the index. An entry that names no request is the device's mistake. */
static void interrupt(__not_used void *arg)
{
    spin_lock(&disk.lock);
    put(INTERRUPT_ACK, get(INTERRUPT_STATUS));
    /* pairs with the device: it stores the entry, then the index (virtio 1.1, 2.6.8) */
    while (!dead && seen != atomic_load_acquire(&queue->used.index)) {
        uint32_t first = queue->used.ring[seen++ % QUEUE_SIZE].id, slot = first / CHAIN;

        if (first % CHAIN == 0 && slot < SLOTS && under_way[slot] != NULL)
            finish(slot, queue->results[slot] == 0 ? 0 : -E_IO);
        else
            give_up(&disk, "it answers what it was not asked");
    }
    spin_unlock(&disk.lock);
}

/* Agree on the features, of which the driver knows three (3.1.1, steps 1 to 6). A disk that is not
   told to flush may write when it likes, and nothing could be kept safe on it. */
static const char *negotiate(bool legacy)
{
    uint32_t status = ACKNOWLEDGE | DRIVER_FOUND, features;

    put(STATUS, 0);
    put(STATUS, ACKNOWLEDGE);
    put(STATUS, status);
    put(DEVICE_FEATURES_SEL, 0);
    features = get(DEVICE_FEATURES) & (F_READ_ONLY | F_BLOCK_LENGTH | F_FLUSH);
    put(DRIVER_FEATURES_SEL, 0);
    put(DRIVER_FEATURES, features);
    disk.read_only = (features & (F_READ_ONLY | F_FLUSH)) != F_FLUSH;
    if (!legacy) {
        put(DRIVER_FEATURES_SEL, 1);
        put(DRIVER_FEATURES, F_VERSION_1);
        put(STATUS, status | FEATURES_OK);
        if (!(get(STATUS) & FEATURES_OK))
            return "it does not take the features that this kernel knows";
    }
    return (features & F_BLOCK_LENGTH) && get(BLOCK_LENGTH) > BLOCK_SIZE
        ? "its blocks are larger than 4 KiB" : NULL;
}

/* How many blocks it has; what is behind the last whole one is not used. A disk may grow while the
   two halves are read: then the generation has changed (2.4.1), or with version 1 the upper
   half. */
static uint32_t capacity(bool legacy)
{
    size_t stamp = legacy ? CAPACITY + 4 : CONFIG_GENERATION;
    uint64_t sectors;
    uint32_t before;

    do {
        before = get(stamp);
        sectors = (uint64_t)get(CAPACITY + 4) << 32 | get(CAPACITY);
    } while (get(stamp) != before);
    return sectors / SECTORS < UINT32_MAX ? sectors / SECTORS : UINT32_MAX;
}

/* Tell version 2 the address of a part of the queue. */
static void put_address(size_t offset, const void *part)
{
    put(offset, (uint32_t)paddr(part));
    put(offset + 4, paddr(part) >> 32);
}

/* Make the queue, and tell the device where it is, and how long (4.2.3.2, 4.2.4). */
static const char *make_queue(bool legacy)
{
    struct Page *memory;

    put(QUEUE_SEL, 0);
    if (get(QUEUE_NUM_MAX) < QUEUE_SIZE || get(legacy ? QUEUE_PFN : QUEUE_READY) != 0)
        return "it has no queue of 64 descriptors";
    memory = alloc_pages(sizeof(struct queue) / PGSIZE);
    if (memory == NULL)
        return "out of memory";
    queue = memset(page2kva(memory), 0, sizeof(struct queue));
    put(QUEUE_NUM, QUEUE_SIZE);
    if (legacy) {
        put(GUEST_PAGE_SIZE, PGSIZE);
        put(QUEUE_ALIGN, PGSIZE);
        put(QUEUE_PFN, page2pa(memory) / PGSIZE);
        return NULL;
    }
    put_address(QUEUE_DESCRIPTORS, queue->descriptors);
    put_address(QUEUE_AVAILABLE, &queue->available);
    put_address(QUEUE_USED, &queue->used);
    put(QUEUE_READY, 1);
    return NULL;
}

/* QEMU's machine has eight transports, which are there whether anything is behind them or not; and
   what is there need not be a disk. */
static const char *probe(struct device *device)
{
    uintptr_t first = registers;

    if (device_size(device) < REGISTERS_END)
        return NULL;
    registers = device_registers(device);
    uint32_t version = get(VERSION);
    bool is_disk = get(MAGIC) == MAGIC_VALUE && (version == 1 || version == 2)
        && get(DEVICE_ID) == ID_DISK;
    if (!is_disk || block_disk() != NULL) {
        registers = first;
        return is_disk ? "the kernel uses one disk, and has found another one" : NULL;
    }
    disk = (struct block_device){ .name = "disk0", .submit = submit, .give_up = give_up };
    const char *problem = negotiate(version == 1);
    disk.blocks = capacity(version == 1);
    if (problem == NULL && disk.blocks == 0)
        problem = "it is smaller than a block of 4 KiB";
    if (problem == NULL)
        problem = make_queue(version == 1);
    if (problem == NULL && !irq_register_device(device->irq, interrupt, NULL))
        problem = "it has no interrupt";
    put(STATUS, get(STATUS) | (problem == NULL ? DRIVER_OK : FAILED));
    if (problem == NULL)
        block_attach(&disk);
    return problem;
}

DRIVER(virtio_blk, "virtio,mmio", DRIVER_NORMAL, probe);
