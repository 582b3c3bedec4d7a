/* For the tests of exercise 8.3: a table of descriptors, and files in it whose inodes the test has
   made. Nothing of a disk is needed, and no pipe.

   An inode of this kind is told by its operations what is done to it: how often a file of it was
   closed, whether the position was locked meanwhile. So a test sees a file that is closed too early
   or never, without looking at freed memory.

   A test has one `table`, from files_begin() to files_end(). Its numbers 0 to 2 are the console. */
#pragma once

#include <fs/file.h>

#define CONTENT     400             /* bytes of each such inode: byte i is byte_at(i) */

struct watched {
    struct inode inode;             /* the first member */
    uint32_t closed;                /* how often a file of it was closed: atomic */
    uint32_t gone;                  /* and its last reference given back: atomic */
    struct file *file;              /* whose position is looked at; NULL: nobody's */
    bool locked;                    /* was it locked in the last call? */
    uint32_t refs;                  /* and the file's references then */
    size_t step;                    /* a call moves so many bytes at most */
    off_t bad;                      /* from here on there is -E_IO */
    int turns;                      /* a call gives way so often, before it moves them */
    uint8_t seen[CONTENT];          /* how often each byte was read: atomic by the position only */
};

/* What is in such a file. */
static inline uint8_t byte_at(uint64_t at)
{
    return at * 7 + 3;
}

/* The table that a test looks at: of its own, with the console on 0, 1 and 2. files_end() drops
   it. */
extern struct files_struct *table;
void files_begin(void);
void files_end(void);

/* Make an inode with no file; its reference is the first file's. */
void watch(struct watched *watched);
/* A file for it, which has one reference, on this descriptor, which is free. The second file of an
   inode takes a reference of its own. */
struct file *put_file(uint64_t fd, struct watched *watched, uint32_t flags);
/* One more descriptor for a file, past all that is tested. */
void put_again(uint64_t fd, struct file *file);
/* Read up to n bytes, at most CONTENT: the result; and whether they are those from `at` on. */
long read_file(uint64_t fd, size_t n, uint64_t at, bool *right);
