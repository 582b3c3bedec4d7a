/* Misuse of pages, objects, locks and sleep that the kernel notices at once. Each test must end in
   a panic that says what was wrong; if it goes on, it panics with "not caught" instead.

   A double free or a lock in the wrong order does no visible harm where it happens: it shows much
   later, somewhere else, or only on another machine. That is why the kernel checks, and why each
   check must be tried: an assertion that nobody has seen fail may be wrong itself.

   These tests belong to no exercise; but when an exercise ends in one of these panics, the
   functions here show in a few lines what causes it. What the panic must say stands in
   tools/labs/lab0.py.

   Alone: make grade GRADE=--all TEST=lock-rank, and so on. */
#include <driver/block.h>
#include <driver/console.h>
#include <driver/irq.h>
#include <error.h>
#include <mm/kmalloc.h>
#include <process/group.h>
#include <process/proc.h>
#include <sched/timer.h>
#include <string.h>
#include <test/testlib.h>
#include <unistd.h>

/* The kernel went on although it should not have. */
#define NOT_CAUGHT(what)    panic("not caught: %s", what)

/* Two locks of one rank, and one of a higher rank (lock/spinlock.h). */
static struct spinlock low = SPINLOCK_INIT("low lock", RANK_WAIT);
static struct spinlock other_low = SPINLOCK_INIT("other low lock", RANK_WAIT);
static struct spinlock high = SPINLOCK_INIT("high lock", RANK_TIMER);
/* Nobody is ever woken from it. */
static struct wait_queue queue;

/* The second free would put the page into the list twice, and two owners would get it: each would
   find the other's bytes in it, at some later time. The panic names the page. */
static void page_double_free(void)
{
    struct Page *page = alloc_page();

    assert(page != NULL);
    free_page(page);
    /* The first was right, this one is not. */
    free_page(page);
    NOT_CAUGHT("a page that is freed twice");
}

/* Also if only a page in the middle of the block is free already. An allocator that looks at the
   first page of a block alone does not see it; the kernel looks at each. */
static void page_double_free_part(void)
{
    struct Page *base = alloc_pages(8);

    assert(base != NULL);
    /* Right: a block may come back in parts. But then it may not come back as a whole. */
    free_page(base + 5);
    free_pages(base, 8);
    NOT_CAUGHT("a block one page of which is free already");
}

/* A page with a reference is in somebody's page table, and that program would go on writing to it
   while the next owner reads it. The panic tells how many references there are. */
static void page_free_in_use(void)
{
    struct Page *page = alloc_page();

    assert(page != NULL);
    /* As page_insert() does for an entry. */
    page_ref_inc(page);
    free_page(page);
    NOT_CAUGHT("the free of a page that is mapped");
}

/* There is no struct Page for it: the allocator would write behind its array, to whatever lies
   there. */
static void page_free_outside(void)
{
    /* The struct behind the last one that was made. */
    free_page(pages + npage);
    NOT_CAUGHT("the free of a page that has no struct Page");
}

/* Pages of the kernel itself were never handed out, so they cannot be given back. A pointer to a
   static variable that is taken for one to a page ends here. */
static void page_free_kernel(void)
{
    free_page(kva2page(&low));
    NOT_CAUGHT("the free of a page of the kernel's own data");
}

/* Another object is freed in between, so that looking at the last one that was freed is not enough.
   The panic names the cache. */
static void object_double_free(void)
{
    void *object = kmalloc(100), *other = kmalloc(100);

    assert(object != NULL && other != NULL);
    kfree(object);
    kfree(other);
    /* The second time for this one. */
    kfree(object);
    NOT_CAUGHT("an object that is freed twice");
}

/* Also when its page went from the cache of this hart to the manager in between, and stays there
   alone, because its neighbours are in use. The loop looks for three objects in a row, of which the
   middle one is the victim; pmm_check() empties the hart's cache. */
static void object_double_free_large(void)
{
    char *objects[32], *victim = NULL;

    for (int i = 0; i < 32; i++) {
        objects[i] = kmalloc(PGSIZE);
        assert(objects[i] != NULL);
    }
    /* All triples of the 32 objects: one that has a neighbour on both sides is the victim. */
    for (int i = 0; i < 32 * 32 * 32; i++)
        if (objects[i % 32] == objects[i / 32 % 32] + PGSIZE
            && objects[i / 32 % 32] == objects[i / 1024] + PGSIZE)
            victim = objects[i / 32 % 32];
    kfree(victim);
    /* Now the page is with the manager, not in the hart's cache: another check must find it. */
    pmm_check();
    kfree(victim);
    NOT_CAUGHT("an object of a whole page that is freed twice");
}

/* An object has the size of its cache: in another one it would be too small or too large. The
   caller has mixed up two types of objects. */
static void object_of_other_cache(void)
{
    static struct kmem_cache cache;
    void *object = kmalloc(64);

    assert(object != NULL);
    /* A cache of the same size as the one that the object is from, so that nothing but the owner
       differs. */
    kmem_cache_init(&cache, "test", 64);
    kmem_cache_free(&cache, object);
    NOT_CAUGHT("an object that is freed to another cache");
}

/* Two harts that take two locks in different order can wait for each other for ever. Here one hart
   takes them in the wrong order; the panic comes at once, without the other hart. It tells both
   ranks, and where the order is written down.

       hart 0: low, then high        hart 1: high, then low
       has low, waits for high       has high, waits for low     and so for ever */
static void lock_rank(void)
{
    spin_lock(&high);
    /* Its rank comes before that of the lock that is held. */
    spin_lock(&low);
    NOT_CAUGHT("a lock that is taken after one of higher rank");
}

/* Of two locks of one rank neither comes first, so they may not be held together: another hart may
   hold them the other way round. */
static void lock_same_rank(void)
{
    spin_lock(&low);
    spin_lock(&other_low);
    NOT_CAUGHT("two locks of the same rank");
}

/* A function that calls nothing: it has not saved its return address, but the call stack must tell
   its caller too. */
static __never_inlined void take_low(void)
{
    spin_lock(&low);
    high.name = "taken";                /* so that the call above is not the last */
}

/* Without the check the hart would wait for itself, with interrupts off: nothing would be printed,
   and nothing could be interrupted. */
static void lock_twice(void)
{
    spin_lock(&low);
    take_low();
    NOT_CAUGHT("a lock that is taken twice");
}

/* A function that calls others has saved its return address: the call stack must not tell it, or
   its caller, twice. */
static void rare_panic(void)
{
    cprintf("a function that calls others\n");
    low.state = (uintptr_t)this_cpu;    /* as spin_unlock() leaves a lock that was free */
    rare_call(spin_hand_over, &low);
    NOT_CAUGHT("a panic by a rare call");
}

/* A hart that releases a lock which it does not hold releases somebody else's, or has released its
   own too early before: then something was changed without the lock. */
static void unlock_free(void)
{
    spin_unlock(&low);
    NOT_CAUGHT("a lock that is released, but not held");
}

/* The lock would be held until the thread runs again: every hart that wants it would spin so long,
   and if all do, the thread never runs. */
static void sleep_with_lock(void)
{
    spin_lock(&high);
    /* With the lock held and interrupts off. */
    schedule();
    NOT_CAUGHT("a thread that gives up the hart with a spinlock held");
}

/* wait_sleep() gives back the lock of its queue, but knows nothing of the second one, which the
   thread would keep in its sleep. */
static void wait_with_lock(void)
{
    /* The queue's lock is `low`; the second one has a higher rank, so taking both is no mistake. */
    wait_queue_init(&queue, &low);
    spin_lock(&low);
    spin_lock(&high);
    wait_sleep(&queue, WT_MUTEX, "nothing");
    NOT_CAUGHT("a thread that sleeps with a second spinlock held");
}

/* Without the lock the condition may change between the look and the sleep: the wake-up is lost,
   and the thread sleeps for ever. */
static void wait_without_lock(void)
{
    wait_queue_init(&queue, &low);
    wait_sleep(&queue, WT_MUTEX, "nothing");
    NOT_CAUGHT("a thread that waits without the lock of the condition");
}

/* The same from the other side: a thread that changes the condition must hold the lock that guards
   it. */
static void wake_wrong_lock(void)
{
    wait_queue_init(&queue, &low);
    spin_lock(&other_low);
    wait_wake_all(&queue);
    NOT_CAUGHT("a wake-up under the wrong lock");
}

static struct mutex outer, other_outer, inner;

/* Two of one rank and one of a rank that is taken after it. Nobody holds one. Each test begins with
   them as new. */
static void init_mutexes(void)
{
    mutex_init(&outer, "outer mutex", MUTEX_TEST_OUTER, 0);
    mutex_init(&other_outer, "other outer mutex", MUTEX_TEST_OUTER, 0);
    mutex_init(&inner, "inner mutex", MUTEX_TEST_INNER, 0);
}

/* A mutex may sleep, so no spinlock may be held. */
static void mutex_with_lock(void)
{
    init_mutexes();
    spin_lock(&low);
    mutex_lock(&outer);
    NOT_CAUGHT("a mutex that is taken with a spinlock held");
}

/* As with spinlocks: two processes that take two mutexes in different order can wait for each
   other, and sleep for ever. A deadlock would be found in the end, but only if it happens. */
static void mutex_rank(void)
{
    init_mutexes();
    mutex_lock(&inner);
    mutex_lock(&outer);
    NOT_CAUGHT("a mutex that is taken after one of higher rank");
}

/* Two of one rank are taken by one call, which knows the order: see mutex_lock_two(). */
static void mutex_same_rank(void)
{
    init_mutexes();
    mutex_lock(&outer);
    mutex_lock(&other_outer);
    NOT_CAUGHT("two mutexes of the same rank");
}

/* A process would wait for itself, asleep, and nobody could wake it. */
static void mutex_twice(void)
{
    init_mutexes();
    mutex_lock(&outer);
    mutex_lock(&outer);
    NOT_CAUGHT("a mutex that is taken twice");
}

/* As with a spinlock; here the holder is a process and not a hart. */
static void mutex_not_held(void)
{
    init_mutexes();
    mutex_unlock(&outer);
    NOT_CAUGHT("a mutex that is released, but not held");
}

/* It holds one mutex, but not the one that it releases. */
static int release_both(__not_used void *arg)
{
    mutex_lock(&inner);
    mutex_unlock(&outer);
    NOT_CAUGHT("a mutex that is released by who does not hold it");
}

/* The thread that is made releases what this one holds, while this one only gives way. */
static void mutex_of_other(void)
{
    init_mutexes();
    mutex_lock(&outer);
    /* A thread and not a call, because a mutex belongs to the thread that took it. */
    test_thread(release_both, NULL);
    for (;;)
        schedule();
}

/* A process that is killed in such a sleep would end with the mutex in its hands, and every other
   process that wants it would sleep for ever. */
static void mutex_and_sleep(void)
{
    init_mutexes();
    wait_queue_init(&queue, &low);
    mutex_lock(&outer);
    timer_sleep_until(rdtime() + 1);
    NOT_CAUGHT("a sleep that a kill may end, with a mutex held");
}

/* Nobody could give it back any more: the struct of its holder is gone. */
static int end_with_mutex(__not_used void *arg)
{
    mutex_lock(&outer);
    return 0;
}

/* In a thread, so that the panic names it and not the test. */
static void mutex_and_exit(void)
{
    init_mutexes();
    test_threads(1, end_with_mutex);
    NOT_CAUGHT("a thread that ends with a mutex held");
}

/* It becomes a program, which is told at its first tick. */
static int exec_with_mutex(__not_used void *arg)
{
    char *argv[] = { "hog", NULL };

    mutex_lock(&outer);
    return test_exec_words(argv);
}

/* A program may stay in user mode for ever: another thread that wants the mutex would wait so long.
   It is noticed when the program gives way, at a tick for example. */
static void mutex_and_user_mode(void)
{
    init_mutexes();
    test_threads(1, exec_with_mutex);
    NOT_CAUGHT("a return to user mode with a mutex held");
}

/* A variable on a stack has an address, but not one that a device could use: the sum that makes a
   physical one of it would name what is no memory, or another's. */
static void page_of_stack(void)
{
    uint64_t on_stack = 0;

    if (kva2page(&on_stack) != NULL)
        NOT_CAUGHT("a page of the kernel's stack");
}

/* The block layer looks at what was not made by kva2page() either. */
static void block_of_no_page(void)
{
    struct block_device device = { .name = "none", .blocks = 1 };

    block_init(&device);
    if (block_read(&device, 0, pages + npage) == 0)
        NOT_CAUGHT("a transfer to what is no page");
}

/* Each is a test of its own, because a panic is the end of a boot. The grader looks for the
   sentence of the panic, and for the place; a test that says "not caught" fails. */
SELFTEST("page-double-free", page_double_free);
SELFTEST("page-double-free-part", page_double_free_part);
SELFTEST("page-free-in-use", page_free_in_use);
SELFTEST("page-free-outside", page_free_outside);
SELFTEST("page-of-stack", page_of_stack);
SELFTEST("block-of-no-page", block_of_no_page);
SELFTEST("page-free-kernel", page_free_kernel);
SELFTEST("object-double-free", object_double_free);
SELFTEST("object-double-free-large", object_double_free_large);
SELFTEST("object-of-other-cache", object_of_other_cache);
SELFTEST("lock-rank", lock_rank);
SELFTEST("lock-same-rank", lock_same_rank);
SELFTEST("lock-twice", lock_twice);
SELFTEST("rare-panic", rare_panic);
SELFTEST("unlock-free", unlock_free);
SELFTEST("sleep-with-lock", sleep_with_lock);
SELFTEST("wait-with-lock", wait_with_lock);
SELFTEST("wait-without-lock", wait_without_lock);
SELFTEST("wake-wrong-lock", wake_wrong_lock);
SELFTEST("mutex-with-lock", mutex_with_lock);
SELFTEST("mutex-rank", mutex_rank);
SELFTEST("mutex-same-rank", mutex_same_rank);
SELFTEST("mutex-twice", mutex_twice);
SELFTEST("mutex-not-held", mutex_not_held);
SELFTEST("mutex-of-other", mutex_of_other);
SELFTEST("mutex-and-sleep", mutex_and_sleep);
SELFTEST("mutex-and-exit", mutex_and_exit);
SELFTEST("mutex-and-user-mode", mutex_and_user_mode);

/* A bell that nobody rings: the kernel says so, with each process and what it waits for. It notices
   when all harts are idle and nothing that is expected could wake anybody. */
static void deadlock_alone(void)
{
    wait_queue_init(&queue, &low);
    spin_lock(&low);
    wait_sleep(&queue, WT_MUTEX, "a bell that nobody rings");
    NOT_CAUGHT("a wake-up from nowhere");
}

static uint32_t taken;

/* Each waits for what the other has: one for a mutex, and its holder for a bell, which only the
   other would ring. Of mutexes alone no such circle can be made. Both wait until each has its
   mutex, so that it does not depend on chance. */
static int philosopher(void *left)
{
    mutex_lock(left ? &inner : &outer);
    atomic_add(&taken, 1);
    /* Neither goes on before the other has come so far. */
    while (atomic_load(&taken) < 2)
        schedule();
    if (left)
        deadlock_alone();
    mutex_lock(&inner);
    NOT_CAUGHT("a mutex that both have");
}

/* Two threads, with a mutex each; the test itself waits for their end. */
static void deadlock_mutexes(void)
{
    init_mutexes();
    test_threads(2, philosopher);
}

/* Here the kernel panics from the idle process, after it has listed who sleeps and for what. */
SELFTEST("deadlock", deadlock_alone);
SELFTEST("deadlock-mutexes", deadlock_mutexes);

/* A deadlock that a ctrl-C can end: the kernel tells of it once, and goes on. */
static uint32_t seconds;

/* What a program of a job may become: a process that can be killed, in a group that has the
   console. */
static int job_that_waits(__not_used void *arg)
{
    bool woken;

    spin_lock(&proc_lock);
    current->flags &= ~PF_KERNEL;               /* such a one cannot be killed */
    spin_unlock(&proc_lock);
    assert_eq(do_job(JOB_FOREGROUND), 0);
    spin_lock(&low);
    woken = wait_sleep(&queue, WT_INTERRUPTED, "a bell that nobody rings");
    spin_unlock(&low);
    assert(!woken);
    return -E_KILLED;
}

/* In place of the clock's handler. An idle hart without sleepers wakes once in a second. At the
   second time it does what a ctrl-C does. */
static void late_interrupt(__not_used void *arg)
{
    timer_arm(rdtime() + timer_tick_length());
    if (sched_all_asleep() && ++seconds == 2)
        assert_eq(kill_group(console_group()), 0);
}

/* Twice, because a second deadlock is another one, which is told of too. */
static void deadlock_of_job(void)
{
    int code = 0, pid;

    wait_queue_init(&queue, &low);
    irq_register(IRQ_S_TIMER, late_interrupt, NULL);
    for (int i = 0; i < 2; i++) {
        seconds = 0;
        pid = test_thread(job_that_waits, NULL);
        assert_eq(wait_child(pid, &code), pid);
        assert_eq(code, -E_KILLED);
        assert_eq(seconds, 2);
    }
    console_set_group(0);
}

SELFTEST("deadlock-of-job", deadlock_of_job);
