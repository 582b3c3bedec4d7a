/* demandzero: memory that a program gets is zero.

   This holds for areas, for the heap and for the stack, also if another process or this one filled
   the same pages before and gave them back. Else a program could read what others have left. */
#include <report.h>
#include <string.h>
#include <testing.h>
#include <ulib.h>

#define SIZE            (256 * PGSIZE)
#define STACK_DEPTH     100

/* Bits of the exit code of a child that finds something else than zeros. */
#define AREA_JUNK       1
#define HEAP_JUNK       2

/* The first word that is not zero; zero if there is none. */
static uint64_t find_junk(uintptr_t start, size_t len)
{
    uint64_t word = 0;

    for (uintptr_t addr = start; addr < start + len && word == 0; addr += sizeof(word))
        word = *(volatile uint64_t *)addr;
    return word;
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

/* Each call takes a page of the stack below what was used before. It returns the bits that are set
   in the lowest of these pages. */
static __attribute__((noinline)) uint64_t read_stack(int depth)
{
    volatile uint64_t page[PGSIZE / sizeof(uint64_t)];
    volatile uint64_t *fresh = page;
    uint64_t found = 0;

    asm volatile("" : "+r"(fresh) : : "memory");
    if (depth < STACK_DEPTH)
        return read_stack(depth + 1) + (page[0] = 0);   /* not a tail call: it keeps page */
    for (size_t i = 0; i < ARRAY_SIZE(page); i++)
        found |= fresh[i];
    return found;
}

/* Fill an area and the heap, and give them back by exit. A process with secrets does the same. */
static void fill_and_exit(uintptr_t arg)
{
    uintptr_t area = new_area(), heap = new_heap();
    int code = find_junk(area, SIZE) != 0 ? AREA_JUNK : 0;

    (void)arg;
    code |= find_junk(heap, SIZE) != 0 ? HEAP_JUNK : 0;
    memset((void *)area, 0xA5, SIZE);
    memset((void *)heap, 0xA5, SIZE);
    exit(code);
}

int main(void)
{
    uint64_t junk = 0;
    int codes = 0;

    for (int round = 0; round < 4; round++) {
        codes |= child_code(fill_and_exit, 0);
        uintptr_t area = new_area();

        junk |= find_junk(area, SIZE);
        memset((void *)area, 0xA5, SIZE);
        assert(munmap(area, SIZE) == 0);
    }
    check_eq("an area of a new process is zero", codes & ~HEAP_JUNK, 0);
    check_eq("the heap of a new process is zero", codes & ~AREA_JUNK, 0);
    check_eq("an area is zero, also if a process that ended had the pages before", junk, 0);
    uintptr_t start = new_heap(), end = start;

    memset((void *)start, 0xA5, SIZE);
    assert(brk(&end) == 0);
    assert(new_heap() == start);
    check_eq("a heap that shrank is zero when it grows again", find_junk(start, SIZE), 0);
    check_eq("a page that the stack grows by is zero", read_stack(0), 0);
    return check_done();
}
