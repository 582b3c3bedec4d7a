/* Samples for the host: see crash.h. The machine's disk is written from its start; the host reads
   it out of the memory of the stopped machine, brings home what is in a journal by itself, and has
   tools/disk's checker look at both disks of each sample: tools/grader/samples.py.

   block 0    magic, how many samples
   for each   a head: blocks of the disk; how many follow, of before and of after; the title;
              from byte 1024 on their numbers, 2 bytes each
              the blocks before recovery, but those of zeros
              the blocks after it, but those that are the same as before */
#include <driver/block.h>
#include <string.h>
#include <test/crash.h>
#include <test/testlib.h>

#define MAGIC       0x53435652U         /* "RVCS" in memory */
#define NUMBERS_AT  1024

struct sample_head {
    uint32_t blocks, before, after;
    char title[100];
};

static struct {
    struct Page *page;                  /* for blocks; NULL: there is no disk */
    struct Page *head;
    uint32_t next, count;               /* where to write; samples so far */
    uint32_t numbers;                   /* in the head */
} sampler;

/* Write a block behind the last one. */
static void put(const void *data)
{
    /* A device takes whole pages only; the data may lie anywhere. */
    memcpy(page2kva(sampler.page), data, BLOCK_SIZE);
    assert_eq(block_write(block_disk(), sampler.next++, sampler.page), 0);
}

void crash_samples_begin(void)
{
    sampler.next = 1;
    sampler.count = 0;
    sampler.page = block_disk() != NULL ? alloc_page() : NULL;
    sampler.head = alloc_page();
    assert(sampler.head != NULL);
}

/* The first block comes last. */
void crash_samples_end(void)
{
    uint32_t words[BLOCK_SIZE / sizeof(uint32_t)] = { MAGIC, sampler.count };

    if (sampler.page != NULL) {
        sampler.next = 0;
        put(words);
        free_page(sampler.page);
    }
    free_page(sampler.head);
}

/* Write a block of the sample, and note its number in the head. */
static void put_numbered(uint32_t block, const void *data, uint32_t *count)
{
    uint16_t *numbers = (uint16_t *)((uint8_t *)page2kva(sampler.head) + NUMBERS_AT);

    assert(block <= UINT16_MAX && sampler.numbers < (BLOCK_SIZE - NUMBERS_AT) / sizeof(*numbers));
    numbers[sampler.numbers++] = block;
    ++*count;
    put(data);
}

/* The head is written behind its blocks, when their numbers are known, into the place that was left
   before them. */
void crash_sample(const char *title, uint8_t *const *before, const struct test_disk *after)
{
    struct sample_head *head = page2kva(sampler.head);
    uint32_t start = sampler.next++, end;

    if (sampler.page == NULL)
        return;
    memset(head, 0, BLOCK_SIZE);
    head->blocks = after->device.blocks;
    memcpy(head->title, title, strnlen(title, sizeof(head->title) - 1));
    sampler.numbers = 0;
    /* Most blocks of a small disk are zeros. */
    for (uint32_t block = 0; block < head->blocks; block++)
        if (block_hash(before[block]) != 0)
            put_numbered(block, before[block], &head->before);
    /* A write gives a block another place: see disk_record.h. */
    for (uint32_t block = 0; block < head->blocks; block++)
        if (before[block] != after->at[block])
            put_numbered(block, after->at[block], &head->after);
    end = sampler.next;
    sampler.next = start;
    put(head);
    sampler.next = end;
    sampler.count++;
}
