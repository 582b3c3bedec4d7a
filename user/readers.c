/* readers: readers and writers. Many may read at once, one may write, and nobody starves.

   All go in in the order in which they came. By default they are threads, which use a mutex and a
   condition variable. With the word "processes" they are processes, which use two semaphores: one
   is the door, and the other one has a unit for each that may be inside; a writer takes them all.

   Everybody goes on until all have done enough. So if readers never let in a writer, or the other
   way round, the program does not end. */
#include <report.h>
#include <stdio.h>
#include <string.h>
#include <sync.h>
#include <testing.h>
#include <ulib.h>

#define READERS         4
#define WRITERS         2
#define ENOUGH          50

/* The judge: so many are reading, and writing, and have done enough. */
static int reading, writing, content;

static void read_it(void)
{
    assert(sem_post(reading) == 0);
    if (sem_units(writing) != 0)
        panic("one reads while another one writes");
    yield_often(3);
    if (sem_units(writing) != 0)
        panic("one writes while another one reads");
    assert(sem_wait(reading) == 0);
}

static void write_it(void)
{
    assert(sem_post(writing) == 0);
    if (sem_units(writing) != 1 || sem_units(reading) != 0)
        panic("one writes, but is not alone");
    yield_often(2);
    if (sem_units(writing) != 1 || sem_units(reading) != 0)
        panic("one comes while another one writes");
    assert(sem_wait(writing) == 0);
}

/* For threads. Who comes draws a number, and goes in when that is next, and when those inside allow
   it. The numbers are guarded by the mutex. */
static int mutex, changed;              /* a mutex and a condition variable */
static int drawn, next, readers_inside, writers_inside;

static void enter(bool writer)
{
    assert(mutex_lock(mutex) == 0);
    int number = drawn++;

    while (number != next || writers_inside > 0 || (writer && readers_inside > 0))
        assert(condvar_wait(changed, mutex) == 0);
    if (number != next++)
        panic("number %d goes in before one that came earlier", number);
    *(writer ? &writers_inside : &readers_inside) += 1;
    assert(condvar_broadcast(changed) == 0);        /* a reader may follow at once */
    assert(mutex_unlock(mutex) == 0);
}

static void leave(bool writer)
{
    assert(mutex_lock(mutex) == 0);
    *(writer ? &writers_inside : &readers_inside) -= 1;
    assert(condvar_broadcast(changed) == 0);
    assert(mutex_unlock(mutex) == 0);
}

/* For processes. Who has the door waits there for room, and all others behind him. */
static int door, room;

static void enter_by_door(bool writer)
{
    assert(sem_wait(door) == 0);
    for (int units = writer ? READERS : 1; units > 0; units--)
        assert(sem_wait(room) == 0);
    assert(sem_post(door) == 0);
}

static void leave_room(bool writer)
{
    for (int units = writer ? READERS : 1; units > 0; units--)
        assert(sem_post(room) == 0);
}

static bool processes;

/* The first numbers are readers. */
static int work(void *number)
{
    bool writer = (uintptr_t)number >= READERS;

    for (int turn = 1; sem_units(content) < READERS + WRITERS; turn++) {
        if (processes)
            enter_by_door(writer);
        else
            enter(writer);
        if (writer)
            write_it();
        else
            read_it();
        if (processes)
            leave_room(writer);
        else
            leave(writer);
        if (turn == ENOUGH)
            assert(sem_post(content) == 0);
    }
    return 0;
}

int main(int argc, char **argv)
{
    processes = argc > 1 && strcmp(argv[1], "processes") == 0;
    reading = sem_init(0);
    writing = sem_init(0);
    content = sem_init(0);
    mutex = mutex_create();
    changed = condvar_create();
    door = sem_init(1);
    room = sem_init(READERS);
    assert(reading > 0 && writing > 0 && content > 0 && mutex > 0 && changed > 0);
    assert(door > 0 && room > 0);
    run_together(READERS + WRITERS, !processes, work);
    check_eq("readers and writers have all done enough, and none met another one's writing",
             sem_units(content), READERS + WRITERS);
    check("nobody is left inside", sem_units(reading) == 0 && sem_units(writing) == 0
                                       && sem_units(room) == READERS);
    return check_done();
}
