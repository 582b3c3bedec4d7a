/* Exercise 8.3, second part: the position that is shared, and what happens if several use a table
   at the same time.

   "files-position" reads and writes; "files-moments" stops a thread wherever another one could come
   between, while that one closes; "files-race" has four harts read one file, and looks whether a
   table's lock keeps others away. See files.h.

   Alone: make grade TEST="files-*". */
#include <error.h>
#include <process/proc.h>
#include <report.h>
#include <test/actors.h>
#include <test/files.h>
#include <test/testlib.h>

#define MOMENTS     6                   /* more than a call has places to be stopped at */
#define HARTS       4
#define FILES_PUT   2000
#define LOOKS       10000000            /* while the lock is held: far more than a call takes */

static struct watched one;

/* Write n bytes: the result. */
static long write_file(uint64_t fd, size_t n)
{
    uint8_t bytes[CONTENT] = { 0 };
    struct iobuf iob = iobuf_kernel(bytes, n, 0);

    return file_transfer(table, fd, &iob, true);
}

/* Each moves the one position: that of the struct file which descriptors 3 and 4 share. 5 is from
   an open() of its own.

     [3] ---+
     [4] ---+--> struct file, pos 5 ---+
     [5] ------> struct file, pos 0 ---+--> inode
*/
static void test_shared(void)
{
    struct file *file = put_file(3, &one, O_RDWR), *other = put_file(5, &one, O_RDONLY);
    bool right;

    put_again(4, file);
    one.file = file;
    check("a read begins at the beginning", read_file(3, 5, 0, &right) == 5 && right);
    /* It is in the struct file, of which there is one; iobuf.h says how it goes on. */
    check_eq("the position is behind it", file->pos, 5);
    check("a duplicate reads on there", read_file(4, 5, 5, &right) == 5 && right);
    check("then the first one", read_file(3, 5, 10, &right) == 5 && right);
    /* From the look at it to its change. A lock that is taken for each of the two alone lets
       another one read the same bytes in between. */
    check("while the bytes move, the position of a shared file is locked", one.locked);
    check("and afterwards free", file->lock.state == 0);
    check_eq("a write moves it too", write_file(4, 10), 10);
    check_eq("for both", file->pos, 25);
    check("also a write locks it", one.locked && file->lock.state == 0);
    /* file_seek() is given; it changes the same position. */
    check_eq("a seek by one of them", file_seek(file, 100, LSEEK_SET), 100);
    check("is where the other reads", read_file(3, 5, 100, &right) == 5 && right);
    check("another open() of the same file has a position of its own",
          read_file(5, 5, 0, &right) == 5 && right && other->pos == 5);
    check_eq("which a read by the first ones does not move", file->pos, 105);
    /* Two descriptors of the first one, one of the other. */
    check_eq("no read or write has left a reference", file->refs + other->refs, 3);
}

/* As much as was moved, the position moves: not as much as was asked for. iob->io_offset says where
   the move has ended, whatever ended it: all was moved, the file ended, or an error came after some
   bytes. An error is told only if nothing was moved; else it comes again with the next call. */
static void test_parts(void)
{
    struct file *file = table->fd_array[3];
    bool right;

    /* A file system moves 64 KiB at a time, this one 4 bytes: move_all() goes on. */
    one.step = 4;
    check("what comes in parts comes whole", read_file(3, 10, 105, &right) == 10 && right);
    check_eq("and moves the position by all of them", file->pos, 115);
    file_seek(file, CONTENT - 7, LSEEK_SET);
    check("at the end there is less", read_file(3, 100, CONTENT - 7, &right) == 7 && right);
    check_eq("the position stays at the end", file->pos, CONTENT);
    check_eq("where nothing is read", read_file(4, 10, 0, &right), 0);
    /* Eight bytes come, in two steps, before the bad place. */
    one.bad = 56;
    file_seek(file, 50, LSEEK_SET);
    check("bytes before an error count", read_file(3, 20, 50, &right) == 8 && right);
    check_eq("the position is behind them", file->pos, 58);
    check_eq("the error comes next", read_file(3, 20, 0, &right), -E_IO);
    check_eq("and moves nothing", file->pos, 58);
    check("after an error the position is free", file->lock.state == 0);
    one.bad = CONTENT + 1;
    one.step = CONTENT;
    /* The file system writes at the end, and lets io_offset go on from there: the old position does
       not count. Who adds the length to the old position is wrong by now. */
    file->flags |= O_APPEND;
    check_eq("a write with O_APPEND", write_file(3, 10), 10);
    check_eq("leaves the position behind what was written, at the end of the file", file->pos,
             CONTENT / 2 + 10);
}

/* Descriptors 3 and 4 are one file, 5 is another one of the same inode. */
static void test_position(void)
{
    files_begin();
    watch(&one);
    test_shared();
    test_parts();
    files_end();
    check_eq("both files were closed", one.closed, 2);
}

SELFTEST("files-position", test_position);

static int used_closed;             /* how often somebody had a file that was closed */
static long dup_result;
static struct files_struct *copied;

/* What one thread does. */
static int do_use(__not_used int number)
{
    /* What each call of a thread does: get, use, put. */
    struct file *file = file_get(table, 3);

    if (file == NULL)
        return 0;
    schedule();
    used_closed += one.closed;
    file_put(file);
    return 0;
}

static int do_dup(__not_used int number)
{
    dup_result = file_dup(table, 3, NO_FD);
    return 0;
}

static int do_copy(__not_used int number)
{
    return files_copy(table, false, &copied);
}

/* And the other. */
static int do_close(__not_used int number)
{
    return file_close(table, 3);
}

/* Thread 0 does something with descriptor 3, and is stopped at its n-th moment; then thread 1
   closes it. */
static void stop_and_close(int (*what)(int number), int moment)
{
    watch(&one);
    put_file(3, &one, O_RDWR);
    actor_stall(0, moment);
    actor_do(0, what);
    for (int i = 0; i < 20; i++)
        schedule();
    actor_do(1, do_close);
    actors_settle();
}

/* The first failure ends all. What the second thread does is always the same: it closes. In each of
   the three the right order is one of two, as if one of the threads had come first:

     the file was found before it was closed: then there is a reference, and it stays open
     it was closed before: then it is not found

   A pointer that is read with the lock, and counted without it, is in between: the file is freed
   already, and what is counted is memory of somebody else. */
static void test_moments(void)
{
    bool right = true;

    actors_can_stall();
    actors_begin(2);
    files_begin();
    for (int moment = 1; right && moment <= MOMENTS; moment++) {
        stop_and_close(do_use, moment);
        right = used_closed == 0 && one.closed == 1;
    }
    check("who has got a file has it until he puts it, although it is closed meanwhile", right);
    for (int moment = 1; right && moment <= MOMENTS; moment++) {
        stop_and_close(do_dup, moment);
        right = one.closed == (dup_result < 0);
        if (dup_result >= 0)
            right &= file_close(table, dup_result) == 0 && one.closed == 1;
    }
    check("dup() of what is closed meanwhile: an error, or a file that is open", right);
    for (int moment = 1; right && moment <= MOMENTS; moment++) {
        stop_and_close(do_copy, moment);
        right = one.closed == (copied->fd_array[3] == NULL);
        files_put(copied);
        right &= one.closed == 1;
    }
    check("a table that is copied has each file open, or not at all", right);
    files_end();
}

/* If it panics in a lock or in kfree(): that file was freed, and then used. */
SELFTEST_AT(STAGE_INIT, "files-moments", test_moments);

static uint32_t ready, go, done;        /* atomic: between the harts */

/* What the other hart calls. */
static int get_file(void)
{
    struct file *file = file_get(table, 3);

    file_put(file);
    return 0;
}

static int copy_files(void)
{
    return files_copy(table, false, &copied);
}

/* A thread that waits on its own hart until it may begin. */
static int call_when_told(void *what)
{
    atomic_store(&ready, 1);
    while (!atomic_load_acquire(&go))
        ;
    int result = ((int (*)(void))what)();
    atomic_store_release(&done, 1);
    return result;
}

/* Does the call wait while this hart has the table's lock? If it does not take the lock it comes
   back meanwhile. */
static bool waits_for_lock(int (*what)(void))
{
    bool early = false;
    int pid, code;

    ready = go = done = 0;
    pid = test_thread(call_when_told, what);
    while (!atomic_load_acquire(&ready))
        schedule();
    spin_lock(&table->lock);
    atomic_store_release(&go, 1);
    for (int i = 0; i < LOOKS && !early; i++)
        early = atomic_load_acquire(&done);
    spin_unlock(&table->lock);
    assert_eq(wait_child(pid, &code) >= 0, true);
    return !early;
}

/* One byte at a time, from the one file, until there is none: by a table that each thread has of
   its own, as after fork. */
static int read_all(void *number)
{
    const uint64_t fd = 3 + (uintptr_t)number;
    bool right;

    while (read_file(fd, 1, 0, &right) > 0)
        ;
    return 0;
}

/* Files that two threads have, and put at the same moment. */
static struct file *shared[FILES_PUT];
static uint32_t arrived;                /* atomic: how often one of the two is ready */

static int put_all(__not_used void *number)
{
    for (uint32_t i = 0; i < FILES_PUT; i++) {
        atomic_add(&arrived, 1);
        while (atomic_load(&arrived) < 2 * (i + 1))
            schedule();
        file_put(shared[i]);
    }
    return 0;
}

/* Who looks at a count, and then changes it, may have seen what the other one sees too: each of
   them believes that the other one has the file still, and nobody closes it. */
static void test_last(void)
{
    watch(&one);
    for (int i = 0; i < FILES_PUT; i++) {
        shared[i] = put_file(3, &one, O_RDONLY);
        atomic_add(&shared[i]->refs, 1);
        table->fd_array[3] = NULL;      /* the reference is one of the threads' now */
        table->files_count--;
    }
    test_threads(2, put_all);
    check_eq("of two who put a file at the same time one closes it (files closed)", one.closed,
             FILES_PUT);
}

/* First one hart has the lock, and looks whether another one waits for it. Then four read the same
   file, by descriptors 3 to 6 of one table; each call gives way once, in the middle. */
static void test_race(void)
{
    int wrong = 0;
    struct file *file;

    files_begin();
    watch(&one);
    file = put_file(3, &one, O_RDWR);
    check("file_get() waits while another hart changes the table", waits_for_lock(get_file));
    check("so does a fork", waits_for_lock(copy_files));
    files_put(copied);
    for (int i = 1; i < HARTS; i++)
        put_again(3 + i, file);
    /* 400 bytes, one at a time. Two that saw the same position read the same byte; and where one
       has set it back, some are read by nobody. */
    one.turns = 1;
    test_threads(HARTS, read_all);
    for (int i = 0; i < CONTENT; i++)
        wrong += one.seen[i] != 1;
    check_eq("bytes that were read twice, or never, by four harts that share a position", wrong, 0);
    files_end();
    check_eq("the file is closed in the end, once", one.closed, 1);
    files_begin();
    test_last();
    files_end();
}

SELFTEST("files-race", test_race);
