/* What fstat() tells of a file, by ucore's names: shared by the kernel and user programs.

   The first four fields and their sizes are those that ucore's programs are compiled for. The
   numbers of the types are ucore's too: those of POSIX mean nothing here. There are no rights in
   st_mode, because there is one user, who may do all. There are no times: nothing in the machine
   tells the kernel what day it is. */
#pragma once

#include <defs.h>

struct stat {
    uint32_t st_mode;                   /* the type: S_IF */
    size_t st_nlinks;                   /* names */
    size_t st_blocks;                   /* of 4096 bytes that it has on the disk */
    size_t st_size;                     /* in bytes */
    size_t st_ino;                      /* which inode of the disk it is; 0: it is not there */
};

#define S_IFMT      070000              /* which bits of st_mode are the type */
#define S_IFREG     010000              /* a file */
#define S_IFDIR     020000              /* a directory */
#define S_IFLNK     030000              /* a symbolic link */
#define S_IFCHR     040000              /* a device of characters: the console */
#define S_IFBLK     050000              /* a device of blocks */
#define S_IFIFO     060000              /* a pipe */

#define S_ISREG(mode)   (((mode) & S_IFMT) == S_IFREG)
#define S_ISDIR(mode)   (((mode) & S_IFMT) == S_IFDIR)
#define S_ISLNK(mode)   (((mode) & S_IFMT) == S_IFLNK)
#define S_ISCHR(mode)   (((mode) & S_IFMT) == S_IFCHR)
#define S_ISFIFO(mode)  (((mode) & S_IFMT) == S_IFIFO)
#define S_ISBLK(mode)   (((mode) & S_IFMT) == S_IFBLK)
