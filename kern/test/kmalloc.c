/* Kernel objects: kmalloc in all sizes, alone and on all harts at once.

   "kmalloc" belongs to lab 2: with pmm=first_fit, best_fit or own it shows that the kernel's
   objects can live on the allocator of an exercise, and with poison that freed pages are not used
   any more. "kmalloc-harts" is about the kernel itself: objects that one hart allocates are freed
   by another.

   Each object is filled with a tag of its own and looked at before it is freed. So an allocator
   that gives the same memory twice is found by the panic "was changed by somebody else", which
   names the object; what is lost is found by the counts. Most of the test are assertions: once
   objects overlap nothing can be trusted.

   Alone: make grade TEST=kmalloc-first-fit; make grade GRADE=--all TEST=kmalloc-harts. */
#include <mm/kmalloc.h>
#include <mm/shrink.h>
#include <report.h>
#include <string.h>
#include <sched/sched.h>
#include <test/testlib.h>

/* Objects at a time, steps, and threads: enough that each cache gets full slabs, empty ones and all
   between. */
#define SLOTS       512
#define STEPS       12000
#define MANY        3000
#define THREADS     8

/* An object of the test's: where it is, how large, and with which byte it is filled. data == NULL:
   there is none. */
struct object {
    uint8_t *data;
    size_t size;
    uint8_t tag;
};

/* Mostly small ones; some of whole pages, some around the borders between the caches: a size that
   goes into the cache that is one too small overwrites its neighbour. */
static size_t random_size(uint64_t *seed)
{
    static const size_t borders[] = { 0, 1, 32, 64, 128, 256, 512, 1008, 2016, 4096, 8192 };
    uint64_t kind = test_random(seed) % 8;

    /* One of eight is anything up to four pages, */
    if (kind == 0)
        return test_random(seed) % (4 * PGSIZE);
    /* and one of eight at a border, or one byte above it. */
    if (kind == 1)
        return borders[test_random(seed) % ARRAY_SIZE(borders)] + test_random(seed) % 2;
    return test_random(seed) % 600;
}

/* Every byte, so that damage by one is found. */
static void object_check(const struct object *object)
{
    for (size_t i = 0; i < object->size; i++)
        if (object->data[i] != object->tag)
            panic("byte %lu of an object of %lu bytes at %p was changed by somebody else", i,
                  object->size, object->data);
}

/* Free an object if there is one, else allocate one. 16 bytes is the alignment that kmalloc()
   promises. */
static void object_toggle(struct object *object, uint64_t *seed)
{
    if (object->data != NULL) {
        object_check(object);
        kfree(object->data);
        object->data = NULL;
        return;
    }
    object->size = random_size(seed);
    object->tag = test_random(seed);
    object->data = kmalloc(object->size);
    if (object->data == NULL)
        panic("kmalloc(%lu) failed with memory left", object->size);
    /* What any type of C may need, and what the calling convention wants of a stack in such
       memory. */
    assert_eq((uintptr_t)object->data % 16, 0);
    memset(object->data, object->tag, object->size);
}

/* After each step the number of objects must agree. 512 slots and 12,000 steps: each slot is used
   and freed often, in no order. */
static void test_random_objects(void)
{
    static struct object objects[SLOTS];
    size_t before = kmalloc_objects(), have = 0;
    uint64_t seed = 3;

    for (int step = 0; step < STEPS; step++) {
        struct object *object = &objects[test_random(&seed) % SLOTS];

        object_toggle(object, &seed);
        /* One more or one less, and nothing else. */
        have += object->data != NULL ? 1 : -1;
        assert_eq(kmalloc_objects(), before + have);
    }
    for (int i = 0; i < SLOTS; i++)
        if (objects[i].data != NULL)
            object_toggle(&objects[i], &seed);
    /* Every slot is empty now. */
    assert_eq(kmalloc_objects(), before);
}

/* Slabs that were full, freed in another order, give all their pages back. 7 and 3000 have no
   common factor, so each object is freed once. */
static void test_trim(void)
{
    static void *objects[MANY];
    struct inventory before = inventory_take();

    for (int i = 0; i < MANY; i++)
        objects[i] = kmalloc(100);
    /* 100 bytes come from the cache of 128: so many pages are surely in use. */
    assert(nr_free_pages() + MANY * 128 / PGSIZE <= before.pages);
    for (int i = 0; i < MANY; i++)
        kfree(objects[i * 7 % MANY]);
    /* Free objects alone are not free pages: their slabs are kept, until this. */
    shrink_memory();
    inventory_same(&before, "freeing objects and shrink_memory()");
}

/* Whatever a free object is marked with: one in use may hold the same bytes, and can be freed. The
   mark is read from an object that was just freed. A check for double frees that only looks for the
   mark would call this one. */
static void test_mark_in_data(void)
{
    uint64_t *object = kmalloc(64);

    assert(object != NULL);
    memset(object, 0, 64);
    kfree(object);
    /* Read after it was freed, which nobody else may do: the test wants to know how the allocator
       marks. */
    uint64_t mark = ((volatile uint64_t *)object)[1];
    object = kmalloc(64);
    for (int i = 0; i < 8; i++)
        object[i] = mark;
    kfree(object);
}

/* Objects of 2016 bytes, the largest of a cache: first what the caches still have, then nothing,
   then one page more. The objects are linked through themselves, because there is no memory for a
   table. SIZE_MAX is there because a size that is rounded up may wrap around to a small one. */
static void test_out_of_memory(void)
{
    struct inventory before = inventory_take();
    struct hoard hoard = { .count = 0 };
    size_t n = 0;
    void *first = NULL, *next;

    hoard_take(&hoard);
    /* A whole page comes straight from the allocator of pages, which has none. */
    assert(kmalloc(PGSIZE) == NULL && kmalloc(SIZE_MAX) == NULL);
    while ((next = kmalloc(2016)) != NULL) {            /* what the caches still have */
        *(void **)next = first;
        first = next;
        assert(++n < 100);
    }
    hoard_give(&hoard, 1);
    /* With one page a slab can be made, so this must succeed. */
    void *object = kmalloc(2016);
    assert(object != NULL);
    kfree(object);
    for (; first != NULL; first = next) {
        next = *(void **)first;
        kfree(first);
    }
    hoard_end(&hoard);
    inventory_same(&before, "kmalloc without memory");
}

/* The checks that are `true` tell that the part before them came to its end: it would have
   panicked. */
static void test_kmalloc(void)
{
    struct inventory before = inventory_take();

    test_random_objects();
    check("objects of all sizes keep what is written to them", true);
    test_trim();
    check("the pages of objects that are free come back", true);
    test_mark_in_data();
    test_out_of_memory();
    check("without memory there is no object, and with memory there is again", true);
    /* Allowed, as in C. */
    kfree(NULL);
    inventory_same(&before, "all of kmalloc's tests");
}

/* If it panics with "changed by somebody else": two objects, or an object and a page of somebody
   else, overlap. Does the allocator of pages hand out a page twice? "blocks-..." and "pmm" say
   more. */
SELFTEST_AT(STAGE_BOOT, "kmalloc", test_kmalloc);

/* Objects that one hart allocated are often freed by another: a table that all share by slots. Each
   entry is exchanged in one step, so an object has one owner at any time. */
static struct object *shared[SLOTS];

/* Make an object, exchange it for one that some thread has left in the table, and free that one. So
   about each object is freed by another thread than the one that made it, mostly on another
   hart. */
static int hammer(void *number)
{
    uint64_t seed = 100 + (uintptr_t)number;

    for (int step = 0; step < 5000; step++) {
        struct object *object = kmalloc(sizeof(struct object));

        assert(object != NULL);
        /* The struct is an object itself: it is allocated here, and freed by whoever takes it from
           the table. */
        object->data = NULL;
        object_toggle(object, &seed);
        object = __atomic_exchange_n(&shared[test_random(&seed) % SLOTS], object,
                                     __ATOMIC_SEQ_CST);
        if (object != NULL) {
            object_toggle(object, &seed);
            kfree(object);
        }
        /* So that threads change their harts, and with them the caches that they use. */
        if (step % 64 == 0)
            schedule();
    }
    return 0;
}

/* Eight threads, then what is left in the table. Nothing may be lost. */
static void test_kmalloc_harts(void)
{
    struct inventory before = inventory_take();
    uint64_t seed = 4;

    test_threads(THREADS, hammer);
    for (int i = 0; i < SLOTS; i++)
        if (shared[i] != NULL) {
            object_toggle(shared[i], &seed);
            kfree(shared[i]);
        }
    inventory_same(&before, "kmalloc on all harts");
}

/* If only this one fails, something is changed without the lock that guards it. */
SELFTEST("kmalloc-harts", test_kmalloc_harts);
