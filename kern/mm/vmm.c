/* Address spaces: making, copying and changing them. Areas are vma.c, faults are fault.c, page
   tables pagetable.c.

   What a program has is decided by areas; pages follow when they are touched. So mmap() and brk()
   cost the same for a page and for a gigabyte. Taking away is the other way round: pages go first,
   while their area is still there, then the area, then tables that nobody needs any more.

   Nothing here fails half-way: what an operation needs is allocated before anything changes, and
   all that can fail after that is cleaned up by the caller, as told at each function. The lock of
   an mm may be held for long, so long work gives way to other tasks in between. */
#include <error.h>
#include <mm/kmalloc.h>
#include <mm/pagetable.h>
#include <mm/reclaim.h>
#include <mm/rmap.h>

/* Fork copies as long as exercise 5.4 is not written: without another definition C gives this one
   the value 0 (C11, 6.9.2: it is a tentative definition). */
bool fork_shares;

/* EXERCISE 5.4 begin extra: the default of fork_shares */
bool fork_shares = true;
/* EXERCISE 5.4 end */

/* Of a process and of its areas there is one each, so a fork needs several at once. */
static struct kmem_cache mm_cache, vma_cache;

void vmm_init(void)
{
    kmem_cache_init(&mm_cache, "mm_struct", sizeof(struct mm_struct));
    kmem_cache_init(&vma_cache, "vma_struct", sizeof(struct vma_struct));
    rmap_init();
}

/* An area that is in no mm yet; NULL if there is no memory. */
static struct vma_struct *vma_create(uintptr_t start, uintptr_t end, uint32_t vm_flags)
{
    struct vma_struct *vma = kmem_cache_alloc(&vma_cache);

    if (vma != NULL)
        *vma = (struct vma_struct){ .vm_start = start, .vm_end = end, .vm_flags = vm_flags };
    return vma;
}

/* Put an area into an mm; its pages come from where those of `model` do, from this offset on. */
static void vma_begin(struct mm_struct *mm, struct vma_struct *vma, const struct vma_struct *model,
                      uint64_t offset)
{
    insert_vma_struct(mm, vma);
    if (model->pager == NULL)
        return;
    vma->pager = model->pager;
    vma->backing = model->backing;
    vma->offset = offset;
    mm->extras |= MM_PAGER;
    if (vma->pager->open != NULL)
        vma->pager->open(vma);
}

/* The end of an area, whose pages are unmapped. */
static void vma_end(struct vma_struct *vma)
{
    if (vma->pager != NULL && vma->pager->close != NULL)
        vma->pager->close(vma);
    kmem_cache_free(&vma_cache, vma);
}

/* The root table is there from the start: a process can run on it as soon as it has areas. */
struct mm_struct *mm_create(void)
{
    struct mm_struct *mm = kmem_cache_alloc(&mm_cache);

    if (mm == NULL)
        return NULL;
    *mm = (struct mm_struct){ .mm_count = 1, .mmap_top = USTACKBASE };
    pte_t *pgdir = pgdir_create();
    if (pgdir == NULL) {
        kmem_cache_free(&mm_cache, mm);
        return NULL;
    }
    addrspace_init(&mm->as, pgdir);
    mutex_init(&mm->lock, "an address space", MUTEX_MM, 0);
    list_init(&mm->mmap_list);
    return mm;
}

void mm_publish(struct mm_struct *mm)
{
    mm->published = true;
}

void mm_lock_panic(const char *function)
{
    const struct mutex_hold *last = this_cpu->task->mutexes;

    panic("%s() is called without the lock of the address space; the task holds %s%s%s", function,
          last ? "\"" : "no mutex", last ? last->name : "", last ? "\"" : "");
}

/* Atomic: forks of several threads may do it at once. */
void mm_get(struct mm_struct *mm)
{
    atomic_add(&mm->mm_count, 1);   /* no pair: who counts up has one; see mm_put() */
}

/* From 0 there is no way back: mm_put() is at work. */
bool mm_get_live(struct mm_struct *mm)
{
    return atomic_inc_unless_zero(&mm->mm_count);   /* pairs with mm_put(): 0 stays 0 */
}

/* All that is unmapped of a process goes this way, while the area is still there as it was. */
static __always_inlined void unmap_pages(struct mm_struct *mm, const struct vma_struct *vma,
                                         uintptr_t start, uintptr_t end)
{
    assert(vma->vm_start <= start && end <= vma->vm_end);
    /* An entry that names a slot is not valid: unmap_range() would pass over it, and the slot would
       keep a name that no entry has. */
    if (unlikely(mm->paged_out > 0))
        swap_unmap_range(mm, start, end);
    unmap_range(&mm->as, start, end);
}

void unmap_part(const struct vma_struct *vma, uintptr_t start, uintptr_t end)
{
    unmap_pages(vma->vm_mm, vma, start, end);
}

/* Empty an mm that nobody runs on. Area by area, upwards: tables go with the last area that needed
   them. It is on no hart, so no translation of it is left, and unmap_range() can do without
   flushes. By the files that it maps others may find it all the same, so its lock is taken then. */
static void remove_areas(struct mm_struct *mm)
{
    bool found = mm->extras & MM_MAPPED;

    assert_eq(atomic_load(&mm->as.harts), 0);
    if (unlikely(found))
        mutex_lock(&mm->lock);
    for (list_entry_t *pos = list_next(&mm->mmap_list), *next; pos != &mm->mmap_list; pos = next) {
        struct vma_struct *vma = le2vma(pos);
        next = list_next(pos);
        unmap_pages(mm, vma, vma->vm_start, vma->vm_end);
        exit_range(&mm->as, vma->vm_start, vma->vm_end, 0,
                   next == &mm->mmap_list ? USERTOP : le2vma(next)->vm_start);
        vma_end(vma);
        sched_give_way();
    }
    list_init(&mm->mmap_list);
    mm->mmap_root = mm->mmap_cache = NULL;
    mm->map_count = 0;
    if (unlikely(found))
        mutex_unlock(&mm->lock);
}

/* No lock is needed: a caller that drops the last use is alone with the mm. */
void mm_put(struct mm_struct *mm)
{
    /* pairs with mm_put() of others: the last one frees what they are done with */
    if (atomic_add(&mm->mm_count, -1) > 1)
        return;
    /* In this order. Nobody finds the mm by its family any more, so nobody else looks at entries.
       Then pages go, with areas that know where they came from; then what areas have used; and the
       tables last, for to unmap is to walk them. */
    family_leave(mm);
    remove_areas(mm);
    if (mm->attached != NULL)
        mm->attached->free(mm->attached);
    if (mm->files != NULL)
        mm->files->free(mm->files);
    if (mm->program != NULL)
        mm->program->free(mm->program);
    pgdir_destroy(mm->as.pgdir);
    kmem_cache_free(&mm_cache, mm);
}

/* Give `to` a copy of an area of `from`, with what is in it. Pages that are shared are not copied:
   the child finds them when it touches them. 0 or -E_NO_MEM. */
static int dup_area(struct mm_struct *to, struct mm_struct *from, const struct vma_struct *vma,
                    bool share)
{
    struct vma_struct *copy = vma_create(vma->vm_start, vma->vm_end, vma->vm_flags);

    if (copy == NULL)
        return -E_NO_MEM;
    /* First the area, then its pages. A file that is cut just now looks for areas: one that is not
       there yet is passed over, and its pages would stay mapped behind the file's end. */
    vma_begin(to, copy, vma, vma->offset);
    if (vma->vm_flags & VM_SHARED)
        return 0;
    if (unlikely(from->paged_out > 0) && swap_copy_range(to, from, vma->vm_start, vma->vm_end) != 0)
        return -E_NO_MEM;
    return copy_range(&to->as, &from->as, vma->vm_start, vma->vm_end, share);
}

/* All areas. 0, or -E_NO_MEM with some of them copied: mm_put() takes them away again. */
static int dup_areas(struct mm_struct *to, struct mm_struct *from, bool share)
{
    list_for_each(pos, &from->mmap_list) {
        if (dup_area(to, from, le2vma(pos), share) != 0)
            return -E_NO_MEM;
        sched_give_way();
    }
    return 0;
}

/* dup_areas(), sharing. What it made read-only in `from` must be so on every hart, before the child
   may run. */
static int share_areas(struct mm_struct *to, struct mm_struct *from)
{
    /* EXERCISE 5.4 begin: share_areas */
    int result = dup_areas(to, from, true);

    tlb_flush(&from->as, 0, USERTOP);
    return result;
    /* EXERCISE 5.4 end */
}

/* The parent's other threads wait meanwhile: what the child gets is its memory at one moment. */
int mm_dup(struct mm_struct *to, struct mm_struct *from)
{
    assert(!to->published);
    /* Pages that are shared know one family, by which both mms will be found: so it must be the
       same, before there is such a page. */
    family_join(to, from);
    for (;;) {
        mutex_lock(&from->lock);
        /* Nobody knows `to`, unless its areas come into the lists of files that they map:
           filemap.h. */
        bool found = from->extras && mutex_trylock(&to->lock);
        int result = fork_shares ? share_areas(to, from) : dup_areas(to, from, false);
        to->brk_start = from->brk_start;
        to->brk = from->brk;
        to->mmap_top = from->mmap_top;
        if (found)
            mutex_unlock(&to->lock);
        mutex_unlock(&from->lock);
        /* Memory has run out? Without the lock pages of the parent can go too. */
        if (likely(result == 0) || !reclaim_when_short())
            return result;
        remove_areas(to);
    }
}

/* The lowest address that this area needs to itself. */
static uintptr_t area_floor(const struct vma_struct *vma)
{
    return vma_floor(vma->vm_start, vma->vm_end, vma->vm_flags);
}

/* Is no area in this range? */
static bool range_free(struct mm_struct *mm, uintptr_t start, uintptr_t end)
{
    struct vma_struct *next = find_vma_above(mm, start);

    return next == NULL || end <= next->vm_start;
}

int mm_map(struct mm_struct *mm, uintptr_t addr, size_t len, uint32_t vm_flags)
{
    mm_assert_locked(mm);
    return mm_map_pager(mm, addr, len, vm_flags, NULL, NULL, 0);
}

/* Only an area is made: no page, no table. */
int mm_map_pager(struct mm_struct *mm, uintptr_t addr, size_t len, uint32_t vm_flags,
                 const struct pager *pager, void *backing, uint64_t offset)
{
    const struct vma_struct model = { .pager = pager, .backing = backing };

    mm_assert_locked(mm);
    if (addr % PGSIZE != 0 || len % PGSIZE != 0 || !user_range_ok(addr, addr + len)
        || !range_free(mm, addr, addr + len))
        return -E_INVAL;
    struct vma_struct *vma = vma_create(addr, addr + len, vm_flags);
    if (vma == NULL)
        return -E_NO_MEM;
    vma_begin(mm, vma, &model, offset);
    return 0;
}

/* Cut [start, end), which lies in the area, out of it. There are four cases:

       area     |-----------------|    |-----------------|    |-----------------|    |-------|
       range         |------|                   |--------|    |-------|              |-------|
       left     |----|      |-----|    |--------|                     |---------|    nothing
                area        spare      area                           area

   In the first one both ends stay, and `spare` becomes the upper one; true then. */
static bool cut_area(struct mm_struct *mm, struct vma_struct *vma, uintptr_t start, uintptr_t end,
                     struct vma_struct *spare)
{
    if (vma->vm_start < start) {
        if (end < vma->vm_end) {
            *spare = (struct vma_struct){
                .vm_start = end, .vm_end = vma->vm_end, .vm_flags = vma->vm_flags,
            };
            vma->vm_end = start;
            vma_begin(mm, spare, vma, vma->offset + (end - vma->vm_start));
            return true;
        }
        vma->vm_end = start;
    } else if (end < vma->vm_end) {
        vma->offset += end - vma->vm_start;
        vma->vm_start = end;
    } else {
        remove_vma_struct(mm, vma);
        vma_end(vma);
    }
    return false;
}

/* Free the tables that nobody needs any more now that [start, end) is unmapped: all that lie
   between the area below and the area above. Without this a program that maps and unmaps all over
   its address space would fill memory with empty tables. */
static void free_tables(struct mm_struct *mm, uintptr_t start, uintptr_t end)
{
    struct vma_struct *above = find_vma_above(mm, start);
    list_entry_t *below = list_prev(above != NULL ? &above->list_link : &mm->mmap_list);

    exit_range(&mm->as, start, end, below == &mm->mmap_list ? 0 : le2vma(below)->vm_end,
               above != NULL ? above->vm_start : USERTOP);
}

/* A hole in an area makes two of it: the second is made first, so that nothing can fail later. Only
   one area can become two, because areas do not overlap: then the whole range lies in it. Each turn
   of the loop takes the lowest area that is still in the range. */
int mm_unmap(struct mm_struct *mm, uintptr_t addr, size_t len)
{
    uintptr_t end = addr + len;
    bool spare_used = false;

    mm_assert_locked(mm);
    if (addr % PGSIZE != 0 || len % PGSIZE != 0 || !user_range_ok(addr, end))
        return -E_INVAL;
    struct vma_struct *vma = find_vma_above(mm, addr), *spare = NULL;
    if (vma != NULL && vma->vm_start < addr && end < vma->vm_end) {
        spare = vma_create(0, 0, 0);
        if (spare == NULL)
            return -E_NO_MEM;
    }
    while (!spare_used && (vma = find_vma_above(mm, addr)) != NULL && vma->vm_start < end) {
        uintptr_t low = vma->vm_start > addr ? vma->vm_start : addr;
        uintptr_t high = vma->vm_end < end ? vma->vm_end : end;

        unmap_pages(mm, vma, low, high);
        spare_used = cut_area(mm, vma, low, high, spare);
    }
    free_tables(mm, addr, end);
    if (end > mm->mmap_top)
        mm->mmap_top = end < USTACKBASE ? end : USTACKBASE;
    return 0;
}

/* Go down from the place at which there was room last, over the areas that are in the way. Taking
   room again and again costs O(log n) each; mm_unmap() sets the place back, so that what it freed
   is found. */
uintptr_t mm_find_room(struct mm_struct *mm, size_t len, uint32_t vm_flags)
{
    uintptr_t top = mm->mmap_top;

    mm_assert_locked(mm);
    while (len <= top) {
        uintptr_t low = vma_floor(top - len, top, vm_flags);

        if (low < USERBASE)
            return 0;
        struct vma_struct *above = find_vma_above(mm, low);
        uintptr_t end = above == NULL ? top : area_floor(above);

        if (end >= top) {
            mm->mmap_top = low;
            return top - len;
        }
        top = end;
    }
    return 0;
}

/* Give the heap the pages [old_end, new_end): its last area grows if it still ends there and is as
   brk makes it; else a new area begins. -E_INVAL if something is in the way. */
static int heap_grow(struct mm_struct *mm, uintptr_t old_end, uintptr_t new_end)
{
    struct vma_struct *heap = old_end > mm->brk_start ? find_vma(mm, old_end - 1) : NULL;
    struct vma_struct *next = find_vma_above(mm, old_end);

    if (!user_range_ok(old_end, new_end) || (next != NULL && new_end > area_floor(next)))
        return -E_INVAL;
    if (heap == NULL || heap->vm_end != old_end || heap->vm_flags != (VM_READ | VM_WRITE)
        || heap->pager != NULL)
        return mm_map(mm, old_end, new_end - old_end, VM_READ | VM_WRITE);
    heap->vm_end = new_end;
    return 0;
}

/* brk counts bytes, the area has whole pages: often only the number changes. */
int mm_brk(struct mm_struct *mm, uintptr_t brk)
{
    uintptr_t old_end = ROUNDUP(mm->brk, PGSIZE), new_end = ROUNDUP(brk, PGSIZE);
    int result = 0;

    mm_assert_locked(mm);
    if (brk < mm->brk_start || brk > USTACKBASE)
        return -E_INVAL;
    if (new_end > old_end)
        result = heap_grow(mm, old_end, new_end);
    else if (new_end < old_end)
        result = mm_unmap(mm, new_end, old_end - new_end);
    if (result == 0)
        mm->brk = brk;
    return result;
}
