/* pipes: what is written to one end comes out of the other, whoever is faster.

     pipes               one writer, several, ends that close, kills
     pipes stream [KIB]  much data from a process to another one

   A pipe whose last end is forgotten keeps its reader asleep for ever: so each test ends, or its
   limit ends it. */
#include <error.h>
#include <file.h>
#include <report.h>
#include <stat.h>
#include <stdlib.h>
#include <string.h>
#include <testing.h>
#include <ulib.h>

#define WRITERS     4
#define LINES       60
#define ATOMIC      4096                /* a write of so many bytes goes in whole */
#define ROOM        16384               /* that a pipe has */

static char buf[ROOM * 2];
static int fd[2];

/* Run fn in a child, and return its pid. */
static int child(void (*fn)(void))
{
    int pid = fork();

    if (pid == 0) {
        fn();
        exit(0);
    }
    return pid;
}

static void test_ends(void)
{
    struct stat st;
    int pid;

    check_eq("a pipe is made", pipe(fd), 0);
    check_eq("one end is written to", write(fd[1], "hello", 5), 5);
    check_eq("it tells what waits in it", fstat(fd[0], &st) == 0 && S_ISFIFO(st.st_mode)
             && st.st_size == 5, 1);
    check_eq("the other is read", read(fd[0], buf, 3), 3);
    check_eq("in order", memcmp(buf, "hel", 3), 0);
    check_eq("what is left comes next, and not more", read(fd[0], buf, 100), 2);
    check_eq("the reading end is not written to", write(fd[0], "x", 1), -E_INVAL);
    check_eq("the writing end is not read", read(fd[1], buf, 1), -E_INVAL);
    check_eq("a pipe has no positions", seek(fd[0], 0, LSEEK_SET), -E_SEEK);
    check_eq("a bad address is told", read(fd[0], (void *)8, 0), 0);
    write(fd[1], "rest", 4);
    check_eq("and loses nothing", read(fd[0], (void *)8, 4), -E_FAULT);
    check_eq("the writing end closes", close(fd[1]), 0);
    check_eq("what is in the pipe is read", read(fd[0], buf, 100), 4);
    check_eq("then it has ended", read(fd[0], buf, 100), 0);
    check_eq("and stays so", read(fd[0], buf, 100), 0);
    close(fd[0]);
    pipe(fd);
    pid = dup(fd[1]);
    close(fd[1]);
    check_eq("a copy of an end is that end", write(pid, "c", 1), 1);
    close(pid);
    check_eq("its byte is read", read(fd[0], buf, 9), 1);
    check_eq("with the last copy it has ended", read(fd[0], buf, 9), 0);
    close(fd[0]);
}

/* Without a reader a write is an error, and nobody sleeps. */
static void test_no_reader(void)
{
    pipe(fd);
    close(fd[0]);
    check_eq("nobody will read it", write(fd[1], "x", 1), -E_PIPE);
    close(fd[1]);
}

/* A child has both ends too: it closes the one that is not its own. */
static void fill_pipe(void)
{
    close(fd[0]);
    while (write(fd[1], buf, ATOMIC) == ATOMIC)
        ;
    exit(write(fd[1], buf, 1) == -E_PIPE ? 7 : 8);
}

/* A writer that waits for room is woken when the reader goes. */
static void test_reader_goes(void)
{
    int code = 0, pid;

    pipe(fd);
    pid = child(fill_pipe);
    close(fd[1]);
    wait_until_asleep(pid, "room in a pipe");
    close(fd[0]);
    check_eq("a writer that waits is told", waitpid(pid, &code), 0);
    check_eq("that nobody reads any more", code, 7);
}

static void read_once(void)
{
    close(fd[1]);
    exit(read(fd[0], buf, 1) == 0 ? 7 : 8);
}

static void test_writer_goes(void)
{
    int code = 0, pid;

    pipe(fd);
    pid = child(read_once);
    wait_until_asleep(pid, "data in a pipe");
    close(fd[1]);
    check_eq("a reader that waits is told", waitpid(pid, &code), 0);
    check_eq("that nobody writes any more", code, 7);
    close(fd[0]);
}

/* A kill ends both waits, and what was in the pipe is there. */
static void test_kill(void)
{
    int code = 0, pid;

    pipe(fd);
    pid = child(read_once);
    wait_until_asleep(pid, "data in a pipe");
    check_eq("a reader is killed", kill(pid), 0);
    waitpid(pid, &code);
    check_eq("and ends", code, -E_KILLED);
    pid = child(fill_pipe);
    wait_until_asleep(pid, "room in a pipe");
    check_eq("a writer is killed", kill(pid), 0);
    waitpid(pid, &code);
    check_eq("and ends too", code, -E_KILLED);
    check_eq("what it wrote is there", read(fd[0], buf, sizeof(buf)), ROOM);
    close(fd[0]);
    close(fd[1]);
}

/* Lines of several writers, whose lengths differ: each line comes whole. */
static int write_lines(void *arg)
{
    char line[ATOMIC];
    int wrong = 0;

    close(fd[0]);
    memset(line, 'a' + (long)arg, sizeof(line));
    for (int i = 0; i < LINES; i++) {
        int n = 1 + (i * 977 + (int)(long)arg * 331) % (ATOMIC - 1);

        line[n - 1] = '\n';
        wrong += write(fd[1], line, n) != n;
        line[n - 1] = 'a' + (long)arg;
    }
    return wrong;
}

static void read_lines(void)
{
    int n, lines = 0, torn = 0;
    char last = '\n';

    close(fd[1]);
    while ((n = read(fd[0], buf, 1000)) > 0) {
        for (int i = 0; i < n; i++) {
            torn += last != '\n' && buf[i] != '\n' && buf[i] != last;
            lines += buf[i] == '\n';
            last = buf[i];
        }
    }
    exit(torn != 0 ? 1 : lines != WRITERS * LINES ? 2 : 0);
}

static void test_writers(void)
{
    int code = 0, pid;

    pipe(fd);
    pid = child(read_lines);
    run_together(WRITERS, false, write_lines);
    close(fd[0]);
    close(fd[1]);
    waitpid(pid, &code);
    check_eq("lines of several writers come whole, and all of them", code, 0);
}

static size_t stream_size;

static void write_stream(void)
{
    close(fd[0]);
    for (size_t at = 0; at < stream_size;) {
        size_t n = 1 + at % 9000, done = 0;

        n = stream_size - at < n ? stream_size - at : n;
        for (size_t i = 0; i < n; i++)
            buf[i] = (char)((at + i) * 31 >> 3);
        while (done < n) {
            int step = write(fd[1], buf + done, n - done);

            if (step <= 0)
                exit(1);
            done += step;
        }
        at += n;
    }
}

static void test_stream(size_t size)
{
    size_t at = 0, wrong = 0;
    int n, code = 0, pid;

    stream_size = size;
    pipe(fd);
    pid = child(write_stream);
    close(fd[1]);
    while ((n = read(fd[0], buf, 1 + at % 7000)) > 0)
        for (int i = 0; i < n; i++, at++)
            wrong += buf[i] != (char)(at * 31 >> 3);
    close(fd[0]);
    waitpid(pid, &code);
    check_eq("the writer wrote all", code, 0);
    check_eq("all came", at, size);
    check_eq("and was the same", wrong, 0);
}

/* A long write is done when all of it went through; a bad address in the middle ends it there. */
static void test_bad_address(void)
{
    int n;

    pipe(fd);
    n = write(fd[1], (void *)8, 10);
    check_eq("a bad address writes nothing", n, -E_FAULT);
    check_eq("a count of nothing", write(fd[1], buf, 0), 0);
    check_eq("for the pair too", pipe((int *)8), -E_FAULT);
    close(fd[0]);
    close(fd[1]);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "stream") == 0) {
        test_stream((argc > 2 ? atoi(argv[2]) : 300) * 1024UL);
        return check_done();
    }
    test_ends();
    test_no_reader();
    test_reader_goes();
    test_writer_goes();
    test_kill();
    test_writers();
    test_bad_address();
    test_stream(100000);
    return check_done();
}
