/* scale: how well several harts share work. `make bench` runs the first two kinds on one hart and
   on two, tools/harts.py all but the first.

     scale cpu N [TIMES]     N processes that only compute
     scale fork N [TIMES]    N processes that fork a child and wait for it, again and again
     scale fault N [TIMES]   N threads of one process: each maps an area, touches each of its pages
                             and unmaps it, again and again
     scale pipe N [TIMES]    N processes that send a byte to a child, which sends it back
     scale open N [TIMES]    N processes that open a file and close it, each its own, but all of one
                             directory; it needs a disk

   Each does it TIMES times. The work is the same on any number of harts; printed is the time that
   it took, and how often the operation was done: for fault that is a page. */
#include <file.h>
#include <measure.h>
#include <stdio.h>
#include <testing.h>
#include <ulib.h>

#define PAGES       32          /* of an area */
#define US_TICKS    10          /* ticks of rdtime: the timebase of QEMU's machine is 10 MHz */

static int times;               /* so often each process or thread does it */

static uint64_t microseconds(void)
{
    uint64_t ticks;

    asm volatile ("rdtime %0" : "=r" (ticks));
    return ticks / US_TICKS;
}

static int compute(__not_used void *which)
{
    uint64_t x = 1;

    for (int i = 0; i < times; i++) {
        x = x * 6364136223846793005UL + 1442695040888963407UL;
        asm volatile ("" : "+r" (x));
    }
    return 0;
}

static int fork_and_wait(__not_used void *which)
{
    for (int i = 0; i < times; i++) {
        int pid = fork();

        if (pid == 0)
            exit(0);
        assert(pid > 0 && waitpid(pid, NULL) == 0);
    }
    return 0;
}

static int fault(__not_used void *which)
{
    for (int i = 0; i < times; i++) {
        uintptr_t area = 0;

        assert(mmap(&area, PAGES * PGSIZE, MMAP_WRITE) == 0);
        for (size_t at = 0; at < PAGES * PGSIZE; at += PGSIZE)
            write_to(area + at);
        assert(munmap(area, PAGES * PGSIZE) == 0);
    }
    return 0;
}

/* Whatever comes by one descriptor goes out by the other one, until the first has an end. */
static __never_returns void echo(int from, int to)
{
    char byte;

    while (read(from, &byte, 1) == 1)
        assert(write(to, &byte, 1) == 1);
    exit(0);
}

static int send_and_receive(__not_used void *which)
{
    int to[2], back[2];
    char byte = 1;

    assert(pipe(to) == 0 && pipe(back) == 0);
    int pid = fork();

    assert(pid >= 0);
    if (pid == 0) {
        close(to[1]);
        echo(to[0], back[1]);
    }
    for (int i = 0; i < times; i++)
        assert(write(to[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1);
    close(to[1]);
    assert(waitpid(pid, NULL) == 0);
    return 0;
}

static int open_and_close(void *which)
{
    char name[16];

    snprintf(name, sizeof(name), "scale%ld", (long)(uintptr_t)which);
    assert(close(open(name, O_RDWR | O_CREAT)) == 0);
    for (int i = 0; i < times; i++)
        assert(close(open(name, O_RDONLY)) == 0);
    assert(unlink(name) == 0);
    return 0;
}

static const struct {
    const char *name;
    bool threads;
    int times;                  /* if the command line does not say it */
    int operations;             /* of each time */
    int (*body)(void *);
} kinds[] = {
    { "cpu", false, 60000000, 1, compute },
    { "fork", false, 1500, 1, fork_and_wait },
    { "fault", true, 100, PAGES, fault },
    { "pipe", false, 1500, 1, send_and_receive },
    { "open", false, 3000, 1, open_and_close },
};

int main(int argc, char **argv)
{
    int count = number_argument(argc, argv, 2, 1);

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (argc > 1 && strcmp(argv[1], kinds[i].name) == 0) {
            times = number_argument(argc, argv, 3, kinds[i].times);
            profile_begin();
            uint64_t start = microseconds();

            run_together(count, kinds[i].threads, kinds[i].body);
            uint64_t end = microseconds();

            profile_end();
            cprintf("scale: %s %d %lu us, %d times\n", argv[1], count, end - start,
                    count * times * kinds[i].operations);
            return 0;
        }
    cprintf("usage: scale cpu|fork|fault|pipe|open N [TIMES]\n");
    return 1;
}
