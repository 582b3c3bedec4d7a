/* Three functions that are to be read: exercise 0.4. What they do is not told here: there is no C
   text of them. A table is all that the test program sees.

   They follow the calling convention: arguments in a0 and a1, the result in a0; they call nothing,
   so they have no stack frame, and use only registers that a caller must not rely on. Each begins
   at its label; a number with b or f behind it is a local label before or after that line. */
    .section .text.riddles, "ax"

/* one(x): x is an unsigned number of 64 bits. */
    .type one, @function
one:
    li      a1, 0
1:  beqz    a0, 2f
    addi    a2, a0, -1
    and     a0, a0, a2
    addi    a1, a1, 1
    j       1b
2:  mv      a0, a1
    ret
    .size one, . - one

/* two(p, n): p points to n numbers. Of what kind these are is a part of the riddle. */
    .type two, @function
two:
    li      a2, 0
1:  beqz    a1, 3f
    lh      a3, 0(a0)
    bltz    a3, 2f
    add     a2, a2, a3
2:  addi    a0, a0, 2
    addi    a1, a1, -1
    j       1b
3:  mv      a0, a2
    ret
    .size two, . - two

/* three(x, y): both are unsigned numbers of 64 bits. There is no branch in it. */
    .type three, @function
three:
    sltu    a2, a0, a1
    neg     a2, a2
    sub     a0, a0, a1
    xor     a0, a0, a2
    sub     a0, a0, a2
    ret
    .size three, . - three

    .section .rodata.riddles, "a"
    .balign 8
    .globl  riddles
riddles:
    .dword  one, two, three
