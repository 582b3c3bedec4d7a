/* The map of free blocks: one bit for each block of the disk, 1 while it is free. It is read and
   changed in the block cache, a word of 64 bits at a time.

   A search begins behind the block that was given last, so blocks that are written one after the
   other are neighbours on the disk, and a disk that is almost full is not searched from its start
   each time. Finding a bit and clearing it are one step, under the lock `map`: else two files would
   get one block.

   The map may be wrong, if the disk is damaged. Bits of what is no data of files are never looked
   at, so whatever stands there, the superblock is not given to a file. */
#include <error.h>
#include <fs/sfs.h>

/* The part of the map that has the bit of a block: bits `from` to `to` of one block of it are those
   of blocks `base` + from, ... */
struct map_part {
    struct cached_block *block;         /* with a reference; NULL: it cannot be read */
    uint64_t *words;
    uint32_t base, from, to;
};

/* A map of three blocks, and the parts of a search that begins at the * :

     blocks of the map     | 0              | 1       *        | 2              |
     parts, in order         3rd              4th     1st        2nd

   The block in which it begins is looked at twice, from that place on and from its start. So each
   bit is looked at, and the search has an end. */

/* The part from this block on, up to the end of the data or of the map's block. */
static struct map_part map_part(struct sfs_fs *sfs, uint32_t block, int *error)
{
    struct map_part part = { .base = ROUNDDOWN(block, SFS_MAP_BITS), .from = block % SFS_MAP_BITS };

    part.to = sfs->data_end - part.base < SFS_MAP_BITS ? sfs->data_end - part.base : SFS_MAP_BITS;
    part.block = cache_get(sfs->super->map_start + block / SFS_MAP_BITS, error);
    if (part.block != NULL)
        part.words = cache_data(part.block);
    return part;
}

/* How many bits of a word are set: sums of 2, 4, and 8 bits side by side, then the sum of these. */
static uint32_t bits_set(uint64_t word)
{
    word -= word >> 1 & 0x5555555555555555;
    word = (word & 0x3333333333333333) + (word >> 2 & 0x3333333333333333);
    word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f;
    return word * 0x0101010101010101 >> 56;
}

/* Whole words at a time, where a part has them; single bits at its ends. */
int sfs_map_count(struct sfs_fs *sfs)
{
    struct map_part part;
    int error;

    for (uint32_t b = sfs->data_start; b < sfs->data_end; b = part.base + part.to) {
        part = map_part(sfs, b, &error);
        if (part.block == NULL)
            return error;
        for (uint32_t i = part.from, step; i < part.to; i += step) {
            /* A word that lies whole in the part, or one bit of a word that does not. */
            step = i % 64 == 0 && part.to - i >= 64 ? 64 : 1;
            sfs->free_blocks += bits_set(part.words[i / 64] >> i % 64 << (64 - step));
        }
        cache_put(part.block);
    }
    return 0;
}

/* The first block of the part that is free, or the one behind the part. */
static uint32_t map_find(const struct map_part *part)
{
    uint32_t i = part->from;

    while (i < part->to) {
        uint64_t word = part->words[i / 64] >> i % 64;

        if (word & 1)
            break;
        i = word == 0 ? ROUNDDOWN(i, 64) + 64 : i + 1;
    }
    return part->base + (i < part->to ? i : part->to);
}

/* Take a block that is free in this part. Its page comes first: that can fail. */
static int map_take(struct sfs_fs *sfs, struct map_part *part, bool zeros, uint32_t block)
{
    int error;
    struct cached_block *fresh = cache_get_new(block, zeros, &error);

    if (fresh == NULL)
        return error;
    part->words[block % SFS_MAP_BITS / 64] &= ~(1UL << block % 64);
    journal_write(part->block);
    journal_write(fresh);
    cache_put(fresh);
    sfs->free_blocks--;
    sfs->next_block = block + 1 < sfs->data_end ? block + 1 : sfs->data_start;
    return 0;
}

/* The search goes round once. The part that it begins in comes twice: its bits before the place
   where it began are looked at last. */
int sfs_block_alloc(struct sfs_fs *sfs, bool zeros, uint32_t *block)
{
    uint32_t parts = sfs->super->map_blocks + 1, b;
    int error = -E_NO_SPACE;

    mutex_lock(&sfs->map);
    b = sfs->next_block;
    while (error == -E_NO_SPACE && sfs->free_blocks > 0 && parts-- > 0) {
        struct map_part part = map_part(sfs, b, &error);

        if (part.block == NULL)
            break;
        *block = b = map_find(&part);
        if (b < part.base + part.to)
            error = map_take(sfs, &part, zeros, b);
        else if (b == sfs->data_end)
            b = sfs->data_start;
        cache_put(part.block);
    }
    mutex_unlock(&sfs->map);
    return error;
}

/* To free what is free already would give it to two files later. */
int sfs_block_free(struct sfs_fs *sfs, uint32_t ino, uint32_t block)
{
    struct map_part part;
    uint64_t bit = 1UL << block % 64;
    int error = 0;

    if (!sfs_block_valid(sfs, block)) {
        sfs_damaged(ino, "has a block that is none of the data's,", block);
        return 0;
    }
    mutex_lock(&sfs->map);
    part = map_part(sfs, block, &error);
    if (part.block != NULL) {
        if (part.words[part.from / 64] & bit) {
            sfs_damaged(ino, "has a block that is free,", block);
        } else {
            part.words[part.from / 64] |= bit;
            sfs->free_blocks++;
            journal_write(part.block);
        }
        cache_put(part.block);
    }
    mutex_unlock(&sfs->map);
    return error;
}
