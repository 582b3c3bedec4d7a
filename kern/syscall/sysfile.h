/* System calls of files: those in sysfile.c, for the table in syscall.c. What they do for programs
   is told in user/libs/file.h and dir.h.

   As all functions of that table they get the caller's argument registers, are called with
   interrupts on and no lock held, and may sleep. They return 0 or a positive result, or an error of
   fs/vfs.h or fs/file.h. */
#pragma once

#include <defs.h>

/* What a descriptor stands for. (fd, buf, length): how many bytes. */
long sys_read(uint64_t arg[]);
long sys_write(uint64_t arg[]);
/* (fd, offset, LSEEK_): the new position */
long sys_seek(uint64_t arg[]);
/* (fd, struct stat *) */
long sys_fstat(uint64_t arg[]);
/* (fd) */
long sys_fsync(uint64_t arg[]);
/* (fd, length) */
long sys_ftruncate(uint64_t arg[]);
/* (fd, struct dirent *) */
long sys_getdirentry(uint64_t arg[]);

/* Descriptors. (path, O_ flags): a new one. */
long sys_open(uint64_t arg[]);
/* (fd) */
long sys_close(uint64_t arg[]);
/* (fd, new fd, or NO_FD for the lowest that is free): the new one */
long sys_dup(uint64_t arg[]);
/* (int fd[2]) */
long sys_pipe(uint64_t arg[]);

/* Paths. (path) */
long sys_chdir(uint64_t arg[]);
long sys_mkdir(uint64_t arg[]);
long sys_rmdir(uint64_t arg[]);
long sys_unlink(uint64_t arg[]);
/* (old path, new path) */
long sys_link(uint64_t arg[]);
long sys_rename(uint64_t arg[]);
/* (target, path) */
long sys_symlink(uint64_t arg[]);
/* (path, buf, size): how many bytes */
long sys_readlink(uint64_t arg[]);
/* (path, length) */
long sys_truncate(uint64_t arg[]);
/* (path, struct stat *) */
long sys_lstat(uint64_t arg[]);
/* (buf, size) */
long sys_getcwd(uint64_t arg[]);

/* The file system. () */
long sys_sync(uint64_t arg[]);
/* (struct fsinfo *) */
long sys_fsinfo(uint64_t arg[]);
