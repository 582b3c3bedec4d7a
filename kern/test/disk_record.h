/* Disks for self tests, made of memory. Such a disk can keep a record of what is written to it, in
   order, with the flushes and marks of the test in between; from that record it builds the states
   in which a power failure can leave a disk. It can fail one request, and be slow.

   The record is complete: content included. What it holds, and the disk, is given back by
   test_disk_destroy(). All functions but the driver's own are called by the test, with no lock
   held, while nobody uses the disk if nothing else is said. */
#pragma once

#include <driver/block.h>

enum record_kind { RECORD_WRITE, RECORD_FLUSH, RECORD_MARK };

struct record_entry {
    enum record_kind kind;
    uint32_t block;                     /* of a write; of a mark the number that the test gave */
    struct Page *page;                  /* of a write: what was written */
};

struct test_disk {
    struct block_device device;
    uint8_t *memory;                    /* the blocks */

    /* What the test may set at any time. */
    size_t fail_at;                     /* the request that fails, counted from 1; 0: none */
    int delay;                          /* turns of others that each request takes */

    /* Guarded by the device's lock. */
    size_t requests;                    /* how many there were */
    size_t most;                        /* the most that came at once */
    uint8_t *base;                      /* the blocks when the record was begun; NULL: no record */
    struct record_entry *record;
    size_t length, limit;               /* entries in the record, and how many fit */
};

/* A disk full of zeros. Panics if there is no memory. */
void test_disk_create(struct test_disk *disk, uint32_t blocks);
void test_disk_destroy(struct test_disk *disk);
/* The bytes of a block. */
static inline void *test_disk_block(const struct test_disk *disk, uint32_t block)
{
    return disk->memory + (size_t)block * BLOCK_SIZE;
}

/* Begin a record, with room for so many entries; an older one is forgotten. */
void test_disk_record(struct test_disk *disk, size_t limit);
/* Put a mark into the record, if there is one. Others may use the disk. */
void test_disk_mark(struct test_disk *disk, uint32_t number);

/* A power failure. The first `length` entries of the record had been given to the disk. Everything
   up to the last flush among them is there; of the writes behind it, which may be there or not:
     CRASH_ALL       all are
     CRASH_LOST      all but one
     CRASH_ALONE     only one
     CRASH_HEAD      all, but of one only the first 512 bytes are new
     CRASH_TAIL      all, but of one these are old
   `odd` is the entry of that one. */
enum crash_kind { CRASH_ALL, CRASH_LOST, CRASH_ALONE, CRASH_HEAD, CRASH_TAIL, CRASH_KINDS };
struct crash {
    size_t length, odd;
    enum crash_kind kind;
};

/* The first one to look at, and the next; false: there is no more. Each prefix comes once as a
   whole, and with each odd write where the next entry is a flush, or the end. */
struct crash crash_first(void);
bool crash_next(const struct test_disk *disk, struct crash *crash);
/* Make `copy`, a disk of the same size without a record, what such a crash leaves. */
void crash_build(const struct test_disk *disk, const struct crash *crash, struct test_disk *copy);
