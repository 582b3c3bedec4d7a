/* Open files and descriptors, by ucore's names. A struct file is what one open() made: an inode, a
   position and what it may be used for. dup and fork share it, position included. A descriptor is
   a place in a table of a process; CLONE_FS shares the table.

   A process that has opened nothing has no table of its own: files is NULL, and stands for one
   constant table with the console on 0, 1 and 2 and the root for a current directory. So fork, exec
   and exit of such a process touch nothing of this layer. The first open, dup, close, pipe or chdir
   makes it its own (files_own()). */
#pragma once

#include <fs/vfs.h>

/* A process that has opened a file twice, used dup, and then forked:

       parent --files--> files_struct      child --files--> files_struct
                           [3] ---+                            [3] ---+
                           [4] ---+--> file: pos 5 <------------[4] --+      (dup: 3 and 4)
                           [5] ------> file: pos 0 <------------[5]          (the other open)
                           pwd             |       \
                             |             |  node  |  node
                             v             v        v
                           inode of /     inode of the file: its content is there once

   Each arrow is a reference. So a position is shared by whoever has the same struct file, and the
   content by whoever has the same inode. */

#define FILES_MAX   128                 /* descriptors of a process */

struct file {
    uint32_t refs;                      /* atomic: descriptors, and calls that use it */
    uint32_t flags;                     /* O_; set once */
    struct inode *node;                 /* with a reference; set once */
    struct mutex lock;                  /* MUTEX_FILE: guards pos; not taken for pipe and console */
    off_t pos;
};

struct files_struct {
    struct mm_attachment attachment;    /* for the memory of its threads; set once */
    uint32_t refs;                      /* atomic: processes that share it, and that memory */
    struct spinlock lock;               /* RANK_FILES; guards what follows */
    struct inode *pwd;                  /* with a reference */
    uint32_t files_count;               /* descriptors in use */
    struct file *fd_array[FILES_MAX];   /* each with a reference */
};

/* The table of a new process: a copy whose files are shared, or with `share` the same one. 0 or
   -E_NO_MEM. */
int files_copy(struct files_struct *parent, bool share, struct files_struct **child) __must_check;
/* Drop a use; the last one closes all. May sleep; nothing is held. */
void files_put(struct files_struct *files);
/* Make the process's table its own, if it has only the constant one: *files is set. -E_NO_MEM. */
int files_own(struct files_struct **files) __must_check;
/* The current directory, with a reference: of the table, or for NULL the root. */
struct inode *files_pwd(struct files_struct *files);
/* Make another directory the current one. 0, or an error of vfs.h. */
int files_chdir(struct files_struct *files, const char *path) __must_check;

/* The file of a descriptor, with a reference that file_put() drops. NULL: there is none. Of the
   constant table it is a constant file, which is not counted. */
struct file *file_get(struct files_struct *files, uint64_t fd);
void file_put(struct file *file);
/* Read, or write, as much as there is, or fits: how many bytes, or the error that came before the
   first of them. For a system call of the process whose table it is. */
long file_transfer(struct files_struct *files, uint64_t fd, struct iobuf *iob, bool write);

/* The next ones need a table that is the process's own: files_own() comes first. They take a
   descriptor as a program gave it. Errors: -E_INVAL there is no such, or not for this;
   -E_MAX_OPEN; and those of vfs.h. */
int file_open(struct files_struct *files, const char *path, uint32_t flags) __must_check;
int file_close(struct files_struct *files, uint64_t fd);
/* A descriptor more for the file: the lowest that is free, or `to`, which is closed first. */
int file_dup(struct files_struct *files, uint64_t fd, uint64_t to) __must_check;
/* Two descriptors: fd[0] reads what fd[1] writes. */
int file_pipe(struct files_struct *files, int fd[2]) __must_check;
long file_seek(struct file *file, off_t offset, int whence);

/* Of a pipe (kern/fs/pipe.c): an inode with two ends. */
struct inode *pipe_create(void) __must_check;
