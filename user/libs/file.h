/* Files, by the names of ucore's courses: descriptors, what is done to names, and what a file is.

   A descriptor is a small number. 0, 1 and 2 are the console's input, its output, and its output
   for messages, unless the shell made them something else. fork gives a child the same open files,
   with one position for both; exec keeps them, and exit closes them.

   All functions return 0 or a positive result, or a negative error. Besides those that are told at
   a function: -E_NOENT, -E_NOTDIR, -E_TOO_BIG for a path that leads nowhere; -E_INVAL for a number
   that is no descriptor, or is not open for this; -E_FAULT for memory that the program has not;
   -E_IO if the disk fails; -E_ROFS if nothing can be written to it; -E_NO_SPACE if it is full. */
#pragma once

#include <defs.h>
#include <stat.h>
#include <unistd.h>

/* Open a file, O_ flags of unistd.h: the lowest descriptor that is free. -E_EXISTS with O_EXCL;
   -E_ISDIR to write to a directory; -E_BUSY to write to a program that runs; -E_MAX_OPEN. Devices
   have names of their own: "stdin:", "stdout:", "null:". */
int open(const char *path, uint32_t flags);
/* Give a descriptor back. */
int close(int fd);

/* Read at most len bytes to buf, from the file's position on, which moves; the result is 0 at the
   end of the file. Of a pipe and the console, what there is, and it waits for at least one byte;
   the console is raw: without an echo, and with ctrl-D as a byte like others. It ends for a process
   whose job has it not. */
int read(int fd, void *buf, size_t len);
/* Write len bytes of buf. The result may be lower, if a disk became full or the process was killed
   on the way. To the console and a pipe, up to 256 and 4,096 bytes appear in one piece. -E_PIPE if
   nobody can read the pipe any more. */
int write(int fd, const void *buf, size_t len);
/* Move the position: LSEEK_ of unistd.h says what `offset` counts from. The new position; a file
   becomes no longer by it. -E_SEEK for a pipe and the console. */
long seek(int fd, off_t offset, int whence);

/* Tell what a file is: by descriptor, by path, or by path of a symbolic link itself. */
int fstat(int fd, struct stat *stat);
int stat(const char *path, struct stat *stat);
int lstat(const char *path, struct stat *stat);
/* Print what fstat told, as ucore's programs do. */
void print_stat(const char *name, int fd, struct stat *stat);
/* Give a file this length, with zeros in what is new. */
int ftruncate(int fd, off_t length);
int truncate(const char *path, off_t length);
/* What was written is on the disk when this returns 0: of this file, or all. */
int fsync(int fd);
int sync(void);
/* Show a part of a file in memory, at *store, or anywhere if that is 0, and store where: from
   `offset` on, a multiple of 4096. Flags are MMAP_FILE, for a private copy, with MMAP_SHARED if
   what is written to memory is written to the file, which must be open for reading and writing
   then; and MMAP_WRITE. An access behind the file's end ends the program. The descriptor may be
   closed. */
int mmap_file(uintptr_t *store, size_t len, uint32_t flags, int fd, off_t offset);
/* What was written to shared files that lie in this range is on the disk when this returns 0. */
int msync(uintptr_t addr, size_t len);
/* How much room the root file system has. */
int fsinfo(struct fsinfo *info);

/* Another descriptor for the same open file: the lowest that is free, or fd2, which is closed
   before. */
int dup(int fd);
int dup2(int fd, int fd2);
/* Two descriptors: what is written to fd[1] is read from fd[0]. */
int pipe(int *fd);
/* A pipe with a name. The kernel has none yet: -E_UNIMP, and nothing is made. To write it is a task
   for who wants one: docs/sfs.md says what it takes. */
int mkfifo(const char *name, uint32_t flags);

/* Go to another directory. */
int chdir(const char *path);
/* Where one is, from the root on. -E_TOO_BIG if it does not fit; -E_NOENT if it was removed. */
int getcwd(char *buf, size_t len);
/* A new directory; -E_EXISTS. */
int mkdir(const char *path);
/* Remove a directory: -E_NOTEMPTY, and -E_INVAL for the root, "." and "..". */
int rmdir(const char *path);
/* One more name for a file. -E_EXISTS. */
int link(const char *old_path, const char *new_path);
/* A name that stands for a path. -E_EXISTS. */
int symlink(const char *target, const char *path);
/* The path that it stands for, without a zero at its end: how many bytes. -E_INVAL if it is no
   symbolic link. */
int readlink(const char *path, char *buf, size_t len);
/* Another name, in one step; what had that name is replaced, if that can be. */
int rename(const char *old_path, const char *new_path);
/* Remove a name; the file goes with its last one, when nobody has it open. -E_ISDIR. */
int unlink(const char *path);
