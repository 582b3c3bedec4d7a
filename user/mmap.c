/* mmap: areas of memory.

   They are made, split by unmapping their middle, joined, and refused if they overlap or make no
   sense. There are read-only ones; stacks, which have room to grow; and ten thousand at once. */
#include <error.h>
#include <report.h>
#include <testing.h>
#include <ulib.h>

#define AREAS           10000
#define STACK_PAGES     256

static uintptr_t new_area(size_t len, uint32_t flags)
{
    uintptr_t area = 0;
    int error = mmap(&area, len, flags);

    if (error != 0)
        panic("mmap of %lu bytes failed: %e", len, error);
    assert(area != 0 && area % PGSIZE == 0);
    return area;
}

static volatile int *word_at(uintptr_t addr)
{
    return (volatile int *)addr;
}

static void check_split(void)
{
    uintptr_t area = new_area(16 * PGSIZE, MMAP_WRITE);
    int kept = 0;

    for (int i = 0; i < 16; i++)
        *word_at(area + i * PGSIZE) = i;
    assert(munmap(area + 4 * PGSIZE, 2 * PGSIZE) == 0);
    assert(munmap(area, PGSIZE) == 0);
    assert(munmap(area + 15 * PGSIZE, PGSIZE) == 0);
    for (int i = 0; i < 16; i++) {
        if (i == 0 || i == 4 || i == 5 || i == 15)
            expect_killed("read of unmapped memory", read_from, area + i * PGSIZE);
        else if (*word_at(area + i * PGSIZE) == i)
            kept++;
    }
    check_eq("munmap of a part leaves the other pages as they are", kept, 12);
    check_eq("munmap takes an area with holes", munmap(area, 16 * PGSIZE), 0);
    expect_killed("read of unmapped memory", read_from, area + 8 * PGSIZE);
}

static void check_readonly(void)
{
    uintptr_t area = new_area(2 * PGSIZE, 0);

    check_eq("a new area is zero", *word_at(area), 0);
    expect_killed("write to a read-only page that was read", write_to, area);
    expect_killed("write to a read-only page", write_to, area + PGSIZE);
    expect_killed("jump into an area", jump_to, area);
    assert(brk((uintptr_t *)area) == -E_FAULT);
    assert(munmap(area, 2 * PGSIZE) == 0);
}

static int mmap_at(uintptr_t addr, size_t len)
{
    return mmap(&addr, len, MMAP_WRITE);
}

static void check_refusals(void)
{
    uintptr_t area = new_area(4 * PGSIZE, MMAP_WRITE), none = 0;

    *word_at(area + PGSIZE) = 99;
    check("mmap refuses to lay an area over another", mmap_at(area, PGSIZE) != 0
          && mmap_at(area + PGSIZE, 8 * PGSIZE) != 0 && mmap_at(area - PGSIZE, 2 * PGSIZE) != 0);
    assert(*word_at(area + PGSIZE) == 99);
    assert(mmap_at(0x800000, PGSIZE) != 0);             /* the text */
    assert(mmap_at((uintptr_t)&none & -PGSIZE, PGSIZE) != 0);
    assert(mmap_at(0x4000000000 - 200 * PGSIZE, PGSIZE) != 0);  /* kept for the stack */
    assert(mmap_at(PGSIZE, PGSIZE) != 0);               /* below what programs may map */
    assert(mmap_at(0x4000000000, PGSIZE) != 0);
    assert(mmap_at(KERNEL_TEXT & -PGSIZE, PGSIZE) != 0);
    assert(mmap_at(-PGSIZE, 2 * PGSIZE) != 0);
    assert(mmap_at(0, 0) != 0);
    assert(mmap_at(0, SIZE_MAX) != 0);
    assert(mmap_at(0, 0x4000000000) != 0);
    assert(mmap(NULL, PGSIZE, MMAP_WRITE) != 0);
    assert(mmap((uintptr_t *)KERNEL_TEXT, PGSIZE, MMAP_WRITE) == -E_FAULT);
    assert(mmap((uintptr_t *)check_refusals, PGSIZE, MMAP_WRITE) < 0);
    assert(munmap(area + 1, PGSIZE) != 0);
    assert(munmap(KERNEL_TEXT & -PGSIZE, PGSIZE) != 0);
    assert(munmap(area, SIZE_MAX) != 0);
    check_eq("what is refused changes nothing", *word_at(area + PGSIZE), 99);
    assert(munmap(area, 4 * PGSIZE) == 0);
}

/* Every second page of a large area is unmapped; a child gets all that is left. */
static void check_many(void)
{
    uintptr_t area = new_area(2 * AREAS * PGSIZE, MMAP_WRITE);

    for (size_t i = 0; i < AREAS; i++)
        assert(munmap(area + (2 * i + 1) * PGSIZE, PGSIZE) == 0);
    for (size_t i = 0; i < AREAS; i += 97)
        *word_at(area + 2 * i * PGSIZE) = i + 1;
    int code = -1, pid = fork();

    assert(pid >= 0);
    for (size_t i = 0; i < AREAS; i += 97)
        assert(*word_at(area + 2 * i * PGSIZE) == (int)i + 1);
    if (pid == 0)
        exit(0);
    check("a child has each of ten thousand areas", waitpid(pid, &code) == 0 && code == 0);
    expect_killed("read between the areas", read_from, area + (AREAS + 1) * PGSIZE);
    for (size_t i = 1; i < AREAS; i += 2)
        assert(mmap_at(area + i * PGSIZE, PGSIZE) == 0);
    assert(munmap(area, 2 * AREAS * PGSIZE) == 0);
}

/* Write to all pages of a stack, from the highest down to the last one that it may have. */
static void touch_stack(uintptr_t end)
{
    for (uintptr_t page = end - PGSIZE; page >= end - STACK_PAGES * PGSIZE; page -= PGSIZE)
        *word_at(page) = 1;
}

static void check_stacks(void)
{
    uintptr_t stack = new_area(PGSIZE, MMAP_WRITE | MMAP_STACK), end = stack + PGSIZE;
    uintptr_t below = new_area(4 * PGSIZE, MMAP_WRITE), lowest = end - STACK_PAGES * PGSIZE;
    uintptr_t other = new_area(PGSIZE, MMAP_WRITE | MMAP_STACK), fixed = other - 8 * PGSIZE;

    check("mmap leaves a stack the room to grow, and a page below it",
          below + 5 * PGSIZE <= lowest);
    check_eq("a stack between other areas grows to its end", child_code(touch_stack, end), 0);
    expect_killed("a write below a stack's room", write_to, lowest - 1);
    check_eq("the next stack has room too", child_code(touch_stack, other + PGSIZE), 0);
    touch_stack(end);
    check_eq("the area below a full stack is as it was", *word_at(below + 3 * PGSIZE), 0);
    assert(mmap_at(fixed, PGSIZE) == 0);        /* a fixed address may be in the room */
    expect_killed("a stack that grows to its neighbour", write_to, fixed + PGSIZE);
    check_eq("a stack leaves a page to its neighbour", child_code(write_to, fixed + 2 * PGSIZE),
             0);
    assert(munmap(fixed, PGSIZE) == 0 && munmap(other, PGSIZE) == 0);
    assert(munmap(below, 4 * PGSIZE) == 0 && munmap(lowest, STACK_PAGES * PGSIZE) == 0);
}

int main(void)
{
    check_split();
    check_readonly();
    check_refusals();
    check_many();
    check_stacks();
    uintptr_t stack = new_area(16 * PGSIZE, MMAP_WRITE | MMAP_STACK);

    *word_at(stack + 16 * PGSIZE - sizeof(int)) = 1;
    *word_at(stack + 8 * PGSIZE) = 1;
    assert(munmap(stack, 16 * PGSIZE) == 0);
    return check_done();
}
