/* A good disk with one of everything, in memory: files of three sizes, one with two names, a link,
   and directories in each other, as kern/test/sfs_damage.c has them. The target of disks and the
   unit tests damage it.

       block 0       1 ... JOURNAL   MAP   TABLE ...   DATA ...   BLOCKS - SWAP ... */
#pragma once

#include "below.h"
#include <fs/sfs.h>

#define BLOCKS      256
#define JOURNAL     48
#define INODES      65                  /* the last one begins a block of the table */
#define SWAP        8
#define MAP         (1 + JOURNAL)
#define TABLE       (MAP + 1)
#define DATA        (TABLE + 3)

/* Write it, by the kernel's own functions but for the empty file system, which is by hand. Panics
   if that fails. */
void sound_create(struct memory_disk *disk);
