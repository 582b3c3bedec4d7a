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

/* Blocks of data below a number, by how far it is above them. */
static const uint32_t span[] = { 1, SFS_NPER, SFS_NPER * SFS_NPER };

/* The path to an index: how many steps, or 0: no file is so long. */
static int bmap_path(uint64_t index, uint32_t path[3])
{
    if (index < SFS_NDIRECT) {
        path[0] = index;
        return 1;
    }
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
}

/* A hole gets the n blocks of the rest of its path, the last of which is the data. All are taken
   before the first is put into the tree: so if the disk is full nothing has changed. What was just
   taken is in the cache, because the journal has it, so nothing can fail from there on. */
static __never_inlined int bmap_fill(struct sfs_fs *sfs, struct sfs_inode *sin,
                                     struct cached_block *holder, const uint32_t *path, int n,
                                     bool whole)
{
    uint32_t fresh[3], *numbers = holder == sin->table ? sin->din->roots : cache_data(holder);
    int error;

    for (int i = 0; i < n; i++) {
        error = sfs_block_alloc(sfs, i < n - 1 || !whole, &fresh[i]);
        if (error != 0) {
            while (i-- > 0)
                if (sfs_block_free(sfs, sin->inode.ino, fresh[i]) != 0)
                    panic("a block of the map is not in the cache");
            return error;
        }
    }
    numbers[path[0]] = fresh[0];
    journal_write(holder);
    sin->din->blocks += n;
    journal_write(sin->table);
    for (int i = 1; i < n; i++) {
        holder = cache_get(fresh[i - 1], &error);
        assert(holder != NULL);
        numbers = cache_data(holder);
        numbers[path[i]] = fresh[i];
        cache_put(holder);
    }
    return 0;
}

/* The walk to a block. Each turn is one step: `number` leads to the holder of the next ones, and is
   one of them then. */
static __never_inlined int bmap_walk(struct sfs_fs *sfs, struct sfs_inode *sin, uint32_t index,
                                     enum sfs_create create, uint32_t *block)
{
    uint32_t path[3], *numbers = sin->din->roots, number = 0;
    int steps = bmap_path(index, path), error = steps > 0 ? 0 : -E_TOO_BIG;
    struct cached_block *holder = sin->table;

    for (int i = 0; i < steps; i++) {
        if (i > 0) {
            struct cached_block *next = cache_get(number, &error);

            if (holder != sin->table)
                cache_put(holder);
            holder = next;
            if (holder == NULL)
                return error;
            numbers = cache_data(holder);
        }
        if (unlikely(numbers[path[i]] == 0 && create != SFS_LOOK))
            error = bmap_fill(sfs, sin, holder, path + i, steps - i, create == SFS_WHOLE);
        number = numbers[path[i]];
        if (unlikely(number != 0 && !sfs_block_valid(sfs, number)))
            error = sfs_damaged(sin->inode.ino, "has a block that is none of the data's,", number);
        if (number == 0 || error != 0)
            break;
    }
    if (holder != sin->table)
        cache_put(holder);
    *block = number;
    return error;
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
    return bmap_walk(sfs, sin, index, create, block);
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
        holder = cache_get(*number, &error);
        if (holder == NULL)
            return error;
        uint32_t *numbers = cache_data(holder);
        for (uint32_t i = SFS_NPER; i-- > 0 && error == 0;)
            if (numbers[i] != 0)
                error = bmap_cut(cut, &numbers[i], above - 1, first + i * span[above - 1]);
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
