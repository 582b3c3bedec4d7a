/* Counting, taking all memory, threads: see testlib.h for what each function is for.

   Nothing here reports by check(): the reports are the tests' own, and a line is known by the place
   that it was printed from. What goes wrong here is a panic, whose message says which step it was.
   No function takes a lock for longer than one call of the kernel; those that make threads or wait
   for them sleep. There is no state beside what the caller gives. */
#include <mm/kmalloc.h>
#include <mm/shrink.h>
#include <process/proc.h>
#include <sched/timer.h>
#include <string.h>
#include <test/testlib.h>

/* Threads of one test, whose pids are on its stack; and how long inventory_settle() waits, in
   ticks: far longer than any process takes to end. */
#define MAX_THREADS     64
#define SETTLE_TICKS    1000

/* Marsaglia's xorshift64: every number but 0 comes once before the first one comes again. Good
   enough to reach orders of calls that nobody would write down. */
uint64_t test_random(uint64_t *state)
{
    uint64_t x = *state;

    assert(x != 0);
    /* The three shifts are those of the paper; others have shorter cycles. */
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *state = x;
    return x;
}

const struct pmm_manager *test_manager(const char *name)
{
    const struct pmm_manager *manager = pmm_managers_start;

    while (manager < pmm_managers_end && strcmp(manager->name, name) != 0)
        manager++;
    if (manager == pmm_managers_end)
        panic("this kernel has no allocator that is named %s", name);
    return manager;
}

/* A negative number in the message means that there is more than before: a page that was freed
   twice, for example. */
void inventory_same(const struct inventory *before, const char *what)
{
    struct inventory now = inventory_take();

    /* All three must be equal: more is as wrong as less. */
    if (now.pages == before->pages && now.objects == before->objects
        && now.processes == before->processes)
        return;
    kmalloc_print();
    /* What is in use is listed before, because a panic ends the machine. */
    panic("after %s: %ld pages, %ld kernel objects, %d processes lost", what,
          (long)(before->pages - now.pages), (long)(now.objects - before->objects),
          (int)(now.processes - before->processes));
}

/* A process has ended when its parent has been told; its stack is freed a little later, by the one
   that waits for it, and the object behind that. Orphans are waited for by initproc, which has to
   get its turn. */
void inventory_settle(const struct inventory *before, const char *what)
{
    /* Those that are still there get time; if there are too many for good, inventory_same() says
       so. */
    for (int i = 0; i < SETTLE_TICKS && (process_count() > before->processes
                                         || kmalloc_objects() > before->objects); i++)
        timer_sleep_until(rdtime() + timer_tick_length());
    inventory_same(before, what);
}

/* Page by page, so that the largest block is taken too, in pieces. page_link belongs to whoever has
   the page, so the list costs no memory. */
void hoard_take(struct hoard *hoard)
{
    struct Page *page;

    /* An empty hoard has no list yet. */
    if (hoard->count == 0)
        list_init(&hoard->pages);
    /* Single pages can be had as long as there is any. */
    while ((page = alloc_page()) != NULL) {
        list_add(&hoard->pages, &page->page_link);
        hoard->count++;
    }
}

/* The pages that are given are those that were taken last. So the first one that the kernel gets is
   mostly one that was used by something else before. */
void hoard_give(struct hoard *hoard, size_t n)
{
    assert(n <= hoard->count);
    for (hoard->count -= n; n > 0; n--) {
        /* The list is a stack: the last page that was taken is the first that is given. */
        list_entry_t *first = list_next(&hoard->pages);

        list_del(first);
        free_page(to_struct(first, struct Page, page_link));
    }
}

/* Afterwards the hoard may be used again. */
void hoard_end(struct hoard *hoard)
{
    hoard_give(hoard, hoard->count);
}

/* A panic and no error code: a test that has no thread cannot try what it is about. */
int test_thread(int (*fn)(void *), void *arg)
{
    int pid = kernel_thread(fn, arg, "test thread");

    if (pid < 0)
        panic("a test needs a kernel thread, but got error %d", pid);
    return pid;
}

/* All are made before the first is waited for, so that they run side by side. They are waited for
   in the order in which they were made; that one ends early does no harm, it is a zombie until
   then. */
void test_threads(int n, int (*fn)(void *))
{
    int pids[MAX_THREADS];

    assert(n <= MAX_THREADS);
    for (int i = 0; i < n; i++)
        /* Its number tells the thread which one it is. */
        pids[i] = test_thread(fn, (void *)(uintptr_t)i);
    for (int i = 0; i < n; i++) {
        int code = -1;

        /* Each thread is this one's child, and nobody else waits for it. */
        assert_eq(wait_child(pids[i], &code) >= 0, true);
        if (code != 0)
            panic("thread %d of the test ended with %d", i, code);
    }
}

/* See kern/init/user.c for what exec of a kernel thread is. */
int test_exec(void *arg)
{
    const char *argv[] = { arg, NULL };

    return test_exec_words(argv);
}

/* exec wants the number of words too. */
int test_exec_words(void *words)
{
    const char **argv = words;
    int argc = 0;

    while (argv[argc] != NULL)
        argc++;
    return kernel_execve(argv[0], argc, argv);
}

/* By one bit of the address, as trap entry tells them apart. */
bool kstack_is_guard(uintptr_t addr)
{
    return addr >= KSTACK_BASE && addr < KSTACK_END && !(addr >> KSTACK_SHIFT & 1);
}
