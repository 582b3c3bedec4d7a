/* Files of the disk that programs have mapped shared: the block that one writes to, and the way of
   such blocks into the journal. mmap.h tells when that is done, and why in this order.

   A fault has the lock of its mm, and begins a transaction if there is a hole to be filled; that is
   the order of locks. The inode's lock guards the set of dirty blocks. Blocks behind the file's end
   are none of it: there is nothing that could be touched. */
#include <fs/mmap.h>
#include <fs/sfs.h>
#include <string.h>

#define WRITE_BACK_BLOCKS   16          /* that go to the journal in one transaction */

/* Does the file have bytes in the block at an index? */
static bool has_bytes(struct inode *node, uint64_t index)
{
    return index < (vop_info(node)->din->size + BLOCK_SIZE - 1) / BLOCK_SIZE;
}

/* The block at an index, with a reference, or NULL; *error is 0 for a hole, -E_FAULT behind the
   end, or another error. The inode's lock is held. */
static struct cached_block *load_block(struct inode *node, uint64_t index, int *error)
{
    *error = -E_FAULT;
    if (!has_bytes(node, index))
        return NULL;
    return sfs_bmap_load_nolock(fsop_info(node->in_fs), vop_info(node), index, SFS_LOOK, error);
}

/* Give the hole at an index a block of zeros, which is in the journal then. 0; -E_NO_SPACE; -E_BUSY
   if the page of zeros may be mapped somewhere in its place; or another error. */
static int fill_hole(struct inode *node, uint64_t index)
{
    struct sfs_fs *sfs = fsop_info(node->in_fs);
    uint32_t block;
    int error = sfs_begin(sfs, 3 + 1, 3);   /* the data, two blocks of numbers, and the inode */

    if (error != 0)
        return error;
    mutex_lock(&node->lock);
    if (node->map->zeros)
        error = mmap_try_later(node);
    else if (has_bytes(node, index))
        error = sfs_bmap_get_nolock(sfs, vop_info(node), index, SFS_CREATE, &block);
    mutex_unlock(&node->lock);
    journal_end();
    return error;
}

/* Each turn looks at the block anew, because it may have changed while nothing was locked. */
int sfs_share(struct inode *node, uint64_t index, struct Page **page)
{
    /* EXERCISE 9.4 begin: sfs_share */
    int error = 0;

    while (error == 0) {
        mutex_lock(&node->lock);
        struct cached_block *block = load_block(node, index, &error);
        if (block != NULL && !atomic_load(&block->logged)) {
            *page = block->page;
            page_ref_inc(*page);
            mmap_add_dirty(node, block);
            mutex_unlock(&node->lock);
            return 0;
        }
        mutex_unlock(&node->lock);
        if (block != NULL) {
            cache_put(block);
            error = journal_commit();
        } else if (error == 0) {
            error = fill_hole(node, index);
        }
    }
    return error;
    /* EXERCISE 9.4 end */
}

/* A program may have written behind the file's end, in the last block: there are zeros there, so
   that the file has them when it grows. The inode's lock is held. */
static void clear_behind_end(struct inode *node, struct cached_block *block)
{
    struct sfs_inode *sin = vop_info(node);
    uint32_t offset = sin->din->size % BLOCK_SIZE, last;

    if (offset != 0 && sfs_bmap_get_nolock(fsop_info(node->in_fs), sin, sin->din->size / BLOCK_SIZE,
                                           SFS_LOOK, &last) == 0 && last == block->block)
        memset((uint8_t *)cache_data(block) + offset, 0, BLOCK_SIZE - offset);
}

/* In transactions that fit into any journal: each takes some out of the set, until it is empty. */
int sfs_journal_dirty(struct inode *node)
{
    /* EXERCISE 9.4 begin: sfs_journal_dirty */
    struct cached_block *block = NULL;
    int result = 0;

    do {
        result = sfs_begin(fsop_info(node->in_fs), WRITE_BACK_BLOCKS, 0);
        if (result != 0)
            break;
        mutex_lock(&node->lock);
        for (int n = 0; n < WRITE_BACK_BLOCKS; n++) {
            block = mmap_take_dirty(node);
            if (block == NULL)
                break;
            clear_behind_end(node, block);
            journal_write(block);
            cache_put(block);
        }
        mutex_unlock(&node->lock);
        journal_end();
    } while (block != NULL);
    return result;
    /* EXERCISE 9.4 end */
}
