/* Memory that runs out while an object for programs is made, or detection of deadlocks begins: at
   each allocation on the way, and with all others at hand. What was made before must be given back,
   and the id too.

   The test takes all memory but what it has laid aside, one piece for each allocation in their
   order, and gives back those that the kernel is to have. So it needs an allocator that hands out
   exactly the pages that it is asked for: it runs with pmm=first_fit. "oom-sync" does the same with
   a whole program, but page by page.

   Alone: make grade GRADE=--all TEST=sync-memory. */
#include <error.h>
#include <mm/kmalloc.h>
#include <process/sync_detect.h>
#include <report.h>
#include <test/testlib.h>

#define PIECES      5
#define AREA        1           /* the piece that is no memory of kmalloc() */
#define ALL         ((1U << PIECES) - 1)
#define FIRST       0x10000000UL

static struct hoard hoard;
static struct mm_struct *filler;        /* has all areas that there is memory for */
static uintptr_t filled;                /* they end here; there is one in each second page */

/* Objects of one size that are taken, each with the address of the next one. */
struct taken {
    struct taken *next;
};

/* Take all that there is. */
static void take_objects(struct taken **list, size_t size)
{
    for (struct taken *object; (object = kmalloc(size)) != NULL; *list = object)
        object->next = *list;
}

/* Give back so many, or all. */
static void give_objects(struct taken **list, int n)
{
    for (struct taken *object; (object = *list) != NULL && n != 0; n--) {
        *list = object->next;
        kfree(object);
    }
}

/* An address space with one area: so there is a slab of them, whose free places can be taken. */
static struct mm_struct *make_filler(void)
{
    struct mm_struct *mm = mm_create();

    assert(mm != NULL);
    assert_eq(mm_map(mm, FIRST - 2 * PGSIZE, PGSIZE, VM_READ), 0);
    return mm;
}

/* Take all areas, and give one back if that is wanted. */
static void fill_areas(bool leave_one)
{
    for (filled = FIRST; mm_map(filler, filled, PGSIZE, VM_READ) == 0; filled += 2 * PGSIZE)
        ;
    assert(filled > FIRST);
    if (leave_one)
        assert_eq(mm_unmap(filler, filled - 2 * PGSIZE, PGSIZE), 0);
}

/* Make the first object of a table, with those pieces alone whose bits are set. The result is that
   of sync_create(); with all memory it is 1 then, or again. */
static int create_with(uint32_t pieces)
{
    const size_t sizes[PIECES] = { sizeof(struct sync_table), 0, sizeof(struct sync_chunk), PGSIZE,
                                   SYNC_GROUP_IDS * sizeof(struct sync_object) };
    void *laid_aside[PIECES];

    for (int i = 0; i < PIECES; i++)
        assert(i == AREA || (laid_aside[i] = kmalloc(sizes[i])) != NULL);
    hoard_take(&hoard);
    fill_areas(pieces & 1U << AREA);
    for (int i = 0; i < PIECES; i++)
        if (i != AREA && (pieces & 1U << i))
            kfree(laid_aside[i]);
    int id = sync_create(SYNC_SEM, 0, NULL);
    hoard_end(&hoard);
    for (int i = 0; i < PIECES; i++)
        if (i != AREA && !(pieces & 1U << i))
            kfree(laid_aside[i]);
    return id;
}

/* One try, in an address space of its own. */
static void try_create(uint32_t pieces, int expected)
{
    const struct inventory before = inventory_take();
    struct mm_struct *mm = mm_create();

    filler = make_filler();
    assert(mm != NULL);
    proc_set_mm(mm);
    check_eq("an object without memory is refused", create_with(pieces), expected);
    check_eq("and takes no id", sync_create(SYNC_SEM, 0, NULL), expected == 1 ? 2 : 1);
    mm_put(filler);
    proc_set_mm(NULL);
    mm_put(mm);
    inventory_same(&before, "an object was refused");
}

/* Begin detection with so many objects of the detector's size, and none of another size. */
static int detect_with(int detectors)
{
    struct taken *of_detector = NULL, *of_member = NULL;
    void *first = kmalloc(sizeof(struct detector));     /* so there is a slab with others */

    assert(first != NULL);
    hoard_take(&hoard);
    take_objects(&of_detector, sizeof(struct detector));
    take_objects(&of_member, sizeof(struct sync_member));
    give_objects(&of_detector, detectors);
    int result = sync_set_detection(true);
    give_objects(&of_detector, -1);
    give_objects(&of_member, -1);
    hoard_end(&hoard);
    kfree(first);
    return result;
}

/* Wait for a unit that is there, without memory for the record of it. */
static int wait_with_nothing(int id)
{
    struct taken *of_holding = NULL;

    hoard_take(&hoard);
    take_objects(&of_holding, sizeof(struct holding));
    int result = sync_watched_wait(id, 0);
    give_objects(&of_holding, -1);
    hoard_end(&hoard);
    return result;
}

/* A table with an object, whose area for the words the program has unmapped: it needs a new one. */
static void test_area(void)
{
    const struct inventory before = inventory_take();
    struct mm_struct *mm = mm_create();

    filler = make_filler();
    assert(mm != NULL);
    proc_set_mm(mm);
    check_eq("an object is made", sync_create(SYNC_MUTEX, 0, NULL), 1);
    mutex_lock(&mm->lock);
    assert_eq(mm_unmap(mm, sync_table_of(mm)->words, SYNC_CHUNKS * PGSIZE), 0);
    mutex_unlock(&mm->lock);
    hoard_take(&hoard);
    fill_areas(false);
    int id = sync_create(SYNC_MUTEX, 0, NULL);
    hoard_end(&hoard);
    check_eq("one is refused whose word the program could not see", id, -E_NO_MEM);
    mm_put(filler);
    check_eq("and takes no id", sync_create(SYNC_MUTEX, 0, NULL), 2);
    proc_set_mm(NULL);
    mm_put(mm);
    inventory_same(&before, "an area was refused");
}

/* Its two parts, and what a wait needs. */
static void test_detection(void)
{
    const struct inventory before = inventory_take();
    struct mm_struct *mm = mm_create();

    assert(mm != NULL);
    proc_set_mm(mm);
    int id = sync_create(SYNC_SEM, 1, NULL);
    check_eq("detection without memory is refused", detect_with(0), -E_NO_MEM);
    check_eq("also if there is some for its first part", detect_with(1), -E_NO_MEM);
    check_eq("with memory it begins", sync_set_detection(true), 0);
    check_eq("a wait without memory for its record is refused", wait_with_nothing(id), -E_NO_MEM);
    check_eq("and has not taken the unit", sync_watched_wait(id, 0), 0);
    sync_leave(mm);
    proc_set_mm(NULL);
    mm_put(mm);
    inventory_same(&before, "detection was refused");
}

static void test_memory(void)
{
    for (int i = 0; i < PIECES; i++)
        try_create((1U << i) - 1, -E_NO_MEM);           /* those before the i-th are there */
    try_create(ALL & ~(1U << AREA), -E_NO_MEM);
    try_create(ALL, 1);
    test_area();
    test_detection();
}
SELFTEST("sync-memory", test_memory);
