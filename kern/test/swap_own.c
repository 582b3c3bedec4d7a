/* Challenge 9.C: is the own policy a policy? How good it is, swap-misses counts.

   Pages come, go, are locked and are used by chance. Whichever page is chosen must be there, must
   not be locked, and comes with a reference; and as long as there is one that could go, one is
   chosen. At the end all are gone, and nothing is left of them. If all are busy the search
   ends, and it takes no longer because others came and went. A policy that clears A bits flushes.

   At boot. For the last check alone a hart is in the address space. By itself: make grade EX=9.C */
#include <report.h>
#include <test/paging.h>

#define STEPS           4000
#define USED            4               /* pages that a hart uses, in each of ROUNDS */
#define ROUNDS          8
#define CAME_AND_WENT   500

/* What was wrong, of all steps. */
static struct faults {
    size_t none, absent, locked, without_reference;
} faults;

static bool is_there(struct mm_struct *mm, int number)
{
    return space_page(&mm->as, DATA + number * PGSIZE) != NULL;
}

/* What each kind of fault would do in a kernel that runs:

     none                  memory has run out, they say, though a page could go
     absent                a page that was freed is brought out: it is somebody else's by now
     locked                the disk is just writing it, or reading: two transfers of one page
     without_reference     the page is freed while it is written

   They are counted and not told one by one: a policy that is wrong once is wrong a thousand
   times. */

/* Let the policy choose; `locked` is the page that is locked, or -1. */
static void choose(struct mm_struct *mm, int locked)
{
    struct Page *page = swap_manager()->swap_out_victim();
    int free = 0, found = -1;

    for (int i = 0; i < PAGES; i++) {
        if (is_there(mm, i) && space_page(&mm->as, DATA + i * PGSIZE) == page)
            found = i;
        free += is_there(mm, i) && i != locked;
    }
    if (page == NULL) {
        faults.none += free > 0;
        return;
    }
    faults.absent += found == -1;
    faults.locked += found == locked && found != -1;
    /* One is the entry's, the other that of who has asked. */
    faults.without_reference += page_ref(page) != 2;
    if (page_ref(page) == 2)
        page_ref_dec(page);
}

/* A page comes, or goes, or is used. */
static void change(struct mm_struct *mm, int number, bool use)
{
    uintptr_t la = DATA + number * PGSIZE;

    if (!is_there(mm, number)) {
        space_put(&mm->as, la, number, URW);
        page_enrol(space_page(&mm->as, la), mm->family, la);
    } else if (use) {
        pte_or(get_pte(mm->as.pgdir, la, false), PTE_A);
    } else {
        page_remove(&mm->as, la);
    }
}

/* All that there are, which are two, are locked; then all have gone. */
static void test_in_vain(struct mm_struct *mm)
{
    struct Page *busy[2];

    for (int i = 0; i < 2; i++) {
        change(mm, i, false);
        busy[i] = space_page(&mm->as, DATA + i * PGSIZE);
        page_lock(busy[i]);
    }
    check_eq("if all are locked none is chosen, and the search ends", test_victim(), -1);
    for (int i = 0; i < 2; i++) {
        page_unlock(busy[i]);
        change(mm, i, false);
    }
    /* A policy may remember some pages that went, and so take longer: but not ever longer. */
    test_come_and_go(mm, CAME_AND_WENT);
    uint64_t first = test_search_in_vain();
    test_come_and_go(mm, CAME_AND_WENT);
    check("pages that came and went make no search longer",
          test_search_in_vain() < first + 2 * CAME_AND_WENT);
}

/* A hart uses pages, and the policy chooses in between. Of what it clears the hart must not have a
   copy in its TLB any more, or the next access would not set it. */
static void test_flush(struct mm_struct *mm)
{
    bool marked = true;

    for (int i = 0; i < USED; i++)
        change(mm, i, false);
    test_enter(mm);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < USED; i++) {
            (void)*(volatile uint8_t *)(DATA + i * PGSIZE);
            marked &= (*get_pte(mm->as.pgdir, DATA + i * PGSIZE, false) & PTE_A) != 0;
        }
        (void)test_victim();
    }
    test_leave(mm);
    check("an access marks a page as used, whatever the policy has cleared", marked);
}

/* In each step something changes, and the policy chooses, half of the time while a page is
   locked. */
static void test_own(void)
{
    struct inventory before = inventory_take();
    uint64_t seed = 9;

    test_swap_begin("own", 8);
    struct mm_struct *mm = paged_mm();
    assert(mm_enrol_all(mm));
    check("without a page none is chosen", swap_manager()->swap_out_victim() == NULL);
    for (int i = 0; i < STEPS; i++) {
        int number = test_random(&seed) % PAGES;
        bool lock = test_random(&seed) % 2 && is_there(mm, number);

        change(mm, test_random(&seed) % PAGES, test_random(&seed) % 4 != 0);
        lock = lock && is_there(mm, number);
        if (lock)
            page_lock(space_page(&mm->as, DATA + number * PGSIZE));
        choose(mm, lock ? number : -1);
        if (lock)
            page_unlock(space_page(&mm->as, DATA + number * PGSIZE));
    }
    check_eq("one is chosen whenever there is one that could go (how often not)", faults.none, 0);
    check_eq("what is chosen is there (how often not)", faults.absent, 0);
    check_eq("a page that is locked is never chosen (how often it was)", faults.locked, 0);
    check_eq("it comes with a reference (how often not)", faults.without_reference, 0);
    for (int i = 0; i < PAGES; i++)
        if (is_there(mm, i))
            change(mm, i, false);
    test_in_vain(mm);
    test_flush(mm);
    mm_put(mm);
    check("when all have gone none is chosen", swap_manager()->swap_out_victim() == NULL);
    test_swap_end();
    inventory_same(&before, "a policy");
}

SELFTEST_AT(STAGE_BOOT, "swap-own", test_own);
