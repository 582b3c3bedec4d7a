/* System calls of files. Each takes what the program named, a descriptor or a path, and hands it to
   kern/fs: nothing of a file is known here. Paths are copied to a page of the kernel first; what is
   read and written goes by an iobuf.

   A descriptor is any number of 64 bits: file_get() knows those that there are. Its file stays as
   long as a call uses it, whatever other threads close meanwhile. */
#include <dirent.h>
#include <error.h>
#include <fs/file.h>
#include <mm/kmalloc.h>
#include <mm/usercopy.h>
#include <process/proc.h>
#include <string.h>
#include <syscall/sysfile.h>

/* What read and write share. The number of bytes must fit into the result. The iobuf notes the
   address only: whether there is memory is seen when bytes are moved, and what was moved before
   counts. */
static inline long transfer(uint64_t arg[], bool write)
{
    struct iobuf iob = iobuf_user(current->mm, arg[1], arg[2], 0);

    return file_transfer(proc_files(), arg[0], &iob, write);
}

/* What is longer than a result can tell is read in part. */
long sys_read(uint64_t arg[])
{
    if (arg[2] > INT32_MAX)
        arg[2] = INT32_MAX;
    return transfer(arg, false);
}

/* What is longer than that is refused: a part of it may be what nobody wanted to be written. */
long sys_write(uint64_t arg[])
{
    return arg[2] > INT32_MAX ? -E_INVAL : transfer(arg, true);
}

/* A `whence` beyond the known ones stays unknown, whatever its lower half is. */
long sys_seek(uint64_t arg[])
{
    struct file *file = file_get(proc_files(), arg[0]);

    if (file == NULL)
        return -E_INVAL;
    long result = file_seek(file, arg[1], arg[2] <= LSEEK_END ? arg[2] : LSEEK_END + 1);
    file_put(file);
    return result;
}

/* Tell of an inode; the reference is given back. What is not set would be old bytes of the kernel's
   stack. */
static long tell_stat(struct inode *node, uintptr_t to)
{
    struct stat stat;

    memset(&stat, 0, sizeof(stat));             /* the bytes between the fields too */
    int result = vop_data(node, vop_fstat, &stat);
    inode_put(node);
    return result != 0 ? result : copy_to_user(to, &stat, sizeof(stat));
}

/* The inode of a descriptor, with a reference, or NULL; and how the file was opened. */
static struct inode *node_get(uint64_t fd, uint32_t *flags)
{
    struct file *file = file_get(proc_files(), fd);
    struct inode *node = NULL;

    if (file != NULL) {
        inode_get(node = file->node);
        *flags = file->flags;
        file_put(file);
    }
    return node;
}

/* The file may be closed meanwhile: its inode stays. */
long sys_fstat(uint64_t arg[])
{
    uint32_t flags;
    struct inode *node = node_get(arg[0], &flags);

    return node != NULL ? tell_stat(node, arg[1]) : -E_INVAL;
}

/* The position is not needed, so others may read and write while the disk works. */
long sys_fsync(uint64_t arg[])
{
    uint32_t flags;
    struct inode *node = node_get(arg[0], &flags);

    if (node == NULL)
        return -E_INVAL;
    long result = vop_data(node, vop_fsync);
    inode_put(node);
    return result;
}

/* Open to write: so it is counted as written to, and no program that runs. */
long sys_ftruncate(uint64_t arg[])
{
    uint32_t flags;
    struct inode *node = node_get(arg[0], &flags);
    long result = -E_INVAL;

    if (node == NULL)
        return -E_INVAL;
    if ((flags & O_ACCMODE) != O_RDONLY && (off_t)arg[1] >= 0)
        result = vop_data(node, vop_truncate, arg[1]);
    inode_put(node);
    return result;
}

/* Where to go on is the program's to keep: any number may come back. */
long sys_getdirentry(uint64_t arg[])
{
    struct dirent entry;
    uint32_t ino, flags;
    int result = copy_from_user(&entry.offset, arg[1], sizeof(entry.offset));
    struct inode *node = result == 0 ? node_get(arg[0], &flags) : NULL;

    if (node == NULL)
        return result != 0 ? result : -E_INVAL;
    memset(entry.name, 0, sizeof(entry.name));
    result = vop_names(node, vop_getdirentry, &entry.offset, entry.name, &ino);
    inode_put(node);
    return result != 0 ? result : copy_to_user(arg[1], &entry, sizeof(entry));
}

/* Why a path is copied, and not looked at where it is:

     a thread in open("safe/x")        another thread of the process
     each name is looked at
                                       writes "../" over the path
     the path is walked: another file than the one that was looked at

   And reading it where it is may fault, which must not happen with a lock of the file system. */

/* A path of the program, in memory that kfree() takes: 0 or an error, and then it is NULL. It is
   copied once, because another thread may write over it: what was looked at must be what is
   used. */
static int fetch_path(uintptr_t from, char **path)
{
    char *buf = kmalloc(FS_MAX_FPATH_LEN + 1);

    *path = NULL;
    if (buf == NULL)
        return -E_NO_MEM;
    int length = copy_string_from_user(buf, from, FS_MAX_FPATH_LEN + 1);
    if (length >= 0)
        *path = buf;
    else
        kfree(buf);
    return length < 0 ? length : 0;
}

/* The table becomes the process's own even if there is no such file: that is no harm. */
long sys_open(uint64_t arg[])
{
    char *path;
    int result = arg[1] > UINT32_MAX ? -E_INVAL : fetch_path(arg[0], &path);

    if (result != 0)
        return result;
    result = proc_own_files();
    if (result == 0)
        result = file_open(current->files, path, arg[1]);
    kfree(path);
    return result;
}

/* To close one of the constant table, which cannot change, it is copied first. */
long sys_close(uint64_t arg[])
{
    return proc_own_files() ?: file_close(current->files, arg[0]);
}

/* The new number is any of 64 bits, or NO_FD. */
long sys_dup(uint64_t arg[])
{
    return proc_own_files() ?: file_dup(current->files, arg[0], arg[1]);
}

/* If the program cannot be told, it has none. */
long sys_pipe(uint64_t arg[])
{
    int fd[2];
    int result = proc_own_files() ?: file_pipe(current->files, fd);

    if (result != 0)
        return result;
    result = copy_to_user(arg[0], fd, sizeof(fd));
    if (result != 0) {
        file_close(current->files, fd[0]);
        file_close(current->files, fd[1]);
    }
    return result;
}

/* Threads that share the table are all somewhere else then. */
long sys_chdir(uint64_t arg[])
{
    char *path;
    int result = fetch_path(arg[0], &path);

    if (result == 0)
        result = proc_own_files() ?: files_chdir(current->files, path);
    kfree(path);
    return result;
}

/* Do something with a path, in the current directory. The directory has a reference meanwhile, for
   another thread may go elsewhere, and it may be removed. */
static long with_path(uint64_t arg[], int (*what)(struct inode *cwd, const char *path))
{
    char *path;
    int result = fetch_path(arg[0], &path);

    if (result != 0)
        return result;
    struct inode *cwd = files_pwd(proc_files());
    result = what(cwd, path);
    inode_put(cwd);
    kfree(path);
    return result;
}

/* The same with two of them. */
static long with_paths(uint64_t arg[], int (*what)(struct inode *cwd, const char *, const char *))
{
    char *path, *other = NULL;
    int result = fetch_path(arg[0], &path) ?: fetch_path(arg[1], &other);

    if (result == 0) {
        struct inode *cwd = files_pwd(proc_files());
        result = what(cwd, path, other);
        inode_put(cwd);
    }
    kfree(path);
    kfree(other);
    return result;
}

/* System calls that are no more than that. What can be wrong with a path is found where it is
   walked; vfs.h says which error it gives. */
#define PATH_CALL(name, with, what) \
    long name(uint64_t arg[]) { return with(arg, what); }
PATH_CALL(sys_mkdir, with_path, vfs_mkdir)
PATH_CALL(sys_rmdir, with_path, vfs_rmdir)
PATH_CALL(sys_unlink, with_path, vfs_unlink)
PATH_CALL(sys_link, with_paths, vfs_link)
PATH_CALL(sys_rename, with_paths, vfs_rename)
PATH_CALL(sys_symlink, with_paths, vfs_symlink)

/* The inode of a path, with a reference: 0 or an error. */
static int find_path(uintptr_t from, bool follow, struct inode **node)
{
    char *path;
    int result = fetch_path(from, &path);

    if (result != 0)
        return result;
    struct inode *cwd = files_pwd(proc_files());
    result = vfs_lookup(cwd, path, follow, node);
    inode_put(cwd);
    kfree(path);
    return result;
}

/* The length of the result is what the file system has moved. */
long sys_readlink(uint64_t arg[])
{
    size_t size = arg[2] < INT32_MAX ? arg[2] : INT32_MAX;
    struct iobuf iob = iobuf_user(current->mm, arg[1], size, 0);
    struct inode *node;
    long result = find_path(arg[0], false, &node);

    if (result != 0)
        return result;
    result = vfs_readlink(node, &iob);
    inode_put(node);
    return result != 0 ? result : (long)(size - iob.io_resid);
}

/* A length below 0 is refused there. */
long sys_truncate(uint64_t arg[])
{
    struct inode *node;
    long result = find_path(arg[0], true, &node);

    if (result != 0)
        return result;
    result = vfs_truncate(node, arg[1]);
    inode_put(node);
    return result;
}

/* stat() of the library is an open, an fstat and a close. */
long sys_lstat(uint64_t arg[])
{
    struct inode *node;
    long result = find_path(arg[0], false, &node);

    return result != 0 ? result : tell_stat(node, arg[1]);
}

/* It is put together in the kernel's memory, because its end is known first. */
long sys_getcwd(uint64_t arg[])
{
    size_t size = arg[1] < FS_MAX_FPATH_LEN + 1 ? arg[1] : FS_MAX_FPATH_LEN + 1;
    char *path = kmalloc(FS_MAX_FPATH_LEN + 1);

    if (path == NULL)
        return -E_NO_MEM;
    struct inode *cwd = files_pwd(proc_files());
    long result = vfs_getcwd(cwd, path, size);
    inode_put(cwd);
    if (result == 0)
        result = copy_to_user(arg[0], path, strlen(path) + 1);
    kfree(path);
    return result;
}

long sys_sync(__not_used uint64_t arg[])
{
    return vfs_sync();
}

/* Nothing in it is of one process, so any program may ask. */
long sys_fsinfo(uint64_t arg[])
{
    struct fsinfo info;

    return vfs_info(&info) ?: copy_to_user(arg[0], &info, sizeof(info));
}
