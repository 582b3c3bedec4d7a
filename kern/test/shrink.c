/* Memory that the kernel keeps for later use comes back when there is no other: see mm/shrink.h. A
   wrong kernel says that memory is used up while some is left in its caches.

   All runs on the boot hart's idle process, with one hart: then the numbers are exact. Each part
   begins with empty caches and takes all pages; what it fills then is all that can come back. It
   asks in one way, and the answer must be memory. The last part holds a spinlock, so that nothing
   may come back: an allocation that called a shrinker there could wait for its own lock.

   Alone: make grade GRADE=--all TEST=shrink */
#include <mm/kmalloc.h>
#include <mm/kstack.h>
#include <mm/shrink.h>
#include <report.h>
#include <test/testlib.h>

/* Leave kernel stacks in their cache: how many pages they have. */
static size_t keep_stacks(void)
{
    size_t before = nr_free_pages() + kstack_table_pages();
    uintptr_t kstack = kstack_alloc();

    assert(kstack != 0);
    kstack_free(kstack);
    return before - nr_free_pages() - kstack_table_pages();
}

/* Leave an empty slab in a cache. */
static void keep_slab(void)
{
    void *object = kmalloc(100);

    assert(object != NULL);
    kfree(object);
}

/* Pages one by one: those of the stacks and of the slab are among them. */
static void test_pages(void)
{
    struct inventory before = inventory_take();
    struct hoard hoard = { .count = 0 };

    size_t stacks = keep_stacks();
    keep_slab();
    check("free stacks and empty slabs are kept", stacks > 0
          && nr_free_pages() + kstack_table_pages() == before.pages - stacks - 1);
    hoard_take(&hoard);
    check_eq("without other memory their pages are handed out",
             hoard.count + kstack_table_pages(), before.pages);
    check_eq("now there is nothing that could be given back", shrink_memory(), 0);
    hoard_end(&hoard);
    inventory_same(&before, "pages that were kept");
}

/* Which slab becomes empty, and which stays in use, depends on the order in which objects are
   freed. Only the empty one may go. */
static void test_slabs(void)
{
    struct inventory before = inventory_take();
    void *objects[96];

    for (size_t i = 0; i < ARRAY_SIZE(objects); i++) {
        objects[i] = kmalloc(100);
        assert(objects[i] != NULL);
    }
    struct Page *first = kva2page(objects[0]), *empty = kva2page(objects[48]);
    assert(first != empty);
    kfree(objects[0]);
    for (size_t i = 1; i < ARRAY_SIZE(objects); i++)
        if (kva2page(objects[i]) == empty)
            kfree(objects[i]);
    check_eq("the slab that became empty last is given back, and no other", shrink_memory(), 1);
    for (size_t i = 1; i < ARRAY_SIZE(objects); i++)
        if (kva2page(objects[i]) != empty)
            kfree(objects[i]);
    inventory_same(&before, "slabs that became empty in another order");
}

/* An allocator that holds its own lock asks for a page in vain, and tries again without it. */
static void test_objects(void)
{
    struct inventory before = inventory_take();
    struct hoard hoard = { .count = 0 };
    void *object = kmalloc(100);

    hoard_take(&hoard);
    kfree(object);
    object = kmalloc(1000);
    check("an object gets the page of another cache's empty slab", object != NULL);
    kfree(object);
    hoard_give(&hoard, KSTACKPAGE - 1);
    uintptr_t kstack = kstack_alloc();
    check("a stack gets it too, if one page is missing", kstack != 0);
    if (kstack != 0)
        kstack_free(kstack);
    hoard_end(&hoard);
    inventory_same(&before, "objects and stacks without other memory");
}

/* Pages in the hart's own cache are free, but the manager cannot make a block of them. */
static void test_block(void)
{
    struct inventory before = inventory_take();
    struct hoard hoard = { .count = 0 };
    struct Page *block = alloc_pages(2);

    assert(block != NULL);
    hoard_take(&hoard);
    free_page(block);
    free_page(block + 1);
    block = alloc_pages(2);
    check("two pages that came back one by one make a block", block != NULL);
    if (block != NULL)
        free_pages(block, 2);
    hoard_end(&hoard);
    inventory_same(&before, "a block of pages that were kept");
}

/* The same request twice: while a lock is held it must fail, and right after that it must succeed.
   So the page was there both times, and only the lock has kept it from coming back. */
static void test_with_lock(void)
{
    static struct spinlock lock = SPINLOCK_INIT("test lock", RANK_WAIT);
    struct inventory before = inventory_take();
    struct hoard hoard = { .count = 0 };
    void *object = kmalloc(100);

    hoard_take(&hoard);
    kfree(object);
    spin_lock(&lock);
    struct Page *page = alloc_page();
    spin_unlock(&lock);
    check("with a spinlock held nothing is given back", page == NULL);
    page = alloc_page();
    check("without it, it is", page != NULL);
    if (page != NULL)
        free_page(page);
    hoard_end(&hoard);
    inventory_same(&before, "pages with a spinlock held");
}

/* From single pages to blocks; each part gives back all that it took. */
static void test_shrink(void)
{
    test_pages();
    test_slabs();
    test_objects();
    test_block();
    test_with_lock();
}

/* If stock_check() panics, the part that it names has kept something: a page that a shrinker counts
   but does not give back, or gives back twice. */
SELFTEST_AT(STAGE_BOOT, "shrink", test_shrink);
