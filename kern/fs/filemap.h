/* Files in memory: the pager (struct pager of mm/vmm.h) of areas that show a file.

   The pages are those of the block cache: so a program sees what read() would give it, and memory
   has each block once, however many programs show or run it. An entry's reference to such a page
   keeps the block in the cache: cache.c gives back no page that somebody else has a reference to.

   Of such an area `backing` is the inode, and `offset` the place in the file. Order of locks: the
   mm's, the inode's, the cache's. */
#pragma once

#include <fs/inode.h>

/* For private areas: mm_map_pager(..., &file_pager, node, offset), with an offset that is a
   multiple of PGSIZE. The inode stays as long as there are such areas: that is the caller's
   business. Behind the end of the file there is nothing; a hole is a page of zeros. */
extern const struct pager file_pager;
