/* inspect [N]: procinfo and meminfo while processes are made, sleep, exec, share memory and end.

   What they tell must make sense at each moment, and looking must hurt nobody, even if the process
   that is looked at ends meanwhile. Threads look at all processes while other processes (CHURNERS)
   make N children each, 200 by default, that live in different ways. Some processes whose state and
   pages are known are compared exactly. */
#include <error.h>
#include <report.h>
#include <string.h>
#include <testing.h>
#include <thread.h>
#include <ulib.h>

#define INSPECTORS      3
#define CHURNERS        4
#define LOOKS           10              /* so many times each inspector looks */
#define MAX_PID         (1 << 20)
#define PAGES           100UL

static int self;                        /* the pid of main's process */
static int self_parent;                 /* and of its parent */
static int short_lived;                 /* processes from this pid on live for a short time only */
static uint64_t total_pages;            /* never changes */

static void check_text(const char *text, size_t size, bool may_be_empty)
{
    size_t length = strnlen(text, size);

    assert(length < size && (length > 0 || may_be_empty));
    for (size_t i = 0; i < length; i++)
        assert(text[i] >= ' ' && text[i] <= '~');
}

static void check_process(const struct procinfo *info, int asked)
{
    static const char *const states[] = {
        "being made", "sleeping", "runnable", "running", "ended"
    };
    size_t state = 0;

    assert(info->pid >= asked && info->pid > 0 && info->pid < MAX_PID);
    assert(info->parent >= 0 && info->parent < MAX_PID && info->parent != info->pid);
    check_text(info->name, sizeof(info->name), false);
    check_text(info->state, sizeof(info->state), false);
    check_text(info->waits_for, sizeof(info->waits_for), true);
    while (state < ARRAY_SIZE(states) && strcmp(info->state, states[state]) != 0)
        state++;
    assert(state < ARRAY_SIZE(states));
    assert(info->shared_pages <= info->pages && info->pages <= total_pages);
    if (strcmp(info->state, "ended") == 0)
        assert(info->pages == 0);
    if (info->pid == self)
        assert(info->parent == self_parent && info->pages > 0
               && strcmp(info->name, "inspect") == 0);
}

/* Look at all processes, from the lowest pid on. This one is there, so asking for a pid that is not
   higher always finds one. */
static void look_at_processes(void)
{
    struct procinfo info;
    bool found_self = false;
    int pid = getpid(), asked = 1;

    for (;;) {
        int result = procinfo(asked, &info);

        if (result == -E_NOENT)
            break;
        assert(result == 0);
        check_process(&info, asked);
        found_self |= info.pid == pid;
        asked = info.pid + 1;
    }
    if (asked <= pid || !found_self)
        panic("procinfo(%d) finds nobody, but process %d is there", asked, pid);
}

/* Look for the lowest pid among the processes that live shortly. This one is one of them, so one is
   found. */
static void look_at_short_lived(void)
{
    struct procinfo info;
    int pid = getpid();

    for (int i = 0; i < 30; i++)
        if (procinfo(short_lived, &info) != 0 || info.pid > pid)
            panic("procinfo(%d) does not find process %d or one before it", short_lived, pid);
}

static uint64_t runs_of(int pid)
{
    struct procinfo info;

    assert(procinfo(pid, &info) == 0 && info.pid == pid);
    return info.runs;
}

static void look_at_memory(void)
{
    struct meminfo info;

    assert(meminfo(&info) == 0);
    assert(info.total_pages == total_pages && info.free_pages < total_pages);
    assert(info.processes >= 3 && info.processes < MAX_PID);    /* init, main's, this one */
    assert(info.kernel_objects > info.processes);
}

/* A thread that looks some times. */
static int inspector(void *unused)
{
    int tid = getpid();
    uint64_t before = runs_of(tid), after;

    (void)unused;
    for (int i = 0; i < LOOKS; i++) {
        look_at_processes();
        look_at_short_lived();
        look_at_memory();
        after = runs_of(tid);
        assert(after >= before);
        before = after;
        yield();
    }
    return 0;
}

/* Start new inspectors. Their pids are above those of many processes that end while they look. */
static void inspect(void)
{
    int tids[INSPECTORS], code;

    for (int i = 0; i < INSPECTORS; i++)
        assert((tids[i] = thread_create(inspector, NULL)) > 0);
    for (int i = 0; i < INSPECTORS; i++)
        assert(thread_join(tids[i], &code) == 0 && code == 0);
}

static void touch(uintptr_t area, size_t pages)
{
    for (size_t i = 0; i < pages; i++)
        *(volatile char *)(area + i * PGSIZE) = 1;
}

static int touch_much(void *arg)
{
    uintptr_t area = 0;

    assert(mmap(&area, PAGES * PGSIZE, MMAP_WRITE) == 0);
    touch(area, PAGES);
    assert(munmap(area, PAGES * PGSIZE) == 0);
    return arg == NULL ? 0 : 1;
}

/* What a child does in its short life; `kind` chooses. */
static void live(int kind)
{
    switch (kind % 6) {
    case 0:
        sleep(1);
        break;
    case 1:
        exec("true");
        exit(1);
    case 2:
        touch_much(NULL);
        break;
    case 3:
        assert(thread_create(touch_much, NULL) > 0);    /* it goes on as an orphan */
        break;
    case 4:
        assert(fork() >= 0);                            /* so does this one */
        yield();
        break;
    }
    exit(0);
}

/* One that sleeps is waited for when the next one is to be made, or at the end: meanwhile it is
   looked at beside the others, and nobody passes the time of its sleep. */
static void churn(int number, int rounds)
{
    int code, asleep = 0;

    for (int round = 0; round < rounds; round++) {
        bool sleeps = (round + number) % 6 == 0;

        if (sleeps && asleep != 0)
            assert(waitpid(asleep, &code) == 0 && code == 0);
        int pid = fork();

        if (pid == 0)
            live(round + number);
        assert(pid > 0);
        if ((round + number) % 6 == 5)
            kill(pid);
        if (sleeps) {
            asleep = pid;
            continue;
        }
        assert(waitpid(pid, &code) == 0);
        assert(code == 0 || (code == -E_KILLED && (round + number) % 6 == 5));
    }
    if (asleep != 0)
        assert(waitpid(asleep, &code) == 0 && code == 0);
}

static int start(void (*body)(void))
{
    int pid = fork();

    if (pid == 0) {
        body();
        exit(0);
    }
    assert(pid > 0);
    return pid;
}

/* Look at a child again and again, until it is in that state. */
static void look(int pid, const char *state, struct procinfo *info)
{
    int patience = 10000;

    do {
        assert(procinfo(pid, info) == 0 && info->pid == pid && info->parent == self);
        sleep(1);
        if (--patience == 0)
            panic("process %d should be %s, not %s", pid, state, info->state);
    } while (strcmp(info->state, state) != 0);
}

static void sleep_long(void)
{
    sleep(~0U);
}

static void nothing(void)
{
}

/* Processes whose states and pages are known. */
static void check_known(void)
{
    struct procinfo info, before;
    int sleeper = start(sleep_long), zombie = start(nothing), code;
    uintptr_t area = 0;

    look(sleeper, "sleeping", &info);
    assert(info.waits_for[0] != '\0' && info.pages > 0 && info.shared_pages > 0);
    look(zombie, "ended", &info);
    assert(info.pages == 0);
    assert(kill(sleeper) == 0 && waitpid(sleeper, &code) == 0);
    assert(waitpid(zombie, &code) == 0);
    assert(procinfo(zombie, &info) == -E_NOENT || info.pid > zombie);

    assert(procinfo(self, &before) == 0 && strcmp(before.state, "running") == 0);
    assert(mmap(&area, PAGES * PGSIZE, MMAP_WRITE) == 0);
    touch(area, PAGES);
    assert(procinfo(self, &info) == 0 && info.pages == before.pages + PAGES);
    /* The program's text is shared with all who run it. What the lines below need of it is there
       when a child has come and gone once. */
    int sharer = start(sleep_long);
    assert(kill(sharer) == 0 && waitpid(sharer, &code) == 0);
    touch(area, PAGES);
    assert(procinfo(self, &info) == 0);
    uint64_t text = info.shared_pages;
    assert(text < PAGES / 2);
    sharer = start(sleep_long);

    assert(procinfo(self, &info) == 0 && info.shared_pages >= PAGES);
    assert(procinfo(sharer, &before) == 0 && before.memory != info.memory && info.memory != 0);
    touch(area, PAGES / 2);
    assert(procinfo(self, &before) == 0 && before.pages == info.pages);
    assert(before.shared_pages <= info.shared_pages - PAGES / 2);
    assert(kill(sharer) == 0 && waitpid(sharer, &code) == 0);
    assert(procinfo(self, &info) == 0 && info.shared_pages == text);
    assert(munmap(area, PAGES * PGSIZE) == 0);
}

static int sleeper(void *unused)
{
    (void)unused;
    sleep(20);
    return 0;
}

/* Threads share one memory, which procinfo shows with each of them, and mem counts once. */
static void check_threads(void)
{
    struct procinfo info, thread;
    int tids[4], code;
    uintptr_t area = 0;

    assert(mmap(&area, 5000 * PGSIZE, MMAP_WRITE) == 0);
    touch(area, 5000);
    for (size_t i = 0; i < ARRAY_SIZE(tids); i++)
        tids[i] = thread_create(sleeper, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(tids); i++) {
        assert(tids[i] > 0 && procinfo(self, &info) == 0 && procinfo(tids[i], &thread) == 0);
        assert(thread.pid == tids[i] && thread.memory == info.memory && thread.pages > 5000);
    }
    int pid = fork();

    if (pid == 0)
        exit(exec("mem"));
    assert(pid > 0 && waitpid(pid, &code) == 0 && code == 0);
    for (size_t i = 0; i < ARRAY_SIZE(tids); i++)
        assert(thread_join(tids[i], &code) == 0 && code == 0);
    assert(munmap(area, 5000 * PGSIZE) == 0);
}

int main(int argc, char **argv)
{
    int rounds = number_argument(argc, argv, 1, 200);
    struct procinfo info;
    struct meminfo mem;
    int pids[CHURNERS], code;

    self = getpid();
    assert(procinfo(self, &info) == 0 && meminfo(&mem) == 0);
    self_parent = info.parent;
    total_pages = mem.total_pages;
    check_known();
    check_threads();
    for (int i = 0; i < CHURNERS; i++) {
        pids[i] = fork();
        assert(pids[i] >= 0);
        if (pids[i] == 0) {
            churn(i, rounds);
            exit(0);
        }
    }
    short_lived = pids[CHURNERS - 1] + 1;
    do {
        inspect();
        assert(procinfo(pids[0], &info) == 0);
    } while (strcmp(info.state, "ended") != 0);
    for (int i = 0; i < CHURNERS; i++)
        assert(waitpid(pids[i], &code) == 0 && code == 0);
    assert(procinfo(INT32_MAX, &info) == -E_NOENT);
    assert(procinfo(INT32_MIN, &info) == 0 && info.pid == 1);
    return check_done();
}
