/* descriptors: what programs see of exercise 8.3, without a disk and without a pipe. The files are
   programs of the image, which can be read like all others, the console, and the null device.

     descriptors             all tests
     descriptors child FD    what exec starts: reads on from this descriptor

   A program's first bytes are 0x7f, 'E', 'L', 'F', 2, 1, 1: so each byte tells where it was
   read. */
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

#define NAME        "/bin/hello"
#define LIMIT       128                 /* descriptors of a process */
#define STACK       16384

static char stack[STACK] __attribute__((aligned(16)));
static volatile int shared_fd = -1;

/* The byte that is read next, or an error. */
static int next(int fd)
{
    unsigned char c;
    int n = read(fd, &c, 1);

    return n == 1 ? c : n == 0 ? -1 : n;
}

static void read_in_child(uintptr_t fd)
{
    exit(next(fd));
}

/* Closes it, and opens another, which it leaves open. */
static void close_in_child(uintptr_t fd)
{
    exit(close(fd) != 0 || open(NAME, O_RDONLY) != (int)fd);
}

static void exec_child(uintptr_t fd)
{
    char number[8];

    snprintf(number, sizeof(number), "%d", (int)fd);
    exit(exec("descriptors", "child", number));
}

/* A position goes with the file, through dup, fork and exec. */
static void test_position(void)
{
    int fd = open(NAME, O_RDONLY), other = dup(fd);

    check_eq("open() gives the lowest descriptor that is free", fd, 3);
    check_eq("dup() the next one", other, 4);
    check_eq("the first byte of a program", next(fd), 0x7f);
    check_eq("the second is what the duplicate reads", next(other), 'E');
    check_eq("the third is what a child reads", child_code(read_in_child, fd), 'L');
    check_eq("the fourth is what another program reads, after exec", child_code(exec_child, other),
             'F');
    check_eq("the fifth is the parent's", next(fd), 2);
    check_eq("a child closes its descriptor", child_code(close_in_child, fd), 0);
    check_eq("its parent's stays open", next(fd), 1);
    check_eq("dup2() gives the number that was asked for", dup2(fd, 9), 9);
    check_eq("which is the same file", next(9), 1);
    check_eq("one after the other is closed", close(fd) + close(other), 0);
    check_eq("the last one is still open", seek(9, 1, LSEEK_SET), 1);
    check_eq("and is read", next(9), 'E');
    check_eq("until it is closed", close(9), 0);
    check_eq("then it is none", next(9), -E_INVAL);
}

/* 0, 1 and 2 are like all others: a shell's < and > stand on that. */
static void test_standard(void)
{
    int saved = dup(stdout), null = open("null:", O_WRONLY);
    int to_null = dup2(null, stdout), n = printf("nobody sees this\n");
    int back = dup2(saved, stdout);

    check("the output is the null device, and the console again", to_null == 1 && back == 1);
    check_eq("what was printed meanwhile was taken", n, 17);
    check_eq("the input can be closed", close(stdin), 0);
    check_eq("the next open() has its number", open(NAME, O_RDONLY), stdin);
    check_eq("and is read as the input", getchar(), 0x7f);
    close(stdin);
    check_eq("the console has a name", open("stdin:", O_RDONLY), stdin);
    check_eq("a file that is open to read is not written", write(stdin, "x", 1), -E_INVAL);
    close(saved), close(null);
}

static int open_in_thread(__not_used void *arg)
{
    shared_fd = open(NAME, O_RDONLY);
    return 0;
}

static void test_clone(void)
{
    int fd = open(NAME, O_RDONLY);

    run_clone(CLONE_VM, stack + STACK, open_in_thread);
    check_eq("with CLONE_VM alone what the other one opens is not this one's", next(shared_fd),
             -E_INVAL);
    run_clone(CLONE_VM | CLONE_FS, stack + STACK, open_in_thread);
    check_eq("with CLONE_FS it is", next(shared_fd), 0x7f);
    close(shared_fd), close(fd);
}

static void test_limit(void)
{
    int fd = open(NAME, O_RDONLY), last = fd, more;

    while ((more = dup(fd)) >= 0)
        last = more;
    check_eq("there are 128 descriptors", last, LIMIT - 1);
    check_eq("then no more", more, -E_MAX_OPEN);
    check_eq("nor for open()", open(NAME, O_RDONLY), -E_MAX_OPEN);
    check_eq("a child has them all", child_code(read_in_child, LIMIT - 1), 0x7f);
    check_eq("and another program too", child_code(exec_child, 64), 'E');
    for (int i = fd; i <= last; i++)
        close(i);
    check_eq("all are closed: the lowest is free again", open(NAME, O_RDONLY), fd);
    close(fd);
}

int main(int argc, char **argv)
{
    if (argc > 2)
        return next(atoi(argv[2]));
    test_position();
    test_standard();
    test_clone();
    test_limit();
    return check_done();
}
