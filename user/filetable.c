/* filetable: descriptors, as dup, fork, CLONE_FS, exec and exit share, copy, keep or close them;
   and their limit.

     filetable               all tests
     filetable race          threads that open at the same moment, again and again
     filetable child FD      what exec starts: reads on from this descriptor

   It needs a disk that it may write to, and leaves it as it was. What a thread or a child finds out
   it tells by its exit code. */
#include <error.h>
#include <file.h>
#include <report.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syscall.h>
#include <testing.h>
#include <thread.h>
#include <ulib.h>

#define NAME        "/ten-digits"
#define LIMIT       128         /* descriptors of a process */
#define STACK       16384
#define RACES       20

static char stack[STACK] __attribute__((aligned(16)));
static volatile int shared_fd = -1;

/* A descriptor for a file with the ten digits in it, at its beginning. */
static int open_digits(void)
{
    int fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC);

    if (fd < 0 || write(fd, "0123456789", 10) != 10 || seek(fd, 0, LSEEK_SET) != 0)
        panic("%s cannot be made: %e", NAME, fd);
    return fd;
}

/* The digit that is read next; -1 at the end, or an error. */
static int next_digit(int fd)
{
    char c;
    int n = read(fd, &c, 1);

    return n == 1 ? c - '0' : n == 0 ? -1 : n;
}

static void test_dup(void)
{
    int fd = open_digits(), other, third;

    check_eq("open gives the lowest descriptor that is free", fd, 3);
    other = dup(fd);
    check_eq("dup gives the next", other, 4);
    check_eq("a read moves the position", next_digit(fd), 0);
    check_eq("of the duplicate too", next_digit(other), 1);
    check_eq("a seek by the duplicate moves both", seek(other, 7, LSEEK_SET), 7);
    check_eq("so the first one reads there", next_digit(fd), 7);
    third = open(NAME, O_RDONLY);
    check_eq("another open has a position of its own", next_digit(third), 0);
    check_eq("dup2 gives the number that was asked for", dup2(fd, third), third);
    check_eq("which is the other file then", next_digit(third), 8);
    check_eq("dup2 to itself changes nothing", dup2(fd, fd), fd);
    check_eq("the file is still open", next_digit(fd), 9);
    check_eq("a descriptor is closed", close(fd), 0);
    check_eq("it is closed once", close(fd), -E_INVAL);
    check_eq("a closed one cannot be read", next_digit(fd), -E_INVAL);
    check_eq("its duplicates stay open", seek(other, -1, LSEEK_CUR), 9);
    check_eq("the lowest number is given again", dup(third), fd);
    close(fd), close(other), close(third);
}

/* Reads one digit. */
static void read_in_child(uintptr_t fd)
{
    exit(next_digit(fd));
}

static void close_in_child(uintptr_t fd)
{
    exit(close(fd));
}

/* Opens a file, and leaves it open. */
static void open_in_child(__not_used uintptr_t arg)
{
    open_digits();
}

static void test_fork(void)
{
    int fd = open_digits();

    check_eq("a child reads on where its parent was", child_code(read_in_child, fd), 0);
    check_eq("the parent where its child was", next_digit(fd), 1);
    check_eq("a child may close it", child_code(close_in_child, fd), 0);
    check_eq("for itself only", next_digit(fd), 2);
    check_eq("what a child opens", child_code(open_in_child, 0), 0);
    check_eq("its parent has not", close(fd + 1), -E_INVAL);
    close(fd);
}

/* Opens a file, for its creator. */
static int open_in_thread(__not_used void *arg)
{
    shared_fd = open(NAME, O_RDONLY);
    return 0;
}

static void share_table(__not_used uintptr_t arg)
{
    run_clone(CLONE_VM | CLONE_FS, stack + STACK, open_in_thread);
    check_eq("with CLONE_FS it is the other's as well", next_digit(shared_fd), 0);
    exit(all_passed() ? 0 : 1);
}

static void test_clone(void)
{
    int fd = open_digits();

    run_clone(CLONE_VM, stack + STACK, open_in_thread);
    check_eq("with CLONE_VM alone the tables are two", close(shared_fd), -E_INVAL);
    close(fd);
    check_eq("a table that is there is shared", child_code(share_table, 0), 0);
}

static volatile int step;
static int opened[2];

/* What a thread does that has begun before there is a table: it waits until it may look. */
static int read_shared(__not_used void *arg)
{
    while (step == 0)
        yield();
    return next_digit(shared_fd);
}

/* A thread makes a thread, which opens. */
static int open_in_second(__not_used void *arg)
{
    int code, tid = thread_create(open_in_thread, NULL);

    return thread_join(tid, &code) != 0 ? -1 : code;
}

static int leave_directory(__not_used void *arg)
{
    return mkdir("/there") ?: chdir("/there");
}

/* Two threads open at a time: each gets a table, or the other's. */
static int open_at_once(void *arg)
{
    while (step == 1)
        yield();
    return open(arg, O_RDONLY);
}

/* A thread that becomes another program has what the others have opened before. */
static int exec_in_thread(__not_used void *arg)
{
    char number[8];

    while (step == 0)
        yield();
    snprintf(number, sizeof(number), "%d", shared_fd);
    return exec("filetable", "child", number);
}

/* In a process that has opened nothing: all have the constant table, until one opens. */
static void share_with_threads(__not_used uintptr_t arg)
{
    int code, waits = thread_create(read_shared, NULL), second, tids[2];
    int other = thread_create(exec_in_thread, NULL);
    char path[16] = "";

    second = thread_create(open_in_second, NULL);
    check("a thread of a thread opens", thread_join(second, &code) == 0 && code == 0);
    check_eq("all threads have what one has opened", next_digit(shared_fd), 0);
    step = 1;
    check_eq("also one that has begun before", thread_join(waits, &code) ?: code, 1);
    check("one that becomes another program", thread_join(other, &code) == 0 && code == 2);
    check_eq("and a child of fork", child_code(read_in_child, shared_fd), 3);
    check_eq("which has a copy of the table", child_code(close_in_child, shared_fd), 0);
    check_eq("a thread goes to another directory",
             thread_join(thread_create(leave_directory, NULL), &code) ?: code, 0);
    check("and so do all", getcwd(path, sizeof(path)) == 0 && strcmp(path, "/there") == 0);
    check_eq("also back", chdir("..") ?: rmdir("there"), 0);
    check_eq("what one has opened another one closes", close(shared_fd), 0);
    for (int i = 0; i < 2; i++)
        tids[i] = thread_create(open_at_once, NAME);
    step = 2;
    check("threads open at once", thread_join(tids[0], &opened[0]) == 0
          && thread_join(tids[1], &opened[1]) == 0);
    check("and get two descriptors", opened[0] + opened[1] == 3 + 4);
    exit(all_passed() ? 0 : 1);
}

/* The same two, as the first opens of a process. */
static void race_to_open(__not_used uintptr_t arg)
{
    int tids[2];

    step = 1;
    for (int i = 0; i < 2; i++)
        tids[i] = thread_create(open_at_once, NAME);
    step = 2;
    check("the first opens of two threads", thread_join(tids[0], &opened[0]) == 0
          && thread_join(tids[1], &opened[1]) == 0);
    check("are in one table", opened[0] + opened[1] == 3 + 4);
    check("which their creator has", next_digit(3) == 0 && next_digit(4) == 0);
    exit(all_passed() ? 0 : 1);
}

/* Who is in the same memory, but with a table of his own, has not what threads there have opened:
   not even when he makes threads himself. */
static int stay_alone(__not_used void *arg)
{
    int code, tid;

    while (step < 4)
        yield();
    if (next_digit(shared_fd) != -E_INVAL)
        return 1;
    tid = thread_create(read_shared, NULL);
    return thread_join(tid, &code) ?: code == -E_INVAL ? 0 : 2;
}

static void share_memory_only(__not_used uintptr_t arg)
{
    int code = 0, alone;

    step = 3;
    alone = __clone(CLONE_VM, (uintptr_t)stack + STACK, stay_alone, NULL);
    thread_join(thread_create(open_in_thread, NULL), &code);
    check_eq("a thread has opened", next_digit(shared_fd), 0);
    step = 4;
    check("who shares memory alone has it not", waitpid(alone, &code) == 0 && code == 0);
    exit(all_passed() ? 0 : 1);
}

/* Who is left alone in the memory of threads has not got what they had; it tells by the name of a
   file, because nobody waits for it. */
static int outlive(__not_used void *arg)
{
    int code = 0, tid;

    while (step < 5)
        yield();
    for (int i = 0; i < 100; i++)
        yield();
    tid = thread_create(read_shared, NULL);
    thread_join(tid, &code);
    return close(open(code == -E_INVAL ? "/alone" : "/with-others", O_WRONLY | O_CREAT));
}

static int open_when_told(void *arg)
{
    while (step < 4)
        yield();
    return open_in_thread(arg);
}

static void leave_alone(__not_used uintptr_t arg)
{
    int code = 0, tid = thread_create(open_when_told, NULL);

    __clone(CLONE_VM, (uintptr_t)stack + STACK, outlive, NULL);
    step = 4;
    thread_join(tid, &code);
    step = 5;
    exit(code);
}

/* Before all that opens something, so that these children have the constant table. */
static void test_threads(void)
{
    check_eq("a table that was constant is shared", child_code(share_table, 0), 0);
    check_eq("threads share descriptors", child_code(share_with_threads, 0), 0);
    check_eq("which two make at once", child_code(race_to_open, 0), 0);
    check_eq("other processes in their memory do not", child_code(share_memory_only, 0), 0);
    check_eq("nor those that stay there", child_code(leave_alone, 0), 0);
    while (unlink("/with-others") != 0)
        if (unlink("/alone") == 0)
            return;
        else
            yield();
    check("when they are alone", false);
}

static int ends[2];

/* Reads a byte from a pipe that its creator closes meanwhile: 7 if it comes all the same. */
static int read_pipe(__not_used void *arg)
{
    char c = 0;

    return read(ends[0], &c, 1) == 1 && c == 'x' ? 7 : 8;
}

/* A descriptor that is closed while another who has the table reads from it: the file stays until
   that call ends. If it went at once the pipe would have no reader, and its memory another owner:
   which the opens in between would make. */
static void test_close_while_read(void)
{
    int code = 0, pid;

    check_eq("a pipe is made", pipe(ends), 0);
    pid = __clone(CLONE_VM | CLONE_FS, (uintptr_t)stack + STACK, read_pipe, NULL);
    wait_until_asleep(pid, "data in a pipe");
    check_eq("who shares the table closes the end that is read", close(ends[0]), 0);
    int fd = open_digits(), other = open_digits();
    check_eq("the reader still has it", write(ends[1], "x", 1), 1);
    check_eq("and ends", waitpid(pid, &code), 0);
    check_eq("with what was written", code, 7);
    check_eq("then nobody reads it any more", write(ends[1], "x", 1), -E_PIPE);
    close(ends[1]);
    close(fd), close(other);
}

static void exec_child(uintptr_t fd)
{
    char number[8];

    snprintf(number, sizeof(number), "%d", (int)fd);
    exit(exec("filetable", "child", number));
}

static void test_exec(void)
{
    int fd = open_digits();

    next_digit(fd);
    check_eq("exec keeps descriptors", child_code(exec_child, fd), 1);
    check_eq("and shares their positions", next_digit(fd), 2);
    close(fd);
}

static void test_limit(void)
{
    int fd = open_digits(), last = fd, next;

    while ((next = dup(fd)) >= 0)
        last = next;
    check_eq("there are 128 descriptors", last, LIMIT - 1);
    check_eq("then no more", next, -E_MAX_OPEN);
    unlink("/none");
    check_eq("nor for open", open("/none", O_WRONLY | O_CREAT), -E_MAX_OPEN);
    struct stat stat;
    check_eq("which makes no file then", lstat("/none", &stat), -E_NOENT);
    check("nor for pipe", pipe((int[2]){ 0, 0 }) < 0);
    check_eq("one is closed", close(LIMIT - 1), 0);
    check("that is not enough for pipe", pipe((int[2]){ 0, 0 }) < 0);
    check_eq("but for open", open(NAME, O_RDONLY), LIMIT - 1);
    check_eq("exec keeps all of them", child_code(exec_child, LIMIT - 1), 0);
    for (int i = fd; i < LIMIT; i++)
        close(i);
}

/* 0, 1 and 2 are like all others: they can be closed and be another file. */
static void test_standard(void)
{
    int saved = dup(stdout), fd = open_digits();
    int to_file = dup2(fd, stdout), n = printf("abc"), back = dup2(saved, stdout);

    check("the output is another file, and the console again", to_file == 1 && back == 1);
    check_eq("three letters are printed", n, 3);
    check_eq("into the file", next_digit(fd), 3);
    check_eq("the input can be closed", close(stdin), 0);
    check_eq("the next open has its number", open(NAME, O_RDONLY), stdin);
    check_eq("and is read as the input", getchar(), 'a');
    close(stdin);
    check_eq("the console has a name", open("stdin:", O_RDONLY), stdin);
    close(saved), close(fd);
}

static void test_exit(void)
{
    int fd = open_digits();

    close(fd);
    check_eq("what a child leaves open is closed", child_code(open_in_child, 0),
             0);
    check_eq("so the file may run again: it is no program", exec(NAME), -E_INVAL_ELF);
    check_eq("a file is removed", unlink(NAME), 0);
}

int main(int argc, char **argv)
{
    if (argc > 2)
        return next_digit(atoi(argv[2]));
    check_eq("a file is made", child_code(open_in_child, 0), 0);
    for (int i = 0; argc > 1 && i < RACES; i++)
        check_eq("two threads make one table", child_code(race_to_open, 0), 0);
    if (argc > 1)
        return check_done();
    test_threads();
    test_dup();
    test_fork();
    test_clone();
    test_close_while_read();
    test_exec();
    test_limit();
    test_standard();
    test_exit();
    return check_done();
}
