/* Inodes: in memory, in the table of the disk, and in the list of those that have lost their last
   name while somebody had them open.

   An inode that has a name and is in memory is in a hash, so that all who open it get the same
   object. One without a name is not: nobody can look it up, and whoever has it open holds the
   object itself.

   The list of orphans begins in the superblock and goes on in the inodes. An inode comes into it in
   the transaction that takes its last name, and leaves it in the one that frees its last block. So
   after a crash in between nothing is lost: mount finishes what the list tells. */
#include <error.h>
#include <fs/mmap.h>
#include <fs/sfs.h>
#include <mm/kmalloc.h>
#include <sched/sched.h>
#include <string.h>

/* What an inode can do, and how long its content may be, by SFS_TYPE_. */
static const struct {
    const struct inode_ops *ops;
    uint64_t size_max;
} kinds[] = {
    [SFS_TYPE_FILE] = { &sfs_node_fileops, SFS_SIZE_MAX },
    [SFS_TYPE_DIR] = { &sfs_node_dirops, SFS_SIZE_MAX },
    [SFS_TYPE_LINK] = { &sfs_node_linkops, BLOCK_SIZE - 1 },
};

/* The block of the table that an inode is in, with a reference. */
static struct cached_block *table_get(struct sfs_fs *sfs, uint32_t ino, int *error)
{
    return cache_get(sfs->super->table_start + ino / SFS_TABLE_INODES, error);
}

/* The inode in its block. */
static struct sfs_disk_inode *table_inode(struct cached_block *table, uint32_t ino)
{
    return (struct sfs_disk_inode *)cache_data(table) + ino % SFS_TABLE_INODES;
}

/* An object for this inode, which is in no hash yet, and of which no kind is known. */
static struct sfs_inode *sin_create(struct sfs_fs *sfs, uint32_t ino, int *error)
{
    struct sfs_inode *sin = kmalloc(sizeof(*sin));

    *error = -E_NO_MEM;
    if (sin == NULL)
        return NULL;
    sin->table = table_get(sfs, ino, error);
    if (sin->table == NULL) {
        kfree(sin);
        return NULL;
    }
    sin->din = table_inode(sin->table, ino);
    list_init(&sin->hash_link);
    atomic_add(&sfs->loaded, 1);    /* no pair: a count, for reports */
    return sin;
}

/* Its opposite. */
static void sin_free(struct sfs_fs *sfs, struct sfs_inode *sin)
{
    cache_put(sin->table);
    kfree(sin);
    atomic_add(&sfs->loaded, -1);   /* no pair: a count, for reports */
}

/* Set what the kind tells; with one reference. */
static void sin_init(struct sfs_fs *sfs, struct sfs_inode *sin, uint32_t ino)
{
    inode_init(&sin->inode, kinds[sin->din->type].ops, &sfs->fs, ino, SFS_STAT(sin->din->type));
}

/* An object of an inode of the table that is in use; NULL with -E_IO if it cannot be right. */
static struct sfs_inode *sin_load(struct sfs_fs *sfs, uint32_t ino, int *error)
{
    struct sfs_inode *sin;
    const struct sfs_disk_inode *din;

    if (ino == 0 || ino >= sfs->super->inodes) {
        *error = sfs_damaged(ino, "is none of the table, which has", sfs->super->inodes);
        return NULL;
    }
    sin = sin_create(sfs, ino, error);
    if (sin == NULL)
        return NULL;
    din = sin->din;
    if (din->type == SFS_TYPE_FREE || din->type >= ARRAY_SIZE(kinds))
        *error = sfs_damaged(ino, "has a name, but is of the type", din->type);
    else if (din->size > kinds[din->type].size_max ||
             (din->type == SFS_TYPE_DIR && din->size % BLOCK_SIZE != 0))
        *error = sfs_damaged(ino, "cannot have the size", din->size);
    else {
        sin_init(sfs, sin, ino);
        return sin;
    }
    sin_free(sfs, sin);
    return NULL;
}

/* The list of the hash that an inode is in. */
static list_entry_t *hash_list(struct sfs_fs *sfs, uint32_t ino)
{
    return &sfs->hash_list[ino % SFS_HASH_SIZE];
}

/* The object that is in memory, with a reference, or NULL. The hash's lock is held. */
static struct sfs_inode *hash_get(struct sfs_fs *sfs, uint32_t ino)
{
    list_for_each(le, hash_list(sfs, ino)) {
        struct sfs_inode *sin = to_struct(le, struct sfs_inode, hash_link);

        if (sin->inode.ino == ino) {
            inode_get(&sin->inode);
            return sin;
        }
    }
    return NULL;
}

/* What a name of the disk leads to in memory:

     hash_list[ino % SFS_HASH_SIZE] --> sfs_inode 9 --> sfs_inode 73
                                          | din          table: a block of the cache,
                                          v              with a reference
                                        | 0 | 1 | ... | 9 | ... | 31 |

   `din` points into that block. So a change of an inode is a change of the block, which is told to
   the journal, and inodes of one block go to the disk together. */

/* Two tasks may read the same inode at a time; the second one finds the object of the first. The
   disk is not waited for with the spinlock held: so the hash is looked at again when the inode has
   been read. */
int sfs_load_inode(struct sfs_fs *sfs, uint32_t ino, struct inode **result)
{
    struct sfs_inode *sin, *fresh;
    int error;

    spin_lock(&sfs->lock);
    sin = hash_get(sfs, ino);
    spin_unlock(&sfs->lock);
    if (sin == NULL) {
        fresh = sin_load(sfs, ino, &error);
        if (fresh == NULL)
            return error;
        spin_lock(&sfs->lock);
        sin = hash_get(sfs, ino);
        /* It may have lost its last name since it was looked for: then it is an orphan, and an
           object in the hash would be a second one of an inode that somebody still has. */
        if (sin == NULL && fresh->din->nlinks > 0) {
            list_add(hash_list(sfs, ino), &fresh->hash_link);
            sin = fresh;
        }
        spin_unlock(&sfs->lock);
        if (sin != fresh)
            sin_free(sfs, fresh);
        if (sin == NULL)
            return sfs_damaged(ino, "has a name, but links of it are", 0);
    }
    *result = &sin->inode;
    return 0;
}

/* The number of a free inode, or 0 with an error. The search begins behind the last one, and goes
   round once; the block that it begins in comes twice. */
static uint32_t find_free(struct sfs_fs *sfs, int *error)
{
    uint32_t ino = sfs->next_ino, inodes = sfs->super->inodes;

    for (uint32_t left = inodes / SFS_TABLE_INODES + 2; left > 0; left--) {
        struct cached_block *table = table_get(sfs, ino, error);

        if (table == NULL)
            return 0;
        do {
            if (table_inode(table, ino)->type == SFS_TYPE_FREE && ino != 0) {
                cache_put(table);
                return ino;
            }
        } while (++ino < inodes && ino % SFS_TABLE_INODES != 0);
        cache_put(table);
        if (ino == inodes)
            ino = 0;
    }
    *error = -E_NO_SPACE;
    return 0;
}

/* What can fail comes before the table is changed. Nobody else has seen the inode when it comes
   into the hash, because no entry leads to it yet. */
int sfs_inode_alloc(struct sfs_fs *sfs, uint16_t type, struct inode **result)
{
    struct sfs_inode *sin;
    uint32_t ino;
    int error;

    assert(mutex_held(&sfs->tree));
    ino = find_free(sfs, &error);
    sin = ino != 0 ? sin_create(sfs, ino, &error) : NULL;
    if (sin == NULL)
        return error;
    /* Behind this one: an inode that was freed just now is not used again at once, so a mistake
       with an old number is found more easily. */
    sfs->next_ino = ino + 1 < sfs->super->inodes ? ino + 1 : 0;
    *sin->din = (struct sfs_disk_inode){ .type = type, .nlinks = type == SFS_TYPE_DIR ? 2 : 1 };
    journal_write(sin->table);
    sin_init(sfs, sin, ino);
    spin_lock(&sfs->lock);
    list_add(hash_list(sfs, ino), &sin->hash_link);
    spin_unlock(&sfs->lock);
    *result = &sin->inode;
    return 0;
}

/* If a block of the table cannot be read, that is told: a number that is too low would look as if
   inodes were lost. */
int sfs_count_inodes(struct sfs_fs *sfs, uint32_t *count)
{
    int error = 0;

    *count = 0;
    mutex_lock(&sfs->tree);
    for (uint32_t ino = 0; ino < sfs->super->inodes; ino += SFS_TABLE_INODES) {
        struct cached_block *table = table_get(sfs, ino, &error);

        if (table == NULL)
            break;
        for (uint32_t i = ino; i < ino + SFS_TABLE_INODES && i < sfs->super->inodes; i++)
            *count += i != 0 && table_inode(table, i)->type == SFS_TYPE_FREE;
        cache_put(table);
    }
    mutex_unlock(&sfs->tree);
    return error;
}

/* How many names there are after a change. A directory that is there has two links at least, and
   loses them at once: if on a damaged disk too few were counted, it stays all the same, because of
   what may be in it. */
static uint16_t links_after(const struct inode *node, int links, int change)
{
    int least = node->type == S_IFDIR && change == -1 ? 2 : 0;

    return links + change > least ? links + change : least;
}

/* The inode leaves the hash with its last name. Who is just reading it in by another name, which is
   too much then, sees that it has none, because that is set before. */
void sfs_link_count(struct inode *node, int change)
{
    struct sfs_fs *sfs = fsop_info(node->in_fs);
    struct sfs_inode *sin = vop_info(node);
    struct sfs_disk_inode *din = sin->din;

    assert(mutex_held(&sfs->tree));
    mutex_lock(&node->lock);
    din->nlinks = links_after(node, din->nlinks, change);
    if (din->nlinks == 0) {
        /* It becomes the first of the list: two numbers change, in the same transaction as the
           entry that went. A crash before the commit leaves the name, one after it the orphan. */
        din->next_orphan = sfs->super->orphan;
        sfs->super->orphan = node->ino;
        journal_write(sfs->super_block);
        spin_lock(&sfs->lock);
        list_del_init(&sin->hash_link);
        spin_unlock(&sfs->lock);
    }
    journal_write(sin->table);
    mutex_unlock(&node->lock);
}

/* Take an inode out of the list of orphans: what led to it leads to the next one then. With 4 taken
   out of the list:

     superblock.orphan --> 7 --> 4 --> 9 --> 0       superblock.orphan --> 7 --> 9 --> 0

   It is walked from its start, since an inode knows only the next one. On a damaged disk the list
   may be a circle: so it is walked for as many steps as there are inodes, and no further. */
static int orphan_remove(struct sfs_fs *sfs, uint32_t ino, uint32_t behind)
{
    uint32_t inodes = sfs->super->inodes, left = inodes, *number = &sfs->super->orphan, at;
    struct cached_block *holder = sfs->super_block, *next;
    int error = 0;

    cache_ref(holder);
    while ((at = *number) != ino && at != 0 && at < inodes && left-- > 0) {
        next = table_get(sfs, at, &error);
        if (next == NULL)
            break;
        cache_put(holder);
        holder = next;
        number = &table_inode(holder, at)->next_orphan;
    }
    if (*number == ino) {
        *number = behind;
        journal_write(holder);
    } else if (error == 0) {
        error = sfs_damaged(ino, "is not in the list of orphans, which begins with",
                            sfs->super->orphan);
    }
    cache_put(holder);
    return error;
}

/* Free an inode that has no name, and its blocks: a series of transactions if they are many. It is
   the caller's alone; the lock is for the functions that want it held. What fails is tried again by
   the next mount. It leaves the list in the last of them: after a crash before that it is still
   there, with fewer blocks. `tree` is held because it guards the list. */
static void orphan_free(struct sfs_fs *sfs, struct sfs_inode *sin)
{
    uint32_t end = 1;
    int error = 0;

    while (error == 0 && end > 0 && sfs_begin(sfs, SFS_CUT_BLOCKS, SFS_MAP_SHARE) == 0) {
        mutex_lock(&sfs->tree);
        mutex_lock(&sin->inode.lock);
        error = sfs_bmap_truncate_nolock(sfs, sin, 0, &end);
        if (error == 0 && end == 0)
            error = orphan_remove(sfs, sin->inode.ino, sin->din->next_orphan);
        if (error == 0 && end == 0)
            *sin->din = (struct sfs_disk_inode){ .type = SFS_TYPE_FREE };
        mutex_unlock(&sin->inode.lock);
        mutex_unlock(&sfs->tree);
        journal_end();
        sched_give_way();
    }
}

/* Each turn frees the first of the list; if it is still the first then, the list goes nowhere. To
   put the only reference is what frees it, as it does while the disk is in use. */
bool sfs_free_orphans(struct sfs_fs *sfs)
{
    uint32_t ino;
    int error;

    while ((ino = sfs->super->orphan) != 0) {
        struct sfs_inode *sin = sin_load(sfs, ino, &error);

        if (sin == NULL)
            return false;
        if (sin->din->nlinks != 0) {
            sin_free(sfs, sin);
            return false;
        }
        inode_put(&sin->inode);
        if (sfs->super->orphan == ino)
            return false;
    }
    return true;
}

/* The last reference goes with the hash's lock held: until then another task may find the inode. */
void sfs_reclaim(struct inode *node)
{
    struct sfs_fs *sfs = fsop_info(node->in_fs);
    struct sfs_inode *sin = vop_info(node);
    bool last;

    spin_lock(&sfs->lock);
    /* pairs with inode_put() in inode.c: what others did to the inode is done */
    last = atomic_add(&node->refs, -1) == 1;
    if (last)
        list_del_init(&sin->hash_link);
    spin_unlock(&sfs->lock);
    if (!last)
        return;
    /* Nobody can find it from here on, so no lock is needed. */
    mmap_free(node);
    if (sin->din->nlinks == 0)
        orphan_free(sfs, sin);
    sin_free(sfs, sin);
}
