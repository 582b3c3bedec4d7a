/* The kernel's own map, entry by entry: nothing is both writable and executable, nothing is the
   user's, text and constants have exactly the rights they need, and page 0 and the guards below the
   kernel stacks are not mapped. The root of a process has all of it.

   The test walks the tables by itself, not with get_pte(), so it does not depend on an exercise and
   cannot miss an entry. All of it is assertions and panics, which name the address. A wrong map is
   mostly not noticed by anything else: the kernel runs with too many rights as well as with the
   right ones, and only a wild store or a jump into data would show the difference.

   Alone: make grade GRADE=--all TEST=kmap. protect.c tries some of the same by real accesses. */
#include <machine/machine.h>
#include <mm/kstack.h>
#include <mm/pagetable.h>
#include <process/proc.h>
#include <test/testlib.h>

extern char kernel_text_start[], kernel_text_end[], kernel_rodata_end[], kernel_end[];

/* What the walk has seen, in bytes. */
static struct seen {
    size_t text, rodata, other, stacks;
} seen;

/* One mapping of `span` bytes at va. What lies there says which rights it must have: the symbols of
   the linker script delimit text and constants. Beside the stacks everything is where the linear
   map has it. */
static void check_leaf(uintptr_t va, size_t span, pte_t pte)
{
    const pte_t rights = pte & PTE_USER;
    uintptr_t text = (uintptr_t)kernel_text_start, rodata = (uintptr_t)kernel_text_end;
    pte_t wanted = PTE_R | PTE_W;

    /* What can be written must not be executed: else a wrong store could become code. */
    if ((rights & (PTE_W | PTE_X)) == (PTE_W | PTE_X))
        panic("%#lx is mapped both writable and executable", va);
    /* With U a program could reach it by its address. */
    if (pte & PTE_U)
        panic("%#lx is the kernel's, but user programs may access it", va);
    if (va >= text && va < rodata) {
        wanted = PTE_R | PTE_X;
        seen.text += span;
    } else if (va >= rodata && va < (uintptr_t)kernel_rodata_end) {
        wanted = PTE_R;
        seen.rodata += span;
    } else if (va >= KSTACK_BASE && va < KSTACK_END) {
        seen.stacks += span;
        if (kstack_is_guard(va))
            panic("%#lx is the guard of a kernel stack, but mapped", va);
    } else {
        seen.other += span;
    }
    /* No more rights than are needed, and no fewer. */
    if (rights != wanted)
        panic("%#lx is mapped with the rights %#lx, expected %#lx (1 << 1 is R, W and X follow)",
              va, rights, wanted);
    /* Below the stacks is the linear map: the address and the physical one differ by a constant. */
    if (va < KSTACK_BASE)
        assert_eq(pte_paddr(pte), va - KERNEL_OFFSET);
}

/* Every entry of a table, and of the tables below it. An entry without V may hold anything; one of
   the last level must be a leaf. */
static void walk(const pte_t *table, int level, uintptr_t base)
{
    for (int i = 0; i < PT_ENTRIES; i++) {
        uintptr_t va = base + i * pt_span(level);

        if (level == PT_LEVELS - 1 && i >= PT_ENTRIES / 2)
            va |= -1UL << 39;                           /* the upper half's sign */
        if (!(table[i] & PTE_V))
            continue;
        /* The lower half belongs to processes; the kernel's own table has nothing there. */
        if (va < USERTOP)
            panic("the kernel's own map has something at %#lx, which is a user address", va);
        if (pte_is_leaf(table[i]))
            check_leaf(va, pt_span(level), table[i]);
        else if (level > 0)
            walk(kva(pte_paddr(table[i])), level - 1, va);
        else
            panic("an entry of the last level has no rights: %#lx", table[i]);
    }
}

/* The stack that this test runs on, and its guard: both borders on both sides, and each page is
   there. */
static void check_own_stack(void)
{
    uintptr_t kstack = current->task.kstack;

    assert(kstack_is_guard(kstack - 1) && kstack_is_guard(kstack - (KSTACK_SLOT - KSTACKSIZE)));
    assert(!kstack_is_guard(kstack) && !kstack_is_guard(kstack + KSTACKSIZE - 1));
    for (uintptr_t va = kstack; va < kstack + KSTACKSIZE; va += PGSIZE)
        assert(*get_pte(kernel_as.pgdir, va, false) & PTE_V);
}

/* The root of a process has the kernel's half, and nothing else. When it goes it is full of zeros,
   as the next who gets the page believes. */
static void check_new_root(void)
{
    pte_t *root = pgdir_create();

    assert(root != NULL);
    for (int i = 0; i < PT_ENTRIES; i++)
        assert_eq(root[i], (i < PT_ENTRIES / 2 ? 0 : kernel_as.pgdir[i]));
    pgdir_destroy(root);

    struct Page *page = alloc_zeroed_page();

    assert(page != NULL);
    for (int i = 0; i < PT_ENTRIES; i++)
        assert_eq(((pte_t *)page2kva(page))[i], 0);
    free_page(page);
}

/* The sums say that nothing is missing: all of text and constants, at least all of the memory, and
   a stack for each process. */
static void test_kmap(void)
{
    seen = (struct seen){ .text = 0 };
    walk(kernel_as.pgdir, PT_LEVELS - 1, 0);
    /* A part of the text that is not mapped would be noticed only when it is called. */
    assert_eq(seen.text, kernel_text_end - kernel_text_start);
    assert_eq(seen.rodata, kernel_rodata_end - kernel_text_end);
    assert(seen.other + seen.text + seen.rodata >= machine.memory.end - machine.memory.start);
    /* More may be there: stacks are kept for the next processes. */
    assert(seen.stacks >= process_count() * KSTACKSIZE);
    check_own_stack();
    check_new_root();
}

SELFTEST("kmap", test_kmap);
