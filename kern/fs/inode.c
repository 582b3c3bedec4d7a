/* What all inodes have in common: references, and who runs or changes a file. See inode.h.

   Both are single words that several harts change: atomic, without a lock. They are changed by
   compare and swap where the old value decides what may be done; so no other task can come in
   between. A function either has its way or has changed nothing. What a file system knows of an
   inode beside that is guarded by its own locks. */
#include <fs/inode.h>

/* An address space goes: what ran in it does so once less. */
static void end_program(struct mm_attachment *runs)
{
    struct inode *node = to_struct(runs, struct inode, runs);

    inode_end_run(node);
    inode_put(node);
}

void inode_init(struct inode *node, const struct inode_ops *ops, struct filesystem *fs,
                uint32_t ino, uint32_t type)
{
    node->in_ops = ops;
    node->in_fs = fs;
    node->ino = ino;
    node->type = type;
    node->refs = 1;
    node->uses = 0;
    node->map = NULL;
    node->runs.free = end_program;
    mutex_init(&node->lock, "an inode", MUTEX_INODE, 0);
}

/* The last reference is not counted off here: a file system may have the inode in a hash, where
   another task finds it at any moment, so it does that with the lock of the hash. What is
   done before another one is counted off pairs with sfs_reclaim() in sfs_inode.c. */
void inode_put(struct inode *node)
{
    uint32_t refs;

    do {
        refs = atomic_load(&node->refs);
        assert(refs > 0);
        if (refs == 1) {
            node->in_ops->vop_reclaim(node);
            return;
        }
    } while (!atomic_cas(&node->refs, refs, refs - 1));
}

/* Count one more use of a kind, 1 or -1, unless there are such of the other kind. So one word is
   enough: above 0 it counts writers, below 0 the address spaces that run the file, and never
   both. */
static int begin_use(struct inode *node, int32_t kind)
{
    int32_t uses;

    do {
        uses = atomic_load(&node->uses);
        if (uses * kind < 0)
            return -E_BUSY;
    } while (!atomic_cas(&node->uses, uses, uses + kind));  /* pairs with inode_end_run() */
    return 0;
}

int inode_begin_write(struct inode *node)
{
    return begin_use(node, 1);
}

void inode_end_write(struct inode *node)
{
    atomic_add((uint32_t *)&node->uses, -1);    /* pairs with begin_use(), whoever it is for */
}

int inode_begin_run(struct inode *node)
{
    return begin_use(node, -1);
}

void inode_end_run(struct inode *node)
{
    atomic_add((uint32_t *)&node->uses, 1); /* pairs with begin_use(), whoever it is for */
}

/* That it runs already keeps writers away. */
void inode_fork(struct mm_struct *child, const struct mm_struct *parent)
{
    struct inode *node = inode_get(inode_of_mm(parent));

    /* no pair: it runs already, so no writer waits for this */
    atomic_add((uint32_t *)&node->uses, -1);
    child->program = &node->runs;
}
