/* The stack grows on demand, by small steps and by large ones, to 256 pages; a process that wants
   more is killed. */
#include <error.h>
#include <stdio.h>
#include <testing.h>
#include <ulib.h>

#define FRAME           2048
#define NEAR_THE_END    (245 * PGSIZE / FRAME)
#define BEYOND          (300 * PGSIZE / FRAME)

/* Each call uses FRAME bytes; their contents are checked on the way back. */
static __attribute__((noinline)) int recurse(int depth)
{
    int array[FRAME / sizeof(int)];
    volatile int *frame = array;

    asm volatile("" : "+r"(frame) : : "memory");        /* keep all of the array in memory */
    frame[0] = depth;
    frame[FRAME / sizeof(int) - 1] = ~depth;
    int calls = depth > 0 ? recurse(depth - 1) + 1 : 1;

    assert(frame[0] == depth && frame[FRAME / sizeof(int) - 1] == ~depth);
    return calls;
}

static void recurse_in_child(uintptr_t depth)
{
    assert(recurse(depth) == (int)depth + 1);
}

/* Touches its lowest byte first: far below everything that is mapped. */
static void large_array(uintptr_t first)
{
    volatile char array[200 * PGSIZE];

    array[first] = 1;
    for (size_t i = 0; i < sizeof(array); i += PGSIZE)
        array[i + 1] = i / PGSIZE;
    for (size_t i = 0; i < sizeof(array); i += PGSIZE)
        assert(array[i + 1] == (char)(i / PGSIZE));
    assert(array[first] == 1);
}

int main(void)
{
    assert(child_code(large_array, 0) == 0);
    assert(child_code(recurse_in_child, NEAR_THE_END) == 0);
    expect_killed("a stack of more than 256 pages", recurse_in_child, BEYOND);
    assert(recurse(NEAR_THE_END) == NEAR_THE_END + 1);
    assert(child_code(recurse_in_child, 10) == 0);
    cprintf("stackgrow pass.\n");
    return 0;
}
