/* long fuzz_ecall(long number, const uint64_t args[5], bool ends): any system call, from C in user
   mode.

   A call that makes a process returns twice. If the new process has a stack that is none, or its
   parent's, it may not touch it: with `ends` it exits here, and all that it needs is in registers.
   The kernel keeps all registers but a0 (libs/unistd.h), so ra and t2 are what they were. */
#include <unistd.h>

    # a0 = number, a1 = args, a2 = ends; ra = the caller
    .section .text.fuzz_ecall, "ax", @progbits
    .globl fuzz_ecall
    .type fuzz_ecall, @function
fuzz_ecall:
    mv      t1, a1
    mv      t2, a2
    ld      a1, 0(t1)
    ld      a2, 8(t1)
    ld      a3, 16(t1)
    ld      a4, 24(t1)
    ld      a5, 32(t1)
    ecall
    beqz    t2, 1f
    beqz    a0, 2f
1:
    ret
2:
    li      a0, SYS_exit            # the child
    li      a1, 0
    ecall
    j       2b
    .size fuzz_ecall, . - fuzz_ecall
