/* Exercise 8.1: the bytes of a file, in memory and on the disk.

   The files have direct blocks only, so nothing of 8.2 is needed. One of them is made by hand, on a
   disk that is not mounted: its blocks lie in no order, with a hole between them. So a read that
   takes the wrong block, or two blocks in a row where they are not, gives other bytes. What was
   written is looked at in the memory of the disk itself, by the numbers in the inode there, and not
   by a read, which may have the same mistake.

   What is free is full of junk. Alone: make grade EX=8.1 */
#include <error.h>
#include <mm/kmalloc.h>
#include <report.h>
#include <string.h>
#include <test/sfs_disk.h>
#include <test/testlib.h>

#define BLOCKS      128
#define GUARD       64                  /* bytes around the buffer, which nobody may write */
#define MOST        (SFS_NDIRECT * BLOCK_SIZE)
#define SIZE        (5 * BLOCK_SIZE + 1234)     /* of the file that is made by hand */

static struct test_disk disk;
static uint8_t *area, *buffer, *model;  /* with guards; without; what the file must have */
/* The blocks of the file that is made by hand, by their index; 0 is a hole. */
static const uint32_t places[] = { 60, 50, 0, 90, 51, 40 };

/* Mount a new disk with such a file, "scattered", and an empty one, "new":

     index        0    1    2      3    4    5
     block       60   50   hole   90   51   40, of which 1234 bytes are in the file */
static struct filesystem *open_disk(struct inode **root)
{
    struct sfs_disk_inode *file;

    test_disk_create(&disk, BLOCKS);
    sfs_format(&disk, 32, 32, 0);
    sfs_put_file(&disk, "new");
    file = sfs_put_file(&disk, "scattered");
    file->size = SIZE;
    for (uint32_t i = 0; i < ARRAY_SIZE(places); i++) {
        if (places[i] == 0)
            continue;
        uint8_t *bytes = sfs_put_block(&disk, file, places[i]);
        for (uint64_t at = i * BLOCK_SIZE; at < (i + 1) * BLOCK_SIZE && at < SIZE; at++)
            *bytes++ = test_byte(1, at);
        file->direct[i] = places[i];
    }
    sfs_put_junk(&disk);
    area = kmalloc(MOST + 2 * GUARD);
    model = kmalloc(MOST);
    assert(area != NULL && model != NULL);
    buffer = area + GUARD;
    return test_mount(&disk, root);
}

/* A file that is longer than it has bytes, or has a block that the map calls free, is found by this
   check, which reads the disk as docs/sfs.md has it.

   End it. The disk must be sound: what only the kernel believes does not count. */
static void close_disk(struct filesystem *fs, struct inode *root, struct inode *node)
{
    inode_put(node);
    check_eq("the disk is sound afterwards", test_end(fs, root, &disk, false), 0);
    kfree(area);
    kfree(model);
    test_disk_destroy(&disk);
}

/* The function itself, with what it stands on: a transaction, the lock. sfs_read() and sfs_write()
   do the same around it, and pin memory of a program. */
static int io(struct inode *node, struct iobuf *iob, size_t n, bool write)
{
    struct sfs_fs *sfs = fsop_info(node->in_fs);
    int error;

    if (write)
        assert_eq(sfs_begin(sfs, SFS_WRITE_BLOCKS, SFS_MAP_SHARE), 0);
    mutex_lock(&node->lock);
    error = sfs_io_nolock(sfs, vop_info(node), iob, n, write);
    mutex_unlock(&node->lock);
    if (write)
        journal_end();
    return error;
}

/* Byte `at` of the file that was made by hand: a number that follows from the place, so that no two
   blocks are alike. */
static uint8_t scattered(uint64_t at)
{
    return places[at / BLOCK_SIZE] == 0 ? 0 : test_byte(1, at);
}

/* The memory into which is read, and what it has before:

     area    |ee ee ... ee|          n bytes          |ee ee ... ee|
              GUARD         buffer: what must come      GUARD

   A function that moves whole blocks, where parts were asked for, writes over a guard. In a program
   that would be another variable of it. */

/* Read n bytes at a place. True if they are there, and nothing beside them was touched. */
static bool reads(struct inode *node, uint64_t at, size_t n)
{
    struct iobuf iob = iobuf_kernel(buffer, n, at);
    bool right;

    /* Bytes that are neither zeros nor the file's: what is not written stays so. */
    memset(area, 0xee, MOST + 2 * GUARD);
    right = io(node, &iob, n, false) == 0 && iob.io_resid == 0 && iob.io_offset == (off_t)(at + n);
    for (size_t i = 0; i < n; i++)
        right &= buffer[i] == scattered(at + i);
    for (size_t i = 0; i < GUARD; i++)
        right &= area[i] == 0xee && buffer[n + i] == 0xee;
    return right;
}

/* Reads that begin and end anywhere; each of them alone. */
static void test_read(void)
{
    struct inode *root, *node;
    struct filesystem *fs = open_disk(&root);

    node = test_find(root, "scattered");
    /* One block, or a part of it: where it lies on the disk, and where in it the bytes are. */
    check("a whole block is read", reads(node, 0, BLOCK_SIZE));
    check("and another one, which is elsewhere on the disk", reads(node, BLOCK_SIZE, BLOCK_SIZE));
    check("the start of a block", reads(node, 0, 10));
    check("bytes in the middle of a block", reads(node, 100, 50));
    check("the end of a block", reads(node, BLOCK_SIZE - 10, 10));
    /* Several blocks: the first one ends, the last one begins, and they do not lie in a row. */
    check("bytes of two blocks", reads(node, BLOCK_SIZE - 1, 2));
    check("the rest of a block and a whole one", reads(node, 4 * BLOCK_SIZE - 7, 7 + BLOCK_SIZE));
    check("a whole block and the start of the next", reads(node, 3 * BLOCK_SIZE, BLOCK_SIZE + 7));
    /* The number of a hole is 0, which is the superblock's number on the disk. */
    check("a hole is zeros", reads(node, 2 * BLOCK_SIZE, BLOCK_SIZE));
    check("also a part of it", reads(node, 2 * BLOCK_SIZE + 5, 100));
    check("and what is around it is not", reads(node, 2 * BLOCK_SIZE - 3, BLOCK_SIZE + 6));
    /* All at once. */
    check("an end of a block, whole blocks, and a start", reads(node, 1000, 4 * BLOCK_SIZE));
    check("the whole file", reads(node, 0, SIZE));
    check("its last byte", reads(node, SIZE - 1, 1));
    check("nothing at all", reads(node, 77, 0));
    /* A reference that is kept would keep the block in memory for ever. */
    for (uint32_t i = 0; i < ARRAY_SIZE(places); i++)
        if (places[i] != 0)
            check("each reference to a block is given back", test_is_dropped(places[i]));
    /* sfs_read() does not ask for what is behind the end, and a write may find holes there. */
    struct iobuf iob = iobuf_kernel(buffer, 10, 8 * BLOCK_SIZE);
    check_eq("behind the end there is a hole", io(node, &iob, 10, false), 0);
    check_eq("a read changes no size", test_stat(node).st_size, SIZE);
    close_disk(fs, root, node);
}

SELFTEST("sfs-io-read", test_read);

/* Has the disk what the model has, in its first `size` bytes, and zeros behind them? It is synced.
   The model's blocks without a number are holes. */
static bool disk_has(const struct inode *node, uint64_t size)
{
    const struct sfs_super *super = test_disk_block(&disk, 0);
    const struct sfs_disk_inode *din
        = (struct sfs_disk_inode *)test_disk_block(&disk, super->table_start) + node->ino;

    for (uint64_t at = 0; at < MOST; at++) {
        uint32_t block = din->direct[at / BLOCK_SIZE];
        uint8_t byte = block == 0 ? 0 : *((uint8_t *)test_disk_block(&disk, block)
                                          + at % BLOCK_SIZE);
        if (byte != (at < size ? model[at] : 0))
            return false;
    }
    return din->size == size;
}

/* What is written, in this order, and what it is. The file has no block at first. */
static const struct {
    uint32_t at, n;
    const char *what;
} writes[] = {
    { 0, 10, "a few bytes into an empty file" },
    { 10, 20, "a few more behind them, in the same block" },
    { 5, 10, "over a part of both" },
    { 2 * BLOCK_SIZE + 100, 50, "behind a hole" },
    { BLOCK_SIZE, BLOCK_SIZE, "a whole block, into the hole" },
    { BLOCK_SIZE - 1, 2, "the last byte of a block and the first of the next" },
    { 4 * BLOCK_SIZE - 3, 2 * BLOCK_SIZE + 6, "three bytes, two whole blocks, three bytes" },
    { BLOCK_SIZE, BLOCK_SIZE, "over a whole block" },
    { 500, 6 * BLOCK_SIZE, "over parts and whole blocks" },
    { MOST - BLOCK_SIZE, BLOCK_SIZE, "the last direct block" },
    { 6 * BLOCK_SIZE + 3, 3, "into the rest of the last block before a hole" },
    { 9 * BLOCK_SIZE + 4000, 96, "the end of a new block" },
};

/* Each write alone, on a file that all before it have made. After each of them the disk is synced:
   what the journal was not told is lost then, and the disk has something else than memory. */
static void test_write_places(void)
{
    struct inode *root, *node;
    struct filesystem *fs = open_disk(&root);
    uint64_t size = 0;

    node = test_find(root, "new");
    memset(model, 0, MOST);
    for (size_t i = 0; i < ARRAY_SIZE(writes); i++) {
        uint32_t at = writes[i].at, n = writes[i].n;
        struct iobuf iob = iobuf_kernel(buffer, n, at);

        /* Each write has bytes of its own, so old ones can be told from new ones. */
        for (uint32_t j = 0; j < n; j++)
            buffer[j] = model[at + j] = test_byte(i + 2, at + j);
        size = at + n > size ? at + n : size;
        cprintf("write %s\n", writes[i].what);
        check_eq("it is written", io(node, &iob, n, true), 0);
        check("as a whole", iob.io_resid == 0 && iob.io_offset == at + n);
        check("what is in memory stays as it is", buffer[0] == test_byte(i + 2, at));
        check_eq("the file ends where it must", test_stat(node).st_size, size);
        /* Nothing is in the journal when the next one begins: each must tell all by itself. */
        assert_eq(fs->sync(fs), 0);
        check("the disk has it, and what was there before, and zeros around", disk_has(node, size));
    }
    check_eq("no block is there that was not written", test_stat(node).st_blocks, 9);
    for (uint32_t i = 0; i < SFS_NDIRECT; i++) {
        uint32_t block = vop_info(node)->din->direct[i];
        check("each reference is given back", block == 0 || test_is_dropped(block));
    }
    close_disk(fs, root, node);
}

SELFTEST("sfs-io-write", test_write_places);

/* The disk is full in the middle of a write, and before its first block. */
static void try_full(struct filesystem *fs, struct inode *node)
{
    uint32_t taken[BLOCKS], n = test_take_blocks(fs, taken, 0, 2);
    struct iobuf iob = iobuf_kernel(buffer, 5 * BLOCK_SIZE, 100);

    memset(model, 0, MOST);
    for (uint32_t i = 0; i < 5 * BLOCK_SIZE; i++)
        buffer[i] = test_byte(3, 100 + i);
    memcpy(model + 100, buffer, 2 * BLOCK_SIZE - 100);
    /* As df says before: two blocks are left. */
    check_eq("there is room for two blocks of six", io(node, &iob, 5 * BLOCK_SIZE, true),
             -E_NO_SPACE);
    /* Six, because the first and the last are written in part. */
    check_eq("these are written", iob.io_offset, 2 * BLOCK_SIZE);
    check_eq("and nothing else is", iob.io_resid, 5 * BLOCK_SIZE - (2 * BLOCK_SIZE - 100));
    check_eq("the file ends behind what was written", test_stat(node).st_size, 2 * BLOCK_SIZE);
    assert_eq(fs->sync(fs), 0);
    check("and has it on the disk", disk_has(node, 2 * BLOCK_SIZE));
    /* What is there can still be written over. */
    iob = iobuf_kernel(buffer, 10, 50);
    memcpy(model + 50, buffer, 10);
    check_eq("a block that is there needs no room", io(node, &iob, 10, true), 0);
    iob = iobuf_kernel(buffer, 10, 7 * BLOCK_SIZE);
    check_eq("a full disk has no room for a byte", io(node, &iob, 10, true), -E_NO_SPACE);
    check_eq("nothing is written", iob.io_resid, 10);
    check_eq("so the file is not longer", test_stat(node).st_size, 2 * BLOCK_SIZE);
    /* Its io_offset is behind the end, but nothing comes there. */
    iob = iobuf_kernel(buffer, 0, 7 * BLOCK_SIZE);
    check_eq("nothing needs no room", io(node, &iob, 0, true), 0);
    check_eq("and makes no file longer", test_stat(node).st_size, 2 * BLOCK_SIZE);
    test_give_blocks(fs, taken, n, UINT32_MAX);
    assert_eq(fs->sync(fs), 0);
    check("the disk has what the file has", disk_has(node, 2 * BLOCK_SIZE));
}

/* What goes wrong on the way ends it, and is told; what was moved before counts. Who reads or
   writes sees that by io_offset, and can go on from there. The error of a write that has moved
   something is told by the next call, as sfs_write() does, which begins where this one has ended.
   So a mistake here is one that a program would see as a file that is too long, or too short. */
static void test_errors(void)
{
    struct inode *root, *node, *other;
    struct filesystem *fs = open_disk(&root);
    struct iobuf iob = iobuf_kernel(buffer, 5 * BLOCK_SIZE, 100);

    node = test_find(root, "scattered");
    other = test_find(root, "new");
    /* Blocks that are in memory already would not be read, so nothing could fail. */
    assert(test_is_dropped(places[0]) && test_is_dropped(places[1]));
    /* The function is called itself: sfs_read() would have all blocks read before. */
    disk.fail_at = disk.requests + 2;
    check_eq("the second block cannot be read", io(node, &iob, 5 * BLOCK_SIZE, false), -E_IO);
    check_eq("the first one was", iob.io_offset, BLOCK_SIZE);
    check_eq("the others were not", iob.io_resid, 4 * BLOCK_SIZE + 100);
    check("it is the disk's error, and no hole", buffer[0] == test_byte(1, 100));
    check("no reference is kept then", test_is_dropped(places[0]) && test_is_dropped(places[1]));
    /* To write a part of a block the rest of it must be read. */
    disk.fail_at = disk.requests + 1;
    iob = iobuf_kernel(buffer, 10, 20);
    check_eq("a block of which a part is written cannot be read", io(node, &iob, 10, true), -E_IO);
    check_eq("nothing was written", iob.io_resid, 10);
    /* Neither the bytes nor the length may have changed. */
    disk.fail_at = 0;
    check("the file is as it was", reads(node, 0, SIZE));
    check_eq("and as long", test_stat(node).st_size, SIZE);
    try_full(fs, other);
    inode_put(other);
    close_disk(fs, root, node);
}

SELFTEST("sfs-io-errors", test_errors);
