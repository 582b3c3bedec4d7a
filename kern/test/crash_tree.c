/* The tree of a file system as a number: see crash.h. It is made twice, in two ways: by the
   functions of the kernel, from a file system in use, and by this file alone, from the bytes of a
   disk. So if the kernel keeps a change in memory and forgets it on the disk, the two differ.

   Each name adds to the sum what it leads to: its path, type, number of links, size, and content.
   A sum does not depend on the order of entries, which means nothing. A hole adds as little as
   zeros, because they read the same. Of a directory its size does not count, nor its links: the
   checker compares these.

   Where two threads work, each has a tree of its own, with the names in the root that begin with
   'a', or 'b'. A file whose name begins with 's' is in both: its even blocks are in the first, its
   odd ones in the second. */
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
    /* So that "ab/c" and "a/bc" differ. */
    path = mix(path, '/');
    while (*name != '\0')
        path = mix(path, *name++);
    return path;
}

/* Bits of the trees that a name in the root is in. */
static uint32_t owners(const struct tree_walk *w, const char *name)
{
    return !w->shared ? 1 : *name == 's' ? 3 : *name == 'b' ? 2 : 1;
}

/* The content of a file, for each tree that it is in. */
struct content {
    uint32_t parts;
    uint64_t sum[CRASH_THREADS];
};

/* A block with this hash adds to the content; if that is in both trees, to one of them. */
static void add_block(struct content *content, uint64_t index, uint64_t hash)
{
    /* Its place counts: two blocks that change places make another content. */
    if (hash != 0)
        content->sum[content->parts == 3 ? index % 2 : content->parts - 1] += mix(hash, index);
}

/* A name adds to the trees that it is in. Links and size of a directory do not count here. */
static void add_name(struct tree_walk *w, uint64_t path, uint32_t type, uint32_t links,
                     uint64_t size, const struct content *content)
{
    uint64_t hash = mix(path, type);

    /* The product spreads each of them over all bits, so none can make up for another one. */
    if (type != SFS_TYPE_DIR)
        hash = mix(mix(hash, links), size);
    for (uint32_t i = 0; i < CRASH_THREADS; i++)
        if (content->parts >> i & 1)
            w->sum.part[i] += mix(hash, content->sum[i]);
}

/* The content of a file, or of a symbolic link, that is read. The end of the last block is zeros
   here, as it is on the disk. */
static void read_content(struct tree_walk *w, struct inode *node, uint64_t size,
                         struct content *content)
{
    for (uint64_t at = 0; at < size; at += BLOCK_SIZE) {
        struct iobuf iob = iobuf_kernel(page2kva(w->page), BLOCK_SIZE, at);

        memset(page2kva(w->page), 0, BLOCK_SIZE);
        if (node->type == S_IFLNK)
            assert_eq(vfs_readlink(node, &iob), 0);
        else
            assert_eq(vop_data(node, vop_read, &iob), 0);
        add_block(content, at / BLOCK_SIZE, block_hash(page2kva(w->page)));
    }
}

/* All names below a directory. Those in the root, whose path is 0, have owners. */
static void walk_files(struct tree_walk *w, struct inode *dir, uint64_t path, uint32_t parts)
{
    char name[SFS_NAME_MAX + 1];
    off_t offset = 0;
    uint32_t ino;

    while (vop_names(dir, vop_getdirentry, &offset, name, &ino) == 0) {
        uint64_t below = mix_name(path, name);
        struct content content = { .parts = path == 0 ? owners(w, name) : parts };
        struct inode *node;
        struct stat stat;

        /* What is the other thread's may just be going away. */
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || !(w->parts & content.parts))
            continue;
        /* The name was told just now, and nobody else changes it: so it is there. */
        assert_eq(vfs_lookup(dir, name, false, &node), 0);
        assert_eq(vop_data(node, vop_fstat, &stat), 0);
        if (node->type != S_IFDIR)
            read_content(w, node, stat.st_size, &content);
        add_name(w, below, SFS_TYPE(node->type), stat.st_nlinks, stat.st_size, &content);
        if (node->type == S_IFDIR)
            walk_files(w, node, below, content.parts);
        inode_put(node);
    }
}

struct tree tree_of_files(struct inode *root, uint32_t parts, bool shared)
{
    struct tree_walk w = { .parts = parts, .shared = shared, .page = alloc_page() };

    /* No lock is held: each look-up and each read takes its own. */
    assert(w.page != NULL);
    walk_files(&w, root, 0, 0);
    free_page(w.page);
    return w.sum;
}

/* The content below a number of a block, which is `above` steps over data. */
static void add_below(const struct tree_walk *w, uint32_t block, int above, uint64_t index,
                      struct content *content)
{
    const uint32_t *numbers;

    if (block == 0)
        return;
    /* The checker has found that the number leads to data. */
    numbers = test_disk_block(w->disk, block);
    if (above == 0)
        add_block(content, index, test_disk_block_hash(w->disk, block));
    for (uint32_t i = 0; i < SFS_NPER && above > 0; i++)
        /* A hole adds nothing, as zeros do when the file is read: see add_block(). */
        if (numbers[i] != 0)
            add_below(w, numbers[i], above - 1, index + i * (above < 2 ? 1 : SFS_NPER), content);
}

/* The content of an inode of the table. */
static void add_content(const struct tree_walk *w, const struct sfs_disk_inode *din,
                        struct content *content)
{
    for (uint32_t i = 0; i < SFS_NDIRECT; i++)
        add_below(w, din->direct[i], 0, i, content);
    add_below(w, din->indirect, 1, SFS_NDIRECT, content);
    add_below(w, din->db_indirect, 2, SFS_NDIRECT + SFS_NPER, content);
}

/* The inode of this number. */
static const struct sfs_disk_inode *inode_of(const struct tree_walk *w, uint32_t ino)
{
    const struct sfs_super *super = test_disk_block(w->disk, 0);
    const struct sfs_disk_inode *block = test_disk_block(w->disk, super->table_start + ino / 32);

    return &block[ino % 32];
}

static void walk_disk(struct tree_walk *w, uint32_t ino, uint64_t path, uint32_t parts);

/* An entry of a directory. The first two of each are passed over by their names. */
static void walk_entry(struct tree_walk *w, const struct sfs_dirent *entry, uint64_t path,
                       uint32_t parts)
{
    const struct sfs_disk_inode *din = inode_of(w, entry->ino);
    struct content content = { .parts = parts };
    char name[SFS_NAME_MAX + 1];

    /* On the disk a name has no end. */
    memcpy(name, entry->name, entry->name_length);
    name[entry->name_length] = '\0';
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return;
    /* Below the root all belongs to whom the directory in the root belongs. */
    if (path == 0)
        content.parts = owners(w, name);
    path = mix_name(path, name);
    if (din->type != SFS_TYPE_DIR)
        add_content(w, din, &content);
    add_name(w, path, din->type, din->nlinks, din->size, &content);
    if (din->type == SFS_TYPE_DIR)
        walk_disk(w, entry->ino, path, content.parts);
}

/* All names below the directory of this number. No directory of a workload needs indirect
   blocks. */
static void walk_disk(struct tree_walk *w, uint32_t ino, uint64_t path, uint32_t parts)
{
    const struct sfs_disk_inode *dir = inode_of(w, ino);

    /* Twelve blocks have room for hundreds of names. */
    assert(dir->size <= SFS_NDIRECT * BLOCK_SIZE);
    for (uint32_t i = 0; i < dir->size / BLOCK_SIZE; i++) {
        const uint8_t *block = test_disk_block(w->disk, dir->direct[i]);

        for (uint32_t offset = 0; offset < BLOCK_SIZE;) {
            const struct sfs_dirent *entry = (const struct sfs_dirent *)(block + offset);

            /* Free room has a length, and no name. */
            if (entry->ino != 0)
                walk_entry(w, entry, path, parts);
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
