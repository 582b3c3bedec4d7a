/* The tree of a file system as a number: see crash.h. It is made twice, in two ways: by the
   functions of the kernel, from a file system in use, and by this file alone, from the bytes of a
   disk. So if the kernel keeps a change in memory and forgets it on the disk, the two differ.

   Each name adds to the sum what it leads to: its path, type, number of links, size, and content.
   A sum does not depend on the order of entries, which means nothing. A hole adds as little as
   zeros, because they read the same. Of a directory its size does not count, nor its links: the
   checker compares these. */
#include <error.h>
#include <fs/sfs.h>
#include <fs/vfs.h>
#include <string.h>
#include <test/crash.h>

/* A walk through a tree; each path begins with the root's, which is empty. */
struct tree_walk {
    struct tree sum;
    const struct test_disk *disk;       /* or NULL, if the functions of the kernel are asked */
    uint32_t parts;                     /* bits of those that are wanted */
    bool shared;                        /* files belong to two threads */
    struct Page *page;                  /* for a block */
};

/* Mix a number into another one. */
static uint64_t mix(uint64_t hash, uint64_t number)
{
    hash = (hash ^ number) * 0xd1342543de82ef95ULL;
    return hash ^ hash >> 32;
}

/* The hash of a path that goes on. */
static uint64_t mix_name(uint64_t path, const char *name)
{
    path = mix(path, '/');
    while (*name != '\0')
        path = mix(path, *name++);
    return path;
}

/* Whose is this name in the root? */
static uint32_t owner(const struct tree_walk *w, const char *name)
{
    return w->shared && *name == 'b';
}

/* What a block of content adds to that of its file. */
static uint64_t block_part(uint64_t index, const void *block)
{
    uint64_t hash = block_hash(block);

    return hash == 0 ? 0 : mix(hash, index);
}

/* What a name adds. Links of a directory are not counted here. */
static uint64_t name_part(uint64_t path, uint32_t type, uint32_t links, uint64_t size,
                          uint64_t content)
{
    if (type == SFS_TYPE_DIR)
        links = size = content = 0;
    return mix(mix(mix(mix(path, type), links), size), content);
}

/* The content of a file, or of a symbolic link, that is read. The end of the last block is zeros
   here, as it is on the disk. */
static uint64_t content_of_file(struct tree_walk *w, struct inode *node, uint64_t size)
{
    uint64_t sum = 0;

    for (uint64_t at = 0; at < size; at += BLOCK_SIZE) {
        struct iobuf iob = iobuf_kernel(page2kva(w->page), BLOCK_SIZE, at);

        memset(page2kva(w->page), 0, BLOCK_SIZE);
        if (node->type == S_IFLNK)
            assert_eq(vfs_readlink(node, &iob), 0);
        else
            assert_eq(vop_data(node, vop_read, &iob), 0);
        sum += block_part(at / BLOCK_SIZE, page2kva(w->page));
    }
    return sum;
}

/* All names below a directory. With the root, whose path is 0, each name has its owner. */
static void walk_files(struct tree_walk *w, struct inode *dir, uint64_t path, uint32_t part)
{
    char name[SFS_NAME_MAX + 1];
    off_t offset = 0;
    uint32_t ino;

    while (vop_names(dir, vop_getdirentry, &offset, name, &ino) == 0) {
        uint64_t below = mix_name(path, name);
        struct inode *node;
        struct stat stat;

        if (path == 0)
            part = owner(w, name);
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || !(w->parts >> part & 1))
            continue;
        assert_eq(vfs_lookup(dir, name, false, &node), 0);
        assert_eq(vop_data(node, vop_fstat, &stat), 0);
        w->sum.part[part] += name_part(below, SFS_TYPE(node->type), stat.st_nlinks, stat.st_size,
                                       node->type == S_IFDIR ? 0
                                       : content_of_file(w, node, stat.st_size));
        if (node->type == S_IFDIR)
            walk_files(w, node, below, part);
        inode_put(node);
    }
}

struct tree tree_of_files(struct inode *root, uint32_t parts, bool shared)
{
    struct tree_walk w = { .parts = parts, .shared = shared, .page = alloc_page() };

    assert(w.page != NULL);
    walk_files(&w, root, 0, 0);
    free_page(w.page);
    return w.sum;
}

/* The content below a number of a block, which is `above` steps over data. */
static uint64_t content_below(const struct tree_walk *w, uint32_t block, int above, uint64_t index)
{
    const uint32_t *numbers;
    uint64_t sum = 0;

    if (block == 0)
        return 0;
    numbers = test_disk_block(w->disk, block);
    if (above == 0)
        return block_part(index, numbers);
    for (uint32_t i = 0; i < SFS_NPER; i++)
        if (numbers[i] != 0)
            sum += content_below(w, numbers[i], above - 1, index + i * (above < 2 ? 1 : SFS_NPER));
    return sum;
}

/* The content of an inode of the table. */
static uint64_t content_of_inode(const struct tree_walk *w, const struct sfs_disk_inode *din)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < SFS_NDIRECT; i++)
        sum += content_below(w, din->direct[i], 0, i);
    return sum + content_below(w, din->indirect, 1, SFS_NDIRECT)
        + content_below(w, din->db_indirect, 2, SFS_NDIRECT + SFS_NPER);
}

/* The inode of this number. */
static const struct sfs_disk_inode *inode_of(const struct tree_walk *w, uint32_t ino)
{
    const struct sfs_super *super = test_disk_block(w->disk, 0);
    const struct sfs_disk_inode *block = test_disk_block(w->disk, super->table_start + ino / 32);

    return &block[ino % 32];
}

static void walk_disk(struct tree_walk *w, uint32_t ino, uint64_t path, uint32_t part);

/* An entry of a directory. The first two of each are passed over by their names. */
static void walk_entry(struct tree_walk *w, const struct sfs_dirent *entry, uint64_t path,
                       uint32_t part)
{
    const struct sfs_disk_inode *din = inode_of(w, entry->ino);
    char name[SFS_NAME_MAX + 1];

    memcpy(name, entry->name, entry->name_length);
    name[entry->name_length] = '\0';
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return;
    if (path == 0)
        part = owner(w, name);
    path = mix_name(path, name);
    w->sum.part[part] += name_part(path, din->type, din->nlinks, din->size,
                                   din->type == SFS_TYPE_DIR ? 0 : content_of_inode(w, din));
    if (din->type == SFS_TYPE_DIR)
        walk_disk(w, entry->ino, path, part);
}

/* All names below the directory of this number. No directory of a workload needs indirect
   blocks. */
static void walk_disk(struct tree_walk *w, uint32_t ino, uint64_t path, uint32_t part)
{
    const struct sfs_disk_inode *dir = inode_of(w, ino);

    assert(dir->size <= SFS_NDIRECT * BLOCK_SIZE);
    for (uint32_t i = 0; i < dir->size / BLOCK_SIZE; i++) {
        const uint8_t *block = test_disk_block(w->disk, dir->direct[i]);

        for (uint32_t offset = 0; offset < BLOCK_SIZE;) {
            const struct sfs_dirent *entry = (const struct sfs_dirent *)(block + offset);

            if (entry->ino != 0)
                walk_entry(w, entry, path, part);
            offset += entry->length;
        }
    }
}

struct tree tree_of_disk(const struct test_disk *disk, bool shared)
{
    struct tree_walk w = { .disk = disk, .shared = shared };

    walk_disk(&w, SFS_ROOT, 0, 0);
    return w.sum;
}
