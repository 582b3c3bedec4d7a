/* Exercise 8.4, one step of one thread at a time: "pipe-moments" stops a thread wherever another
   one could come between, and lets that one do all that it does. So each order of two calls is
   tried that can be, and none is left to chance.

   With one hart a thread can only be stopped where it gives back its last lock. A function that
   looks without the lock has more such places, and there it is caught.

   Alone: make grade TEST=pipe-moments. */
#include <error.h>
#include <report.h>
#include <test/pipe.h>
#include <test/testlib.h>

#define PLACES      40                  /* more than a call has places to be stopped at */

/* One does something and is stopped on the way, at one of its places; the other comes meanwhile. */
static void stop_and(int (*stopped)(int number), int (*other)(int number), int place)
{
    actor_stall(0, place);
    actor_do(0, stopped);
    /* Long enough for the first one to come to its place, or to its end. */
    for (int i = 0; i < 20; i++)
        schedule();
    actor_do(1, other);
    actors_settle();
}

static int do_close_writer(__not_used int number)
{
    close_writer();
    return 0;
}

static int do_close_reader(__not_used int number)
{
    close_reader();
    return 0;
}

/* A wake-up that falls between the look and the sleep is lost: then one of the two sleeps for
   ever. With a lock that is held from the look to the sleep there is no such place.

   stop_and() stops the first thread where it gives back its last lock for the n-th time, lets the
   second one do all that it does, and then the first one go on. That is tried at each such place:

     reader, stopped      writer
     ---------------      ------
     nothing there
     (stopped here)
                          a byte; wakes all who sleep: nobody does
     sleeps, for ever

   The last two parts have two of one kind. Both have seen the same byte, or the same room, before
   one of them takes it: so the other one must look again, with the lock, where it takes or puts. */
static void test_moments(void)
{
    bool right = true, ok;

    /* PLACES is more than any call has; those behind its end stop nobody, and do no harm. */
    actors_can_stall();
    actors_begin(2);
    for (int place = 1; right && place < PLACES; place++) {
        pipe_begin();
        stop_and(do_get, do_put_byte, place);
        right = actor_done(0) && actor_result(0) == 1 && got_right;
        pipe_end();
    }
    check("a reader gets the byte that is written, wherever it is stopped", right);
    for (int place = 1; right && place < PLACES; place++) {
        pipe_begin();
        stop_and(do_get, do_close_writer, place);
        right = actor_done(0) && actor_result(0) == 0;
        pipe_end();
    }
    check("a reader sees the end of the writer, wherever it is stopped", right);
    for (int place = 1; right && place < PLACES; place++) {
        pipe_begin();
        put(ROOM);
        stop_and(do_put_byte, do_get, place);
        right = actor_done(0) && actor_result(0) == 1 && waiting() == ROOM - 99;
        pipe_end();
    }
    check("a writer gets the room that is made, wherever it is stopped", right);
    for (int place = 1; right && place < PLACES; place++) {
        pipe_begin();
        put(ROOM);
        stop_and(do_put_byte, do_close_reader, place);
        right = actor_done(0) && actor_result(0) == -E_PIPE;
        pipe_end();
    }
    check("a writer sees the end of the reader, wherever it is stopped", right);
    for (int place = 1; right && place < PLACES; place++) {
        pipe_begin();
        put(1);
        stop_and(do_get, do_get, place);
        right = actor_done(0) != actor_done(1);
        put(1);
        actors_settle();
        right &= actor_done(0) && actor_done(1) && actor_result(0) + actor_result(1) == 2;
        pipe_end();
    }
    check("a byte that two readers have seen is for one, and the other one waits on", right);
    for (int place = 1; right && place < PLACES; place++) {
        pipe_begin();
        put(ROOM - ATOMIC);
        stop_and(do_put_atomic, do_put_atomic, place);
        right = actor_done(0) != actor_done(1) && waiting() == ROOM;
        get(ROOM, &ok);
        actors_settle();
        right &= actor_done(0) && actor_done(1) && waiting() == ATOMIC;
        pipe_end();
    }
    check("room that two writers have seen is for one, and the other one waits on", right);
}

SELFTEST_AT(STAGE_INIT, "pipe-moments", test_moments);
