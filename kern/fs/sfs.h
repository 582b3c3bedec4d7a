/* sfs: the file system on the disk, by ucore's names; sfs_format.h is what lies there. It stands on
   the block cache and on the journal, and is what vfs sees by a struct inode_ops.

   All that is changed lies in blocks of the cache, and nowhere else: an inode in memory has a
   reference to its block of the table and works in it, so there is nothing to be written back, and
   what the journal commits is always whole. What comes from the disk is never believed: a number of
   a block or of an inode, the length of an entry, is looked at where it is used, and what is wrong
   gives a line on the console and -E_IO.

   Order: journal_begin(), then `tree`, then the lock of one inode, then `map`.
   - `tree` is held by all that changes names, or how many names something has. So who holds it may
     read any directory without a further lock.
   - An inode's lock guards its content and its size; to change entries or nlinks one needs both,
     and to read them one of the two.
   - `map` guards the free map. It is the innermost. */
#pragma once

#include <fs/inode.h>
#include <fs/journal.h>
#include <fs/sfs_format.h>

#define SFS_HASH_SIZE       64
#define SFS_MAP_BITS        (4096 * 8)  /* in a block of the map */
#define SFS_TABLE_INODES    (4096 / sizeof(struct sfs_disk_inode))  /* in a block of the table */
#define SFS_WRITE_MAX       (64 * 1024) /* bytes that one transaction writes */

/* How many blocks a transaction changes at most, beside those of the map.
   SFS_WRITE_BLOCKS: 64 KiB at any place are 17 blocks of data, with 3 indirect ones; and the inode.
   SFS_CUT_BLOCKS: what is cut off a file changes 2 indirect blocks that stay, and the inode; with
   the last of them an orphan leaves its list, which begins in the superblock, and goes on in other
   inodes.
   SFS_NAME_BLOCKS: a directory that comes into another one, which grows by 1 block with 2 indirect
   ones; an entry of the old parent and the ".." of the directory are changed, the inodes of both
   parents and of one that is replaced, and the superblock, where orphans begin. A new directory
   needs no more. */
#define SFS_WRITE_BLOCKS    (SFS_WRITE_MAX / 4096 + 1 + 3 + 1)
#define SFS_CUT_BLOCKS      5
#define SFS_NAME_BLOCKS     9
/* The most blocks that one transaction takes or frees, if each has its bit in another block of the
   map; and the most that it changes in all, which must fit into the journal. */
#define SFS_MAP_SHARE       (SFS_WRITE_MAX / 4096 + 1 + 3)
#define SFS_TRANSACTION(sfs) (SFS_WRITE_BLOCKS + sfs_map_share(sfs, SFS_MAP_SHARE))

/* A mounted disk. */
struct sfs_fs {
    struct filesystem fs;               /* the first member */
    struct inode *root;                 /* with a reference; set once */
    struct cached_block *super_block;   /* set once */
    struct sfs_super *super;            /* in it: only `orphan` changes, with `tree` held */
    uint32_t data_start, data_end;      /* blocks of files are in between; set once */
    bool writable;                      /* the journal is open; set once */
    bool swaps;                         /* its swap range is the swap area; set once */
    uint32_t loaded;                    /* atomic: inodes in memory */

    struct mutex tree;                  /* MUTEX_TREE */
    uint32_t next_ino;                  /* where to look for a free one; guarded by `tree` */

    struct mutex map;                   /* MUTEX_MAP: guards the map and what follows */
    uint32_t free_blocks;
    uint32_t next_block;                /* where to look for a free one */

    struct spinlock lock;               /* RANK_INODES: guards the lists */
    list_entry_t hash_list[SFS_HASH_SIZE];  /* inodes in memory that have a name */
};

/* An inode in memory. Its life: sfs_load_inode() or sfs_inode_alloc() makes it; the last
   inode_put() takes it from the hash and frees it. If it has lost its last name before, it left the
   hash then, stands in the list of orphans on the disk, and is freed there too at the last put. */
struct sfs_inode {
    struct inode inode;                 /* the first member */
    struct cached_block *table;         /* the block of the table that it is in; set once */
    struct sfs_disk_inode *din;         /* there; set once */
    list_entry_t hash_link;
};

/* A place in a directory: an entry, in a block that the slot has a reference to, or none (NULL). */
struct sfs_slot {
    struct cached_block *block;
    struct sfs_dirent *entry;
};

/* The sfs inode of an inode, and the file system that it is in. */
static inline struct sfs_inode *vop_info(struct inode *node)
{
    return to_struct(node, struct sfs_inode, inode);
}
/* See vop_info(). */
static inline struct sfs_fs *fsop_info(struct filesystem *fs)
{
    return to_struct(fs, struct sfs_fs, fs);
}

/* What fstat() calls a SFS_TYPE_: ucore's numbers are the same, in other bits. */
#define SFS_STAT(type)      ((uint32_t)(type) << 12)
#define SFS_TYPE(stat)      ((stat) >> 12)

/* The most blocks of the map in which the bits of n blocks can be. */
static inline uint32_t sfs_map_share(const struct sfs_fs *sfs, uint32_t n)
{
    return n < sfs->super->map_blocks ? n : sfs->super->map_blocks;
}

/* Mount a disk. 0 with *fs, which its own `unmount` frees; or an error with *reason, a sentence for
   people: -E_INVAL it is no sfs or its superblock is damaged, -E_IO, -E_NO_MEM, -E_ROFS there is
   work to be finished and the disk cannot be written. At boot, or from a test; sleeps. */
int sfs_mount(struct block_device *device, struct filesystem **fs, const char **reason)
    __must_check;
/* Something on the disk is wrong, which inode it is about, and the number that is not possible:
   prints a line, and returns -E_IO. In any context. */
int sfs_damaged(uint32_t ino, const char *what, uint64_t number);
/* journal_begin() for so many blocks, and those of the map for up to `allocs` that are taken or
   freed; or -E_ROFS. */
int sfs_begin(struct sfs_fs *sfs, uint32_t blocks, uint32_t allocs) __must_check;

/* The free map (sfs_map.c). Is this the number of a block that a file may have? */
static inline bool sfs_block_valid(const struct sfs_fs *sfs, uint32_t block)
{
    return block >= sfs->data_start && block < sfs->data_end;
}
/* Count the free blocks, at mount: -E_IO, -E_NO_MEM. */
int sfs_map_count(struct sfs_fs *sfs) __must_check;
/* A free block, which is not free any more: full of zeros, or without `zeros` of anything, which
   the caller overwrites at once. -E_NO_SPACE, -E_IO, -E_NO_MEM; nothing is changed then. In a
   transaction: 2 blocks. Sleeps. */
int sfs_block_alloc(struct sfs_fs *sfs, bool zeros, uint32_t *block) __must_check;
/* Free a block of inode `ino`; one that is not valid, or is free, gives a line only. -E_IO or
   -E_NO_MEM; nothing is changed then. In a transaction: 1 block. Sleeps. */
int sfs_block_free(struct sfs_fs *sfs, uint32_t ino, uint32_t block) __must_check;

/* Inodes (sfs_inode.c). The one of this number, which must have a name, with a reference. The
   caller holds what keeps its entry where it is. -E_IO, -E_NO_MEM. Sleeps. */
int sfs_load_inode(struct sfs_fs *sfs, uint32_t ino, struct inode **result) __must_check;
/* A new one of this SFS_TYPE_, with one name (a directory: two) that the caller must make. `tree`
   is held, in a transaction: 1 block. -E_NO_SPACE, -E_IO, -E_NO_MEM. Sleeps. */
int sfs_inode_alloc(struct sfs_fs *sfs, uint16_t type, struct inode **result) __must_check;
/* Change how many names there are. At 0 it goes to the list of orphans. `tree` is held and no
   inode's lock, in a transaction: 2 blocks. Does not wait for the disk. */
void sfs_link_count(struct inode *node, int change);
/* Free what is in the list of orphans, at mount. False: the list is damaged. */
bool sfs_free_orphans(struct sfs_fs *sfs);
/* How many inodes of the table are free. Takes `tree`. Sleeps. 0; -E_IO, -E_NO_MEM. */
int sfs_count_inodes(struct sfs_fs *sfs, uint32_t *count);

/* The block map of an inode (sfs_bmap.c). Its lock is held. The number of the block at this index,
   or 0: a hole. With `create` a hole gets a block, of zeros, or with SFS_WHOLE of anything, because
   the caller writes all of it; in a transaction: 3 blocks, the bits of the map for them, and the
   inode. -E_NO_SPACE, -E_TOO_BIG, -E_IO, -E_NO_MEM. Sleeps. */
enum sfs_create { SFS_LOOK, SFS_CREATE, SFS_WHOLE };
int sfs_bmap_get_nolock(struct sfs_fs *sfs, struct sfs_inode *sin, uint32_t index,
                        enum sfs_create create, uint32_t *block) __must_check;
/* The block at this index, with a reference; NULL with *error 0 for a hole, which there is none if
   `create`. With SFS_WHOLE the caller writes all of it before he gives the lock back: so what it
   had is not read. Errors and rules as sfs_bmap_get_nolock(). */
static inline struct cached_block *sfs_bmap_load_nolock(struct sfs_fs *sfs, struct sfs_inode *sin,
                                                        uint32_t index, enum sfs_create create,
                                                        int *error)
{
    uint32_t block;

    *error = sfs_bmap_get_nolock(sfs, sin, index, create, &block);
    if (*error != 0 || block == 0)
        return NULL;
    return create == SFS_WHOLE ? cache_get_new(block, false, error) : cache_get(block, error);
}
/* Free blocks from the end on, down to index `from`, but not more than SFS_MAP_SHARE if each may
   have its bit in another block of the map: `*end` is behind the last block that may be left. In a
   transaction: 2 blocks, the inode, and those of the map. Errors as sfs_block_free(); what was
   freed before stays so. Sleeps. */
int sfs_bmap_truncate_nolock(struct sfs_fs *sfs, struct sfs_inode *sin, uint32_t from,
                             uint32_t *end) __must_check;

/* Content (sfs_io.c). Move the next n bytes, which are pinned, between the file and the iobuf, at
   its io_offset; a file's size is not looked at, but grows if it is written behind its end. An
   error may come after a part. The inode's lock is held. Sleeps. */
int sfs_io_nolock(struct sfs_fs *sfs, struct sfs_inode *sin, struct iobuf *iob, size_t n,
                  bool write) __must_check;

/* Directories (sfs_dir.c). Look for a name: 0 with *slot, or -E_NOENT, and then with *room, if room
   is not NULL: where there is place for the name (or it has no block: nowhere). `tree` or the
   inode's lock is held. -E_IO, -E_NO_MEM. Sleeps. */
int sfs_dirent_search_nolock(struct inode *dir, const char *name, struct sfs_slot *slot,
                             struct sfs_slot *room) __must_check;
/* The entry at *offset or behind, which goes on behind it. -E_NOENT: there is none. Locks and other
   errors as above. */
int sfs_dirent_read_nolock(struct inode *dir, off_t *offset, char name[SFS_NAME_MAX + 1],
                           uint32_t *ino) __must_check;
/* Write a new entry into the room that a search has found. `tree` is held; takes the inode's lock.
   -E_NO_SPACE, -E_IO, -E_NO_MEM: then there is no entry. Sleeps. */
int sfs_dirent_add(struct inode *dir, struct sfs_slot *room, const char *name,
                   const struct inode *node) __must_check;
/* Let an entry be of another inode; NULL: remove it. `tree` is held; takes the inode's lock. */
void sfs_dirent_set(struct inode *dir, struct sfs_slot *slot, const struct inode *node);
/* Give back a slot's block. */
void sfs_slot_put(struct sfs_slot *slot);

/* The operations that are not in the file of their table; fs/inode.h tells what they do. */
void sfs_reclaim(struct inode *node);
/* See sfs_reclaim(). */
int sfs_fstat(struct inode *node, struct stat *stat);
/* See sfs_reclaim(). */
int sfs_fsync(struct inode *node);
/* See sfs_reclaim(). */
int sfs_share(struct inode *node, uint64_t index, struct Page **page);
/* See sfs_reclaim(). */
int sfs_journal_dirty(struct inode *node);
/* See sfs_reclaim(). */
int sfs_lookup(struct inode *dir, const char *name, struct inode **result);
/* See sfs_reclaim(). */
int sfs_getdirentry(struct inode *dir, off_t *offset, char name[SFS_NAME_MAX + 1], uint32_t *ino);

extern const struct inode_ops sfs_node_dirops, sfs_node_fileops, sfs_node_linkops;
