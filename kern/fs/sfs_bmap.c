/* The block map: which block of the disk has the content of a file from n * 4096 on.

   The numbers are the leaves of trees. An inode has SFS_NDIRECT + 2 roots: the first ones are
   numbers of data, the next leads to one block of numbers, the last to a block of numbers of such
   blocks. A path is the way to a leaf: the number of the root, then the place in each block.

       index                         path
       0 ... 11                      index
       12 ... 1035                   12, index - 12
       1036 ...                      13, (index - 1036) / 1024, (index - 1036) % 1024

   A number of 0 is a hole, of as many blocks as there are below it. All functions are called with
   the inode's lock held, and a change within a transaction. */
#include <error.h>
#include <fs/sfs.h>

/* The tree of a file with a block at index 3, one at 13 and one at 2063. All other numbers are 0:

     inode               block of numbers      block of numbers     data
     roots[0]  0
     ...
     roots[3]  ----------------------------------------------->     index 3
     ...
     roots[12] ----->    [0]     0
                         [1]     ------------------------->         index 13
                         ...
     roots[13] ----->    [0]     0
                         [1]     ----->        [0]   0
                                               ...
                                               [3]   ----->         index 2063
                                               ...

   It has six blocks: three of data, three of numbers. */

/* Blocks of data below a number, by how far it is above them. */
static const uint32_t span[] = { 1, SFS_NPER, SFS_NPER * SFS_NPER };

/* The path to an index that is behind the direct ones: how many steps, or 0: no file is so long. */
static int bmap_path(uint32_t index, uint32_t path[3])
{
    /* EXERCISE 8.2 begin: bmap_path */
    index -= SFS_NDIRECT;
    for (int above = 1; above <= 2; above++) {
        if (index < span[above]) {
            path[0] = SFS_NDIRECT + above - 1;
            path[1] = index / span[above - 1];
            path[2] = index % SFS_NPER;
            return above + 1;
        }
        index -= span[above];
    }
    return 0;
    /* EXERCISE 8.2 end */
}

/* The numbers in a holder: the block of the table, which has the inode, or a block of numbers. */
static uint32_t *numbers_in(const struct sfs_inode *sin, const struct cached_block *holder)
{
    return holder == sin->table ? sin->din->roots : cache_data(holder);
}

/* A hole of data at this place of a holder gets its block. If the disk is full nothing has changed.
   The holder may be the inode's own block: then it is told to the journal twice, which is free. */
static __never_inlined int bmap_take(struct sfs_fs *sfs, struct sfs_inode *sin,
                                     struct cached_block *holder, uint32_t place, bool whole)
{
    uint32_t fresh;
    int error = sfs_block_alloc(sfs, !whole, &fresh);

    if (error == 0) {
        numbers_in(sin, holder)[place] = fresh;
        journal_write(holder);
        sin->din->blocks++;
        journal_write(sin->table);
    }
    return error;
}

/* A hole gets the n blocks of the rest of its path, two or three, the last of which is the data.
   All are taken before the first is put into the tree: so if the disk is full nothing has changed.
   Must not fail from there on, nor when they are given back: what was just taken is in the cache,
   because the journal has it. */
static __never_inlined int bmap_fill(struct sfs_fs *sfs, struct sfs_inode *sin,
                                     struct cached_block *holder, const uint32_t *path, int n,
                                     bool whole)
{
    /* EXERCISE 8.2 begin: bmap_fill */
    uint32_t fresh[3];
    int error;

    /* First all that can fail. What leads to others is cleared in any case: a number that is not
       written below must be a hole. */
    for (int i = 0; i < n; i++) {
        error = sfs_block_alloc(sfs, i < n - 1 || !whole, &fresh[i]);
        if (error != 0) {
            while (i-- > 0)
                if (sfs_block_free(sfs, sin->inode.ino, fresh[i]) != 0)
                    panic("a block of the map is not in the cache");
            return error;
        }
    }
    /* From here on they are the file's. The new blocks are in the journal already. */
    numbers_in(sin, holder)[path[0]] = fresh[0];
    journal_write(holder);
    sin->din->blocks += n;
    journal_write(sin->table);
    for (int i = 1; i < n; i++) {
        holder = cache_get(fresh[i - 1], &error);
        assert(holder != NULL);
        numbers_in(sin, holder)[path[i]] = fresh[i];
        cache_put(holder);
    }
    return 0;
    /* EXERCISE 8.2 end */
}

/* One step: *block is the number in the holder at path[0], the first of the n places that are left
   of the path. A hole there is filled, if `create`. */
static inline int bmap_step(struct sfs_fs *sfs, struct sfs_inode *sin,
                            struct cached_block *holder, const uint32_t *path, int n,
                            enum sfs_create create, uint32_t *block)
{
    uint32_t *number = &numbers_in(sin, holder)[path[0]];
    int error = 0;

    if (unlikely(*number == 0 && create != SFS_LOOK))
        error = n == 1 ? bmap_take(sfs, sin, holder, path[0], create == SFS_WHOLE) :
            bmap_fill(sfs, sin, holder, path, n, create == SFS_WHOLE);
    *block = *number;
    if (unlikely(*block != 0 && !sfs_block_valid(sfs, *block)))
        error = sfs_damaged(sin->inode.ino, "has a block that is none of the data's,", *block);
    return error;
}

/* The walk to a block that is behind the direct ones, step by step. Of blocks of numbers it has a
   reference for as long as one step takes. */
static int bmap_walk(struct sfs_fs *sfs, struct sfs_inode *sin, uint32_t index,
                     enum sfs_create create, uint32_t *block)
{
    /* EXERCISE 8.2 begin: bmap_walk */
    uint32_t path[3];
    int steps = bmap_path(index, path), error;

    if (steps == 0)
        return -E_TOO_BIG;
    /* Each number leads to the holder of the next; 0 is a hole, whatever would be below it. */
    error = bmap_step(sfs, sin, sin->table, path, steps, create, block);
    for (int i = 1; i < steps && error == 0 && *block != 0; i++) {
        struct cached_block *holder = cache_get(*block, &error);

        if (holder == NULL)
            break;
        error = bmap_step(sfs, sin, holder, path + i, steps - i, create, block);
        cache_put(holder);
    }
    return error;
    /* EXERCISE 8.2 end */
}

/* Not a block that hangs at the inode and is there: a hole, or one that blocks of numbers lead to.
   It is a function of its own so that what is rare takes no registers of what is not: a read of a
   small file is one of the things that programs do most. */
static __never_inlined int bmap_other(struct sfs_fs *sfs, struct sfs_inode *sin, uint32_t index,
                                      enum sfs_create create, uint32_t *block)
{
    return index >= SFS_NDIRECT ? bmap_walk(sfs, sin, index, create, block) :
        bmap_step(sfs, sin, sin->table, &index, 1, create, block);
}

/* Most blocks that are looked for hang at the inode itself, and are there: that is no walk. */
int sfs_bmap_get_nolock(struct sfs_fs *sfs, struct sfs_inode *sin, uint32_t index,
                        enum sfs_create create, uint32_t *block)
{
    assert(mutex_held(&sin->inode.lock) || (create == SFS_LOOK && mutex_held(&sfs->tree)));
    if (index < SFS_NDIRECT && sfs_block_valid(sfs, sin->din->roots[index])) {
        *block = sin->din->roots[index];
        return 0;
    }
    return bmap_other(sfs, sin, index, create, block);
}

/* What is cut off: from which index on, how many blocks may still be looked at in this transaction,
   and behind which block nothing is left. */
struct bmap_cut {
    struct sfs_fs *sfs;
    struct sfs_inode *sin;
    uint32_t from, budget, end;
};
#define CUT_LATER   1                   /* a result: the budget is used up */

/* Free what is below a number, from its end on, and then its block. It is `above` steps over data,
   of which the first is at index `first`. A block of numbers that stays is told to the journal; of
   one that goes nobody will read what is in it, so it is not. */
static int bmap_cut(struct bmap_cut *cut, uint32_t *number, int above, uint32_t first)
{
    struct cached_block *holder = NULL;
    bool whole = first >= cut->from;
    int error = 0;

    if (*number == 0 || (!whole && cut->from - first >= span[above]))
        return 0;
    if (cut->budget == 0)
        return CUT_LATER;
    cut->budget--;
    if (above > 0 && sfs_block_valid(cut->sfs, *number)) {
        /* EXERCISE 8.2 begin: bmap_cut */
        holder = cache_get(*number, &error);
        if (holder == NULL)
            return error;
        uint32_t *numbers = cache_data(holder);
        /* From the end on, so that what is left if there is no more budget is the start. Of most
           files nearly all numbers are 0. */
        for (uint32_t i = SFS_NPER; i-- > 0 && error == 0;)
            if (unlikely(numbers[i] != 0))
                error = bmap_cut(cut, &numbers[i], above - 1, first + i * span[above - 1]);
        /* EXERCISE 8.2 end */
    }
    if (error == 0 && whole)
        error = sfs_block_free(cut->sfs, cut->sin->inode.ino, *number);
    if (error == 0 && whole) {
        *number = 0;
        cut->sin->din->blocks--;
        cut->end = first;
    } else if (holder != NULL) {
        journal_write(holder);
    }
    if (holder != NULL)
        cache_put(holder);
    return error;
}

/* If the whole map is no more than the share of it, there is a limit only so that a transaction
   does not take too long. */
int sfs_bmap_truncate_nolock(struct sfs_fs *sfs, struct sfs_inode *sin, uint32_t from,
                             uint32_t *end)
{
    struct bmap_cut cut = { sfs, sin, from, SFS_MAP_SHARE, SFS_BLOCKS_MAX };
    int error = 0;

    assert(mutex_held(&sin->inode.lock));
    if (sfs->super->map_blocks <= SFS_MAP_SHARE)
        cut.budget = 2 * SFS_NPER;
    for (int root = SFS_NDIRECT + 2; root-- > 0 && error == 0;) {
        int above = root < SFS_NDIRECT ? 0 : root - SFS_NDIRECT + 1;

        error = bmap_cut(&cut, &sin->din->roots[root], above,
                         above < 2 ? root : SFS_NDIRECT + SFS_NPER);
    }
    journal_write(sin->table);
    *end = error == 0 ? from : cut.end;
    return error == CUT_LATER ? 0 : error;
}
