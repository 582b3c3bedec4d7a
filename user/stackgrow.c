/* stackgrow: the stack grows on demand.

   It grows by small steps and by large ones, to 256 pages. A process that wants more is killed, and
   its parent's stack is not touched by that. */
#include <error.h>
#include <report.h>
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

/* Use a large array. Its lowest byte is touched first, far below everything that is mapped. */
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
    check_eq("the stack grows by 200 pages at once", child_code(large_array, 0), 0);
    check_eq("the stack grows in small steps, nearly to its end",
             child_code(recurse_in_child, NEAR_THE_END), 0);
    check_eq("a process that needs more than 256 pages is killed",
             child_code(recurse_in_child, BEYOND), -E_KILLED);
    check_eq("its parent's stack grows all the same", recurse(NEAR_THE_END), NEAR_THE_END + 1);
    check_eq("a child uses its copy of the grown stack", child_code(recurse_in_child, 10), 0);
    return check_done();
}
