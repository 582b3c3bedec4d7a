/* filebench: what files and pipes cost. `make bench` runs it with a disk in memory
   (tools/bench.py).

     filebench           all operations
     filebench NAME      one of them, for `make profile PROG="filebench pipe"`

   What writes to the disk counts one sync at its end, divided by what was done before it, so that
   nothing which waits in memory is left out. user/libs/measure.h says how it is measured. */
#include <file.h>
#include <measure.h>
#include <stdio.h>
#include <string.h>
#include <testing.h>
#include <ulib.h>

#define KIB         64                  /* of the files that are written and read */
#define PIECE       4096
#define LARGE       16384
#define FILES       16                  /* made or removed in a sample */

/* On a page of its own, whatever the compiler and the linker put before it: else each page of a
   file is copied in two parts, or not, by chance. */
static char buf[LARGE] __attribute__((aligned(PGSIZE)));
static int fd, to[2], back[2], partner, count;

static void name_of(char name[16], int i)
{
    snprintf(name, 16, "bench%d", i);
}

/* Make a file of KIB KiB, in pieces. */
static void write_file(const char *name)
{
    fd = open(name, O_WRONLY | O_CREAT);
    for (int i = 0; i < KIB * 1024 / PIECE; i++)
        assert(write(fd, buf, PIECE) == PIECE);
    close(fd);
}

static void open_close(void)
{
    close(open("bench0", O_RDONLY));
}

static void make_one(void)
{
    write_file("bench0");
    sync();
}

static void remove_one(void)
{
    assert(unlink("bench0") == 0);
    sync();
}

/* FILES files, each made empty and closed; one sync. */
static void create_files(void)
{
    char name[16];

    for (int i = 0; i < FILES; i++) {
        name_of(name, i);
        close(open(name, O_WRONLY | O_CREAT));
    }
    assert(sync() == 0);
}

static void remove_files(void)
{
    char name[16];

    for (int i = 0; i < FILES; i++) {
        name_of(name, i);
        assert(unlink(name) == 0);
    }
    assert(sync() == 0);
}

static void make_files(void)
{
    char name[16];

    for (int i = 0; i < FILES; i++) {
        name_of(name, i);
        write_file(name);
        assert(sync() == 0);            /* so much at a time as the journal of a small disk has */
    }
}

static void write_and_sync(void)
{
    write_file("bench0");
    assert(sync() == 0);
}

static void sync_remove(void)
{
    assert(unlink("bench0") == 0 && sync() == 0);
}

static void open_file(void)
{
    make_one();
    fd = open("bench0", O_RDONLY);
}

static void close_file(void)
{
    close(fd);
    remove_one();
}

static void read_pieces(size_t piece)
{
    seek(fd, 0, LSEEK_SET);
    for (size_t at = 0; at < KIB * 1024; at += piece)
        assert(read(fd, buf, piece) == (int)piece);
}

static void read_small(void)
{
    read_pieces(PIECE);
}

static void read_large(void)
{
    read_pieces(LARGE);
}

/* A child that sends back each byte that it gets. */
static void start_echo(void)
{
    char c;

    assert(pipe(to) == 0 && pipe(back) == 0);
    partner = fork();
    assert(partner >= 0);
    if (partner == 0) {
        close(to[1]);
        close(back[0]);
        while (read(to[0], &c, 1) == 1)
            write(back[1], &c, 1);
        exit(0);
    }
    close(to[0]);
    close(back[1]);
}

static void ping_pong(void)
{
    char c = 1;

    write(to[1], &c, 1);
    read(back[0], &c, 1);
}

static void end_partner(void)
{
    close(to[1]);
    close(back[0]);
    assert(waitpid(partner, NULL) == 0);
}

/* A child that reads all that it gets; one byte back for each KIB KiB. */
static void start_reader(void)
{
    assert(pipe(to) == 0 && pipe(back) == 0);
    partner = fork();
    assert(partner >= 0);
    if (partner == 0) {
        int n, left = KIB * 1024;

        close(to[1]);
        close(back[0]);
        while ((n = read(to[0], buf, sizeof(buf))) > 0) {
            left -= n;
            if (left == 0) {
                left = KIB * 1024;
                write(back[1], buf, 1);
            }
        }
        exit(0);
    }
    close(to[0]);
    close(back[1]);
}

static void stream(void)
{
    for (int i = 0; i < KIB * 1024 / LARGE; i++)
        assert(write(to[1], buf, LARGE) == LARGE);
    read(back[0], buf, 1);
}

static void fork_exec_exit_wait(void)
{
    int pid = fork();

    if (pid == 0)
        exit(exec("./true"));
    wait();
}

/* What is measured, and how many things one round does. */
static const struct {
    struct operation operation;
    int share;
} operations[] = {
    { { "pipe", 64, ping_pong, start_echo, end_partner }, 1 },
    { { "pipe-kib", 4, stream, start_reader, end_partner }, KIB },
    { { "open", 64, open_close, make_one, remove_one }, 1 },
    { { "create", 1, create_files, measure_nothing, remove_files }, FILES },
    { { "write-kib", 1, write_and_sync, measure_nothing, sync_remove }, KIB },
    { { "read-kib", 2, read_small, open_file, close_file }, KIB },
    { { "read-16k", 2, read_large, open_file, close_file }, KIB },
    { { "unlink", 1, remove_files, make_files, measure_nothing }, FILES },
    { { "exec-disk", 8, fork_exec_exit_wait, measure_nothing, measure_nothing }, 1 },
};

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "all";

    assert(chdir("/bin") == 0);         /* the programs of the disk; exec-disk names one of them */
    for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
        if (strcmp(name, "all") != 0 && strcmp(name, operations[i].operation.name) != 0)
            continue;
        count++;
        measure_report_share(&operations[i].operation, operations[i].share);
    }
    if (count == 0)
        cprintf("filebench: there is no operation %s\n", name);
    return count == 0;
}
