/* The functions of file.h: one system call each, with its arguments in the order that libs/unistd.h
   has. Nothing is checked here, for the reasons that ulib.c gives.

   read() and write() are in ulib.c: programs that open nothing need no more. All but seek() have
   results of 32 bits; a position may be larger.

   Those that ucore has and the kernel has not as a call of its own, as stat(), are made of others.
   */
#include <error.h>
#include <file.h>
#include <stdio.h>
#include <syscall.h>

int open(const char *path, uint32_t flags)
{
    return syscall2(SYS_open, (uintptr_t)path, flags);
}

int close(int fd)
{
    return syscall1(SYS_close, fd);
}

long seek(int fd, off_t offset, int whence)
{
    return syscall3(SYS_seek, fd, offset, whence);
}

int fstat(int fd, struct stat *stat)
{
    return syscall2(SYS_fstat, fd, (uintptr_t)stat);
}

/* A file that cannot be opened cannot be told of: all can be opened for reading. */
int stat(const char *path, struct stat *stat)
{
    int fd = open(path, O_RDONLY);

    if (fd < 0)
        return fd;
    int result = fstat(fd, stat);
    close(fd);
    return result;
}

int lstat(const char *path, struct stat *stat)
{
    return syscall2(SYS_lstat, (uintptr_t)path, (uintptr_t)stat);
}

/* By st_mode >> 12, the letters that ucore prints; a pipe has none there. */
void print_stat(const char *name, int fd, struct stat *stat)
{
    static const char types[] = "?-dlcbp?";

    cprintf("[%03d] %s\n", fd, name);
    cprintf("    mode    : %c\n", types[(stat->st_mode & S_IFMT) >> 12]);
    cprintf("    links   : %lu\n", stat->st_nlinks);
    cprintf("    blocks  : %lu\n", stat->st_blocks);
    cprintf("    size    : %lu\n", stat->st_size);
}

int ftruncate(int fd, off_t length)
{
    return syscall2(SYS_ftruncate, fd, length);
}

int truncate(const char *path, off_t length)
{
    return syscall2(SYS_truncate, (uintptr_t)path, length);
}

int fsync(int fd)
{
    return syscall1(SYS_fsync, fd);
}

int sync(void)
{
    return syscall0(SYS_sync);
}

int mmap_file(uintptr_t *store, size_t len, uint32_t flags, int fd, off_t offset)
{
    return syscall5(SYS_mmap, (uintptr_t)store, len, flags, fd, offset);
}

int msync(uintptr_t addr, size_t len)
{
    return syscall2(SYS_msync, addr, len);
}

int fsinfo(struct fsinfo *info)
{
    return syscall1(SYS_fsinfo, (uintptr_t)info);
}

int dup(int fd)
{
    return dup2(fd, NO_FD);
}

int dup2(int fd, int fd2)
{
    return syscall2(SYS_dup, fd, fd2);
}

int pipe(int *fd)
{
    return syscall1(SYS_pipe, (uintptr_t)fd);
}

int mkfifo(const char *name, uint32_t flags)
{
    return syscall2(SYS_mkfifo, (uintptr_t)name, flags);
}

int chdir(const char *path)
{
    return syscall1(SYS_chdir, (uintptr_t)path);
}

int getcwd(char *buf, size_t len)
{
    return syscall2(SYS_getcwd, (uintptr_t)buf, len);
}

int mkdir(const char *path)
{
    return syscall1(SYS_mkdir, (uintptr_t)path);
}

int rmdir(const char *path)
{
    return syscall1(SYS_rmdir, (uintptr_t)path);
}

int link(const char *old_path, const char *new_path)
{
    return syscall2(SYS_link, (uintptr_t)old_path, (uintptr_t)new_path);
}

int symlink(const char *target, const char *path)
{
    return syscall2(SYS_symlink, (uintptr_t)target, (uintptr_t)path);
}

int readlink(const char *path, char *buf, size_t len)
{
    return syscall3(SYS_readlink, (uintptr_t)path, (uintptr_t)buf, len);
}

int rename(const char *old_path, const char *new_path)
{
    return syscall2(SYS_rename, (uintptr_t)old_path, (uintptr_t)new_path);
}

int unlink(const char *path)
{
    return syscall1(SYS_unlink, (uintptr_t)path);
}
