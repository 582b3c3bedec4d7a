/* The block cache, on a disk of the test that counts its requests (test/disk_record.h): a block is
   read once, however often and by however many tasks it is wanted; who gets which error; what is
   given back when memory is short, and what stays.

   The tasks are threads that do what the test tells them, one after the other (test/actors.h), with
   one hart: so it is known who reads and who waits. Alone: make grade GRADE=--all TEST=cache */
#include <error.h>
#include <fs/cache.h>
#include <mm/shrink.h>
#include <report.h>
#include <string.h>
#include <test/actors.h>
#include <test/disk_record.h>
#include <test/testlib.h>

#define BLOCKS      300         /* more than there are buckets: there are chains */
#define TASKS       3

static struct test_disk disk;
static struct cached_block *got[TASKS];
static int errors[TASKS];
static uint32_t wanted;         /* the block that the tasks want */

/* Each block begins with its number, and ends with it. */
static void make_disk(void)
{
    test_disk_create(&disk, BLOCKS);
    for (uint32_t block = 0; block < BLOCKS; block++) {
        uint32_t *words = test_disk_block(&disk, block);

        words[0] = words[BLOCK_SIZE / sizeof(*words) - 1] = block + 1;
    }
}

/* Is it the content of that block of the disk? */
static bool is_block(const struct cached_block *entry, uint32_t block)
{
    const uint32_t *words = cache_data(entry);

    return words[0] == block + 1 && words[BLOCK_SIZE / sizeof(*words) - 1] == block + 1;
}

/* What the threads do. */
static int get_block(int number)
{
    got[number] = cache_get(wanted, &errors[number]);
    return got[number] != NULL;
}

static int get_zeroed(int number)
{
    got[number] = cache_get_new(wanted, true, &errors[number]);
    return got[number] != NULL;
}

static int put_block(int number)
{
    cache_put(got[number]);
    return 0;
}

/* A reference to a block that must be had. */
static struct cached_block *get(uint32_t block)
{
    int error;
    struct cached_block *entry = cache_get(block, &error);

    assert(entry != NULL);
    return entry;
}

/* Nothing is in the cache but what is used. */
static void empty_cache(void)
{
    while (shrink_memory() > 0)
        ;
}

/* All blocks, twice: the second time nothing is read. */
static void test_find(void)
{
    size_t before = disk.requests;
    bool right = true;

    for (int turn = 0; turn < 2; turn++)
        for (uint32_t block = 0; block < BLOCKS; block++) {
            struct cached_block *entry = get(block);

            right &= is_block(entry, block) && entry->block == block;
            cache_put(entry);
        }
    /* Blocks whose numbers differ by the size of the table are in one chain. */
    check("each block is found by its number", right);
    check_eq("and read once", disk.requests - before, BLOCKS);
    /* Else what one task writes another one would not read. */
    struct cached_block *one = get(7), *other = get(7);
    check("two references are to the same bytes", one == other);
    cache_put(one);
    check("what has a reference stays", shrink_memory() > 0 && is_block(other, 7));
    cache_put(other);
    before = disk.requests;
    cache_put(get(7));
    cache_put(get(256));                /* it was behind block 0 in a chain */
    check_eq("and so does what was used later than others", disk.requests - before, 0);
}

/* Blocks whose old content does not matter. A block that was just taken for a
   file has what another file left in it. */
static void test_zeroed(void)
{
    empty_cache();
    size_t before = disk.requests;
    int error;
    struct cached_block *entry = cache_get_new(9, true, &error);
    bool zeros = true;

    for (size_t i = 0; i < BLOCK_SIZE; i++)
        zeros &= ((uint8_t *)cache_data(entry))[i] == 0;
    check("a block is zeros without being read", zeros && disk.requests == before);
    memset(cache_data(entry), 'x', BLOCK_SIZE);
    cache_put(entry);
    entry = cache_get_new(9, true, &error);
    zeros = true;
    for (size_t i = 0; i < BLOCK_SIZE; i++)
        zeros &= ((uint8_t *)cache_data(entry))[i] == 0;
    check("also if it was in memory, with other content", zeros);
    cache_put(entry);
}

/* Errors of the disk, for one task. */
static void test_errors(void)
{
    int error = 0;

    empty_cache();
    /* The error is for the one who asks, and is not remembered. */
    disk.fail_at = disk.requests + 1;
    check("a block that cannot be read", cache_get(20, &error) == NULL && error == -E_IO);
    struct cached_block *entry = get(20);
    check("is read again by who wants it next", is_block(entry, 20));
    cache_put(entry);
    check("a block that the disk has not", cache_get(BLOCKS, &error) == NULL && error == -E_IO);
    /* What is in memory needs no disk: the request that would fail does not come. */
    entry = cache_get_new(21, false, &error);
    disk.fail_at = disk.requests + 1;
    check("is not read while it is in memory", get(21) == entry);
    cache_put(entry);
    cache_put(entry);
    disk.fail_at = 0;
}

/* Many at once. One of them is there, one fails: that is told only to who wants it. It is an offer,
   not a promise: nobody has asked for a certain block yet, so there is nobody to be told an
   error. */
static void test_read_ahead(void)
{
    uint32_t blocks[40];
    int error;

    for (uint32_t i = 0; i < ARRAY_SIZE(blocks); i++)
        blocks[i] = 100 + i;
    empty_cache();
    /* This one is there already. */
    cache_put(get(105));
    size_t before = disk.requests;
    disk.fail_at = before + 4;
    cache_read_ahead(blocks, ARRAY_SIZE(blocks));
    check_eq("what is not there is read ahead", disk.requests - before, ARRAY_SIZE(blocks) - 1);
    bool right = true;
    before = disk.requests;
    for (uint32_t i = 0; i < ARRAY_SIZE(blocks); i++) {
        struct cached_block *entry = get(blocks[i]);

        right &= is_block(entry, blocks[i]);
        cache_put(entry);
    }
    check("and right", right);
    check_eq("what could not be read is read again", disk.requests - before, 1);
    blocks[1] = BLOCKS;                 /* a number from a damaged disk */
    cache_read_ahead(blocks, 2);
    check("a wrong number is told to who wants it",
          cache_get(BLOCKS, &error) == NULL && error == -E_IO);
}

/* While the first task reads, the others come. The disk is slow, so they find the block in the
   cache, but not its content. */
static void want(uint32_t block, int (*how)(int number))
{
    wanted = block;
    disk.delay = 20;
    actor_do(0, get_block);
    actor_do(1, how);
    actor_do(2, get_block);
    actors_settle();
    disk.delay = 0;
}

/* Several tasks want one block, which is not there. If two read it there are two copies: one is
   changed, and the other one is written, or is read by the next. */
static void test_tasks(void)
{
    size_t before = disk.requests;

    empty_cache();
    /* The first one reads, which takes long; the others find that it is at it. */
    want(30, get_block);
    check("three tasks get one block", got[0] != NULL && got[0] == got[1] && got[0] == got[2]
          && is_block(got[0], 30));
    check_eq("which is read once", disk.requests - before, 1);
    for (int i = 0; i < TASKS; i++)
        actor_try(i, put_block);
    disk.fail_at = disk.requests + 1;
    want(31, get_block);
    check("all who have waited for a read that fails get the error",
          got[0] == NULL && got[1] == NULL && got[2] == NULL && errors[0] == -E_IO
          && errors[1] == -E_IO && errors[2] == -E_IO);
    /* The read must not come over the zeros. */
    want(32, get_zeroed);
    check("zeros come when the read has ended", got[1] != NULL && got[1] == got[2]
          && *(uint32_t *)cache_data(got[1]) == 0);
    for (int i = 0; i < TASKS; i++)
        actor_try(i, put_block);
    disk.fail_at = disk.requests + 1;
    want(33, get_zeroed);
    check("and if it has failed too", got[0] == NULL && got[1] != NULL && errors[0] == -E_IO
          && *(uint32_t *)cache_data(got[1]) == 0);
    actor_try(1, put_block);
    if (got[2] != NULL)
        actor_try(2, put_block);
}

/* A task is stopped on its way, and another one wants the same block meanwhile. The place that
   matters is between the look that has not found the block and the moment when it is in the list;
   it is not known which number that is, so all are tried. */
static void test_race(void)
{
    bool right = true;

    empty_cache();
    for (int place = 1; place <= 8; place++) {
        size_t before = disk.requests;

        wanted = 200 + place;
        actor_stall(0, place);
        actor_do(0, get_block);
        for (int turn = 0; turn < 10; turn++)
            schedule();                 /* until it is stopped there */
        actor_do(1, get_block);
        actors_settle();
        right &= got[0] == got[1] && is_block(got[0], wanted) && disk.requests == before + 1;
        actor_try(0, put_block);
        actor_try(1, put_block);
    }
    check("wherever another task comes between, they get one block, which is read once", right);
}

/* The blocks that were not used for the longest time go first. From the oldest to the latest use
   they are 2, 3, ..., 199, 0; block 1 has a reference, so it is not among those that can go. */
static void test_order(void)
{
    empty_cache();
    for (uint32_t block = 0; block < 200; block++)
        cache_put(get(block));
    cache_put(get(0));
    struct cached_block *held = get(1);
    size_t given = shrink_memory(), before = disk.requests;
    check("a part of the cache is given back at once", given > 0 && given < 200);
    cache_put(get(0));
    cache_put(get(1));
    cache_put(get(199));
    check_eq("not what was used lately, nor what is used", disk.requests - before, 0);
    cache_put(get(2));
    check_eq("but the oldest", disk.requests - before, 1);
    cache_put(held);
}

/* Without other memory clean blocks make room; blocks that are used do not. */
static void test_memory(void)
{
    struct hoard hoard = { .count = 0 };
    struct cached_block *held[8];
    uint32_t n = 0;
    int error = 0;

    empty_cache();
    for (uint32_t block = 0; block < 100; block++)
        cache_put(get(block));
    /* To take the last page asks for what can be given back: so the hoard gets the pages of the
       cache too. */
    struct inventory full = { .pages = nr_free_pages() };
    hoard_take(&hoard);
    check("clean blocks are given back one and all", hoard.count >= full.pages + 100);
    /* A block needs a page, and all of them together one for their entries, perhaps. */
    hoard_give(&hoard, 5);
    while (n < ARRAY_SIZE(held) && (held[n] = cache_get(n, &error)) != NULL)
        n++;
    check("with five pages there are about so many blocks", n >= 3 && n <= 5);
    check_eq("and no more", error, -E_NO_MEM);
    check("nor zeros", cache_get_new(n, true, &error) == NULL && error == -E_NO_MEM);
    /* To read ahead is not worth an error. */
    cache_read_ahead((uint32_t[]){ 100, 101, 102 }, 3);
    cache_put(held[0]);
    held[0] = cache_get(n, &error);
    check("a block that is clean makes room for another", held[0] != NULL && is_block(held[0], n));
    while (n > 0)
        cache_put(held[--n]);
    hoard_end(&hoard);
}

/* What the whole test takes it gives back. */
static void test_cache(void)
{
    actors_can_stall();
    actors_begin(TASKS);
    struct inventory before = inventory_take();
    make_disk();
    assert_eq(cache_open(&disk.device), 0);
    test_find();
    test_zeroed();
    test_errors();
    test_read_ahead();
    test_tasks();
    test_race();
    test_order();
    test_memory();
    for (uint32_t block = 0; block < BLOCKS; block++)
        cache_put(get(block));
    cache_close();
    test_disk_destroy(&disk);
    inventory_same(&before, "the cache");
}
SELFTEST_AT(STAGE_INIT, "cache", test_cache);

/* Somebody still has a block: its page would be given to others. */
static void test_cache_in_use(void)
{
    make_disk();
    assert_eq(cache_open(&disk.device), 0);
    get(1);
    cache_close();
    panic("not caught: a cache is closed while a block is used");
}
SELFTEST("cache-in-use", test_cache_in_use);
