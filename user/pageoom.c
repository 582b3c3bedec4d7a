/* pageoom HOGS MIB: processes that want more than memory and the swap range have together.

   One of MIB is there all the time, and looks at its memory again and again. Beside it hogs take
   all that there is: each of them that finds neither a page nor a slot ends, by an error or killed,
   and the others go on. At the end a child gets memory again. */
#include <error.h>
#include <report.h>
#include <stdio.h>
#include <testing.h>
#include <ulib.h>

#define HOGS_MOST       16
#define REFUSED         55              /* exit code of a hog whose call was refused */

static size_t pages;

static uint64_t *map_pages(void)
{
    uintptr_t area = 0;

    if (mmap(&area, pages * PGSIZE, MMAP_WRITE) != 0)
        exit(REFUSED);
    return (uint64_t *)area;
}

static int wrong(const uint64_t *area, uint64_t first)
{
    int n = 0;

    for (size_t page = 0; page < pages; page++)
        n += area[page * (PGSIZE / 8)] != first + page;
    return n;
}

static void fill(uint64_t *area, uint64_t first)
{
    for (size_t page = 0; page < pages; page++)
        area[page * (PGSIZE / 8)] = first + page;
}

/* Another MIB, and another one. */
static void hog(uint64_t number)
{
    for (;;)
        fill(map_pages(), number);
}

static void use_some(uintptr_t number)
{
    uint64_t *area = map_pages();

    fill(area, number);
    exit(wrong(area, number));
}

int main(int argc, char **argv)
{
    int hogs = number_argument(argc, argv, 1, 3), pids[HOGS_MOST], code, other = 0;

    pages = (size_t)number_argument(argc, argv, 2, 1) * 256;
    assert(hogs <= HOGS_MOST);
    uint64_t *own = map_pages();
    fill(own, 1);
    for (int i = 0; i < hogs; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            hog(1000000 * (i + 2));
        assert(pids[i] > 0);
    }
    for (int i = 0; i < hogs; i++) {
        assert(waitpid(pids[i], &code) == 0);
        other += code != REFUSED && code != -E_KILLED;
    }
    check_eq("a hog ends for want of memory", other, 0);
    check_eq("who wants no more goes on, and has what it had", wrong(own, 1), 0);
    check_eq("afterwards there is memory again", child_code(use_some, 5), 0);
    return check_done();
}
