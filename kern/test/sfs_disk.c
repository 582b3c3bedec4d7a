/* An sfs for tests, and what is the same in all of them: see sfs_disk.h.

   A new file system is written as docs/sfs.md says, by hand: a map in which all data but one block
   is free, and a root with "." and "..".

   Content is made of numbers, so a test has to keep no copy of what it has written: test_byte() can
   be asked for any place of a file of any size. */
#include <error.h>
#include <mm/kmalloc.h>
#include <mm/shrink.h>
#include <string.h>
#include <test/sfs_disk.h>
#include <test/testlib.h>

#define CHUNK       16384
#define JUNK_PAGES  64

/* For content, while a disk is mounted: a test may have taken all memory when it writes. */
static uint8_t *buffer;

/* What sfs_format() makes, with j blocks of journal; all numbers of the tests come from this:

     block 0      1 ... j    1 + j    ...         ...        ... blocks - swap_blocks ...
     superblock   journal    map      inodes      root's     free          swap range
                                                  block

   Nothing of the kernel's own code for the format is called: a mistake there would be made here in
   the same way, and would not be seen. */

/* An entry of the root's block; returns where the next one begins. */
static void *put_entry(void *at, const char *name, uint32_t length)
{
    struct sfs_dirent *entry = at;

    *entry = (struct sfs_dirent){ SFS_ROOT, length, strlen(name), SFS_TYPE_DIR };
    memcpy(entry->name, name, strlen(name));
    return (uint8_t *)at + length;
}

void sfs_format(struct test_disk *disk, uint32_t journal_blocks, uint32_t inodes,
                uint32_t swap_blocks)
{
    struct sfs_super *super = test_disk_block(disk, 0);
    struct sfs_commit *record = test_disk_block(disk, 1);
    struct sfs_disk_inode *root;
    uint32_t blocks = disk->device.blocks, data;
    uint8_t *map;

    memset(disk->memory, 0, (size_t)blocks * BLOCK_SIZE);
    *super = (struct sfs_super){
        .magic = SFS_MAGIC, .version = SFS_VERSION, .blocks = blocks, .inodes = inodes,
        .journal_start = 1, .journal_blocks = journal_blocks, .map_start = 1 + journal_blocks,
        .map_blocks = (blocks + 32767) / 32768, .table_blocks = (inodes + 31) / 32,
        .swap_start = blocks - swap_blocks, .swap_blocks = swap_blocks, .info = "test",
    };
    super->table_start = super->map_start + super->map_blocks;
    data = super->table_start + super->table_blocks;
    record->magic = SFS_JOURNAL_MAGIC;
    /* A bit is 1 for what is free. The first block of data is the root's, and not free; nothing
       outside of the data ever is. */
    map = test_disk_block(disk, super->map_start);
    for (uint32_t block = data + 1; block < super->swap_start; block++)
        map[block / 8] |= 1 << block % 8;
    root = (struct sfs_disk_inode *)test_disk_block(disk, super->table_start) + SFS_ROOT;
    *root = (struct sfs_disk_inode){ .type = SFS_TYPE_DIR, .nlinks = 2, .blocks = 1,
                                     .size = BLOCK_SIZE, .direct = { data } };
    put_entry(put_entry(test_disk_block(disk, data), ".", 12), "..", BLOCK_SIZE - 12);
}

/* The entry goes behind the last one of the root's block, which reaches to the end. */
struct sfs_disk_inode *sfs_put_file(struct test_disk *disk, const char *name)
{
    const struct sfs_super *super = test_disk_block(disk, 0);
    struct sfs_disk_inode *table = test_disk_block(disk, super->table_start);
    uint8_t *root = test_disk_block(disk, table[SFS_ROOT].direct[0]), *at = root;
    struct sfs_dirent *entry = (struct sfs_dirent *)at;
    uint32_t ino = SFS_ROOT + 1, used;

    while (table[ino].type != SFS_TYPE_FREE)
        ino++;
    while (at + entry->length < root + BLOCK_SIZE) {
        at += entry->length;
        entry = (struct sfs_dirent *)at;
    }
    /* It is as long now as its name needs, and the new one has the rest. */
    used = ROUNDUP(sizeof(struct sfs_dirent) + entry->name_length, 4);
    entry->length = used;
    at += used;
    entry = (struct sfs_dirent *)at;
    *entry = (struct sfs_dirent){ ino, root + BLOCK_SIZE - at, strlen(name), SFS_TYPE_FILE };
    memcpy(entry->name, name, strlen(name));
    table[ino] = (struct sfs_disk_inode){ .type = SFS_TYPE_FILE, .nlinks = 1 };
    return &table[ino];
}

/* Only what mount and sfs_check() look at: that it is in the file's map is the caller's part. */
void *sfs_put_block(struct test_disk *disk, struct sfs_disk_inode *file, uint32_t block)
{
    const struct sfs_super *super = test_disk_block(disk, 0);
    uint8_t *map = test_disk_block(disk, super->map_start);

    assert(map[block / 8] >> block % 8 & 1);
    map[block / 8] &= ~(1 << block % 8);
    file->blocks++;
    return memset(test_disk_block(disk, block), 0, BLOCK_SIZE);
}

/* Pages that were given back last are had first by who takes some next, so these come into the
   cache for the blocks that a test makes. */
void sfs_put_junk(struct test_disk *disk)
{
    const struct sfs_super *super = test_disk_block(disk, 0);
    const uint8_t *map = test_disk_block(disk, super->map_start);
    struct Page *pages_taken[JUNK_PAGES];

    /* Blocks that are free on the disk, as a file that was removed leaves them. */
    for (uint32_t block = 0; block < super->blocks; block++)
        if (map[block / 8] >> block % 8 & 1)
            memset(test_disk_block(disk, block), 0xa5, BLOCK_SIZE);
    /* And pages of memory likewise: a block that comes into the cache without being cleared has
       these bytes, and a test that looks for zeros finds 0xa5. */
    for (int i = 0; i < JUNK_PAGES; i++) {
        pages_taken[i] = alloc_page();
        assert(pages_taken[i] != NULL);
        memset(page2kva(pages_taken[i]), 0xa5, BLOCK_SIZE);
    }
    for (int i = 0; i < JUNK_PAGES; i++)
        free_page(pages_taken[i]);
}

/* A block that somebody has a reference to stays in memory, however short that is. */
bool test_is_dropped(uint32_t block)
{
    while (shrink_memory() > 0)
        ;
    return !cache_has(block);
}

/* The buffer is there as long as a disk is mounted. */
struct filesystem *test_mount(struct test_disk *disk, struct inode **root)
{
    struct filesystem *fs;
    const char *reason;
    int error = sfs_mount(&disk->device, &fs, &reason);

    buffer = kmalloc(7 * CHUNK);
    assert(buffer != NULL);
    if (error != 0)
        panic("a good disk is not mounted: %s, %s", error_name(error), reason);
    *root = fs->get_root(fs);
    return fs;
}

/* For disks of which the check would only tell what the test has done to them. */
void test_abandon(struct filesystem *fs, struct inode *root)
{
    inode_put(root);
    assert_eq(fs->unmount(fs), 0);
    kfree(buffer);
}

int test_end(struct filesystem *fs, struct inode *root, const struct test_disk *disk, bool orphans)
{
    int error;

    inode_put(root);
    error = fs->unmount(fs);
    kfree(buffer);
    if (error == 0)
        assert_eq(sfs_check(disk, orphans), 0);
    return error;
}

void test_unmount(struct filesystem *fs, struct inode *root, const struct test_disk *disk)
{
    assert_eq(test_end(fs, root, disk, false), 0);
}

/* usage() gives four numbers; see fs/inode.h for their order. */
uint32_t test_free_blocks(struct filesystem *fs)
{
    uint32_t usage[4];

    fs->usage(fs, usage);
    return usage[1];
}

uint32_t test_free_inodes(struct filesystem *fs)
{
    uint32_t usage[4];

    fs->usage(fs, usage);
    return usage[3];
}

/* A transaction for each: so the journal of the smallest disk will do, and a commit in between does
   no harm. */
uint32_t test_take_blocks(struct filesystem *fs, uint32_t *taken, uint32_t n, uint32_t left)
{
    while (test_free_blocks(fs) > left) {
        assert_eq(sfs_begin(fsop_info(fs), 1, 1), 0);
        assert_eq(sfs_block_alloc(fsop_info(fs), true, &taken[n++]), 0);
        journal_end();
    }
    return n;
}

uint32_t test_give_blocks(struct filesystem *fs, const uint32_t *taken, uint32_t n, uint32_t until)
{
    while (n > 0 && test_free_blocks(fs) < until) {
        assert_eq(sfs_begin(fsop_info(fs), 0, 1), 0);
        assert_eq(sfs_block_free(fsop_info(fs), 0, taken[--n]), 0);
        journal_end();
    }
    return n;
}

/* Any error but a missing name ends the test. */
struct inode *test_find(struct inode *dir, const char *name)
{
    struct inode *node = NULL;
    int error = vop_names(dir, vop_lookup, name, &node);

    assert(error == 0 || error == -E_NOENT);
    return error == 0 ? node : NULL;
}

struct inode *test_create(struct inode *dir, const char *name)
{
    struct inode *node;

    assert_eq(vop_names(dir, vop_create, name, true, &node), 0);
    return node;
}

void test_fill_directory(struct inode *dir, struct inode *node, char *name, int blocks)
{
    /* Such an entry has 8 bytes and 255 of the name, rounded up: 264. 15 of them fit into a block,
       also behind the two dots; at most 136 bytes are left, which is too little for another one. */
    memset(name, 'n', SFS_NAME_MAX);
    for (int i = 0; i < 15 * blocks; i++) {
        name[0] = 'a' + i / 15;
        name[1] = 'a' + i % 15;
        assert_eq(vop_names(dir, vop_link, name, node), 0);
    }
    name[0] = 'z';
    assert_eq(test_stat(dir).st_size, blocks * BLOCK_SIZE);
}

/* Content `seed` from a place on; 0 is zeros. */
static void fill(uint8_t *bytes, uint32_t seed, uint64_t at, size_t n)
{
    if (seed == 0) {
        memset(bytes, 0, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        bytes[i] = test_byte(seed, at + i);
}

/* Are both contents the same? They lie at multiples of 8: megabytes are compared, so word by
   word. */
static bool same_bytes(const uint8_t *a, const uint8_t *b, size_t n)
{
    for (; n >= 8; n -= 8, a += 8, b += 8)
        if (*(const uint64_t *)a != *(const uint64_t *)b)
            return false;
    return memcmp(a, b, n) == 0;
}

/* A call of vop_write may move less than it was given; it says so by what is left. */
size_t test_write(struct inode *node, uint32_t seed, uint64_t at, size_t n, int *error)
{
    size_t size = n < 5 * CHUNK ? n : 5 * CHUNK, done = 0;

    *error = 0;
    while (done < n && *error == 0) {
        size_t part = n - done < size ? n - done : size;
        struct iobuf iob = iobuf_kernel(buffer, part, at + done);

        fill(buffer, seed, at + done, part);
        while (iob.io_resid > 0 && *error == 0)
            *error = vop_data(node, vop_write, &iob);
        done += part - iob.io_resid;
    }
    return done;
}

/* Both contents lie side by side: what was read, and what it should be. */
bool test_is(struct inode *node, uint32_t seed, uint64_t at, size_t n)
{
    bool same = true;

    for (size_t done = 0, part; done < n && same; done += part) {
        part = n - done < CHUNK ? n - done : CHUNK;
        struct iobuf iob = iobuf_kernel(buffer, part, at + done);

        fill(buffer + CHUNK, seed, at + done, part);
        same = vop_data(node, vop_read, &iob) == 0 && iob.io_resid == 0 &&
            same_bytes(buffer, buffer + CHUNK, part);
    }
    return same;
}

struct stat test_stat(struct inode *node)
{
    struct stat stat;

    assert_eq(vop_data(node, vop_fstat, &stat), 0);
    return stat;
}
