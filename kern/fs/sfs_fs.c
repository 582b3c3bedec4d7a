/* Mounting a disk, and ending that; what belongs to the file system as a whole.

   A disk that is foreign, damaged or half written must be told from a good one by what stands in
   the superblock, and a reason be given in words, because people see it at boot. What stands
   elsewhere is looked at when it is used. After a crash the journal is finished first, and nothing
   else is believed before; then the orphans are freed. */
#include <error.h>
#include <fs/mmap.h>
#include <fs/sfs.h>
#include <fs/swapfs.h>
#include <mm/kmalloc.h>
#include <mm/reclaim.h>
#include <string.h>

int sfs_damaged(uint32_t ino, const char *what, uint64_t number)
{
    cprintf("sfs: the disk is damaged: inode %u %s %lu\n", ino, what, number);
    return -E_IO;
}

int sfs_begin(struct sfs_fs *sfs, uint32_t blocks, uint32_t allocs)
{
    return sfs->fs.read_only ? -E_ROFS : journal_begin(blocks + sfs_map_share(sfs, allocs));
}

/* What is wrong with a superblock, or NULL. The sums are of 64 bits, so that none wraps around. The
   checks come in the order in which the ranges lie on the disk, so the first wrong one is told. */
static const char *super_problem(const struct sfs_super *s, uint64_t device_blocks)
{
    uint64_t map = (uint64_t)s->journal_start + s->journal_blocks;
    uint64_t table = (uint64_t)s->map_start + s->map_blocks;
    uint64_t data = (uint64_t)s->table_start + s->table_blocks;
    /* What the ranges look like on a disk that is right; each begins where the one before ends:

         0           1         map_start   table_start   data         swap_start      blocks
         superblock  journal   free map    inodes        files        swap range
    */
    const struct { bool right; const char *problem; } checks[] = {
        { s->magic == SFS_MAGIC, "there is no sfs on it" },
        { s->version == SFS_VERSION, "its version of sfs is not known" },
        { s->blocks <= device_blocks, "a part of it is missing at its end" },
        { s->journal_start == 1, "its journal is not behind the superblock" },
        { s->journal_blocks > 2, "its journal is too small" },
        { s->map_start == map, "its map of free blocks is not behind the journal" },
        { s->map_blocks == ((uint64_t)s->blocks + SFS_MAP_BITS - 1) / SFS_MAP_BITS,
          "its map of free blocks is not as large as the disk needs" },
        { s->table_start == table, "its table of inodes is not behind the map" },
        { s->inodes > SFS_ROOT, "it has no inodes" },
        { s->table_blocks == ((uint64_t)s->inodes + SFS_TABLE_INODES - 1) / SFS_TABLE_INODES,
          "its table of inodes is not as large as their number needs" },
        { s->swap_start > data, "it has no room for files" },
        { (uint64_t)s->swap_start + s->swap_blocks == s->blocks,
          "its swap range is not at its end" },
        { s->orphan < s->inodes, "its list of orphans begins with an inode that it has not" },
        { strnlen(s->info, SFS_INFO_LENGTH) < SFS_INFO_LENGTH, "its name has no end" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
        if (!checks[i].right)
            return checks[i].problem;
    return NULL;
}

/* Read the superblock past the cache, because the journal may have another one; see what is wrong
   with it, and finish the journal. The page is the caller's. */
static int prepare(struct block_device *device, struct Page *page, const char **reason)
{
    const struct sfs_super *super = page2kva(page);
    uint32_t replayed = 0;
    int error = block_read(device, 0, page);

    *reason = "its first block cannot be read";
    if (error != 0)
        return error;
    *reason = super_problem(super, device->blocks);
    if (*reason != NULL)
        return -E_INVAL;
    error = journal_recover(device, super->journal_start, super->journal_blocks, &replayed);
    if (replayed > 0)
        cprintf("%s: a change of %u blocks was finished\n", device->name, replayed);
    *reason = error == -E_INVAL ? "its journal is damaged" :
        error == -E_ROFS ? "a change must be finished, but it is read-only" :
        "its journal cannot be read, or not be finished";
    return error;
}

/* What the superblock tells; it may be another one after the journal is finished. */
static int read_super(struct sfs_fs *sfs, struct block_device *device, const char **reason)
{
    int error;

    sfs->super_block = cache_get(0, &error);
    if (sfs->super_block == NULL)
        return error;
    sfs->super = cache_data(sfs->super_block);
    sfs->data_start = sfs->next_block = sfs->super->table_start + sfs->super->table_blocks;
    sfs->data_end = sfs->super->swap_start;
    *reason = super_problem(sfs->super, device->blocks);
    return *reason == NULL ? 0 : -E_INVAL;
}

/* With the journal open: what is needed always is read, the map counted, the root opened. */
static int read_rest(struct sfs_fs *sfs, const char **reason)
{
    int error;

    *reason = "its journal is too small";
    /* Else there is a change that never fits into the log, however empty that is. */
    if (sfs->writable && journal_limit() < SFS_TRANSACTION(sfs))
        return -E_INVAL;
    *reason = "its map of free blocks, or its root, cannot be read";
    error = sfs_map_count(sfs) ?: sfs_load_inode(sfs, SFS_ROOT, &sfs->root);
    if (error != 0 || sfs->root->type == S_IFDIR)
        return error;
    *reason = "its root is no directory";
    return -E_INVAL;
}

/* Give all back. 0 or -E_IO if the journal could not be written. The order is that of who uses
   whom: inodes and the superblock are blocks of the cache, and the journal writes such blocks; the
   cache goes last, and asserts that nobody has a block of it. */
static int sfs_close(struct sfs_fs *sfs)
{
    int error = 0;

    /* First of all: as long as it is on, the pager may bring a page out to this disk. */
    if (sfs->swaps) {
        reclaim_close();
        swap_off();
    }
    if (sfs->root != NULL)
        inode_put(sfs->root);
    if (sfs->super_block != NULL)
        cache_put(sfs->super_block);
    if (sfs->writable)
        error = journal_close();
    cache_close();
    kfree(sfs);
    return error;
}

/* The root stays in memory from mount to unmount, so this cannot fail. */
static struct inode *sfs_get_root(struct filesystem *fs)
{
    return inode_get(fsop_info(fs)->root);
}

/* A disk that was mounted for reading has no journal: there is nothing to be done. */
static int sfs_sync(struct filesystem *fs)
{
    if (!fsop_info(fs)->writable)
        return 0;
    /* What programs have stored into mapped files becomes part of a transaction; then that one, and
       all others, are committed. The other way round it would wait for the next sync. */
    int error = mmap_write_back(true);
    return journal_commit() ?: error;
}

/* Whoever has an inode, has the file system: only its own reference to the root may be left. */
static int sfs_unmount(struct filesystem *fs)
{
    struct sfs_fs *sfs = fsop_info(fs);

    /* A file that is open, a directory that somebody is in, a program that runs from here. */
    if (atomic_load(&sfs->loaded) > 1 || atomic_load(&sfs->root->refs) > 1)
        return -E_BUSY;
    return sfs_close(sfs);
}

/* Blocks are counted always; for the inodes the table is read, because few people ask. */
static int sfs_usage(struct filesystem *fs, uint32_t usage[4])
{
    struct sfs_fs *sfs = fsop_info(fs);

    usage[0] = sfs->data_end - sfs->data_start;
    usage[1] = atomic_load(&sfs->free_blocks);
    usage[2] = sfs->super->inodes - SFS_ROOT;
    return sfs_count_inodes(sfs, &usage[3]);
}

/* A new object, on which nothing stands yet. */
static void sfs_init(struct sfs_fs *sfs, struct block_device *device)
{
    memset(sfs, 0, sizeof(*sfs));
    sfs->fs = (struct filesystem){
        .name = "sfs", .read_only = device->read_only, .get_root = sfs_get_root,
        .sync = sfs_sync, .unmount = sfs_unmount, .usage = sfs_usage,
    };
    mutex_init(&sfs->tree, "the names of a file system", MUTEX_TREE, 0);
    mutex_init(&sfs->map, "the map of free blocks", MUTEX_MAP, 0);
    sfs->lock = (struct spinlock)SPINLOCK_INIT("inodes in memory", RANK_INODES);
    for (size_t i = 0; i < SFS_HASH_SIZE; i++)
        list_init(&sfs->hash_list[i]);
}

/* The journal is opened when the disk can be written, and what was read first is believed. */
static int sfs_open(struct sfs_fs *sfs, struct block_device *device, const char **reason)
{
    int error = read_super(sfs, device, reason);

    if (error == 0 && !device->read_only) {
        *reason = "its journal cannot be read, or there is no memory for it";
        error = journal_open(device, sfs->super->journal_start, sfs->super->journal_blocks);
        sfs->writable = error == 0;
    }
    if (error == 0)
        error = read_rest(sfs, reason);
    return error;
}

/* Its swap range is used from now on, if it has one and no other disk's is. */
static void swap_begin(struct sfs_fs *sfs, struct block_device *device)
{
    if (!sfs->writable || sfs->super->swap_blocks == 0 || swap_is_on())
        return;
    int error = swapfs_on(device, sfs->super->swap_start, sfs->super->swap_blocks);

    sfs->swaps = error == 0;
    if (sfs->swaps)
        reclaim_open();
    else
        cprintf("%s: its swap range cannot be used: %s\n", device->name, error_name(error));
}

/* From step to step more of the disk is believed:

     superblock --> journal finished --> superblock again --> journal open --> map, root --> orphans

   A crash in any of them does no harm: the next mount finds the same work, or less of it. */
int sfs_mount(struct block_device *device, struct filesystem **fs, const char **reason)
{
    struct Page *page = alloc_page();
    struct sfs_fs *sfs = kmalloc(sizeof(*sfs));
    int error = -E_NO_MEM;

    *reason = "there is no memory for it";
    if (page != NULL && sfs != NULL)
        error = prepare(device, page, reason);
    if (page != NULL)
        free_page(page);
    if (error == 0) {
        *reason = "it cannot be read, or there is no memory for it";
        sfs_init(sfs, device);
        error = cache_open(device);
    }
    if (error != 0) {
        kfree(sfs);
        return error;
    }
    error = sfs_open(sfs, device, reason);
    if (error != 0) {
        sfs_close(sfs);
        return error;
    }
    if (sfs->writable && !sfs_free_orphans(sfs)) {
        cprintf("%s: its list of orphans is damaged: no file can be changed\n", device->name);
        sfs->fs.read_only = true;
    }
    swap_begin(sfs, device);
    *fs = &sfs->fs;
    return 0;
}
