/* Open files and the tables of descriptors: see file.h.

   A table is changed with its spinlock held, and what sleeps is done before and after: a file is
   made before it gets a descriptor, and closed when it has none.

   A struct file lives as long as a descriptor, or a call that uses it, has a reference; the last
   one closes it. Only a read or write of a process that has its table alone needs none. The files
   of the constant table are not counted: refs is 0, always. */
#include <error.h>
#include <fs/device.h>
#include <fs/file.h>
#include <mm/kmalloc.h>
#include <mm/reclaim.h>
#include <sched/sched.h>
#include <string.h>

/* What a process has that has opened nothing: the console's input, and twice its output. They are
   never changed, and never freed: so all processes share them without a count and a lock. */
static struct file constant_files[] = {
    { .flags = O_RDONLY, .node = &device_inodes[DEVICE_STDIN] },
    { .flags = O_WRONLY, .node = &device_inodes[DEVICE_STDOUT] },
    { .flags = O_WRONLY, .node = &device_inodes[DEVICE_STDOUT] },
};

/* Has the file a position? Of the others no lock is held while they wait for somebody. */
static bool has_position(const struct file *file)
{
    return file->node->type == S_IFREG;
}

/* The memory of threads goes, and the use that it had of their table. */
static void end_memory(struct mm_attachment *attachment)
{
    files_put(to_struct(attachment, struct files_struct, attachment));
}

/* A table with one use and nothing in it. NULL: no memory. */
static struct files_struct *table_create(void)
{
    struct files_struct *files = kmalloc(sizeof(*files));

    if (files == NULL)
        return NULL;
    memset(files, 0, sizeof(*files));
    files->refs = 1;
    files->attachment.free = end_memory;
    files->lock = (struct spinlock)SPINLOCK_INIT("a table of descriptors", RANK_FILES);
    return files;
}

/* Nobody else has the table yet, so no lock is needed, nor a reference for constant files. */
int files_own(struct files_struct **files)
{
    struct files_struct *table;

    if (*files != NULL)
        return 0;
    table = table_create();
    if (table == NULL)
        return -E_NO_MEM;
    for (size_t fd = 0; fd < ARRAY_SIZE(constant_files); fd++)
        table->fd_array[fd] = &constant_files[fd];
    table->files_count = ARRAY_SIZE(constant_files);
    table->pwd = vfs_root();
    *files = table;
    return 0;
}

/* A file that is counted has a reference while anybody looks at it. */
static bool is_constant(const struct file *file)
{
    return atomic_load(&file->refs) == 0;
}

/* One more reference, for who has one, or holds the lock of a table that has. */
static struct file *file_ref(struct file *file)
{
    if (!is_constant(file))
        atomic_add(&file->refs, 1); /* no pair: who counts up has a reference; see file_put() */
    return file;
}

/* Fill a table that was just made with what the parent's has, at one moment. */
static void copy_table(struct files_struct *table, struct files_struct *parent)
{
    /* EXERCISE 8.3 begin: copy_table */
    /* The child is not known to anybody yet, so only the parent's table is locked. With that lock
       no descriptor can be closed between the look at it and the reference: each file is in the
       table while it is looked at, and so it has one reference at least.

         parent  [3] --> file, refs 1          parent  [3] --+--> file, refs 2
                                               child   [3] --+

       The position is in the file, and not in the table: so from now on it is that of both. */
    spin_lock(&parent->lock);
    inode_get(table->pwd = parent->pwd);
    table->files_count = parent->files_count;
    /* Only as far as there are descriptors: most tables have a few. */
    for (uint32_t fd = 0, left = parent->files_count; left > 0; fd++) {
        if (parent->fd_array[fd] == NULL)
            continue;
        table->fd_array[fd] = file_ref(parent->fd_array[fd]);
        left--;
    }
    spin_unlock(&parent->lock);
    /* EXERCISE 8.3 end */
}

/* Memory comes first; then nothing can fail. */
int files_copy(struct files_struct *parent, bool share, struct files_struct **child)
{
    struct files_struct *table = parent;

    if (share) {
        /* no pair: who counts up has a reference; see files_put() */
        atomic_add(&parent->refs, 1);
    } else {
        table = table_create();
        if (table == NULL)
            return -E_NO_MEM;
        copy_table(table, parent);
    }
    *child = table;
    return 0;
}

/* See file.h; to close a file may sleep. */
void files_put(struct files_struct *files)
{
    /* EXERCISE 8.3 begin: files_put */
    /* With CLONE_FS several processes have this table: the last of them closes what is in it. The
       others have given up their use before, so what they did to the table is done. */
    if (atomic_add(&files->refs, -1) > 1)
        return;
    /* Nobody looks at the table any more, so the lock is not needed. */
    for (uint32_t fd = 0; files->files_count > 0; fd++)
        if (files->fd_array[fd] != NULL) {
            file_put(files->fd_array[fd]);
            files->files_count--;
        }
    inode_put(files->pwd);
    kfree(files);
    /* EXERCISE 8.3 end */
}

/* Another thread may change it as soon as the lock is given back: hence the reference. */
struct inode *files_pwd(struct files_struct *files)
{
    if (files == NULL)
        return vfs_root();
    spin_lock(&files->lock);
    struct inode *pwd = inode_get(files->pwd);
    spin_unlock(&files->lock);
    return pwd;
}

/* The old directory is put without the lock, because that may sleep. */
int files_chdir(struct files_struct *files, const char *path)
{
    struct inode *pwd = files_pwd(files), *node;
    int result = vfs_lookup(pwd, path, true, &node);

    inode_put(pwd);
    if (result != 0)
        return result;
    if (node->type == S_IFDIR) {
        spin_lock(&files->lock);
        pwd = files->pwd;
        files->pwd = node;
        spin_unlock(&files->lock);
        node = pwd;
    } else {
        result = -E_NOTDIR;
    }
    inode_put(node);
    return result;
}

/* The file of a descriptor, or NULL. The lock of the table is held, or nobody else has it. */
static inline struct file *file_at(struct files_struct *files, uint64_t fd)
{
    if (likely(files == NULL))
        return fd < ARRAY_SIZE(constant_files) ? &constant_files[fd] : NULL;
    return fd < FILES_MAX ? files->fd_array[fd] : NULL;
}

/* The files of the constant table are there for ever. */
struct file *file_get(struct files_struct *files, uint64_t fd)
{
    if (files == NULL)
        return file_at(NULL, fd);
    /* EXERCISE 8.3 begin: file_get */
    spin_lock(&files->lock);
    struct file *file = file_at(files, fd);
    /* With the lock: another thread may close the descriptor right behind. */
    if (file != NULL)
        file_ref(file);
    spin_unlock(&files->lock);
    return file;
    /* EXERCISE 8.3 end */
}

/* Nobody has the file any more. A pipe is told which end goes before the inode is put, because the
   other end keeps that. */
static void file_free(struct file *file)
{
    if (file->node->in_ops->vop_close != NULL)
        file->node->in_ops->vop_close(file->node, (file->flags & O_ACCMODE) != O_WRONLY,
                                      (file->flags & O_ACCMODE) != O_RDONLY);
    vfs_close(file->node, file->flags);
    kfree(file);
}

/* The files of the constant table are not counted. */
void file_put(struct file *file)
{
    if (is_constant(file))
        return;
    /* EXERCISE 8.3 begin: file_put */
    /* In one step: of two who do this at the same time one sees that his was the last. Nobody can
       take a new one then, because who does has one already, or finds the file in a table. */
    if (atomic_add(&file->refs, -1) == 1)
        file_free(file);
    /* EXERCISE 8.3 end */
}

/* Give a file the lowest descriptor that is free; the table takes over the caller's reference. The
   descriptor, or -E_MAX_OPEN, and then the file is put. Programs rely on the lowest: a shell closes
   0, and what it opens next is the input. */
static int install(struct files_struct *files, struct file *file)
{
    int fd = 0;

    spin_lock(&files->lock);
    while (fd < FILES_MAX && files->fd_array[fd] != NULL)
        fd++;
    if (fd < FILES_MAX) {
        files->fd_array[fd] = file;
        files->files_count++;
    }
    spin_unlock(&files->lock);
    if (fd < FILES_MAX)
        return fd;
    file_put(file);
    return -E_MAX_OPEN;
}

/* What a descriptor stands for is another file from now on, or none (NULL). The one that it was,
   with the table's reference, or NULL. In between the number is never free, so no other thread can
   be given it. */
static struct file *replace(struct files_struct *files, uint64_t fd, struct file *file)
{
    struct file *old = NULL;

    spin_lock(&files->lock);
    if (fd < FILES_MAX) {
        old = files->fd_array[fd];
        files->fd_array[fd] = file;
        files->files_count += (file != NULL) - (old != NULL);
    }
    spin_unlock(&files->lock);
    return old;
}

/* A file for an inode, whose reference, and count as written to, it takes over; if there is no
   memory they are given back, and it is NULL. */
static struct file *file_create(struct inode *node, uint32_t flags)
{
    struct file *file = kmalloc(sizeof(*file));

    if (file == NULL) {
        vfs_close(node, flags);
        return NULL;
    }
    file->refs = 1;
    file->flags = flags;
    file->node = node;
    file->pos = 0;
    mutex_init(&file->lock, "an open file", MUTEX_FILE, 0);
    return file;
}

/* A full table is told before the file is made or made empty. Another thread may fill it meanwhile:
   then it is told after that. */
int file_open(struct files_struct *files, const char *path, uint32_t flags)
{
    struct inode *pwd = files_pwd(files), *node;
    int result = -E_MAX_OPEN;

    if (atomic_load(&files->files_count) < FILES_MAX)
        result = vfs_open(pwd, path, flags, &node);
    inode_put(pwd);
    if (result != 0)
        return result;
    struct file *file = file_create(node, flags);
    return file != NULL ? install(files, file) : -E_NO_MEM;
}

/* See file.h. */
int file_close(struct files_struct *files, uint64_t fd)
{
    /* EXERCISE 8.3 begin: file_close */
    struct file *file = replace(files, fd, NULL);

    /* Two threads that close one descriptor: one of them finds nothing there. */
    if (file == NULL)
        return -E_INVAL;
    file_put(file);
    return 0;
    /* EXERCISE 8.3 end */
}

/* See file.h. */
int file_dup(struct files_struct *files, uint64_t fd, uint64_t to)
{
    /* EXERCISE 8.3 begin: file_dup */
    /* The reference that file_get() takes is the one that the new descriptor has in the end. Until
       then it is this call's, and each way out gives it back. */
    struct file *file = file_get(files, fd), *old;

    if (file == NULL)
        return -E_INVAL;
    if (to == (uint64_t)NO_FD)
        return install(files, file);
    if (to >= FILES_MAX) {
        file_put(file);
        return -E_INVAL;
    }
    /* If `to` is fd itself, the file is replaced by itself, and one of its references goes. */
    old = replace(files, to, file);
    if (old != NULL)
        file_put(old);
    return to;
    /* EXERCISE 8.3 end */
}

/* The pipe has a reference for each of its two files. What has no descriptor yet is put as a file,
   which closes that end. */
int file_pipe(struct files_struct *files, int fd[2])
{
    struct inode *pipe = pipe_create();
    struct file *end;

    if (pipe == NULL)
        return -E_NO_MEM;
    inode_get(pipe);
    for (int i = 0; i < 2; i++) {
        end = file_create(pipe, i == 0 ? O_RDONLY : O_WRONLY);
        fd[i] = end != NULL ? install(files, end) : -E_NO_MEM;
        if (fd[i] < 0) {
            if (i == 0)
                inode_put(pipe);
            else
                file_close(files, fd[0]);
            return fd[i];
        }
    }
    return 0;
}

/* Go on as long as bytes come or go; a part is enough unless `all`. A process that is killed ends
   when its call does, so the call must not take long then. Each turn of a write to a file of the
   disk is one transaction: so a crash may leave the first part of a long one. 0, or the last
   error. */
static inline int move_all(struct file *file, struct iobuf *iob, bool write, bool all)
{
    for (;;) {
        size_t left = iob->io_resid;
        int result = write ? vop_data(file->node, vop_write, iob)
            : vop_data(file->node, vop_read, iob);

        /* Without the lock of its mm, so that pages of this program can go too. */
        if (result == -E_NO_MEM && reclaim_when_short())
            continue;
        if (result != 0 || !all || iob->io_resid == 0 || iob->io_resid == left
            || atomic_load(&this_cpu->task->killed))
            return result;
        sched_give_way();
    }
}

/* Read or write all, from the position of the file on. O_APPEND is decided by the file system, with
   the inode locked: the end is where it is then. */
static inline int move_at_position(struct file *file, struct iobuf *iob, bool write)
{
    /* EXERCISE 8.3 begin: position */
    /* The lock is held from the look at the position to its change, so two that share the file
       never read or write the same place by accident. With one reference there are no two, because
       then it is one table's, and that is this process's alone. */
    bool shared = atomic_load(&file->refs) > 1;

    if (shared)
        mutex_lock(&file->lock);
    iob->io_offset = file->pos;
    int result = move_all(file, iob, write, true);
    file->pos = iob->io_offset;
    if (shared)
        mutex_unlock(&file->lock);
    return result;
    /* EXERCISE 8.3 end */
}

/* What has no position gives what there is: to wait for more could last for ever. */
static inline long transfer(struct file *file, struct iobuf *iob, bool write)
{
    const size_t len = iob->io_resid;
    int result;

    if ((file->flags & O_ACCMODE) == (write ? O_RDONLY : O_WRONLY))
        return -E_INVAL;
    iob->append = file->flags & O_APPEND;
    if (has_position(file))
        result = move_at_position(file, iob, write);
    else
        result = move_all(file, iob, write, write);
    return iob->io_resid < len ? (long)(len - iob->io_resid) : result;
}

/* If no other process shares the table nobody can close the file meanwhile, and it needs no
   reference. The acquire is for what those did who shared it. */
long file_transfer(struct files_struct *files, uint64_t fd, struct iobuf *iob, bool write)
{
    /* pairs with files_put() */
    bool counted = files != NULL && atomic_load_acquire(&files->refs) > 1;
    struct file *file = counted ? file_get(files, fd) : file_at(files, fd);

    if (file == NULL)
        return -E_INVAL;
    long result = transfer(file, iob, write);
    if (counted)
        file_put(file);
    return result;
}

/* What a position is counted from, with its lock held; or an error. */
static long seek_base(const struct file *file, int whence)
{
    struct stat stat;

    if (whence != LSEEK_END)
        return whence == LSEEK_SET ? 0 : whence == LSEEK_CUR ? file->pos : -E_INVAL;
    int result = vop_data(file->node, vop_fstat, &stat);
    return result != 0 ? result : (long)stat.st_size;
}

/* The position moves only if all is well. Behind the end there is nothing yet: a write there makes
   a hole. */
long file_seek(struct file *file, off_t offset, int whence)
{
    if (!has_position(file))
        return -E_SEEK;
    mutex_lock(&file->lock);
    long result = seek_base(file, whence);
    if (result >= 0 && (__builtin_add_overflow(result, offset, &offset) || offset < 0))
        result = -E_INVAL;
    if (result >= 0 && file->node->in_ops->vop_tryseek != NULL)
        result = file->node->in_ops->vop_tryseek(file->node, offset);
    if (result >= 0)
        result = file->pos = offset;
    mutex_unlock(&file->lock);
    return result;
}
