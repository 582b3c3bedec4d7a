/* brk: the heap grows and shrinks by the system call brk.

   What is in the heap stays when it grows, its memory ends where brk says, and memory that was
   given back is zero when it returns. An end that makes no sense is refused and changes nothing. */
#include <error.h>
#include <report.h>
#include <string.h>
#include <testing.h>
#include <ulib.h>

static uintptr_t heap_end(void)
{
    uintptr_t end = 0;

    assert(brk(&end) == 0 && end != 0);
    return end;
}

/* Move the end of the heap. The kernel may round it up to the end of a page. */
static void set_end(uintptr_t wanted)
{
    uintptr_t end = wanted;

    assert(brk(&end) == 0);
    assert(end >= wanted && end < wanted + PGSIZE);
    assert(heap_end() == end);
}

static void check_refused(uintptr_t wanted)
{
    uintptr_t before = heap_end(), end = wanted;
    int error = brk(&end);

    if (heap_end() != before)
        panic("brk took 0x%lx as the heap's end", wanted);
    if (error == 0 && end != before)
        panic("brk of 0x%lx says 0x%lx, the end is 0x%lx", wanted, end, before);
}

static void check_growth(uintptr_t start)
{
    char junk = 0;

    set_end(start + 10);
    strcpy((char *)start, "heap");
    set_end(start + 20 * PGSIZE);
    check("the heap keeps what is in it when it grows", strcmp((char *)start, "heap") == 0);
    memset((void *)start, 1, 20 * PGSIZE);
    set_end(start + 5 * PGSIZE);
    check_eq("the heap keeps what is left of it when it shrinks",
             *(char *)(start + 5 * PGSIZE - 1), 1);
    check_eq("a write behind the heap's end kills", child_code(write_to, start + 5 * PGSIZE),
             -E_KILLED);
    check_eq("a read behind the heap's end kills", child_code(read_from, start + 19 * PGSIZE),
             -E_KILLED);
    set_end(start + 20 * PGSIZE);
    for (int page = 5; page < 20; page++)
        junk |= *(char *)(start + page * PGSIZE);
    check_eq("memory that was given back is zero when it returns", junk, 0);
}

int main(void)
{
    uintptr_t start = ROUNDUP(heap_end(), PGSIZE);

    check_growth(start);
    check_refused(1);
    check_refused(0x800000);
    check_refused(0x4000000000 - PGSIZE);               /* into the stack */
    check_refused(0x4000000000 + PGSIZE);
    check_refused(KERNEL_TEXT);
    check_refused(UINTPTR_MAX);
    check_refused(UINTPTR_MAX - PGSIZE + 1);
    assert(brk(NULL) < 0);
    assert(brk((uintptr_t *)KERNEL_TEXT) == -E_FAULT);
    assert(brk((uintptr_t *)heap_end) < 0);
    set_end(start);
    check_eq("a write into a heap that is gone kills", child_code(write_to, start), -E_KILLED);
    for (int i = 1; i <= 200; i++) {
        set_end(start + i * PGSIZE * 3 / 2);
        *(int *)(start + i * PGSIZE * 3 / 2 - sizeof(int)) = i;
    }
    return check_done();
}
