/* Kernel stacks that come and go on all harts, with pages that are used for other things in
   between. A hart that still knew an old place of a stack's memory would write into somebody else's
   page.

   "kstack" looks at many stacks on one hart; "kstack-harts" has threads that make threads while the
   memory of free stacks is taken away; "kstack-tlb" has one hart read a place while another one
   changes what is mapped there. All three are about mm/kstack.c, and about tlb_flush_kernel().

   What is damaged is told by a panic with the place, the value found and the one expected. They
   belong to no exercise. Alone: make grade GRADE=--all TEST="kstack*". */
#include <mm/kstack.h>
#include <mm/shrink.h>
#include <process/proc.h>
#include <sched/timer.h>
#include <string.h>
#include <test/testlib.h>

#define THREADS     6
#define CHILDREN    150
#define HELD        64
#define ROUNDS      200             /* of reading and replacing */
#define DEPTH       1500            /* bytes of stack that a child uses */

/* Each word another value, which depends on where it is: so a page that was exchanged for another
   one that was filled alike is noticed. */
static void fill(uint64_t *words, size_t n, uint64_t value)
{
    for (size_t i = 0; i < n; i++)
        words[i] = value + i;
}

/* Panics if a word is not what fill() has written. */
static void check(const uint64_t *words, size_t n, uint64_t value, const char *what)
{
    for (size_t i = 0; i < n; i++)
        if (words[i] != value + i)
            panic("%s was changed by somebody else: word %lu at %p is %#lx, expected %#lx", what,
                  i, &words[i], words[i], value + i);
}

/* Write to the stack, let others run, and look at it again. Three times, so that the stack's owner
   is switched away while others get and give back stacks. */
static int child(void *value)
{
    /* Most of a page of the stack, below the frames of the calls. */
    uint64_t words[DEPTH / 8];

    fill(words, ARRAY_SIZE(words), (uintptr_t)value);
    for (int i = 0; i < 3; i++) {
        /* Others get and give back stacks now; this one must stay as it is. */
        schedule();
        check(words, ARRAY_SIZE(words), (uintptr_t)value, "a kernel stack");
    }
    return 0;
}

/* Make children; now and then take the free stacks' memory away, and use it: the page is filled,
   and must be as it was when the children have ended. */
static int parent(void *number)
{
    uint64_t seed = 300 + (uintptr_t)number;

    for (int i = 0; i < CHILDREN; i++) {
        int pids[3], code = -1;

        for (int j = 0; j < 3; j++)
            pids[j] = test_thread(child, (void *)test_random(&seed));
        /* Not each time, so that stacks are used again with and without new memory. */
        if (test_random(&seed) % 4 == 0)
            shrink_memory();
        struct Page *page = alloc_page();
        assert(page != NULL);
        uint64_t value = test_random(&seed);
        fill(page2kva(page), PGSIZE / 8, value);
        for (int j = 0; j < 3; j++)
            assert(wait_child(pids[j], &code) >= 0 && code == 0);
        check(page2kva(page), PGSIZE / 8, value, "a page");
        free_page(page);
    }
    return 0;
}

/* Six parents on four harts. */
static void test_reuse(void)
{
    struct inventory before = inventory_take();

    test_threads(THREADS, parent);
    inventory_same(&before, "kernel stacks on all harts");
}

/* A panic of this one names a stack or a page: whose is it, and who has written there last? */
SELFTEST("kstack-harts", test_reuse);

/* Stacks are apart, whole, over a guard, and their memory comes back. In the second and third round
   the places of the first must be used again, or the address range would run out one day. */
static void test_kstack(void)
{
    static uintptr_t stacks[HELD];
    struct inventory before = inventory_take();
    uintptr_t highest = 0;

    /* The first round makes new stacks; the others must use their places again. */
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < HELD; i++) {
            stacks[i] = kstack_alloc();
            /* In the range that backtraces and trap entry take for stacks. */
            assert(stacks[i] >= KSTACK_BASE && stacks[i] + KSTACKSIZE <= KSTACK_END);
            /* In the upper half of its slot: the bit that trap entry tests is 1 there. */
            assert_eq(stacks[i] % KSTACK_SLOT, KSTACK_SLOT - KSTACKSIZE);
            assert(kstack_is_guard(stacks[i] - 1));
            if (round == 0 && stacks[i] > highest)
                highest = stacks[i];
            if (stacks[i] > highest)
                panic("places of returned stacks are not used again");
            fill((uint64_t *)stacks[i], KSTACKSIZE / 8, stacks[i]);
        }
        for (int i = 0; i < HELD; i++)
            check((uint64_t *)stacks[i], KSTACKSIZE / 8, stacks[i], "a kernel stack");
        IF_CHECK(for (int i = 0; i < HELD; i++) check_stack_made(stacks[i]));
        for (int i = 0; i < HELD; i++)
            /* In another order than they came; 5 and 64 have no common factor. */
            kstack_free(stacks[i * 5 % HELD]);
        inventory_same(&before, "kernel stacks were freed");
    }
}

/* It needs one hart only: what fails here is wrong without any race. */
SELFTEST("kstack", test_kstack);

/* One hart reads a stack's memory; the other gives it back, gets the place again with another page,
   and writes there. The first must not see the old page. */
static volatile uint64_t *place;
static uint32_t phase;              /* atomic: odd while the reader is to read */
static uint64_t seen;

/* On a hart of its own: it never gives way. In each odd phase it reads the place once. */
static int reader(void *unused)
{
    (void)unused;
    for (uint32_t wanted = 1; wanted < 4 * ROUNDS; wanted += 2) {
        /* It keeps its hart busy, and so its TLB as it is. */
        while (atomic_load_acquire(&phase) != wanted)
            cpu_relax();
        seen = *place;
        atomic_store_release(&phase, wanted + 1);
    }
    return 0;
}

/* Write a value, have the other hart read the place, and compare. The release orders the value
   before the phase, so if another one is read, it came from another page. */
static void expect_seen(uint64_t value)
{
    /* Through the translation that this hart has; it is the right one, or the test makes no
       sense. */
    *place = value;
    atomic_store_release(&phase, phase + 1);
    while (atomic_load_acquire(&phase) % 2 != 0)
        cpu_relax();
    if (seen != value)
        panic("a hart reads %#lx from %p, another one wrote %#lx: the first still knows the page "
              "that was there before", seen, (void *)place, value);
}

/* Take the memory of all free stacks away, use it for something else, and get `place` back. The
   pages are held until the place is there again, so that it surely has another page. */
static void replace_memory(void)
{
    static uintptr_t stacks[HELD];
    struct Page *pages_of_old[2 * HELD];
    int n = 0;

    IF_CHECK(check_stack_made((uintptr_t)place));
    /* Now the place may be given to somebody else, and its memory too. */
    kstack_free((uintptr_t)place);
    shrink_memory();
    for (int i = 0; i < 2 * HELD; i++) {
        pages_of_old[i] = alloc_zeroed_page();
        assert(pages_of_old[i] != NULL);
    }
    /* Until the allocator gives the same place again; by now it has other pages. */
    do {
        assert(n < HELD);
        stacks[n] = kstack_alloc();
    } while (stacks[n++] != (uintptr_t)place);
    for (int i = 0; i < n - 1; i++)
        kstack_free(stacks[i]);
    for (int i = 0; i < 2 * HELD; i++)
        free_page(pages_of_old[i]);
}

/* In each round the place is read before and after its memory was replaced. The first read puts the
   old translation into the reader's TLB; if the change was not followed by a flush there, the
   second read finds the old page.

   In time from top to bottom:

       this hart                            the reader, on another hart
       writes 1 to the place
                                            reads it: its TLB has place -> page A
       gives the stack back; page A becomes somebody else's
       gets the place again, with page B
       writes 2 to the place
                                            reads it: 2, or what is in page A */
static void test_tlb(void)
{
    struct inventory before = inventory_take();
    int pid = test_thread(reader, NULL), code = -1;

    /* With one hart there is nobody who could have an old translation. */
    assert(cpu_count > 1);
    place = (uint64_t *)kstack_alloc();
    timer_sleep_until(rdtime() + timer_tick_length());      /* the reader keeps its hart busy now */
    for (uint64_t round = 0; round < ROUNDS; round++) {
        expect_seen(2 * round + 1);
        replace_memory();
        expect_seen(2 * round + 2);
    }
    IF_CHECK(check_stack_made((uintptr_t)place));
    kstack_free((uintptr_t)place);
    assert(wait_child(pid, &code) >= 0 && code == 0);
    inventory_same(&before, "stacks that two harts looked at");
}

/* If it fails: between the change of the entry and the new use of the page, each hart that may have
   the old translation must have flushed it. */
SELFTEST("kstack-tlb", test_tlb);
