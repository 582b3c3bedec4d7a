/* Exercise 8.2: the block map, at each of its borders. Nothing is read or written through a file
   here, so 8.1 may be blank: the tests ask for numbers of blocks, and look at the numbers that lie
   in the memory of the disk.

       index          12 ... 1035    1036 ... 2059       2060 ...
       is found by    the indirect   the first block     the other blocks
                      block          of the double one   of the double one

   What is free is full of junk. Alone: make grade EX=8.2 */
#include <error.h>
#include <report.h>
#include <string.h>
#include <test/sfs_disk.h>
#include <test/testlib.h>

#define BLOCKS      160
#define INDIRECT    (SFS_NDIRECT)                       /* the first index there */
#define DOUBLE      (SFS_NDIRECT + SFS_NPER)            /* likewise */
#define SECOND      (DOUBLE + SFS_NPER)                 /* the second block of that */
#define LAST        (SFS_SIZE_MAX / BLOCK_SIZE)         /* of the longest file */

static struct test_disk disk;

/* A file that is made by hand: the number at each of these indexes; 0 is a hole. */
static const struct {
    uint32_t index, block;
    const char *what;
} entries[] = {
    { INDIRECT, 90, "the first index of the indirect block" },
    { INDIRECT + 1, 0, "a hole in the indirect block" },
    { INDIRECT + 500, 60, "an index in the middle of it" },
    { DOUBLE - 1, 61, "its last index" },
    { DOUBLE, 62, "the first index of the double indirect block" },
    { DOUBLE + 7, 0, "a hole in a block below it" },
    { SECOND - 1, 63, "the last index of the first block below it" },
    { SECOND, 0, "a block of numbers that is not there" },
    { SECOND + SFS_NPER + 3, 64, "an index in the third block below it" },
    { LAST, 65, "the last index that a file can have" },
    { SFS_BLOCKS_MAX - 1, 0, "the last index of the map" },
};

/* The number at an index of a file, in the memory of the disk. This is the walk once more, written
   from docs/sfs.md; the blocks of numbers must be there. */
static uint32_t *on_disk(struct sfs_disk_inode *din, uint32_t index)
{
    uint32_t *numbers;

    if (index < INDIRECT)
        return &din->direct[index];
    if (index < DOUBLE) {
        numbers = test_disk_block(&disk, din->indirect);
        return &numbers[index - INDIRECT];
    }
    index -= DOUBLE;
    numbers = test_disk_block(&disk, din->db_indirect);
    numbers = test_disk_block(&disk, numbers[index / SFS_NPER]);
    return &numbers[index % SFS_NPER];
}

/* The inode of the one file, in the memory of the disk. */
static struct sfs_disk_inode *inode_on_disk(void)
{
    const struct sfs_super *super = test_disk_block(&disk, 0);

    return (struct sfs_disk_inode *)test_disk_block(&disk, super->table_start) + SFS_ROOT + 1;
}

/* A new disk with an empty file, "file". It looks like this:

     block 0       1 ... 32   33    34      35          36 ... 159
     superblock    journal    map   table   the root    free */
static struct sfs_disk_inode *make_disk(void)
{
    test_disk_create(&disk, BLOCKS);
    sfs_format(&disk, 32, 32, 0);
    return sfs_put_file(&disk, "file");
}

/* The number at an index, and the error. A hole may be filled. */
static int get(struct inode *node, uint32_t index, enum sfs_create create, uint32_t *block)
{
    struct sfs_fs *sfs = fsop_info(node->in_fs);
    int error;

    *block = 0;
    if (create != SFS_LOOK)
        assert_eq(sfs_begin(sfs, 5, 3), 0);
    mutex_lock(&node->lock);
    error = sfs_bmap_get_nolock(sfs, vop_info(node), index, create, block);
    mutex_unlock(&node->lock);
    if (create != SFS_LOOK)
        journal_end();
    return error;
}

/* What a look at an index finds; UINT32_MAX: an error. */
static uint32_t look(struct inode *node, uint32_t index)
{
    uint32_t block;

    return get(node, index, SFS_LOOK, &block) == 0 ? block : UINT32_MAX;
}

/* Put numbers into a map by hand. The blocks 40 to 44 are those of the numbers:

     inode   indirect ----> 40
             db_indirect -> 41   [0] -> 42   [2] -> 43   [1022] -> 44 */
static void make_map(struct sfs_disk_inode *file)
{
    uint32_t *numbers = sfs_put_block(&disk, file, 41);

    sfs_put_block(&disk, file, 40);
    file->indirect = 40;
    file->db_indirect = 41;
    for (uint32_t i = 0; i < 3; i++)
        sfs_put_block(&disk, file, 42 + i);
    numbers[0] = 42;
    numbers[2] = 43;
    numbers[(LAST - DOUBLE) / SFS_NPER] = 44;
    for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
        if (entries[i].block != 0) {
            sfs_put_block(&disk, file, entries[i].block);
            *on_disk(file, entries[i].index) = entries[i].block;
        }
    file->size = SFS_SIZE_MAX;
}

/* Errors of a walk: the disk's, and numbers that are none. */
static void try_bad_walks(struct inode *node)
{
    uint32_t block;

    for (int i = 0; i < 2; i++) {
        assert(test_is_dropped(41) && test_is_dropped(42));
        disk.fail_at = disk.requests + 1 + i;
        /* The double indirect block, then the one below it. */
        check_eq("a block of numbers cannot be read", get(node, DOUBLE, SFS_LOOK, &block), -E_IO);
    }
    disk.fail_at = 0;
    /* An error is no property of the file. */
    check_eq("the next time it can be", look(node, DOUBLE), 62);
    check("no reference was lost or kept by an error",
          test_is_dropped(41) && test_is_dropped(42));
    /* A number of the journal, where data should be: to read it would show what is not the file's,
       and to write it would destroy the disk. */
    ((uint32_t *)test_disk_block(&disk, 42))[9] = 1;
    check_eq("a number that is none of a file's is damage, and not read",
             get(node, DOUBLE + 9, SFS_LOOK, &block), -E_IO);
    ((uint32_t *)test_disk_block(&disk, 41))[5] = BLOCKS;
    ((uint32_t *)test_disk_block(&disk, 41))[6] = 1;
    assert(test_is_dropped(41));
    check_eq("also where a block of numbers should be",
             get(node, DOUBLE + 5 * SFS_NPER, SFS_LOOK, &block), -E_IO);
    /* The journal's block can be read, and has a 0 there. But it is no hole of this file. */
    check_eq("and where one is walked into",
             get(node, DOUBLE + 6 * SFS_NPER + 100, SFS_LOOK, &block), -E_IO);
    ((uint32_t *)test_disk_block(&disk, 42))[9] = 0;
    ((uint32_t *)test_disk_block(&disk, 41))[5] = 0;
    ((uint32_t *)test_disk_block(&disk, 41))[6] = 0;
    check("no reference is kept after damage", test_is_dropped(41) && test_is_dropped(42));
}

/* Look-ups in a map that was made by hand. */
static void test_look(void)
{
    struct sfs_disk_inode *file = make_disk();
    struct filesystem *fs;
    struct inode *root, *node;
    uint32_t block;

    make_map(file);
    sfs_put_junk(&disk);
    fs = test_mount(&disk, &root);
    node = test_find(root, "file");
    /* The line that is printed says which of them is meant by a check that fails. */
    for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
        cprintf("index %u, %s\n", entries[i].index, entries[i].what);
        check_eq("this index has its block (0: a hole)", look(node, entries[i].index),
                 entries[i].block);
    }
    /* No path leads there. */
    check_eq("the index behind the last one", get(node, SFS_BLOCKS_MAX, SFS_LOOK, &block),
             -E_TOO_BIG);
    check_eq("one that is far behind", get(node, UINT32_MAX, SFS_LOOK, &block), -E_TOO_BIG);
    check_eq("no block is made there either", get(node, SFS_BLOCKS_MAX, SFS_CREATE, &block),
             -E_TOO_BIG);
    for (uint32_t i = 40; i <= 44; i++)
        check("each reference to a block of numbers is given back", test_is_dropped(i));
    try_bad_walks(node);
    inode_put(node);
    test_unmount(fs, root, &disk);
    test_disk_destroy(&disk);
}

SELFTEST("bmap-look", test_look);

/* The order in which blocks are made, and how many each of them takes. */
static const struct {
    uint32_t index, blocks;
    const char *what;
} fills[] = {
    { INDIRECT + 3, 2, "the first one takes the indirect block too" },
    { INDIRECT, 1, "the next one there does not" },
    { DOUBLE - 1, 1, "nor the last" },
    { DOUBLE, 3, "the double indirect block and one below it" },
    { DOUBLE + 1, 1, "another one in that" },
    { SECOND - 1, 1, "its last one" },
    { SECOND, 2, "the next block below the double indirect one" },
    { LAST, 2, "the last one of the longest file" },
    { SECOND + 5, 1, "one in a block that is there" },
};

/* Fill a hole, and look at what that has changed. The caller writes all of a block that is got with
   SFS_WHOLE. */
static uint32_t fill_hole(struct filesystem *fs, struct inode *node, size_t i)
{
    enum sfs_create create = i % 2 == 0 ? SFS_CREATE : SFS_WHOLE;
    uint32_t blocks = test_stat(node).st_blocks, is_free = test_free_blocks(fs), block;
    int error = get(node, fills[i].index, create, &block);

    cprintf("index %u: %s\n", fills[i].index, fills[i].what);
    check_eq("a hole gets a block", error, 0);
    check("which a file may have", sfs_block_valid(fsop_info(fs), block));
    check_eq("and is found there", look(node, fills[i].index), block);
    check_eq("the file has as many blocks more", test_stat(node).st_blocks - blocks,
             fills[i].blocks);
    check_eq("and the disk as many less", is_free - test_free_blocks(fs), fills[i].blocks);
    /* What is there must stay: its old bytes are somebody's. */
    check_eq("it is not filled again", get(node, fills[i].index, create, &blocks), 0);
    check_eq("what is there is what one gets", blocks, block);
    check_eq("and takes nothing", is_free - test_free_blocks(fs), fills[i].blocks);
    return block;
}

/* Set the size, which sfs_io_nolock() would do; and write the zeros for which a caller has asked
   for a whole block. */
static void end_file(struct filesystem *fs, struct inode *node, uint64_t size, uint32_t block)
{
    struct sfs_inode *sin = vop_info(node);
    int error;

    assert_eq(sfs_begin(fsop_info(fs), 2, 0), 0);
    mutex_lock(&node->lock);
    sin->din->size = size;
    journal_write(sin->table);
    if (block != 0) {
        struct cached_block *data = cache_get(block, &error);
        assert(data != NULL);
        memset(cache_data(data), 0, BLOCK_SIZE);
        journal_write(data);
        cache_put(data);
    }
    mutex_unlock(&node->lock);
    journal_end();
}

/* Is a block of the disk full of zeros? What free blocks had before is somebody else's. */
static bool is_clear(uint32_t block)
{
    const uint8_t *bytes = test_disk_block(&disk, block);

    for (uint32_t i = 0; i < BLOCK_SIZE; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

/* Blocks are made at each border. */
static void test_fill(void)
{
    struct filesystem *fs;
    struct inode *root, *node;
    uint32_t blocks[ARRAY_SIZE(fills)];

    make_disk();
    sfs_put_junk(&disk);
    fs = test_mount(&disk, &root);
    node = test_find(root, "file");
    /* The size is that of the longest file from the start, so a block may be anywhere. */
    end_file(fs, node, SFS_SIZE_MAX, 0);
    for (size_t i = 0; i < ARRAY_SIZE(fills); i++) {
        blocks[i] = fill_hole(fs, node, i);
        /* The block was asked for as one that is written as a whole. */
        if (i % 2 == 1)
            end_file(fs, node, SFS_SIZE_MAX, blocks[i]);
        /* A block of numbers that was not cleared would have junk here. */
        check_eq("a place near it is a hole still", look(node, fills[i].index ^ 2), 0);
        /* Nothing is in the journal when the next one begins: each must tell all by itself. */
        assert_eq(fs->sync(fs), 0);
        check("the new block of data is zeros", is_clear(blocks[i]));
        check_eq("its number is on the disk", *on_disk(inode_on_disk(), fills[i].index), blocks[i]);
        check_eq("the disk is sound", sfs_check(&disk, false), 0);
    }
    /* What was made later has changed nothing of what was there before. */
    for (size_t i = 0; i < ARRAY_SIZE(fills); i++) {
        check_eq("all of them are still where they were", look(node, fills[i].index), blocks[i]);
        check("each reference is given back", test_is_dropped(blocks[i]));
    }
    check("also to the blocks of numbers", test_is_dropped(inode_on_disk()->indirect)
          && test_is_dropped(inode_on_disk()->db_indirect));
    inode_put(node);
    test_unmount(fs, root, &disk);
    test_disk_destroy(&disk);
}

SELFTEST("bmap-fill", test_fill);
