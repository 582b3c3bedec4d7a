/* crowd [group]: what takes the kernel long, because it grows with memory and with processes.

   It does each such thing once: it maps and frees much memory, forks, looks at all processes,
   leaves orphans and zombies, kills them one by one, and has them all wake up at once. With "group"
   it kills a whole group at once instead. It takes half of the machine's memory, and 4,000
   processes if there is 1 GiB. kern/test/irq_off.c measures meanwhile how long the kernel keeps
   interrupts off; `make bench` shows that. */
#include <error.h>
#include <report.h>
#include <string.h>
#include <syscall.h>
#include <testing.h>
#include <ulib.h>

#define MAX_CHILDREN    4000
#define PAGES_OF_CHILD  64              /* so many pages of the machine for each child */
#define FOREVER         1000000         /* ticks */
#define SOON            200

static int children;
static uintptr_t region;
static size_t region_size;

static void measure_machine(void)
{
    struct meminfo info;

    assert(meminfo(&info) == 0);
    region_size = info.free_pages / 2 * PGSIZE;
    children = info.total_pages / PAGES_OF_CHILD;
    if (children > MAX_CHILDREN)
        children = MAX_CHILDREN;
}

static void map_region(void)
{
    region = 0;
    assert(mmap(&region, region_size, MMAP_WRITE) == 0);
    for (size_t offset = 0; offset < region_size; offset += PGSIZE)
        write_to(region + offset);
}

/* Count the processes, one by one as ps does it. */
static int look_at_all(void)
{
    struct procinfo info;
    int n = 0;

    for (int pid = 1; procinfo(pid, &info) == 0; pid = info.pid + 1)
        n++;
    return n;
}

static void do_nothing(uintptr_t unused)
{
    (void)unused;
}

static void kill_self(uintptr_t unused)
{
    (void)unused;
    kill(getpid());
}

/* A process with memory of its own is killed, and all of it is freed. */
static void die_with_memory(uintptr_t unused)
{
    map_region();
    kill_self(unused);
}

static void with_memory(void)
{
    assert(child_code(die_with_memory, 0) == -E_KILLED);
    map_region();
    assert(child_code(do_nothing, 0) == 0);
    assert(child_code(kill_self, 0) == -E_KILLED);
    look_at_all();
    assert(munmap(region, region_size) == 0);
}

static void sleep_for_ever(void)
{
    for (;;)
        sleep(FOREVER);
}

/* Lead a group of many processes, and leave them behind. */
static void leave_group(void)
{
    assert(job(JOB_BACKGROUND) == 0);
    for (int i = 0; i < children; i++) {
        int pid = fork();

        if (pid == 0)
            sleep_for_ever();
        assert(pid > 0);
    }
    exit(0);
}

static void kill_each_after(int pid)
{
    struct procinfo info;

    while (procinfo(pid + 1, &info) == 0) {
        pid = info.pid;
        kill(pid);
    }
}

/* Many processes are looked at, become orphans, and are killed. */
static void with_children(bool at_once)
{
    int before = look_at_all(), group = fork();

    if (group == 0)
        leave_group();
    assert(group > 0 && waitpid(group, NULL) == 0);
    assert(look_at_all() == before + children);
    if (at_once)
        assert(kill(-group) == 0);
    else
        kill_each_after(group);
    while (look_at_all() > before)
        sleep(1);
}

/* Many children end, and their parent does not wait for them: it leaves zombies when it ends. */
static void leave_zombies(uintptr_t unused)
{
    (void)unused;
    for (int i = 0; i < children; i++) {
        int pid = fork();

        if (pid == 0)
            exit(0);
        assert(pid > 0);
    }
}

/* Many children sleep until the same time: that is up to a tick later for who falls asleep later,
   and some hundreds do so in a tick. */
static void wake_at_once(void)
{
    for (int i = 0; i < children; i++) {
        int pid = fork();

        if (pid == 0) {
            sleep(SOON);
            exit(0);
        }
        assert(pid > 0);
    }
    for (int i = 0; i < children; i++)
        assert(wait() == 0);
}

int main(int argc, char **argv)
{
    bool group = argc > 1 && strcmp(argv[1], "group") == 0;

    measure_machine();
    with_children(group);
    if (!group) {
        with_memory();
        assert(child_code(leave_zombies, 0) == 0);
        wake_at_once();
    }
    return check_done();
}
