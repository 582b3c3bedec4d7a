/* What all disks have in common: which one is the root's, and the life of a transfer.

   A transfer is done by the task that wants it: it gives its requests to the driver, as many as the
   device has room for at a time, and sleeps until they are done. There is no queue here, and nobody
   else is needed to keep a device busy. Several tasks may be at it at once; each waits for its own
   requests, on the device's one wait queue.

   A device that does not answer is given up, not waited for: a task that sleeps for a disk cannot
   be killed, because the device may still write to its pages. */
#include <driver/block.h>
#include <error.h>
#include <mm/fail.h>

/* The life of a transfer of five requests, by a device that has room for three:

       submit(5) = 3      0 1 2 are under way       3 4 wait
       sleep              an interrupt: 1 is done
       submit(2) = 1      0 2 3                     4 waits
       sleep              an interrupt: 0 and 2 are done
       submit(1) = 1      3 4
       sleep              ... until the last one is done

   A task that is woken looks at its own requests alone. It may be woken by those of others, and
   may find the room that was free taken; then it sleeps again. */

/* In seconds. A hard disk that has to start turning needs less. */
#define ANSWER_LIMIT    10

static struct block_device *root_disk;  /* set once at boot */

void block_init(struct block_device *device)
{
    device->lock = (struct spinlock)SPINLOCK_INIT("a disk", RANK_BLOCK);
    wait_queue_init(&device->idle, &device->lock);
}

void block_attach(struct block_device *device)
{
    block_init(device);
    if (root_disk == NULL)
        root_disk = device;
}

struct block_device *block_disk(void)
{
    return root_disk;
}

/* Everything that can be wrong with a request is found before the first of them is started. A
   device writes past all page tables: so what it is given must be a page of RAM. */
static int check_requests(const struct block_device *device, const struct block_request *requests,
                          size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct Page *page = requests[i].page;

        if (requests[i].op != BLOCK_FLUSH && requests[i].block >= device->blocks)
            return -E_INVAL;
        if (requests[i].op != BLOCK_READ && device->read_only)
            return -E_ROFS;
        assert(requests[i].op == BLOCK_FLUSH || (page >= pages && page < pages + npage));
    }
    return 0;
}

/* How many of n requests are done; *error becomes that of the first that failed, if one did. */
static size_t count_done(const struct block_request *requests, size_t n, int *error)
{
    size_t done = 0;

    for (size_t i = 0; i < n; i++) {
        done += requests[i].done;
        if (requests[i].done && *error == 0)
            *error = requests[i].result;
    }
    return done;
}

/* Sleep until some request of the device is done, or until the deadline. */
static void wait_for_answer(struct block_device *device, uint64_t deadline)
{
    struct timer limit;

    timer_limit_begin(&limit, deadline);
    wait_sleep(&device->idle, WT_DISK | WT_LIMIT, device->name);
    timer_limit_end(&limit);
}

/* The limit of time begins anew with each answer: a slow device that works is not given up. While
   the device has none of these requests others fill it, and it is for them to notice that it is
   dead: then all of theirs end, and there is room. */
int block_transfer(struct block_device *device, struct block_request *requests, size_t n)
{
    const uint64_t patience = ANSWER_LIMIT * TICKS_PER_SECOND * timer_tick_length();
    uint64_t deadline = rdtime() + patience;
    size_t done = 0, seen = 0, started;
    int error = check_requests(device, requests, n);

    if (error != 0)
        return error;
    for (size_t i = 0; i < n; i++) {
        requests[i].done = false;
        if (fail_now(FAIL_READ << requests[i].op)) {    /* what is behind it is never begun */
            n = i;
            error = -E_IO;
        }
    }
    spin_lock(&device->lock);
    started = device->submit(device, requests, n);
    while ((done = count_done(requests, n, &error)) < n) {
        if (done > seen || done == started)
            deadline = rdtime() + patience;
        seen = done;
        if (rdtime() < deadline)
            wait_for_answer(device, deadline);
        else
            device->give_up(device, "no answer in 10 seconds");
        if (started < n)
            started += device->submit(device, requests + started, n - started);
    }
    spin_unlock(&device->lock);
    return error;
}

int block_read(struct block_device *device, uint32_t block, struct Page *page)
{
    struct block_request request = { .op = BLOCK_READ, .block = block, .page = page };

    return block_transfer(device, &request, 1);
}

int block_write(struct block_device *device, uint32_t block, struct Page *page)
{
    struct block_request request = { .op = BLOCK_WRITE, .block = block, .page = page };

    return block_transfer(device, &request, 1);
}

int block_flush(struct block_device *device)
{
    struct block_request request = { .op = BLOCK_FLUSH };

    return block_transfer(device, &request, 1);
}

/* From here on the request is its owner's again. */
void block_done(struct block_device *device, struct block_request *request, int result)
{
    assert(spin_held(&device->lock) && !request->done);
    request->result = result;
    request->done = true;
    wait_wake_all(&device->idle);
}
