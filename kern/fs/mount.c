/* The root: which file system it is, from boot to the end.

   It is the image of the kernel, until a disk is mounted, and again when that has been unmounted;
   so there is a root at any time, and nothing that walks a path has to ask. There is one mounted
   file system at most beside the image, and the place where it is mounted is the root: no other
   directory has a second meaning.

   The two variables change while there is no program: before the first one, and after the last.
   So they are read without a lock. What is mounted has one reference to its root directory, which
   is given back first when it ends: a file system that still has others says -E_BUSY. */
#include <debug/printk.h>
#include <fs/image.h>
#include <fs/sfs.h>
#include <fs/vfs.h>
#include <string.h>

static struct filesystem *root_fs = &image_fs;
struct inode *vfs_root_dir = &image_root;

struct inode *vfs_root(void)
{
    return inode_get(vfs_root_dir);
}

/* The image has nothing to be written. */
int vfs_sync(void)
{
    return root_fs->sync != NULL ? root_fs->sync(root_fs) : 0;
}

/* All bytes are set: the struct goes to a program. */
int vfs_info(struct fsinfo *info)
{
    memset(info, 0, sizeof(*info));
    memcpy(info->name, root_fs->name, strnlen(root_fs->name, sizeof(info->name) - 1));
    info->read_only = root_fs->read_only;
    if (root_fs->usage == NULL)
        return 0;
    return root_fs->usage(root_fs, &info->blocks);  /* and the three behind it */
}

/* A disk that is refused is told and left alone: the machine runs on without it. The last line is
   one of the banner that the machine begins with. */
void vfs_mount_root(struct block_device *disk)
{
    const char *reason;
    struct filesystem *fs;

    if (disk == NULL)
        return;
    int error = sfs_mount(disk, &fs, &reason);
    if (error != 0) {
        cprintf("%s cannot be mounted: %s (%s)\n", disk->name, reason, error_name(error));
    } else {
        root_fs = fs;
        vfs_root_dir = fs->get_root(fs);
    }
    cprintf("  disk       %s, %u MiB, %s%s\n", disk->name, disk->blocks >> 8,
            error == 0 ? fs->name : "not used", error == 0 && fs->read_only ? ", read-only" : "");
}

/* The image becomes the root again. The file system is gone afterwards, its name too, even if an
   error comes back. */
bool vfs_unmount_all(void)
{
    struct filesystem *fs = root_fs;
    int result;

    if (fs == &image_fs)
        return true;
    inode_put(vfs_root_dir);
    vfs_root_dir = &image_root;
    root_fs = &image_fs;
    result = fs->unmount(fs);
    if (result != 0)
        cprintf("the disk cannot be unmounted: %s\n", error_name(result));
    return result == 0;
}
