/* Areas of an address space. Ten thousand of them come and go in disorder, and each answer is
   compared with a model: an array with an element for each slot of a few pages.

   Before that the single functions are tried: what mm_map() refuses, how areas are split, that an
   area which is gone is forgotten, brk, the search for room, and what is left free for stacks to
   grow. areas.c tries find_vma() and insert_vma_struct() alone, for exercise 3.3; here they are
   used by all that is built on them.

   It belongs to no exercise, and all of it is assertions: the panic's line says which. Alone: make
   grade GRADE=--all TEST=vmm. The depth of the tree is printed for people who change it. */
#include <error.h>
#include <mm/pagetable.h>
#include <mm/vmm.h>
#include <string.h>
#include <test/testlib.h>

/* More slots than areas, so that some are free, and a slot that is chosen at random may go either
   way. */
#define SLOTS       12500           /* places for an area, of SLOT_PAGES pages each */
#define SLOT_PAGES  4
#define AREAS       10000
#define STEPS       30000
#define MAX_DEPTH   64              /* of a search tree of AREAS; a balanced one has 14 */
#define BASE        0x10000000UL
#define RW          (VM_READ | VM_WRITE)

/* The model: what is right is read from it without any search. */
static uint8_t model[SLOTS];        /* pages of the area that begins at the slot; 0: none */

/* Where a slot begins. */
static uintptr_t slot_addr(int slot)
{
    return BASE + (uintptr_t)slot * SLOT_PAGES * PGSIZE;
}

/* Unmap what is in the slot, or map an area of 1 to 4 pages there. */
static void toggle(struct mm_struct *mm, int slot, uint64_t *seed)
{
    uintptr_t addr = slot_addr(slot);

    if (model[slot] != 0) {
        assert_eq(mm_unmap(mm, addr, SLOT_PAGES * PGSIZE), 0);
        model[slot] = 0;
        return;
    }
    model[slot] = 1 + test_random(seed) % SLOT_PAGES;
    assert_eq(mm_map(mm, addr, model[slot] * PGSIZE, RW), 0);
}

/* Both searches at one address of a slot, compared with the model. `next` is the slot of the area
   that must be found at or above it. */
static void check_at(struct mm_struct *mm, int slot, uintptr_t addr)
{
    bool inside = addr < slot_addr(slot) + model[slot] * PGSIZE;
    struct vma_struct *vma = find_vma(mm, addr), *above = find_vma_above(mm, addr);
    /* The model's answer to find_vma_above(): the next slot that has an area. */
    int next = inside ? slot : slot + 1;

    while (next < SLOTS && model[next] == 0)
        next++;
    /* The message has both answers, because a debugger would come too late among 30,000 steps. */
    if ((vma != NULL) != inside || (inside && vma->vm_start != slot_addr(slot)))
        panic("find_vma(%#lx) found %#lx, expected %#lx (0: nothing)", addr,
              vma == NULL ? 0 : vma->vm_start, inside ? slot_addr(slot) : 0);
    if (next == SLOTS)
        assert(above == NULL);
    else
        assert_eq(above == NULL ? 0 : above->vm_start, slot_addr(next));
}

/* At both borders of an area, and of the gap behind it: first byte, last byte, the byte behind, and
   the last byte of the slot. */
static void check_borders(struct mm_struct *mm, int slot)
{
    uintptr_t start = slot_addr(slot), end = start + model[slot] * PGSIZE;

    check_at(mm, slot, start);
    check_at(mm, slot, slot_addr(slot + 1) - 1);
    if (model[slot] != 0)
        check_at(mm, slot, end - 1);
    if (end < slot_addr(slot + 1))
        check_at(mm, slot, end);
}

/* Go through the tree in order, and along the list with it: *place is the next entry. Returns how
   deep the tree is. Areas must be in order, apart, and of this mm. */
static int check_tree(struct mm_struct *mm, struct vma_struct *vma, list_entry_t **place, int depth)
{
    if (vma == NULL)
        return depth;
    /* It also ends the recursion if the tree has a circle. */
    if (depth >= MAX_DEPTH)
        panic("with %d areas the tree is more than %d deep: finding one takes too long",
              mm->map_count, MAX_DEPTH);
    /* Everything in the left branch comes before this area in the list. */
    int left = check_tree(mm, vma->left, place, depth + 1);

    assert(*place != &mm->mmap_list && le2vma(*place) == vma);
    assert(vma->vm_mm == mm && vma->vm_start < vma->vm_end);
    *place = list_next(*place);
    assert(*place == &mm->mmap_list || vma->vm_end <= le2vma(*place)->vm_start);
    int right = check_tree(mm, vma->right, place, depth + 1);

    return left > right ? left : right;
}

/* Tree, list and count agree, and there are so many areas. Returns the depth. */
static int check_all(struct mm_struct *mm, int areas)
{
    list_entry_t *place = list_next(&mm->mmap_list);
    int depth = check_tree(mm, mm->mmap_root, &place, 0), n = 0;

    /* And all of the tree was in the list, in the same order. */
    assert(place == &mm->mmap_list);                    /* all of the list is in the tree */
    list_for_each(pos, &mm->mmap_list)
        n++;
    assert_eq(n, areas);
    assert_eq(mm->map_count, areas);
    return depth;
}

/* First ascending, which is the worst for a tree that nobody balances; then 30,000 changes at
   random, after each of which one slot that changed and one other are looked at; then all of
   them. */
static void test_many_areas(void)
{
    struct mm_struct *mm = mm_create();
    uint64_t seed = 5;
    int areas = 0;

    assert(mm != NULL);
    /* A tree that nobody balances is a list after this, 10,000 deep. */
    for (int i = 0; i < AREAS; i++, areas++)            /* ascending: the worst for plain trees */
        toggle(mm, i, &seed);
    cprintf("%d areas in order: the tree is %d deep\n", areas, check_all(mm, areas));
    for (int step = 0; step < STEPS; step++) {
        int slot = test_random(&seed) % SLOTS;

        /* Counted by the model. */
        areas += model[slot] != 0 ? -1 : 1;
        toggle(mm, slot, &seed);
        check_borders(mm, slot);
        check_borders(mm, test_random(&seed) % SLOTS);
    }
    /* Up to 10,000 again, so that the depth can be compared with the first one. */
    for (int slot = 0; slot < SLOTS && areas < AREAS; slot++)
        if (model[slot] == 0) {
            toggle(mm, slot, &seed);
            areas++;
        }
    cprintf("%d areas in disorder: the tree is %d deep\n", areas, check_all(mm, areas));
    for (int slot = 0; slot < SLOTS; slot++)
        check_borders(mm, slot);
    memset(model, 0, sizeof(model));
    mm_put(mm);
}

/* Every way to overlap, and every range that a program may not have or that is not one. What is
   refused must change nothing; so three areas are left at the end. */
static void test_refusals(struct mm_struct *mm)
{
    uintptr_t a = BASE, page = PGSIZE;

    assert_eq(mm_map(mm, a, 4 * page, RW), 0);
    /* The same range, one that begins before it, one that ends behind it, one inside, one
       around. */
    assert_eq(mm_map(mm, a, 4 * page, RW), -E_INVAL);
    assert_eq(mm_map(mm, a - page, 2 * page, RW), -E_INVAL);
    assert_eq(mm_map(mm, a + 3 * page, 2 * page, RW), -E_INVAL);
    assert_eq(mm_map(mm, a + page, page, RW), -E_INVAL);
    assert_eq(mm_map(mm, a - page, 6 * page, RW), -E_INVAL);
    assert_eq(mm_map(mm, a - page, page, RW), 0);                   /* just below and above */
    assert_eq(mm_map(mm, a + 4 * page, page, RW), 0);
    /* What is no range of whole pages, or not in the user's half. */
    assert_eq(mm_map(mm, a + 20 * page + 1, page, RW), -E_INVAL);
    assert_eq(mm_map(mm, a + 20 * page, page - 1, RW), -E_INVAL);
    assert_eq(mm_map(mm, a + 20 * page, 0, RW), -E_INVAL);
    assert_eq(mm_map(mm, 0, page, RW), -E_INVAL);
    assert_eq(mm_map(mm, USERBASE - page, 2 * page, RW), -E_INVAL);
    assert_eq(mm_map(mm, USERTOP - page, 2 * page, RW), -E_INVAL);
    assert_eq(mm_map(mm, a + 20 * page, -page, RW), -E_INVAL);      /* its end wraps */
    assert_eq(mm_unmap(mm, a, -page), -E_INVAL);
    assert_eq(mm_unmap(mm, 0, page), -E_INVAL);
    assert_eq(check_all(mm, 3) > 0, true);
    assert_eq(mm_unmap(mm, a - page, 6 * page), 0);
    check_all(mm, 0);
}

/* There is an area from start to end exactly. */
static void check_area(struct mm_struct *mm, uintptr_t start, uintptr_t end)
{
    struct vma_struct *vma = find_vma(mm, start);

    if (vma == NULL || vma->vm_start != start || vma->vm_end != end)
        panic("expected an area from %#lx to %#lx, found %#lx to %#lx", start, end,
              vma == NULL ? 0 : vma->vm_start, vma == NULL ? 0 : vma->vm_end);
}

/* A hole in the middle, at either end, over several areas; pages go with their areas. The count of
   free pages after each step says that exactly the pages of the hole were freed.

   The area and the holes, page by page:

       page    0 1 2 3 4 5 6 7 8 9
               # # # # # # # # # #     mapped, and all ten touched
               # # # #     # # # #     without 4 and 5
                 # # #     # # #       without the first and the last
                 # #         # #       without 3 to 6 */
static void test_splitting(struct mm_struct *mm)
{
    uintptr_t a = BASE, page = PGSIZE;
    size_t before = nr_free_pages();

    assert_eq(mm_map(mm, a, 10 * page, RW), 0);
    for (int i = 0; i < 10; i++)
        assert_eq(do_pgfault(mm, a + i * page + 8, VM_WRITE), 0);
    size_t full = nr_free_pages();
    assert_eq(mm_unmap(mm, a + 4 * page, 2 * page), 0);
    check_area(mm, a, a + 4 * page);
    check_area(mm, a + 6 * page, a + 10 * page);
    check_all(mm, 2);
    /* Two pages of the hole; no page of the rest. */
    assert_eq(nr_free_pages(), full + 2);
    /* The second half of a split area is a new one, with the rights of the old. */
    assert_eq(find_vma(mm, a + 7 * page)->vm_flags, RW);
    /* The range begins before the area: what is not there does not matter. */
    assert_eq(mm_unmap(mm, a - page, 2 * page), 0);                 /* the first page of it */
    check_area(mm, a + page, a + 4 * page);
    assert_eq(mm_unmap(mm, a + 9 * page, 5 * page), 0);             /* the last */
    check_area(mm, a + 6 * page, a + 9 * page);
    assert_eq(nr_free_pages(), full + 4);
    /* From the middle of one area over the gap into the middle of the other. */
    assert_eq(mm_unmap(mm, a + 3 * page, 4 * page), 0);             /* parts of both */
    check_area(mm, a + page, a + 3 * page);
    check_area(mm, a + 7 * page, a + 9 * page);
    assert_eq(nr_free_pages(), full + 6);
    /* What was unmapped does not come back by a fault. */
    assert_eq(do_pgfault(mm, a + 3 * page, VM_READ), -E_FAULT);
    assert_eq(mm_unmap(mm, a, 10 * page), 0);
    check_all(mm, 0);
    assert(nr_free_pages() + 2 >= before);                          /* tables of other levels */
}

/* An area that was found last and is gone must not be found again, whoever has its memory now. The
   other mm's areas get that memory, from the same cache of objects. */
static void test_forgotten(struct mm_struct *mm)
{
    struct mm_struct *other = mm_create();

    assert(other != NULL);
    assert_eq(mm_map(mm, BASE, PGSIZE, RW), 0);
    assert(find_vma(mm, BASE) != NULL);
    assert_eq(mm_unmap(mm, BASE, PGSIZE), 0);
    /* One of these areas has the memory in which the forgotten one was. */
    for (int i = 0; i < 4; i++)
        assert_eq(mm_map(other, BASE + i * PGSIZE, PGSIZE, RW), 0);
    for (int i = 0; i < 4; i++)
        assert(find_vma(mm, BASE + i * PGSIZE) == NULL);
    mm_put(other);
}

/* The heap is one area, in whole pages, that begins at brk_start. It grows and shrinks, is refused
   if something is in its way, and stays as it was then. */
static void test_brk(struct mm_struct *mm)
{
    uintptr_t start = BASE, page = PGSIZE;

    mm->brk_start = mm->brk = start;
    /* Below its beginning there is no heap. */
    assert_eq(mm_brk(mm, start - 1), -E_INVAL);
    /* A part of a page is a page of the area. */
    assert_eq(mm_brk(mm, start + 100), 0);
    check_area(mm, start, start + page);
    assert_eq(mm_brk(mm, start + page), 0);
    check_area(mm, start, start + page);
    assert_eq(mm_brk(mm, start + page + 1), 0);
    check_area(mm, start, start + 2 * page);                        /* one area, not two */
    check_all(mm, 1);
    /* Something that the heap must not grow into. */
    assert_eq(mm_map(mm, start + 5 * page, page, VM_READ), 0);
    assert_eq(mm_brk(mm, start + 6 * page), -E_INVAL);              /* something is in the way */
    /* As it was before the call that failed. */
    assert_eq(mm->brk, start + page + 1);
    assert_eq(mm_brk(mm, start + 5 * page), 0);
    /* Back, to a part of its first page. */
    assert_eq(mm_brk(mm, start + 10), 0);
    check_area(mm, start, start + page);
    assert_eq(mm_brk(mm, start), 0);
    assert(find_vma(mm, start) == NULL);
    assert_eq(mm_brk(mm, USERTOP + page), -E_INVAL);
    assert_eq(mm_brk(mm, -1UL), -E_INVAL);
    assert_eq(mm_unmap(mm, start, 10 * page), 0);
    check_all(mm, 0);
}

/* Places are found from the top downwards, each above the last one that is free; a gap in between
   is found again. What cannot fit is 0 and no wrapped-around address. */
static void test_find_room(struct mm_struct *mm)
{
    uintptr_t addr[100];

    /* A hundred areas of 1 to 5 pages; each place that is found must be free, and below the
       stack's. */
    for (int i = 0; i < 100; i++) {
        addr[i] = mm_find_room(mm, (1 + i % 5) * PGSIZE, RW);
        assert(addr[i] != 0 && find_vma(mm, addr[i]) == NULL);
        assert_eq(mm_map(mm, addr[i], (1 + i % 5) * PGSIZE, RW), 0);
        assert(addr[i] + (1 + i % 5) * PGSIZE <= USTACKBASE);
    }
    assert_eq(mm_unmap(mm, addr[50], PGSIZE), 0);
    assert_eq(mm_find_room(mm, PGSIZE, RW), addr[50]);                  /* the gap is found again */
    /* Sizes that fit nowhere, the second one so large that a sum wraps around; the third is all of
       the room, in which there are areas still. */
    assert_eq(mm_find_room(mm, USERTOP, RW), 0);
    assert_eq(mm_find_room(mm, SIZE_MAX - PGSIZE + 1, RW), 0);
    assert_eq(mm_find_room(mm, USTACKBASE - USERBASE, RW), 0);
    assert_eq(mm_unmap(mm, addr[99], USTACKBASE - addr[99]), 0);
    check_all(mm, 0);
    assert_eq(mm_find_room(mm, USTACKBASE - USERBASE, RW), USERBASE);
}

/* What stacks may grow by is left free, above and below other areas; and a page below that. The
   heap may not grow into it either. A stack's area that is as large as the limit already, as the
   one of 300 pages, gets no more room. */
static void test_stack_room(struct mm_struct *mm)
{
    uintptr_t stack, below, other;

    assert_eq(mm_unmap(mm, USERBASE, USTACKBASE - USERBASE), 0);    /* look from the top again */
    stack = mm_find_room(mm, 2 * PGSIZE, RW | VM_STACK);
    assert_eq(mm_map(mm, stack, 2 * PGSIZE, RW | VM_STACK), 0);
    below = mm_find_room(mm, PGSIZE, RW);
    assert_eq(mm_map(mm, below, PGSIZE, RW), 0);
    /* 256 pages for the stack, and one that stays free between the two. */
    assert_eq(stack + 2 * PGSIZE - USTACKSIZE, below + 2 * PGSIZE);
    /* Larger than what a stack may grow to. */
    other = mm_find_room(mm, 300 * PGSIZE, RW | VM_STACK);
    assert_eq(other + 300 * PGSIZE, below);
    assert_eq(mm_map(mm, other, 300 * PGSIZE, RW | VM_STACK), 0);
    assert_eq(mm_find_room(mm, PGSIZE, RW), other - 2 * PGSIZE);
    assert_eq(mm_unmap(mm, stack, 2 * PGSIZE), 0);
    assert_eq(mm_find_room(mm, PGSIZE, RW), stack + PGSIZE);        /* the room is free again */
    mm->brk_start = mm->brk = ROUNDDOWN(other, PGSIZE) - 4 * PGSIZE;
    assert_eq(mm_brk(mm, other), -E_INVAL);                         /* nor does the heap take it */
    assert_eq(mm_brk(mm, other - PGSIZE), 0);
    assert_eq(mm_unmap(mm, USERBASE, USTACKBASE - USERBASE), 0);
    check_all(mm, 0);
}

/* One mm for all of the single tests: each leaves it empty. */
static void test_vmm(void)
{
    struct inventory before = inventory_take();
    struct mm_struct *mm = mm_create();

    assert(mm != NULL && mm->mm_count == 1);
    test_refusals(mm);
    test_splitting(mm);
    test_forgotten(mm);
    test_brk(mm);
    test_find_room(mm);
    test_stack_room(mm);
    mm_put(mm);
    test_many_areas();
    inventory_same(&before, "all of the areas' tests");
}

/* The panic names the line of the assertion that failed; those of find_vma() have both answers in
   the message. If only the last part fails, the single functions are right, and it is a matter of
   many areas: of the tree, then. */
SELFTEST_AT(STAGE_BOOT, "vmm", test_vmm);
