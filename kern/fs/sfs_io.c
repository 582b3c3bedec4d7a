/* The content of files: reading, writing, and giving a length.

   The memory of the program is pinned first, because that takes the lock of its address space. Then
   comes the transaction, then the inode's lock: see iobuf.h and journal.h for why. A call moves
   64 KiB at most, so a write is one transaction; vfs calls again for more.

   Behind the end of a file, up to the end of its last block, there are zeros: so a file that grows
   has zeros in between. */
#include <error.h>
#include <fs/mmap.h>
#include <fs/sfs.h>
#include <mm/kmalloc.h>
#include <sched/sched.h>
#include <string.h>

/* What is moved, in the blocks of the file. Each of them lies anywhere on the disk, or is a hole:

     index          k            k + 1        k + 2        k + 3
                    |------======|============|============|===---------|
                           ^                                  ^
                           io_offset                          io_offset + n

   So there are up to three kinds of parts: the end of a block, whole blocks, the start of one. Both
   ends may be in one block, and any kind may be missing. */
int sfs_io_nolock(struct sfs_fs *sfs, struct sfs_inode *sin, struct iobuf *iob, size_t n,
                  bool write)
{
    /* EXERCISE 8.1 begin: sfs_io_nolock */
    /* Each turn is a part of one block: the first may begin, and the last may end, inside of it.
       Where it is tells the iobuf, which goes on by what is moved. */
    off_t start = iob->io_offset;
    int error = 0;

    while (n > 0 && error == 0) {
        uint64_t at = iob->io_offset;
        size_t offset = at % BLOCK_SIZE;
        size_t part = n < BLOCK_SIZE - offset ? n : BLOCK_SIZE - offset;
        enum sfs_create create = !write ? SFS_LOOK : part < BLOCK_SIZE ? SFS_CREATE : SFS_WHOLE;
        struct cached_block *block = sfs_bmap_load_nolock(sfs, sin, at / BLOCK_SIZE, create,
                                                          &error);

        if (block != NULL) {
            /* The journal is told first: an entry that it has is not dropped from memory. */
            if (write)
                journal_write(block);
            iobuf_move(iob, (uint8_t *)cache_data(block) + offset, part, !write);
            cache_put(block);
        } else if (error == 0) {
            /* A hole, which only a read can find. */
            iobuf_zero(iob, part);
        }
        n -= part;
    }
    /* What was written counts, also if an error came behind it. If nothing was written the file
       does not become longer, wherever the place was. */
    if (write && iob->io_offset > start && (uint64_t)iob->io_offset > sin->din->size) {
        sin->din->size = iob->io_offset;
        journal_write(sin->table);
    }
    return error;
    /* EXERCISE 8.1 end */
}

/* How much of n bytes can be moved, from a place in the file on whose end is known. */
static size_t clip(size_t n, uint64_t offset, uint64_t end)
{
    size_t most = offset < end ? end - offset : 0;

    if (most > SFS_WRITE_MAX)
        most = SFS_WRITE_MAX;
    return n < most ? n : most;
}

/* If the first of the next n bytes must be read, have all be read at once. What goes wrong is told
   when they are used. */
static __never_inlined void read_ahead(struct sfs_fs *sfs, struct sfs_inode *sin, uint64_t offset,
                                       size_t n)
{
    uint32_t blocks[SFS_WRITE_MAX / BLOCK_SIZE + 1], count = 0;

    for (uint32_t i = offset / BLOCK_SIZE; i <= (offset + n - 1) / BLOCK_SIZE; i++) {
        if (sfs_bmap_get_nolock(sfs, sin, i, SFS_LOOK, &blocks[count]) != 0 || blocks[count] == 0)
            continue;
        if (count++ == 0 && cache_has(blocks[0]))
            return;
    }
    cache_read_ahead(blocks, count);
}

/* What moves before an error has moved: the error is told by the call that finds it again. The size
   that is asked first, without the lock, is only for not to pin what will not be needed. Of all
   calls of a file this one is made most often: hence the inlining. */
static __calls_inlined int sfs_read(struct inode *node, struct iobuf *iob)
{
    struct sfs_fs *sfs = fsop_info(node->in_fs);
    struct sfs_inode *sin = vop_info(node);
    size_t before = iob->io_resid, n = clip(before, iob->io_offset, atomic_load(&sin->din->size));
    long pinned = n > 0 ? iobuf_pin(iob, n, VM_WRITE) : 0;
    int error;

    if (pinned <= 0)
        return pinned;
    mutex_lock(&node->lock);
    n = clip(pinned, iob->io_offset, sin->din->size);
    if (n > BLOCK_SIZE)
        read_ahead(sfs, sin, iob->io_offset, n);
    error = sfs_io_nolock(sfs, sin, iob, n, false);
    mutex_unlock(&node->lock);
    iobuf_unpin(iob);
    return iob->io_resid < before ? 0 : error;
}

/* What is not there is read with what follows: a program runs, and touches most of its pages. */
static int sfs_page(struct inode *node, uint64_t index, struct Page **page)
{
    struct sfs_fs *sfs = fsop_info(node->in_fs);
    struct sfs_inode *sin = vop_info(node);
    struct cached_block *block = NULL;
    int error = -E_FAULT;

    *page = NULL;
    mutex_lock(&node->lock);
    if (index < (sin->din->size + BLOCK_SIZE - 1) / BLOCK_SIZE) {
        uint64_t offset = index * BLOCK_SIZE;

        read_ahead(sfs, sin, offset, clip(SFS_WRITE_MAX, offset, sin->din->size));
        block = sfs_bmap_load_nolock(sfs, sin, index, SFS_LOOK, &error);
    }
    mutex_unlock(&node->lock);
    if (block != NULL) {
        *page = block->page;
        page_ref_inc(*page);
        cache_put(block);
    }
    return error;
}

/* A write is for its whole length in one transaction, whose room is asked for before the inode is
   locked: as if all blocks were new, and each in another block of the map. The bytes are pinned.
   -E_BUSY, and nothing has happened: the file must be held first, and is not. */
static __always_inlined int write_pinned(struct inode *node, struct iobuf *iob, size_t n, bool held)
{
    struct sfs_fs *sfs = fsop_info(node->in_fs);
    struct sfs_inode *sin = vop_info(node);
    uint32_t blocks = (n + 2 * (BLOCK_SIZE - 1)) / BLOCK_SIZE + 3;      /* data and indirect */
    int error = sfs_begin(sfs, blocks + 1, blocks);

    if (error != 0)
        return error;
    mutex_lock(&node->lock);
    if (mmap_must_hold(node) && !held) {
        error = -E_BUSY;
    } else {
        if (iob->append)
            iob->io_offset = sin->din->size;
        n = clip(n, iob->io_offset, SFS_SIZE_MAX);
        error = n > 0 ? sfs_io_nolock(sfs, sin, iob, n, true) : -E_TOO_BIG;
    }
    mutex_unlock(&node->lock);
    journal_end();
    return error;
}

/* Write to a file that programs may just write to, too. While it is held nothing may be copied from
   a program, which may have mapped this very file: so the bytes are copied first. */
static __never_inlined int write_held(struct inode *node, struct iobuf *iob, size_t n)
{
    struct iobuf from = *iob, copy;
    void *bytes = kmalloc(n);
    int error = bytes != NULL ? iobuf_copy(&from, bytes, n, false) : -E_NO_MEM;

    if (error == 0) {
        copy = iobuf_kernel(bytes, n, iob->io_offset);
        copy.append = iob->append;
        mmap_hold(node);
        error = write_pinned(node, &copy, n, true);
        mmap_release(node);
        iobuf_advance(iob, n - copy.io_resid);
        iob->io_offset = copy.io_offset;
    }
    kfree(bytes);
    return error;
}

/* 64 KiB at most. */
static int sfs_write(struct inode *node, struct iobuf *iob)
{
    size_t before = iob->io_resid, n = clip(before, 0, SFS_WRITE_MAX);
    long pinned = n > 0 ? iobuf_pin(iob, n, VM_READ) : 0;
    int error;

    if (pinned <= 0)
        return pinned;
    error = write_pinned(node, iob, pinned, false);
    iobuf_unpin(iob);
    if (unlikely(error == -E_BUSY))
        error = write_held(node, iob, pinned);
    return iob->io_resid < before ? 0 : error;
}

/* Make what is behind the new end, up to the end of its block, zeros. */
static int clear_tail(struct sfs_fs *sfs, struct sfs_inode *sin, uint64_t len)
{
    uint32_t offset = len % BLOCK_SIZE;
    int error = 0;
    struct cached_block *last = offset == 0 || len > sin->din->size ? NULL :
        sfs_bmap_load_nolock(sfs, sin, len / BLOCK_SIZE, SFS_LOOK, &error);

    if (last != NULL) {
        memset((uint8_t *)cache_data(last) + offset, 0, BLOCK_SIZE - offset);
        journal_write(last);
        cache_put(last);
    }
    return error;
}

/* One transaction of a truncation. 1: there is more to do. Whatever comes in between, the file's
   size is never behind what is left of its blocks. */
static int truncate_step(struct sfs_fs *sfs, struct sfs_inode *sin, uint64_t len)
{
    uint32_t from = (len + BLOCK_SIZE - 1) / BLOCK_SIZE, end;
    int error = sfs_bmap_truncate_nolock(sfs, sin, from, &end);
    uint64_t bound = (uint64_t)end * BLOCK_SIZE;

    if (error == 0 && end > from)
        error = 1;
    if (error == 0)
        error = clear_tail(sfs, sin, len);
    if (error == 0)
        sin->din->size = len;
    else if (sin->din->size > bound)
        sin->din->size = bound;
    return error;
}

/* Nobody maps a part of what goes: all faults of the file are held from here on. */
static void cut_areas(struct inode *node, uint64_t len)
{
    mmap_hold(node);
    filemap_cut(node->map, ROUNDUP(len, PGSIZE));
}

/* A large file is cut in several transactions, from its end on: after a crash it may have any of
   the lengths in between. If it is mapped it is held, which is seen only when the inode is locked;
   then nobody can map it without seeing the new length. */
static int sfs_truncate(struct inode *node, off_t len)
{
    struct sfs_fs *sfs = fsop_info(node->in_fs);
    bool held = false;
    int error;

    if (len < 0 || len > (off_t)SFS_SIZE_MAX)
        return len < 0 ? -E_INVAL : -E_TOO_BIG;
    do {
        error = sfs_begin(sfs, SFS_CUT_BLOCKS, SFS_MAP_SHARE);
        if (error != 0)
            break;
        mutex_lock(&node->lock);
        bool mapped = node->map != NULL && filemap_used(node->map) && !held;
        error = mapped ? 1 : truncate_step(sfs, vop_info(node), len);
        mutex_unlock(&node->lock);
        journal_end();
        if (mapped) {
            cut_areas(node, len);
            held = true;
        }
        sched_give_way();
    } while (error > 0);
    if (held)
        mmap_release(node);
    return error;
}

int sfs_fstat(struct inode *node, struct stat *stat)
{
    const struct sfs_disk_inode *din = vop_info(node)->din;

    mutex_lock(&node->lock);
    *stat = (struct stat){ node->type, din->nlinks, din->blocks, din->size, node->ino };
    mutex_unlock(&node->lock);
    return 0;
}

/* The new entry of a file is in the journal too, so all that came before is on the disk. */
int sfs_fsync(struct inode *node)
{
    return node->in_fs->sync(node->in_fs);
}

/* A place behind the end is a place: what is written there leaves a hole before it. */
static int sfs_tryseek(__not_used struct inode *node, off_t pos)
{
    return pos >= 0 && pos <= (off_t)SFS_SIZE_MAX ? 0 : -E_INVAL;
}

const struct inode_ops sfs_node_fileops = {
    .vop_read = sfs_read,
    .vop_write = sfs_write,
    .vop_page = sfs_page,
    .vop_share = sfs_share,
    .vop_journal_dirty = sfs_journal_dirty,
    .vop_fstat = sfs_fstat,
    .vop_fsync = sfs_fsync,
    .vop_truncate = sfs_truncate,
    .vop_tryseek = sfs_tryseek,
    .vop_reclaim = sfs_reclaim,
};

/* A symbolic link is a file whose content is the path. */
const struct inode_ops sfs_node_linkops = {
    .vop_fstat = sfs_fstat,
    .vop_readlink = sfs_read,
    .vop_reclaim = sfs_reclaim,
};
