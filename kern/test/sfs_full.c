/* A disk without room, a kernel without memory, a disk with errors: each operation is tried with so
   little that it cannot be done, and with a little more each time, until it can. As long as it
   cannot, it says so, and has changed nothing: no block and no inode is lost, no name is half made.

   "sfs-full" counts free blocks, "sfs-memory" free pages, "sfs-errors" transfers that succeed.
   Without memory, or with an error, an operation may also leave an orphan, if it cannot even be
   told what belongs to that; the next mount frees it.

   Alone: make grade GRADE=--all TEST="sfs-full sfs-memory sfs-errors". */
#include <error.h>
#include <report.h>
#include <string.h>
#include <test/sfs_disk.h>
#include <test/testlib.h>

#define BLOCKS      512
#define INODES      64
#define USED        192                 /* the blocks from here on are free at first */
#define LEVELS      24                  /* so many blocks or pages are enough for anything */

static struct inventory before;
static struct test_disk disk, made;
static struct filesystem *fs;
/* These are set up anew in each round, and so is the disk. */
static struct inode *root, *full, *wide, *file, *empty, *sparse;
static char long_name[SFS_NAME_MAX + 1];
static size_t written;                  /* by the last operation, if it was a write */
static struct inode *wrote;
static uint64_t wrote_at;

static void put_all(void)
{
    inode_put(file);
    inode_put(empty);
    inode_put(full);
    inode_put(wide);
    inode_put(sparse);
}

/* The directory "full" has no room for another name of 255 bytes, nor has "wide", which has all its
   direct blocks. "file" has 100 KiB, "empty" has nothing, "sparse" has nothing but is long, "gone"
   has 64 KiB and one name. */
static void make_disk(void)
{
    struct inode *gone;
    int error;

    sfs_format(&disk, 64, INODES, 0);
    fs = test_mount(&disk, &root);
    file = test_create(root, "file");
    empty = test_create(root, "empty");
    gone = test_create(root, "gone");
    assert_eq(test_write(file, 1, 0, 100000, &error), 100000);
    assert_eq(test_write(gone, 2, 0, 65536, &error), 65536);
    inode_put(gone);
    assert_eq(vop_names(root, vop_mkdir, "dir"), 0);
    assert_eq(vop_names(root, vop_mkdir, "full"), 0);
    full = test_find(root, "full");
    test_fill_directory(full, file, long_name, 1);
    assert_eq(vop_names(root, vop_mkdir, "wide"), 0);
    wide = test_find(root, "wide");
    test_fill_directory(wide, file, long_name, SFS_NDIRECT);
    sparse = test_create(root, "sparse");
    assert_eq(vop_data(sparse, vop_truncate, 10000000), 0);
    put_all();
    test_unmount(fs, root, &disk);
}

/* Each round begins with a copy of one disk: there are hundreds of them. */
static void begin(void)
{
    before = inventory_take();
    test_disk_create(&disk, BLOCKS);
    make_disk();
    test_disk_create(&made, BLOCKS);
    memcpy(made.memory, disk.memory, (size_t)BLOCKS * BLOCK_SIZE);
    assert(block_hash(test_disk_block(&made, USED)) == 0);
}

static void end(void)
{
    test_disk_destroy(&disk);
    test_disk_destroy(&made);
    inventory_same(&before, "a disk was used");
}

/* The disk as it was made, mounted. Little of it is in memory, and the journal is empty: so the
   next commit is of the operation alone. What is behind the copy was free, and may be anything. */
static void set_up(void)
{
    memcpy(disk.memory, made.memory, (size_t)USED * BLOCK_SIZE);
    fs = test_mount(&disk, &root);
    file = test_find(root, "file");
    empty = test_find(root, "empty");
    full = test_find(root, "full");
    wide = test_find(root, "wide");
    sparse = test_find(root, "sparse");
    written = 0;
}

/* The operations. */
static int op_create(void)
{
    struct inode *node;
    int error = vop_names(full, vop_create, long_name, true, &node);

    if (error == 0)
        inode_put(node);
    return error;
}

/* It needs a block for its own dots, too. */
static int op_mkdir(void)
{
    return vop_names(full, vop_mkdir, long_name);
}

/* Where there is room for a short name. */
static int op_mkdir_small(void)
{
    return vop_names(root, vop_mkdir, "small");
}

/* The path is the content, of one block. */
static int op_symlink(void)
{
    return vop_names(full, vop_symlink, long_name, "some/where");
}

static int op_link(void)
{
    return vop_names(full, vop_link, long_name, empty);
}

/* The thirteenth block of a directory is the first that is not direct. */
static int op_link_wide(void)
{
    return vop_names(wide, vop_link, long_name, empty);
}

/* The new name is written first: if that cannot be, the old one stays. */
static int op_rename(void)
{
    return vop_names(root, vop_rename, "dir", full, long_name);
}

/* What had the name loses its only one, and is freed. */
static int op_rename_over(void)
{
    return vop_names(root, vop_rename, "file", root, "gone");
}

static int op_unlink(void)
{
    return vop_names(root, vop_unlink, "gone");
}

static int op_rmdir(void)
{
    return vop_names(root, vop_rmdir, "dir");
}

/* Of a write counts what arrived, which is looked at later. */
static int write_at(struct inode *node, uint64_t at, size_t n)
{
    int error;

    written = test_write(node, 5, at, n, &error);
    wrote = node;
    wrote_at = at;
    assert_eq(error == 0, written == n);
    return error;
}

/* The places are at the borders of the block map, see sfs_content.c. */
static int op_write_direct(void)
{
    return write_at(empty, 5000, 100);
}

static int op_write_indirect(void)
{
    return write_at(empty, (SFS_NDIRECT + 5) * BLOCK_SIZE + 1, 100);
}

static int op_write_double(void)
{
    return write_at(empty, (SFS_NDIRECT + SFS_NPER + 5) * BLOCK_SIZE + 1, 100);
}

/* The file has its size already: an indirect block that is left over would be inside of it, where
   no check of the disk finds it. */
static int op_write_hole(void)
{
    return write_at(sparse, (SFS_NDIRECT + SFS_NPER - 5) * BLOCK_SIZE + 1, 100);
}

static int op_write_hole_double(void)
{
    return write_at(sparse, (SFS_NDIRECT + SFS_NPER + 5) * BLOCK_SIZE + 1, 100);
}

/* Five blocks over a border: those before it may still find room. */
static int op_write_border(void)
{
    return write_at(empty, (SFS_NDIRECT - 2) * BLOCK_SIZE + 1, 5 * BLOCK_SIZE);
}

static int op_write_next(void)
{
    return write_at(empty, (SFS_NDIRECT + SFS_NPER - 2) * BLOCK_SIZE + 1, 5 * BLOCK_SIZE);
}

/* All blocks are there, so a full disk does not matter. */
static int op_overwrite(void)
{
    return write_at(file, 3000, 65536);
}

/* Into the middle of a block, whose rest becomes zeros. */
static int op_truncate(void)
{
    return vop_data(file, vop_truncate, 12345);
}

/* A hole takes nothing. */
static int op_longer(void)
{
    return vop_data(file, vop_truncate, 10000000);
}

/* Where the blocks of a write come from; "a write from direct to indirect blocks" for one:

     index     10     11   |  12     13     14     15          five blocks, from byte 1 of the first
               data   data |  data   data   data   data        on: six are touched
                           |  + the indirect block             7 in all

   So a table of numbers is enough: if the kernel needs one block more than is told here, it has
   lost one, or has asked for one too early. */

/* How many free blocks an operation needs at least. */
static const struct op {
    const char *what;
    int (*run)(void);
    uint32_t blocks;
} ops[] = {
    { "create, in a directory that must grow", op_create, 1 },
    { "mkdir, in a directory that must grow", op_mkdir, 2 },
    { "mkdir", op_mkdir_small, 1 },
    { "symlink, in a directory that must grow", op_symlink, 2 },
    { "link, in a directory that must grow", op_link, 1 },
    { "link, in a directory that gets its indirect block", op_link_wide, 2 },
    { "rename, into a directory that must grow", op_rename, 1 },
    { "rename over a file", op_rename_over, 0 },
    { "unlink", op_unlink, 0 },
    { "rmdir", op_rmdir, 0 },
    { "a write to a direct block", op_write_direct, 1 },
    { "a write to an indirect block", op_write_indirect, 2 },
    { "a write to a double indirect block", op_write_double, 3 },
    { "a write to a hole, with an indirect block", op_write_hole, 2 },
    { "a write to a hole, with a double indirect block", op_write_hole_double, 3 },
    { "a write from direct to indirect blocks", op_write_border, 7 },
    { "a write from indirect to double indirect blocks", op_write_next, 9 },
    { "a write over what is there", op_overwrite, 0 },
    { "truncate", op_truncate, 0 },
    { "truncate to more", op_longer, 0 },
};

/* Take blocks until so many are free: by a file that already has its indirect block. */
static void fill_disk(uint32_t left)
{
    struct inode *filler = test_create(root, "filler");
    int error;

    /* The first of them is behind the direct ones, so it takes the indirect block too; from then on
       each write takes one block, and no number of free blocks is passed over. */
    for (uint32_t i = 0; test_free_blocks(fs) > left; i++)
        assert_eq(test_write(filler, 3, (i < 20 ? 19 - i : i) * BLOCK_SIZE, 1, &error), 1);
    inode_put(filler);
    assert_eq(test_free_blocks(fs), left);
}

/* The end of a round: all is given back; the disk is as docs/sfs.md says, but that orphans may be
   left, if that is said, which the next mount frees. Returns what unmount did. */
static int take_down(bool orphans)
{
    int error;

    put_all();
    error = test_end(fs, root, &disk, orphans);
    if (orphans) {
        fs = test_mount(&disk, &root);
        test_unmount(fs, root, &disk);
    }
    return error;
}

/* An operation with 0, 1, ... free blocks, until there are enough, and one more. The number of
   rounds that fail is the number of blocks that are needed: with more, the operation asks for what
   it does not use; with less, it has used what is not free. */
static void try_blocks(const struct op *op)
{
    uint32_t needed = 0;

    for (uint32_t left = 0; left <= op->blocks + 1; left++) {
        uint32_t inodes;
        uint64_t size;
        int error;

        set_up();
        fill_disk(left);
        inodes = test_free_inodes(fs);
        size = test_stat(empty).st_size;
        error = op->run();
        needed += error != 0;
        assert(error == 0 || error == -E_NO_SPACE);
        assert(written == 0 || test_is(wrote, 5, wrote_at, written));
        /* A write keeps the part that was possible. All others are whole, or have changed
           nothing. */
        if (error != 0 && written == 0) {
            assert_eq(test_free_blocks(fs), left);
            assert_eq(test_free_inodes(fs), inodes);
            assert_eq(test_stat(empty).st_size, size);
        }
        assert_eq(take_down(false), 0);
    }
    check_eq(op->what, needed, op->blocks);
}

/* Free blocks are found wherever they are: behind the one that was given last, and, when the search
   has come to the end of the disk, before it. */
static void try_round(void)
{
    struct inode *filler;
    int error;

    set_up();
    fill_disk(1);
    /* The last block of the disk stays in use, so that the search must go round by itself. */
    assert_eq(test_write(sparse, 1, 0, 1, &error), 1);
    filler = test_find(root, "filler");
    assert_eq(vop_data(filler, vop_truncate, test_stat(filler).st_size - 3 * BLOCK_SIZE), 0);
    check_eq("three blocks are taken", test_write(empty, 1, 0, 3 * BLOCK_SIZE, &error),
             3 * BLOCK_SIZE);
    assert_eq(op_unlink(), 0);
    /* "gone" had 16 blocks and an indirect one: as many as are needed now, because three of the 19
       are there already, and an indirect block comes with the thirteenth. */
    check_eq("then all, behind it and before it",
             test_write(empty, 1, 0, 19 * BLOCK_SIZE, &error), 19 * BLOCK_SIZE);
    check("of which each is another", test_is(empty, 1, 0, 19 * BLOCK_SIZE));
    check_eq("and no more is free", test_free_blocks(fs), 0);
    inode_put(filler);
    assert_eq(take_down(false), 0);
}

/* All inodes are in use: nothing can be made, and no block is taken; until one is free again. */
static void try_inodes(void)
{
    struct inode *node = NULL;
    char name[] = "i00";
    uint32_t blocks;

    set_up();
    for (int i = 0; test_free_inodes(fs) > 0; i++) {
        name[1] = '0' + i / 10;
        name[2] = '0' + i % 10;
        inode_put(test_create(root, name));
    }
    blocks = test_free_blocks(fs);
    check_eq("create without a free inode", op_create(), -E_NO_SPACE);
    check_eq("mkdir without a free inode", op_mkdir(), -E_NO_SPACE);
    check_eq("symlink without a free inode", op_symlink(), -E_NO_SPACE);
    check_eq("takes no block", test_free_blocks(fs), blocks);
    /* It is one more name for an inode that is there. */
    check_eq("a link needs none", op_link(), 0);
    node = test_find(root, name);
    check_eq("one is removed", vop_names(root, vop_unlink, name), 0);
    /* An orphan has its inode until the last one closes it. */
    check_eq("but still open", op_mkdir_small(), -E_NO_SPACE);
    inode_put(node);
    check_eq("and closed: then there is one", op_mkdir_small(), 0);
    assert_eq(take_down(false), 0);
}

/* An operation with 0, 1, ... free pages, until there are enough. What the disk keeps in memory can
   be given back, so some of that is read again. Returns how often there were not. */
static uint32_t try_memory(const struct op *op)
{
    uint32_t short_of = 0;
    int error = -E_NO_MEM;

    for (uint32_t left = 0; error != 0 && left <= LEVELS; left++) {
        struct hoard hoard = { .count = 0 };

        set_up();
        /* Memory is short only during the operation: what the test needs to look around is not
           counted. */
        hoard_take(&hoard);
        hoard_give(&hoard, left);
        error = op->run();
        hoard_end(&hoard);
        assert(error == 0 || error == -E_NO_MEM);
        assert(written == 0 || test_is(wrote, 5, wrote_at, written));
        short_of += error != 0;
        assert_eq(take_down(true), 0);
    }
    check_eq(op->what, error, 0);
    return short_of;
}

/* The first, second, ... read that an operation needs fails, until it needs no more: it says so,
   and all is right afterwards. Returns how many reads there were. */
static uint32_t try_reads(const struct op *op)
{
    uint32_t reads = 0;
    int error;

    do {
        set_up();
        disk.requests = 0;
        disk.fail_at = ++reads;
        error = op->run();
        disk.fail_at = 0;
        assert(error == 0 || error == -E_IO);
        assert(written == 0 || test_is(wrote, 5, wrote_at, written));
    } while (disk.requests >= reads && take_down(true) == 0);
    check_eq(op->what, error, 0);
    assert_eq(take_down(false), 0);
    return reads - 1;
}

/* The same with the writes and flushes of the commit: from the first that fails on nothing can be
   changed, and each sync says so. The next mount finds all of the operation, or nothing. */
static uint32_t try_writes(const struct op *op)
{
    uint32_t writes = 0;
    bool failed;

    do {
        set_up();
        assert_eq(op->run(), 0);
        disk.requests = 0;
        disk.fail_at = ++writes;
        failed = fs->sync(fs) != 0;
        /* A request that failed and a commit that says it went well: then fsync would lie. */
        assert_eq(failed, disk.requests >= writes);
        disk.fail_at = 0;
        assert_eq(op_mkdir_small(), failed ? -E_IO : op->run == op_mkdir_small ? -E_EXISTS : 0);
        assert_eq(vop_data(file, vop_fsync), failed ? -E_IO : 0);
        assert_eq(take_down(failed), failed ? -E_IO : 0);
    } while (failed);
    return writes - 1;
}

/* Each operation has a disk of its own, in each round. */
static void test_sfs_full(void)
{
    begin();
    for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
        try_blocks(&ops[i]);
    try_inodes();
    try_round();
    end();
}

SELFTEST("sfs-full", test_sfs_full);

/* As test_sfs_full(), with pages. */
static void test_sfs_memory(void)
{
    uint32_t short_of = 0;

    begin();
    for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
        short_of += try_memory(&ops[i]);
    check("each was short of memory, many of them more than once",
          short_of > 2 * ARRAY_SIZE(ops));
    end();
}

SELFTEST("sfs-memory", test_sfs_memory);

/* As test_sfs_full(), with errors of the disk. */
static void test_sfs_errors(void)
{
    uint32_t reads = 0, writes = 0;

    begin();
    for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
        reads += try_reads(&ops[i]);
        writes += try_writes(&ops[i]);
    }
    cprintf("%u reads, %u writes and flushes failed\n", reads, writes);
    check("many reads have failed", reads > 20);
    check("and many writes", writes > 10 * ARRAY_SIZE(ops));
    end();
}

SELFTEST("sfs-errors", test_sfs_errors);
