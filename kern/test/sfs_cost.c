/* What operations of sfs cost, in instructions, with -icount: what is between the system calls and
   the disk, with the disk's share of a commit. tools/limits.py derives the bounds from what is
   measured here, and writes them: GCC's, and clang's.

   Each is done once before, so that the cache has what it needs; the cost of the disk is that of a
   copy. A tick of the clock may come in between, and is counted.

   Alone: make grade GRADE=--all TEST=sfs-cost. */
#include <mm/kmalloc.h>
#include <printfmt.h>
#include <report.h>
#include <riscv/csr.h>
#include <test/sfs_disk.h>
#include <test/testlib.h>

#define BLOCKS  2048
#define FILES   64
#define SIZE    65536

static struct test_disk disk;
static struct filesystem *fs;
static struct inode *root;
static uint8_t *content;

/* All of a file, in pieces; `op` is the operation. */
static void move(struct inode *node, size_t piece, bool write)
{
    for (size_t at = 0; at < SIZE; at += piece) {
        struct iobuf iob = iobuf_kernel(content + at, piece, at);

        assert_eq(write ? vop_data(node, vop_write, &iob) : vop_data(node, vop_read, &iob), 0);
        assert_eq(iob.io_resid, 0);
    }
}

/* Do it for each file, and sync. */
static void name_files(void (*what)(const char *name))
{
    char name[8];

    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof(name), "file%d", i);
        what(name);
    }
    assert_eq(fs->sync(fs), 0);
}

/* The steps. This one is for what the loop itself takes. */
static void do_nothing(__not_used const char *name)
{
}

/* The name, the inode, and the last reference given back. */
static void do_create(const char *name)
{
    inode_put(test_create(root, name));
}

/* The look-up of a name among all, and loading its inode. */
static void do_open(const char *name)
{
    inode_put(test_find(root, name));
}

/* The same of the first name: as in a small directory. */
static void do_open_first(__not_used const char *name)
{
    inode_put(test_find(root, "file0"));
}

/* In pieces of one block, as programs with a buffer of their own write. */
static void do_write(const char *name)
{
    struct inode *node = test_find(root, name);

    move(node, BLOCK_SIZE, true);
    inode_put(node);
}

/* In larger pieces, from the cache. */
static void do_read(const char *name)
{
    struct inode *node = test_find(root, name);

    move(node, 16384, false);
    inode_put(node);
}

/* The last name, so all blocks are freed. */
static void do_unlink(const char *name)
{
    assert_eq(vop_names(root, vop_unlink, name), 0);
}

#ifdef __clang__
#define COMPILER    1
#else
#define COMPILER    0
#endif

/* In the order in which they are done: each is measured, and divided. */
static const struct step {
    const char *what;
    void (*run)(const char *name);
    uint32_t divide, bounds[2];         /* by COMPILER */
} steps[] = {
    { "create", do_create, 1, { 4210, 4730 } },
    { "open the first", do_open_first, 1, { 1360, 1460 } },
    { "open", do_open, 1, { 2500, 2780 } },
    { "write, a KiB", do_write, SIZE / 1024, { 1760, 1870 } },
    { "again, a KiB", do_write, SIZE / 1024, { 1420, 1490 } },
    { "read, a KiB", do_read, SIZE / 1024, { 480, 509 } },
    { "unlink", do_unlink, 1, { 17100, 22300 } },
};

/* The instructions of one step for all files, divided. */
static uint64_t measure(void (*run)(const char *name))
{
    uint64_t begin = csr_read(instret);

    name_files(run);
    return (csr_read(instret) - begin) / FILES;
}

/* The first round is for the cache. What the loop takes itself is subtracted. */
static void test_sfs_cost(void)
{
    uint64_t loop, cost;

    test_disk_create(&disk, BLOCKS);
    sfs_format(&disk, 256, 512, 0);
    fs = test_mount(&disk, &root);
    content = kmalloc(SIZE);
    assert(content != NULL);
    loop = measure(do_nothing);
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
            cost = (measure(steps[i].run) - loop) / steps[i].divide;
            if (round == 0)
                continue;
            cprintf("bench: %-14s %9lu instructions\n", steps[i].what, cost);
            check(steps[i].what, cost <= steps[i].bounds[COMPILER]);
        }
    kfree(content);
    test_unmount(fs, root, &disk);
    test_disk_destroy(&disk);
}

SELFTEST("sfs-cost", test_sfs_cost);
