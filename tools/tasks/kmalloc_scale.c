/* The tests of task 2.T: objects of the kernel, allocated and freed by several harts in turn.

   One hart plays them all: it is hart 2 when tp points to the struct cpu of hart 2. So the harts
   take turns as the test says, nothing depends on chance, and what is counted is the same in every
   run. When this is graded spin_lock() calls lock_taken(): a lock that more than one hart takes is
   a shared one, and others would have to wait for it. Nothing runs beside this, and interrupts are
   off, so the machine does not notice. */
#include <mm/kmalloc.h>
#include <mm/pmm.h>
#include <mm/shrink.h>
#include <report.h>
#include <string.h>
#include <test/testlib.h>

#define HARTS       4
#define LOCKS       512         /* locks that may be told apart */
#define TURNS       2000
#define BATCH       100
#define MANY        400         /* of 2016 bytes: two fill a page */
#define ROUNDS      30
#define KEPT        64          /* so many objects of a size may a hart keep */

void lock_taken(const struct spinlock *lock);

static struct taken {
    const struct spinlock *lock;
    uint32_t harts, count;      /* a bit for each that took it; how often it was taken */
} taken[LOCKS];
static bool counting;
static void *objects[HARTS * MANY];

/* Called by spin_lock(), with the lock held. */
void lock_taken(const struct spinlock *lock)
{
    if (!counting)
        return;
    size_t i = (uintptr_t)lock / 8 % LOCKS, end = i;

    while (taken[i].lock != NULL && taken[i].lock != lock) {
        i = (i + 1) % LOCKS;
        assert(i != end);
    }
    taken[i].lock = lock;
    taken[i].harts |= 1U << (this_cpu - cpus);
    taken[i].count++;
}

static __attribute__((noinline)) void as_hart(uint32_t id)
{
    asm volatile ("mv tp, %0" : : "r" (&cpus[id]) : "memory");
}

static void count_begin(void)
{
    memset(taken, 0, sizeof(taken));
    counting = true;
}

/* How often a shared lock was taken since count_begin(). */
static uint32_t count_end(const char *what, uint32_t calls)
{
    uint32_t shared = 0, all = 0;

    counting = false;
    for (size_t i = 0; i < LOCKS; i++) {
        all += taken[i].count;
        if (taken[i].harts & (taken[i].harts - 1))
            shared += taken[i].count;
    }
    as_hart(0);
    cprintf("  %s: %u calls took %u locks, %u of them shared\n", what, calls, all, shared);
    return shared;
}

/* Each hart allocates an object and frees it when it is its turn again. */
static void test_turns(void)
{
    for (int turn = 0; turn < TURNS + 2 * HARTS; turn++) {
        if (turn == 2 * HARTS)
            count_begin();              /* what a hart needs once, it has by now */
        as_hart(turn % HARTS);
        kfree(objects[turn % HARTS]);
        objects[turn % HARTS] = kmalloc(100);
        assert(objects[turn % HARTS] != NULL);
    }
    check("by turns: at most one in 32 calls takes a lock that harts share",
          count_end("by turns", 2 * TURNS) <= 2 * TURNS / 32);
    for (int i = 0; i < HARTS; i++)
        kfree(objects[i]);
}

/* More at a time than a hart keeps. */
static void test_batches(void)
{
    count_begin();
    for (int turn = 0; turn < 2 * HARTS * ROUNDS; turn++) {
        void **mine = &objects[turn % HARTS * BATCH];

        as_hart(turn % HARTS);
        for (int i = 0; i < BATCH; i++)
            if (turn / HARTS % 2 == 0) {
                mine[i] = kmalloc(32);
                assert(mine[i] != NULL);
            } else {
                kfree(mine[i]);
            }
    }
    check("in batches: at most one in 4 calls does",
          count_end("in batches", 2 * HARTS * ROUNDS * BATCH) <= 2 * HARTS * ROUNDS * BATCH / 4);
}

/* What one hart allocates another one frees, again and again: no hart may keep more and more. */
static void test_given_away(void)
{
    size_t before = nr_free_pages(), objects_before = kmalloc_objects();
    bool exact = true;

    count_begin();
    for (int round = 0; round < ROUNDS; round++) {
        as_hart(0);
        for (int i = 0; i < MANY; i++) {
            objects[i] = kmalloc(2016);
            assert(objects[i] != NULL);
            memset(objects[i], i, 2016);
        }
        exact = exact && kmalloc_objects() == objects_before + MANY;
        as_hart(1 + round % (HARTS - 1));
        for (int i = 0; i < MANY; i++) {
            assert(*((uint8_t *)objects[i] + 2015) == (uint8_t)i);
            kfree(objects[i]);
        }
        exact = exact && kmalloc_objects() == objects_before;
    }
    check("given away: at most one in 4 calls does",
          count_end("given away", 2 * ROUNDS * MANY) <= 2 * ROUNDS * MANY / 4);
    check("the number of objects in use is exact, whoever frees them", exact);
    check("harts keep no more than 64 objects of a size each",
          nr_free_pages() + HARTS * KEPT >= before);
}

static void test_scale(void)
{
    struct inventory before = inventory_take();

    assert(cpu_count >= HARTS);
    test_turns();
    test_batches();
    test_given_away();
    shrink_memory();
    inventory_same(&before, "shrink_memory(), with objects kept by four harts");
}

SELFTEST_AT(STAGE_BOOT, "kmalloc-scale", test_scale);

/* A second free, by another hart than the first: both must be noticed, wherever the object is
   kept. */
static void test_twice(void)
{
    void *object = kmalloc(200);

    assert(object != NULL);
    as_hart(1);
    kfree(object);
    as_hart(2);
    kfree(object);
    as_hart(0);
    cprintf("not caught\n");
}

SELFTEST_AT(STAGE_BOOT, "kmalloc-twice", test_twice);
