/* Memory that a program gets is zero: also where another process, or this one, filled the same
   pages before and gave them back. */
#include <stdio.h>
#include <string.h>
#include <testing.h>
#include <ulib.h>

#define SIZE            (256 * PGSIZE)
#define STACK_DEPTH     100

static void check_zero(const char *what, uintptr_t start, size_t len)
{
    for (uintptr_t addr = start; addr < start + len; addr += sizeof(uint64_t))
        if (*(volatile uint64_t *)addr != 0)
            panic("%s: 0x%lx holds 0x%lx", what, addr, *(volatile uint64_t *)addr);
}

static uintptr_t new_area(void)
{
    uintptr_t area = 0;

    assert(mmap(&area, SIZE, MMAP_WRITE) == 0);
    return area;
}

static uintptr_t new_heap(void)
{
    uintptr_t start = 0;

    assert(brk(&start) == 0);
    start = ROUNDUP(start, PGSIZE);
    uintptr_t end = start + SIZE;

    assert(brk(&end) == 0 && end >= start + SIZE);
    return start;
}

/* A page of fresh stack in each call, below what was used before. */
static __attribute__((noinline)) int check_stack(int depth)
{
    volatile uint64_t page[PGSIZE / sizeof(uint64_t)];
    volatile uint64_t *fresh = page;
    uint64_t found = 0;

    asm volatile("" : "+r"(fresh) : : "memory");
    if (depth < STACK_DEPTH)
        return check_stack(depth + 1) + (page[0] = 0);  /* not a tail call: it keeps page */
    for (size_t i = 0; i < ARRAY_SIZE(page); i++)
        found |= fresh[i];
    assert(found == 0);
    return 0;
}

/* Fill all there is and give it back by exit, as a process with secrets would. */
static void fill_and_exit(uintptr_t arg)
{
    uintptr_t area = new_area(), heap = new_heap();

    (void)arg;
    check_zero("mmap", area, SIZE);
    check_zero("brk", heap, SIZE);
    memset((void *)area, 0xA5, SIZE);
    memset((void *)heap, 0xA5, SIZE);
}

int main(void)
{
    for (int round = 0; round < 4; round++) {
        assert(child_code(fill_and_exit, 0) == 0);
        uintptr_t area = new_area();

        check_zero("mmap after another process's exit", area, SIZE);
        memset((void *)area, 0xA5, SIZE);
        assert(munmap(area, SIZE) == 0);
    }
    uintptr_t start = new_heap(), end = start;

    memset((void *)start, 0xA5, SIZE);
    assert(brk(&end) == 0);
    assert(new_heap() == start);
    check_zero("brk after it shrank", start, SIZE);
    check_stack(0);
    cprintf("demandzero pass.\n");
    return 0;
}
