/* An sfs on a test's disk: made new, mounted, ended, and checked. The check is written from
   docs/sfs.md and looks at the disk's memory, past the cache and past all functions of kern/fs: so
   what the kernel believes does not count. Crash tests use it too: after recovery a disk must be
   one that it finds nothing wrong with.

   One disk is mounted at a time. Functions that are called test_ panic if something fails that must
   not. What a test takes it gives back. */
#pragma once

#include <fs/sfs.h>
#include <test/disk_record.h>

/* Make an empty file system on it. */
void sfs_format(struct test_disk *disk, uint32_t journal_blocks, uint32_t inodes,
                uint32_t swap_blocks);
/* By hand, on a disk that is not mounted: a new file in the root, of no blocks and size 0. Its
   inode lies in the disk's memory. */
struct sfs_disk_inode *sfs_put_file(struct test_disk *disk, const char *name);
/* By hand: take this block, which is free, for a file: its bytes, which are zeros now. */
void *sfs_put_block(struct test_disk *disk, struct sfs_disk_inode *file, uint32_t block);
/* Fill what is free on the disk, and some free memory, with bytes that are no zeros: what should be
   cleared and is not will show. The disk is not mounted. */
void sfs_put_junk(struct test_disk *disk);
/* How many things are wrong; each of the first has a line on the console. The file system is not
   mounted, or was just synced. `orphans`: inodes in the list of orphans are right. */
uint32_t sfs_check(const struct test_disk *disk, bool orphans);
/* How many blocks and inodes are in use, as the tree tells; only for a disk that is right. */
void sfs_count_used(const struct test_disk *disk, uint32_t *blocks, uint32_t *inodes);

/* Mount it; *root has a reference. */
struct filesystem *test_mount(struct test_disk *disk, struct inode **root);
/* Give the root back and unmount: the result of that. If it is 0, check: nothing is wrong, but
   `orphans` may be left. */
int test_end(struct filesystem *fs, struct inode *root, const struct test_disk *disk, bool orphans);
/* Is nobody's reference to a block left, so that it can be dropped from memory? It is dropped then.
   What was changed is on the disk already. */
bool test_is_dropped(uint32_t block);
/* Give the root back and unmount a disk that is damaged: it is not checked. */
void test_abandon(struct filesystem *fs, struct inode *root);
/* As test_end(), and nothing may be left. */
void test_unmount(struct filesystem *fs, struct inode *root, const struct test_disk *disk);
/* Take free blocks, into taken[n] and behind it, until only `left` are free: for tests of a disk
   that is full. They are in no file, so they must be given back before the disk is checked. Returns
   how many are taken now. */
uint32_t test_take_blocks(struct filesystem *fs, uint32_t *taken, uint32_t n, uint32_t left);
/* Give back the last of n that are taken, until `until` blocks are free, or all. Returns how many
   are still taken. */
uint32_t test_give_blocks(struct filesystem *fs, const uint32_t *taken, uint32_t n,
                          uint32_t until);
/* Free blocks, and free inodes, as the file system counts. */
uint32_t test_free_blocks(struct filesystem *fs);
uint32_t test_free_inodes(struct filesystem *fs);

/* What can be in a file: byte `at` of the content number `seed`. */
static inline uint8_t test_byte(uint32_t seed, uint64_t at)
{
    return (seed * 31 + at + (at >> 8) * 7 + (at >> 16)) * 2654435761U >> 13;
}
/* Look a name up; NULL if there is none. With a reference. */
struct inode *test_find(struct inode *dir, const char *name);
/* A new file, which was not there. With a reference. */
struct inode *test_create(struct inode *dir, const char *name);
/* Fill blocks of a directory with names of 255 bytes, for one file, so that another one has no room
   there: `name`, of SFS_NAME_MAX + 1 bytes, is such a one then. */
void test_fill_directory(struct inode *dir, struct inode *node, char *name, int blocks);
/* Write n bytes of content `seed` (0: zeros) at a place, in as many calls as are needed. How many
   were written, and *error what ended it. */
size_t test_write(struct inode *node, uint32_t seed, uint64_t at, size_t n, int *error);
/* Read n bytes, and compare them with that content. True: they are there, and the same. */
bool test_is(struct inode *node, uint32_t seed, uint64_t at, size_t n);
/* What fstat tells. */
struct stat test_stat(struct inode *node);
