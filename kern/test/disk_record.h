/* Disks for self tests, made of memory. Such a disk can keep a record of what is written to it, in
   order, with the flushes and marks of the test in between; from that record it builds the states
   in which a power failure can leave a disk. It can fail one request, and be slow.

   A state after a crash is not a copy. It is another disk that finds its blocks where the first one
   has them, or in the first one's record; what is then written to it goes to memory of its own. So
   a state costs a pointer for each block, as long as nobody writes:

       recorded disk   at the record's begin |0|1|2|3|4|5|      recorded  |3'|  |4'|  |1'|
                                              ^ ^ ^     ^                  ^     ^
       the state       at                    |0|1|2|3'|4'|5|    the write of 1' has not come

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
    uint64_t hash;                      /* of that; 0: not known yet */
};

struct test_disk {
    struct block_device device;
    uint8_t *memory;                    /* the blocks; of a state, those written since */
    /* Where each block is, in memory or elsewhere, and its hash (0: not known). */
    uint8_t **at;
    uint64_t *hash;
    uint64_t sum;                       /* what test_disk_hash() tells; 0: not known */

    /* What the test may set at any time. */
    size_t fail_at;                     /* the request that fails, counted from 1; 0: none */
    int delay;                          /* turns of others that each request takes */
    bool paused;                        /* nothing comes into the record, until a new one begins */

    /* Guarded by the device's lock. */
    size_t requests;                    /* how many there were */
    size_t most;                        /* the most that came at once */
    uint8_t **base;                     /* `at` when the record was begun; NULL: no record */
    uint64_t *base_hash;                /* and `hash`, and `sum` */
    uint64_t base_sum;
    uint8_t *kept;                      /* copies of those blocks that were in memory */
    struct record_entry *record;
    size_t length, limit;               /* entries in the record, and how many fit */
    struct Page *torn;                  /* of a state: the block that is partly old; NULL: none */
};

/* A disk full of zeros. Panics if there is no memory. */
void test_disk_create(struct test_disk *disk, uint32_t blocks);
void test_disk_destroy(struct test_disk *disk);
/* The bytes of a block. Those of a state are only read. */
static inline void *test_disk_block(const struct test_disk *disk, uint32_t block)
{
    return disk->at[block];
}
/* Write a block as the driver does: with a record, it is in there. */
void test_disk_write(struct test_disk *disk, uint32_t block, const void *data);
/* Put a flush into the record, if there is one. */
void test_disk_flush(struct test_disk *disk);
/* A number that tells the contents of two disks of one size apart, but for a chance of 2^-64. Only
   if nobody but the driver has written since it was asked for the first time. */
uint64_t test_disk_hash(struct test_disk *disk);
/* The hash of one of its blocks, as block_hash() tells; it is made once for each content. */
uint64_t test_disk_block_hash(const struct test_disk *disk, uint32_t block);
/* The same for the words of a block. That of zeros is 0. */
uint64_t block_hash(const void *block);

/* Begin a record, with room for so many entries; an older one is forgotten. */
void test_disk_record(struct test_disk *disk, size_t limit);
/* Forget it, if there is one: then no state is left that was made from it. */
void test_disk_forget(struct test_disk *disk);
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
/* Make `copy`, a disk of the same size without a record, what such a crash leaves. It needs the
   record of `disk` as long as it is used. */
void crash_build(struct test_disk *disk, const struct crash *crash, struct test_disk *copy);

/* Close the journal and the cache, which a test has opened on the disk. What the first of them
   says. */
int test_close_journal(void);
