/* Exercise 3.3: finding and inserting areas, without page tables. The areas stand in an array of
   the test's own, so that each answer can be compared with what is in it.

   "areas" has three areas and tries every border: first byte, last byte, gaps, above and below.
   "areas-random" adds and removes areas 4,000 times and asks around the one that changed.
   "areas-many" counts instructions: among 10,000 areas finding one must not take much longer than
   among 100. That is what the tree is for; a list, or a tree that is not balanced, is too slow.

   A wrong kernel finds a neighbour or nothing at a border, or leaves list, tree and map_count in
   different orders. Runs at boot; no lock is taken, since nobody else knows this mm.

   Alone: make grade TEST=areas, TEST=areas-random or TEST=areas-many. */
#include <mm/vmm.h>
#include <report.h>
#include <riscv/csr.h>
#include <test/testlib.h>

#define BASE            0x10000000UL
/* An area begins in the first or second page of its slot, so there is a gap now and then, and now
   and then two areas touch. */
#define SLOT            (4 * PGSIZE)            /* room for an area, from 1 to 3 pages */
#define SLOTS           500
#define STEPS           4000
#define MANY            10000
#define MAX_DEPTH       64                      /* of a tree of MANY; a balanced one has 14 */
#define FEW             100
#define QUESTIONS       1000
#define MAX_SLOWER      4                       /* a tree of 10,000 is twice as deep as of 100 */

/* An mm without page table: finding areas needs none. */
static void mm_begin(struct mm_struct *mm)
{
    /* All other fields are 0: no area, no tree, nothing found before. */
    *mm = (struct mm_struct){ .mm_count = 1 };
    list_init(&mm->mmap_list);
}

/* Areas from the given page to before another; not yet in an mm. */
static struct vma_struct area(int first, int end)
{
    return (struct vma_struct){
        .vm_start = BASE + first * PGSIZE, .vm_end = BASE + end * PGSIZE, .vm_flags = VM_READ
    };
}

/* Pages are counted from BASE in this file, because small numbers are easier to follow. */
static struct vma_struct *find_page(struct mm_struct *mm, int page)
{
    return find_vma(mm, BASE + page * PGSIZE);
}

/* The lowest area that ends above the address: the one that it lies in, or the next one. */
static struct vma_struct *above_page(struct mm_struct *mm, int page)
{
    return find_vma_above(mm, BASE + page * PGSIZE);
}

/* Go through the tree in order, and along the list with it: *place is the next entry. False if they
   do not agree, or the tree is deeper than `room`. In order, a tree gives the areas by rising
   address; so any mistake in its links shows as a difference. `room` ends the recursion even if the
   tree has a circle. */
static bool same_order(struct mm_struct *mm, struct vma_struct *vma, list_entry_t **place, int room)
{
    /* An empty branch is in order. */
    if (vma == NULL)
        return true;
    if (room == 0 || !same_order(mm, vma->left, place, room - 1) || *place == &mm->mmap_list
        || le2vma(*place) != vma || vma->vm_mm != mm || vma->vm_start >= vma->vm_end)
        return false;
    *place = list_next(*place);
    if (*place != &mm->mmap_list && vma->vm_end > le2vma(*place)->vm_start)
        return false;
    return same_order(mm, vma->right, place, room - 1);
}

/* The list has n areas by address, also backwards; the tree and map_count agree. The walks along
   the list stop after n + 1 steps: a list that has lost its end would be walked for ever. */
static bool in_order(struct mm_struct *mm, int n)
{
    list_entry_t *place = list_next(&mm->mmap_list);
    int forwards = 0, backwards = 0;

    for (list_entry_t *pos = place; pos != &mm->mmap_list && forwards <= n; pos = list_next(pos))
        forwards++;
    for (list_entry_t *pos = list_prev(&mm->mmap_list); pos != &mm->mmap_list && backwards <= n;
         pos = list_prev(pos))
        backwards++;
    return forwards == n && backwards == n && mm->map_count == n
        && same_order(mm, mm->mmap_root, &place, MAX_DEPTH) && place == &mm->mmap_list;
}

/* Two areas that touch, [6, 8) and [8, 10), a gap, and [14, 15):

       page   5    6    7    8    9    10   11   12   13   14   15
                   |--- a ---|--- b ---|                   | c |

   The end of an area is the first address behind it. Mixing up < and <= makes one of these checks
   fail, and in a running kernel lets a program use a page that it does not have. */
static void check_finding(struct mm_struct *mm, struct vma_struct *a, struct vma_struct *b,
                          struct vma_struct *c)
{
    check("an address is found in its area", find_page(mm, 6) == a && find_page(mm, 9) == b
          && find_page(mm, 14) == c);
    check("the last byte of an area belongs to it", find_vma(mm, a->vm_end - 1) == a
          && find_vma(mm, c->vm_end - 1) == c);
    check("the end of an area does not belong to it, but to one that touches it",
          find_vma(mm, a->vm_end) == b);
    /* A page fault there must be refused. */
    check("in a gap there is no area", find_page(mm, 10) == NULL && find_page(mm, 12) == NULL
          && find_vma(mm, c->vm_start - 1) == NULL);
    /* 0 and the highest address are what a wild pointer often is. */
    check("below the first area and above the last there is none", find_page(mm, 5) == NULL
          && find_vma(mm, 0) == NULL && find_page(mm, 15) == NULL && find_vma(mm, -1UL) == NULL);
    check("find_vma_above finds the area that an address lies in", above_page(mm, 6) == a
          && above_page(mm, 7) == a && above_page(mm, 14) == c);
    /* unmap and the search for room walk through the areas in this way. */
    check("in a gap, find_vma_above finds the next one",
          above_page(mm, 10) == c && above_page(mm, 13) == c
          && find_vma_above(mm, 0) == a);
    check("at an area's end, find_vma_above finds the one behind it", above_page(mm, 8) == b);
    check("above the last, find_vma_above finds nothing", above_page(mm, 15) == NULL
          && find_vma_above(mm, -1UL) == NULL);
}

/* What was found last is found again while the tree is hidden. If that fails the answer is right
   but the tree was searched for it: each page fault of a loop over an array would pay for that. */
static bool found_without_tree(struct mm_struct *mm, int page, struct vma_struct *vma)
{
    struct vma_struct *root = mm->mmap_root;

    mm->mmap_root = NULL;
    bool found = find_page(mm, page) == vma;
    mm->mmap_root = root;
    return found;
}

/* What was found last is remembered: it must not be the answer to another question. And an area
   that is removed must be forgotten: its memory will be another object's. */
static void check_memory(struct mm_struct *mm, struct vma_struct *a, struct vma_struct *b,
                         struct vma_struct *c)
{
    /* Each question finds another one remembered. */
    check("after one area, another is found", find_page(mm, 14) == c && find_page(mm, 6) == a
          && find_page(mm, 8) == b);
    check("after an area, a gap is a gap", find_page(mm, 14) == c && find_page(mm, 12) == NULL
          && find_page(mm, 15) == NULL);
    check("the same question has the same answer", find_page(mm, 7) == a && find_page(mm, 7) == a);
    check("the area that was found last is remembered: the tree is not asked again",
          found_without_tree(mm, 6, a) && find_page(mm, 14) == c && found_without_tree(mm, 14, c));
    check("from the area found last one can go on to others", find_page(mm, 7) == a);
    /* `a` was found last. From here on it is nobody's memory. */
    remove_vma_struct(mm, a);
    check("an area that was found and is removed is not found again", find_page(mm, 7) == NULL);
    check("the neighbours of an area that is removed are found",
          find_page(mm, 8) == b && above_page(mm, 6) == b);
    check("the two that are left are in order", in_order(mm, 2));
    /* Another area at nearly the same place: it ends a page earlier, so a page of the old one is a
       gap. */
    struct vma_struct again = area(5, 7);
    insert_vma_struct(mm, &again);
    check("an area in its place is found, where it reaches", find_page(mm, 5) == &again
          && find_page(mm, 6) == &again && find_page(mm, 7) == NULL);
    remove_vma_struct(mm, &again);
}

/* Inserted as b, c, a, so that one goes behind, one before all others. */
static void test_areas(void)
{
    struct vma_struct a = area(6, 8), b = area(8, 10), c = area(14, 15);
    struct mm_struct mm;

    mm_begin(&mm);
    /* The tree is empty, and nothing was found before. */
    check("without areas nothing is found", find_page(&mm, 6) == NULL
          && above_page(&mm, 6) == NULL);
    insert_vma_struct(&mm, &b);
    /* The first one: everything is set, or the next ones have nothing to be put beside. */
    check("an area belongs to its mm, is in its list, its tree and its count", in_order(&mm, 1));
    insert_vma_struct(&mm, &c);
    check("an area above another comes behind it", in_order(&mm, 2));
    insert_vma_struct(&mm, &a);
    check("an area below another comes before it", in_order(&mm, 3));
    check("the first in the list is the lowest", le2vma(list_next(&mm.mmap_list)) == &a);
    /* Areas that touch are not joined here: they may have different rights. */
    check("what stands in the areas is as it was", a.vm_flags == VM_READ && a.vm_end == b.vm_start);
    check_finding(&mm, &a, &b, &c);
    check_memory(&mm, &a, &b, &c);
}

/* If a check fails: draw the three areas on paper, and the pages that the check asks for; most
   mistakes are at a border. */
SELFTEST_AT(STAGE_BOOT, "areas", test_areas);

/* n areas, the memory for which is to be given back. */
static struct vma_struct *areas_alloc(size_t n)
{
    struct Page *page = alloc_pages(ROUNDUP(n * sizeof(struct vma_struct), PGSIZE) / PGSIZE);

    assert(page != NULL);
    /* In the linear map; so many areas are too many for the stack, and kmalloc() is not under
       test. */
    return page2kva(page);
}

/* As many pages as areas_alloc() has taken. */
static void areas_free(struct vma_struct *areas, size_t n)
{
    free_pages(kva2page(areas), ROUNDUP(n * sizeof(struct vma_struct), PGSIZE) / PGSIZE);
}

/* Is the answer for an address what the array says? Areas that are not in the mm have vm_end 0.
   Each slot of the array stands for a fixed range of addresses, so the right answer is found
   without a tree, by counting on. */
static bool answers_right(struct mm_struct *mm, struct vma_struct *areas, uintptr_t addr)
{
    size_t slot = (addr - BASE) / SLOT;
    bool inside = addr >= areas[slot].vm_start && addr < areas[slot].vm_end;
    struct vma_struct *vma = find_vma(mm, addr), *above = find_vma_above(mm, addr);

    while (slot < SLOTS && areas[slot].vm_end <= addr)
        slot++;
    /* Both searches must give the very area of the array, not one that looks like it. */
    return vma == (inside ? &areas[slot] : NULL) && above == (slot < SLOTS ? &areas[slot] : NULL);
}

/* Put an area into its slot, or take it out. Its length and its place in the slot are random, but
   it never reaches into the next slot. */
static void toggle(struct mm_struct *mm, struct vma_struct *areas, int slot, uint64_t *seed)
{
    if (areas[slot].vm_end != 0) {
        remove_vma_struct(mm, &areas[slot]);
        areas[slot].vm_end = 0;
    } else {
        int first = 4 * slot + test_random(seed) % 2;

        areas[slot] = area(first, first + 1 + test_random(seed) % 3);
        insert_vma_struct(mm, &areas[slot]);
    }
}

/* After each step the test asks at the places where a mistake would show: the first and last byte
   of the slot, the last byte of the area and the first one behind it, and anywhere. The whole order
   is compared each 50 steps only, because that takes long. */
static void test_areas_random(void)
{
    struct vma_struct *areas = areas_alloc(SLOTS);
    struct mm_struct mm;
    uint64_t seed = 21;
    int orders = 0, answers = 0;

    mm_begin(&mm);
    for (int slot = 0; slot < SLOTS; slot++)
        areas[slot].vm_end = 0;
    for (int step = 0; step < STEPS; step++) {
        /* Half of the slots have an area after a while, so adding and removing are as frequent. */
        int slot = test_random(&seed) % SLOTS;

        toggle(&mm, areas, slot, &seed);
        uintptr_t start = BASE + slot * SLOT, end = areas[slot].vm_end;
        /* The slot that has changed, at all its borders, and one address anywhere. */
        answers += answers_right(&mm, areas, start)
                && answers_right(&mm, areas, start + SLOT - 1)
                && (end == 0 || (answers_right(&mm, areas, end - 1)
                                 && (slot == SLOTS - 1 || answers_right(&mm, areas, end))))
                && answers_right(&mm, areas, BASE + test_random(&seed) % (SLOTS * SLOT));
        /* Each node of the tree is visited. */
        if (step % 50 == 0)
            orders += in_order(&mm, mm.map_count);
    }
    check_eq("4,000 times, what is found at and around an area is right", answers, STEPS);
    check_eq("each 50 times, the list, the tree and map_count agree", orders, STEPS / 50);
    int left = 0;
    for (int slot = 0; slot < SLOTS; slot++)
        left += areas[slot].vm_end != 0;
    /* By the array, which is right in any case. */
    check_eq("map_count is how many there are", mm.map_count, left);
    areas_free(areas, SLOTS);
}

/* If the first check fails and "areas" passes: break where `answers` is counted, and look at the
   slot that has just changed. If the second one fails, the list, the tree and the count have
   parted. */
SELFTEST_AT(STAGE_BOOT, "areas-random", test_areas_random);

/* Add areas until there are n, in order of address, which is the worst for a tree that nobody
   balances. Time for one, by the counter of instructions. */
static uint64_t time_to_insert(struct mm_struct *mm, struct vma_struct *areas, int n)
{
    int first = mm->map_count;
    uint64_t start = csr_read(instret);

    for (int i = first; i < n; i++) {
        /* One page, one page of gap. */
        areas[i] = area(2 * i, 2 * i + 1);
        insert_vma_struct(mm, &areas[i]);
    }
    return (csr_read(instret) - start) / (n - first);
}

/* Time to find one of n areas, chosen at random: the one that was found last does not help then.
   The mean of 1,000 questions. */
static uint64_t time_to_find(struct mm_struct *mm, struct vma_struct *areas, int n)
{
    uint64_t seed = 31, start = csr_read(instret);
    int right = 0;

    for (int i = 0; i < QUESTIONS; i++) {
        /* It was in the array all the time: the tree is asked for what is known. */
        struct vma_struct *wanted = &areas[test_random(&seed) % n];

        right += find_vma(mm, wanted->vm_start + 5) == wanted;
    }
    uint64_t time = (csr_read(instret) - start) / QUESTIONS;
    check_eq("each of the areas is found", right, QUESTIONS);
    return time;
}

/* Instructions are counted and not time: the count is the same on each machine. A tree of 10,000 is
   twice as deep as one of 100, so less than 4 times as long leaves room, while a list is 100 times
   as slow. If 1,000 areas are too slow already, 10,000 are not tried. */
static void test_areas_many(void)
{
    struct vma_struct *areas = areas_alloc(MANY);
    struct mm_struct mm;
    bool fast = true;

    mm_begin(&mm);
    /* The measure: the same two operations among 100 areas. */
    uint64_t insert = time_to_insert(&mm, areas, FEW), find = time_to_find(&mm, areas, FEW);
    for (int n = 10 * FEW; n <= MANY && fast; n *= 10) {
        uint64_t insert_now = time_to_insert(&mm, areas, n);
        uint64_t find_now = time_to_find(&mm, areas, n);

        /* For a student who wants to know how far it is from the limit. */
        cprintf("%d areas instead of %d: %lu%% of the time to insert one, %lu%% to find one\n", n,
                FEW, 100 * insert_now / insert, 100 * find_now / find);
        fast = check("to find one takes less than 4 times as long as among 100 areas",
                     find_now < MAX_SLOWER * find);
        fast &= check("to insert one takes less than 4 times as long as among 100 areas",
                      insert_now < MAX_SLOWER * insert);
    }
    check("the list, the tree and map_count agree; no branch is longer than 64",
          in_order(&mm, fast ? MANY : mm.map_count));
    areas_free(areas, MANY);
}

/* If it fails: the line that is printed before tells by how much. 1,000% for ten times as many
   areas means that all of them are looked at. */
SELFTEST_AT(STAGE_BOOT, "areas-many", test_areas_many);
