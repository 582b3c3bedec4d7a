/* What stands below the parsers on the host: pages, kernel objects, a disk in memory, printing. The
   stand-ins of kernel functions are declared in the kernel's own headers; here is what a target
   tells them, and asks.

   One run of a target is from below_begin() to below_end(): all that was taken in between was given
   back by then, and no lock is held, or it is a fault. */
#pragma once

#include <driver/block.h>
#include "host.h"

/* A run begins. Allocation number `fail`, of a page or of an object, counted from 1, finds no
   memory; 0: none fails. */
void below_begin(uint32_t fail);
/* It ends: nothing may be missing. How many allocations there were. */
uint32_t below_end(void);

/* A disk in memory, as docs/sfs.md's disks are. A target may write to `bytes` by itself. */
struct memory_disk {
    struct block_device device;         /* the first member */
    uint8_t *bytes;
    uint8_t *written;                   /* 1 for each block that was written by the kernel */
    uint32_t requests, fail_at;         /* request number fail_at fails; 0: none */
};
/* Memory for so many blocks of zeros; never given back. */
void disk_create(struct memory_disk *disk, uint32_t blocks);

/* Random numbers by a seed, the same in each run: a state to begin with, and the next number. */
uint64_t random_begin(uint32_t seed);
uint64_t random_next(uint64_t *state);

/* Take a number of 1, 2 or 4 bytes from the front of an input; what is not there reads as 0. */
struct input {
    const uint8_t *at;
    size_t left;
};
uint32_t input_take(struct input *input, int bytes);
