/* Where a program begins. The kernel's exec jumps to _start, in user mode. At this point:

     a0         argc
     a1         argv: an array of argc pointers and a NULL, which is on the stack with the strings
     sp         below the arguments, at the end of the stack
     all other registers are 0, and floating point is off until it is used */
    .section .text.start, "ax", @progbits
    .globl _start
    .type _start, @function
_start:
    li      ra, 0                   # a backtrace ends here
    li      s0, 0
    andi    sp, sp, -16             # the calling convention wants it aligned
    call    umain                   # with argc and argv; does not return
    .size _start, . - _start
