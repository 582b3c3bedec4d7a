/* The swap area on a disk: see swapfs.h. One area at a time, so there is one object; the disk and
   the first block are set while no area is used. mm may not call the disk itself, which is of a
   layer above: it knows the two functions here by the struct swap_area.

   Each function moves one page by one request, and sleeps until that is done. A range that is too
   large is refused here, once; then each slot that mm/swap.c hands out is a block of the range. */
#include <error.h>
#include <fs/swapfs.h>

static struct block_device *disk;
static uint32_t first_block;

static int swapfs_read(__not_used struct swap_area *area, uint32_t slot, struct Page *page)
{
    return block_read(disk, first_block + slot - 1, page);
}

static int swapfs_write(__not_used struct swap_area *area, uint32_t slot, struct Page *page)
{
    return block_write(disk, first_block + slot - 1, page);
}

int swapfs_on(struct block_device *device, uint32_t first, uint32_t blocks)
{
    static struct swap_area area = { .read = swapfs_read, .write = swapfs_write };

    if (blocks == 0 || first > device->blocks || blocks > device->blocks - first)
        return -E_INVAL;
    disk = device;
    first_block = first;
    area.slots = blocks;
    return swap_on(&area);
}
