/* The content of files: the block map at each of its borders, holes, and truncation at each border.

   A border is where the kind of block changes: the last direct one, the last of the indirect block,
   the last below the first block that the double indirect one leads to. A mistake there reads what
   another place has, or takes a block too many, so each place is written with a content of its own,
   and blocks are counted before and after.

   Alone: make grade GRADE=--all TEST=sfs-content. */
#include <error.h>
#include <report.h>
#include <test/sfs_disk.h>
#include <test/testlib.h>

#define BLOCKS      2560                /* 10 MiB: room for a file of two borders, whole */
/* Which number leads to a block of the file, by its index:

     0 ... 11      12 ... 1035       1036 ... 2059                  2060 ...
     direct[]      indirect block    first block of the double one  second block of that, and so on
                   INDIRECT          DOUBLE                         SECOND */
#define INDIRECT    (SFS_NDIRECT)                       /* the first index there */
#define DOUBLE      (SFS_NDIRECT + SFS_NPER)            /* likewise */
#define SECOND      (DOUBLE + SFS_NPER)                 /* behind the first block of that */
#define LAST        (SFS_SIZE_MAX / BLOCK_SIZE)         /* the last index of the longest file */

static struct test_disk disk;

/* Single blocks at the borders, and how many blocks a file has that has only this one. */
static const struct border {
    uint32_t index, blocks;
} borders[] = {
    { 0, 1 }, { SFS_NDIRECT - 1, 1 }, { INDIRECT, 2 }, { DOUBLE - 1, 2 }, { DOUBLE, 3 },
    { SECOND - 1, 3 }, { SECOND, 3 }, { LAST - 1, 3 },
};

/* A file with one block, far behind its start: all before it is a hole. It is removed while it is
   open, so its blocks are freed by the last inode_put() only. */
static void test_single(struct filesystem *fs, struct inode *root)
{
    for (size_t i = 0; i < ARRAY_SIZE(borders); i++) {
        uint64_t at = (uint64_t)borders[i].index * BLOCK_SIZE;
        uint32_t before = test_free_blocks(fs);
        struct inode *node = test_create(root, "single");
        int error;

        check_eq("a block far behind the end is written",
                 test_write(node, 7, at, BLOCK_SIZE, &error), BLOCK_SIZE);
        check_eq("the file ends behind it", test_stat(node).st_size, at + BLOCK_SIZE);
        check_eq("it has that block, and what leads to it", test_stat(node).st_blocks,
                 borders[i].blocks);
        check_eq("and the disk has as many less", before - test_free_blocks(fs), borders[i].blocks);
        check("it is read", test_is(node, 7, at, BLOCK_SIZE));
        check("before it are zeros", at == 0 || test_is(node, 0, at - BLOCK_SIZE, BLOCK_SIZE));
        check("and at the start", at == 0 || test_is(node, 0, 0, BLOCK_SIZE));
        check_eq("it can be removed", vop_names(root, vop_unlink, "single"), 0);
        check("and can still be read", test_is(node, 7, at, BLOCK_SIZE));
        inode_put(node);
        check_eq("then all its blocks are free", test_free_blocks(fs), before);
    }
}

/* A file over two borders, each of its blocks with its own content; then it is cut, from the end to
   the start, at each border and around it. After each cut it is made longer again by a hole: what
   was cut off would come back there, if only the size had been changed, or the rest of the last
   block had kept its bytes. */
static void test_cut(struct filesystem *fs, struct inode *root)
{
    static const uint32_t cuts[] = {
        SECOND * BLOCK_SIZE - 1, (SECOND - 1) * BLOCK_SIZE, (DOUBLE + 1) * BLOCK_SIZE,
        DOUBLE * BLOCK_SIZE + 1, DOUBLE * BLOCK_SIZE, DOUBLE * BLOCK_SIZE - 1,
        (INDIRECT + 1) * BLOCK_SIZE, INDIRECT * BLOCK_SIZE + 1, INDIRECT * BLOCK_SIZE,
        INDIRECT * BLOCK_SIZE - 1, BLOCK_SIZE + 1, BLOCK_SIZE, 1, 0,
    };
    uint32_t before = test_free_blocks(fs), whole = (SECOND + 1) * BLOCK_SIZE;
    struct inode *node = test_create(root, "cut");
    int error;

    check_eq("8 MiB are written", test_write(node, 3, 0, whole, &error), whole);
    check_eq("with as many blocks, and 4 that lead to them", test_stat(node).st_blocks, SECOND + 5);
    check("they are read", test_is(node, 3, 0, whole));
    for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
        uint32_t blocks = (cuts[i] + BLOCK_SIZE - 1) / BLOCK_SIZE;
        /* The indirect block, the double one, and one or two blocks below that. */
        uint32_t leading = blocks > SECOND ? 4 : blocks > DOUBLE ? 3 : blocks > INDIRECT;

        check_eq("the file is made shorter", vop_data(node, vop_truncate, cuts[i]), 0);
        check_eq("it is so long", test_stat(node).st_size, cuts[i]);
        check_eq("it has no block too many", test_stat(node).st_blocks, blocks + leading);
        check_eq("nor has the disk less", before - test_free_blocks(fs), blocks + leading);
        check("what is left is the same", test_is(node, 3, 0, cuts[i]));
        check_eq("it is made longer by a hole", vop_data(node, vop_truncate, whole), 0);
        check("the hole is zeros, from its first byte on",
              test_is(node, 0, cuts[i], whole - cuts[i]));
        check_eq("which takes no block", test_stat(node).st_blocks, blocks + leading);
        check_eq("and shorter again", vop_data(node, vop_truncate, cuts[i]), 0);
        /* What was changed must be in the journal, which has nothing of before when it begins. */
        assert_eq(fs->sync(fs), 0);
        check_eq("the disk is right", sfs_check(&disk, false), 0);
    }
    /* More blocks than one transaction frees: by a truncation, and by the last reference. */
    for (int i = 0; i < 2; i++) {
        check_eq("8 MiB are written again", test_write(node, 4, 0, whole, &error), whole);
        if (i == 0)
            check_eq("and cut at once", vop_data(node, vop_truncate, 0), 0);
    }
    inode_put(node);
    check_eq("the file is removed", vop_names(root, vop_unlink, "cut"), 0);
    check_eq("with all its blocks", test_free_blocks(fs), before);
}

/* One transaction of a file that is too large for it: what it has not freed is the start of the
   file, and it tells where that ends. So after a crash the file is shorter, and has no holes. */
static void test_step(struct filesystem *fs, struct inode *root)
{
    struct inode *node = test_create(root, "step");
    struct sfs_fs *sfs = fsop_info(fs);
    struct sfs_inode *sin = vop_info(node);
    uint32_t whole = (SECOND + 1) * BLOCK_SIZE, end = 0, last = 0, next = 1;
    int error;

    assert_eq(test_write(node, 4, 0, whole, &error), whole);
    assert_eq(sfs_begin(sfs, SFS_CUT_BLOCKS, SFS_MAP_SHARE), 0);
    mutex_lock(&node->lock);
    error = sfs_bmap_truncate_nolock(sfs, sin, 0, &end);
    if (error == 0 && end > 0)
        error = sfs_bmap_get_nolock(sfs, sin, end - 1, SFS_LOOK, &last)
            ?: sfs_bmap_get_nolock(sfs, sin, end, SFS_LOOK, &next);
    sin->din->size = (uint64_t)end * BLOCK_SIZE;
    mutex_unlock(&node->lock);
    journal_end();
    check_eq("a large file is cut in a series", error, 0);
    check("of which one step leaves the start", end > 0 && end < SECOND && last != 0);
    check("and nothing behind it", next == 0);
    check("which is the same", test_is(node, 4, 0, end * BLOCK_SIZE));
    assert_eq(fs->sync(fs), 0);
    check_eq("the disk is right", sfs_check(&disk, false), 0);
    inode_put(node);
    check_eq("the file is removed", vop_names(root, vop_unlink, "step"), 0);
}

/* Reads and writes that begin and end anywhere in a block, and over the end of the file. Each part
   is written twice: where nothing is, and into blocks that are there, of which the rest must stay
   as it is. */
static void test_unaligned(struct inode *root)
{
    static const struct { uint32_t at, n; } parts[] = {
        { 100, 50 }, { 4000, 200 }, { 4095, 2 }, { 4096, 4096 }, { 8191, 4098 }, { 1, 65536 },
        { 61440 - 1, 3 * 4096 }, { 0, 65537 }, { 131071, 65538 }, { 49151, 2 },
    };
    struct inode *node = test_create(root, "unaligned");
    uint8_t byte;
    int error;

    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        uint32_t at = parts[i].at, n = parts[i].n;

        check_eq("a part is written", test_write(node, i + 1, at, n, &error), n);
        check("and read", test_is(node, i + 1, at, n));
        check_eq("all is cut off", vop_data(node, vop_truncate, 0), 0);
        check_eq("and written anew", test_write(node, 20, 0, at + n + 9000, &error), at + n + 9000);
        test_write(node, i + 1, at, n, &error);
        check("what is before it stays", test_is(node, 20, 0, at));
        check("it is there", test_is(node, i + 1, at, n));
        check("what is behind it stays", test_is(node, 20, at + n, 9000));
    }
    /* At the end of a file a read is no error: that it moves nothing is how a program sees the
       end. */
    struct iobuf iob = iobuf_kernel(&byte, 1, test_stat(node).st_size);
    check_eq("at the end there is nothing to read", vop_data(node, vop_read, &iob), 0);
    check_eq("and nothing is", iob.io_resid, 1);
    iob.append = true;
    iob.io_offset = 5;
    byte = test_byte(20, test_stat(node).st_size);
    check_eq("what is appended", vop_data(node, vop_write, &iob), 0);
    check_eq("goes to the end, wherever the position was", iob.io_offset, test_stat(node).st_size);
    inode_put(node);
    check_eq("the file is removed", vop_names(root, vop_unlink, "unaligned"), 0);
}

/* The longest file, and what is longer. 4 GiB are more than the disk has, but nearly all of it is a
   hole. */
static void test_limits(struct filesystem *fs, struct inode *root)
{
    struct inode *node = test_create(root, "long");
    uint32_t before = test_free_blocks(fs);
    int error;

    check_eq("a byte at the last place", test_write(node, 5, SFS_SIZE_MAX - 1, 1, &error), 1);
    check("is read", test_is(node, 5, SFS_SIZE_MAX - 1, 1));
    test_write(node, 5, SFS_SIZE_MAX, 1, &error);
    check_eq("behind it none can be", error, -E_TOO_BIG);
    check_eq("of a write over the end", test_write(node, 6, SFS_SIZE_MAX - 10, 20, &error), 10);
    check_eq("the rest is refused", error, -E_TOO_BIG);
    check_eq("a file cannot be longer", vop_data(node, vop_truncate, SFS_SIZE_MAX + 1), -E_TOO_BIG);
    check_eq("nor be shorter than nothing", vop_data(node, vop_truncate, -1), -E_INVAL);
    check_eq("a position can be at the last place", vop_data(node, vop_tryseek, SFS_SIZE_MAX), 0);
    check_eq("but not behind", vop_data(node, vop_tryseek, SFS_SIZE_MAX + 1), -E_INVAL);
    check_eq("4 GiB are cut", vop_data(node, vop_truncate, 0), 0);
    check_eq("and leave nothing", test_free_blocks(fs), before);
    inode_put(node);
    check_eq("the file is removed", vop_names(root, vop_unlink, "long"), 0);
}

/* What was written is there after the next mount, a hole and its borders included. */
static void test_remount(struct filesystem *fs, struct inode *root)
{
    struct inode *node = test_create(root, "kept");
    uint64_t far = (uint64_t)SECOND * BLOCK_SIZE - 5000;
    int error;

    test_write(node, 9, 10, 60000, &error);
    test_write(node, 9, far, 10000, &error);
    /* A byte more in a block that is there: only the size changes. */
    assert_eq(fs->sync(fs), 0);
    test_write(node, 9, far + 10000, 1, &error);
    inode_put(node);
    test_unmount(fs, root, &disk);
    fs = test_mount(&disk, &root);
    node = test_find(root, "kept");
    check("a file is there after a mount", node != NULL);
    check("with its start", test_is(node, 0, 0, 10) && test_is(node, 9, 10, 60000));
    check("its hole", test_is(node, 0, 60010, far - 60010));
    check("and its end", test_is(node, 9, far, 10001) && test_stat(node).st_size == far + 10001);
    inode_put(node);
    test_unmount(fs, root, &disk);
}

/* The file "over" of 8 blocks, of which nothing is in memory. */
static struct inode *write_over(struct filesystem **fs, struct inode **root)
{
    struct inode *node;
    int error;

    *fs = test_mount(&disk, root);
    node = test_create(*root, "over");
    assert_eq(test_write(node, 9, 0, 8 * BLOCK_SIZE, &error), 8 * BLOCK_SIZE);
    inode_put(node);
    test_unmount(*fs, *root, &disk);
    *fs = test_mount(&disk, root);
    return test_find(*root, "over");
}

/* A block that is written over whole need not be read before. */
static void test_overwrite(void)
{
    struct filesystem *fs;
    struct inode *root, *node = write_over(&fs, &root);
    size_t before = disk.requests;
    int error;

    test_write(node, 10, BLOCK_SIZE, 4 * BLOCK_SIZE, &error);
    check_eq("blocks are written over whole, and not read", disk.requests - before, 0);
    test_write(node, 10, 6 * BLOCK_SIZE - 1, 2, &error);
    check_eq("two in part: they are read", disk.requests - before, 2);
    for (int i = 0; i < 2; i++) {
        check("what was before is the same", test_is(node, 9, 0, BLOCK_SIZE));
        check("the new is there", test_is(node, 10, BLOCK_SIZE, 4 * BLOCK_SIZE));
        check("also in part", test_is(node, 9, 5 * BLOCK_SIZE, BLOCK_SIZE - 1)
              && test_is(node, 10, 6 * BLOCK_SIZE - 1, 2)
              && test_is(node, 9, 6 * BLOCK_SIZE + 1, 2 * BLOCK_SIZE - 1));
        inode_put(node);
        test_unmount(fs, root, &disk);
        fs = test_mount(&disk, &root);
        node = test_find(root, "over");
    }
    inode_put(node);
    test_unmount(fs, root, &disk);
}

/* Where the map is large each block that is freed may have its bit in another block of it: one step
   of a cut frees no more than a transaction has room for. A map of 21 blocks is that of 2.6 GiB; so
   this disk only says that it has one, while it is in memory. */
static void test_large_map(struct filesystem *fs, struct inode *root)
{
    struct inode *node = test_create(root, "large");
    struct sfs_super *super = fsop_info(fs)->super;
    uint32_t whole = 100 * BLOCK_SIZE, end = 0, before;
    int error;

    assert_eq(test_write(node, 4, 0, whole, &error), whole);
    before = test_free_blocks(fs);
    super->map_blocks = SFS_MAP_SHARE + 1;
    assert_eq(sfs_begin(fsop_info(fs), SFS_CUT_BLOCKS, SFS_MAP_SHARE), 0);
    mutex_lock(&node->lock);
    error = sfs_bmap_truncate_nolock(fsop_info(fs), vop_info(node), 0, &end);
    vop_info(node)->din->size = (uint64_t)end * BLOCK_SIZE;
    mutex_unlock(&node->lock);
    journal_end();
    check_eq("with a large map a file is cut in small steps", error, 0);
    check("none frees more than the share of the map",
          end > 0 && test_free_blocks(fs) - before <= SFS_MAP_SHARE);
    check("but each frees something", test_free_blocks(fs) > before);
    check_eq("and the last one all", vop_data(node, vop_truncate, 0), 0);
    super->map_blocks = 1;
    check_eq("nothing is left", test_stat(node).st_blocks, 0);
    inode_put(node);
    check_eq("the file is removed", vop_names(root, vop_unlink, "large"), 0);
}

/* The second step of a cut cannot begin, because the disk fails: the file is as long as the first
   one has left it. A crash between them would leave the same, so the size must be set by each. The
   log is full but for what one step needs; so the second one has to write it first. */
static void test_series(void)
{
    struct filesystem *fs;
    struct inode *root, *node, *other = write_over(&fs, &root);
    uint32_t whole = (SECOND + 1) * BLOCK_SIZE, block = 0, behind = 1;
    int error;

    node = test_create(root, "series");
    assert_eq(test_write(node, 4, 0, whole, &error), whole);
    assert_eq(fs->sync(fs), 0);
    test_write(other, 5, 0, 8 * BLOCK_SIZE, &error);
    for (uint32_t n = 8; n < journal_limit() - SFS_CUT_BLOCKS - 1; n++)
        test_write(node, 4, (uint64_t)n * BLOCK_SIZE, BLOCK_SIZE, &error);
    disk.fail_at = disk.requests + 1;
    check_eq("the second step cannot begin", vop_data(node, vop_truncate, 0), -E_IO);
    uint64_t size = test_stat(node).st_size;
    check("the first one has made the file shorter", size > 0 && size < whole);
    mutex_lock(&node->lock);
    error = sfs_bmap_get_nolock(fsop_info(fs), vop_info(node), size / BLOCK_SIZE - 1, SFS_LOOK,
                                &block)
        ?: sfs_bmap_get_nolock(fsop_info(fs), vop_info(node), size / BLOCK_SIZE, SFS_LOOK, &behind);
    mutex_unlock(&node->lock);
    check("it ends with the last block that is left", error == 0 && block != 0 && behind == 0);
    inode_put(node);
    inode_put(other);
    check_eq("the disk has failed", test_end(fs, root, &disk, false), -E_IO);
    disk.fail_at = 0;
}

/* The disk is as before after each part. */
static void test_sfs_content(void)
{
    struct inventory before = inventory_take();
    struct filesystem *fs;
    struct inode *root;

    test_disk_create(&disk, BLOCKS);
    sfs_format(&disk, 64, 64, 0);
    fs = test_mount(&disk, &root);
    test_single(fs, root);
    test_unmount(fs, root, &disk);
    fs = test_mount(&disk, &root);
    test_cut(fs, root);
    test_step(fs, root);
    test_unaligned(root);
    test_limits(fs, root);
    test_large_map(fs, root);
    test_remount(fs, root);
    test_overwrite();
    sfs_format(&disk, 64, 64, 0);
    test_series();
    test_disk_destroy(&disk);
    inventory_same(&before, "a disk was used");
}

SELFTEST("sfs-content", test_sfs_content);
