/* Unit tests of the disk's parsers: the superblock field by field, the journal's record, inodes and
   directories with one wrong number; besides a full table of inodes, and the list of orphans.

   What the call then says is known; target_sfs.c has what is not. Each test begins with the good
   disk, and leaves it so. */
#include "sound.h"
#include "unit.h"
#include <error.h>
#include <string.h>

static struct memory_disk disk;
static uint8_t *kept;

/* The disk is good again. */
static void restore(void)
{
    memcpy(disk.bytes, kept, BLOCKS * BLOCK_SIZE);
    memset(disk.written, 0, BLOCKS);
}

static int try_mount(void)
{
    struct filesystem *fs;
    const char *reason;
    int error = sfs_mount(&disk.device, &fs, &reason);

    return error ?: fs->unmount(fs);
}

static void superblock(void)
{
    uint32_t *numbers = (uint32_t *)disk.bytes;

    for (size_t i = 0; i < offsetof(struct sfs_super, info) / 4; i++) {
        const uint32_t was = numbers[i], wrong[] = { was - 1, was + 0x80000000, 0xffffffff };

        for (size_t k = 0; k < ARRAY_SIZE(wrong); k++) {
            numbers[i] = wrong[k];
            check_eq("a wrong number of the superblock", try_mount(), -E_INVAL);
            numbers[i] = was;
        }
    }
    memset(((struct sfs_super *)disk.bytes)->info, 'x', SFS_INFO_LENGTH);
    check_eq("a name without an end", try_mount(), -E_INVAL);
    restore();
    disk.device.blocks--;
    check_eq("a disk that is cut off", try_mount(), -E_INVAL);
    disk.device.blocks++;
    check_eq("a good one", try_mount(), 0);
    /* All agrees, but the journal leaves a gap behind the superblock. */
    memcpy(disk.bytes + 2 * BLOCK_SIZE, disk.bytes + BLOCK_SIZE, BLOCK_SIZE);
    ((struct sfs_super *)disk.bytes)->journal_start = 2;
    ((struct sfs_super *)disk.bytes)->journal_blocks = JOURNAL - 1;
    check_eq("a gap before the journal", try_mount(), -E_INVAL);
    restore();
}

/* Recovery with such a record, and two homes. */
static int recover(uint32_t count, uint32_t first, uint32_t second, uint32_t *replayed)
{
    struct sfs_commit *record = (void *)(disk.bytes + BLOCK_SIZE);
    uint32_t *homes = (uint32_t *)(disk.bytes + 2 * BLOCK_SIZE);

    restore();
    record->count = count;
    homes[0] = first;
    homes[1] = second;
    return journal_recover(&disk.device, 1, JOURNAL, replayed);
}

static void journal(void)
{
    uint32_t n;

    check("nothing is to be done", recover(0, 0, 0, &n) == 0 && n == 0);
    check("two blocks", recover(2, DATA, BLOCKS - 1, &n) == 0 && n == 2 && disk.written[DATA]
          && disk.written[BLOCKS - 1] && disk.written[1]);
    check_eq("a home behind the disk", recover(2, DATA, BLOCKS, &n), -E_INVAL);
    check_eq("the last block of the journal", recover(1, JOURNAL, 0, &n), -E_INVAL);
    check_eq("the first one", recover(1, 1, 0, &n), -E_INVAL);
    check_eq("the superblock may be changed", recover(1, 0, 0, &n), 0);
    check_eq("one home twice", recover(2, DATA, DATA, &n), -E_INVAL);
    check_eq("more than the log holds", recover(JOURNAL - 1, 0, 0, &n), -E_INVAL);
    check_eq("more than a list holds", recover(SFS_JOURNAL_HOMES + 1, 0, 0, &n), -E_INVAL);
    check_eq("more than anything", recover(0xffffffff, 0, 0, &n), -E_INVAL);
    disk.device.read_only = true;
    check_eq("a disk that cannot be written", recover(1, DATA, 0, &n), -E_ROFS);
    disk.device.read_only = false;
    restore();
    *(uint32_t *)(disk.bytes + BLOCK_SIZE) = 0;
    check_eq("a foreign journal", journal_recover(&disk.device, 1, JOURNAL, &n), -E_INVAL);
    check_eq("a journal of two blocks is none", journal_recover(&disk.device, 1, 2, &n), 0);
    restore();
}

/* Mount, look a name of the root up, and read a byte of it: 0 or the first error. */
static int read_byte(const char *name, uint64_t at)
{
    struct filesystem *fs;
    struct inode *root, *node;
    const char *reason;
    uint8_t byte;
    struct iobuf iob = iobuf_kernel(&byte, 1, at);
    int error = sfs_mount(&disk.device, &fs, &reason);

    if (error != 0)
        return error;
    root = fs->get_root(fs);
    error = vop_names(root, vop_lookup, name, &node);
    if (error == 0) {
        error = vop_data(node, vop_read, &iob);
        inode_put(node);
    }
    inode_put(root);
    check_eq("the disk can be unmounted", fs->unmount(fs), 0);
    return error;
}

/* An inode, and a field of it, get a wrong number. */
#define WRONG(ino, field, value, name, at, expected) do { \
        ((struct sfs_disk_inode *)(disk.bytes + TABLE * BLOCK_SIZE))[ino].field = (value); \
        check_eq(#field " of " name, read_byte(name, at), expected); \
        restore(); \
    } while (0)

static void inodes(void)
{
    check_eq("a good file", read_byte("small", 4999), 0);
    WRONG(2, type, 4, "small", 0, -E_IO);
    WRONG(2, type, 0, "small", 0, -E_IO);
    WRONG(2, nlinks, 0, "small", 0, -E_IO);
    WRONG(2, size, SFS_SIZE_MAX + 1, "small", 0, -E_IO);
    WRONG(5, size, BLOCK_SIZE, "link", 0, -E_IO);
    WRONG(6, size, BLOCK_SIZE + 1, "dir", 0, -E_IO);
    WRONG(2, direct[0], DATA - 1, "small", 0, -E_IO);
    WRONG(2, direct[0], BLOCKS - SWAP, "small", 0, -E_IO);
    WRONG(2, direct[0], BLOCKS - SWAP - 1, "small", 0, 0);
    WRONG(3, indirect, TABLE, "large", 60000, -E_IO);
    WRONG(4, db_indirect, 0xffffffff, "far", (SFS_NDIRECT + SFS_NPER + 3) * BLOCK_SIZE, -E_IO);
    WRONG(1, type, SFS_TYPE_FILE, "small", 0, -E_INVAL);
}

/* The second entry of the root, "..", which lies at 12, gets a wrong number. */
static void entry(const char *what, uint32_t at, int bytes, uint32_t value, int expected)
{
    memcpy(disk.bytes + DATA * BLOCK_SIZE + 12 + at, &value, bytes);
    check_eq(what, read_byte("small", 0), expected);
    restore();
}

static void directories(void)
{
    entry("an entry without a length", 4, 2, 0, -E_IO);
    entry("a length that is not of words", 4, 2, 13, -E_IO);
    entry("one that leads out of the block", 4, 2, BLOCK_SIZE - 8, -E_IO);
    entry("one that ends at its end", 4, 2, BLOCK_SIZE - 12, -E_NOENT);
    entry("a name that is longer than its entry", 6, 1, 5, -E_IO);
    entry("a free entry", 0, 4, 0, 0);
    /* The next entry, which begins at 24, is that of "small". */
    entry("an inode that is not there", 12, 4, INODES, -E_IO);
    entry("and one that is free", 12, 4, INODES - 1, -E_IO);
    entry("and number 0 is none", 12, 4, 0, -E_NOENT);
    /* The content of "small" has what looks like an inode, if the table had no end. */
    *(struct sfs_disk_inode *)(disk.bytes + (DATA + 1) * BLOCK_SIZE) = (struct sfs_disk_inode){
        .type = SFS_TYPE_FILE, .nlinks = 1,
    };
    entry("one behind the table", 12, 4, (DATA + 1 - TABLE) * SFS_TABLE_INODES, -E_IO);
}

/* Mount the good disk, and take its root; this cannot fail. */
static struct filesystem *mount_good(struct inode **root)
{
    struct filesystem *fs = NULL;
    const char *reason;

    check_eq("the disk is mounted", sfs_mount(&disk.device, &fs, &reason), 0);
    *root = fs->get_root(fs);
    return fs;
}

static void unmount(struct filesystem *fs, struct inode *root)
{
    inode_put(root);
    check_eq("the disk can be unmounted", fs->unmount(fs), 0);
    restore();
}

/* Files are made until the table has no free inode; one that is removed makes room for one. */
static void full_table(void)
{
    struct inode *root, *node;
    struct filesystem *fs = mount_good(&root);
    char name[] = "f00";
    int error = 0, made = 0;

    while (made < INODES) {
        name[1] = '0' + made / 10;
        name[2] = '0' + made % 10;
        error = vop_names(root, vop_create, name, true, &node);
        if (error != 0)
            break;
        inode_put(node);
        made++;
    }
    check_eq("no inode is free", error, -E_NO_SPACE);
    check_eq("all others were used", made, INODES - 9);      /* 0, and 8 of the disk */
    check_eq("a file is removed", vop_names(root, vop_unlink, "f07"), 0);
    check_eq("and another one made", vop_names(root, vop_create, "new", true, &node), 0);
    inode_put(node);
    unmount(fs, root);
}

/* Files without a name that are still open: they leave the list of orphans from its middle. With a
   list that does not have it, a file stays an orphan. */
static void orphans(bool damaged)
{
    static const char *const names[] = { "small", "large", "far" };
    struct inode *root, *nodes[ARRAY_SIZE(names)];
    struct filesystem *fs = mount_good(&root);
    uint32_t *first = &fsop_info(fs)->super->orphan, last;

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        check_eq("a file is there", vop_names(root, vop_lookup, names[i], &nodes[i]), 0);
        check_eq("it is removed", vop_names(root, vop_unlink, names[i]), 0);
    }
    check_eq("a place in a file", nodes[0]->in_ops->vop_tryseek(nodes[0], SFS_SIZE_MAX), 0);
    check_eq("none", nodes[0]->in_ops->vop_tryseek(nodes[0], -1), -E_INVAL);
    last = nodes[2]->ino;
    check_eq("the last one begins the list", *first, last);
    if (damaged)
        *first = INODES;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        inode_put(nodes[i]);
        check_eq("the list's head", *first, damaged ? INODES : i < 2 ? last : 0);
    }
    unmount(fs, root);
}

void unit_disk(void)
{
    sound_create(&disk);
    kept = memcpy(host_alloc(BLOCKS * BLOCK_SIZE), disk.bytes, BLOCKS * BLOCK_SIZE);
    superblock();
    journal();
    inodes();
    directories();
    full_table();
    orphans(false);
    orphans(true);
    host_free(kept);
}
