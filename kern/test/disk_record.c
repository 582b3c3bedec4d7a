/* Disks for self tests: see disk_record.h. The driver does each request at once, in the task that
   asks for it, with the lock let go of if the disk is slow: then others run, and may ask for other
   blocks.

   A state after a crash is built from what the disk was when its record began, and the writes of
   the record that reached it. So a test that has recorded a workload once can look at thousands of
   states, without doing the workload again, and each state is the same in each run. A state may
   keep a record too: of what its recovery writes; so from states there are states.

   What goes wrong here is a panic: a test cannot go on without its disk. */
#include <error.h>
#include <fs/journal.h>
#include <mm/kmalloc.h>
#include <sched/sched.h>
#include <string.h>
#include <test/disk_record.h>

#define SECTOR  512     /* what a disk writes whole or not at all */

/* A new entry at the end of the record, if there is one. The lock is held. The content is copied,
   because the page is the cache's, and will be changed again. */
static void add_record(struct test_disk *disk, enum record_kind kind, uint32_t block,
                       const void *content)
{
    struct Page *page = NULL;

    if (disk->base == NULL || disk->paused)
        return;
    /* Flushes and marks have none. */
    if (content != NULL) {
        page = alloc_page();
        assert(page != NULL);
        memcpy(page2kva(page), content, BLOCK_SIZE);
    }
    if (disk->length == disk->limit)
        panic("a test's disk has a record of more than %lu entries", disk->limit);
    disk->record[disk->length++] = (struct record_entry){
        .kind = kind, .block = block, .page = page
    };
}

/* Where the disk's own copy of a block is, or will be. */
static uint8_t *own(const struct test_disk *disk, uint32_t block)
{
    return disk->memory + (size_t)block * BLOCK_SIZE;
}

/* A block is written, in memory of the disk's own: where it was, if that is elsewhere, others may
   still look. */
static void write_block(struct test_disk *disk, uint32_t block, const void *data)
{
    disk->at[block] = own(disk, block);
    disk->hash[block] = disk->sum = 0;  /* they were those of the old content */
    memcpy(disk->at[block], data, BLOCK_SIZE);
    add_record(disk, RECORD_WRITE, block, data);
}

/* Do one request; its result. The lock is held, and let go of if the disk is slow. */
static int transfer(struct test_disk *disk, const struct block_request *request)
{
    bool fails = ++disk->requests == disk->fail_at;

    if (disk->delay > 0) {
        spin_unlock(&disk->device.lock);
        for (int i = 0; i < disk->delay; i++)
            schedule();
        spin_lock(&disk->device.lock);
    }
    /* Nothing was moved then, as with a disk that has found a bad sector. */
    if (fails)
        return -E_IO;
    if (request->op == BLOCK_READ) {
        memcpy(page2kva(request->page), test_disk_block(disk, request->block), BLOCK_SIZE);
    } else if (request->op == BLOCK_WRITE) {
        write_block(disk, request->block, page2kva(request->page));
    } else {
        add_record(disk, RECORD_FLUSH, 0, NULL);
    }
    return 0;
}

/* The driver's part. */
static size_t submit(struct block_device *device, struct block_request *requests, size_t n)
{
    struct test_disk *disk = to_struct(device, struct test_disk, device);

    if (n > disk->most)
        disk->most = n;
    for (size_t i = 0; i < n; i++)
        block_done(device, &requests[i], transfer(disk, &requests[i]));
    return n;
}

void test_disk_create(struct test_disk *disk, uint32_t blocks)
{
    *disk = (struct test_disk){
        .device = { .name = "a test's disk", .blocks = blocks, .submit = submit },
        .memory = kmalloc((size_t)blocks * BLOCK_SIZE),
        .at = kmalloc(blocks * sizeof(*disk->at)),
        .hash = kmalloc(blocks * sizeof(*disk->hash)),
    };
    assert(disk->memory != NULL && disk->at != NULL && disk->hash != NULL);
    memset(disk->memory, 0, (size_t)blocks * BLOCK_SIZE);
    /* No block's hash is known yet: few disks are ever asked for theirs. */
    memset(disk->hash, 0, blocks * sizeof(*disk->hash));
    for (uint32_t block = 0; block < blocks; block++)
        disk->at[block] = own(disk, block);
    block_init(&disk->device);
}

void test_disk_forget(struct test_disk *disk)
{
    for (size_t i = 0; i < disk->length; i++)
        if (disk->record[i].page != NULL)
            free_page(disk->record[i].page);
    kfree(disk->record);
    kfree(disk->base);
    kfree(disk->base_hash);
    kfree(disk->kept);
    disk->record = NULL;
    disk->base = NULL;
    disk->base_hash = NULL;
    disk->kept = NULL;
    disk->length = 0;
}

void test_disk_destroy(struct test_disk *disk)
{
    test_disk_forget(disk);
    /* It is kept from state to state. */
    if (disk->torn != NULL)
        free_page(disk->torn);
    kfree(disk->hash);
    kfree(disk->at);
    kfree(disk->memory);
}

/* What lies in the disk's own memory will be written over. */
static void keep(struct test_disk *disk)
{
    uint32_t blocks = disk->device.blocks, block = 0;

    /* A state that nothing was written to has all its blocks elsewhere. */
    while (block < blocks && disk->at[block] != own(disk, block))
        block++;
    if (block == blocks)
        return;
    disk->kept = kmalloc((size_t)blocks * BLOCK_SIZE);
    assert(disk->kept != NULL);
    for (; block < blocks; block++)
        if (disk->at[block] == own(disk, block)) {
            disk->base[block] = disk->kept + (size_t)block * BLOCK_SIZE;
            memcpy(disk->base[block], disk->at[block], BLOCK_SIZE);
        }
}

void test_disk_record(struct test_disk *disk, size_t limit)
{
    uint32_t blocks = disk->device.blocks;

    test_disk_forget(disk);
    disk->record = kmalloc(limit * sizeof(*disk->record));
    disk->base = kmalloc(blocks * sizeof(*disk->base));
    disk->base_hash = kmalloc(blocks * sizeof(*disk->base_hash));
    disk->limit = limit;
    disk->paused = false;
    assert(disk->record != NULL && disk->base != NULL && disk->base_hash != NULL);
    /* The states begin with where the blocks are now. What was written before is there for sure: a
       crash can only touch what comes from now on. */
    memcpy(disk->base, disk->at, blocks * sizeof(*disk->base));
    memcpy(disk->base_hash, disk->hash, blocks * sizeof(*disk->base_hash));
    disk->base_sum = disk->sum;
    keep(disk);
}

void test_disk_write(struct test_disk *disk, uint32_t block, const void *data)
{
    spin_lock(&disk->device.lock);
    write_block(disk, block, data);
    spin_unlock(&disk->device.lock);
}

void test_disk_flush(struct test_disk *disk)
{
    spin_lock(&disk->device.lock);
    add_record(disk, RECORD_FLUSH, 0, NULL);
    spin_unlock(&disk->device.lock);
}

void test_disk_mark(struct test_disk *disk, uint32_t number)
{
    spin_lock(&disk->device.lock);
    add_record(disk, RECORD_MARK, number, NULL);
    spin_unlock(&disk->device.lock);
}

struct crash crash_first(void)
{
    return (struct crash){ .length = 0, .odd = 0, .kind = CRASH_ALL };
}

/* The first entry behind the last flush of the first `length`. A flush ends an epoch: of the writes
   in one, a crash may leave any, in any order. With W a write and F a flush:

     W1 W2 F W3 W4 W5 | the crash        W1 and W2 are there; each of W3, W4 and W5 may be */
static size_t epoch_start(const struct test_disk *disk, size_t length)
{
    while (length > 0 && disk->record[length - 1].kind != RECORD_FLUSH)
        length--;
    return length;
}

/* The next write from `entry` on, before the crash; `length` if there is none. */
static size_t next_write(const struct test_disk *disk, size_t entry, size_t length)
{
    while (entry < length && disk->record[entry].kind != RECORD_WRITE)
        entry++;
    return entry;
}

/* The states of one epoch with three writes, of which W2 is the odd one. A crash may leave each of
   these; + is on the disk, - is not, h and t are the first sector and the rest of a block:

     kind           W1 W2 W3
     CRASH_ALL      +  +  +         the power failed right behind the last one
     CRASH_LOST     +  -  +         the disk had not come to it yet
     CRASH_ALONE    -  +  -         it was the first that the disk chose
     CRASH_HEAD     +  h  +         the power failed in the middle of a block
     CRASH_TAIL     +  t  +         likewise, from its other end */

/* From write to write of the epoch, then from kind to kind, then to the next prefix. The kinds with
   an odd write are only built for whole epochs: a shorter prefix of one is much the same as an
   epoch whose last writes were lost. */
bool crash_next(const struct test_disk *disk, struct crash *crash)
{
    size_t length = crash->length, start = epoch_start(disk, length);
    bool whole = length == disk->length || disk->record[length].kind == RECORD_FLUSH;

    if (whole && crash->kind != CRASH_ALL)
        crash->odd = next_write(disk, crash->odd + 1, length);
    while (whole && crash->kind < CRASH_KINDS) {
        if (crash->kind != CRASH_ALL && crash->odd < length)
            return true;
        crash->kind++;
        crash->odd = next_write(disk, start, length);
    }
    *crash = (struct crash){ .length = length + 1 };
    return crash->length <= disk->length;
}

/* Does this write, which is an entry behind the last flush, reach the disk as a whole? With
   CRASH_ALONE that is the odd one, with the others all but the odd one. */
static bool reaches(const struct crash *crash, size_t entry)
{
    return crash->kind == CRASH_ALL || (crash->kind == CRASH_ALONE) == (entry == crash->odd);
}

/* The product spreads a word over the bits above it, and the shift brings them down again. */
uint64_t block_hash(const void *block)
{
    const uint64_t *words = block;
    uint64_t hash = 0;

    for (size_t i = 0; i < BLOCK_SIZE / sizeof(*words); i++) {
        hash = (hash ^ words[i]) * 0xd1342543de82ef95ULL;
        hash ^= hash >> 32;
    }
    return hash;
}

uint64_t test_disk_block_hash(const struct test_disk *disk, uint32_t block)
{
    if (disk->hash[block] == 0)
        disk->hash[block] = block_hash(disk->at[block]) + 1;
    return disk->hash[block] - 1;
}

/* What a block with this hash adds to the sum. Which block it is counts too: two that change places
   are another disk. */
static uint64_t placed(uint64_t hash, uint32_t block)
{
    uint64_t place = (hash + block) * 0x9e3779b97f4a7c15ULL;

    return (place ^ place >> 29) * (2 * block + 1);
}

uint64_t test_disk_hash(struct test_disk *disk)
{
    if (disk->sum != 0)
        return disk->sum;
    for (uint32_t block = 0; block < disk->device.blocks; block++)
        disk->sum += placed(test_disk_block_hash(disk, block) + 1, block);
    return disk->sum;
}

/* A block of a state is elsewhere. Only what differs is changed in the sum, if there is one: most
   blocks are where they were when the record began, and there are many states. */
static void replace(struct test_disk *copy, uint32_t block, uint8_t *at, uint64_t hash)
{
    if (copy->sum != 0)
        copy->sum += placed(hash, block) - placed(copy->hash[block], block);
    copy->at[block] = at;
    copy->hash[block] = hash;
}

/* Of a block only a part was written: the state has a page of its own for it. */
static void tear(struct test_disk *copy, const struct record_entry *entry, enum crash_kind kind)
{
    uint8_t *block, *new = page2kva(entry->page);

    if (copy->torn == NULL)
        copy->torn = alloc_page();
    assert(copy->torn != NULL);
    block = page2kva(copy->torn);
    /* Each 512 bytes are old or new; these two cases are the ends of what can be. */
    memcpy(block, copy->at[entry->block], BLOCK_SIZE);
    if (kind == CRASH_HEAD)
        memcpy(block, new, SECTOR);
    else
        memcpy(block + SECTOR, new + SECTOR, BLOCK_SIZE - SECTOR);
    replace(copy, entry->block, block, block_hash(block) + 1);
}

void crash_build(struct test_disk *disk, const struct crash *crash, struct test_disk *copy)
{
    size_t start = epoch_start(disk, crash->length), blocks = disk->device.blocks;

    assert(copy->base == NULL && copy->device.blocks == blocks);
    /* Nothing is copied but where the blocks are, and their hashes. */
    memcpy(copy->at, disk->base, blocks * sizeof(*copy->at));
    memcpy(copy->hash, disk->base_hash, blocks * sizeof(*copy->hash));
    copy->sum = disk->base_sum;
    for (size_t i = 0; i < crash->length; i++) {
        struct record_entry *entry = &disk->record[i];

        /* Flushes count by their place only; a mark is the test's own. */
        if (entry->kind != RECORD_WRITE)
            continue;
        if (i < start || reaches(crash, i)) {
            /* Once for each write, not for each state that has it. */
            if (entry->hash == 0)
                entry->hash = block_hash(page2kva(entry->page)) + 1;
            replace(copy, entry->block, page2kva(entry->page), entry->hash);
        } else if (crash->kind == CRASH_HEAD || crash->kind == CRASH_TAIL) {
            tear(copy, entry, crash->kind);
        }
    }
}

int test_close_journal(void)
{
    int error = journal_close();

    cache_close();
    return error;
}
