/* Exercises 2.1 and 2.2: the list of free blocks, and which block is chosen. A manager is given a
   few pages of its own, while the kernel lives on another one: so a mistake fails a check, not the
   boot. What the list should hold is written as "4+8 32+32": a block of 8 pages at page 4, one of
   32 at page 32.

   "blocks-first-fit" tries splitting, joining, order and first fit; "blocks-best-fit" the choice of
   best fit, on the list of exercise 2.1. A failed check prints the blocks that were expected and
   those that were found, walking both ways: if the two walks differ, a prev or a next is wrong.

   After the first part that fails the rest is left out, because a damaged list may have no end.

   Alone: make grade TEST=blocks-first-fit or TEST=blocks-best-fit. */
#include <mm/pmm_list.h>
#include <printfmt.h>
#include <report.h>
#include <string.h>
#include <test/testlib.h>

/* A text of all blocks has room for 64 of them, each with a page, a plus sign, and a size. */
#define AREA        64          /* pages */
#define JUNK        0x123456    /* in `property` of pages that are no heads */
#define TEXT        (AREA * 8)

/* The pages to play with, and whose functions are tried. One test uses them, on one hart. */
static struct Page *area;
static const struct pmm_manager *manager;

/* An empty manager, and pages that it does not know yet. `property` is junk in each of them: only
   the head of a block has a meaning there, and whoever reads another page's is found out. */
static void start(void)
{
    for (int i = 0; i < AREA; i++)
        area[i] = (struct Page){ .property = JUNK };
    manager->init();
}

/* The assertion: the kernel must not live on the manager that is tried, or init() would throw away
   the kernel's own list. */
static void take_area(const struct pmm_manager *under_test)
{
    manager = under_test;
    assert(strcmp(pmm_name(), manager->name) != 0);
    area = alloc_pages(AREA);
    assert(area != NULL);
    start();
}

/* The flags become those of pages in use, as they were handed out, whatever the test left in
   them. */
static void give_area_back(void)
{
    for (int i = 0; i < AREA; i++)
        area[i] = (struct Page){ .flags = PG_ALLOCATED };
    free_pages(area, AREA);
}

/* The page number that is handed out; -1: none, -2: none of the area's. */
static long take(size_t n)
{
    struct Page *page = manager->alloc_pages(n);

    if (page == NULL)
        return -1;
    return page >= area && page < area + AREA ? page - area : -2;
}

/* Free a block. The junk goes back into the pages behind its head, as if somebody had used them. */
static void give(int page, size_t n)
{
    for (size_t i = 1; i < n; i++)
        area[page + i].property = JUNK;
    manager->free_pages(area + page, n);
}

/* The list as text, walking forwards or backwards; a list that never ends is cut. Backwards the
   blocks are collected first and then written in the other order, so both texts should be the same.

   "0+12 16+8" is this list, in which each head has its number of pages in `property`:

       page   0 . . . . . . . . . . . 12      16 . . . . . . . 24
              |<----- 12 free ------>| in use |<-- 8 free --->|
              head                            head */
static void describe(char *text, bool forwards)
{
    list_entry_t *head = &free_area.free_list, *pos = forwards ? head->next : head->prev;
    char blocks[AREA + 1][12];
    int n = 0;
    size_t length = 0;

    for (; pos != head && n <= AREA; pos = forwards ? pos->next : pos->prev, n++)
        snprintf(blocks[n], sizeof(blocks[n]), "%ld+%lu", (long)(le2page(pos) - area),
                 le2page(pos)->property);
    text[0] = '\0';
    for (int i = 0; i < n && length < TEXT - 20; i++)
        length += snprintf(text + length, TEXT - length, "%s%s", i > 0 ? " " : "",
                           blocks[forwards ? i : n - 1 - i]);
}

/* Are these the pages marked as heads, and no others? A mark that stays on a page inside of a block
   makes a later free join with a block that is not there. If they are not, `text` says which page
   is marked wrongly; of several the first. */
static bool heads_marked(char *text)
{
    bool is_head[AREA] = { false };
    int n = 0;

    snprintf(text, TEXT, "an entry of the list is none of the pages that were freed");
    list_for_each(pos, &free_area.free_list) {
        /* An entry that is none of the area's pages, or a list without an end. */
        if (le2page(pos) < area || le2page(pos) >= area + AREA || n++ > AREA)
            return false;
        is_head[le2page(pos) - area] = true;
    }
    for (int i = 0; i < AREA; i++) {
        if (area[i].flags == (is_head[i] ? PG_PROPERTY : 0))
            continue;
        snprintf(text, TEXT, "page %d is %s of a block, and has PG_PROPERTY %s", i,
                 is_head[i] ? "the head" : "no head",
                 area[i].flags == PG_PROPERTY ? "set"
                 : area[i].flags == 0 ? "clear" : "or other flags set");
        return false;
    }
    return true;
}

/* The list holds these blocks, in both directions; heads and numbers agree with it. */
static void check_blocks(const char *what, const char *expected, size_t n_free)
{
    char forwards[TEXT], backwards[TEXT];

    describe(forwards, true);
    describe(backwards, false);
    bool right = strcmp(forwards, expected) == 0 && strcmp(backwards, expected) == 0;
    if (!check(what, right))
        cprintf("    expected the blocks %s\n    found, by next: %s\n    found, by prev: %s\n",
                expected, forwards, backwards);
    if (!check_eq("the number of free pages agrees", manager->nr_free_pages(), n_free))
        cprintf("    the step was: %s\n", what);
    if (!check("the first pages of these blocks have PG_PROPERTY, and no others",
               heads_marked(forwards)))
        cprintf("    %s; the step was: %s\n    the blocks are, by prev: %s\n", forwards, what,
                backwards);
}

/* Four blocks at 0, 4, 12 and 16, and one at 32 that is free. If they are not there, nothing that
   follows makes sense: the caller stops. */
static bool make_neighbours(void)
{
    start();
    manager->init_memmap(area, AREA);
    /* The kernel's tests that follow count on these places. */
    return check("blocks are taken from the low end",
                 take(4) == 0 && take(8) == 4 && take(4) == 12 && take(16) == 16);
}

/* Joining with the block behind, with the one before, with both, with none, and at both ends of the
   list. Each case has a place of its own in a solution, so each can be wrong alone. */
static void check_merging(void)
{
    if (!make_neighbours())
        return;
    /* Four blocks were taken from one: what is left is at the end. */
    check_blocks("what is taken leaves the list, the rest stays", "32+32", 32);
    /* Its neighbours at 0 and 12 are in use. */
    give(4, 8);
    check_blocks("a block between two that are in use stays alone", "4+8 32+32", 40);
    /* Behind it, at 32, is the free rest. */
    give(16, 16);
    check_blocks("a block joins the free one behind it", "4+8 16+48", 56);
    /* Nothing is before the first page; a search that looks there reads outside of the area. */
    give(0, 4);
    check_blocks("so does the first of all", "0+12 16+48", 60);
    /* Between [0, 12) and [16, 64): three become one. */
    give(12, 4);
    check_blocks("a block between two free ones joins both", "0+64", 64);

    if (!make_neighbours())
        return;
    give(0, 4);
    give(4, 8);
    check_blocks("a block joins the free one before it", "0+12 32+32", 44);
    give(16, 16);
    give(12, 4);
    check_blocks("and both, in any order", "0+64", 64);

    start();
    /* Two blocks with a gap of eight pages between them. */
    give(0, 8);
    give(16, 8);
    give(8, 4);
    /* [8, 12) touches [0, 8), and ends four pages before 16. */
    check_blocks("only what touches is joined", "0+12 16+8", 20);
    give(40, 8);
    /* There is no block with a higher address before which it could be put. */
    check_blocks("a block behind all others goes to the end", "0+12 16+8 40+8", 28);
    give(48, 4);
    check_blocks("and the next one joins it there", "0+12 16+8 40+12", 32);
    /* From the highest page down: three times it joins the block behind it, the last one joins
       both. */
    for (int page = 15; page >= 12; page--)
        give(page, 1);
    check_blocks("pages that come back one by one make one block", "0+24 40+12", 36);
}

/* Blocks come back in disorder, and must stand in order: joining relies on it. */
static void check_order(void)
{
    static const int places[] = { 30, 10, 50, 0, 20, 60, 40 };

    start();
    /* Seven blocks that do not touch, in no order. */
    for (size_t i = 0; i < ARRAY_SIZE(places); i++)
        give(places[i], 2);
    check_blocks("blocks stand in the order of their addresses, however they come",
                 "0+2 10+2 20+2 30+2 40+2 50+2 60+2", 14);
    manager->init_memmap(area + 24, 4);
    check_blocks("more memory goes to its place too",
                 "0+2 10+2 20+2 24+4 30+2 40+2 50+2 60+2", 18);
}

/* Requests that cannot be met change nothing. SIZE_MAX is there because a sum with it wraps around;
   0 pages, because a pointer to nothing would be freed later. */
static void check_impossible(void)
{
    start();
    check_eq("an empty list has nothing to give", take(1), -1);
    give(0, 8);
    give(20, 6);
    /* 14 pages are free. */
    check_eq("there are never more than all", take(15), -1);
    /* 9 pages are free, but 8 is the largest block: a block is in one piece. */
    check_eq("pages of two blocks make no block", take(9), -1);
    check_eq("nor does the largest number", take(SIZE_MAX), -1);
    /* If a pointer came back, the caller would free 0 pages at it. */
    check_eq("0 pages are none", take(0), -1);
    check_blocks("what fails changes nothing", "0+8 20+6", 14);
}

/* Blocks of 2, 6, 4 and 20 pages. The first that fits is taken even if a later one fits better, and
   what is left of it stays in its place. */
static void check_first_fit(void)
{
    start();
    give(0, 2);
    give(10, 6);
    give(20, 4);
    give(30, 20);
    /* The block of 2 at 0 is too small, that of 6 at 10 fits; that of 4 at 20 would fit better. */
    check_eq("the first block that fits is chosen, not the smallest", take(4), 10);
    check_blocks("its rest takes its place", "0+2 14+2 20+4 30+20", 28);
    /* The 2 pages that are left at 14 are too few. */
    check_eq("a block may fit exactly", take(4), 20);
    check_blocks("then nothing of it is left", "0+2 14+2 30+20", 24);
    check_eq("what does not fit is passed over", take(3), 30);
    /* Two blocks have 2 pages. */
    check_eq("the first of equals is chosen", take(2), 0);
    /* A loop that ends one entry too early does not look at it. */
    check_eq("the last block is found too", take(17), 33);
    check_eq("one page may be had", take(1), 14);
    check_blocks("so this is left", "15+1", 1);
    /* Then the head of the list is alone. */
    check_eq("the last page of all can be taken", take(1), 15);
    check_blocks("then the list is empty", "", 0);
}

/* The list may be in pieces after a mistake, and a walk along it never end. So after the first part
   that fails the others are left out. The area goes back to the kernel in any case. */
static void run_parts(void (*const parts[])(void), size_t n)
{
    for (size_t i = 0; i < n && all_passed(); i++)
        parts[i]();
    give_area_back();
}

/* Each part needs what the one before has tried. */
static void test_first_fit_blocks(void)
{
    void (*const parts[])(void) = { check_merging, check_order, check_impossible, check_first_fit };

    take_area(test_manager("first_fit"));
    run_parts(parts, ARRAY_SIZE(parts));
}

/* If a check fails: compare the two lines of blocks below it with the one above. A block that is
   missing in one direction only is a link that was not set; two blocks that should be one were not
   joined; a block at a wrong place was inserted before the wrong one. */
SELFTEST_AT(STAGE_BOOT, "blocks-first-fit", test_first_fit_blocks);

/* The smallest that fits, of equals the lowest; and at the end and the beginning of the list, where
   a search that stops too early or starts too late goes wrong. */
static void check_best_fit(void)
{
    start();
    manager->init_memmap(area, AREA);
    check_eq("one block that has all pages serves", take(1), 0);
    check_eq("also for all that is left", take(63), 1);
    check_blocks("then the list is empty", "", 0);

    start();
    give(0, 8);
    give(10, 5);
    give(20, 3);
    give(30, 5);
    give(40, 20);
    /* Two blocks of 5 fit equally well; 8 and 20 would fit too. */
    check_eq("the smallest block that fits is chosen; of equals, the lowest", take(4), 10);
    check_blocks("its rest takes its place", "0+8 14+1 20+3 30+5 40+20", 37);
    check_eq("a block may fit exactly", take(5), 30);
    check_blocks("then nothing of it is left", "0+8 14+1 20+3 40+20", 32);
    check_eq("a small block is not too small to be found", take(1), 14);
    /* That is what best fit is for: the block of 3 is cut, those of 8 and 20 stay whole. */
    check_eq("larger blocks are kept for who needs them", take(2), 20);
    /* The search may not end at the first block that is small. */
    check_eq("a block before the smallest may be the one that fits", take(6), 0);
    check_eq("the last block is found too", take(19), 40);
    check_blocks("so these are left", "6+2 22+1 59+1", 4);
    check_eq("the first of equals is chosen", take(1), 22);
    check_eq("then the other", take(1), 59);
    check_eq("if no block fits there is none", take(3), -1);
}

/* The first part is the same as for first fit. */
static void test_best_fit_blocks(void)
{
    void (*const parts[])(void) = { check_impossible, check_best_fit };

    take_area(test_manager("best_fit"));
    run_parts(parts, ARRAY_SIZE(parts));
}

/* If a check fails: the calls of give() above it say which blocks were free. */
SELFTEST_AT(STAGE_BOOT, "blocks-best-fit", test_best_fit_blocks);
