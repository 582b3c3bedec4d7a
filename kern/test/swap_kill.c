/* Kills while pages are on their way.

   A process may be killed wherever it waits: for the disk, for a page that another one reads or
   writes, for the lock of an address space, for who reclaims memory, for memory that others use.
   None of these waits is for long, so a kill ends none of them: the work is finished, and the
   process ends afterwards, when it returns to its program. A wait that gave up in the middle would
   lose a slot, a reference, or a lock that nobody gives back.

   Here the disk is memory, and has a gate: while that is shut each transfer waits. What the threads
   do is one call each (test/actors.h); a thread has no program to return to, so it lives on.

   Where a process runs, or is about to, it is killed by chance in "pageout" and "mapkill". Alone:
   make grade GRADE=--all TEST="swap-kill" */
#include <error.h>
#include <mm/reclaim.h>
#include <mm/swap_out.h>
#include <report.h>
#include <string.h>
#include <sync/wait.h>
#include <test/actors.h>
#include <test/paging.h>
#include <test/testlib.h>

#define ACTORS  3

static struct spinlock gate_lock = SPINLOCK_INIT("the test's disk", RANK_WAIT);
static struct wait_queue gate;
static bool is_shut;

/* What each thread uses; the test writes it before it says what to do. */
static struct mm_struct *spaces[ACTORS];
static struct Page *pages_out[ACTORS], *pages_got[ACTORS];

static void pass_gate(void)
{
    spin_lock(&gate_lock);
    while (is_shut)
        wait_sleep(&gate, WT_MUTEX, "the test's disk");
    spin_unlock(&gate_lock);
}

static void set_gate(bool shut)
{
    spin_lock(&gate_lock);
    is_shut = shut;
    wait_wake_all(&gate);
    spin_unlock(&gate_lock);
}

/* What the threads do. */

static int fault(int number)
{
    struct mm_struct *mm = spaces[number];

    mutex_lock(&mm->lock);
    int result = mm_fault_locked(mm, DATA, VM_READ);
    mutex_unlock(&mm->lock);
    return result;
}

static int bring_out(int number)
{
    return page_out(pages_out[number]);
}

static int allocate(int number)
{
    pages_got[number] = alloc_page();
    return pages_got[number] != NULL;
}

/* The first n threads sleep. Kill them: they must go on sleeping. */
static void kill_them(int n, const char *where)
{
    int back = 0, awake = 0;

    for (int i = 0; i < n; i++)
        actor_kill(i);
    actors_settle();
    for (int i = 0; i < n; i++) {
        back += actor_done(i);
        awake += !actor_sleeps(i);
    }
    check_eq(where, back + awake, 0);
}

/* The disk has time for them: all come back. */
static void let_go(int n)
{
    int away = 0;

    set_gate(false);
    actors_settle();
    for (int i = 0; i < n; i++) {
        away += !actor_done(i);
        actor_revive(i);
    }
    check_eq("each of them comes to its end (threads that do not)", away, 0);
}

/* Thread 0 reads a page, 1 waits for that page, 2 for the lock of 0's address space. */
static void begin_in(uint8_t byte)
{
    spaces[0] = spaces[2] = paged_mm();
    spaces[1] = paged_relative(spaces[0]);
    put_out(spaces[0], DATA, byte);
    put_out_too(spaces[1], spaces[0], DATA);
    set_gate(true);
    bool none = true;
    for (int i = 0; i < ACTORS; i++)
        none = !actor_try(i, fault) && none;
    check("three threads want a page that comes in, and none has it yet", none);
    kill_them(ACTORS, "a kill ends no wait for a page that comes in (threads that are back)");
}

static void end_in(void)
{
    mm_put(spaces[1]);
    mm_put(spaces[0]);
}

/* All three come back as if nobody had been killed. */
static void kill_in(void)
{
    size_t reads = test_swap.reads;

    begin_in(0x11);
    let_go(ACTORS);
    for (int i = 0; i < ACTORS; i++)
        check_eq("who was killed has brought the page in", actor_result(i), 0);
    struct Page *page = space_page(&spaces[0]->as, DATA);
    check("both spaces have the same page",
          page != NULL && page == space_page(&spaces[1]->as, DATA));
    check_eq("it was read once", test_swap.reads - reads, 1);
    check_eq("it has its content", space_byte(&spaces[1]->as, DATA), 0x11);
    check_eq("and three references, of two entries and the cache", page ? page_ref(page) : 0, 3);
    check_eq("no page is out", spaces[0]->paged_out + spaces[1]->paged_out, 0);
    end_in();
}

/* The disk fails for the first one. The others ask it again. */
static void kill_in_error(void)
{
    test_swap.fail_at = test_swap.reads + test_swap.writes + 1;
    begin_in(0x22);
    let_go(ACTORS);
    check_eq("the one for whom the disk failed says so", actor_result(0), -E_IO);
    check("the others have brought the page in", actor_result(1) == 0 && actor_result(2) == 0);
    check_eq("with its content", space_byte(&spaces[0]->as, DATA), 0x22);
    end_in();
}

/* A page that goes out: thread 0 writes it, 1 wants it back. */
static void kill_out(void)
{
    struct mm_struct *mm = spaces[1] = paged_mm();

    assert_eq(mm_fault_locked(mm, DATA, VM_WRITE), 0);
    struct Page *page = pages_out[0] = space_page(&mm->as, DATA);
    memset(page2kva(page), 0x33, PGSIZE);
    mutex_lock(&mm->lock);
    assert(mm_enrol_all(mm));
    mutex_unlock(&mm->lock);
    page_ref_inc(page);                 /* for page_out(), whose caller has one */
    set_gate(true);
    check("a page goes out, and its process wants it", !actor_try(0, bring_out)
          && !actor_try(1, fault));
    kill_them(2, "a kill ends no wait for a page that goes out (threads that are back)");
    let_go(2);
    page_ref_dec(page);
    check_eq("the page went out", actor_result(0), PAGE_OUT);
    check_eq("and came in again", actor_result(1), 0);
    check_eq("with its content", space_byte(&mm->as, DATA), 0x33);
    check_eq("no page is out", mm->paged_out, 0);
    mm_put(mm);
}

/* An enrolled page is all that could go, and everything else is taken. */
static struct Page *begin_short(struct hoard *hoard)
{
    struct mm_struct *mm = spaces[0] = paged_mm();

    assert_eq(mm_fault_locked(mm, DATA, VM_WRITE), 0);
    struct Page *page = space_page(&mm->as, DATA);
    mutex_lock(&mm->lock);
    assert(mm_enrol_all(mm));
    mutex_unlock(&mm->lock);
    hoard_take(hoard);
    reclaim_open();
    /* Only who reclaims may have these, when the hart's cache has given them back. */
    hoard_give(hoard, watermarks.min / 2);
    pmm_check();
    return page;
}

static void end_short(struct hoard *hoard, int n)
{
    reclaim_close();
    hoard_end(hoard);
    for (int i = 0; i < n; i++) {
        check("who was killed has a page", pages_got[i] != NULL);
        if (pages_got[i] != NULL)
            free_page(pages_got[i]);
    }
    mm_put(spaces[0]);
}

/* Thread 0 reclaims, and writes the page; 1 waits until it may reclaim itself. */
static void kill_reclaimer(void)
{
    struct hoard hoard = { .count = 0 };

    begin_short(&hoard);
    set_gate(true);
    check("two threads want a page, and the disk is at work", !actor_try(0, allocate)
          && !actor_try(1, allocate));
    kill_them(2, "a kill ends no wait for who reclaims (threads that are back)");
    hoard_give(&hoard, watermarks.high);
    let_go(2);
    end_short(&hoard, 2);
}

/* The only page that could go is locked by somebody: thread 0 waits for a tick, and looks again. */
static void kill_patient(void)
{
    struct hoard hoard = { .count = 0 };
    struct Page *page = begin_short(&hoard);

    page_lock(page);
    check("a thread wants a page, and what could go is busy", !actor_try(0, allocate));
    kill_them(1, "a kill ends no wait for what others use (threads that are back)");
    page_unlock(page);
    hoard_give(&hoard, watermarks.high);
    /* Its tick has to pass. */
    while (!actor_done(0))
        schedule();
    let_go(1);
    end_short(&hoard, 1);
}

/* The threads are made before anything is counted: they never end. */
static void test_kill(void)
{
    wait_queue_init(&gate, &gate_lock);
    actors_begin(ACTORS);
    struct inventory before = inventory_take();
    test_swap_begin("fifo", 16);
    test_swap.before = pass_gate;
    kill_in();
    kill_in_error();
    kill_out();
    kill_reclaimer();
    kill_patient();
    test_swap_end();
    inventory_same(&before, "threads that were killed while pages were on their way");
}

SELFTEST_AT(STAGE_INIT, "swap-kill", test_kill);
