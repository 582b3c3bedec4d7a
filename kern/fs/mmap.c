/* Files that programs map: the pager of their areas, and writing back. See mmap.h; what a file
   system does for it is sfs_mmap.c.

   Why no fault can come in between. A fault looks at map->held with the lock of its mm, and has
   that until the entry is made. Who holds sets `held` first, and then takes the lock of each mm
   that maps the file: so an entry that was still allowed is there by then, and is found. An mm that
   comes later is in the map's list after the walk, and sees `held`.

   The same for `zeros`: it is set with the inode's lock, and the fault looks once more whether
   there is a hole. Who fills one, with that lock, has either seen the flag, or is seen. */
#include <fs/mmap.h>
#include <fs/journal.h>
#include <mm/kmalloc.h>
#include <unistd.h>

/* No file is mapped shared as long as exercise 9.4 is not written: without another definition C
   gives this one the value 0 (C11, 6.9.2: it is a tentative definition). */
static bool mmap_shares;

/* EXERCISE 9.4 begin extra: the default of mmap_shares */
static bool mmap_shares = true;
/* EXERCISE 9.4 end */

/* Who writes back, or waits until that is over: one at a time. */
static struct mutex writeback = {
    .hold = { .name = "writing back mapped files", .rank = MUTEX_WRITEBACK },
    .lock = SPINLOCK_INIT("writing back mapped files", RANK_WAIT),
    .waiters = { &writeback.waiters, &writeback.waiters },
};
/* All maps that have an area:

     used_maps  --> map of "a" --> map of "b" --> map of "c"

   An inode is not counted by the list. Each area has a reference to it, or belongs to a program
   that has, and the last one takes the map out before that is given back: so what is found in the
   list, with the lock held, is alive. What is dirty without an area is just being taken. */
static struct spinlock lock = SPINLOCK_INIT("files that are mapped", RANK_INODES);
static list_entry_t used_maps = { &used_maps, &used_maps };
static size_t used_map_count;

/* Areas have come or gone: the map is in the list if it has one. */
static void area_changed(struct inode *node)
{
    struct file_map *map = node->map;

    spin_lock(&lock);
    bool used = filemap_used(map);
    if (used && list_empty(&map->used_link)) {
        list_add_before(&used_maps, &map->used_link);
        used_map_count++;
    } else if (!used && !list_empty(&map->used_link)) {
        list_del_init(&map->used_link);
        used_map_count--;
    }
    spin_unlock(&lock);
}

/* The set has the reference to the block that the caller gives; one that is in the set already has
   one there, and a second would never be given back. A block that stays in memory as long as it is
   dirty cannot be read from the disk again with its old content. */
void mmap_add_dirty(struct inode *node, struct cached_block *block)
{
    struct file_map *map = node->map;

    assert(mutex_held(&node->lock));
    if (block->dirty) {
        cache_put(block);
        return;
    }
    block->dirty = true;
    list_add_before(&map->dirty, &block->clean_link);
    if (map->dirty_count++ == 0)
        journal_touch();
}

/* While a program may write without a fault, what it writes to a block that left the set would be
   seen by nobody. So none leaves it then, unless faults are held. */
struct cached_block *mmap_take_dirty(struct inode *node)
{
    struct file_map *map = node->map;

    if (map->dirty_count == 0 || (!map->held && atomic_load(&map->writers) > 0))
        return NULL;
    struct cached_block *block = to_struct(list_next(&map->dirty), struct cached_block, clean_link);
    list_del_init(&block->clean_link);
    block->dirty = false;
    map->dirty_count--;
    return block;
}

/* The fault comes back with -E_BUSY, gives back the lock of its mm, and waits in
   wait_for_write_back(): with that lock held it would wait for a task that needs the lock. */
int mmap_try_later(struct inode *node)
{
    atomic_store(&node->map->wanted, true);
    return -E_BUSY;
}

/* Write back what is dirty of a file, into the journal, while faults are held: the second and the
   third step of mmap.h. 0 or an error. */
static int write_back(struct inode *node)
{
    /* EXERCISE 9.4 begin: write_back */
    filemap_protect(node->map);
    return vop_data(node, vop_journal_dirty);
    /* EXERCISE 9.4 end */
}

/* The first step; the second and third if there is something to do. Faults that were on their way
   are over when the walk for the zeros is: so `dirty_count` cannot rise behind it. */
static int hold(struct inode *node)
{
    struct file_map *map = node->map;

    assert(mutex_held(&writeback));
    atomic_store(&map->held, true);
    atomic_store(&map->wanted, false);
    filemap_remove_zeros(map);
    mutex_lock(&node->lock);
    map->zeros = false;
    uint32_t dirty = map->dirty_count;
    mutex_unlock(&node->lock);
    return dirty > 0 ? write_back(node) : 0;
}

/* If the journal fails, what the caller wants to change fails too. */
void mmap_hold(struct inode *node)
{
    mutex_lock(&writeback);
    hold(node);
}

/* In this order: who gets the mutex next finds no file held but the one that he holds himself. */
void mmap_release(struct inode *node)
{
    atomic_store(&node->map->held, false);
    mutex_unlock(&writeback);
}

/* The next of all maps: its inode, with a reference. It goes to the list's end. */
static struct inode *next_used(void)
{
    struct inode *node = NULL;

    spin_lock(&lock);
    if (!list_empty(&used_maps)) {
        list_entry_t *link = list_next(&used_maps);

        inode_get(node = to_struct(link, struct file_map, used_link)->backing);
        list_del(link);
        list_add_before(&used_maps, link);
    }
    spin_unlock(&lock);
    return node;
}

/* Write back the maps that are wanted; or all that are dirty, if `all`; or all maps, if `any`: of
   these also take the entries, and tell if there were some. As many as there were at the start:
   what becomes dirty meanwhile is for the next call. */
static int write_back_maps(bool all, bool *any)
{
    struct inode *node;
    int error = 0;

    mutex_lock(&writeback);
    for (size_t left = used_map_count; left > 0 && (node = next_used()) != NULL; left--) {
        struct file_map *map = node->map;

        if (any != NULL || atomic_load(&map->wanted)
            || (all && atomic_load(&map->dirty_count) > 0)) {
            error = hold(node) ?: error;
            if (any != NULL)
                *any |= filemap_unmap(map);
            atomic_store(&map->held, false);
        }
        inode_put(node);
    }
    mutex_unlock(&writeback);
    return error;
}

/* One that another task is at is waited for, by the mutex. */
int mmap_write_back(bool all)
{
    return write_back_maps(all, NULL);
}

/* For mm/fault.c: a pager could not tell a page, because its file is held, or has to be; or there
   is no memory: then nobody maps a page of a file for a moment, and what was dirty is on the disk,
   so the cache can give back all of them. False if there was nothing to be done.

   A program whose entries were removed notices nothing but a fault more at its next access. The
   commit is outside of the mutex: it may take long, and others may write back meanwhile. */
static bool wait_for_write_back(bool memory)
{
    bool any = false;

    write_back_maps(false, memory ? &any : NULL);
    return any && journal_commit() == 0;
}

/* What an area shows at an address, without the right to write: see the head for `zeros`. */
static int read_page(struct inode *node, uint64_t index, struct Page **page)
{
    int result;

    for (;;) {
        result = vop_data(node, vop_page, index, page);
        if (result != 0 || *page != NULL || node->map->zeros)
            break;
        mutex_lock(&node->lock);
        node->map->zeros = true;
        mutex_unlock(&node->lock);
    }
    if (result == 0 && *page == NULL) {
        *page = kva2page(filemap_zeros);
        page_ref_inc(*page);
    }
    return result;
}

/* A large set would keep much of the cache, so it is written back before it grows further. */
static int mmap_page(struct vma_struct *vma, uintptr_t la, uint32_t access, struct Page **page)
{
    struct inode *node = vma->backing;
    uint64_t index = (vma->offset + (la - vma->vm_start)) / PGSIZE;

    if (atomic_load(&node->map->held))
        return -E_BUSY;
    if (access != VM_WRITE || !(vma->vm_flags & VM_SHARED))
        return read_page(node, index, page);
    if (atomic_load(&node->map->dirty_count) >= MMAP_DIRTY_MAX)
        return mmap_try_later(node);
    return vop_data(node, vop_share, index, page);
}

/* The map of an inode: it is made once, and stays as long as the inode. Of two who make one the
   first counts. -E_NO_MEM. */
static int need_map(struct inode *node)
{
    struct file_map *map;

    /* pairs with need_map(), the swap below: who sees the map sees one that is filled */
    if (atomic_load_acquire(&node->map) != NULL)
        return 0;
    map = kmalloc(sizeof(*map));
    if (map == NULL)
        return -E_NO_MEM;
    filemap_init(map, node);
    filemap_wait = wait_for_write_back;
    /* pairs with need_map(), the look above */
    if (!atomic_cas(&node->map, NULL, map))
        kfree(map);
    return 0;
}

struct family *mmap_family(struct vma_struct *vma)
{
    struct inode *node = vma->backing;

    if (vma->map_link.next == NULL && (need_map(node) != 0 || !filemap_add(node->map, vma, false)))
        return NULL;
    area_changed(node);
    return &node->map->family;
}

void mmap_leave(struct vma_struct *vma)
{
    struct inode *node = vma->backing;

    if (likely(vma->map_link.next == NULL))
        return;
    filemap_remove(node->map, vma);
    area_changed(node);
}

/* May programs write to the file by this area? */
static bool is_writer(const struct vma_struct *vma)
{
    return (vma->vm_flags & (VM_SHARED | VM_WRITE)) == (VM_SHARED | VM_WRITE);
}

/* There is another one already, or a file that is open for writing: so this is no first writer.
   It is called for each area that begins: by mmap(), by a fork, and where an area is cut in two.
   Each of them has its own reference, and each is counted as a writer, until mmap_close(). */
static void mmap_open(struct vma_struct *vma)
{
    struct inode *node = inode_get(vma->backing);

    if (is_writer(vma)) {
        /* no pair: who opens another one is a writer already */
        atomic_add((uint32_t *)&node->uses, 1);
        atomic_add(&node->map->writers, 1); /* pairs with mmap_close(): the count alone */
    }
    filemap_add(node->map, vma, true);
    area_changed(node);
}

/* Its entries have gone. Behind the last area that may be written nobody changes what is dirty, so
   that can go to the journal at once. */
static void mmap_close(struct vma_struct *vma)
{
    struct inode *node = vma->backing;
    struct file_map *map = node->map;

    filemap_remove(map, vma);
    if (is_writer(vma)) {
        /* pairs with mmap_close() of others: the last one sees their dirty pages */
        if (atomic_add(&map->writers, -1) == 1 && atomic_load(&map->dirty_count) > 0)
            vop_data(node, vop_journal_dirty);
        inode_end_write(node);
    }
    area_changed(node);
    inode_put(node);
}

static const struct pager mmap_pager = {
    .page = mmap_page, .open = mmap_open, .close = mmap_close, .asked_to_write = true,
    .family = mmap_family,
};

int mmap_file(struct mm_struct *mm, struct inode *node, uint32_t flags, uintptr_t addr, size_t len,
              uint32_t vm_flags, uint64_t offset)
{
    uint32_t mode = flags & O_ACCMODE, needed = vm_flags & VM_WRITE ? O_RDWR : O_RDONLY;

    if (node->in_ops->vop_page == NULL)
        return node->type == S_IFDIR ? -E_ISDIR : -E_INVAL;
    if (mode == O_WRONLY || ((vm_flags & VM_SHARED) && mode < needed) || offset % PGSIZE != 0
        || offset > INT64_MAX - len)
        return -E_INVAL;
    if ((vm_flags & VM_SHARED) && !mmap_shares) {
        cprintf("exercise 9.4 (mmap) is not written yet: no file can be mapped shared\n");
        return -E_UNIMP;
    }
    return need_map(node) ?: mm_map_pager(mm, addr, len, vm_flags, &mmap_pager, node, offset);
}

/* The area at an address: its end, and its file with a reference, if programs may have changed that
   by the area; else NULL. 0 or -E_FAULT. */
static int shared_file(struct mm_struct *mm, uintptr_t addr, uintptr_t *end, struct inode **node)
{
    mutex_lock(&mm->lock);
    const struct vma_struct *vma = find_vma(mm, addr);

    *node = NULL;
    if (vma != NULL)
        *end = vma->vm_end;
    if (vma != NULL && vma->pager == &mmap_pager && is_writer(vma))
        inode_get(*node = vma->backing);
    mutex_unlock(&mm->lock);
    return vma != NULL ? 0 : -E_FAULT;
}

/* Area by area, because the mm's lock cannot be held meanwhile: they may change, as with any two
   calls. A file is written back whole. */
int mmap_sync(struct mm_struct *mm, uintptr_t addr, size_t len)
{
    const uintptr_t end = addr + len;
    struct inode *node;
    int error = 0;

    while (addr < end && error == 0 && !atomic_load(&this_cpu->task->killed)) {
        error = shared_file(mm, addr, &addr, &node);
        if (node == NULL)
            continue;
        error = vop_data(node, vop_fsync);
        inode_put(node);
    }
    return error;
}

/* With the last reference of the inode: no area is left. Something is dirty here only if the
   journal did not take it, because it is broken; then there is nowhere to write it to. */
void mmap_free(struct inode *node)
{
    struct cached_block *block;

    if (node->map == NULL)
        return;
    while ((block = mmap_take_dirty(node)) != NULL)
        cache_put(block);
    family_put(&node->map->family);     /* pages that the policy knows may need it longer */
}
