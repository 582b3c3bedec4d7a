/* fifos: the tests of task 8.T, one for each word that may follow the name. They run on a disk, on
   which they leave named pipes: tools/disk looks at these afterwards.

   A process that waits for the other end of a pipe is one that has not ended when others had time
   enough. Time is the guest's own, so this is the same in each run. */
#include <error.h>
#include <file.h>
#include <report.h>
#include <stat.h>
#include <string.h>
#include <testing.h>
#include <ulib.h>

#define WHILE       10                  /* ticks: time enough for others */

static char name[300];                  /* a long name; and what is read */

/* Write a text to a pipe and close it: 0, or the error. */
static int write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);

    if (fd < 0)
        return fd;
    int n = write(fd, text, strlen(text));
    close(fd);
    return n < 0 ? n : n == (int)strlen(text) ? 0 : 1;
}

/* Read to the end of the file: how many bytes that were; they must be the text. */
static int read_text(int fd, const char *text)
{
    char buf[64];
    int n, have = 0;

    while ((n = read(fd, buf + have, sizeof(buf) - have)) > 0)
        have += n;
    return n < 0 ? n : have == (int)strlen(text) && memcmp(buf, text, have) == 0 ? have : -1;
}

static void write_hello(uintptr_t path)
{
    exit(write_text((const char *)path, "hello"));
}

static void write_slowly(uintptr_t path)
{
    int fd = open((const char *)path, O_WRONLY);

    sleep(WHILE);
    exit(write(fd, "hello", 5) == 5 ? 0 : 1);
}

static void read_hello(uintptr_t path)
{
    int fd = open((const char *)path, O_RDONLY);

    exit(fd < 0 ? fd : read_text(fd, "hello") == 5 ? 0 : 2);
}

static int start(void (*body)(uintptr_t), const char *path)
{
    int pid = fork();

    assert(pid >= 0);
    if (pid == 0)
        body((uintptr_t)path);
    return pid;
}

static int end_of(int pid)
{
    int code = -1;

    assert(waitpid(pid, &code) == 0);
    return code;
}

/* One reader, two writers, open at the same time: the end comes when both have closed. The first
   must not close before the second is open, so it does not write at once. */
static void test_two_writers(void)
{
    int pid = start(write_slowly, "/p"), other, fd;

    fd = open("/p", O_RDONLY);
    other = open("/p", O_WRONLY);
    assert(end_of(pid) == 0);
    check("one has closed", read(fd, name, 5) == 5);
    pid = fork();
    assert(pid >= 0);
    if (pid == 0) {
        sleep(WHILE);
        exit(write(other, "!", 1) == 1 ? 0 : 1);
    }
    close(other);
    check_eq("the other one has not, and its text is waited for", read_text(fd, "!"), 1);
    assert(end_of(pid) == 0);
    close(fd);
}

static void test_use(void)
{
    struct stat stat;
    int pid, fd;

    check_eq("a named pipe is made", mkfifo("/p", 0), 0);
    check_eq("not twice", mkfifo("/p", 0), -E_EXISTS);
    fd = open("/p", O_RDWR);
    check("both ends by one descriptor: nobody need be waited for", fd >= 0);
    check_eq("what it is", fstat(fd, &stat), 0);
    check("a pipe", S_ISFIFO(stat.st_mode));
    close(fd);

    pid = start(read_hello, "/p");
    sleep(WHILE);
    check_eq("who reads waits for one who writes", trywait(pid, NULL), -E_BUSY);
    check_eq("who writes need not wait then", write_text("/p", "hello"), 0);
    check_eq("and the text arrives, with an end", end_of(pid), 0);

    pid = start(write_hello, "/p");
    sleep(WHILE);
    check_eq("who writes waits for one who reads", trywait(pid, NULL), -E_BUSY);
    fd = open("/p", O_RDONLY);
    check_eq("the pipe can be used again", read_text(fd, "hello"), 5);
    check_eq("the writer has written", end_of(pid), 0);

    pid = start(write_hello, "/p");
    sleep(WHILE);
    check_eq("while a reader is there, nobody waits", end_of(pid), 0);
    check_eq("it reads on after an end", read_text(fd, "hello"), 5);
    pid = start(write_slowly, "/p");
    sleep(WHILE / 2);
    check_eq("and waits for one who has it open and writes later", read_text(fd, "hello"), 5);
    assert(end_of(pid) == 0);
    close(fd);

    assert(mkdir("/d") == 0 && link("/p", "/d/q") == 0);
    pid = start(write_hello, "/d/q");
    fd = open("/p", O_RDONLY);
    check_eq("by its other name it is the same", read_text(fd, "hello"), 5);
    assert(end_of(pid) == 0);
    close(fd);

    test_two_writers();
}

static void write_to_nobody(uintptr_t path)
{
    int fd = open((const char *)path, O_WRONLY);

    if (fd < 0)
        exit(1);
    sleep(2 * WHILE);
    exit(write(fd, "x", 1));
}

static void test_ends(void)
{
    struct stat stat;
    int pid, fd;

    assert(mkfifo("/p", 0) == 0);
    pid = start(write_to_nobody, "/p");
    fd = open("/p", O_RDONLY);
    close(fd);
    check_eq("nobody reads any more", end_of(pid), -E_PIPE);

    pid = start(read_hello, "/p");
    sleep(WHILE);
    check_eq("one that waits for the other end is killed", kill(pid), 0);
    check_eq("and ends", end_of(pid), -E_KILLED);
    pid = start(write_to_nobody, "/p");
    sleep(WHILE);
    check_eq("it is no reader any more: who writes waits", trywait(pid, NULL), -E_BUSY);
    fd = open("/p", O_RDWR);
    close(fd);
    check_eq("until another one comes, and goes", end_of(pid), -E_PIPE);

    fd = open("/p", O_RDWR);
    assert(write(fd, "hello", 5) == 5);
    check_eq("its name goes while it is open", unlink("/p"), 0);
    check_eq("then it is not found", open("/p", O_RDWR), -E_NOENT);
    char buf[8];
    check_eq("and what was written can be read", read(fd, buf, sizeof(buf)), 5);
    close(fd);
    assert(mkfifo("/p", 0) == 0 && (fd = open("/p", O_RDWR)) >= 0);
    check("nothing is left in a new one", fstat(fd, &stat) == 0 && stat.st_size == 0);
    assert(write(fd, "lost", 4) == 4);
    close(fd);
    pid = start(write_hello, "/p");
    fd = open("/p", O_RDONLY);
    check_eq("what nobody had open is gone", read_text(fd, "hello"), 5);
    close(fd);
    assert(end_of(pid) == 0);
    check_eq("it is renamed", rename("/p", "/r"), 0);
}

static void test_bad(void)
{
    memset(name, 'x', sizeof(name) - 1);
    check_eq("a name that is too long", mkfifo(name, 0), -E_TOO_BIG);
    check_eq("no name", mkfifo("", 0), -E_NOENT);
    check_eq("a flag", mkfifo("/q", 1), -E_INVAL);
    check_eq("in a directory that is not there", mkfifo("/no/p", 0), -E_NOENT);
    int fd = open("/f", O_WRONLY | O_CREAT);
    assert(fd >= 0 && close(fd) == 0);
    check_eq("below a file", mkfifo("/f/p", 0), -E_NOTDIR);
    check_eq("in place of a file", mkfifo("/f", 0), -E_EXISTS);
    check_eq("the root", mkfifo("/", 0), -E_EXISTS);
    check_eq("a path of the kernel", mkfifo((const char *)KERNEL_TEXT, 0), -E_FAULT);
    check_eq("a path of nobody", mkfifo(NULL, 0), -E_FAULT);
    assert(mkfifo("/p", 0) == 0);
    check_eq("it is no directory", chdir("/p"), -E_NOTDIR);
    check_eq("no program", __exec("/p", (const char *[]){ "/p", NULL }), -E_INVAL_ELF);
    check_eq("it has no length to be cut", truncate("/p", 1), -E_INVAL);
    check_eq("rmdir does not take it", rmdir("/p"), -E_NOTDIR);
    fd = open("/p", O_RDWR | O_TRUNC);
    check("O_TRUNC does not matter", fd >= 0);
    check("it has no position", seek(fd, 0, LSEEK_SET) < 0);
    close(fd);
}

int main(int argc, char **argv)
{
    assert(argc == 2);
    if (strcmp(argv[1], "use") == 0)
        test_use();
    else if (strcmp(argv[1], "ends") == 0)
        test_ends();
    else
        test_bad();
    return check_done();
}
