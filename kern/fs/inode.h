/* Inodes: what a file is, whatever kind of file it is and however many names and openers it has. An
   inode in memory has operations, which its file system, the console, the null device or a pipe
   gives. An object of theirs has the struct inode as its first member.

   An inode is in memory while somebody has a reference: a name that is looked up, an open file, a
   current directory, a program that runs. Giving the last one back may free its blocks, if it has
   no name, and so begins transactions: it is done with no lock of the file system held.

   What has references to one, and what else is counted:

       refs    struct file   current directory   memory of a program that runs   a call, meanwhile
       uses    open to write: 1 each             runs: -1 each                   never both

   `lock`, of rank MUTEX_INODE, guards the content: size, block map, entries of a directory. The
   operations take it themselves. Two of them are never held together: what changes names takes
   the file system's one MUTEX_TREE first, which keeps other changes away, and then one inode after
   the other. */
#pragma once

#include <error.h>
#include <fs/iobuf.h>
#include <riscv/atomic.h>
#include <stat.h>

struct inode;
struct filesystem;
struct file_map;

#define VOP_MAX     65536               /* bytes that one vop_read or vop_write moves at most */

/* What getdirentry gives: see libs/dirent.h. */
struct dirent;

/* The operations, by ucore's names. NULL: not for this kind; vop_data() and vop_names() below call
   one, and say the error then. Each may sleep; no spinlock, no transaction and no inode's lock is
   held, but a vop_read and a vop_write may be called with the file's position locked
   (MUTEX_FILE). */
struct inode_ops {
    /* Read or write from iob->io_offset on, at most VOP_MAX at a time; io_resid tells how much is
       left. 0 or an error; an error after some bytes were moved is told by the next call. */
    int (*vop_read)(struct inode *node, struct iobuf *iob);
    int (*vop_write)(struct inode *node, struct iobuf *iob);
    /* The page of the block cache, or of the kernel's image, that has the content from
       index * PGSIZE on, with a reference; behind the file's end it has zeros. *page is NULL for a
       hole. -E_FAULT: the file ends before that; -E_IO; -E_NO_MEM. The lock of an mm may be
       held. */
    int (*vop_page)(struct inode *node, uint64_t index, struct Page **page);
    /* The same for a program that will write to the page, which is shared (fs/mmap.h): a hole gets
       a block, and it becomes dirty, and is not in the journal. -E_BUSY: try later; -E_NO_SPACE. */
    int (*vop_share)(struct inode *node, uint64_t index, struct Page **page);
    /* What is dirty becomes part of the journal, and is not dirty any more. No program can write to
       it: its entries have been protected, or have gone. */
    int (*vop_journal_dirty)(struct inode *node);
    int (*vop_fstat)(struct inode *node, struct stat *stat);
    int (*vop_fsync)(struct inode *node);
    int (*vop_truncate)(struct inode *node, off_t len);
    /* Is this a place that a position can have? NULL: each is, if the file has a position. */
    int (*vop_tryseek)(struct inode *node, off_t pos);
    /* The next entry from *offset on, which goes on. -E_NOENT at the end. */
    int (*vop_getdirentry)(struct inode *node, off_t *offset, char name[256], uint32_t *ino);
    /* An entry of a directory; the inode has a reference more. -E_NOENT. */
    int (*vop_lookup)(struct inode *dir, const char *name, struct inode **result);
    /* A new file, directory or symbolic link (target), with that name; a reference. -E_EXISTS. */
    int (*vop_create)(struct inode *dir, const char *name, bool exclusive, struct inode **result);
    int (*vop_mkdir)(struct inode *dir, const char *name);
    int (*vop_symlink)(struct inode *dir, const char *name, const char *target);
    int (*vop_link)(struct inode *dir, const char *name, struct inode *node);
    int (*vop_unlink)(struct inode *dir, const char *name);
    int (*vop_rmdir)(struct inode *dir, const char *name);
    int (*vop_rename)(struct inode *old_dir, const char *old_name, struct inode *new_dir,
                      const char *new_name);
    int (*vop_readlink)(struct inode *node, struct iobuf *iob);
    /* The last open descriptor is closed: of a pipe, that end. May be NULL. */
    void (*vop_close)(struct inode *node, bool readable, bool writable);
    /* Give the last reference back, and free the object. It still has that reference when this is
       called: a file system that finds inodes by number takes its lock, counts it off, and frees
       only what nobody has found meanwhile. NULL: it is never freed. */
    void (*vop_reclaim)(struct inode *node);
};

struct inode {
    const struct inode_ops *in_ops;     /* set once */
    struct filesystem *in_fs;           /* NULL: a device or a pipe. Set once */
    uint32_t ino;                       /* its number there; set once */
    uint32_t type;                      /* S_IFREG, S_IFDIR, S_IFLNK, S_IFCHR, S_IFIFO; set once */
    uint32_t refs;                      /* atomic; of an inode in a hash, from 0 to 1 only there */
    int32_t uses;                       /* atomic: how many have it open for writing, or, negative,
                                           run it */
    struct mutex lock;                  /* MUTEX_INODE */
    struct file_map *map;               /* NULL before it is mapped: fs/mmap.h. Set once */
    struct mm_attachment runs;          /* for the address spaces that it runs in; set once */
};

/* A mounted file system. */
struct filesystem {
    const char *name;                   /* "sfs", "image" */
    bool read_only;                     /* each change gives -E_ROFS */
    struct inode *(*get_root)(struct filesystem *fs);   /* with a reference */
    int (*sync)(struct filesystem *fs);                 /* all is on the disk, or -E_IO */
    /* End it. 0; -E_BUSY while somebody has an inode. */
    int (*unmount)(struct filesystem *fs);
    /* How much room there is, for df: blocks of 4 KiB, free ones, inodes, free ones. 0, or what
       kept it from counting. sync, unmount and this may be NULL: nothing is to be done. */
    int (*usage)(struct filesystem *fs, uint32_t usage[4]);
};

/* Call an operation of an inode: vop_data(node, vop_read, iob). Without it, a directory is not for
   that (-E_ISDIR), nor is another kind (-E_INVAL). The second is for the operations of directories,
   vop_names(dir, vop_lookup, name, &node): nothing else has them (-E_NOTDIR). */
#define vop_data(node, op, ...) \
    ((node)->in_ops->op != NULL ? (node)->in_ops->op(node, ##__VA_ARGS__) \
     : (node)->type == S_IFDIR ? -E_ISDIR : -E_INVAL)
#define vop_names(dir, op, ...) \
    ((dir)->in_ops->op != NULL ? (dir)->in_ops->op(dir, ##__VA_ARGS__) : -E_NOTDIR)

/* Set the fields of a new one, with one reference. */
void inode_init(struct inode *node, const struct inode_ops *ops, struct filesystem *fs,
                uint32_t ino, uint32_t type);
/* One more reference, for who has one: it returns the inode. */
static inline struct inode *inode_get(struct inode *node)
{
    atomic_add(&node->refs, 1); /* no pair: who counts up has a reference; see inode_put() */
    return node;
}
/* Give one back; for the last one it calls vop_reclaim. May sleep; no lock of the file system is
   held. */
void inode_put(struct inode *node);

/* A file that runs may not be opened for writing, and one that is open for writing may not be run:
   count one more writer, or one more runner. 0 or -E_BUSY. The opposites. */
int inode_begin_write(struct inode *node) __must_check;
void inode_end_write(struct inode *node);
int inode_begin_run(struct inode *node) __must_check;
void inode_end_run(struct inode *node);

/* The file that runs in this address space, or NULL: none that is counted. */
static inline struct inode *inode_of_mm(const struct mm_struct *mm)
{
    return mm->program != NULL ? to_struct(mm->program, struct inode, runs) : NULL;
}
/* What runs in the parent does so in the child too, which nobody else knows yet. */
void inode_fork(struct mm_struct *child, const struct mm_struct *parent);
