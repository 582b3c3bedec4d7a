/* Exercise 8.2: a full disk, and what is cut off a file; see sfs_bmap.c for how it is looked at.

   If a block cannot be had then nothing may have changed, however far the walk has come: a block of
   numbers that was taken for a block that then could not be had belongs to nothing. When a file is
   cut, the blocks of numbers go with what they lead to, and stay as long as there is any of that.

   Alone: make grade EX=8.2 */
#include <error.h>
#include <report.h>
#include <string.h>
#include <test/sfs_disk.h>
#include <test/testlib.h>

#define BLOCKS      160
#define INDIRECT    (SFS_NDIRECT)
#define DOUBLE      (SFS_NDIRECT + SFS_NPER)
#define SECOND      (DOUBLE + SFS_NPER)
#define LAST        (SFS_SIZE_MAX / BLOCK_SIZE)

static struct test_disk disk;

/* A new disk with an empty file, "file", mounted. It has 124 free blocks. */
static struct filesystem *open_disk(struct inode **root, struct inode **node)
{
    struct filesystem *fs;

    test_disk_create(&disk, BLOCKS);
    sfs_format(&disk, 32, 32, 0);
    sfs_put_file(&disk, "file");
    sfs_put_junk(&disk);
    fs = test_mount(&disk, root);
    *node = test_find(*root, "file");
    return fs;
}

/* Nothing may be left, in memory and on the disk. */
static void close_disk(struct filesystem *fs, struct inode *root, struct inode *node)
{
    inode_put(node);
    test_unmount(fs, root, &disk);
    test_disk_destroy(&disk);
}

/* The number at an index, or the error. */
static int get(struct inode *node, uint32_t index, enum sfs_create create)
{
    struct sfs_fs *sfs = fsop_info(node->in_fs);
    uint32_t block = 0;
    int error;

    if (create != SFS_LOOK)
        assert_eq(sfs_begin(sfs, 5, 3), 0);
    mutex_lock(&node->lock);
    error = sfs_bmap_get_nolock(sfs, vop_info(node), index, create, &block);
    mutex_unlock(&node->lock);
    if (create != SFS_LOOK)
        journal_end();
    return error ?: (int)block;
}

/* The path to index DOUBLE of an empty file needs three blocks, from the inode downwards:

     inode --> double indirect block --> block of numbers --> data
               1st                       2nd                  3rd

   With two free blocks the third one cannot be had when the first two are taken already. Who leaves
   these in the file has a file with more blocks than its size tells; who leaves them nowhere has
   lost them, until somebody checks the disk. */

/* With so few free blocks no block can be had at this index. */
static void try_full(struct filesystem *fs, struct inode *node, uint32_t index)
{
    uint32_t blocks = test_stat(node).st_blocks, is_free = test_free_blocks(fs);

    check_eq("there is no room for the block and what leads to it", get(node, index, SFS_CREATE),
             -E_NO_SPACE);
    /* What was taken on the way and is in no file would be lost for ever. */
    check_eq("then the hole is as it was", get(node, index, SFS_LOOK), 0);
    check_eq("the file has no block more", test_stat(node).st_blocks, blocks);
    check_eq("and the disk none less", test_free_blocks(fs), is_free);
}

/* Fewer free blocks than a path needs: at each of its steps none can be had once. */
static void test_full(void)
{
    struct filesystem *fs;
    struct inode *root, *node;
    uint32_t taken[BLOCKS], n = 0;

    fs = open_disk(&root, &node);
    check("a block behind the direct ones can be had", get(node, INDIRECT, SFS_CREATE) > 0);
    /* A path of three blocks: the last of them cannot be had, then the second, then none. */
    n = test_take_blocks(fs, taken, n, 2);
    try_full(fs, node, DOUBLE);
    n = test_take_blocks(fs, taken, n, 1);
    try_full(fs, node, DOUBLE);
    n = test_take_blocks(fs, taken, n, 0);
    try_full(fs, node, DOUBLE);
    try_full(fs, node, INDIRECT + 1);
    check("what is there is found still", get(node, INDIRECT, SFS_CREATE) > 0);
    n = test_give_blocks(fs, taken, n, 3);
    check("three free blocks are enough for the longest path", get(node, DOUBLE, SFS_CREATE) > 0);
    check_eq("of which each is used", test_free_blocks(fs), 0);
    /* A path of two, below a block that is there. */
    try_full(fs, node, SECOND);
    n = test_give_blocks(fs, taken, n, 1);
    try_full(fs, node, SECOND);
    test_give_blocks(fs, taken, n, UINT32_MAX);
    /* So that the disk is sound at the end: no block lies behind a file's size. */
    assert_eq(sfs_begin(fsop_info(fs), 1, 0), 0);
    mutex_lock(&node->lock);
    vop_info(node)->din->size = SECOND * BLOCK_SIZE;
    journal_write(vop_info(node)->table);
    mutex_unlock(&node->lock);
    journal_end();
    close_disk(fs, root, node);
}

SELFTEST("bmap-full", test_full);

/* Indexes of a file, and to which it is cut one by one. `leading` blocks of numbers are left then:
   a block of numbers stays as long as the first index that it can lead to does. */
static const uint32_t blocks_at[] = {
    0, 11, INDIRECT, INDIRECT + 1, DOUBLE - 1, DOUBLE, DOUBLE + 1, SECOND - 1, SECOND,
    SECOND + SFS_NPER + 3, LAST,
};
static const struct {
    uint32_t from, leading;
    const char *what;
} cuts[] = {
    { LAST, 6, "the last block of the longest file" },
    { SECOND + SFS_NPER + 3, 5, "a block far behind the others" },
    { SECOND + 1, 4, "nothing but a hole" },
    { SECOND, 3, "all but the first block below the double indirect one" },
    { DOUBLE + 1, 3, "the end of that" },
    { DOUBLE, 1, "the double indirect block" },
    { DOUBLE - 1, 1, "the last block that the indirect one leads to" },
    { INDIRECT + 1, 1, "all there but the first" },
    { INDIRECT, 0, "the indirect block" },
    { 11, 0, "a direct block" },
    { 0, 0, "all" },
};

/* How `leading` is counted for the file with all blocks: 6 are the indirect block, the double one,
   and four below that (for DOUBLE, SECOND, SECOND + SFS_NPER + 3 and LAST):

     inode   indirect ----> ...
             db_indirect -> [0] -> ...   [1] -> ...   [2] -> ...   [1022] -> LAST

   Each cut goes on from the right to the left, and a block of numbers goes with the first index
   that it can lead to. One that stays is lost to everybody, one that goes too early takes what is
   still in the file. */

/* Cut a file, and set its size. The error. */
static int cut(struct inode *node, uint32_t from)
{
    struct sfs_fs *sfs = fsop_info(node->in_fs);
    uint32_t end;
    int error;

    /* A step may leave something, if it is too much for one transaction. */
    do {
        assert_eq(sfs_begin(sfs, SFS_CUT_BLOCKS, SFS_MAP_SHARE), 0);
        mutex_lock(&node->lock);
        error = sfs_bmap_truncate_nolock(sfs, vop_info(node), from, &end);
        if (error == 0)
            vop_info(node)->din->size = (uint64_t)end * BLOCK_SIZE;
        mutex_unlock(&node->lock);
        journal_end();
    } while (error == 0 && end > from);
    return error;
}

/* Make the file with all these blocks, and the numbers that they get. */
static void make_file(struct inode *node, int numbers[ARRAY_SIZE(blocks_at)])
{
    struct sfs_inode *sin = vop_info(node);

    for (size_t i = 0; i < ARRAY_SIZE(blocks_at); i++) {
        numbers[i] = get(node, blocks_at[i], SFS_CREATE);
        check("a block is made", numbers[i] > 0);
    }
    assert_eq(sfs_begin(fsop_info(node->in_fs), 1, 0), 0);
    mutex_lock(&node->lock);
    sin->din->size = SFS_SIZE_MAX;
    journal_write(sin->table);
    mutex_unlock(&node->lock);
    journal_end();
}

/* Is the file as it was in front of `from`, and nothing behind? How many blocks have data. */
static uint32_t still_there(struct inode *node, const int *numbers, uint32_t from)
{
    uint32_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(blocks_at); i++) {
        bool stays = blocks_at[i] < from;

        check_eq(stays ? "what is in front of the cut stays" : "what is behind the cut is gone",
                 get(node, blocks_at[i], SFS_LOOK), stays ? numbers[i] : 0);
        n += stays;
    }
    return n;
}

/* An error on the way: what lies in front of the place stays, and nothing is lost. There are four
   blocks below the double one, of which the last is read first: 1022, 2, 1, 0. */
static void try_bad_cut(struct filesystem *fs, struct inode *node, const int *numbers)
{
    const struct sfs_super *super = test_disk_block(&disk, 0);
    const struct sfs_disk_inode *din
        = (struct sfs_disk_inode *)test_disk_block(&disk, super->table_start) + node->ino;
    uint32_t first;

    /* The numbers are read from the disk again, because nothing of them is in memory. */
    assert_eq(fs->sync(fs), 0);
    first = *(uint32_t *)test_disk_block(&disk, din->db_indirect);
    assert(test_is_dropped(first) && test_is_dropped(din->db_indirect));
    /* The double one, 1022, the map of free blocks, 2, and then 1. */
    disk.fail_at = disk.requests + 5;
    check_eq("a block of numbers cannot be read", cut(node, INDIRECT), -E_IO);
    check_eq("what it leads to is there", get(node, SECOND, SFS_LOOK), numbers[8]);
    check_eq("and all before", get(node, DOUBLE + 1, SFS_LOOK), numbers[6]);
    assert_eq(fs->sync(fs), 0);
    assert(test_is_dropped(first) && test_is_dropped(din->db_indirect));
    /* The double one, 1, the map, and then 0. */
    disk.fail_at = disk.requests + 4;
    check_eq("another one cannot be read", cut(node, INDIRECT), -E_IO);
    disk.fail_at = 0;
    /* It is cut from the end on: so what is left after an error is the start of the file. */
    check_eq("what comes before it is there", get(node, DOUBLE - 1, SFS_LOOK), numbers[4]);
    check_eq("and what it leads to", get(node, DOUBLE + 1, SFS_LOOK), numbers[6]);
    check_eq("what came behind it is gone", get(node, SECOND, SFS_LOOK), 0);
    assert_eq(fs->sync(fs), 0);
    check_eq("the disk is sound", sfs_check(&disk, false), 0);
    check("no reference is kept", test_is_dropped(din->db_indirect) && test_is_dropped(first));
}

/* From the end to the start, in steps; then once more, with an error of the disk in the middle. */
static void test_cut(void)
{
    struct filesystem *fs;
    struct inode *root, *node;
    int numbers[ARRAY_SIZE(blocks_at)];
    uint32_t before;

    fs = open_disk(&root, &node);
    before = test_free_blocks(fs);
    make_file(node, numbers);
    for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
        cprintf("cut from index %u: %s\n", cuts[i].from, cuts[i].what);
        check_eq("the file is cut", cut(node, cuts[i].from), 0);
        uint32_t blocks = still_there(node, numbers, cuts[i].from) + cuts[i].leading;
        check_eq("what is left are these blocks, and what leads to them",
                 test_stat(node).st_blocks, blocks);
        check_eq("and all others are free", before - test_free_blocks(fs), blocks);
        assert_eq(fs->sync(fs), 0);
        check_eq("the disk is sound", sfs_check(&disk, false), 0);
    }
    make_file(node, numbers);
    try_bad_cut(fs, node, numbers);
    check_eq("the rest can be cut", cut(node, 0), 0);
    check_eq("and all is free again", test_free_blocks(fs), before);
    close_disk(fs, root, node);
}

SELFTEST("bmap-cut", test_cut);
