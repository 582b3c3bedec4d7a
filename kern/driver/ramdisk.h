/* RAM disks: a piece of memory that is used as a disk. What is written to it is in memory at once,
   so nothing ever waits, and two runs of a machine with one hart are alike to the instruction.

   At boot a loader can put the image of a disk into memory: QEMU does by -initrd. It is written in
   place, and who looks at the memory of the machine after its end finds there what became of the
   disk. Further ones are made of pages, by self tests. */
#pragma once

#include <driver/block.h>
#include <machine/machine.h>

struct ramdisk {
    struct block_device device;
    uint8_t *memory;                    /* its first block; set once, as the others */
};

/* Make a disk of this memory, which has at least a block, and keeps its content. It is not
   attached, and goes when the memory does. In any context. */
void ramdisk_create(struct ramdisk *disk, const char *name, void *memory, uint32_t blocks);

/* Why the image that the device tree names cannot be a disk, in words; NULL if it can. */
const char *ramdisk_problem(const struct machine *m);
/* The image that the device tree names becomes a disk; one that cannot be is told of in a line, and
   its memory is free. Once, at boot, before memory is handed out. */
void ramdisk_init(void);
