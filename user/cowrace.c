/* cowrace: threads fault on the same copy-on-write pages at the same time. It is meant for several
   harts.

   Two processes share the pages, and each has threads that write. Each thread writes only its own
   bytes: if a page is copied twice, the bytes of one thread are lost. A fork beside a thread that
   writes must give the child the page as it was at the fork. */
#include <report.h>
#include <testing.h>
#include <thread.h>
#include <ulib.h>

#define PAGES           64
#define THREADS         3
#define ROUNDS          20

/* Byte t of each page belongs to thread t; the last byte belongs to nobody. */
static volatile unsigned char memory[PAGES][PGSIZE] __attribute__((aligned(PGSIZE)));
static volatile unsigned char value;
static volatile bool go, stop;
static volatile unsigned long *count;   /* in a page above all others: a fork comes to it last */

/* Write to all pages. Threads with an even number begin at the first page, the others at the
   last. */
static int writer(void *arg)
{
    int thread = (int)(uintptr_t)arg;

    while (!go)
        yield();
    for (int i = 0; i < PAGES; i++) {
        int page = thread % 2 == 0 ? i : PAGES - 1 - i;

        memory[page][thread] = value;
    }
    return thread;
}

static void race(unsigned char my_value)
{
    int tids[THREADS], code;

    value = my_value;
    go = false;
    for (int t = 0; t < THREADS; t++) {
        tids[t] = thread_create(writer, (void *)(uintptr_t)t);
        assert(tids[t] > 0);
    }
    go = true;
    writer((void *)THREADS);
    for (int t = 0; t < THREADS; t++)
        assert(thread_join(tids[t], &code) == 0 && code == t);
    for (int page = 0; page < PAGES; page++) {
        for (int t = 0; t <= THREADS; t++)
            if (memory[page][t] != my_value)
                panic("page %d lost what thread %d wrote: %d, not %d", page, t,
                      memory[page][t], my_value);
        assert(memory[page][PGSIZE - 1] == 1);
    }
}

/* A thread that writes to its page all the time. */
static int counter(void *unused)
{
    (void)unused;
    while (!stop)
        ++*count;
    return 0;
}

/* A fork while another thread writes: the child has the page as it was at the fork. */
static void check_fork_while_writing(void)
{
    int code, good = 0;

    assert(mmap((uintptr_t *)&count, PGSIZE, MMAP_WRITE) == 0);
    int tid = thread_create(counter, NULL);
    assert(tid > 0);
    while (*count == 0)
        yield();
    for (int round = 0; round < ROUNDS; round++) {
        int pid = fork();

        assert(pid >= 0);
        if (pid == 0) {
            unsigned long before = *count;

            yield_often(50);
            exit(*count == before ? 0 : 1);
        }
        if (waitpid(pid, &code) == 0 && code == 0)
            good++;
    }
    stop = true;
    assert(thread_join(tid, &code) == 0);
    check_eq("no child sees what a thread of its parent writes later", good, ROUNDS);
}

int main(void)
{
    check("a fork does not copy the pages of its parent", fork_shares_pages());
    for (int page = 0; page < PAGES; page++)
        memory[page][PGSIZE - 1] = 1;
    check_fork_while_writing();
    for (int round = 0; round < ROUNDS; round++) {
        int code, pid = fork();

        assert(pid >= 0);
        race(pid == 0 ? 100 + round : 200 + round);
        if (pid == 0)
            exit(0);
        assert(waitpid(pid, &code) == 0 && code == 0);
    }
    return check_done();
}
