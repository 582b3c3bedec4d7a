/* Pipes: a buffer in the kernel with two ends, which are open files. What is written to the one end
   is read from the other, in order. A pipe is an inode that no name leads to: it lives as long as
   one of its ends is open.

   The ring buffer and the two ends are guarded by the pipe's spinlock. Bytes are copied under it
   from and to memory of a program that is pinned (iobuf.h), so the copy cannot fault. Nobody sleeps
   with memory pinned: for data or room the task lets go of all, sleeps, and pins again.

   A write of up to PIPE_ATOMIC bytes goes in whole: it waits until there is room for all of it. So
   lines of several writers do not mix. A longer one goes in pieces, as there is room. */
#include <error.h>
#include <fs/file.h>
#include <mm/kmalloc.h>
#include <sync/wait.h>

#define PIPE_SIZE       16384           /* of the buffer; a power of two */
#define PIPE_ATOMIC     4096            /* in bytes */

/* The buffer is a ring. `read` and `write` count all bytes that ever went through; the place of one
   in the buffer is its remainder by PIPE_SIZE:

     | room        | written, not yet read        | room          |
     0             read % PIPE_SIZE               write % PIPE_SIZE

   With both equal there is nothing to be read; the difference is never more than PIPE_SIZE. */
struct pipe {
    struct inode inode;                 /* first member */
    struct spinlock lock;               /* RANK_WAIT */

    /* Guarded by lock. Positions grow for ever, and wrap; between them lies what was written and
       not yet read. */
    uint32_t read, write;
    bool reader, writer;                /* is that end open? */
    struct wait_queue readers;          /* wait for data, or for the writer's end to close */
    struct wait_queue writers;          /* wait for room, or for the reader's end to close */
    uint8_t *buffer;
};

static struct pipe *pipe_of(struct inode *node)
{
    return to_struct(node, struct pipe, inode);
}

/* Move n bytes between the buffer, from this position on, and pinned memory: there are two parts if
   they go round the buffer's end. The lock is held. */
static void pipe_move(struct pipe *pipe, struct iobuf *iob, uint32_t position, size_t n, bool in)
{
    /* EXERCISE 8.4 begin: pipe_move */
    size_t start = position % PIPE_SIZE;
    size_t first = PIPE_SIZE - start < n ? PIPE_SIZE - start : n;

    iobuf_move(iob, pipe->buffer + start, first, in);
    if (n > first)
        iobuf_move(iob, pipe->buffer, n - first, in);
    /* EXERCISE 8.4 end */
}

/* Sleep until something can be read: how many bytes; or nobody can write any more: 0. -E_KILLED. */
static int pipe_wait_data(struct pipe *pipe)
{
    /* EXERCISE 8.4 begin: pipe_wait_data */
    /* From the look to the sleep the lock is held, and the sleep gives it back: so no byte can
       come, and no end close, in between. What was true at the wake-up may not be true any more
       when this task runs: so it looks again. The result is only a hint, for the lock is given
       back. */
    int result = 0;

    spin_lock(&pipe->lock);
    while (result == 0 && pipe->read == pipe->write && pipe->writer)
        if (!wait_sleep(&pipe->readers, WT_KSEM | WT_INTERRUPTED, "data in a pipe"))
            result = -E_KILLED;
    if (result == 0)
        result = pipe->write - pipe->read;
    spin_unlock(&pipe->lock);
    return result;
    /* EXERCISE 8.4 end */
}

/* Take what there is out of the buffer, up to n bytes, for which memory is pinned. How many that
   was: none, if another reader was faster. */
static size_t pipe_take(struct pipe *pipe, struct iobuf *iob, size_t n)
{
    /* EXERCISE 8.4 begin: pipe_take */
    /* All writers are woken: the first of them may need more room than this, and another one less.
       */
    spin_lock(&pipe->lock);
    size_t taken = pipe->write - pipe->read;
    if (taken > n)
        taken = n;
    pipe_move(pipe, iob, pipe->read, taken, true);
    pipe->read += taken;
    if (taken > 0)
        wait_wake_all(&pipe->writers);
    spin_unlock(&pipe->lock);
    return taken;
    /* EXERCISE 8.4 end */
}

/* Read what is there, and wait only if there is nothing. Another reader may be faster between the
   wait and the copy; then it waits again. Nothing read and no error is the end of the file. */
static int pipe_read(struct inode *node, struct iobuf *iob)
{
    struct pipe *pipe = pipe_of(node);
    size_t taken = 0;

    while (taken == 0 && iob->io_resid > 0) {
        int available = pipe_wait_data(pipe);
        if (available <= 0)
            return available;
        long pinned = iobuf_pin(iob, available, VM_WRITE);
        if (pinned < 0)
            return pinned;
        taken = pipe_take(pipe, iob, pinned);
        iobuf_unpin(iob);
    }
    return 0;
}

/* How many bytes may be written. Without the lock it is only a guess. */
static size_t pipe_room(const struct pipe *pipe)
{
    return PIPE_SIZE - (atomic_load(&pipe->write) - atomic_load(&pipe->read));
}

/* Sleep until there is room for n bytes: 0. -E_PIPE if nobody will read, -E_KILLED. */
static int pipe_wait_room(struct pipe *pipe, size_t n)
{
    /* EXERCISE 8.4 begin: pipe_wait_room */
    int result = 0;

    spin_lock(&pipe->lock);
    while (result == 0 && pipe->reader && pipe_room(pipe) < n)
        if (!wait_sleep(&pipe->writers, WT_KSEM | WT_INTERRUPTED, "room in a pipe"))
            result = -E_KILLED;
    if (result == 0 && !pipe->reader)
        result = -E_PIPE;
    spin_unlock(&pipe->lock);
    return result;
    /* EXERCISE 8.4 end */
}

/* Put up to n bytes, which are pinned, into the buffer, as many as there is room for. If there is
   not room for `need` by now, because another writer was faster, or if nobody will read them, none:
   the caller looks again. */
static void pipe_put(struct pipe *pipe, struct iobuf *iob, size_t n, size_t need)
{
    /* EXERCISE 8.4 begin: pipe_put */
    /* The room that pipe_wait_room() has seen may be another writer's by now. */
    spin_lock(&pipe->lock);
    size_t room = pipe_room(pipe), step = room < n ? room : n;
    if (pipe->reader && room >= need) {
        pipe_move(pipe, iob, pipe->write, step, false);
        pipe->write += step;
        wait_wake_all(&pipe->readers);
    }
    spin_unlock(&pipe->lock);
    /* EXERCISE 8.4 end */
}

/* Write all, a piece at a time. Each needs room for `need` bytes at least: for all of a short
   write, for one byte of a long one. Mostly there is room, so the first look is without the
   lock. */
static int pipe_write(struct inode *node, struct iobuf *iob)
{
    struct pipe *pipe = pipe_of(node);
    size_t need = iob->io_resid <= PIPE_ATOMIC ? iob->io_resid : 1;

    while (iob->io_resid > 0) {
        if (!atomic_load(&pipe->reader) || pipe_room(pipe) < need) {
            int result = pipe_wait_room(pipe, need);
            if (result != 0)
                return result;
        }
        long pinned = iobuf_pin(iob, PIPE_ATOMIC, VM_READ);
        if (pinned < 0)
            return pinned;
        pipe_put(pipe, iob, pinned, need);
        iobuf_unpin(iob);
    }
    return 0;
}

/* An end, or both, is closed: nobody reads (or writes) any more. */
static void pipe_close(struct inode *node, bool readable, bool writable)
{
    /* EXERCISE 8.4 begin: pipe_close */
    struct pipe *pipe = pipe_of(node);

    spin_lock(&pipe->lock);
    pipe->reader = pipe->reader && !readable;
    pipe->writer = pipe->writer && !writable;
    /* Who waits at the other one would wait for ever: it is woken, and finds out. */
    wait_wake_all(&pipe->readers);
    wait_wake_all(&pipe->writers);
    spin_unlock(&pipe->lock);
    /* EXERCISE 8.4 end */
}

static int pipe_fstat(struct inode *node, struct stat *stat)
{
    struct pipe *pipe = pipe_of(node);

    spin_lock(&pipe->lock);
    *stat = (struct stat){ .st_mode = S_IFIFO, .st_nlinks = 0,
                           .st_size = pipe->write - pipe->read };
    spin_unlock(&pipe->lock);
    return 0;
}

static void pipe_reclaim(struct inode *node)
{
    kfree(pipe_of(node)->buffer);
    kfree(pipe_of(node));
}

static const struct inode_ops pipe_ops = {
    .vop_read = pipe_read,
    .vop_write = pipe_write,
    .vop_fstat = pipe_fstat,
    .vop_close = pipe_close,
    .vop_reclaim = pipe_reclaim,
};

struct inode *pipe_create(void)
{
    struct pipe *pipe = kmalloc(sizeof(*pipe));
    uint8_t *buffer = kmalloc(PIPE_SIZE);

    if (pipe == NULL || buffer == NULL) {
        kfree(pipe);
        kfree(buffer);
        return NULL;
    }
    *pipe = (struct pipe){
        .lock = SPINLOCK_INIT("a pipe", RANK_WAIT),
        .reader = true, .writer = true, .buffer = buffer,
    };
    inode_init(&pipe->inode, &pipe_ops, NULL, 0, S_IFIFO);
    wait_queue_init(&pipe->readers, &pipe->lock);
    wait_queue_init(&pipe->writers, &pipe->lock);
    return &pipe->inode;
}
