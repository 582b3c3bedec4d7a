/* badsegment: accesses outside of the program's segments, and accesses that a segment does not
   allow.

   Text and constants cannot be written, data and the stack cannot be run, and between and around
   the segments there is nothing. Each such access kills the process, which is a child here. */
#include <report.h>
#include <stdio.h>
#include <testing.h>
#include <ulib.h>

#define UTEXT   0x800000UL

/* The instruction `ret`, as data. */
static unsigned int code_in_data[] = { 0x00008067 };
static const int constant = 1;

int main(void)
{
    static const uintptr_t nowhere[] = {
        UTEXT - 1,                      /* below the text */
        0x20000000,                     /* far behind the heap */
        0x80200000,                     /* where the kernel is in physical memory */
        0x4000000000 - 256 * PGSIZE - 8, /* below all that the stack may have */
        0x4000000000,                   /* not canonical */
        0x8000000000000000,
        0xFFFFFFFFFFFFFFF8,
    };

    for (size_t i = 0; i < ARRAY_SIZE(nowhere); i++) {
        expect_killed("read outside the segments", read_from, nowhere[i]);
        expect_killed("write outside the segments", write_to, nowhere[i]);
        expect_killed("jump outside the segments", jump_to, nowhere[i] & ~3UL);
    }
    expect_killed("write into the text", write_to, (uintptr_t)main);
    expect_killed("write into a constant", write_to, (uintptr_t)&constant);
    expect_killed("jump into the data", jump_to, (uintptr_t)code_in_data);
    expect_killed("jump into the stack", jump_to, (uintptr_t)&(int){ 0 } & ~3UL);
    cprintf("badsegment pass.\n");
    return check_done();
}
