/* grow: what an operation costs while there is much of something. `make bench GROW=1` runs it with
   several sizes and looks how the cost grows (tools/grow.py).

     grow WHAT N         one operation with N of WHAT; see the table at the end of this file
     grow bytes          what a process, a thread and other things take of the memory

   user/libs/measure.h says how it is measured. "runnable" counts all switches of a while itself,
   because a round of its operation has as many as there are threads. Files need a disk. */
#include <error.h>
#include <file.h>
#include <measure.h>
#include <stdio.h>
#include <string.h>
#include <sync.h>
#include <testing.h>
#include <thread.h>
#include <ulib.h>

#define FOREVER     1000000             /* ticks */
#define MS_PER_TICK 10
#define SPREAD      10007               /* ticks after FOREVER, in which timers end */
#define ROUNDS      16
#define PAGES       32                  /* of each of the two regions of a sample */
#define PIECE       4096
#define EACH        100                 /* descriptors that one process has open */
#define TURNS       3                   /* rounds of all threads that are counted */
#define MANY        256                 /* things that are made to see how large one is */
#define PIDS        11000

static int size;                        /* N of the command line */
static char buf[PIECE];
static char name[32];
static int fd, sem, back;
static char *low, *high;                /* the pages that two regions have next */
static volatile uint64_t switches;
static volatile bool stop;              /* threads that are always runnable end */
static int pids[PIDS], made_count;      /* what is ended at the end */

/* A process or thread was made: it must be there. */
static void made(int pid)
{
    assert(pid > 0 && made_count < PIDS);
    pids[made_count++] = pid;
}

static void end_all(void)
{
    while (made_count > 0) {
        int pid = pids[--made_count];

        if (!stop)
            assert(kill(pid) == 0);
        assert(waitpid(pid, NULL) == 0);
    }
}

/* N processes that do something for ever, of which each has begun. */
static void crowd(int n, void (*what)(void))
{
    for (int i = 0; i < n; i++) {
        int pid = fork();

        while (pid == 0)
            what();
        made(pid);
        yield();
    }
}

static void sleep_long(void)
{
    sleep(FOREVER);
}

static void fork_exit_wait(void)
{
    int pid = fork();

    if (pid == 0)
        exit(0);
    assert(pid > 0);
    waitpid(pid, NULL);
}

static void many_processes(void)
{
    crowd(size, sleep_long);
}

static char *map(size_t pages, bool writable)
{
    uintptr_t addr = 0;

    assert(mmap(&addr, pages * PGSIZE, writable ? MMAP_WRITE : 0) == 0);
    return (char *)addr;
}

static void many_pages(void)
{
    char *region = map(size, true);

    for (int i = 0; i < size; i++)
        region[i * PGSIZE] = 1;
}

/* Neighbours have different rights, so that they stay areas of their own. */
static void many_areas(void)
{
    low = map(ROUNDS * PAGES, true);
    for (int i = 0; i < size; i++)
        map(1, i % 2 == 0);
    high = map(ROUNDS * PAGES, true);
}

/* Two faults, each in another area than the one before. */
static void touch_both(void)
{
    *low = *high = 1;
    low += PGSIZE;
    high += PGSIZE;
}

/* The partner of ask_in_time(). */
static void answer(void)
{
    sem_wait(sem);
    sem_post(back);
}

/* Ends of sleeps in no order. */
static int some_time(int n)
{
    return FOREVER + n * 7919 % SPREAD;
}

static void sleep_somehow(void)
{
    sleep(some_time(made_count));
}

static void many_timers(void)
{
    crowd(size, sleep_somehow);
    sem = sem_init(0);
    back = sem_init(0);
    assert(sem > 0 && back > 0);
    crowd(1, answer);
}

/* A wait with a timer that is taken back, because the answer comes before. Each has another end: a
   heap that adjusts itself would soon have the same one near its root. A sleep that comes to its
   end would let time pass, and under -icount that counts. */
static void ask_in_time(void)
{
    static int asked;

    sem_post(sem);
    assert(sem_wait_timeout(back, MS_PER_TICK * some_time(asked++)) == 0);
}

static void write_file(const char *path, int pieces)
{
    fd = open(path, O_WRONLY | O_CREAT);
    for (int i = 0; i < pieces; i++)
        assert(write(fd, buf, PIECE) == PIECE);
    close(fd);
}

static void open_close(void)
{
    int file = open(name, O_RDONLY);

    assert(file >= 0 && close(file) == 0);
}

static void hold_files(void)
{
    for (int i = 0; i < EACH && i < size; i++)
        assert(open(name, O_RDONLY) >= 0);
    for (;;)
        sleep_long();
}

static void many_descriptors(void)
{
    strcpy(name, "one");
    write_file(name, 1);
    crowd(size < EACH ? 1 : size / EACH, hold_files);
}

/* Of this process; the number of a new one is the first that is free. */
static void own_descriptors(void)
{
    strcpy(name, "one");
    write_file(name, 1);
    for (int i = 0; i < size; i++)
        assert(open(name, O_RDONLY) >= 0);
}

/* The host has made a directory with N files. A name that none of them has is compared with all. */
static void look_for_missing(void)
{
    assert(open("many/missing", O_RDONLY) == -E_NOENT);
}

static void large_file(void)
{
    write_file("large", size);
    sync();
    fd = open("large", O_RDONLY);
    assert(fd >= 0);
}

static void read_last_piece(void)
{
    assert(seek(fd, (off_t)(size - 1) * PIECE, LSEEK_SET) >= 0);
    assert(read(fd, buf, PIECE) == PIECE);
}

static void large_disk(void)
{
    write_file("old", 1);
    sync();
}

static void make_and_remove(void)
{
    write_file("new", 4);
    assert(unlink("new") == 0);
    sync();
}

static int wait_again(void *unused)
{
    (void)unused;
    while (sem_wait(sem) == 0)
        switches++;
    return 0;
}

static void many_waiters(void)
{
    sem = sem_init(0);
    for (int i = 0; i < size; i++) {
        made(thread_create(wait_again, NULL));
        yield();
    }
}

/* One of them wakes up, and waits again. */
static void wake_one(void)
{
    uint64_t before = switches;

    sem_post(sem);
    while (switches == before)
        yield();
}

/* The priorities of neighbours differ, for a scheduler that has such. */
static int yield_forever(void *priority)
{
    lab6_setpriority((uintptr_t)priority);
    while (!stop) {
        switches++;
        yield();
    }
    return 0;
}

static uint64_t instructions(void)
{
    uint64_t value;

    asm volatile ("rdinstret %0" : "=r" (value) : : "memory");
    return value;
}

/* What one switch costs while N threads yield, on the average of some rounds of all. */
static void measure_runnable(void)
{
    for (int i = 0; i < size; i++)
        made(thread_create(yield_forever, (void *)(uintptr_t)(1 + i * 7 % 16)));
    while (switches < (uint64_t)size)
        yield();
    uint64_t wanted = switches + (uint64_t)TURNS * size, before = switches;
    uint64_t begin = instructions();

    while (switches < wanted)
        yield();
    cprintf("bench: %-14s %9lu instructions\n", "runnable",
            (instructions() - begin) / (switches - before));
}

static uint64_t free_bytes(void)
{
    struct meminfo info;

    assert(meminfo(&info) == 0);
    return info.free_pages * PGSIZE;
}

static int sleeping_thread(void *unused)
{
    (void)unused;
    return sleep(FOREVER);
}

static void one_process(void)
{
    crowd(1, sleep_long);
}

static void one_thread(void)
{
    made(thread_create(sleeping_thread, NULL));
    yield();
}

static void one_area(void)
{
    static bool writable;

    map(1, writable = !writable);
}

/* Files of one process: a hundred at most, and each process has its table, so it is a share. */
static void hundred_files(void)
{
    crowd(1, hold_files);
}

static void one_semaphore(void)
{
    assert(sem_init(0) > 0);
}

/* Print how many bytes one of MANY takes. A few are made before, so that tables which all need are
   there. What is handed out by pages is rounded to a page for all of them together. */
static void report_bytes(const char *what, void (*make)(void), int many)
{
    for (int i = 0; i < 8; i++)
        make();
    uint64_t before = free_bytes();

    for (int i = 0; i < many; i++)
        make();
    cprintf("bench: %-14s %9lu bytes\n", what, (before - free_bytes()) / many);
}

/* Processes come first: each has a copy of what its parent has then. */
static void measure_bytes(void)
{
    cprintf("bench: %-14s %9lu bytes\n", "free", free_bytes());
    report_bytes("process", one_process, MANY);
    size = EACH;
    strcpy(name, "one");
    write_file(name, 1);
    report_bytes("process-files", hundred_files, MANY / 4);
    report_bytes("area", one_area, 4 * MANY);
    report_bytes("semaphore", one_semaphore, 4 * MANY);
    report_bytes("thread", one_thread, MANY);
}

static const struct {
    void (*setup)(void);
    struct operation operation;
} rows[] = {
    { many_processes, { "processes", ROUNDS, fork_exit_wait, measure_nothing, measure_nothing } },
    { many_pages, { "pages", 2, fork_exit_wait, measure_nothing, measure_nothing } },
    { many_areas, { "areas", ROUNDS, touch_both, measure_nothing, measure_nothing } },
    { many_timers, { "timers", ROUNDS, ask_in_time, measure_nothing, measure_nothing } },
    { many_descriptors, { "descriptors", ROUNDS, open_close, measure_nothing, measure_nothing } },
    { own_descriptors, { "table", ROUNDS, open_close, measure_nothing, measure_nothing } },
    { measure_nothing, { "entries", ROUNDS, look_for_missing, measure_nothing, measure_nothing } },
    { large_file, { "file", ROUNDS, read_last_piece, measure_nothing, measure_nothing } },
    { large_disk, { "disk", 4, make_and_remove, measure_nothing, measure_nothing } },
    { many_waiters, { "waiters", ROUNDS, wake_one, measure_nothing, measure_nothing } },
};

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    if (strcmp(what, "bytes") == 0) {
        measure_bytes();
        end_all();
        return 0;
    }
    size = number_argument(argc, argv, 2, 10);
    if (strcmp(what, "runnable") == 0) {
        measure_runnable();
        stop = true;
        end_all();
        return 0;
    }
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (strcmp(what, rows[i].operation.name) == 0) {
            rows[i].setup();
            measure_report(&rows[i].operation);
            end_all();
            return 0;
        }
    cprintf("grow: there is no operation %s\n", what);
    return 1;
}
