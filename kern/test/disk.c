/* The machine's disk, whichever it is: RAM disk or virtio-blk. Four threads write all of it, each
   the blocks of its own in batches of many sizes, and read them back; in the last round each block
   gets what tells its number, which the host looks at when the machine is off.

   A disk that is read-only is only read. An error of the disk is counted and printed, and what
   failed is tried again, until the disk seems to be dead: tools/test/test_block.py has QEMU make
   errors, and knows how many there must be. Any content of the disk is lost. Alone: make grade
   GRADE=--all TEST=disk. */
#include <driver/block.h>
#include <error.h>
#include <machine/machine.h>
#include <process/proc.h>
#include <sched/timer.h>
#include <string.h>
#include <test/testlib.h>

#define THREADS     4
#define BATCH       37                  /* more than a virtio disk takes at a time */
#define ROUNDS      3
#define TRIES       3

static struct block_device *disk;
static uint32_t errors[3];              /* atomic: by enum block_op */
static bool dead;                       /* atomic: it fails each time */

/* What word i of a block is; a round of 0 is the last one. All words of a block differ, and so do
   blocks and rounds: a word at a wrong place is found. */
static uint32_t word_of(uint32_t block, uint32_t round, size_t i)
{
    return (block + 1) * 2654435761U + (round << 16) + i;
}

/* Fill a page for a block, or compare: true if it was so. */
static bool fill(struct Page *page, uint32_t block, uint32_t round, bool compare)
{
    uint32_t *words = page2kva(page);

    for (size_t i = 0; i < BLOCK_SIZE / sizeof(*words); i++)
        if (!compare)
            words[i] = word_of(block, round, i);
        else if (words[i] != word_of(block, round, i))
            return false;
    return true;
}

/* Do a transfer; what fails is counted, and done again alone, some times. One that fails must not
   take others with it, so each has a result of its own. */
static void transfer(struct block_request *requests, size_t n)
{
    int all = block_transfer(disk, requests, n);

    for (size_t i = 0; i < n; i++) {
        assert(requests[i].result == 0 || (requests[i].result == -E_IO && all == -E_IO));
        for (int tries = 0; requests[i].result != 0 && tries < TRIES; tries++) {
            atomic_add(&errors[requests[i].op], 1);
            int again = block_transfer(disk, &requests[i], 1);
            assert_eq(again, requests[i].result);
        }
        if (requests[i].result != 0)
            atomic_store(&dead, true);
    }
}

/* One round of one thread: its blocks are those whose number leaves `id` when divided by THREADS,
   upwards or downwards. Each batch is written, flushed sometimes, and read into other pages. */
static void use_blocks(uint32_t id, uint32_t round, struct Page *buffers,
                       struct block_request *requests)
{
    uint32_t mine = (disk->blocks - id + THREADS - 1) / THREADS, done = 0;
    size_t size = round == 0 ? BATCH : 1 + round;

    while (done < mine && !atomic_load(&dead)) {
        size_t n = mine - done < size ? mine - done : size;

        for (size_t i = 0; i < n; i++) {
            uint32_t index = round % 2 ? mine - 1 - done - i : done + i;
            requests[i] = (struct block_request){
                .op = BLOCK_WRITE, .block = index * THREADS + id, .page = buffers + i
            };
            fill(buffers + i, requests[i].block, round, false);
        }
        transfer(requests, n);
        for (size_t i = 0; i < n; i++) {
            requests[i].op = BLOCK_READ;
            requests[i].page = buffers + BATCH + i;
            memset(page2kva(requests[i].page), 0, BLOCK_SIZE);
        }
        transfer(requests, n);
        for (size_t i = 0; i < n; i++)
            assert(atomic_load(&dead)
                   || fill(requests[i].page, requests[i].block, round, true));
        done += n;
        size = size % BATCH + 1;
    }
    transfer(&(struct block_request){ .op = BLOCK_FLUSH }, 1);
}

/* The disk was given up while it had requests. It must not do them later: pages that are free have
   other owners. */
static void watch(struct Page *buffers)
{
    uint8_t *bytes = page2kva(buffers);

    memset(bytes, 0x5a, 2 * BATCH * PGSIZE);
    timer_sleep_until(rdtime() + 10 * TICKS_PER_SECOND * timer_tick_length());
    for (size_t i = 0; i < 2 * BATCH * PGSIZE; i++)
        assert_eq(bytes[i], 0x5a);
}

/* A thread: the last round leaves what the host looks for. */
static int use_disk(void *arg)
{
    struct Page *buffers = alloc_pages(3 * BATCH);
    struct block_request *requests;

    assert(buffers != NULL);
    requests = page2kva(buffers + 2 * BATCH);
    for (uint32_t round = ROUNDS; round-- > 0;)
        use_blocks((uintptr_t)arg, round, buffers, requests);
    if (atomic_load(&dead))
        watch(buffers);
    free_pages(buffers, 3 * BATCH);
    return 0;
}

/* All of a disk that cannot be written: the sum of all words tells the host what was read. */
static void read_all(struct Page *buffer)
{
    uint64_t sum = 0;

    for (uint32_t block = 0; block < disk->blocks; block++) {
        assert_eq(block_read(disk, block, buffer), 0);
        for (size_t i = 0; i < BLOCK_SIZE / sizeof(uint64_t); i++)
            sum += ((uint64_t *)page2kva(buffer))[i];
    }
    assert_eq(block_write(disk, 0, buffer), -E_ROFS);
    assert_eq(block_flush(disk), -E_ROFS);
    cprintf("read-only, the sum is %#lx\n", sum);
}

/* No page that could be handed out is a part of a RAM disk. */
static void test_memory(void)
{
    struct hoard hoard = { .count = 0 };

    hoard_take(&hoard);
    list_for_each(pos, &hoard.pages) {
        paddr_t pa = page2pa(to_struct(pos, struct Page, page_link));
        assert(pa + PGSIZE <= machine.initrd.start || pa >= machine.initrd.end);
    }
    hoard_end(&hoard);
}

/* The numbers of the errors are for the host, which has planned them. */
static void test_disk(void)
{
    struct Page *buffer = alloc_page();
    int pids[THREADS], code;

    test_memory();
    disk = block_disk();
    assert(disk != NULL && buffer != NULL);
    cprintf("%s has %u blocks\n", disk->name, disk->blocks);
    assert_eq(block_read(disk, disk->blocks, buffer), -E_INVAL);
    assert_eq(block_read(disk, UINT32_MAX, buffer), -E_INVAL);
    if (disk->read_only)
        read_all(buffer);
    for (uintptr_t i = 0; i < THREADS && !disk->read_only; i++)
        pids[i] = test_thread(use_disk, (void *)i);
    for (int i = 0; i < THREADS && !disk->read_only; i++)
        assert(wait_child(pids[i], &code) == pids[i] && code == 0);
    free_page(buffer);
    if (dead)
        cprintf("the disk is dead\n");
    cprintf("errors: %u reads, %u writes, %u flushes\n", errors[BLOCK_READ], errors[BLOCK_WRITE],
            errors[BLOCK_FLUSH]);
}

SELFTEST("disk", test_disk);
