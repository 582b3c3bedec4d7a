/* Where a program begins. The kernel's exec jumps here in user mode with a0 = argc, a1 = argv, and
   sp at the end of the stack, below the arguments. */
    .section .text.start, "ax", @progbits
    .globl _start
    .type _start, @function
_start:
    li      ra, 0                   # a backtrace ends here
    li      s0, 0
    andi    sp, sp, -16             # the calling convention wants it aligned
    call    umain                   # does not return
    .size _start, . - _start
