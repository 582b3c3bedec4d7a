/* Names: making, linking, removing and renaming what is in directories. Each is one transaction,
   under the one lock `tree` of the file system, so it happens whole or not at all, and no other
   change of names comes in between.

   First all is looked up that will be changed, and what could fail is tried; then the changes are
   made, of which only the first, a new entry, may need a block that is not there. What has lost its
   last name goes to the list of orphans; its blocks are freed when the last reference goes, which
   is given back at the end, with no lock held. */
#include <error.h>
#include <fs/sfs.h>
#include <string.h>

/* The number of links has 16 bits. To take off as many is to take off all, because sfs_link_count()
   stops at 0. */
#define LINKS_MAX   UINT16_MAX

/* End what tree_enter() has begun. */
static void tree_leave(struct inode *dir)
{
    mutex_unlock(&fsop_info(dir->in_fs)->tree);
    journal_end();
}

/* Begin a change of names of these two, which may be one and the same. In a directory that is
   removed nothing is made, or found. The path was walked without a lock, so one of them may have
   been removed since: hence the look, when `tree` is held. Four blocks are taken at most: the first
   of a new directory, and one by which the old one grows, with two indirect ones. */
static int tree_enter(struct inode *dir, struct inode *other)
{
    struct sfs_fs *sfs = fsop_info(dir->in_fs);
    int error = dir->in_fs != other->in_fs ? -E_XDEV : sfs_begin(sfs, SFS_NAME_BLOCKS, 4);

    if (error != 0)
        return error;
    mutex_lock(&sfs->tree);
    if (vop_info(dir)->din->nlinks > 0 && vop_info(other)->din->nlinks > 0)
        return 0;
    tree_leave(dir);
    return -E_NOENT;
}

/* A name, and what has it, with a reference: NULL if there is an error. `tree` is held: so the
   entry stays where it is, and the inode keeps this name. */
static int find(struct inode *dir, const char *name, struct sfs_slot *slot, struct sfs_slot *room,
                struct inode **node)
{
    int error = sfs_dirent_search_nolock(dir, name, slot, room);

    *node = NULL;
    return error ?: sfs_load_inode(fsop_info(dir->in_fs), slot->entry->ino, node);
}

/* "." and ".." of a new directory: the second is put behind the first. The block is full of entries
   at any time, so the last one has all the rest:

     byte  0                 12                                        4096
           "." length 12     ".." length 4084, of which 12 are used */
static int fill_directory(struct inode *dir, struct inode *parent)
{
    struct sfs_slot slot = { NULL, NULL };
    int error = sfs_dirent_add(dir, &slot, ".", dir);

    if (error == 0)
        error = sfs_dirent_add(dir, &slot, "..", parent);
    sfs_slot_put(&slot);
    return error;
}

/* The content of a symbolic link. */
static int fill_link(struct inode *node, const char *target)
{
    size_t length = strlen(target);
    struct iobuf iob = iobuf_kernel((void *)target, length, 0);
    long pinned = iobuf_pin(&iob, length, VM_READ);
    int error;

    mutex_lock(&node->lock);
    error = sfs_io_nolock(fsop_info(node->in_fs), vop_info(node), &iob, pinned, true);
    mutex_unlock(&node->lock);
    return error;
}

/* A new inode and its name. If that cannot be done whole, it is an orphan, and goes with the
   reference that the caller gets in any case. The name comes last, when all is there that it leads
   to. A crash shows either all of that or nothing, because it is one transaction. */
static int make_inode(struct inode *dir, struct sfs_slot *room, const char *name, uint16_t type,
                      const char *target, struct inode **node)
{
    int error = 0;

    if (type == SFS_TYPE_DIR && vop_info(dir)->din->nlinks == LINKS_MAX)
        return -E_TOO_BIG;
    error = sfs_inode_alloc(fsop_info(dir->in_fs), type, node);
    if (error != 0)
        return error;
    if (type == SFS_TYPE_DIR)
        error = fill_directory(*node, dir);
    else if (type == SFS_TYPE_LINK)
        error = fill_link(*node, target);
    if (error == 0)
        error = sfs_dirent_add(dir, room, name, *node);
    if (error != 0)
        sfs_link_count(*node, -LINKS_MAX);
    else if (type == SFS_TYPE_DIR)
        sfs_link_count(dir, 1);
    return error;
}

/* What create, mkdir and symlink are. With `result` the inode is given to the caller; with
   `existing`, too, if it was there before. */
static int make(struct inode *dir, const char *name, uint16_t type, const char *target,
                bool existing, struct inode **result)
{
    struct sfs_slot slot, room;
    struct inode *node;
    int error = tree_enter(dir, dir);

    if (error != 0)
        return error;
    error = find(dir, name, &slot, &room, &node);
    if (error == -E_NOENT)
        error = make_inode(dir, &room, name, type, target, &node);
    else if (error == 0 && !existing)
        error = -E_EXISTS;
    sfs_slot_put(&slot);
    sfs_slot_put(&room);
    tree_leave(dir);
    /* No lock is held now, and no transaction: to put the last reference to an orphan frees its
       blocks, by transactions of its own. */
    if (error == 0 && result != NULL)
        *result = node;
    else if (node != NULL)
        inode_put(node);
    return error;
}

static int sfs_create(struct inode *dir, const char *name, bool exclusive, struct inode **result)
{
    return make(dir, name, SFS_TYPE_FILE, NULL, !exclusive, result);
}

static int sfs_mkdir(struct inode *dir, const char *name)
{
    return make(dir, name, SFS_TYPE_DIR, NULL, false, NULL);
}

static int sfs_symlink(struct inode *dir, const char *name, const char *target)
{
    return target[0] == '\0' ? -E_INVAL : strlen(target) >= BLOCK_SIZE ? -E_TOO_BIG :
        make(dir, name, SFS_TYPE_LINK, target, false, NULL);
}

/* One more name for a file, which must still have one. A crash must not show an entry that the
   number of links does not count, nor the other way: with a link too few the file would be freed
   while it has a name, with one too many never. */
static int sfs_link(struct inode *dir, const char *name, struct inode *node)
{
    /* EXERCISE 8.7 begin: sfs_link */
    /* A directory has one name: with two its ".." could lead to one of them only, and a circle of
       directories would never lose its last link. */
    struct sfs_slot slot, room;
    int error = node->type == S_IFDIR ? -E_ISDIR : tree_enter(dir, node);

    if (error != 0)
        return error;
    error = sfs_dirent_search_nolock(dir, name, &slot, &room);
    if (error == 0)
        error = -E_EXISTS;
    else if (error == -E_NOENT)
        error = vop_info(node)->din->nlinks == LINKS_MAX ? -E_TOO_BIG :
            sfs_dirent_add(dir, &room, name, node);
    if (error == 0)
        sfs_link_count(node, 1);
    sfs_slot_put(&slot);
    sfs_slot_put(&room);
    tree_leave(dir);
    return error;
    /* EXERCISE 8.7 end */
}

/* "." or "..": these come and go with the directory, and are never changed alone. */
static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* May this lose a name, in whose place there is nothing then, or a directory if it is one? */
static int may_go(struct inode *node, bool directory)
{
    char name[SFS_NAME_MAX + 1];
    off_t offset = 0;
    uint32_t ino;
    int error;

    if ((node->type == S_IFDIR) != directory)
        return directory ? -E_NOTDIR : -E_ISDIR;
    if (!directory)
        return 0;
    do
        error = sfs_dirent_read_nolock(node, &offset, name, &ino);
    while (error == 0 && is_dots(name));
    return error == 0 ? -E_NOTEMPTY : error == -E_NOENT ? 0 : error;
}

/* Its entry in this directory is gone: count that. */
static void drop_name(struct inode *dir, struct inode *node)
{
    /* EXERCISE 8.7 begin: drop_name */
    /* Of a directory it was the only name: its "." does not keep it, and its ".." counts no more in
       the directory that it was in. */
    if (node->type == S_IFDIR)
        sfs_link_count(dir, -1);
    sfs_link_count(node, node->type == S_IFDIR ? -LINKS_MAX : -1);
    /* EXERCISE 8.7 end */
}

/* What unlink and rmdir are. The inode lives on while somebody has it open: what a crash finds then
   is an orphan, of which the next mount knows by the list. */
static int remove(struct inode *dir, const char *name, bool directory)
{
    struct sfs_slot slot;
    struct inode *node;
    int error = directory && is_dots(name) ? -E_INVAL : tree_enter(dir, dir);

    if (error != 0)
        return error;
    error = find(dir, name, &slot, NULL, &node);
    /* EXERCISE 8.7 begin: remove */
    if (error == 0)
        error = may_go(node, directory);
    if (error == 0) {
        sfs_dirent_set(dir, &slot, NULL);
        drop_name(dir, node);
    }
    /* EXERCISE 8.7 end */
    sfs_slot_put(&slot);
    tree_leave(dir);
    if (node != NULL)
        inode_put(node);
    return error;
}

static int sfs_unlink(struct inode *dir, const char *name)
{
    return remove(dir, name, false);
}

static int sfs_rmdir(struct inode *dir, const char *name)
{
    return remove(dir, name, true);
}

/* -E_INVAL if `dir` is `node`, or below it. A circle on a damaged disk ends too. The references are
   to directories that have a name, and keep it: nothing is freed when one is given back. It goes
   upwards, by the ".." of each directory, until it is at the root:

     "a" to "a/b/c":   the new parent is b --".."--> a, which is the one that shall move: refused

   Else `a` would only be found below itself, and no path from the root would lead there. */
static int not_below(struct inode *dir, const struct inode *node)
{
    uint32_t left = fsop_info(dir->in_fs)->super->inodes;
    int error = 0;

    inode_get(dir);
    while (dir != NULL && dir->ino != SFS_ROOT && error == 0) {
        struct inode *parent = NULL;
        struct sfs_slot up = { NULL, NULL };

        if (dir == node)
            error = -E_INVAL;
        else if (left-- == 0)
            error = sfs_damaged(dir->ino, "is below itself, through directories:", left);
        else
            error = find(dir, "..", &up, NULL, &parent);
        sfs_slot_put(&up);
        inode_put(dir);
        dir = parent;
    }
    if (dir != NULL)
        inode_put(dir);
    return error;
}

/* What a rename changes: entries and inodes, each with a reference; target is NULL if there is
   nothing of the new name, `up` is the ".." of a directory that gets another parent. What others
   see, before and after, and never anything else:

     before    old_dir / old name --> node        new_dir / new name --> target, or nothing
     after     old_dir                            new_dir / new name --> node */
struct rename {
    struct inode *old_dir, *new_dir, *node, *target;
    struct sfs_slot old, new, room, up;
};

/* May it be done? All that it needs is looked up then. */
static int rename_check(struct rename *r, const char *old_name, const char *new_name)
{
    /* EXERCISE 8.7 begin: rename_check */
    /* What is found here stays where it is until the end, because `tree` is held: nothing is looked
       at twice. What this returns 0 for can be undone at no step, so all that may be wrong is
       asked here, but for the room of a new entry. */
    int error = find(r->old_dir, old_name, &r->old, NULL, &r->node);

    /* A directory that gets another parent: its ".." is a name of that one. */
    if (error == 0 && r->node->type == S_IFDIR && r->old_dir != r->new_dir) {
        error = not_below(r->new_dir, r->node);
        if (error == 0)
            error = vop_info(r->new_dir)->din->nlinks == LINKS_MAX ? -E_TOO_BIG
                : sfs_dirent_search_nolock(r->node, "..", &r->up, NULL);
    }
    if (error != 0)
        return error;
    error = find(r->new_dir, new_name, &r->new, &r->room, &r->target);
    if (error == 0 && r->target != r->node)
        error = may_go(r->target, r->node->type == S_IFDIR);
    return error == -E_NOENT ? 0 : error;
    /* EXERCISE 8.7 end */
}

/* Do it: entries, "..", and how many links there are. */
static int rename_do(struct rename *r, const char *new_name)
{
    /* EXERCISE 8.7 begin: rename_do */
    /* In memory there are two names for a moment, or the links are not those of the names: nobody
       sees that, because who looks takes the locks, and the disk gets all of it or nothing. */
    int error = 0;

    if (r->target == r->node)
        return 0;
    /* The new name comes first: only this can fail. */
    if (r->target != NULL)
        sfs_dirent_set(r->new_dir, &r->new, r->node);
    else
        error = sfs_dirent_add(r->new_dir, &r->room, new_name, r->node);
    if (error != 0)
        return error;
    sfs_dirent_set(r->old_dir, &r->old, NULL);
    if (r->up.block != NULL) {
        sfs_dirent_set(r->node, &r->up, r->new_dir);
        sfs_link_count(r->new_dir, 1);
        sfs_link_count(r->old_dir, -1);
    }
    if (r->target != NULL)
        drop_name(r->new_dir, r->target);
    return 0;
    /* EXERCISE 8.7 end */
}

/* See rename_check() and rename_do(). */
static int sfs_rename(struct inode *old_dir, const char *old_name, struct inode *new_dir,
                      const char *new_name)
{
    struct rename r = { .old_dir = old_dir, .new_dir = new_dir };
    int error = is_dots(old_name) || is_dots(new_name) ? -E_INVAL
        : new_dir->type != S_IFDIR ? -E_NOTDIR : tree_enter(old_dir, new_dir);

    if (error != 0)
        return error;
    error = rename_check(&r, old_name, new_name);
    if (error == 0)
        error = rename_do(&r, new_name);
    sfs_slot_put(&r.old);
    sfs_slot_put(&r.new);
    sfs_slot_put(&r.room);
    sfs_slot_put(&r.up);
    tree_leave(old_dir);
    if (r.node != NULL)
        inode_put(r.node);
    if (r.target != NULL)
        inode_put(r.target);
    return error;
}

const struct inode_ops sfs_node_dirops = {
    .vop_fstat = sfs_fstat,
    .vop_fsync = sfs_fsync,
    .vop_getdirentry = sfs_getdirentry,
    .vop_lookup = sfs_lookup,
    .vop_create = sfs_create,
    .vop_mkdir = sfs_mkdir,
    .vop_symlink = sfs_symlink,
    .vop_link = sfs_link,
    .vop_unlink = sfs_unlink,
    .vop_rmdir = sfs_rmdir,
    .vop_rename = sfs_rename,
    .vop_reclaim = sfs_reclaim,
};
