/* buffer: threads that make items, and threads that take them, with a bounded buffer between.

   Who finds the buffer full or empty waits: by default on condition variables, with the word
   "semaphores" for a unit of a semaphore. Each item is taken once, those of one producer in order,
   and the buffer never has more than its size. */
#include <report.h>
#include <stdio.h>
#include <string.h>
#include <sync.h>
#include <testing.h>
#include <ulib.h>

#define SIZE            4
#define PRODUCERS       3
#define CONSUMERS       2
#define ITEMS           400             /* of each producer */

static int mutex;

/* Guarded by the mutex: a ring of items. */
static int items[SIZE], first, count;

static void add(int item)
{
    if (count < 0 || count >= SIZE)
        panic("an item is added to %d", count);
    items[(first + count++) % SIZE] = item;
}

static int take(void)
{
    if (count <= 0 || count > SIZE)
        panic("an item is taken of %d", count);
    int item = items[first];

    first = (first + 1) % SIZE;
    count--;
    return item;
}

/* With condition variables. */
static int not_full, not_empty;

static void put(int item)
{
    assert(mutex_lock(mutex) == 0);
    while (count == SIZE)
        assert(condvar_wait(not_full, mutex) == 0);
    add(item);
    assert(condvar_signal(not_empty) == 0);
    assert(mutex_unlock(mutex) == 0);
}

static int get(void)
{
    assert(mutex_lock(mutex) == 0);
    while (count == 0)
        assert(condvar_wait(not_empty, mutex) == 0);
    int item = take();

    assert(condvar_signal(not_full) == 0);
    assert(mutex_unlock(mutex) == 0);
    return item;
}

/* With semaphores: who has a unit of `room` may add an item, who has one of `stock` may take
   one. */
static int room, stock;

static void put_by_semaphore(int item)
{
    assert(sem_wait(room) == 0 && mutex_lock(mutex) == 0);
    add(item);
    assert(mutex_unlock(mutex) == 0 && sem_post(stock) == 0);
}

static int get_by_semaphore(void)
{
    assert(sem_wait(stock) == 0 && mutex_lock(mutex) == 0);
    int item = take();

    assert(mutex_unlock(mutex) == 0 && sem_post(room) == 0);
    return item;
}

static bool semaphores;
static int taken[PRODUCERS * ITEMS];    /* how often; changed atomically */

static void produce(int producer)
{
    for (int i = 0; i < ITEMS; i++) {
        if (semaphores)
            put_by_semaphore(producer * ITEMS + i);
        else
            put(producer * ITEMS + i);
        yield_often(i % 7 == producer);
    }
}

/* Take a fair share of all items. */
static void consume(void)
{
    int last[PRODUCERS] = { -1, -1, -1 };

    for (int i = 0; i < PRODUCERS * ITEMS / CONSUMERS; i++) {
        int item = semaphores ? get_by_semaphore() : get(), producer = item / ITEMS;

        if (item % ITEMS <= last[producer])
            panic("item %d of producer %d comes behind item %d", item % ITEMS, producer,
                  last[producer]);
        last[producer] = item % ITEMS;
        __atomic_fetch_add(&taken[item], 1, __ATOMIC_RELAXED);
        yield_often(i % 5 == 0);
    }
}

static int work(void *number)
{
    if ((uintptr_t)number < PRODUCERS)
        produce((uintptr_t)number);
    else
        consume();
    return 0;
}

int main(int argc, char **argv)
{
    bool once = true;

    semaphores = argc > 1 && strcmp(argv[1], "semaphores") == 0;
    mutex = mutex_create();
    not_full = condvar_create();
    not_empty = condvar_create();
    room = sem_init(SIZE);
    stock = sem_init(0);
    assert(mutex > 0 && not_full > 0 && not_empty > 0 && room > 0 && stock > 0);
    run_together(PRODUCERS + CONSUMERS, true, work);
    for (int i = 0; i < PRODUCERS * ITEMS; i++)
        once = once && taken[i] == 1;
    check("each item is taken once, and in order", once);
    check_eq("and nothing is left", count, 0);
    return check_done();
}
