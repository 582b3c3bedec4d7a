/* Helpers of the test programs: see testing.h. Most of them do something in a child, because the
   test itself must live on when the kernel kills what did it.

   What goes wrong in a helper is a panic: the test cannot go on without it. Properties of the
   kernel are reported by the tests, with check() of report.h. This file also says how the reports
   of programs are printed: report_side, by one write each. */
#include <error.h>
#include <file.h>
#include <report.h>
#include <stdio.h>
#include <string.h>
#include <testing.h>
#include <thread.h>
#include <ulib.h>

#define SHARED_PAGES    128     /* enough to tell pages that are shared from what a child needs */
#define MAX_TOGETHER    64

/* One write: the line is not longer than what a write prints in one piece. */
static void print_line(const char *text, size_t length)
{
    write(stdout, text, length);
}

/* How report.h prints in programs. */
struct report_side report_side = { .print = print_line, .pid = getpid };

/* The child ends by exit() when body returns, so it never runs on in the caller's test. What it has
   changed in memory is its own; what it reports is printed with its own pid. A body that must not
   return has the kernel end the child. */
int child_code(void (*body)(uintptr_t), uintptr_t arg)
{
    int pid = fork(), code, error;

    if (pid == 0) {
        body(arg);
        exit(0);
    }
    if (pid < 0)
        panic("fork failed: %e", pid);
    error = waitpid(pid, &code);
    if (error != 0)
        panic("waiting for child %d failed: %e", pid, error);
    return code;
}

/* A child that ended in another way has not been stopped: with code 0 the access went well. The
   kernel has told of the kill, so a line behind it says that it was wanted: who reads the output
   of a test that fails need not look there. */
void expect_killed(const char *what, void (*body)(uintptr_t), uintptr_t arg)
{
    int code = child_code(body, arg);

    if (code != -E_KILLED)
        panic("%s (0x%lx): the kernel should have killed that process, its exit code is %d",
              what, arg, code);
    cprintf("wanted: the kill before this line, for: %s\n", what);
}

/* A process that does not return from body ends by exit(), as a thread does. */
void run_together(int count, bool threads, int (*body)(void *))
{
    int pids[MAX_TOGETHER], code;

    assert(count <= MAX_TOGETHER);
    for (int i = 0; i < count; i++) {
        void *arg = (void *)(uintptr_t)i;

        pids[i] = threads ? thread_create(body, arg) : fork();
        if (pids[i] == 0)
            exit(body(arg));
        if (pids[i] < 0)
            panic("number %d of %d cannot be started: %e", i, count, pids[i]);
    }
    for (int i = 0; i < count; i++) {
        int error = threads ? thread_join(pids[i], &code) : waitpid(pids[i], &code);

        if (error != 0 || code != 0)
            panic("number %d of %d, pid %d, ended with %d", i, count, pids[i], error ?: code);
    }
}

void run_clone(uint32_t flags, char *stack_end, int (*body)(void *))
{
    int pid = __clone(flags, (uintptr_t)stack_end, body, NULL), code = 0;

    if (pid < 0 || waitpid(pid, &code) != 0 || code != 0)
        panic("clone failed: %d, code %d", pid, code);
}

/* For processes, which have no memory in common, this is also a number that all of them can see. */
int sem_units(int id)
{
    int value, error = sem_get_value(id, &value);

    if (error != 0)
        panic("%d is no semaphore: %e", id, error);
    return value;
}

/* By looking again and again: it may be on its way still. */
void wait_until_asleep(int pid, const char *what)
{
    struct procinfo info;

    do {
        yield();
        if (procinfo(pid, &info) != 0 || info.pid != pid)
            panic("process %d has ended, and does not wait for %s", pid, what);
    } while (strcmp(info.state, "sleeping") != 0 || strcmp(info.waits_for, what) != 0);
}

/* One byte, and volatile: the compiler may not leave the access out. */
void read_from(uintptr_t addr)
{
    (void)*(volatile unsigned char *)addr;
}

/* As above. If the address is good the byte there is lost. */
void write_to(uintptr_t addr)
{
    *(volatile unsigned char *)addr = 0;
}

/* Code at the address is called; if it returns, the body does too. */
void jump_to(uintptr_t addr)
{
    ((void (*)(void))addr)();
}

/* A number of 64 bits, because a hart with registers of 32 bits is not enough. */
static void load_double(uintptr_t addr)
{
    asm volatile("fld ft0, (%0)" : : "r"(addr) : "ft0");
}

/* In a child, which is killed if there are none. */
bool have_fpu(void)
{
    static const uint64_t number;

    return child_code(load_double, (uintptr_t)&number) == 0;
}

/* Without that argument it is `otherwise`, so a test may be run by hand without any. */
int number_argument(int argc, char **argv, int index, int otherwise)
{
    int number = otherwise;

    if (argc > index && (!string_to_int(argv[index], &number) || number <= 0))
        panic("usage: %s takes numbers from 1 to %d; '%s' is none", argv[0], INT32_MAX,
              argv[index]);
    return number;
}

/* Count the free pages before and after a fork of a process that has written to many. The child
   sleeps meanwhile, so that it writes to none. If all pages were copied SHARED_PAGES fewer would be
   free; half of that is the limit, because the child needs some for its tables and its stack. */
bool fork_shares_pages(void)
{
    struct meminfo before, after;
    uintptr_t area = 0;

    assert(mmap(&area, SHARED_PAGES * PGSIZE, MMAP_WRITE) == 0);
    for (int i = 0; i < SHARED_PAGES; i++)
        write_to(area + i * PGSIZE);
    assert(meminfo(&before) == 0);
    int pid = fork();

    assert(pid >= 0);
    if (pid == 0) {
        sleep(2);
        exit(0);
    }
    assert(meminfo(&after) == 0);
    assert(waitpid(pid, NULL) == 0 && munmap(area, SHARED_PAGES * PGSIZE) == 0);
    return after.free_pages + SHARED_PAGES / 2 > before.free_pages;
}

/* Each call lets the scheduler choose again; how many turns others get is its own matter. */
void yield_often(int times)
{
    while (times-- > 0)
        yield();
}
