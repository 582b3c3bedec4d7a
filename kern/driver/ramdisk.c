/* The RAM disk: see ramdisk.h. A transfer is a copy, done by the task that asks for it, so each
   request is done when submit() returns. The lock is let go of meanwhile: copies of different
   blocks need none, and who writes a block that another one reads gets what such a disk gives, a
   block that is partly old and partly new.

   The image at boot comes from outside of the kernel, so the two addresses in the tree are not
   believed. What they name is given to nobody else only if it passes: pmm.c leaves out
   machine.initrd, which is cleared if not. */
#include <debug/printk.h>
#include <driver/ramdisk.h>
#include <string.h>

extern const char kernel_end[];

static struct ramdisk boot_disk;

/* The number of the block was checked by block_transfer(). */
static void copy_block(struct ramdisk *disk, const struct block_request *request)
{
    uint8_t *block = disk->memory + (size_t)request->block * BLOCK_SIZE;

    if (request->op == BLOCK_READ)
        memcpy(page2kva(request->page), block, BLOCK_SIZE);
    else if (request->op == BLOCK_WRITE)
        memcpy(block, page2kva(request->page), BLOCK_SIZE);
}

/* One after the other; a flush has nothing to do. */
static size_t ramdisk_submit(struct block_device *device, struct block_request *requests, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        spin_unlock(&device->lock);
        copy_block(to_struct(device, struct ramdisk, device), &requests[i]);
        spin_lock(&device->lock);
        block_done(device, &requests[i], 0);
    }
    return n;
}

void ramdisk_create(struct ramdisk *disk, const char *name, void *memory, uint32_t blocks)
{
    *disk = (struct ramdisk){
        .device = { .name = name, .blocks = blocks, .submit = ramdisk_submit }, .memory = memory
    };
    block_init(&disk->device);
}

/* Do two ranges have an address in common? */
static bool overlap(struct memory_range a, struct memory_range b)
{
    return a.start < b.end && b.start < a.end;
}

/* In an order in which no sum or difference can wrap around. Half of memory is the limit because
   the rest must do for the kernel and its programs. */
const char *ramdisk_problem(const struct machine *m)
{
    struct memory_range image = m->initrd;

    if (image.end < image.start || image.end - image.start < BLOCK_SIZE)
        return "it is smaller than a block of 4 KiB";
    if (image.start < paddr(kernel_end) || image.end > m->memory.end)
        return "it does not lie in memory behind the kernel";
    if (image.end - image.start > (m->memory.end - m->memory.start) / 2)
        return "it takes more than half of memory";
    if (overlap(image, m->device_tree))
        return "the device tree lies in it";
    for (uint32_t i = 0; i < m->reserved_count; i++)
        if (overlap(image, m->reserved[i]))
            return "memory in it is reserved by the device tree";
    return NULL;
}

/* What is behind the last whole block is not used. */
void ramdisk_init(void)
{
    struct memory_range image = machine.initrd;

    if (image.start == 0 && image.end == 0)
        return;
    const char *problem = ramdisk_problem(&machine);
    if (problem != NULL) {
        cprintf("the RAM disk from %#lx to %#lx is refused: %s\n", image.start, image.end, problem);
        machine.initrd = (struct memory_range){ 0, 0 };
        return;
    }
    ramdisk_create(&boot_disk, "ram0", kva(image.start), (image.end - image.start) / BLOCK_SIZE);
    block_attach(&boot_disk.device);
}
