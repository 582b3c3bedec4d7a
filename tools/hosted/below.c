/* The stand-ins for what is below the parsers: see below.h, and the kernel's own headers for what
   each function promises.

   Pages lie in one arena, because the kernel computes a page's address from its struct Page. Around
   each allocation there is a page that may not be touched, and none that is free may be, so the
   sanitizer sees each access beyond what was allocated. They are used again as late as can be.

   There is one task. So whoever waits for another one waits for ever: that is a panic here. */
#include "below.h"
#include <error.h>
#include <fs/mmap.h>
#include <fs/swapfs.h>
#include <mm/kmalloc.h>
#include <mm/reclaim.h>
#include <mm/usercopy.h>
#include <printfmt.h>
#include <sched/timer.h>
#include <string.h>

#define ARENA_PAGES     2048

static struct task task;
static struct cpu cpu = { .task = &task };
struct cpu *const this_cpu = &cpu;

static struct Page page_table[ARENA_PAGES];
struct Page *pages = page_table;
size_t npage = ARENA_PAGES;
paddr_t pages_base;
uintptr_t frame_zero;
bool (*filemap_wait)(bool memory);

/* The kernel's image, for kern/machine/fdt.c: the end lies behind the start. */
asm (".bss\n.globl kernel_start, kernel_end\n"
     "kernel_start: .zero 0x200000\nkernel_end: .zero 1\n.text");

static uint32_t allocations, fail_at, pages_used, objects_used;
static size_t cursor = 1;
static uint64_t now;

/* Is it this allocation's turn to find no memory? */
static bool fails(void)
{
    return ++allocations == fail_at;
}

/* The arena is made when it is first wanted. Page 0 is never handed out, nor the last. */
static void arena_make(void)
{
    pages_base = (paddr_t)host_pages((size_t)ARENA_PAGES * PGSIZE);
    host_forbid((void *)pages_base, (size_t)ARENA_PAGES * PGSIZE);
    page_table[0].flags = page_table[ARENA_PAGES - 1].flags = PG_ALLOCATED;
}

/* Are n pages free from this one on, with a free one on either side? */
static bool is_room(size_t first, size_t n)
{
    for (size_t i = first - 1; i <= first + n; i++)
        if (page_table[i].flags != 0 && i >= first && i < first + n)
            return false;
    return first == 1 || page_table[first + n].flags == 0 || first + n == ARENA_PAGES - 1;
}

struct Page *alloc_pages(size_t n)
{
    if (pages_base == 0)
        arena_make();
    if (n == 0 || n > 64 || fails())
        return NULL;
    for (size_t tries = 0; tries < ARENA_PAGES; tries++, cursor++) {
        if (cursor + n >= ARENA_PAGES)
            cursor = 1;
        if (!is_room(cursor, n) || (page_table[cursor - 1].flags != 0 && cursor > 1))
            continue;
        struct Page *first = &page_table[cursor];
        for (size_t i = 0; i < n; i++)
            first[i] = (struct Page){ .flags = PG_ALLOCATED };
        host_allow(page2kva(first), n * PGSIZE);
        memset(page2kva(first), 0xa5, n * PGSIZE);
        pages_used += n;
        cursor += n + 1;
        return first;
    }
    return NULL;
}

struct Page *alloc_zeroed_page(void)
{
    struct Page *page = alloc_pages(1);

    if (page != NULL)
        memset(page2kva(page), 0, PGSIZE);
    return page;
}

void free_pages(struct Page *base, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if ((base[i].flags & ~PG_CACHED) != PG_ALLOCATED || base[i].ref != 0)
            panic("page %ld is freed, and has flags %x and %u references", (long)(base + i - pages),
                  base[i].flags, base[i].ref);
        base[i].flags = 0;
    }
    host_forbid(page2kva(base), n * PGSIZE);
    pages_used -= n;
}

size_t nr_total_pages(void)
{
    return ARENA_PAGES;
}

void *kmalloc(size_t size)
{
    if (fails())
        return NULL;
    objects_used++;
    return memset(host_alloc(size), 0xa5, size);
}

void kfree(void *object)
{
    objects_used -= object != NULL;
    host_free(object);
}

void below_begin(uint32_t fail)
{
    allocations = 0;
    fail_at = fail;
    assert(pages_used == 0 && objects_used == 0);
}

uint32_t below_end(void)
{
    if (pages_used != 0 || objects_used != 0)
        panic("%u pages and %u objects are lost", pages_used, objects_used);
    assert(task.mutexes == NULL && holds_no_lock());
    return allocations;
}

/* Printing, and the end by a panic. */
static void print(int always, const char *fmt, va_list ap)
{
    char text[1024];
    int length = vsnprintf(text, sizeof(text), fmt, ap);

    host_write(text, length < (int)sizeof(text) ? length : (int)sizeof(text) - 1, always);
}

void vcprintf(const char *fmt, va_list ap)
{
    print(0, fmt, ap);
}

void cprintf(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    print(0, fmt, ap);
    va_end(ap);
}

void panic_at(const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    char place[256];

    host_write(place, snprintf(place, sizeof(place), "panic at %s:%d: ", file, line), 1);
    va_start(ap, fmt);
    print(1, fmt, ap);
    va_end(ap);
    host_write("\n", 1, 1);
    host_abort();
}

/* Mutexes: the rare parts. */
void mutex_init(struct mutex *mutex, const char *name, enum mutex_rank rank, uint32_t level)
{
    *mutex = (struct mutex){ .hold = { .name = name, .rank = rank, .level = level } };
    list_init(&mutex->waiters);
}

void mutex_hold_remove(struct mutex_hold *hold)
{
    struct mutex_hold *above = task.mutexes;

    while (above != NULL && above->below != hold)
        above = above->below;
    if (above == NULL)
        panic("the mutex \"%s\" is released, and was not held", hold->name);
    above->below = hold->below;
}

void mutex_lock_panic(const struct mutex_hold *hold)
{
    panic("the mutex \"%s\" is taken against the rules", hold->name);
}

void mutex_wait(struct mutex *mutex)
{
    panic("a wait for the mutex \"%s\" would never end", mutex->hold.name);
}

void mutex_wake(struct mutex *mutex)
{
    panic("the mutex \"%s\" is released, and was not locked", mutex->hold.name);
}

/* Waiting for others, of whom there are none. */
bool wait_sleep(__not_used struct wait_queue *queue, __not_used uint32_t state, const char *what)
{
    panic("a wait for %s would never end", what);
}

int wait_for_grant(__not_used struct wait_queue *queue, __not_used struct waiter *waiter,
                   __not_used uint32_t state, const char *what, __not_used uint64_t deadline)
{
    panic("a wait for %s would never end", what);
}

void wait_wake_all(__not_used struct wait_queue *queue)
{
}

void wait_give_first(__not_used struct wait_queue *queue, __not_used int result)
{
    panic("somebody waits, and there is nobody");
}

void schedule(void)
{
}

uint64_t rdtime(void)
{
    return ++now;
}

uint64_t timer_tick_length(void)
{
    return 100000;
}

/* Nothing is mapped, no program has memory, and nothing goes to a swap area. */
void mmap_free(__not_used struct inode *node)
{
}

int mmap_write_back(__not_used bool all)
{
    return 0;
}

void mmap_hold(struct inode *node)
{
    panic("inode %u is mapped", node->ino);
}

void mmap_release(struct inode *node)
{
    panic("inode %u is mapped", node->ino);
}

void mmap_add_dirty(struct inode *node, __not_used struct cached_block *block)
{
    panic("inode %u is mapped", node->ino);
}

struct cached_block *mmap_take_dirty(struct inode *node)
{
    panic("inode %u is mapped", node->ino);
}

int mmap_try_later(__not_used struct inode *node)
{
    return -E_BUSY;
}

void filemap_cut(__not_used struct file_map *map, __not_used uint64_t from)
{
}

int mm_fault_locked(__not_used struct mm_struct *mm, __not_used uintptr_t addr,
                    __not_used uint32_t access)
{
    return -E_FAULT;
}

int copy_from_user(__not_used void *dst, __not_used uintptr_t usrc, __not_used size_t n)
{
    return -E_FAULT;
}

int copy_to_user(__not_used uintptr_t udst, __not_used const void *src, __not_used size_t n)
{
    return -E_FAULT;
}

bool reclaim_when_short(void)
{
    return false;
}

void reclaim_open(void)
{
}

void reclaim_close(void)
{
}

bool swap_is_on(void)
{
    return false;
}

void swap_off(void)
{
}

int swap_on(struct swap_area *area)
{
    return area->slots > 0 ? 0 : -E_INVAL;
}

/* The disk: kern/driver/block.h says which requests are mistakes. */
void disk_create(struct memory_disk *disk, uint32_t blocks)
{
    *disk = (struct memory_disk){
        .device = { .name = "disk", .blocks = blocks },
        .bytes = host_alloc((size_t)blocks * BLOCK_SIZE),
        .written = host_alloc(blocks),
    };
    memset(disk->bytes, 0, (size_t)blocks * BLOCK_SIZE);
    memset(disk->written, 0, blocks);
}

/* One request, which is no mistake. */
static int do_request(struct memory_disk *disk, const struct block_request *request)
{
    uint8_t *bytes = disk->bytes + (size_t)request->block * BLOCK_SIZE;

    if (++disk->requests == disk->fail_at)
        return -E_IO;
    if (request->op == BLOCK_READ)
        memcpy(page2kva(request->page), bytes, BLOCK_SIZE);
    if (request->op == BLOCK_WRITE) {
        memcpy(bytes, page2kva(request->page), BLOCK_SIZE);
        disk->written[request->block] = 1;
    }
    return 0;
}

int block_transfer(struct block_device *device, struct block_request *requests, size_t n)
{
    int error = 0;

    assert(holds_no_lock());
    for (size_t i = 0; i < n; i++) {
        if (requests[i].op != BLOCK_FLUSH && requests[i].block >= device->blocks)
            return -E_INVAL;
        if (requests[i].op != BLOCK_READ && device->read_only)
            return -E_ROFS;
    }
    for (size_t i = 0; i < n; i++) {
        requests[i].result = do_request((struct memory_disk *)device, &requests[i]);
        requests[i].done = true;
        error = error ?: requests[i].result;
    }
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

uint64_t random_begin(uint32_t seed)
{
    return (seed + 1UL) * 0x9e3779b97f4a7c15UL ^ 0x5deece66dUL;
}

uint64_t random_next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 2685821657736338717U >> 16;
}

uint32_t input_take(struct input *input, int bytes)
{
    uint32_t value = 0;

    for (int i = 0; i < bytes; i++) {
        value |= (uint32_t)(input->left > 0 ? *input->at : 0) << 8 * i;
        input->at += input->left > 0;
        input->left -= input->left > 0;
    }
    return value;
}
