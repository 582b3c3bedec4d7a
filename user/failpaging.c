/* failpaging: pages go to the disk and come back, where each allocation, or each transfer, may
   fail: see tries.h, and tools/faults.py, which runs it on a machine with little memory.

   Memory is filled twice over, read, shared with a child and copied on write. A page whose content
   cannot be read costs its process the life, and no other one. */
#include <error.h>
#include <file.h>
#include <stdio.h>
#include <testing.h>
#include <tries.h>
#include <ulib.h>

#define CHILD_CODE  77

static size_t pages;
static uint64_t *area;

static uint64_t *word_of(size_t page)
{
    return &area[page * (PGSIZE / 8) + page % (PGSIZE / 8)];
}

static void fill(uint64_t owner, size_t first, size_t step)
{
    for (size_t page = first; page < pages; page += step)
        *word_of(page) = owner << 32 | page;
}

static bool is(uint64_t owner, size_t first, size_t step)
{
    for (size_t page = first; page < pages; page += step)
        if (*word_of(page) != (owner << 32 | page))
            return false;
    return true;
}

static void map(void)
{
    uintptr_t addr = 0;

    TRY(mmap(&addr, pages * PGSIZE, MMAP_WRITE));
    area = (uint64_t *)addr;
}

static void step_out_and_in(void)
{
    map();
    fill(1, 0, 1);
    must("what went out comes in as it was", is(1, 0, 1));
    fill(2, 0, 5);
    must("and what was changed as it is now", is(2, 0, 5) && is(1, 1, 5));
    TRY(munmap((uintptr_t)area, pages / 2 * PGSIZE));
}

/* Half of the pages are the child's own at last. */
static void step_shared(void)
{
    map();
    fill(1, 0, 1);
    int pid = TRY(fork());
    if (pid == 0) {
        fill(2, 1, 4);
        exit(is(2, 1, 4) && is(1, 0, 2) ? CHILD_CODE : 1);
    }
    wait_for(pid, CHILD_CODE);
    must("a child writes to pages of its own", is(1, 0, 1));
}

/* The kernel reads and writes memory that is out. */
static void step_calls(void)
{
    int fd = TRY(open("paged", O_RDWR | O_CREAT | O_TRUNC));

    map();
    fill(1, 0, 1);
    must("memory is written to a file", TRY(write(fd, area, 3 * PGSIZE)) == 3 * PGSIZE);
    fill(2, 4, 1);
    TRY(seek(fd, 0, LSEEK_SET));
    fill(3, 0, 1);
    must("and comes back", TRY(read(fd, area, 3 * PGSIZE)) == 3 * PGSIZE);
    pages = 3;
    must("as it was", is(1, 0, 1));
    TRY(unlink("paged"));
}

int main(int argc, char **argv)
{
    pages = number_argument(argc, argv, 1, 256);
    step("out and in", step_out_and_in);
    step("shared", step_shared);
    step("calls", step_calls);
    return steps_done();
}
