/* The areas that map a file: see filemap.h.

   A walk along the list cannot hold the list's lock while it waits for an mm's, which ranks before.
   So it takes a reference to the mm, lets go of the list, locks the mm, and looks whether the area
   is still there: map->visited tells, for an area that leaves the list moves it back. An area that
   comes meanwhile, by a fork or a cut, comes to the end, where the walk finds it.

   An mm of which the last reference goes is passed over: it is on no hart any more. */
#include <mm/filemap.h>
#include <mm/pagetable.h>

const uint8_t filemap_zeros[PGSIZE] __attribute__((aligned(PGSIZE)));

bool (*filemap_wait)(bool memory);

void filemap_init(struct file_map *map, void *backing)
{
    /* no pair: nobody else knows the page yet */
    atomic_cas(&kva2page(filemap_zeros)->ref, 0, 1);    /* one reference that is never dropped */
    *map = (struct file_map){ .backing = backing };
    family_setup(&map->family);
    list_init(&map->dirty);
    list_init(&map->used_link);
    map->visited = &map->family.members;
}

/* At the end: a walk that is on its way comes to it. A fork adds the child's area while it has the
   lock of the parent's mm, so a walk that waits for the parent meets the child later. */
bool filemap_add(struct file_map *map, struct vma_struct *vma, bool wait)
{
    if (wait)
        mutex_lock(&map->family.lock);
    else if (!mutex_trylock(&map->family.lock))
        return false;
    list_add_before(&map->family.members, &vma->map_link);
    vma->vm_mm->extras |= MM_MAPPED;
    mutex_unlock(&map->family.lock);
    return true;
}

void filemap_remove(struct file_map *map, struct vma_struct *vma)
{
    mutex_lock(&map->family.lock);
    if (map->visited == &vma->map_link)
        map->visited = list_prev(&vma->map_link);
    list_del(&vma->map_link);
    mutex_unlock(&map->family.lock);
}

/* The walk has the list's lock for one step only, because an mm's lock comes before it. So areas
   may come and go between two steps. `visited` is the last area that was looked at; if that goes,
   it is set back to the one before:

       areas:   A --> B --> C --> D           visited: B
       B goes:  A --> C --> D                 visited: A, and the next one is C, as it should be

   One walk at a time, therefore: there is one such place in each map. */

/* Go on to the next area, of an mm that lives: with a reference to that, and the place of the area
   in *place. NULL at the end. */
static struct mm_struct *next_mm(struct file_map *map, list_entry_t **place)
{
    struct mm_struct *mm = NULL;

    mutex_lock(&map->family.lock);
    while (mm == NULL && list_next(map->visited) != &map->family.members) {
        map->visited = list_next(map->visited);
        mm = to_struct(map->visited, struct vma_struct, map_link)->vm_mm;
        /* mm_put() is at work there: it unmaps all by itself, and runs on no hart. */
        if (!mm_get_live(mm))
            mm = NULL;
    }
    *place = map->visited;
    mutex_unlock(&map->family.lock);
    return mm;
}

/* Call fn for each area, with the lock of its mm. */
static void walk(struct file_map *map, void (*fn)(struct vma_struct *vma, uint64_t arg),
                 uint64_t arg)
{
    struct mm_struct *mm;
    list_entry_t *place;

    map->visited = &map->family.members;
    while ((mm = next_mm(map, &place)) != NULL) {
        mutex_lock(&mm->lock);
        mutex_lock(&map->family.lock);
        /* While the mm's lock was waited for, its owner may have unmapped the area: then `visited`
           has moved, and `place` may be freed memory. */
        bool there = map->visited == place;
        mutex_unlock(&map->family.lock);
        if (there)
            fn(to_struct(place, struct vma_struct, map_link), arg);
        mutex_unlock(&mm->lock);
        mm_put(mm);
        sched_give_way();
    }
}

/* Call fn for each entry of an area that there is a table for, and flush the area if one of the
   calls returns true: a hart may have a translation that allows too much then. */
static bool change_entries(struct vma_struct *vma, bool (*fn)(pte_t *pte))
{
    struct addrspace *as = &vma->vm_mm->as;
    bool changed = false;

    for (uintptr_t la = vma->vm_start, stop; la < vma->vm_end; la = stop) {
        pte_t *pte = get_pte(as->pgdir, la, false);

        stop = table_end(as->pgdir, la, vma->vm_end);
        for (size_t n = pte != NULL ? (stop - la) / PGSIZE : 0; n > 0; n--)
            changed |= fn(pte++);
        sched_give_way();
    }
    if (changed)
        tlb_flush(as, vma->vm_start, vma->vm_end - vma->vm_start);
    return changed;
}

/* Take the right to write from one entry, if it has that: true then. */
static bool protect_entry(pte_t *pte)
{
    /* EXERCISE 9.4 begin: protect_entry */
    if (!(*pte & PTE_V) || !(*pte & PTE_W))
        return false;
    set_pte_relaxed(pte, *pte & ~PTE_W);
    return true;
    /* EXERCISE 9.4 end */
}

/* In a private area a page that may be written is a copy, which is nobody else's. */
static void protect_area(struct vma_struct *vma, __not_used uint64_t arg)
{
    if (vma->vm_flags & VM_SHARED)
        change_entries(vma, protect_entry);
}

void filemap_protect(struct file_map *map)
{
    walk(map, protect_area, 0);
}

/* Take one entry out if it maps the page of zeros, which is never freed: so the flush may come
   later. */
static bool remove_zeros(pte_t *pte)
{
    struct Page *zeros = kva2page(filemap_zeros);

    if (!(*pte & PTE_V) || pte2page(*pte) != zeros)
        return false;
    set_pte(pte, 0);
    page_ref_dec(zeros);
    return true;
}

/* See remove_zeros(). */
static void remove_area_zeros(struct vma_struct *vma, __not_used uint64_t arg)
{
    change_entries(vma, remove_zeros);
}

void filemap_remove_zeros(struct file_map *map)
{
    walk(map, remove_area_zeros, 0);
}

/* What an area maps of the file from a place on. */
static void cut_area(struct vma_struct *vma, uint64_t from)
{
    uint64_t skip = from > vma->offset ? from - vma->offset : 0;

    if (skip < vma->vm_end - vma->vm_start)
        unmap_part(vma, vma->vm_start + skip, vma->vm_end);
}

void filemap_cut(struct file_map *map, uint64_t from)
{
    walk(map, cut_area, from);
}

/* Is there an entry? */
static bool is_entry(pte_t *pte)
{
    return *pte & PTE_V;
}

/* Of an area that has no copies of its own. *(bool *)any says whether there was an entry. */
static void unmap_area(struct vma_struct *vma, uint64_t any)
{
    if ((vma->vm_flags & (VM_SHARED | VM_WRITE)) != VM_WRITE && change_entries(vma, is_entry)) {
        unmap_part(vma, vma->vm_start, vma->vm_end);
        *(bool *)any = true;
    }
}

bool filemap_unmap(struct file_map *map)
{
    bool any = false;

    walk(map, unmap_area, (uint64_t)&any);
    return any;
}
