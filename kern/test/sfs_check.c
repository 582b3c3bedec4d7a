/* Is a disk as docs/sfs.md says? See sfs_disk.h. It reads the memory of a test's disk.

   Three passes over the table: the content of each inode, by which each block gets at most one
   owner; the entries of each directory, which count the names of inodes; then what was counted is
   compared. At last the map is compared with the owners.

   No number that it reads leads out of the disk: so it can be given any bytes. */
#include <mm/kmalloc.h>
#include <string.h>
#include <test/sfs_disk.h>
#include <test/testlib.h>

/* What is known of an inode. */
struct seen {
    uint32_t names;                     /* entries but "." and ".." */
    uint32_t directories;               /* in it, if it is one */
    uint32_t parent;                    /* that has its entry; of directories */
    bool orphan;
};

struct checked {
    const struct test_disk *disk;
    const struct sfs_super *super;
    uint32_t data, wrong, blocks;       /* first block of data; how many things; blocks in use */
    uint8_t *owned;                     /* by block */
    struct seen *seen;                  /* by inode */
};

/* More is counted, and not told: in a crash test there may be thousands of disks. */
#define TOLD    12

#define WRONG(c, ...) \
    do { \
        if ((c)->wrong++ < TOLD) { \
            cprintf("sfs_check: " __VA_ARGS__); \
            cprintf("\n"); \
        } \
    } while (0)

/* What belongs together on a sound disk; each line is one comparison:

     a number in an inode       <-> an owner of that block, one and no more
     an owner                   <-> a bit of the map that says "in use"
     entries that name it       <-> nlinks of the inode
     no entry at all            <-> the list of orphans, or a free inode

   It is not the kernel's code, on purpose: what both had wrong would look right. */

/* The inode of this number, in the table. */
static const struct sfs_disk_inode *inode_of(const struct checked *c, uint32_t ino)
{
    const struct sfs_disk_inode *block = test_disk_block(c->disk, c->super->table_start + ino / 32);

    return &block[ino % 32];
}

/* Are all n bytes zeros? Those at the start go one by one, up to a place that is a multiple of 8:
   crash tests look at thousands of disks. */
static bool zeros(const void *data, size_t n)
{
    const uint8_t *bytes = data, *end = bytes + n;

    for (; bytes < end && (uintptr_t)bytes % 8 != 0; bytes++)
        if (*bytes != 0)
            return false;
    for (; end - bytes >= 8; bytes += 8)
        if (*(const uint64_t *)bytes != 0)
            return false;
    for (; bytes < end; bytes++)
        if (*bytes != 0)
            return false;
    return true;
}

/* A number of a block in an inode: it gets its owner. False if it leads nowhere. */
static bool own(struct checked *c, uint32_t ino, uint32_t block, uint32_t *count)
{
    /* Superblock, journal, map, table and swap are no file's. */
    if (block < c->data || block >= c->super->swap_start) {
        WRONG(c, "inode %u has block %u, which is not data", ino, block);
        return false;
    }
    if (c->owned[block]++ > 0)
        WRONG(c, "block %u of inode %u is used twice", block, ino);
    c->blocks++;
    ++*count;
    return true;
}

/* What is below a number that is `above` steps over data, of which the first has this index. */
static void walk(struct checked *c, uint32_t ino, uint32_t block, int above, uint64_t index,
                 uint32_t *count)
{
    const struct sfs_disk_inode *din = inode_of(c, ino);
    uint64_t span = above < 2 ? 1 : SFS_NPER;

    if (block == 0) {
        if (above == 0 && din->type != SFS_TYPE_FILE && index * BLOCK_SIZE < din->size)
            WRONG(c, "inode %u, of type %u, has a hole at %lu", ino, din->type, index);
        return;
    }
    /* Such a block would come back, with its old bytes, when the file grows. */
    if (index * BLOCK_SIZE >= din->size)
        WRONG(c, "inode %u has block %u at %lu, behind its size %lu", ino, block, index, din->size);
    if (!own(c, ino, block, count))
        return;
    if (above == 0) {
        /* Likewise the rest of the last block: a file that grows must read as zeros there. */
        uint64_t behind = din->size - index * BLOCK_SIZE;

        if (behind < BLOCK_SIZE
            && !zeros((uint8_t *)test_disk_block(c->disk, block) + behind, BLOCK_SIZE - behind))
            WRONG(c, "inode %u has more than zeros behind its end", ino);
        return;
    }
    for (uint32_t i = 0; i < SFS_NPER; i++)
        walk(c, ino, ((uint32_t *)test_disk_block(c->disk, block))[i], above - 1, index + i * span,
             count);
}

/* The inode itself, and its content. */
static void check_inode(struct checked *c, uint32_t ino)
{
    const struct sfs_disk_inode *din = inode_of(c, ino);
    uint32_t count = 0;

    if (din->type == SFS_TYPE_FREE) {
        if (!zeros(din, sizeof(*din)))
            WRONG(c, "inode %u is free, but not zeros", ino);
        return;
    }
    /* An orphan may be one that was never complete; what has a name is. */
    if (din->type > SFS_TYPE_LINK || din->size > SFS_SIZE_MAX
        || (din->type == SFS_TYPE_DIR && din->size % BLOCK_SIZE != 0)
        || (din->type != SFS_TYPE_FILE && din->size == 0 && !c->seen[ino].orphan)
        || (din->type == SFS_TYPE_LINK && din->size >= BLOCK_SIZE)) {
        WRONG(c, "inode %u has type %u and size %lu", ino, din->type, din->size);
        return;
    }
    for (uint32_t i = 0; i < SFS_NDIRECT; i++)
        walk(c, ino, din->direct[i], 0, i, &count);
    walk(c, ino, din->indirect, 1, SFS_NDIRECT, &count);
    walk(c, ino, din->db_indirect, 2, SFS_NDIRECT + SFS_NPER, &count);
    if (count != din->blocks)
        WRONG(c, "inode %u counts %u blocks, and has %u", ino, din->blocks, count);
    if (!zeros(din->unused, sizeof(din->unused)))
        WRONG(c, "inode %u has something in what is not used", ino);
}

/* The block with this index of a directory; NULL: there is none. No test has a directory that needs
   its double indirect block: it would have 1036 blocks before. */
static const void *dir_block(struct checked *c, const struct sfs_disk_inode *din, uint32_t index)
{
    uint32_t block = index < SFS_NDIRECT ? din->direct[index] : din->indirect;

    if (block < c->data || block >= c->super->swap_start)
        return NULL;
    if (index >= SFS_NDIRECT) {
        block = ((uint32_t *)test_disk_block(c->disk, block))[index - SFS_NDIRECT];
        if (block < c->data || block >= c->super->swap_start)
            return NULL;
    }
    return test_disk_block(c->disk, block);
}

/* The entry at a place in a block of a directory. */
static const struct sfs_dirent *entry_at(const void *block, uint32_t offset)
{
    return (const struct sfs_dirent *)((const uint8_t *)block + offset);
}

/* An entry: what it says of the inode that it leads to. */
static void check_entry(struct checked *c, uint32_t dir, uint64_t at,
                        const struct sfs_dirent *entry)
{
    const struct sfs_disk_inode *din;

    if (entry->ino >= c->super->inodes || inode_of(c, entry->ino)->type == SFS_TYPE_FREE) {
        WRONG(c, "directory %u has an entry of inode %u, which is free", dir, entry->ino);
        return;
    }
    din = inode_of(c, entry->ino);
    if (din->type != entry->type)
        WRONG(c, "directory %u has inode %u as type %u", dir, entry->ino, entry->type);
    /* The first two entries are "." and "..", of 12 bytes each. They are no names of the inodes
       that they lead to: a directory's links are counted from the entries of the directories in
       it. */
    if (at < 24) {
        if (entry->name_length != (at == 0 ? 1 : 2) || memcmp(entry->name, "..", entry->name_length)
            || (at == 0 && entry->ino != dir))
            WRONG(c, "directory %u begins with a wrong entry of inode %u", dir, entry->ino);
        return;
    }
    c->seen[entry->ino].names++;
    c->seen[entry->ino].parent = dir;
    if (din->type == SFS_TYPE_DIR)
        c->seen[dir].directories++;
}

/* The entries of a directory. Its ".." is compared later, when all names are known. */
static void check_directory(struct checked *c, uint32_t ino)
{
    const struct sfs_disk_inode *din = inode_of(c, ino);

    for (uint32_t i = 0; i < din->size / BLOCK_SIZE; i++) {
        const void *block = dir_block(c, din, i);

        for (uint32_t offset = 0, length; block != NULL && offset < BLOCK_SIZE; offset += length) {
            const struct sfs_dirent *entry = entry_at(block, offset);

            length = offset <= BLOCK_SIZE - 8 ? entry->length : 0;
            if (length < 8 || length % 4 != 0 || length > BLOCK_SIZE - offset
                || (entry->ino != 0
                    && (entry->name_length == 0 || entry->name_length + 8U > length))) {
                WRONG(c, "directory %u has a bad entry at %u in block %u", ino, offset, i);
                break;
            }
            if (entry->ino != 0)
                check_entry(c, ino, (uint64_t)i * BLOCK_SIZE + offset, entry);
        }
    }
}

/* Names, links, and where a directory is. */
static void check_names(struct checked *c, uint32_t ino)
{
    const struct sfs_disk_inode *din = inode_of(c, ino);
    const struct seen *seen = &c->seen[ino];
    uint32_t links = seen->names, up = ino, left = c->super->inodes;

    if (din->type == SFS_TYPE_FREE)
        return;
    if (din->type == SFS_TYPE_DIR && !seen->orphan) {
        const struct sfs_dirent *second = entry_at(dir_block(c, din, 0), 12);
        uint32_t parent = ino == SFS_ROOT ? SFS_ROOT : seen->parent;

        links = 2 + seen->directories;
        if (seen->names != (ino != SFS_ROOT))
            WRONG(c, "directory %u has %u names", ino, seen->names);
        if (second->ino != parent)
            WRONG(c, "directory %u has the parent %u, not %u", ino, second->ino, parent);
        /* A circle of parents never comes to the root: so it ends after as many steps as there are
           inodes. */
        while (up != SFS_ROOT && left-- > 0)
            up = c->seen[up].parent;
        if (up != SFS_ROOT)
            WRONG(c, "directory %u is not below the root", ino);
    }
    if (din->nlinks != links || (links == 0 && !seen->orphan))
        WRONG(c, "inode %u counts %u links, and has %u", ino, din->nlinks, links);
    if (!seen->orphan && din->next_orphan != 0)
        WRONG(c, "inode %u is no orphan, but has a next one", ino);
}

/* The list of orphans. It is walked as the kernel does, from the superblock from inode to inode:

     superblock.orphan --> inode 9 --next_orphan--> inode 4 --next_orphan--> 0

   Where it comes to an inode for the second time it is a circle, which is wrong. An inode with no
   name that is not in it would never be freed: check_names() tells of that. */
static void mark_orphans(struct checked *c, bool allowed)
{
    uint32_t ino = c->super->orphan;

    for (; ino != 0 && ino < c->super->inodes && !c->seen[ino].orphan;
         ino = inode_of(c, ino)->next_orphan) {
        if (!allowed)
            WRONG(c, "inode %u is an orphan", ino);
        if (inode_of(c, ino)->nlinks != 0 || inode_of(c, ino)->type == SFS_TYPE_FREE)
            WRONG(c, "the orphan %u has links, or is free", ino);
        c->seen[ino].orphan = true;
    }
    if (ino != 0)
        WRONG(c, "the list of orphans leads to inode %u", ino);
}

/* A bit is 1 where there is data that nobody has. The other way is as wrong: a block that somebody
   has, and that is free in the map, will be given to a second file; one that nobody has, and that
   is not free, is lost. */
static void check_map(struct checked *c)
{
    const uint8_t *map = test_disk_block(c->disk, c->super->map_start);
    uint32_t bits = c->super->map_blocks * 32768, inside = ROUNDUP(c->super->blocks, 8);

    if (!zeros(map + inside / 8, (bits - inside) / 8))
        WRONG(c, "the map has bits behind the end of the disk");
    for (uint32_t block = 0; block < inside; block++) {
        bool free = map[block / 8] >> block % 8 & 1;
        bool data = block >= c->data && block < c->super->swap_start;

        if (free != (data && c->owned[block] == 0))
            WRONG(c, "block %u is %s in the map", block, free ? "free" : "used");
    }
}

/* Look at each inode, or at each that is a directory. Inode 0 is none. */
static void pass(struct checked *c, void (*look)(struct checked *c, uint32_t ino), bool directories)
{
    for (uint32_t ino = 1; ino < c->super->inodes; ino++)
        if (!directories || inode_of(c, ino)->type == SFS_TYPE_DIR)
            look(c, ino);
}

/* Nothing is known at first: no block has an owner, no inode a name. */
static void begin(struct checked *c, const struct test_disk *disk)
{
    *c = (struct checked){ .disk = disk, .super = test_disk_block(disk, 0) };
    c->data = c->super->table_start + c->super->table_blocks;
    c->owned = kmalloc(disk->device.blocks);
    c->seen = kmalloc(c->super->inodes * sizeof(*c->seen));
    assert(c->owned != NULL && c->seen != NULL);
    memset(c->owned, 0, disk->device.blocks);
    memset(c->seen, 0, c->super->inodes * sizeof(*c->seen));
}

uint32_t sfs_check(const struct test_disk *disk, bool orphans)
{
    const struct sfs_commit *record = test_disk_block(disk, 1);
    struct checked c;

    begin(&c, disk);
    if (record->count != 0)
        WRONG(&c, "the journal has %u blocks", record->count);
    mark_orphans(&c, orphans);
    pass(&c, check_inode, false);
    /* A directory whose blocks are wrong has been told of, and cannot be walked. */
    if (c.wrong == 0) {
        pass(&c, check_directory, true);
        pass(&c, check_names, false);
        check_map(&c);
    }
    kfree(c.owned);
    kfree(c.seen);
    return c.wrong;
}

void sfs_count_used(const struct test_disk *disk, uint32_t *blocks, uint32_t *inodes)
{
    struct checked c;

    begin(&c, disk);
    *inodes = 0;
    pass(&c, check_inode, false);
    for (uint32_t ino = 1; ino < c.super->inodes; ino++)
        *inodes += inode_of(&c, ino)->type != SFS_TYPE_FREE;
    *blocks = c.blocks;
    kfree(c.owned);
    kfree(c.seen);
}
