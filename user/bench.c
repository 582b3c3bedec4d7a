/* bench: what the kernel's operations cost. `make bench` runs it and compares (tools/bench.py).

     bench               all operations except "sync" and "children"
     bench NAME          one of them, for `make profile PROG="bench fork"`
     bench sync          semaphores and mutexes of programs, which lab 7 makes
     bench children [N]  fork, and kill and wait, with 60, 200 and 4,000 children
                         alive, or with N of these only: 4,000 need 1 GiB
     bench wall          all operations in nanoseconds of the host, not instructions

   user/libs/measure.h says how it is measured. What files cost is in user/filebench.c. */
#include <measure.h>
#include <stdio.h>
#include <string.h>
#include <sync.h>
#include <syscall.h>
#include <testing.h>
#include <ulib.h>

#define PAGES       64          /* a sample touches so many */
#define FAMILY      16          /* a sample makes or ends so many children */
#define MIB         (1UL << 20)
#define FOREVER     1000000     /* ticks */

static char *region;            /* the area that prepare() mapped, and its size */
static size_t region_size;
static char *next_page;         /* the page that once() writes to */
static int partner;             /* the child that prepare() made */

static void null_syscall(void)
{
    getpid();
}

static void fork_exit_wait(void)
{
    int pid = fork();

    if (pid == 0)
        exit(0);
    wait();
}

static void fork_exec_exit_wait(void)
{
    int pid = fork();

    if (pid == 0)
        exit(exec("true"));
    wait();
}

static void map_region(size_t size)
{
    uintptr_t addr = 0;

    region_size = size;
    assert(mmap(&addr, size, MMAP_WRITE) == 0);
    region = (char *)addr;
}

static void unmap_region(void)
{
    assert(munmap((uintptr_t)region, region_size) == 0);
}

static void touch_region(void)
{
    for (size_t offset = 0; offset < region_size; offset += PGSIZE)
        region[offset] = 1;
    next_page = region;
}

static void map_1_mib(void)
{
    map_region(1 * MIB);
    touch_region();
}

static void map_16_mib(void)
{
    map_region(16 * MIB);
    touch_region();
}

/* The pages at both ends are touched already, so that the page tables are there. */
static void map_untouched(void)
{
    map_region((PAGES + 2) * PGSIZE);
    region[0] = region[region_size - 1] = 1;
    next_page = region + PGSIZE;
}

static void touch_next_page(void)
{
    *next_page = 1;
    next_page += PGSIZE;
}

static void end_partner(void)
{
    assert(kill(partner) == 0 && waitpid(partner, NULL) == 0);
}

/* Start a child that does something for ever; it has done it once when this returns. */
static void start_partner(void (*what)(void))
{
    partner = fork();
    while (partner == 0)
        what();
    assert(partner > 0);
    yield();
}

static void sleep_long(void)
{
    sleep(FOREVER);
}

/* Make pages that a child shares. The write to next_page at the end takes the page of this
   program's own variables back, so that no sample pays for that. */
static void share_pages(void)
{
    map_region(PAGES * PGSIZE);
    touch_region();
    start_partner(sleep_long);
    next_page = region;
}

static void unshare_pages(void)
{
    end_partner();
    unmap_region();
}

/* Make pages that a child shared. It has ended, but the pages are still read-only here. */
static void leave_last_reference(void)
{
    share_pages();
    end_partner();
    next_page = region;
}

static void start_yielding(void)
{
    start_partner(yield);
}

static const struct operation operations[] = {
    { "null", PAGES, null_syscall, measure_nothing, measure_nothing },
    { "fork", 16, fork_exit_wait, measure_nothing, measure_nothing },
    { "fork-1m", 8, fork_exit_wait, map_1_mib, unmap_region },
    { "fork-16m", 2, fork_exit_wait, map_16_mib, unmap_region },
    { "exec", 8, fork_exec_exit_wait, measure_nothing, measure_nothing },
    { "touch", PAGES, touch_next_page, map_untouched, unmap_region },
    { "cow-copy", PAGES, touch_next_page, share_pages, unshare_pages },
    { "cow-last", PAGES, touch_next_page, leave_last_reference, unmap_region },
    { "yield", PAGES, yield, start_yielding, end_partner },
};

/* What the operations of lab 7 use: ids. The partner waits for `there` and posts `back`. */
static int there, back, mutex;

static void make_semaphore(void)
{
    there = sem_init(0);
    assert(there > 0);
}

static void free_semaphore(void)
{
    assert(sem_free(there) == 0);
}

static void post_and_wait(void)
{
    sem_post(there);
    sem_wait(there);
}

/* A mutex cannot be freed, so there is one for all samples. It is used once before. */
static void make_mutex(void)
{
    if (mutex == 0)
        mutex = mutex_create();
    assert(mutex > 0 && mutex_lock(mutex) == 0 && mutex_unlock(mutex) == 0);
}

static void lock_and_unlock(void)
{
    int id = mutex;

    mutex_lock(id);
    mutex_unlock(id);
}

static void answer(void)
{
    sem_wait(there);
    sem_post(back);
}

static void ask(void)
{
    sem_post(there);
    sem_wait(back);
}

/* The partner waits when this returns, as it does before each round. */
static void start_answering(void)
{
    make_semaphore();
    back = sem_init(1);
    assert(back > 0);
    sem_post(there);
    start_partner(answer);
    sem_wait(back);
    ask();
}

static void end_answering(void)
{
    end_partner();
    free_semaphore();
    assert(sem_free(back) == 0);
}

static const struct operation sync_operations[] = {
    { "sem", PAGES, post_and_wait, make_semaphore, free_semaphore },
    { "mutex", PAGES, lock_and_unlock, make_mutex, measure_nothing },
    { "hand-over", PAGES, ask, start_answering, end_answering },
};

/* Children that sleep: as many as `level` says, and in a sample a family more. A fork shares all
   pages, so a write after it copies one. All that a sample writes is on one page, so the cost of
   that does not grow with the number of children. */
static int base[4000], base_count, level;
static struct {
    int count;
    int pids[FAMILY];
} family __attribute__((aligned(128)));

/* Make one more child. It runs until it sleeps, and then the parent goes on. */
static int sleeping_child(void)
{
    int pid = fork();

    while (pid == 0)
        sleep_long();
    assert(pid > 0);
    yield();
    return pid;
}

static void end_child(int pid)
{
    assert(kill(pid) == 0 && wait() == 0);
}

static void one_more(void)
{
    family.pids[family.count++] = sleeping_child();
}

static void one_less(void)
{
    end_child(family.pids[--family.count]);
}

static void climb(void)
{
    while (base_count < level)
        base[base_count++] = sleeping_child();
}

static void climb_over(void)
{
    climb();
    while (family.count < FAMILY)
        one_more();
}

static void descend(void)
{
    while (family.count > 0)
        one_less();
}

/* Measure with `only` children alive, or with each number of them if `only` is 0. */
static void with_children(int only)
{
    static const struct {
        int level;
        struct operation fork, kill;
    } steps[] = {
        { 60, { "children-60", FAMILY, one_more, climb, descend },
          { "kill-60", FAMILY, one_less, climb_over, measure_nothing } },
        { 200, { "children-200", FAMILY, one_more, climb, descend },
          { "kill-200", FAMILY, one_less, climb_over, measure_nothing } },
        { 4000, { "children-4000", FAMILY, one_more, climb, descend },
          { "kill-4000", FAMILY, one_less, climb_over, measure_nothing } },
    };

    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        if (only != 0 && only != steps[i].level)
            continue;
        level = steps[i].level;
        measure_report(&steps[i].fork);
        measure_report(&steps[i].kill);
    }
    while (base_count > 0)
        end_child(base[--base_count]);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "all";

    measure_wall = strcmp(name, "wall") == 0;
    if (strcmp(name, "children") == 0) {
        with_children(number_argument(argc, argv, 2, 0));
        return 0;
    }
    int found = measure_named(operations, ARRAY_SIZE(operations), name,
                              measure_wall || strcmp(name, "all") == 0);
    found += measure_named(sync_operations, ARRAY_SIZE(sync_operations), name,
                           strcmp(name, "sync") == 0);
    if (found == 0)
        cprintf("bench: there is no operation %s\n", name);
    return found == 0;
}
