/* Damaged disks: a mount refuses what it can see, and says why; whatever else is wrong gives an
   error where it is used, and a line on the console. Nothing panics, hangs or leaks.

   "sfs-super" changes the superblock and the journal field by field. "sfs-damage" plants single
   mistakes, whose error is known, and then many at random, on a disk with one of everything: what
   is wrong is a number that something else has, or one that nothing can have.

   Alone: make grade GRADE=--all TEST="sfs-super sfs-damage". */
#include <error.h>
#include <mm/kmalloc.h>
#include <report.h>
#include <string.h>
#include <test/sfs_disk.h>
#include <test/testlib.h>

#define BLOCKS      512
#define INODES      65                  /* the last one begins a block of the table */

static struct test_disk disk;
static uint8_t *sound;                  /* the disk before it is damaged */
static uint64_t seeds = 300;            /* disks that are damaged at random */

/* Names on the disk: files of three sizes, directories in each other, a link, two names of one. */
static const char *const names[] = { "small", "large", "far", "dir", "link", "hard", "none" };

/* What the disk has, so that each kind of number is there once at least:

     root   small (5000 bytes, also "hard")     direct blocks; two names
            large (100,000)                     the indirect block
            far   (behind a hole)               the double indirect block
            link  -> "small"                    a block that holds a path
            dir   dir/dir, dir/small            entries, and a ".." to follow

   `sound` keeps it: so each mistake is planted into a disk that has no other. */

/* Make the disk with one of everything, and keep what it is. */
static void make_sound(void)
{
    struct inode *root, *node, *dir;
    struct filesystem *fs;
    int error;

    test_disk_create(&disk, BLOCKS);
    assert((sound = kmalloc((size_t)BLOCKS * BLOCK_SIZE)) != NULL);
    sfs_format(&disk, 64, INODES, 16);
    fs = test_mount(&disk, &root);
    node = test_create(root, "small");
    test_write(node, 1, 0, 5000, &error);
    assert_eq(vop_names(root, vop_link, "hard", node), 0);
    inode_put(node);
    node = test_create(root, "large");
    test_write(node, 2, 0, 100000, &error);
    inode_put(node);
    node = test_create(root, "far");
    test_write(node, 3, (SFS_NDIRECT + SFS_NPER + 3) * BLOCK_SIZE, 10000, &error);
    inode_put(node);
    assert_eq(vop_names(root, vop_symlink, "link", "small"), 0);
    assert_eq(vop_names(root, vop_mkdir, "dir"), 0);
    dir = test_find(root, "dir");
    assert_eq(vop_names(dir, vop_mkdir, "dir"), 0);
    inode_put(test_create(dir, "small"));
    inode_put(dir);
    test_unmount(fs, root, &disk);
    memcpy(sound, disk.memory, (size_t)BLOCKS * BLOCK_SIZE);
}

/* Undo all damage. */
static void restore(void)
{
    memcpy(disk.memory, sound, (size_t)BLOCKS * BLOCK_SIZE);
}

/* The error of a mount; if there is none it is ended at once. */
static int try_mount(void)
{
    struct filesystem *fs;
    const char *reason = NULL;
    int error = sfs_mount(&disk.device, &fs, &reason);

    if (error == 0)
        assert_eq(fs->unmount(fs), 0);
    else
        assert(reason != NULL && reason[0] != '\0');
    return error;
}

/* Each number of the superblock but the last, which is the head of a list, may have one value
   only. */
static void test_super(void)
{
    struct sfs_super *super = test_disk_block(&disk, 0);
    uint32_t *numbers = (uint32_t *)super;
    uint32_t taken = 0;

    for (size_t i = 0; i < offsetof(struct sfs_super, orphan) / sizeof(*numbers); i++) {
        uint32_t right = numbers[i];
        /* Next to the right one; a block of the table or of the map too many; half of what fits
           into 32 bits; and the number with which a sum of 32 bits would be 0, and seem to be on
           the disk. */
        const uint32_t wrong[] = { 0, 1, right - 1, right + 32, right * 2, right + 32768, BLOCKS,
                                   0x7fffffff, 0x80000000, 0xffffffff, 0xffffffff - right + 1 };

        for (size_t k = 0; k < ARRAY_SIZE(wrong); k++) {
            numbers[i] = wrong[k];
            if (wrong[k] != right && try_mount() != -E_INVAL) {
                taken++;
                cprintf("number %lu of the superblock is %u, not %u, and is taken\n", i, wrong[k],
                        right);
            }
            numbers[i] = right;
        }
    }
    check_eq("a wrong number in the superblock is refused", taken, 0);
    memset(super->info, 'x', sizeof(super->info));
    check_eq("and a name without an end", try_mount(), -E_INVAL);
    restore();
    super->orphan = INODES;
    check_eq("and an orphan that is not there", try_mount(), -E_INVAL);
    restore();
    disk.device.blocks--;
    check_eq("and a disk that was cut off", try_mount(), -E_INVAL);
    disk.device.blocks++;
    memset(disk.memory, 0, BLOCK_SIZE);
    check_eq("an empty disk has no sfs", try_mount(), -E_INVAL);
    memset(disk.memory, 0xff, (size_t)BLOCKS * BLOCK_SIZE);
    check_eq("nor has one full of ones", try_mount(), -E_INVAL);
    restore();
    check_eq("the right one is taken", try_mount(), 0);
}

/* The journal, and disks that cannot be read or written. */
static void test_journal(void)
{
    struct sfs_commit *record = test_disk_block(&disk, 1);
    struct filesystem *fs;
    struct inode *root, *node;
    const char *reason;
    int error;

    record->magic++;
    check_eq("a foreign journal is refused", try_mount(), -E_INVAL);
    restore();
    /* Of the 64 blocks of this journal two are the record and the list of homes: so 62 fit. */
    record->count = 63;
    check_eq("and one that would be longer than it is", try_mount(), -E_INVAL);
    restore();
    record->count = 1;
    *(uint32_t *)test_disk_block(&disk, 2) = BLOCKS;
    check_eq("and one of a block that is not there", try_mount(), -E_INVAL);
    /* This home is a good one, so there is a change to be finished, by a write. */
    *(uint32_t *)test_disk_block(&disk, 2) = BLOCKS - 1;
    disk.device.read_only = true;
    check_eq("a change is not finished on a disk that cannot be written", try_mount(), -E_ROFS);
    disk.device.read_only = false;
    /* A transaction that puts another superblock there, which is wrong. */
    *(uint32_t *)test_disk_block(&disk, 2) = 0;
    check_eq("what the journal brings is not believed either", try_mount(), -E_INVAL);
    restore();
    disk.device.read_only = true;
    assert_eq(sfs_mount(&disk.device, &fs, &reason), 0);
    root = fs->get_root(fs);
    check_eq("without that it is mounted read-only",
             vop_names(root, vop_create, "new", true, &node), -E_ROFS);
    node = test_find(root, "small");
    check("and can be read", node != NULL && test_stat(node).st_size == 5000);
    check_eq("and synced", vop_data(node, vop_fsync), 0);
    inode_put(node);
    inode_put(root);
    assert_eq(fs->unmount(fs), 0);
    disk.device.read_only = false;
    do {
        /* The first, second, ... request of a mount fails, until it comes to its end before
           that. */
        disk.requests = 0;
        error = ++disk.fail_at < 100 ? try_mount() : -E_IO;
    } while (error == -E_IO && disk.requests >= disk.fail_at);
    check("each error of the disk is told, until there is none",
          error == 0 && disk.fail_at > disk.requests);
    disk.fail_at = 0;
}

/* What a mount sees. */
static void test_sfs_super(void)
{
    struct inventory before = inventory_take();

    make_sound();
    test_super();
    test_journal();
    kfree(sound);
    test_disk_destroy(&disk);
    inventory_same(&before, "a disk was used");
}

SELFTEST("sfs-super", test_sfs_super);

/* Do to one file whatever can be done, whatever comes of it. An error is an answer; a panic, a call
   that never ends and a page that is lost are none. */
static void use(struct inode *dir, const char *name, uint64_t *seed)
{
    struct inode *node, *other;
    char told[SFS_NAME_MAX + 1];
    uint8_t buffer[64];
    off_t offset = 0;
    uint32_t ino;
    int error;

    /* What is not found is another one: the operations need something. */
    if (vop_names(dir, vop_lookup, name, &node) != 0)
        inode_get(node = dir);
    for (int i = 0; i < 8; i++) {
        struct iobuf iob = iobuf_kernel(buffer, sizeof(buffer), test_random(seed) % 5000000);

        switch (test_random(seed) % 11) {
        case 0: error = vop_data(node, vop_read, &iob); break;
        case 1: error = vop_data(node, vop_write, &iob); break;
        case 2: error = vop_data(node, vop_truncate, iob.io_offset); break;
        case 3: error = vop_data(node, vop_readlink, &iob); break;
        case 4: error = vop_names(dir, vop_unlink, name); break;
        case 5: error = vop_names(dir, vop_rmdir, name); break;
        case 6: error = vop_names(dir, vop_rename, name, dir, "other"); break;
        case 7: error = vop_names(dir, vop_mkdir, name); break;
        case 8: error = vop_names(dir, vop_link, "more", node); break;
        case 9: error = vop_names(dir, vop_rename, name, node, "below"); break;
        default:
            error = vop_names(dir, vop_create, name, false, &other);
            if (error == 0)
                inode_put(other);
        }
        assert(error <= 0 && error >= -MAXERROR);
        for (int k = 0; k < 200 && error == 0; k++)
            error = vop_names(node, vop_getdirentry, &offset, told, &ino);
    }
    inode_put(node);
}

/* Use all of a disk that is damaged. It may be refused. In any case it can be unmounted, and its
   memory comes back. */
static bool use_all(uint64_t *seed)
{
    struct filesystem *fs;
    const char *reason;
    struct inode *root, *dir = NULL;

    if (sfs_mount(&disk.device, &fs, &reason) != 0)
        return false;
    root = fs->get_root(fs);
    vop_names(root, vop_lookup, "dir", &dir);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        use(root, names[i], seed);
        if (dir != NULL && dir->type == S_IFDIR)
            use(dir, names[i], seed);
        assert_eq(fs->sync(fs), 0);
    }
    if (dir != NULL)
        inode_put(dir);
    inode_put(root);
    assert_eq(fs->unmount(fs), 0);
    return true;
}

/* Put a wrong number somewhere: into an inode, a map, a directory, an indirect block. Random bits
   would nearly always be a number behind the disk, which is easy to see. So the number is mostly
   one that has a meaning elsewhere: 0, the root, other inodes, blocks that others have, swap. The
   last one is an entry of 12 bytes whose name has 16. */
static void damage(uint64_t *seed)
{
    const struct sfs_super *super = test_disk_block(&disk, 0);
    uint32_t data = super->table_start + super->table_blocks;
    uint32_t block = test_random(seed) % 2 ? super->table_start : data + test_random(seed) % 8;
    uint32_t at = test_random(seed) % (block < data ? 8 * 128 : 256);
    const uint32_t wrong[] = {
        0, 1, 2, 3, data, data + test_random(seed) % 60, super->swap_start, 0xffffffff,
        test_random(seed), test_random(seed) % INODES, 0x0010000c,
    };
    uint32_t number = wrong[test_random(seed) % ARRAY_SIZE(wrong)];

    if (test_random(seed) % 8 == 0)
        block = super->map_start;
    else if (test_random(seed) % 16 == 0)
        block = 0, at = offsetof(struct sfs_super, orphan), number %= INODES;
    if (test_random(seed) % 3 == 0)
        ((uint8_t *)test_disk_block(&disk, block))[at] = number;
    else
        ((uint32_t *)test_disk_block(&disk, block))[at / 4] = number;
}

/* One wrong number in an inode, and what comes of it: when its name is looked up, and, if that can
   be, when the byte at `at` is read or written. The disk, and which inodes there are:

     block  0            1..64     65    66..68   69..495   496..511
            superblock   journal   map   table    data      swap

     inode  1 the root, 2 "small" and "hard", 3 "large", 4 "far", 5 "link", 6 "dir" */
#define IN_INODE(field) \
    offsetof(struct sfs_disk_inode, field), sizeof(((struct sfs_disk_inode *)0)->field)
static const struct planted {
    const char *what, *name;
    uint32_t ino, offset, size;
    uint64_t value, at;
    int lookup, move;
} planted[] = {
    { "a block behind the disk", "small", 2, IN_INODE(direct[0]), 0xffffffff, 0, 0, -E_IO },
    { "a block of the journal", "small", 2, IN_INODE(direct[0]), 1, 0, 0, -E_IO },
    { "a block of the map", "small", 2, IN_INODE(direct[1]), 65, 4096, 0, -E_IO },
    { "a block of swap", "small", 2, IN_INODE(direct[1]), BLOCKS - 16, 4096, 0, -E_IO },
    { "an indirect block of the table", "large", 3, IN_INODE(indirect), 66, 60000, 0, -E_IO },
    { "a double indirect block of the map", "far", 4, IN_INODE(db_indirect), 65,
      (SFS_NDIRECT + SFS_NPER + 3) * BLOCK_SIZE, 0, -E_IO },
    { "a type that is none", "small", 2, IN_INODE(type), 7, 0, -E_IO, 0 },
    { "a name of a free inode", "small", 2, IN_INODE(type), 0, 0, -E_IO, 0 },
    { "a name, and no link", "small", 2, IN_INODE(nlinks), 0, 0, -E_IO, 0 },
    { "a file that is too long", "small", 2, IN_INODE(size), SFS_SIZE_MAX + 1, 0, -E_IO, 0 },
    { "a link that is too long", "link", 5, IN_INODE(size), BLOCK_SIZE, 0, -E_IO, 0 },
    { "a directory that ends in a block", "dir", 6, IN_INODE(size), BLOCK_SIZE + 1, 0, -E_IO, 0 },
};

/* Bits that are 1 in the map, but not of data: what must never be given to a file. When a file with
   a wrong block number is removed, this block is freed: if nobody looks, the journal or the map
   itself is the next free block. */
static uint32_t foreign_bits(void)
{
    const struct sfs_super *super = test_disk_block(&disk, 0);
    const uint8_t *map = test_disk_block(&disk, super->map_start);
    uint32_t n = 0;

    for (uint32_t block = 0; block < 32768; block++)
        if (block < super->table_start + super->table_blocks || block >= super->swap_start)
            n += map[block / 8] >> block % 8 & 1;
    return n;
}

/* Plant it; look up, read, write, and remove the file. */
static void try_planted(const struct planted *p)
{
    struct inode *root, *node;
    struct filesystem *fs;
    const char *reason;
    uint8_t byte = 0;
    int error;

    restore();
    memcpy((uint8_t *)test_disk_block(&disk, ((struct sfs_super *)sound)->table_start)
           + p->ino * sizeof(struct sfs_disk_inode) + p->offset, &p->value, p->size);
    assert_eq(sfs_mount(&disk.device, &fs, &reason), 0);
    root = fs->get_root(fs);
    error = vop_names(root, vop_lookup, p->name, &node);
    check_eq(p->what, error, p->lookup);
    if (error == 0) {
        struct iobuf in = iobuf_kernel(&byte, 1, p->at), out = iobuf_kernel(&byte, 1, p->at);

        check_eq("is not read", vop_data(node, vop_read, &in), p->move);
        check_eq("nor written", vop_data(node, vop_write, &out), p->move);
        check_eq("but can be removed", vop_names(root, vop_unlink, p->name), 0);
        if (p->ino == 2)
            assert_eq(vop_names(root, vop_unlink, "hard"), 0);
        inode_put(node);
    }
    inode_put(root);
    assert_eq(fs->unmount(fs), 0);
    check_eq("what is no data stays so", foreign_bits(), 0);
}

/* A wrong number in the entry "small" of the root, which is behind the dots: it is not found, or,
   if the length is wrong, what is behind it is not. And a block that two files have: the second
   one that is removed finds it free, and it is not counted twice. */
static void test_entries(void)
{
    static const struct { uint32_t offset, value; } wrong[] = {
        { 4, 0 }, { 4, 4 }, { 4, 14 }, { 4, 8 }, { 4, 4096 }, { 4, BLOCK_SIZE - 28 },
        { 0, INODES }, { 0, 60 },
    };
    const struct sfs_super *super = test_disk_block(&disk, 0);
    uint32_t data = super->table_start + super->table_blocks, blocks[2];
    struct sfs_disk_inode *table = test_disk_block(&disk, super->table_start);
    struct inode *root, *node;
    struct filesystem *fs;

    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        restore();
        memcpy((uint8_t *)test_disk_block(&disk, data) + 24 + wrong[i].offset, &wrong[i].value,
               wrong[i].offset == 4 ? 2 : 4);
        fs = test_mount(&disk, &root);
        check_eq("a wrong entry is an error",
                 vop_names(root, vop_lookup, wrong[i].offset == 4 ? "dir" : "small", &node), -E_IO);
        test_abandon(fs, root);
    }
    restore();
    table[3].direct[0] = table[4].roots[SFS_NDIRECT + 1];
    fs = test_mount(&disk, &root);
    assert_eq(vop_names(root, vop_unlink, "far") | vop_names(root, vop_unlink, "large"), 0);
    blocks[0] = test_free_blocks(fs);
    test_abandon(fs, root);
    fs = test_mount(&disk, &root);
    blocks[1] = test_free_blocks(fs);
    test_abandon(fs, root);
    check_eq("a block that two files have is freed once", blocks[0], blocks[1]);
}

/* Make a full directory of "dir", where a name of 255 bytes finds no room; and let the block of the
   root be free in the map. It is the first that is given to somebody then. */
static void free_root_block(char name[SFS_NAME_MAX + 1])
{
    const struct sfs_super *super = test_disk_block(&disk, 0);
    uint32_t data = super->table_start + super->table_blocks;
    struct inode *root, *dir;
    struct filesystem *fs;

    restore();
    fs = test_mount(&disk, &root);
    dir = test_find(root, "dir");
    memset(name, 'n', SFS_NAME_MAX);
    name[SFS_NAME_MAX] = '\0';
    for (*name = 'a'; *name < 'a' + (BLOCK_SIZE - 52) / 264; ++*name)
        inode_put(test_create(dir, name));
    inode_put(dir);
    test_unmount(fs, root, &disk);
    ((uint8_t *)test_disk_block(&disk, super->map_start))[data / 8] |= 1 << data % 8;
}

/* A block that a directory has is given to another one while a name of it is changed: what a search
   has found there is gone. */
static void test_lost_block(void)
{
    char name[SFS_NAME_MAX + 1];
    struct inode *root, *dir, *node = NULL;
    struct filesystem *fs;

    free_root_block(name);
    fs = test_mount(&disk, &root);
    check_eq("a directory gets the block that its own name must go to",
             vop_names(root, vop_mkdir, "new"), -E_IO);
    test_abandon(fs, root);
    free_root_block(name);
    fs = test_mount(&disk, &root);
    dir = test_find(root, "dir");
    check_eq("or one that a name must be removed from",
             vop_names(root, vop_rename, "small", dir, name), 0);
    check_eq("the name is where it should go", vop_names(dir, vop_lookup, name, &node), 0);
    if (node != NULL)
        inode_put(node);
    inode_put(dir);
    test_abandon(fs, root);
}

/* A directory of which too few links are counted is not lost with one of those in it. */
static void test_few_links(void)
{
    struct inode *root, *dir;
    struct filesystem *fs;

    restore();
    ((struct sfs_disk_inode *)test_disk_block(&disk, ((struct sfs_super *)sound)->table_start))[6]
        .nlinks = 1;
    fs = test_mount(&disk, &root);
    dir = test_find(root, "dir");
    check_eq("a directory goes that counts for a link", vop_names(dir, vop_rmdir, "dir"), 0);
    inode_put(dir);
    check_eq("that it was in stays", vop_names(root, vop_lookup, "dir", &dir), 0);
    check_eq("with its links", test_stat(dir).st_nlinks, 2);
    inode_put(dir);
    test_unmount(fs, root, &disk);
}

/* Each seed is another disk, with up to six things that are wrong. */
static void test_sfs_damage(void)
{
    struct inventory before = inventory_take();
    uint32_t taken = 0;

    make_sound();
    for (size_t i = 0; i < ARRAY_SIZE(planted); i++)
        try_planted(&planted[i]);
    test_entries();
    test_lost_block();
    test_few_links();
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        uint64_t state = seed * 7919;

        restore();
        for (uint64_t i = 0; i < 1 + seed % 6; i++)
            damage(&state);
        taken += use_all(&state);
    }
    check("most damaged disks can be used in part", taken > seeds / 2);
    cprintf("%lu damaged disks: %u mounted and used, 0 panics\n", seeds, taken);
    kfree(sound);
    test_disk_destroy(&disk);
    inventory_same(&before, "a disk was used");
}

/* The same with more seeds, which takes minutes: make run APPEND=selftest=sfs-damage-long */
static void test_sfs_damage_long(void)
{
    seeds = 100000;
    test_sfs_damage();
}

SELFTEST("sfs-damage", test_sfs_damage);
SELFTEST("sfs-damage-long", test_sfs_damage_long);
