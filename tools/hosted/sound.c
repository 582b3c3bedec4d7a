/* See sound.h. What is written here by hand is as docs/sfs.md says, and no function of the kernel's
   format is called for it; the files are made by the kernel, which is checked by that, too.

   Inodes: 1 the root, 2 small and hard, 3 large, 4 far, 5 link, 6 dir, 7 dir/dir, 8 dir/small. The
   blocks of small begin at DATA + 1. */
#include "sound.h"
#include <string.h>

/* An empty file system, by docs/sfs.md. */
static void format(struct memory_disk *disk)
{
    struct sfs_super *super = (void *)disk->bytes;
    struct sfs_commit *record = (void *)(disk->bytes + BLOCK_SIZE);
    uint8_t *map = disk->bytes + MAP * BLOCK_SIZE, *root = disk->bytes + DATA * BLOCK_SIZE;
    struct sfs_disk_inode *table = (void *)(disk->bytes + TABLE * BLOCK_SIZE);

    *super = (struct sfs_super){
        .magic = SFS_MAGIC, .version = SFS_VERSION, .blocks = BLOCKS, .inodes = INODES,
        .journal_start = 1, .journal_blocks = JOURNAL, .map_start = MAP, .map_blocks = 1,
        .table_start = TABLE, .table_blocks = 3, .swap_start = BLOCKS - SWAP, .swap_blocks = SWAP,
        .info = "hosted",
    };
    record->magic = SFS_JOURNAL_MAGIC;
    for (uint32_t block = DATA + 1; block < BLOCKS - SWAP; block++)
        map[block / 8] |= 1 << block % 8;
    table[SFS_ROOT] = (struct sfs_disk_inode){
        .type = SFS_TYPE_DIR, .nlinks = 2, .blocks = 1, .size = BLOCK_SIZE, .direct = { DATA },
    };
    *(struct sfs_dirent *)root = (struct sfs_dirent){ SFS_ROOT, 12, 1, SFS_TYPE_DIR };
    root[sizeof(struct sfs_dirent)] = '.';
    *(struct sfs_dirent *)(root + 12) = (struct sfs_dirent){ SFS_ROOT, BLOCK_SIZE - 12, 2,
                                                            SFS_TYPE_DIR };
    memset(root + 12 + sizeof(struct sfs_dirent), '.', 2);
}

/* A file of the good disk, with n bytes at a place; the whole reference is given back. */
static void put_file(struct inode *dir, const char *name, uint64_t at, size_t n)
{
    static uint8_t bytes[SFS_WRITE_MAX];
    struct inode *node;

    memset(bytes, name[0], sizeof(bytes));
    assert_eq(vop_names(dir, vop_create, name, true, &node), 0);
    while (n > 0) {
        struct iobuf iob = iobuf_kernel(bytes, n < sizeof(bytes) ? n : sizeof(bytes), at);
        size_t part = iob.io_resid;

        assert(vop_data(node, vop_write, &iob) == 0 && iob.io_resid == 0);
        n -= part;
        at += part;
    }
    inode_put(node);
}

void sound_create(struct memory_disk *disk)
{
    struct inode *root, *node;
    struct filesystem *fs;
    const char *reason;

    disk_create(disk, BLOCKS);
    format(disk);
    assert_eq(sfs_mount(&disk->device, &fs, &reason), 0);
    root = fs->get_root(fs);
    put_file(root, "small", 0, 5000);
    put_file(root, "large", 0, 100000);
    put_file(root, "far", (SFS_NDIRECT + SFS_NPER + 3) * BLOCK_SIZE, 10000);
    assert_eq(vop_names(root, vop_lookup, "small", &node), 0);
    assert_eq(vop_names(root, vop_link, "hard", node), 0);
    inode_put(node);
    assert_eq(vop_names(root, vop_symlink, "link", "small"), 0);
    assert_eq(vop_names(root, vop_mkdir, "dir"), 0);
    assert_eq(vop_names(root, vop_lookup, "dir", &node), 0);
    assert_eq(vop_names(node, vop_mkdir, "dir"), 0);
    put_file(node, "small", 0, 10);
    inode_put(node);
    inode_put(root);
    assert_eq(fs->unmount(fs), 0);
    memset(disk->written, 0, BLOCKS);
}
