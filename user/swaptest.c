/* swaptest CHILDREN MIB: children that need more memory together than there is, as ucore_os_plus's
   program of this name; without arguments ten of 5 MiB.

   Each fills its memory with what nobody else writes, lets the others run, and looks at all of it,
   several times. What one finds that is not its own came from another child's page. */
#include <report.h>
#include <stdio.h>
#include <testing.h>
#include <ulib.h>

#define ROUNDS          3

static uint64_t value(int child, int round, size_t page)
{
    return ((uint64_t)child << 48 | (uint64_t)round << 40 | page) * 0x9e3779b97f4a7c15UL;
}

/* A page has its value in its first word and in its last one. */
static void write_pages(uint64_t *memory, size_t pages, int child, int round)
{
    for (size_t page = 0; page < pages; page++) {
        uint64_t *words = memory + page * (PGSIZE / 8);

        words[0] = words[PGSIZE / 8 - 1] = value(child, round, page);
    }
}

static void check_pages(const uint64_t *memory, size_t pages, int child, int round)
{
    for (size_t page = 0; page < pages; page++) {
        const uint64_t *words = memory + page * (PGSIZE / 8);

        if (words[0] != value(child, round, page) || words[PGSIZE / 8 - 1] != words[0])
            panic("child %d, round %d: page %lu has %lx and %lx", child, round, page, words[0],
                  words[PGSIZE / 8 - 1]);
    }
}

static void run_child(int child, size_t pages)
{
    uintptr_t area = 0;

    assert(mmap(&area, pages * PGSIZE, MMAP_WRITE) == 0);
    for (int round = 0; round < ROUNDS; round++) {
        write_pages((uint64_t *)area, pages, child, round);
        yield();
        check_pages((uint64_t *)area, pages, child, round);
    }
    exit(child);
}

int main(int argc, char **argv)
{
    int children = number_argument(argc, argv, 1, 10), mib = number_argument(argc, argv, 2, 5);
    int pids[children], code;

    for (int i = 0; i < children; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            run_child(i, (size_t)mib * 256);
        assert(pids[i] > 0);
    }
    for (int i = 0; i < children; i++) {
        assert(waitpid(pids[i], &code) == 0);
        check_eq("a child finds what it has written", code, i);
    }
    return check_done();
}
