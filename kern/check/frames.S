/* The return addresses of a call stack, for stacks.c: debug/backtrace.c draws what lies there.

   int frames_of(uint64_t fp, uint32_t pc[], int room, const struct stack_bounds *)

   Stores up to `room` addresses, as distances from the beginning of the kernel's code, and returns
   how many. It begins with the function whose frame pointer is fp, and stops where the chain leaves
   the stack or does not lead upwards. Assembly, because it runs at each allocation. */
.globl frames_of
.type frames_of, @function
frames_of:
    ld a4, 0(a3)                # the lowest byte of the stack, and behind its last
    ld a5, 8(a3)
    addi a4, a4, 16
    la a6, kernel_text_start
    la a7, kernel_text_end
    sub a7, a7, a6
    mv t0, a1
    slli a2, a2, 2
    add a2, a2, a1
1:  beq a1, a2, 3f
    andi t1, a0, 15
    bnez t1, 3f
    bltu a0, a4, 3f
    bgtu a0, a5, 3f
    ld t1, -8(a0)
    sub t2, t1, a6
    bgeu t2, a7, 2f             # no code: a function that has saved no return address
    sw t2, 0(a1)
    addi a1, a1, 4
    ld t1, -16(a0)
2:  bleu t1, a0, 3f
    mv a0, t1
    j 1b
3:  sub a0, a1, t0
    srli a0, a0, 2
    ret
