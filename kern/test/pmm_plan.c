/* Has the manager that the kernel lives on a plan of its own? Boot it with pmm=own. The same
   sequences of allocations and frees are played to it and to the managers that are given; a manager
   that chooses the same blocks each time is one of these under another name.

   First fit and best fit are rules about which pages are free, so the rules stand here: what a
   student made of these two does not matter. The buddy allocator has a memory; it plays itself. */
#include <mm/kmalloc.h>
#include <mm/shrink.h>
#include <report.h>
#include <test/testlib.h>

#define AREA        256         /* pages */
#define SLOTS       24          /* blocks at most at a time */
#define STEPS       48          /* of a sequence */
#define SEQUENCES   32
#define LEAST       (SEQUENCES / 4)     /* so many must have another choice in them */
#define NONE        (-1)        /* no block is large enough */

static struct Page *area;
static bool used[AREA];                         /* the pages that are handed out */
static short chosen[SEQUENCES][STEPS];          /* by the kernel's manager: the block's page */

/* A player: the kernel's manager by alloc_pages() and free_pages(), or one that is given. */
struct player {
    struct Page *(*alloc)(size_t n);
    void (*free)(struct Page *base, size_t n);
};

/* Where a rule takes n pages: the lowest of the free runs that have room, or of the smallest. NONE
   if no run has room. It looks at `used` alone, so it does not matter how an allocator keeps its
   blocks. */
static int by_rule(int n, bool smallest)
{
    int found = NONE, size = AREA + 1;

    for (int i = 0, end; i < AREA; i = end + 1) {
        /* A run of free pages: from i to before end. */
        for (end = i; end < AREA && !used[end]; end++)
            ;
        /* For first fit the first run that has room stays; for best fit a smaller one takes its
           place. */
        if (end - i >= n && (found == NONE || (smallest && end - i < size))) {
            found = i;
            size = end - i;
        }
    }
    return found;
}

/* Note pages as handed out or as free. */
static void mark(int page, int n, bool value)
{
    for (int i = page; page != NONE && i < page + n; i++)
        used[i] = value;
}

/* Play the sequence of this number. `choose` is called with each block that is asked for. The
   sequence depends on the number alone; only whether an allocation succeeds may differ. In the end
   all blocks are freed. */
static void play(const struct player *player, int number, void (*choose)(int, int, int, int))
{
    static const uint8_t sizes[] = { 2, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32 };
    struct { int page, n; } slots[SLOTS] = { };
    uint64_t seed = 77 + number;

    for (int step = 0; step < STEPS + SLOTS; step++) {
        int slot = step < STEPS ? test_random(&seed) % SLOTS : (uint64_t)(step - STEPS);
        int n = sizes[test_random(&seed) % ARRAY_SIZE(sizes)];

        /* A slot that has a block gives it back; in the last SLOTS steps all are given back. */
        if (slots[slot].n != 0) {
            mark(slots[slot].page, slots[slot].n, false);
            player->free(area + slots[slot].page, slots[slot].n);
            slots[slot].n = 0;
        } else if (step < STEPS) {
            struct Page *base = player->alloc(n);

            /* Nothing else is free. */
            if (base != NULL && (base < area || base + n > area + AREA))
                panic("a block of %d pages at %#lx was handed out, but is not free", n,
                      page2pa(base));
            /* Refusing is a choice, too. */
            int page = base != NULL ? base - area : NONE;
            choose(number, step, n, page);
            mark(page, n, true);
            slots[slot].page = page;
            /* 0: the slot has no block. */
            slots[slot].n = base != NULL ? n : 0;
        }
    }
}

static bool not_first[SEQUENCES], not_best[SEQUENCES], not_buddy[SEQUENCES];

/* What the kernel's manager chose: noted, and compared with what the two rules would have. */
static void choice_of_own(int number, int step, int n, int page)
{
    chosen[number][step] = page;
    not_first[number] |= page != by_rule(n, false);
    not_best[number] |= page != by_rule(n, true);
}

/* The buddy allocator is compared with what was noted. */
static void choice_of_buddy(int number, int step, __not_used int n, int page)
{
    not_buddy[number] |= page != chosen[number][step];
}

/* The pages of the area as a manager wants them that has never seen them, or as allocated. */
static void set_area(uint32_t flags)
{
    for (int i = 0; i < AREA; i++)
        area[i] = (struct Page){ .flags = flags };
}

/* One other choice may be chance, for example where two blocks are equally good; so a quarter of
   the sequences must differ. */
static void check_plan(const char *what, const bool *differs)
{
    int count = 0;

    for (int i = 0; i < SEQUENCES; i++)
        count += differs[i];
    if (!check(what, count >= LEAST))
        cprintf("    the same sequences were played to both: %d of %d had another choice in them, "
                "at least %d must\n", count, SEQUENCES, LEAST);
}

/* All other pages are taken, so that the area is all that any manager has. First the kernel's own
   manager plays; then the area is taken from it as a whole, and given to the buddy allocator, which
   the kernel does not use meanwhile. Alone: make grade TEST=pmm-plan-own. */
static void test_plan(void)
{
    static const struct player own = { alloc_pages, free_pages };
    const struct pmm_manager *manager = test_manager("buddy");
    const struct player buddy = { manager->alloc_pages, manager->free_pages };
    struct hoard hoard = { };

    shrink_memory();
    area = alloc_pages(AREA);
    if (area == NULL)
        panic("no block of %d pages, but %lu pages are free", AREA, nr_free_pages());
    /* Page by page, so nothing is left but the area. */
    hoard_take(&hoard);
    free_pages(area, AREA);
    for (int i = 0; i < SEQUENCES; i++)
        play(&own, i, choice_of_own);
    /* All blocks are back, so they must have become one again: else the manager does not join. */
    if (alloc_pages(AREA) != area)
        panic("a block of %d pages has come back in parts, and cannot be had again", AREA);
    for (int i = 0; i < SEQUENCES; i++) {
        set_area(0);
        manager->init();
        manager->init_memmap(area, AREA);
        play(&buddy, i, choice_of_buddy);
    }
    set_area(PG_ALLOCATED);
    free_pages(area, AREA);
    hoard_end(&hoard);
    pmm_check();
    check_plan("the plan is another one than first fit's: it chooses other blocks", not_first);
    check_plan("the plan is another one than best fit's", not_best);
    check_plan("the plan is another one than the buddy allocator's", not_buddy);
}

/* If a check fails: the allocator is, as far as 32 sequences can tell, the one that the check
   names. It has no points of its own, but the other tests of the challenge have none without it. */
SELFTEST_AT(STAGE_BOOT, "pmm-plan", test_plan);
