/* Paths: from a name to an inode, and what is done to names. The tree begins at the root file
   system: the disk, or the image of the kernel if there is no disk. Functions take the directory
   that a path without a slash at its start begins in (`cwd`), because this layer knows no
   processes.

   A path is at most FS_MAX_FPATH_LEN bytes, a name in it at most FS_MAX_FNAME_LEN; "." is the
   directory itself, ".." its parent, which is the root itself at the root. Symbolic links are
   followed, at most 8 in one path; the last name only where it is said. A path that ends with a
   slash names a directory. All functions may sleep; no lock is held.

   Errors: -E_NOENT no such name, or an empty path; -E_NOTDIR something before the last name is no
   directory; -E_ISDIR; -E_EXISTS; -E_NOTEMPTY; -E_XDEV; -E_TOO_BIG a path or a name too long;
   -E_INVAL a bad path ("." or ".." where that makes no sense, too many links); -E_ROFS;
   -E_NO_SPACE; -E_BUSY; -E_IO; -E_NO_MEM. */
#pragma once

#include <driver/block.h>
#include <fs/inode.h>
#include <unistd.h>

/* At boot, from init: mount the disk as the root. Says in a line what is wrong with a disk that it
   cannot take; then, and without a disk (NULL), the root is what it is before: the image. */
void vfs_mount_root(struct block_device *disk);
/* The end: commit, end all file systems, give their memory back. False, and a line, if that could
   not be done whole: something still has an inode, or the disk failed. */
bool vfs_unmount_all(void);
/* All that was changed is on the disk when it returns 0; else -E_IO. */
int vfs_sync(void);
/* Set all fields: what the root is, and how much room it has. 0; -E_IO, -E_NO_MEM. */
int vfs_info(struct fsinfo *info);

/* The root directory; from anywhere. It changes at boot and at the end only, and what reads it here
   takes no reference. */
extern struct inode *vfs_root_dir;
/* The same with a reference. */
struct inode *vfs_root(void);
/* The inode of a path, with a reference. */
int vfs_lookup(struct inode *cwd, const char *path, bool follow, struct inode **result)
    __must_check;
/* open(): O_ flags of libs/unistd.h; the inode with a reference, and counted as written to if the
   flags say so: vfs_close() undoes both. Devices by name: "stdin:", "stdout:", "null:". */
int vfs_open(struct inode *cwd, const char *path, uint32_t flags, struct inode **result)
    __must_check;
void vfs_close(struct inode *node, uint32_t flags);
/* A program to run: NAME without a slash is looked for in cwd, then in /bin, then in the kernel's
   image, image:NAME there alone. Counted as running: inode_end_run() and inode_put(). */
int vfs_open_program(struct inode *cwd, const char *name, struct inode **result) __must_check;

/* A new directory, empty but for "." and "..". */
int vfs_mkdir(struct inode *cwd, const char *path) __must_check;
/* Remove an empty directory; who stands in it stays there, and finds nothing. Not the root, not
   "." or "..": -E_INVAL. */
int vfs_rmdir(struct inode *cwd, const char *path) __must_check;
/* One more name for a file; the old path's last link is followed. -E_ISDIR for a directory. */
int vfs_link(struct inode *cwd, const char *old_path, const char *new_path) __must_check;
/* A name that stands for another path, which need not exist. */
int vfs_symlink(struct inode *cwd, const char *target, const char *path) __must_check;
/* The path that a symbolic link stands for, without an end. -E_INVAL if it is none. */
int vfs_readlink(struct inode *node, struct iobuf *iob) __must_check;
/* Another name, in one step: what has the new name is replaced, a file by a file or an empty
   directory by a directory. A directory into itself or below is -E_INVAL. */
int vfs_rename(struct inode *cwd, const char *old_path, const char *new_path) __must_check;
/* Remove a name; the last one takes the file with it, when nobody has it open any more. */
int vfs_unlink(struct inode *cwd, const char *path) __must_check;
/* Give a file this length, which may be any number: shorter, or longer by a hole. */
int vfs_truncate(struct inode *node, off_t len) __must_check;
/* The path of a directory, from the root, found by going upwards. -E_NOENT if it was removed,
   -E_TOO_BIG if it does not fit. */
int vfs_getcwd(struct inode *cwd, char *path, size_t size) __must_check;
