/* The file system of the image: see image.h. The two directories are constant; the root is the
   parent of both.

   The inode of a program is made at each look-up, and its number tells which program it is: two
   inodes of one program may be in memory at once, which does no harm, because nothing can change.
   There is no lock: what is read is constant. */
#include <fs/image.h>
#include <fs/mmap.h>
#include <mm/kmalloc.h>
#include <mm/pmm.h>
#include <string.h>

/* The whole tree:   / (1)  -->  bin (2)  -->  the programs of user_programs[] (3, 4, ...) */
enum { INO_ROOT = 1, INO_BIN, INO_PROGRAMS };   /* from the last on, one for each program */

/* Halve the part of the table in which the name can be, until it is found or the part is empty. */
const struct user_program *program_find(const char *name)
{
    size_t first = 0, end = user_program_count;

    while (first < end) {               /* the table is in order of the names: tools/embed.py */
        size_t middle = first + (end - first) / 2;
        int order = strcmp(user_programs[middle].name, name);

        if (order == 0)
            return &user_programs[middle];
        if (order < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return NULL;
}

/* The number of an inode says it, but only of this file system. */
const struct user_program *image_program(const struct inode *node)
{
    bool is_program = node->in_fs == &image_fs && node->ino >= INO_PROGRAMS;

    return is_program ? &user_programs[node->ino - INO_PROGRAMS] : NULL;
}

/* A directory has none. */
static size_t size_of(const struct inode *node)
{
    const struct user_program *program = image_program(node);

    return program != NULL ? program->end - program->start : 0;
}

/* Behind the end nothing is left, and then nothing is pinned. */
static int image_read(struct inode *node, struct iobuf *iob)
{
    size_t size = size_of(node), left = (size_t)iob->io_offset < size ? size - iob->io_offset : 0;
    long n = iobuf_pin(iob, left < VOP_MAX ? left : VOP_MAX, VM_WRITE);

    if (n <= 0)
        return n;
    iobuf_move(iob, (void *)(image_program(node)->start + iob->io_offset), n, true);
    iobuf_unpin(iob);
    return 0;
}

/* The first who maps a page gives it a reference that stays: so it is never free. */
struct Page *constant_page(const uint8_t *at)
{
    struct Page *page = kva2page((void *)at);

    if (page_ref(page) == 0)
        /* no pair: a page of the image, which nobody writes */
        atomic_cas(&page->ref, 0, 1);   /* of several at once, one does it */
    page_ref_inc(page);
    return page;
}

/* Each program begins on a page, and in its last one zeros are behind it: tools/embed.py. */
static int image_page(struct inode *node, uint64_t index, struct Page **page)
{
    if (index >= ROUNDUP(size_of(node), PGSIZE) / PGSIZE)
        return -E_FAULT;
    *page = constant_page(image_program(node)->start + index * PGSIZE);
    return 0;
}

static int image_fstat(struct inode *node, struct stat *stat)
{
    *stat = (struct stat){ .st_mode = node->type, .st_nlinks = 1, .st_size = size_of(node) };
    return 0;
}

static void image_reclaim(struct inode *node)
{
    mmap_free(node);
    kfree(node);
}

static const struct inode_ops program_ops = {
    .vop_read = image_read,
    .vop_page = image_page,
    .vop_fstat = image_fstat,
    .vop_reclaim = image_reclaim,
};

/* Of a program there is a new inode each time, which image_reclaim() frees. */
static int image_lookup(struct inode *dir, const char *name, struct inode **result)
{
    struct inode *node = NULL;

    if (strcmp(name, "..") == 0)
        node = &image_root;
    else if (dir == &image_root && strcmp(name, "bin") == 0)
        node = &image_bin;
    /* The two directories are constant, and counted only because all inodes are. */
    if (node != NULL) {
        inode_get(node);
    } else {
        const struct user_program *program = dir == &image_bin ? program_find(name) : NULL;

        if (program == NULL)
            return -E_NOENT;
        node = kmalloc(sizeof(*node));
        if (node == NULL)
            return -E_NO_MEM;
        inode_init(node, &program_ops, &image_fs, INO_PROGRAMS + (program - user_programs),
                   S_IFREG);
    }
    *result = node;
    return 0;
}

/* The offset counts entries: ".", "..", and what else is there. */
static int image_getdirentry(struct inode *dir, off_t *offset, char name[256], uint32_t *ino)
{
    const bool root = dir == &image_root;
    const size_t at = *offset;
    const char *entry;

    if (at >= 2 + (root ? 1 : user_program_count))
        return -E_NOENT;
    if (at < 2) {
        entry = at == 0 ? "." : "..";
        *ino = at == 0 ? dir->ino : INO_ROOT;
    } else {
        entry = root ? "bin" : user_programs[at - 2].name;
        *ino = root ? INO_BIN : INO_PROGRAMS + at - 2;
    }
    memcpy(name, entry, strlen(entry) + 1);
    *offset = at + 1;
    return 0;
}

static const struct inode_ops dir_ops = {
    .vop_fstat = image_fstat,
    .vop_lookup = image_lookup,
    .vop_getdirentry = image_getdirentry,
};

struct inode image_root = {
    .in_ops = &dir_ops, .in_fs = &image_fs, .ino = INO_ROOT, .type = S_IFDIR, .refs = 1
};
struct inode image_bin = {
    .in_ops = &dir_ops, .in_fs = &image_fs, .ino = INO_BIN, .type = S_IFDIR, .refs = 1
};

/* The root has one reference that is never given back, so it never comes to its last. */
static struct inode *image_get_root(__not_used struct filesystem *fs)
{
    return inode_get(&image_root);
}

/* sync, unmount and usage have nothing to do, so they are not there. */
struct filesystem image_fs = { .name = "image", .read_only = true, .get_root = image_get_root };
