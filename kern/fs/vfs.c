/* Paths, and what is done to names: see vfs.h.

   All of it is one walk along a path, from a directory to a name in it, and so on; each look-up is
   an operation of the directory's file system. What a walk has found, it has references to, so
   nothing of that goes away; but another task may change a name before the walk's caller does
   something with it. The file system looks again then, under its own locks: here nothing is locked.

   A walk along "home/../bin/x", where bin is a symbolic link to "/lib":

       dir         name     node          rest
       cwd         home     /home         ../bin/x
       /home       ..       /             bin/x
       /           bin      the link      x             -> the rest becomes "/lib/x", dir the root
       /           lib      /lib          x
       /lib        x        the result

   "." is known here, ".." is an entry of each directory. A symbolic link is put into the path: what
   it stands for, and behind it the rest, become the path that is still to be walked. */
#include <debug/printk.h>
#include <fs/device.h>
#include <fs/image.h>
#include <fs/vfs.h>
#include <mm/kmalloc.h>
#include <sched/sched.h>
#include <string.h>

#define IMAGE_PREFIX "image:"
#define LINKS_MAX   8                   /* symbolic links in one path */

/* How far to walk: to the last name, or to what it stands for; with FOLLOW, if that is a symbolic
   link, to what that stands for. */
enum walk_end { WALK_PARENT, WALK_NODE, WALK_FOLLOW };

struct walk {
    struct inode *dir;                  /* that the last name is in; with a reference, or NULL */
    struct inode *node;                 /* what it stands for; with a reference, or NULL */
    const char *rest;                   /* of the path */
    char *expanded;                     /* where the rest is, after a link; or NULL */
    int links;                          /* that were followed */
    bool slash;                         /* the path ends with one: it names a directory */
    char name[FS_MAX_FNAME_LEN + 1];    /* the last one; empty for "/" */
};

/* Take the next name of the path. Slashes in a row are as one; one at the end is noted, because it
   asks for a directory. */
static int next_name(struct walk *w)
{
    size_t n = 0;

    while (*w->rest == '/')
        w->rest++;
    while (w->rest[n] != '\0' && w->rest[n] != '/')
        n++;
    /* It is not cut: a name that is too long would become that of another file. */
    if (n > FS_MAX_FNAME_LEN)
        return -E_TOO_BIG;
    memcpy(w->name, w->rest, n);
    w->name[n] = '\0';
    w->rest += n;
    w->slash = *w->rest == '/';
    while (*w->rest == '/')
        w->rest++;
    return 0;
}

/* Go on from another directory; NULL: none. The new reference comes first, because both may be the
   same inode. */
static void enter(struct walk *w, struct inode *dir)
{
    if (dir != NULL)
        inode_get(dir);
    if (w->dir != NULL)
        inode_put(w->dir);
    w->dir = dir;
}

/* The walk needs no more what the last name stands for. */
static void leave_node(struct walk *w)
{
    if (w->node != NULL)
        inode_put(w->node);
    w->node = NULL;
}

/* w->node is a symbolic link: what it stands for takes its place in the path. A path without a
   slash at its start begins where the link is, so the walk stays in that directory. A link that
   leads to itself would be walked for ever: hence the limit. */
static int expand_link(struct walk *w)
{
    const size_t size = FS_MAX_FPATH_LEN + 1, rest = strlen(w->rest) + 1;
    char *path = kmalloc(size);
    struct iobuf iob = iobuf_kernel(path, size, 0);

    if (path == NULL)
        return -E_NO_MEM;
    int result = ++w->links > LINKS_MAX ? -E_INVAL : vop_data(w->node, vop_readlink, &iob);
    if (result == 0 && iob.io_resid <= rest)
        result = -E_TOO_BIG;
    if (result != 0) {
        kfree(path);
        return result;
    }
    char *end = path + (size - iob.io_resid);
    if (w->slash)
        *end++ = '/';
    memcpy(end, w->rest, rest);
    kfree(w->expanded);
    w->rest = w->expanded = path;
    leave_node(w);
    if (*path == '/')
        enter(w, vfs_root_dir);
    return 0;
}

/* Find the last name in the directory that the walk has come to. */
static int find_name(struct walk *w, enum walk_end end)
{
    int result = 0;

    if (w->dir->type != S_IFDIR)
        return -E_NOTDIR;
    if (w->name[0] == '\0' || strcmp(w->name, ".") == 0)
        w->node = inode_get(w->dir);
    else
        result = vop_names(w->dir, vop_lookup, w->name, &w->node);
    if (result != 0)
        return result;
    if (w->node->type == S_IFLNK && (end == WALK_FOLLOW || w->slash))
        return expand_link(w);
    return w->slash && w->node->type != S_IFDIR ? -E_NOTDIR : 0;
}

/* Walk from `cwd`, or for a path that begins with a slash from the root. Whatever the result is,
   walk_done() comes after it. -E_NOENT with an empty rest: only the last name is missing. A link
   that was put into the path leaves no node, and the walk goes on with it. */
static int walk(struct walk *w, struct inode *cwd, const char *path, enum walk_end end)
{
    int result = *path == '\0' ? -E_NOENT : 0;

    w->dir = w->node = NULL;
    w->rest = path;
    w->expanded = NULL;
    w->links = 0;
    w->name[0] = '\0';
    enter(w, *path == '/' ? vfs_root_dir : cwd);
    while (result == 0 && w->node == NULL) {
        result = next_name(w);
        if (result != 0 || (*w->rest == '\0' && end == WALK_PARENT))
            break;
        result = find_name(w, end);
        sched_give_way();               /* 4,096 bytes may be 2,000 names in large directories */
        if (result == 0 && *w->rest != '\0' && w->node != NULL) {
            enter(w, w->node);
            leave_node(w);
        }
    }
    return result;
}

static void walk_done(struct walk *w)
{
    enter(w, NULL);
    leave_node(w);
    kfree(w->expanded);
}

/* Walk to a name that is to be made or removed. `dots` is the error for those that can be neither:
   "/", "." and "..". */
static int walk_to_change(struct walk *w, struct inode *cwd, const char *path, int dots)
{
    int result = walk(w, cwd, path, WALK_PARENT);

    if (result != 0)
        return result;
    if (w->dir->type != S_IFDIR)
        return -E_NOTDIR;
    if (w->name[0] == '\0' || strcmp(w->name, ".") == 0 || strcmp(w->name, "..") == 0)
        return dots;
    return w->dir->in_fs->read_only ? -E_ROFS : 0;
}

/* The walk's reference to the node goes with the walk, so the caller gets one of his own. */
int vfs_lookup(struct inode *cwd, const char *path, bool follow, struct inode **result)
{
    struct walk w;
    int error = walk(&w, cwd, path, follow ? WALK_FOLLOW : WALK_NODE);

    if (error == 0)
        *result = inode_get(w.node);
    walk_done(&w);
    return error;
}

/* O_RDONLY is 0, so there is no bit to be looked at. */
static bool is_writer(uint32_t flags)
{
    return (flags & O_ACCMODE) != O_RDONLY;
}

/* What open_node() has counted. */
static void end_writing(struct inode *node, uint32_t flags)
{
    if (is_writer(flags) && node->type == S_IFREG)
        inode_end_write(node);
}

/* May it be opened so? Then count it, and make it empty if that is wanted. In that order: what a
   program runs from cannot be counted as written to, so it is never cut. */
static int open_node(struct inode *node, uint32_t flags)
{
    int result = 0;

    if (node->type == S_IFDIR && (is_writer(flags) || (flags & O_CREAT)))
        return -E_ISDIR;
    if (!is_writer(flags) || node->type != S_IFREG)
        return 0;
    if (node->in_fs->read_only)
        return -E_ROFS;
    result = inode_begin_write(node);
    if (result != 0 || !(flags & O_TRUNC))
        return result;
    result = vop_data(node, vop_truncate, 0);
    if (result != 0)
        inode_end_write(node);
    return result;
}

/* With O_EXCL the last name must not be there, not even as a link that leads nowhere; else such a
   link says where the file is made. Another task may make the same name after the walk: then it is
   opened, or with O_EXCL refused, by the file system, which looks again. */
static int walk_to_open(struct walk *w, struct inode *cwd, const char *path, uint32_t flags)
{
    const bool exclusive = (flags & O_CREAT) && (flags & O_EXCL);
    int result = walk(w, cwd, path, exclusive ? WALK_NODE : WALK_FOLLOW);

    if (result == 0 && exclusive)
        return -E_EXISTS;
    if (result != -E_NOENT || !(flags & O_CREAT) || *w->rest != '\0' || w->name[0] == '\0'
        || strcmp(w->name, "..") == 0)
        return result;
    if (w->slash)
        return -E_ISDIR;
    if (w->dir->in_fs->read_only)
        return -E_ROFS;
    return vop_names(w->dir, vop_create, w->name, exclusive, &w->node);
}

/* Flags are looked at before names: what has no meaning makes no file. A device needs no walk: its
   name is known whatever the directory is, and O_CREAT and O_EXCL mean nothing for it. */
int vfs_open(struct inode *cwd, const char *path, uint32_t flags, struct inode **result)
{
    const uint32_t known = O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC | O_APPEND;
    struct walk w;

    if ((flags & ~known) || (flags & O_ACCMODE) == O_ACCMODE
        || ((flags & O_TRUNC) && !is_writer(flags)))
        return -E_INVAL;
    *result = device_find(path);
    if (*result != NULL)
        return 0;
    int error = walk_to_open(&w, cwd, path, flags);
    if (error == 0)
        error = open_node(w.node, flags);
    if (error == 0)
        *result = inode_get(w.node);
    walk_done(&w);
    return error;
}

/* First the count, then the reference: with the last one the node may go. */
void vfs_close(struct inode *node, uint32_t flags)
{
    end_writing(node, flags);
    inode_put(node);
}

/* The places where a program is looked for: the current directory, /bin, and the image, which is
   another place if there is a disk. A path with a slash says itself where; image:NAME is in the
   image whatever the disk has. A disk that cannot be read must not leave people without a shell: so
   the image stands in for it too, which is told. */
static int find_program(struct inode *cwd, const char *name, struct inode **result)
{
    const size_t prefix = strlen(IMAGE_PREFIX);
    struct inode *bin;

    if (strncmp(name, IMAGE_PREFIX, prefix) == 0)
        return vfs_lookup(&image_bin, name + prefix, true, result);
    int error = vfs_lookup(cwd, name, true, result);
    /* With a slash in it a name is a path, and is looked for in one place only. */
    bool unread = error == -E_IO;
    if ((error != -E_NOENT && !unread) || *strfind(name, '/') != '\0')
        return error;
    if (vfs_root_dir != &image_root)
        error = vfs_lookup(vfs_root_dir, "bin", true, &bin);
    if (error == 0) {
        error = vfs_lookup(bin, name, true, result);
        inode_put(bin);
    }
    unread |= error == -E_IO;
    if (error != -E_NOENT && error != -E_IO)
        return error;
    error = vfs_lookup(&image_bin, name, true, result);
    if (unread && error == 0)
        cprintf("%s: the disk cannot be read; this is the one of the kernel's image\n", name);
    return unread && error != 0 ? -E_IO : error;
}

/* A directory and a device are refused here, so that exec reads nothing but files. */
int vfs_open_program(struct inode *cwd, const char *name, struct inode **result)
{
    int error = find_program(cwd, name, result);

    if (error != 0)
        return error;
    if ((*result)->type == S_IFREG)
        error = inode_begin_run(*result);
    else
        error = (*result)->type == S_IFDIR ? -E_ISDIR : -E_INVAL_ELF;
    if (error != 0)
        inode_put(*result);
    return error;
}

/* What stands in the way is found by the file system, as in all that follow, with its lock held. A
   slash at the end is allowed: it is a directory that is made. */
int vfs_mkdir(struct inode *cwd, const char *path)
{
    struct walk w;
    int result = walk_to_change(&w, cwd, path, -E_EXISTS) ?: vop_names(w.dir, vop_mkdir, w.name);

    walk_done(&w);
    return result;
}

/* Likewise for one that is removed. */
int vfs_rmdir(struct inode *cwd, const char *path)
{
    struct walk w;
    int result = walk_to_change(&w, cwd, path, -E_INVAL) ?: vop_names(w.dir, vop_rmdir, w.name);

    walk_done(&w);
    return result;
}

/* A directory goes by rmdir alone, so a path that says it is one is refused. */
int vfs_unlink(struct inode *cwd, const char *path)
{
    struct walk w;
    int result = walk_to_change(&w, cwd, path, -E_INVAL);

    if (result == 0)
        result = w.slash ? -E_NOTDIR : vop_names(w.dir, vop_unlink, w.name);
    walk_done(&w);
    return result;
}

/* The target need not exist, but an empty one could never lead anywhere. */
int vfs_symlink(struct inode *cwd, const char *target, const char *path)
{
    struct walk w;
    int result = walk_to_change(&w, cwd, path, -E_EXISTS);

    if (result == 0 && *target == '\0')
        result = -E_NOENT;
    if (result == 0)
        result = w.slash ? -E_NOTDIR : vop_names(w.dir, vop_symlink, w.name, target);
    walk_done(&w);
    return result;
}

/* A second name for a directory would make a circle of the tree, and one in another file system
   has nothing there to stand for. */
int vfs_link(struct inode *cwd, const char *old_path, const char *new_path)
{
    struct walk w;
    struct inode *node;
    int result = vfs_lookup(cwd, old_path, true, &node);

    if (result != 0)
        return result;
    result = walk_to_change(&w, cwd, new_path, -E_EXISTS);
    if (result == 0)
        result = node->type == S_IFDIR ? -E_ISDIR : w.slash ? -E_NOTDIR
            : node->in_fs != w.dir->in_fs ? -E_XDEV : vop_names(w.dir, vop_link, w.name, node);
    walk_done(&w);
    inode_put(node);
    return result;
}

/* A slash at the end of either path says that it is a directory which gets another name. */
int vfs_rename(struct inode *cwd, const char *old_path, const char *new_path)
{
    struct walk from, to = { .dir = NULL };
    int result = walk_to_change(&from, cwd, old_path, -E_INVAL);

    if (result == 0)
        result = walk_to_change(&to, cwd, new_path, -E_INVAL);
    if (result == 0 && from.dir->in_fs != to.dir->in_fs)
        result = -E_XDEV;
    if (result == 0 && (from.slash || to.slash)) {
        from.slash = true;
        /* Only to see of which kind it is; by its name it is found again with the lock. */
        result = find_name(&from, WALK_NODE);
        if (result == 0 && from.node == NULL)       /* it was a link */
            result = -E_NOTDIR;
    }
    if (result == 0)
        result = vop_names(from.dir, vop_rename, from.name, to.dir, to.name);
    walk_done(&from);
    walk_done(&to);
    return result;
}

/* Only a link has a path to be read: a file's content is another matter. */
int vfs_readlink(struct inode *node, struct iobuf *iob)
{
    return node->type == S_IFLNK ? vop_data(node, vop_readlink, iob) : -E_INVAL;
}

/* It is as an open to write, a change and a close: so no program that runs is cut. */
int vfs_truncate(struct inode *node, off_t len)
{
    int result = len < 0 ? -E_INVAL : open_node(node, O_WRONLY);

    if (result != 0)
        return result;
    result = vop_data(node, vop_truncate, len);
    end_writing(node, O_WRONLY);
    return result;
}

/* Write the name of a directory, which has this number in its parent, before `*at` in the path. */
static int prepend_name(struct inode *parent, uint32_t number, const char *path, char **at)
{
    char name[FS_MAX_FNAME_LEN + 1];
    off_t offset = 0;
    uint32_t ino;
    int result;

    do {
        result = vop_names(parent, vop_getdirentry, &offset, name, &ino);
        sched_give_way();
    } while (result == 0 && (ino != number || strcmp(name, ".") == 0 || strcmp(name, "..") == 0));
    if (result != 0)
        return result;
    size_t n = strlen(name);
    if (n + 1 > (size_t)(*at - path))
        return -E_TOO_BIG;
    *at -= n + 1;
    (*at)[0] = '/';
    memcpy(*at + 1, name, n);
    return 0;
}

/* The path is written from its end on; at the top it is moved to where it belongs. The root is
   where a directory is its own parent. For /home/bin:

     |                    /bin|     then     |               /home/bin|     and     |/home/bin ...|
                          at                                 at */
int vfs_getcwd(struct inode *cwd, char *path, size_t size)
{
    struct inode *node = cwd, *parent;
    char *at = path + size - 1;
    bool top = false;
    int result = 0;

    if (size < 2)
        return -E_TOO_BIG;
    *at = '\0';
    inode_get(node);
    while (result == 0 && !top) {
        result = vop_names(node, vop_lookup, "..", &parent);
        if (result != 0)
            break;
        top = parent == node;
        if (!top)
            result = prepend_name(parent, node->ino, path, &at);
        inode_put(node);
        node = parent;
    }
    inode_put(node);
    if (result != 0)
        return result;
    if (*at == '\0')
        *--at = '/';
    memmove(path, at, path + size - at);
    return 0;
}
