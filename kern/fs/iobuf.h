/* What is read or written, and where: a part of the memory of a program or of the kernel, and a
   place in the file. Read and write of each kind of file move bytes through it, so that nothing
   else needs to know whose memory it is.

   Memory of a program is first pinned: its mm's lock is taken, and the pages are made present as by
   a fault. While the lock is held they stay, and iobuf_move() cannot fail and takes no other lock.
   So a file system pins, then takes its own locks, which all rank behind MUTEX_MM, and moves; it
   never makes a user copy with a lock of its own held. Who must sleep for long (a pipe, the
   console) does not pin, and uses iobuf_copy(). */
#pragma once

#include <mm/vmm.h>

/* In the middle of a read of two pages, of which the first half has been moved:

       memory      |=========|         |         |      = moved, io_base is behind it
                             io_base   entry's page ends
                             |<- row ->|
                             |<-- pinned ------->|      nothing of it can go away
                             |<-- io_resid ------------------->|
       file        |=========|io_offset                              */

struct iobuf {
    struct mm_struct *mm;               /* whose memory; NULL: the kernel's */
    uintptr_t io_base;                  /* the next byte, there */
    off_t io_offset;                    /* its place in the file */
    size_t io_resid;                    /* bytes that are left */
    bool append;                        /* a write takes the file's end for io_offset */
    size_t pinned;                      /* bytes from io_base on that are pinned */
    char *at;                           /* of them: where the kernel finds the next ones, */
    size_t row;                         /* how many lie there in a row, to the page's end, */
    const uint64_t *entry;              /* and the page table entry of that page */
};

/* For memory of the kernel: all of it is there, in a row, and counts as pinned, always. */
static inline struct iobuf iobuf_kernel(void *base, size_t len, off_t offset)
{
    return (struct iobuf){ .io_base = (uintptr_t)base, .io_offset = offset, .io_resid = len,
                           .pinned = len, .at = base, .row = len };
}

/* For memory of a program, from any address: nothing is believed of it. */
static inline struct iobuf iobuf_user(struct mm_struct *mm, uintptr_t base, size_t len,
                                      off_t offset)
{
    return (struct iobuf){ .mm = mm, .io_base = base, .io_offset = offset, .io_resid = len };
}

/* Pin up to `len` of the bytes that are left: `access` is VM_WRITE if the file is read, for the
   bytes are written to memory then, else VM_READ. Returns how many are pinned, fewer if the memory
   ends on the way; -E_FAULT or -E_NO_MEM if there is not one (and then nothing is). Sleeps. */
long iobuf_pin(struct iobuf *iob, size_t len, uint32_t access) __must_check;
/* Let go of what is pinned: for who has pinned something, at least a byte. */
static inline void iobuf_unpin(struct iobuf *iob)
{
    if (iob->mm == NULL)
        return;
    mutex_unlock(&iob->mm->lock);
    iob->pinned = 0;
}

/* Move n bytes, which are pinned, between `data`, of the kernel, and the buffer: into it (`in`) or
   out of it. io_base, io_offset and io_resid go on by n. */
void iobuf_move(struct iobuf *iob, void *data, size_t n, bool in);
/* The place goes on by n bytes. For a pinned buffer the moves below do it. */
static inline void iobuf_advance(struct iobuf *iob, size_t n)
{
    iob->io_base += n;
    iob->io_offset += n;
    iob->io_resid -= n;
}
/* Put n zeros into it: a hole is read. */
void iobuf_zero(struct iobuf *iob, size_t n);
/* The same as iobuf_move() for bytes that are not pinned, by a user copy: no lock of rank MUTEX_MM
   or behind is held, and the memory is the current process's. 0, or its error and then nothing goes
   on. */
int iobuf_copy(struct iobuf *iob, void *data, size_t n, bool in) __must_check;
