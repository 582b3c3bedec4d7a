/* Exercise 9.2: clock. Which page goes, after which accesses.

   swap-clock has the order: used pages stay once, new ones come last, and a search ends whatever is
   there. swap-clock-shared is about pages that two map, and about those that cannot be looked at;
   swap-clock-hand about pages that are freed, wherever the hand is; swap-clock-flush about a hart
   that has the translation. swap-clock-random does all that by chance, beside a model of the ring.

   Pages are mapped by page_insert(), and their A bits set and cleared by hand; only in
   swap-clock-flush the hardware does that. No page is paged out or in. Needed of the labs before
   are the page tables and areas of lab 3. Alone: make grade TEST="swap-clock*" */
#include <debug/printk.h>
#include <report.h>
#include <string.h>
#include <test/paging.h>

#define STEPS           3000            /* of swap-clock-random */
#define CAME_AND_WENT   500             /* pages in test_count() */
#define SEARCH_GROWS    2               /* instructions for each, if it is to be none: less */

static pte_t *entry_of(struct mm_struct *mm, int number)
{
    return get_pte(mm->as.pgdir, DATA + number * PGSIZE, false);
}

/* As an access by the hardware does, and as the hand does. */
static void use_page(struct mm_struct *mm, int number)
{
    pte_or(entry_of(mm, number), PTE_A);
}

static void forget_use(struct mm_struct *mm, int number)
{
    pte_and(entry_of(mm, number), ~(pte_t)PTE_A);
}

static bool is_used(struct mm_struct *mm, int number)
{
    return *entry_of(mm, number) & PTE_A;
}

/* A page that is new here, and not used. */
static void add_page(struct mm_struct *mm, int number)
{
    space_put(&mm->as, DATA + number * PGSIZE, number, URW);
    forget_use(mm, number);
    page_enrol(space_page(&mm->as, DATA + number * PGSIZE), mm->family, DATA + number * PGSIZE);
}

static void free_page_of(struct mm_struct *mm, int number)
{
    page_remove(&mm->as, DATA + number * PGSIZE);
}

/* n pages, from 0, none of them used, in a space of which the policy knows all. */
static struct mm_struct *ring_of(int n)
{
    struct mm_struct *mm = paged_mm();

    assert(mm_enrol_all(mm));
    for (int i = 0; i < n; i++)
        add_page(mm, i);
    return mm;
}

/* Victims one after the other, as one number: 0, 1, 2 are 12. It is easy to compare and to read. */
static long victims(int n)
{
    long digits = 0;

    while (n-- > 0)
        digits = 10 * digits + test_victim();
    return digits;
}

/* The ring of five pages, with the hand at 0; u: its A bit is set. What the second check does:

       0u  1  2u  3  4            0 and 2 were used
       ^
     test_victim():  passes 0 and clears its bit, takes 1       the hand is at 2
     test_victim():  passes 2 and clears its bit, takes 3       the hand is at 4

   A victim stays in the ring here, because test_victim() gives it back and nothing is brought out.
   So the same page can be chosen again one round later. */

/* The hand begins at 0. A comment tells where it stands, when it has been round. */
static void test_order(void)
{
    check_eq("without a page there is no victim", test_victim(), -1);
    struct mm_struct *mm = ring_of(5);

    /* Read as digits: 0, 1, 2, 3, 4. Another order shows by its number in the message. */
    check_eq("if no page was used they go in the order in which they came", victims(5), 1234);
    /* The hand is at 0 again. */
    use_page(mm, 0);
    use_page(mm, 2);
    check_eq("a page that was used stays, and the next one that was not goes", victims(2), 13);
    check("the hand has cleared A of those that it passed", !is_used(mm, 0) && !is_used(mm, 2));
    use_page(mm, 1);
    check_eq("a page that was used before the last time only, goes", victims(2), 40);
    check("what the hand has not come to is as it was", is_used(mm, 1));
    check_eq("in the next round it goes too", victims(5), 23401);
    for (int i = 0; i < 5; i++)
        use_page(mm, i);
    /* The hand is at 2. It clears all bits in one round. */
    /* A search that gives up after one round finds none; and one that never clears has no end. */
    check_eq("if all were used the first one goes that the hand comes to twice", test_victim(), 2);
    check("now none is marked as used", !is_used(mm, 0) && !is_used(mm, 1) && !is_used(mm, 2)
          && !is_used(mm, 3) && !is_used(mm, 4));
    /* The hand is at 3. */
    add_page(mm, 5);
    /* Right behind the hand, that is: it has the longest time to be used before its turn. */
    check_eq("a page that is new comes last", victims(6), 340125);
    mm_put(mm);
    check_eq("when all are gone there is no victim", test_victim(), -1);
}

/* The victim is the caller's as long as he has it: it must not be freed meanwhile. */
static void test_reference(void)
{
    struct mm_struct *mm = ring_of(1);
    struct Page *page = swap_manager()->swap_out_victim();

    check("the only page is the victim", page == space_page(&mm->as, DATA));
    check_eq("the victim has one more reference, for who asked", page_ref(page), 2);
    page_ref_dec(page);
    use_page(mm, 0);
    check_eq("a page that stays has no more than before", test_victim() + page_ref(page), 1);
    mm_put(mm);
}

static void test_clock(void)
{
    struct inventory before = inventory_take();

    test_swap_begin("clock", 8);
    test_order();
    test_reference();
    test_swap_end();
    inventory_same(&before, "victims");
}

/* Pages 0 and 1 are mapped in both. Of a page that two have, each entry counts. */
static void test_both(void)
{
    struct mm_struct *mm = ring_of(3), *other = paged_relative(mm);

    assert(mm_enrol_all(other));
    for (int i = 0; i < 2; i++)
        assert_eq(page_insert(&other->as, space_page(&mm->as, DATA + i * PGSIZE),
                              DATA + i * PGSIZE, URO), 0);
    forget_use(other, 1);
    /* Each entry has an A bit of its own; the page has none. 0 was used by one of the two, through
       the other's entry it looks unused. */
    check_eq("a page stays if one of two has used it", test_victim(), 1);
    check("and A is cleared in both entries", !is_used(mm, 0) && !is_used(other, 0));
    use_page(mm, 0);
    use_page(other, 0);
    use_page(mm, 2);
    /* 2 is passed over, then 0 with both bits, then 1. */
    check_eq("if both have used it, it is passed over once, not twice", victims(2), 12);
    check("A is cleared in both entries again", !is_used(mm, 0) && !is_used(other, 0));
    mm_put(other);
    check_eq("what one has left is the other's", victims(2), 1);
    mm_put(mm);
}

/* What somebody is at work on is left alone: a fault may be in the middle of such a page. */
static void test_busy(void)
{
    struct mm_struct *mm = ring_of(2), *other = paged_mm();
    uintptr_t la = DATA + 2 * PGSIZE;

    assert(mm_enrol_all(other));
    space_put(&other->as, la, 2, URW);
    forget_use(other, 2);
    page_enrol(space_page(&other->as, la), other->family, la);
    mutex_lock(&mm->lock);
    check_eq("a page in a space whose lock somebody has is passed over", test_victim(), 2);
    forget_use(mm, 0);
    mutex_lock(&other->family->lock);
    /* mm's own lock is held, and the list of the other's family: no page can be looked at. The
       caller has other ways to get memory, and may hold what all are waiting for. */
    check_eq("if that is so of all, there is no victim, and the search ends", test_victim(), -1);
    mutex_unlock(&other->family->lock);
    mutex_unlock(&mm->lock);
    /* The same for pages that are on their way. */
    struct Page *page = space_page(&mm->as, DATA);
    page_lock(page);
    long found = victims(4);
    check("a page that is locked is passed over", found == 1212 || found == 2121);
    page_unlock(page);
    check_eq("no page has a reference too many",
             page_ref(page) + page_ref(space_page(&other->as, la)), 2);
    mm_put(other);
    mm_put(mm);
}

static void test_shared(void)
{
    struct inventory before = inventory_take();

    test_swap_begin("clock", 8);
    test_both();
    test_busy();
    test_swap_end();
    inventory_same(&before, "pages that two have mapped");
}

/* The steps of a search are those of the pages that are there now. If one that goes were counted
   still, each search would be longer than the one before, for as long as the kernel runs. */
static void test_count(void)
{
    struct mm_struct *mm = ring_of(0);
    uint64_t first = test_search_in_vain();

    test_come_and_go(mm, CAME_AND_WENT);
    uint64_t then = test_search_in_vain();
    cprintf("bench: %-14s %9ld instructions\n", "search-grown", (long)(then - first));
    check("pages that came and went make no search longer",
          then < first + SEARCH_GROWS * CAME_AND_WENT);
    mm_put(mm);
}

/* A ring of three, the hand at each place, each of them freed: the others go on in their order. */
static void test_hand(void)
{
    struct inventory before = inventory_take();

    test_swap_begin("clock", 8);
    for (int moves = 0; moves < 3; moves++)
        for (int gone = 0; gone < 3; gone++) {
            struct mm_struct *mm = ring_of(3);

            /* The place of the hand, then the page that goes: nine cases. In three of them the hand
               stands on that page: a pointer that is left there is one to freed memory. */
            victims(moves);
            free_page_of(mm, gone);
            int first = moves % 3 == gone ? (moves + 1) % 3 : moves % 3, second = 3 - gone - first;

            check_eq("when a page is freed the hand goes on with the next one",
                     victims(3), 100 * first + 10 * second + first);
            free_page_of(mm, first);
            check_eq("and when two are gone, with the last", victims(2), 11 * second);
            free_page_of(mm, second);
            check_eq("and when all are gone there is none", test_victim(), -1);
            add_page(mm, 4);
            check_eq("a new one is found then", test_victim(), 4);
            mm_put(mm);
        }
    test_count();
    test_swap_end();
    inventory_same(&before, "pages that were freed");
}

/* The hart has the page in its TLB. */
static void test_flush(void)
{
    struct inventory before = inventory_take();

    test_swap_begin("clock", 8);
    struct mm_struct *mm = ring_of(2);
    volatile uint8_t *data = (volatile uint8_t *)DATA;

    test_enter(mm);
    (void)*data;
    bool marked = is_used(mm, 0);
    int first = test_victim();
    /* What the hart keeps in its TLB is a copy of the entry, with A set. As long as it has that
       it does not look at the entry, and so does not set the bit again: a page that is used all
       the time would look unused, and would go. */
    bool cleared = !is_used(mm, 0);
    (void)*data;
    bool again = is_used(mm, 0);
    test_leave(mm);
    check("the first access marks the page as used", marked);
    check_eq("so the other one goes", first, 1);
    check("A is cleared", cleared);
    check("the next access marks the page again: what the TLB had was flushed", again);
    mm_put(mm);
    test_swap_end();
    inventory_same(&before, "accesses by a hart");
}

/* The model: the ring as an array, with the next one of the hand at its beginning. */
struct model {
    int number[PAGES];
    int count;
};

/* The first one goes to the end. */
static int model_turn(struct model *model)
{
    int first = model->number[0];

    memmove(model->number, model->number + 1, (model->count - 1) * sizeof(int));
    model->number[model->count - 1] = first;
    return first;
}

/* By the A bits as they are now; they are not changed here. */
static int model_victim(struct model *model, struct mm_struct *mm)
{
    bool used[PAGES] = { false };

    for (int i = 0; i < model->count; i++)
        used[model->number[i]] = is_used(mm, model->number[i]);
    for (int i = 0; i < 2 * model->count; i++) {
        int number = model_turn(model);

        if (!used[number])
            return number;
        used[number] = false;
    }
    return -1;
}

static void model_remove(struct model *model, int number)
{
    int i = 0;

    while (model->number[i] != number)
        i++;
    model->count--;
    memmove(model->number + i, model->number + i + 1, (model->count - i) * sizeof(int));
}

/* The model moves pages and never a hand, so it can have none of the mistakes that a hand in a list
   can have; it is slow, which does not matter here. Its two rounds are the upper bound: in the
   first one all bits are cleared, so in the second one any page is taken. */

/* One step by chance: a page comes, goes, is used, or a victim is chosen. False if that was another
   one than the model's. */
static bool random_step(struct model *model, struct mm_struct *mm, uint64_t *seed)
{
    int number = test_random(seed) % PAGES;
    bool here = space_page(&mm->as, DATA + number * PGSIZE) != NULL;

    switch (test_random(seed) % 6) {
    case 0:
        if (!here) {
            add_page(mm, number);
            model->number[model->count++] = number;
        }
        return true;
    case 1:
        if (here) {
            free_page_of(mm, number);
            model_remove(model, number);
        }
        return true;
    case 2:
    case 3:
        if (here)
            use_page(mm, number);
        return true;
    default: {
        int expected = model_victim(model, mm);

        return test_victim() == expected;
    }
    }
}

/* A step that differs from the model ends the run: all behind it would differ too. */
static void test_chance(void)
{
    struct inventory before = inventory_take();
    uint64_t seed = 92;
    struct model model = { .count = 0 };
    int step = 0;

    test_swap_begin("clock", 8);
    struct mm_struct *mm = ring_of(0);
    while (step < STEPS && random_step(&model, mm, &seed))
        step++;
    check_eq("pages come, go, are used and chosen by chance: steps that were right", step, STEPS);
    mm_put(mm);
    test_swap_end();
    inventory_same(&before, "a random run of the clock");
}

SELFTEST_AT(STAGE_BOOT, "swap-clock", test_clock);
SELFTEST_AT(STAGE_BOOT, "swap-clock-shared", test_shared);
SELFTEST_AT(STAGE_BOOT, "swap-clock-hand", test_hand);
SELFTEST_AT(STAGE_BOOT, "swap-clock-flush", test_flush);
SELFTEST_AT(STAGE_BOOT, "swap-clock-random", test_chance);
