/* Target: recovery, kern/fs/journal_recovery.c.

   The input says where the journal is on a small disk, what may fail, and what stands in the commit
   record and in the list of homes. Whatever that is: a record that is refused has changed nothing,
   and one that is taken has put each block of the log to its home, and nothing anywhere else; the
   record is cleared by then. */
#include "below.h"
#include <error.h>
#include <fs/journal.h>
#include <fs/sfs_format.h>
#include <string.h>

#define BLOCKS  64

const char *const target_name = "journal";
const char *const target_counts[] = { "journals finished", "empty ones", "refused", "failed",
                                      NULL };

static struct memory_disk disk;

/* Fill the disk: the first word of each block has its number. */
static void fill(void)
{
    for (uint32_t block = 0; block < BLOCKS; block++)
        *(uint32_t *)(disk.bytes + block * BLOCK_SIZE) = block | 0x40000000;
    memset(disk.written, 0, BLOCKS);
}

/* What a block has in its first word. */
static uint32_t word_of(uint32_t block)
{
    return *(uint32_t *)(disk.bytes + block * BLOCK_SIZE);
}

/* All that was done is what the record, of which this is a copy, asked for. */
static void check_finished(uint32_t start, uint32_t blocks, uint32_t count, const uint32_t *homes)
{
    uint32_t written = 0;

    assert(count <= blocks - SFS_JOURNAL_LOG);
    for (uint32_t i = 0; i < count; i++) {
        assert(homes[i] < BLOCKS && (homes[i] < start || homes[i] >= start + blocks));
        assert_eq(word_of(homes[i]), word_of(start + SFS_JOURNAL_LOG + i));
    }
    for (uint32_t block = 0; block < BLOCKS; block++)
        written += disk.written[block];
    assert_eq(written, count + 1);      /* no home twice; and the record */
    assert_eq(((struct sfs_commit *)(disk.bytes + start * BLOCK_SIZE))->count, 0);
}

int LLVMFuzzerTestOneInput(const host_byte *data, unsigned long size)
{
    static uint32_t homes[SFS_JOURNAL_HOMES];
    struct input input = { data, size };
    uint32_t replayed, count = 0, start, blocks;

    if (disk.bytes == NULL)
        disk_create(&disk, BLOCKS);
    fill();
    start = input_take(&input, 1) % BLOCKS;
    blocks = input_take(&input, 1) % (BLOCKS - start + 1);
    disk.requests = 0;
    disk.fail_at = input_take(&input, 1);
    disk.device.read_only = input_take(&input, 1) == 1;
    below_begin(input_take(&input, 1));
    memset(homes, 0, sizeof(homes));
    if (blocks > SFS_JOURNAL_LOG) {
        struct sfs_commit *record = (void *)(disk.bytes + start * BLOCK_SIZE);

        record->magic = input_take(&input, 1) != 255 ? SFS_JOURNAL_MAGIC : 0;
        record->count = count = input_take(&input, 4);
        for (int i = 0; i < SFS_JOURNAL_HOMES && input.left > 0; i++)
            homes[i] = input_take(&input, 4);
        memcpy(disk.bytes + (start + 1) * BLOCK_SIZE, homes, sizeof(homes));
    }
    int error = journal_recover(&disk.device, start, blocks, &replayed);
    if (error == 0 && replayed > 0)
        check_finished(start, blocks, count, homes);
    if ((error == 0 && replayed == 0) || error == -E_INVAL || error == -E_ROFS)
        for (uint32_t block = 0; block < BLOCKS; block++)
            assert(!disk.written[block]);
    assert(error == 0 || replayed == 0);
    host_counts[error == 0 && replayed > 0 ? 0 : error == 0 ? 1 : error == -E_INVAL ? 2 : 3]++;
    below_end();
    return 0;
}

/* A journal of a few blocks with some homes, of which one is next to a limit. */
unsigned long LLVMFuzzerCustomMutator(host_byte *data, unsigned long size, unsigned long max,
                                      unsigned int seed)
{
    uint64_t state = random_begin(seed);
    uint32_t start = random_next(&state) % 8, blocks = 3 + random_next(&state) % 20;
    uint32_t count = 1 + random_next(&state) % (blocks - 2), at = 10;
    const uint32_t odd[] = { start, start - 1, start + blocks - 1, start + blocks, BLOCKS, 0,
                             BLOCKS - 1, 0xffffffff, 0x80000000, 40, 41 };

    if (random_next(&state) % 4 == 0 || max < 10 + 4 * (count + 2))
        return LLVMFuzzerMutate(data, size, max);
    memset(data, 0, 10);
    data[0] = start;
    data[1] = blocks;
    data[2] = random_next(&state) % 4 ? 0 : random_next(&state) % 16;
    data[3] = random_next(&state) % 16 == 0;
    data[4] = random_next(&state) % 16 ? 0 : 1;
    data[6] = random_next(&state) % 8 ? count : count + random_next(&state) % 4;
    for (uint32_t i = 0; i <= count; i++, at += 4) {
        uint32_t home = random_next(&state) % 8 ? 32 + i : odd[random_next(&state)
                                                               % ARRAY_SIZE(odd)];

        memcpy(data + at, &home, 4);
    }
    return at;
}
