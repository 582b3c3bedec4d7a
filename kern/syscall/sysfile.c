/* System calls of files. Each takes what the program named, a descriptor or a path, and hands it to
   kern/fs: nothing of a file is known here. Paths are copied to a page of the kernel first; what is
   read and written goes by an iobuf.

   A descriptor is any number of 64 bits: file_get() knows those that there are. Its file stays as
   long as a call uses it, whatever other threads close meanwhile. */
#include <error.h>
#include <fs/file.h>
#include <process/proc.h>
#include <syscall/sysfile.h>

/* What read and write share. The number of bytes must fit into the result. */
static long transfer(uint64_t arg[], long (*move)(struct file *file, struct iobuf *iob))
{
    struct iobuf iob = iobuf_user(current->mm, arg[1], arg[2], 0);
    struct file *file = file_get(current->files, arg[0]);

    if (file == NULL)
        return -E_INVAL;
    long result = move(file, &iob);
    file_put(file);
    return result;
}

/* (fd, buf, length). What is longer than a result can tell is read in part. */
long sys_read(uint64_t arg[])
{
    if (arg[2] > INT32_MAX)
        arg[2] = INT32_MAX;
    return transfer(arg, file_read);
}

/* (fd, buf, length) */
long sys_write(uint64_t arg[])
{
    return arg[2] > INT32_MAX ? -E_INVAL : transfer(arg, file_write);
}
