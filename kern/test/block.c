/* Block devices, on a RAM disk that the test makes of pages: transfers of one block and of many,
   what is refused, and disks whose requests end late or never, for which a driver of the test
   stands. And which images at boot are taken for a RAM disk, by made-up device trees: the numbers
   come from outside of the kernel, so each is tried at the borders of what can be.

   The machine needs no disk. Alone: make grade GRADE=--all TEST=block. */
#include <driver/ramdisk.h>
#include <error.h>
#include <process/proc.h>
#include <sched/timer.h>
#include <string.h>
#include <test/testlib.h>

#define BLOCKS  64

extern const char kernel_end[];

static struct ramdisk disk;
static struct Page *buffers;            /* as many pages as the disk has blocks */

/* Fill a page with what tells its block and a round. */
static void fill(struct Page *page, uint32_t block, uint32_t round)
{
    uint32_t *words = page2kva(page);

    for (size_t i = 0; i < BLOCK_SIZE / sizeof(*words); i++)
        words[i] = (round << 24 | block << 12) + i;
}

/* Is it what fill() has put there? */
static bool filled(struct Page *page, uint32_t block, uint32_t round)
{
    const uint32_t *words = page2kva(page);

    for (size_t i = 0; i < BLOCK_SIZE / sizeof(*words); i++)
        if (words[i] != (round << 24 | block << 12) + i)
            return false;
    return true;
}

/* One block after the other, then all in one transfer; each has its own content. */
static void test_transfers(void)
{
    static struct block_request requests[BLOCKS];

    for (uint32_t i = 0; i < BLOCKS; i++) {
        fill(buffers + i, i, 1);
        assert_eq(block_write(&disk.device, i, buffers + i), 0);
    }
    assert_eq(block_flush(&disk.device), 0);
    for (uint32_t i = 0; i < BLOCKS; i++) {
        memset(page2kva(buffers), 0, BLOCK_SIZE);
        assert_eq(block_read(&disk.device, i, buffers), 0);
        assert(filled(buffers, i, 1));
    }
    for (uint32_t i = 0; i < BLOCKS; i++) {
        fill(buffers + i, i, 2);
        /* The other way round: so a request that gets another one's block, or page, does not go
           unseen. */
        requests[i] = (struct block_request){ BLOCK_WRITE, BLOCKS - 1 - i, buffers + i, 0, 0 };
    }
    assert_eq(block_transfer(&disk.device, requests, BLOCKS), 0);
    for (uint32_t i = 0; i < BLOCKS; i++)
        assert(filled(kva2page(disk.memory + i * BLOCK_SIZE), BLOCKS - 1 - i, 2));
    assert_eq(block_transfer(&disk.device, requests, 0), 0);
}

/* A block that is not there, and writes to a disk that is read-only. Nothing is done then, not even
   the requests before the wrong one. */
static void test_refused(void)
{
    struct block_request requests[2] = {
        { BLOCK_WRITE, 0, buffers, 0, 0 }, { BLOCK_READ, BLOCKS, buffers, 0, 0 }
    };

    fill(buffers, 0, 3);
    assert_eq(block_read(&disk.device, BLOCKS, buffers), -E_INVAL);
    assert_eq(block_write(&disk.device, UINT32_MAX, buffers), -E_INVAL);
    assert_eq(block_transfer(&disk.device, requests, 2), -E_INVAL);
    disk.device.read_only = true;
    assert_eq(block_write(&disk.device, 0, buffers), -E_ROFS);
    assert_eq(block_flush(&disk.device), -E_ROFS);
    assert(!filled(kva2page(disk.memory), 0, 3));
    assert_eq(block_read(&disk.device, 0, buffers), 0);
    disk.device.read_only = false;
    /* What was read is the disk's first block, from the round before. */
    assert(filled(buffers, BLOCKS - 1, 2));
}

/* A device that does not end what it starts, and has room for `room` requests. A thread answers
   them one by one, the last one first; or nobody does. */
static struct block_request *started[BLOCKS];
static size_t room, started_count, most_started, given_up;
static bool dead;

/* As a driver's submit(): what is not started stays with the caller, who tries again. */
static size_t slow_submit(struct block_device *device, struct block_request *requests, size_t n)
{
    size_t i;

    for (i = 0; i < n && (dead || started_count < room); i++) {
        if (dead)
            block_done(device, &requests[i], -E_IO);
        else
            started[started_count++] = &requests[i];
    }
    if (started_count > most_started)
        most_started = started_count;
    return i;
}

static void slow_give_up(struct block_device *device, __not_used const char *why)
{
    given_up++;
    dead = true;
    while (started_count > 0)
        block_done(device, started[--started_count], -E_IO);
}

static struct block_device slow = {
    .name = "slow", .blocks = BLOCKS, .submit = slow_submit, .give_up = slow_give_up
};

#define ANSWERS     5

/* Give as many answers, three seconds apart; one is an error if `arg` is not NULL. */
static int answer(void *arg)
{
    for (int i = 0; i < ANSWERS; i++) {
        timer_sleep_until(rdtime() + 3 * TICKS_PER_SECOND * timer_tick_length());
        spin_lock(&slow.lock);
        assert(started_count > 0);
        /* A device may end its requests in any order. To end one makes room: the rest is started
           then. */
        block_done(&slow, started[--started_count], arg != NULL && i == 2 ? -E_IO : 0);
        spin_unlock(&slow.lock);
    }
    return 0;
}

/* More requests than there is room for, each answered within the limit of time, all together not:
   none is given up. An error of some is told, and the others are done. Five answers, three seconds
   apart, take longer than the ten seconds after which a device is taken for dead; but it is not, as
   each answer shows. */
static void test_slow(void)
{
    struct block_request requests[ANSWERS];
    uint64_t second = TICKS_PER_SECOND * timer_tick_length(), begin;
    int errors = 0, code;

    for (int fails = 0; fails < 2; fails++) {
        int pid = test_thread(answer, fails ? buffers : NULL);

        for (uint32_t i = 0; i < ANSWERS; i++)
            requests[i] = (struct block_request){ BLOCK_READ, i, buffers, 0, 0 };
        room = 3;
        most_started = 0;
        begin = rdtime();
        assert_eq(block_transfer(&slow, requests, ANSWERS), fails ? -E_IO : 0);
        assert(rdtime() - begin < (3 * ANSWERS + 1) * second);  /* the last answer woke it */
        assert_eq(most_started, room);
        assert_eq(given_up, 0);
        for (uint32_t i = 0; i < ANSWERS; i++)
            errors += requests[i].result != 0;
        assert_eq(wait_child(pid, &code), pid);
        assert_eq(code, 0);
    }
    assert_eq(errors, 1);
}

/* Nobody answers: after ten seconds the device is given up once, and the requests are errors; and
   so are all later ones, at once. The limit is there for a device that is broken: without it the
   task would sleep for ever, and with it all who wait for a mutex that it has. */
static void test_dead(void)
{
    struct block_request requests[6];
    uint64_t second = TICKS_PER_SECOND * timer_tick_length(), begin = rdtime();

    for (uint32_t i = 0; i < 6; i++)
        requests[i] = (struct block_request){ BLOCK_READ, i, buffers, 0, 0 };
    assert_eq(block_transfer(&slow, requests, 6), -E_IO);
    assert(rdtime() - begin >= 10 * second && rdtime() - begin < 12 * second);
    assert_eq(given_up, 1);
    assert_eq(block_flush(&slow), -E_IO);
    assert_eq(given_up, 1);
}

/* A machine with 128 MiB, as QEMU has it, and an image at [start, end): is it a disk? */
static bool taken(struct machine *m, paddr_t start, paddr_t end)
{
    m->initrd = (struct memory_range){ start, end };
    return ramdisk_problem(m) == NULL;
}

/* Each border, from both sides. Memory is used like this; a disk may be where nothing stands, and
   next to what stands there:

     base               kernel_end   half - 1 MiB   half        tree          tree + 5000  end
     | firmware, kernel |            | reserved     |           | device tree |            | */
static void test_images(void)
{
    static struct machine m;
    paddr_t kernel = ROUNDUP(paddr(kernel_end), PGSIZE), base = machine.memory.start;
    paddr_t half = base + (64 << 20), end = base + (128 << 20), tree = end - (2 << 20);

    m.memory = (struct memory_range){ base, end };
    m.device_tree = (struct memory_range){ tree, tree + 5000 };
    m.reserved[0] = (struct memory_range){ half - (1 << 20), half };
    m.reserved_count = 1;
    assert(taken(&m, half, tree) && taken(&m, half, half + BLOCK_SIZE));
    assert(taken(&m, half + 1, half + 1 + BLOCK_SIZE));
    assert(!taken(&m, half, half + BLOCK_SIZE - 1) && !taken(&m, half, half));
    assert(!taken(&m, half + BLOCK_SIZE, half) && !taken(&m, 0, UINT64_MAX));
    assert(!taken(&m, UINT64_MAX - BLOCK_SIZE, UINT64_MAX) && !taken(&m, UINT64_MAX, half));
    assert(!taken(&m, 0, BLOCK_SIZE) && !taken(&m, base, base + BLOCK_SIZE));
    assert(!taken(&m, paddr(kernel_end) - 1, kernel + BLOCK_SIZE));
    assert(taken(&m, kernel, kernel + BLOCK_SIZE));
    /* What others have. */
    assert(!taken(&m, half, tree + 1) && !taken(&m, tree + 4999, end));
    assert(taken(&m, tree + 5000, end) && !taken(&m, tree + 5000, end + 1));
    assert(!taken(&m, half - 1, tree) && !taken(&m, kernel, half - (1 << 20) + 1));
    /* More than half of memory. */
    m.reserved_count = 0;
    m.device_tree = (struct memory_range){ 0, 0 };
    assert(taken(&m, half, end) && !taken(&m, half - 1, end));
}

/* Everything is given back: the pages of the disk and of the buffers. */
static void test_block(void)
{
    struct Page *memory = alloc_pages(BLOCKS);

    buffers = alloc_pages(BLOCKS);
    assert(memory != NULL && buffers != NULL);
    ramdisk_create(&disk, "test", page2kva(memory), BLOCKS);
    block_init(&slow);
    test_transfers();
    test_refused();
    test_slow();
    test_dead();
    test_images();
    free_pages(memory, BLOCKS);
    free_pages(buffers, BLOCKS);
}

SELFTEST("block", test_block);
