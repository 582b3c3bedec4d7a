/* faultreadkernel: the kernel's memory is mapped in every address space, but not for user mode.

   Its entries have no U. So a program that reads, writes or jumps there is killed, as if nothing
   were there. */
#include <report.h>
#include <stdio.h>
#include <testing.h>
#include <ulib.h>

int main(void)
{
    static const uintptr_t kernel[] = {
        KERNEL_TEXT,
        0xFFFFFFC000000000,             /* the beginning of Sv39's upper half */
        0xFFFFFFC080000000,             /* where memory begins, mapped linearly */
        0xFFFFFFC082000000,
        0xFFFFFFD000000000,
        0xFFFFFFFFC0200000,             /* ucore's KERNBASE */
    };

    for (size_t i = 0; i < ARRAY_SIZE(kernel); i++) {
        expect_killed("read of kernel memory", read_from, kernel[i]);
        expect_killed("write to kernel memory", write_to, kernel[i]);
        expect_killed("jump into the kernel", jump_to, kernel[i]);
    }
    cprintf("faultreadkernel pass.\n");
    return check_done();
}
