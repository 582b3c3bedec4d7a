/* __clone(): a new process that shares the caller's memory and begins in a function of its own.

   int __clone(uint32_t clone_flags, uintptr_t stack, int (*fn)(void *), void *arg), called from C
   in user mode; thread.h says what it does.

   The new process has no C code to return to: its stack is empty. So the call is made here, in
   assembly, and what both processes need after it is kept in registers, not on the stack. */
#include <unistd.h>

    # What the registers hold, in user mode:
    #
    #   at the call      a0 = clone_flags, a1 = stack, a2 = fn, a3 = arg, ra = the caller
    #   at the ecall     a0 = SYS_clone, a1 = clone_flags, a2 = stack, t0 = fn, t1 = arg
    #   behind it, in the caller           a0 = the new pid or an error; sp and ra as before
    #   behind it, in the new process      a0 = 0, sp = stack; t0 and t1 as in the caller
    #   at fn            a0 = arg, s0 = 0: a backtrace ends here
    .section .text.__clone, "ax", @progbits
    .globl __clone
    .type __clone, @function
__clone:
    # The stack is made a multiple of 16, as the calling convention wants it.
    mv      t0, a2                  # fn and arg wait in registers that the
    mv      t1, a3                  # kernel copies to the new process
    andi    a2, a1, -16
    mv      a1, a0
    li      a0, SYS_clone
    ecall
    # Both processes go on here, with the same registers but three: in the new one a0 is 0, sp is
    # the stack that was given, and tp is its pid (see sync.c); in the caller a0 is the new one's
    # pid or a negative error.
    beqz    a0, 1f
    ret
1:
    li      ra, 0                   # a backtrace ends here
    li      s0, 0
    mv      a0, t1
    jalr    t0
    call    exit
    .size __clone, . - __clone
