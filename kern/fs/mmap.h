/* Files that programs map: what SYS_mmap with a descriptor makes. A program that runs is mapped by
   fs/filemap.h, and its file cannot change; here it can, by write(), by truncate(), and by whoever
   has mapped it shared. All see the same bytes at once, because all use the pages of the cache.

   Order of locks: MUTEX_WRITEBACK, an mm's, a transaction, the inode's. Who waits for a hold, or
   for the first of these, has no mm's lock: see filemap_wait. */
#pragma once

#include <fs/cache.h>
#include <fs/inode.h>
#include <mm/filemap.h>

/* Shared pages and the disk. A block that is being written to the disk, by a commit, must not
   change meanwhile. So a program gets the right to write to a block only by a fault, which puts the
   block into the set of dirty ones of its file, and waits first if the journal has the block. From
   time to time the set is written back:

       hold        faults of this file wait from here on           mmap_hold()
       protect     no entry allows to write any more               filemap_protect()
       journal     what is in the set becomes part of a transaction, and leaves the set
       release     faults go on; who wants to write waits for the commit

   It is done by sync, fsync and msync; by the flusher, a second after the first change; when the
   set is large; and before write() or truncate() change a file of which the set is not empty. When
   the last area that may be written goes, by munmap or exit, nothing need be taken from anybody. */
#define MMAP_DIRTY_MAX  128             /* blocks in the set of a file */

/* Map an open file, of which this is the inode, as its O_ flags allow: at addr, of len bytes, from
   `offset` on. The mm's lock is held. 0; -E_INVAL for a bad range or offset, flags that the opening
   does not allow, or a file that cannot be mapped so; -E_ISDIR; -E_NO_MEM; -E_UNIMP. Sleeps. */
int mmap_file(struct mm_struct *mm, struct inode *node, uint32_t flags, uintptr_t addr, size_t len,
              uint32_t vm_flags, uint64_t offset) __must_check;
/* What was written by shared areas in this range is on the disk when it returns 0. -E_FAULT if a
   part of it is not mapped, -E_IO. The range is a program's. No lock is held; sleeps. */
int mmap_sync(struct mm_struct *mm, uintptr_t addr, size_t len) __must_check;

/* Keep all faults of a mapped file away, with nothing dirty and no page of zeros mapped, so that
   its content can be changed. No mutex from MUTEX_WRITEBACK on is held, and that one is afterwards:
   so the caller copies nothing from or to a program. Sleeps. */
void mmap_hold(struct inode *node);
/* The end of it. */
void mmap_release(struct inode *node);
/* Must a change of the content wait for mmap_hold()? The inode's lock is held: the answer stays
   right as long as it is. */
static inline bool mmap_must_hold(const struct inode *node)
{
    return unlikely(node->map != NULL) && (node->map->dirty_count > 0 || node->map->zeros);
}
/* Write back what is dirty of all files, into the journal; or without `all` only of those for which
   a fault waits. 0 or an error of the journal. As mmap_hold(), but nothing is held afterwards. */
int mmap_write_back(bool all);

/* For a file system. A block of the file comes into the set of dirty ones, with its reference; it
   is not in the journal. The inode's lock is held. */
void mmap_add_dirty(struct inode *node, struct cached_block *block);
/* Take one out, with its reference. NULL if there is none, or if somebody may just write to it. The
   inode's lock is held. */
struct cached_block *mmap_take_dirty(struct inode *node) __must_check;
/* A fault cannot go on before the file was written back, as when it wants to fill a hole of which
   the page of zeros may be mapped somewhere. -E_BUSY: with this result it is tried again then. */
int mmap_try_later(struct inode *node);
/* pager.family() of all areas of files: see mm/vmm.h. The opposite, when the area goes, for
   one that is not in the list of those that map the file as long as memory is not short. Sleeps. */
struct family *mmap_family(struct vma_struct *vma);
void mmap_leave(struct vma_struct *vma);
/* The inode goes: its map, and what could not be written. No area is left. */
void mmap_free(struct inode *node);
