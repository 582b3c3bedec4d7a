/* Files in memory: which areas map a file, and taking rights from all their entries at once.

   A file that is or was mapped has a file_map. Its pages are those of the block cache, so read(),
   write() and all maps of the file see the same bytes. The layer above (fs) finds the page of an
   address, by the area's pager; here is what needs the page tables of all who map the file:

       struct file_map                vma_struct              vma_struct
       +---------------+   areas     +----------+            +----------+
       | of an inode   | ----------> | of mm A  | ---------> | of mm B  | ---> ...
       +---------------+             +----------+            +----------+

   The list has private areas too. Those of a program that runs come into it when memory is short,
   and its mm is enrolled (rmap.h): before that nobody asks who maps its text.

   Who walks along the list waits for the lock of each mm, one at a time, and so holds none, nor
   anything that ranks behind one. The reclaimer does not: see page_for_each_entry(). */
#pragma once

#include <mm/rmap.h>

/* How a mapped file is, from the sight of a page that some may write to:

       not there     an entry is made by a fault, which may have to find or make the block first
       read-only     the first write faults, and comes into the set `dirty`
       writable      and dirty: it is written back after the right to write is taken from all
       in the log    of the journal, until the commit: who wants to write to it waits for that

   So it does not change while it is written to the disk. */
struct file_map {
    /* Of pages that are enrolled: mm/rmap.h. Its members are areas, vma_struct.map_link; new ones
       come to the end. So such a page may outlive the inode, and the map with it. */
    struct family family;
    void *backing;                      /* whose map it is: an inode. Set once */
    list_entry_t *visited;              /* where a walk is: the last area that it has come to.
                                           By family.lock */

    /* Of fs/mmap.c. Atomic: */
    uint32_t writers;                   /* areas that are shared and may be written */
    bool held;                          /* no fault finds a page: it tries again later */
    bool wanted;                        /* a fault waits for what is dirty to be written back */
    /* Guarded by the inode's lock: */
    bool zeros;                         /* some entry may map the page of zeros */
    uint32_t dirty_count;
    list_entry_t dirty;                 /* blocks that are mapped with the right to write */
    list_entry_t used_link;             /* in the list of all maps; see mmap.c */
};

/* What a hole of a file is mapped as, read-only: one page for all. It is never freed. */
extern const uint8_t filemap_zeros[PGSIZE];

/* Set the fields of a new one; no area maps the file. */
void filemap_init(struct file_map *map, void *backing);
/* For the pager: an area begins, or ends, to map the file. The lock of its mm is held, if that is
   published. Sleep; without `wait` the first does not, and is false if another has the list's lock.
   */
bool filemap_add(struct file_map *map, struct vma_struct *vma, bool wait);
/* See filemap_add(). */
void filemap_remove(struct file_map *map, struct vma_struct *vma);
/* Does any area map it? It may change at once. */
static inline bool filemap_used(const struct file_map *map)
{
    return atomic_load(&map->family.members.next) != &map->family.members;
}

/* Take the right to write from all entries of shared areas: done on all harts when it returns. What
   faults meanwhile is the caller's to keep away. One call of these three at a time; no mutex from
   MUTEX_MM on is held. Sleeps. */
void filemap_protect(struct file_map *map);
/* The same: take the entries of the page of zeros out of all areas. */
void filemap_remove_zeros(struct file_map *map);
/* The same: take all entries for the file's bytes from `from` on, a multiple of PGSIZE, out of all
   areas, the copies of private ones too. */
void filemap_cut(struct file_map *map, uint64_t from);

/* The same: take all entries out of areas whose pages are the file's own. They come back by faults.
   False: there were none. */
bool filemap_unmap(struct file_map *map);

/* How faults wait. A pager's page() that cannot tell now gives -E_BUSY: then the mm's lock is given
   back, this is called, without any mutex from MUTEX_MM on, and the fault is tried again. With
   `memory` it is called when memory has run out: all maps lose their pages, so that the cache can
   give them back; false if there were none. NULL, or set once by the layer that has such a pager,
   before the first. Sleeps. */
extern bool (*filemap_wait)(bool memory);
