/* oom: several processes take all memory at once, by mmap and by brk.

   Each is refused more or is killed. The process that started them goes on, and afterwards all
   memory is back: a child that needs some gets it, round after round. */
#include <error.h>
#include <report.h>
#include <stdio.h>
#include <testing.h>
#include <ulib.h>

#define HOGS            3
#define ROUNDS          3
#define CHUNK           (64 * PGSIZE)
#define REFUSED         55              /* exit code of a hog whose call was refused */

static void touch(uintptr_t start, size_t len)
{
    for (uintptr_t addr = start; addr < start + len; addr += PGSIZE)
        *(volatile uintptr_t *)addr = addr;
}

static __never_returns void refused(int error)
{
    if (error != -E_NO_MEM)
        panic("no memory, but the error is %e", error);
    exit(REFUSED);
}

static __never_returns void hog_by_mmap(void)
{
    for (;;) {
        uintptr_t area = 0;
        int error = mmap(&area, CHUNK, MMAP_WRITE);

        if (error != 0)
            refused(error);
        touch(area, CHUNK);
    }
}

static __never_returns void hog_by_brk(void)
{
    uintptr_t end = 0;

    assert(brk(&end) == 0);
    for (;;) {
        uintptr_t start = end;

        end = start + CHUNK;
        int error = brk(&end);

        if (error != 0)
            refused(error);
        assert(end >= start + CHUNK);
        touch(start, CHUNK);
    }
}

static void run_hogs(void)
{
    int pids[HOGS], code;

    for (int i = 0; i < HOGS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            sleep(5);                           /* by then all hogs are there */
            if (i % 2 == 0)
                hog_by_mmap();
            hog_by_brk();
        }
        assert(pids[i] > 0);
    }
    for (int i = 0; i < HOGS; i++) {
        assert(waitpid(pids[i], &code) == 0);
        if (code != REFUSED && code != -E_KILLED)
            panic("a process without memory ended with %d", code);
    }
}

/* A child that needs some memory gets it. */
static void use_some(uintptr_t unused)
{
    uintptr_t area = 0;

    (void)unused;
    assert(mmap(&area, 16 * CHUNK, MMAP_WRITE) == 0);
    touch(area, 16 * CHUNK);
}

int main(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        run_hogs();
        for (int i = 0; i < 10; i++)
            assert(child_code(use_some, 0) == 0);
        cprintf("oom: round %d ok.\n", round + 1);
    }
    return check_done();
}
