/* badnumbers: system calls with lengths, numbers and places that make no sense; their pointers are
   good.

   Each call must be refused with the right error. A number of more than 32 bits must not be taken
   for its lower half: a kill of pid 2^32 + 5 must not kill process 5. */
#include <error.h>
#include <report.h>
#include <syscall.h>
#include <testing.h>
#include <ulib.h>

#define USERBASE        0x200000UL
#define UTEXT           0x800000UL
#define USERTOP         0x4000000000UL

static char no_program[] = "nowhere";

/* Map a new area anywhere. */
static uintptr_t map(size_t pages)
{
    uintptr_t addr = 0;

    assert(mmap(&addr, pages * PGSIZE, MMAP_WRITE) == 0);
    return addr;
}

/* A call, and the result that it must have. */
struct attempt {
    long number;
    uintptr_t args[3];
    long result;
};

static void check_results(const struct attempt *a, size_t count)
{
    for (; count > 0; a++, count--) {
        long result = syscall3(a->number, a->args[0], a->args[1], a->args[2]);

        if (result != a->result)
            panic("call %ld(0x%lx, 0x%lx, 0x%lx) returned %ld, not %ld", a->number, a->args[0],
                  a->args[1], a->args[2], result, a->result);
    }
}

/* Bad lengths and numbers of calls that deal with memory; the pointers are good. */
static void check_lengths(void)
{
    static uint64_t good;
    uintptr_t g = (uintptr_t)&good, page = map(2);
    const struct attempt attempts[] = {
        { SYS_write, { 1, g, INT32_MAX + 1UL }, -E_INVAL },
        { SYS_write, { 1, g, -g }, -E_INVAL },
        { SYS_write, { 1, page + PGSIZE - 4, INT32_MAX }, -E_FAULT },
        { SYS_write, { 1, 0, 0 }, 0 },
        { SYS_write, { 1UL << 32 | 1, g, 1 }, -E_INVAL },
        { SYS_write, { 0, g, 1 }, -E_INVAL },
        { SYS_read, { 1, g, 1 }, -E_INVAL },
        { SYS_read, { 1UL << 32, g, 1 }, -E_INVAL },
        { SYS_read, { 0, 0, 0 }, 0 },
        { SYS_read, { 0, KERNEL_TEXT, 1 }, -E_FAULT },
        { SYS_read, { 0, KERNEL_TEXT, UINTPTR_MAX }, -E_FAULT },
        { SYS_read, { 0, UINTPTR_MAX, 2 }, -E_FAULT },
        { SYS_read, { 0, USERTOP - 1, 2 }, -E_FAULT },
        { SYS_mmap, { g, 0, 0 }, -E_INVAL },
        { SYS_mmap, { g, UINTPTR_MAX, 0 }, -E_INVAL },
        { SYS_mmap, { g, -PGSIZE, 0 }, -E_NO_MEM },
        { SYS_mmap, { g, USERTOP, 0 }, -E_NO_MEM },
        { SYS_mmap, { g, INT64_MAX, 0 }, -E_NO_MEM },
        { SYS_mmap, { g, PGSIZE, 1 }, -E_INVAL },
        { SYS_mmap, { g, PGSIZE, 1UL << 32 }, -E_INVAL },
        { SYS_munmap, { page, 0 }, -E_INVAL },
        { SYS_munmap, { page, -page }, -E_INVAL },
        { SYS_munmap, { page, UINTPTR_MAX }, -E_INVAL },
        { SYS_munmap, { page, -PGSIZE }, -E_INVAL },
        { SYS_munmap, { page + 1, PGSIZE }, -E_INVAL },
        { SYS_munmap, { 0, USERTOP }, -E_INVAL },
        { SYS_munmap, { USERTOP - PGSIZE, 2 * PGSIZE }, -E_INVAL },
        { SYS_munmap, { KERNEL_TEXT, PGSIZE }, -E_INVAL },
        { SYS_munmap, { 0x8000000000000000, PGSIZE }, -E_INVAL },
    };

    assert(munmap(page + PGSIZE, PGSIZE) == 0);         /* now nothing lies behind `page` */
    check_results(attempts, ARRAY_SIZE(attempts));
    *(volatile char *)page = 1;                         /* it is still there */
    assert(munmap(page, PGSIZE) == 0);
}

/* Bad numbers of processes, arguments, programs and jobs. */
static void check_numbers(void)
{
    static uint64_t good[16];
    uintptr_t g = (uintptr_t)good, name = (uintptr_t)no_program;
    const struct attempt attempts[] = {
        { SYS_exec, { name, -1, g }, -E_INVAL },
        { SYS_exec, { name, INT32_MIN, g }, -E_INVAL },
        { SYS_exec, { name, EXEC_MAX_ARG_NUM + 1, g }, -E_TOO_BIG },
        { SYS_exec, { name, INT32_MAX, g }, -E_TOO_BIG },
        { SYS_progname, { UINTPTR_MAX, g, 64 }, -E_NOENT },
        { SYS_progname, { 1UL << 32, g, 64 }, -E_NOENT },
        { SYS_progname, { 0, g, 0 }, -E_TOO_BIG },
        { SYS_procinfo, { INT32_MAX, g }, -E_NOENT },
        { SYS_clone, { 1UL << 32 | CLONE_VM, g }, -E_INVAL },
        { SYS_clone, { UINTPTR_MAX, g }, -E_INVAL },
        { SYS_wait, { -1, g }, -E_BAD_PROC },
        { SYS_wait, { INT32_MAX, g }, -E_BAD_PROC },
        { SYS_wait, { INT32_MIN, g }, -E_BAD_PROC },
        { SYS_wait, { 1, g }, -E_BAD_PROC },
        { SYS_kill, { -1 }, -E_INVAL },
        { SYS_kill, { INT32_MIN }, -E_INVAL },
        { SYS_kill, { 0 }, -E_INVAL },
        { SYS_exec, { name, 1UL << 32, g }, -E_INVAL },
        { SYS_exec, { name, 1UL << 32 | 1, g }, -E_INVAL },
        { SYS_exec, { name, INT64_MIN, g }, -E_INVAL },
        { SYS_procinfo, { 1UL << 32 | 1, g }, -E_NOENT },
        { SYS_procinfo, { INT64_MIN, g }, -E_NOENT },
        { SYS_wait, { 1UL << 32, g }, -E_BAD_PROC },
        { SYS_trywait, { 1UL << 63, g }, -E_BAD_PROC },
        { SYS_kill, { 1UL << 32 | getpid() }, -E_INVAL },
        { SYS_kill, { 0UL - (1UL << 32) + getpid() }, -E_INVAL },
        { SYS_job, { 1UL << 32 }, -E_INVAL },
    };

    check_results(attempts, ARRAY_SIZE(attempts));
}

/* Addresses at which an area or the end of the heap cannot be. */
static void check_places(void)
{
    static const uintptr_t places[] = {
        1, PGSIZE, USERBASE - PGSIZE, UTEXT, UTEXT + 1, USERTOP - 256 * PGSIZE, USERTOP - PGSIZE,
        USERTOP, 0x8000000000, 0x8000000000000000, KERNEL_TEXT, 0xFFFFFFC000000000,
        UINTPTR_MAX - PGSIZE + 1, UINTPTR_MAX,
    };
    uintptr_t heap = 0;

    assert(brk(&heap) == 0);
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        uintptr_t addr = places[i], end = places[i];

        assert(mmap(&addr, PGSIZE, MMAP_WRITE) == -E_INVAL && addr == places[i]);
        assert(mmap(&addr, -places[i] & -PGSIZE, MMAP_WRITE) == -E_INVAL);
        if (brk(&end) != -E_INVAL || end != heap)
            panic("brk(0x%lx) worked, or stored 0x%lx", places[i], end);
    }
}

/* A sleep of more ticks than the kernel can count takes very long; it must not end soon. */
static void check_long_sleeps(void)
{
    static const uintptr_t ticks[] = { UINT32_MAX, 1UL << 32, 1UL << 63, UINTPTR_MAX };

    for (size_t i = 0; i < ARRAY_SIZE(ticks); i++) {
        int pid = fork(), code;

        if (pid == 0) {
            syscall1(SYS_sleep, ticks[i]);
            exit(0);
        }
        assert(pid > 0 && sleep(5) == 0);
        if (trywait(pid, &code) != -E_BUSY)
            panic("a sleep of 0x%lx ticks is over", ticks[i]);
        assert(kill(pid) == 0 && waitpid(pid, &code) == 0 && code == -E_KILLED);
    }
}

static void set_priorities(uintptr_t unused)
{
    (void)unused;
    for (int i = 0; i < 64; i++) {
        assert(syscall1(SYS_lab6_set_priority, 1UL << i) == 0);
        yield();
    }
    assert(syscall1(SYS_lab6_set_priority, 0) == 0);
    assert(syscall1(SYS_lab6_set_priority, UINTPTR_MAX) == 0);
    yield_often(10);
}

int main(void)
{
    check_lengths();
    check_numbers();
    check_long_sleeps();
    check_places();
    assert(child_code(set_priorities, 0) == 0);
    return check_done();
}
