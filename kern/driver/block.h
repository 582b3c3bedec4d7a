/* Block devices: disks, as the file system sees them. A device has blocks of 4 KiB, which are read
   and written whole, from and to pages. So what the device touches is always a page that was
   allocated: never a kernel stack, which has no address that a device could use.

   A disk may keep what was written in a cache of its own, and write it down in any order, until it
   is told to flush. When the power fails before that, each write since the last flush may be there
   or not. So who needs an order between two writes puts a flush between them; nothing else makes
   one.

   The driver sets `name`, `blocks`, `read_only` and the functions, and gives the device to
   block_attach(), from its probe. It ends each request by block_done(). The lock is here. A device
   of a test is not attached, but made ready by block_init(). */
#pragma once

#include <mm/pmm.h>
#include <sync/wait.h>

#define BLOCK_SIZE      PGSIZE          /* in bytes */

enum block_op { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH };

/* One transfer. It lies in the caller's memory until it is done; the device sees only the page. */
struct block_request {
    enum block_op op;
    uint32_t block;                     /* its number, below device->blocks; not for a flush */
    struct Page *page;                  /* the caller's: it has a reference; not for a flush */

    /* Guarded by the device's lock. */
    bool done;
    int result;                         /* 0 or -E_IO */
};

struct block_device {
    const char *name;                   /* for messages: "ram0", "disk0" */
    uint32_t blocks;                    /* its size */
    bool read_only;                     /* write requests end with -E_ROFS */
    /* Start the first of n requests, as many as there is room for, and say how many these are. It
       ends each by block_done(), at once or later from an interrupt. The lock is held; it may be
       let go of and taken again, for work that takes long. */
    size_t (*submit)(struct block_device *device, struct block_request *requests, size_t n);
    /* The device does not answer: have it forget all that it was given, and end that with -E_IO,
       and all later requests too. `why` is for a line on the console. The lock is held. NULL if
       submit() always ends what it starts. */
    void (*give_up)(struct block_device *device, const char *why);

    struct spinlock lock;               /* RANK_BLOCK */
    struct wait_queue idle;             /* callers sleep here, with `lock`, until theirs are done */
};

/* Make the lock and the wait queue ready. Once, before the first transfer. */
void block_init(struct block_device *device);
/* A driver has found a disk; the first that is attached is the root's. At boot. */
void block_attach(struct block_device *device);
/* The disk, or NULL: there is none. Set at boot. */
struct block_device *block_disk(void);

/* Do n transfers, several at a time as the device can, in no order. Sleeps until all are done, and
   being killed does not end that; no spinlock may be held. 0, or the error of one that failed:
   -E_IO, also if the device has given no answer for 10 seconds. If one of them is a mistake none is
   started: -E_INVAL for a block that the device has not, -E_ROFS for a write or a flush of what is
   read-only. */
int block_transfer(struct block_device *device, struct block_request *requests, size_t n)
    __must_check;
/* The same for one. */
int block_read(struct block_device *device, uint32_t block, struct Page *page) __must_check;
int block_write(struct block_device *device, uint32_t block, struct Page *page) __must_check;
/* All writes that were done before this call began are on the disk when it returns 0. */
int block_flush(struct block_device *device) __must_check;

/* For drivers: this request has ended. The device's lock is held. */
void block_done(struct block_device *device, struct block_request *request, int result);
