/* Open files and the tables of descriptors: see file.h.

   A table is changed with its spinlock held, and what sleeps is done before and after: a file is
   made before it gets a descriptor, and closed when it has none.

   A struct file lives as long as a descriptor, or a call that uses it, has a reference; the last
   one closes it. The files of the constant table are not counted: refs is 0, always. */
#include <error.h>
#include <fs/device.h>
#include <fs/file.h>
#include <sched/sched.h>

/* What a process has that has opened nothing: the console's input, and twice its output. */
static struct file constant_files[] = {
    { .flags = O_RDONLY, .node = &device_inodes[DEVICE_STDIN] },
    { .flags = O_WRONLY, .node = &device_inodes[DEVICE_STDOUT] },
    { .flags = O_WRONLY, .node = &device_inodes[DEVICE_STDOUT] },
};

/* Has the file a position? Of the others no lock is held while they wait for somebody. */
static bool has_position(const struct file *file)
{
    return file->node->type == S_IFREG || file->node->type == S_IFDIR;
}

struct file *file_get(struct files_struct *files, uint64_t fd)
{
    if (likely(files == NULL))
        return fd < ARRAY_SIZE(constant_files) ? &constant_files[fd] : NULL;
    return NULL;
}

void file_put(struct file *file)
{
    if (file->refs == 0)
        return;
}

/* Go on as long as bytes come or go; a part is enough unless `all`. A process that is killed ends
   when its call does, so the call must not take long then. How many bytes were moved, or the error
   that came before the first of them. */
static long transfer(struct file *file, struct iobuf *iob, bool write, bool all)
{
    const size_t len = iob->io_resid;
    size_t limit = SIZE_MAX;            /* fewer must be left, to go on */
    int result = 0;

    while (result == 0 && iob->io_resid > 0 && iob->io_resid < limit
           && !atomic_load(&this_cpu->task->killed)) {
        limit = all ? iob->io_resid : 0;
        result = write ? vop_data(file->node, vop_write, iob) : vop_data(file->node, vop_read, iob);
        sched_give_way();
    }
    return iob->io_resid < len ? (long)(len - iob->io_resid) : result;
}

/* The position is locked from the look at it to its change, so two that share the file never read
   or write the same place by accident. */
static long transfer_at_position(struct file *file, struct iobuf *iob, bool write)
{
    mutex_lock(&file->lock);
    iob->io_offset = file->pos;
    long result = transfer(file, iob, write, true);
    file->pos = iob->io_offset;
    mutex_unlock(&file->lock);
    return result;
}

long file_read(struct file *file, struct iobuf *iob)
{
    if ((file->flags & O_ACCMODE) == O_WRONLY)
        return -E_INVAL;
    return has_position(file) ? transfer_at_position(file, iob, false)
        : transfer(file, iob, false, false);
}

long file_write(struct file *file, struct iobuf *iob)
{
    if ((file->flags & O_ACCMODE) == O_RDONLY)
        return -E_INVAL;
    iob->append = file->flags & O_APPEND;
    return has_position(file) ? transfer_at_position(file, iob, true)
        : transfer(file, iob, true, true);
}
