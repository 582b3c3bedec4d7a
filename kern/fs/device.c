/* The devices of device.h: the console's input, its output, and nothing. How the console waits and
   for whom is in driver/console.c.

   Bytes pass through the kernel stack, a piece at a time: the copy to or from a program may have to
   wait for a page, and printing holds a lock. None of these files has a position, so no lock is
   held while the console waits for a key. */
#include <debug/printk.h>
#include <driver/console.h>
#include <fs/device.h>
#include <string.h>

/* The stack has 8 KiB for all that may happen in a call, an interrupt and a page fault on top of it
   included. What is printed in one piece is told in user/libs/file.h too. */
#define CHUNK   256

static size_t chunk_of(const struct iobuf *iob)
{
    return iob->io_resid < CHUNK ? iob->io_resid : CHUNK;
}

/* What was typed is taken out of the console's buffer only when it has arrived in the program: a
   bad address must not lose keys. The address is looked at before the sleep too, so that a wrong
   one is told at once. The console keeps what it has shown until console_take(), so other readers
   wait meanwhile. */
static int console_read(__not_used struct inode *node, struct iobuf *iob)
{
    char buf[CHUNK];
    size_t n = chunk_of(iob);

    if (n == 0)
        return 0;
    if (iob->mm != NULL && !user_range_ok(iob->io_base, iob->io_base + n))
        return -E_FAULT;
    int count = console_peek(buf, n);
    if (count <= 0)
        return count;
    int error = iobuf_copy(iob, buf, count, true);
    console_take(error == 0);
    return error;
}

/* One piece; file_transfer() comes again for the next. */
static int console_write(__not_used struct inode *node, struct iobuf *iob)
{
    char buf[CHUNK];
    size_t n = chunk_of(iob);
    int error = iobuf_copy(iob, buf, n, false);

    if (error == 0)
        print_bytes(buf, n);
    return error;
}

/* Nothing is there to be read. */
static int null_read(__not_used struct inode *node, __not_used struct iobuf *iob)
{
    return 0;
}

/* All is taken, and nobody has looked at it. */
static int null_write(__not_used struct inode *node, struct iobuf *iob)
{
    iob->io_resid = 0;
    return 0;
}

static int device_fstat(struct inode *node, struct stat *stat)
{
    *stat = (struct stat){ .st_mode = node->type, .st_nlinks = 1 };
    return 0;
}

static const struct inode_ops stdin_ops = {
    .vop_read = console_read, .vop_fstat = device_fstat
};
static const struct inode_ops stdout_ops = {
    .vop_write = console_write, .vop_fstat = device_fstat
};
static const struct inode_ops null_ops = {
    .vop_read = null_read, .vop_write = null_write, .vop_fstat = device_fstat
};

/* The first reference of each is never given back. */
struct inode device_inodes[DEVICES] = {
    [DEVICE_STDIN] = { .in_ops = &stdin_ops, .type = S_IFCHR, .refs = 1 },
    [DEVICE_STDOUT] = { .in_ops = &stdout_ops, .type = S_IFCHR, .refs = 1 },
    [DEVICE_NULL] = { .in_ops = &null_ops, .type = S_IFCHR, .refs = 1 },
};

static const char *const names[DEVICES] = {
    [DEVICE_STDIN] = "stdin:", [DEVICE_STDOUT] = "stdout:", [DEVICE_NULL] = "null:"
};

struct inode *device_find(const char *name)
{
    for (int i = 0; i < DEVICES; i++)
        if (strcmp(names[i], name) == 0)
            return inode_get(&device_inodes[i]);
    return NULL;
}
