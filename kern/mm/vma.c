/* The areas of an address space, in a list by address for going through them and in a treap for
   finding one: a binary search tree by address in which a parent has a higher random priority than
   its children. Its depth is O(log n) whatever comes and goes, and in whatever order: a program
   cannot make it degenerate, because it does not choose the priorities.

   All functions need the mm's lock, if the mm is published, and assert it. None sleeps and none
   allocates; an area is made and freed by the caller. The area that was found last is remembered:
   most faults are near the one before. The regions of exercise 3.3 are here. */
#include <mm/vmm.h>

/* Marsaglia's xorshift: good enough to keep a tree balanced. Two harts that call it at once may get
   the same number, which does no harm. */
static uint32_t next_priority(void)
{
    static uint32_t state = 2463534242;
    uint32_t x = atomic_load(&state);

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    atomic_store(&state, x);
    return x;
}

/* Down the tree, in O(log n). */
struct vma_struct *find_vma_above(struct mm_struct *mm, uintptr_t addr)
{
    mm_assert_locked(mm);
    /* EXERCISE 3.3 begin: find_vma_above */
    struct vma_struct *found = NULL;

    for (struct vma_struct *vma = mm->mmap_root; vma != NULL;) {
        if (vma->vm_end > addr) {
            found = vma;
            vma = vma->left;
        } else {
            vma = vma->right;
        }
    }
    return found;
    /* EXERCISE 3.3 end */
}

/* The area that was found last is asked first; else down the tree. */
struct vma_struct *find_vma(struct mm_struct *mm, uintptr_t addr)
{
    mm_assert_locked(mm);
    /* EXERCISE 3.3 begin: find_vma */
    struct vma_struct *vma = mm->mmap_cache;

    if (vma == NULL || addr < vma->vm_start || addr >= vma->vm_end) {
        vma = find_vma_above(mm, addr);
        if (vma == NULL || addr < vma->vm_start)
            return NULL;
        mm->mmap_cache = vma;
    }
    return vma;
    /* EXERCISE 3.3 end */
}

/* Put the area in at the height of its priority, and split what hangs below there around it: first
   down to the place of which all parents have higher priorities; then that subtree is cut along the
   new address: what is below becomes the left subtree, what is above the right one. */
static void tree_insert(struct mm_struct *mm, struct vma_struct *vma)
{
    struct vma_struct **link = &mm->mmap_root, **less = &vma->left, **more = &vma->right;

    while (*link != NULL && (*link)->priority >= vma->priority)
        link = vma->vm_start < (*link)->vm_start ? &(*link)->left : &(*link)->right;

    struct vma_struct *rest = *link;

    /* `less` and `more` point to the links at which the next part of each side belongs. */
    *link = vma;
    while (rest != NULL) {
        if (rest->vm_start < vma->vm_start) {
            *less = rest;
            less = &rest->right;
            rest = rest->right;
        } else {
            *more = rest;
            more = &rest->left;
            rest = rest->left;
        }
    }
    *less = *more = NULL;
}

/* Take the area out, and merge its two subtrees in its place: at each step the root with the higher
   priority goes up, and what hangs on its inner side is merged with the other one. All of the left
   one is below all of the right one, so the order stays. */
static void tree_remove(struct mm_struct *mm, struct vma_struct *vma)
{
    struct vma_struct **link = &mm->mmap_root, *less = vma->left, *more = vma->right;

    while (*link != vma)
        link = vma->vm_start < (*link)->vm_start ? &(*link)->left : &(*link)->right;
    while (less != NULL && more != NULL) {
        if (less->priority >= more->priority) {
            *link = less;
            link = &less->right;
            less = less->right;
        } else {
            *link = more;
            link = &more->left;
            more = more->left;
        }
    }
    *link = less != NULL ? less : more;
}

/* Into the list before the next area, and into the tree. That areas do not overlap is the caller's
   duty: a fault would find one of two, by chance. */
void insert_vma_struct(struct mm_struct *mm, struct vma_struct *vma)
{
    mm_assert_locked(mm);
    assert(vma->vm_start < vma->vm_end);
    /* EXERCISE 3.3 begin: insert_vma_struct */
    struct vma_struct *next = find_vma_above(mm, vma->vm_start);
    list_entry_t *place = next != NULL ? &next->list_link : &mm->mmap_list;

    assert(next == NULL || vma->vm_end <= next->vm_start);      /* no overlap */
    vma->vm_mm = mm;
    vma->priority = next_priority();
    list_add_before(place, &vma->list_link);
    tree_insert(mm, vma);
    mm->map_count++;
    /* EXERCISE 3.3 end */
}

/* Out of the list, the tree, and the memory of the last search. */
void remove_vma_struct(struct mm_struct *mm, struct vma_struct *vma)
{
    mm_assert_locked(mm);
    if (mm->mmap_cache == vma)
        mm->mmap_cache = NULL;
    list_del(&vma->list_link);
    tree_remove(mm, vma);
    mm->map_count--;
}
