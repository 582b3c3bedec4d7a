/* badpointers [keys]: every system call that takes a pointer, with every kind of bad pointer.

   Each is refused with -E_FAULT: addresses of nobody or of the kernel, objects of which only a part
   is mapped or writable, objects at the ends of memory, and a page that another thread unmaps again
   and again. A good pointer must work each time. A process beside all this sees that its memory
   stays.

   With the argument "keys" it tests read instead, which needs keys that somebody types: a key that
   cannot be stored must not be lost. */
#include <error.h>
#include <file.h>
#include <report.h>
#include <string.h>
#include <syscall.h>
#include <testing.h>
#include <thread.h>
#include <ulib.h>

#define USERBASE        0x200000UL
#define UTEXT           0x800000UL
#define USERTOP         0x4000000000UL
#define ANY             1               /* a result: any that is not negative */
#define RACES           200             /* each call must fail and succeed so often in race() */
#define KEYS            100             /* at least so many are typed for the argument "keys" */

/* A call and one of its arguments, which is a pointer. */
struct call {
    const char *name;
    long number;
    int pointer;                        /* which argument is the pointer */
    size_t size;                        /* size of what it points to */
    bool writes;                        /* the kernel writes there; else it only reads */
    long good;                          /* the result if the pointer is good */
    uintptr_t args[3];
};

static char no_program[] = "nowhere";
static uintptr_t vector[2];             /* for "string of exec": the pointer is in here */

static struct call calls[] = {
    { "wait", SYS_wait, 1, sizeof(int), true, 0, { 0, 0, 0 } },
    { "trywait", SYS_trywait, 1, sizeof(int), true, 0, { 0, 0, 0 } },
    { "name of exec", SYS_exec, 0, sizeof(no_program), false, -E_NOENT, { 0, 0, 0 } },
    { "vector of exec", SYS_exec, 2, 8, false, -E_NOENT, { (uintptr_t)no_program, 1, 0 } },
    { "string of exec", SYS_exec, 3, sizeof(no_program), false, -E_NOENT,
      { (uintptr_t)no_program, 1, (uintptr_t)vector } },
    { "brk", SYS_brk, 0, 8, true, 0, { 0, 0, 0 } },
    { "mmap", SYS_mmap, 0, 8, true, 0, { 0, 2 * PGSIZE, MMAP_WRITE } },
    { "progname", SYS_progname, 1, 0, true, ANY, { 0, 0, 64 } },    /* size: set by main */
    { "procinfo", SYS_procinfo, 1, sizeof(struct procinfo), true, 0, { 1, 0, 0 } },
    { "meminfo", SYS_meminfo, 0, sizeof(struct meminfo), true, 0, { 0, 0, 0 } },
    { "write", SYS_write, 1, 8, false, 8, { 1, 0, 8 } },
};

/* Addresses at which the kernel may not read or write for a program: unmapped ones; the kernel's
   own (interrupt controller, UART, firmware, text, data, free memory, kernel stacks, and holes);
   ucore's KERNBASE; and addresses that are not canonical. */
static const uintptr_t nowhere[] = {
    0, 1, PGSIZE - 1, PGSIZE, USERBASE - 1, USERBASE, UTEXT - 8, 0x20000000, 0x80200000,
    0x3000000000, USERTOP, USERTOP + PGSIZE, 0x8000000000, 0x8000000000000000, 0xFFFFFF8000000000,
    0xFFFFFFC000000000, 0xFFFFFFC00C000000, 0xFFFFFFC010000000, 0xFFFFFFC080000000, KERNEL_TEXT,
    KERNEL_TEXT + 0x100000, KERNEL_TEXT + 0x200000, KERNEL_TEXT + 0x400000, 0xFFFFFFC087FFF000,
    0xFFFFFFE000000000, 0xFFFFFFE000002000, 0xFFFFFFE000007FF8, 0xFFFFFFFFC0200000,
    UINTPTR_MAX - PGSIZE + 1,
};

static const uint64_t constant = 0;
static int zombie;                      /* a child for wait, or 0 */

/* Put at this place what the call wants to find there. */
static void prepare(const struct call *c, void *at)
{
    uintptr_t name = (uintptr_t)no_program;

    memset(at, 0, c->size);
    if (c->number == SYS_exec && c->pointer == 2)
        memcpy(at, &name, sizeof(name));
    else if (c->number == SYS_exec)
        memcpy(at, no_program, sizeof(no_program));
}

/* Is it one of the two calls that need a child? They take NULL for "do not store". */
static bool waits(const struct call *c)
{
    return c->number == SYS_wait || c->number == SYS_trywait;
}

/* Make the call with this pointer, and return its result. */
static long make(struct call *c, uintptr_t pointer)
{
    long result;
    uintptr_t args[3] = { c->args[0], c->args[1], c->args[2] };

    if (c->pointer < 3)
        args[c->pointer] = pointer;
    else
        vector[0] = pointer;
    if (waits(c) && zombie == 0) {
        zombie = fork();
        if (zombie == 0)
            exit(7);
        assert(zombie > 0);
    }
    if (waits(c))
        args[0] = zombie;
    while ((result = syscall3(c->number, args[0], args[1], args[2])) == -E_BUSY)
        yield();                        /* trywait: that child has not ended yet */
    if (waits(c) && result == 0)
        zombie = 0;
    return result;
}

static bool is_good(const struct call *c, long result)
{
    return c->good == ANY ? result >= 0 : result == c->good;
}

static void refused(struct call *c, uintptr_t pointer, const char *why)
{
    long result = make(c, pointer);

    if (result != -E_FAULT)
        panic("%s with a pointer that is bad (%s): 0x%lx returned %ld", c->name, why, pointer,
              result);
}

static void accepted(struct call *c, uintptr_t pointer)
{
    uintptr_t area;

    prepare(c, (void *)pointer);
    long result = make(c, pointer);

    if (!is_good(c, result))
        panic("%s with a good pointer, 0x%lx, returned %ld", c->name, pointer, result);
    if (c->number == SYS_mmap) {
        memcpy(&area, (void *)pointer, sizeof(area));
        assert(munmap(area, c->args[1]) == 0);
    }
}

/* A new area at an address, or anywhere if that is 0. */
static uintptr_t map(uintptr_t addr, size_t pages, uint32_t flags)
{
    assert(mmap(&addr, pages * PGSIZE, flags) == 0);
    return addr;
}

/* main() has filled the end of the stack, so that no string ends there. */
static void check_fixed(struct call *c)
{
    static uint64_t object[32];

    accepted(c, (uintptr_t)object);
    accepted(c, (uintptr_t)object + 1);
    for (size_t i = waits(c) ? 1 : 0; i < ARRAY_SIZE(nowhere); i++)
        refused(c, nowhere[i], "nothing for programs");
    for (size_t part = 1; part < c->size; part++)
        refused(c, USERTOP - part, "its end is beyond the user's addresses");
    for (size_t part = 1; part <= c->size; part++)
        refused(c, -part, "its end wraps around");
    for (size_t part = 1; part < c->size; part++)
        refused(c, USERBASE - part, "its beginning is below the user's addresses");
    for (uintptr_t at = USERTOP - 16; at < USERTOP; at++)
        assert(*(char *)at == 'x');
}

/* The words that brk and mmap store are addresses, whose highest three bytes are 0. If only these
   bytes lie in the page that comes and goes, the next call finds 0 there again. */
static bool takes_word(const struct call *c)
{
    return c->number == SYS_brk || c->number == SYS_mmap;
}

/* Read-only memory is good enough for calls that do not write there, and for no others. An mmap
   that cannot store its result leaves no area behind. */
static void check_readonly(struct call *c)
{
    uintptr_t fresh = map(0, 1, 0), touched = map(0, 1, 0), before = map(0, 2, MMAP_WRITE);

    if (!c->writes)
        return;
    read_from(touched);
    assert(munmap(before, 2 * PGSIZE) == 0);
    for (int i = 0; i < 3; i++) {
        refused(c, fresh, "read-only, not touched yet");
        refused(c, touched, "read-only");
        refused(c, (uintptr_t)&constant, "a constant");
        if (!takes_word(c))             /* brk and mmap would find a senseless word in the text */
            refused(c, (uintptr_t)check_readonly, "text");
    }
    assert(*(const volatile uint64_t *)&constant == 0);
    assert(map(0, 2, MMAP_WRITE) == before && munmap(before, 2 * PGSIZE) == 0);
    assert(munmap(fresh, PGSIZE) == 0 && munmap(touched, PGSIZE) == 0);
}

/* The object lies across two pages, at each possible place. The call works if both are mapped, and
   fails if one is not. */
static void check_half_mapped(struct call *c)
{
    for (size_t part = 1; part < c->size; part++) {
        uintptr_t first = map(0, 2, MMAP_WRITE), second = first + PGSIZE;

        accepted(c, second - part);
        prepare(c, (void *)(second - part));
        assert(munmap(second, PGSIZE) == 0);
        refused(c, second - part, "its second page is not mapped");
        if (c->writes) {
            map(second, 1, 0);
            refused(c, second - part, "its second page is read-only");
            assert(munmap(second, PGSIZE) == 0);
        }
        map(second, 1, MMAP_WRITE);
        assert(munmap(first, PGSIZE) == 0);
        refused(c, second - part, "its first page is not mapped");
        assert(munmap(second, PGSIZE) == 0);
    }
}

static struct {
    uintptr_t page;
    volatile bool stop;
} flapping;

/* A thread that maps and unmaps the page. If mmap fails, something else was put there. */
static int flap(void *unused)
{
    (void)unused;
    while (!flapping.stop) {
        uintptr_t addr = flapping.page;

        mmap(&addr, PGSIZE, MMAP_WRITE);
        yield();
        munmap(flapping.page, PGSIZE);
        yield();
    }
    return 0;
}

/* The pages before and behind the one that comes and goes stay, so that an mmap of two pages finds
   no room there. If such an mmap cannot store its result, its area is not known, and stays until
   the end. */
static void race(struct call *c)
{
    uintptr_t area = map(0, 3, MMAP_WRITE), page = area + PGSIZE;
    int faults = 0, successes = 0, code;
    char object[sizeof(struct procinfo)];

    flapping.page = page;
    flapping.stop = false;
    prepare(c, object);
    int tid = thread_create(flap, NULL);

    assert(tid > 0);
    for (size_t i = 0; faults < RACES || successes < RACES; i++) {
        size_t part = takes_word(c) ? 5 + i % 3 : i % c->size;

        memcpy((void *)(page - part), object, part);
        long result = make(c, page - part);

        if (result == -E_FAULT)
            faults++;
        else if (is_good(c, result))
            successes++;
        else
            panic("%s with a page that comes and goes returned %ld", c->name, result);
        yield_often(i % 3);             /* so that this is not in step with the thread */
    }
    flapping.stop = true;
    assert(thread_join(tid, &code) == 0 && code == 0);
    assert(munmap(area, 3 * PGSIZE) == 0);
}

/* An argument array and a string that go on beyond what is mapped, or have no end. */
static void check_long(void)
{
    uintptr_t area = map(0, 3, MMAP_WRITE), name = (uintptr_t)no_program, *last;

    assert(munmap(area + 2 * PGSIZE, PGSIZE) == 0);
    last = (uintptr_t *)(area + 2 * PGSIZE) - 1;
    *last = name;
    assert(syscall3(SYS_exec, name, 1, (uintptr_t)last) == -E_NOENT);
    assert(syscall3(SYS_exec, name, 2, (uintptr_t)last) == -E_FAULT);
    assert(syscall3(SYS_exec, name, 2, UINTPTR_MAX - 7) == -E_FAULT);
    memset((void *)area, 'x', 2 * PGSIZE);
    assert(syscall3(SYS_exec, area, 0, 0) == -E_TOO_BIG);
    assert(syscall3(SYS_exec, area + 2 * PGSIZE - EXEC_MAX_ARG_LEN, 0, 0) == -E_FAULT);
    assert(munmap(area, 2 * PGSIZE) == 0);
}

/* One area of nearly all addresses. unmap_all() unmaps everything, and dies of it. */
static void map_much(uintptr_t unused)
{
    uintptr_t area = map(0, 0x3000000, MMAP_WRITE);     /* 192 GiB */
    struct procinfo info;

    (void)unused;
    *(char *)area = *(char *)(area + 0x2FFFFFFFFF) = 1;
    assert(procinfo(getpid(), &info) == 0 && info.pid == getpid());
    assert(munmap(area + PGSIZE, 0x3000000000 - 2 * PGSIZE) == 0);
    assert(*(char *)area == 1 && *(char *)(area + 0x2FFFFFFFFF) == 1);
}

static void unmap_all(uintptr_t unused)
{
    (void)unused;
    munmap(USERBASE, USERTOP - USERBASE);
}

static void check_key(char key)
{
    static char last;

    if (last != 0 && key != (last == 'z' ? 'a' : last + 1))
        panic("the key after '%c' is '%c'", last, key);
    last = key;
}

/* The keys are the alphabet, again and again. A key that cannot be stored stays in the console, and
   the next read gets it. */
static void check_read(void)
{
    uintptr_t area = map(0, 2, MMAP_WRITE), readonly = map(0, 1, 0);
    char key = 0;
    int result = 0;

    assert(read(0, &key, 1) == 1);
    check_key(key);
    assert(munmap(area + PGSIZE, PGSIZE) == 0);
    for (size_t i = 0; i < ARRAY_SIZE(nowhere); i++)
        assert(read(0, (void *)nowhere[i], 1) == -E_FAULT);
    assert(read(0, (void *)readonly, 1) == -E_FAULT);
    assert(read(0, (void *)check_read, 1) == -E_FAULT);
    assert(read(0, (void *)(area + PGSIZE), 1) == -E_FAULT);
    while (result != -E_FAULT) {        /* it comes when two keys are there at once */
        assert(sleep(1) == 0);          /* meanwhile they gather */
        result = read(0, (void *)(area + PGSIZE - 1), KEYS);
        assert(result == -E_FAULT || result == 1);
        if (result == 1)
            check_key(*(char *)(area + PGSIZE - 1));
    }
    for (int i = 0; i < 10; i++) {
        assert(read(0, &key, 1) == 1);
        check_key(key);
    }
}

/* Start a process beside all this; its memory must stay as it is. It ends when its parent has. */
static int start_canary(void)
{
    static char memory[4 * PGSIZE];
    struct procinfo info = { .pid = 0 };
    int parent = getpid(), pid = fork();

    assert(pid >= 0);
    if (pid > 0)
        return pid;
    memset(memory, 'c', sizeof(memory));
    do {
        for (size_t i = 0; i < sizeof(memory); i++)
            assert(memory[i] == 'c');
        sleep(1);
    } while (procinfo(getpid(), &info) == 0 && info.parent == parent);
    exit(0);
}

int main(int argc, char **argv)
{
    char name[64];
    int code;

    if (argc > 1 && strcmp(argv[1], "keys") == 0) {
        check_read();
        return check_done();
    }
    memset((void *)(USERTOP - 16), 'x', 16);    /* its arguments are not needed any more */
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
        if (calls[i].number == SYS_progname)
            calls[i].size = progname(0, name, sizeof(name)) + 1;
    int canary = start_canary();

    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        check_fixed(&calls[i]);
        check_readonly(&calls[i]);
        check_half_mapped(&calls[i]);
        race(&calls[i]);
    }
    check_long();
    assert(child_code(map_much, 0) == 0);
    expect_killed("all memory unmapped", unmap_all, 0);
    if (zombie != 0)
        assert(waitpid(zombie, &code) == 0 && code == 7);
    assert(kill(canary) == 0 && waitpid(canary, &code) == 0 && code == -E_KILLED);
    return check_done();
}
