/* How a short function does without saving registers for what it almost never calls.

   spin_lock() and spin_unlock() are inlined into many functions, some of which call nothing else.
   Were their rare parts called like any function, each of these would keep its values in registers
   that it must save first, and give back at its end, each time. So the rare parts are called by
   rare_call() of spinlock.h, and this saves what a call may destroy instead.

   For backtraces it leaves pairs as each function does (debug/backtrace.c), so that the chain leads
   to the caller, and on to the caller's caller. */
#include <riscv/memlayout.h>

#define SIZE    128             /* of the frame: 11 registers, two pairs, 8 bytes to fill up */
#define SAVED   a0,a1,a2,a3,a4,a5,a6,a7,t4,t5,t6

.text

# From rare_call() only, anywhere in the kernel; interrupts are as that function finds them.
#
# On entry:
#   t0         where to return to: in the caller
#   t2, t3     the argument, and the function
#   s0         the caller's frame pointer
#   ra         the caller's return address, if the caller has not saved it; else of no value
#   the others the caller's, and of value
# At its ret: all are as they were, but t0 to t3; and tp, if the function has given way: then
# this is another hart.
.globl rare_call_save
.type rare_call_save, @function
rare_call_save:
    addi sp, sp, -SIZE
    sd ra, SIZE-8(sp)           # the upper pair, of the caller
    sd s0, SIZE-16(sp)
    sd t0, SIZE-24(sp)          # the lower pair, of this function
    # A caller that has saved its return address has a pair itself, below s0: there the chain goes
    # on. One that has not has only its caller's fp there, a place a little above on the same stack;
    # then the upper pair is its own, and in the chain too.
    sd s0, SIZE-32(sp)
    ld t0, -8(s0)
    sub t0, t0, s0
    srli t0, t0, KSTACK_SHIFT
    bnez t0, 1f
    addi t0, sp, SIZE
    sd t0, SIZE-32(sp)
1:  addi s0, sp, SIZE-16
    .set at, 0
    .irp reg, SAVED
    sd \reg, at(sp)
    .set at, at+8
    .endr

    mv a0, t2
    jalr t3

    .set at, 0
    .irp reg, SAVED
    ld \reg, at(sp)
    .set at, at+8
    .endr
    ld ra, SIZE-8(sp)
    ld s0, SIZE-16(sp)
    ld t0, SIZE-24(sp)
    addi sp, sp, SIZE
    jr t0
