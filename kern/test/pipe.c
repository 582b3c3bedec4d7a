/* Exercise 8.4: pipes. The test reads and writes the inode of a pipe by its operations, with memory
   of the kernel: so no descriptor, no program and no disk is needed.

   "pipe-ring" moves bytes round the buffer, "pipe-wait" looks who sleeps, and who is woken, and
   "pipe-ends" closes. pipe_moments.c and pipe_race.c are about several at a time.

   The test is initproc, and never sleeps in what it tests: threads do, see actors.h. If a pipe that
   should have room, or data, makes the test itself wait, a kernel that has nothing else to run says
   "deadlock" and for what it waits.

   Alone: make grade TEST="pipe-*". */
#include <error.h>
#include <report.h>
#include <string.h>
#include <test/pipe.h>
#include <test/testlib.h>

struct inode *pipe;
bool got_right;
static uint64_t sent, received;         /* bytes that went in, and came out, by the test */

/* What the tests know of a pipe's inside is what pipe.c draws: a buffer of ROOM bytes, in which
   what was written and not yet read lies somewhere, perhaps in two parts:

     |hij                    abcdefg|       the next byte that is read is a, the last one j

   They see it by its operations only: how much comes out and goes in, what waits, who sleeps. */

/* Byte `at` of all that goes through a pipe: so a byte that is lost, comes twice or comes from
   elsewhere is seen. The first 64 KiB have no period. */
static uint8_t byte_of(uint64_t at)
{
    return at * 13 + (at >> 8) * 5;
}

/* As pipe() makes it, with both ends open. */
void pipe_begin(void)
{
    pipe = pipe_create();
    assert(pipe != NULL);
    sent = received = 0;
}

/* Both ends are closed, and the inode is given back: then nobody may use it. */
void pipe_end(void)
{
    pipe->in_ops->vop_close(pipe, true, true);
    inode_put(pipe);
}

/* The next two are what a program's write() and read() come to, without a descriptor: the loops of
   pipe_write() and pipe_read(), which call the functions of the exercise. The memory is the
   kernel's, so pinning it does nothing and cannot fail.

   Their buffers are static, for a stack of the kernel is small; several threads use them at once
   only where the bytes are the same for all, or are not looked at. */

/* Write n bytes, the next ones: how many went in, or the error before the first. */
long put(size_t n)
{
    static uint8_t bytes[3 * ROOM];
    struct iobuf iob = iobuf_kernel(bytes, n, 0);

    for (size_t i = 0; i < n; i++)
        bytes[i] = byte_of(sent + i);
    int error = vop_data(pipe, vop_write, &iob);
    sent += n - iob.io_resid;
    return error != 0 && iob.io_resid == n ? error : (long)(n - iob.io_resid);
}

/* Read up to n bytes. Are they the next ones? */
long get(size_t n, bool *right)
{
    static uint8_t bytes[3 * ROOM];
    struct iobuf iob = iobuf_kernel(bytes, n, 0);
    int error = vop_data(pipe, vop_read, &iob);
    long got = n - iob.io_resid;

    *right = error == 0;
    for (long i = 0; i < got; i++)
        *right &= bytes[i] == byte_of(received + i);
    received += got;
    return error != 0 ? error : got;
}

/* How many bytes wait in the pipe, as fstat() tells. */
long waiting(void)
{
    struct stat stat;

    return vop_data(pipe, vop_fstat, &stat) == 0 ? (long)stat.st_size : -1;
}

/* Nothing is held any more. */
static bool at_rest(void)
{
    return holds_no_lock() && irq_enabled();
}

/* In order, no more and no less. What is in the pipe after each step:

     put(5)      |abcde           |      waiting 5
     get(3)      |   de           |      waiting 2
     get(100)    |                |      waiting 0, and the next byte is put behind e

   If `waiting` is wrong and the bytes are right, one of the two positions is not moved by as much
   as pipe_move() has moved. */
static void test_order(void)
{
    bool right;

    pipe_begin();
    check_eq("five bytes go in", put(5), 5);
    check_eq("and wait there", waiting(), 5);
    check("three of them come out, the first ones", get(3, &right) == 3 && right);
    check_eq("two are left", waiting(), 2);
    /* To wait for all 100 could last for ever: the writer may wait for an answer to these two. */
    check_eq("a read of more than there is gives what there is", get(100, &right), 2);
    check("which is what was written behind", right);
    check_eq("the pipe is empty", waiting(), 0);
    check_eq("a write of nothing is nothing", put(0), 0);
    check_eq("and so is a read", get(0, &right), 0);
    check("several writes", put(10) == 10 && put(20) == 20 && put(30) == 30);
    check("come as one read, in order", get(100, &right) == 60 && right);
    check("no lock is left taken", at_rest());
    pipe_end();
}

/* Round the end of the buffer, at each place in it: in two parts, of which one may be empty.

   The first loop has pieces of 1 to 97 bytes, so that the end falls on each byte of a piece: also
   on its first and on its last, where one of the parts has no byte. The second one has three pieces
   of 4 KiB and less in the pipe at a time. What is moved to a wrong place, or twice, is found when
   that place is read; what is moved behind the buffer damages the memory of somebody else, which
   may be found much later, by a panic of kfree(). */
static void test_round(void)
{
    bool right, all = true;
    long wrong = 0;

    pipe_begin();
    for (size_t i = 0; all && i < 2 * ROOM / 3; i++) {
        size_t n = 1 + i % 97;

        wrong += put(n) != (long)n;
        all = get(n, &right) == (long)n && right;
    }
    check("what goes round the end of the buffer comes out as it went in", all);
    check_eq("each write was whole (how many were not)", wrong, 0);
    for (size_t i = 0; all && i < 50; i++) {
        size_t n = ATOMIC - i * 3;

        all = put(n) == (long)n && put(n) == (long)n && put(n) == (long)n
            && waiting() == (long)n * 3
            && get(2 * n, &right) == (long)(2 * n) && right
            && get(ROOM, &right) == (long)n && right;
    }
    check("also with much in it", all);
    /* A ring of which one byte must stay free has positions that wrap too early: these here count
       for ever, so full and empty are not the same. */
    check("all of the buffer can be used", put(ATOMIC) + put(ATOMIC) + put(ATOMIC) + put(ATOMIC)
          == ROOM && waiting() == ROOM);
    check("and is right", get(ROOM, &right) == ROOM && right);
    check("a write of all that there is room for", put(ROOM) == ROOM && get(ROOM, &right) == ROOM
          && right);
    check_eq("the pipe is empty", waiting(), 0);
    pipe_end();
}

/* Nobody needs to wait here. If it ends with "deadlock" a call waits for what is there. */
static void test_ring(void)
{
    test_order();
    test_round();
}

SELFTEST_AT(STAGE_INIT, "pipe-ring", test_ring);

int do_get(__not_used int number)
{
    return get(100, &got_right);
}

int do_put_byte(__not_used int number)
{
    return put(1);
}

int do_put_atomic(__not_used int number)
{
    return put(ATOMIC);
}

static int do_put_long(__not_used int number)
{
    return put(ROOM + 2 * ATOMIC);
}

/* An empty pipe. actor_try() lets a thread call something, and everybody run until all sleep: true
   if that call has come back. So "waits" is !actor_try(), and a thread that should wait and does
   not is seen at once.

     thread 0              the test
     --------              --------
     read: sleeps
                           put(1): wakes it
     has the byte                                actors_settle() lets it run
*/
static void test_reader(void)
{
    pipe_begin();
    check("a read of an empty pipe waits", !actor_try(0, do_get));
    check_eq("a byte is written", put(1), 1);
    actors_settle();
    check("the reader is woken, and has it", actor_done(0) && actor_result(0) == 1 && got_right);
    check_eq("nothing is left", waiting(), 0);
    /* Both may be woken. The one that comes second finds nothing, and must look again: `while`, and
       not `if`, round the sleep. With `if` it reads 0 bytes, which means the end. */
    check("two readers wait", !actor_try(0, do_get) && !actor_try(1, do_get));
    put(1);
    actors_settle();
    check("a byte is for one of them", actor_done(0) != actor_done(1));
    put(1);
    actors_settle();
    check("the next byte is for the other one", actor_done(0) && actor_done(1));
    check("a read does not wait until it has all that it asked for",
          put(7) == 7 && actor_try(0, do_get) && actor_result(0) == 7 && got_right);
    pipe_end();
}

/* A full one: the same with the roles changed. What a writer waits for is room, and room is made by
   readers only; so pipe_take() must wake writers, and pipe_put() readers. Who wakes his own kind
   lets the other one sleep. */
static void test_writer(void)
{
    bool right;

    pipe_begin();
    check_eq("the pipe is filled", put(ROOM), ROOM);
    check("a write to a full pipe waits", !actor_try(0, do_put_byte));
    /* Each read that makes room must wake the writers: nobody else does. */
    check("one byte is read", get(1, &right) == 1 && right);
    actors_settle();
    check("the writer is woken, and its byte is in", actor_done(0) && actor_result(0) == 1);
    check_eq("the pipe is full again", waiting(), ROOM);
    check("all of it is right", get(ROOM, &right) == ROOM && right);
    /* The one that has waited longer needs more than there is. The other one must not wait for
       him: so all are woken, and each looks whether there is room for him. */
    put(ROOM);
    check("two writers wait, for much and for little", !actor_try(0, do_put_atomic)
          && !actor_try(1, do_put_byte));
    get(1, &right);
    actors_settle();
    check("a byte is read: there is room for the second one", actor_done(1) && !actor_done(0));
    get(ROOM, &right);
    actors_settle();
    check("and then for the first", actor_done(0) && waiting() == ATOMIC);
    pipe_end();
}

/* A write of up to 4096 bytes goes in whole, so that lines of several writers do not mix; a longer
   one in pieces, or it could never go in. */
static void test_whole(void)
{
    bool right;

    pipe_begin();
    put(ROOM - ATOMIC + 1);
    check("a write of 4096 bytes waits if there is room for 4095", !actor_try(0, do_put_atomic));
    /* Else the rest comes later, and another writer's line in between. */
    check_eq("nothing of it is in the pipe", waiting(), ROOM - ATOMIC + 1);
    check("one byte is read", get(1, &right) == 1 && right);
    actors_settle();
    check("then it goes in whole", actor_done(0) && actor_result(0) == ATOMIC
          && waiting() == ROOM);
    get(ROOM, &right);
    /* 24 KiB, behind 100 bytes, so that the last piece that goes in is a part of 4096. */
    check_eq("a hundred bytes go in", put(100), 100);
    check("a write of more than the pipe has room for waits", !actor_try(0, do_put_long));
    check_eq("when the pipe is full", waiting(), ROOM);
    check("a read makes room, and the write goes on", get(ATOMIC, &right) == ATOMIC && right);
    actors_settle();
    check("it waits for more room", !actor_done(0) && waiting() == ROOM);
    check("and once more", get(ATOMIC, &right) == ATOMIC && right);
    actors_settle();
    check("a hundred bytes are missing", !actor_done(0) && waiting() == ROOM);
    check("until all is in", get(100, &right) == 100 && right);
    actors_settle();
    check("it has written all", actor_done(0) && actor_result(0) == ROOM + 2 * ATOMIC);
    check("no byte is lost, and none comes twice", get(ROOM, &right) == ROOM && right
          && waiting() == 0);
    pipe_end();
}

/* A kill ends each wait, at once, and changes nothing. wait_sleep() is false then; the call comes
   back with an error, and the process ends on its way back to its program. A loop that sleeps again
   would keep it, and with it who waits for its end; one that takes the kill for the end of the file
   gives the program a result that is not true.

   The threads of this test have no process that could end: so they can be revived. */
static void test_kill(void)
{
    bool right;

    pipe_begin();
    check("a reader waits", !actor_try(0, do_get));
    actor_kill(0);
    actors_settle();
    check_eq("a kill ends that", actor_result(0), -E_KILLED);
    actor_revive(0);
    put(ROOM);
    check("a writer waits", !actor_try(0, do_put_byte));
    actor_kill(0);
    actors_settle();
    check_eq("a kill ends that too", actor_result(0), -E_KILLED);
    actor_revive(0);
    check("what was in the pipe is still there", get(ROOM, &right) == ROOM && right);
    check("and the next read waits as before", !actor_try(0, do_get));
    put(3);
    actors_settle();
    check_eq("until there is something", actor_result(0), 3);
    pipe_end();
}

/* A thread that should sleep and does not, or the other way round: actor_try() tells. */
static void test_wait(void)
{
    actors_begin(3);
    test_reader();
    test_writer();
    test_whole();
    test_kill();
}

SELFTEST_AT(STAGE_INIT, "pipe-wait", test_wait);

/* Nobody will write: what is there can be read, then it is the end.

     bytes in the pipe   writer's end   a read
     -----------------   ------------   ------
     some                open           gives them
     some                closed         gives them
     none                open           waits
     none                closed         is 0, the end of the file
*/
static void test_no_writer(void)
{
    bool right;

    pipe_begin();
    put(5);
    close_writer();
    check("what was written before the end is read", get(3, &right) == 3 && right
          && get(100, &right) == 2 && right);
    check_eq("then it is the end of the file: a read is 0", get(100, &right), 0);
    check_eq("and again", get(100, &right), 0);
    pipe_end();
    pipe_begin();
    /* All of them: the end is there for each, and no second close will come. */
    check("two readers wait", !actor_try(0, do_get) && !actor_try(1, do_get));
    close_writer();
    actors_settle();
    check("the writer's end closes: each of them is woken", actor_done(0) && actor_done(1));
    check_eq("and reads 0, the end", actor_result(0) + actor_result(1), 0);
    pipe_end();
}

/* Nobody will read: each write is an error, and nobody waits for room.

     room in the pipe    reader's end   a write
     ----------------    ------------   -------
     enough              open           goes in
     too little          open           waits
     enough, or not      closed         is -E_PIPE
*/
static void test_no_reader(void)
{
    pipe_begin();
    put(5);
    close_reader();
    check_eq("a write that nobody will read is -E_PIPE", put(1), -E_PIPE);
    check_eq("nothing of it goes in", waiting(), 5);
    check("also a long one", actor_try(0, do_put_long) && actor_result(0) == -E_PIPE);
    pipe_end();
    pipe_begin();
    put(ROOM);
    check("two writers wait", !actor_try(0, do_put_byte) && !actor_try(1, do_put_atomic));
    close_reader();
    actors_settle();
    check("the reader's end closes: each of them is woken", actor_done(0) && actor_done(1));
    check("and is told -E_PIPE", actor_result(0) == -E_PIPE && actor_result(1) == -E_PIPE);
    pipe_end();
    pipe_begin();
    /* What went in counts, as with any write that an error ends. */
    check("a long write is half done", !actor_try(0, do_put_long));
    close_reader();
    actors_settle();
    check_eq("it tells how much went in", actor_result(0), ROOM);
    pipe_end();
}

/* Closing one end is not closing the other. */
static void test_one_end(void)
{
    pipe_begin();
    close_reader();
    check("the reader's end has gone, the writer's is there: a read of it would wait",
          !actor_try(0, do_get));
    close_writer();
    actors_settle();
    check("until that goes too", actor_done(0) && actor_result(0) == 0);
    check_eq("the reader's end does not come back by that", put(1), -E_PIPE);
    inode_put(pipe);
    pipe_begin();
    close_writer();
    close_reader();
    check("nor does the writer's, the other way round", actor_try(0, do_get)
          && actor_result(0) == 0);
    check("no lock is left taken", at_rest());
    inode_put(pipe);
}

/* A pipe whose end nobody sees keeps somebody asleep for ever: the commonest bug of a shell. */
static void test_ends(void)
{
    actors_begin(2);
    test_no_writer();
    test_no_reader();
    test_one_end();
}

SELFTEST_AT(STAGE_INIT, "pipe-ends", test_ends);
