/* mmlock [THREADS]: threads of one process that all want the lock of its memory, 7 others by
   default.

   A thread that asks for the lock gets it soon, however often the others take it: calls of brk
   beside threads that map, touch and unmap; forks beside threads that write; a kill of one thread
   among them. The longest time is printed; it depends on the host too. `make bench` shows it for 2,
   4 and 8 harts. */
#include <error.h>
#include <report.h>
#include <stdio.h>
#include <testing.h>
#include <thread.h>
#include <ulib.h>

#define MAX_THREADS     16
#define CALLS           2000
#define FORKS           10
#define KILLS           10
#define AREA            (8 * PGSIZE)
#define SHARED          (64 * PGSIZE)
#define TIME_PER_US     10              /* the timebase of QEMU's machine is 10 MHz */

static int threads;
static volatile bool stop;
static uintptr_t shared;

static uint64_t microseconds(void)
{
    uint64_t time;

    asm volatile ("rdtime %0" : "=r" (time) : : "memory");
    return time / TIME_PER_US;
}

static void touch(uintptr_t start, size_t size)
{
    for (size_t offset = 0; offset < size; offset += PGSIZE)
        write_to(start + offset);
}

static int map_and_unmap(void *unused)
{
    (void)unused;
    while (!stop) {
        uintptr_t area = 0;

        assert(mmap(&area, AREA, MMAP_WRITE) == 0);
        touch(area, AREA);
        assert(munmap(area, AREA) == 0);
    }
    return 0;
}

static int write_all_the_time(void *unused)
{
    (void)unused;
    while (!stop)
        touch(shared, SHARED);
    return 0;
}

static void ask(void)
{
    uintptr_t end = 0;

    assert(brk(&end) == 0 && end != 0);
}

static void fork_once(void)
{
    int pid = fork();

    if (pid == 0)
        exit(0);
    assert(pid > 0 && waitpid(pid, NULL) == 0);
}

static void kill_one(void)
{
    int code, tid = thread_create(map_and_unmap, NULL);

    assert(tid > 0);
    yield();
    assert(kill(tid) == 0 && thread_join(tid, &code) == 0 && code == -E_KILLED);
}

/* Do something so often, beside threads that do something else, and print the longest time. */
static void beside(const char *name, void (*what)(void), int times, int (*others)(void *))
{
    int tids[MAX_THREADS], code;
    uint64_t longest = 0;

    stop = false;
    for (int i = 0; i < threads; i++)
        assert((tids[i] = thread_create(others, NULL)) > 0);
    while (times-- > 0) {
        uint64_t start = microseconds();

        what();
        if (microseconds() - start > longest)
            longest = microseconds() - start;
    }
    stop = true;
    for (int i = 0; i < threads; i++)
        assert(thread_join(tids[i], &code) == 0 && code == 0);
    cprintf("mmlock: %s %lu us\n", name, longest);
}

int main(int argc, char **argv)
{
    threads = number_argument(argc, argv, 1, 7);
    assert(threads <= MAX_THREADS);
    assert(mmap(&shared, SHARED, MMAP_WRITE) == 0);
    beside("brk", ask, CALLS, map_and_unmap);
    beside("fork", fork_once, FORKS, write_all_the_time);
    beside("kill", kill_one, KILLS, map_and_unmap);
    return check_done();
}
