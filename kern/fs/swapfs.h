/* A swap area on a disk: slot n is one block of a range of blocks that is no file's. What is
   written there bypasses the journal: it means nothing after the machine is switched off, and no
   flush is needed.

   The functions of the area sleep while the disk works. They are called by mm/swap.c, with the page
   locked, and often with the lock of an mm; they take no lock of the file system's. */
#pragma once

#include <driver/block.h>
#include <mm/swap.h>

/* Use the blocks [first, first + blocks) of the disk as the swap area. Slot 0 is no slot, so the
   first block serves slot 1. 0, -E_INVAL if there are none, or more than the disk has, or
   -E_NO_MEM. */
int swapfs_on(struct block_device *device, uint32_t first, uint32_t blocks) __must_check;
