/* badcalls: system calls with numbers that do not exist, and arguments that make no sense.

   Each must return an error or kill the caller, and hurt nobody else. The known bad ones are tried
   one by one; then children make random calls with addresses of all kinds, and may die of it. In
   the end an ordinary child must still run. */
#include <error.h>
#include <report.h>
#include <stdlib.h>
#include <syscall.h>
#include <testing.h>
#include <ulib.h>

#define ROUNDS          300
#define CALLS_A_ROUND   20

/* As pids these belong to nobody, or to the kernel's own processes 0 and 1. */
static const uintptr_t wild[] = {
    0, 1, PGSIZE, 0x800000, 0x800001, 0x20000000, 0x3FFFFFF000, 0x4000000000 - 1,
    0x4000000000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x100000000, 0x8000000000000000,
    0x7FFFFFFFFFFFFFFF, 0xFFFFFFC000000000, KERNEL_TEXT, 0xFFFFFFE000000000,
    UINTPTR_MAX - PGSIZE + 1, UINTPTR_MAX,
};

static void check_numbers(void)
{
    static const long unknown[] = {
        0, 6, 9, 13, 29, 32, 254, 256, 1000, 0x7FFFFFFF, -1, INT64_MIN, INT64_MAX,
        0x100000001, -0x100000000 + SYS_getpid,
    };

    for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
        long result = syscall5(unknown[i], 1, 2, 3, 4, 5);

        if (result != -E_UNIMP)
            panic("system call %ld, which does not exist, returned %ld", unknown[i], result);
    }
}

/* Calls with one bad pointer, length or number each; the other arguments are good. */
static void check_arguments(void)
{
    static char text[] = "text";
    uintptr_t good = (uintptr_t)text;
    struct {
        long number;
        uintptr_t args[3];
    } calls[] = {
        { SYS_write, { 1, KERNEL_TEXT, 16 } },          { SYS_write, { 1, 0, 16 } },
        { SYS_write, { 1, 0x4000000000 - 4, 16 } },     { SYS_write, { 1, UINTPTR_MAX, 16 } },
        { SYS_write, { 99, good, 4 } },                 { SYS_write, { -1, good, 4 } },
        { SYS_read, { 99, good, 4 } },                  { SYS_read, { -1, good, 4 } },
        { SYS_wait, { 0, KERNEL_TEXT } },               { SYS_kill, { 0x7FFFFFFF } },
        { SYS_exec, { 0, 0, 0 } },                      { SYS_exec, { good, -1, 0 } },
        { SYS_brk, { 0 } },                             { SYS_mmap, { 0, PGSIZE, 0 } },
        { SYS_munmap, { KERNEL_TEXT & -PGSIZE, PGSIZE } },
        { SYS_progname, { 0, KERNEL_TEXT, 16 } },       { SYS_progname, { -1, good, 4 } },
        { SYS_progname, { 1000000, good, 4 } },         { SYS_job, { 99 } },
        { SYS_job, { -1 } },
    };

    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        long result = syscall3(calls[i].number, calls[i].args[0], calls[i].args[1],
                               calls[i].args[2]);

        if (result >= 0)
            panic("system call %ld(0x%lx, 0x%lx, 0x%lx) returned %ld, not an error",
                  calls[i].number, calls[i].args[0], calls[i].args[1], calls[i].args[2],
                  result);
    }
    assert(syscall3(SYS_write, 1, good, 0) == 0);
}

/* Any call, with any arguments; it may kill the caller. Calls that end or stop the caller with good
   arguments too (exit, sleep, read) are left out, and so are calls that print. */
static void call_wildly(uintptr_t seed)
{
    static const long numbers[] = {
        SYS_wait, SYS_exec, SYS_kill, SYS_gettime, SYS_getpid, SYS_brk, SYS_mmap, SYS_munmap,
        SYS_progname, SYS_job, SYS_lab6_set_priority, SYS_yield,
    };

    srand(seed);
    for (int i = 0; i < CALLS_A_ROUND; i++) {
        uintptr_t args[5];

        for (size_t k = 0; k < ARRAY_SIZE(args); k++)
            args[k] = wild[rand() % ARRAY_SIZE(wild)];
        syscall5(numbers[rand() % ARRAY_SIZE(numbers)], args[0], args[1], args[2], args[3],
                 args[4]);
    }
}

/* A process that is made with wild flags or a wild stack dies of it, or ends here. */
static void clone_wildly(uintptr_t arg)
{
    long pid = syscall2(SYS_clone, wild[arg], wild[arg]);

    if (pid == 0)
        exit(0);
    if (pid > 0)
        wait();
}

static void do_nothing(uintptr_t unused)
{
    (void)unused;
}

int main(void)
{
    check_numbers();
    check_arguments();
    for (int round = 0; round < ROUNDS; round++)
        child_code(call_wildly, round);
    for (size_t i = 0; i < ARRAY_SIZE(wild); i++)
        child_code(clone_wildly, i);
    assert(child_code(do_nothing, 0) == 0);
    return check_done();
}
